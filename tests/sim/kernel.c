// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "../../user/lib/compat.h"
#include "kernel.h"

#define FD_BASE   1000000 /* no real descriptor is that large */
#define SOCKS     16
#define HEADROOM  256u /* XDP_PACKET_HEADROOM */
#define BUDGET    32u
#define STAMP     16u
#define BINDS     64u
#define IFINDEX   7
#define MOST_FREE 64

/* The kernel's end of one ring; the cached indices are its own truth, the shared ones lag. */
struct kring {
	uint8_t *mem;
	size_t len;
	uint32_t *producer, *consumer, *flags;
	void *entries;
	uint32_t size, mask;
	uint32_t prod, cons;
	bool mapped;
};

struct sim_sock {
	bool used, closed, bound, sg, zerocopy, up, carrier, gone;
	uint8_t *umem;
	uint64_t umem_len;
	uint32_t chunk, headroom;
	uint8_t *holder; /* one byte a frame: is it with this socket? */
	struct kring fill, comp, rx, tx;
	uint64_t *free; /* frames taken from the fill ring and not used */
	uint32_t free_count;
	uint64_t *flight; /* frames sent and not completed */
	uint32_t flight_count;
	uint32_t building; /* of those: of a packet whose last frame has not come */
	uint32_t packet_id, packet_len;
	uint32_t budget, swallowed;
	struct xdp_statistics stats;
};

static struct {
	struct sim_config config;
	uint64_t rng;
	struct sim_sock socks[SOCKS];
	void (*sent)(void *ctx, struct sim_sock *sock, const struct sim_packet *packet);
	void *sent_ctx;
	void (*unmap)(void *ctx);
	void *unmap_ctx;
	char complaint[160];
	struct {
		int err;
		unsigned pass, times, made;
	} calls[SIM_CALLS];
	unsigned bind_flags[BINDS];
} sim;

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	va_list args;

	if (sim.complaint[0]) /* the first one is the cause */
		return;
	va_start(args, format);
	vsnprintf(sim.complaint, sizeof(sim.complaint), format, args);
	va_end(args);
}

const char *sim_complaint(void)
{
	return sim.complaint[0] ? sim.complaint : NULL;
}

static void release(struct sim_sock *sock)
{
	free(sock->fill.mem);
	free(sock->comp.mem);
	free(sock->rx.mem);
	free(sock->tx.mem);
	free(sock->holder);
	free(sock->free);
	free(sock->flight);
	*sock = (struct sim_sock){0};
}

void sim_reset(const struct sim_config *config)
{
	for (int i = 0; i < SOCKS; i++)
		release(&sim.socks[i]);
	memset(&sim, 0, sizeof(sim));
	sim.config = *config;
	sim.rng = config->seed;
}

void sim_on_sent(void (*sent)(void *ctx, struct sim_sock *sock, const struct sim_packet *packet),
		 void *ctx)
{
	sim.sent = sent;
	sim.sent_ctx = ctx;
}

void sim_on_unmap(void (*unmap)(void *ctx), void *ctx)
{
	sim.unmap = unmap;
	sim.unmap_ctx = ctx;
}

unsigned sim_living(void)
{
	unsigned n = 0;

	for (int i = 0; i < SOCKS; i++)
		n += sim.socks[i].used;
	return n;
}

void sim_refuse(enum sim_call call, int err, unsigned pass, unsigned times)
{
	sim.calls[call].pass = pass;
	sim.calls[call].err = err;
	sim.calls[call].times = times;
}

unsigned sim_calls(enum sim_call call)
{
	return sim.calls[call].made;
}

unsigned sim_bind_flags(unsigned n)
{
	return n < BINDS ? sim.bind_flags[n] : 0;
}

/* Count the call; true, with errno set, if it is to fail. */
static bool refused(enum sim_call call)
{
	sim.calls[call].made++;
	if (sim.calls[call].pass) {
		sim.calls[call].pass--;
		return false;
	}
	if (!sim.calls[call].times)
		return false;
	sim.calls[call].times--;
	errno = sim.calls[call].err;
	return true;
}

static int answer(int err)
{
	errno = err;
	return err ? -1 : 0;
}

struct sim_sock *sim_sock(int fd)
{
	if (fd < FD_BASE || fd >= FD_BASE + SOCKS)
		return NULL;
	return &sim.socks[fd - FD_BASE];
}

void sim_set_noise(uint32_t noise)
{
	sim.config.noise = noise;
}

void sim_set_budget(struct sim_sock *sock, uint32_t budget)
{
	sock->budget = budget;
}

/* --- frames --- */

static void take(struct sim_sock *sock, uint64_t addr, const char *from)
{
	uint8_t *holder = &sock->holder[addr / sock->chunk];

	if (*holder)
		complain("frame %#llx came through the %s ring while the kernel had it",
			 (unsigned long long)addr, from);
	*holder = 1;
}

static void give(struct sim_sock *sock, uint64_t addr)
{
	sock->holder[addr / sock->chunk] = 0;
}

void sim_stamp(void *data, uint32_t id, uint32_t part, uint32_t len)
{
	const uint32_t stamp[4] = {id, part, ~id, 0x5157c0de};

	memcpy(data, stamp, len < STAMP ? len : STAMP);
}

bool sim_stamped(const void *data, uint32_t id, uint32_t part, uint32_t len)
{
	const uint32_t stamp[4] = {id, part, ~id, 0x5157c0de};

	return memcmp(data, stamp, len < STAMP ? len : STAMP) == 0;
}

uint32_t sim_stamp_id(const void *data)
{
	uint32_t id;

	memcpy(&id, data, sizeof(id));
	return id;
}

/* --- rings; the partners of these atomics are in user/lib/port.c --- */

static void publish_cons(struct kring *ring)
{
	xk_store_release(ring->consumer, ring->cons);
}

static void publish_prod(struct kring *ring, uint32_t prod)
{
	xk_store_release(ring->producer, prod);
}

/* Entries to consume; when there are none left, what was consumed is published and looked anew. */
static uint32_t present(struct kring *ring)
{
	if (ring->prod == ring->cons) {
		publish_cons(ring);
		ring->prod = xk_load_acquire(ring->producer);
		if (ring->prod - ring->cons > ring->size)
			complain("a ring of %u holds %u entries", ring->size,
				 ring->prod - ring->cons);
	}
	return ring->prod - ring->cons;
}

static uint32_t room(const struct kring *ring)
{
	uint32_t used = ring->prod - xk_load_acquire(ring->consumer);

	if (used > ring->size)
		complain("a consumer index is ahead of its producer");
	return ring->size - used;
}

/* --- receive --- */

static bool alloc_frame(struct sim_sock *sock, uint64_t *addr)
{
	const uint64_t *entries = sock->fill.entries;

	if (sock->free_count) {
		*addr = sock->free[--sock->free_count];
		return true;
	}
	while (present(&sock->fill)) {
		*addr = entries[sock->fill.cons++ & sock->fill.mask];
		if (*addr < sock->umem_len) {
			*addr -= *addr % sock->chunk;
			take(sock, *addr, "fill");
			return true;
		}
		sock->stats.rx_invalid_descs++;
	}
	sock->stats.rx_fill_ring_empty_descs++;
	return false;
}

static bool can_alloc(struct sim_sock *sock, uint32_t n)
{
	struct kring *fill = &sock->fill;

	if (sock->free_count >= n)
		return true;
	if (fill->prod - fill->cons < n - sock->free_count) {
		publish_cons(fill);
		fill->prod = xk_load_acquire(fill->producer);
	}
	return fill->prod - fill->cons >= n - sock->free_count;
}

static void put_rx(struct sim_sock *sock, uint64_t frame, uint32_t len, uint32_t options)
{
	struct xdp_desc *descs = sock->rx.entries;

	descs[sock->rx.prod++ & sock->rx.mask] =
		(struct xdp_desc){frame + HEADROOM + sock->headroom, len, options};
}

uint32_t sim_frame_room(const struct sim_sock *sock)
{
	return sock->chunk - HEADROOM - sock->headroom;
}

static void write_part(struct sim_sock *sock, uint64_t frame, uint32_t id, uint32_t part,
		       uint32_t len)
{
	sim_stamp(sock->umem + frame + HEADROOM + sock->headroom, id, part, len);
}

static bool deliver_one(struct sim_sock *sock, uint32_t id, uint32_t len)
{
	uint64_t frame;

	if (!alloc_frame(sock, &frame)) {
		sock->stats.rx_dropped++;
		return false;
	}
	write_part(sock, frame, id, 0, len);
	if (!room(&sock->rx)) {
		sock->stats.rx_ring_full++;
		sock->free[sock->free_count++] = frame;
		return false;
	}
	put_rx(sock, frame, len, 0);
	return true;
}

static bool deliver_many(struct sim_sock *sock, uint32_t id, uint32_t len)
{
	uint32_t each = sim_frame_room(sock), n = (len - 1) / each + 1;
	uint64_t frame;

	if (!can_alloc(sock, n)) {
		sock->stats.rx_dropped++;
		return false;
	}
	if (room(&sock->rx) < n) {
		sock->stats.rx_ring_full++;
		return false;
	}
	for (uint32_t part = 0; part < n && alloc_frame(sock, &frame); part++, len -= each) {
		bool more = part + 1 < n;

		write_part(sock, frame, id, part, more ? each : len);
		put_rx(sock, frame, more ? each : len, more ? XDP_PKT_CONTD : 0);
	}
	return true;
}

bool sim_deliver(struct sim_sock *sock, uint32_t id, uint32_t len)
{
	if (!sock->bound || !sock->up || !sock->carrier || sock->gone || !sock->rx.size)
		return false;
	if (len <= sim_frame_room(sock))
		return deliver_one(sock, id, len);
	if (sock->sg)
		return deliver_many(sock, id, len);
	sock->stats.rx_dropped++;
	return false;
}

void sim_flush(struct sim_sock *sock)
{
	const struct xdp_desc *descs = sock->rx.entries;

	if (!sock->rx.size)
		return;
	for (uint32_t i = *sock->rx.producer; i != sock->rx.prod; i++)
		give(sock, descs[i & sock->rx.mask].addr);
	publish_prod(&sock->rx, sock->rx.prod);
	publish_cons(&sock->fill);
}

/* --- transmit --- */

/* A place in the completion ring is reserved before a frame is sent. */
static bool can_complete(struct sim_sock *sock)
{
	return room(&sock->comp) > sock->flight_count;
}

static void complete_addr(struct sim_sock *sock, uint64_t addr)
{
	uint64_t *entries = sock->comp.entries;

	entries[sock->comp.prod++ & sock->comp.mask] = addr;
}

static void complete_at(struct sim_sock *sock, uint32_t i)
{
	uint64_t addr = sock->flight[i];

	sock->flight_count--;
	memmove(&sock->flight[i], &sock->flight[i + 1],
		(sock->flight_count - i) * sizeof(*sock->flight));
	complete_addr(sock, addr);
}

static void publish_completions(struct sim_sock *sock)
{
	const uint64_t *entries = sock->comp.entries;

	for (uint32_t i = *sock->comp.producer; i != sock->comp.prod; i++)
		give(sock, entries[i & sock->comp.mask] / sock->chunk * sock->chunk);
	publish_prod(&sock->comp, sock->comp.prod);
}

unsigned sim_complete(struct sim_sock *sock, unsigned n)
{
	uint32_t ready = sock->flight_count - sock->building;

	if (n > ready)
		n = ready;
	for (unsigned done = 0; done < n; done++, ready--)
		complete_at(sock, sim.config.reorder ? sim_below(&sim.rng, ready) : 0);
	publish_completions(sock);
	return n;
}

/* The frames of a packet that is not sent go back at once. */
static void complete_building(struct sim_sock *sock)
{
	for (; sock->building; sock->building--)
		complete_at(sock, sock->flight_count - sock->building);
	publish_completions(sock);
}

static bool valid(const struct sim_sock *sock, const struct xdp_desc *desc)
{
	return desc->addr < sock->umem_len && desc->len &&
	       desc->addr % sock->chunk + desc->len <= sock->chunk &&
	       !(desc->options & ~(uint32_t)XDP_PKT_CONTD) &&
	       (sock->sg || !(desc->options & XDP_PKT_CONTD));
}

static void build(struct sim_sock *sock, const struct xdp_desc *desc)
{
	const uint8_t *data = sock->umem + desc->addr;

	if (!sock->building) {
		sock->packet_id = sim_stamp_id(data);
		sock->packet_len = 0;
	}
	if (!sim_stamped(data, sock->packet_id, sock->building, desc->len))
		complain("packet %u: part %u is not what was handed over", sock->packet_id,
			 sock->building);
	take(sock, desc->addr - desc->addr % sock->chunk, "TX");
	sock->packet_len += desc->len;
	sock->flight[sock->flight_count++] = desc->addr;
	sock->building++;
	sock->tx.cons++;
}

/* NETDEV_TX_BUSY: as if the packet had never been looked at; slots once released stay so. */
static void unbuild(struct sim_sock *sock)
{
	sock->tx.cons -= sock->building;
	for (; sock->building; sock->building--)
		give(sock, sock->flight[--sock->flight_count]);
}

static void tell_sent(struct sim_sock *sock, bool dropped)
{
	struct sim_packet packet = {sock->packet_id, sock->packet_len, sock->building, dropped};

	if (sim.sent)
		sim.sent(sim.sent_ctx, sock, &packet);
}

static int send_built(struct sim_sock *sock)
{
	bool whole = sock->tx.cons - *sock->tx.consumer >= sock->building;

	if (whole && sim_below(&sim.rng, 1024) < sim.config.noise) {
		unbuild(sock);
		return EAGAIN;
	}
	tell_sent(sock, !sock->carrier);
	if (!sock->carrier) {
		complete_building(sock);
		return EBUSY;
	}
	sock->building = 0;
	return 0;
}

/* The next descriptor if it is valid; an invalid one stops the call that meets it. */
static bool peek(struct sim_sock *sock, struct xdp_desc *desc)
{
	const struct xdp_desc *descs = sock->tx.entries;

	if (!present(&sock->tx)) {
		sock->stats.tx_ring_empty_descs++;
		return false;
	}
	*desc = descs[sock->tx.cons & sock->tx.mask];
	return valid(sock, desc);
}

static void skip_invalid(struct sim_sock *sock)
{
	const struct xdp_desc *descs = sock->tx.entries;
	const struct xdp_desc *desc = &descs[sock->tx.cons & sock->tx.mask];

	if (sim.config.return_invalid && !can_complete(sock))
		return;
	complete_building(sock);
	sock->tx.cons++;
	sock->stats.tx_invalid_descs++;
	take(sock, desc->addr - desc->addr % sock->chunk, "TX");
	if (!sim.config.return_invalid) {
		sock->swallowed++;
		return;
	}
	complete_addr(sock, desc->addr);
	publish_completions(sock);
}

static int xmit(struct sim_sock *sock)
{
	uint32_t budget = sock->budget;
	struct xdp_desc desc;
	bool sent = false;
	int err = 0;

	while (!err && peek(sock, &desc)) {
		if (!budget-- || !can_complete(sock)) {
			err = EAGAIN;
			break;
		}
		build(sock, &desc);
		if (desc.options & XDP_PKT_CONTD)
			continue;
		err = send_built(sock);
		sent |= !err;
	}
	if (!err && sock->tx.prod != sock->tx.cons)
		skip_invalid(sock);
	if (sent && !sim.config.late_index)
		publish_cons(&sock->tx);
	return err;
}

void sim_transmit(struct sim_sock *sock)
{
	xmit(sock);
	publish_cons(&sock->tx);
}

void sim_hold_completions(struct sim_sock *sock)
{
	while (sock->flight_count)
		complete_at(sock, sock->flight_count - 1);
	memset(sock->holder, 0, sock->umem_len / sock->chunk);
}

void sim_publish(struct sim_sock *sock, uint32_t n)
{
	publish_prod(&sock->comp, *sock->comp.producer + n);
}

/* --- interfaces --- */

void sim_link(struct sim_sock *sock, bool up)
{
	sock->up = up;
}

void sim_carrier(struct sim_sock *sock, bool on)
{
	sock->carrier = on;
}

void sim_gone(struct sim_sock *sock)
{
	sock->gone = true;
}

static void want(struct kring *ring, bool wakeup)
{
	if (ring->size)
		xk_store_relaxed(ring->flags, wakeup ? XDP_RING_NEED_WAKEUP : 0);
}

void sim_want_wakeup(struct sim_sock *sock, bool rx, bool tx)
{
	want(&sock->fill, rx);
	want(&sock->tx, tx);
}

void sim_held(const struct sim_sock *sock, struct sim_held *held)
{
	const struct kring *fill = &sock->fill, *comp = &sock->comp, *rx = &sock->rx,
			   *tx = &sock->tx;

	*held = (struct sim_held){
		.fill = *fill->producer - *fill->consumer,
		.completion = *comp->producer - *comp->consumer,
		.swallowed = sock->swallowed,
	};
	/* what is taken but not published as taken still stands in the fill ring */
	held->kernel = sock->free_count - (fill->cons - *fill->consumer);
	if (rx->size) {
		held->rx = *rx->producer - *rx->consumer;
		held->kernel += rx->prod - *rx->producer;
	}
	if (tx->size) {
		held->tx = *tx->producer - tx->cons;
		held->kernel += sock->flight_count + sock->swallowed;
		held->late = tx->cons != *tx->consumer;
	}
}

/* --- the system calls --- */

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);
int __real_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
ssize_t __real_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
		      socklen_t to_len);
ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
		      socklen_t to_len);
ssize_t __real_recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *from,
			socklen_t *from_len);
ssize_t __wrap_recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *from,
			socklen_t *from_len);
unsigned __wrap_if_nametoindex(const char *name);

int __wrap_socket(int domain, int type, int protocol)
{
	int i = 0;

	if (domain != AF_XDP)
		return __real_socket(domain, type, protocol);
	if (refused(SIM_SOCKET))
		return -1;
	while (i < SOCKS && sim.socks[i].used)
		i++;
	if (i == SOCKS)
		return answer(EMFILE);
	sim.socks[i] =
		(struct sim_sock){.used = true, .up = true, .carrier = true, .budget = BUDGET};
	return FD_BASE + i;
}

static bool still_mapped(const struct sim_sock *sock)
{
	return sock->fill.mapped || sock->comp.mapped || sock->rx.mapped || sock->tx.mapped;
}

/* A mapping holds the file: the socket works on until the last one is gone. */
static void release_if_last(struct sim_sock *sock)
{
	if (sock->closed && !still_mapped(sock))
		release(sock);
}

int __wrap_close(int fd)
{
	struct sim_sock *sock = sim_sock(fd);

	if (!sock)
		return __real_close(fd);
	if (!sock->used || sock->closed)
		return answer(EBADF);
	sock->closed = true;
	release_if_last(sock);
	return 0;
}

static struct kring *ring_mapped_at(struct sim_sock *sock, const void *addr)
{
	struct kring *rings[] = {&sock->fill, &sock->comp, &sock->rx, &sock->tx};

	for (int i = 0; i < 4; i++)
		if (rings[i]->mapped && rings[i]->mem == addr)
			return rings[i];
	return NULL;
}

/* What a closed socket with mapped rings still does. */
static void live_on(struct sim_sock *sock)
{
	if (sock->bound) {
		sim_deliver(sock, 0, 64);
		sim_flush(sock);
		sim_complete(sock, 1);
	}
	if (sim.unmap)
		sim.unmap(sim.unmap_ctx);
}

int __wrap_munmap(void *addr, size_t len)
{
	for (int i = 0; i < SOCKS; i++) {
		struct sim_sock *sock = &sim.socks[i];
		struct kring *ring = sock->used ? ring_mapped_at(sock, addr) : NULL;

		if (!ring)
			continue;
		if (len != ring->len)
			complain("munmap of %zu bytes, %zu were mapped", len, ring->len);
		live_on(sock);
		ring->mapped = false;
		release_if_last(sock);
		return 0;
	}
	return __real_munmap(addr, len);
}

/* Offsets differ from ring to ring, so that one taken for another is noticed. */
static struct xdp_ring_offset offsets(uint64_t base)
{
	return (struct xdp_ring_offset){base, base + 64, base + 320, base + 128};
}

static struct kring *ring_of(struct sim_sock *sock, int name, size_t *entry,
			     struct xdp_ring_offset *off)
{
	*entry = sizeof(uint64_t);
	*off = offsets(0);
	if (name == XDP_UMEM_FILL_RING)
		return &sock->fill;
	*off = offsets(64);
	if (name == XDP_UMEM_COMPLETION_RING)
		return &sock->comp;
	*entry = sizeof(struct xdp_desc);
	*off = offsets(128);
	if (name == XDP_RX_RING)
		return &sock->rx;
	*off = offsets(192);
	return &sock->tx;
}

static int make_ring(struct sim_sock *sock, int name, uint32_t size)
{
	struct xdp_ring_offset off;
	size_t entry;
	struct kring *ring = ring_of(sock, name, &entry, &off);

	if (!size || (size & (size - 1)) || ring->mem)
		return answer(EINVAL);
	ring->len = off.desc + size * entry;
	ring->mem = aligned_alloc(4096, (ring->len + 4095) / 4096 * 4096);
	memset(ring->mem, 0, ring->len);
	ring->producer = (uint32_t *)(ring->mem + off.producer);
	ring->consumer = (uint32_t *)(ring->mem + off.consumer);
	ring->flags = (uint32_t *)(ring->mem + off.flags);
	ring->entries = ring->mem + off.desc;
	ring->size = size;
	ring->mask = size - 1;
	ring->prod = ring->cons = sim.config.start;
	*ring->producer = *ring->consumer = sim.config.start;
	return 0;
}

static int register_umem(struct sim_sock *sock, const struct xdp_umem_reg *reg)
{
	if (reg->addr % 4096 || !reg->len || (reg->chunk_size & (reg->chunk_size - 1)) ||
	    reg->chunk_size < 2048 || reg->chunk_size > 4096 || reg->len % reg->chunk_size ||
	    reg->headroom >= reg->chunk_size - HEADROOM)
		return answer(EINVAL);
	if (sock->umem)
		return answer(EBUSY);
	sock->umem = (uint8_t *)(uintptr_t)reg->addr;
	sock->umem_len = reg->len;
	sock->chunk = reg->chunk_size;
	sock->headroom = reg->headroom;
	sock->holder = calloc(reg->len / reg->chunk_size, 1);
	sock->free = calloc(MOST_FREE, sizeof(*sock->free));
	return 0;
}

static int set_budget(struct sim_sock *sock, uint32_t budget)
{
	if (!sim.config.tx_budget)
		return answer(ENOPROTOOPT);
	if (budget < BUDGET || budget > sock->tx.size)
		return answer(EACCES);
	sock->budget = budget;
	return 0;
}

static int set_xdp(struct sim_sock *sock, int name, const void *value)
{
	uint32_t size;

	memcpy(&size, value, sizeof(size));
	switch (name) {
	case XDP_UMEM_REG:
		return refused(SIM_UMEM_REG) ? -1 : register_umem(sock, value);
	case XDP_UMEM_FILL_RING:
	case XDP_UMEM_COMPLETION_RING:
	case XDP_RX_RING:
	case XDP_TX_RING:
		return refused(SIM_RING) ? -1 : make_ring(sock, name, size);
	case XDP_MAX_TX_SKB_BUDGET:
		return refused(SIM_TX_BUDGET) ? -1 : set_budget(sock, size);
	default:
		return answer(ENOPROTOOPT);
	}
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct sim_sock *sock = sim_sock(fd);

	if (!sock)
		return __real_setsockopt(fd, level, name, value, len);
	if (len < sizeof(uint32_t))
		return answer(EINVAL);
	if (level == SOL_XDP)
		return set_xdp(sock, name, value);
	if (name == SO_PREFER_BUSY_POLL)
		return refused(SIM_PREFER_BUSY_POLL) ? -1 : 0;
	if (name == SO_BUSY_POLL_BUDGET)
		return refused(SIM_BUSY_POLL_BUDGET) ? -1 : 0;
	return 0;
}

static int get_offsets(void *value, socklen_t *len)
{
	const struct xdp_mmap_offsets now = {
		.rx = offsets(128), .tx = offsets(192), .fr = offsets(0), .cr = offsets(64)};

	if (refused(SIM_OFFSETS))
		return -1;
	if (*len < sizeof(now))
		return answer(EINVAL);
	memcpy(value, &now, sizeof(now));
	*len = sim.config.old_offsets ? sizeof(now) * 3 / 4 : sizeof(now);
	return 0;
}

static int get_value(void *to, socklen_t *len, const void *from, size_t size)
{
	if (*len < size)
		return answer(EINVAL);
	memcpy(to, from, size);
	*len = (socklen_t)size;
	return 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct sim_sock *sock = sim_sock(fd);
	struct xdp_options options;

	if (!sock)
		return __real_getsockopt(fd, level, name, value, len);
	if (level == SOL_SOCKET && name == SO_INCOMING_NAPI_ID)
		return get_value(value, len, &sim.config.napi_id, sizeof(sim.config.napi_id));
	if (level == SOL_XDP && name == XDP_MMAP_OFFSETS)
		return get_offsets(value, len);
	if (level == SOL_XDP && name == XDP_STATISTICS)
		return get_value(value, len, &sock->stats, sizeof(sock->stats));
	if (level == SOL_XDP && name == XDP_OPTIONS) {
		options.flags = sock->zerocopy ? XDP_OPTIONS_ZEROCOPY : 0;
		return get_value(value, len, &options, sizeof(options));
	}
	return answer(ENOPROTOOPT);
}

static struct kring *ring_at(struct sim_sock *sock, off_t offset)
{
	switch ((uint64_t)offset) {
	case XDP_PGOFF_RX_RING:
		return &sock->rx;
	case XDP_PGOFF_TX_RING:
		return &sock->tx;
	case XDP_UMEM_PGOFF_FILL_RING:
		return &sock->fill;
	default:
		return &sock->comp;
	}
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	struct sim_sock *sock = sim_sock(fd);
	struct kring *ring;

	if (!sock)
		return __real_mmap(addr, len, prot, flags, fd, offset);
	if (refused(SIM_MMAP))
		return MAP_FAILED;
	ring = ring_at(sock, offset);
	if (!ring->mem || len > ring->len) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	ring->mapped = true;
	return ring->mem;
}

/* Flags are refused as the kernel and its drivers refuse them: EINVAL unknown, EOPNOTSUPP lacking.
 */
static int check_flags(unsigned flags)
{
	bool sg = flags & XDP_USE_SG, zc = flags & XDP_ZEROCOPY;

	if (sg && !sim.config.sg)
		return EINVAL;
	if (zc && (!sim.config.zerocopy || (sg && !sim.config.zerocopy_sg)))
		return EOPNOTSUPP;
	return 0;
}

static int do_bind(struct sim_sock *sock, const struct sockaddr_xdp *addr)
{
	unsigned flags = addr->sxdp_flags;
	int err = check_flags(flags);

	if (err || addr->sxdp_ifindex != IFINDEX || !sock->umem || !sock->fill.mem ||
	    !sock->comp.mem || (!sock->rx.mem && !sock->tx.mem))
		return answer(err ? err : EINVAL);
	sock->sg = flags & XDP_USE_SG;
	sock->zerocopy = flags & XDP_ZEROCOPY;
	sock->flight = calloc(sock->comp.size, sizeof(*sock->flight));
	sock->bound = true;
	want(&sock->tx, true);
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_xdp *xdp = (const void *)addr;
	struct sim_sock *sock = sim_sock(fd);
	unsigned n = sim.calls[SIM_BIND].made;

	if (!sock)
		return __real_bind(fd, addr, len);
	if (n < BINDS)
		sim.bind_flags[n] = xdp->sxdp_flags;
	return refused(SIM_BIND) ? -1 : do_bind(sock, xdp);
}

static int state_error(const struct sim_sock *sock)
{
	if (!sock->bound || sock->gone)
		return ENXIO;
	return sock->up ? 0 : ENETDOWN;
}

ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
		      socklen_t to_len)
{
	struct sim_sock *sock = sim_sock(fd);
	int err;

	if (!sock)
		return __real_sendto(fd, data, len, flags, to, to_len);
	if (refused(SIM_SENDTO))
		return -1;
	err = state_error(sock);
	if (!err && !(flags & MSG_DONTWAIT))
		err = EOPNOTSUPP;
	if (!err && !sock->tx.size)
		err = ENOBUFS;
	return answer(err ? err : xmit(sock));
}

ssize_t __wrap_recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *from,
			socklen_t *from_len)
{
	struct sim_sock *sock = sim_sock(fd);
	int err;

	if (!sock)
		return __real_recvfrom(fd, data, len, flags, from, from_len);
	if (refused(SIM_RECVFROM))
		return -1;
	err = state_error(sock);
	if (!err && sim_below(&sim.rng, 1024) < sim.config.noise)
		err = EBUSY;
	return answer(err);
}

unsigned __wrap_if_nametoindex(const char *name)
{
	return strcmp(name, "sim0") ? 0 : IFINDEX;
}
