// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "rings_stop.h"

static volatile sig_atomic_t stopped;
static int stop_fd = -1;

static void on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	stopped = 1;
	eventfd_write(stop_fd, 1); /* whoever is about to poll does not sleep over it */
	errno = saved;
}

int rings_stop_catch(struct xk_err *err)
{
	struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return xk_err_fill(err, -errno, "catch signals", NULL, "no eventfd");
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

bool rings_stopped(void)
{
	return stopped;
}

uint64_t rings_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int rings_stop_poll(int fd, short events, uint64_t ns)
{
	struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = stop_fd, .events = POLLIN}};
	struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u),
			     .tv_nsec = (long)(ns % 1000000000u)};
	int n = stopped ? 0 : ppoll(fds, 2, ns == UINT64_MAX ? NULL : &t, NULL);

	if (stopped)
		return -EINTR;
	return n > 0 && fds[0].revents ? 1 : 0;
}
