// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include "pace.h"

#define SECOND UINT64_C(1000000000)

int pace_init(struct pace *pace, uint64_t rate, unsigned burst, uint64_t start_ns)
{
	if (rate > PACE_MAX_RATE)
		return -EINVAL;
	*pace = (struct pace){.rate = rate, .base_ns = start_ns};
	pace->burst = burst ? burst : UINT64_MAX;
	if (!rate)
		return 0;
	/* of rate 1 it would be 2^64; one less is off by less than a ns in a second's units */
	pace->inverse = rate > 1 ? (uint64_t)(((unsigned __int128)1 << 64) / rate) : UINT64_MAX;
	pace->longest_ns = UINT64_MAX / rate;
	return 0;
}

/* Give up the slots of the next n frames. */
static void slip(struct pace *pace, uint64_t n)
{
	unsigned __int128 next = pace->next + (unsigned __int128)n * SECOND;
	uint64_t second = pace->rate * SECOND;

	pace->slipped += n;
	pace->base_ns += (uint64_t)(next / second) * SECOND;
	pace->next = (uint64_t)(next % second);
}

uint64_t pace_late(struct pace *pace, uint64_t now_ns)
{
	unsigned __int128 at = (unsigned __int128)(now_ns - pace->base_ns) * pace->rate;
	uint64_t due = at < pace->next ? 0 : (uint64_t)((at - pace->next) / SECOND) + 1;

	if (due <= pace->burst)
		return due;
	slip(pace, due - pace->burst);
	return pace->burst;
}
