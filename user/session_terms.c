// SPDX-License-Identifier: BSD-2-Clause
/* Asked for and not so: a line on stderr an option, and the same in the JSON. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "session.h"

static bool is_told(const struct session *s, const char *option)
{
	json_t *one;
	size_t i;

	json_array_foreach(s->unmet, i,
			   one) if (!strcmp(json_string_value(json_object_get(one, "option")),
					    option)) return true;
	return false;
}

/* Once an option: what holds for one queue holds for the others. */
void session_unmet(struct session *s, const char *option, const char *format, ...)
{
	char why[512];
	va_list args;

	if (is_told(s, option))
		return;
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	report_note("%s: %s", option, why);
	if (!s->unmet)
		s->unmet = json_array();
	json_array_append_new(s->unmet, json_pack("{s:s,s:s}", "option", option, "why", why));
}

/* --- options that this command has no use for --- */

static const struct {
	const char *option;
	bool rx, tx; /* what it takes; both: either of them */
	const char *why;
} uses[] = {
	{"mode", true, false, "nothing is received, so there is no XDP program"},
	{"attach", true, false, "nothing is received, so there is no XDP program"},
	{"pinned", true, false, "nothing is received, so there is no XDP program"},
	{"keep", true, false, "nothing is received, so there is no XDP program"},
	{"match", true, false, "nothing is received, so there is no XDP program"},
	{"busy-budget", true, false, "nothing is received, so no queue is polled"},
	{"tx-budget", false, true, "nothing is sent through AF_XDP"},
	{"bind", true, true, "no AF_XDP socket is used"},
	{"batch", true, true, "no AF_XDP socket is used"},
	{"frames", true, true, "no AF_XDP socket is used"},
	{"frame-size", true, true, "no AF_XDP socket is used"},
	{"ring-size", true, true, "no AF_XDP socket is used"},
	{"hugepages", true, true, "no AF_XDP socket is used"},
};

static void look_at_uses(struct session *s)
{
	bool rx = s->action->rx, tx = s->action->tx;
	char option[32];

	for (unsigned i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		if (!opts_given(s->opts, uses[i].option) || (uses[i].rx && rx) ||
		    (uses[i].tx && tx))
			continue;
		snprintf(option, sizeof(option), "--%s", uses[i].option);
		session_unmet(s, option, "%s", uses[i].why);
	}
	if (s->action->takes_own && opts_given(s->opts, "match"))
		session_unmet(s, "--match", "%s takes its own packets only", s->action->command);
	if (s->action->rx && opts_given(s->opts, "busy-budget") && s->opts->poll != XK_IDLE_BUSY)
		session_unmet(s, "--busy-budget", "it counts with --poll busy only");
	if (!s->action->rx && s->opts->poll == XK_IDLE_BUSY)
		session_unmet(s, "--poll busy", "nothing is received, so no queue is polled");
}

/* --- the XDP program --- */

static void look_at_prog(struct session *s, const struct side *side)
{
	static const char *const modes[] = {"auto", "native", "skb"};
	static const char *const attaches[] = {"auto", "a link", "a loader"};
	const struct xk_prog_info *info = xk_prog_info(side->prog);

	if (s->opts->mode != XK_MODE_AUTO && info->mode != s->opts->mode)
		session_unmet(s, "--mode", "%s: the program that is there is joined, and is %s",
			      info->ifname, modes[info->mode]);
	if (s->opts->attach != XK_ATTACH_AUTO && info->attach != s->opts->attach)
		session_unmet(s, "--attach",
			      "%s: the program that is there is joined, and is held by %s",
			      info->ifname, attaches[info->attach]);
}

/* --- a queue's socket, memory and worker --- */

static void look_at_budget(struct session *s, const struct xk_port_info *info)
{
	if (!opts_given(s->opts, "tx-budget") || !info->tx_size)
		return;
	if (info->tx_budget_errno == ENOPROTOOPT)
		session_unmet(s, "--tx-budget",
			      "queue %u: this kernel has no such option, its own budget holds",
			      info->queue);
	else if (info->tx_budget_errno)
		session_unmet(s, "--tx-budget", "queue %u: %s: the kernel's own budget holds",
			      info->queue, strerror(info->tx_budget_errno));
	else if (info->tx_budget != s->opts->tx_budget)
		session_unmet(s, "--tx-budget", "queue %u: %u, not %u: its TX ring has no more",
			      info->queue, info->tx_budget, s->opts->tx_budget);
}

static void look_at_sizes(struct session *s, const struct lane *lane,
			  const struct xk_port_info *info)
{
	uint32_t ring = info->rx_size ? info->rx_size : info->tx_size;
	uint32_t frames = xk_umem_config(lane->umem)->frames;

	if (opts_given(s->opts, "ring-size") && ring != s->opts->ring_size)
		session_unmet(s, "--ring-size",
			      "queue %u: %u, not %u: %u queues share a UMEM's frames", info->queue,
			      ring, s->opts->ring_size, lane->n_ports);
	if (opts_given(s->opts, "frames") && frames != s->opts->frames)
		session_unmet(s, "--frames", "%u, not %u: %u queues share them", frames,
			      s->opts->frames, lane->n_ports);
}

static void look_at_port(struct session *s, const struct lane *lane, const struct xk_port *port)
{
	const struct xk_port_info *info = xk_port_info(port);

	look_at_budget(s, info);
	look_at_sizes(s, lane, info);
	if (s->opts->poll == XK_IDLE_BUSY && s->action->rx && !info->busy_poll)
		session_unmet(
			s, "--poll busy",
			"queue %u: the kernel refuses its options: they take CAP_NET_ADMIN and "
			"kernel 5.11",
			info->queue);
}

static void look_at_lane(struct session *s, const struct lane *lane)
{
	if (lane->cpu < 0 && opts_given(s->opts, "cpu"))
		session_unmet(s, "--cpu", "queue %u: its worker could not be pinned",
			      lane->ports[0].queue);
	if (lane->mem && s->opts->node >= 0 && xk_mem_info(lane->mem)->node != s->opts->node)
		session_unmet(s, "--node", "queue %u: memory is on node %d, not %d: none was free",
			      lane->ports[0].queue, xk_mem_info(lane->mem)->node, s->opts->node);
}

void session_terms(struct session *s)
{
	look_at_uses(s);
	for_each_side(s, side) if (side->prog) look_at_prog(s, side);
	for (unsigned i = 0; i < s->n_lanes; i++)
		look_at_lane(s, &s->lanes[i]);
	for_each_port (s, lane, p)
		if (p->port)
			look_at_port(s, lane, p->port);
	if (s->action->rx && opts_given(s->opts, "batch") && s->opts->batch < XK_PKT_MAX_FRAMES)
		session_unmet(s, "--batch",
			      "bursts of up to %u frames, not %u: one packet may have as many",
			      XK_PKT_MAX_FRAMES, s->opts->batch);
}
