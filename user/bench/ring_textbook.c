// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ring that many begin with, and that is wrong: head, tail and count are atomic, the message is
 * not. A producer takes its place (CAS on head), then writes, then counts; between the first and
 * the last of these another producer's count makes a consumer read a place that nobody has written
 * yet. With one producer and one consumer it works. It is kept as a baseline, and shown to be
 * wrong.
 */
#include <unistd.h>
#include "bench/ring_algos.h"
#include "bench/ring_glue.h"

#define MESSAGE 64u

struct textbook {
	uint32_t head, tail;
	int32_t count;
	uint32_t slots;
	unsigned char message[][MESSAGE];
};

struct textbook_handle {
	struct textbook *ring;
};

static bool textbook_fits(const struct ring_cell *cell)
{
	return cell->element_bytes == MESSAGE;
}

static size_t textbook_size(const struct ring_cell *cell)
{
	return sizeof(struct textbook) + (size_t)cell->slots * MESSAGE;
}

static int textbook_init(void *mem, size_t len, const struct ring_cell *cell)
{
	struct textbook *ring = mem;

	(void)len;
	ring->head = ring->tail = 0;
	ring->count = 0;
	ring->slots = cell->slots;
	return 0;
}

static int textbook_open(struct textbook_handle *handle, void *mem)
{
	handle->ring = mem;
	return 0;
}

static int textbook_open_to(struct textbook_handle *handle, const struct ring_task *task, void *mem)
{
	(void)task;
	return textbook_open(handle, mem);
}

static int textbook_open_from(struct textbook_handle *handle, const struct ring_task *task,
			      void *mem)
{
	(void)task;
	return textbook_open(handle, mem);
}

static void textbook_close_to(struct textbook_handle *handle)
{
	(void)handle;
}

static void textbook_close_from(struct textbook_handle *handle)
{
	(void)handle;
}

/* Take the place behind *at. */
RING_INLINE uint32_t textbook_take(uint32_t *at)
{
	uint32_t place = __atomic_load_n(at, __ATOMIC_SEQ_CST);

	while (!__atomic_compare_exchange_n(at, &place, place + 1, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
	return place;
}

RING_INLINE unsigned textbook_push(void *handle, const void *recs, unsigned n, unsigned bytes,
				   unsigned slots)
{
	struct textbook *ring = ((struct textbook_handle *)handle)->ring;
	const unsigned char *from = recs;

	for (unsigned i = 0; i < n; i++) {
		if (__atomic_load_n(&ring->count, __ATOMIC_SEQ_CST) >= (int32_t)slots) {
			if (!i)
				usleep(100);
			return i;
		}
		memcpy(ring->message[textbook_take(&ring->head) % slots], from + (size_t)i * bytes,
		       bytes);
		__atomic_fetch_add(&ring->count, 1, __ATOMIC_SEQ_CST);
	}
	return n;
}

RING_INLINE unsigned textbook_pop(void *handle, void *recs, unsigned n, unsigned bytes,
				  unsigned slots)
{
	struct textbook *ring = ((struct textbook_handle *)handle)->ring;
	unsigned char *to = recs;

	for (unsigned i = 0; i < n; i++) {
		if (__atomic_load_n(&ring->count, __ATOMIC_SEQ_CST) <= 0) {
			if (!i)
				usleep(100);
			return i;
		}
		memcpy(to + (size_t)i * bytes, ring->message[textbook_take(&ring->tail) % slots],
		       bytes);
		__atomic_fetch_sub(&ring->count, 1, __ATOMIC_SEQ_CST);
	}
	return n;
}

RING_PARTS(textbook, struct textbook_handle, struct textbook_handle)

const struct ring_algo ring_textbook = {
	.name = "textbook",
	.order = "fifo",
	.processes = true,
	.max_producers = RING_MAX_WORKERS,
	.max_consumers = RING_MAX_WORKERS,
	.fits = textbook_fits,
	.size = textbook_size,
	.init = textbook_init,
	.produce = textbook_produce,
	.consume = textbook_consume,
	.ping = textbook_ping,
	.pong = textbook_pong,
};
