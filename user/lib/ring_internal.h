/* SPDX-License-Identifier: BSD-2-Clause */
/* ring_internal.h - what each kind of ring brings to ring.c. */
#ifndef XSKIT_RING_INTERNAL_H
#define XSKIT_RING_INTERNAL_H

#include <xskit/ring.h>

struct xk_ring_counts {
	uint64_t produced, consumed;
};

struct xk_ring_ops {
	bool (*valid)(const struct xk_ring_shape *shape);
	size_t (*own_bytes)(const struct xk_ring_shape *shape);
	void (*format)(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t first);
	/* Finish what the dead holder of a seat, whose lock we have, left undone; NULL: nothing. */
	void (*mend)(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat);
	void (*count)(struct xk_ring *ring, const struct xk_ring_shape *shape,
		      struct xk_ring_counts *counts);
	/* Do the counters fit each other? Never no of a live ring, however it moves meanwhile. */
	bool (*fits)(struct xk_ring *ring, const struct xk_ring_shape *shape);
};

extern const struct xk_ring_ops xk_ring_spsc_ops, xk_ring_spsc_latency_ops, xk_ring_fanin_ops,
	xk_ring_mpmc_ops;

/* Of a valid shape. */
const struct xk_ring_ops *xk_ring_ops(const struct xk_ring_shape *shape);

static inline size_t xk_ring_apart(size_t bytes)
{
	return (bytes + XK_RING_APART - 1) / XK_RING_APART * XK_RING_APART;
}

/* Why xk_ring_check() said ret, in words. */
int xk_ring_refused(void *mem, size_t len, int ret, const char *what, struct xk_err *err);

/* Ring, also where nobody seems to wait: whoever was to be woken may have lost its waker to death.
 */
void xk_ring_call(struct xk_ring_bell *bell);

/* The same memory through an open file description of its own, which seats' locks need; or -errno.
 */
int xk_ring_reopen(int fd);
void xk_ring_close(int lock_fd); /* -1: nothing */

bool xk_ring_seat_locked(int lock_fd, uint32_t seat); /* by another than lock_fd */

/* A seat whose lock we have, and whose state said locked, is mended and free. */
void xk_ring_mend(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat);

/* Mend all seats with this lock, but `except`; how many. */
unsigned xk_ring_mend_all(struct xk_ring *ring, const struct xk_ring_shape *shape, int lock_fd,
			  uint32_t except);

#endif
