/* SPDX-License-Identifier: BSD-2-Clause */
/* rings_verify.h - one verification: a ring, workers on it, and what they found wrong. */
#ifndef XSKIT_RINGS_VERIFY_H
#define XSKIT_RINGS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>
#include "rings_name.h"

#define VERIFY_MAX 128u /* producers, consumers */

/* Numbers of our own kinds are those of enum xk_ring_kind, less XK_RING_SPSC. */
enum verify_algo {
	VERIFY_OURS = 0,
	VERIFY_TEXTBOOK = 4,
	VERIFY_MUTEX,
};
extern const char *const verify_algo_names[];

struct verify_plan {
	enum verify_algo algo;
	unsigned producers, consumers;
	uint32_t record_bytes, slots, burst;
	uint64_t count;    /* records of all producers; 0: until the time is over */
	double duration_s; /* 0: until the count is done */
	bool processes;    /* else threads */
	int wait;          /* XK_WAIT_SPIN, or XK_WAIT_SLEEP with our own rings */
	const char *name;  /* of the share; NULL: none */
};

/* What is printed of it. */
struct verify_row {
	const char *algorithm;
	uint64_t produced, consumed, producer_waits, consumer_waits, sent, received, lost,
		duplicated, torn, reordered;
	unsigned producers, consumers;
	double seconds;
	const char *ended; /* "count", "duration", "signal"; "quiet": nothing moved any more */
};

/* 0, also if something was wrong: the row tells; -ECHILD: a worker died; else -errno. */
int verify_run(const struct verify_plan *plan, struct verify_row *row, struct xk_err *err);

/* --- rings_verify_algos.c: one end of any algorithm --- */

struct verify_end {
	enum verify_algo algo;
	struct rings_end end;
	void *mem, *records;
	uint32_t record_bytes;
};

int verify_make(struct rings_named *ring, const struct verify_plan *plan, struct xk_err *err);
int verify_attach(struct verify_end *end, const struct verify_plan *plan,
		  const struct rings_named *ring, enum xk_ring_role role);
void verify_detach(struct verify_end *end);
unsigned verify_push(struct verify_end *end, const void *records, unsigned n);
const void *verify_take(struct verify_end *end, unsigned want, unsigned *got);
void verify_release(struct verify_end *end, unsigned n);

/* --- rings_verify_check.c: records that tell who wrote them, and in which order --- */

struct verify_found {
	uint64_t unique, duplicated, torn, reordered;
};

/* One round: numbers from `base`, `count` of each producer, each with a bit that says it came. */
struct verify_round {
	uint64_t base, count;
	unsigned producers;
	bool alone; /* one consumer: the bits are nobody else's */
	uint64_t *came;
};

size_t verify_bits(unsigned producers, uint64_t count); /* words */
void verify_fill(void *record, uint32_t bytes, unsigned producer, uint64_t number);
/* next: by producer, the least number that may come to this consumer. */
void verify_record(const struct verify_round *round, const void *record, uint32_t bytes,
		   uint64_t *next, struct verify_found *found);

#endif
