// SPDX-License-Identifier: BSD-2-Clause
/* Which queue runs on which CPU and node, and whether it may spin. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <xskit/place.h>
#include "cmd.h"
#include "session.h"

static unsigned queues_of(const struct session *s, const struct nl_link *link)
{
	unsigned told = s->action->rx ? link->rx_queues : link->tx_queues;

	return told ? told : 1;
}

static int bad_queue(const struct session *s, const struct lane_port *p, struct xk_err *err)
{
	xk_err_fill(err, -ERANGE, "--queues",
		    "see `ethtool -l`, or for a veth numrxqueues of `ip link`",
		    "%s has no queue %u: it has 0 to %u", p->link->name, p->queue,
		    queues_of(s, p->link) - 1);
	return CMD_USAGE;
}

/* What comes by a queue of one goes by the same queue of the other. */
static int unequal_queues(const struct session *s, struct xk_err *err)
{
	const struct nl_link *a = &s->sides[0].link, *b = &s->sides[1].link;

	xk_err_fill(
		err, -ERANGE, "--queues",
		"name those to use, and send nothing to the others (`ethtool -L`, `ethtool -X`)",
		"%s has %u queues and %s has %u", a->name, queues_of(s, a), b->name,
		queues_of(s, b));
	return CMD_USAGE;
}

/* Ports by queue, and those of one queue by side, so that the peer is the neighbour. */
static void assign_ports(struct session *s)
{
	const struct number_list *list = &s->opts->queues;
	unsigned next = 0;

	for_each_port (s, lane, p) {
		p->side = next % s->n_sides;
		p->link = &s->sides[p->side].link;
		p->queue = list->count ? list->number[next / s->n_sides] : next / s->n_sides;
		p->peer = s->n_sides == 1 ? p : p->side == 0 ? p + 1 : p - 1;
		next++;
	}
}

static int make_lanes(struct session *s, unsigned lanes, unsigned ports, struct xk_err *err)
{
	s->lanes = calloc(lanes, sizeof(*s->lanes));
	if (!s->lanes)
		return xk_err_fill(err, -ENOMEM, s->action->command, NULL, "no memory for queues");
	s->n_lanes = lanes;
	s->n_queues = lanes * ports;
	for (unsigned i = 0; i < lanes; i++) {
		s->lanes[i].cpu_claim = -1;
		s->lanes[i].control = &s->control;
	}
	for (unsigned i = 0; i < lanes; i++) {
		s->lanes[i].ports = calloc(ports, sizeof(*s->lanes[i].ports));
		if (!s->lanes[i].ports)
			return xk_err_fill(err, -ENOMEM, s->action->command, NULL,
					   "no memory for queues");
		s->lanes[i].n_ports = ports;
	}
	s->control.lanes = s->lanes;
	s->control.n_lanes = lanes;
	s->control.limit = s->opts->packets;
	return 0;
}

/* All queues to receive from, one to send on, unless told otherwise. */
static int choose_queues(struct session *s, struct xk_err *err)
{
	const struct number_list *list = &s->opts->queues;
	unsigned has = queues_of(s, &s->sides[0].link);
	unsigned n = list->count ? list->count : s->action->rx ? has : 1;
	bool one = s->action->one_worker;
	int ret;

	if (!list->count && s->n_sides == 2 && has != queues_of(s, &s->sides[1].link))
		return unequal_queues(s, err);
	ret = make_lanes(s, one ? 1 : n, (one ? n : 1) * s->n_sides, err);
	if (ret)
		return ret;
	assign_ports(s);
	for_each_port (s, lane, p)
		if (p->queue >= queues_of(s, p->link) || p->queue >= XK_MAX_QUEUES)
			return bad_queue(s, p, err);
	return 0;
}

static bool allowed(const struct xk_place *place, unsigned cpu)
{
	for (unsigned i = 0; i < place->count; i++)
		if (place->cpu[i] == (int)cpu)
			return true;
	return false;
}

/* The CPUs named, in that order. */
static int take_list(struct xk_place *place, const struct number_list *list, struct xk_err *err)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (allowed(place, list->number[i]))
			continue;
		xk_err_fill(err, -EINVAL, "--cpu", "see `taskset -p $$`",
			    "CPU %u does not exist or may not be used here", list->number[i]);
		return CMD_USAGE;
	}
	for (unsigned i = 0; i < list->count; i++)
		place->cpu[i] = (int)list->number[i];
	place->count = list->count;
	place->claimed = 0;
	return 0;
}

/* As many workers spin as there are CPUs that nobody else spins on; workers that share one sleep.
 */
static void choose_idle(struct session *s, const struct xk_place *place)
{
	unsigned left = place->count - place->claimed;
	unsigned sleeping = 0;
	bool blocks =
		!s->action->rx && !s->action->tx; /* in run; it waits for nothing in between */

	if (left == 0)
		left = 1; /* all are claimed: the first shares one, as it would with any process */
	for (unsigned i = 0; i < s->n_lanes; i++) {
		bool shared = s->n_lanes > left && (i >= left || i + left < s->n_lanes);

		s->lanes[i].idle = shared || blocks ? XK_IDLE_WAIT : s->opts->poll;
		sleeping += shared && !blocks && s->opts->poll != XK_IDLE_WAIT;
	}
	if (sleeping)
		session_unmet(s, "--poll",
			      "%u queues on %u free CPUs: %u workers sleep instead of spinning",
			      s->n_lanes, left, sleeping);
}

/* The node asked for, or the interface's; of two on different nodes the first one's. */
static int choose_node(const struct session *s)
{
	const struct side *a = &s->sides[0], *b = &s->sides[s->n_sides - 1];
	int node = xk_place_ifnode(a->link.name), other = xk_place_ifnode(b->link.name);

	if (s->opts->node >= 0)
		return s->opts->node;
	if (node != other && node >= 0 && other >= 0)
		report_note("%s is on node %d and %s on node %d: workers and memory are on node %d",
			    a->link.name, node, b->link.name, other, node);
	return node >= 0 ? node : other;
}

int session_place(struct session *s, struct xk_err *err)
{
	int node = choose_node(s);
	struct xk_place place;
	unsigned cpus;
	int ret;

	if (node >= xk_place_nodes()) {
		xk_err_fill(err, -EINVAL, "--node", "see `numactl -H`", "there is no node %d",
			    node);
		return CMD_USAGE;
	}
	if ((ret = choose_queues(s, err)))
		return ret;
	ret = xk_place_find(&place, node);
	if (ret)
		return xk_err_fill(err, ret, s->action->command, NULL,
				   "find the CPUs that may be used");
	if (s->opts->cpus.count && (ret = take_list(&place, &s->opts->cpus, err)))
		return ret;
	choose_idle(s, &place);
	/* stay on the node as long as its CPUs last */
	cpus = place.on_node && s->n_lanes <= place.on_node ? place.on_node : place.count;
	cpus = s->opts->cpus.count ? place.count : cpus;
	for (unsigned i = 0; i < s->n_lanes; i++) {
		s->lanes[i].cpu = place.cpu[i % cpus];
		s->lanes[i].node = node >= 0 ? node : xk_place_cpunode(s->lanes[i].cpu);
		if (s->lanes[i].idle != XK_IDLE_WAIT || !s->action->rx)
			s->lanes[i].cpu_claim = xk_place_claim(s->lanes[i].cpu);
	}
	return 0;
}

void session_unplace(struct session *s)
{
	for (unsigned i = 0; i < s->n_lanes && s->lanes; i++)
		if (s->lanes[i].cpu_claim >= 0)
			close(s->lanes[i].cpu_claim);
}
