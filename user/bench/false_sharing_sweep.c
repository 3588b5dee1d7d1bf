// SPDX-License-Identifier: BSD-2-Clause
/* The distance between two counters at which their workers stop disturbing each other. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "bench/false_sharing.h"

struct row {
	const char *op, *scope;
	unsigned distance_bytes, threads, runs, preempted;
	double ns, ns_min, ns_max, ratio_to_local;
	bool disturbed;
};

#define COLUMN(...) RESULT_COLUMN(struct row, __VA_ARGS__)

static const struct result_column columns[] = {
	COLUMN(op, "op", RESULT_TEXT, -10, 0),
	COLUMN(distance_bytes, "distance", RESULT_COUNT, 8, 0),
	COLUMN(threads, "threads", RESULT_COUNT, 7, 0),
	COLUMN(scope, "scope", RESULT_TEXT, -9, 0),
	COLUMN(ns, "ns", RESULT_REAL, 9, 2),
	COLUMN(ns_min, "min", RESULT_REAL, 9, 2),
	COLUMN(ns_max, "max", RESULT_REAL, 9, 2),
	COLUMN(ratio_to_local, "ratio", RESULT_REAL, 6, 2),
	COLUMN(disturbed, "disturbed", RESULT_FLAG, -9, 0),
	COLUMN(runs, "runs", RESULT_COUNT, 4, 0),
	COLUMN(preempted, "preempted", RESULT_COUNT, 9, 0),
};

/* Local counters last: what the others are compared with. */
static const struct fs_place distances[] = {
	{NULL, 8},   {NULL, 16},  {NULL, 32},          {NULL, 48},  {NULL, 56},
	{NULL, 64},  {NULL, 96},  {NULL, 128},         {NULL, 192}, {NULL, 256},
	{NULL, 384}, {NULL, 512}, {"local", FS_LOCAL},
};

#define PLACES    (sizeof(distances) / sizeof(*distances))
#define DISTANCES (PLACES - 1)

unsigned fs_sweep_end(const bool *disturbed, unsigned n)
{
	while (n && !disturbed[n - 1])
		n--;
	return n;
}

/* What the system says of itself; 0: nothing. */
static unsigned system_line(void)
{
	long line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);

	return line > 0 ? (unsigned)line : 0;
}

static const char *meaning(unsigned ends_at, unsigned line)
{
	if (!line)
		return "the system does not say how long a cache line is";
	if (ends_at == line)
		return "that is the cache line the system tells of";
	if (ends_at == 2 * line)
		return "that is two cache lines: neighbours are fetched in pairs";
	return "that is not the cache line the system tells of: the machine was busy, or lies";
}

static void print_verdict(struct result *result, enum fs_op op, const bool *disturbed)
{
	unsigned end = fs_sweep_end(disturbed, DISTANCES), line = system_line();
	unsigned ends_at = end < DISTANCES ? distances[end].stride : 0;
	json_t *json = json_pack("{s:s,s:b,s:i}", "op", fs_op_names[op], "seen", end > 0,
				 "line_bytes", (int)line);

	if (!end)
		result_line(result, "sweep", json,
			    "%s: no interference was seen at any distance: one worker, CPUs that "
			    "share a core, or a machine too busy to tell",
			    fs_op_names[op]);
	else if (!ends_at)
		result_line(result, "sweep", json,
			    "%s: interference did not end within %u bytes: the machine is busy, or "
			    "its lines are longer",
			    fs_op_names[op], FS_MAX_STRIDE);
	else {
		json_object_set_new(json, "ends_at_bytes", json_integer(ends_at));
		result_line(result, "sweep", json, "%s: interference ends at %u bytes: %s",
			    fs_op_names[op], ends_at, meaning(ends_at, line));
	}
}

static void print_rows(struct result *result, const struct fs_opts *opts, unsigned threads,
		       enum fs_op op, const struct fs_tally *tallies)
{
	double local = tallies[DISTANCES].spread.median;
	bool disturbed[DISTANCES];

	for (unsigned i = 0; i < DISTANCES; i++) {
		const struct spread *spread = &tallies[i].spread;
		struct row row = {
			.op = fs_op_names[op],
			.scope = opts->processes ? "processes" : "threads",
			.distance_bytes = distances[i].stride,
			.threads = threads,
			.runs = opts->common.runs,
			.preempted = tallies[i].preempted,
			.ns = spread->median,
			.ns_min = spread->min,
			.ns_max = spread->max,
			.ratio_to_local = spread->median / local,
		};

		row.disturbed = disturbed[i] = row.ratio_to_local > FS_SWEEP_LIMIT;
		result_row(result, &row);
	}
	print_verdict(result, op, disturbed);
}

static int sweep_op(struct result *result, struct fs_field *field, const struct fs_opts *opts,
		    unsigned threads, enum fs_op op, struct xk_err *err)
{
	struct fs_tally tallies[PLACES] = {0};
	double *ns = calloc(PLACES * opts->common.runs, sizeof(*ns));
	int ret;

	if (!ns)
		return xk_err_fill(err, -ENOMEM, FS_WHAT, NULL, "note the runs");
	for (unsigned i = 0; i < PLACES; i++)
		tallies[i] = (struct fs_tally){.place = &distances[i],
					       .ns = ns + (size_t)i * opts->common.runs};
	ret = fs_tally_runs(field, op, tallies, PLACES, opts, err);
	if (!ret)
		print_rows(result, opts, threads, op, tallies);
	free(ns);
	return ret;
}

int fs_sweep(struct result *result, struct fs_field *field, const struct fs_opts *opts,
	     unsigned threads, struct xk_err *err)
{
	int ret = 0;

	fs_use_columns(result, "false-sharing-sweep", columns, sizeof(columns) / sizeof(*columns));
	for (unsigned i = 0; i < opts->ops.count && !ret; i++)
		if (opts->ops.number[i] != FS_READ || threads > 1)
			ret = sweep_op(result, field, opts, threads,
				       (enum fs_op)opts->ops.number[i], err);
	return ret;
}
