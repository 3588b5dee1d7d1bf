/* SPDX-License-Identifier: BSD-2-Clause */
/* ring_algos.h - the algorithms that are built into xskit; the peers are in a helper. */
#ifndef XSKIT_BENCH_RING_ALGOS_H
#define XSKIT_BENCH_RING_ALGOS_H

#include "bench/ring_cell.h"

extern const struct ring_algo ring_spsc, ring_latency, ring_fanin, ring_mpmc;
extern const struct ring_algo ring_textbook, ring_mutex;

/* All of them, the project's own rings first; NULL ends the list. */
extern const struct ring_algo *const ring_algos[];

#endif
