// SPDX-License-Identifier: BSD-2-Clause
/* What the experiments share: medians, lists of options, and the words that describe a run. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "bench/ring_cell.h"
#include "bench/ring_plan.h"
#include "bench/spread.h"
#include "cmd.h"
#include "opts.h"

static struct xk_err err;

/* --- spread --- */

static void medians(void **unused)
{
	double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};
	struct spread s = spread_of(odd, 3);

	(void)unused;
	assert_true(s.median == 2 && s.min == 1 && s.max == 3);
	s = spread_of(even, 4);
	assert_true(s.median == 2.5 && s.min == 1 && s.max == 4);
	s = spread_of(one, 1);
	assert_true(s.median == 7 && s.min == 7 && s.max == 7);
	s = spread_of(one, 0);
	assert_true(isnan(s.median) && isnan(s.min) && isnan(s.max));
}

/* --- lists --- */

static struct number_list list;

static void takes(const char *word, unsigned count, unsigned first, unsigned last)
{
	assert_int_equal(opt_numbers("--n", word, 1, 65536, &list, &err), 0);
	assert_int_equal(list.count, count);
	assert_int_equal(list.number[0], first);
	assert_int_equal(list.number[count - 1], last);
}

static void refuses(const char *word)
{
	memset(&err, 0, sizeof(err));
	assert_int_equal(opt_numbers("--n", word, 1, 65536, &list, &err), CMD_USAGE);
	assert_string_equal(err.what, "--n");
	assert_non_null(strstr(err.why, word));
	assert_non_null(strstr(err.fix, "1 to 65536"));
}

static void numbers(void **unused)
{
	(void)unused;
	takes("1024,64,4096", 3, 1024, 4096); /* as given, not sorted */
	takes("3-6", 4, 3, 6);
	takes("1-65536", 65536, 1, 65536);
	takes("9", 1, 9, 9);
	refuses("");
	refuses("0");
	refuses("65537");
	refuses("5-3");
	refuses("1,1");
	refuses("2-4,3");
	refuses("1,");
	refuses(",1");
	refuses("-1");
	refuses("1k");
	refuses("99999999999999999999");
	free(list.number);
	list = (struct number_list){0};
}

static void long_ranges(void **unused)
{
	(void)unused;
	assert_int_equal(opt_numbers("--n", "0-4294967295", 0, UINT32_MAX, &list, &err), CMD_USAGE);
	assert_int_equal(opt_numbers("--n", "4294967295", 0, UINT32_MAX, &list, &err), 0);
	assert_int_equal(list.number[0], UINT32_MAX);
	assert_int_equal(opt_list("--n", "all", "all", 9, &list, &err), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(opt_list("--n", "10", "all", 9, &list, &err), CMD_USAGE);
	assert_int_equal(opt_list("--n", "0,9", "all", 9, &list, &err), 0);
	assert_int_equal(list.count, 2);
	free(list.number);
	list = (struct number_list){0};
}

static void words(void **unused)
{
	static const char *const choices[] = {"one", "two", "three", NULL};

	(void)unused;
	assert_int_equal(opt_choices("--w", "three,one,three", choices, &list, &err), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.number[0], 2);
	assert_int_equal(list.number[1], 0);
	assert_int_equal(opt_choices("--w", "one,four", choices, &list, &err), CMD_USAGE);
	assert_non_null(strstr(err.why, "'four'"));
	assert_non_null(strstr(err.fix, "one two three"));
	assert_int_equal(opt_choices("--w", "", choices, &list, &err), CMD_USAGE);
	assert_int_equal(opt_choices("--w", ",", choices, &list, &err), CMD_USAGE);
	free(list.number);
	list = (struct number_list){0};
}

/* --- a cell's words --- */

static void cell_words(void **unused)
{
	static struct ring_cell cell, back;
	static char text[RING_CELL_TEXT];

	(void)unused;
	cell = (struct ring_cell){RING_RTT, 64, 1u << 24, 1, 512, 512, true, 50, {0}};
	for (unsigned i = 0; i < ring_workers(&cell); i++)
		cell.cpu[i] = i % 2 ? 1023 : -1;
	ring_cell_print(&cell, text);
	assert_int_equal(ring_cell_parse(text, &back), 0);
	assert_memory_equal(&cell, &back, sizeof(cell));
	*strrchr(text, ':') = '\0'; /* one worker without a CPU */
	assert_int_equal(ring_cell_parse(text, &back), -EINVAL);
}

static void bad_cell_words(void **unused)
{
	static const char *const bad[] = {
		"",
		"x",
		"0:8:1024:1:1:1:0",            /* no time */
		"2:8:1024:1:1:1:0:50:0:1",     /* metric */
		"0:12:1024:1:1:1:0:50:0:1",    /* bytes */
		"0:0:1024:1:1:1:0:50:0:1",     /* bytes */
		"0:8192:1024:1:1:1:0:50:0:1",  /* bytes */
		"0:8:0:1:1:1:0:50:0:1",        /* slots */
		"0:8:1024:0:1:1:0:50:0:1",     /* burst */
		"0:8:1024:99999:1:1:0:50:0:1", /* burst */
		"0:8:1024:1:0:1:0:50:0:1",     /* producers */
		"0:8:1024:1:1:4294967295:0:50:0:1",
		"0:8:1024:1:1000:1000:0:50:0:1",
	};
	static struct ring_cell cell;

	(void)unused;
	assert_int_equal(ring_cell_parse("0:8:1024:1:1:1:0:50:0:1", &cell), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ring_cell_parse(bad[i], &cell), -EINVAL);
}

static void figures_words(void **unused)
{
	struct ring_figures figures = {1.625, 340.5, 85.25, UINT64_MAX, 5}, back;
	char text[RING_FIGURES_TEXT];

	(void)unused;
	ring_figures_print(&figures, text);
	assert_int_equal(ring_figures_parse(text, &back), 0);
	assert_true(back.ns == 1.625 && back.floor_ns == 340.5 && back.floor_low_ns == 85.25);
	assert_true(back.count == UINT64_MAX && back.wrong == 5);
	figures.ns = figures.floor_ns = NAN;
	ring_figures_print(&figures, text);
	assert_int_equal(ring_figures_parse(text, &back), 0);
	assert_true(isnan(back.ns) && isnan(back.floor_ns));
	assert_int_equal(ring_figures_parse("cannot", &back), -EINVAL);
	assert_int_equal(ring_figures_parse("ns=1 floor_ns=2", &back), -EINVAL);
}

/* --- who runs where --- */

static struct ring_plan plan;
static struct ring_cell cell;

static void place(unsigned cpus, unsigned producers, unsigned consumers)
{
	plan.cpus.count = cpus;
	for (unsigned i = 0; i < cpus; i++)
		plan.cpus.cpu[i] = (int)(10 + i);
	cell.producers = producers;
	cell.consumers = consumers;
	ring_plan_place(&plan, &cell);
}

static void placement(void **unused)
{
	(void)unused;
	place(2, 1, 1);
	assert_int_equal(cell.cpu[0], 10);
	assert_int_equal(cell.cpu[1], 11);
	place(8, 2, 2); /* each its own, from the front of the list */
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_true(cell.cpu[i] != cell.cpu[j] && cell.cpu[i] < 14);
	place(2, 2, 2); /* a producer and a consumer on each */
	assert_int_equal(cell.cpu[0], 10);
	assert_int_equal(cell.cpu[1], 11);
	assert_int_equal(cell.cpu[2], 11);
	assert_int_equal(cell.cpu[3], 10);
	place(1, 1, 1);
	assert_int_equal(cell.cpu[0], 10);
	assert_int_equal(cell.cpu[1], 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians),       cmocka_unit_test(numbers),
		cmocka_unit_test(long_ranges),   cmocka_unit_test(words),
		cmocka_unit_test(cell_words),    cmocka_unit_test(bad_cell_words),
		cmocka_unit_test(figures_words), cmocka_unit_test(placement),
	};

	alarm(30);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
