/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h - the user-space experiments. Each takes the whole command line, of which argv[0] is
 * "bench" and argv[1] its own name, and returns what a command returns (cmd.h).
 */
#ifndef XSKIT_BENCH_H
#define XSKIT_BENCH_H

#include <xskit/err.h>

int bench_ring(int argc, char **argv, struct xk_err *err);
int bench_false_sharing(int argc, char **argv, struct xk_err *err);
int bench_numa(int argc, char **argv, struct xk_err *err);
int bench_udp(int argc, char **argv, struct xk_err *err);
int bench_ipc(int argc, char **argv, struct xk_err *err);

#endif
