// SPDX-License-Identifier: BSD-2-Clause
#include "bench/ring_algos.h"

const struct ring_algo *const ring_algos[] = {
	&ring_spsc, &ring_latency, &ring_fanin, &ring_mpmc, &ring_textbook, &ring_mutex, NULL,
};
