/* SPDX-License-Identifier: BSD-2-Clause */
/* ipc_opts.h - the command line of bench ipc. */
#ifndef XSKIT_BENCH_IPC_OPTS_H
#define XSKIT_BENCH_IPC_OPTS_H

#include "bench/ipc.h"
#include "bench/options.h"

struct ipc_opts {
	struct number_list methods; /* places in ipc_methods */
	struct number_list bytes, metrics;
	struct bench_options common;
	double run_s;      /* of a timed run */
	uint64_t messages; /* of each run instead; 0: as many as take run_s */
	double timeout_s;
	const struct ipc_method *method; /* two shells: this one, this end, this name; else NULL */
	unsigned side;
	const char *name;
	struct xk_err *err;
};

int ipc_opts_parse(struct ipc_opts *opts, int argc, char **argv, struct xk_err *err);
void ipc_opts_free(struct ipc_opts *opts);

static inline unsigned ipc_opts_ticks(const struct ipc_opts *opts)
{
	return (unsigned)(opts->timeout_s * 1000 / IPC_TICK_MS) + 1;
}

#endif
