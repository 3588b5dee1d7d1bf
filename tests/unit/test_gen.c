// SPDX-License-Identifier: BSD-2-Clause
/* gen: what it may say to have left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "gen.h"

static uint64_t left(uint64_t sent, uint64_t completed, uint64_t invalid)
{
	const struct xk_port_stats stats = {.tx_frames = sent, .completed = completed};

	return gen_left(&stats, invalid);
}

static void all_valid(void **unused)
{
	(void)unused;
	assert_int_equal(left(10, 10, 0), 10);
	assert_int_equal(left(10, 7, 0), 7); /* three are on their way */
	assert_int_equal(left(0, 0, 0), 0);
}

/* Kernels either keep them or return them with the rest. */
static void invalid_ones(void **unused)
{
	(void)unused;
	assert_int_equal(left(10, 7, 3), 7);
	assert_int_equal(left(10, 10, 3), 7);
	assert_int_equal(left(3, 3, 3), 0);
	assert_int_equal(left(3, 0, 3), 0);
	assert_int_equal(left(3, 3, 4), 0);
}

static void shares(void **unused)
{
	uint64_t sum = 0;

	(void)unused;
	for (unsigned i = 0; i < 7; i++)
		sum += gen_share(100, i, 7);
	assert_int_equal(sum, 100);
	assert_int_equal(gen_share(100, 0, 7), 15);
	assert_int_equal(gen_share(100, 6, 7), 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_valid),
		cmocka_unit_test(invalid_ones),
		cmocka_unit_test(shares),
	};

	return cmocka_run_group_tests_name("gen", tests, NULL, NULL);
}
