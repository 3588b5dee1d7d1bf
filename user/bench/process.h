/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process.h - what a process that measures does before and while it does: it stays on a CPU, shares
 * memory with its children, ends with its parent, and stops at a signal.
 *
 * All but process_now_ns() and process_interrupted() are for one thread at a time.
 */
#ifndef XSKIT_BENCH_PROCESS_H
#define XSKIT_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t process_now_ns(void); /* of the monotonic clock */

/* The calling thread runs on this CPU only. 0, or -errno. */
int process_pin(int cpu);

/* Whether two of n workers have the same CPU; < 0: not pinned, and in nobody's way. */
bool process_crowded(const int *cpu, unsigned n);

/* Zeroed memory that children made later share; NULL with errno: there is none. */
void *process_share(size_t bytes);
void process_unshare(void *mem, size_t bytes); /* NULL: nothing */

/*
 * In a child just forked: it dies with its parent, also if that is dead by now, and leaves the
 * terminal's signals to it.
 */
void process_follow(pid_t parent);

/* SIGINT and SIGTERM from now on only set what process_interrupted() tells, and end a call. */
void process_catch_signals(void);
bool process_interrupted(void);

#endif
