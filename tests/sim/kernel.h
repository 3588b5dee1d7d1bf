/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - a simulated kernel: the other side of a port's four rings.
 *
 * The library is linked unchanged; the system calls it makes on AF_XDP sockets end here (ld
 * --wrap), all others go through. Nothing moves by itself: a test delivers packets, completes what
 * was sent and pulls cables, and sendto() sends. The rules are those of copy mode (net/xdp/xsk.c
 * and xsk_queue.h), worst cases included: indices published late, completions out of order, frames
 * kept when the RX ring is full, a socket that lives on until its last ring is unmapped.
 *
 * The kernel also keeps books: a frame handed to it twice, or a packet sent in part, is a
 * complaint.
 */
#ifndef SIM_KERNEL_H
#define SIM_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

/* Seeded numbers (splitmix64): one seed, one run. */
static inline uint64_t sim_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0..n-1 */
static inline uint32_t sim_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(((sim_next(state) >> 32) * n) >> 32);
}

struct sim_config {
	uint64_t seed;
	uint32_t start;      /* the first value of every ring index */
	bool sg;             /* knows XDP_USE_SG */
	bool zerocopy;       /* the driver has zero-copy */
	bool zerocopy_sg;    /* and multi-buffer in it */
	bool tx_budget;      /* knows XDP_MAX_TX_SKB_BUDGET */
	bool old_offsets;    /* ring offsets without flags, as before Linux 5.4 */
	bool late_index;     /* a TX consumer index is published only when the kernel runs dry */
	bool return_invalid; /* invalid TX descriptors come back on the completion ring */
	bool reorder;        /* completions come in another order than the frames went */
	uint32_t noise;      /* of 1024 sendto and recvfrom calls, so many fail for no reason */
	uint32_t napi_id;
};

/* A packet as the driver got it: whole, or not at all. */
struct sim_packet {
	uint32_t id, len, frames;
	bool dropped; /* no carrier: completed, but never on the wire */
};

struct sim_sock;

/* Start anew: no sockets, no refusals. */
void sim_reset(const struct sim_config *config);
void sim_on_sent(void (*sent)(void *ctx, struct sim_sock *sock, const struct sim_packet *packet),
		 void *ctx);
/* While a closed socket still has rings mapped, at each munmap() before it. */
void sim_on_unmap(void (*unmap)(void *ctx), void *ctx);
/* What user space did that it must not; NULL: nothing. */
const char *sim_complaint(void);
/* Sockets the kernel still has: not closed, or with rings still mapped. */
unsigned sim_living(void);

/* After `pass` more of them, the next `times` of these calls fail with this errno. */
enum sim_call {
	SIM_SOCKET,
	SIM_UMEM_REG,
	SIM_RING,
	SIM_OFFSETS,
	SIM_MMAP,
	SIM_PREFER_BUSY_POLL,
	SIM_BUSY_POLL_BUDGET,
	SIM_TX_BUDGET,
	SIM_BIND,
	SIM_SENDTO,
	SIM_RECVFROM,
	SIM_CALLS
};
void sim_refuse(enum sim_call call, int err, unsigned pass, unsigned times);
unsigned sim_calls(enum sim_call call); /* made since sim_reset() */
/* sxdp_flags of the n-th bind(), 0: there was none. */
unsigned sim_bind_flags(unsigned n);

struct sim_sock *sim_sock(int fd);
void sim_set_noise(uint32_t noise);
void sim_set_budget(struct sim_sock *sock, uint32_t budget);

/* --- receive: a packet is published at the next flush --- */

/* True: it is in the RX ring. Otherwise it was dropped, and counted as the kernel counts it. */
bool sim_deliver(struct sim_sock *sock, uint32_t id, uint32_t len);
void sim_flush(struct sim_sock *sock);
uint32_t sim_frame_room(const struct sim_sock *sock); /* bytes of a packet in one frame */

/* --- transmit --- */

/* Return up to n sent frames on the completion ring; how many there were. */
unsigned sim_complete(struct sim_sock *sock, unsigned n);
/* Take the next TX frames without a system call, as zero-copy drivers do. */
void sim_transmit(struct sim_sock *sock);

/* --- what happens to interfaces --- */

void sim_link(struct sim_sock *sock, bool up);    /* down: ENETDOWN */
void sim_carrier(struct sim_sock *sock, bool on); /* off: frames are dropped, one a call: EBUSY */
void sim_gone(struct sim_sock *sock);             /* ENXIO from now on */
void sim_want_wakeup(struct sim_sock *sock, bool rx, bool tx);

/* --- what the ledger should say --- */

struct sim_held {
	uint32_t fill, rx, tx, completion, kernel;
	uint32_t swallowed; /* of kernel: invalid descriptors that never come back */
	bool late;          /* the TX consumer index lags: tx and kernel are right in sum only */
};
void sim_held(const struct sim_sock *sock, struct sim_held *held);

/* --- the stamp at the start of every frame of a packet --- */

void sim_stamp(void *data, uint32_t id, uint32_t part, uint32_t len);
bool sim_stamped(const void *data, uint32_t id, uint32_t part, uint32_t len);
uint32_t sim_stamp_id(const void *data);

/* --- for the benchmark: completions that are ready, n at a time, for one store --- */

void sim_hold_completions(struct sim_sock *sock); /* write all of them, publish none */
void sim_publish(struct sim_sock *sock, uint32_t n);

#endif
