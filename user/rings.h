/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings.h - the commands that work with shared-memory rings, each with its own options. Each takes
 * a command line whose argv[0] is its own name and returns what a command returns (cmd.h).
 */
#ifndef XSKIT_RINGS_H
#define XSKIT_RINGS_H

#include <xskit/err.h>

int rings_verify(int argc, char **argv, struct xk_err *err);
int rings_send(int argc, char **argv, struct xk_err *err);
int rings_recv(int argc, char **argv, struct xk_err *err);
int rings_info(int argc, char **argv, struct xk_err *err);
int rings_repair(int argc, char **argv, struct xk_err *err);
int rings_unlink(int argc, char **argv, struct xk_err *err);

#endif
