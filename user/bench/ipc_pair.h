/* SPDX-License-Identifier: BSD-2-Clause */
/* ipc_pair.h - both ends on this machine: this process is side 0, a child is side 1. */
#ifndef XSKIT_BENCH_IPC_PAIR_H
#define XSKIT_BENCH_IPC_PAIR_H

#include "bench/ipc_measure.h"
#include "bench/ipc_notes.h"

struct ipc_pair {
	const struct ipc_opts *opts;
	struct ipc_notes *notes;
	const int *cpu; /* of side 0, of side 1 */
	uint64_t *line; /* shared, for the floor */
};

/* This process to its CPU, and what the pairs share. */
int ipc_pair_prepare(struct ipc_pair *pair, struct xk_err *err);
void ipc_pair_release(struct ipc_pair *pair);

/*
 * One method and size, all metrics asked for. 1: it is not possible, and *err says why; 0; -EINTR;
 * other errors. Whatever was made is removed.
 */
int ipc_pair_measure(const struct ipc_pair *pair, const struct ipc_method *method, unsigned bytes,
		     struct xk_hist *hist, struct ipc_row *row, struct xk_err *err);

#endif
