// SPDX-License-Identifier: BSD-2-Clause
/* Streams: handles are made from the published counters, which are the only truth. */
#include <errno.h>
#include <unistd.h>
#include "ring_internal.h"
#include "stream_internal.h"

size_t xk_stream_bytes(const struct xk_ring_shape *shape)
{
	return sizeof(struct xk_stream) + xk_ring_apart((size_t)shape->slots * shape->record_bytes);
}

/* While both sides move tail is of another time than head, and may be any distance ahead of it: but
 * it is not behind a head that was read before, and of one that is read after it at most a lap in
 * front. The acquires pair with the counters' publications: in this order. */
bool xk_stream_fits(struct xk_stream *stream, const struct xk_ring_shape *shape)
{
	uint64_t before = xk_load_acquire(&stream->head);
	uint64_t tail = xk_load_acquire(&stream->tail);
	uint64_t after = xk_load_acquire(&stream->head);

	return (int64_t)(tail - before) >= 0 && (int64_t)(tail - after) <= (int64_t)shape->slots;
}

int xk_stream_join_producer(struct xk_stream_prod *p, struct xk_ring *ring,
			    struct xk_stream *stream, const struct xk_ring_shape *shape)
{
	uint64_t tail = xk_load_relaxed(&stream->tail); /* once: a peer may change it any time */

	if (!xk_stream_fits(stream, shape))
		return -EPROTO;
	*p = (struct xk_stream_prod){
		.write = tail,
		.limit = tail, /* no room known: look first */
		.stream = stream,
		.records = (char *)(stream + 1),
		.bell = &ring->data,
		.slots = shape->slots,
		.record_bytes = shape->record_bytes,
		.sleep = shape->flags & XK_RING_SLEEP,
	};
	return 0;
}

int xk_stream_join_consumer(struct xk_stream_cons *c, struct xk_ring *ring,
			    struct xk_stream *stream, const struct xk_ring_shape *shape)
{
	xk_stream_consumer_init(c, ring, stream, shape);
	return xk_stream_fits(stream, shape) ? 0 : -EPROTO;
}

void xk_stream_consumer_init(struct xk_stream_cons *c, struct xk_ring *ring,
			     struct xk_stream *stream, const struct xk_ring_shape *shape)
{
	uint64_t head = xk_load_relaxed(&stream->head);

	*c = (struct xk_stream_cons){
		.read = head,
		.seen = head,
		.published = head,
		.stream = stream,
		.records = (char *)(stream + 1),
		.bell = &ring->space,
		.slots = shape->slots,
		.record_bytes = shape->record_bytes,
		.lazy = shape->lazy,
		.farthest = XK_STREAM_DISTANCE,
		.sleep = shape->flags & XK_RING_SLEEP,
		.touch = shape->flags & XK_RING_TOUCH,
	};
}

/* --- shapes --- */

uint32_t xk_stream_lazy(uint32_t lazy, uint32_t slots)
{
	return lazy ? lazy : slots < 4 ? 1 : slots / 4;
}

bool xk_stream_shape_valid(const struct xk_ring_shape *shape)
{
	return shape->lazy && shape->lazy <= shape->slots;
}

/* Bytes of records up to which touching was measured to win, on a CPU with an L2 of 1 MiB: at 4 MiB
 * of records of 64 bytes 2.5 ns a record instead of 11, in bursts 1.6 instead of 5.9. */
static uint64_t too_large_to_touch(void)
{
	long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);

	return 8 * (uint64_t)(l2 > 0 ? l2 : 1 << 20);
}

uint32_t xk_stream_flags(uint32_t flags, uint32_t record_bytes, uint32_t slots)
{
	uint32_t ways = flags & (XK_RING_TOUCH | XK_RING_NO_TOUCH);

	if (!ways && (uint64_t)record_bytes * slots <= too_large_to_touch())
		ways = XK_RING_TOUCH;
	return (flags & ~(uint32_t)(XK_RING_TOUCH | XK_RING_NO_TOUCH)) | (ways & XK_RING_TOUCH);
}

/* --- for ring.c, through the rings --- */

void xk_stream_format(struct xk_stream *stream, uint64_t first)
{
	stream->head = stream->tail = first;
}

void xk_stream_count(struct xk_stream *stream, struct xk_ring_counts *counts)
{
	counts->consumed = xk_load_acquire(&stream->head); /* first: never ahead of tail */
	counts->produced = xk_load_relaxed(&stream->tail);
}

/* --- waiting --- */

bool xk_stream_has_space(void *space)
{
	struct xk_stream_space *wanted = space;
	struct xk_stream_prod *p = wanted->p;
	uint64_t used = p->write - xk_load_seq(&p->stream->head); /* xk_ring_publish() */

	return used > p->slots || p->slots - used >= wanted->n; /* broken: let the caller see */
}

bool xk_stream_has_data(void *data)
{
	struct xk_stream_data *wanted = data;
	struct xk_stream_cons *c = wanted->c;
	uint64_t there = xk_load_seq(&c->stream->tail) - c->read; /* xk_ring_publish() */

	/* What is consumed and not released may be all the room that the producer waits for. */
	if (there < wanted->n && c->published != c->read)
		xk_stream_publish_head(c);
	return there >= wanted->n;
}
