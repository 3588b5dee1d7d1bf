// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <xskit/place.h>
#include "bench/options.h"

#define GROUP 8 /* in --help: behind an experiment's own */

enum { KEY_RUNS = 0x1000, KEY_RUN_MS, KEY_CPU };

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct bench_options *o = state->input;

	switch (key) {
	case KEY_RUNS:
		return opt_u32("--runs", word, 1, 10000, &o->runs, o->err);
	case KEY_RUN_MS:
		return opt_u32("--run-ms", word, 1, 60000, &o->run_ms, o->err);
	case KEY_CPU:
		return opt_list("--cpu", word, "auto", XK_PLACE_MAX_CPUS - 1, &o->cpus, o->err);
	case 'j':
		o->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int bench_options_parse(struct bench_options *options, const struct command_line *line, int argc,
			char **argv)
{
	char runs[64], run_ms[64];
	struct argp_option table[5] = {0};
	const struct argp argp = {.options = table, .parser = parse};
	struct command_line with = *line;
	unsigned n = 0;

	snprintf(runs, sizeof(runs), "timed runs of each figure (%u)", options->runs);
	snprintf(run_ms, sizeof(run_ms), "how long a run takes (%u)", options->run_ms);
	if (options->runs)
		table[n++] = (struct argp_option){"runs", KEY_RUNS, "N", 0, runs, GROUP};
	if (options->run_ms)
		table[n++] = (struct argp_option){"run-ms", KEY_RUN_MS, "MS", 0, run_ms, GROUP};
	table[n++] = (struct argp_option){"cpu", KEY_CPU, "LIST", 0, options->cpus_for, GROUP};
	table[n++] = (struct argp_option){"json", 'j', 0, 0, "JSON Lines on stdout instead of text",
					  GROUP};
	options->err = line->err;
	with.child = &argp;
	with.child_input = options;
	return opts_parse(&with, argc, argv);
}

void bench_options_free(struct bench_options *options)
{
	free(options->cpus.number);
}
