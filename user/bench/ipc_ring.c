// SPDX-License-Identifier: BSD-2-Clause
/*
 * This project's rings: spsc for a stream, spsc-latency for round trips; waiting by spinning
 * (ring-spin), or by a short spin and a futex (ring-futex: XK_RING_SLEEP, XK_WAIT_SLEEP).
 *
 * The stream's receiver reads a message where it lies, so it is copied once; that of the latency
 * form is copied out, too. Kernel memory: the rings, exact.
 *
 * System calls: the library makes them, so they are counted by what it does to the bell. Whoever
 * waits looks again after it has set the bell, and then sleeps; and each bell that is set is
 * cleared by one wake-up call of the other side.
 */
#include <errno.h>
#include <stdlib.h>
#include "bench/ipc_message.h"
#include "bench/ipc_ring.h"
#include "bench/ipc_slots.h"

static int spin(struct ipc_end *end)
{
	xk_pause();
	return ipc_spin_still(end);
}

/* --- a stream --- */

static struct ipc_ring_wanted space_in(struct xk_stream_prod *s)
{
	return (struct ipc_ring_wanted){.word = &s->stream->head, .value = s->write - s->slots};
}

static struct ipc_ring_wanted data_in(struct xk_stream_cons *s)
{
	return (struct ipc_ring_wanted){.word = &s->stream->tail, .value = s->read};
}

static int wait_space(struct ipc_end *end, struct ipc_rings *rings)
{
	struct ipc_ring_wanted wanted = space_in(&rings->prod.stream);

	return rings->sleeps ? ipc_ring_sleep(end, &rings->prod.hold, XK_ROLE_PRODUCER, &wanted)
			     : spin(end);
}

static int wait_data(struct ipc_end *end, struct ipc_rings *rings)
{
	struct ipc_ring_wanted wanted = data_in(&rings->cons.stream);

	return rings->sleeps ? ipc_ring_sleep(end, &rings->cons.hold, XK_ROLE_CONSUMER, &wanted)
			     : spin(end);
}

static int stream_send(struct ipc_end *end, struct ipc_rings *rings, const void *message)
{
	int ret = 0;

	while (!ret && !xk_spsc_push(&rings->prod, message, 1))
		ret = xk_spsc_producer_broken(&rings->prod) ? -EPROTO : wait_space(end, rings);
	return ret;
}

static int stream_recv(struct ipc_end *end, struct ipc_rings *rings, const void **message)
{
	unsigned got;
	int ret = 0;

	while (!ret && !(*message = xk_spsc_peek(&rings->cons, 1, &got)))
		ret = xk_spsc_consumer_broken(&rings->cons) ? -EPROTO : wait_data(end, rings);
	return ret;
}

/*
 * A whole stream, one message a push and a pop, in code that knows the usual sizes. Messages are
 * made ready some time before they are pushed: what was just written in words is slow to read in
 * larger pieces.
 */
#define READY 32u

XK_INLINE int send_ready(struct ipc_end *end, struct ipc_rings *rings, const char *ready,
			 uint64_t n, uint32_t bytes, uint32_t slots)
{
	int ret = 0;

	for (uint64_t i = 0; i < n; i++) {
		while (!xk_spsc_push_k(&rings->prod, ready + i * bytes, 1, bytes, slots)) {
			ret = xk_spsc_producer_broken(&rings->prod) ? -EPROTO
								    : wait_space(end, rings);
			if (ret)
				return ret;
		}
		end->sent++;
	}
	return 0;
}

XK_INLINE int send_all_k(struct ipc_end *end, char *ready, uint64_t count, uint32_t bytes,
			 uint32_t slots)
{
	uint64_t n;
	int ret = 0;

	for (uint64_t first = 0; first < count && !ret; first += n) {
		n = count - first < READY ? count - first : READY;
		for (uint64_t i = 0; i < n; i++)
			ipc_write_message(ready + i * bytes, bytes, first + i, false);
		ret = ipc_spin_still(end);
		if (!ret)
			ret = send_ready(end, end->state, ready, n, bytes, slots);
	}
	return ret;
}

XK_INLINE int recv_all_k(struct ipc_end *end, uint64_t count, struct ipc_seen *seen, uint32_t bytes,
			 uint32_t slots)
{
	struct ipc_rings *rings = end->state;
	struct xk_stream_cons *s = &rings->cons.stream;
	uint64_t next = 0, number;
	int ret = 0;
	bool whole;

	while (seen->received < count && !ret) {
		while (!xk_stream_there(s, 1, slots)) {
			ret = xk_spsc_consumer_broken(&rings->cons) ? -EPROTO
								    : wait_data(end, rings);
			if (ret)
				return ret;
		}
		number = ipc_read_message(s->records + (s->read & (slots - 1)) * bytes, bytes,
					  false, &whole);
		xk_stream_pass(s, 1, bytes, slots, s->lazy);
		ipc_judge(seen, &next, number, whole);
		end->received++;
		ret = ipc_spin_still(end);
	}
	return ret;
}

static int send_all(struct ipc_end *end, uint64_t count)
{
	uint32_t bytes = end->made.bytes;
	char *ready = calloc(READY, bytes);
	int ret;

	if (!ready)
		return -ENOMEM;
	if (bytes == 8)
		ret = send_all_k(end, ready, count, 8, IPC_RING_SLOTS);
	else if (bytes == 64)
		ret = send_all_k(end, ready, count, 64, IPC_RING_SLOTS);
	else
		ret = send_all_k(end, ready, count, bytes, ipc_ring_slots(bytes));
	free(ready);
	return ret;
}

static int recv_all(struct ipc_end *end, uint64_t count, struct ipc_seen *seen)
{
	uint32_t bytes = end->made.bytes;

	if (bytes == 8)
		return recv_all_k(end, count, seen, 8, IPC_RING_SLOTS);
	if (bytes == 64)
		return recv_all_k(end, count, seen, 64, IPC_RING_SLOTS);
	return recv_all_k(end, count, seen, bytes, ipc_ring_slots(bytes));
}

/* --- round trips --- */

/* The number of one slot: the latency form's of small records. Large ones go through a stream. */
static struct ipc_ring_wanted number_in(struct xk_spsc_latency *s, uint64_t number)
{
	return (struct ipc_ring_wanted){
		.word = xk_spsc_latency_slot(s, s->record_bytes, s->slots),
		.value = number,
		.equal = true,
	};
}

static int wait_room(struct ipc_end *end, struct ipc_rings *rings)
{
	struct xk_spsc_latency *s = &rings->ask.side;
	struct ipc_ring_wanted wanted = xk_spsc_latency_streams(s->record_bytes)
						? space_in(&rings->ask.stream)
						: number_in(s, s->at);

	return rings->sleeps ? ipc_ring_sleep(end, &s->hold, XK_ROLE_PRODUCER, &wanted) : spin(end);
}

static int wait_answer(struct ipc_end *end, struct ipc_rings *rings)
{
	struct xk_spsc_latency *s = &rings->answer.side;
	struct ipc_ring_wanted wanted = xk_spsc_latency_streams(s->record_bytes)
						? data_in(&rings->answer.stream)
						: number_in(s, s->at + 1);

	return rings->sleeps ? ipc_ring_sleep(end, &s->hold, XK_ROLE_CONSUMER, &wanted) : spin(end);
}

static int ring_send(struct ipc_end *end, const void *message)
{
	struct ipc_rings *rings = end->state;
	int ret = 0;

	if (!rings->trips)
		return stream_send(end, rings, message);
	while (!ret && !xk_spsc_latency_push(&rings->ask, message, 1))
		ret = wait_room(end, rings);
	return ret;
}

static int ring_recv(struct ipc_end *end, const void **message)
{
	struct ipc_rings *rings = end->state;
	int ret = 0;

	if (!rings->trips)
		return stream_recv(end, rings, message);
	*message = end->buffer;
	while (!ret && !xk_spsc_latency_pop(&rings->answer, end->buffer, 1))
		ret = wait_answer(end, rings);
	return ret;
}

static int ring_release(struct ipc_end *end)
{
	struct ipc_rings *rings = end->state;

	if (!rings->trips)
		xk_spsc_release(&rings->cons, 1);
	return 0;
}

const struct ipc_method ipc_ring_spin = {
	.name = "ring-spin",
	.copies = 1,
	.spins = true,
	.make = ipc_ring_spin_make,
	.open = ipc_ring_spin_open,
	.send = ring_send,
	.recv = ring_recv,
	.release = ring_release,
	.send_all = send_all,
	.recv_all = recv_all,
	.memory = ipc_slots_memory,
	.close = ipc_ring_close,
};

const struct ipc_method ipc_ring_futex = {
	.name = "ring-futex",
	.copies = 1,
	.make = ipc_ring_futex_make,
	.open = ipc_ring_futex_open,
	.send = ring_send,
	.recv = ring_recv,
	.release = ring_release,
	.send_all = send_all,
	.recv_all = recv_all,
	.memory = ipc_slots_memory,
	.close = ipc_ring_close,
};
