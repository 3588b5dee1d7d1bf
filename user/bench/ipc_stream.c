// SPDX-License-Identifier: BSD-2-Clause
/*
 * Streams of bytes: pipe, UNIX stream socket, TCP over the loopback interface. A message is as many
 * bytes as were agreed upon, one write and one read unless the kernel cuts it.
 *
 * Kernel memory, of one direction: a pipe's buffer (F_GETPIPE_SZ, measured); what a UNIX socket may
 * have on its way (SO_SNDBUF, the sender is charged; measured); TCP's send and receive buffers as
 * they have grown (measured at the end).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench/ipc.h"
#include "bench/ipc_fds.h"

int ipc_fds_open(struct ipc_end *end)
{
	unsigned each = end->made.n_fds / 2, mine = end->side * each;

	for (unsigned i = 0; i < end->made.n_fds; i++)
		if (i < mine || i >= mine + each) {
			close(end->made.fd[i]);
			end->made.fd[i] = -1;
		}
	return 0;
}

void ipc_fds_close(struct ipc_end *end)
{
	for (unsigned i = 0; i < end->made.n_fds; i++)
		if (end->made.fd[i] >= 0)
			close(end->made.fd[i]);
	end->made.n_fds = 0;
}

/* A pipe's side has its reading end first, then its writing end; a socket's has one for both. */
static int fd_in(const struct ipc_end *end)
{
	return end->made.fd[end->side * end->made.n_fds / 2];
}

static int fd_out(const struct ipc_end *end)
{
	return end->made.fd[(end->side + 1) * end->made.n_fds / 2 - 1];
}

static int stream_send(struct ipc_end *end, const void *message)
{
	const char *from = message;
	size_t left = end->made.bytes;
	int ret = 0;

	while (left && !ret) {
		ssize_t done = write(fd_out(end), from, left);

		end->calls++;
		if (done > 0) {
			from += done;
			left -= (size_t)done;
		} else {
			ret = ipc_call_failed(end);
		}
	}
	return ret;
}

static int stream_recv(struct ipc_end *end, const void **message)
{
	size_t left = end->made.bytes;
	char *to = end->buffer;
	int ret = 0;

	*message = to;
	while (left && !ret) {
		ssize_t done = read(fd_in(end), to, left);

		end->calls++;
		if (done > 0) {
			to += done;
			left -= (size_t)done;
		} else {
			ret = done ? ipc_call_failed(end) : -EPIPE;
		}
	}
	return ret;
}

/* --- pipe --- */

static int pipe_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	int there[2], back[2];

	(void)maker;
	if (pipe2(there, O_CLOEXEC))
		goto fail;
	if (pipe2(back, O_CLOEXEC)) {
		close(there[0]);
		close(there[1]);
		goto fail;
	}
	made->fd[0] = back[0];
	made->fd[1] = there[1];
	made->fd[2] = there[0];
	made->fd[3] = back[1];
	made->n_fds = 4;
	return 0;
fail:
	return xk_err_fill(err, -errno, "pipe", "raise `ulimit -n`", "make it");
}

static uint64_t pipe_memory(const struct ipc_end *end)
{
	int bytes = fcntl(fd_out(end), F_GETPIPE_SZ);

	return bytes < 0 ? 0 : (uint64_t)bytes;
}

const struct ipc_method ipc_pipe = {
	.name = "pipe",
	.copies = 2,
	.make = pipe_make,
	.open = ipc_fds_open,
	.send = stream_send,
	.recv = stream_recv,
	.memory = pipe_memory,
	.close = ipc_fds_close,
};

/* --- sockets --- */

uint64_t ipc_fds_buffer(int fd, int which)
{
	socklen_t len = sizeof(int);
	int bytes;

	return getsockopt(fd, SOL_SOCKET, which, &bytes, &len) || bytes < 0 ? 0 : (uint64_t)bytes;
}

int ipc_fds_unix(struct ipc_made *made, int type, struct xk_err *err)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, made->fd))
		return xk_err_fill(err, -errno, "UNIX socket", "raise `ulimit -n`", "make a pair");
	made->n_fds = 2;
	return 0;
}

static int unix_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	(void)maker;
	return ipc_fds_unix(made, SOCK_STREAM, err);
}

static uint64_t unix_memory(const struct ipc_end *end)
{
	return ipc_fds_buffer(fd_out(end), SO_SNDBUF);
}

const struct ipc_method ipc_unix_stream = {
	.name = "unix-stream",
	.copies = 2,
	.make = unix_make,
	.open = ipc_fds_open,
	.send = stream_send,
	.recv = stream_recv,
	.memory = unix_memory,
	.close = ipc_fds_close,
};

int ipc_fds_bind(int type, int *fd, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);

	*at = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	*fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (struct sockaddr *)at, len) ||
	    getsockname(*fd, (struct sockaddr *)at, &len))
		return -errno;
	return 0;
}

/* Anybody may connect to a port: what is accepted must be our own other end. */
static int accept_own(int listener, const struct sockaddr_in *own)
{
	struct sockaddr_in from;

	for (;;) {
		socklen_t len = sizeof(from);
		int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return -errno;
		if (fd >= 0 && from.sin_port == own->sin_port)
			return fd;
		if (fd >= 0)
			close(fd);
	}
}

/* A tick may come between; the next call waits for the same connection. */
static int connect_own(int fd, const struct sockaddr_in *at)
{
	while (connect(fd, (const struct sockaddr *)at, sizeof(*at))) {
		if (errno == EISCONN)
			return 0;
		if (errno != EINTR || process_interrupted())
			return -errno;
	}
	return 0;
}

static int tcp_connect(struct ipc_made *made, int listener, const struct sockaddr_in *at)
{
	const int on = 1;
	struct sockaddr_in own;
	int ret = ipc_fds_bind(SOCK_STREAM, &made->fd[0], &own);

	if (!ret)
		ret = connect_own(made->fd[0], at);
	if (ret)
		return ret;
	made->fd[1] = accept_own(listener, &own);
	if (made->fd[1] < 0)
		return made->fd[1];
	for (unsigned i = 0; i < 2; i++)
		if (setsockopt(made->fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
			return -errno;
	return 0;
}

int ipc_fds_made(struct ipc_made *made, int ret, const char *what, struct xk_err *err)
{
	made->n_fds = 2;
	if (!ret)
		return 0;
	for (unsigned i = 0; i < 2; i++)
		if (made->fd[i] >= 0)
			close(made->fd[i]);
	made->n_fds = 0;
	return xk_err_fill(err, ret, what, "is the loopback interface up? ip link set lo up",
			   "connect two sockets on 127.0.0.1");
}

static int tcp_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	struct sockaddr_in at;
	int listener, ret;

	(void)maker;
	made->fd[0] = made->fd[1] = -1;
	ret = ipc_fds_bind(SOCK_STREAM, &listener, &at);
	if (!ret && listen(listener, 16))
		ret = -errno;
	if (!ret)
		ret = tcp_connect(made, listener, &at);
	if (listener >= 0)
		close(listener);
	return ipc_fds_made(made, ret, "tcp", err);
}

static uint64_t tcp_memory(const struct ipc_end *end)
{
	return ipc_fds_buffer(fd_out(end), SO_SNDBUF) + ipc_fds_buffer(fd_in(end), SO_RCVBUF);
}

const struct ipc_method ipc_tcp = {
	.name = "tcp",
	.copies = 2,
	.make = tcp_make,
	.open = ipc_fds_open,
	.send = stream_send,
	.recv = stream_recv,
	.memory = tcp_memory,
	.close = ipc_fds_close,
};
