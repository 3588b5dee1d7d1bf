// SPDX-License-Identifier: BSD-2-Clause
/* A lane put together: rings, socket, worker, application. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include <xskit/place.h>
#include "bench/udp.h"

#define WAIT_NS 100000000ull
#define SPIN_NS 50000ull /* XK_IDLE_ADAPTIVE, where there is a CPU for each thread */

static const struct udp_role *const roles[] = {
	[UDP_SEND] = &udp_role_send,
	[UDP_RECV] = &udp_role_recv,
	[UDP_ECHO] = &udp_role_echo,
	[UDP_PING] = &udp_role_ping,
};

/* --- the threads --- */

static int worker_step(void *ctx)
{
	struct udp_lane *lane = ctx;
	int moved = 0;

	if (lane->net.rx)
		moved += udp_net_rx(&lane->net);
	if (lane->app.opts->app_inline)
		moved += lane->app.role->step(&lane->app);
	if (lane->net.tx)
		moved += udp_net_tx(&lane->net);
	return moved;
}

static int worker_wait(void *ctx, int wake_fd)
{
	struct udp_lane *lane = ctx;
	uint64_t ns = lane->app.opts->app_inline ? udp_app_sleep_ns(&lane->app) : WAIT_NS;

	return ns ? udp_net_wait(&lane->net, wake_fd, ns) : 0;
}

static int app_step(void *ctx)
{
	struct udp_lane *lane = ctx;

	return lane->app.role->step(&lane->app);
}

static int app_wait(void *ctx, int wake_fd)
{
	struct udp_app *app = &((struct udp_lane *)ctx)->app;
	struct pollfd fds[] = {{.fd = app->bell.fd, .events = POLLIN},
			       {.fd = wake_fd, .events = POLLIN}};
	uint64_t ns = udp_app_sleep_ns(app);
	int ret = 0;

	if (!ns)
		return 0;
	udp_bell_arm(&app->bell);
	if (!app->role->ready(app))
		ret = udp_sleep(fds, 2, ns);
	udp_bell_disarm(&app->bell);
	return ret;
}

/* --- the rings --- */

static int join_rings(struct udp_lane *lane, const struct xk_spsc_config *config, char *mem)
{
	size_t len = xk_spsc_size(config);
	int ret;

	if ((ret = xk_spsc_init(mem, len, config)) ||
	    (ret = xk_spsc_producer(&lane->net.to_app, mem, len, -1)) ||
	    (ret = xk_spsc_consumer(&lane->app.from_net, mem, len, -1)))
		return ret;
	mem += len;
	if ((ret = xk_spsc_init(mem, len, config)) ||
	    (ret = xk_spsc_producer(&lane->app.to_net, mem, len, -1)))
		return ret;
	return xk_spsc_consumer(&lane->net.from_app, mem, len, -1);
}

static int open_rings(struct udp_lane *lane, struct xk_err *err)
{
	const struct udp_opts *opts = lane->app.opts;
	uint32_t bytes = (uint32_t)sizeof(struct udp_record) + opts->size;
	const struct xk_spsc_config config = {
		.record_bytes = (bytes + XK_RING_LINE - 1) & ~(XK_RING_LINE - 1),
		.slots = opts->slots,
	};
	const struct xk_mem_config mem = {.size = 2 * xk_spsc_size(&config), .node = lane->node};
	int ret = xk_mem_create(&lane->mem, &mem, err);

	if (ret)
		return ret;
	lane->net.record_bytes = config.record_bytes;
	lane->net.room = opts->size;
	ret = join_rings(lane, &config, xk_mem_info(lane->mem)->addr);
	return ret ? xk_err_fill(err, ret, UDP_WHAT, "use another --ring-size", "make rings") : 0;
}

/* --- begin and end --- */

static uint64_t share_of(uint64_t all, unsigned number, unsigned n)
{
	return all / n + (number < all % n);
}

static void set_up(struct udp_lane *lane, struct udp_run *run)
{
	const struct udp_opts *opts = run->opts;
	const struct udp_role *role = roles[lane->does];

	lane->net.opts = lane->app.opts = opts;
	lane->net.api = udp_apis[opts->api];
	lane->net.rx = role->rx;
	lane->net.tx = role->tx;
	lane->net.connected = role->connects;
	lane->net.want_peer = role == &udp_role_echo;
	lane->net.sleeps = lane->app.sleeps = opts->poll != XK_IDLE_BUSY && !opts->app_inline;
	lane->net.app_bell = &lane->app.bell;
	lane->app.net_bell = &lane->net.bell;
	lane->app.role = role;
	lane->app.closing = &run->closing;
	lane->app.rate = share_of(opts->rate, lane->number, opts->workers);
	/* in loopback the senders have the limit; the receivers take what comes of it */
	if (run->opts->mode != UDP_LOOPBACK || role == &udp_role_send)
		lane->app.limit = share_of(opts->packets, lane->number, opts->workers);
}

int udp_lane_open(struct udp_lane *lane, struct udp_run *run, struct xk_err *err)
{
	int ret;

	set_up(lane, run);
	ret = udp_socket_open(&lane->net, lane->port, err);
	if (ret || (ret = open_rings(lane, err)))
		return ret;
	if (udp_bell_open(&lane->net.bell) || udp_bell_open(&lane->app.bell))
		return xk_err_fill(err, -errno, UDP_WHAT, "raise ulimit -n", "eventfd");
	ret = udp_net_init(&lane->net, err);
	return ret ? ret : udp_app_init(&lane->app, err);
}

int udp_lane_start(struct udp_lane *lane, const struct udp_run *run, struct xk_err *err)
{
	const struct udp_opts *opts = run->opts;
	struct xk_worker_config config = {
		.cpu = lane->cpu,
		.fifo = (int)opts->fifo,
		.idle = (enum xk_idle)opts->poll,
		.spin_ns = run->crowded ? 0 : SPIN_NS,
		.wait = worker_wait,
		.hold = true,
		.name = "udp-net",
	};
	int ret = xk_worker_start(&lane->worker, &config, worker_step, lane, err);

	if (ret || opts->app_inline)
		return ret;
	config.cpu = lane->app_cpu;
	config.fifo = 0;
	config.wait = app_wait;
	config.name = "udp-app";
	return xk_worker_start(&lane->app_worker, &config, app_step, lane, err);
}

void udp_lane_release(struct udp_lane *lane)
{
	if (lane->app_worker)
		xk_worker_release(lane->app_worker);
	xk_worker_release(lane->worker);
}

bool udp_lane_ended(const struct udp_lane *lane)
{
	return xk_worker_done(lane->worker) ||
	       (lane->app_worker && xk_worker_done(lane->app_worker));
}

int udp_lane_stop(struct udp_lane *lane)
{
	int ret = 0, app = 0;

	if (lane->worker) {
		xk_worker_stop(lane->worker);
		ret = xk_worker_join(lane->worker);
	}
	if (lane->app_worker) {
		xk_worker_stop(lane->app_worker);
		app = xk_worker_join(lane->app_worker);
	}
	/* now they are ours: what is left in the ring was received */
	while (lane->app.role->step(&lane->app) > 0)
		;
	udp_socket_look(&lane->net);
	return ret ? ret : app;
}

void udp_lane_close(struct udp_lane *lane)
{
	xk_worker_destroy(lane->app_worker);
	xk_worker_destroy(lane->worker);
	udp_app_fini(&lane->app);
	udp_net_fini(&lane->net);
	udp_bell_close(&lane->net.bell);
	udp_bell_close(&lane->app.bell);
	if (lane->net.fd >= 0)
		close(lane->net.fd);
	xk_mem_destroy(lane->mem);
}
