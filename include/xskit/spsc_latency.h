/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spsc_latency.h - spsc for the shortest way of one record: a request there, an answer back.
 *
 * Every slot has a sequence number beside its record, so the one cache line that carries the record
 * also says that it is there; there are no counters to look at. Few slots are enough, and best: the
 * lines stay hot. As a stream, spsc.h moves several times as many records a second.
 * Measured (Zen 4, 16 slots): 8 bytes there and back in 74 ns, where one word in one line takes 64.
 *
 * Records that do not fit into a line with their number (above 56 bytes) go through a stream
 * (stream.h): where several lines travel anyway, one that says how many there are and is polled
 * alone, and whose partner is looked at once in a lap, is quicker than a number with each record
 * (64 bytes there and back: 80 ns against 190). What follows is about the smaller ones.
 *
 * Slot i of a ring of N, for record number r (r % N == i), holds in its word
 *
 *     r      free: the producer may write record r      (consumer's store of r, release:
 *                                                         pairs with the producer's acquire)
 *     r + 1  full: the consumer may read record r       (producer's store of r + 1, release:
 *                                                         pairs with the consumer's acquire)
 *     r + N  free again, for record r + N
 *
 * (D. Vyukov's bounded queue, without the compare-and-swap that several users need.) The words are
 * the only truth: who takes a dead one's seat finds its place by looking at all of them. Of a dead
 * consumer's records, the one being popped may be delivered twice; nothing published is lost.
 *
 * Sizes: 768 bytes and slots * stride, rounded up to 128, where a stride of 16, 32 or 128 bytes
 * holds record and word; a stream: as spsc.h.
 * Everything else, and the thread contract, as in spsc.h.
 */
#ifndef XSKIT_SPSC_LATENCY_H
#define XSKIT_SPSC_LATENCY_H

#include <xskit/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XK_SPSC_LATENCY_LINE 56u /* bytes: larger records go through a stream */

struct xk_spsc_latency_config {
	uint32_t record_bytes; /* 1 to 1,048,576 */
	uint32_t slots;        /* a power of two, 2 to 2^28; 16 is a good number */
	uint32_t flags;        /* XK_RING_SLEEP */
	uint64_t first;        /* number of the first record: 0, or to see it wrap */
};

struct xk_spsc_latency {
	uint64_t at; /* next record */
	char *slots_at;
	struct xk_ring_bell *bell; /* of the other side */
	uint32_t slots, record_bytes;
	bool sleep;
	struct xk_ring_hold hold;
};

struct xk_spsc_latency_prod {
	struct xk_spsc_latency side;
	struct xk_stream_prod stream; /* of large records */
};

struct xk_spsc_latency_cons {
	struct xk_spsc_latency side;
	struct xk_stream_cons stream;
};

size_t xk_spsc_latency_size(const struct xk_spsc_latency_config *config); /* 0: not valid */
int xk_spsc_latency_init(void *mem, size_t len, const struct xk_spsc_latency_config *config);
int xk_spsc_latency_producer(struct xk_spsc_latency_prod *p, void *mem, size_t len, int fd);
int xk_spsc_latency_consumer(struct xk_spsc_latency_cons *c, void *mem, size_t len, int fd);
void xk_spsc_latency_producer_detach(struct xk_spsc_latency_prod *p);
void xk_spsc_latency_consumer_detach(struct xk_spsc_latency_cons *c);

/* Bytes from slot to slot: the word, then the record; a line's part, or a pair of lines, since a
 * line that the prefetcher brings along with its neighbour takes that from the other core (a
 * round trip of 8 bytes in slots of 64 took twice as long as in slots of 16 or 128). */
XK_INLINE uint32_t xk_spsc_latency_stride(uint32_t record_bytes)
{
	uint32_t bytes = record_bytes + 8;

	return bytes <= 16 ? 16 : bytes <= 32 ? 32 : 128;
}

XK_INLINE bool xk_spsc_latency_streams(uint32_t record_bytes)
{
	return record_bytes > XK_SPSC_LATENCY_LINE;
}

XK_INLINE xk_a64 *xk_spsc_latency_slot(struct xk_spsc_latency *s, uint32_t record_bytes,
				       uint32_t slots)
{
	return (xk_a64 *)(void *)(s->slots_at +
				  (s->at & (slots - 1)) * xk_spsc_latency_stride(record_bytes));
}

XK_INLINE unsigned xk_spsc_latency_push_k(struct xk_spsc_latency_prod *p, const void *recs,
					  unsigned n, uint32_t record_bytes, uint32_t slots)
{
	struct xk_spsc_latency *s = &p->side;
	unsigned done = 0;

	if (xk_spsc_latency_streams(record_bytes))
		return xk_stream_push(&p->stream, recs, n, record_bytes, slots);
	for (; done < n; done++) {
		xk_a64 *slot = xk_spsc_latency_slot(s, record_bytes, slots);

		if (xk_load_acquire(slot) != s->at) /* pairs with the consumer's publication */
			break;
		xk_copy_in(slot + 1, (const char *)recs + (size_t)done * record_bytes,
			   record_bytes);
		s->at++;
		xk_ring_publish(slot, s->at, s->bell, s->sleep); /* the consumer's acquire */
	}
	return done;
}

XK_INLINE unsigned xk_spsc_latency_pop_k(struct xk_spsc_latency_cons *c, void *recs, unsigned n,
					 uint32_t record_bytes, uint32_t slots)
{
	struct xk_spsc_latency *s = &c->side;
	unsigned done = 0;

	if (xk_spsc_latency_streams(record_bytes))
		return xk_stream_pop(&c->stream, recs, n, record_bytes, slots, c->stream.lazy);
	for (; done < n; done++) {
		xk_a64 *slot = xk_spsc_latency_slot(s, record_bytes, slots);

		if (xk_load_acquire(slot) != s->at + 1) /* pairs with the producer's publication */
			break;
		xk_copy_out((char *)recs + (size_t)done * record_bytes, slot + 1, record_bytes);
		xk_ring_publish(slot, s->at + slots, s->bell,
				s->sleep); /* the producer's acquire */
		s->at++;
	}
	return done;
}

static inline unsigned xk_spsc_latency_push(struct xk_spsc_latency_prod *p, const void *recs,
					    unsigned n)
{
	return xk_spsc_latency_push_k(p, recs, n, p->side.record_bytes, p->side.slots);
}

static inline unsigned xk_spsc_latency_pop(struct xk_spsc_latency_cons *c, void *recs, unsigned n)
{
	return xk_spsc_latency_pop_k(c, recs, n, c->side.record_bytes, c->side.slots);
}

/* As xk_spsc_producer_broken(); of small records, which have no counters, it is never known. */
static inline bool xk_spsc_latency_producer_broken(const struct xk_spsc_latency_prod *p)
{
	return xk_spsc_latency_streams(p->side.record_bytes) && p->stream.broken;
}

static inline bool xk_spsc_latency_consumer_broken(const struct xk_spsc_latency_cons *c)
{
	return xk_spsc_latency_streams(c->side.record_bytes) && c->stream.broken;
}

/* Until one record, or room for one, is there: see xk_ring_await(). */
int xk_spsc_latency_wait_space(struct xk_spsc_latency_prod *p, int how, int64_t timeout_ns);
int xk_spsc_latency_wait_data(struct xk_spsc_latency_cons *c, int how, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
