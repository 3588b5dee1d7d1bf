// SPDX-License-Identifier: BSD-2-Clause
/* Waiting that ends: for the peer, for a while, or at the user's word. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "bench/ipc.h"

volatile sig_atomic_t ipc_ticked;

static void on_tick(int number)
{
	(void)number;
	ipc_ticked = 1;
}

/* Without SA_RESTART: the point of a tick is that a call returns. */
int ipc_ticks_start(void)
{
	const struct sigaction action = {.sa_handler = on_tick};
	const struct itimerval every = {
		.it_interval = {.tv_usec = IPC_TICK_MS * 1000},
		.it_value = {.tv_usec = IPC_TICK_MS * 1000},
	};

	signal(SIGPIPE, SIG_IGN);
	if (sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &every, NULL))
		return -errno;
	return 0;
}

void ipc_ticks_stop(void)
{
	const struct itimerval never = {0};

	setitimer(ITIMER_REAL, &never, NULL);
}

/* 1: there is word from the peer; 0: none; -EPIPE. */
static int look_at_peer(int control)
{
	char byte;
	ssize_t got = recv(control, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got > 0)
		return 1;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}

int ipc_still(struct ipc_end *end)
{
	uint64_t moved = end->sent + end->received;
	int peer;

	if (process_interrupted())
		return -EINTR;
	if (!ipc_ticked)
		return 0;
	ipc_ticked = 0;
	peer = look_at_peer(end->control);
	if (peer < 0)
		return peer;
	end->quiet_ticks = moved == end->moved ? end->quiet_ticks + 1 : 0;
	end->moved = moved;
	if (peer && (end->side || end->quiet_ticks > 1))
		return -ECANCELED; /* it has ended the round; side 1's word may just be early */
	return end->quiet_ticks > end->patience_ticks ? -ETIMEDOUT : 0;
}

int ipc_call_failed(struct ipc_end *end)
{
	if (errno == EINTR || errno == EAGAIN || errno == ETIMEDOUT)
		return ipc_still(end);
	/* what a socket, a queue or a semaphore says when the other end is no more */
	if (errno == ECONNRESET || errno == ECONNREFUSED || errno == EIDRM)
		return -EPIPE;
	return -errno;
}
