/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd.h - what main and the commands agree on. */
#ifndef XSKIT_CMD_H
#define XSKIT_CMD_H

#include <xskit/err.h>

/*
 * A command returns 0, CMD_HELPED, a negative errno, or one of these; it fills *err and main prints
 * it as `xskit: what: why: fix` and makes the exit status: 0, 1 (failed while running), 2 or 3.
 */
#define CMD_HELPED      1       /* --help was asked for, and given: exit 0 */
#define CMD_USAGE       (-5000) /* wrong usage */
#define CMD_NOT_GRANTED (-5001) /* something in --require was not granted */

typedef int (*cmd_fn)(int argc, char **argv, struct xk_err *err);

int cmd_rx(int argc, char **argv, struct xk_err *err);
int cmd_gen(int argc, char **argv, struct xk_err *err);
int cmd_echo(int argc, char **argv, struct xk_err *err);
int cmd_ping(int argc, char **argv, struct xk_err *err);
int cmd_fwd(int argc, char **argv, struct xk_err *err);
int cmd_load(int argc, char **argv, struct xk_err *err);
int cmd_unload(int argc, char **argv, struct xk_err *err);
int cmd_status(int argc, char **argv, struct xk_err *err);
int cmd_doctor(int argc, char **argv, struct xk_err *err);
int cmd_tune(int argc, char **argv, struct xk_err *err);
int cmd_ring(int argc, char **argv, struct xk_err *err);
int cmd_bench(int argc, char **argv, struct xk_err *err);

#endif
