// SPDX-License-Identifier: BSD-2-Clause
#include <xskit/mpmc.h>
#include "bench/ring_ours.h"

RING_OURS(mpmc, mpmc, "mpmc", "fifo", XK_RING_SEATS_MAX, XK_RING_SEATS_MAX,
	  .users = ring_workers(cell), .flags = cell->burst > 1 ? XK_RING_BURSTS : 0)
