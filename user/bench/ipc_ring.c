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
#include <sys/mman.h>
#include <unistd.h>
#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>
#include "bench/ipc_message.h"
#include "bench/ipc_slots.h"

#define STREAM_BYTES  (512u << 10)
#define STREAM_SLOTS  4096u
#define LATENCY_SLOTS 16u
#define WAIT_NS       (IPC_TICK_MS * 1000000ll)

struct rings {
	void *memory;
	bool sleeps, trips;
	struct xk_spsc_prod prod;
	struct xk_spsc_cons cons;
	struct xk_spsc_latency_prod ask;
	struct xk_spsc_latency_cons answer;
};

/* --- two rings in one piece of memory: that to which side i sends is i --- */

static uint32_t stream_slots(uint32_t bytes)
{
	uint32_t slots = STREAM_SLOTS;

	while (slots > 4 && (uint64_t)slots * bytes > STREAM_BYTES)
		slots /= 2;
	return slots;
}

static struct xk_spsc_config stream_config(const struct ipc_made *made, bool sleeps)
{
	return (struct xk_spsc_config){
		.record_bytes = made->bytes,
		.slots = stream_slots(made->bytes),
		.flags = sleeps ? XK_RING_SLEEP : 0,
	};
}

static struct xk_spsc_latency_config latency_config(const struct ipc_made *made, bool sleeps)
{
	return (struct xk_spsc_latency_config){
		.record_bytes = made->bytes,
		.slots = LATENCY_SLOTS,
		.flags = sleeps ? XK_RING_SLEEP : 0,
	};
}

static size_t ring_bytes(const struct ipc_made *made, bool sleeps)
{
	const struct xk_spsc_config stream = stream_config(made, sleeps);
	const struct xk_spsc_latency_config latency = latency_config(made, sleeps);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes =
		made->metric == IPC_STREAM ? xk_spsc_size(&stream) : xk_spsc_latency_size(&latency);

	return (bytes + page - 1) / page * page;
}

static int init_ring(const struct ipc_made *made, void *at, size_t len, bool sleeps)
{
	const struct xk_spsc_config stream = stream_config(made, sleeps);
	const struct xk_spsc_latency_config latency = latency_config(made, sleeps);

	return made->metric == IPC_STREAM ? xk_spsc_init(at, len, &stream)
					  : xk_spsc_latency_init(at, len, &latency);
}

static void *map(const struct ipc_made *made)
{
	void *memory = mmap(NULL, made->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    made->fd[0], 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int init_rings(const struct ipc_made *made, size_t len, bool sleeps)
{
	char *memory = map(made);
	int ret = memory ? init_ring(made, memory, len, sleeps) : -errno;

	if (!ret && made->metric == IPC_TRIPS)
		ret = init_ring(made, memory + len, len, sleeps);
	if (memory)
		munmap(memory, made->size);
	return ret;
}

static int make(struct ipc_made *made, bool sleeps, struct xk_err *err)
{
	size_t len = ring_bytes(made, sleeps);
	int ret;

	made->size = made->metric == IPC_STREAM ? len : 2 * len;
	ret = ipc_slots_make(made, "ring", err);
	if (ret)
		return ret;
	ret = init_rings(made, len, sleeps);
	if (ret) {
		close(made->fd[0]);
		made->n_fds = 0;
		xk_err_fill(err, ret, "ring", NULL, "make it for messages of %u bytes",
			    made->bytes);
	}
	return ret;
}

static int spin_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	(void)maker;
	return make(made, false, err);
}

static int futex_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	(void)maker;
	return make(made, true, err);
}

/* --- an end --- */

static int take_seats(struct ipc_end *end, struct rings *rings)
{
	const struct ipc_made *made = &end->made;
	size_t len = rings->trips ? made->size / 2 : made->size;
	char *out = (char *)rings->memory + end->side * len;
	char *in = (char *)rings->memory + !end->side * len;
	int ret;

	if (!rings->trips)
		return end->side ? xk_spsc_consumer(&rings->cons, rings->memory, len, made->fd[0])
				 : xk_spsc_producer(&rings->prod, rings->memory, len, made->fd[0]);
	/* no descriptor: two rings in one file would have their seats' locks in the same bytes */
	ret = xk_spsc_latency_producer(&rings->ask, out, len, -1);
	return ret ? ret : xk_spsc_latency_consumer(&rings->answer, in, len, -1);
}

static int ring_open(struct ipc_end *end, bool sleeps)
{
	struct rings *rings = aligned_alloc(128, (sizeof(*rings) + 127) / 128 * 128);
	int ret;

	if (!rings)
		return -ENOMEM;
	*rings = (struct rings){.sleeps = sleeps, .trips = end->made.metric == IPC_TRIPS};
	rings->memory = map(&end->made);
	ret = rings->memory ? take_seats(end, rings) : -errno;
	if (ret) {
		if (rings->memory)
			munmap(rings->memory, end->made.size);
		free(rings);
		return ret;
	}
	end->state = rings;
	return 0;
}

static int spin_open(struct ipc_end *end)
{
	return ring_open(end, false);
}

static int futex_open(struct ipc_end *end)
{
	return ring_open(end, true);
}

static void ring_close(struct ipc_end *end)
{
	struct rings *rings = end->state;

	if (rings->trips) {
		xk_spsc_latency_producer_detach(&rings->ask);
		xk_spsc_latency_consumer_detach(&rings->answer);
	} else if (end->side) {
		xk_spsc_consumer_detach(&rings->cons);
	} else {
		xk_spsc_producer_detach(&rings->prod);
	}
	munmap(rings->memory, end->made.size);
	close(end->made.fd[0]);
	end->made.n_fds = 0;
	free(rings);
}

/* --- waiting --- */

/* What is waited for: that the word at `word` is, or is not, `value`. */
struct wanted {
	struct ipc_end *end;
	xk_a64 *word;
	uint64_t value;
	bool equal;
	struct xk_ring_bell *bell;
	bool slept;
};

/* Called by xk_ring_await() again and again. With the bell set, what follows "no" is a sleep. */
static bool is_there(void *ctx)
{
	struct wanted *wanted = ctx;

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

static int sleep_until(struct ipc_end *end, struct xk_ring_hold *hold, enum xk_ring_role role,
		       struct wanted *wanted)
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

static int spin(struct ipc_end *end)
{
	xk_pause();
	return ipc_spin_still(end);
}

/* --- a stream --- */

static int wait_space(struct ipc_end *end, struct rings *rings)
{
	struct xk_stream_prod *s = &rings->prod.stream;
	struct wanted wanted = {.word = &s->stream->head, .value = s->write - s->slots};

	return rings->sleeps ? sleep_until(end, &rings->prod.hold, XK_ROLE_PRODUCER, &wanted)
			     : spin(end);
}

static int wait_data(struct ipc_end *end, struct rings *rings)
{
	struct xk_stream_cons *s = &rings->cons.stream;
	struct wanted wanted = {.word = &s->stream->tail, .value = s->read};

	return rings->sleeps ? sleep_until(end, &rings->cons.hold, XK_ROLE_CONSUMER, &wanted)
			     : spin(end);
}

static int stream_send(struct ipc_end *end, struct rings *rings, const void *message)
{
	int ret = 0;

	while (!ret && !xk_spsc_push(&rings->prod, message, 1))
		ret = xk_spsc_producer_broken(&rings->prod) ? -EPROTO : wait_space(end, rings);
	return ret;
}

static int stream_recv(struct ipc_end *end, struct rings *rings, const void **message)
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

XK_INLINE int send_ready(struct ipc_end *end, struct rings *rings, const char *ready, uint64_t n,
			 uint32_t bytes, uint32_t slots)
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
	struct rings *rings = end->state;
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
		ret = send_all_k(end, ready, count, 8, STREAM_SLOTS);
	else if (bytes == 64)
		ret = send_all_k(end, ready, count, 64, STREAM_SLOTS);
	else
		ret = send_all_k(end, ready, count, bytes, stream_slots(bytes));
	free(ready);
	return ret;
}

static int recv_all(struct ipc_end *end, uint64_t count, struct ipc_seen *seen)
{
	uint32_t bytes = end->made.bytes;

	if (bytes == 8)
		return recv_all_k(end, count, seen, 8, STREAM_SLOTS);
	if (bytes == 64)
		return recv_all_k(end, count, seen, 64, STREAM_SLOTS);
	return recv_all_k(end, count, seen, bytes, stream_slots(bytes));
}

/* --- round trips --- */

static int wait_slot(struct ipc_end *end, struct rings *rings, struct xk_spsc_latency *s,
		     enum xk_ring_role role)
{
	struct wanted wanted = {
		.word = xk_spsc_latency_slot(s, s->record_bytes, s->slots),
		.value = role == XK_ROLE_CONSUMER ? s->at + 1 : s->at,
		.equal = true,
	};

	return rings->sleeps ? sleep_until(end, &s->hold, role, &wanted) : spin(end);
}

static int ring_send(struct ipc_end *end, const void *message)
{
	struct rings *rings = end->state;
	int ret = 0;

	if (!rings->trips)
		return stream_send(end, rings, message);
	while (!ret && !xk_spsc_latency_push(&rings->ask, message, 1))
		ret = wait_slot(end, rings, &rings->ask.side, XK_ROLE_PRODUCER);
	return ret;
}

static int ring_recv(struct ipc_end *end, const void **message)
{
	struct rings *rings = end->state;
	int ret = 0;

	if (!rings->trips)
		return stream_recv(end, rings, message);
	*message = end->buffer;
	while (!ret && !xk_spsc_latency_pop(&rings->answer, end->buffer, 1))
		ret = wait_slot(end, rings, &rings->answer.side, XK_ROLE_CONSUMER);
	return ret;
}

static int ring_release(struct ipc_end *end)
{
	struct rings *rings = end->state;

	if (!rings->trips)
		xk_spsc_release(&rings->cons, 1);
	return 0;
}

const struct ipc_method ipc_ring_spin = {
	.name = "ring-spin",
	.copies = 1,
	.spins = true,
	.make = spin_make,
	.open = spin_open,
	.send = ring_send,
	.recv = ring_recv,
	.release = ring_release,
	.send_all = send_all,
	.recv_all = recv_all,
	.memory = ipc_slots_memory,
	.close = ring_close,
};

const struct ipc_method ipc_ring_futex = {
	.name = "ring-futex",
	.copies = 1,
	.make = futex_make,
	.open = futex_open,
	.send = ring_send,
	.recv = ring_recv,
	.release = ring_release,
	.send_all = send_all,
	.recv_all = recv_all,
	.memory = ipc_slots_memory,
	.close = ring_close,
};
