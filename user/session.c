// SPDX-License-Identifier: BSD-2-Clause
#include <cap-ng.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "caps.h"
#include "cmd.h"
#include "session.h"

#define SPIN_NS     50000ull /* adaptive: spin this long before sleeping */
#define SETTLE_MS   500      /* at the end: for answers that are on their way */
#define DRAIN_RX_MS 200      /* at the end: for what the program has already redirected */
#define DRAIN_TX_MS 500      /* and for the completions of what was sent */

/* --- what is checked before anything is opened --- */

static int check_route(const struct session *s, const struct nl_link *link, struct xk_err *err)
{
	bool yes = false;

	if (s->opts->force || nl_default_route_via(link->ifindex, &yes) || !yes)
		return 0;
	xk_err_fill(err, -EPERM, s->action->command, "use another interface, or --force",
		    "%s carries the default route: taking its packets may cut you off", link->name);
	return CMD_USAGE;
}

static int check_link(const struct session *s, const char *ifname, struct nl_link *link,
		      struct xk_err *err)
{
	char fix[64];
	int ret = nl_link(ifname, link, err);

	if (ret)
		return ret;
	if (!link->up) {
		snprintf(fix, sizeof(fix), "ip link set %s up", link->name);
		return xk_err_fill(err, -ENETDOWN, s->action->command, fix, "%s is down",
				   link->name);
	}
	return check_route(s, link, err);
}

static int check_links(struct session *s, struct xk_err *err)
{
	const char *names[MAX_SIDES] = {s->opts->ifname, s->opts->ifname2};
	int ret = 0;

	for (unsigned i = 0; i < s->n_sides && !ret; i++)
		ret = check_link(s, names[i], &s->sides[i].link, err);
	if (ret || s->n_sides < 2 || s->sides[0].link.ifindex != s->sides[1].link.ifindex)
		return ret;
	xk_err_fill(err, -EINVAL, s->action->command, "name two different ones",
		    "%s and %s are the same interface", s->opts->ifname, s->opts->ifname2);
	return CMD_USAGE;
}

/* Does a driver that can do without copying need more than 2,048 bytes for a packet of the MTU? */
static bool wants_large_frames(const struct session *s, const struct nl_link *link)
{
	uint64_t features;

	return s->opts->bind != XK_BIND_COPY && s->opts->mode != XK_MODE_SKB &&
	       !nl_xdp_features(link->ifindex, &features) && (features & NL_XDP_ZEROCOPY) &&
	       link->mtu + XK_FRAME_HEADER >
		       s->opts->frame_size - XK_FRAME_HEADROOM - XK_FRAME_TAILROOM;
}

static void choose_frame_size(struct session *s)
{
	for_each_side(s, side) if (s->action->rx && !opts_given(s->opts, "frame-size") &&
				   wants_large_frames(s, &side->link)) s->opts->frame_size = 4096;
}

static unsigned frame_room(const struct session *s)
{
	return s->opts->frame_size - XK_FRAME_HEADROOM;
}

static bool fits_frame(const struct session *s, unsigned mtu)
{
	return mtu + XK_FRAME_HEADER <= frame_room(s);
}

/* Without multi-buffer a frame must hold a whole packet of the interface. */
static int check_mtu(const struct session *s, const struct lane_port *p, struct xk_err *err)
{
	if (!s->action->rx || !p->port || xk_port_info(p->port)->multi_buffer ||
	    fits_frame(s, p->link->mtu))
		return 0;
	return xk_err_fill(
		err, -EMSGSIZE, s->action->command,
		"use --frame-size 4096, a kernel with multi-buffer AF_XDP (6.6), or a smaller MTU",
		"%s has MTU %u, and a frame holds %u bytes", p->link->name, p->link->mtu,
		frame_room(s));
}

/* What the driver may lose of it, silently. */
static void warn_mtu(const struct session *s, const struct lane_port *p)
{
	unsigned room = s->opts->frame_size - XK_FRAME_HEADROOM - XK_FRAME_TAILROOM;
	const struct xk_port_info *info = p->port ? xk_port_info(p->port) : NULL;

	if (s->action->rx && info && info->zerocopy && !info->multi_buffer &&
	    p->link->mtu + XK_FRAME_HEADER > room)
		report_note("%s: queue %u: packets above %u bytes may be lost in zero-copy: "
			    "--frame-size 4096 holds them",
			    p->link->name, info->queue, room);
}

/* --- setting up --- */

static struct xk_prog_config prog_config(const struct session *s, unsigned side)
{
	const char *pins[MAX_SIDES] = {s->opts->pinned, s->opts->pinned2};

	return (struct xk_prog_config){
		.mode = s->opts->mode,
		.attach = s->opts->attach,
		.pinned = pins[side],
		.one_buffer = s->action->one_frame && fits_frame(s, s->sides[side].link.mtu),
	};
}

static int open_progs(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; s->action->rx && i < s->n_sides && !ret; i++) {
		const struct xk_prog_config config = prog_config(s, i);

		ret = xk_prog_open(&s->sides[i].prog, s->sides[i].link.name, &config, err);
	}
	return ret;
}

static int may_have_sockets(const struct session *s, struct xk_err *err)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	else if (errno == EPERM)
		return xk_err_fill(err, -EPERM, s->action->command,
				   "run as root, or with the capability CAP_NET_RAW",
				   "no permission for an AF_XDP socket");
	return 0;
}

/* An action that prepares may wait for an answer that could never come: look at the ground first.
 */
static int check_ground(const struct session *s, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; s->action->rx && s->action->prepare && i < s->n_sides && !ret; i++) {
		const struct xk_prog_config config = prog_config(s, i);

		ret = xk_prog_probe(s->sides[i].link.name, &config, err);
		ret = ret ? ret : may_have_sockets(s, err);
	}
	return ret;
}

static int open_lanes(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < s->n_lanes && !ret; i++)
		ret = lane_open(&s->lanes[i], s->opts, s->action, err);
	for_each_port (s, lane, p)
		if (!ret && !(ret = check_mtu(s, p, err)))
			warn_mtu(s, p);
	return ret;
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

int session_not_granted(const struct nl_link *link, struct xk_err *err, const char *what,
			const char *fix)
{
	xk_err_fill(err, -ENOTSUP, "--require", fix, "%s was not granted on %s", what, link->name);
	return CMD_NOT_GRANTED;
}

static int check_port(const struct session *s, const struct lane *lane, const struct lane_port *p,
		      struct xk_err *err)
{
	const struct xk_mem_info *mem = xk_mem_info(lane->mem);
	unsigned require = s->opts->require;

	if ((require & REQUIRE_ZEROCOPY) && !xk_port_info(p->port)->zerocopy)
		return session_not_granted(p->link, err, "zerocopy",
					   "the driver has none for this queue");
	if ((require & REQUIRE_HUGEPAGES) && !mem->huge)
		return session_not_granted(p->link, err, "hugepages",
					   "reserve some: sysctl vm.nr_hugepages=N");
	if ((require & REQUIRE_NODE) && lane->node >= 0 && mem->node != lane->node)
		return session_not_granted(p->link, err, "memory on the wanted node",
					   "free some there");
	if ((require & REQUIRE_BUSYPOLL) && !xk_port_info(p->port)->busy_poll)
		return session_not_granted(p->link, err, "busypoll",
					   "it takes CAP_NET_ADMIN and kernel 5.11");
	/* a receiver may get one with its first packet: session_busy_poll() looks again */
	if ((require & REQUIRE_BUSYPOLL) && !s->action->rx && !xk_port_info(p->port)->napi_id)
		return session_not_granted(p->link, err, "busypoll",
					   "nothing is received, so no queue is polled");
	return 0;
}

static int check_prog(const struct session *s, const struct side *side, struct xk_err *err)
{
	if (!(s->opts->require & REQUIRE_NATIVE))
		return 0;
	if (!side->prog)
		return session_not_granted(&side->link, err, "native XDP",
					   "nothing is received, so there is no XDP program");
	if (xk_prog_info(side->prog)->mode == XK_MODE_NATIVE)
		return 0;
	return session_not_granted(&side->link, err, "native XDP",
				   "the driver has none, or --mode skb was given");
}

/* What an action without an AF_XDP socket cannot have. */
static int check_portless(const struct session *s, const struct lane_port *p, struct xk_err *err)
{
	static const struct {
		unsigned flag;
		const char *what;
	} terms[] = {{REQUIRE_ZEROCOPY, "zerocopy"},
		     {REQUIRE_HUGEPAGES, "hugepages"},
		     {REQUIRE_BUSYPOLL, "busypoll"},
		     {REQUIRE_NODE, "memory on the wanted node"}};

	for (unsigned i = 0; i < sizeof(terms) / sizeof(*terms); i++)
		if (s->opts->require & terms[i].flag)
			return session_not_granted(p->link, err, terms[i].what,
						   "no AF_XDP socket is used: see --engine xsk");
	return 0;
}

static int check_required(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for_each_side(s, side) ret = ret ? ret : check_prog(s, side, err);
	for_each_port (s, lane, p)
		if (!ret)
			ret = p->port ? check_port(s, lane, p, err) : check_portless(s, p, err);
	return ret;
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

	if ((ret = check_links(s, err)) || (ret = check_ground(s, err)))
		return ret;
	if (s->action->takes_own)
		leave_matches(s->opts);
	if (s->action->prepare &&
	    (ret = s->action->prepare(s->ctx, &s->sides[0].link, s->opts, err)))
		return ret;
	choose_frame_size(s);
	session_hold_signals(&held);
	session_tune(s);
	if ((ret = session_place(s, err)) || (ret = open_progs(s, err)) ||
	    (ret = open_lanes(s, err)) || (ret = check_required(s, err)) ||
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
