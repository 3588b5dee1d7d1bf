// SPDX-License-Identifier: BSD-2-Clause
/* The packet's way through one AF_XDP socket. How a port comes to be is in port_open.c. */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>
#include <xskit/atomic.h>
#include "port_internal.h"

_Static_assert(sizeof(struct xk_pkt) == sizeof(struct xdp_desc), "an xk_pkt is a descriptor");
_Static_assert(offsetof(struct xk_pkt, len) == offsetof(struct xdp_desc, len), "same layout");
_Static_assert(XK_PKT_MORE == XDP_PKT_CONTD, "same flag");

/* Frames moved in one go between cache and rings: enough to share an index update. */
#define BATCH 64u

/* Calls to send that move nothing, and for how long, before busy polling is blamed. */
#define IDLE_CALLS 8u
#define IDLE_NS    20000000u

/* --- rings: the acquire/release partners are in the kernel, see port.h --- */

/* Entries we may read: at most `want`, looking at the kernel's index only when short of them. */
static inline uint32_t ring_filled(struct ring *ring, uint32_t want)
{
	uint32_t filled = ring->cached_prod - ring->cached_cons;

	if (filled < want) {
		ring->cached_prod = xk_load_acquire(ring->producer);
		filled = ring->cached_prod - ring->cached_cons;
	}
	return filled < want ? filled : want;
}

/* Entries we may write, likewise. */
static inline uint32_t ring_room(struct ring *ring, uint32_t want)
{
	uint32_t room = ring->size - (ring->cached_prod - ring->cached_cons);

	if (room < want) {
		ring->cached_cons = xk_load_acquire(ring->consumer);
		room = ring->size - (ring->cached_prod - ring->cached_cons);
	}
	return room < want ? room : want;
}

static inline void ring_produced(struct ring *ring, uint32_t n)
{
	ring->cached_prod += n;
	xk_store_release(ring->producer, ring->cached_prod);
}

static inline void ring_consumed(struct ring *ring, uint32_t n)
{
	ring->cached_cons += n;
	xk_store_release(ring->consumer, ring->cached_cons);
}

/*
 * Which frames are with the kernel: only this can tell, for the rings cannot be read any more once
 * the socket is gone, and do not name those that the kernel holds itself. A copy of what lies in
 * the port, because the compiler must think that a byte written changes anything in memory.
 */
struct books {
	uint8_t *given;
	uint32_t frames, shift;
};

static inline struct books open_books(const struct xk_port *port)
{
	return (struct books){port->given, port->frames, port->frame_shift};
}

static inline void give(struct books books, uint64_t addr, enum xk_owner to)
{
	uint64_t frame = addr >> books.shift;

	if (__builtin_expect(frame < books.frames, 1))
		books.given[frame] = (uint8_t)to;
}

/* Room for n frames on top of the cache's stock; NULL: one by one, some must go to the depot. */
static inline uint64_t *cache_room(struct xk_umem_cache *cache, unsigned n)
{
	return n <= cache->size - cache->count ? cache->stock + cache->count : NULL;
}

/* n frames off the cache's stock, where they lie; in `space` if some must come from the depot. */
static inline const uint64_t *cache_take(struct xk_umem_cache *cache, uint64_t *space, unsigned *n)
{
	if (*n <= cache->count) {
		cache->count -= *n;
		return cache->stock + cache->count;
	}
	*n = xk_umem_get(cache, space, *n);
	return space;
}

static inline bool ring_wants_wakeup(const struct ring *ring)
{
	return xk_load_relaxed(ring->flags) & XDP_RING_NEED_WAKEUP;
}

/* --- receive --- */

static unsigned fill_once(struct xk_port *port)
{
	struct ring *fill = &port->fill;
	const struct books books = open_books(port);
	uint64_t *entries = fill->entries, space[BATCH];
	const uint64_t *addrs;
	uint32_t at = fill->cached_prod, mask = fill->mask;
	unsigned n = ring_room(fill, BATCH);

	/* wait for a batch's worth of room: fewer index updates. Not in a ring where less than a
	   packet of several frames could be left by then: the kernel would wait for the rest. */
	if (n < BATCH && fill->size >= 2 * BATCH)
		return 0;
	addrs = cache_take(port->cache, space, &n);
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		moved(port, addrs[i], XK_OWNER_APP, XK_OWNER_FILL);
		give(books, addrs[i], XK_OWNER_FILL);
		entries[(at + i) & mask] = addrs[i];
	}
	ring_produced(fill, n);
	xk_bump(&port->stats.refilled, n);
	return n;
}

void port_refill(struct xk_port *port)
{
	/* bounded: the ring has room for so many batches, and each one takes some */
	for (uint32_t room = port->fill.size; room >= BATCH; room -= BATCH)
		if (fill_once(port) < BATCH)
			return;
	if (port->fill.size < BATCH)
		fill_once(port);
}

/*
 * Whether a refill is worth looking for. An idle receiver, or one that gets single packets, goes by
 * its own counters: the fill ring's index lies on a line that the kernel writes with every packet,
 * and whoever reads it makes the sender's CPU fetch it back. Behind a large burst it is read
 * anyway, because the kernel may have used up frames that still wait in the RX ring.
 */
static inline bool fill_due(const struct xk_port *port)
{
	uint32_t given = (uint32_t)(port->stats.refilled - port->stats.rx_frames);
	uint32_t room = port->fill.size - given;

	return port->fill.size >= 2 * BATCH ? room >= BATCH : room > 0;
}

/* Length of the longest run of whole packets among the first n descriptors. */
static uint32_t whole_packets(const struct ring *rx, uint32_t n)
{
	const struct xdp_desc *descs = rx->entries;

	while (n && (descs[(rx->cached_cons + n - 1) & rx->mask].options & XDP_PKT_CONTD))
		n--;
	return n;
}

unsigned xk_port_rx(struct xk_port *port, struct xk_pkt *pkts, unsigned n)
{
	struct ring *rx = &port->rx;
	const struct books books = open_books(port);
	const struct xdp_desc *descs = rx->entries;
	const uint32_t at = rx->cached_cons, mask = rx->mask;
	const uint16_t umem_id = port->umem_id;
	uint64_t bytes = 0;
	unsigned fragments = 0;

	n = ring_filled(rx, n);
	if (n >= BATCH / 4 || fill_due(port))
		port_refill(port);
	n = whole_packets(rx, n);
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		const struct xdp_desc desc = descs[(at + i) & mask];
		uint16_t more = desc.options & XDP_PKT_CONTD;

		moved(port, desc.addr, XK_OWNER_FILL, XK_OWNER_APP);
		give(books, desc.addr, XK_OWNER_APP);
		pkts[i] = (struct xk_pkt){desc.addr, desc.len, more, umem_id};
		bytes += desc.len;
		fragments += more;
	}
	ring_consumed(rx, n);
	xk_bump(&port->stats.rx_frames, n);
	xk_bump(&port->stats.rx_packets, n - fragments);
	xk_bump(&port->stats.rx_bytes, bytes);
	return n;
}

void xk_port_recycle(struct xk_port *port, const struct xk_pkt *pkts, unsigned n)
{
	struct xk_umem_cache *cache = port->cache;
	uint64_t *stock = cache_room(cache, n);

	if (stock) {
		for (unsigned i = 0; i < n; i++)
			stock[i] = pkts[i].addr & cache->frame_mask;
		cache->count += n;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		xk_umem_put(cache, &pkts[i].addr, 1);
}

/* --- transmit --- */

static unsigned whole_pkts(const struct xk_pkt *pkts, unsigned n)
{
	while (n && (pkts[n - 1].flags & XK_PKT_MORE))
		n--;
	return n;
}

unsigned xk_port_tx(struct xk_port *port, const struct xk_pkt *pkts, unsigned n)
{
	struct ring *tx = &port->tx;
	const struct books books = open_books(port);
	struct xdp_desc *descs = tx->entries;
	const uint32_t at = tx->cached_prod, mask = tx->mask;
	uint64_t bytes = 0;
	unsigned fragments = 0;

	n = whole_pkts(pkts, ring_room(tx, n));
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		const struct xk_pkt pkt = pkts[i];
		uint32_t more = pkt.flags & XK_PKT_MORE;

		moved(port, pkt.addr, XK_OWNER_APP, XK_OWNER_TX);
		give(books, pkt.addr, XK_OWNER_TX);
		descs[(at + i) & mask] = (struct xdp_desc){pkt.addr, pkt.len, more};
		bytes += pkt.len;
		fragments += more;
	}
	ring_produced(tx, n);
	xk_bump(&port->stats.tx_frames, n);
	xk_bump(&port->stats.tx_packets, n - fragments);
	xk_bump(&port->stats.tx_bytes, bytes);
	return n;
}

unsigned xk_port_reap(struct xk_port *port)
{
	struct ring *comp = &port->comp;
	const struct books books = open_books(port);
	const uint64_t *entries = comp->entries;
	const uint32_t at = comp->cached_cons, mask = comp->mask;
	struct xk_umem_cache *cache = port->cache;
	uint64_t *stock;
	/* bounded by what is there now: completions that arrive meanwhile wait for the next call */
	unsigned n = ring_filled(comp, comp->size);

	if (n == 0)
		return 0;
	stock = cache_room(cache, n);
	for (unsigned i = 0; i < n; i++) {
		uint64_t addr = entries[(at + i) & mask];

		moved(port, addr, XK_OWNER_TX, XK_OWNER_APP);
		give(books, addr, XK_OWNER_APP);
		if (stock)
			stock[i] = addr & cache->frame_mask;
		else
			xk_umem_put(cache, &addr, 1);
	}
	if (stock)
		cache->count += n;
	ring_consumed(comp, n);
	xk_bump(&port->stats.completed, n);
	return n;
}

unsigned xk_port_tx_pending(const struct xk_port *port)
{
	return (uint32_t)(port->stats.tx_frames - port->stats.completed);
}

unsigned xk_port_tx_room(const struct xk_port *port)
{
	return port->tx.size - (port->tx.cached_prod - xk_load_acquire(port->tx.consumer));
}

/* --- wake-ups --- */

static int call_result(ssize_t ret)
{
	if (ret >= 0)
		return 0;
	/* EBUSY, ENOBUFS: the device or the socket buffer is full for now; EINTR: a signal */
	return errno == EBUSY || errno == ENOBUFS || errno == EINTR ? -EAGAIN : -errno;
}

static uint32_t tx_queued(const struct xk_port *port)
{
	return port->tx.cached_prod - xk_load_acquire(port->tx.consumer);
}

/* Changes whenever the kernel gets on. Some publish what they took late: completions show it too.
 */
static uint32_t tx_progress(const struct xk_port *port)
{
	return xk_load_acquire(port->tx.consumer) + xk_load_acquire(port->comp.producer);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/*
 * A socket that prefers busy polling wakes no driver, it runs the NAPI of its RX queue instead:
 * drivers that send zero-copy from another one (virtio_net, igb) would never send. The preference
 * is taken back where calls have moved nothing for so long.
 */
static void watch_idle_calls(struct xk_port *port, bool moved_any)
{
	int off = 0;

	if (!port->info.zerocopy || !port->info.busy_poll)
		return;
	port->idle_calls = moved_any ? 0 : port->idle_calls + 1;
	if (port->idle_calls == 1)
		port->idle_since = now_ns();
	if (port->idle_calls < IDLE_CALLS || now_ns() - port->idle_since < IDLE_NS ||
	    xk_load_relaxed(&port->info.no_busy_tx))
		return;
	if (setsockopt(port->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &off, sizeof(off)) == 0)
		xk_store_relaxed(&port->info.no_busy_tx, 1);
}

/*
 * In copy mode one sendto sends up to a budget's worth and says EAGAIN when there is more; it also
 * stops, and says nothing, behind an invalid descriptor. Zero-copy sends later, by itself.
 */
static int kick_tx(struct xk_port *port)
{
	uint32_t queued = tx_queued(port);
	int ret = 0;

	for (uint32_t calls = queued / port->budget + 1; queued && calls; calls--) {
		uint32_t before = tx_progress(port);

		if (port->info.need_wakeup && !ring_wants_wakeup(&port->tx))
			return 0;
		xk_bump(&port->stats.syscalls, 1);
		ret = call_result(sendto(port->fd, NULL, 0, MSG_DONTWAIT, NULL, 0));
		queued = tx_queued(port);
		watch_idle_calls(port, tx_progress(port) != before);
		if ((ret && ret != -EAGAIN) || tx_progress(port) == before)
			break;
	}
	if (ret && ret != -EAGAIN)
		return ret;
	return queued && (ret || !port->info.zerocopy) ? -EAGAIN : 0;
}

int xk_port_poll(struct xk_port *port)
{
	xk_bump(&port->stats.syscalls, 1);
	return call_result(recvfrom(port->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL));
}

int xk_port_kick(struct xk_port *port)
{
	int ret = 0;

	if (port->tx.size)
		ret = kick_tx(port);
	/* frames that wait to be sent must not keep others from being received */
	if ((ret == 0 || ret == -EAGAIN) && port->rx.size && ring_wants_wakeup(&port->fill)) {
		int polled = xk_port_poll(port);

		return polled ? polled : ret;
	}
	return ret;
}

/* --- what is known about a port --- */

unsigned xk_port_rx_waiting(const struct xk_port *port)
{
	const struct xdp_desc *descs = port->rx.entries;
	uint32_t end, i, packets = 0;

	if (!port->rx.size)
		return 0;
	end = xk_load_acquire(port->rx.producer);
	i = xk_load_relaxed(port->rx.consumer);
	for (; i != end && end - i <= port->rx.size; i++)
		packets += !(descs[i & port->rx.mask].options & XDP_PKT_CONTD);
	return packets;
}

int xk_port_fd(const struct xk_port *port)
{
	return port->fd;
}

const struct xk_port_info *xk_port_info(const struct xk_port *port)
{
	return &port->info;
}

void xk_port_look(struct xk_port *port)
{
	uint32_t id = 0;
	socklen_t len = sizeof(id);

	if (getsockopt(port->fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &len) == 0)
		xk_store_relaxed(&port->info.napi_id, id);
}

void xk_port_stats(const struct xk_port *port, struct xk_port_stats *stats)
{
	const struct xk_port_stats *own = &port->stats;

	stats->rx_packets = xk_load_relaxed(&own->rx_packets);
	stats->rx_bytes = xk_load_relaxed(&own->rx_bytes);
	stats->rx_frames = xk_load_relaxed(&own->rx_frames);
	stats->tx_packets = xk_load_relaxed(&own->tx_packets);
	stats->tx_bytes = xk_load_relaxed(&own->tx_bytes);
	stats->tx_frames = xk_load_relaxed(&own->tx_frames);
	stats->completed = xk_load_relaxed(&own->completed);
	stats->refilled = xk_load_relaxed(&own->refilled);
	stats->syscalls = xk_load_relaxed(&own->syscalls);
}

int xk_port_xdp_stats(const struct xk_port *port, struct xk_port_xdp_stats *stats)
{
	struct xdp_statistics kernel = {0};
	socklen_t len = sizeof(kernel);

	if (getsockopt(port->fd, SOL_XDP, XDP_STATISTICS, &kernel, &len))
		return -errno;
	*stats = (struct xk_port_xdp_stats){
		.rx_dropped = kernel.rx_dropped,
		.rx_invalid_descs = kernel.rx_invalid_descs,
		.tx_invalid_descs = kernel.tx_invalid_descs,
		.rx_ring_full = kernel.rx_ring_full,
		.rx_fill_ring_empty_descs = kernel.rx_fill_ring_empty_descs,
		.tx_ring_empty_descs = kernel.tx_ring_empty_descs,
	};
	return 0;
}
