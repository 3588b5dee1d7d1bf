// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>
#include "bench/numa_loops.h"

/* At -O2 gcc vectorises hardly anything; clang does. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#define WORDS  (NUMA_STEP / sizeof(uint64_t))
#define INLINE static inline __attribute__((always_inline))

/* What was read or written must be so in memory, before the next pass. */
#define BARRIER() __asm__ __volatile__("" ::: "memory")

/* Sums side by side, so that no addition waits for the one before. */
#define LANES 32u

INLINE uint64_t read_body(const void *from, size_t bytes, unsigned passes)
{
	const uint64_t *word = from;
	uint64_t lane[LANES] = {0}, sum = 0;

	for (unsigned pass = 0; pass < passes; pass++) {
		for (size_t i = 0; i < bytes / sizeof(*word); i += LANES)
			for (unsigned j = 0; j < LANES; j++)
				lane[j] += word[i + j];
		BARRIER();
	}
	for (unsigned j = 0; j < LANES; j++)
		sum += lane[j];
	return sum;
}

INLINE void write_body(void *to, size_t bytes, unsigned passes)
{
	uint64_t *word = to;

	for (unsigned pass = 0; pass < passes; pass++) {
		for (size_t i = 0; i < bytes / sizeof(*word); i++)
			word[i] = pass;
		BARRIER();
	}
}

/* Compilers make the C library's memcpy() of such a loop, as they would of anybody's. */
INLINE void copy_body(void *to, const void *from, size_t bytes, unsigned passes)
{
	for (unsigned pass = 0; pass < passes; pass++) {
		memcpy(to, from, bytes);
		BARRIER();
	}
}

#define LOOPS(unit, attribute)                                                                     \
	static attribute uint64_t read_##unit(const void *from, size_t bytes, unsigned passes)     \
	{                                                                                          \
		return read_body(from, bytes, passes);                                             \
	}                                                                                          \
	static attribute void write_##unit(void *to, size_t bytes, unsigned passes)                \
	{                                                                                          \
		write_body(to, bytes, passes);                                                     \
	}                                                                                          \
	static attribute void copy_##unit(void *to, const void *from, size_t bytes,                \
					  unsigned passes)                                         \
	{                                                                                          \
		copy_body(to, from, bytes, passes);                                                \
	}                                                                                          \
	static const struct numa_loops loops_##unit = {#unit, read_##unit, write_##unit,           \
						       copy_##unit}

LOOPS(plain, __attribute__((noinline)));

#if defined(__x86_64__)
#if defined(__clang__)
#define AVX512 "avx512f"
#else
#define AVX512 "avx512f,prefer-vector-width=512"
#endif
LOOPS(avx2, __attribute__((noinline, target("avx2"))));
LOOPS(avx512, __attribute__((noinline, target(AVX512))));
#endif

const struct numa_loops *numa_loops_for(bool cache)
{
	if (!cache)
		return &loops_plain;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		return &loops_avx512;
	if (__builtin_cpu_supports("avx2"))
		return &loops_avx2;
#endif
	return &loops_plain;
}

/* --- the chase --- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Sattolo's shuffle: one ring through all lines, not several short ones. */
void **numa_chase_make(void *mem, size_t bytes, size_t line, uint64_t seed)
{
	size_t n = bytes / line;
	uint64_t state = seed * 2 + 1;
	char *base = mem;

	for (size_t i = 0; i < n; i++)
		*(void **)(base + i * line) = base + i * line;
	for (size_t i = n - 1; i > 0; i--) {
		void **a = (void **)(base + i * line);
		void **b = (void **)(base + next_random(&state) % i * line);
		void *swap = *a;

		*a = *b;
		*b = swap;
	}
	return mem;
}

void **numa_chase(void **at, unsigned hops)
{
	for (unsigned i = 0; i < hops; i += 16) {
#define HOP at = *at
		HOP, HOP, HOP, HOP, HOP, HOP, HOP, HOP;
		HOP, HOP, HOP, HOP, HOP, HOP, HOP, HOP;
#undef HOP
	}
	return at;
}

/* --- the textbook's pattern --- */

#define PATTERN_WORDS (NUMA_BLOCK / sizeof(uint64_t))

void numa_pattern_write(uint64_t *block, uint64_t value)
{
	for (unsigned i = 0; i < PATTERN_WORDS; i++)
		block[i] = value + i;
	BARRIER(); /* into memory, and read back from there */
}

bool numa_pattern_check(const uint64_t *block, uint64_t value)
{
	uint64_t wrong = 0;

	for (unsigned i = 0; i < PATTERN_WORDS; i++)
		wrong |= block[i] ^ (value + i);
	return !wrong;
}
