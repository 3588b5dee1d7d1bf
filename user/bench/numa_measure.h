/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * numa_measure.h - one figure: a core of one node, memory of another, a level of the caches.
 *
 * A stock is one node's memory, and everything that is read, written and chased through there.
 */
#ifndef XSKIT_BENCH_NUMA_MEASURE_H
#define XSKIT_BENCH_NUMA_MEASURE_H

#include "bench/numa_memory.h"
#include "bench/numa_plan.h"
#include "bench/spread.h"

struct numa_lock;

struct numa_stock {
	const struct numa_node *node;
	struct numa_memory a, b, chase, lock_page;
	void **at[NUMA_LEVELS]; /* where the chase through a level is now */
	struct numa_lock *lock; /* of the textbook, in lock_page */
};

int numa_stock_get(struct numa_stock *stock, const struct numa_topology *topology,
		   const struct numa_node *node, const struct numa_plan *plan, struct xk_err *err);
void numa_stock_put(struct numa_stock *stock); /* zeroed: nothing */

/* The node on which all of it lies, -1: not on one, or not known. */
int numa_stock_node(const struct numa_stock *stock);
bool numa_stock_is_huge(const struct numa_stock *stock);

struct numa_cell {
	const struct numa_node *cpu_node;
	struct numa_stock *stock;
	enum numa_metric metric;
	enum numa_level level;
	bool loaded;        /* latency while the node's other CPUs read from the same memory */
	double *value;      /* GB/s, ns or operations a second; by run */
	unsigned preempted; /* runs in which a worker lost its CPU to somebody else */
	struct spread spread;
};

/* One run. -EINTR: interrupted; -EIO: memory brought back something else than was written. */
int numa_measure(struct numa_cell *cell, const struct numa_plan *plan,
		 const struct numa_topology *topology, unsigned run, unsigned run_ms,
		 struct xk_err *err);

#endif
