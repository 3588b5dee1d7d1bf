// SPDX-License-Identifier: BSD-2-Clause
/* Counters, clocks and the ledger, gathered for the report. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "session.h"

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Softirq time of the whole machine: the 7th figure of /proc/stat's first line. */
static double softirq_s(void)
{
	unsigned long long softirq = 0;
	FILE *f = fopen("/proc/stat", "re");

	if (!f)
		return 0;
	if (fscanf(f, "cpu %*u %*u %*u %*u %*u %*u %llu", &softirq) != 1)
		softirq = 0;
	fclose(f);
	return (double)softirq / (double)sysconf(_SC_CLK_TCK);
}

void session_facts_start(struct session *s)
{
	for_each_port (s, lane, p)
		if (session_prog(s, p))
			xk_prog_counters(session_prog(s, p), p->queue, &p->base);
	for_each_side(s, side) nl_counters(side->link.ifindex, &side->base);
	s->cpu_base_s = cpu_s();
	s->softirq_base_s = softirq_s();
}

double session_elapsed(const struct session *s)
{
	if (!s->start_ns)
		return 0;
	return (double)((s->end_ns ? s->end_ns : now_ns()) - s->start_ns) / 1e9;
}

/* Both structures are nothing but uint64_t counters. */
static void subtract(void *from, const void *base, size_t bytes)
{
	uint64_t *a = from;
	const uint64_t *b = base;

	for (size_t i = 0; i < bytes / sizeof(*a); i++)
		a[i] -= b[i];
}

static void port_facts(const struct session *s, const struct lane *lane, const struct lane_port *p,
		       struct queue_facts *q)
{
	const struct xk_prog *prog = session_prog(s, p);

	*q = (struct queue_facts){
		.side = p->side, .queue = p->queue, .cpu = lane->cpu, .node = lane->node};
	if (p == lane->ports)
		q->waits = xk_load_relaxed(&lane->waits);
	if (p->port) {
		q->has_port = true;
		q->node = xk_mem_info(lane->mem)->node;
		xk_port_stats(p->port, &q->port);
		xk_port_xdp_stats(p->port, &q->socket);
		q->left = xk_port_rx_waiting(p->port);
		q->packets = s->action->rx ? q->port.rx_packets : q->port.tx_packets;
		q->bytes = s->action->rx ? q->port.rx_bytes : q->port.tx_bytes;
	}
	if (prog && xk_prog_counters(prog, p->queue, &q->xdp) == 0) {
		q->has_prog = true;
		subtract(&q->xdp, &p->base, sizeof(q->xdp));
	}
	if (s->action->counted)
		s->action->counted(lane->state, &q->packets, &q->bytes);
}

long long session_unaccounted(const struct session *s)
{
	long long sum = 0;

	for_each_port (s, lane, p) {
		struct queue_facts q;

		port_facts(s, lane, p, &q);
		sum += llabs(report_unaccounted(&q));
	}
	return sum;
}

static const char *const mode_names[] = {"auto", "native", "skb"};
static const char *const bind_names[] = {"auto", "copy", "zerocopy"};
static const char *const huge_names[] = {"auto", "on", "off"};

static struct terms requested(const struct session *s)
{
	const struct packet_opts *opts = s->opts;

	return (struct terms){
		.attach = s->action->rx ? mode_names[opts->mode] : "none",
		.program = !s->action->rx ? "none"
			   : opts->pinned ? "joined"
					  : "auto",
		.bind = bind_names[opts->bind],
		.hugepages = huge_names[opts->hugepages],
		.need_wakeup = true,
		.busy_poll = opts->poll == XK_IDLE_BUSY,
		.tune = opts->tune < 0 ? "none" : tune_profiles[opts->tune],
	};
}

/* What a side was granted, as its first queue shows it; the first lane has a port of each. */
static struct terms effective(const struct session *s, unsigned side)
{
	struct terms terms = {.attach = "none",
			      .program = "none",
			      .bind = "none",
			      .hugepages = "off",
			      .tune = session_tune_effective(s, side)};
	const struct xk_prog *prog = s->sides[side].prog;
	const struct lane *lane = &s->lanes[0];
	const struct lane_port *p = &lane->ports[side];

	if (prog) {
		terms.attach = mode_names[xk_prog_info(prog)->mode];
		terms.program = xk_prog_info(prog)->joined ? "joined" : "own";
	}
	if (p->port) {
		const struct xk_port_info *info = xk_port_info(p->port);

		terms.bind = info->zerocopy ? "zerocopy" : "copy";
		terms.need_wakeup = info->need_wakeup;
		terms.busy_poll = info->busy_poll && xk_load_relaxed(&info->napi_id) &&
				  !xk_load_relaxed(&info->no_busy_tx);
		terms.hugepages = xk_mem_info(lane->mem)->huge ? "on" : "off";
	}
	return terms;
}

static void extra_json(const void *ctx, json_t *summary)
{
	const struct session *s = ctx;

	s->action->summary_json(s->ctx, s->lanes, s->n_lanes, summary);
}

static void extra_text(const void *ctx)
{
	const struct session *s = ctx;

	s->action->summary_text(s->ctx, s->lanes, s->n_lanes);
}

static void side_facts(const struct session *s, unsigned i, struct side_facts *facts)
{
	const struct side *side = &s->sides[i];

	*facts = (struct side_facts){.ifname = side->link.name,
				     .driver = side->link.driver,
				     .effective = effective(s, i)};
	if (nl_counters(side->link.ifindex, &facts->counters) == 0)
		subtract(&facts->counters, &side->base, sizeof(side->base));
}

void session_facts(const struct session *s, struct run_facts *run, struct queue_facts *queues)
{
	*run = (struct run_facts){
		.command = s->action->command,
		.n_sides = s->n_sides,
		.argc = s->opts->argc,
		.argv = s->opts->argv,
		.json = s->opts->json,
		.rx = s->action->rx,
		.requested = requested(s),
		.duration_s = session_elapsed(s),
		.n_queues = s->n_queues,
		.queues = queues,
		.cpu_s = cpu_s() - s->cpu_base_s,
		.softirq_s = softirq_s() - s->softirq_base_s,
		.ended = s->ended ? s->ended : "",
		.unmet = s->unmet,
		.extra_json = s->action->summary_json ? extra_json : NULL,
		.extra_text = s->action->summary_text ? extra_text : NULL,
		.ctx = s,
	};
	for_each_port (s, lane, p)
		port_facts(s, lane, p, queues++);
	for (unsigned i = 0; i < s->n_sides; i++)
		side_facts(s, i, &run->sides[i]);
}

/* Workers stand still: every frame must be somewhere. A lane's ledger stands at its first queue. */
void session_audit(const struct session *s, struct run_facts *run)
{
	struct queue_facts *q = run->queues;

	for (unsigned i = 0; i < s->n_lanes; q += s->lanes[i++].n_ports)
		if (s->lanes[i].umem)
			xk_umem_audit(s->lanes[i].umem, &q->umem);
}
