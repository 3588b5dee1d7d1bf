// SPDX-License-Identifier: BSD-2-Clause
/* The models: each kind of ring, small and full of turns, and those that sleep. */
#include <stdio.h>
#include <string.h>
#include <xskit/fanin.h>
#include <xskit/mpmc.h>
#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>
#include "model.h"
#include "ring_internal.h"

#define LONG_RECORD 32 /* two in a line: every other one is followed by a touch */
#define SHORT       8
#define FIRST       (UINT64_MAX - 1) /* counters wrap on the way */
#define FOR_EVER    (XK_WAIT_SLEEP | XK_WAIT_STAY), -1
#define USERS_MAX   4
#define RECORDS_MAX 8

/* --- records: who made it, and which one it is, in every word --- */

struct record {
	uint64_t words[LONG_RECORD / 8];
};

static uint64_t mark_of(unsigned producer, unsigned i)
{
	return (uint64_t)(producer + 1) << 32 | i;
}

static void records_make(void *to, size_t bytes, unsigned producer, unsigned i, unsigned n)
{
	uint64_t *word = to;

	for (; n--; i++)
		for (size_t w = 0; w < bytes / 8; w++)
			*word++ = mark_of(producer, i);
}

/* Whole, made by a producer there is; its mark. */
static uint64_t record_check(const void *rec, size_t bytes)
{
	const uint64_t *word = rec;

	for (size_t w = 1; w < bytes / 8; w++)
		model_check(word[w] == word[0], "a torn record");
	return word[0];
}

/* What each consumer got; checked when all is over. */
static struct got {
	unsigned n;
	uint64_t marks[2 * RECORDS_MAX];
} gots[USERS_MAX];
static unsigned n_producers, n_each, n_consumers;

static void got_add(struct got *got, const void *recs, size_t bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		model_check(got->n < n_producers * n_each, "more records than were pushed");
		got->marks[got->n++] = record_check((const char *)recs + i * bytes, bytes);
	}
}

static unsigned count_mark(uint64_t mark)
{
	unsigned n = 0;

	for (unsigned c = 0; c < n_consumers; c++)
		for (unsigned i = 0; i < gots[c].n; i++)
			n += gots[c].marks[i] == mark;
	return n;
}

/* Each record once, and at each consumer those of a producer in order. */
static void gots_check(void)
{
	for (unsigned p = 0; p < n_producers; p++)
		for (unsigned i = 0; i < n_each; i++)
			model_check(count_mark(mark_of(p, i)) == 1, "a record lost, or twice");
	for (unsigned c = 0; c < n_consumers; c++)
		for (unsigned i = 0; i < gots[c].n; i++)
			for (unsigned j = 0; j < i; j++)
				model_check(gots[c].marks[j] < gots[c].marks[i] ||
						    gots[c].marks[j] >> 32 !=
							    gots[c].marks[i] >> 32,
					    "records out of order");
}

static void expect(unsigned producers, unsigned each, unsigned consumers)
{
	n_producers = producers;
	n_each = each;
	n_consumers = consumers;
	memset(gots, 0, sizeof(gots));
}

static void must(int ret)
{
	model_check(ret == 0, "a call that must work failed");
}

/* Who sleeps does it until woken: a look around now and then would hide that nobody woke it. */
static void never_look_around(struct xk_ring_hold *hold)
{
	hold->slice_ns = UINT64_MAX;
}

static void name_bells(void)
{
	struct xk_ring *ring = (struct xk_ring *)(void *)model_memory;

	model_name(&ring->data.waiting, "bell");
	model_name(&ring->space.waiting, "bell");
}

/* --- spsc --- */

static struct xk_spsc_prod spsc_p;
static struct xk_spsc_cons spsc_c;

static void spsc_make(uint32_t slots, uint32_t lazy, uint32_t flags, unsigned records)
{
	struct xk_spsc_config config = {.record_bytes = LONG_RECORD,
					.slots = slots,
					.lazy = lazy,
					.flags = flags,
					.first = FIRST};

	must(xk_spsc_init(model_memory, sizeof(model_memory), &config));
	must(xk_spsc_producer(&spsc_p, model_memory, sizeof(model_memory), -1));
	must(xk_spsc_consumer(&spsc_c, model_memory, sizeof(model_memory), -1));
	never_look_around(&spsc_p.hold);
	never_look_around(&spsc_c.hold);
	model_name(&spsc_p.stream.stream->tail, "tail");
	model_name(&spsc_p.stream.stream->head, "head");
	name_bells();
	expect(1, records, 1);
}

static void spsc_push(unsigned burst, bool sleep)
{
	struct record recs[3];

	for (unsigned done = 0; done < n_each;) {
		unsigned n = burst < n_each - done ? burst : n_each - done;

		records_make(recs, LONG_RECORD, 0, done, n);
		n = xk_spsc_push(&spsc_p, recs, n);
		done += n;
		if (!n && sleep)
			must(xk_spsc_wait_space(&spsc_p, 1, FOR_EVER));
		else if (!n)
			model_yield();
	}
}

static void spsc_pop(unsigned burst, bool sleep)
{
	struct record recs[3];

	while (gots[0].n < n_each) {
		unsigned n = xk_spsc_pop(&spsc_c, recs, burst);

		got_add(&gots[0], recs, LONG_RECORD, n);
		if (!n && sleep)
			must(xk_spsc_wait_data(&spsc_c, 1, FOR_EVER));
		else if (!n)
			model_yield();
	}
	model_check(!xk_spsc_consumer_broken(&spsc_c), "counters that cannot be");
}

static void spsc_before(void)
{
	spsc_make(4, 2, XK_RING_TOUCH, 7);
}

static void spsc_thread(unsigned i)
{
	if (i)
		spsc_pop(3, false);
	else
		spsc_push(2, false);
}

static void spsc_tight_before(void)
{
	spsc_make(2, 1, XK_RING_TOUCH, 4);
}

static void spsc_one_thread(unsigned i)
{
	if (i)
		spsc_pop(1, false);
	else
		spsc_push(1, false);
}

/* Records written and read where they lie. */
static void spsc_reserve_all(void)
{
	for (unsigned done = 0, got; done < n_each;) {
		struct record recs[3];
		void *room = xk_spsc_reserve(&spsc_p, 3 < n_each - done ? 3 : n_each - done, &got);

		if (!got) {
			model_yield();
			continue;
		}
		records_make(recs, LONG_RECORD, 0, done, got);
		xk_copy_in(room, recs, got * LONG_RECORD);
		got = 1 + model_choice(got); /* fewer than there was room for */
		xk_spsc_commit(&spsc_p, got);
		done += got;
	}
}

static void spsc_peek_all(void)
{
	while (gots[0].n < n_each) {
		struct record recs[3];
		unsigned got;
		const void *there = xk_spsc_peek(&spsc_c, 3, &got);

		if (!got) {
			xk_spsc_flush(&spsc_c);
			model_yield();
			continue;
		}
		xk_copy_out(recs, there, got * LONG_RECORD);
		got = 1 + model_choice(got);
		got_add(&gots[0], recs, LONG_RECORD, got);
		xk_spsc_release(&spsc_c, got);
	}
}

static void spsc_zero_copy_before(void)
{
	spsc_make(4, 4, XK_RING_TOUCH, 6);
}

static void spsc_zero_copy_thread(unsigned i)
{
	if (i)
		spsc_peek_all();
	else
		spsc_reserve_all();
}

static void spsc_sleep_before(void)
{
	spsc_make(2, 2, XK_RING_TOUCH | XK_RING_SLEEP, 4);
}

static void spsc_sleep_thread(unsigned i)
{
	if (i)
		spsc_pop(1, true);
	else
		spsc_push(1, true);
}

/* --- spsc_latency --- */

static struct xk_spsc_latency_prod latency_p;
static struct xk_spsc_latency_cons latency_c;

static void latency_make(uint32_t flags, unsigned records)
{
	struct xk_spsc_latency_config config = {
		.record_bytes = SHORT, .slots = 2, .flags = flags, .first = FIRST};

	must(xk_spsc_latency_init(model_memory, sizeof(model_memory), &config));
	must(xk_spsc_latency_producer(&latency_p, model_memory, sizeof(model_memory), -1));
	must(xk_spsc_latency_consumer(&latency_c, model_memory, sizeof(model_memory), -1));
	never_look_around(&latency_p.side.hold);
	never_look_around(&latency_c.side.hold);
	name_bells();
	expect(1, records, 1);
}

static void latency_push(bool sleep)
{
	for (unsigned done = 0; done < n_each;) {
		uint64_t rec = mark_of(0, done);

		if (xk_spsc_latency_push(&latency_p, &rec, 1))
			done++;
		else if (sleep)
			must(xk_spsc_latency_wait_space(&latency_p, FOR_EVER));
		else
			model_yield();
	}
}

static void latency_pop(bool sleep)
{
	uint64_t recs[2];

	while (gots[0].n < n_each) {
		unsigned n = xk_spsc_latency_pop(&latency_c, recs, 2);

		got_add(&gots[0], recs, SHORT, n);
		if (!n && sleep)
			must(xk_spsc_latency_wait_data(&latency_c, FOR_EVER));
		else if (!n)
			model_yield();
	}
}

static void latency_before(void)
{
	latency_make(0, 6);
}

static void latency_thread(unsigned i)
{
	if (i)
		latency_pop(false);
	else
		latency_push(false);
}

static void latency_sleep_before(void)
{
	latency_make(XK_RING_SLEEP, 4);
}

static void latency_sleep_thread(unsigned i)
{
	if (i)
		latency_pop(true);
	else
		latency_push(true);
}

/* --- fanin --- */

static struct xk_fanin_prod fanin_p[2];
static struct xk_fanin_cons fanin_c[2];

static struct xk_stream *fanin_lane(unsigned lane)
{
	return (struct xk_stream *)(void *)(fanin_c[0].first_lane + lane * fanin_c[0].lane_bytes);
}

static void fanin_make(unsigned producers, unsigned consumers, uint32_t slots, uint32_t flags,
		       unsigned each)
{
	struct xk_fanin_config config = {.record_bytes = LONG_RECORD,
					 .slots = slots,
					 .lanes = producers,
					 .consumers = consumers,
					 .lazy = slots,
					 .flags = flags,
					 .first = FIRST};

	must(xk_fanin_init(model_memory, sizeof(model_memory), &config));
	for (unsigned i = 0; i < producers; i++)
		must(xk_fanin_producer(&fanin_p[i], model_memory, sizeof(model_memory), -1));
	for (unsigned i = 0; i < consumers; i++)
		must(xk_fanin_consumer(&fanin_c[i], model_memory, sizeof(model_memory), -1));
	for (unsigned i = 0; i < producers; i++) {
		never_look_around(&fanin_p[i].hold);
		model_name(&fanin_lane(i)->tail, "tail");
		model_name(&fanin_lane(i)->head, "head");
		model_name(&fanin_lane(i)->holder, "holder");
	}
	for (unsigned i = 0; i < consumers; i++)
		never_look_around(&fanin_c[i].hold);
	name_bells();
	expect(producers, each, consumers);
}

static void fanin_push(unsigned producer, bool sleep)
{
	for (unsigned done = 0; done < n_each;) {
		struct record rec;

		records_make(&rec, LONG_RECORD, producer, done, 1);
		if (xk_fanin_push(&fanin_p[producer], &rec, 1))
			done++;
		else if (sleep)
			must(xk_fanin_wait_space(&fanin_p[producer], 1, FOR_EVER));
		else
			model_yield();
	}
}

/* This many; several consumers agree beforehand who gets how many, so each knows when it is done.
 */
static void fanin_pop(unsigned consumer, unsigned share, bool sleep)
{
	struct record recs[2];
	struct got *got = &gots[consumer];

	while (got->n < share) {
		unsigned n = xk_fanin_pop(&fanin_c[consumer], recs, share - got->n > 1 ? 2 : 1);

		got_add(got, recs, LONG_RECORD, n);
		if (!n && sleep)
			must(xk_fanin_wait_data(&fanin_c[consumer], FOR_EVER));
		else if (!n)
			model_yield();
	}
	model_check(!xk_fanin_consumer_broken(&fanin_c[consumer]), "counters that cannot be");
}

static void fanin_2p1c_before(void)
{
	fanin_make(2, 1, 2, XK_RING_TOUCH, 3);
}

static void fanin_2p1c_thread(unsigned i)
{
	if (i == 2)
		fanin_pop(0, 6, false);
	else
		fanin_push(i, false);
}

static void fanin_1p2c_before(void)
{
	fanin_make(1, 2, 2, XK_RING_TOUCH, 4);
}

static void fanin_1p2c_thread(unsigned i)
{
	if (i)
		fanin_pop(i - 1, 2, false);
	else
		fanin_push(0, false);
}

static void fanin_2p1c_sleep_before(void)
{
	fanin_make(2, 1, 1, XK_RING_NO_TOUCH | XK_RING_SLEEP, 2);
}

static void fanin_2p1c_sleep_thread(unsigned i)
{
	if (i == 2)
		fanin_pop(0, 4, true);
	else
		fanin_push(i, true);
}

static void fanin_1p2c_sleep_before(void)
{
	fanin_make(1, 2, 2, XK_RING_NO_TOUCH | XK_RING_SLEEP, 2);
}

static void fanin_1p2c_sleep_thread(unsigned i)
{
	if (i)
		fanin_pop(i - 1, 1, true);
	else
		fanin_push(0, true);
}

/* --- mpmc --- */

static int model_fd = -1; /* or 0: with locks */

static struct xk_mpmc_prod mpmc_p[2];
static struct xk_mpmc_cons mpmc_c[3];

static void mpmc_make(unsigned producers, unsigned consumers, uint32_t flags, unsigned each)
{
	struct xk_mpmc_config config = {.record_bytes = LONG_RECORD,
					.slots = 2,
					.users = producers + consumers,
					.flags = flags,
					.first = FIRST & (UINT64_MAX >> 8)};

	must(xk_mpmc_init(model_memory, sizeof(model_memory), &config));
	for (unsigned i = 0; i < producers; i++) {
		must(xk_mpmc_producer(&mpmc_p[i], model_memory, sizeof(model_memory), model_fd));
		never_look_around(&mpmc_p[i].user.hold);
	}
	for (unsigned i = 0; i < consumers; i++) {
		must(xk_mpmc_consumer(&mpmc_c[i], model_memory, sizeof(model_memory), model_fd));
		never_look_around(&mpmc_c[i].user.hold);
	}
	for (unsigned i = 0; i < config.slots; i++)
		model_name(xk_mpmc_slot(&mpmc_p[0].user.words, i, config.slots), "slot");
	name_bells();
	expect(producers, each, consumers);
}

static void mpmc_push(unsigned producer, unsigned burst, bool sleep)
{
	for (unsigned done = 0; done < n_each;) {
		struct record recs[2];
		unsigned n = burst < n_each - done ? burst : n_each - done;

		records_make(recs, LONG_RECORD, producer, done, n);
		n = xk_mpmc_push(&mpmc_p[producer], recs, n);
		done += n;
		if (!n && sleep)
			must(xk_mpmc_wait_space(&mpmc_p[producer], FOR_EVER));
		else if (!n)
			model_yield();
	}
}

static void mpmc_pop(unsigned consumer, unsigned share, unsigned burst, bool sleep)
{
	struct record recs[2];
	struct got *got = &gots[consumer];

	while (got->n < share) {
		unsigned n = burst < share - got->n ? burst : share - got->n;

		n = xk_mpmc_pop(&mpmc_c[consumer], recs, n);
		got_add(got, recs, LONG_RECORD, n);
		if (!n && sleep)
			must(xk_mpmc_wait_data(&mpmc_c[consumer], FOR_EVER));
		else if (!n)
			model_yield();
	}
}

static void mpmc_2p1c_before(void)
{
	mpmc_make(2, 1, XK_RING_TOUCH, 2);
}

static void mpmc_2p1c_thread(unsigned i)
{
	if (i == 2)
		mpmc_pop(0, 4, 2, false);
	else
		mpmc_push(i, 1 + i, false);
}

static void mpmc_1p2c_before(void)
{
	mpmc_make(1, 2, XK_RING_TOUCH, 4);
}

static void mpmc_1p2c_thread(unsigned i)
{
	if (i)
		mpmc_pop(i - 1, 2, i, false);
	else
		mpmc_push(0, 2, false);
}

static void mpmc_2p2c_before(void)
{
	mpmc_make(2, 2, XK_RING_TOUCH, 2);
}

static void mpmc_2p2c_thread(unsigned i)
{
	if (i >= 2)
		mpmc_pop(i - 2, 2, i - 1, false);
	else
		mpmc_push(i, 1 + i, false);
}

static void mpmc_1p2c_sleep_before(void)
{
	mpmc_make(1, 2, XK_RING_NO_TOUCH | XK_RING_SLEEP, 2);
}

static void mpmc_1p2c_sleep_thread(unsigned i)
{
	if (i)
		mpmc_pop(i - 1, 1, 1, true);
	else
		mpmc_push(0, 1, true);
}

static void mpmc_2p1c_sleep_before(void)
{
	mpmc_make(2, 1, XK_RING_NO_TOUCH | XK_RING_SLEEP, 2);
}

static void mpmc_2p1c_sleep_thread(unsigned i)
{
	if (i == 2)
		mpmc_pop(0, 4, 1, true);
	else
		mpmc_push(i, 1, true);
}

/* --- mpmc with deaths: thread 0 dies anywhere, and its seat's lock goes; the last one mends. Who
 * mends and goes on using the ring has in its own order what others must be told: where that is
 * looked at, the last one does nothing but mend. --- */

#define STEPS_MAX 24
#define STEPS_UNWRITTEN                                                                            \
	6 /* never comes to publish: one that dies when about to wake is not heard */

#define MENDER_FD 1 /* of the one that does nothing else: nobody else's */

static unsigned steps_max;

static bool buried;
static unsigned victim_done; /* records of calls that came back */

static void mortal_make(unsigned producers, unsigned consumers, uint32_t flags, unsigned each)
{
	model_locks_forget();
	model_fd = 0;
	mpmc_make(producers, consumers, XK_RING_NO_TOUCH | flags, each);
	model_fd = -1;
	buried = false;
	steps_max = STEPS_MAX;
	victim_done = 0;
	model_name(&mpmc_p[0].user.shared->tail.word, "tail");
	model_name(&mpmc_p[0].user.shared->head.word, "head");
}

static void mend(struct xk_mpmc_cons *c)
{
	struct xk_ring_hold *hold = &c->user.hold;

	xk_ring_mend_all(hold->ring, &hold->shape, hold->lock_fd, hold->seat);
	model_yield();
}

static void mend_only(void)
{
	struct xk_ring_hold *hold = &mpmc_p[0].user.hold;

	xk_ring_mend_all(hold->ring, &hold->shape, MENDER_FD, UINT32_MAX);
	model_yield();
}

static void victim_buried(struct xk_ring_hold *hold)
{
	model_will_die(0);
	model_locks_drop(hold->lock_fd);
	buried = true;
}

static void victim_push(void)
{
	if (!model_dies(1 + model_choice(steps_max)))
		while (victim_done < n_each) {
			struct record recs[2];

			records_make(recs, LONG_RECORD, 0, victim_done, 2);
			victim_done += xk_mpmc_push(&mpmc_p[0], recs, n_each - victim_done);
		}
	victim_buried(&mpmc_p[0].user.hold);
}

static unsigned count_of(unsigned producer)
{
	unsigned n = 0;

	for (unsigned i = 0; i < gots[0].n; i++)
		n += gots[0].marks[i] >> 32 == producer + 1;
	return n;
}

static unsigned pop_and_mend(void)
{
	struct record recs[2];
	unsigned n = xk_mpmc_pop(&mpmc_c[0], recs, 2);

	got_add(&gots[0], recs, LONG_RECORD, n);
	if (!n)
		mend(&mpmc_c[0]);
	return n;
}

static void pop_or_yield(void)
{
	struct record recs[2];
	unsigned n = xk_mpmc_pop(&mpmc_c[0], recs, 2);

	got_add(&gots[0], recs, LONG_RECORD, n);
	if (!n)
		model_yield();
}

static void dead_producer_before(void)
{
	mortal_make(2, 1, 0, 2);
}

static void dead_producer_thread(unsigned i)
{
	if (i == 0)
		victim_push();
	else if (i == 1)
		mpmc_push(1, 1, false);
	else
		while (count_of(1) < n_each)
			pop_and_mend();
}

/* Nothing is in the way, and of the dead one's records all came that must. */
static void dead_producer_after(void)
{
	struct xk_mpmc_shared *shared = mpmc_c[0].user.shared;

	mend(&mpmc_c[0]);
	while (pop_and_mend())
		;
	model_check(xk_mpmc_number(xk_load_seq(&shared->tail.word)) ==
			    xk_mpmc_number(xk_load_seq(&shared->head.word)),
		    "a slot stays in the way");
	model_check(count_of(0) >= victim_done, "a published record lost");
	n_each = count_of(0);
	model_check(count_mark(mark_of(1, 0)) == 1 && count_mark(mark_of(1, 1)) == 1,
		    "a record lost, or twice");
	for (unsigned n = 0; n < n_each; n++)
		model_check(count_mark(mark_of(0, n)) == 1, "a record lost, or twice");
}

/* The producer that writes over what the dead one had begun knows of it through the void slot. */
static void dead_producer_apart_thread(unsigned i)
{
	if (i == 0) {
		victim_push();
	} else if (i == 1) {
		mpmc_push(1, 1, false);
	} else if (i == 2) {
		while (count_of(1) < n_each)
			pop_or_yield();
	} else {
		while (count_of(1) < n_each)
			mend_only();
	}
}

/* A sleeper in front of a slot that nobody will write hears of it when the slot becomes void. */
static void dead_producer_asleep_before(void)
{
	mortal_make(2, 1, XK_RING_SLEEP, 1);
	steps_max = STEPS_UNWRITTEN;
}

/* By the one with this hold, until the dead one's seat is free. */
static void mend_until_free(struct xk_ring_hold *hold, struct xk_ring_seat *dead)
{
	while (!buried || xk_load_acquire(&dead->state) == XK_SEAT_LOCKED) {
		xk_ring_mend_all(hold->ring, &hold->shape, hold->lock_fd, hold->seat);
		model_yield();
	}
}

static void dead_producer_asleep_thread(unsigned i)
{
	struct record rec;

	if (i == 0) {
		victim_push();
	} else if (i == 1) {
		mpmc_push(1, 1, true);
		mend_until_free(&mpmc_p[1].user.hold, mpmc_p[0].user.seat);
	} else {
		while (!count_of(1)) {
			unsigned n = xk_mpmc_pop(&mpmc_c[0], &rec, 1);

			got_add(&gots[0], &rec, LONG_RECORD, n);
			if (!n)
				must(xk_mpmc_wait_data(&mpmc_c[0], FOR_EVER));
		}
	}
}

/* A dead consumer's records come to the other one, but for those it had copied and released. */
static uint64_t victim_recs[2][2][LONG_RECORD / 8]; /* of each victim's last call */

static void dead_consumer_before(void)
{
	mortal_make(1, 2, 0, 3);
	memset(victim_recs, 0, sizeof(victim_recs));
}

static bool victim_got(uint64_t mark)
{
	for (unsigned v = 0; v < 2; v++)
		if (victim_recs[v][0][0] == mark || victim_recs[v][1][0] == mark)
			return true;
	return false;
}

static bool all_got(void)
{
	for (unsigned i = 0; i < n_each; i++)
		if (!count_mark(mark_of(0, i)) && !victim_got(mark_of(0, i)))
			return false;
	return true;
}

static void victim_pop(unsigned victim)
{
	unsigned c = 1 + victim;

	if (!model_dies(1 + model_choice(steps_max)))
		while (!all_got()) {
			unsigned n = xk_mpmc_pop(&mpmc_c[c], victim_recs[victim], 2);

			got_add(&gots[c], victim_recs[victim], LONG_RECORD, n);
			if (!n)
				model_yield();
		}
	victim_buried(&mpmc_c[c].user.hold);
}

static void dead_consumer_thread(unsigned i)
{
	if (i == 0)
		victim_pop(0);
	else if (i == 1)
		mpmc_push(0, 2, false);
	else
		while (!all_got())
			pop_and_mend();
}

static bool slots_free(void)
{
	struct xk_mpmc_user *u = &mpmc_p[0].user;

	for (unsigned i = 0; i < u->slots; i++)
		if (xk_mpmc_low(xk_load_seq(xk_mpmc_slot(&u->words, i, u->slots))) != XK_MPMC_FREE)
			return false;
	return true;
}

static void dead_consumer_after(void)
{
	struct xk_mpmc_shared *shared = mpmc_c[0].user.shared;

	while (pop_and_mend())
		;
	mend(&mpmc_c[0]);
	while (pop_and_mend())
		;
	model_check(xk_mpmc_number(xk_load_seq(&shared->tail.word)) ==
			    xk_mpmc_number(xk_load_seq(&shared->head.word)),
		    "a slot stays in the way");
	model_check(all_got(), "a record lost");
	for (unsigned i = 0; i < n_each; i++)
		model_check(count_mark(mark_of(0, i)) <= 2, "a record more than twice");
	model_check(slots_free(), "a slot is never free again");
}

/* Who adopts knows of the record, and the producer of who looked at it last, through the slot. The
 * second one may die over what the first one left. */
static void dead_consumers_apart_before(void)
{
	mortal_make(1, 3, 0, 4);
	memset(victim_recs, 0, sizeof(victim_recs));
}

static void dead_consumers_apart_thread(unsigned i)
{
	if (i == 0) {
		victim_pop(0);
		victim_pop(1);
	} else if (i == 1) {
		mpmc_push(0, 2, false);
	} else if (i == 2) {
		while (!all_got())
			pop_or_yield();
	} else {
		while (!all_got())
			mend_only();
	}
}

/* A sleeper hears of what a dead consumer left; if that is nothing, there is another record. */
static void dead_consumer_asleep_before(void)
{
	mortal_make(1, 2, XK_RING_SLEEP, 1);
	memset(victim_recs, 0, sizeof(victim_recs));
}

static void push_mend_and_push(void)
{
	mpmc_push(0, 1, false);
	mend_until_free(&mpmc_p[0].user.hold, mpmc_c[1].user.seat);
	if (slots_free())
		mpmc_push(0, 1, false);
}

static void victim_pop_one(void)
{
	if (!model_dies(1 + model_choice(steps_max)))
		while (!xk_mpmc_pop(&mpmc_c[1], victim_recs[0], 1) && !gots[0].n)
			model_yield();
	victim_buried(&mpmc_c[1].user.hold);
}

static void dead_consumer_asleep_thread(unsigned i)
{
	struct record rec;

	if (i == 0) {
		victim_pop_one();
	} else if (i == 1) {
		push_mend_and_push();
	} else {
		while (!gots[0].n) {
			unsigned n = xk_mpmc_pop(&mpmc_c[0], &rec, 1);

			got_add(&gots[0], &rec, LONG_RECORD, n);
			if (!n)
				must(xk_mpmc_wait_data(&mpmc_c[0], FOR_EVER));
		}
	}
}

/* Two sleepers, of whom one may find what is not enough for it and leave the rest to the other. */
static void dead_consumer_2_asleep_before(void)
{
	mortal_make(1, 3, XK_RING_SLEEP, 2);
	memset(victim_recs, 0, sizeof(victim_recs));
}

static void victim_pop_two(void)
{
	if (!model_dies(1 + model_choice(steps_max)))
		while (!xk_mpmc_pop(&mpmc_c[1], victim_recs[0], 2) && !gots[0].n && !gots[2].n)
			model_yield();
	victim_buried(&mpmc_c[1].user.hold);
}

static void push_mend_and_push_more(void)
{
	mpmc_push(0, 2, false);
	mend_until_free(&mpmc_p[0].user.hold, mpmc_c[1].user.seat);
	while (!gots[0].n || !gots[2].n) {
		if (slots_free())
			mpmc_push(0, 2, false);
		model_yield();
	}
}

static void dead_consumer_2_asleep_thread(unsigned i)
{
	unsigned c = i == 2 ? 0 : 2;
	struct record recs[2];

	if (i == 0)
		victim_pop_two();
	else if (i == 1)
		push_mend_and_push_more();
	else
		while (!gots[c].n) {
			unsigned n = xk_mpmc_pop(&mpmc_c[c], recs, 2);

			got_add(&gots[c], recs, LONG_RECORD, n);
			if (!n)
				must(xk_mpmc_wait_data(&mpmc_c[c], FOR_EVER));
		}
}

const struct model models[] = {
	{"spsc", 2, 100000, spsc_before, spsc_thread, gots_check},
	{"spsc, one at a time", 2, 100000, spsc_tight_before, spsc_one_thread, gots_check},
	{"spsc without a copy", 2, 100000, spsc_zero_copy_before, spsc_zero_copy_thread,
	 gots_check},
	{"spsc asleep", 2, 100000, spsc_sleep_before, spsc_sleep_thread, gots_check},
	{"spsc_latency", 2, 100000, latency_before, latency_thread, gots_check},
	{"spsc_latency asleep", 2, 100000, latency_sleep_before, latency_sleep_thread, gots_check},
	{"fanin 2p1c", 3, 100000, fanin_2p1c_before, fanin_2p1c_thread, gots_check},
	{"fanin 1p2c", 3, 100000, fanin_1p2c_before, fanin_1p2c_thread, gots_check},
	{"fanin 2p1c asleep", 3, 100000, fanin_2p1c_sleep_before, fanin_2p1c_sleep_thread,
	 gots_check},
	{"fanin 1p2c asleep", 3, 100000, fanin_1p2c_sleep_before, fanin_1p2c_sleep_thread,
	 gots_check},
	{"mpmc 2p1c", 3, 100000, mpmc_2p1c_before, mpmc_2p1c_thread, gots_check},
	{"mpmc 1p2c", 3, 100000, mpmc_1p2c_before, mpmc_1p2c_thread, gots_check},
	{"mpmc 2p2c", 4, 100000, mpmc_2p2c_before, mpmc_2p2c_thread, gots_check},
	{"mpmc, a dead producer", 3, 100000, dead_producer_before, dead_producer_thread,
	 dead_producer_after},
	{"mpmc, a dead producer, mended by another", 4, 100000, dead_producer_before,
	 dead_producer_apart_thread, dead_producer_after},
	{"mpmc, a dead producer, asleep", 3, 100000, dead_producer_asleep_before,
	 dead_producer_asleep_thread, NULL},
	{"mpmc, a dead consumer", 3, 100000, dead_consumer_before, dead_consumer_thread,
	 dead_consumer_after},
	{"mpmc, a dead consumer, asleep", 3, 100000, dead_consumer_asleep_before,
	 dead_consumer_asleep_thread, NULL},
	{"mpmc, a dead consumer, two asleep", 4, 100000, dead_consumer_2_asleep_before,
	 dead_consumer_2_asleep_thread, NULL},
	{"mpmc, two dead consumers, mended by another", 4, 100000, dead_consumers_apart_before,
	 dead_consumers_apart_thread, dead_consumer_after},
	{"mpmc 1p2c asleep", 3, 100000, mpmc_1p2c_sleep_before, mpmc_1p2c_sleep_thread, gots_check},
	{"mpmc 2p1c asleep", 3, 100000, mpmc_2p1c_sleep_before, mpmc_2p1c_sleep_thread, gots_check},
};
const size_t n_models = sizeof(models) / sizeof(*models);
