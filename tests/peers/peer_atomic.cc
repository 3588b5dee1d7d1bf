// SPDX-License-Identifier: BSD-2-Clause
/*
 * Maxim Egorushkin's atomic_queue. Records of 8 bytes are atomic elements (0 is theirs, and no
 * record is 0), larger ones go into the queues with a state beside each element. `optimist` is its
 * push() and pop(), which take a place first and then wait for it; the others are try_push() and
 * try_pop(). The -b queues are sized at run time and keep their elements on the heap. Round trips
 * use what its author uses for latency: no throughput mode, no shuffled indexes.
 */
#include "peer.hpp"

#if __has_include(<atomic_queue/atomic_queue.h>)
#include <atomic_queue/atomic_queue.h>

namespace
{

using atomic_queue::AtomicQueue;
using atomic_queue::AtomicQueue2;
using atomic_queue::AtomicQueueB;
using atomic_queue::AtomicQueueB2;

/* The type for a record; Fast: for throughput. */
template <unsigned B, unsigned S, bool Spsc, bool Fast> struct fixed {
	using element = record<B>;
	using queue = AtomicQueue2<element, S, Fast, Fast, false, Spsc>;
};

template <unsigned S, bool Spsc, bool Fast> struct fixed<8, S, Spsc, Fast> {
	using element = uint64_t;
	using queue = AtomicQueue<element, S, 0, Fast, Fast, false, Spsc>;
};

template <unsigned B, bool Spsc, bool Fast> struct sized {
	using element = record<B>;
	using queue = AtomicQueueB2<element, std::allocator<element>, Fast, false, Spsc>;
	static constexpr unsigned least = 64 * 64; /* it rounds fewer slots up to this */
};

template <bool Spsc, bool Fast> struct sized<8, Spsc, Fast> {
	using element = uint64_t;
	using queue = AtomicQueueB<element, std::allocator<element>, 0, Fast, false, Spsc>;
	static constexpr unsigned least = 8 * 8;
};

template <class Queue> struct handle {
	Queue *queue;
	handle(void *mem) : queue(static_cast<Queue *>(mem))
	{
	}
};

/* The calls: those that may say full or empty, or the ones that wait. */
template <class Queue, class Element, bool Optimist> struct calls {
	RING_FORCED unsigned push(void *to, const void *recs, unsigned n, unsigned, unsigned)
	{
		Queue *q = static_cast<handle<Queue> *>(to)->queue;
		const Element *elements = static_cast<const Element *>(recs);
		unsigned i = 0;

		if constexpr (Optimist) {
			for (; i < n; i++)
				q->push(elements[i]);
			return n;
		}
		while (i < n && q->try_push(elements[i]))
			i++;
		return i;
	}

	RING_FORCED unsigned pop(void *from, void *recs, unsigned n, unsigned, unsigned)
	{
		Queue *q = static_cast<handle<Queue> *>(from)->queue;
		Element *elements = static_cast<Element *>(recs);
		unsigned i = 0;

		if constexpr (Optimist) {
			for (; i < n; i++)
				elements[i] = q->pop();
			return n;
		}
		while (i < n && q->try_pop(elements[i]))
			i++;
		return i;
	}
};

template <unsigned B, unsigned S, bool Spsc, bool Optimist, bool Fast>
struct array : calls<typename fixed<B, S, Spsc, Fast>::queue,
		     typename fixed<B, S, Spsc, Fast>::element, Optimist> {
	static constexpr bool fits = true;
	using queue = typename fixed<B, S, Spsc, Fast>::queue;
	using to = handle<queue>;
	using from = handle<queue>;

	static void make(void *mem, const ring_cell *)
	{
		new (mem) queue();
	}
};

template <unsigned B, unsigned S, bool Spsc, bool Optimist, bool Fast>
struct buffer : calls<typename sized<B, Spsc, Fast>::queue, typename sized<B, Spsc, Fast>::element,
		      Optimist> {
	static constexpr bool fits = S >= sized<B, Spsc, Fast>::least;
	using queue = typename sized<B, Spsc, Fast>::queue;
	using to = handle<queue>;
	using from = handle<queue>;

	static void make(void *mem, const ring_cell *)
	{
		new (mem) queue(S);
	}
};

/* A name for each: array or buffer, one of each or many, try_ or not. */
#define ATOMIC_ALGO(id, name, shape, spsc, optimist, most, processes)                              \
	template <unsigned B, unsigned S> using id##_fast = shape<B, S, spsc, optimist, true>;     \
	template <unsigned B, unsigned S> using id##_trip = shape<B, S, spsc, optimist, false>;    \
	const ring_algo id =                                                                       \
		parts<id##_fast, id##_trip>::algo(name, "fifo", most, processes, optimist, false);

ATOMIC_ALGO(plain, "peer:atomic-queue", array, false, false, RING_MAX_WORKERS, true)
ATOMIC_ALGO(plain_spsc, "peer:atomic-queue-spsc", array, true, false, 1, true)
ATOMIC_ALGO(plain_b, "peer:atomic-queue-b", buffer, false, false, RING_MAX_WORKERS, false)
ATOMIC_ALGO(plain_b_spsc, "peer:atomic-queue-b-spsc", buffer, true, false, 1, false)
ATOMIC_ALGO(optimist, "peer:optimist", array, false, true, RING_MAX_WORKERS, true)
ATOMIC_ALGO(optimist_spsc, "peer:optimist-spsc", array, true, true, 1, true)
ATOMIC_ALGO(optimist_b, "peer:optimist-b", buffer, false, true, RING_MAX_WORKERS, false)
ATOMIC_ALGO(optimist_b_spsc, "peer:optimist-b-spsc", buffer, true, true, 1, false)

} // namespace

const ring_algo *const peers_atomic[] = {&plain,        &plain_spsc,      &plain_b,
					 &plain_b_spsc, &optimist,        &optimist_spsc,
					 &optimist_b,   &optimist_b_spsc, nullptr};
#else
const ring_algo *const peers_atomic[] = {nullptr};
#endif
