/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crew.h - a few pinned workers, threads or processes, that begin the same thing at the same time,
 * again and again.
 *
 * A worker calls the part in every round. What parts write for others, or read of them, lies in
 * memory from process_share() (process.h), because a worker may be a process. All calls but
 * crew_is_over() are for the one thread that made the crew.
 */
#ifndef XSKIT_BENCH_CREW_H
#define XSKIT_BENCH_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xskit/err.h>

#define CREW_MAX_WORKERS 4096u

struct crew;

/* What a worker does in a round; a long one ends soon after crew_is_over(). */
typedef void (*crew_part_fn)(const struct crew *crew, void *ctx, unsigned number);

struct crew_config {
	const char *what;  /* for errors: "bench numa" */
	unsigned count;    /* of workers, 1..CREW_MAX_WORKERS */
	const int *cpu;    /* of each */
	bool processes;    /* else threads */
	crew_part_fn part; /* called with ctx and the worker's number, 0..count-1 */
	void *ctx;
};

int crew_start(struct crew **crew, const struct crew_config *config, struct xk_err *err);

/*
 * All workers do their part once. ms: the round is over after that long; 0: when they have done
 * it. 0; -EINTR: process_interrupted(), and the round is worth nothing; -ECHILD: a worker died.
 */
int crew_round(struct crew *crew, unsigned ms, struct xk_err *err);

/* Whether the round is to end: for parts, now and then. Looks at the clock if the round has a time.
 */
bool crew_is_over(const struct crew *crew);

/*
 * Whether in the last round a worker was without its CPU for over 1 % of the time: somebody else
 * had it, and a figure of workers that disturb each other is then of less. False where workers
 * share CPUs: there it is always so.
 */
bool crew_was_disturbed(const struct crew *crew);

/* The workers are gone afterwards. NULL: nothing. */
void crew_end(struct crew *crew);

uint64_t crew_cpu_ns(void); /* CPU time of the calling thread: a system call */

#endif
