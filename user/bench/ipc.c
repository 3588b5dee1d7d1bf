// SPDX-License-Identifier: BSD-2-Clause
/* bench ipc: what a message costs through each way there is between two processes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xskit/place.h>
#include "bench/bench.h"
#include "bench/ipc_pair.h"
#include "bench/ipc_shells.h"
#include "cmd.h"
#include "report.h"

/* --- CPUs --- */

static bool may_use(const struct xk_place *place, unsigned cpu)
{
	for (unsigned i = 0; i < place->count; i++)
		if ((unsigned)place->cpu[i] == cpu)
			return true;
	return false;
}

static int choose_cpus(const struct number_list *list, const struct xk_place *place, int cpu[2],
		       struct xk_err *err)
{
	if (list->count > 2)
		return opt_bad(err, "--cpu", "too many", "one CPU for both ends, or one for each");
	for (unsigned i = 0; i < list->count; i++)
		if (!may_use(place, list->number[i])) {
			xk_err_fill(err, -EINVAL, "--cpu", "`nproc` and `taskset -p $$` tell which",
				    "this process may not run on a CPU %u", list->number[i]);
			return CMD_USAGE;
		}
	cpu[0] = list->count ? (int)list->number[0] : place->cpu[0];
	cpu[1] = list->count == 2   ? (int)list->number[1]
		 : list->count == 1 ? cpu[0]
				    : place->cpu[place->count > 1];
	return 0;
}

static int find_cpus(const struct number_list *list, int cpu[2], struct xk_err *err)
{
	struct xk_place place;
	int ret = xk_place_find(&place, -1);

	if (ret)
		return xk_err_fill(err, ret, "--cpu", NULL, "find the CPUs");
	return choose_cpus(list, &place, cpu, err);
}

/* --- the table --- */

static void tell_absent(struct result *result, const struct ipc_method *method, unsigned bytes,
			const struct xk_err *why)
{
	json_t *line = json_pack("{s:s,s:s,s:i,s:s}", "experiment", "ipc", "method", method->name,
				 "bytes", (int)bytes, "why", why->why);

	result_line(result, "absent", line, "%-20s  %7u  not measured: %s", method->name, bytes,
		    why->why);
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

/* Other programs of this project keep off these CPUs; that they cannot be told is no reason not to
 * run. */
static int run_claimed(struct result *result, const struct ipc_pair *pair, struct xk_err *err)
{
	int claim[2] = {xk_place_claim(pair->cpu[0]), -1}, ret;

	if (pair->cpu[1] != pair->cpu[0])
		claim[1] = xk_place_claim(pair->cpu[1]);
	else
		report_note("both ends on CPU %d: they take turns, and nothing spins",
			    pair->cpu[0]);
	ret = run_rows(result, pair, err);
	for (unsigned i = 0; i < 2; i++)
		if (claim[i] >= 0)
			close(claim[i]);
	return ret;
}

static int run_pair(struct result *result, const struct ipc_opts *opts, const int cpu[2],
		    struct xk_err *err)
{
	struct ipc_notes notes;
	struct ipc_pair pair = {.opts = opts, .notes = &notes, .cpu = {cpu[0], cpu[1]}};
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "run-%d", (int)getpid());
	ret = ipc_notes_open(&notes, name, err);
	if (!ret)
		ret = ipc_notes_file(&notes, err);
	if (ret >= 0)
		ret = ipc_notes_sit(&notes, IPC_SEAT_SENDER);
	if (!ret)
		ret = ipc_pair_prepare(&pair, err);
	if (!ret)
		ret = run_claimed(result, &pair, err);
	ipc_pair_release(&pair);
	ipc_notes_clear(&notes);
	ipc_notes_close(&notes, true);
	return ret;
}

/* Both ends choose from the same CPUs, each its own. */
static int run_shell(struct result *result, const struct ipc_opts *opts, int cpu,
		     struct xk_err *err)
{
	int ret = ipc_pin(cpu);

	if (ret)
		return xk_err_fill(err, ret, IPC_WHAT, NULL, "pin to CPU %d", cpu);
	return ipc_shell(opts, result, err);
}

/* --- the whole --- */

static int run(const struct ipc_opts *opts, const int cpu[2], int argc, char **argv,
	       struct xk_err *err)
{
	struct result result = {
		.command = IPC_WHAT,
		.experiment = "ipc",
		.columns = ipc_columns,
		.n_columns = ipc_n_columns,
		.json = opts->json,
	};
	int ret;

	ipc_catch_signals();
	ret = ipc_ticks_start();
	if (ret)
		return xk_err_fill(err, ret, IPC_WHAT, NULL, "start a timer");
	result_begin(&result, argc, argv, NULL);
	ret = opts->method ? run_shell(&result, opts, cpu[opts->side], err)
			   : run_pair(&result, opts, cpu, err);
	ipc_ticks_stop();
	if (ret && ret != -EINTR)
		return ret;
	result_end(&result, ret ? "signal" : "done", NULL);
	return 0;
}

int bench_ipc(int argc, char **argv, struct xk_err *err)
{
	struct ipc_opts opts;
	int cpu[2], ret = ipc_opts_parse(&opts, argc - 1, argv + 1, err);

	if (!ret)
		ret = find_cpus(&opts.cpus, cpu, err);
	if (!ret)
		ret = run(&opts, cpu, argc, argv, err);
	ipc_opts_free(&opts);
	return ret;
}
