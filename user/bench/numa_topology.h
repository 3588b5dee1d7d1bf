/* SPDX-License-Identifier: BSD-2-Clause */
/* numa_topology.h - nodes, their CPUs and memory, how far they are apart, and a CPU's caches. */
#ifndef XSKIT_BENCH_NUMA_TOPOLOGY_H
#define XSKIT_BENCH_NUMA_TOPOLOGY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xskit/err.h>
#include "bench/cpus.h"

#define NUMA_CACHES 3u

struct numa_cache {
	size_t bytes;    /* 0: there is none, or it is not known */
	unsigned shared; /* CPUs that share it, 0: not known */
};

struct numa_node {
	int node;
	unsigned n_cpus; /* of those we may use; none: memory only */
	int *cpu;
	uint64_t memory, free; /* bytes; no memory: CPUs only */
	bool usable;           /* this process may take memory there */
	int *distance;         /* to each node, in the same order; 0: not known */
};

struct numa_topology {
	bool numa;  /* the kernel places memory; else there is one node 0 of plain memory */
	bool guest; /* of a hypervisor that tells so */
	unsigned n_nodes;
	struct numa_node *nodes;
	int cache_cpu;
	struct numa_cache cache[NUMA_CACHES]; /* of cache_cpu, level 1 (data) to 3 */
	size_t line;                          /* bytes */
};

/*
 * CPUs are `cpus`, nodes those in `list` (none: all). CMD_USAGE: no such node; -ENOMEM. Free it in
 * either case.
 */
int numa_topology_find(struct numa_topology *topology, const struct cpus *cpus,
		       const unsigned *list, unsigned n, struct xk_err *err);
void numa_topology_free(struct numa_topology *topology);

json_t *numa_topology_json(const struct numa_topology *topology);

/* As lines for people, without the last one's end; free() it. NULL: no memory. */
char *numa_topology_text(const struct numa_topology *topology);

#endif
