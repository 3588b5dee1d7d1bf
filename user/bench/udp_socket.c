// SPDX-License-Identifier: BSD-2-Clause
/* A worker's socket: everything that is asked of it, and what of that was granted. */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/errqueue.h> /* needs time.h in front */
#include <xskit/atomic.h>
#include "bench/udp.h"
#include "report.h"

#ifndef SO_PREFER_BUSY_POLL /* 5.11 */
#define SO_PREFER_BUSY_POLL 69
#endif
#define ERRORS_A_LOOK 64u

static bool set(int fd, int level, int option, int value)
{
	return !setsockopt(fd, level, option, &value, sizeof(value));
}

static int get(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) ? 0 : value;
}

/* --- buffers --- */

/* The kernel keeps twice what is asked, for its own needs, and tells that. */
static uint32_t ask_buffer(int fd, int forced, int option, uint32_t bytes)
{
	if (!set(fd, SOL_SOCKET, forced, (int)bytes))
		set(fd, SOL_SOCKET, option, (int)bytes);
	return (uint32_t)get(fd, SOL_SOCKET, option) / 2;
}

static void ask_buffers(struct udp_net *net)
{
	uint32_t bytes = net->opts->buffer;

	net->terms.receive_buffer = ask_buffer(net->fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
	net->terms.send_buffer = ask_buffer(net->fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes);
}

/* --- what may be refused --- */

static void ask_busy_poll(struct udp_net *net)
{
	uint32_t us = net->opts->busy_poll_us;

	if (!us)
		return;
	if (set(net->fd, SOL_SOCKET, SO_BUSY_POLL, (int)us))
		net->terms.busy_poll_us = us;
	net->terms.prefer_busy_poll = set(net->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, 1);
}

/* What one datagram may hold without being cut into fragments, which UDP_SEGMENT refuses. */
static uint32_t largest_segment(const struct udp_net *net)
{
	bool v6 = net->opts->address.any.sa_family == AF_INET6;
	int mtu = v6 ? get(net->fd, IPPROTO_IPV6, IPV6_MTU) : get(net->fd, IPPROTO_IP, IP_MTU);

	return mtu > 0 ? (uint32_t)mtu - (v6 ? 48 : 28) : UDP_MAX_SIZE;
}

/* 0 segments nothing: it asks only whether the kernel knows the option. Each send says its own. */
static void ask_trains(struct udp_net *net)
{
	if (net->opts->gso && net->tx)
		net->terms.gso = set(net->fd, SOL_UDP, UDP_SEGMENT, 0) &&
				 (!net->connected || net->opts->size <= largest_segment(net));
	if (net->opts->gro && net->rx)
		net->terms.gro = set(net->fd, SOL_UDP, UDP_GRO, 1);
}

/*
 * IP_RECVERR: a datagram that a queue below dropped fails with ENOBUFS, instead of being taken for
 * sent. Not with zero copy, where ENOBUFS must mean one thing only.
 */
static void ask_truth(struct udp_net *net)
{
	set(net->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	if (net->api->completed)
		return;
	set(net->fd, IPPROTO_IP, IP_RECVERR, 1);
	set(net->fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/* --- open --- */

static int bad(struct xk_err *err, const char *fix, const char *doing, unsigned port)
{
	return xk_err_fill(err, -errno, UDP_WHAT, fix, "%s port %u", doing, port);
}

static void set_port(struct udp_peer *peer, unsigned port)
{
	if (peer->any.sa_family == AF_INET6)
		peer->v6.sin6_port = htons((uint16_t)port);
	else
		peer->v4.sin_port = htons((uint16_t)port);
}

/* Without an address: both families where there is IPv6. */
static struct udp_peer everywhere(void)
{
	struct udp_peer any = {.len = sizeof(any.v6), .v6 = {.sin6_family = AF_INET6}};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !bind(fd, &any.any, any.len)) {
		close(fd);
		return any;
	}
	if (fd >= 0)
		close(fd);
	return (struct udp_peer){.len = sizeof(any.v4), .v4 = {.sin_family = AF_INET}};
}

static int bind_to(struct udp_net *net, struct udp_peer *own, unsigned port, struct xk_err *err)
{
	if (!set(net->fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return bad(err, NULL, "SO_REUSEPORT for", port);
	if (own->any.sa_family == AF_INET6)
		set(net->fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (!bind(net->fd, &own->any, own->len))
		return 0;
	return bad(err,
		   errno == EADDRINUSE ? "choose another --port, or stop who has it: `ss -lunp`"
				       : "give an ADDRESS of this host",
		   "bind to", port);
}

static int connect_to(struct udp_net *net, struct udp_peer *other, unsigned port,
		      struct xk_err *err)
{
	if (!connect(net->fd, &other->any, other->len))
		return 0;
	return bad(err, "is there a route? `ip route get ADDRESS`", "connect to", port);
}

int udp_socket_open(struct udp_net *net, unsigned port, struct xk_err *err)
{
	struct udp_peer peer = net->opts->address.len ? net->opts->address : everywhere();
	int ret;

	net->fd = socket(peer.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (net->fd < 0)
		return bad(err, "`ulimit -n` tells how many are allowed", "open a socket for",
			   port);
	set_port(&peer, port);
	ask_truth(net);
	ask_buffers(net);
	ask_busy_poll(net);
	ret = net->connected ? connect_to(net, &peer, port, err) : bind_to(net, &peer, port, err);
	if (!ret)
		ask_trains(net);
	return ret;
}

/* --- at work --- */

void udp_drops_note(struct udp_net *net, uint32_t now)
{
	int32_t more = (int32_t)(now - net->drops_seen);

	if (more <= 0) /* a datagram that was queued before others were dropped */
		return;
	net->drops_seen = now;
	xk_bump(&net->count.kernel_drops, (uint32_t)more);
}

uint32_t udp_socket_drops(const struct udp_net *net)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	return getsockopt(net->fd, SOL_SOCKET, SO_MEMINFO, info, &len) ? 0 : info[SK_MEMINFO_DROPS];
}

void udp_socket_look(struct udp_net *net)
{
	udp_drops_note(net, udp_socket_drops(net));
	net->terms.busy_poll = net->terms.busy_poll_us && net->terms.prefer_busy_poll &&
			       get(net->fd, SOL_SOCKET, SO_INCOMING_NAPI_ID);
}

/* What the network said of something that was sent. */
static void note_error(struct udp_net *net, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const struct sock_extended_err *error = (const void *)CMSG_DATA(c);

		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			xk_store_relaxed(&net->last_error, -(int)error->ee_errno);
	}
}

unsigned udp_socket_errors(struct udp_net *net)
{
	char control[256] __attribute__((aligned(8)));
	struct msghdr msg = {.msg_control = control};
	unsigned n;

	if (net->api->completed) /* it reads the queue itself */
		return 0;
	for (n = 0; n < ERRORS_A_LOOK; n++) {
		msg.msg_controllen = sizeof(control);
		xk_bump(&net->count.syscalls, 1);
		if (recvmsg(net->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		note_error(net, &msg);
	}
	get(net->fd, SOL_SOCKET, SO_ERROR); /* and takes it away */
	xk_bump(&net->count.receive_errors, n);
	return n;
}
