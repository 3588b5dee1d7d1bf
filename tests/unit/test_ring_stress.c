// SPDX-License-Identifier: BSD-2-Clause
/*
 * ring: every number of producers and consumers from one to four, more threads than cores. Records
 * say whose they are, which, and a sum of both; what went in came out, once, in order per producer.
 * XSKIT_SEED changes the seed; the seconds are shared by all combinations.
 */
#include "ring_util.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define MOST     4u
#define BURST    32u
#define ALL_MS   (20000u / SLOWER * (SLOWER > 1 ? 4 : 1))
#define FIFO_MAX (1u << 17) /* records of a run whose order is proven */

struct record {
	uint64_t producer, number, sum;
};

struct stress {
	const struct ring_kind *kind;
	struct ring_mem mem;
	unsigned producers, consumers, burst;
	bool sleep;
	pthread_barrier_t seated; /* nobody begins, or leaves, before all are there */
	uint64_t until, seed;
	uint64_t pushed[MOST], pushed_sum[MOST];
	uint64_t popped[MOST], popped_sum[MOST]; /* by all consumers, of each producer */
	uint32_t torn, disorder, failures;
};

struct thread {
	pthread_t id;
	struct stress *stress;
	unsigned number;
	uint64_t seed;
};

static uint64_t sum_of(uint64_t producer, uint64_t number)
{
	return (number * UINT64_C(0x9e3779b97f4a7c15)) ^ (producer + 1) << 56;
}

static void count(uint32_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static bool joined(int ret, struct stress *s, struct ring_side *side)
{
	if (ret)
		count(&s->failures);
	else
		side->hold->slice_ns = 5000000;
	pthread_barrier_wait(&s->seated);
	return !ret;
}

/* --- producers --- */

static bool wait_space(struct stress *s, struct ring_side *side)
{
	if (s->sleep)
		return s->kind->wait_space(side, XK_WAIT_SLEEP | XK_WAIT_STAY, 1000000000) !=
		       -EINVAL;
	sched_yield();
	return true;
}

static void push_all(struct stress *s, struct ring_side *side, const struct record *recs,
		     unsigned n)
{
	for (unsigned done = 0; done < n;) {
		unsigned got = s->kind->push(side, recs + done, n - done);

		done += got;
		if (!got && !wait_space(s, side)) {
			count(&s->failures);
			return;
		}
	}
}

static void *produce(void *arg)
{
	struct thread *t = arg;
	struct stress *s = t->stress;
	uint64_t number = 0, sum = 0;
	struct record recs[BURST];
	struct ring_side side;

	if (!joined(ring_producer(&side, s->kind, &s->mem, s->mem.fd), s, &side))
		return NULL;
	do {
		unsigned n = s->burst > 1 ? 1 + chance(&t->seed) % s->burst : 1;

		for (unsigned i = 0; i < n; i++, number++) {
			recs[i] = (struct record){t->number, number, sum_of(t->number, number)};
			sum += recs[i].sum;
		}
		push_all(s, &side, recs, n);
	} while (now_ns() < s->until);
	s->kind->producer_detach(&side);
	s->pushed[t->number] = number;
	s->pushed_sum[t->number] = sum;
	return NULL;
}

/* --- consumers --- */

struct seen {
	uint64_t next[MOST]; /* the least number that may still come of each producer */
	uint64_t records[MOST], sums[MOST];
};

static void check(struct stress *s, struct seen *seen, const struct record *rec)
{
	if (rec->producer >= s->producers || rec->sum != sum_of(rec->producer, rec->number)) {
		count(&s->torn);
		return;
	}
	if (rec->number < seen->next[rec->producer] ||
	    (s->consumers == 1 && rec->number != seen->next[rec->producer]))
		count(&s->disorder);
	seen->next[rec->producer] = rec->number + 1;
	seen->records[rec->producer]++;
	seen->sums[rec->producer] += rec->sum;
}

static void hand_in(struct stress *s, const struct seen *seen)
{
	for (unsigned i = 0; i < MOST; i++) {
		__atomic_fetch_add(&s->popped[i], seen->records[i], __ATOMIC_RELAXED);
		__atomic_fetch_add(&s->popped_sum[i], seen->sums[i], __ATOMIC_RELAXED);
	}
}

/* Nothing is there. False: and nothing will be, for all producers have left. Spinning and sleeping
 * waiters find that out themselves. */
static bool more_to_come(struct stress *s, struct ring_side *side)
{
	int ret;

	if (!s->sleep && now_ns() < s->until) {
		sched_yield();
		return true;
	}
	ret = s->kind->wait_data(side, s->sleep ? XK_WAIT_SLEEP : XK_WAIT_SPIN, -1);
	if (ret && ret != -EPIPE)
		count(&s->failures);
	return !ret;
}

static void *consume(void *arg)
{
	struct thread *t = arg;
	struct stress *s = t->stress;
	struct record recs[BURST];
	struct seen seen = {0};
	struct ring_side side;
	unsigned got;

	if (!joined(ring_consumer(&side, s->kind, &s->mem, s->mem.fd), s, &side))
		return NULL;
	do {
		got = s->kind->pop(&side, recs, s->burst);
		for (unsigned i = 0; i < got; i++)
			check(s, &seen, &recs[i]);
	} while (got || more_to_come(s, &side));
	s->kind->consumer_detach(&side);
	hand_in(s, &seen);
	return NULL;
}

/* --- runs --- */

static void run_threads(struct stress *s, uint64_t ns)
{
	struct thread threads[2 * MOST];
	unsigned all = s->producers + s->consumers;

	pthread_barrier_init(&s->seated, NULL, all);
	s->until = now_ns() + ns;
	for (unsigned i = 0; i < all; i++) {
		bool producer = i < s->producers;

		threads[i] =
			(struct thread){.stress = s, .number = i, .seed = s->seed * 64 + i + 1};
		assert_int_equal(pthread_create(&threads[i].id, NULL, producer ? produce : consume,
						&threads[i]),
				 0);
	}
	for (unsigned i = 0; i < all; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&s->seated);
}

static void run(struct stress *s, uint64_t ns)
{
	uint32_t packed = s->kind->kind == XK_RING_MPMC && s->burst > 1 ? XK_RING_BURSTS : 0;
	struct ring_config c = {.record_bytes = sizeof(struct record),
				.slots = s->burst > 1 ? 64 : 8,
				.users = 8,
				.flags = (s->sleep ? XK_RING_SLEEP : 0) | packed,
				.first = 0u - (uint64_t)100};

	ring_make(&s->mem, s->kind, &c);
	run_threads(s, ns);
	assert_int_equal(s->failures, 0);
	assert_int_equal(s->torn, 0);
	assert_int_equal(s->disorder, 0);
	for (unsigned i = 0; i < s->producers; i++) {
		assert_true(s->pushed[i] > 0);
		assert_true(s->pushed[i] == s->popped[i]);
		assert_true(s->pushed_sum[i] == s->popped_sum[i]);
	}
	ring_mem_free(&s->mem);
}

static uint64_t seed(void)
{
	const char *given = getenv("XSKIT_SEED");

	return given ? strtoull(given, NULL, 0) : 1;
}

/* 16 numbers of users, single or in bursts, yielding or asleep: 64 runs of each of two kinds. */
static void every_number(const struct ring_kind *kind)
{
	for (unsigned i = 0; i < 64; i++) {
		struct stress s = {.kind = kind,
				   .producers = 1 + i % 4,
				   .consumers = 1 + i / 4 % 4,
				   .burst = i / 16 % 2 ? BURST : 1,
				   .sleep = i / 32,
				   .seed = seed() + i};

		run(&s, ALL_MS * UINT64_C(1000000) / 144);
	}
}

static void fanin(void **unused)
{
	(void)unused;
	every_number(&ring_kinds[XK_RING_FANIN - XK_RING_SPSC]);
}

static void mpmc(void **unused)
{
	(void)unused;
	every_number(&ring_kinds[XK_RING_MPMC - XK_RING_SPSC]);
}

static void one_to_one(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 8; i++) {
		struct stress s = {.kind = &ring_kinds[i / 4],
				   .producers = 1,
				   .consumers = 1,
				   .burst = i % 2 ? BURST : 1,
				   .sleep = i / 2 % 2,
				   .seed = seed() + i};

		run(&s, ALL_MS * UINT64_C(1000000) / 144);
	}
}

/* --- mpmc's order is that of the pushes, whoever pushed --- */

struct fifo {
	struct ring_mem mem;
	unsigned producers, burst;
	uint64_t clock; /* everybody's; moves at each start and end of a push */
	struct {
		uint64_t start, end; /* of the push that brought the record */
	} * when;
	uint64_t next; /* index of the next record */
	uint32_t failures;
};

static void *push_in_time(void *arg)
{
	struct thread *t = arg;
	struct fifo *f = (struct fifo *)(void *)t->stress;
	struct xk_mpmc_prod p;
	uint64_t recs[BURST];

	if (xk_mpmc_producer(&p, f->mem.mem, f->mem.len, f->mem.fd))
		abort();
	for (;;) {
		unsigned n = 1 + chance(&t->seed) % f->burst;
		uint64_t first = __atomic_fetch_add(&f->next, n, __ATOMIC_RELAXED), start;

		if (first + n > FIFO_MAX)
			break;
		for (unsigned i = 0; i < n; i++)
			recs[i] = first + i;
		for (unsigned got, done = 0; done < n; done += got) {
			start = __atomic_fetch_add(&f->clock, 1, __ATOMIC_SEQ_CST);
			got = xk_mpmc_push(&p, recs + done, n - done);
			for (unsigned i = 0; i < got; i++)
				f->when[first + done + i].start = start;
			start = __atomic_fetch_add(&f->clock, 1, __ATOMIC_SEQ_CST);
			for (unsigned i = 0; i < got; i++)
				f->when[first + done + i].end = start;
			if (!got)
				sched_yield();
		}
	}
	xk_mpmc_producer_detach(&p);
	return NULL;
}

/* Whose push had ended before another's began comes out before it. */
static unsigned out_of_order(const struct fifo *f, const uint64_t *order, uint64_t n)
{
	uint64_t latest = 0;
	unsigned wrong = 0;

	for (uint64_t i = 0; i < n; i++) {
		wrong += f->when[order[i]].end < latest;
		if (f->when[order[i]].start > latest)
			latest = f->when[order[i]].start;
	}
	return wrong;
}

static void pop_in_order(struct fifo *f, uint64_t *order, uint64_t *n)
{
	struct xk_mpmc_cons c;

	assert_int_equal(xk_mpmc_consumer(&c, f->mem.mem, f->mem.len, f->mem.fd), 0);
	for (;;) {
		unsigned got = xk_mpmc_pop(
			&c, order + *n, FIFO_MAX - *n < BURST ? (unsigned)(FIFO_MAX - *n) : BURST);

		*n += got;
		if (!got && xk_mpmc_wait_data(&c, XK_WAIT_SPIN, -1))
			break;
	}
	xk_mpmc_consumer_detach(&c);
}

static void prove_order(unsigned producers, unsigned burst)
{
	struct fifo f = {.producers = producers, .burst = burst};
	struct ring_config c = {.record_bytes = 8, .slots = 64, .users = 8};
	uint64_t *order = calloc(FIFO_MAX, sizeof(*order)), n = 0;
	struct thread threads[MOST];

	f.when = calloc(FIFO_MAX, sizeof(*f.when));
	ring_make(&f.mem, &ring_kinds[XK_RING_MPMC - XK_RING_SPSC], &c);
	for (unsigned i = 0; i < producers; i++) {
		threads[i] = (struct thread){.stress = (struct stress *)(void *)&f,
					     .seed = seed() * 64 + i + 1};
		assert_int_equal(pthread_create(&threads[i].id, NULL, push_in_time, &threads[i]),
				 0);
	}
	pop_in_order(&f, order, &n);
	for (unsigned i = 0; i < producers; i++)
		pthread_join(threads[i].id, NULL);
	assert_true(n > FIFO_MAX / 2);
	assert_int_equal(out_of_order(&f, order, n), 0);
	ring_mem_free(&f.mem);
	free(f.when);
	free(order);
}

static void strict_order(void **unused)
{
	(void)unused;
	for (unsigned producers = 2; producers <= MOST; producers++) {
		prove_order(producers, 1);
		prove_order(producers, BURST);
	}
}

static int limit(void **unused)
{
	(void)unused;
	alarm(150);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_to_one, limit),
		cmocka_unit_test_setup(fanin, limit),
		cmocka_unit_test_setup(mpmc, limit),
		cmocka_unit_test_setup(strict_order, limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
