/* SPDX-License-Identifier: BSD-2-Clause */
/* ring_child.h - a child process that writes a few lines and ends, or is ended. */
#ifndef XSKIT_BENCH_RING_CHILD_H
#define XSKIT_BENCH_RING_CHILD_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

#define RING_CHILD_MS 30000 /* a run takes a tenth of a second, and a slow one a second */

struct ring_child {
	pid_t pid;
	int out; /* what it writes can be read here */
};

/*
 * Fork: 1 in the parent; 0 in the child, which writes to *in, dies with its parent and leaves the
 * terminal's signals to it; or -errno.
 */
int ring_child_start(struct ring_child *child, int *in);

/* In the child: become another program, whose stdout is `in`. */
_Noreturn void ring_child_become(char *const argv[], int in);

/*
 * All it writes until its end, as one string; it is gone afterwards in any case. 0; -EINTR:
 * process_interrupted(); -ETIMEDOUT: it took longer than RING_CHILD_MS; -EPIPE: a signal ended it;
 * or another -errno.
 */
int ring_child_read(struct ring_child *child, char *text, size_t len);

#endif
