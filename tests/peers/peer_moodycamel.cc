// SPDX-License-Identifier: BSD-2-Clause
/*
 * moodycamel's ConcurrentQueue (with tokens: its fast way) and ReaderWriterQueue. Both keep their
 * blocks on the heap, so for threads only, and are made large enough never to allocate: the try_
 * calls then say full.
 */
#include "peer.hpp"

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#define HAVE_CONCURRENT 1
#endif
#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>
#define HAVE_READER_WRITER 1
#endif

namespace
{

#ifdef HAVE_CONCURRENT
/* S a producer, as a lane has: without a limit the first one takes all the blocks for good. */
template <unsigned S> struct traits : moodycamel::ConcurrentQueueDefaultTraits {
	static const size_t MAX_SUBQUEUE_SIZE = S;
};

template <unsigned B, unsigned S> struct concurrent {
	static constexpr bool fits = true;
	using queue = moodycamel::ConcurrentQueue<record<B>, traits<S>>;

	struct to {
		queue *q;
		typename queue::producer_token_t token;
		to(void *mem) : q(static_cast<queue *>(mem)), token(*q)
		{
		}
	};

	struct from {
		queue *q;
		typename queue::consumer_token_t token;
		from(void *mem) : q(static_cast<queue *>(mem)), token(*q)
		{
		}
	};

	static void make(void *mem, const ring_cell *cell)
	{
		new (mem) queue(S, cell->producers, 0);
	}

	RING_FORCED unsigned push(void *to_, const void *recs, unsigned n, unsigned, unsigned)
	{
		to *t = static_cast<to *>(to_);

		if (n == 1)
			return t->q->try_enqueue(t->token, *records<B>(recs));
		return t->q->try_enqueue_bulk(t->token, records<B>(recs), n) ? n : 0;
	}

	RING_FORCED unsigned pop(void *from_, void *recs, unsigned n, unsigned, unsigned)
	{
		from *f = static_cast<from *>(from_);

		if (n == 1)
			return f->q->try_dequeue(f->token, *records<B>(recs));
		return static_cast<unsigned>(f->q->try_dequeue_bulk(f->token, records<B>(recs), n));
	}
};

const ring_algo moodycamel_concurrent = parts<concurrent>::algo(
	"peer:moodycamel", "per-producer", RING_MAX_WORKERS, false, false, true);
#endif

#ifdef HAVE_READER_WRITER
template <unsigned B, unsigned S> struct reader_writer {
	static constexpr bool fits = true;
	using queue = moodycamel::ReaderWriterQueue<record<B>>;

	struct to {
		queue *q;
		to(void *mem) : q(static_cast<queue *>(mem))
		{
		}
	};
	using from = to;

	static void make(void *mem, const ring_cell *)
	{
		new (mem) queue(S);
	}

	RING_FORCED unsigned push(void *to_, const void *recs, unsigned n, unsigned, unsigned)
	{
		queue *q = static_cast<to *>(to_)->q;
		unsigned i = 0;

		while (i < n && q->try_enqueue(records<B>(recs)[i]))
			i++;
		return i;
	}

	RING_FORCED unsigned pop(void *from_, void *recs, unsigned n, unsigned, unsigned)
	{
		queue *q = static_cast<from *>(from_)->q;
		unsigned i = 0;

		while (i < n && q->try_dequeue(records<B>(recs)[i]))
			i++;
		return i;
	}
};

const ring_algo moodycamel_reader_writer =
	parts<reader_writer>::algo("peer:readerwriterqueue", "fifo", 1, false, false, false);
#endif

} // namespace

const ring_algo *const peers_moodycamel[] = {
#ifdef HAVE_CONCURRENT
	&moodycamel_concurrent,
#endif
#ifdef HAVE_READER_WRITER
	&moodycamel_reader_writer,
#endif
	nullptr};
