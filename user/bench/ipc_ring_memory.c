// SPDX-License-Identifier: BSD-2-Clause
/* The rings' memory, and the seats of both ends. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bench/ipc_ring.h"
#include "bench/ipc_slots.h"

#define STREAM_BYTES  (512u << 10)
#define LATENCY_SLOTS 16u

/* --- two rings in one piece of memory: that to which side i sends is i --- */

uint32_t ipc_ring_slots(uint32_t bytes)
{
	uint32_t slots = IPC_RING_SLOTS;

	while (slots > 4 && (uint64_t)slots * bytes > STREAM_BYTES)
		slots /= 2;
	return slots;
}

static struct xk_spsc_config stream_config(const struct ipc_made *made, bool sleeps)
{
	return (struct xk_spsc_config){
		.record_bytes = made->bytes,
		.slots = ipc_ring_slots(made->bytes),
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

int ipc_ring_spin_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	(void)maker;
	return make(made, false, err);
}

int ipc_ring_futex_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	(void)maker;
	return make(made, true, err);
}

/* --- an end --- */

static int take_seats(struct ipc_end *end, struct ipc_rings *rings)
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
	struct ipc_rings *rings = aligned_alloc(128, (sizeof(*rings) + 127) / 128 * 128);
	int ret;

	if (!rings)
		return -ENOMEM;
	*rings = (struct ipc_rings){.sleeps = sleeps, .trips = end->made.metric == IPC_TRIPS};
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

int ipc_ring_spin_open(struct ipc_end *end)
{
	return ring_open(end, false);
}

int ipc_ring_futex_open(struct ipc_end *end)
{
	return ring_open(end, true);
}

void ipc_ring_close(struct ipc_end *end)
{
	struct ipc_rings *rings = end->state;

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
