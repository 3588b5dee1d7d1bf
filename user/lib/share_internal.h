/* SPDX-License-Identifier: BSD-2-Clause */
/* share_internal.h - what share.c (names), share_pages.c and share_socket.c share. */
#ifndef XSKIT_SHARE_INTERNAL_H
#define XSKIT_SHARE_INTERNAL_H

#include <xskit/share.h>
#include "mem_internal.h"

struct xk_share {
	struct xk_mem_info mem;
	struct xk_share_info info; /* what the user sees: mem, and whose it is */
	char *name;                /* NULL: memfd */
	bool fresh;                /* created, not published */
};

#define NO_MEM                                                                                     \
	{                                                                                          \
		.addr = NULL, .fd = -1                                                             \
	}
#define SHARE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* The share takes the memory over, also when it fails (-ENOMEM). name: copied, NULL: memfd. */
int share_wrap(struct xk_share **out, struct xk_mem_info *mem, const char *name, uid_t owner,
	       struct xk_err *err);

/* An empty file in mem->fd becomes memory as the config wants it, huge or not at all. */
int share_fill(struct xk_mem_info *mem, const struct xk_mem_config *config, bool huge,
	       struct xk_err *err);
/* Map a file that is full already, mem->fd of mem->size bytes, and say what its pages are. */
int share_map(struct xk_mem_info *mem, const char *what, struct xk_err *err);
size_t share_huge_size(void); /* of a transparent huge page; 0: this kernel has none */

#endif
