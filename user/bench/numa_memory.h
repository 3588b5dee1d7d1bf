/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * numa_memory.h - memory on one node, in huge pages where the kernel gives them, and looked at.
 *
 * Private and anonymous, unlike mem.h's, which is of files: few systems give files transparent huge
 * pages, and without them a chase through memory measures the page tables.
 */
#ifndef XSKIT_BENCH_NUMA_MEMORY_H
#define XSKIT_BENCH_NUMA_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xskit/err.h>

struct numa_memory {
	void *addr;  /* page-aligned; that of a huge page if it is as large as one */
	size_t size; /* bytes, whole pages */
	int node;    /* that holds every page, -1: they are spread, or it could not be told */
	bool huge;   /* every page of it was seen to be a huge one */
};

/*
 * size: bytes; node: where to put it, -1: plain memory, wherever the kernel likes. That it lies
 * elsewhere is no error: look at memory->node. Errors: -ENOMEM.
 */
int numa_memory_get(struct numa_memory *memory, size_t size, int node, struct xk_err *err);
void numa_memory_put(struct numa_memory *memory); /* zeroed: nothing */

/* Bytes that this process may still take before somebody gets hurt. */
uint64_t numa_memory_available(void);

#endif
