// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "lane.h"

#define COMPLETION_WAIT_NS 10000000ull /* completions wake nobody: look for them this often */
#define WAIT_NS            500000000ull
#define IDLE_LOOK          256 /* idle steps between two looks at what only a driver may ask for */
#define SHORT_WAIT_NS      60000ull /* a sleep shorter than this comes back too late: spin instead */

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* --- open and close --- */

static unsigned sides(const struct lane *lane)
{
	return lane->ports[lane->n_ports - 1].side + 1;
}

/*
 * Ports of one interface that share a UMEM share its frames: shorter rings each, rather than more
 * memory.
 */
static uint32_t ring_size(const struct lane *lane, const struct packet_opts *opts)
{
	uint32_t size = opts->ring_size;

	while (size > 64 && size * lane->n_ports > opts->ring_size * sides(lane))
		size /= 2;
	return size;
}

static uint32_t frames(const struct lane *lane, const struct packet_opts *opts)
{
	uint32_t least = 2 * ring_size(lane, opts) * lane->n_ports;
	uint32_t asked = opts->frames * sides(lane);

	return lane->n_ports > 1 && asked < least ? least : asked;
}

static int open_memory(struct lane *lane, const struct packet_opts *opts, struct xk_err *err)
{
	const struct xk_umem_config umem = {.frames = frames(lane, opts),
					    .frame_size = opts->frame_size};
	const struct xk_mem_config mem = {
		.size = xk_umem_size(&umem), .node = lane->node, .huge = opts->hugepages};
	int ret;

	if ((ret = xk_mem_create(&lane->mem, &mem, err)) ||
	    (ret = xk_umem_create(&lane->umem, lane->mem, &umem, err)))
		return ret;
	ret = xk_umem_cache_init(&lane->cache, lane->umem, 0);
	return ret ? xk_err_fill(err, ret, "create UMEM", NULL, "no memory for a cache") : 0;
}

static int open_port(struct lane *lane, struct lane_port *p, const struct packet_opts *opts,
		     struct xk_err *err)
{
	uint32_t size = ring_size(lane, opts);
	const struct xk_port_config config = {
		.rx_size = lane->action->rx ? size : 0,
		.tx_size = lane->action->tx ? size : 0,
		.bind = opts->bind,
		.multi_buffer = true,
		.busy_poll = opts->poll == XK_IDLE_BUSY,
		.busy_budget = opts->busy_budget,
		.tx_budget = opts->tx_budget < size ? opts->tx_budget : size,
	};

	return xk_port_open(&p->port, &lane->cache, p->link->name, p->queue, &config, err);
}

/* The port that rx, tx and the action's lane_send() mean. */
static inline void serve(struct lane *lane, unsigned i)
{
	lane->at = &lane->ports[i];
	lane->port = lane->at->port;
}

static int open_ports(struct lane *lane, const struct packet_opts *opts, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < lane->n_ports && !ret; i++)
		ret = open_port(lane, &lane->ports[i], opts, err);
	serve(lane, 0);
	return ret;
}

static int open_buffers(struct lane *lane, const struct packet_opts *opts, struct xk_err *err)
{
	unsigned room = opts->batch > XK_PKT_MAX_FRAMES ? opts->batch : XK_PKT_MAX_FRAMES;

	lane->batch = opts->batch;
	lane->pkts = calloc(room, sizeof(*lane->pkts));
	lane->out = calloc(room, sizeof(*lane->out));
	lane->verdict = calloc(room, sizeof(*lane->verdict));
	if (lane->pkts && lane->out && lane->verdict)
		return 0;
	return xk_err_fill(err, -ENOMEM, "open queue", "use a smaller --batch",
			   "no memory for bursts");
}

int lane_open(struct lane *lane, const struct packet_opts *opts, const struct action *action,
	      struct xk_err *err)
{
	int ret;

	lane->action = action;
	lane->busy = opts->poll == XK_IDLE_BUSY;
	lane->fds = calloc(lane->n_ports + 1, sizeof(*lane->fds));
	if (!lane->fds)
		return xk_err_fill(err, -ENOMEM, "open queue", NULL, "no memory");
	if (!action->rx && !action->tx)
		return 0;
	if ((ret = open_memory(lane, opts, err)) || (ret = open_buffers(lane, opts, err)))
		return ret;
	return open_ports(lane, opts, err);
}

void lane_close(struct lane *lane)
{
	for (unsigned i = 0; i < lane->n_ports; i++)
		xk_port_close(lane->ports[i].port);
	xk_umem_cache_fini(&lane->cache);
	xk_umem_destroy(lane->umem);
	xk_mem_destroy(lane->mem);
	free(lane->ports);
	free(lane->fds);
	free(lane->pkts);
	free(lane->out);
	free(lane->verdict);
}

/* --- one step --- */

/* How many packets all lanes may still take; only asked when there is a limit. */
static uint64_t remaining(const struct lane_control *control)
{
	struct xk_port_stats stats;
	uint64_t taken = 0;

	for (unsigned i = 0; i < control->n_lanes; i++) {
		for (unsigned p = 0; p < control->lanes[i].n_ports; p++) {
			xk_port_stats(control->lanes[i].ports[p].port, &stats);
			taken += stats.rx_packets;
		}
	}
	return taken < control->limit ? control->limit - taken : 0;
}

static unsigned receive_limited(struct lane *lane)
{
	uint64_t left = remaining(lane->control);
	unsigned n;

	if (left == 0) {
		lane_finish(lane);
		return 0;
	}
	n = xk_port_rx(lane->port, lane->pkts, left < lane->batch ? (unsigned)left : lane->batch);
	/* a packet of many frames does not fit a short burst */
	if (n == 0 && left < XK_PKT_MAX_FRAMES)
		n = xk_port_rx(lane->port, lane->pkts, XK_PKT_MAX_FRAMES);
	return n;
}

static unsigned receive(struct lane *lane)
{
	if (!lane->action->rx)
		return 0;
	if (lane->control->limit && !lane->action->limits_own)
		return receive_limited(lane);
	return xk_port_rx(lane->port, lane->pkts,
			  lane->batch < XK_PKT_MAX_FRAMES ? XK_PKT_MAX_FRAMES : lane->batch);
}

uint32_t lane_capacity(const struct lane *lane, const struct xk_pkt *pkt)
{
	uint64_t offset = pkt->addr & ~lane->cache.frame_mask;

	return (uint32_t)(~lane->cache.frame_mask + 1 - offset);
}

static unsigned send_by(struct lane_port *p, const struct xk_pkt *pkts, unsigned n)
{
	n = xk_port_tx(p->port, pkts, n);
	p->again |= n > 0;
	return n;
}

unsigned lane_send(struct lane *lane, const struct xk_pkt *pkts, unsigned n)
{
	return send_by(lane->at, pkts, n);
}

static int flush(struct lane_port *p)
{
	int ret = xk_port_kick(p->port);

	p->again = ret != 0;
	/* a link that is down keeps what is queued, and may come up again */
	return ret == -EAGAIN || ret == -ENETDOWN ? 0 : ret;
}

int lane_flush(struct lane *lane)
{
	return flush(lane->at);
}

uint64_t lane_tx_full(const struct lane *lane)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < lane->n_ports; i++)
		sum += xk_load_relaxed(&lane->ports[i].tx_full);
	return sum;
}

/* Whole packets, of as many frames as they have. */
static unsigned count_packets(const struct xk_pkt *pkts, unsigned n)
{
	unsigned packets = 0;

	for (unsigned i = 0; i < n; i++)
		packets += !(pkts[i].flags & XK_PKT_MORE);
	return packets;
}

/* Transmit what the verdicts say and recycle the rest. A full TX ring recycles too, counted. */
static void dispose(struct lane *lane, unsigned n)
{
	unsigned out = 0, back = 0, taken;
	uint8_t verdict = VERDICT_RECYCLE;
	bool first = true;

	for (unsigned i = 0; i < n; i++) {
		if (first)
			verdict = lane->verdict[i];
		first = !(lane->pkts[i].flags & XK_PKT_MORE);
		if (verdict == VERDICT_TRANSMIT)
			lane->out[out++] = lane->pkts[i];
		else
			lane->pkts[back++] = lane->pkts[i];
	}
	xk_port_recycle(lane->port, lane->pkts, back);
	if (out == 0)
		return;
	taken = send_by(lane->at->peer, lane->out, out);
	if (taken == out)
		return;
	xk_port_recycle(lane->port, lane->out + taken, out - taken);
	xk_bump(&lane->at->peer->tx_full, count_packets(lane->out + taken, out - taken));
}

static int act(struct lane *lane, unsigned n)
{
	const struct burst burst = {
		.pkts = lane->pkts,
		.verdict = lane->verdict,
		.n = n,
		/* partner: session's store when the run is over; nothing is published with it */
		.closing = xk_load_relaxed(&lane->control->closing),
	};
	int did;

	if (!lane->action->run) {
		xk_port_recycle(lane->port, lane->pkts, n);
		return 0;
	}
	memset(lane->verdict, VERDICT_RECYCLE, n);
	did = lane->action->run(lane->state, lane, &burst);
	dispose(lane, n);
	return did;
}

/*
 * A recvfrom in every idle step drives the device's NAPI, where the socket knows it. Without a NAPI
 * id it drives nothing, and delays what comes by its own length.
 */
static bool busy_polls(const struct lane *lane)
{
	return lane->busy && xk_load_relaxed(&xk_port_info(lane->port)->napi_id);
}

/* Frames that were sent leave now: those of the peer, and those of the port that is served. */
static int flush_sent(struct lane *lane)
{
	struct lane_port *at = lane->at;
	int ret = 0;

	if (at->peer != at && at->peer->again)
		ret = flush(at->peer);
	if (ret == 0 && (at->again || at->idle_steps % IDLE_LOOK == 0))
		ret = flush(at);
	return ret;
}

/* What there is to do at lane->port. */
static int step_port(struct lane *lane)
{
	unsigned moved = xk_port_tx_pending(lane->port) ? xk_port_reap(lane->port) : 0;
	unsigned n = receive(lane);
	int ret = act(lane, n);

	if (ret < 0)
		return ret;
	moved += n + (unsigned)ret;
	lane->at->idle_steps = moved ? 0 : lane->at->idle_steps + 1;
	ret = flush_sent(lane);
	if (moved == 0 && ret == 0 && busy_polls(lane))
		ret = xk_port_poll(lane->port);
	return ret < 0 && ret != -EAGAIN && ret != -ENETDOWN ? ret : (int)moved;
}

int lane_step(void *arg)
{
	struct lane *lane = arg;
	int moved = 0;

	if (!lane->port)
		return lane->action->run(lane->state, lane, &(struct burst){0});
	for (unsigned i = 0; i < lane->n_ports; i++) {
		int ret;

		serve(lane, i);
		ret = step_port(lane);
		if (ret < 0)
			return ret;
		moved += ret;
	}
	return moved;
}

/* --- sleep --- */

static bool tx_pending(const struct lane *lane)
{
	for (unsigned i = 0; i < lane->n_ports; i++)
		if (lane->ports[i].again || xk_port_tx_pending(lane->ports[i].port))
			return true;
	return false;
}

static uint64_t sleep_ns(const struct lane *lane)
{
	uint64_t longest = tx_pending(lane) ? COMPLETION_WAIT_NS : WAIT_NS;
	uint64_t now, next;

	if (!lane->action->next_ns)
		return longest;
	next = lane->action->next_ns(lane->state);
	now = now_ns();
	if (next <= now + SHORT_WAIT_NS)
		return 0;
	return next - now - SHORT_WAIT_NS < longest ? next - now - SHORT_WAIT_NS : longest;
}

/* The lane's ports, then wake_fd. */
static int wait_for_ports(struct lane *lane, int wake_fd, const struct timespec *timeout)
{
	struct pollfd *fds = lane->fds;
	unsigned n = lane->port ? lane->n_ports : 0;

	fds[n] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
	for (unsigned i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = xk_port_fd(lane->ports[i].port), .events = POLLIN};
	xk_bump(&lane->waits, 1);
	if (ppoll(fds, n + 1, timeout, NULL) < 0 && errno != EINTR)
		return -errno;
	for (unsigned i = 0; i < n; i++)
		if (fds[i].revents & POLLERR)
			return -ENODEV;
	return 0;
}

int lane_wait(void *arg, int wake_fd)
{
	struct lane *lane = arg;
	uint64_t ns = lane->port ? sleep_ns(lane) : WAIT_NS;
	const struct timespec timeout = {.tv_sec = (time_t)(ns / 1000000000),
					 .tv_nsec = (long)(ns % 1000000000)};

	return ns ? wait_for_ports(lane, wake_fd, &timeout) : 0;
}

void lane_finish(struct lane *lane)
{
	uint64_t one = 1;

	if (lane->said_done)
		return;
	lane->said_done = true;
	if (write(lane->control->finished_fd, &one, sizeof(one)) < 0)
		lane->said_done = false; /* cannot happen to an eventfd; say it again next time */
}
