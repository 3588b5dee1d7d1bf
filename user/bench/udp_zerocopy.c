// SPDX-License-Identifier: BSD-2-Clause
/*
 * MSG_ZEROCOPY: the kernel sends from the ring's memory, and tells on the error queue when it is
 * done with it. A record is released only then. Receiving is as with mmsg.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <linux/errqueue.h> /* needs time.h in front */
#include <xskit/atomic.h>
#include "bench/udp.h"

#define NOTES_A_LOOK 64u
#define MOST_PENDING 4096u /* messages, a power of two */

struct zerocopy {
	uint32_t next, oldest; /* the kernel numbers a socket's messages 0, 1, 2 ... */
	struct {
		uint16_t packets;
		bool done;
	} message[MOST_PENDING];
};

static int open_zerocopy(struct udp_net *net, struct xk_err *err)
{
	int one = 1;

	if (!net->tx)
		return 0;
	if (setsockopt(net->fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		return xk_err_fill(err, -errno, UDP_WHAT, "use --api mmsg", "SO_ZEROCOPY");
	net->api_state = calloc(1, sizeof(struct zerocopy));
	return net->api_state ? 0 : xk_err_fill(err, -ENOMEM, UDP_WHAT, NULL, "zero copy");
}

static void close_zerocopy(struct udp_net *net)
{
	free(net->api_state);
	net->api_state = NULL;
}

static int receive(struct udp_net *net, unsigned n)
{
	return udp_api_mmsg.receive(net, n);
}

static int send_all(struct udp_net *net, unsigned n)
{
	struct zerocopy *z = net->api_state;
	uint32_t room = MOST_PENDING - (z->next - z->oldest);
	int sent;

	if (!room)
		return -EAGAIN;
	sent = sendmmsg(net->fd, net->tx_msg, n < room ? n : room, MSG_DONTWAIT | MSG_ZEROCOPY);
	xk_bump(&net->count.syscalls, 1);
	if (sent < 0) /* ENOBUFS: room for notes (net.core.optmem_max), which come back */
		return errno == ENOBUFS && z->next != z->oldest ? -EAGAIN : -errno;
	for (int i = 0; i < sent; i++, z->next++) {
		z->message[z->next % MOST_PENDING].packets =
			(uint16_t)net->tx_msg[i].msg_hdr.msg_iovlen;
		z->message[z->next % MOST_PENDING].done = false;
	}
	return sent;
}

/* Messages first to last, in one note. */
static void note_done(struct udp_net *net, const struct sock_extended_err *note)
{
	struct zerocopy *z = net->api_state;
	uint32_t n = note->ee_data - note->ee_info + 1;

	if (note->ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
		xk_bump(&net->count.copied, n);
	for (uint32_t i = 0; i < n && i < MOST_PENDING; i++)
		z->message[(note->ee_info + i) % MOST_PENDING].done = true;
}

static void read_note(struct udp_net *net, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const struct sock_extended_err *note = (const void *)CMSG_DATA(c);

		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			if (note->ee_origin == SO_EE_ORIGIN_ZEROCOPY)
				note_done(net, note);
	}
}

static unsigned completed(struct udp_net *net)
{
	struct zerocopy *z = net->api_state;
	char control[256] __attribute__((aligned(8)));
	struct msghdr msg = {.msg_control = control};
	unsigned packets = 0;

	for (unsigned i = 0; i < NOTES_A_LOOK; i++) {
		msg.msg_controllen = sizeof(control);
		xk_bump(&net->count.syscalls, 1);
		if (recvmsg(net->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		read_note(net, &msg);
	}
	for (; z->oldest != z->next && z->message[z->oldest % MOST_PENDING].done; z->oldest++)
		packets += z->message[z->oldest % MOST_PENDING].packets;
	return packets;
}

const struct udp_api udp_api_zerocopy = {
	.name = "zerocopy",
	.open = open_zerocopy,
	.close = close_zerocopy,
	.receive = receive,
	.send = send_all,
	.completed = completed,
};
