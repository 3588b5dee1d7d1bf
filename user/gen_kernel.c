// SPDX-License-Identifier: BSD-2-Clause
/* gen's kernel engine as an action: it moves packets without a port. */
#include <errno.h>
#include <stdlib.h>
#include "gen.h"
#include "kengine.h"

static int lane_init(void *ctx, struct lane *lane, void **state, struct xk_err *err)
{
	struct gen *gen = ctx;
	unsigned index = (unsigned)(lane - lane->control->lanes), lanes = lane->control->n_lanes;
	const struct kengine_config config = {
		.ifindex = gen->link.ifindex,
		.frame = gen->frame,
		.len = (uint32_t)gen->spec.size,
		.l4_off = gen->l4_off,
		.flows = gen->flows,
		.rate_pps = gen_share(gen->rate_pps, index, lanes),
		.limit = gen_share(gen->limit, index, lanes),
	};
	struct kengine *engine = NULL;
	int ret = kengine_create(&engine, &config, err);

	*state = engine;
	return ret;
}

static int run(void *state, struct lane *lane, const struct burst *burst)
{
	int ret;

	(void)burst;
	if (lane->said_done)
		return 0;
	ret = kengine_run(state);
	lane_finish(lane);
	return ret;
}

static void stop(void *state)
{
	kengine_stop(state);
}

static void counted(const void *state, uint64_t *packets, uint64_t *bytes)
{
	struct kengine_stats stats;

	kengine_stats(state, &stats);
	*packets = stats.sent;
	*bytes = stats.bytes;
}

static uint64_t left_the_device(const struct gen *gen)
{
	struct nl_counters now = gen->base;

	nl_counters(gen->link.ifindex, &now);
	return now.tx_packets - gen->base.tx_packets;
}

static void gap_error(const struct lane *lanes, unsigned n, struct xk_hist *hist)
{
	xk_hist_reset(hist);
	for (unsigned i = 0; i < n; i++)
		kengine_gap_error(lanes[i].state, hist);
}

static void summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary)
{
	struct xk_hist *hist = malloc(sizeof(*hist));

	if (!hist)
		return;
	gap_error(lanes, n, hist);
	gen_summary_json(ctx, "kernel", left_the_device(ctx), hist, summary);
	free(hist);
}

static void summary_text(void *ctx, const struct lane *lanes, unsigned n)
{
	struct xk_hist *hist = malloc(sizeof(*hist));

	if (!hist)
		return;
	gap_error(lanes, n, hist);
	gen_summary_text(ctx, "kernel", left_the_device(ctx), hist);
	free(hist);
}

static void lane_fini(void *state)
{
	kengine_destroy(state);
}

const struct action gen_kernel = {
	.command = "gen",
	.limits_own = true,
	.lane_init = lane_init,
	.run = run,
	.stop = stop,
	.counted = counted,
	.lane_fini = lane_fini,
	.summary_json = summary_json,
	.summary_text = summary_text,
};
