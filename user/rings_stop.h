/* SPDX-License-Identifier: BSD-2-Clause */
/* rings_stop.h - SIGINT and SIGTERM as a flag, and as a descriptor to poll beside others. */
#ifndef XSKIT_RINGS_STOP_H
#define XSKIT_RINGS_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <xskit/err.h>

/* From now on the first of them only tells; the second one kills. SIGPIPE is ignored. */
int rings_stop_catch(struct xk_err *err);
bool rings_stopped(void);

/*
 * Until `fd` (-1: none) is ready for these poll(2) events. ns: at most so long, UINT64_MAX: for
 * ever. 1 it is; 0 the time is over; -EINTR: stopped.
 */
int rings_stop_poll(int fd, short events, uint64_t ns);

uint64_t rings_now_ns(void); /* of the monotonic clock */

#endif
