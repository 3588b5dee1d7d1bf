/* SPDX-License-Identifier: BSD-2-Clause */
/* port_internal.h - what port.c (the packet's way) and port_open.c (set-up and end) share. */
#ifndef XSKIT_PORT_INTERNAL_H
#define XSKIT_PORT_INTERNAL_H

#include <xskit/port.h>
#include "compat.h"

/* One of the four rings, as mapped; the private indices run ahead of what is published. */
struct ring {
	uint32_t *producer, *consumer, *flags;
	void *entries; /* uint64_t addresses, or struct xdp_desc */
	uint32_t mask, size;
	uint32_t cached_prod, cached_cons;
	void *map;
	size_t map_len;
};

struct xk_port {
	struct ring rx, fill;
	struct ring tx, comp;
	struct xk_umem_cache *cache;
	int fd;
	uint16_t umem_id;
	uint32_t budget; /* frames one sendto sends in copy mode */
	uint32_t frames, frame_shift;
	uint32_t idle_calls; /* to send, that moved nothing, in a row, since ... */
	uint64_t idle_since;
	uint8_t *given; /* a byte a frame: the ring it was given away through and is not back from,
			   XK_OWNER_FILL or XK_OWNER_TX; 0: not ours to take back */
	/* counters have one writer and lie on lines of their own: readers do not disturb the rings
	 */
	struct xk_port_stats stats __attribute__((aligned(128)));
	struct xk_port_info info __attribute__((aligned(128)));
	struct xk_umem_holder holder;
};

/* Debug builds check every change of a frame's owner. */
#ifdef XK_DEBUG
#define moved(port, addr, from, to) xk_umem_moved((port)->cache->umem, addr, from, to)
#else
#define moved(port, addr, from, to) ((void)0)
#endif

void port_refill(struct xk_port *port);

#endif
