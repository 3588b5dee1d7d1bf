/* SPDX-License-Identifier: BSD-2-Clause */
/* numa_plan.h - what bench numa was asked for, and what it therefore measures. */
#ifndef XSKIT_BENCH_NUMA_PLAN_H
#define XSKIT_BENCH_NUMA_PLAN_H

#include "bench/numa_topology.h"
#include "bench/options.h"

#define NUMA_WHAT "bench numa"

enum numa_metric { NUMA_READ, NUMA_WRITE, NUMA_COPY, NUMA_LATENCY, NUMA_TEXTBOOK };
enum numa_level { NUMA_L1, NUMA_L2, NUMA_L3, NUMA_DRAM, NUMA_LEVELS };
extern const char *const numa_metric_names[], *const numa_level_names[];

struct numa_opts {
	uint64_t size; /* bytes of an array in memory, 0: by the caches */
	struct number_list metrics, levels, nodes;
	struct bench_options common;
	struct xk_err *err;
};

/* 0, or as opts_parse(). Free in either case. */
int numa_opts_parse(struct numa_opts *opts, int argc, char **argv, struct xk_err *err);
void numa_opts_free(struct numa_opts *opts);

struct numa_plan {
	bool level[NUMA_LEVELS];
	size_t bytes[NUMA_LEVELS]; /* of an array; two fit into the level. 0: no such level */
	bool small; /* the memory is too little for arrays that the caches do not matter to */
};

/*
 * -ENOMEM: --size is more than there is. CMD_USAGE: nothing is left to measure.
 */
int numa_plan_make(struct numa_plan *plan, const struct numa_opts *opts,
		   const struct numa_topology *topology, struct xk_err *err);

size_t numa_plan_chases(const struct numa_plan *plan); /* bytes of all levels' chases */

#endif
