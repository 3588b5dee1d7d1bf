// SPDX-License-Identifier: BSD-2-Clause
/* spsc: lazy release, bulk, records without a copy, touched lines, and hostile counters. */
#include "ring_util.h"

struct pair {
	struct ring_mem mem;
	struct xk_spsc_prod p;
	struct xk_spsc_cons c;
};

static void make(struct pair *pair, struct xk_spsc_config config)
{
	ring_mem_make(&pair->mem, xk_spsc_size(&config));
	assert_int_equal(xk_spsc_init(pair->mem.mem, pair->mem.len, &config), 0);
	assert_int_equal(xk_spsc_producer(&pair->p, pair->mem.mem, pair->mem.len, -1), 0);
	assert_int_equal(xk_spsc_consumer(&pair->c, pair->mem.mem, pair->mem.len, -1), 0);
}

static void drop(struct pair *pair)
{
	xk_spsc_producer_detach(&pair->p);
	xk_spsc_consumer_detach(&pair->c);
	ring_mem_free(&pair->mem);
}

static unsigned push(struct pair *pair, unsigned n)
{
	uint64_t recs[32];

	for (unsigned i = 0; i < n; i++)
		recs[i] = pair->p.stream.write + i;
	return xk_spsc_push(&pair->p, recs, n);
}

static unsigned pop(struct pair *pair, unsigned n)
{
	uint64_t recs[32], at = pair->c.stream.read;
	unsigned got = xk_spsc_pop(&pair->c, recs, n);

	for (unsigned i = 0; i < got; i++)
		assert_true(recs[i] == at + i);
	return got;
}

/* --- when the producer sees room --- */

static void lazy_release(void **unused)
{
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 3});
	assert_int_equal(push(&pair, 9), 8);
	assert_int_equal(pop(&pair, 1), 1);
	assert_int_equal(push(&pair, 1), 0);
	assert_int_equal(pop(&pair, 1), 1);
	assert_int_equal(push(&pair, 1), 0);
	assert_int_equal(pop(&pair, 1), 1); /* the third */
	assert_int_equal(push(&pair, 8), 3);
	assert_int_equal(pop(&pair, 2), 2);
	assert_int_equal(push(&pair, 1), 0);
	xk_spsc_flush(&pair.c);
	assert_int_equal(push(&pair, 8), 2);
	drop(&pair);
}

static void release_when_empty(void **unused)
{
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 8});
	assert_int_equal(push(&pair, 5), 5);
	assert_int_equal(pop(&pair, 5), 5);
	assert_int_equal(push(&pair, 8), 3);
	assert_int_equal(pop(&pair, 3), 3); /* those make eight */
	assert_int_equal(push(&pair, 1), 1);
	assert_int_equal(pop(&pair, 1), 1);
	assert_int_equal(pop(&pair, 1), 0); /* found empty */
	assert_int_equal(push(&pair, 9), 8);
	drop(&pair);
}

static void lazy_by_default(void **unused)
{
	static const uint32_t slots[] = {1, 2, 4, 64}, lazy[] = {1, 1, 1, 16};
	struct pair pair;

	(void)unused;
	for (unsigned i = 0; i < LENGTH(slots); i++) {
		make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = slots[i]});
		assert_int_equal(pair.c.stream.lazy, lazy[i]);
		drop(&pair);
	}
}

static void release_at_detach(void **unused)
{
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 8});
	assert_int_equal(push(&pair, 8), 8);
	assert_int_equal(pop(&pair, 2), 2);
	xk_spsc_consumer_detach(&pair.c);
	assert_int_equal(push(&pair, 8), 2);
	assert_int_equal(xk_spsc_consumer(&pair.c, pair.mem.mem, pair.mem.len, -1), 0);
	assert_true(pair.c.stream.read == 2);
	drop(&pair);
}

/* --- all or nothing --- */

static void bulk(void **unused)
{
	uint64_t recs[16];
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 1});
	for (unsigned i = 0; i < 16; i++)
		recs[i] = i;
	assert_int_equal(xk_spsc_push_bulk(&pair.p, recs, 9), 0);
	assert_int_equal(xk_spsc_push_bulk(&pair.p, recs, 5), 5);
	assert_int_equal(xk_spsc_push_bulk(&pair.p, recs + 5, 4), 0);
	assert_int_equal(xk_spsc_pop_bulk(&pair.c, recs, 6), 0);
	assert_int_equal(xk_spsc_pop_bulk(&pair.c, recs + 8, 5), 5);
	assert_memory_equal(recs, recs + 8, 5 * 8);
	assert_int_equal(xk_spsc_pop_bulk(&pair.c, recs, 1), 0);
	assert_int_equal(xk_spsc_push_bulk(&pair.p, recs, 8), 8); /* over the end */
	assert_int_equal(xk_spsc_pop_bulk(&pair.c, recs + 8, 8), 8);
	assert_memory_equal(recs, recs + 8, 8 * 8);
	drop(&pair);
}

/* Who wants more records than lazily released slots leave room for still gets them. */
static void bulk_of_a_full_ring(void **unused)
{
	uint64_t recs[8];
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 8});
	assert_int_equal(push(&pair, 8), 8);
	assert_int_equal(pop(&pair, 1), 1);
	assert_int_equal(xk_spsc_pop_bulk(&pair.c, recs, 8), 0);
	assert_int_equal(push(&pair, 1), 1);
	assert_int_equal(xk_spsc_pop_bulk(&pair.c, recs, 8), 8);
	drop(&pair);
}

static void wait_for_a_full_ring(void **unused)
{
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 8});
	assert_int_equal(push(&pair, 8), 8);
	assert_int_equal(pop(&pair, 1), 1);
	assert_int_equal(xk_spsc_wait_data(&pair.c, 8, XK_WAIT_SPIN, 1000), -ETIMEDOUT);
	assert_int_equal(push(&pair, 1), 1);
	assert_int_equal(xk_spsc_wait_data(&pair.c, 8, XK_WAIT_SPIN, 1000), 0);
	drop(&pair);
}

static void wait_for_impossible_numbers(void **unused)
{
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8});
	assert_int_equal(xk_spsc_wait_data(&pair.c, 0, XK_WAIT_SPIN, 0), -EINVAL);
	assert_int_equal(xk_spsc_wait_data(&pair.c, 9, XK_WAIT_SPIN, 0), -EINVAL);
	assert_int_equal(xk_spsc_wait_space(&pair.p, 0, XK_WAIT_SPIN, 0), -EINVAL);
	assert_int_equal(xk_spsc_wait_space(&pair.p, 9, XK_WAIT_SPIN, 0), -EINVAL);
	assert_int_equal(xk_spsc_wait_space(&pair.p, 8, XK_WAIT_SPIN, 0), 0);
	push(&pair, 3);
	assert_int_equal(xk_spsc_wait_data(&pair.c, 3, XK_WAIT_SPIN, 0), 0);
	assert_int_equal(xk_spsc_wait_data(&pair.c, 4, XK_WAIT_SPIN, 0), -ETIMEDOUT);
	assert_int_equal(xk_spsc_wait_space(&pair.p, 5, XK_WAIT_SPIN, 0), 0);
	assert_int_equal(xk_spsc_wait_space(&pair.p, 6, XK_WAIT_SPIN, 0), -ETIMEDOUT);
	drop(&pair);
}

/* --- without a copy --- */

static void reserve_and_commit(void **unused)
{
	struct pair pair;
	uint64_t *room;
	unsigned got;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 1});
	room = xk_spsc_reserve(&pair.p, 5, &got);
	assert_int_equal(got, 5);
	for (uint64_t i = 0; i < 5; i++)
		room[i] = i;
	assert_int_equal(pop(&pair, 1), 0); /* not seen before it is committed */
	xk_spsc_commit(&pair.p, 2);         /* and then only that */
	assert_int_equal(pop(&pair, 9), 2);
	assert_ptr_equal(xk_spsc_reserve(&pair.p, 100, &got), room + 2); /* the rest was not */
	assert_int_equal(got, 6);                                        /* to the ring's end */
	for (uint64_t i = 0; i < 6; i++)
		room[2 + i] = 2 + i;
	xk_spsc_commit(&pair.p, 6);
	assert_ptr_equal(xk_spsc_reserve(&pair.p, 100, &got), room);
	assert_int_equal(got, 2);
	room[0] = 8;
	room[1] = 9;
	xk_spsc_commit(&pair.p, 2);
	assert_null(xk_spsc_reserve(&pair.p, 1, &got));
	assert_int_equal(got, 0);
	assert_int_equal(pop(&pair, 9), 8);
	drop(&pair);
}

static void peek_and_release(void **unused)
{
	const uint64_t *there;
	struct pair pair;
	unsigned got;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 1});
	assert_null(xk_spsc_peek(&pair.c, 1, &got));
	assert_int_equal(got, 0);
	push(&pair, 6);
	there = xk_spsc_peek(&pair.c, 4, &got);
	assert_int_equal(got, 4);
	assert_true(there[0] == 0 && there[3] == 3);
	assert_ptr_equal(xk_spsc_peek(&pair.c, 100, &got), there); /* nothing was released */
	assert_int_equal(got, 6);
	xk_spsc_release(&pair.c, 2);
	assert_ptr_equal(xk_spsc_peek(&pair.c, 100, &got), there + 2);
	assert_int_equal(got, 4);
	assert_int_equal(push(&pair, 9), 4);
	assert_ptr_equal(xk_spsc_peek(&pair.c, 100, &got), there + 2);
	assert_int_equal(got, 6); /* to the ring's end */
	xk_spsc_release(&pair.c, 6);
	assert_ptr_equal(xk_spsc_peek(&pair.c, 100, &got), there);
	assert_int_equal(got, 2);
	assert_true(there[0] == 8 && there[1] == 9);
	xk_spsc_release(&pair.c, 2);
	drop(&pair);
}

/* Records looked at and not released come again; records not committed never do. */
static void unfinished_business(void **unused)
{
	struct pair pair;
	unsigned got;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 1});
	push(&pair, 3);
	assert_non_null(xk_spsc_reserve(&pair.p, 2, &got));
	assert_non_null(xk_spsc_peek(&pair.c, 2, &got));
	xk_spsc_producer_detach(&pair.p);
	xk_spsc_consumer_detach(&pair.c);
	assert_int_equal(xk_spsc_producer(&pair.p, pair.mem.mem, pair.mem.len, -1), 0);
	assert_int_equal(xk_spsc_consumer(&pair.c, pair.mem.mem, pair.mem.len, -1), 0);
	assert_int_equal(pop(&pair, 9), 3);
	assert_int_equal(push(&pair, 9), 8);
	drop(&pair);
}

/* --- touched lines --- */

/* Not a byte of the ring's records changes by being read, whatever the records' size. */
static void touch_changes_nothing(void **unused)
{
	static const uint32_t bytes[] = {1, 3, 5, 8, 24, 60, 64, 65, 100, 192};

	(void)unused;
	for (unsigned i = 0; i < LENGTH(bytes); i++) {
		struct xk_spsc_config config = {
			.record_bytes = bytes[i], .slots = 16, .flags = XK_RING_TOUCH};
		size_t size = (size_t)bytes[i] * 16;
		char *before = malloc(size), *recs = malloc(size);
		uint64_t number = 0, seed = 7;
		struct pair pair;

		make(&pair, config);
		assert_true(pair.c.stream.touch);
		while (number < 200) {
			unsigned n = 1 + chance(&seed) % 16;

			records_fill(recs, n, bytes[i], number);
			n = xk_spsc_push(&pair.p, recs, n);
			memcpy(before, pair.p.stream.records, size);
			assert_int_equal(xk_spsc_pop(&pair.c, recs, n), n);
			assert_true(records_right(recs, n, bytes[i], number));
			assert_memory_equal(before, pair.p.stream.records, size);
			number += n;
			xk_spsc_flush(&pair.c);
		}
		drop(&pair);
		free(before);
		free(recs);
	}
}

static void touch_or_not(void **unused)
{
	struct xk_spsc_config config = {.record_bytes = 64, .slots = 64};
	struct pair pair;

	(void)unused;
	make(&pair, config);
	assert_true(pair.c.stream.touch);
	drop(&pair);
	config.flags = XK_RING_NO_TOUCH;
	make(&pair, config);
	assert_false(pair.c.stream.touch);
	drop(&pair);
	config.flags = 0;
	config.slots = 1 << 20; /* 64 MiB: in no L2 */
	make(&pair, config);
	assert_false(pair.c.stream.touch);
	drop(&pair);
}

/* --- hostile counters --- */

/* What the other side may write: the handle says that it cannot be, and moves nothing, not even
 * when a good number comes back. */
static void hostile_tail(void **unused)
{
	static const uint64_t off[] = {9, 100, 1u << 31, UINT64_C(1) << 63, UINT64_MAX};

	(void)unused;
	for (unsigned i = 0; i < LENGTH(off); i++) {
		struct pair pair;
		uint64_t recs[32];
		unsigned got;

		make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 1});
		push(&pair, 6);
		pop(&pair, 4); /* two are known to be there */
		pair.p.stream.stream->tail = 4 + off[i];
		assert_int_equal(xk_spsc_pop(&pair.c, recs, 32), 0);
		assert_true(xk_spsc_consumer_broken(&pair.c));
		assert_int_equal(xk_spsc_pop_bulk(&pair.c, recs, 8), 0);
		assert_null(xk_spsc_peek(&pair.c, 8, &got));
		pair.p.stream.stream->tail = 6;
		assert_int_equal(xk_spsc_pop(&pair.c, recs, 1), 0);
		assert_int_equal(xk_spsc_pop(&pair.c, recs, 8), 0);
		assert_null(xk_spsc_peek(&pair.c, 1, &got));
		assert_true(xk_spsc_consumer_broken(&pair.c));
		drop(&pair);
	}
}

static void hostile_head(void **unused)
{
	static const uint64_t head[] = {7, 100, 1u << 31, UINT64_C(1) << 63, UINT64_MAX - 2};

	(void)unused;
	for (unsigned i = 0; i < LENGTH(head); i++) {
		uint64_t recs[32] = {0};
		struct pair pair;
		unsigned got;

		make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8, .lazy = 1});
		push(&pair, 6); /* room for two is known */
		pair.p.stream.stream->head = head[i];
		assert_int_equal(xk_spsc_push(&pair.p, recs, 32), 0);
		assert_true(xk_spsc_producer_broken(&pair.p));
		assert_int_equal(xk_spsc_push_bulk(&pair.p, recs, 8), 0);
		assert_null(xk_spsc_reserve(&pair.p, 8, &got));
		pair.p.stream.stream->head = 4;
		assert_int_equal(xk_spsc_push(&pair.p, recs, 1), 0);
		assert_int_equal(xk_spsc_push(&pair.p, recs, 8), 0);
		assert_null(xk_spsc_reserve(&pair.p, 1, &got));
		assert_true(pair.p.stream.stream->tail == 6);
		drop(&pair);
	}
}

static void hostile_counters_at_attach(void **unused)
{
	struct pair pair;
	struct xk_ring_info info;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8});
	xk_spsc_producer_detach(&pair.p);
	xk_spsc_consumer_detach(&pair.c);
	pair.p.stream.stream->tail = 9;
	assert_int_equal(xk_spsc_producer(&pair.p, pair.mem.mem, pair.mem.len, -1), -EPROTO);
	assert_int_equal(xk_spsc_consumer(&pair.c, pair.mem.mem, pair.mem.len, -1), -EPROTO);
	pair.p.stream.stream->tail = 8;
	assert_int_equal(xk_ring_look(pair.mem.mem, pair.mem.len, -1, &info, NULL), 0);
	assert_int_equal(info.n_users, 0); /* whoever was refused has no seat */
	ring_mem_free(&pair.mem);
}

/* --- distance --- */

/* Look at the ring with so many new records in it, and take them. */
static uint32_t distance_after(struct pair *pair, unsigned n)
{
	static uint64_t recs[1024];

	assert_int_equal(xk_spsc_push(&pair->p, recs, n), n);
	assert_int_equal(xk_spsc_pop(&pair->c, recs, 1024), n);
	return pair->c.stream.distance;
}

/* Few, look after look: later and later, up to a bound; one, or none: at once; many: sooner. */
static void distance(void **unused)
{
	struct pair pair;

	(void)unused;
	make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 1024});
	assert_int_equal(distance_after(&pair, 1), 0);
	for (uint32_t i = 1; i <= XK_STREAM_DISTANCE + 2; i++)
		assert_int_equal(distance_after(&pair, 3),
				 i < XK_STREAM_DISTANCE ? i : XK_STREAM_DISTANCE);
	assert_int_equal(distance_after(&pair, XK_STREAM_FEW), XK_STREAM_DISTANCE);
	assert_int_equal(distance_after(&pair, 700), XK_STREAM_DISTANCE - 1);
	assert_int_equal(distance_after(&pair, 0), 0);
	distance_after(&pair, 3);
	assert_int_equal(distance_after(&pair, 1), 0);
	drop(&pair);
}

/* Never where it is for latency. */
static void no_distance(void **unused)
{
	const struct xk_spsc_latency_config config = {.record_bytes = 64, .slots = 1024};
	static char recs[3 * 64];
	struct xk_spsc_latency_prod p;
	struct xk_spsc_latency_cons c;
	struct ring_mem mem;

	(void)unused;
	ring_mem_make(&mem, xk_spsc_latency_size(&config));
	assert_int_equal(xk_spsc_latency_init(mem.mem, mem.len, &config), 0);
	assert_int_equal(xk_spsc_latency_producer(&p, mem.mem, mem.len, mem.fd), 0);
	assert_int_equal(xk_spsc_latency_consumer(&c, mem.mem, mem.len, mem.fd), 0);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(xk_spsc_latency_push(&p, recs, 3), 3);
		assert_int_equal(xk_spsc_latency_pop(&c, recs, 3), 3);
		assert_int_equal(c.stream.distance, 0);
	}
	xk_spsc_latency_producer_detach(&p);
	xk_spsc_latency_consumer_detach(&c);
	ring_mem_free(&mem);
}

#ifdef RING_STEP
static struct xk_stream *stepped;

static void flip_tail(unsigned step)
{
	xk_store_relaxed(&stepped->tail, step & 1 ? 8 : 0);
}

/* A number that changes between two looks at it: what was checked is what is used. */
static void changing_counters(void **unused)
{
	struct pair pair;
	int ret;

	(void)unused;
	for (unsigned lag = 0; lag < 64; lag++) {
		make(&pair, (struct xk_spsc_config){.record_bytes = 8, .slots = 8});
		xk_spsc_producer_detach(&pair.p);
		stepped = pair.c.stream.stream;
		ring_step_start(flip_tail, lag);
		ret = xk_spsc_producer(&pair.p, pair.mem.mem, pair.mem.len, -1);
		ring_step_stop();
		assert_int_equal(ret, 0);
		assert_true(pair.p.stream.limit - pair.p.stream.write <= 8);
		drop(&pair);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(lazy_release),
		ring_test(release_when_empty),
		ring_test(lazy_by_default),
		ring_test(release_at_detach),
		ring_test(bulk),
		ring_test(bulk_of_a_full_ring),
		ring_test(wait_for_a_full_ring),
		ring_test(wait_for_impossible_numbers),
		ring_test(reserve_and_commit),
		ring_test(peek_and_release),
		ring_test(unfinished_business),
		ring_test(touch_changes_nothing),
		ring_test(touch_or_not),
		ring_test(hostile_tail),
		ring_test(hostile_head),
		ring_test(hostile_counters_at_attach),
		ring_test(distance),
		ring_test(no_distance),
#ifdef RING_STEP
		ring_test(changing_counters),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
