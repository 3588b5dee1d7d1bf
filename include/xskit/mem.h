/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.h - a block of shared memory on a chosen NUMA node.
 *
 * A block is a memfd: huge pages if there are any, given to the node with mbind(2) before the first
 * touch (preferred: a full node must not mean SIGBUS or the OOM killer), populated at once, and
 * then looked at with move_pages(2), so that what xk_mem_info() says is where the pages are and not
 * where they were asked for. Once mapped it is sealed against shrinking, growing and further
 * writable mappings, so that it may be handed to other processes, which can map it read-only.
 *
 * Thread contract: create and destroy from one thread at a time; the info is constant and may be
 * read by all.
 */
#ifndef XSKIT_MEM_H
#define XSKIT_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <xskit/err.h>

#ifdef __cplusplus
extern "C" {
#endif

enum xk_huge {
	XK_HUGE_AUTO, /* huge pages if there are enough free ones, else small ones */
	XK_HUGE_ON,   /* huge pages or -ENOMEM */
	XK_HUGE_OFF,
};

struct xk_mem_config {
	size_t size; /* bytes, more than 0; rounded up to whole pages */
	int node;    /* NUMA node number, -1: wherever the kernel likes */
	enum xk_huge huge;
};

struct xk_mem_info {
	void *addr;       /* start of the mapping, page-aligned */
	size_t size;      /* bytes mapped */
	size_t page_size; /* bytes a page: 4096, or the size of a huge page */
	int node; /* node that holds every page, -1: they are spread, or it could not be told */
	int fd;   /* the memfd; owned by the block */
	bool huge;
};

struct xk_mem;

/*
 * Errors: -EINVAL size 0 or no such node; -ENOMEM not enough memory (XK_HUGE_ON: huge pages);
 * otherwise the errno of memfd_create, ftruncate, mmap or fcntl. A node that cannot be bound or
 * that has no memory left is not an error here: compare info->node with what was asked.
 */
int xk_mem_create(struct xk_mem **mem, const struct xk_mem_config *config, struct xk_err *err);
void xk_mem_destroy(struct xk_mem *mem); /* NULL: nothing */
const struct xk_mem_info *xk_mem_info(const struct xk_mem *mem);

#ifdef __cplusplus
}
#endif
#endif
