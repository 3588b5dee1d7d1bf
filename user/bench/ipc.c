// SPDX-License-Identifier: BSD-2-Clause
/* bench ipc: what a message costs through each way there is between two processes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "bench/bench.h"
#include "bench/cpus.h"
#include "bench/ipc_pair.h"
#include "bench/ipc_shells.h"
#include "cmd.h"
#include "report.h"

/* --- CPUs --- */

static int find_cpus(struct cpus *cpus, const struct ipc_opts *opts, struct xk_err *err)
{
	int ret = cpus_find(cpus, &opts->common.cpus, 2, err);

	if (!ret && cpus->count == 1)
		cpus->cpu[1] = cpus->cpu[0];
	return ret;
}

/* --- the table --- */

static void tell_absent(struct result *result, const struct ipc_method *method, unsigned bytes,
			const struct xk_err *why)
{
	json_t *line =
		json_pack("{s:s,s:s,s:i,s:s,s:s}", "experiment", "ipc", "method", method->name,
			  "bytes", (int)bytes, "why", why->why, "fix", why->fix);

	result_line(result, "absent", line, "%-20s  %7u  not measured: %s%s%s", method->name, bytes,
		    why->why, *why->fix ? ": " : "", why->fix);
}

static int run_row(struct result *result, const struct ipc_pair *pair,
		   const struct ipc_method *method, unsigned bytes, struct xk_err *err)
{
	static struct xk_hist hist;
	struct ipc_row row;
	int ret = ipc_pair_measure(pair, method, bytes, &hist, &row, err);

	if (ret == 1) {
		tell_absent(result, method, bytes, err);
		return 0;
	}
	if (ret)
		return ret;
	result_row(result, &row);
	return ipc_judge_row(&row, err);
}

static int run_rows(struct result *result, const struct ipc_pair *pair, struct xk_err *err)
{
	const struct ipc_opts *opts = pair->opts;
	int ret = 0;

	for (unsigned i = 0; i < opts->bytes.count && !ret; i++)
		for (unsigned j = 0; j < opts->methods.count && !ret; j++)
			ret = run_row(result, pair, ipc_methods[opts->methods.number[j]],
				      opts->bytes.number[i], err);
	return ret;
}

static int run_pair(struct result *result, const struct ipc_opts *opts, struct cpus *cpus,
		    struct xk_err *err)
{
	struct ipc_notes notes;
	struct ipc_pair pair = {.opts = opts, .notes = &notes, .cpu = cpus->cpu};
	char name[32];
	int ret;

	if (cpus->cpu[0] == cpus->cpu[1])
		report_note("both ends on CPU %d: they take turns, and nothing spins",
			    cpus->cpu[0]);
	snprintf(name, sizeof(name), "run-%d", (int)getpid());
	ret = ipc_notes_open(&notes, name, err);
	if (!ret)
		ret = ipc_notes_file(&notes, err);
	if (ret >= 0)
		ret = ipc_notes_sit(&notes, IPC_SEAT_SENDER);
	if (!ret)
		ret = ipc_pair_prepare(&pair, err);
	if (!ret) {
		cpus_claim(cpus);
		ret = run_rows(result, &pair, err);
	}
	ipc_pair_release(&pair);
	ipc_notes_clear(&notes);
	ipc_notes_close(&notes, true);
	return ret;
}

/* Both ends choose from the same CPUs, each its own. */
static int run_shell(struct result *result, const struct ipc_opts *opts, int cpu,
		     struct xk_err *err)
{
	int ret = process_pin(cpu);

	if (ret)
		return xk_err_fill(err, ret, IPC_WHAT, NULL, "pin to CPU %d", cpu);
	return ipc_shell(opts, result, err);
}

/* --- the whole --- */

static int run(const struct ipc_opts *opts, struct cpus *cpus, int argc, char **argv,
	       struct xk_err *err)
{
	struct result result = {
		.command = IPC_WHAT,
		.experiment = "ipc",
		.columns = ipc_columns,
		.n_columns = ipc_n_columns,
		.json = opts->common.json,
	};
	int ret;

	process_catch_signals();
	ret = ipc_ticks_start();
	if (ret)
		return xk_err_fill(err, ret, IPC_WHAT, NULL, "start a timer");
	result_begin(&result, argc, argv, NULL);
	ret = opts->method ? run_shell(&result, opts, cpus->cpu[opts->side], err)
			   : run_pair(&result, opts, cpus, err);
	ipc_ticks_stop();
	if (ret && ret != -EINTR)
		return ret;
	result_end(&result, ret ? "signal" : "done", NULL);
	return 0;
}

int bench_ipc(int argc, char **argv, struct xk_err *err)
{
	struct cpus cpus = {0};
	struct ipc_opts opts;
	int ret = ipc_opts_parse(&opts, argc - 1, argv + 1, err);

	if (!ret)
		ret = find_cpus(&cpus, &opts, err);
	if (!ret)
		ret = run(&opts, &cpus, argc, argv, err);
	cpus_put(&cpus);
	ipc_opts_free(&opts);
	return ret;
}
