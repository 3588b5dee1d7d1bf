// SPDX-License-Identifier: BSD-2-Clause
/* pace: against exact arithmetic over hours, through stalls, and at its limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "pace.h"

#define SECOND UINT64_C(1000000000)
#define START  UINT64_C(123456789012345)

static struct pace pace;
static uint64_t state = 88172645463325252u;

static uint64_t random_below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

/* Frames of a schedule whose time has come. */
static uint64_t exact_count(uint64_t rate, uint64_t elapsed)
{
	return (uint64_t)((unsigned __int128)rate * elapsed / SECOND) + 1;
}

/* When frame k is due, rounded up. */
static uint64_t exact_time(uint64_t rate, uint64_t k)
{
	return START + (uint64_t)(((unsigned __int128)k * SECOND + rate - 1) / rate);
}

static unsigned send_all(uint64_t now, unsigned max)
{
	unsigned n = pace_due(&pace, now, max);

	assert_int_equal(pace_due(&pace, now, max), n); /* asking changes nothing */
	pace_sent(&pace, n);
	return n;
}

static void run_hours(uint64_t rate, uint64_t hours, uint64_t step_ns)
{
	uint64_t elapsed = 0;

	assert_int_equal(pace_init(&pace, rate, 0, START), 0);
	while (elapsed < hours * 3600 * SECOND) {
		send_all(START + elapsed, UINT32_MAX);
		if (pace.sent != exact_count(rate, elapsed))
			assert_int_equal(pace.sent, exact_count(rate, elapsed));
		elapsed += random_below(step_ns);
	}
	assert_int_equal(pace.slipped, 0);
}

static void no_drift(void **unused)
{
	(void)unused;
	run_hours(1, 1000, 3 * SECOND);
	run_hours(7, 100, SECOND);
	run_hours(10000, 10, 20000000);
	run_hours(333333, 2, 5000000);
	run_hours(500000, 10, 20000000);
	run_hours(14880952, 2, 5000000);
	run_hours(PACE_MAX_RATE, 1, 5000000);
	run_hours(PACE_MAX_RATE - 1, 1, 5000000);
}

/* Every frame is due at its time and not before. */
static void each_frame(uint64_t rate)
{
	assert_int_equal(pace_init(&pace, rate, 0, START), 0);
	for (uint64_t k = 0; k < 100000; k++) {
		uint64_t due = exact_time(rate, k), wake = pace_wake_ns(&pace);
		uint64_t intended = pace_intended_ns(&pace, 0);

		if (pace_due(&pace, due - 1, 1) || !pace_due(&pace, due, 1))
			fail_msg("frame %lu of rate %lu", (unsigned long)k, (unsigned long)rate);
		assert_true(intended <= due && due - intended <= 2);
		assert_true(wake >= due && wake - due <= 2);
		pace_sent(&pace, 1);
	}
}

static void due_at_its_time(void **unused)
{
	static const uint64_t rates[] = {1,     2,      3,      7,        999,
					 10000, 500000, 333333, 14880952, 99999999};

	(void)unused;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		each_frame(rates[i]);
}

/* The intended times of a batch are those its frames have one by one. */
static void intended_in_a_batch(void **unused)
{
	(void)unused;
	assert_int_equal(pace_init(&pace, 333333, 0, START), 0);
	for (uint64_t k = 0; k < 2000000; k += 1000) {
		for (unsigned i = 0; i < 1000; i += 37) {
			uint64_t late = exact_time(333333, k + i) - pace_intended_ns(&pace, i);

			assert_true(late <= 2);
		}
		pace_sent(&pace, 1000);
	}
}

static void partly_sent_stays_due(void **unused)
{
	(void)unused;
	assert_int_equal(pace_init(&pace, 1000, 64, START), 0);
	assert_int_equal(pace_due(&pace, START + 9999999, 64), 10);
	assert_int_equal(pace_due(&pace, START + 9999999, 4), 4);
	pace_sent(&pace, 3);
	assert_int_equal(pace_due(&pace, START + 9999999, 64), 7);
	pace_sent(&pace, 7);
	assert_int_equal(pace_due(&pace, START + 9999999, 64), 0);
	assert_int_equal(pace_due(&pace, START + 10000000, 64), 1);
	assert_int_equal(pace.sent, 10);
}

static void not_yet_begun(void **unused)
{
	(void)unused;
	assert_int_equal(pace_init(&pace, 1000, 64, START), 0);
	assert_int_equal(pace_due(&pace, START - 1, 64), 0);
	assert_int_equal(pace_due(&pace, 0, 64), 0);
	assert_int_equal(pace_due(&pace, START, 64), 1);
	assert_true(pace_wake_ns(&pace) - START <= 2);
}

static void as_fast_as_it_goes(void **unused)
{
	(void)unused;
	assert_int_equal(pace_init(&pace, 0, 64, START), 0);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(pace_due(&pace, START + i, 256), 256);
		assert_int_equal(pace_intended_ns(&pace, 17), START + i);
		assert_int_equal(pace_wake_ns(&pace), START + i);
		pace_sent(&pace, 200);
	}
	assert_int_equal(pace.sent, 2000);
	assert_int_equal(pace.slipped, 0);
}

/* Stalls of any length: at most a burst at once, and sent and slipped together are the schedule. */
static void stalls(uint64_t rate, unsigned burst)
{
	uint64_t elapsed = 0;

	assert_int_equal(pace_init(&pace, rate, burst, START), 0);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t stall = UINT64_C(1) << random_below(i % 100 ? 24 : 36);
		uint64_t count;

		elapsed += random_below(stall);
		count = exact_count(rate, elapsed);
		if (send_all(START + elapsed, UINT32_MAX) > burst)
			fail_msg("more than a burst at once");
		if (pace.sent + pace.slipped != count)
			assert_int_equal(pace.sent + pace.slipped, count);
		/* and it goes on where it would have been */
		assert_true(exact_time(rate, count) - pace_intended_ns(&pace, 0) <= 2);
	}
	assert_true(pace.slipped > 0);
}

static void slipping(void **unused)
{
	(void)unused;
	stalls(3, 1);
	stalls(10000, 64);
	stalls(500000, 256);
	stalls(14880952, 64);
	stalls(PACE_MAX_RATE, 1);
}

static void exactly_a_burst(void **unused)
{
	(void)unused;
	assert_int_equal(pace_init(&pace, 1000, 10, START), 0);
	assert_int_equal(pace_due(&pace, START + 9000000, 64), 10); /* frames 0 to 9 */
	assert_int_equal(pace.slipped, 0);
	assert_int_equal(pace_due(&pace, START + 10000000, 64), 10);
	assert_int_equal(pace.slipped, 1);
	assert_true(exact_time(1000, 1) - pace_intended_ns(&pace, 0) <= 2);
	/* 20 s of frames do not fit 64 bits at this rate, and are still due */
	assert_int_equal(pace_init(&pace, PACE_MAX_RATE, 0, START), 0);
	assert_int_equal(pace_due(&pace, START + 20 * SECOND, UINT32_MAX), UINT32_MAX);
	/* nor is a week asleep an overflow */
	assert_int_equal(pace_init(&pace, PACE_MAX_RATE, 10, START), 0);
	assert_int_equal(pace_due(&pace, START + 7 * 86400 * SECOND, 64), 10);
	assert_int_equal(pace.slipped, 7 * 86400 * SECOND + 1 - 10);
}

static void limits(void **unused)
{
	(void)unused;
	assert_int_equal(pace_init(&pace, (uint64_t)PACE_MAX_RATE + 1, 0, START), -EINVAL);
	assert_int_equal(pace_init(&pace, UINT64_MAX, 0, START), -EINVAL);
	assert_int_equal(pace_init(&pace, PACE_MAX_RATE, 0, START), 0);
	assert_int_equal(pace_due(&pace, START + 1000, UINT32_MAX), 1001);
	pace_sent(&pace, UINT32_MAX);
	assert_int_equal(pace_due(&pace, START + UINT32_MAX - 1, 9), 0);
	assert_int_equal(pace_due(&pace, START + UINT32_MAX, 9), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_drift),
		cmocka_unit_test(due_at_its_time),
		cmocka_unit_test(intended_in_a_batch),
		cmocka_unit_test(partly_sent_stays_due),
		cmocka_unit_test(not_yet_begun),
		cmocka_unit_test(as_fast_as_it_goes),
		cmocka_unit_test(slipping),
		cmocka_unit_test(exactly_a_burst),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
