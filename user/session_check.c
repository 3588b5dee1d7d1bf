// SPDX-License-Identifier: BSD-2-Clause
/* What must hold: of the interfaces before anything is opened, and of what is open before it is
 * used. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "cmd.h"
#include "session.h"

/* --- before anything is opened --- */

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

int session_check_links(struct session *s, struct xk_err *err)
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

void session_choose_frames(struct session *s)
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

struct xk_prog_config session_prog_config(const struct session *s, unsigned side)
{
	const char *pins[MAX_SIDES] = {s->opts->pinned, s->opts->pinned2};

	return (struct xk_prog_config){
		.mode = s->opts->mode,
		.attach = s->opts->attach,
		.pinned = pins[side],
		.one_buffer = s->action->one_frame && fits_frame(s, s->sides[side].link.mtu),
	};
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

int session_check_ground(const struct session *s, struct xk_err *err)
{
	int ret = 0;

	for (unsigned i = 0; s->action->rx && s->action->prepare && i < s->n_sides && !ret; i++) {
		const struct xk_prog_config config = session_prog_config(s, i);

		ret = xk_prog_probe(s->sides[i].link.name, &config, err);
		ret = ret ? ret : may_have_sockets(s, err);
	}
	return ret;
}

/* --- once all is open --- */

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

int session_check_frames(const struct session *s, struct xk_err *err)
{
	int ret = 0;

	for_each_port (s, lane, p)
		if (!ret && !(ret = check_mtu(s, p, err)))
			warn_mtu(s, p);
	return ret;
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

int session_check_required(struct session *s, struct xk_err *err)
{
	int ret = 0;

	for_each_side(s, side) ret = ret ? ret : check_prog(s, side, err);
	for_each_port (s, lane, p)
		if (!ret)
			ret = p->port ? check_port(s, lane, p, err) : check_portless(s, p, err);
	return ret;
}
