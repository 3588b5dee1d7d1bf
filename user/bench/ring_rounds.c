// SPDX-License-Identifier: BSD-2-Clause
#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "bench/process.h"
#include "bench/ring_rounds.h"

#define ENOUGH_NS      2000000u /* a round of this length tells how fast the ring is */
#define GROW           8u
#define VERIFY_RECORDS 200000u
#define VERIFY_TRIPS   5000u /* the textbook naps in each */

/* --- what comes next; the last to arrive decides --- */

/* Records pushed are records popped, each once; a round trip's two counts are of the same ones. */
static bool sums_match(const struct ring_rounds *rounds)
{
	uint64_t in = 0, out = 0;

	for (unsigned i = 0; i < ring_workers(rounds->cell); i++)
		*(ring_is_producer(rounds->cell, i) ? &in : &out) += rounds->share[i].sum;
	return in == out;
}

static unsigned what_is_wrong(const struct ring_rounds *rounds)
{
	unsigned wrong = sums_match(rounds) ? 0 : RING_LOST;

	for (unsigned i = 0; i < ring_workers(rounds->cell); i++) {
		if (rounds->share[i].check.content)
			wrong |= RING_TORN;
		if (rounds->share[i].check.order)
			wrong |= RING_REORDERED;
	}
	return wrong;
}

static uint64_t elapsed_ns(const struct ring_rounds *rounds)
{
	uint64_t end = rounds->started_ns;

	for (unsigned i = 0; i < ring_workers(rounds->cell); i++)
		if (rounds->share[i].end_ns > end)
			end = rounds->share[i].end_ns;
	return end - rounds->started_ns;
}

/* Up to what every producer and every consumer can share equally. */
static uint64_t round_up(const struct ring_rounds *rounds, uint64_t count)
{
	uint64_t unit = (uint64_t)rounds->cell->producers * rounds->cell->consumers;

	return (count + unit - 1) / unit * unit;
}

static void set_round(struct ring_rounds *rounds, enum ring_round round, uint64_t count)
{
	rounds->round = round;
	rounds->count = round_up(rounds, count);
}

/* To begin with, once round the ring. */
static void start_growing(struct ring_rounds *rounds)
{
	uint64_t slots = rounds->cell->slots;

	set_round(rounds, RING_ROUND_GROW,
		  rounds->cell->metric == RING_RTT ? 256 : 4096 + 2 * slots);
}

static void grow(struct ring_rounds *rounds)
{
	double want = rounds->cell->run_ms * 1e6, ns = (double)elapsed_ns(rounds);

	if (ns < ENOUGH_NS)
		set_round(rounds, RING_ROUND_GROW, rounds->count * GROW);
	else
		set_round(rounds, RING_ROUND_TIMED,
			  (uint64_t)((double)rounds->count * want / ns) + 1);
}

static bool floor_is_known(const struct ring_rounds *rounds)
{
	int first = rounds->cell->cpu[0], other = rounds->cell->cpu[rounds->cell->producers];

	return first >= 0 && other >= 0 && first != other;
}

static void first_round(struct ring_rounds *rounds)
{
	rounds->figures.ns = rounds->figures.floor_ns = rounds->figures.floor_low_ns = NAN;
	if (rounds->verify)
		set_round(rounds, RING_ROUND_VERIFY,
			  rounds->cell->metric == RING_RTT
				  ? VERIFY_TRIPS
				  : VERIFY_RECORDS + 4ull * rounds->cell->slots);
	else if (floor_is_known(rounds))
		set_round(rounds, RING_ROUND_FLOOR, RING_FLOOR_TRIPS);
	else
		start_growing(rounds);
}

static void end_timed(struct ring_rounds *rounds, double ns)
{
	rounds->figures.ns = ns / (double)rounds->count;
	rounds->figures.count = rounds->count;
	rounds->figures.wrong = what_is_wrong(rounds);
	set_round(rounds, floor_is_known(rounds) ? RING_ROUND_FLOOR_AGAIN : RING_ROUND_NONE,
		  RING_FLOOR_TRIPS);
}

static void end_floor(struct ring_rounds *rounds, double floor_ns)
{
	if (floor_ns > rounds->figures.floor_ns)
		rounds->figures.floor_ns = floor_ns;
	else
		rounds->figures.floor_low_ns = floor_ns;
	rounds->round = RING_ROUND_NONE;
}

static void next_round(struct ring_rounds *rounds)
{
	double ns = (double)elapsed_ns(rounds);

	switch (rounds->round) {
	case RING_ROUND_NONE:
		first_round(rounds);
		break;
	case RING_ROUND_FLOOR:
		rounds->figures.floor_ns = rounds->figures.floor_low_ns = ns / RING_FLOOR_TRIPS;
		rounds->bounced = rounds->line;
		start_growing(rounds);
		break;
	case RING_ROUND_GROW:
		grow(rounds);
		break;
	case RING_ROUND_TIMED:
		end_timed(rounds, ns);
		break;
	case RING_ROUND_FLOOR_AGAIN:
		end_floor(rounds, ns / RING_FLOOR_TRIPS);
		break;
	case RING_ROUND_VERIFY:
		rounds->figures.count = rounds->count;
		rounds->figures.wrong = what_is_wrong(rounds);
		rounds->round = RING_ROUND_NONE;
		break;
	}
}

/* --- the barrier --- */

static void futex(uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void release_all(struct ring_rounds *rounds, uint32_t generation)
{
	rounds->started_ns = process_now_ns();
	xk_store_release(&rounds->generation, generation + 1); /* B */
	if (rounds->crowded)
		futex(&rounds->generation, FUTEX_WAKE, INT_MAX);
}

/* Those who share a CPU sleep: the last one to arrive, and the floor, need it. */
void ring_rounds_meet(struct ring_rounds *rounds)
{
	uint32_t generation = xk_load_acquire(&rounds->generation); /* B */

	if (__atomic_add_fetch(&rounds->arrived, 1, __ATOMIC_ACQ_REL) ==
	    ring_workers(rounds->cell)) {
		xk_store_relaxed(&rounds->arrived, 0); /* A: all have arrived, and B follows */
		next_round(rounds);
		release_all(rounds, generation);
		return;
	}
	while (xk_load_acquire(&rounds->generation) == generation) { /* B */
		if (rounds->crowded)
			futex(&rounds->generation, FUTEX_WAIT, generation);
		else
			xk_pause();
	}
}

/* --- the floor --- */

/* Each waits for the other's number: odd ones from the first producer, even from the consumer. */
void ring_rounds_bounce(struct ring_rounds *rounds, unsigned number)
{
	uint64_t mine = rounds->bounced + (number ? 2 : 1);

	if (number && number != rounds->cell->producers)
		return;
	for (unsigned i = 0; i < RING_FLOOR_TRIPS; i++, mine += 2) {
		while (number && xk_load_acquire(&rounds->line) != mine - 1)
			;
		xk_store_release(&rounds->line, mine);
		while (!number && xk_load_acquire(&rounds->line) != mine + 1)
			;
	}
}
