/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_cell.h - what is measured (a cell), and what an algorithm must bring to be measured.
 *
 * A cell is one set of conditions; every algorithm that can do it runs the same loops
 * (ring_loops.h) in it, as one child process a run. C and C++: peers are written in either.
 */
#ifndef XSKIT_BENCH_RING_CELL_H
#define XSKIT_BENCH_RING_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RING_MAX_WORKERS 1024u
#define RING_MAX_BURST   4096u
#define RING_MAX_BYTES   4096u

enum ring_metric {
	RING_THROUGHPUT, /* producers push, consumers pop, as fast as they can */
	RING_RTT,        /* one record there and back through two rings */
};

struct ring_cell {
	enum ring_metric metric;
	unsigned element_bytes; /* a multiple of 8 */
	unsigned slots;         /* a power of two */
	unsigned burst;         /* records a call; 1 for round trips */
	unsigned producers, consumers;
	bool processes;            /* workers are processes, else threads */
	unsigned run_ms;           /* about how long the timed round is to take */
	int cpu[RING_MAX_WORKERS]; /* of each worker, producers first; -1: not pinned */
};

static inline unsigned ring_workers(const struct ring_cell *cell)
{
	return cell->producers + cell->consumers;
}

/* What a consumer found wrong while verifying. */
struct ring_check {
	uint64_t content; /* records with a word that nobody wrote, or that belongs to another */
	uint64_t order;   /* records that came before one of the same producer sent earlier */
	uint64_t *next;   /* by producer: the least sequence number that may come next */
};

/* One worker's part in one round. */
struct ring_task {
	const struct ring_cell *cell;
	void *mem[2];             /* the ring; round trips: there, and back */
	size_t len;               /* bytes of each */
	unsigned index;           /* which producer, or which consumer */
	uint64_t count;           /* records to push or pop, round trips to make */
	bool crowded;             /* more workers than CPUs: give the CPU away when waiting */
	struct ring_check *check; /* verify every word, or NULL: only sum the first ones */
	unsigned char *buffer;    /* for the loops' records, 64-byte aligned */
	uint64_t sum;             /* out: of the first words pushed or popped */
};

typedef int (*ring_part_fn)(struct ring_task *task); /* 0, or -errno of attaching */

struct ring_algo {
	const char *name;
	const char *order; /* fifo, or per-producer */
	bool blocking;     /* push and pop wait inside instead of saying full or empty */
	bool burst_call;   /* has calls for several records; else they go one by one */
	bool processes;    /* works in memory shared by processes */
	unsigned max_producers, max_consumers;
	bool (*fits)(const struct ring_cell *cell); /* NULL: sizes of any kind */
	size_t (*size)(const struct ring_cell *cell);
	int (*init)(void *mem, size_t len, const struct ring_cell *cell); /* 0, or -errno */
	void (*destroy)(void *mem, const struct ring_cell *cell);         /* NULL: nothing to do */
	ring_part_fn produce, consume, ping, pong;
};

/* Whether an algorithm can do a cell. */
bool ring_can(const struct ring_algo *algo, const struct ring_cell *cell);

/* What one run of a child measured. */
struct ring_figures {
	double ns; /* an element, or a round trip */
	/* one cache line's round trip, the greater and the less of just before and just after; NaN:
	 * the two workers share a CPU */
	double floor_ns, floor_low_ns;
	uint64_t count; /* elements of the timed round */
	unsigned wrong; /* RING_TORN and so on; a timed run can only tell RING_LOST */
};

#define RING_TORN      1u /* a word that nobody wrote, or that belongs to another record */
#define RING_REORDERED 2u /* after one of the same producer that was sent later */
#define RING_LOST      4u /* the sums differ: lost, or there twice */

/* A cell as one word, for a helper's command line; and back: 0, or -EINVAL. */
#define RING_CELL_TEXT (128 + 6 * RING_MAX_WORKERS)
void ring_cell_print(const struct ring_cell *cell, char text[RING_CELL_TEXT]);
int ring_cell_parse(const char *text, struct ring_cell *cell);

/* Figures as one line, and back. */
#define RING_FIGURES_TEXT 200
void ring_figures_print(const struct ring_figures *figures, char text[RING_FIGURES_TEXT]);
int ring_figures_parse(const char *text, struct ring_figures *figures);

#ifdef __cplusplus
}
#endif
#endif
