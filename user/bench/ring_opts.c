// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "bench/ring_plan.h"
#include "cmd.h"

enum {
	KEY_ALGORITHM = 0x100,
	KEY_METRIC,
	KEY_BYTES,
	KEY_SLOTS,
	KEY_BURST,
	KEY_PRODUCERS,
	KEY_CONSUMERS,
	KEY_SCOPE,
};

static const struct argp_option options[] = {
	{"algorithm", KEY_ALGORITHM, "LIST", 0,
	 "by name, `ours` or `peers`; an unknown one tells what there is (all)", 1},
	{"metric", KEY_METRIC, "LIST", 0, "throughput, rtt (both)", 1},
	{"element-bytes", KEY_BYTES, "LIST", 0,
	 "of a record, multiples of 8; textbook has only 64 (8,64)", 2},
	{"slots", KEY_SLOTS, "LIST", 0,
	 "of a ring, powers of two (1024,4096,65536; round trips also 64)", 2},
	{"burst", KEY_BURST, "LIST", 0,
	 "records a call (1,32); a burst over half the slots is left out", 2},
	{"producers", KEY_PRODUCERS, "LIST", 0,
	 "how many at a time; pairs up with --consumers by position, a single number with each "
	 "(1,2)",
	 2},
	{"consumers", KEY_CONSUMERS, "LIST", 0, "(1,2); round trips have one of each", 2},
	{"scope", KEY_SCOPE, "LIST", 0, "threads, processes (both)", 2},
	{0},
};

static const char doc[] =
	"Measure shared-memory rings: this project's, two baselines and those of other projects.\v"
	"Each row is the median of --runs runs of about --run-ms ms, every run in a process of its "
	"own, all algorithms of a cell in turn. floor is one cache line's round trip between the "
	"same "
	"two CPUs, the greater of just before and just after: it tells how fast the machine was; "
	"a round in which it changed is done again. "
	"verified: in an untimed pass every word of every record was right, in order, and none was "
	"lost; and no timed run lost any; else wrong tells what was seen. blocking: push and pop "
	"wait inside instead of saying full or empty. burst *: the "
	"algorithm has no such call and moves records one by one. ratio: to the fastest peer of "
	"the cell that is verified and promises the same order.";

static int sizes(const char *option, const char *word, unsigned min, unsigned max, bool power,
		 struct number_list *list, struct xk_err *err)
{
	int ret = opt_numbers(option, word, min, max, list, err);

	for (unsigned i = 0; !ret && i < list->count; i++) {
		if (power && (list->number[i] & (list->number[i] - 1)))
			ret = opt_bad(err, option, word, "powers of two");
		else if (!power && list->number[i] % 8)
			ret = opt_bad(err, option, word, "multiples of 8");
	}
	return ret;
}

static const char *const metric_names[] = {"throughput", "rtt", NULL};
static const char *const scope_names[] = {"threads", "processes", NULL};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct ring_opts *o = state->input;

	switch (key) {
	case KEY_ALGORITHM:
		o->algorithms = word;
		return 0;
	case KEY_METRIC:
		return opt_choices("--metric", word, metric_names, &o->metrics, o->err);
	case KEY_SCOPE:
		return opt_choices("--scope", word, scope_names, &o->scopes, o->err);
	case KEY_BYTES:
		return sizes("--element-bytes", word, 8, RING_MAX_BYTES, false, &o->bytes, o->err);
	case KEY_SLOTS:
		return sizes("--slots", word, 2, 1u << 24, true, &o->slots, o->err);
	case KEY_BURST:
		return opt_numbers("--burst", word, 1, RING_MAX_BURST, &o->bursts, o->err);
	case KEY_PRODUCERS:
		return opt_numbers("--producers", word, 1, RING_MAX_WORKERS / 2, &o->producers,
				   o->err);
	case KEY_CONSUMERS:
		return opt_numbers("--consumers", word, 1, RING_MAX_WORKERS / 2, &o->consumers,
				   o->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What was not given; a default list is read as if it had been. */
static int set_defaults(struct ring_opts *o, struct xk_err *err)
{
	int ret = 0;

	if (!o->metrics.count)
		ret |= opt_choices("--metric", "throughput,rtt", metric_names, &o->metrics, err);
	if (!o->scopes.count)
		ret |= opt_choices("--scope", "threads,processes", scope_names, &o->scopes, err);
	if (!o->bytes.count)
		ret |= opt_numbers("--element-bytes", "8,64", 8, 64, &o->bytes, err);
	if (!o->bursts.count)
		ret |= opt_numbers("--burst", "1,32", 1, 32, &o->bursts, err);
	if (!o->producers.count && !o->consumers.count) {
		ret |= opt_numbers("--producers", "1,2", 1, 2, &o->producers, err);
		ret |= opt_numbers("--consumers", "1,2", 1, 2, &o->consumers, err);
	} else if (!o->producers.count) {
		ret |= opt_numbers("--producers", "1", 1, 1, &o->producers, err);
	} else if (!o->consumers.count) {
		ret |= opt_numbers("--consumers", "1", 1, 1, &o->consumers, err);
	}
	return ret ? CMD_USAGE : 0;
}

int ring_opts_parse(struct ring_opts *opts, int argc, char **argv, struct xk_err *err)
{
	const struct command_line line = {
		.name = "bench ring",
		.args_doc = "",
		.doc = doc,
		.options = options,
		.parser = parse,
		.input = opts,
		.err = err,
	};
	int ret;

	*opts = (struct ring_opts){
		.common = {.runs = 7,
			   .run_ms = 50,
			   .cpus_for =
				   "CPUs of the workers, producers first, or auto (auto: another "
				   "for each if there are)"},
		.err = err,
	};
	ret = bench_options_parse(&opts->common, &line, argc, argv);
	return ret ? ret : set_defaults(opts, err);
}

void ring_opts_free(struct ring_opts *opts)
{
	free(opts->metrics.number);
	free(opts->scopes.number);
	free(opts->bytes.number);
	free(opts->slots.number);
	free(opts->bursts.number);
	free(opts->producers.number);
	free(opts->consumers.number);
	bench_options_free(&opts->common);
}
