// SPDX-License-Identifier: BSD-2-Clause
/*
 * Datagrams: UNIX, where the sender sleeps until there is room, and UDP over the loopback
 * interface, where there is no such thing: what finds the receiver's buffer full is dropped. So
 * that every message arrives, the one-way UDP stream has credits: the receiver says with a datagram
 * of one byte that half a window was read, and the sender waits for that when a window is on its
 * way. These calls are counted with the others.
 *
 * Kernel memory, of one direction: SO_SNDBUF (UNIX), SO_RCVBUF (UDP), as granted; measured.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench/ipc.h"
#include "bench/ipc_fds.h"

#define UDP_MAX  65507u /* 65535 less the headers */
#define OVERHEAD 1024u  /* of a datagram in a receive buffer, beside its bytes, at least */
#define WINDOW   256u

static int dgram_put(struct ipc_end *end, const void *message, size_t bytes)
{
	int ret = 0;

	while (!ret) {
		ssize_t done = send(end->made.fd[end->side], message, bytes, 0);

		end->calls++;
		if (done == (ssize_t)bytes)
			return 0;
		ret = done < 0 ? ipc_call_failed(end) : -EMSGSIZE;
	}
	return ret;
}

/* One of exactly so many bytes. */
static int dgram_get(struct ipc_end *end, char *to, size_t bytes)
{
	int ret = 0;

	while (!ret) {
		ssize_t got = recv(end->made.fd[end->side], to, end->made.bytes, 0);

		end->calls++;
		if (got == (ssize_t)bytes)
			return 0;
		ret = got < 0 ? ipc_call_failed(end) : got ? -EBADMSG : -EPIPE;
	}
	return ret;
}

static int dgram_send(struct ipc_end *end, const void *message)
{
	return dgram_put(end, message, end->made.bytes);
}

static int dgram_recv(struct ipc_end *end, const void **message)
{
	*message = end->buffer;
	return dgram_get(end, end->buffer, end->made.bytes);
}

static int too_large(const char *what, unsigned bytes, uint64_t most, struct xk_err *err)
{
	return xk_err_fill(err, -EMSGSIZE, what, NULL,
			   "a datagram of %u bytes: at most %llu are possible", bytes,
			   (unsigned long long)most);
}

/* --- UNIX --- */

static int unix_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	uint64_t most;
	int ret;

	(void)maker;
	ret = ipc_fds_unix(made, SOCK_DGRAM, err);
	if (ret)
		return ret;
	most = ipc_fds_buffer(made->fd[0], SO_SNDBUF) - 32; /* as unix(7) has it */
	if (made->bytes <= most)
		return 0;
	close(made->fd[0]);
	close(made->fd[1]);
	made->n_fds = 0;
	return too_large("unix-dgram", made->bytes, most, err);
}

static uint64_t unix_memory(const struct ipc_end *end)
{
	return ipc_fds_buffer(end->made.fd[end->side], SO_SNDBUF);
}

const struct ipc_method ipc_unix_dgram = {
	.name = "unix-dgram",
	.copies = 2,
	.make = unix_make,
	.open = ipc_fds_open,
	.send = dgram_send,
	.recv = dgram_recv,
	.memory = unix_memory,
	.close = ipc_fds_close,
};

/* --- UDP --- */

struct credit {
	uint64_t window;
	uint64_t used; /* sender: on their way; receiver: read since the last credit */
};

static uint64_t window_of(int fd, unsigned bytes)
{
	uint64_t buffer = ipc_fds_buffer(fd, SO_RCVBUF);
	uint64_t window = buffer / 2 / (2 * (uint64_t)bytes + OVERHEAD);

	window = window < WINDOW ? window : WINDOW;
	return window < 2 ? 1 : window & ~UINT64_C(1);
}

/* Connected, so that nobody else's datagrams get in. */
static int udp_connect(struct ipc_made *made)
{
	struct sockaddr_in at[2];
	int ret = 0;

	for (unsigned i = 0; i < 2 && !ret; i++)
		ret = ipc_fds_bind(SOCK_DGRAM, &made->fd[i], &at[i]);
	for (unsigned i = 0; i < 2 && !ret; i++)
		if (connect(made->fd[i], (struct sockaddr *)&at[!i], sizeof(*at)))
			ret = -errno;
	return ret;
}

static int udp_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	int ret;

	(void)maker;
	if (made->bytes > UDP_MAX)
		return too_large("udp", made->bytes, UDP_MAX, err);
	made->fd[0] = made->fd[1] = -1;
	ret = ipc_fds_made(made, udp_connect(made), "udp", err);
	if (!ret)
		made->slots = window_of(made->fd[1], made->bytes);
	return ret;
}

static int udp_open(struct ipc_end *end)
{
	struct credit *credit = calloc(1, sizeof(*credit));

	if (!credit)
		return -ENOMEM;
	credit->window = end->made.slots;
	end->state = credit;
	return ipc_fds_open(end);
}

/* Credits of a round that ended early are of no use in the next. */
static int udp_begin(struct ipc_end *end)
{
	struct credit *credit = end->state;
	char byte;

	credit->used = 0;
	while (end->made.metric == IPC_STREAM && !end->side &&
	       recv(end->made.fd[0], &byte, 1, MSG_DONTWAIT) >= 0)
		;
	return 0;
}

static uint64_t credit_step(const struct credit *credit)
{
	return credit->window > 1 ? credit->window / 2 : 1;
}

static int udp_send(struct ipc_end *end, const void *message)
{
	struct credit *credit = end->state;
	int ret = 0;

	if (end->made.metric == IPC_STREAM && credit->used == credit->window) {
		ret = dgram_get(end, end->buffer, 1);
		if (!ret)
			credit->used -= credit_step(credit);
	}
	credit->used++;
	return ret ? ret : dgram_put(end, message, end->made.bytes);
}

static int udp_recv(struct ipc_end *end, const void **message)
{
	struct credit *credit = end->state;
	int ret = dgram_recv(end, message);

	if (ret || end->made.metric != IPC_STREAM || ++credit->used < credit_step(credit))
		return ret;
	credit->used = 0;
	return dgram_put(end, "", 1);
}

static uint64_t udp_memory(const struct ipc_end *end)
{
	return ipc_fds_buffer(end->made.fd[end->side], SO_RCVBUF);
}

static void udp_close(struct ipc_end *end)
{
	free(end->state);
	ipc_fds_close(end);
}

const struct ipc_method ipc_udp = {
	.name = "udp",
	.copies = 2,
	.make = udp_make,
	.open = udp_open,
	.begin = udp_begin,
	.send = udp_send,
	.recv = udp_recv,
	.memory = udp_memory,
	.close = udp_close,
};
