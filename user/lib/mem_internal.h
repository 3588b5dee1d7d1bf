/* SPDX-License-Identifier: BSD-2-Clause */
/* mem_internal.h - how a block gets its file and its pages, for share to do the same. */
#ifndef XSKIT_MEM_INTERNAL_H
#define XSKIT_MEM_INTERNAL_H

#include <stdint.h>
#include <xskit/mem.h>

/* These fill err with "allocate memory" as what they were doing. */
int mem_check_config(const struct xk_mem_config *config, struct xk_err *err);
int mem_check_free(size_t size, struct xk_err *err);

/* A memfd of huge or small pages as the config wants them, mapped, placed and sealed. */
int mem_build(struct xk_mem_info *info, const struct xk_mem_config *config, int seals,
	      struct xk_err *err);
void mem_drop(struct xk_mem_info *info); /* addr NULL, fd -1: those there are not */

/* The steps, on a file in info->fd with info->page_size set. */
int mem_size_file(struct xk_mem_info *info, size_t size, struct xk_err *err); /* sets info->size */
void mem_prefer_node(const struct xk_mem_info *info, int node);
int mem_populate(const struct xk_mem_info *info, struct xk_err *err); /* writes into every page */
int mem_settle(const struct xk_mem_info *info, int wanted); /* the node of every page, or -1 */

size_t mem_page_size(int fd, bool huge);
/* The number behind `key` in a file of lines ("": the file starts with it), or UINT64_MAX. */
uint64_t mem_read_number(const char *path, const char *key);

#endif
