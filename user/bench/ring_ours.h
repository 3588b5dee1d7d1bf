/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_ours.h - RING_OURS(ID, KIND, NAME, ORDER, PRODUCERS, CONSUMERS, CONFIG...): ring_ID out of
 * the calls xk_KIND_*(), which are named alike for all of the project's rings. CONFIG: what its
 * configuration has beside record_bytes and slots. Users attach without a descriptor: finding the
 * dead costs nothing on the way of a record.
 */
#ifndef XSKIT_BENCH_RING_OURS_H
#define XSKIT_BENCH_RING_OURS_H

#include "bench/ring_algos.h"
#include "bench/ring_glue.h"

#define RING_OURS(id, kind, called, promises, producers_, consumers_, ...)                         \
	static struct xk_##kind##_config id##_config(const struct ring_cell *cell)                 \
	{                                                                                          \
		return (struct xk_##kind##_config){                                                \
			.record_bytes = cell->element_bytes, .slots = cell->slots, __VA_ARGS__};   \
	}                                                                                          \
	static size_t id##_size(const struct ring_cell *cell)                                      \
	{                                                                                          \
		struct xk_##kind##_config config = id##_config(cell);                              \
                                                                                                   \
		return xk_##kind##_size(&config);                                                  \
	}                                                                                          \
	static int id##_init(void *mem, size_t len, const struct ring_cell *cell)                  \
	{                                                                                          \
		struct xk_##kind##_config config = id##_config(cell);                              \
                                                                                                   \
		return xk_##kind##_init(mem, len, &config);                                        \
	}                                                                                          \
	static int id##_open_to(struct xk_##kind##_prod *to, const struct ring_task *task,         \
				void *mem)                                                         \
	{                                                                                          \
		return xk_##kind##_producer(to, mem, task->len, -1);                               \
	}                                                                                          \
	static int id##_open_from(struct xk_##kind##_cons *from, const struct ring_task *task,     \
				  void *mem)                                                       \
	{                                                                                          \
		return xk_##kind##_consumer(from, mem, task->len, -1);                             \
	}                                                                                          \
	static void id##_close_to(struct xk_##kind##_prod *to)                                     \
	{                                                                                          \
		xk_##kind##_producer_detach(to);                                                   \
	}                                                                                          \
	static void id##_close_from(struct xk_##kind##_cons *from)                                 \
	{                                                                                          \
		xk_##kind##_consumer_detach(from);                                                 \
	}                                                                                          \
	RING_INLINE unsigned id##_push(void *to, const void *recs, unsigned n, unsigned bytes,     \
				       unsigned slots)                                             \
	{                                                                                          \
		return xk_##kind##_push_k(to, recs, n, bytes, slots);                              \
	}                                                                                          \
	RING_INLINE unsigned id##_pop(void *from, void *recs, unsigned n, unsigned bytes,          \
				      unsigned slots)                                              \
	{                                                                                          \
		return xk_##kind##_pop_k(from, recs, n, bytes, slots);                             \
	}                                                                                          \
	RING_PARTS(id, struct xk_##kind##_prod, struct xk_##kind##_cons)                           \
	const struct ring_algo ring_##id = {                                                       \
		.name = called,                                                                    \
		.order = promises,                                                                 \
		.burst_call = true,                                                                \
		.processes = true,                                                                 \
		.max_producers = producers_,                                                       \
		.max_consumers = consumers_,                                                       \
		.size = id##_size,                                                                 \
		.init = id##_init,                                                                 \
		.produce = id##_produce,                                                           \
		.consume = id##_consume,                                                           \
		.ping = id##_ping,                                                                 \
		.pong = id##_pong,                                                                 \
	};

#endif
