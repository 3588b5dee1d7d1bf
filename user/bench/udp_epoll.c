// SPDX-License-Identifier: BSD-2-Clause
/* epoll(7), and a system call a datagram: the loop most servers have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

struct epoll {
	int fd, wake_fd; /* wake_fd -1: not known yet */
	bool writes;     /* EPOLLOUT is asked for */
};

static int watch(struct epoll *e, int operation, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(e->fd, operation, fd, &event) ? -errno : 0;
}

static void close_epoll(struct udp_net *net)
{
	struct epoll *e = net->api_state;

	if (!e)
		return;
	if (e->fd >= 0)
		close(e->fd);
	free(e);
	net->api_state = NULL;
}

static uint32_t reads(const struct udp_net *net)
{
	return net->rx ? EPOLLIN : 0;
}

static int open_epoll(struct udp_net *net, struct xk_err *err)
{
	struct epoll *e = calloc(1, sizeof(*e));
	int ret;

	if (!e)
		return xk_err_fill(err, -ENOMEM, UDP_WHAT, NULL, "epoll");
	net->api_state = e;
	e->wake_fd = -1;
	e->fd = epoll_create1(EPOLL_CLOEXEC);
	ret = e->fd < 0 ? -errno : watch(e, EPOLL_CTL_ADD, net->fd, reads(net));
	if (!ret)
		ret = watch(e, EPOLL_CTL_ADD, net->bell.fd, EPOLLIN);
	return ret ? xk_err_fill(err, ret, UDP_WHAT, NULL, "epoll") : 0;
}

static int receive(struct udp_net *net, unsigned n)
{
	unsigned got = 0;

	while (got < n) {
		struct msghdr *msg = &net->rx_msg[got].msg_hdr;
		ssize_t len = recvmsg(net->fd, msg, MSG_DONTWAIT | MSG_TRUNC);

		xk_bump(&net->count.syscalls, 1);
		if (len < 0)
			return got ? (int)got : -errno;
		udp_in_note(net, got++, msg, (uint32_t)len);
	}
	return (int)got;
}

static int send_each(struct udp_net *net, unsigned n)
{
	unsigned sent = 0;

	while (sent < n) {
		xk_bump(&net->count.syscalls, 1);
		if (sendmsg(net->fd, &net->tx_msg[sent].msg_hdr, MSG_DONTWAIT) < 0)
			return sent ? (int)sent : -errno;
		sent++;
	}
	return (int)sent;
}

/* What is watched follows what is waited for. */
static int prepare(struct udp_net *net, struct epoll *e, int wake_fd)
{
	int ret = 0;

	if (e->wake_fd < 0) {
		ret = watch(e, EPOLL_CTL_ADD, wake_fd, EPOLLIN);
		e->wake_fd = wake_fd;
	}
	if (!ret && e->writes != net->blocked) {
		e->writes = net->blocked;
		ret = watch(e, EPOLL_CTL_MOD, net->fd, reads(net) | (e->writes ? EPOLLOUT : 0));
	}
	return ret;
}

static int wait_events(struct udp_net *net, int wake_fd, uint64_t ns)
{
	const struct timespec timeout = {.tv_sec = (time_t)(ns / 1000000000),
					 .tv_nsec = (long)(ns % 1000000000)};
	struct epoll *e = net->api_state;
	struct epoll_event events[3];
	int n, ret = prepare(net, e, wake_fd);

	if (ret)
		return ret;
	n = epoll_pwait2(e->fd, events, 3, &timeout, NULL);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd != net->fd)
			continue;
		net->readable |= !!(events[i].events & (EPOLLIN | EPOLLERR));
		if (events[i].events & EPOLLERR)
			udp_socket_errors(net);
	}
	return 0;
}

const struct udp_api udp_api_epoll = {
	.name = "epoll",
	.open = open_epoll,
	.close = close_epoll,
	.receive = receive,
	.send = send_each,
	.wait = wait_events,
};
