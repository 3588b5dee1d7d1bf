// SPDX-License-Identifier: BSD-2-Clause
/* false-sharing: where a sweep ends, and what its options come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bench/false_sharing.h"
#include "cmd.h"

static void sweep_end(void **unused)
{
	static const struct {
		bool disturbed[5];
		unsigned end;
	} cases[] = {
		{{0, 0, 0, 0, 0}, 0}, {{1, 0, 0, 0, 0}, 1}, {{1, 1, 1, 0, 0}, 3},
		{{1, 1, 1, 1, 1}, 5}, {{1, 0, 1, 0, 0}, 3}, {{0, 0, 0, 0, 1}, 5},
	};

	(void)unused;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(fs_sweep_end(cases[i].disturbed, 5), cases[i].end);
	assert_int_equal(fs_sweep_end(cases[0].disturbed, 0), 0);
}

static void layouts(void **unused)
{
	static const uint32_t strides[] = {8, 64, 128, 0, FS_LOCAL};

	(void)unused;
	for (unsigned i = 0; fs_layout_names[i]; i++) {
		assert_string_equal(fs_layouts[i].name, fs_layout_names[i]);
		assert_int_equal(fs_layouts[i].stride, strides[i]);
	}
}

static int parse(struct fs_opts *opts, struct xk_err *err, const char *a, const char *b)
{
	char words[3][32];
	char *argv[] = {words[0], words[1], words[2], NULL};

	strcpy(words[0], "false-sharing");
	strcpy(words[1], a);
	strcpy(words[2], b);
	return fs_opts_parse(opts, 3, argv, err);
}

static void options(void **unused)
{
	struct fs_opts opts;
	struct xk_err err;

	(void)unused;
	assert_int_equal(parse(&opts, &err, "--runs=3", "--processes"), 0);
	assert_int_equal(opts.common.runs, 3);
	assert_true(opts.processes);
	assert_int_equal(opts.threads, 0);
	assert_int_equal(opts.layouts.count, 5);
	assert_int_equal(opts.ops.count, FS_OPS);
	fs_opts_free(&opts);
	assert_int_equal(parse(&opts, &err, "--sweep", "--threads=3"), 0);
	assert_int_equal(opts.threads, 3);
	assert_int_equal(opts.ops.count, 1);
	assert_int_equal(opts.ops.number[0], FS_FETCH_ADD);
	fs_opts_free(&opts);
	assert_int_equal(parse(&opts, &err, "--sweep", "--threads=0"), CMD_USAGE);
	fs_opts_free(&opts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sweep_end),
		cmocka_unit_test(layouts),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
