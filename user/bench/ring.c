// SPDX-License-Identifier: BSD-2-Clause
/* bench ring: what a record costs through each ring, and a round trip through two. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench/bench.h"
#include "bench/process.h"
#include "bench/result.h"
#include "bench/ring_measure.h"
#include "bench/ring_plan.h"
#include "cmd.h"
#include "report.h"

#define WHAT     "bench ring"
#define AA_LIMIT 0.02 /* the same algorithm twice may differ by this */
#define SETUP_MS 20   /* a run: its process, the floor, how many records to move */
#define AA_MORE  4    /* times as many runs before it is told that they differ */

/* --- rows --- */

struct row {
	const char *algorithm, *order, *metric, *scope, *burst_text, *wrong;
	unsigned element_bytes, slots, burst, producers, consumers, runs;
	double ns, ns_min, ns_max, floor_ns, ratio;
	bool verified, blocking, burst_call;
};

#define COLUMN(...) RESULT_COLUMN(struct row, __VA_ARGS__)

static const struct result_column columns[] = {
	COLUMN(algorithm, "algorithm", RESULT_TEXT, -26, 0),
	COLUMN(order, "order", RESULT_TEXT, -12, 0),
	COLUMN(metric, "metric", RESULT_TEXT, -10, 0),
	COLUMN(element_bytes, "bytes", RESULT_COUNT, 5, 0),
	COLUMN(slots, "slots", RESULT_COUNT, 6, 0),
	COLUMN(burst, NULL, RESULT_COUNT, 0, 0),
	{NULL, "burst", RESULT_TEXT, offsetof(struct row, burst_text), -6, 0, 0},
	COLUMN(producers, "prod", RESULT_COUNT, 4, 0),
	COLUMN(consumers, "cons", RESULT_COUNT, 4, 0),
	COLUMN(scope, "scope", RESULT_TEXT, -9, 0),
	COLUMN(ns, "ns", RESULT_REAL, 9, 2),
	COLUMN(ns_min, "min", RESULT_REAL, 9, 2),
	COLUMN(ns_max, "max", RESULT_REAL, 9, 2),
	COLUMN(ratio, "ratio", RESULT_REAL, 6, 2),
	COLUMN(runs, "runs", RESULT_COUNT, 4, 0),
	COLUMN(floor_ns, "floor", RESULT_REAL, 6, 1),
	COLUMN(verified, "verified", RESULT_FLAG, -8, 0),
	COLUMN(blocking, "blocking", RESULT_FLAG, -8, 0),
	COLUMN(wrong, "wrong", RESULT_TEXT, -1, 0),
	COLUMN(burst_call, NULL, RESULT_FLAG, 0, 0),
};

static bool is_right(const struct ring_entry *entry)
{
	return entry->verified && !entry->failed && !entry->wrong;
}

/* NULL: nothing. */
static const char *wrong_text(const struct ring_entry *entry)
{
	static const char *const texts[] = {
		NULL,   "torn",      "reordered",      "torn,reordered",
		"lost", "torn,lost", "reordered,lost", "torn,reordered,lost"};

	return entry->failed ? "no end" : texts[entry->wrong & 7];
}

/* The fastest verified peer that promises the same order. NaN: there is none. */
static double best_peer(const struct ring_measure *measure, const char *order)
{
	double best = NAN;

	for (unsigned i = 0; i < measure->count; i++) {
		const struct ring_entry *entry = &measure->entries[i];

		if (entry->candidate->own || !is_right(entry) || !entry->runs ||
		    strcmp(entry->candidate->order, order))
			continue;
		if (!(best <= entry->spread.median))
			best = entry->spread.median;
	}
	return best;
}

static void print_row(struct result *result, const struct ring_measure *measure,
		      const struct ring_entry *entry)
{
	const struct ring_cell *cell = measure->cell;
	const struct ring_algo *algo = &entry->candidate->algo;
	struct row row = {
		.algorithm = entry->candidate->name,
		.order = entry->candidate->order,
		.metric = cell->metric == RING_RTT ? "rtt" : "throughput",
		.scope = cell->processes ? "processes" : "threads",
		.element_bytes = cell->element_bytes,
		.slots = cell->slots,
		.burst = cell->burst,
		.producers = cell->producers,
		.consumers = cell->consumers,
		.runs = entry->runs,
		.ns = entry->spread.median,
		.ns_min = entry->spread.min,
		.ns_max = entry->spread.max,
		.floor_ns = spread_of(entry->floor_ns, entry->runs).median,
		.ratio = entry->spread.median / best_peer(measure, entry->candidate->order),
		.verified = is_right(entry),
		.wrong = wrong_text(entry),
		.blocking = algo->blocking,
		.burst_call = algo->burst_call,
	};
	char burst[16];

	snprintf(burst, sizeof(burst), "%u%s", cell->burst,
		 cell->burst > 1 && !algo->burst_call ? " *" : "");
	row.burst_text = burst;
	result_row(result, &row);
}

static int run_cell(struct result *result, const struct ring_plan *plan,
		    const struct ring_candidates *found, const struct ring_cell *cell,
		    unsigned runs, unsigned *repeated)
{
	struct ring_measure measure = {.found = found, .cell = cell};
	int ret = ring_measure_begin(&measure, plan->chosen, plan->n_chosen, runs);

	if (!ret)
		ret = ring_measure_verify(&measure);
	if (!ret)
		ret = ring_measure_time(&measure, runs);
	for (unsigned i = 0; i < measure.count && !ret; i++)
		if (!measure.entries[i].absent)
			print_row(result, &measure, &measure.entries[i]);
	*repeated += measure.repeated;
	ring_measure_end(&measure);
	return ret;
}

/* --- the same twice: what a difference must exceed to mean anything --- */

static const struct ring_candidate *pick_same(const struct ring_candidates *found)
{
	const struct ring_candidate *spsc = ring_candidate_named(found, "spsc");

	return spsc ? spsc : &found->all[0];
}

static void print_same(struct result *result, const struct ring_measure *measure)
{
	const struct ring_entry *a = &measure->entries[0], *b = &measure->entries[1];
	double ratio = b->spread.median / a->spread.median;
	bool within = fabs(ratio - 1) <= AA_LIMIT;
	json_t *line = json_pack("{s:s,s:f,s:f,s:f,s:f,s:i,s:b}", "algorithm", a->candidate->name,
				 "ns_a", a->spread.median, "ns_b", b->spread.median, "ratio", ratio,
				 "limit", AA_LIMIT, "runs", (int)a->runs, "within", within);

	result_line(result, "aa", line,
		    "A/A %s against itself: %.2f and %.2f ns, ratio %.3f, %u runs each: %s",
		    a->candidate->name, a->spread.median, b->spread.median, ratio, a->runs,
		    within ? "within 2 %"
			   : "NOT within 2 %: the machine is not quiet, smaller differences mean "
			     "nothing");
}

static bool same_enough(const struct ring_measure *measure)
{
	const struct ring_entry *e = measure->entries;

	return fabs(e[1].spread.median / e[0].spread.median - 1) <= AA_LIMIT;
}

static int run_same(struct result *result, const struct ring_plan *plan,
		    const struct ring_candidates *found, unsigned runs)
{
	const struct ring_candidate *same = pick_same(found);
	const struct ring_candidate *twice[] = {same, same};
	struct ring_cell cell = plan->cells[0];
	struct ring_measure measure = {.found = found, .cell = &cell};
	int ret = ring_measure_begin(&measure, twice, 2, runs * AA_MORE);

	cell.metric = RING_THROUGHPUT;
	cell.element_bytes = same->own && same->own->fits ? 64 : 8;
	cell.slots = 4096;
	cell.burst = cell.producers = cell.consumers = 1;
	cell.processes = false;
	ring_plan_place(plan, &cell);
	for (unsigned i = 0; i < AA_MORE && !ret; i++) {
		ret = ring_measure_time(&measure, runs);
		if (same_enough(&measure))
			break;
	}
	if (!ret && measure.entries[0].runs && measure.entries[1].runs)
		print_same(result, &measure);
	ring_measure_end(&measure);
	return ret;
}

/* --- the whole --- */

static void print_plan(struct result *result, const struct ring_plan *plan,
		       const struct ring_candidates *found, unsigned runs)
{
	unsigned most = plan->n_cells * plan->n_chosen * (runs + 1);
	double minutes = most * 1.5 * (plan->cells[0].run_ms + SETUP_MS) / 60e3;
	json_t *line = json_pack("{s:i,s:i,s:s}", "cells", (int)plan->n_cells, "algorithms",
				 (int)plan->n_chosen, "peers", found->helper);

	result_line(result, "plan", line,
		    "%u cells, %u algorithms (peers: %s), %u runs: about %.1f minutes on a quiet "
		    "machine",
		    plan->n_cells, plan->n_chosen, *found->helper ? found->helper : "none found",
		    runs, minutes);
}

static int run_plan(struct result *result, const struct ring_plan *plan,
		    const struct ring_candidates *found, unsigned runs, unsigned *repeated)
{
	int ret;

	print_plan(result, plan, found, runs);
	ret = run_same(result, plan, found, runs);
	for (unsigned i = 0; i < plan->n_cells && !ret; i++)
		ret = run_cell(result, plan, found, &plan->cells[i], runs, repeated);
	return ret;
}

static int run(const struct ring_opts *opts, int argc, char **argv,
	       const struct ring_candidates *found, struct xk_err *err)
{
	struct result result = {
		.command = WHAT,
		.experiment = "ring",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.json = opts->common.json,
	};
	unsigned repeated = 0;
	struct ring_plan plan;
	int ret = ring_plan_make(&plan, opts, found, err);

	if (!ret) {
		cpus_claim(&plan.cpus);
		process_catch_signals();
		result_begin(&result, argc, argv, NULL);
		ret = run_plan(&result, &plan, found, opts->common.runs, &repeated);
		if (repeated)
			report_note("%u rounds were done again: the machine changed its speed",
				    repeated);
		if (!ret || ret == -EINTR)
			result_end(&result, ret ? "signal" : "done",
				   json_pack("{s:i}", "rounds_repeated", (int)repeated));
		else
			xk_err_fill(err, ret, WHAT, NULL, "measure");
		ret = ret == -EINTR ? 0 : ret;
	}
	ring_plan_free(&plan);
	return ret;
}

int bench_ring(int argc, char **argv, struct xk_err *err)
{
	struct ring_candidates found = {0};
	struct ring_opts opts;
	int ret = ring_opts_parse(&opts, argc - 1, argv + 1, err);

	if (!ret)
		ret = ring_candidates_find(&found, err);
	if (!ret)
		ret = run(&opts, argc, argv, &found, err);
	ring_candidates_free(&found);
	ring_opts_free(&opts);
	return ret;
}
