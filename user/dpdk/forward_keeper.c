// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "forward.h"

static void wanted_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGCHLD);
}

/* The child's end as an exit status, as a shell tells it. */
static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Until the child has ended; it gets every signal that asks for the end as SIGTERM. */
static void keep(pid_t child)
{
	sigset_t set;
	int status;

	wanted_signals(&set);
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig == SIGINT || sig == SIGTERM)
			kill(child, SIGTERM);
		if (waitpid(child, &status, WNOHANG) == child)
			_exit(status_of(status));
	}
}

void keeper_fork(void)
{
	pid_t parent = getpid(), child;
	sigset_t set;

	/* the child waits for them too, in sigtimedwait() */
	wanted_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child = fork();
	if (child > 0)
		keep(child);
	if (child < 0) {
		complain("fork: %s: free some processes", strerror(errno));
		exit(1);
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before that was said */
		exit(1);
}
