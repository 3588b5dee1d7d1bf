// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "bench/numa_loops.h"
#include "bench/numa_memory.h"
#include "bench/numa_plan.h"
#include "cmd.h"

#define CACHE_TIMES 4u          /* memory's arrays are this many times the last cache */
#define LEAST_DRAM  (64u << 20) /* bytes */
#define MARGIN      (8u << 20)  /* bytes a node: rounding, locks, stacks */

const char *const numa_metric_names[] = {"read", "write", "copy", "latency", "textbook", NULL};
const char *const numa_level_names[] = {"l1", "l2", "l3", "dram", NULL};

/* --- options --- */

enum { KEY_SIZE = 0x100, KEY_METRIC, KEY_LEVEL, KEY_NODE };

static const struct argp_option options[] = {
	{"metric", KEY_METRIC, "LIST", 0, "read, write, copy, latency, textbook (all)", 1},
	{"level", KEY_LEVEL, "LIST", 0, "l1, l2, l3, dram (dram; with a single node all)", 1},
	{"size", KEY_SIZE, "BYTES", 0, "of an array in memory (4 times the last cache)", 2},
	{"node", KEY_NODE, "LIST", 0, "nodes whose CPUs and memory are measured, or all (all)", 2},
	{0},
};

static const char doc[] =
	"Measure what memory costs one core, for each node of CPUs and each node of memory.\v"
	"read and write are bytes of one array, copy counts both those it reads and those it "
	"writes, as STREAM does. latency is one load of a random line whose address the load "
	"before brought, idle, and while all other CPUs of the node read from the same memory. "
	"textbook: a mutex is taken, a block of 1 KiB is written with a pattern and checked; one "
	"worker on every node at the same time, the figure is this node's. Each value is the "
	"median of --runs runs. verified: the node on which every page was found to lie.";

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct numa_opts *o = state->input;

	switch (key) {
	case KEY_SIZE:
		return opt_u64("--size", word, 64 << 10, UINT64_C(1) << 42, &o->size, o->err);
	case KEY_METRIC:
		return opt_choices("--metric", word, numa_metric_names, &o->metrics, o->err);
	case KEY_LEVEL:
		return opt_choices("--level", word, numa_level_names, &o->levels, o->err);
	case KEY_NODE:
		return opt_list("--node", word, "all", 1023, &o->nodes, o->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int numa_opts_parse(struct numa_opts *opts, int argc, char **argv, struct xk_err *err)
{
	const struct command_line line = {
		.name = NUMA_WHAT,
		.args_doc = "",
		.doc = doc,
		.options = options,
		.parser = parse,
		.input = opts,
		.err = err,
	};
	int ret;

	*opts = (struct numa_opts){
		.common = {.runs = 7,
			   .run_ms = 30,
			   .cpus_for = "CPUs that may be used, or auto: the first of each node "
				       "measures, the others are the load (auto: all)"},
		.err = err,
	};
	ret = bench_options_parse(&opts->common, &line, argc, argv);
	if (!ret && !opts->metrics.count)
		ret = opt_choices("--metric", "read,write,copy,latency,textbook", numa_metric_names,
				  &opts->metrics, err);
	return ret;
}

void numa_opts_free(struct numa_opts *opts)
{
	free(opts->metrics.number);
	free(opts->levels.number);
	bench_options_free(&opts->common);
	free(opts->nodes.number);
}

/* --- sizes --- */

static size_t round_down(size_t bytes)
{
	return bytes / NUMA_STEP * NUMA_STEP;
}

/* Well above the cache below, and so that two arrays, and a neighbour's things, fit into this one.
 */
static size_t cache_array(size_t cache, size_t below)
{
	size_t bytes = below ? cache / 8 : cache / 8 * 3;

	if (cache <= below)
		return 0;
	if (bytes < 2 * below)
		bytes = 2 * below;
	if (bytes > cache / 8 * 3)
		bytes = cache / 8 * 3;
	return round_down(bytes);
}

static size_t last_cache(const struct numa_topology *topology)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < NUMA_CACHES; i++)
		if (topology->cache[i].bytes > bytes)
			bytes = topology->cache[i].bytes;
	return bytes;
}

static void set_caches(struct numa_plan *plan, const struct numa_topology *topology)
{
	size_t below = 0;

	for (unsigned i = 0; i < NUMA_CACHES; i++) {
		plan->bytes[i] = cache_array(topology->cache[i].bytes, below);
		if (plan->bytes[i])
			below = topology->cache[i].bytes;
	}
}

size_t numa_plan_chases(const struct numa_plan *plan)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < NUMA_LEVELS; i++)
		bytes += plan->bytes[i];
	return bytes;
}

/* What one node's memory takes. */
static size_t stock_bytes(const struct numa_plan *plan)
{
	return 2 * plan->bytes[NUMA_DRAM] + numa_plan_chases(plan) + MARGIN;
}

/* What each node's arrays may take: of the machine's memory a share, and what the node has. */
static uint64_t most_bytes(const struct numa_topology *topology)
{
	uint64_t most = numa_memory_available(), nodes = 0;

	for (unsigned i = 0; i < topology->n_nodes; i++)
		nodes += topology->nodes[i].usable;
	most /= nodes ? nodes : 1;
	for (unsigned i = 0; i < topology->n_nodes; i++)
		if (topology->nodes[i].usable && topology->nodes[i].memory < most)
			most = topology->nodes[i].memory;
	return most;
}

static void set_array(struct numa_plan *plan, uint64_t bytes)
{
	plan->bytes[NUMA_DRAM] = round_down(bytes);
}

/* By the caches, but not over a quarter of what there is, of which three arrays take most. */
static void choose_dram(struct numa_plan *plan, const struct numa_topology *topology, uint64_t most)
{
	uint64_t want = (uint64_t)CACHE_TIMES * last_cache(topology);

	if (want < LEAST_DRAM)
		want = LEAST_DRAM;
	set_array(plan, want > most / 12 ? most / 12 : want);
}

static int set_dram(struct numa_plan *plan, const struct numa_opts *opts,
		    const struct numa_topology *topology, struct xk_err *err)
{
	uint64_t most = most_bytes(topology);

	if (opts->size)
		set_array(plan, opts->size);
	else
		choose_dram(plan, topology, most);
	plan->small = plan->bytes[NUMA_DRAM] < 2 * last_cache(topology);
	if (plan->bytes[NUMA_DRAM] && stock_bytes(plan) <= most)
		return 0;
	return xk_err_fill(err, -ENOMEM, "--size", "ask for less, or free some memory",
			   "arrays of %zu bytes take %zu on each node, and %" PRIu64
			   " are to be had",
			   plan->bytes[NUMA_DRAM], stock_bytes(plan), most);
}

/* --- put together --- */

static int set_levels(struct numa_plan *plan, const struct numa_opts *opts,
		      const struct numa_topology *topology, struct xk_err *err)
{
	unsigned chosen = 0;

	for (unsigned i = 0; i < opts->levels.count; i++)
		plan->level[opts->levels.number[i]] = true;
	for (unsigned i = 0; i < NUMA_LEVELS && !opts->levels.count; i++)
		plan->level[i] = i == NUMA_DRAM || topology->n_nodes == 1;
	for (unsigned i = 0; i < NUMA_LEVELS; i++)
		chosen += plan->level[i] &= plan->bytes[i] > 0;
	if (chosen)
		return 0;
	xk_err_fill(err, -EINVAL, "--level", "ask for dram",
		    "this machine does not tell of such a cache");
	return CMD_USAGE;
}

int numa_plan_make(struct numa_plan *plan, const struct numa_opts *opts,
		   const struct numa_topology *topology, struct xk_err *err)
{
	int ret;

	*plan = (struct numa_plan){0};
	set_caches(plan, topology);
	ret = set_dram(plan, opts, topology, err);
	return ret ? ret : set_levels(plan, opts, topology, err);
}
