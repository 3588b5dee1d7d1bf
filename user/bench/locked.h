/* SPDX-License-Identifier: BSD-2-Clause */
/* locked.h - a ring under one process-shared mutex: plain and right. */
#ifndef XSKIT_BENCH_LOCKED_H
#define XSKIT_BENCH_LOCKED_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct locked {
	pthread_mutex_t mutex;
	uint64_t head, tail; /* pushed, popped */
	uint32_t slots, record_bytes;
	unsigned char record[] __attribute__((aligned(64)));
};

static inline size_t locked_bytes(uint32_t record_bytes, uint32_t slots)
{
	return sizeof(struct locked) + (size_t)slots * record_bytes;
}

static inline int locked_make(struct locked *ring, uint32_t record_bytes, uint32_t slots)
{
	pthread_mutexattr_t shared;
	int rc;

	*ring = (struct locked){.slots = slots, .record_bytes = record_bytes};
	pthread_mutexattr_init(&shared);
	rc = pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	if (!rc)
		rc = pthread_mutex_init(&ring->mutex, &shared);
	pthread_mutexattr_destroy(&shared);
	return -rc;
}

static inline unsigned char *locked_at(struct locked *ring, uint64_t number, uint32_t record_bytes,
				       uint32_t slots)
{
	return ring->record + number % slots * record_bytes;
}

/* Up to n records; sizes as the ring was made with, constants where the caller has them as such. */
static inline unsigned locked_put(struct locked *ring, const void *records, unsigned n,
				  uint32_t record_bytes, uint32_t slots)
{
	const unsigned char *from = records;
	unsigned i;

	pthread_mutex_lock(&ring->mutex);
	for (i = 0; i < n && ring->head - ring->tail < slots; i++, ring->head++)
		memcpy(locked_at(ring, ring->head, record_bytes, slots),
		       from + (size_t)i * record_bytes, record_bytes);
	pthread_mutex_unlock(&ring->mutex);
	return i;
}

static inline unsigned locked_get(struct locked *ring, void *records, unsigned n,
				  uint32_t record_bytes, uint32_t slots)
{
	unsigned char *to = records;
	unsigned i;

	pthread_mutex_lock(&ring->mutex);
	for (i = 0; i < n && ring->head != ring->tail; i++, ring->tail++)
		memcpy(to + (size_t)i * record_bytes,
		       locked_at(ring, ring->tail, record_bytes, slots), record_bytes);
	pthread_mutex_unlock(&ring->mutex);
	return i;
}

#endif
