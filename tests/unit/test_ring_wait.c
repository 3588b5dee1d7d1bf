// SPDX-License-Identifier: BSD-2-Clause
/* ring: waiting. Time-outs, peers that left, what an idle sleeper costs, and no wake-up lost. */
#include "ring_util.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

#define MS 1000000

static const struct ring_config awake = {.record_bytes = 8, .slots = 4, .users = 2};
static const struct ring_config sleepy = {
	.record_bytes = 8, .slots = 4, .users = 2, .flags = XK_RING_SLEEP};

static void fill(struct ring_side *prod)
{
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(ring_push(prod, 1, i), 1);
}

static void ways(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct ring_pair pair;

		ring_pair_make(&pair, kind, &awake);
		assert_int_equal(kind->wait_space(&pair.prod, XK_WAIT_SLEEP, 0), -EINVAL);
		assert_int_equal(kind->wait_data(&pair.cons, XK_WAIT_SLEEP | XK_WAIT_STAY, 0),
				 -EINVAL);
		assert_int_equal(kind->wait_space(&pair.prod, 2, 0), -EINVAL);
		assert_int_equal(kind->wait_data(&pair.cons, XK_WAIT_STAY << 1, 0), -EINVAL);
		assert_int_equal(kind->wait_space(&pair.prod, XK_WAIT_SPIN, 0), 0);
		ring_pair_free(&pair);
		ring_pair_make(&pair, kind, &sleepy);
		assert_int_equal(kind->wait_space(&pair.prod, XK_WAIT_SLEEP, 0), 0);
		assert_int_equal(kind->wait_data(&pair.cons, XK_WAIT_SLEEP | XK_WAIT_STAY, 0),
				 -ETIMEDOUT);
		ring_pair_free(&pair);
	}
}

/* Not before its time, and not long after. */
static void timed(int ret, uint64_t start, uint64_t ns)
{
	uint64_t took = now_ns() - start;

	assert_int_equal(ret, -ETIMEDOUT);
	assert_true(took >= ns);
	assert_true(took < ns + 2000 * MS);
}

static void time_outs(void **unused)
{
	static const int64_t ns[] = {0, 1, 1000, 3 * MS, 130 * MS};

	(void)unused;
	for_each_kind(kind) for (unsigned i = 0; i < 2 * LENGTH(ns); i++)
	{
		int how = i & 1 ? XK_WAIT_SLEEP : XK_WAIT_SPIN;
		int64_t patience = ns[i / 2];
		struct ring_pair pair;
		uint64_t start;

		ring_pair_make(&pair, kind, &sleepy);
		start = now_ns();
		timed(kind->wait_data(&pair.cons, how, patience), start, (uint64_t)patience);
		fill(&pair.prod);
		assert_int_equal(kind->wait_data(&pair.cons, how, patience), 0);
		start = now_ns();
		timed(kind->wait_space(&pair.prod, how, patience), start, (uint64_t)patience);
		ring_pair_free(&pair);
	}
}

/* --- the other side left --- */

static void left(void **unused)
{
	(void)unused;
	for_each_kind(kind) for (int how = XK_WAIT_SPIN; how <= XK_WAIT_SLEEP; how++)
	{
		struct ring_pair pair;
		uint64_t start;

		ring_pair_make(&pair, kind, &sleepy);
		assert_int_equal(ring_push(&pair.prod, 1, 0), 1);
		kind->producer_detach(&pair.prod);
		assert_int_equal(kind->wait_data(&pair.cons, how, -1), 0); /* first that */
		assert_int_equal(ring_pop(&pair.cons, 1, 0), 1);
		start = now_ns();
		assert_int_equal(kind->wait_data(&pair.cons, how, -1), -EPIPE);
		assert_true(now_ns() - start < 2000 * MS);
		start = now_ns();
		timed(kind->wait_data(&pair.cons, how | XK_WAIT_STAY, 110 * MS), start, 110 * MS);

		assert_int_equal(ring_producer(&pair.prod, kind, &pair.mem, -1), 0);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(ring_push(&pair.prod, 1, 1 + i), 1);
		kind->consumer_detach(&pair.cons);
		assert_int_equal(kind->wait_space(&pair.prod, how, -1), -EPIPE);
		timed(kind->wait_space(&pair.prod, how | XK_WAIT_STAY, 110 * MS), now_ns(),
		      110 * MS);
		kind->producer_detach(&pair.prod);
		ring_mem_free(&pair.mem);
	}
}

/* A dead one has left too: whoever waits finds out. Without a descriptor nobody can. */
static void died(void **unused)
{
	(void)unused;
	for_each_kind(kind) for (unsigned i = 0; i < 4; i++)
	{
		bool known = i & 1;
		int how = i & 2 ? XK_WAIT_SLEEP : XK_WAIT_SPIN;
		struct ring_pair pair;

		ring_pair_make(&pair, kind, &sleepy);
		if (!known) {
			kind->consumer_detach(&pair.cons);
			assert_int_equal(ring_consumer(&pair.cons, kind, &pair.mem, -1), 0);
		}
		ring_side_dies(&pair.prod);
		assert_int_equal(kind->wait_data(&pair.cons, how, 150 * MS),
				 known ? -EPIPE : -ETIMEDOUT);
		kind->consumer_detach(&pair.cons);
		ring_mem_free(&pair.mem);
	}
}

/* Who comes first waits: the other side has not left, it was never there. */
static void never_came(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct ring_side side;
		struct ring_mem m;

		ring_make(&m, kind, &awake);
		assert_int_equal(ring_consumer(&side, kind, &m, m.fd), 0);
		assert_int_equal(kind->wait_data(&side, XK_WAIT_SPIN, 130 * MS), -ETIMEDOUT);
		kind->consumer_detach(&side);
		ring_mem_free(&m);
		ring_make(&m, kind, &awake);
		assert_int_equal(ring_producer(&side, kind, &m, m.fd), 0);
		fill(&side);
		assert_int_equal(kind->wait_space(&side, XK_WAIT_SPIN, 130 * MS), -ETIMEDOUT);
		kind->producer_detach(&side);
		ring_mem_free(&m);
	}
}

/* --- asleep --- */

struct idler {
	struct ring_pair pair;
	uint64_t cpu_ns;
	int ret;
};

static uint64_t thread_cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

static void *idle_for_2_s(void *arg)
{
	struct idler *idler = arg;
	uint64_t start = thread_cpu_ns();

	idler->ret = idler->pair.cons.kind->wait_data(&idler->pair.cons, XK_WAIT_SLEEP, 2000 * MS);
	idler->cpu_ns = thread_cpu_ns() - start;
	return NULL;
}

static void idle_sleepers(void **unused)
{
	struct idler idlers[LENGTH(ring_kinds)];
	pthread_t threads[LENGTH(ring_kinds)];

	(void)unused;
	for (unsigned i = 0; i < LENGTH(ring_kinds); i++) {
		ring_pair_make(&idlers[i].pair, &ring_kinds[i], &sleepy);
		assert_int_equal(pthread_create(&threads[i], NULL, idle_for_2_s, &idlers[i]), 0);
	}
	for (unsigned i = 0; i < LENGTH(ring_kinds); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(idlers[i].ret, -ETIMEDOUT);
		assert_true(idlers[i].cpu_ns < SLOWER * 20 * MS); /* 1 % */
		ring_pair_free(&idlers[i].pair);
	}
}

/* --- no wake-up is lost --- */

#define ROUND_TRIPS (200000u / SLOWER)
#define BUSY_NS     UINT64_C(4000000000) /* fewer, if the machine has better things to do */
#define LAST        UINT64_MAX           /* the record that ends it */

struct table { /* ping-pong is played on it */
	const struct ring_kind *kind;
	struct ring_mem there, back;
	uint64_t spin_ns;
	uint32_t wrong;
	unsigned trips;
	long slept[2]; /* each player */
};

/* One who dawdles, until just when the other one, who waits at this bell, stops spinning and falls
 * asleep, or somewhat sooner or later: that is where a wake-up would be lost. */
struct dawdler {
	const struct xk_ring_bell *others;
	uint64_t spin_ns; /* about how long the other one spins */
	uint64_t aim_ns;  /* this long, as the bell teaches */
	uint64_t seed;
};

static void dawdle(struct dawdler *me)
{
	uint64_t until = now_ns() + me->aim_ns + chance(&me->seed) % (me->spin_ns / 16 + 1);

	while (now_ns() < until)
		;
	if (xk_load_relaxed(&me->others->waiting))
		me->aim_ns -= me->aim_ns / 32;
	else
		me->aim_ns += me->spin_ns / 32 + 1;
}

static bool hand_over(struct ring_side *prod, uint64_t rec)
{
	while (!prod->kind->push(prod, &rec, 1))
		if (prod->kind->wait_space(prod, XK_WAIT_SLEEP, -1))
			return false;
	return true;
}

static bool take_back(struct ring_side *cons, uint64_t *rec)
{
	while (!cons->kind->pop(cons, rec, 1))
		if (cons->kind->wait_data(cons, XK_WAIT_SLEEP, -1))
			return false;
	return true;
}

/* Sits down at a ring; nobody who sleeps looks around on its own. */
static void sit(struct ring_side *side, struct table *t, bool producer, struct ring_mem *m)
{
	if (producer ? ring_producer(side, t->kind, m, m->fd)
		     : ring_consumer(side, t->kind, m, m->fd))
		abort();
	side->hold->slice_ns = UINT64_MAX;
}

static long sleeps(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return u.ru_nvcsw;
}

static bool serve(struct table *t, struct ring_side *prod, struct ring_side *cons)
{
	struct dawdler me = {&prod->hold->ring->data, t->spin_ns, t->spin_ns, 11};
	uint64_t rec, until = now_ns() + BUSY_NS;

	for (uint64_t i = 0; i < ROUND_TRIPS && now_ns() < until; i++) {
		if (i % 16 == 0)
			dawdle(&me);
		if (!hand_over(prod, i) || !take_back(cons, &rec) || rec != i)
			return false;
		t->trips++;
	}
	return hand_over(prod, LAST);
}

static bool give_back(struct table *t, struct ring_side *prod, struct ring_side *cons)
{
	struct dawdler me = {&prod->hold->ring->data, t->spin_ns, t->spin_ns, 12};
	uint64_t rec;

	for (uint64_t i = 0;; i++) {
		if (i % 16 == 8)
			dawdle(&me);
		if (!take_back(cons, &rec))
			return false;
		if (rec == LAST)
			return true;
		if (rec != i || !hand_over(prod, i))
			return false;
	}
}

static void play(struct table *t, bool serves)
{
	struct ring_side prod, cons;
	long before = sleeps();

	sit(&prod, t, true, serves ? &t->there : &t->back);
	sit(&cons, t, false, serves ? &t->back : &t->there);
	if (!(serves ? serve : give_back)(t, &prod, &cons))
		__atomic_fetch_add(&t->wrong, 1, __ATOMIC_RELAXED);
	t->slept[serves] = sleeps() - before;
	t->kind->producer_detach(&prod);
	t->kind->consumer_detach(&cons);
}

static void *answer(void *table)
{
	play(table, false);
	return NULL;
}

static bool armed(void *bell)
{
	return xk_load_relaxed(&((struct xk_ring_bell *)bell)->waiting);
}

/* How long a waiter spins before it arms the bell. */
static uint64_t measure_spin(const struct ring_kind *kind)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < 10; i++) {
		struct ring_pair pair;
		uint64_t start, took;

		ring_pair_make(&pair, kind, &sleepy);
		start = now_ns();
		assert_int_equal(xk_ring_await(pair.cons.hold, XK_ROLE_CONSUMER, armed,
					       &pair.cons.hold->ring->data, XK_WAIT_SLEEP, -1),
				 0);
		took = now_ns() - start;
		best = took < best ? took : best;
		ring_pair_free(&pair);
	}
	return best;
}

/* One wake-up lost, and both sleep for ever: alarm() ends the test. */
static void ping_pong(const struct ring_kind *kind)
{
	struct table t = {.kind = kind, .spin_ns = measure_spin(kind)};
	pthread_t thread;

	ring_make(&t.there, kind, &sleepy);
	ring_make(&t.back, kind, &sleepy);
	assert_int_equal(pthread_create(&thread, NULL, answer, &t), 0);
	play(&t, true);
	pthread_join(thread, NULL);
	print_message("%s: %u round trips, slept %ld and %ld times, spins for %u us\n", kind->name,
		      t.trips, t.slept[0], t.slept[1], (unsigned)(t.spin_ns / 1000));
	assert_int_equal(t.wrong, 0);
	assert_true(t.slept[0] + t.slept[1] > t.trips / 1000);
	ring_mem_free(&t.there);
	ring_mem_free(&t.back);
}

/* One slot, or two, in one direction: both sides wait. */
struct lane {
	const struct ring_kind *kind;
	struct ring_mem mem;
	uint64_t spin_ns;
};

static void *pour(void *arg)
{
	struct lane *lane = arg;
	struct table t = {.kind = lane->kind};
	struct ring_side prod;
	struct dawdler me;
	uint64_t until = now_ns() + BUSY_NS / 2;

	sit(&prod, &t, true, &lane->mem);
	me = (struct dawdler){&prod.hold->ring->data, lane->spin_ns, lane->spin_ns, 13};
	for (uint64_t i = 0; i < ROUND_TRIPS && now_ns() < until; i++) {
		if (chance(&me.seed) % 16 == 0)
			dawdle(&me);
		hand_over(&prod, i);
	}
	hand_over(&prod, LAST);
	lane->kind->producer_detach(&prod);
	return NULL;
}

static void full_and_empty(const struct ring_kind *kind)
{
	struct lane lane = {.kind = kind, .spin_ns = measure_spin(kind)};
	struct table t = {.kind = kind};
	struct ring_config c = {
		.record_bytes = 8, .slots = kind->least_slots, .users = 2, .flags = XK_RING_SLEEP};
	struct ring_side cons;
	struct dawdler me;
	uint64_t rec;
	pthread_t thread;

	ring_make(&lane.mem, kind, &c);
	sit(&cons, &t, false, &lane.mem);
	me = (struct dawdler){&cons.hold->ring->space, lane.spin_ns, lane.spin_ns, 17};
	assert_int_equal(pthread_create(&thread, NULL, pour, &lane), 0);
	for (uint64_t i = 0; take_back(&cons, &rec) && rec == i; i++)
		if (chance(&me.seed) % 16 == 0)
			dawdle(&me);
	assert_true(rec == LAST);
	pthread_join(thread, NULL);
	kind->consumer_detach(&cons);
	ring_mem_free(&lane.mem);
}

/* --- two sleepers at one bell --- */

struct scene {
	struct xk_ring_bell *bell;
	bool published;
};

/* While this one is between its look and its sleep, somebody publishes and rings, and another one
 * comes and arms the bell anew. */
static bool look_and_be_late(void *ctx)
{
	struct scene *s = ctx;
	bool was = s->published;

	if (xk_load_seq(&s->bell->waiting) && !s->published) {
		s->published = true;
		xk_ring_knock(s->bell);
		xk_ring_arm(s->bell);
	}
	return was;
}

static void bell_rung_and_armed_again(void **unused)
{
	struct ring_pair pair;
	struct scene scene = {0};
	uint64_t start;

	(void)unused;
	ring_pair_make(&pair, ring_kinds, &sleepy);
	scene.bell = &pair.cons.hold->ring->data;
	pair.cons.hold->slice_ns = UINT64_MAX;
	start = now_ns();
	assert_int_equal(xk_ring_await(pair.cons.hold, XK_ROLE_CONSUMER, look_and_be_late, &scene,
				       XK_WAIT_SLEEP, 4000l * MS),
			 0);
	assert_true(now_ns() - start < 2000l * MS);
	ring_pair_free(&pair);
}

#define of_kind(function, name, kind)                                                              \
	static void function##_##name(void **unused)                                               \
	{                                                                                          \
		(void)unused;                                                                      \
		function(&ring_kinds[(kind)-XK_RING_SPSC]);                                        \
	}

#define of_each_kind(function)                                                                     \
	of_kind(function, spsc, XK_RING_SPSC)                                                      \
		of_kind(function, spsc_latency, XK_RING_SPSC_LATENCY)                              \
			of_kind(function, fanin, XK_RING_FANIN)                                    \
				of_kind(function, mpmc, XK_RING_MPMC)

of_each_kind(ping_pong) of_each_kind(full_and_empty)

	int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(ways),
		ring_test(time_outs),
		ring_test(left),
		ring_test(died),
		ring_test(never_came),
		ring_test(idle_sleepers),
		ring_test(ping_pong_spsc),
		ring_test(ping_pong_spsc_latency),
		ring_test(ping_pong_fanin),
		ring_test(ping_pong_mpmc),
		ring_test(full_and_empty_spsc),
		ring_test(full_and_empty_spsc_latency),
		ring_test(full_and_empty_fanin),
		ring_test(full_and_empty_mpmc),
		ring_test(bell_rung_and_armed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
