/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_rounds.h - what the workers of a run do together, round after round.
 *
 * They meet at a barrier before each round; the last to arrive decides what the round is and
 * releases the others, so that nobody else needs a CPU meanwhile. Rounds: the floor (two workers
 * bounce one cache line), then growing numbers of records until a round is long enough to tell how
 * many make run_ms, then the timed one: the clock runs from the release to the last worker's end;
 * then the floor again. Verifying is one round, untimed.
 */
#ifndef XSKIT_BENCH_RING_ROUNDS_H
#define XSKIT_BENCH_RING_ROUNDS_H

#include "bench/ring_cell.h"

#define RING_FLOOR_TRIPS 10000u
#define RING_LINE        __attribute__((aligned(128)))

enum ring_round {
	RING_ROUND_FLOOR,
	RING_ROUND_GROW,
	RING_ROUND_TIMED,
	RING_ROUND_FLOOR_AGAIN,
	RING_ROUND_VERIFY,
	RING_ROUND_NONE, /* before the first, and behind the last */
};

/* What one worker says of a round: its own until it arrives at the barrier. */
struct ring_share {
	uint64_t end_ns;
	uint64_t sum;
	struct ring_check check;
} RING_LINE;

/*
 * In memory shared by all workers. Who tells whom:
 *
 *   a worker                                      the last to arrive
 *   A  fetch_add(arrived), after its share        the same fetch_add, before it reads all shares
 *   B  load_acquire(generation)                   store_release(generation) after round, count ...
 */
struct ring_rounds {
	const struct ring_cell *cell;
	bool verify, crowded;
	uint32_t arrived RING_LINE;    /* A */
	uint32_t generation RING_LINE; /* B; a futex */
	uint64_t line RING_LINE;       /* the one that is bounced */
	enum ring_round round RING_LINE;
	uint64_t bounced; /* what the line was left at */
	uint64_t count;   /* of this round, a multiple of producers and of consumers */
	uint64_t started_ns;
	struct ring_figures figures;
	struct ring_share share[];
};

static inline bool ring_is_producer(const struct ring_cell *cell, unsigned number)
{
	return number < cell->producers;
}

/* A worker's call before each round: `round` and `count` say afterwards what is to be done. */
void ring_rounds_meet(struct ring_rounds *rounds);

/* A worker's part in a round of the floor. */
void ring_rounds_bounce(struct ring_rounds *rounds, unsigned number);

#endif
