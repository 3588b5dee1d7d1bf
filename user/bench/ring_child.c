// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/process.h"
#include "bench/ring_child.h"

int ring_child_start(struct ring_child *child, int *in)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fflush(stdout);
	child->pid = fork();
	if (child->pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (child->pid) {
		close(ends[1]);
		child->out = ends[0];
		return 1;
	}
	close(ends[0]);
	process_follow(parent);
	*in = ends[1];
	return 0;
}

void ring_child_become(char *const argv[], int in)
{
	dup2(in, STDOUT_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

static uint64_t now_ms(void)
{
	return process_now_ns() / 1000000u;
}

static int read_more(struct ring_child *child, uint64_t deadline, char *text, size_t room)
{
	struct pollfd fd = {.fd = child->out, .events = POLLIN};
	uint64_t now = now_ms();
	ssize_t got;

	if (process_interrupted())
		return -EINTR;
	if (now >= deadline)
		return -ETIMEDOUT;
	if (poll(&fd, 1, (int)(deadline - now)) <= 0)
		return -EAGAIN; /* see why above */
	got = read(child->out, text, room);
	return got < 0 ? -errno : (int)got;
}

int ring_child_read(struct ring_child *child, char *text, size_t len)
{
	uint64_t deadline = now_ms() + RING_CHILD_MS;
	size_t at = 0;
	int got, status;

	do {
		got = read_more(child, deadline, text + at, len - 1 - at);
		if (got > 0)
			at += (size_t)got;
	} while ((got > 0 && at < len - 1) || got == -EAGAIN ||
		 (got == -EINTR && !process_interrupted()));
	text[at] = '\0';
	if (got < 0)
		kill(child->pid, SIGKILL);
	close(child->out);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got < 0)
		return got;
	return WIFSIGNALED(status) ? -EPIPE : 0;
}
