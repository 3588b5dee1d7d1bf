// SPDX-License-Identifier: BSD-2-Clause
/* mpmc: up to 128 users, strict order among them, bursts, touched lines, and hostile words. */
#include "ring_util.h"

static struct ring_mem mem;

static void make(struct xk_mpmc_config config)
{
	ring_mem_make(&mem, xk_mpmc_size(&config));
	assert_int_equal(xk_mpmc_init(mem.mem, mem.len, &config), 0);
}

static void producer(struct xk_mpmc_prod *p)
{
	assert_int_equal(xk_mpmc_producer(p, mem.mem, mem.len, mem.fd), 0);
}

static void consumer(struct xk_mpmc_cons *c)
{
	assert_int_equal(xk_mpmc_consumer(c, mem.mem, mem.len, mem.fd), 0);
}

static unsigned push(struct xk_mpmc_prod *p, uint64_t number, unsigned n)
{
	uint64_t recs[300];

	for (unsigned i = 0; i < n; i++)
		recs[i] = number + i;
	return xk_mpmc_push(p, recs, n);
}

static unsigned pop(struct xk_mpmc_cons *c, uint64_t number, unsigned n)
{
	uint64_t recs[300];
	unsigned got = xk_mpmc_pop(c, recs, n);

	for (unsigned i = 0; i < got; i++)
		assert_true(recs[i] == number + i);
	return got;
}

/* --- many --- */

/* 64 producers and 64 consumers take turns as chance has it, over the wrap of the numbers: what
 * comes out is what went in, in that order, whoever does either. */
static void all_users_move(uint32_t flags)
{
	static struct xk_mpmc_prod p[64];
	static struct xk_mpmc_cons c[64];
	uint64_t pushed = 0, popped = 0, seed = 1;

	make((struct xk_mpmc_config){.record_bytes = 8,
				     .slots = 16,
				     .users = 128,
				     .flags = flags,
				     .first = (UINT64_C(1) << 56) - 5000});
	for (unsigned i = 0; i < 64; i++) {
		producer(&p[i]);
		consumer(&c[i]);
	}
	while (popped < 10000) {
		pushed += push(&p[chance(&seed) % 64], pushed, chance(&seed) % 20);
		popped += pop(&c[chance(&seed) % 64], popped, chance(&seed) % 20);
		assert_true(pushed - popped <= 16);
	}
	for (unsigned i = 0; i < 64; i++) {
		xk_mpmc_producer_detach(&p[i]);
		xk_mpmc_consumer_detach(&c[i]);
	}
	ring_mem_free(&mem);
}

static void all_users(void **unused)
{
	(void)unused;
	all_users_move(0);
	all_users_move(XK_RING_BURSTS);
}

/* A call moves what a claim can say, and no more. */
static void large_bursts(void **unused)
{
	struct xk_mpmc_prod p;
	struct xk_mpmc_cons c;

	(void)unused;
	make((struct xk_mpmc_config){.record_bytes = 8, .slots = 512, .users = 2});
	producer(&p);
	consumer(&c);
	assert_int_equal(push(&p, 0, 300), XK_MPMC_CLAIM_MAX);
	assert_int_equal(push(&p, XK_MPMC_CLAIM_MAX, 300), XK_MPMC_CLAIM_MAX);
	assert_int_equal(push(&p, 2 * XK_MPMC_CLAIM_MAX, 300), 2);
	assert_int_equal(push(&p, 0, 0), 0);
	assert_int_equal(pop(&c, 0, 300), XK_MPMC_CLAIM_MAX);
	assert_int_equal(pop(&c, XK_MPMC_CLAIM_MAX, 300), XK_MPMC_CLAIM_MAX);
	assert_int_equal(pop(&c, 2 * XK_MPMC_CLAIM_MAX, 300), 2);
	assert_int_equal(pop(&c, 0, 0), 0);
	xk_mpmc_producer_detach(&p);
	xk_mpmc_consumer_detach(&c);
	ring_mem_free(&mem);
}

/* Not a byte of the records changes by being read. */
static void touch_changes_nothing(void **unused)
{
	static const uint32_t bytes[] = {1, 3, 8, 24, 65, 100};

	(void)unused;
	for (unsigned i = 0; i < LENGTH(bytes); i++) {
		size_t size = (size_t)bytes[i] * 16;
		char *before = malloc(size), *recs = malloc(size);
		uint64_t number = 0, seed = 2;
		struct xk_mpmc_prod p;
		struct xk_mpmc_cons c;

		make((struct xk_mpmc_config){
			.record_bytes = bytes[i], .slots = 16, .users = 2, .flags = XK_RING_TOUCH});
		producer(&p);
		consumer(&c);
		while (number < 200) {
			unsigned n = 1 + chance(&seed) % 16;

			records_fill(recs, n, bytes[i], number);
			n = xk_mpmc_push(&p, recs, n);
			memcpy(before, c.user.records, size);
			assert_int_equal(xk_mpmc_pop(&c, recs, n), n);
			assert_true(records_right(recs, n, bytes[i], number));
			assert_memory_equal(before, c.user.records, size);
			number += n;
		}
		xk_mpmc_producer_detach(&p);
		xk_mpmc_consumer_detach(&c);
		ring_mem_free(&mem);
		free(before);
		free(recs);
	}
}

/* --- waiting --- */

/* A seat is anybody's: what its producers waited stays theirs when a consumer sits there. */
static void waits_stay(void **unused)
{
	struct xk_ring_info info;
	struct xk_mpmc_prod p;
	struct xk_mpmc_cons c;

	(void)unused;
	make((struct xk_mpmc_config){.record_bytes = 8, .slots = 2, .users = 1});
	producer(&p);
	assert_int_equal(push(&p, 0, 2), 2);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(xk_mpmc_wait_space(&p, XK_WAIT_SPIN, 1), -ETIMEDOUT);
	xk_mpmc_producer_detach(&p);
	consumer(&c);
	assert_int_equal(pop(&c, 0, 2), 2);
	assert_int_equal(xk_mpmc_wait_data(&c, XK_WAIT_SPIN | XK_WAIT_STAY, 1), -ETIMEDOUT);
	assert_int_equal(xk_ring_look(mem.mem, mem.len, -1, &info, NULL), 0);
	assert_int_equal(info.producer_waits, 3);
	assert_int_equal(info.consumer_waits, 1);
	assert_int_equal(info.users[0].waits, 1);
	xk_mpmc_consumer_detach(&c);
	ring_mem_free(&mem);
}

/* The other side left, and somebody of one's own side has its seat now: it has left all the same.
 */
static void left_and_replaced(void **unused)
{
	struct xk_mpmc_prod p;
	struct xk_mpmc_cons a, b;

	(void)unused;
	make((struct xk_mpmc_config){.record_bytes = 8, .slots = 4, .users = 2});
	producer(&p);
	consumer(&a);
	xk_mpmc_producer_detach(&p);
	consumer(&b);
	assert_int_equal(b.user.hold.seat, 0);
	a.user.hold.slice_ns = 1000000;
	assert_int_equal(xk_mpmc_wait_data(&a, XK_WAIT_SPIN, 2000000000), -EPIPE);
	xk_mpmc_consumer_detach(&a);
	xk_mpmc_consumer_detach(&b);
	ring_mem_free(&mem);
}

/* --- hostile --- */

/* Words and counters that cannot be: nothing moves, or a wrong record does. */
static void hostile_words(void **unused)
{
	uint64_t seed = 3, recs[16] = {0};

	(void)unused;
	for (unsigned round = 0; round < 2000; round++) {
		struct xk_mpmc_prod p;
		struct xk_mpmc_cons c;

		make((struct xk_mpmc_config){.record_bytes = 8,
					     .slots = 4,
					     .users = 2,
					     .flags = round % 2 ? XK_RING_BURSTS : 0});
		producer(&p);
		consumer(&c);
		push(&p, 0, chance(&seed) % 5);
		for (unsigned i = 0; i < 4; i++)
			*xk_mpmc_slot(&p.user.words, i, 4) =
				xk_mpmc_mark(i + chance(&seed) % 3 * 4 - 4, chance(&seed) % 4, 4);
		p.user.shared->tail.word += chance(&seed) % 9 * 256 - 1024;
		p.user.shared->head.word += chance(&seed) % 1024;
		p.user.shared->orphans = chance(&seed) % 2;
		assert_true(xk_mpmc_push(&p, recs, 16) <= 4);
		assert_true(xk_mpmc_pop(&c, recs, 16) <= 4);
		xk_mpmc_wait_space(&p, XK_WAIT_SPIN, 0);
		xk_mpmc_wait_data(&c, XK_WAIT_SPIN, 0);
		xk_mpmc_producer_detach(&p);
		xk_mpmc_consumer_detach(&c);
		ring_mem_free(&mem);
	}
}

#ifdef RING_STEP
static struct xk_mpmc_words words;
static unsigned lap; /* instructions in which the peer goes once round the ring */

/* Whoever looks round the ring at this speed finds every slot free, again and again. */
static void run_ahead(unsigned step)
{
	for (uint64_t i = 0; i < 2; i++)
		xk_store_relaxed(xk_mpmc_slot(&words, i, 2),
				 xk_mpmc_mark(step / lap * 2 + i, XK_MPMC_FREE, 2));
}

/* Slots that change while they are counted are never more than there are. */
static void words_run_ahead(void **unused)
{
	static const uint64_t recs[64];
	struct xk_mpmc_prod p;

	(void)unused;
	for (lap = 6; lap < 40; lap++)
		for (unsigned lag = 0; lag < 24 + lap; lag += 2) {
			unsigned got;

			make((struct xk_mpmc_config){.record_bytes = 64,
						     .slots = 2,
						     .users = 1,
						     .flags = XK_RING_BURSTS});
			producer(&p);
			words = p.user.words;
			ring_step_start(run_ahead, lag);
			got = xk_mpmc_push(&p, recs, 8);
			ring_step_stop();
			assert_true(got <= 2);
			xk_mpmc_producer_detach(&p);
			ring_mem_free(&mem);
		}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(all_users),
		ring_test(large_bursts),
		ring_test(touch_changes_nothing),
		ring_test(waits_stay),
		ring_test(left_and_replaced),
		ring_test(hostile_words),
#ifdef RING_STEP
		ring_test(words_run_ahead),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
