/* SPDX-License-Identifier: BSD-2-Clause */
/* ipc_fds.h - for methods that are a few descriptors, the first half of them side 0's. */
#ifndef XSKIT_BENCH_IPC_FDS_H
#define XSKIT_BENCH_IPC_FDS_H

#include <netinet/in.h>
#include "bench/ipc.h"

int ipc_fds_open(struct ipc_end *end); /* closes the other side's: or its end would not show */
void ipc_fds_close(struct ipc_end *end);

uint64_t ipc_fds_buffer(int fd, int which); /* SO_SNDBUF, SO_RCVBUF as granted */
int ipc_fds_unix(struct ipc_made *made, int type, struct xk_err *err);

/* A socket on a free port of the loopback interface; *fd is to be closed also on error, if >= 0. */
int ipc_fds_bind(int type, int *fd, struct sockaddr_in *at);

/* Both sockets are there; or (ret) they are closed and the error is filled. */
int ipc_fds_made(struct ipc_made *made, int ret, const char *what, struct xk_err *err);

#endif
