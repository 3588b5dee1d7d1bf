// SPDX-License-Identifier: BSD-2-Clause
/* gen's AF_XDP engine: frames built once, given a source port, sent when they are due. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "gen.h"
#include "pace.h"

struct gen_lane {
	const struct gen *gen;
	struct pace pace;
	uint64_t limit; /* this lane's share; 0: none */
	uint64_t sent;
	uint64_t rate;        /* this lane's share, 0: unpaced */
	uint64_t interval_ns; /* between frames */
	uint64_t last_ns;     /* when the last frame was sent */
	unsigned flow;
	uint16_t *csum;  /* of the UDP header, one a flow, as it lies in memory; NULL: none */
	uint32_t closed; /* atomic: the worker knows that the run is over, and sends no more */
	struct xk_hist gap_error;
};

#define UDP_CSUM 6

/* --- preparation --- */

/* After a stall at most 100 ms of the schedule are made up for: more would only fill queues. */
static unsigned catch_up(uint64_t rate)
{
	return rate / 10 > 64 ? (unsigned)(rate / 10) : 64;
}

/* A frame needs only its source port and checksum changed: the sums are known beforehand. */
static int init_checksums(struct gen_lane *g, const struct gen *gen)
{
	const uint8_t *udp = gen->frame + gen->l4_off;
	uint16_t first, base;

	g->csum = malloc(gen->flows * sizeof(*g->csum));
	if (!g->csum)
		return -ENOMEM;
	memcpy(&first, udp, sizeof(first));
	memcpy(&base, udp + UDP_CSUM, sizeof(base));
	for (unsigned flow = 0; flow < gen->flows; flow++) {
		uint16_t port = __builtin_bswap16((uint16_t)(gen->spec.sport + flow));
		uint16_t csum = csum_update16(base, first, port);

		g->csum[flow] = csum ? csum : 0xffff; /* RFC 768: zero means none */
	}
	return 0;
}

/* Every frame of the UMEM carries the template from the start; no one else writes into them. */
static void write_templates(struct lane *lane, const struct gen *gen)
{
	uint32_t frames = xk_umem_config(lane->umem)->frames;
	uint64_t *addrs = malloc(frames * sizeof(*addrs));
	unsigned n = addrs ? xk_umem_get(&lane->cache, addrs, frames) : 0;

	for (unsigned i = 0; i < n; i++)
		memcpy(xk_umem_data(&lane->cache, addrs[i]), gen->frame, gen->spec.size);
	xk_umem_put(&lane->cache, addrs, n);
	free(addrs);
}

static int lane_init(void *ctx, struct lane *lane, void **state, struct xk_err *err)
{
	struct gen *gen = ctx;
	unsigned index = (unsigned)(lane - lane->control->lanes), lanes = lane->control->n_lanes;
	struct gen_lane *g = calloc(1, sizeof(*g));
	uint64_t rate = gen_share(gen->rate_pps, index, lanes);

	if (!g || init_checksums(g, gen)) {
		free(g);
		return xk_err_fill(err, -ENOMEM, "gen", "use fewer --flows",
				   "no memory for %u flows", gen->flows);
	}
	*state = g;
	g->gen = gen;
	g->limit = gen_share(gen->limit, index, lanes);
	g->rate = rate;
	g->interval_ns = rate ? 1000000000 / rate : 0;
	xk_hist_reset(&g->gap_error);
	write_templates(lane, gen);
	return pace_init(&g->pace, rate, catch_up(rate), 0);
}

/* --- sending --- */

static void set_flow(struct gen_lane *g, uint8_t *frame)
{
	uint8_t *udp = frame + g->gen->l4_off;
	uint16_t port = __builtin_bswap16((uint16_t)(g->gen->spec.sport + g->flow));

	memcpy(udp, &port, sizeof(port));
	memcpy(udp + UDP_CSUM, &g->csum[g->flow], sizeof(*g->csum));
	g->flow = g->flow + 1 < g->gen->flows ? g->flow + 1 : 0;
}

static void record_gaps(struct gen_lane *g, uint64_t now, unsigned n)
{
	for (unsigned i = 0; g->rate && i < n; i++) {
		uint64_t gap =
			i == 0 ? now - g->last_ns : 0; /* frames of one burst leave together */

		if (g->last_ns)
			xk_hist_record(&g->gap_error, gap > g->interval_ns ? gap - g->interval_ns
									   : g->interval_ns - gap);
	}
	g->last_ns = now;
}

/* Never more than fits: what is due but finds no room stays due. */
static unsigned room(const struct gen_lane *g, const struct lane *lane)
{
	unsigned most = xk_port_tx_room(lane->port);

	if (most > lane->batch)
		most = lane->batch;
	if (most > lane->cache.count)
		most = lane->cache.count;
	if (g->limit && g->limit - g->sent < most)
		most = (unsigned)(g->limit - g->sent);
	return most;
}

static unsigned send_frames(struct gen_lane *g, struct lane *lane, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct xk_pkt *pkt = &lane->out[i];

		*pkt = (struct xk_pkt){.len = (uint32_t)g->gen->spec.size};
		xk_umem_get(&lane->cache, &pkt->addr, 1);
		set_flow(g, lane_data(lane, pkt));
	}
	return lane_send(lane, lane->out, n);
}

static int run(void *state, struct lane *lane, const struct burst *burst)
{
	struct gen_lane *g = state;
	uint64_t now = g->rate ? now_ns() : 0;
	unsigned n;

	if (burst->closing) {
		/* partner: settled(); what was sent before is counted by then */
		xk_store_release(&g->closed, 1);
		return 0;
	}
	if (g->limit && g->sent == g->limit) {
		lane_finish(lane);
		return 0;
	}
	if (g->rate && !g->last_ns)
		pace_init(&g->pace, g->rate, catch_up(g->rate), now); /* checked by lane_init */
	n = room(g, lane);
	if (g->rate)
		n = pace_due(&g->pace, now, n);
	if (n == 0)
		return 0;
	record_gaps(g, now, n);
	n = send_frames(g, lane, n);
	pace_sent(&g->pace, n);
	g->sent += n;
	return (int)n;
}

static uint64_t next_ns(const void *state)
{
	const struct gen_lane *g = state;

	if (!g->rate || !g->last_ns)
		return 0;
	return g->limit && g->sent == g->limit ? UINT64_MAX : pace_wake_ns(&g->pace);
}

/* Before a worker has seen the end of the run it may send once more. */
static bool settled(const void *state)
{
	const struct gen_lane *g = state;

	return xk_load_acquire(&g->closed); /* partner: run() */
}

static void lane_fini(void *state)
{
	struct gen_lane *g = state;

	free(g->csum);
	free(g);
}

/* --- the summary --- */

static uint64_t invalid_descs(const struct lane *lane)
{
	struct xk_port_xdp_stats kernel;

	return xk_port_xdp_stats(lane->port, &kernel) ? 0 : kernel.tx_invalid_descs;
}

static void sum_lanes(const struct lane *lanes, unsigned n, struct xk_hist *hist, uint64_t *left)
{
	struct xk_port_stats stats;

	*left = 0;
	xk_hist_reset(hist);
	for (unsigned i = 0; i < n; i++) {
		xk_port_stats(lanes[i].port, &stats);
		*left += gen_left(&stats, invalid_descs(&lanes[i]));
		xk_hist_merge(hist, &((const struct gen_lane *)lanes[i].state)->gap_error);
	}
}

static void summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary)
{
	struct xk_hist *hist = malloc(sizeof(*hist));
	uint64_t left;

	if (!hist)
		return;
	sum_lanes(lanes, n, hist, &left);
	gen_summary_json(ctx, "xsk", left, hist, summary);
	free(hist);
}

static void summary_text(void *ctx, const struct lane *lanes, unsigned n)
{
	struct xk_hist *hist = malloc(sizeof(*hist));
	uint64_t left;

	if (!hist)
		return;
	sum_lanes(lanes, n, hist, &left);
	gen_summary_text(ctx, "xsk", left, hist);
	free(hist);
}

/* What the kernel would not send is a failure, however many others left. */
static int finished(void *ctx, const struct lane *lanes, unsigned n, struct xk_err *err)
{
	const struct gen *gen = ctx;
	uint64_t invalid = 0;

	for (unsigned i = 0; i < n; i++)
		invalid += invalid_descs(&lanes[i]);
	if (!invalid)
		return 0;
	return xk_err_fill(
		err, -EMSGSIZE, "gen", "see `dmesg`, and try a smaller --size",
		"%llu frames of %zu bytes did not leave: invalid descriptors to the kernel",
		(unsigned long long)invalid, gen->spec.size);
}

const struct action gen_xsk = {
	.command = "gen",
	.tx = true,
	.limits_own = true,
	.lane_init = lane_init,
	.run = run,
	.next_ns = next_ns,
	.settled = settled,
	.lane_fini = lane_fini,
	.summary_json = summary_json,
	.summary_text = summary_text,
	.finished = finished,
};
