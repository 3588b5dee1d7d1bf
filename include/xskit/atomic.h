/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic.h - the memory orders used in this project, and nothing else.
 *
 * GCC's __atomic builtins (clang has them too) on plain fixed-width integers, because structures in
 * shared memory are read by C and C++ alike and g++ has no _Atomic. Every use in this project names
 * its partner: a release store says which acquire load reads it, and the other way round.
 *
 * xk_bump() is for counters with one writer and any number of readers: a relaxed load and store, no
 * locked instruction.
 */
#ifndef XSKIT_ATOMIC_H
#define XSKIT_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define XK_INLINE      static inline __attribute__((always_inline))
#define xk_likely(x)   __builtin_expect(!!(x), 1)
#define xk_unlikely(x) __builtin_expect(!!(x), 0)

#ifdef XK_MEMORY_MODEL /* a header that gives all of the following under a model checker's eyes */
#include XK_MEMORY_MODEL
#else

/* Words in shared memory, reached through the calls below only. */
typedef uint32_t xk_a32;
typedef uint64_t xk_a64;

#define xk_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define xk_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define xk_load_seq(p)         __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define xk_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define xk_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define xk_store_seq(p, v)     __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define xk_swap_seq(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define xk_swap_acq_rel(p, v)  __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)

/* Compare and swap; *expected becomes what was found. Relaxed: only the word itself; release: what
 * was written before is seen by whoever acquires the word; acquire: the other way round. */
#define xk_cas_relaxed(p, expected, v)                                                             \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define xk_cas_acquire(p, expected, v)                                                             \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define xk_cas_release(p, expected, v)                                                             \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)

/* Records between a caller's memory and shared memory. */
#define xk_copy_in(shared, from, bytes) memcpy((shared), (from), (bytes))
#define xk_copy_out(to, shared, bytes)  memcpy((to), (shared), (bytes))

/* Write a byte back as it is: the line it lies in becomes this core's own. */
XK_INLINE void xk_touch(void *byte)
{
	volatile char *c = (volatile char *)byte;

	*c = *c; /* cppcheck-suppress selfAssignment; it is volatile */
}

#endif /* XK_MEMORY_MODEL */

/* This line will be needed, and written. */
#define xk_prefetch(p) __builtin_prefetch((p), 1)

#define xk_bump(p, n) xk_store_relaxed((p), xk_load_relaxed(p) + (n))

/* Tell the CPU that this is a spin loop (x86 PAUSE, Arm YIELD). */
static inline void xk_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#endif
}

#endif
