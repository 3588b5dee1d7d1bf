// SPDX-License-Identifier: BSD-2-Clause
/*
 * A ring under one process-shared mutex: plain and right, and what the others must beat. Records
 * are copied in a batch a lock.
 */
#include <pthread.h>
#include "bench/ring_algos.h"
#include "bench/ring_glue.h"

struct locked {
	pthread_mutex_t mutex;
	uint64_t head, tail; /* pushed, popped */
	unsigned char record[] __attribute__((aligned(64)));
};

struct mutex_handle {
	struct locked *ring;
};

static size_t mutex_size(const struct ring_cell *cell)
{
	return sizeof(struct locked) + (size_t)cell->slots * cell->element_bytes;
}

static int mutex_init(void *mem, size_t len, const struct ring_cell *cell)
{
	struct locked *ring = mem;
	pthread_mutexattr_t shared;
	int rc;

	(void)len;
	(void)cell;
	ring->head = ring->tail = 0;
	pthread_mutexattr_init(&shared);
	rc = pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	if (!rc)
		rc = pthread_mutex_init(&ring->mutex, &shared);
	pthread_mutexattr_destroy(&shared);
	return -rc;
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
	struct locked *ring = ((struct mutex_handle *)handle)->ring;
	const unsigned char *from = recs;
	unsigned i;

	pthread_mutex_lock(&ring->mutex);
	for (i = 0; i < n && ring->head - ring->tail < slots; i++, ring->head++)
		memcpy(ring->record + ring->head % slots * bytes, from + (size_t)i * bytes, bytes);
	pthread_mutex_unlock(&ring->mutex);
	return i;
}

RING_INLINE unsigned mutex_pop(void *handle, void *recs, unsigned n, unsigned bytes, unsigned slots)
{
	struct locked *ring = ((struct mutex_handle *)handle)->ring;
	unsigned char *to = recs;
	unsigned i;

	pthread_mutex_lock(&ring->mutex);
	for (i = 0; i < n && ring->head != ring->tail; i++, ring->tail++)
		memcpy(to + (size_t)i * bytes, ring->record + ring->tail % slots * bytes, bytes);
	pthread_mutex_unlock(&ring->mutex);
	return i;
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
