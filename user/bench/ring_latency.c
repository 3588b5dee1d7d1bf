// SPDX-License-Identifier: BSD-2-Clause
#include <xskit/spsc_latency.h>
#include "bench/ring_ours.h"

RING_OURS(latency, spsc_latency, "spsc-latency", "fifo", 1, 1)
