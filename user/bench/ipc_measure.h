/* SPDX-License-Identifier: BSD-2-Clause */
/* ipc_measure.h - side 0 of a link: what is measured, and the row it ends in. */
#ifndef XSKIT_BENCH_IPC_MEASURE_H
#define XSKIT_BENCH_IPC_MEASURE_H

#include "bench/ipc_link.h"
#include "bench/ipc_opts.h"
#include "bench/result.h"

struct ipc_row {
	const char *method;
	unsigned bytes, copies, runs;
	bool persistent, textbook;
	double msgs_per_s, msgs_per_s_min, msgs_per_s_max; /* NaN: not measured */
	const struct xk_hist *rtt_ns;                      /* NULL: not measured */
	double cpu_s_per_million, syscalls_per_msg;
	double floor_ns; /* NaN: not known */
	uint64_t kernel_memory_bytes;
	struct ipc_seen seen;
	uint64_t syscalls; /* counted in all rounds, also those that are not timed */
};

extern const struct result_column ipc_columns[];
extern const unsigned ipc_n_columns;

/* An empty row; rtt: where its histogram is to be. */
struct ipc_row ipc_row_of(const struct ipc_method *method, unsigned bytes, unsigned runs);

/* One metric (of the end's link) into the row. line: shared with the other side, NULL: none. */
int ipc_measure(struct ipc_end *end, const struct ipc_opts *opts, uint64_t *line,
		struct xk_hist *hist, struct ipc_row *row);

/* A right method is right: no error; else -EBADMSG. */
int ipc_judge_row(const struct ipc_row *row, struct xk_err *err);

/* What an error between the two ends means; 0 and -EINTR stay, and are no errors. */
int ipc_explain(int ret, const struct ipc_method *method, unsigned bytes, struct xk_err *err);

#endif
