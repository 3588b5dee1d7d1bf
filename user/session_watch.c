// SPDX-License-Identifier: BSD-2-Clause
/* The controlling thread: intervals, signals, the link, the program - whatever ends a run. */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "nl_ethtool.h"
#include "session.h"
#include "std_fds.h"

#define TICK_NS   500000000ull    /* how often what gives no event is looked at */
#define FIXED_FDS (2 + MAX_SIDES) /* signals, completion, an interface's events each */

void session_hold_signals(sigset_t *set)
{
	/* a shell starts background jobs with SIGINT ignored: it ends a run all the same */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	/* blocked before any worker starts, so that none of them is interrupted */
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

int session_watch_open(struct session *s, struct xk_err *err)
{
	sigset_t set;

	session_hold_signals(&set);
	s->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->sig_fd < 0)
		return xk_err_fill(err, -errno, s->action->command, NULL, "watch signals");
	for_each_side(s, side)
	{
		side->watch_fd = nl_watch_open();
		if (side->watch_fd < 0)
			return xk_err_fill(err, side->watch_fd, s->action->command, NULL,
					   "watch links");
	}
	return 0;
}

void session_watch_close(struct session *s)
{
	if (s->sig_fd >= 0)
		close(s->sig_fd);
	for_each_side(s, side) if (side->watch_fd >= 0) close(side->watch_fd);
}

/* --- what may happen --- */

static int side_gone(struct session *s, const struct side *side, struct xk_err *err)
{
	s->ended = "interface gone";
	s->gone = true;
	return xk_err_fill(err, -ENODEV, s->action->command, "start again once it is back",
			   "%s was deleted while running", side->link.name);
}

static int side_events(struct session *s, struct side *side, struct xk_err *err)
{
	struct nl_link *link = &side->link;
	enum nl_event event;

	while ((event = nl_watch_read(side->watch_fd, link->ifindex)) != NL_EVENT_NONE) {
		if (event == NL_EVENT_GONE)
			return side_gone(s, side, err);
		/* an event comes for any change of the link: tell only of this one */
		if (link->up == (event == NL_EVENT_UP))
			continue;
		link->up = event == NL_EVENT_UP;
		report_note("%s: link %s", link->name, link->up ? "up" : "down");
	}
	return 0;
}

static int link_events(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for_each_side(s, side) ret = ret ? ret : side_events(s, side, err);
	return ret;
}

/* With its interface the program goes too, and may be missed before the event is read. */
static bool is_there(const struct side *side)
{
	char name[IF_NAMESIZE];

	return if_indextoname((unsigned)side->link.ifindex, name) != NULL;
}

static int program_gone(struct session *s, struct xk_err *err)
{
	for_each_side(s, side)
	{
		if (!side->prog || xk_prog_check(side->prog) != -ENOENT)
			continue;
		if (!is_there(side))
			return side_gone(s, side, err);
		s->ended = "program gone";
		return xk_err_fill(err, -ENOENT, s->action->command,
				   s->opts->pinned || s->opts->pinned2
					   ? "load it again, or run without --pinned"
					   : "start again",
				   "the XDP program was taken off %s while running",
				   side->link.name);
	}
	return 0;
}

/* `ethtool -L` while it runs: the workers stay as they are, so tell. */
static void tell_queues(struct side *side)
{
	struct nl_channel_counts now;
	unsigned queues, before = side->link.rx_queues;

	if (nl_channel_counts(side->link.name, &now))
		return;
	queues = now.combined + now.rx;
	if (!queues || queues == before)
		return;
	side->link.rx_queues = queues;
	if (queues < before)
		report_note("%s has %u queues now, not %u: nothing comes on queue %u and above",
			    side->link.name, queues, before, queues);
	else
		report_note("%s has %u queues now, not %u: start again to have workers on all",
			    side->link.name, queues, before);
}

static void queues_changed(struct session *s)
{
	for_each_side(s, side) if (s->action->rx) tell_queues(side);
}

static bool no_napi(struct xk_port *port, bool at_end)
{
	struct xk_port_stats stats;

	xk_port_look(port);
	xk_port_stats(port, &stats);
	return (at_end || stats.rx_packets) && !xk_port_info(port)->napi_id;
}

/* Taken back by a port, because under it the driver sends nothing. */
static int busy_poll_off(struct session *s, struct xk_err *err)
{
	const struct nl_link *off = NULL;

	for_each_port (s, lane, p)
		if (p->port && xk_load_relaxed(&xk_port_info(p->port)->no_busy_tx))
			off = p->link;
	if (!off)
		return 0;
	if (s->opts->require & REQUIRE_BUSYPOLL)
		return session_not_granted(off, err, "busypoll",
					   "under it this driver sends nothing: use --bind copy");
	session_unmet(s, "--poll busy",
		      "%s: under busy polling the driver sends nothing: it was switched off",
		      off->name);
	return 0;
}

int session_busy_poll(struct session *s, bool at_end, struct xk_err *err)
{
	const struct nl_link *missing = NULL;
	int ret = busy_poll_off(s, err);

	if (ret)
		return ret;
	for_each_port (s, lane, p)
		if (p->port && s->action->rx && no_napi(p->port, at_end))
			missing = p->link;
	if (!missing || s->opts->poll != XK_IDLE_BUSY)
		return 0;
	if (s->opts->require & REQUIRE_BUSYPOLL)
		return session_not_granted(missing, err, "busypoll",
					   "this driver gives its sockets no NAPI id");
	session_unmet(s, "--poll busy",
		      "%s: the driver gives the socket no NAPI id: busy polling does not engage, "
		      "the workers only spin",
		      missing->name);
	return 0;
}

static int tick(struct session *s, struct xk_err *err)
{
	int ret = session_busy_poll(s, false, err);

	if (ret) {
		s->ended = "busy polling not granted";
		return ret;
	}
	ret = std_fds_flush();
	if (ret) {
		s->ended = "output closed";
		return xk_err_fill(err, ret, s->action->command, NULL,
				   ret == -EPIPE ? "nobody reads the output"
						 : "the output cannot be written");
	}
	queues_changed(s);
	return program_gone(s, err);
}

/* --- the loop --- */

struct clock {
	uint64_t end, interval, next_interval, next_tick;
	struct queue_facts *queues[2]; /* before and now, in turn */
	struct run_facts facts[2];
	unsigned now;
};

static int clock_init(struct clock *clock, const struct session *s, struct xk_err *err)
{
	uint64_t start = now_ns();

	clock->end = s->opts->duration_s > 0 ? start + (uint64_t)(s->opts->duration_s * 1e9)
					     : UINT64_MAX;
	clock->interval = (uint64_t)(s->opts->interval_s * 1e9);
	clock->next_interval = clock->interval ? start + clock->interval : UINT64_MAX;
	clock->next_tick = start + TICK_NS;
	for (int i = 0; i < 2; i++) {
		clock->queues[i] = calloc(s->n_queues, sizeof(**clock->queues));
		if (!clock->queues[i])
			return xk_err_fill(err, -ENOMEM, s->action->command, NULL, "no memory");
	}
	session_facts(s, &clock->facts[0], clock->queues[0]);
	return 0;
}

static void clock_fini(struct clock *clock)
{
	free(clock->queues[0]);
	free(clock->queues[1]);
}

static int timeout_ms(const struct clock *clock)
{
	uint64_t next = clock->next_tick, now = now_ns();

	if (clock->end < next)
		next = clock->end;
	if (clock->next_interval < next)
		next = clock->next_interval;
	return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

static void interval(struct clock *clock, const struct session *s)
{
	unsigned before = clock->now;

	clock->now ^= 1;
	session_facts(s, &clock->facts[clock->now], clock->queues[clock->now]);
	report_interval(&clock->facts[before], &clock->facts[clock->now]);
	clock->next_interval += clock->interval;
}

/* 1: the time is up. */
static int clock_step(struct clock *clock, struct session *s, struct xk_err *err)
{
	uint64_t now = now_ns();

	if (now >= clock->end) {
		s->ended = "duration";
		return 1;
	}
	if (now >= clock->next_interval)
		interval(clock, s);
	if (now < clock->next_tick)
		return 0;
	clock->next_tick = now + TICK_NS;
	return tick(s, err);
}

/* 1: an event ends the run; the workers' descriptors come behind the fixed ones. */
static int events(struct session *s, const struct pollfd *fds, struct xk_err *err)
{
	if (fds[0].revents) {
		s->ended = "signal";
		return 1;
	}
	if (fds[2].revents || fds[3].revents) {
		int ret = link_events(s, err);

		if (ret)
			return ret;
	}
	if (fds[1].revents) {
		s->ended = s->control.limit ? "packet count" : "completion";
		return 1;
	}
	for (unsigned i = 0; i < s->n_lanes; i++) {
		if (!fds[FIXED_FDS + i].revents)
			continue;
		s->ended = "worker";
		/* an interface that vanishes stops its workers before it is told of here */
		return xk_worker_stopping(s->lanes[i].worker) || link_events(s, err) == 0
			       ? 1
			       : err->code;
	}
	return 0;
}

static void watch_fds(const struct session *s, struct pollfd *fds)
{
	fds[0] = (struct pollfd){.fd = s->sig_fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = s->control.finished_fd, .events = POLLIN};
	for (unsigned i = 0; i < MAX_SIDES; i++) /* poll() passes over -1 */
		fds[2 + i] = (struct pollfd){.fd = i < s->n_sides ? s->sides[i].watch_fd : -1,
					     .events = POLLIN};
	for (unsigned i = 0; i < s->n_lanes; i++)
		fds[FIXED_FDS + i] = (struct pollfd){.fd = xk_worker_done_fd(s->lanes[i].worker),
						     .events = POLLIN};
}

int session_watch(struct session *s, struct xk_err *err)
{
	struct pollfd *fds = calloc(FIXED_FDS + s->n_lanes, sizeof(*fds));
	struct clock clock = {0};
	int ret = fds ? clock_init(&clock, s, err)
		      : xk_err_fill(err, -ENOMEM, s->action->command, NULL, "no memory");

	if (ret == 0)
		watch_fds(s, fds);
	while (ret == 0) {
		if (poll(fds, FIXED_FDS + s->n_lanes, timeout_ms(&clock)) < 0 && errno != EINTR)
			ret = xk_err_fill(err, -errno, s->action->command, NULL, "poll");
		else if ((ret = events(s, fds, err)) == 0)
			ret = clock_step(&clock, s, err);
	}
	clock_fini(&clock);
	free(fds);
	return ret < 0 ? ret : 0;
}
