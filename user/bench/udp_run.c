// SPDX-License-Identifier: BSD-2-Clause
/* A run: lanes are opened, released together, watched, drained and stopped. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xskit/atomic.h>
#include <xskit/place.h>
#include "bench/udp.h"
#include "report.h"

#define LOOK_NS  10000000ull /* how often the run is looked at */
#define QUIET_NS 1000000000ull
#define DRAIN_NS 3000000000ull
#define NO_PEER  3 /* ping: nobody answers for so many times --timeout */

/* --- CPUs --- */

/* Workers take a CPU each, and turns if they must; applications have one, or go where there is
 * room. */
static void place_lane(const struct udp_run *run, struct udp_lane *lane, unsigned i)
{
	const struct cpus *cpus = &run->cpus;

	lane->cpu = cpus->cpu[i % cpus->count];
	lane->node = xk_place_cpunode(lane->cpu);
	lane->app_cpu =
		cpus->count >= run->threads ? cpus->cpu[(run->n_lanes + i) % cpus->count] : -1;
}

static void warn_crowded(const struct udp_run *run)
{
	if (run->n_lanes > run->cpus.count)
		report_note("%u workers on %u CPU%s: they take turns", run->n_lanes,
			    run->cpus.count, run->cpus.count == 1 ? "" : "s");
	else if (run->crowded && run->opts->poll == XK_IDLE_BUSY)
		report_note("%u threads that never sleep on %u CPU%s: they take turns; --app "
			    "inline needs half as many",
			    run->threads, run->cpus.count, run->cpus.count == 1 ? "" : "s");
}

/* --- open --- */

static int make_lanes(struct udp_run *run, struct xk_err *err)
{
	const struct udp_opts *opts = run->opts;
	bool both = opts->mode == UDP_LOOPBACK;

	run->n_lanes = opts->workers * (both ? 2 : 1);
	run->threads = run->n_lanes * (opts->app_inline ? 1 : 2);
	run->lanes = aligned_alloc(128, run->n_lanes * sizeof(*run->lanes));
	if (!run->lanes)
		return xk_err_fill(err, -ENOMEM, UDP_WHAT, "use fewer --workers", "no memory");
	memset(run->lanes, 0, run->n_lanes * sizeof(*run->lanes));
	for (unsigned i = 0; i < run->n_lanes; i++) {
		struct udp_lane *lane = &run->lanes[i];

		lane->net.fd = lane->net.bell.fd = lane->app.bell.fd = -1;
		lane->number = i % opts->workers;
		lane->port = opts->port + lane->number;
		/* receivers first: they are there before anything is sent */
		lane->does = !both ? opts->mode : i < opts->workers ? UDP_RECV : UDP_SEND;
	}
	return 0;
}

/* Before there is much to lock: what comes later is locked as it is made. */
static void lock_memory(struct udp_run *run)
{
	run->mlocked = run->opts->mlock && !mlockall(MCL_CURRENT | MCL_FUTURE);
}

static int open_lanes(struct udp_run *run, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < run->n_lanes && !ret; i++) {
		place_lane(run, &run->lanes[i], i);
		ret = udp_lane_open(&run->lanes[i], run, err);
	}
	for (unsigned i = 0; i < run->n_lanes && !ret; i++)
		ret = udp_lane_start(&run->lanes[i], run, err);
	return ret;
}

/* --- what the lanes have done, while they are at it --- */

/* Changes as long as anything moves. */
static uint64_t moved(const struct udp_sum *sum)
{
	return sum->net.sent + sum->net.send_errors + sum->net.received + sum->app.made +
	       sum->app.taken + sum->app.lost;
}

/* In all sockets, also those that no datagram has told of yet. */
static uint64_t dropped(const struct udp_run *run)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < run->n_lanes; i++)
		n += udp_socket_drops(&run->lanes[i].net);
	return n;
}

static bool drained(const struct udp_run *run, const struct udp_sum *sum)
{
	uint64_t there = sum->net.received - sum->net.ring_drops;

	if (sum->net.sent + sum->net.send_errors < sum->app.made || sum->app.taken < there)
		return false;
	if (run->opts->mode == UDP_PING)
		return sum->app.answered + sum->app.lost >= sum->app.made;
	if (run->opts->mode == UDP_LOOPBACK)
		return sum->net.received + dropped(run) >= sum->net.sent;
	return true;
}

static bool all_finished(const struct udp_run *run)
{
	unsigned limited = 0;

	for (unsigned i = 0; i < run->n_lanes; i++) {
		struct udp_app *app = &run->lanes[i].app;

		if (app->limit && !app->role->finished(app))
			return false;
		limited += app->limit > 0;
	}
	return limited > 0;
}

static bool one_ended(const struct udp_run *run)
{
	for (unsigned i = 0; i < run->n_lanes; i++)
		if (udp_lane_ended(&run->lanes[i]))
			return true;
	return false;
}

/* --- watching --- */

struct watch {
	uint64_t heard, heard_ns;  /* of the other side: how much, and when that changed */
	uint64_t next_ns, last_ns; /* interval lines: the next, the one before */
	struct udp_sum last;
};

static bool peer_is_gone(const struct udp_run *run, struct watch *watch, uint64_t now)
{
	bool ping = run->opts->mode == UDP_PING;
	uint64_t longest = (uint64_t)(run->opts->timeout_s * 1e9) * (ping ? NO_PEER : 1);
	struct udp_sum sum;

	if (!longest || !(ping || udp_waits_for_anybody(run->opts)))
		return false;
	sum = udp_sum_of(run);
	if (udp_heard(run, &sum) != watch->heard)
		watch->heard_ns = now;
	watch->heard = udp_heard(run, &sum);
	return now - watch->heard_ns >= longest;
}

static const char *why_end(struct udp_run *run, struct watch *watch, uint64_t now)
{
	uint64_t limit_ns = (uint64_t)(run->opts->duration_s * 1e9);

	if (process_interrupted())
		return "signal";
	if (one_ended(run))
		return "error";
	if (all_finished(run))
		return "packets";
	if (limit_ns && now - run->start_ns >= limit_ns)
		return "duration";
	if (peer_is_gone(run, watch, now)) {
		run->no_peer = true;
		return "no peer";
	}
	return NULL;
}

static void tell_interval(struct udp_run *run, struct watch *watch, uint64_t now)
{
	uint64_t interval = (uint64_t)(run->opts->interval_s * 1e9);
	struct udp_sum sum;

	if (!interval || now < watch->next_ns)
		return;
	sum = udp_sum_of(run);
	udp_report_interval(run, &watch->last, &sum, (double)(now - run->start_ns) / 1e9,
			    (double)(now - watch->last_ns) / 1e9);
	watch->last = sum;
	watch->last_ns = now;
	while (watch->next_ns <= now)
		watch->next_ns += interval;
}

static void watch_run(struct udp_run *run)
{
	uint64_t now = run->start_ns;
	struct watch watch = {
		.heard_ns = now,
		.last_ns = now,
		.next_ns = now + (uint64_t)(run->opts->interval_s * 1e9),
	};

	while (!(run->ended = why_end(run, &watch, now))) {
		udp_sleep(NULL, 0, LOOK_NS);
		now = process_now_ns();
		tell_interval(run, &watch, now);
	}
}

/* --- the end --- */

/*
 * No more is made; what is on its way arrives, or is not heard of for a while. The run lasts until
 * the last of it moved.
 */
static void drain(struct udp_run *run)
{
	uint64_t begin = process_now_ns(), changed = begin, now = begin, before = UINT64_MAX;
	uint64_t longest = DRAIN_NS + (uint64_t)(run->opts->timeout_s * 1e9);

	xk_store_relaxed(&run->closing, 1); /* partner: udp_app_closing() */
	while (now - begin < longest) {
		struct udp_sum sum = udp_sum_of(run);

		if (before != UINT64_MAX && moved(&sum) != before)
			changed = now;
		before = moved(&sum);
		if (drained(run, &sum) ||
		    (now - changed >= QUIET_NS && run->opts->mode != UDP_PING))
			break;
		udp_sleep(NULL, 0, LOOK_NS / 10);
		now = process_now_ns();
	}
	run->end_ns = changed;
}

static int stop_lanes(struct udp_run *run, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < run->n_lanes; i++) {
		int one = udp_lane_stop(&run->lanes[i]);

		ret = ret ? ret : one;
	}
	return ret ? xk_err_fill(err, ret, UDP_WHAT, NULL, "a worker ended") : 0;
}

static void measure(struct udp_run *run)
{
	struct udp_costs then;

	udp_kernel_read(&run->kernel_then);
	then = udp_costs_read();
	run->start_ns = process_now_ns();
	for (unsigned i = 0; i < run->n_lanes; i++)
		udp_lane_release(&run->lanes[i]);
	watch_run(run);
	drain(run);
	run->costs = udp_costs_read();
	run->costs.cpu_s -= then.cpu_s;
	run->costs.softirq_s -= then.softirq_s;
}

static int run_lanes(struct udp_run *run, int argc, char **argv, struct xk_err *err)
{
	int ret;

	process_catch_signals();
	warn_crowded(run);
	udp_report_begin(run, argc, argv);
	measure(run);
	ret = stop_lanes(run, err);
	udp_kernel_read(&run->kernel);
	udp_kernel_since(&run->kernel, &run->kernel_then);
	return ret ? ret : udp_report_end(run, err);
}

int udp_run(struct udp_run *run, int argc, char **argv, struct xk_err *err)
{
	int ret = make_lanes(run, err);

	if (!ret)
		ret = cpus_find(&run->cpus, &run->opts->common.cpus, run->threads, err);
	if (!ret) {
		cpus_claim(&run->cpus);
		run->crowded = run->threads > run->cpus.count;
		lock_memory(run);
		ret = open_lanes(run, err);
	}
	if (!ret)
		ret = run_lanes(run, argc, argv, err);
	for (unsigned i = 0; run->lanes && i < run->n_lanes; i++)
		udp_lane_close(&run->lanes[i]);
	cpus_put(&run->cpus);
	free(run->lanes);
	return ret;
}
