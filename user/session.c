// SPDX-License-Identifier: BSD-2-Clause
#include <cap-ng.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "caps.h"
#include "cmd.h"
#include "session.h"

#define SPIN_NS     50000ull /* adaptive: spin this long before sleeping */
#define SETTLE_MS   500      /* at the end: for answers that are on their way */
#define DRAIN_RX_MS 200      /* at the end: for what the program has already redirected */
#define DRAIN_TX_MS 500      /* and for the completions of what was sent */

/* --- setting up --- */

static int open_progs(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; s->action->rx && i < s->n_sides && !ret; i++) {
		const struct xk_prog_config config = session_prog_config(s, i);

		ret = xk_prog_open(&s->sides[i].prog, s->sides[i].link.name, &config, err);
	}
	return ret;
}

static int open_lanes(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < s->n_lanes && !ret; i++)
		ret = lane_open(&s->lanes[i], s->opts, s->action, err);
	return ret ? ret : session_check_frames(s, err);
}

static int init_actions(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < s->n_lanes && s->action->lane_init && !ret; i++)
		ret = s->action->lane_init(s->ctx, &s->lanes[i], &s->lanes[i].state, err);
	return ret;
}

/* From here on packets arrive: rules first, then the socket. */
static int insert_sockets(struct session *s, struct xk_err *err)
{
	const struct packet_opts *opts = s->opts;
	int ret;

	for_each_port (s, lane, p) {
		struct xk_prog *prog = session_prog(s, p);

		if (!prog)
			continue;
		ret = xk_prog_rules(prog, p->queue, opts->keep, opts->rules, opts->n_rules, err);
		if (!ret)
			ret = xk_prog_insert(prog, p->queue, xk_port_fd(p->port), err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Is one of ours to be taken out of a libxdp dispatcher at the end? */
static bool in_dispatcher(struct session *s)
{
	for_each_side(s, side) if (side->prog && xk_prog_detach_needs_caps(side->prog) &&
				   xk_prog_in_dispatcher(side->prog)) return true;
	return false;
}

static bool is_tuned(struct session *s)
{
	for_each_side(s, side) if (side->tune.session.number) return true;
	return false;
}

/*
 * Nothing needs a privilege once all is set up, but BPF_PROG_RUN, and taking a program off that is
 * not held by a link, and putting settings back.
 */
static void drop_capabilities(struct session *s)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for_each_side(s, side) if (side->tune.session.number ||
				   (side->prog && xk_prog_detach_needs_caps(side->prog)))
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (in_dispatcher(s))
		capng_updatev(CAPNG_ADD, CAPNG_PERMITTED, CAP_BPF, CAP_SYS_ADMIN, -1);
	if (!s->action->rx && !s->action->tx)
		capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN, CAP_BPF,
			      CAP_PERFMON, -1);
	if (s->action->writes_file || is_tuned(s))
		capng_update(CAPNG_ADD, CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	if (capng_apply(CAPNG_SELECT_CAPS) && s->opts->verbose)
		report_note("capabilities could not be dropped");
}

static int start_workers(struct session *s, struct xk_err *err)
{
	for (unsigned i = 0; i < s->n_lanes; i++) {
		struct lane *lane = &s->lanes[i];
		char name[32];
		const struct xk_worker_config config = {
			.name = name,
			.cpu = lane->cpu,
			.idle = lane->idle,
			.spin_ns = SPIN_NS,
			.wait = lane_wait,
			.hold = true,
		};
		int ret;

		snprintf(name, sizeof(name), "xk-%s-%u", s->action->command, lane->ports[0].queue);
		ret = xk_worker_start(&lane->worker, &config, lane_step, lane, err);
		if (ret)
			return ret;
		lane->cpu = xk_worker_info(lane->worker)->cpu;
	}
	return 0;
}

/* --- the run and its end --- */

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000l}, NULL);
}

static bool tx_pending(const struct session *s)
{
	struct xk_port_stats stats;

	for_each_port (s, lane, p) {
		if (!p->port)
			continue;
		xk_port_stats(p->port, &stats);
		if (stats.tx_frames != stats.completed)
			return true;
	}
	return false;
}

/* Something was redirected and has not arrived, or arrived and was not taken: but for a limit. */
static bool rx_pending(const struct session *s)
{
	unsigned waiting = 0;

	for_each_port (s, lane, p)
		if (p->port && !s->control.limit)
			waiting += xk_port_rx_waiting(p->port);
	return waiting || session_unaccounted(s);
}

static bool settled(const struct session *s)
{
	for (unsigned i = 0; s->action->settled && i < s->n_lanes; i++)
		if (!xk_worker_done(s->lanes[i].worker) && !s->action->settled(s->lanes[i].state))
			return false;
	return true;
}

/*
 * What is on its way may arrive; then the sockets leave the map, so that nothing new comes; then
 * the workers go on until all that was redirected has arrived and all that was sent has come back.
 * All three waits are bounded.
 */
static void wind_down(struct session *s)
{
	s->end_ns = now_ns();
	/* partner: lane.c act(); a flag, nothing is published with it */
	xk_store_relaxed(&s->control.closing, 1);
	for (unsigned i = 0; i < s->n_lanes; i++)
		if (s->lanes[i].worker)
			xk_worker_rouse(s->lanes[i].worker);
	for (int ms = 0; !s->gone && ms < SETTLE_MS && !settled(s); ms++)
		pause_ms(1);
	for_each_port (s, lane, p)
		if (session_prog(s, p))
			xk_prog_remove(session_prog(s, p), p->queue);
	for (unsigned i = 0; s->action->stop && i < s->n_lanes; i++)
		s->action->stop(s->lanes[i].state);
	for (int ms = 0; !s->gone && ms < DRAIN_RX_MS && rx_pending(s); ms++)
		pause_ms(1);
	for (int ms = 0; !s->gone && ms < DRAIN_TX_MS && tx_pending(s); ms++)
		pause_ms(1);
}

static int stop_workers(struct session *s)
{
	int first = 0;

	for (unsigned i = 0; i < s->n_lanes; i++) {
		int ret;

		if (!s->lanes[i].worker)
			continue;
		xk_worker_stop(s->lanes[i].worker);
		ret = xk_worker_join(s->lanes[i].worker);
		first = first ? first : ret;
	}
	return first;
}

static int worker_failed(const struct session *s, int code, struct xk_err *err)
{
	if (err->code)
		return err->code; /* the reason behind it is known already */
	return xk_err_fill(err, code, s->action->command, NULL, "%s: a worker stopped",
			   s->sides[0].link.name);
}

/* The summary, and what the command says to its run: ret, where that had failed before. */
static int report_end(struct session *s, struct queue_facts *queues, int ret, struct xk_err *err)
{
	struct xk_err said = {0};
	struct run_facts run;
	int end = 0;

	session_facts(s, &run, queues);
	session_audit(s, &run);
	report_summary(&run);
	if (s->action->finished)
		end = s->action->finished(s->ctx, s->lanes, s->n_lanes, &said);
	if (ret || !end)
		return ret;
	*err = said;
	return end;
}

static int run(struct session *s, struct xk_err *err)
{
	struct queue_facts *queues = calloc(s->n_queues, sizeof(*queues));
	struct run_facts facts;
	int ret, failed;

	if (!queues)
		return xk_err_fill(err, -ENOMEM, s->action->command, NULL, "no memory");
	session_terms(s);
	session_facts(s, &facts, queues);
	report_start(&facts);
	session_tune_report(s);
	s->start_ns = now_ns();
	for (unsigned i = 0; i < s->n_lanes; i++)
		xk_worker_release(s->lanes[i].worker);
	ret = session_watch(s, err);
	wind_down(s);
	failed = stop_workers(s);
	if (ret == 0 && failed)
		ret = worker_failed(s, failed, err);
	if (ret == 0)
		ret = session_busy_poll(s, true, err);
	ret = report_end(s, queues, ret, err);
	free(queues);
	return ret;
}

/* What --match named would be taken from the kernel and given to nobody. */
static void leave_matches(struct packet_opts *opts)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < opts->n_rules; i++)
		if (opts->rules[i].flags & XK_RULE_KEEP)
			opts->rules[kept++] = opts->rules[i];
	opts->n_rules = kept;
}

static int set_up(struct session *s, struct xk_err *err)
{
	sigset_t held;
	int ret;

	if ((ret = session_check_links(s, err)) || (ret = session_check_ground(s, err)))
		return ret;
	if (s->action->takes_own)
		leave_matches(s->opts);
	if (s->action->prepare &&
	    (ret = s->action->prepare(s->ctx, &s->sides[0].link, s->opts, err)))
		return ret;
	session_choose_frames(s);
	session_hold_signals(&held);
	session_tune(s);
	if ((ret = session_place(s, err)) || (ret = open_progs(s, err)) ||
	    (ret = open_lanes(s, err)) || (ret = session_check_required(s, err)) ||
	    (ret = init_actions(s, err)) || (ret = session_watch_open(s, err)))
		return ret;
	session_facts_start(s);
	if ((ret = insert_sockets(s, err)))
		return ret;
	drop_capabilities(s);
	return start_workers(s, err);
}

/* What a dispatcher takes was kept as permitted only: raised for this one call. */
static void leave_prog(struct session *s, struct side *side)
{
	int rc;

	if (in_dispatcher(s)) {
		caps_raise(CAP_BPF);
		caps_raise(CAP_SYS_ADMIN);
	}
	rc = xk_prog_close(side->prog);
	side->prog = NULL;
	if (rc && rc != -ENOENT && !s->gone)
		report_note("%s: the XDP program could not be taken off (%s): see `xskit unload`",
			    side->link.name, strerror(-rc));
}

static void tear_down(struct session *s)
{
	for (unsigned i = 0; i < s->n_lanes; i++) {
		xk_worker_destroy(s->lanes[i].worker);
		if (s->action->lane_fini && s->lanes[i].state)
			s->action->lane_fini(s->lanes[i].state);
	}
	for (unsigned i = 0; i < s->n_lanes; i++)
		lane_close(&s->lanes[i]);
	for_each_side(s, side) leave_prog(s, side);
	session_watch_close(s);
	session_unplace(s);
	session_untune(s);
	json_decref(s->unmet);
	free(s->lanes);
}

int session_run(struct packet_opts *opts, const struct action *action, void *ctx,
		struct xk_err *err)
{
	struct session s = {.opts = opts, .action = action, .ctx = ctx, .sig_fd = -1};
	int ret;

	s.n_sides = opts->ifname2 ? 2 : 1;
	for_each_side(&s, side) side->watch_fd = side->tune.session.alive_fd = -1;
	xk_prog_verbose(opts->verbose);
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away ends the run, and the run cleans up */
	s.control.finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s.control.finished_fd < 0)
		return xk_err_fill(err, -errno, action->command, NULL, "eventfd");
	ret = set_up(&s, err);
	if (ret == 0)
		ret = run(&s, err);
	tear_down(&s);
	close(s.control.finished_fd);
	return ret;
}
