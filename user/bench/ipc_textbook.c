// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include "bench/ipc_slots.h"

#define GIVE_UP_NS 200000000u /* a message that was lost does not come however long one waits */

/*
 * Until the count says at `least` that (or less than `below`): spinning, as the textbooks do,
 * with a look at the clock now and then.
 */
static int wait_count(struct ipc_end *end, struct ipc_lane *lane, int least, int below)
{
	uint64_t until = 0;
	int ret = 0;

	for (unsigned i = 1; lane->count < least || lane->count >= below; i++) {
		if (lane->ended && least == 1)
			return lane->count > 0 ? 0 : -ENODATA;
		xk_pause();
		if (i % 1024)
			continue;
		ret = ipc_spin_still(end);
		if (ret)
			return ret;
		if (!until)
			until = process_now_ns() + GIVE_UP_NS;
		if (process_now_ns() > until)
			return -ENODATA;
		sched_yield();
		end->calls++;
	}
	return 0;
}

/* All is quiet: both begin with nothing there. */
int ipc_textbook_begin(struct ipc_end *end)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	slots->out->count = slots->out->ended = 0;
	slots->put = slots->taken = 0;
	return 0;
}

int ipc_textbook_send(struct ipc_end *end, const void *message)
{
	struct ipc_slots *slots = ipc_slots_of(end);
	int ret = wait_count(end, slots->out, INT_MIN, (int)slots->slots);

	if (ret)
		return ret;
	ipc_slots_put(slots, message, end->made.bytes);
	slots->out->count = slots->out->count + 1; /* wrong */
	return 0;
}

int ipc_textbook_recv(struct ipc_end *end, const void **message)
{
	struct ipc_slots *slots = ipc_slots_of(end);
	int ret = wait_count(end, slots->in, 1, INT_MAX);

	*message = ipc_slots_at(slots);
	return ret;
}

int ipc_textbook_release(struct ipc_end *end)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	slots->in->count = slots->in->count - 1; /* wrong */
	slots->taken++;
	return 0;
}

void ipc_textbook_finish(struct ipc_end *end)
{
	ipc_slots_of(end)->out->ended = 1;
}
