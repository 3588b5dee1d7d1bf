// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who sleeps and who wakes. The sleeper arms its bell and looks at the rings once more; the waker
 * writes a ring and then looks at the bell. Both do it with a full barrier in between, so at least
 * one of the two sees what the other did.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

int udp_bell_open(struct udp_bell *bell)
{
	bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return bell->fd < 0 ? -errno : 0;
}

void udp_bell_close(struct udp_bell *bell)
{
	if (bell->fd >= 0)
		close(bell->fd);
	bell->fd = -1;
}

void udp_bell_arm(struct udp_bell *bell)
{
	xk_swap_seq(&bell->waiting, 1); /* pairs with udp_bell_ring() */
}

void udp_bell_disarm(struct udp_bell *bell)
{
	uint64_t rung;

	if (xk_swap_seq(&bell->waiting, 0))
		return; /* nobody rang */
	if (read(bell->fd, &rung, sizeof(rung)) < 0)
		return; /* whoever rings is about to write: one sleep too short, later */
}

void udp_bell_ring(struct udp_bell *bell)
{
	uint64_t one = 1;

	if (!xk_swap_seq(&bell->waiting, 0)) /* pairs with udp_bell_arm() */
		return;
	while (write(bell->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

int udp_sleep(struct pollfd *fds, unsigned n, uint64_t ns)
{
	const struct timespec timeout = {.tv_sec = (time_t)(ns / 1000000000),
					 .tv_nsec = (long)(ns % 1000000000)};

	return ppoll(fds, n, &timeout, NULL) < 0 && errno != EINTR ? -errno : 0;
}
