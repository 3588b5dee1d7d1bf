// SPDX-License-Identifier: BSD-2-Clause
/*
 * One cache line's round trip between each two CPUs: a row a pair as JSON, a square table as text.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xskit/atomic.h>
#include "bench/false_sharing.h"
#include "bench/process.h"

#define TRIPS 5000u
#define WARM  500u
#define LINE  __attribute__((aligned(128)))

/* In shared memory; the line changes hands: each waits for the other's number. */
struct net {
	uint64_t line LINE;
	uint64_t ns LINE; /* of the first worker */
};

/* --- one pair --- */

/* Odd numbers are the first worker's, even ones the second's. False: the round was called off. */
static bool bounce(const struct crew *crew, struct net *net, unsigned number, uint64_t from,
		   unsigned trips)
{
	uint64_t mine = from + (number ? 2 : 1);

	for (unsigned i = 0; i < trips; i++, mine += 2) {
		while (number && xk_load_acquire(&net->line) != mine - 1)
			if (crew_is_over(crew))
				return false;
		xk_store_release(&net->line, mine);
		while (!number && xk_load_acquire(&net->line) != mine + 1)
			if (crew_is_over(crew))
				return false;
	}
	return true;
}

static void part(const struct crew *crew, void *ctx, unsigned number)
{
	struct net *net = ctx;
	uint64_t start;

	if (!bounce(crew, net, number, 0, WARM))
		return;
	start = process_now_ns();
	if (bounce(crew, net, number, 2 * WARM, TRIPS) && !number)
		net->ns = process_now_ns() - start;
}

static int time_pair(const struct fs_opts *opts, const int cpu[2], struct net *net,
		     struct spread *spread, double *ns, struct xk_err *err)
{
	const struct crew_config config = {
		.what = FS_WHAT,
		.count = 2,
		.cpu = cpu,
		.processes = opts->processes,
		.part = part,
		.ctx = net,
	};
	struct crew *crew = NULL;
	int ret = crew_start(&crew, &config, err);

	for (unsigned run = 0; run < opts->common.runs && !ret; run++) {
		net->line = 0;
		ret = crew_round(crew, 0, err);
		ns[run] = (double)net->ns / TRIPS;
	}
	crew_end(crew);
	if (!ret)
		*spread = spread_of(ns, opts->common.runs);
	return ret;
}

/* --- as JSON: a row a pair --- */

struct pair {
	const char *scope;
	int cpu_a, cpu_b;
	unsigned runs;
	double ns, ns_min, ns_max;
};

#define COLUMN(key, kind)                                                                          \
	{                                                                                          \
#key, NULL, kind, offsetof(struct pair, key), 0, 0, 0                              \
	}

static const struct result_column pair_columns[] = {
	COLUMN(cpu_a, RESULT_INT),  COLUMN(cpu_b, RESULT_INT),   COLUMN(scope, RESULT_TEXT),
	COLUMN(ns, RESULT_REAL),    COLUMN(ns_min, RESULT_REAL), COLUMN(ns_max, RESULT_REAL),
	COLUMN(runs, RESULT_COUNT),
};

static void print_pair(struct result *result, const struct fs_opts *opts, const int cpu[2],
		       const struct spread *spread)
{
	const struct pair pair = {
		.scope = opts->processes ? "processes" : "threads",
		.cpu_a = cpu[0],
		.cpu_b = cpu[1],
		.runs = opts->common.runs,
		.ns = spread->median,
		.ns_min = spread->min,
		.ns_max = spread->max,
	};

	result_row(result, &pair);
}

/* --- as text: a row and a column a CPU. A row is doubles, its CPU the first. --- */

struct table {
	unsigned n;
	double *cell; /* n + 1 a row */
	struct result_column *columns;
	char (*headings)[16];
};

static void table_free(struct table *table)
{
	free(table->cell);
	free(table->columns);
	free(table->headings);
}

static double *table_row(const struct table *table, unsigned i)
{
	return &table->cell[(size_t)i * (table->n + 1)];
}

static int table_make(struct table *table, const struct cpus *cpus, struct xk_err *err)
{
	unsigned n = table->n = cpus->count;

	table->cell = calloc((size_t)n * (n + 1), sizeof(*table->cell));
	table->columns = calloc(n + 1, sizeof(*table->columns));
	table->headings = calloc(n, sizeof(*table->headings));
	if (!table->cell || !table->columns || !table->headings)
		return xk_err_fill(err, -ENOMEM, FS_WHAT, NULL, "make the table");
	table->columns[0] = (struct result_column){NULL, "CPU", RESULT_REAL, 0, 4, 0, 0};
	for (unsigned i = 0; i < n; i++) {
		snprintf(table->headings[i], sizeof(*table->headings), "%d", cpus->cpu[i]);
		table->columns[i + 1] = (struct result_column){
			NULL, table->headings[i], RESULT_REAL, (i + 1) * sizeof(double), 5, 1, 0};
		table_row(table, i)[0] = cpus->cpu[i];
		table_row(table, i)[i + 1] = NAN;
	}
	return 0;
}

/* --- both --- */

static int time_pairs(struct result *result, const struct fs_opts *opts, const struct cpus *cpus,
		      struct table *table, struct net *net, double *ns, struct xk_err *err)
{
	struct spread spread;
	int ret = 0;

	for (unsigned i = 0; i < cpus->count; i++)
		for (unsigned j = i + 1; j < cpus->count && !ret; j++) {
			const int cpu[2] = {cpus->cpu[i], cpus->cpu[j]};

			ret = time_pair(opts, cpu, net, &spread, ns, err);
			if (ret)
				return ret;
			table_row(table, i)[j + 1] = table_row(table, j)[i + 1] = spread.median;
			if (opts->common.json)
				print_pair(result, opts, cpu, &spread);
		}
	return ret;
}

static int make_and_time(struct result *result, const struct fs_opts *opts, const struct cpus *cpus,
			 struct table *table, struct xk_err *err)
{
	struct net *net = process_share(sizeof(*net));
	double *ns = calloc(opts->common.runs, sizeof(*ns));
	int ret = table_make(table, cpus, err);

	if (!ret && (!net || !ns))
		ret = xk_err_fill(err, -ENOMEM, FS_WHAT, NULL, "note the runs");
	if (!ret)
		ret = time_pairs(result, opts, cpus, table, net, ns, err);
	free(ns);
	process_unshare(net, sizeof(*net));
	return ret;
}

static void print_note(struct result *result, const struct cpus *cpus)
{
	static const char alone[] = "one CPU: there is no other core to go to";
	static const char units[] =
		"core to core, ns: one cache line's round trip, the median of the runs";
	const char *note = cpus->count < 2 ? alone : units;

	result_line(result, "note", json_pack("{s:s}", "note", note), "%s", note);
}

int fs_matrix(struct result *result, const struct fs_opts *opts, const struct cpus *cpus,
	      struct xk_err *err)
{
	struct table table = {0};
	int ret;

	fs_use_columns(result, "core-to-core", pair_columns,
		       sizeof(pair_columns) / sizeof(*pair_columns));
	print_note(result, cpus);
	ret = cpus->count < 2 ? 0 : make_and_time(result, opts, cpus, &table, err);
	if (!ret && !opts->common.json && cpus->count > 1) {
		fs_use_columns(result, "core-to-core", table.columns, table.n + 1);
		for (unsigned i = 0; i < table.n; i++)
			result_row(result, table_row(&table, i));
	}
	table_free(&table);
	return ret;
}
