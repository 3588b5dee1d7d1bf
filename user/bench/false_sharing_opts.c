// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include "bench/false_sharing.h"

enum {
	KEY_THREADS = 0x100,
	KEY_LAYOUT,
	KEY_OP,
	KEY_SWEEP,
	KEY_MATRIX,
	KEY_PROCESSES,
};

/* fs_layout_names: in this order, for the option. */
const struct fs_place fs_layouts[] = {
	{"adjacent", sizeof(uint64_t)},
	{"pad64", 64},
	{"pad128", 128},
	{"shared", 0},
	{"local", FS_LOCAL},
};
const char *const fs_layout_names[] = {"adjacent", "pad64", "pad128", "shared", "local", NULL};

static const struct argp_option options[] = {
	{"threads", KEY_THREADS, "N", 0, "workers, each with its counter (one a CPU)", 1},
	{"layout", KEY_LAYOUT, "LIST", 0, "adjacent, pad64, pad128, shared, local (all)", 1},
	{"op", KEY_OP, "LIST", 0,
	 "fetch_add, load_store, store, read (all; with --sweep fetch_add)", 1},
	{"processes", KEY_PROCESSES, 0, 0, "workers are processes, else threads", 1},
	{"sweep", KEY_SWEEP, 0, 0,
	 "instead: counters 8 to 512 bytes apart, and where interference ends", 2},
	{"matrix", KEY_MATRIX, 0, 0,
	 "instead: the round trip of one cache line between each two CPUs", 2},
	{0},
};

static const char doc[] =
	"Measure what counters cost that several CPUs update at once, by how far apart they lie.\v"
	"Each worker has a counter of its own: side by side (adjacent), in the next 64 or 128 "
	"bytes (pad64, pad128), or on its own stack (local); shared is one counter for all. ns is "
	"what one operation takes one worker, the median of --runs runs; ratio tells how many "
	"times that of pad64. read: the first worker writes all the time, the others read, and ns "
	"is theirs. Only what was done while all ran at the same time counts. preempted: runs "
	"in which that was hardly ever so, because others had the CPUs; their ratios are too "
	"small. A round trip (--matrix) is "
	"one line's way to the other CPU and back.";

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct fs_opts *o = state->input;

	switch (key) {
	case KEY_THREADS:
		return opt_u32("--threads", word, 1, CREW_MAX_WORKERS, &o->threads, o->err);
	case KEY_LAYOUT:
		return opt_choices("--layout", word, fs_layout_names, &o->layouts, o->err);
	case KEY_OP:
		return opt_choices("--op", word, fs_op_names, &o->ops, o->err);
	case KEY_SWEEP:
		o->sweep = true;
		return 0;
	case KEY_MATRIX:
		o->matrix = true;
		return 0;
	case KEY_PROCESSES:
		o->processes = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int set_defaults(struct fs_opts *o, struct xk_err *err)
{
	int ret = 0;

	if (!o->layouts.count)
		ret = opt_choices("--layout", "adjacent,pad64,pad128,shared,local", fs_layout_names,
				  &o->layouts, err);
	if (!ret && !o->ops.count)
		ret = opt_choices("--op",
				  o->sweep ? "fetch_add" : "fetch_add,load_store,store,read",
				  fs_op_names, &o->ops, err);
	return ret;
}

int fs_opts_parse(struct fs_opts *opts, int argc, char **argv, struct xk_err *err)
{
	const struct command_line line = {
		.name = FS_WHAT,
		.args_doc = "",
		.doc = doc,
		.options = options,
		.parser = parse,
		.input = opts,
		.err = err,
	};
	int ret;

	*opts = (struct fs_opts){
		.common = {.runs = 7,
			   .run_ms = 20,
			   .cpus_for =
				   "CPUs of the workers, or auto (auto: all this process may use)"},
		.err = err,
	};
	ret = bench_options_parse(&opts->common, &line, argc, argv);
	return ret ? ret : set_defaults(opts, err);
}

void fs_opts_free(struct fs_opts *opts)
{
	free(opts->layouts.number);
	free(opts->ops.number);
	bench_options_free(&opts->common);
}
