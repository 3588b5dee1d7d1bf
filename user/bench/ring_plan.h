/* SPDX-License-Identifier: BSD-2-Clause */
/* ring_plan.h - from the options of bench ring to the cells and the algorithms to measure. */
#ifndef XSKIT_BENCH_RING_PLAN_H
#define XSKIT_BENCH_RING_PLAN_H

#include "bench/cpus.h"
#include "bench/options.h"
#include "bench/ring_candidates.h"

struct ring_opts {
	const char *algorithms; /* the list as given, NULL: all there are */
	struct number_list metrics, scopes, bytes, slots, bursts, producers, consumers;
	struct bench_options common;
	struct xk_err *err;
};

/* 0, CMD_HELPED or CMD_USAGE; lists that were not given hold their defaults. */
int ring_opts_parse(struct ring_opts *opts, int argc, char **argv, struct xk_err *err);
void ring_opts_free(struct ring_opts *opts);

struct ring_plan {
	unsigned n_cells, n_chosen;
	struct ring_cell *cells;
	const struct ring_candidate **chosen;
	struct cpus cpus; /* in the order of their use */
};

/* 0, CMD_USAGE or -errno; free it in any case. */
int ring_plan_make(struct ring_plan *plan, const struct ring_opts *opts,
		   const struct ring_candidates *found, struct xk_err *err);
void ring_plan_free(struct ring_plan *plan);

/* Give each worker of a cell its CPU: another one for each if there are as many. */
void ring_plan_place(const struct ring_plan *plan, struct ring_cell *cell);

#endif
