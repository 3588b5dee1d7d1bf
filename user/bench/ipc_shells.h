/* SPDX-License-Identifier: BSD-2-Clause */
/* ipc_shells.h - one end in this process, the other in another one, which has the same NAME. */
#ifndef XSKIT_BENCH_IPC_SHELLS_H
#define XSKIT_BENCH_IPC_SHELLS_H

#include "bench/ipc_measure.h"
#include "bench/ipc_notes.h"

/*
 * Find the process of that name that has the other seat; either may come first. A socket to it, or
 * -ETIMEDOUT, -EBUSY somebody has this seat, -EINTR.
 */
int ipc_meet(struct ipc_notes *notes, enum ipc_seat seat, unsigned ticks, struct xk_err *err);

/* This end, to its end. 0, -EINTR, or an error. */
int ipc_shell(const struct ipc_opts *opts, struct result *result, struct xk_err *err);

#endif
