/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_loops.h - the loops every algorithm is measured with, ours and the peers'.
 *
 * An algorithm brings push and pop as inline functions; the loops are forced inline around them
 * with record size, slots and burst as constants, so that each algorithm is compiled as if written
 * out for this one case. A push or pop that moved nothing is followed by the same PAUSE for
 * everyone.
 *
 * A record's first word tells its producer and sequence number and is never 0 (some queues keep 0
 * for themselves). While verifying, every other word follows from it.
 */
#ifndef XSKIT_BENCH_RING_LOOPS_H
#define XSKIT_BENCH_RING_LOOPS_H

#include <sched.h>
#include <string.h>
#include <xskit/atomic.h>
#include "bench/ring_cell.h"

#define RING_INLINE static inline __attribute__((always_inline))

/* After so many pauses a worker gives its CPU away: to a worker that shares it, or, much more
 * rarely, to whatever else runs on this machine. */
#define RING_SPINS       64u
#define RING_SPINS_ALONE 16384u

#define RING_SEQ_BITS 48

/*
 * Records are made ready this many at a time and then pushed: a first word written just before a
 * copy loads it as part of a vector stalls the CPU (store forwarding), and that would be measured
 * instead of the ring.
 */
#define RING_BATCH       32u
#define RING_BATCH_OF(n) (((n) + RING_BATCH - 1) / (n) * (n)) /* whole bursts of n */

/*
 * Move up to n records, 0: full or empty. bytes and slots are what the ring was made with, and
 * constants where the caller has them as constants.
 */
typedef unsigned (*ring_push_fn)(void *handle, const void *recs, unsigned n, unsigned bytes,
				 unsigned slots);
typedef unsigned (*ring_pop_fn)(void *handle, void *recs, unsigned n, unsigned bytes,
				unsigned slots);

RING_INLINE void ring_pause(const struct ring_task *task, unsigned *spins)
{
	xk_pause();
	if (__builtin_expect(++*spins % RING_SPINS == 0, 0) &&
	    (task->crowded || *spins % RING_SPINS_ALONE == 0))
		sched_yield();
}

/* The record was copied out, whether or not anybody looks at all of it. */
RING_INLINE void ring_keep(const void *recs)
{
#ifdef __clang__ /* which has no operand of unknown length */
	__asm__ __volatile__("" : : "r"(recs) : "memory");
#else
	__asm__ __volatile__("" : : "r"(recs), "m"(*(const char(*)[])recs));
#endif
}

/* --- records --- */

RING_INLINE uint64_t ring_word(unsigned producer, uint64_t seq)
{
	return (uint64_t)(producer + 1) << RING_SEQ_BITS | seq;
}

RING_INLINE uint64_t ring_later_word(uint64_t first, unsigned at)
{
	return first * UINT64_C(0x9e3779b97f4a7c15) + at;
}

RING_INLINE void ring_fill(unsigned char *rec, unsigned bytes, uint64_t word, bool verify)
{
	memcpy(rec, &word, sizeof(word));
	for (unsigned at = 8; verify && at < bytes; at += 8) {
		uint64_t later = ring_later_word(word, at);

		memcpy(rec + at, &later, sizeof(later));
	}
}

RING_INLINE uint64_t ring_first_word(const unsigned char *rec)
{
	uint64_t word;

	memcpy(&word, rec, sizeof(word));
	return word;
}

/* Every word, and nothing out of order; with one consumer, nothing missing in between either. */
static inline void ring_verify(const struct ring_task *task, const unsigned char *rec)
{
	struct ring_check *check = task->check;
	uint64_t word = ring_first_word(rec), later,
		 seq = word & ((UINT64_C(1) << RING_SEQ_BITS) - 1);
	uint64_t producer = (word >> RING_SEQ_BITS) - 1;

	for (unsigned at = 8; at < task->cell->element_bytes; at += 8) {
		memcpy(&later, rec + at, sizeof(later));
		if (later != ring_later_word(word, at)) {
			check->content++;
			return;
		}
	}
	if (producer >= task->cell->producers) {
		check->content++;
		return;
	}
	if (task->cell->consumers == 1 ? seq != check->next[producer] : seq < check->next[producer])
		check->order++;
	check->next[producer] = seq + 1;
}

/* --- one direction --- */

RING_INLINE void ring_push_all(const struct ring_task *task, ring_push_fn push, void *to,
			       const unsigned char *recs, unsigned n, unsigned bytes,
			       unsigned slots, unsigned *spins)
{
	unsigned done = push(to, recs, n, bytes, slots);

	while (__builtin_expect(done < n, 0)) {
		ring_pause(task, spins);
		done += push(to, recs + (size_t)done * bytes, n - done, bytes, slots);
	}
}

RING_INLINE unsigned ring_at_most(uint64_t left, unsigned burst)
{
	return burst > 1 && left < burst ? (unsigned)left : burst;
}

/* recs: room for RING_BATCH_OF(burst). */
RING_INLINE void ring_produce_loop(struct ring_task *task, ring_push_fn push, void *to,
				   unsigned char *recs, unsigned bytes, unsigned slots,
				   unsigned burst, bool verify)
{
	uint64_t end = task->count, sum = 0;
	unsigned producer = task->index, spins = 0, ready, n;

	for (uint64_t seq = 0; seq < end; seq += ready) {
		ready = ring_at_most(end - seq, RING_BATCH_OF(burst));
		for (unsigned i = 0; i < ready; i++) {
			uint64_t word = ring_word(producer, seq + i);

			ring_fill(recs + (size_t)i * bytes, bytes, word, verify);
			sum += word;
		}
		for (unsigned at = 0; at < ready; at += n) {
			n = ring_at_most(ready - at, burst);
			ring_push_all(task, push, to, recs + (size_t)at * bytes, n, bytes, slots,
				      &spins);
		}
	}
	task->sum = sum;
}

RING_INLINE void ring_consume_loop(struct ring_task *task, ring_pop_fn pop, void *from,
				   unsigned char *recs, unsigned bytes, unsigned slots,
				   unsigned burst, bool verify)
{
	uint64_t left = task->count, sum = 0;
	unsigned spins = 0, n;

	while (left) {
		n = pop(from, recs, ring_at_most(left, burst), bytes, slots);
		if (__builtin_expect(!n, 0)) {
			ring_pause(task, &spins);
			continue;
		}
		ring_keep(recs);
		for (unsigned i = 0; i < n; i++) {
			sum += ring_first_word(recs + (size_t)i * bytes);
			if (verify)
				ring_verify(task, recs + (size_t)i * bytes);
		}
		left -= n;
	}
	task->sum = sum;
}

/* --- there and back --- */

RING_INLINE void ring_pop_one(const struct ring_task *task, ring_pop_fn pop, void *from,
			      unsigned char *rec, unsigned bytes, unsigned slots, unsigned *spins)
{
	while (!pop(from, rec, 1, bytes, slots))
		ring_pause(task, spins);
	ring_keep(rec);
}

/* recs: room for 3: the answer, and two to send of which one is made ready while the other is on
 * its way. */
RING_INLINE void ring_ping_loop(struct ring_task *task, ring_push_fn push, void *to,
				ring_pop_fn pop, void *from, unsigned char *recs, unsigned bytes,
				unsigned slots, bool verify)
{
	uint64_t sum = 0;
	unsigned spins = 0;

	ring_fill(recs + bytes, bytes, ring_word(0, 0), verify);
	for (uint64_t seq = 0; seq < task->count; seq++) {
		unsigned char *now = recs + (1 + seq % 2) * bytes;
		unsigned char *next = recs + (2 - seq % 2) * bytes;

		ring_push_all(task, push, to, now, 1, bytes, slots, &spins);
		ring_fill(next, bytes, ring_word(0, seq + 1), verify);
		ring_pop_one(task, pop, from, recs, bytes, slots, &spins);
		sum += ring_first_word(recs);
		if (verify)
			ring_verify(task, recs);
	}
	task->sum = sum;
}

RING_INLINE void ring_pong_loop(struct ring_task *task, ring_push_fn push, void *to,
				ring_pop_fn pop, void *from, unsigned char *rec, unsigned bytes,
				unsigned slots)
{
	uint64_t sum = 0;
	unsigned spins = 0;

	for (uint64_t seq = 0; seq < task->count; seq++) {
		ring_pop_one(task, pop, from, rec, bytes, slots, &spins);
		sum += ring_first_word(rec);
		ring_push_all(task, push, to, rec, 1, bytes, slots, &spins);
	}
	task->sum = sum;
}

/* --- the cases compiled with constants --- */

/* X(bytes, slots, burst, ...) */
#define RING_EACH_STREAM(X, ...)                                                                   \
	X(8, 1024, 1, __VA_ARGS__)                                                                 \
	X(8, 1024, 32, __VA_ARGS__)                                                                \
	X(8, 4096, 1, __VA_ARGS__)                                                                 \
	X(8, 4096, 32, __VA_ARGS__)                                                                \
	X(8, 65536, 1, __VA_ARGS__)                                                                \
	X(8, 65536, 32, __VA_ARGS__)                                                               \
	X(64, 1024, 1, __VA_ARGS__)                                                                \
	X(64, 1024, 32, __VA_ARGS__)                                                               \
	X(64, 4096, 1, __VA_ARGS__)                                                                \
	X(64, 4096, 32, __VA_ARGS__)                                                               \
	X(64, 65536, 1, __VA_ARGS__)                                                               \
	X(64, 65536, 32, __VA_ARGS__)

/* X(bytes, slots, ...) */
#define RING_EACH_RTT(X, ...)                                                                      \
	X(8, 64, __VA_ARGS__)                                                                      \
	X(8, 1024, __VA_ARGS__)                                                                    \
	X(8, 4096, __VA_ARGS__)                                                                    \
	X(8, 65536, __VA_ARGS__)                                                                   \
	X(64, 64, __VA_ARGS__)                                                                     \
	X(64, 1024, __VA_ARGS__)                                                                   \
	X(64, 4096, __VA_ARGS__)                                                                   \
	X(64, 65536, __VA_ARGS__)

#define RING_KEY(bytes, slots, burst)                                                              \
	((uint64_t)(slots) << 32 | (uint64_t)(bytes) << 16 | (uint64_t)(burst))

RING_INLINE uint64_t ring_key(const struct ring_cell *cell)
{
	return RING_KEY(cell->element_bytes, cell->slots, cell->burst);
}

#endif
