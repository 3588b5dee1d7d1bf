/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_ring.h - this project's rings as a way between two processes: what its parts share.
 *
 * Their memory is made and attached in ipc_ring_memory.c, who sleeps does so in ipc_ring_wait.c,
 * and messages move in ipc_ring.c.
 */
#ifndef XSKIT_BENCH_IPC_RING_H
#define XSKIT_BENCH_IPC_RING_H

#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>
#include "bench/ipc.h"

#define IPC_RING_SLOTS 4096u /* of a stream of small messages */

struct ipc_rings {
	void *memory;
	bool sleeps, trips;
	struct xk_spsc_prod prod;
	struct xk_spsc_cons cons;
	struct xk_spsc_latency_prod ask;
	struct xk_spsc_latency_cons answer;
};

/* Of a stream's ring for messages of so many bytes: fewer of large ones. */
uint32_t ipc_ring_slots(uint32_t bytes);

int ipc_ring_spin_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err);
int ipc_ring_futex_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err);
int ipc_ring_spin_open(struct ipc_end *end);
int ipc_ring_futex_open(struct ipc_end *end);
void ipc_ring_close(struct ipc_end *end);

/* What is waited for: that the word at `word` is, or is not, `value`. */
struct ipc_ring_wanted {
	struct ipc_end *end;
	xk_a64 *word;
	uint64_t value;
	bool equal;
	struct xk_ring_bell *bell;
	bool slept;
};

/* As ipc_still(), after a sleep: until it is there, or for one tick. */
int ipc_ring_sleep(struct ipc_end *end, struct xk_ring_hold *hold, enum xk_ring_role role,
		   struct ipc_ring_wanted *wanted);

#endif
