// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "report.h"
#include "rings_lines.h"
#include "rings_stop.h"

#define SLICE_NS UINT64_C(200000000) /* between two looks at who is there */

static uint64_t ns_of(double seconds)
{
	return (uint64_t)(seconds * 1e9);
}

int rings_flow_refused(const struct rings_flow *flow, int ret, struct xk_err *err)
{
	const struct xk_share_info *memory = flow->ring.memory;

	return rings_refused(flow->opts.name, memory->addr, memory->size, ret, err);
}

/* --- a seat --- */

static int attach_failed(const struct rings_flow *flow, int ret, struct xk_err *err)
{
	bool sends = flow->end.role == XK_ROLE_PRODUCER;
	const char *name = flow->opts.name;

	if (ret == -EBUSY)
		return xk_err_fill(err, ret, "take a seat",
				   "end one of them, or use a ring of kind fanin or mpmc with more",
				   "ring %s has as many %s as it can have", name,
				   sends ? "senders" : "receivers");
	if (ret == -EPROTO || ret == -EPROTONOSUPPORT)
		return rings_flow_refused(flow, ret, err);
	return xk_err_fill(err, ret, "take a seat", NULL, "ring %s", name);
}

static void note_peers(struct rings_flow *flow)
{
	const struct xk_share_info *memory = flow->ring.memory;
	struct rings_peers peers;
	struct xk_ring_info info;

	rings_peers_look(flow, &peers);
	flow->met = peers.alive || peers.dead;
	flow->died = peers.dead && flow->end.role == XK_ROLE_CONSUMER;
	flow->turns = peers.turns;
	if (xk_ring_look(memory->addr, memory->size, -1, &info, NULL))
		return;
	flow->produced = info.produced;
	flow->fresh = !info.consumed;
}

static int take_seat(struct rings_flow *flow, enum xk_ring_role role, struct xk_err *err)
{
	const struct xk_share_info *memory = flow->ring.memory;
	int ret = rings_end_attach(&flow->end, role, memory->addr, memory->size, memory->fd);

	flow->end.role = role;
	if (ret)
		return attach_failed(flow, ret, err);
	flow->attached = true;
	flow->end.hold->slice_ns = UINT64_MAX; /* who died is looked for here: it is to be told */
	if (flow->end.hold->took_over)
		report_note("%s: takes over the place of one that died", flow->opts.command);
	note_peers(flow);
	return 0;
}

/* A ring without bells can only be spun on; one for lines needs room for what is in front. */
static int fit_options(struct rings_flow *flow, struct xk_err *err)
{
	const struct xk_ring_shape *shape = &flow->ring.shape;
	struct rings_flow_opts *o = &flow->opts;

	if (!(shape->flags & XK_RING_SLEEP) && o->wait == XK_WAIT_SLEEP) {
		if (o->asked & ASKED_WAIT)
			return xk_err_fill(err, -EINVAL, o->command, "use --wait spin",
					   "ring %s was made with --wait spin", o->name);
		o->wait = XK_WAIT_SPIN;
	}
	if (!o->raw && shape->record_bytes <= sizeof(struct rings_line))
		return xk_err_fill(err, -EINVAL, o->command, "give --raw",
				   "ring %s has records of %u bytes, too few for lines", o->name,
				   shape->record_bytes);
	return 0;
}

int rings_flow_begin(struct rings_flow *flow, enum xk_ring_role role, struct xk_err *err)
{
	int ret = fit_options(flow, err);

	if (!ret)
		ret = take_seat(flow, role, err);
	if (ret)
		return ret;
	flow->ended = "error";
	flow->started_ns = flow->told_ns = rings_now_ns();
	flow->ends_ns = flow->opts.duration_s > 0 ? flow->started_ns + ns_of(flow->opts.duration_s)
						  : UINT64_MAX;
	rings_tell_start(flow);
	return 0;
}

/* --- stop conditions --- */

uint64_t rings_flow_patience(const struct rings_flow *flow)
{
	uint64_t now = rings_now_ns(), until = flow->ends_ns;

	if (flow->opts.interval_s > 0 && flow->told_ns + ns_of(flow->opts.interval_s) < until)
		until = flow->told_ns + ns_of(flow->opts.interval_s);
	return until == UINT64_MAX ? until : until > now ? until - now : 0;
}

int rings_flow_check(struct rings_flow *flow)
{
	const struct rings_flow_opts *opts = &flow->opts;
	uint64_t now;

	if (rings_stopped())
		return -EINTR;
	if (opts->records && flow->records >= opts->records)
		return -ENODATA;
	if (flow->ends_ns == UINT64_MAX && !(opts->interval_s > 0))
		return 0;
	now = rings_now_ns();
	if (opts->interval_s > 0 && now - flow->told_ns >= ns_of(opts->interval_s))
		rings_tell_interval(flow);
	return now >= flow->ends_ns ? -ETIME : 0;
}

/* --- waiting --- */

static bool is_unlinked(const struct rings_flow *flow)
{
	struct stat st;

	return !fstat(flow->ring.memory->fd, &st) && !st.st_nlink;
}

/* The other side was here since we came. */
static bool has_been_met(struct rings_flow *flow, const struct rings_peers *peers)
{
	if (peers->alive || peers->dead || peers->turns > flow->turns)
		flow->met = true;
	return flow->met;
}

/* Records of senders that ended before we came count as having met them; but not those that others
 * before us have received: a ring that was used may wait for its next sender. */
static bool has_met_senders(struct rings_flow *flow, const struct rings_peers *peers)
{
	struct xk_ring_info info;
	const struct xk_share_info *memory = flow->ring.memory;

	if (has_been_met(flow, peers) || flow->records || (flow->fresh && peers->turns))
		return true;
	return !xk_ring_look(memory->addr, memory->size, -1, &info, NULL) &&
	       info.produced != flow->produced;
}

static int senders_left(struct rings_flow *flow, const struct rings_peers *peers)
{
	if (!has_met_senders(flow, peers) && !is_unlinked(flow))
		return 1;
	if (!rings_end_wait(&flow->end, flow->opts.wait | XK_WAIT_STAY, 0))
		return 0; /* their last records */
	return flow->died ? -EOWNERDEAD : -EPIPE;
}

static int receivers_left(struct rings_flow *flow, const struct rings_peers *peers)
{
	if (is_unlinked(flow))
		return -EPIPE; /* nobody new can come */
	return has_been_met(flow, peers) && !flow->died ? -EPIPE : 1;
}

/* 1: wait on; else as rings_flow_wait(). */
static int look_around(struct rings_flow *flow)
{
	bool sends = flow->end.role == XK_ROLE_PRODUCER;
	struct rings_peers peers;

	if (rings_peers_look(flow, &peers) == -EPROTO)
		return -EPROTO; /* what is damaged is waited at in vain */
	if (peers.dead && !flow->died) {
		flow->died = true;
		if (sends || peers.alive || flow->opts.follow)
			report_note("%s: a %s died without detaching%s", flow->opts.command,
				    sends ? "receiver" : "sender",
				    peers.alive ? "" : ": waiting for another");
	}
	if (peers.alive) {
		flow->died &= !sends; /* another one receives: all is well again */
		flow->met = true;
		return 1;
	}
	if (flow->opts.follow)
		return 1;
	return sends ? receivers_left(flow, &peers) : senders_left(flow, &peers);
}

static uint64_t slice(const struct rings_flow *flow, uint64_t until)
{
	uint64_t now = rings_now_ns(), patience = rings_flow_patience(flow);

	if (until <= now)
		return 0;
	if (patience > until - now)
		patience = until - now;
	return patience < SLICE_NS ? patience : SLICE_NS;
}

/* Many slices are one wait: the seat, whose counter only its holder writes, counts it once. */
static int wait_slice(struct rings_flow *flow, uint64_t until, bool *counted)
{
	struct xk_ring_hold *hold = flow->end.hold;
	xk_a64 *waits = xk_ring_seat_waits(xk_ring_seat_at(hold->ring, hold->seat), flow->end.role);
	uint64_t before = xk_load_relaxed(waits);
	int ret = rings_end_wait(&flow->end, flow->opts.wait | XK_WAIT_STAY,
				 (int64_t)slice(flow, until));

	if (*counted)
		xk_store_relaxed(waits, before);
	*counted |= xk_load_relaxed(waits) != before;
	return ret;
}

int rings_flow_wait(struct rings_flow *flow)
{
	double timeout_s = flow->opts.timeout_s;
	uint64_t until = timeout_s < 0 ? UINT64_MAX : rings_now_ns() + ns_of(timeout_s);
	bool counted = false;
	int ret = rings_end_wait(&flow->end, flow->opts.wait | XK_WAIT_STAY, 0);

	while (ret == -ETIMEDOUT) {
		ret = wait_slice(flow, until, &counted);
		if (ret != -ETIMEDOUT)
			break;
		ret = rings_flow_check(flow);
		if (!ret)
			ret = look_around(flow);
		if (ret <= 0)
			return ret;
		ret = rings_end_broken(&flow->end) ? -EPROTO : -ETIMEDOUT;
		if (rings_now_ns() >= until)
			break;
	}
	return ret;
}

/* --- the end --- */

bool rings_flow_ended(struct rings_flow *flow, int ret, const char *done)
{
	switch (ret) {
	case 0:
		flow->ended = done;
		return true;
	case -EINTR:
		flow->ended = "signal";
		return true;
	case -ETIME:
		flow->ended = "duration";
		return true;
	case -ENODATA:
		flow->ended = "count";
		return true;
	}
	return false;
}

void rings_flow_end(struct rings_flow *flow)
{
	const struct xk_share_info *memory = flow->ring.memory;
	struct xk_ring_info info;

	if (!memory)
		return;
	if (flow->attached)
		rings_end_detach(&flow->end);
	if (flow->attached &&
	    xk_ring_look(memory->addr, memory->size, memory->fd, &info, NULL)) /* damaged */
		info = (struct xk_ring_info){.shape = flow->ring.shape};
	if (flow->attached)
		rings_tell_summary(flow, &info);
	rings_close(&flow->ring);
}
