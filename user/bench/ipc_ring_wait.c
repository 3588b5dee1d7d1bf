// SPDX-License-Identifier: BSD-2-Clause
/* Sleeping until a ring is rung. */
#include <errno.h>
#include "bench/ipc_ring.h"

#define WAIT_NS (IPC_TICK_MS * 1000000ll)

/* Called by xk_ring_await() again and again. With the bell set, what follows "no" is a sleep. */
static bool is_there(void *ctx)
{
	struct ipc_ring_wanted *wanted = ctx;

	if ((xk_load_seq(wanted->word) == wanted->value) == wanted->equal)
		return true;
	if (xk_load_relaxed(&wanted->bell->waiting)) {
		wanted->end->calls++;
		wanted->slept = true;
	}
	return false;
}

/* A bell that was left set by a wait that needed no sleep must not look like the next one's. */
static void lower_bell(struct xk_ring_bell *bell)
{
	if (xk_load_relaxed(&bell->waiting))
		xk_store_relaxed(&bell->waiting, 0u);
}

int ipc_ring_sleep(struct ipc_end *end, struct xk_ring_hold *hold, enum xk_ring_role role,
		   struct ipc_ring_wanted *wanted)
{
	int ret;

	wanted->end = end;
	wanted->bell = role == XK_ROLE_CONSUMER ? &hold->ring->data : &hold->ring->space;
	lower_bell(wanted->bell);
	ret = xk_ring_await(hold, role, is_there, wanted, XK_WAIT_SLEEP | XK_WAIT_STAY, WAIT_NS);
	if (wanted->slept && !xk_load_relaxed(&wanted->bell->waiting))
		end->calls++; /* the other side's, that woke us */
	return ret == -ETIMEDOUT ? ipc_still(end) : ret;
}
