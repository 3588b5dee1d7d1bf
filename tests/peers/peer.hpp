// SPDX-License-Identifier: BSD-2-Clause
/*
 * peer.hpp - a ring_algo out of a C++ queue, around the same loops as the C ones.
 *
 * A queue is described by a template over record bytes B and slots S:
 *
 *   static constexpr bool fits;                 it can be that large
 *   using queue = ...;                          placed at the start of the ring's memory
 *   static void make(void *mem, const ring_cell *);
 *   struct to { to(void *mem); }; struct from { from(void *mem); };   a worker's handles
 *   static unsigned push(void *to, const void *recs, unsigned n, unsigned bytes, unsigned slots);
 *   static unsigned pop(void *from, void *recs, unsigned n, unsigned bytes, unsigned slots);
 *
 * Its sizes are those of ring_loops.h, since most of these queues take them as types.
 */
#ifndef PEER_HPP
#define PEER_HPP

#include <cerrno>
#include <new>
#include "bench/ring_loops.h"
#include "peers.h"

#define RING_FORCED static inline __attribute__((always_inline))

/* A record of B bytes, which no line of the cache cuts in two. */
template <unsigned B> struct alignas(B) record {
	uint64_t word[B / 8];
};

template <unsigned B> RING_FORCED const record<B> *records(const void *recs)
{
	return static_cast<const record<B> *>(recs);
}

template <unsigned B> RING_FORCED record<B> *records(void *recs)
{
	return static_cast<record<B> *>(recs);
}

template <unsigned B, unsigned S> struct sizes {
	static constexpr unsigned bytes = B, slots = S;
};

/* f(sizes<B, S>()) for a cell's sizes; otherwise `other`. */
template <class F, class R> static R with_sizes(const ring_cell *cell, R other, F f)
{
	switch (RING_KEY(cell->element_bytes, cell->slots, 0)) {
#define PEER_SIZES(B, S, ...)                                                                      \
	case RING_KEY(B, S, 0):                                                                    \
		return f(sizes<B, S>());
		RING_EACH_RTT(PEER_SIZES, )
#undef PEER_SIZES
	}
	return other;
}

/* --- one function a case; N 0: whatever the burst is --- */

template <class P, class Z, unsigned N>
static __attribute__((noinline)) int produce_case(ring_task *task)
{
	alignas(64) unsigned char local[N ? RING_BATCH_OF(N ? N : 1) * Z::bytes : 1] = {0};
	unsigned char *recs = N ? local : task->buffer;
	unsigned burst = N ? N : task->cell->burst;
	typename P::to to(task->mem[0]);

	if (task->check)
		ring_produce_loop(task, P::push, &to, recs, Z::bytes, Z::slots, burst, true);
	else
		ring_produce_loop(task, P::push, &to, recs, Z::bytes, Z::slots, burst, false);
	return 0;
}

template <class P, class Z, unsigned N>
static __attribute__((noinline)) int consume_case(ring_task *task)
{
	alignas(64) unsigned char local[N ? N * Z::bytes : 1] = {0};
	unsigned char *recs = N ? local : task->buffer;
	unsigned burst = N ? N : task->cell->burst;
	typename P::from from(task->mem[0]);

	if (task->check)
		ring_consume_loop(task, P::pop, &from, recs, Z::bytes, Z::slots, burst, true);
	else
		ring_consume_loop(task, P::pop, &from, recs, Z::bytes, Z::slots, burst, false);
	return 0;
}

template <class P, class Z> static __attribute__((noinline)) int ping_case(ring_task *task)
{
	alignas(64) unsigned char recs[3 * Z::bytes] = {0};
	typename P::from from(task->mem[1]);
	typename P::to to(task->mem[0]);

	if (task->check)
		ring_ping_loop(task, P::push, &to, P::pop, &from, recs, Z::bytes, Z::slots, true);
	else
		ring_ping_loop(task, P::push, &to, P::pop, &from, recs, Z::bytes, Z::slots, false);
	return 0;
}

template <class P, class Z> static __attribute__((noinline)) int pong_case(ring_task *task)
{
	alignas(64) unsigned char recs[Z::bytes] = {0};
	typename P::from from(task->mem[0]);
	typename P::to to(task->mem[1]);

	ring_pong_loop(task, P::push, &to, P::pop, &from, recs, Z::bytes, Z::slots);
	return 0;
}

/* --- the functions of a ring_algo; P streams, R makes round trips --- */

template <template <unsigned, unsigned> class P, template <unsigned, unsigned> class R = P>
struct parts {
	template <class Z> using stream = P<Z::bytes, Z::slots>;
	template <class Z> using trip = R<Z::bytes, Z::slots>;

	static size_t size(const ring_cell *cell)
	{
		return with_sizes(cell, size_t(0), [cell](auto z) -> size_t {
			using Z = decltype(z);
			if constexpr (!stream<Z>::fits)
				return 0;
			else if (cell->metric == RING_RTT)
				return sizeof(typename trip<Z>::queue);
			else
				return sizeof(typename stream<Z>::queue);
		});
	}

	static int init(void *mem, size_t, const ring_cell *cell)
	{
		return with_sizes(cell, -EINVAL, [mem, cell](auto z) -> int {
			using Z = decltype(z);
			if constexpr (stream<Z>::fits) {
				if (cell->metric == RING_RTT)
					trip<Z>::make(mem, cell);
				else
					stream<Z>::make(mem, cell);
				return 0;
			}
			return -EINVAL;
		});
	}

	template <class Queue> static void end(void *mem)
	{
		static_cast<Queue *>(mem)->~Queue();
	}

	static void destroy(void *mem, const ring_cell *cell)
	{
		with_sizes(cell, 0, [mem, cell](auto z) -> int {
			using Z = decltype(z);
			if constexpr (stream<Z>::fits) {
				if (cell->metric == RING_RTT)
					end<typename trip<Z>::queue>(mem);
				else
					end<typename stream<Z>::queue>(mem);
			}
			return 0;
		});
	}

	static int produce(ring_task *task)
	{
		return with_sizes(task->cell, -EINVAL, [task](auto z) -> int {
			using Z = decltype(z);
			if constexpr (stream<Z>::fits)
				return task->cell->burst == 1 ? produce_case<stream<Z>, Z, 1>(task)
				       : task->cell->burst == 32
					       ? produce_case<stream<Z>, Z, 32>(task)
					       : produce_case<stream<Z>, Z, 0>(task);
			return -EINVAL;
		});
	}

	static int consume(ring_task *task)
	{
		return with_sizes(task->cell, -EINVAL, [task](auto z) -> int {
			using Z = decltype(z);
			if constexpr (stream<Z>::fits)
				return task->cell->burst == 1 ? consume_case<stream<Z>, Z, 1>(task)
				       : task->cell->burst == 32
					       ? consume_case<stream<Z>, Z, 32>(task)
					       : consume_case<stream<Z>, Z, 0>(task);
			return -EINVAL;
		});
	}

	static int ping(ring_task *task)
	{
		return with_sizes(task->cell, -EINVAL, [task](auto z) -> int {
			using Z = decltype(z);
			if constexpr (trip<Z>::fits)
				return ping_case<trip<Z>, Z>(task);
			return -EINVAL;
		});
	}

	static int pong(ring_task *task)
	{
		return with_sizes(task->cell, -EINVAL, [task](auto z) -> int {
			using Z = decltype(z);
			if constexpr (trip<Z>::fits)
				return pong_case<trip<Z>, Z>(task);
			return -EINVAL;
		});
	}

	static constexpr ring_algo algo(const char *name, const char *order, unsigned most,
					bool processes, bool blocking, bool burst_call)
	{
		return {name, order, blocking, burst_call, processes, most, most, nullptr,
			size, init,  destroy,  produce,    consume,   ping, pong};
	}
};

#endif
