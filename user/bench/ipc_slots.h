/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_slots.h - messages in shared memory, in slots that are used in turn, a lane each way; and
 * what differs from method to method: how one side tells the other that a slot is full, or free.
 *
 * The sender copies a message into its slot, the receiver reads it there: one copy. All of this
 * memory counts as kernel_memory_bytes: it is what the method takes, and its size is exact.
 */
#ifndef XSKIT_BENCH_IPC_SLOTS_H
#define XSKIT_BENCH_IPC_SLOTS_H

#include <semaphore.h>
#include <xskit/atomic.h>
#include "bench/ipc.h"

#define IPC_LINE __attribute__((aligned(128)))
#define IPC_LOG  1024u

/* A semaphore, and how many are about to sleep on it: who posts then makes a system call. */
struct ipc_semaphore {
	sem_t sem;
	xk_a32 waiters;
};

/* Each method uses what it needs. */
struct ipc_lane {
	uint64_t full IPC_LINE;  /* messages ever put; by the sender */
	uint32_t data_waiting;   /* the receiver sleeps, or is about to */
	uint64_t freed IPC_LINE; /* messages ever taken; by the receiver */
	uint32_t room_waiting;
	volatile int count IPC_LINE; /* the textbooks': plain, and changed by both */
	volatile int ended;
	struct ipc_semaphore data IPC_LINE, room IPC_LINE;
};

/* anon-sem's: what both ends did, under a semaphore. */
struct ipc_log {
	struct ipc_semaphore guard IPC_LINE;
	uint64_t counter;
	struct {
		uint32_t side, took;
		uint64_t number; /* of this kind, by this side */
	} entry[IPC_LOG];
};

struct ipc_slots_memory {
	struct ipc_lane lane[2]; /* that to which side i sends is i */
	struct ipc_log log;
	char slot[] IPC_LINE;
};

struct ipc_slots {
	struct ipc_slots_memory *memory;
	struct ipc_lane *out, *in;
	char *out_slot, *in_slot;
	uint64_t put, taken; /* messages so far, of this end */
	uint64_t slots;      /* of a lane; a power of two */
	size_t stride;
	uint64_t room, data; /* eventfd: what was already told to this end */
	uint64_t puts, takes;
};

/* Sets made->slots and made->size. */
void ipc_slots_plan(struct ipc_made *made);

/* New shared memory without a name, in made->fd[made->n_fds++]. */
int ipc_slots_make(struct ipc_made *made, const char *what, struct xk_err *err);

/* The end's view of `memory`; maps made->fd[0] if it is NULL. */
int ipc_slots_open(struct ipc_end *end, void *memory);
void ipc_slots_close(struct ipc_end *end); /* unmaps it, and closes the descriptors */
uint64_t ipc_slots_memory(const struct ipc_end *end);

/* For a method's send, recv and release: what comes between waiting and telling. */
void ipc_slots_put(struct ipc_slots *slots, const void *message, uint32_t bytes);
const void *ipc_slots_at(const struct ipc_slots *slots);

static inline struct ipc_slots *ipc_slots_of(const struct ipc_end *end)
{
	return end->state;
}

/*
 * The textbook's way, for whatever memory: one plain count a lane, which the sender increments and
 * the receiver decrements, neither knowing of the other. Increments and decrements get lost; so
 * messages are read twice, or before they are there, or never.
 */
int ipc_textbook_begin(struct ipc_end *end);
int ipc_textbook_send(struct ipc_end *end, const void *message);
int ipc_textbook_recv(struct ipc_end *end, const void **message);
int ipc_textbook_release(struct ipc_end *end);
void ipc_textbook_finish(struct ipc_end *end);

#endif
