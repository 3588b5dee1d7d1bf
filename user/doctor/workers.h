/* SPDX-License-Identifier: BSD-2-Clause */
/* workers.h - the threads of the processes that have a socket on the interface. */
#ifndef XSKIT_DOCTOR_WORKERS_H
#define XSKIT_DOCTOR_WORKERS_H

#include <stdbool.h>
#include "doctor/holders.h"

struct thread {
	int pid, tid;
	int cpu;     /* where it ran last */
	bool pinned; /* to that CPU alone */
	int policy;  /* SCHED_ ... */
	char name[16];
};

/*
 * The pinned threads; of a process that has none, its first one. At most max, or -errno where
 * /proc does not tell.
 */
int workers_find(const struct holders *holders, struct thread *threads, int max);

/* One line of /proc/PID/task/TID/stat: CPU, policy and name. False: not one. */
bool workers_parse(const char *line, struct thread *thread);

/* The state letter of a process: 'R', 'S', 'T' (stopped) ...; 0: it is gone. */
char workers_state(int pid);

#endif
