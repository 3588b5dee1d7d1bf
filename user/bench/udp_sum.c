// SPDX-License-Identifier: BSD-2-Clause
/* All lanes together: what they did, and what they were granted. */
#include <xskit/atomic.h>
#include "bench/udp.h"

/* --- sums --- */

static void add_all(void *into, const void *from, size_t bytes)
{
	uint64_t *a = into;
	const uint64_t *b = from;

	for (size_t i = 0; i < bytes / sizeof(*a); i++)
		a[i] += xk_load_relaxed(&b[i]);
}

static void add_lane(struct udp_sum *sum, const struct udp_run *run, const struct udp_lane *lane)
{
	const struct udp_net_counters *net = &lane->net.count;

	add_all(&sum->net, net, sizeof(sum->net));
	add_all(&sum->app, &lane->app.count, sizeof(sum->app));
	sum->numbers.missing += xk_load_relaxed(&lane->app.numbers.missing);
	sum->numbers.reordered += xk_load_relaxed(&lane->app.numbers.reordered);
	sum->numbers.untracked += xk_load_relaxed(&lane->app.numbers.untracked);
	if (udp_counts_sent(run->opts->mode)) {
		sum->packets += xk_load_relaxed(&net->sent);
		sum->bytes += xk_load_relaxed(&net->sent_bytes);
	} else {
		sum->packets += xk_load_relaxed(&lane->app.count.taken);
		sum->bytes += xk_load_relaxed(&lane->app.count.taken_bytes);
	}
}

struct udp_sum udp_sum_of(const struct udp_run *run)
{
	struct udp_sum sum = {0};

	for (unsigned i = 0; i < run->n_lanes; i++)
		add_lane(&sum, run, &run->lanes[i]);
	sum.received = sum.app.taken;
	return sum;
}

int udp_last_error(const struct udp_run *run)
{
	int error = 0;

	for (unsigned i = 0; i < run->n_lanes; i++)
		error = run->lanes[i].net.last_error ? run->lanes[i].net.last_error : error;
	return error;
}

/* --- what was granted --- */

static void narrow(struct udp_granted *g, const struct udp_lane *lane)
{
	const struct udp_terms *terms = &lane->net.terms;
	const struct xk_worker_info *info = xk_worker_info(lane->worker);

	g->receive_buffer = terms->receive_buffer < g->receive_buffer ? terms->receive_buffer
								      : g->receive_buffer;
	g->send_buffer = terms->send_buffer < g->send_buffer ? terms->send_buffer : g->send_buffer;
	g->busy_poll_us =
		terms->busy_poll_us < g->busy_poll_us ? terms->busy_poll_us : g->busy_poll_us;
	g->fifo = info->fifo < g->fifo ? info->fifo : g->fifo;
	g->pinned &= info->cpu >= 0;
	g->prefer_busy_poll &= terms->prefer_busy_poll;
	if (lane->net.rx) /* who only sends has nothing to poll for */
		g->busy_poll &= terms->busy_poll;
	if (lane->net.tx)
		g->gso &= terms->gso;
	if (lane->net.rx)
		g->gro &= terms->gro;
	g->any_tx |= lane->net.tx;
	g->any_rx |= lane->net.rx;
}

struct udp_granted udp_granted_to(const struct udp_run *run)
{
	struct udp_granted g = {
		.receive_buffer = UINT32_MAX,
		.send_buffer = UINT32_MAX,
		.busy_poll_us = UINT32_MAX,
		.fifo = 99,
		.pinned = true,
		.prefer_busy_poll = true,
		.busy_poll = true,
		.gso = true,
		.gro = true,
	};

	for (unsigned i = 0; i < run->n_lanes; i++)
		narrow(&g, &run->lanes[i]);
	g.busy_poll &= g.any_rx;
	g.gso &= g.any_tx;
	g.gro &= g.any_rx;
	return g;
}
