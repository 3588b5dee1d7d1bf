/* SPDX-License-Identifier: BSD-2-Clause */
/* rings_name.h - rings by name: find, make, wait for one. */
#ifndef XSKIT_RINGS_NAME_H
#define XSKIT_RINGS_NAME_H

#include <xskit/share.h>
#include "rings_end.h"

struct rings_named {
	struct xk_share *share;
	const struct xk_share_info *memory;
	struct xk_ring_shape shape;
	bool made; /* by this process */
};

/* The ring of that name. 0, or as xk_ring_check() and xk_share_attach(). */
int rings_open(struct rings_named *ring, const char *name, struct xk_err *err);

/* Why xk_ring_check() said ret of the ring of that name, and what to do. Returns ret. */
int rings_refused(const char *name, void *mem, size_t len, int ret, struct xk_err *err);

/* A new one. 0, or as xk_share_create() and xk_share_publish(): -EEXIST: the name is taken. */
int rings_make(struct rings_named *ring, const char *name, const struct rings_config *config,
	       enum xk_huge huge, int node, mode_t mode, struct xk_err *err);

/* rings_open() as soon as the name is there. -ETIMEDOUT: not within ns (UINT64_MAX: for ever);
 * -EINTR: rings_stopped(). */
int rings_open_awaited(struct rings_named *ring, const char *name, uint64_t ns, struct xk_err *err);

void rings_close(struct rings_named *ring);

#endif
