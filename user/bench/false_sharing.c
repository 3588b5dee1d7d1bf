// SPDX-License-Identifier: BSD-2-Clause
/* bench false-sharing: counters near each other, and what the distance costs. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "bench/bench.h"
#include "bench/false_sharing.h"
#include "bench/process.h"
#include "report.h"

#define SEEN 1.1 /* adjacent counters less dear than this, against padded, show nothing */

struct row {
	const char *layout, *op, *scope;
	unsigned threads, runs, preempted;
	double ns, ns_min, ns_max, ratio_to_pad64;
};

#define COLUMN(...) RESULT_COLUMN(struct row, __VA_ARGS__)

static const struct result_column columns[] = {
	COLUMN(layout, "layout", RESULT_TEXT, -8, 0),
	COLUMN(op, "op", RESULT_TEXT, -10, 0),
	COLUMN(threads, "threads", RESULT_COUNT, 7, 0),
	COLUMN(scope, "scope", RESULT_TEXT, -9, 0),
	COLUMN(ns, "ns", RESULT_REAL, 9, 2),
	COLUMN(ns_min, "min", RESULT_REAL, 9, 2),
	COLUMN(ns_max, "max", RESULT_REAL, 9, 2),
	COLUMN(ratio_to_pad64, "ratio", RESULT_REAL, 6, 2),
	COLUMN(runs, "runs", RESULT_COUNT, 4, 0),
	COLUMN(preempted, "preempted", RESULT_COUNT, 9, 0),
};

void fs_use_columns(struct result *result, const char *experiment,
		    const struct result_column *table, unsigned n)
{
	result->experiment = experiment;
	result->columns = table;
	result->n_columns = n;
}

/* --- the table --- */

static double median_at(const struct fs_tally *tallies, unsigned n, uint32_t stride)
{
	for (unsigned i = 0; i < n; i++)
		if (tallies[i].place->stride == stride)
			return tallies[i].spread.median;
	return NAN;
}

static void print_rows(struct result *result, const struct fs_opts *opts, unsigned threads,
		       enum fs_op op, const struct fs_tally *tallies, unsigned n)
{
	double padded = median_at(tallies, n, 64);

	for (unsigned i = 0; i < n; i++) {
		const struct spread *spread = &tallies[i].spread;
		struct row row = {
			.layout = tallies[i].place->name,
			.op = fs_op_names[op],
			.scope = opts->processes ? "processes" : "threads",
			.threads = threads,
			.runs = opts->common.runs,
			.preempted = tallies[i].preempted,
			.ns = spread->median,
			.ns_min = spread->min,
			.ns_max = spread->max,
			.ratio_to_pad64 = spread->median / padded,
		};

		result_row(result, &row);
	}
}

/* A machine that cannot show the effect says so, instead of a table that seems to disprove it. */
static void print_verdict(struct result *result, unsigned threads, const struct cpus *cpus,
			  const struct fs_tally *tallies, unsigned n)
{
	double ratio = median_at(tallies, n, 8) / median_at(tallies, n, 64);
	const char *why = NULL;

	if (threads == 1)
		why = "one worker: there is nobody to share a line with";
	else if (cpus->count == 1)
		why = "the workers share one CPU: lines do not move, so nothing shows";
	else if (ratio < SEEN)
		why = "adjacent counters cost no more than padded ones here: the CPUs may be two "
		      "threads of one core, or the machine too busy to tell";
	if (why)
		result_line(result, "note", json_pack("{s:s}", "note", why), "%s", why);
}

static int run_op(struct result *result, struct fs_field *field, const struct fs_opts *opts,
		  const struct cpus *cpus, unsigned threads, enum fs_op op, struct xk_err *err)
{
	struct fs_tally tallies[FS_MAX_PLACES] = {0};
	unsigned n = opts->layouts.count;
	double *ns = calloc((size_t)n * opts->common.runs, sizeof(*ns));
	int ret = ns ? 0 : xk_err_fill(err, -ENOMEM, FS_WHAT, NULL, "note the runs");

	for (unsigned i = 0; i < n && !ret; i++) {
		tallies[i].place = &fs_layouts[opts->layouts.number[i]];
		tallies[i].ns = ns + (size_t)i * opts->common.runs;
	}
	if (!ret)
		ret = fs_tally_runs(field, op, tallies, n, opts, err);
	if (!ret) {
		print_rows(result, opts, threads, op, tallies, n);
		if (op == FS_FETCH_ADD)
			print_verdict(result, threads, cpus, tallies, n);
	}
	free(ns);
	return ret;
}

static int run_table(struct result *result, struct fs_field *field, const struct fs_opts *opts,
		     const struct cpus *cpus, unsigned threads, struct xk_err *err)
{
	int ret = 0;

	fs_use_columns(result, "false-sharing", columns, sizeof(columns) / sizeof(*columns));
	for (unsigned i = 0; i < opts->ops.count && !ret; i++) {
		enum fs_op op = (enum fs_op)opts->ops.number[i];
		static const char why[] = "read: it takes two workers, one of which writes";

		if (op == FS_READ && threads < 2)
			result_line(result, "note", json_pack("{s:s}", "note", why), "%s", why);
		else
			ret = run_op(result, field, opts, cpus, threads, op, err);
	}
	return ret;
}

/* --- the whole --- */

static int run_field(struct result *result, const struct fs_opts *opts, const struct cpus *cpus,
		     struct xk_err *err)
{
	unsigned threads = opts->threads ? opts->threads : cpus->count;
	struct fs_field *field = NULL;
	int ret = fs_field_create(&field, opts, cpus, threads, err);

	if (!ret)
		ret = opts->sweep ? fs_sweep(result, field, opts, threads, err)
				  : run_table(result, field, opts, cpus, threads, err);
	fs_field_destroy(field);
	return ret;
}

static int run(struct result *result, const struct fs_opts *opts, const struct cpus *cpus,
	       struct xk_err *err)
{
	int ret = 0;

	if (opts->threads > cpus->count)
		report_note("%u workers on %u CPU%s: they take turns, and ns includes waiting for "
			    "one's turn",
			    opts->threads, cpus->count, cpus->count == 1 ? "" : "s");
	if (opts->sweep || !opts->matrix)
		ret = run_field(result, opts, cpus, err);
	if (opts->matrix && !ret)
		ret = fs_matrix(result, opts, cpus, err);
	return ret;
}

static int measure(const struct fs_opts *opts, const struct cpus *cpus, int argc, char **argv,
		   struct xk_err *err)
{
	struct result result = {
		.command = FS_WHAT,
		.experiment = "false-sharing",
		.json = opts->common.json,
	};
	int ret;

	process_catch_signals();
	result_begin(&result, argc, argv, NULL);
	ret = run(&result, opts, cpus, err);
	if (ret && ret != -EINTR)
		return ret;
	result_end(&result, ret ? "signal" : "done", NULL);
	return 0;
}

int bench_false_sharing(int argc, char **argv, struct xk_err *err)
{
	struct cpus cpus = {0};
	struct fs_opts opts;
	int ret = fs_opts_parse(&opts, argc - 1, argv + 1, err);

	if (!ret)
		ret = cpus_find(&cpus, &opts.common.cpus, 0, err);
	if (!ret) {
		cpus_claim(&cpus);
		ret = measure(&opts, &cpus, argc, argv, err);
	}
	cpus_put(&cpus);
	fs_opts_free(&opts);
	return ret;
}
