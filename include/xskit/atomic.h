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

#define xk_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define xk_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define xk_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define xk_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define xk_bump(p, n)          xk_store_relaxed((p), xk_load_relaxed(p) + (n))

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
