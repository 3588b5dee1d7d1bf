// SPDX-License-Identifier: BSD-2-Clause
/*
 * Shared memory, and futexes to sleep on: no spinning, and no system call while neither side waits.
 * Who is about to sleep says so and looks again; who has something to tell does so and looks
 * whether anybody sleeps. Both in one order that all agree upon, so that at least one of the two
 * sees the other.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "bench/ipc_slots.h"

static int futex_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	(void)maker;
	ipc_slots_plan(made);
	return ipc_slots_make(made, "futex", err);
}

static int futex_open(struct ipc_end *end)
{
	return ipc_slots_open(end, NULL);
}

/* Until *word is more than value. Pairs with tell(). */
static int wait_past(struct ipc_end *end, const uint64_t *word, uint64_t value, uint32_t *waiting)
{
	int ret = 0;

	while (xk_load_acquire(word) <= value && !ret) {
		xk_store_seq(waiting, 1u);
		if (xk_load_seq(word) > value)
			break;
		end->calls++;
		if (syscall(SYS_futex, waiting, FUTEX_WAIT, 1, NULL, NULL, 0))
			ret = ipc_call_failed(end);
	}
	return ret;
}

static void tell(struct ipc_end *end, uint64_t *word, uint64_t value, uint32_t *waiting)
{
	xk_store_seq(word, value);
	if (!xk_load_seq(waiting) || !xk_swap_seq(waiting, 0u))
		return;
	end->calls++;
	syscall(SYS_futex, waiting, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int futex_send(struct ipc_end *end, const void *message)
{
	struct ipc_slots *slots = ipc_slots_of(end);
	struct ipc_lane *lane = slots->out;
	int ret = 0;

	if (slots->put >= slots->slots)
		ret = wait_past(end, &lane->freed, slots->put - slots->slots, &lane->room_waiting);
	if (ret)
		return ret;
	ipc_slots_put(slots, message, end->made.bytes);
	tell(end, &lane->full, slots->put, &lane->data_waiting);
	return 0;
}

static int futex_recv(struct ipc_end *end, const void **message)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	*message = ipc_slots_at(slots);
	return wait_past(end, &slots->in->full, slots->taken, &slots->in->data_waiting);
}

static int futex_release(struct ipc_end *end)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	slots->taken++;
	tell(end, &slots->in->freed, slots->taken, &slots->in->room_waiting);
	return 0;
}

const struct ipc_method ipc_futex = {
	.name = "futex",
	.copies = 1,
	.make = futex_make,
	.open = futex_open,
	.send = futex_send,
	.recv = futex_recv,
	.release = futex_release,
	.memory = ipc_slots_memory,
	.close = ipc_slots_close,
};
