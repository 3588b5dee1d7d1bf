// SPDX-License-Identifier: BSD-2-Clause
#include <xskit/fanin.h>
#include "bench/ring_ours.h"

RING_OURS(fanin, fanin, "fanin", "per-producer", XK_RING_SEATS_MAX, XK_RING_SEATS_MAX,
	  .lanes = cell->producers, .consumers = cell->consumers)
