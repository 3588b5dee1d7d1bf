/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_run.h - one run of one algorithm in one cell, in a process of its own: xskit forks, or
 * starts the helper, and reads one line. Its workers are threads, or processes forked again
 * (ring_rounds.h tells what they do).
 */
#ifndef XSKIT_BENCH_RING_RUN_H
#define XSKIT_BENCH_RING_RUN_H

#include "bench/ring_cell.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Writes one line to out: ring_figures_print()'s, "cannot" (the algorithm does not do this cell) or
 * "failed: why". Returns the exit status. Call it in a process that ends afterwards: a worker that
 * fails ends it at once. Whoever started it kills it when it takes too long (a queue that waits
 * inside cannot be told to stop), and all its workers die with it.
 */
int ring_run(const struct ring_algo *algo, const struct ring_cell *cell, bool verify, int out);

#ifdef __cplusplus
}
#endif
#endif
