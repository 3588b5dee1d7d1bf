// SPDX-License-Identifier: BSD-2-Clause
/* A ring under one mutex (locked.h) among those that are measured, and what they must beat. */
#include "bench/locked.h"
#include "bench/ring_algos.h"
#include "bench/ring_glue.h"

struct mutex_handle {
	struct locked *ring;
};

static size_t mutex_size(const struct ring_cell *cell)
{
	return locked_bytes(cell->element_bytes, cell->slots);
}

static int mutex_init(void *mem, size_t len, const struct ring_cell *cell)
{
	(void)len;
	return locked_make(mem, cell->element_bytes, cell->slots);
}

static void mutex_destroy(void *mem, const struct ring_cell *cell)
{
	(void)cell;
	pthread_mutex_destroy(&((struct locked *)mem)->mutex);
}

static int mutex_open_to(struct mutex_handle *handle, const struct ring_task *task, void *mem)
{
	(void)task;
	handle->ring = mem;
	return 0;
}

static int mutex_open_from(struct mutex_handle *handle, const struct ring_task *task, void *mem)
{
	return mutex_open_to(handle, task, mem);
}

static void mutex_close_to(struct mutex_handle *handle)
{
	(void)handle;
}

static void mutex_close_from(struct mutex_handle *handle)
{
	(void)handle;
}

RING_INLINE unsigned mutex_push(void *handle, const void *recs, unsigned n, unsigned bytes,
				unsigned slots)
{
	return locked_put(((struct mutex_handle *)handle)->ring, recs, n, bytes, slots);
}

RING_INLINE unsigned mutex_pop(void *handle, void *recs, unsigned n, unsigned bytes, unsigned slots)
{
	return locked_get(((struct mutex_handle *)handle)->ring, recs, n, bytes, slots);
}

RING_PARTS(mutex, struct mutex_handle, struct mutex_handle)

const struct ring_algo ring_mutex = {
	.name = "mutex",
	.order = "fifo",
	.burst_call = true,
	.processes = true,
	.max_producers = RING_MAX_WORKERS,
	.max_consumers = RING_MAX_WORKERS,
	.size = mutex_size,
	.init = mutex_init,
	.destroy = mutex_destroy,
	.produce = mutex_produce,
	.consume = mutex_consume,
	.ping = mutex_ping,
	.pong = mutex_pong,
};
