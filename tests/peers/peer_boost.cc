// SPDX-License-Identifier: BSD-2-Clause
/* Boost's spsc_queue and queue, sized at compile time, which makes them fit for shared memory. */
#include "peer.hpp"

#if __has_include(<boost/lockfree/spsc_queue.hpp>)
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

namespace
{

using boost::lockfree::capacity;

template <class Queue> struct handle {
	Queue *queue;
	handle(void *mem) : queue(static_cast<Queue *>(mem))
	{
	}
};

template <unsigned B, unsigned S> struct spsc {
	static constexpr bool fits = true;
	using queue = boost::lockfree::spsc_queue<record<B>, capacity<S>>;
	using to = handle<queue>;
	using from = handle<queue>;

	static void make(void *mem, const ring_cell *)
	{
		new (mem) queue();
	}

	RING_FORCED unsigned push(void *to_, const void *recs, unsigned n, unsigned, unsigned)
	{
		queue *q = static_cast<to *>(to_)->queue;

		if (n == 1)
			return q->push(*records<B>(recs));
		return static_cast<unsigned>(q->push(records<B>(recs), n));
	}

	RING_FORCED unsigned pop(void *from_, void *recs, unsigned n, unsigned, unsigned)
	{
		queue *q = static_cast<from *>(from_)->queue;

		if (n == 1)
			return q->pop(*records<B>(recs));
		return static_cast<unsigned>(q->pop(records<B>(recs), n));
	}
};

/* Its list of free nodes has 16-bit indexes, and one node is a dummy. */
template <unsigned B, unsigned S> struct mpmc {
	static constexpr bool fits = S < 65535;
	using queue = boost::lockfree::queue<record<B>, capacity<S>>;
	using to = handle<queue>;
	using from = handle<queue>;

	static void make(void *mem, const ring_cell *)
	{
		new (mem) queue();
	}

	RING_FORCED unsigned push(void *to_, const void *recs, unsigned n, unsigned, unsigned)
	{
		queue *q = static_cast<to *>(to_)->queue;
		unsigned i = 0;

		while (i < n && q->push(records<B>(recs)[i]))
			i++;
		return i;
	}

	RING_FORCED unsigned pop(void *from_, void *recs, unsigned n, unsigned, unsigned)
	{
		queue *q = static_cast<from *>(from_)->queue;
		unsigned i = 0;

		while (i < n && q->pop(records<B>(recs)[i]))
			i++;
		return i;
	}
};

const ring_algo boost_spsc = parts<spsc>::algo("peer:boost-spsc", "fifo", 1, true, false, true);
const ring_algo boost_queue =
	parts<mpmc>::algo("peer:boost-queue", "fifo", RING_MAX_WORKERS, true, false, false);

} // namespace

const ring_algo *const peers_boost[] = {&boost_spsc, &boost_queue, nullptr};
#else
const ring_algo *const peers_boost[] = {nullptr};
#endif
