// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bench/ipc_measure.h"
#include "bench/spread.h"

#define FIRST_MESSAGES 256u
#define GROW           8u
#define ENOUGH_NS      2000000u /* a round of this length tells how fast the method is */
#define CHECK_MESSAGES 10000u
#define CHECK_BYTES    (32u << 20)

#define COLUMN(...) RESULT_COLUMN(struct ipc_row, __VA_ARGS__)
#define RTT(key, heading, percent)                                                                 \
	{                                                                                          \
		key, heading, RESULT_HIST, offsetof(struct ipc_row, rtt_ns), 9, 0, percent         \
	}
#define SEEN(key, heading, width)                                                                  \
	{                                                                                          \
#key, heading, RESULT_U64, offsetof(struct ipc_row, seen.key), width, 0, 0         \
	}

const struct result_column ipc_columns[] = {
	COLUMN(method, "method", RESULT_TEXT, -20, 0),
	COLUMN(bytes, "bytes", RESULT_COUNT, 7, 0),
	COLUMN(msgs_per_s, "msgs/s", RESULT_REAL, 10, 0),
	COLUMN(msgs_per_s_min, NULL, RESULT_REAL, 0, 0),
	COLUMN(msgs_per_s_max, NULL, RESULT_REAL, 0, 0),
	RTT("rtt_ns", "rtt p50", 50),
	RTT(NULL, "p99", 99),
	RTT(NULL, "p99.9 ns", 99.9),
	COLUMN(cpu_s_per_million, "cpu s/M", RESULT_REAL, 8, 3),
	COLUMN(syscalls_per_msg, "calls", RESULT_REAL, 5, 2),
	COLUMN(copies, "copies", RESULT_COUNT, 6, 0),
	COLUMN(persistent, "persistent", RESULT_FLAG, -10, 0),
	COLUMN(kernel_memory_bytes, "memory", RESULT_U64, 8, 0),
	COLUMN(floor_ns, "floor", RESULT_REAL, 6, 1),
	COLUMN(runs, NULL, RESULT_COUNT, 0, 0),
	{"records", NULL, RESULT_U64, offsetof(struct ipc_row, seen.received), 0, 0, 0},
	COLUMN(syscalls, NULL, RESULT_U64, 0, 0),
	SEEN(lost, "lost", 8),
	SEEN(wrong, "wrong", 8),
	COLUMN(textbook, "textbook", RESULT_FLAG, -1, 0),
};
const unsigned ipc_n_columns = sizeof(ipc_columns) / sizeof(*ipc_columns);

struct ipc_row ipc_row_of(const struct ipc_method *method, unsigned bytes, unsigned runs)
{
	return (struct ipc_row){
		.method = method->name,
		.bytes = bytes,
		.copies = method->copies,
		.runs = runs,
		.persistent = method->persistent,
		.textbook = method->textbook,
		.msgs_per_s = NAN,
		.msgs_per_s_min = NAN,
		.msgs_per_s_max = NAN,
		.cpu_s_per_million = NAN,
		.syscalls_per_msg = NAN,
		.floor_ns = NAN,
	};
}

static void add_round(struct ipc_row *row, const struct ipc_round *round)
{
	const struct ipc_seen *seen = &round->seen;

	row->syscalls += round->calls;
	row->seen.received += seen->received;
	row->seen.lost += seen->lost;
	row->seen.wrong += seen->wrong;
}

static int check_all(struct ipc_end *end, const struct ipc_opts *opts, struct xk_hist *hist,
		     struct ipc_row *row)
{
	uint64_t count = CHECK_BYTES / end->made.bytes;
	struct ipc_round round;
	int ret;

	count = opts->messages ? opts->messages : count < CHECK_MESSAGES ? count : CHECK_MESSAGES;
	ret = ipc_drive_round(end, count, true, hist, &round);
	if (!ret)
		add_round(row, &round);
	return ret;
}

/* How many take as long as a run is to take. */
static int find_count(struct ipc_end *end, const struct ipc_opts *opts, struct xk_hist *hist,
		      struct ipc_row *row, uint64_t *count)
{
	struct ipc_round round = {0};
	int ret = 0;

	*count = opts->messages ? opts->messages : FIRST_MESSAGES;
	while (!opts->messages && !ret) {
		ret = ipc_drive_round(end, *count, false, hist, &round);
		if (!ret)
			add_round(row, &round);
		if (!ret && round.ns >= ENOUGH_NS)
			break;
		*count *= GROW;
	}
	if (!opts->messages && !ret)
		*count = (uint64_t)((double)*count * opts->run_s * 1e9 / (double)round.ns) + 1;
	return ret;
}

static void note_costs(struct ipc_row *row, const struct ipc_round *sum)
{
	row->cpu_s_per_million = (double)sum->cpu_ns / 1e3 / (double)sum->messages;
	row->syscalls_per_msg = (double)sum->calls / (double)sum->messages;
}

static void note_rates(struct ipc_row *row, double *rates, unsigned runs)
{
	struct spread spread = spread_of(rates, runs);

	row->msgs_per_s = spread.median;
	row->msgs_per_s_min = spread.min;
	row->msgs_per_s_max = spread.max;
}

static int time_runs(struct ipc_end *end, const struct ipc_opts *opts, uint64_t count,
		     struct xk_hist *hist, double *rates, struct ipc_row *row)
{
	struct ipc_round round, sum = {0};
	int ret = 0;

	for (unsigned i = 0; i < opts->common.runs && !ret; i++) {
		ret = ipc_drive_round(end, count, false, hist, &round);
		if (ret)
			break;
		rates[i] = (double)count * 1e9 / (double)round.ns;
		sum.cpu_ns += round.cpu_ns;
		sum.calls += round.calls;
		sum.messages += round.messages;
		add_round(row, &round);
	}
	if (ret)
		return ret;
	if (end->made.metric == IPC_STREAM)
		note_rates(row, rates, opts->common.runs);
	else
		row->rtt_ns = hist;
	if (end->made.metric == IPC_STREAM || isnan(row->cpu_s_per_million))
		note_costs(row, &sum); /* a stream's if there is one */
	return 0;
}

int ipc_measure(struct ipc_end *end, const struct ipc_opts *opts, uint64_t *line,
		struct xk_hist *hist, struct ipc_row *row)
{
	double *rates = calloc(opts->common.runs, sizeof(*rates));
	uint64_t count;
	int ret = rates ? 0 : -ENOMEM;

	if (!ret && line)
		ret = ipc_drive_floor(end, line, &row->floor_ns);
	if (!ret)
		ret = check_all(end, opts, hist, row);
	if (!ret)
		ret = find_count(end, opts, hist, row, &count);
	xk_hist_reset(hist);
	if (!ret)
		ret = time_runs(end, opts, count, hist, rates, row);
	if (!row->kernel_memory_bytes) /* a stream's if there is one */
		row->kernel_memory_bytes = end->method->memory(end);
	free(rates);
	return ret;
}

int ipc_judge_row(const struct ipc_row *row, struct xk_err *err)
{
	if (row->textbook || (!row->seen.lost && !row->seen.wrong))
		return 0;
	return xk_err_fill(err, -EBADMSG, IPC_WHAT, NULL,
			   "%s, %u bytes: of %llu messages %llu were lost and %llu wrong",
			   row->method, row->bytes, (unsigned long long)row->seen.received,
			   (unsigned long long)row->seen.lost, (unsigned long long)row->seen.wrong);
}

int ipc_explain(int ret, const struct ipc_method *method, unsigned bytes, struct xk_err *err)
{
	if (!ret || ret == -EINTR)
		return ret;
	if (ret == -EPIPE)
		return xk_err_fill(err, ret, IPC_WHAT, "start both ends again",
				   "%s, %u bytes: the other process is gone", method->name, bytes);
	if (ret == -ECANCELED)
		return xk_err_fill(err, ret, IPC_WHAT, "start both ends again",
				   "%s, %u bytes: the other process ended early", method->name,
				   bytes);
	if (ret == -ETIMEDOUT)
		return xk_err_fill(err, ret, IPC_WHAT, "see whether it is stopped, or --timeout",
				   "%s, %u bytes: the other process lives, but nothing moves",
				   method->name, bytes);
	if (ret == -EPROTO)
		return xk_err_fill(err, ret, IPC_WHAT, "give both the same METHOD",
				   "%s, %u bytes: the other end does not understand this one",
				   method->name, bytes);
	return xk_err_fill(err, ret, IPC_WHAT, NULL, "%s, %u bytes", method->name, bytes);
}
