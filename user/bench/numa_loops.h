/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * numa_loops.h - the loops that are timed: plain C, compiled once for each vector unit there is,
 * of which the best one of this machine is taken.
 *
 * Sizes are bytes, multiples of NUMA_STEP; memory begins at a multiple of 64.
 */
#ifndef XSKIT_BENCH_NUMA_LOOPS_H
#define XSKIT_BENCH_NUMA_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMA_STEP  1024u
#define NUMA_BLOCK 1024u /* of the textbook's pattern */

struct numa_loops {
	const char *simd; /* "avx512", "avx2", or "plain": what the compiler takes by itself */
	uint64_t (*read)(const void *from, size_t bytes,
			 unsigned passes); /* the sum of all words */
	void (*write)(void *to, size_t bytes, unsigned passes);
	void (*copy)(void *to, const void *from, size_t bytes, unsigned passes);
};

/* In a cache the widest vectors decide; in memory the plain loop is as fast, and anybody's. */
const struct numa_loops *numa_loops_for(bool cache);

/* A ring of pointers through every line of the memory, in a random order that seed decides; its
 * first. */
void **numa_chase_make(void *mem, size_t bytes, size_t line, uint64_t seed);

/* `hops` loads, each of the address that the one before brought; a multiple of 16. */
void **numa_chase(void **at, unsigned hops);

/* Write one block's pattern, which follows from `value`. */
void numa_pattern_write(uint64_t *block, uint64_t value);

/* Whether it is there. */
bool numa_pattern_check(const uint64_t *block, uint64_t value);

#endif
