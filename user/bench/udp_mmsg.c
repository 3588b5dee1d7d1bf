// SPDX-License-Identifier: BSD-2-Clause
/* recvmmsg(2) and sendmmsg(2): many datagrams a system call. */
#include <errno.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

static int receive(struct udp_net *net, unsigned n)
{
	int got = recvmmsg(net->fd, net->rx_msg, n, MSG_DONTWAIT | MSG_TRUNC, NULL);

	xk_bump(&net->count.syscalls, 1);
	if (got < 0)
		return -errno;
	for (int i = 0; i < got; i++)
		udp_in_note(net, (unsigned)i, &net->rx_msg[i].msg_hdr, net->rx_msg[i].msg_len);
	return got;
}

static int send_all(struct udp_net *net, unsigned n)
{
	int sent = sendmmsg(net->fd, net->tx_msg, n, MSG_DONTWAIT);

	xk_bump(&net->count.syscalls, 1);
	return sent < 0 ? -errno : sent;
}

const struct udp_api udp_api_mmsg = {
	.name = "mmsg",
	.receive = receive,
	.send = send_all,
};
