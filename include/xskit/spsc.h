/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spsc.h - a ring of fixed-size records from one producer to one consumer, threads or processes.
 *
 *     struct xk_spsc_config config = {.record_bytes = 64, .slots = 4096};
 *     xk_spsc_init(mem, xk_spsc_size(&config), &config);           once
 *     xk_spsc_producer(&p, mem, len, fd); xk_spsc_push(&p, recs, n);     here
 *     xk_spsc_consumer(&c, mem, len, fd); xk_spsc_pop(&c, recs, n);      there
 *
 * FIFO. Nothing blocks: full and empty are results (0). What moves how, and the pairs of the
 * atomics, stand in stream.h; seats, descriptors, death and trust in ring.h. The latency form, for
 * one record there and one back, is spsc_latency.h.
 *
 * Lazy release: the producer sees that records were consumed when `lazy` of them were (slots / 4
 * unless configured), when the consumer finds the ring empty, and at xk_spsc_flush(). Until then
 * their slots count as full.
 *
 * Death (needs a descriptor, see ring.h). Of the producer: all that was published arrives, and
 * records reserved and not committed never do. Of the consumer: the next one gets up to `lazy`
 * records, and those that were being popped, once more: at least once.
 *
 * Sizes: xk_spsc_size() is 1024 bytes and slots * record_bytes, rounded up to 128.
 *
 * Thread contract: all calls with one handle come from one thread at a time; the producer's and
 * the consumer's handle are independent, and there is at most one of each. Counters wrap at 2^64.
 */
#ifndef XSKIT_SPSC_H
#define XSKIT_SPSC_H

#include <xskit/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xk_spsc_config {
	uint32_t record_bytes; /* 1 to 1,048,576 */
	uint32_t slots;        /* a power of two, 1 to 2^28 */
	uint32_t lazy;         /* release at least every so many records: 0 slots / 4, to slots */
	/*
	 * XK_RING_SLEEP: XK_WAIT_SLEEP works, and each push costs a full fence more.
	 * XK_RING_TOUCH, XK_RING_NO_TOUCH: the consumer touches finished lines (stream.h) or not;
	 * neither: it does, unless the records take more than eight times a core's L2 cache. Right
	 * either way.
	 */
	uint32_t flags;
	uint64_t first; /* number of the first record: 0, or to see it wrap */
};

struct xk_spsc_prod {
	struct xk_stream_prod stream;
	struct xk_ring_hold hold;
};

struct xk_spsc_cons {
	struct xk_stream_cons stream;
	struct xk_ring_hold hold;
};

/* Bytes the ring takes; 0: the configuration is not valid. */
size_t xk_spsc_size(const struct xk_spsc_config *config);

/*
 * Make a ring in mem, aligned to 128 bytes, that nobody uses yet. 0; -EINVAL configuration or
 * alignment; -ENOSPC len is less than xk_spsc_size().
 */
int xk_spsc_init(void *mem, size_t len, const struct xk_spsc_config *config);

/*
 * Become the producer, the consumer. fd: a descriptor of mem (xk_share_info()->fd), so that a dead
 * holder is told from a live one; -1: none. hold.took_over says that the last one died.
 * 0; -EBUSY there is one already (or somebody mends a dead one's seat for more than a second, see
 * ring.h); -EPROTO no ring, or a damaged one; -EPROTONOSUPPORT one of another
 * version; -EPROTOTYPE of another kind (see xk_ring_check()); an errno of open(2).
 */
int xk_spsc_producer(struct xk_spsc_prod *p, void *mem, size_t len, int fd);
int xk_spsc_consumer(struct xk_spsc_cons *c, void *mem, size_t len, int fd);

/* Give the seat back. The consumer's unreleased records are released. */
void xk_spsc_producer_detach(struct xk_spsc_prod *p);
void xk_spsc_consumer_detach(struct xk_spsc_cons *c);

/* --- fast: no lock, no system call (but with XK_RING_SLEEP, and somebody asleep) --- */

/*
 * Records from and to the caller's memory: burst forms move 0 to n, bulk forms n or 0.
 * The _k forms take what the ring was made with once more: as constants they let the compiler
 * specialise; they must be right (h.hold.shape tells).
 */
XK_INLINE unsigned xk_spsc_push_k(struct xk_spsc_prod *p, const void *recs, unsigned n,
				  uint32_t record_bytes, uint32_t slots)
{
	return xk_stream_push(&p->stream, recs, n, record_bytes, slots);
}

XK_INLINE unsigned xk_spsc_pop_k(struct xk_spsc_cons *c, void *recs, unsigned n,
				 uint32_t record_bytes, uint32_t slots)
{
	return xk_stream_pop(&c->stream, recs, n, record_bytes, slots, c->stream.lazy);
}

static inline unsigned xk_spsc_push(struct xk_spsc_prod *p, const void *recs, unsigned n)
{
	return xk_spsc_push_k(p, recs, n, p->stream.record_bytes, p->stream.slots);
}

static inline unsigned xk_spsc_pop(struct xk_spsc_cons *c, void *recs, unsigned n)
{
	return xk_spsc_pop_k(c, recs, n, c->stream.record_bytes, c->stream.slots);
}

static inline unsigned xk_spsc_push_bulk(struct xk_spsc_prod *p, const void *recs, unsigned n)
{
	return xk_stream_room(&p->stream, n, p->stream.slots) < n ? 0 : xk_spsc_push(p, recs, n);
}

/*
 * Without a copy: room for up to `want` records in one piece, *got of them (fewer at the ring's
 * end; NULL and 0: full). Write them, then commit as many as are to be seen, at most *got; the
 * rest, and all that is never committed, was not reserved.
 */
static inline void *xk_spsc_reserve(struct xk_spsc_prod *p, unsigned want, unsigned *got)
{
	struct xk_stream_prod *s = &p->stream;
	uint64_t room = xk_stream_room(s, want, s->slots), first = s->write & (s->slots - 1);
	uint64_t n = want < room ? want : room;

	*got = (unsigned)(n < s->slots - first ? n : s->slots - first);
	return *got ? s->records + first * s->record_bytes : NULL;
}

static inline void xk_spsc_commit(struct xk_spsc_prod *p, unsigned n)
{
	p->stream.write += n;
	xk_stream_publish_tail(&p->stream);
}

/* The same to read: the records stay where they are until n of them, at most *got, are released. */
static inline const void *xk_spsc_peek(struct xk_spsc_cons *c, unsigned want, unsigned *got)
{
	struct xk_stream_cons *s = &c->stream;
	uint64_t there = xk_stream_there(s, want, s->slots), first = s->read & (s->slots - 1);
	uint64_t n = want < there ? want : there;

	*got = (unsigned)(n < s->slots - first ? n : s->slots - first);
	return *got ? s->records + first * s->record_bytes : NULL;
}

static inline void xk_spsc_release(struct xk_spsc_cons *c, unsigned n)
{
	xk_stream_pass(&c->stream, n, c->stream.record_bytes, c->stream.slots, c->stream.lazy);
}

/* Show the producer at once what was consumed: before doing something else for a while. */
static inline void xk_spsc_flush(struct xk_spsc_cons *c)
{
	if (c->stream.published != c->stream.read)
		xk_stream_publish_head(&c->stream);
}

static inline unsigned xk_spsc_pop_bulk(struct xk_spsc_cons *c, void *recs, unsigned n)
{
	if (xk_stream_there(&c->stream, n, c->stream.slots) >= n)
		return xk_spsc_pop(c, recs, n);
	xk_spsc_flush(c); /* the producer may need that room for what is missing */
	return 0;
}

/* The other side wrote counters that cannot be; nothing moves any more. */
static inline bool xk_spsc_producer_broken(const struct xk_spsc_prod *p)
{
	return p->stream.broken;
}

static inline bool xk_spsc_consumer_broken(const struct xk_spsc_cons *c)
{
	return c->stream.broken;
}

/* --- slow: waiting --- */

/* Until there is room for n records, or n records; see xk_ring_await() for how, timeout_ns and what
 * is returned. -EINVAL also: n is 0 or more than the ring has slots. */
int xk_spsc_wait_space(struct xk_spsc_prod *p, unsigned n, int how, int64_t timeout_ns);
int xk_spsc_wait_data(struct xk_spsc_cons *c, unsigned n, int how, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
