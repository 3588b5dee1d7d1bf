// SPDX-License-Identifier: BSD-2-Clause
/* fanin: up to 128 lanes and consumers, turns, one consumer and a crowd of them, hostile lanes. */
#include "ring_util.h"
#include <pthread.h>

static struct ring_mem mem;

static void make(struct xk_fanin_config config)
{
	ring_mem_make(&mem, xk_fanin_size(&config));
	assert_int_equal(xk_fanin_init(mem.mem, mem.len, &config), 0);
}

static void producer(struct xk_fanin_prod *p)
{
	assert_int_equal(xk_fanin_producer(p, mem.mem, mem.len, mem.fd), 0);
}

static void consumer(struct xk_fanin_cons *c)
{
	assert_int_equal(xk_fanin_consumer(c, mem.mem, mem.len, mem.fd), 0);
}

/* A record: which lane, and which of its records. */
static uint64_t record(uint64_t lane, uint64_t number)
{
	return lane << 32 | number;
}

static void push(struct xk_fanin_prod *p, uint64_t number, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t rec = record(p->hold.seat, number + i);

		assert_int_equal(xk_fanin_push(p, &rec, 1), 1);
	}
}

/* --- many --- */

/* All lanes at once: nothing is lost, each lane is in order, and nobody starves. */
static void all_lanes(void **unused)
{
	static struct xk_fanin_prod p[XK_RING_SEATS_MAX];
	uint64_t next[XK_RING_SEATS_MAX] = {0}, recs[4];
	struct xk_fanin_cons c;
	unsigned left = XK_RING_SEATS_MAX * 8, got;

	(void)unused;
	make((struct xk_fanin_config){.record_bytes = 8, .slots = 8, .lanes = 128});
	for (unsigned i = 0; i < XK_RING_SEATS_MAX; i++) {
		producer(&p[i]);
		assert_int_equal(p[i].hold.seat, i);
		push(&p[i], 0, 8);
	}
	consumer(&c);
	for (; left; left -= got) {
		got = xk_fanin_pop(&c, recs, 4);
		assert_true(got);
		for (unsigned i = 0; i < got; i++) {
			assert_int_equal(recs[i] >> 32, recs[0] >> 32); /* of one producer */
			assert_true(recs[i] == record(recs[0] >> 32, next[recs[0] >> 32]++));
		}
	}
	assert_int_equal(xk_fanin_pop(&c, recs, 4), 0);
	for (unsigned i = 0; i < XK_RING_SEATS_MAX; i++)
		xk_fanin_producer_detach(&p[i]);
	xk_fanin_consumer_detach(&c);
	ring_mem_free(&mem);
}

static void all_consumers(void **unused)
{
	static struct xk_fanin_cons c[XK_RING_SEATS_MAX], more;
	struct xk_fanin_prod p;
	uint64_t rec;

	(void)unused;
	make((struct xk_fanin_config){
		.record_bytes = 8, .slots = 128, .lanes = 1, .consumers = 128});
	producer(&p);
	for (unsigned i = 0; i < XK_RING_SEATS_MAX; i++)
		consumer(&c[i]);
	assert_int_equal(xk_fanin_consumer(&more, mem.mem, mem.len, mem.fd), -EBUSY);
	push(&p, 0, 128);
	for (unsigned i = 0; i < XK_RING_SEATS_MAX; i++) {
		assert_int_equal(xk_fanin_pop(&c[i], &rec, 1), 1); /* nobody keeps the lane */
		assert_true(rec == i);
	}
	for (unsigned i = 0; i < XK_RING_SEATS_MAX; i++)
		xk_fanin_consumer_detach(&c[i]);
	xk_fanin_producer_detach(&p);
	ring_mem_free(&mem);
}

/* --- whose turn it is --- */

/* A lane is left after `lazy` records while others have some, and kept when none has. */
static void turns(void **unused)
{
	static const uint64_t expected[] = {0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0, 0, 0};
	struct xk_fanin_prod p[3];
	struct xk_fanin_cons c;
	uint64_t rec, first;

	(void)unused;
	make((struct xk_fanin_config){.record_bytes = 8, .slots = 8, .lanes = 3, .lazy = 2});
	for (unsigned i = 0; i < 3; i++)
		producer(&p[i]);
	consumer(&c);
	push(&p[0], 0, 8);
	push(&p[1], 0, 4);
	push(&p[2], 0, 4);
	for (unsigned i = 0; i < LENGTH(expected); i++) {
		assert_int_equal(xk_fanin_pop(&c, &rec, 1), 1);
		if (!i)
			first = rec >> 32; /* where it begins is its own affair */
		if (i < 12)
			assert_int_equal(rec >> 32, (expected[i] + first) % 3);
		else
			assert_int_equal(rec >> 32, 0);
	}
	assert_int_equal(xk_fanin_pop(&c, &rec, 1), 0);
	for (unsigned i = 0; i < 3; i++)
		xk_fanin_producer_detach(&p[i]);
	xk_fanin_consumer_detach(&c);
	ring_mem_free(&mem);
}

/* Alone, a consumer keeps its lane; flush lets go of it; in a crowd it goes after every pop. */
static void keeping_a_lane(void **unused)
{
	struct xk_fanin_prod p;
	struct xk_fanin_cons a, b;
	uint64_t rec;

	(void)unused;
	make((struct xk_fanin_config){.record_bytes = 8, .slots = 16, .lanes = 2, .lazy = 8});
	producer(&p);
	consumer(&a);
	push(&p, 0, 10);
	assert_int_equal(xk_fanin_pop(&a, &rec, 1), 1);
	assert_true(a.has_lane);
	xk_fanin_flush(&a);
	assert_false(a.has_lane);
	assert_int_equal(xk_fanin_pop(&a, &rec, 1), 1);
	assert_true(a.has_lane);
	consumer(&b);
	assert_int_equal(xk_fanin_pop(&b, &rec, 1), 0); /* a has it still */
	assert_int_equal(xk_fanin_pop(&a, &rec, 1), 1);
	assert_true(rec == 2);
	assert_false(a.has_lane);
	assert_int_equal(xk_fanin_pop(&b, &rec, 1), 1);
	assert_true(rec == 3);
	assert_false(b.has_lane);
	xk_fanin_consumer_detach(&b);
	xk_fanin_consumer_detach(&a);
	xk_fanin_producer_detach(&p);
	ring_mem_free(&mem);
}

/* A dead consumer's lane is the next one's, from what was published on. */
static void lane_of_the_dead(void **unused)
{
	struct xk_fanin_prod p;
	struct xk_fanin_cons a;
	struct ring_side dead = {.hold = &a.hold};
	uint64_t rec;

	(void)unused;
	make((struct xk_fanin_config){.record_bytes = 8, .slots = 16, .lanes = 1, .lazy = 4});
	producer(&p);
	push(&p, 0, 10);
	consumer(&a);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(xk_fanin_pop(&a, &rec, 1), 1);
	ring_side_dies(&dead);
	consumer(&a);
	assert_true(a.hold.took_over);
	assert_int_equal(xk_fanin_pop(&a, &rec, 1), 1);
	assert_true(rec == 4); /* the fifth and the sixth come once more */
	xk_fanin_consumer_detach(&a);
	xk_fanin_producer_detach(&p);
	ring_mem_free(&mem);
}

/* --- asleep beside a lane that somebody has --- */

struct sleeper {
	struct xk_fanin_cons c;
	int ret;
	uint32_t done;
};

static void *sleep_for_data(void *arg)
{
	struct sleeper *s = arg;

	s->ret = xk_fanin_wait_data(&s->c, XK_WAIT_SLEEP, 6000000000);
	__atomic_store_n(&s->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Who lets go of a lane with records in it tells whoever waits for records: the one asleep looks
 * around on its own only after 6 s. */
static void letting_go_wakes(void **unused)
{
	struct xk_fanin_prod p;
	struct xk_fanin_cons a;
	struct sleeper s = {.ret = 1};
	uint64_t rec, start;
	pthread_t thread;

	(void)unused;
	make((struct xk_fanin_config){.record_bytes = 8,
				      .slots = 16,
				      .lanes = 1,
				      .consumers = 2,
				      .lazy = 8,
				      .flags = XK_RING_SLEEP});
	producer(&p);
	consumer(&a);
	push(&p, 0, 4);
	assert_int_equal(xk_fanin_pop(&a, &rec, 1), 1); /* a has the lane */
	consumer(&s.c);
	s.c.hold.slice_ns = UINT64_MAX;
	assert_int_equal(pthread_create(&thread, NULL, sleep_for_data, &s), 0);
	while (!xk_load_seq(&a.hold.ring->data.waiting)) /* until it sleeps, or is about to */
		sched_yield();
	start = now_ns();
	assert_int_equal(xk_fanin_pop(&a, &rec, 1), 1); /* and now a lets go of it */
	assert_false(a.has_lane);
	pthread_join(thread, NULL);
	assert_int_equal(s.ret, 0);
	assert_true(now_ns() - start < 4000000000);
	xk_fanin_consumer_detach(&s.c);
	xk_fanin_consumer_detach(&a);
	xk_fanin_producer_detach(&p);
	ring_mem_free(&mem);
}

/* --- hostile --- */

/* A lane whose counters cannot be: said so, and nothing is read beside the ring. */
static void hostile_lane(void **unused)
{
	static const uint64_t tails[] = {9, 1u << 20, UINT64_C(1) << 63, UINT64_MAX - 8};

	(void)unused;
	for (unsigned i = 0; i < LENGTH(tails); i++) {
		struct xk_fanin_prod p[2];
		struct xk_fanin_cons c;
		uint64_t recs[16];

		make((struct xk_fanin_config){.record_bytes = 8, .slots = 8, .lanes = 2});
		producer(&p[0]);
		producer(&p[1]);
		consumer(&c);
		p[1].stream.stream->tail = tails[i];
		for (unsigned n = 0; n < 4; n++)
			assert_int_equal(xk_fanin_pop(&c, recs, 16), 0);
		assert_true(xk_fanin_consumer_broken(&c));
		p[0].stream.stream->head = tails[i];
		assert_int_equal(xk_fanin_push(&p[0], recs, 1), 0);
		assert_true(xk_fanin_producer_broken(&p[0]));
		assert_false(xk_fanin_producer_broken(&p[1]));
		xk_fanin_consumer_detach(&c);
		xk_fanin_producer_detach(&p[0]);
		xk_fanin_producer_detach(&p[1]);
		ring_mem_free(&mem);
	}
}

#ifdef RING_STEP
static struct xk_stream *moving;

/* Eight records in, eight records out. */
static void move_lane(unsigned step)
{
	if (step % 2)
		xk_store_release(&moving->head, xk_load_relaxed(&moving->tail));
	else
		xk_store_release(&moving->tail, xk_load_relaxed(&moving->head) + 8);
}

/* Who attaches reads a lane's counters at two times: in between, others may have moved any number
 * of records through it. That is nothing to be refused for. */
static void attaching_while_a_lane_moves(void **unused)
{
	struct xk_fanin_prod p;
	struct xk_fanin_cons c;
	int ret;

	(void)unused;
	make((struct xk_fanin_config){.record_bytes = 8, .slots = 8, .lanes = 2});
	producer(&p);
	moving = p.stream.stream;
	for (unsigned lag = 0; lag < 4; lag++) {
		ring_step_start(move_lane, lag);
		ret = xk_fanin_consumer(&c, mem.mem, mem.len, -1);
		ring_step_stop();
		assert_int_equal(ret, 0);
		assert_true(ring_stepping.steps > 100);
		xk_fanin_consumer_detach(&c);
	}
	xk_fanin_producer_detach(&p);
	ring_mem_free(&mem);
}
#endif

static void hostile_lanes_used(void **unused)
{
	struct xk_fanin_prod p;
	struct xk_fanin_cons c;
	uint64_t rec;

	(void)unused;
	make((struct xk_fanin_config){.record_bytes = 8, .slots = 8, .lanes = 2});
	producer(&p);
	consumer(&c);
	c.shared->lanes_used = UINT32_MAX;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(xk_fanin_pop(&c, &rec, 1), 0);
	push(&p, 0, 1);
	assert_int_equal(xk_fanin_pop(&c, &rec, 1), 1);
	xk_fanin_consumer_detach(&c);
	xk_fanin_producer_detach(&p);
	ring_mem_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(all_lanes),
		ring_test(all_consumers),
		ring_test(turns),
		ring_test(keeping_a_lane),
		ring_test(lane_of_the_dead),
		ring_test(letting_go_wakes),
#ifdef RING_STEP
		ring_test(attaching_while_a_lane_moves),
#endif
		ring_test(hostile_lane),
		ring_test(hostile_lanes_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
