/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanin.h - a ring of fixed-size records from many producers, in order per producer.
 *
 * Each producer has a lane of its own, a stream as in stream.h with `slots` records, and shares
 * nothing with the other producers. Consumers take a lane with a try-lock, and stay with it for up
 * to `lazy` records or until it is empty; then it is the next lane's turn. Records of one producer
 * come in the order it pushed them; between producers there is no order (for that: mpmc.h).
 *
 *     producer                                    consumer
 *     as in stream.h                              CAS holder 0 -> me, acquire
 *                                                   pairs with: the last holder's store of 0
 *                                                 load head, read as in stream.h, store head
 *                                                 store holder 0, release
 *
 * As long as only one consumer has ever been there, it keeps the lane between its calls. Once
 * there were two, a lane is let go of at the end of each pop.
 *
 * Death (ring.h): of a producer: its records arrive; the lane is free for the next one. Of a
 * consumer: its lane is let go of by xk_ring_repair(), which everyone who waits calls, and by the
 * next consumer to attach; up to `lazy` of the lane's records are then delivered again.
 *
 * Sizes: 640 bytes, 128 for each lane's and each consumer's seat, and for each lane 256 and slots *
 * record_bytes, rounded up to 128.
 *
 * Thread contract: one handle, one thread at a time. Up to `lanes` producers and `consumers`
 * consumers at a time, attaching and detaching while others run.
 */
#ifndef XSKIT_FANIN_H
#define XSKIT_FANIN_H

#include <xskit/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xk_fanin_config {
	uint32_t record_bytes; /* 1 to 1,048,576 */
	uint32_t slots;        /* of each lane: a power of two, 1 to 2^28 */
	uint32_t lanes;        /* producers at a time: 1 to 128 */
	uint32_t consumers;    /* at a time: 0 as many as lanes, to 128 */
	uint32_t lazy;         /* as in spsc.h */
	uint32_t flags;        /* as in spsc.h */
	uint64_t first;        /* number of the first record: 0, or to see it wrap */
};

/* What the lanes share; the streams follow. */
struct xk_fanin_shared {
	xk_a32 lanes_used; /* the highest lane ever taken, and 1 */
	xk_a32 crowd;      /* 1: two consumers were there at the same time */
	char apart[XK_RING_APART - 2 * sizeof(xk_a32)];
};

struct xk_fanin_prod {
	struct xk_stream_prod stream;
	struct xk_ring_hold hold;
};

struct xk_fanin_cons {
	struct xk_stream_cons stream; /* of the lane it has */
	struct xk_fanin_shared *shared;
	char *first_lane;
	size_t lane_bytes;
	uint64_t turn_ends; /* read counter at which it is the next lane's turn */
	uint32_t lane;
	bool has_lane;
	struct xk_ring_hold hold;
};

size_t xk_fanin_size(const struct xk_fanin_config *config); /* 0: not valid */
int xk_fanin_init(void *mem, size_t len, const struct xk_fanin_config *config);

/* As in spsc.h. -EBUSY: all lanes, all consumers' seats are taken. */
int xk_fanin_producer(struct xk_fanin_prod *p, void *mem, size_t len, int fd);
int xk_fanin_consumer(struct xk_fanin_cons *c, void *mem, size_t len, int fd);
void xk_fanin_producer_detach(struct xk_fanin_prod *p);
void xk_fanin_consumer_detach(struct xk_fanin_cons *c);

/* --- fast --- */

XK_INLINE unsigned xk_fanin_push_k(struct xk_fanin_prod *p, const void *recs, unsigned n,
				   uint32_t record_bytes, uint32_t slots)
{
	return xk_stream_push(&p->stream, recs, n, record_bytes, slots);
}

static inline unsigned xk_fanin_push(struct xk_fanin_prod *p, const void *recs, unsigned n)
{
	return xk_fanin_push_k(p, recs, n, p->stream.record_bytes, p->stream.slots);
}

/* Let go of the lane: before doing something else for a while. Also shows what was consumed. */
static inline void xk_fanin_flush(struct xk_fanin_cons *c)
{
	if (!c->has_lane)
		return;
	if (c->stream.published != c->stream.read)
		xk_stream_publish_head(&c->stream);
	c->has_lane = false;
	if (!c->stream.sleep) {
		xk_store_release(&c->stream.stream->holder, 0u); /* the next holder's CAS */
		return;
	}
	/* Records that stay behind are for whoever sleeps: it left them since the lane was ours.
	 * As in xk_ring_publish(), with its look at the holder. */
	xk_store_seq(&c->stream.stream->holder, 0u);
	if (xk_load_seq(&c->stream.stream->tail) != c->stream.read)
		xk_ring_knock(&c->hold.ring->data);
}

/* Has the lane records? A look, without having it. */
static inline bool xk_fanin_has_records(struct xk_stream *stream)
{
	return xk_load_relaxed(&stream->head) != xk_load_relaxed(&stream->tail);
}

static inline bool xk_fanin_try_lane(struct xk_fanin_cons *c, uint32_t lane)
{
	struct xk_stream *stream =
		(struct xk_stream *)(void *)(c->first_lane + lane * c->lane_bytes);
	uint32_t nobody = 0;

	/* Pairs with the last holder's store of 0: its head is ours to go on from. */
	if (!xk_fanin_has_records(stream) || xk_load_relaxed(&stream->holder) ||
	    !xk_cas_acquire(&stream->holder, &nobody, c->hold.seat + 1))
		return false;
	c->stream.stream = stream;
	c->stream.records = (char *)(stream + 1);
	c->stream.read = c->stream.published = c->stream.seen = xk_load_relaxed(&stream->head);
	c->turn_ends = c->stream.read + c->stream.lazy;
	c->lane = lane;
	c->has_lane = true;
	return true;
}

/* Take the next lane that has records and no holder; this one again, if it is the only one.
 * False: there is none. */
static inline bool xk_fanin_next_lane(struct xk_fanin_cons *c)
{
	uint32_t used =
		xk_load_relaxed(&c->shared->lanes_used); /* it only grows; late is no harm */

	if (xk_unlikely(used > c->hold.shape.lanes))
		used = c->hold.shape.lanes;
	xk_fanin_flush(c);
	for (uint32_t tried = 0; tried < used; tried++) {
		c->lane = c->lane + 1 < used ? c->lane + 1 : 0;
		if (xk_fanin_try_lane(c, c->lane))
			return true;
	}
	return false;
}

/* 0 to n records, all of one producer. */
XK_INLINE unsigned xk_fanin_pop_k(struct xk_fanin_cons *c, void *recs, unsigned n,
				  uint32_t record_bytes, uint32_t slots)
{
	unsigned got = 0;

	if (xk_unlikely(!c->has_lane || (int64_t)(c->stream.read - c->turn_ends) >= 0) &&
	    !xk_fanin_next_lane(c))
		return 0;
	got = xk_stream_pop(&c->stream, recs, n, record_bytes, slots, c->stream.lazy);
	if (xk_unlikely(!got && xk_fanin_next_lane(c)))
		got = xk_stream_pop(&c->stream, recs, n, record_bytes, slots, c->stream.lazy);
	if (xk_unlikely(xk_load_relaxed(&c->shared->crowd))) /* a hint: late is soon enough */
		xk_fanin_flush(c);
	return got;
}

static inline unsigned xk_fanin_pop(struct xk_fanin_cons *c, void *recs, unsigned n)
{
	return xk_fanin_pop_k(c, recs, n, c->hold.shape.record_bytes, c->hold.shape.slots);
}

/* A peer wrote counters that cannot be. */
static inline bool xk_fanin_producer_broken(const struct xk_fanin_prod *p)
{
	return p->stream.broken;
}

static inline bool xk_fanin_consumer_broken(const struct xk_fanin_cons *c)
{
	return c->stream.broken;
}

/* --- slow --- */

/* Until the lane has room for n records; until some lane has one. See xk_ring_await(). */
int xk_fanin_wait_space(struct xk_fanin_prod *p, unsigned n, int how, int64_t timeout_ns);
int xk_fanin_wait_data(struct xk_fanin_cons *c, int how, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
