// SPDX-License-Identifier: BSD-2-Clause
/* A network worker's memory, and how it sleeps. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

const struct udp_api *const udp_apis[] = {&udp_api_mmsg, &udp_api_epoll, &udp_api_io_uring,
					  &udp_api_zerocopy};
const char *const udp_api_names[] = {"mmsg", "epoll", "io_uring", "zerocopy", NULL}; /* the same */

int udp_net_init(struct udp_net *net, struct xk_err *err)
{
	net->scratch_room = net->terms.gro ? UDP_TRAIN_BYTES : net->room;
	net->readable = true;
	if (net->rx) {
		net->scratch = malloc((size_t)net->opts->batch * net->scratch_room);
		if (!net->scratch)
			return xk_err_fill(err, -ENOMEM, UDP_WHAT, "use a smaller --batch",
					   "no memory to receive into");
	}
	return net->api->open ? net->api->open(net, err) : 0;
}

void udp_net_fini(struct udp_net *net)
{
	if (net->api && net->api->close)
		net->api->close(net);
	free(net->scratch);
	net->scratch = NULL;
}

bool udp_net_has_work(struct udp_net *net)
{
	/* what is held was sent already, and is not released yet */
	return net->tx && !net->blocked &&
	       xk_stream_look_tail(&net->from_app.stream, net->from_app.stream.slots) > net->held;
}

static short events(const struct udp_net *net)
{
	return (short)((net->rx ? POLLIN : 0) | (net->blocked ? POLLOUT : 0));
}

static int poll_socket(struct udp_net *net, int wake_fd, uint64_t ns)
{
	struct pollfd fds[] = {{.fd = net->fd, .events = events(net)},
			       {.fd = net->bell.fd, .events = POLLIN},
			       {.fd = wake_fd, .events = POLLIN}};
	int ret = udp_sleep(fds, 3, ns);

	net->readable |= fds[0].revents & (POLLIN | POLLERR);
	if (fds[0].revents & POLLERR) /* news of what was sent; unread, they end every sleep */
		udp_socket_errors(net);
	return ret;
}

int udp_net_wait(struct udp_net *net, int wake_fd, uint64_t ns)
{
	int ret = 0;

	udp_bell_arm(&net->bell);
	if (!udp_net_has_work(net)) {
		xk_bump(&net->count.waits, 1);
		ret = net->api->wait ? net->api->wait(net, wake_fd, ns)
				     : poll_socket(net, wake_fd, ns);
		net->blocked = false; /* tried again in any case */
	}
	udp_bell_disarm(&net->bell);
	return ret;
}
