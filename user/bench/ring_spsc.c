// SPDX-License-Identifier: BSD-2-Clause
#include <xskit/spsc.h>
#include "bench/ring_ours.h"

RING_OURS(spsc, spsc, "spsc", "fifo", 1, 1)
