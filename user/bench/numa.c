// SPDX-License-Identifier: BSD-2-Clause
/* bench numa: what memory costs a core, by where both are. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include "bench/bench.h"
#include "bench/numa_loops.h"
#include "bench/numa_measure.h"
#include "bench/result.h"
#include "bench/process.h"
#include "cmd.h"
#include "report.h"

#define CLAIM_GB_S 100.0 /* "100 GB/s per core" is often read */

/* Everything of one command. */
struct numa_run {
	struct numa_opts opts;
	struct cpus cpus;
	struct numa_topology topology;
	struct numa_plan plan;
	unsigned n_stocks, n_cells, done; /* done: runs of all cells */
	struct numa_stock *stocks;
	struct numa_cell *cells;
	double *values;
	struct result result;
};

/* --- rows --- */

struct row {
	const char *metric, *level, *load, *unit, *pages, *simd;
	int cpu_node, mem_node, cpu, verified_node;
	unsigned runs, preempted;
	uint64_t bytes;
	double value, value_min, value_max, ratio_to_local;
};

#define COLUMN(...) RESULT_COLUMN(struct row, __VA_ARGS__)

static const struct result_column columns[] = {
	COLUMN(cpu_node, "cpus", RESULT_INT, 4, 0),
	COLUMN(mem_node, "memory", RESULT_INT, 6, 0),
	COLUMN(cpu, NULL, RESULT_INT, 0, 0),
	COLUMN(level, "level", RESULT_TEXT, -5, 0),
	COLUMN(metric, "metric", RESULT_TEXT, -8, 0),
	COLUMN(load, "load", RESULT_TEXT, -6, 0),
	COLUMN(value, "value", RESULT_REAL, 11, 2),
	COLUMN(value_min, "min", RESULT_REAL, 11, 2),
	COLUMN(value_max, "max", RESULT_REAL, 11, 2),
	COLUMN(unit, "unit", RESULT_TEXT, -5, 0),
	COLUMN(ratio_to_local, "to local", RESULT_REAL, 8, 2),
	COLUMN(bytes, "bytes", RESULT_U64, 10, 0),
	COLUMN(pages, "pages", RESULT_TEXT, -5, 0),
	COLUMN(simd, NULL, RESULT_TEXT, 0, 0),
	COLUMN(verified_node, "verified", RESULT_INT, 8, 0),
	COLUMN(runs, "runs", RESULT_COUNT, 4, 0),
	COLUMN(preempted, "preempted", RESULT_COUNT, 9, 0),
};

static const char *unit_of(enum numa_metric metric)
{
	return metric == NUMA_LATENCY ? "ns" : metric == NUMA_TEXTBOOK ? "ops/s" : "GB/s";
}

static bool is_local(const struct numa_cell *cell)
{
	return cell->cpu_node == cell->stock->node;
}

/* What is read, written or chased through. */
static uint64_t bytes_of(const struct numa_plan *plan, const struct numa_cell *cell)
{
	return plan->bytes[cell->level] * (cell->metric == NUMA_COPY ? 2 : 1);
}

/* The same of the same CPUs and their own memory; NULL: not measured. */
static const struct numa_cell *local_of(const struct numa_run *run, const struct numa_cell *cell)
{
	for (unsigned i = 0; i < run->n_cells; i++) {
		const struct numa_cell *other = &run->cells[i];

		if (is_local(other) && other->cpu_node == cell->cpu_node &&
		    other->metric == cell->metric && other->level == cell->level &&
		    other->loaded == cell->loaded)
			return other;
	}
	return NULL;
}

static double ratio_to_local(const struct numa_run *run, const struct numa_cell *cell)
{
	const struct numa_cell *local = local_of(run, cell);

	if (!local || run->topology.n_nodes < 2)
		return NAN;
	return cell->spread.median / local->spread.median;
}

static void print_row(struct numa_run *run, const struct numa_cell *cell)
{
	bool moves = cell->metric != NUMA_LATENCY && cell->metric != NUMA_TEXTBOOK;
	const struct row row = {
		.metric = numa_metric_names[cell->metric],
		.level = numa_level_names[cell->level],
		.load = cell->metric != NUMA_LATENCY ? NULL
			: cell->loaded               ? "loaded"
						     : "idle",
		.unit = unit_of(cell->metric),
		.pages = numa_stock_is_huge(cell->stock) ? "huge" : "small",
		.simd = moves ? numa_loops_for(cell->level != NUMA_DRAM)->simd : NULL,
		.cpu_node = cell->cpu_node->node,
		.mem_node = cell->stock->node->node,
		.cpu = cell->cpu_node->cpu[0],
		.verified_node = numa_stock_node(cell->stock),
		.runs = run->done,
		.preempted = cell->preempted,
		.bytes = bytes_of(&run->plan, cell),
		.value = cell->spread.median,
		.value_min = cell->spread.min,
		.value_max = cell->spread.max,
		.ratio_to_local = ratio_to_local(run, cell),
	};

	result_row(&run->result, &row);
}

/* --- lines around the table --- */

static void print_note(struct numa_run *run, const char *note)
{
	result_line(&run->result, "note", json_pack("{s:s}", "note", note), "%s", note);
}

static void print_topology(struct numa_run *run)
{
	char *text = numa_topology_text(&run->topology);

	result_line(&run->result, "topology", numa_topology_json(&run->topology), "%s",
		    text ? text : "");
	free(text);
	if (!run->topology.numa)
		print_note(run, "the kernel does not place memory here (numa_available() < 0): "
				"this is plain memory, wherever it lies, shown as node 0");
	if (run->topology.n_nodes == 1)
		print_note(run, "there is one node, so nothing remote to compare: the same figures "
				"for its caches instead");
	if (run->topology.guest)
		print_note(run, "this is a virtual machine: its host may use small pages "
				"underneath, which latency feels, and other guests share the last "
				"cache");
	if (run->plan.small)
		print_note(run, "the arrays are not much larger than the last cache: figures for "
				"dram are partly the cache's");
}

static void print_memory(struct numa_run *run)
{
	bool huge = true;

	for (unsigned i = 0; i < run->n_stocks; i++) {
		const struct numa_stock *stock = &run->stocks[i];
		int node = numa_stock_node(stock);

		huge &= numa_stock_is_huge(stock);
		if (run->topology.numa && node != stock->node->node)
			report_note("%s: the memory asked for on node %d is not all there: see "
				    "verified",
				    NUMA_WHAT, stock->node->node);
	}
	print_note(run, huge ? "memory in transparent huge pages: few TLB misses in these figures"
			     : "memory in small pages, the kernel gave no huge ones: figures for "
			       "large sizes include TLB misses");
}

/* The first figure of a core and its own memory; NULL: none. */
static const struct numa_cell *find_dram(const struct numa_run *run, enum numa_metric metric)
{
	for (unsigned i = 0; i < run->n_cells; i++) {
		const struct numa_cell *cell = &run->cells[i];

		if (cell->metric == metric && cell->level == NUMA_DRAM && is_local(cell) &&
		    !cell->loaded)
			return cell;
	}
	return NULL;
}

/* What a core reads is what it can have under way at a time: bytes a second times latency. */
static void print_claim(struct numa_run *run)
{
	const struct numa_cell *read = find_dram(run, NUMA_READ);
	const struct numa_cell *latency = find_dram(run, NUMA_LATENCY);
	double gb = read ? read->spread.median : NAN;
	double lines = latency ? gb * latency->spread.median / (double)run->topology.line : NAN;
	json_t *line;

	if (!read)
		return;
	line = json_pack("{s:f,s:f,s:i,s:i}", "read_gb_per_s", gb, "claimed_gb_per_s", CLAIM_GB_S,
			 "cpu_node", read->cpu_node->node, "mem_node", read->stock->node->node);
	if (latency)
		json_object_set_new(line, "lines_under_way", json_real(lines));
	if (latency)
		result_line(
			&run->result, "claim", line,
			"one core reads %.1f GB/s from its memory, %.0f %% of the often claimed "
			"%.0f GB/s per core: about %.0f lines under way at %.0f ns each",
			gb, gb / CLAIM_GB_S * 100, CLAIM_GB_S, lines, latency->spread.median);
	else
		result_line(
			&run->result, "claim", line,
			"one core reads %.1f GB/s from its memory, %.0f %% of the often claimed "
			"%.0f GB/s per core",
			gb, gb / CLAIM_GB_S * 100, CLAIM_GB_S);
}

/* --- what there is to measure --- */

static int get_stocks(struct numa_run *run, struct xk_err *err)
{
	const struct numa_topology *topology = &run->topology;
	int ret = 0;

	run->stocks = calloc(topology->n_nodes, sizeof(*run->stocks));
	if (!run->stocks)
		return xk_err_fill(err, -ENOMEM, NUMA_WHAT, NULL, "list the nodes");
	for (unsigned i = 0; i < topology->n_nodes && !ret; i++)
		if (topology->nodes[i].usable)
			ret = numa_stock_get(&run->stocks[run->n_stocks++], topology,
					     &topology->nodes[i], &run->plan, err);
	return ret;
}

static void add_cell(struct numa_run *run, const struct numa_node *cpus, struct numa_stock *stock,
		     enum numa_level level, enum numa_metric metric, bool loaded)
{
	run->cells[run->n_cells++] = (struct numa_cell){.cpu_node = cpus,
							.stock = stock,
							.level = level,
							.metric = metric,
							.loaded = loaded};
}

/* All of one node's CPUs and one node's memory. */
static void add_pair(struct numa_run *run, const struct numa_node *cpus, struct numa_stock *stock)
{
	for (unsigned level = 0; level < NUMA_LEVELS; level++)
		for (unsigned i = 0; i < run->opts.metrics.count && run->plan.level[level]; i++) {
			enum numa_metric metric = (enum numa_metric)run->opts.metrics.number[i];

			add_cell(run, cpus, stock, (enum numa_level)level, metric, false);
			if (metric == NUMA_LATENCY && cpus->n_cpus > 1)
				add_cell(run, cpus, stock, (enum numa_level)level, metric, true);
		}
}

static int list_cells(struct numa_run *run, struct xk_err *err)
{
	const struct numa_topology *topology = &run->topology;
	size_t most = (size_t)topology->n_nodes * run->n_stocks * NUMA_LEVELS *
		      (run->opts.metrics.count + 1);

	run->cells = calloc(most + 1, sizeof(*run->cells));
	if (!run->cells)
		return xk_err_fill(err, -ENOMEM, NUMA_WHAT, NULL, "list the figures");
	for (unsigned i = 0; i < topology->n_nodes; i++)
		for (unsigned j = 0; j < run->n_stocks && topology->nodes[i].n_cpus; j++)
			add_pair(run, &topology->nodes[i], &run->stocks[j]);
	if (!run->n_cells)
		return xk_err_fill(err, -ENODEV, NUMA_WHAT, "choose others with --node or --cpu",
				   "these nodes have no CPU, or no memory, for this process");
	run->values = calloc((size_t)run->n_cells * run->opts.common.runs, sizeof(*run->values));
	if (!run->values)
		return xk_err_fill(err, -ENOMEM, NUMA_WHAT, NULL, "note the runs");
	for (unsigned i = 0; i < run->n_cells; i++)
		run->cells[i].value = run->values + (size_t)i * run->opts.common.runs;
	return 0;
}

/* --- the whole --- */

static bool lacks_load(const struct numa_run *run)
{
	for (unsigned i = 0; i < run->n_cells; i++)
		if (run->cells[i].metric == NUMA_LATENCY && run->cells[i].cpu_node->n_cpus < 2)
			return true;
	return false;
}

static int measure_all(struct numa_run *run, struct xk_err *err)
{
	int ret = 0;

	for (; run->done < run->opts.common.runs && !ret; run->done += !ret)
		for (unsigned i = 0; i < run->n_cells && !ret; i++)
			ret = numa_measure(&run->cells[i], &run->plan, &run->topology, run->done,
					   run->opts.common.run_ms, err);
	return ret;
}

/* Also of a command that was interrupted: of the runs that were whole. */
static void print_all(struct numa_run *run)
{
	for (unsigned i = 0; i < run->n_cells; i++)
		run->cells[i].spread = spread_of(run->cells[i].value, run->done);
	for (unsigned i = 0; i < run->n_cells && run->done; i++)
		print_row(run, &run->cells[i]);
	if (run->done)
		print_claim(run);
}

static int measure_and_print(struct numa_run *run, struct xk_err *err)
{
	int ret;

	print_topology(run);
	ret = get_stocks(run, err);
	if (!ret)
		ret = list_cells(run, err);
	if (ret)
		return ret;
	print_memory(run);
	if (lacks_load(run))
		print_note(run, "a node with one CPU has no other to make the load: there is no "
				"latency under load");
	ret = measure_all(run, err);
	if (!ret || ret == -EINTR)
		print_all(run);
	return ret;
}

static int run_all(struct numa_run *run, int argc, char **argv, struct xk_err *err)
{
	int ret;

	run->result = (struct result){
		.command = NUMA_WHAT,
		.experiment = "numa",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.json = run->opts.common.json,
	};
	process_catch_signals();
	result_begin(&run->result, argc, argv, NULL);
	ret = measure_and_print(run, err);
	if (ret && ret != -EINTR)
		return ret;
	result_end(&run->result, ret ? "signal" : "done", NULL);
	return 0;
}

static void free_run(struct numa_run *run)
{
	for (unsigned i = 0; i < run->n_stocks; i++)
		numa_stock_put(&run->stocks[i]);
	free(run->stocks);
	free(run->cells);
	free(run->values);
	numa_topology_free(&run->topology);
	cpus_put(&run->cpus);
	numa_opts_free(&run->opts);
}

int bench_numa(int argc, char **argv, struct xk_err *err)
{
	struct numa_run run = {0};
	const struct numa_opts *opts = &run.opts;
	int ret = numa_opts_parse(&run.opts, argc - 1, argv + 1, err);

	if (!ret)
		ret = cpus_find(&run.cpus, &opts->common.cpus, 0, err);
	if (!ret)
		ret = numa_topology_find(&run.topology, &run.cpus, opts->nodes.number,
					 opts->nodes.count, err);
	if (!ret)
		ret = numa_plan_make(&run.plan, opts, &run.topology, err);
	if (!ret) {
		cpus_claim(&run.cpus);
		ret = run_all(&run, argc, argv, err);
	}
	free_run(&run);
	return ret;
}
