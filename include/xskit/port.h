/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - one AF_XDP socket on one queue of one interface, with its four rings.
 *
 *      kernel                          port                           application
 *   fill ring      <--- refill ----   xk_port_rx   <---- frames ----  xk_umem_cache
 *   RX ring        ---- packets --->  xk_port_rx   ----- packets -->  xk_pkt[]
 *   TX ring        <--- packets ----  xk_port_tx   <---- packets ---  xk_pkt[]
 *   completion ring --- frames ---->  xk_port_reap ----- frames --->  xk_umem_cache
 *
 * A packet is one xk_pkt, or several in a row where all but the last have XK_PKT_MORE set (frames
 * that span buffers). rx never returns, and tx never takes, part of a packet.
 *
 * Ring atomics, each with its partner in the kernel (net/xdp/xsk_queue.h): what we produce is
 * published by a release store of the producer index, read there with acquire; what the kernel
 * produces is seen by an acquire load of its producer index, stored there with release; a consumer
 * index is released after the last read of a slot and acquired by the other side before it is
 * written again.
 *
 * Thread contract: a port belongs to one thread, that of its cache; xk_port_stats(), xk_port_info()
 * and xk_port_xdp_stats() may be called from any.
 */
#ifndef XSKIT_PORT_H
#define XSKIT_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include <xskit/err.h>
#include <xskit/umem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is handed from hand to hand: 16 bytes, the layout of the kernel's struct xdp_desc. */
struct xk_pkt {
	uint64_t addr;  /* offset of the first byte in the UMEM */
	uint32_t len;   /* bytes in this frame */
	uint16_t flags; /* XK_PKT_MORE */
	uint16_t umem;  /* id of the UMEM the address belongs to */
};
#define XK_PKT_MORE 1 /* the packet goes on in the next xk_pkt (XDP_PKT_CONTD) */

/* Bytes: what XDP keeps for itself in front of a packet, and the longest Ethernet header
 * (addresses, two VLAN tags, type). A packet of the MTU fits into a frame if these do, too. */
#define XK_FRAME_HEADROOM 256u
#define XK_FRAME_HEADER   22u
/* Bytes: what a driver's zero-copy may keep for itself behind a packet (virtio_net on 7.2). */
#define XK_FRAME_TAILROOM 384u

/* Frames of one packet at most (MAX_SKB_FRAGS + 1): burst arrays must have room for one packet. */
#define XK_PKT_MAX_FRAMES 18

enum xk_bind {
	XK_BIND_AUTO, /* zero-copy if the driver has it, else copy */
	XK_BIND_COPY,
	XK_BIND_ZEROCOPY,
};

struct xk_port_config {
	uint32_t rx_size, tx_size;     /* ring entries, powers of two; 0: no such direction */
	uint32_t fill_size, comp_size; /* likewise; 0: as large as the ring they serve */
	enum xk_bind bind;
	bool multi_buffer;     /* XDP_USE_SG where the kernel has it (6.6) */
	bool busy_poll;        /* SO_PREFER_BUSY_POLL and its two companions */
	uint32_t busy_budget;  /* packets a busy-poll call, 0: 64 */
	uint32_t busy_usecs;   /* length of a busy-poll call, 0: 20 */
	uint32_t tx_budget;    /* XDP_MAX_TX_SKB_BUDGET, 0: the kernel's own (32) */
	uint32_t bind_wait_ms; /* how long to retry a queue that is busy; 0: 2000 */
};

/* What was granted. */
struct xk_port_info {
	char ifname[16];
	int ifindex;
	uint32_t queue;
	bool zerocopy;
	bool need_wakeup;
	bool multi_buffer;
	bool busy_poll;      /* options accepted; it engages only once napi_id is not 0 */
	uint32_t napi_id;    /* SO_INCOMING_NAPI_ID; see xk_port_look() */
	uint32_t no_busy_tx; /* 1: taken back, the driver sent nothing under busy polling */
	uint32_t tx_budget;  /* in force; 0: the kernel has no such option, or it was not asked */
	int tx_budget_errno; /* why a tx_budget that was asked is not in force: ENOPROTOOPT, EACCES
			      */
	uint32_t rx_size, tx_size, fill_size, comp_size;
};

/* Counted by the port itself; one writer, relaxed. Packets and bytes are whole packets'. */
struct xk_port_stats {
	uint64_t rx_packets, rx_bytes, rx_frames;
	uint64_t tx_packets, tx_bytes, tx_frames;
	uint64_t completed; /* frames the kernel returned on the completion ring */
	uint64_t refilled;  /* frames put into the fill ring */
	uint64_t syscalls;  /* sendto and recvfrom calls made */
};

/* The kernel's own (XDP_STATISTICS). */
struct xk_port_xdp_stats {
	uint64_t rx_dropped, rx_invalid_descs, tx_invalid_descs;
	uint64_t rx_ring_full, rx_fill_ring_empty_descs, tx_ring_empty_descs;
};

struct xk_port;

/*
 * Open a socket, register the cache's UMEM with it, bind it to the queue and fill the fill ring.
 * -EINVAL sizes, or multi-buffer and zero-copy combinations the kernel does not take; -ENODEV no
 * such interface; -ENETDOWN; -EBUSY the queue is bound by another socket
 * (after bind_wait_ms: the kernel frees a dead process's queue a moment late); -EPERM CAP_NET_RAW
 * is missing; -ENOBUFS the UMEM exceeds RLIMIT_MEMLOCK and CAP_IPC_LOCK is missing; -EOPNOTSUPP
 * zero-copy asked of a driver that has none; -ENOMEM.
 */
int xk_port_open(struct xk_port **port, struct xk_umem_cache *cache, const char *ifname,
		 unsigned queue, const struct xk_port_config *config, struct xk_err *err);

/* Every frame the kernel had goes back to the cache. NULL: nothing. */
void xk_port_close(struct xk_port *port);

/*
 * Top up the fill ring from the cache, then receive up to n frames of whole packets; n at least
 * XK_PKT_MAX_FRAMES, and the port must have an RX ring. The caller owns them: give each to
 * xk_port_tx() or xk_port_recycle().
 */
unsigned xk_port_rx(struct xk_port *port, struct xk_pkt *pkts, unsigned n);

/*
 * Put up to n frames of whole packets into the TX ring, which the port must have, and return how
 * many were taken: those are
 * the kernel's until xk_port_reap() brings them back. They leave at the next xk_port_kick().
 */
unsigned xk_port_tx(struct xk_port *port, const struct xk_pkt *pkts, unsigned n);

/* Give received frames back to the cache. */
void xk_port_recycle(struct xk_port *port, const struct xk_pkt *pkts, unsigned n);

/* Take completed frames from the completion ring into the cache; returns how many. */
unsigned xk_port_reap(struct xk_port *port);

/*
 * Wake the kernel where it asks for it: sendto for what is in the TX ring, recvfrom for an empty
 * fill ring. Bounded: at most one call a tx_budget of queued frames. 0; -EAGAIN frames are still
 * queued, kick again later; -ENETDOWN link down, they stay queued; -ENXIO, -ENODEV the interface is
 * gone.
 */
int xk_port_kick(struct xk_port *port);

/* One recvfrom: drives busy polling, and lets pending softirqs run. Errors as xk_port_kick(). */
int xk_port_poll(struct xk_port *port);

unsigned
xk_port_tx_pending(const struct xk_port *port);       /* frames the kernel has not returned yet */
unsigned xk_port_tx_room(const struct xk_port *port); /* free entries of the TX ring */

/* Whole packets in the RX ring that nobody has taken yet; from any thread, a moment's value. */
unsigned xk_port_rx_waiting(const struct xk_port *port);

int xk_port_fd(const struct xk_port *port); /* for poll(2) and the XSKMAP */
/* Constant but for napi_id and no_busy_tx. */
const struct xk_port_info *xk_port_info(const struct xk_port *port);
void xk_port_look(struct xk_port *port); /* read SO_INCOMING_NAPI_ID anew */
void xk_port_stats(const struct xk_port *port, struct xk_port_stats *stats);
int xk_port_xdp_stats(const struct xk_port *port, struct xk_port_xdp_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
