/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_glue.h - RING_PARTS(NAME, TO, FROM): NAME_produce, NAME_consume, NAME_ping and NAME_pong of
 * an algorithm written in C, out of
 *
 *   int  NAME_open_to(TO *, const struct ring_task *, void *mem);       0 or -errno
 *   int  NAME_open_from(FROM *, const struct ring_task *, void *mem);
 *   void NAME_close_to(TO *);  void NAME_close_from(FROM *);
 *   NAME_push and NAME_pop, inline, as ring_push_fn and ring_pop_fn; the handle is a TO or a FROM
 *
 * Each of the usual cases is a function of its own; any other goes by the same loops with the sizes
 * as variables.
 */
#ifndef XSKIT_BENCH_RING_GLUE_H
#define XSKIT_BENCH_RING_GLUE_H

#include "bench/ring_loops.h"

#define RING_BUFFER(name, bytes) unsigned char name[bytes] __attribute__((aligned(64))) = {0}
#define RING_CASE                static __attribute__((noinline)) int

#define RING_PRODUCE_BODY(name, to_t, recs, bytes, slots, burst)                                   \
	do {                                                                                       \
		to_t to = {0};                                                                     \
		int rc = name##_open_to(&to, task, task->mem[0]);                                  \
                                                                                                   \
		if (rc)                                                                            \
			return rc;                                                                 \
		if (task->check)                                                                   \
			ring_produce_loop(task, name##_push, &to, recs, bytes, slots, burst,       \
					  true);                                                   \
		else                                                                               \
			ring_produce_loop(task, name##_push, &to, recs, bytes, slots, burst,       \
					  false);                                                  \
		name##_close_to(&to);                                                              \
		return 0;                                                                          \
	} while (0)

#define RING_CONSUME_BODY(name, from_t, recs, bytes, slots, burst)                                 \
	do {                                                                                       \
		from_t from = {0};                                                                 \
		int rc = name##_open_from(&from, task, task->mem[0]);                              \
                                                                                                   \
		if (rc)                                                                            \
			return rc;                                                                 \
		if (task->check)                                                                   \
			ring_consume_loop(task, name##_pop, &from, recs, bytes, slots, burst,      \
					  true);                                                   \
		else                                                                               \
			ring_consume_loop(task, name##_pop, &from, recs, bytes, slots, burst,      \
					  false);                                                  \
		name##_close_from(&from);                                                          \
		return 0;                                                                          \
	} while (0)

#define RING_PING_BODY(name, to_t, from_t, recs, bytes, slots)                                     \
	do {                                                                                       \
		from_t from = {0};                                                                 \
		to_t to = {0};                                                                     \
		int rc = name##_open_to(&to, task, task->mem[0]);                                  \
                                                                                                   \
		if (!rc)                                                                           \
			rc = name##_open_from(&from, task, task->mem[1]);                          \
		if (rc)                                                                            \
			return rc;                                                                 \
		if (task->check)                                                                   \
			ring_ping_loop(task, name##_push, &to, name##_pop, &from, recs, bytes,     \
				       slots, true);                                               \
		else                                                                               \
			ring_ping_loop(task, name##_push, &to, name##_pop, &from, recs, bytes,     \
				       slots, false);                                              \
		name##_close_to(&to);                                                              \
		name##_close_from(&from);                                                          \
		return 0;                                                                          \
	} while (0)

#define RING_PONG_BODY(name, to_t, from_t, recs, bytes, slots)                                     \
	do {                                                                                       \
		from_t from = {0};                                                                 \
		to_t to = {0};                                                                     \
		int rc = name##_open_to(&to, task, task->mem[1]);                                  \
                                                                                                   \
		if (!rc)                                                                           \
			rc = name##_open_from(&from, task, task->mem[0]);                          \
		if (rc)                                                                            \
			return rc;                                                                 \
		ring_pong_loop(task, name##_push, &to, name##_pop, &from, recs, bytes, slots);     \
		name##_close_to(&to);                                                              \
		name##_close_from(&from);                                                          \
		return 0;                                                                          \
	} while (0)

/* --- one function a case --- */

#define RING_STREAM_CASE(B, S, N, name, to_t, from_t)                                              \
	RING_CASE name##_produce_##B##_##S##_##N(struct ring_task *task)                           \
	{                                                                                          \
		RING_BUFFER(recs, (B)*RING_BATCH_OF(N));                                           \
		RING_PRODUCE_BODY(name, to_t, recs, B, S, N);                                      \
	}                                                                                          \
	RING_CASE name##_consume_##B##_##S##_##N(struct ring_task *task)                           \
	{                                                                                          \
		RING_BUFFER(recs, (B) * (N));                                                      \
		RING_CONSUME_BODY(name, from_t, recs, B, S, N);                                    \
	}

#define RING_RTT_CASE(B, S, name, to_t, from_t)                                                    \
	RING_CASE name##_ping_##B##_##S(struct ring_task *task)                                    \
	{                                                                                          \
		RING_BUFFER(recs, 3 * (B));                                                        \
		RING_PING_BODY(name, to_t, from_t, recs, B, S);                                    \
	}                                                                                          \
	RING_CASE name##_pong_##B##_##S(struct ring_task *task)                                    \
	{                                                                                          \
		RING_BUFFER(recs, B);                                                              \
		RING_PONG_BODY(name, to_t, from_t, recs, B, S);                                    \
	}

#define RING_ANY_CASES(name, to_t, from_t)                                                         \
	RING_CASE name##_produce_any(struct ring_task *task)                                       \
	{                                                                                          \
		const struct ring_cell *cell = task->cell;                                         \
                                                                                                   \
		RING_PRODUCE_BODY(name, to_t, task->buffer, cell->element_bytes, cell->slots,      \
				  cell->burst);                                                    \
	}                                                                                          \
	RING_CASE name##_consume_any(struct ring_task *task)                                       \
	{                                                                                          \
		const struct ring_cell *cell = task->cell;                                         \
                                                                                                   \
		RING_CONSUME_BODY(name, from_t, task->buffer, cell->element_bytes, cell->slots,    \
				  cell->burst);                                                    \
	}                                                                                          \
	RING_CASE name##_ping_any(struct ring_task *task)                                          \
	{                                                                                          \
		const struct ring_cell *cell = task->cell;                                         \
                                                                                                   \
		RING_PING_BODY(name, to_t, from_t, task->buffer, cell->element_bytes,              \
			       cell->slots);                                                       \
	}                                                                                          \
	RING_CASE name##_pong_any(struct ring_task *task)                                          \
	{                                                                                          \
		const struct ring_cell *cell = task->cell;                                         \
                                                                                                   \
		RING_PONG_BODY(name, to_t, from_t, task->buffer, cell->element_bytes,              \
			       cell->slots);                                                       \
	}

/* --- from a cell to its function --- */

#define RING_PICK_STREAM(B, S, N, name, part)                                                      \
	case RING_KEY(B, S, N):                                                                    \
		return name##_##part##_##B##_##S##_##N(task);

#define RING_PICK_RTT(B, S, name, part)                                                            \
	case RING_KEY(B, S, 1):                                                                    \
		return name##_##part##_##B##_##S(task);

#define RING_DISPATCH(name, part, each, pick)                                                      \
	static int name##_##part(struct ring_task *task)                                           \
	{                                                                                          \
		switch (ring_key(task->cell)) {                                                    \
			each(pick, name, part) default : return name##_##part##_any(task);         \
		}                                                                                  \
	}

#define RING_PARTS(name, to_t, from_t)                                                             \
	RING_EACH_STREAM(RING_STREAM_CASE, name, to_t, from_t)                                     \
	RING_EACH_RTT(RING_RTT_CASE, name, to_t, from_t)                                           \
	RING_ANY_CASES(name, to_t, from_t)                                                         \
	RING_DISPATCH(name, produce, RING_EACH_STREAM, RING_PICK_STREAM)                           \
	RING_DISPATCH(name, consume, RING_EACH_STREAM, RING_PICK_STREAM)                           \
	RING_DISPATCH(name, ping, RING_EACH_RTT, RING_PICK_RTT)                                    \
	RING_DISPATCH(name, pong, RING_EACH_RTT, RING_PICK_RTT)

#endif
