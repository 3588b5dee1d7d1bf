/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.h - records from one producer to one consumer: what spsc is one of, and fanin many.
 *
 * What decides its speed is which core owns a cache line. Each side keeps its own counter, and what
 * it last saw of the other's, in private memory; the shared words are written once a push or burst,
 * and once every `lazy` records of the consumer:
 *
 *     producer                               consumer
 *     write records                          (when it has none left)
 *     store tail, release  -- pairs with --> load tail, acquire
 *                                            read records
 *     load head, acquire  <-- pairs with --  store head, release
 *     (when it knows of no room)             (lazily, and when it finds the stream empty)
 *     write over them
 *
 * Touching: when the consumer has read the last record of a cache line, and before it publishes
 * that, it writes the line's last byte back as it is. The line is then its own and in no other
 * cache, and the producer's next write to it need not ask the consumer's core to drop a copy that
 * it shares. The byte keeps its value, so a record that is delivered again is whole.
 *
 * Distance: a consumer close behind a busy producer takes the lines away that this one is writing,
 * for a few records each time. Whoever finds few, look after look, looks later, by a PAUSE each
 * time and 32 at most (0.8 us on Zen 4), until it finds more; and at once again as soon as it finds
 * nothing, or one: a record that comes alone never waits for others. Bursts of 8 bytes through
 * 65,536 slots while the CPUs were far apart: 3.6 ns a record, with 8 PAUSEs 7.5.
 *
 * After a consumer's death the next one starts at the published head: up to `lazy` records, and
 * those it had looked at but not released, are delivered again. After a producer's death the next
 * one starts at the published tail: nothing published is lost, nothing unpublished is seen.
 */
#ifndef XSKIT_STREAM_H
#define XSKIT_STREAM_H

#include <xskit/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XK_STREAM_FEW      128u /* records; fewer in small rings */
#define XK_STREAM_DISTANCE 32u  /* PAUSEs at most */

/* In shared memory; the records follow at the next multiple of 128. */
struct xk_stream {
	xk_a64 tail; /* records ever pushed; the producer's */
	char apart[XK_RING_APART - sizeof(xk_a64)];
	xk_a64 head;   /* records ever released, as far as published; the consumer's */
	xk_a32 holder; /* fanin: seat + 1 of the consumer that has the lane, 0: none */
	char apart2[XK_RING_APART - sizeof(xk_a64) - sizeof(xk_a32)];
};

struct xk_stream_prod {
	uint64_t write; /* next record */
	uint64_t limit; /* first that there is no room for, as far as seen */
	struct xk_stream *stream;
	char *records;
	struct xk_ring_bell *bell;
	uint32_t slots, record_bytes;
	bool sleep, broken;
};

struct xk_stream_cons {
	uint64_t read;      /* next record */
	uint64_t seen;      /* first that is not there, as far as seen */
	uint64_t published; /* head as the producer knows it */
	struct xk_stream *stream;
	char *records;
	struct xk_ring_bell *bell;
	uint32_t slots, record_bytes, lazy;
	uint32_t distance, farthest; /* PAUSEs before it looks at tail, at most */
	bool sleep, touch, broken;
};

/* --- the producer's side --- */

/* Look at the consumer's counter again; how much room there is. */
XK_INLINE uint64_t xk_stream_look_head(struct xk_stream_prod *p, uint32_t slots)
{
	uint64_t head = xk_load_acquire(&p->stream->head); /* pairs with xk_stream_publish_head() */
	uint64_t used = p->write - head;

	if (xk_unlikely(used > slots || p->broken)) {
		p->broken = true;
		p->limit = p->write; /* nor what was known before */
		return 0;
	}
	p->limit = head + slots;
	return slots - used;
}

/* Room for n records, as far as it must be known: n, or less. */
XK_INLINE uint64_t xk_stream_room(struct xk_stream_prod *p, unsigned n, uint32_t slots)
{
	uint64_t room = p->limit - p->write;

	return xk_likely(n <= room) ? room : xk_stream_look_head(p, slots);
}

/* Copy n records to where record `at` lies: in two parts if the end is in between. */
XK_INLINE void xk_stream_fill(char *records, uint64_t at, const void *recs, unsigned n,
			      uint32_t bytes, uint32_t slots)
{
	uint64_t first = at & (slots - 1);
	char *to = records + first * bytes;

	if (n == 1) {
		xk_copy_in(to, recs, bytes);
	} else if (xk_likely(first + n <= slots)) {
		xk_copy_in(to, recs, (size_t)n * bytes);
	} else {
		size_t part = (size_t)(slots - first) * bytes;

		xk_copy_in(to, recs, part);
		xk_copy_in(records, (const char *)recs + part, (size_t)n * bytes - part);
	}
}

XK_INLINE void xk_stream_publish_tail(struct xk_stream_prod *p)
{
	xk_ring_publish(&p->stream->tail, p->write, p->bell, p->sleep); /* xk_stream_look_tail() */
}

XK_INLINE unsigned xk_stream_push(struct xk_stream_prod *p, const void *recs, unsigned n,
				  uint32_t bytes, uint32_t slots)
{
	uint64_t room = xk_stream_room(p, n, slots);

	if (xk_unlikely(n > room)) {
		if (!room)
			return 0;
		n = (unsigned)room;
	}
	xk_stream_fill(p->records, p->write, recs, n, bytes, slots);
	p->write += n;
	xk_stream_publish_tail(p);
	return n;
}

/* --- the consumer's side --- */

XK_INLINE void xk_stream_publish_head(struct xk_stream_cons *c)
{
	c->published = c->read;
	xk_ring_publish(&c->stream->head, c->read, c->bell, c->sleep); /* xk_stream_look_head() */
}

/* How long to wait before the next look, after one that found so many. */
XK_INLINE void xk_stream_keep_distance(struct xk_stream_cons *c, uint64_t there, uint32_t slots)
{
	uint32_t few = slots / 16 < XK_STREAM_FEW ? slots / 16 : XK_STREAM_FEW;

	if (there <= 1)
		c->distance = 0;
	else if (there < few && c->distance < c->farthest)
		c->distance++;
	else if (there > 4 * few && c->distance)
		c->distance--;
}

/* Look at the producer's counter again; how many records there are. */
XK_INLINE uint64_t xk_stream_look_tail(struct xk_stream_cons *c, uint32_t slots)
{
	uint64_t tail, there;

	for (uint32_t i = 0; i < c->distance; i++)
		xk_pause();
	tail = xk_load_acquire(&c->stream->tail); /* pairs with xk_stream_publish_tail() */
	there = tail - c->read;

	if (xk_unlikely(there > slots || c->broken)) {
		c->broken = true;
		c->seen = c->read; /* nor what was known before */
		return 0;
	}
	c->seen = tail;
	xk_stream_keep_distance(c, there, slots);
	if (!there && c->published != c->read)
		xk_stream_publish_head(c);
	return there;
}

XK_INLINE uint64_t xk_stream_there(struct xk_stream_cons *c, unsigned n, uint32_t slots)
{
	uint64_t there = c->seen - c->read;

	return xk_likely(n <= there) ? there : xk_stream_look_tail(c, slots);
}

/* Take the lines of which the last byte is in [from, to). */
XK_INLINE void xk_stream_touch(char *records, uint64_t from, uint64_t to)
{
	for (uint64_t end = (from | (XK_RING_LINE - 1)) + 1; end <= to; end += XK_RING_LINE)
		xk_touch(records + end - 1);
}

XK_INLINE void xk_stream_touch_records(char *records, uint64_t at, unsigned n, uint32_t bytes,
				       uint32_t slots)
{
	uint64_t first = at & (slots - 1);
	uint64_t whole = (uint64_t)slots * bytes, end = (first + n) * bytes;

	if (xk_likely(end <= whole)) {
		xk_stream_touch(records, first * bytes, end);
	} else {
		xk_stream_touch(records, first * bytes, whole);
		xk_stream_touch(records, 0, end - whole);
	}
}

/* n records that were looked at are done with. */
XK_INLINE void xk_stream_pass(struct xk_stream_cons *c, unsigned n, uint32_t bytes, uint32_t slots,
			      uint32_t lazy)
{
	if (c->touch)
		xk_stream_touch_records(c->records, c->read, n, bytes, slots);
	c->read += n;
	if (c->read - c->published >= lazy)
		xk_stream_publish_head(c);
}

XK_INLINE void xk_stream_drain(const char *records, uint64_t at, void *recs, unsigned n,
			       uint32_t bytes, uint32_t slots)
{
	uint64_t first = at & (slots - 1);
	const char *from = records + first * bytes;

	if (n == 1) {
		xk_copy_out(recs, from, bytes);
	} else if (xk_likely(first + n <= slots)) {
		xk_copy_out(recs, from, (size_t)n * bytes);
	} else {
		size_t part = (size_t)(slots - first) * bytes;

		xk_copy_out(recs, from, part);
		xk_copy_out((char *)recs + part, records, (size_t)n * bytes - part);
	}
}

XK_INLINE unsigned xk_stream_pop(struct xk_stream_cons *c, void *recs, unsigned n, uint32_t bytes,
				 uint32_t slots, uint32_t lazy)
{
	uint64_t there = xk_stream_there(c, n, slots);

	if (xk_unlikely(n > there)) {
		if (!there)
			return 0;
		n = (unsigned)there;
	}
	xk_stream_drain(c->records, c->read, recs, n, bytes, slots);
	xk_stream_pass(c, n, bytes, slots, lazy);
	return n;
}

/* --- making handles: slow, in the library --- */

size_t xk_stream_bytes(const struct xk_ring_shape *shape); /* one stream with its records */

/* -EPROTO: its counters do not fit each other. */
int xk_stream_join_producer(struct xk_stream_prod *p, struct xk_ring *ring,
			    struct xk_stream *stream, const struct xk_ring_shape *shape);
int xk_stream_join_consumer(struct xk_stream_cons *c, struct xk_ring *ring,
			    struct xk_stream *stream, const struct xk_ring_shape *shape);

/* A consumer's handle of a stream that may be another consumer's at the moment: of what it says,
 * nothing is to be believed until it is the caller's. */
void xk_stream_consumer_init(struct xk_stream_cons *c, struct xk_ring *ring,
			     struct xk_stream *stream, const struct xk_ring_shape *shape);

#ifdef __cplusplus
}
#endif
#endif
