// SPDX-License-Identifier: BSD-2-Clause
/* The run as JSON Lines. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "jsonl.h"
#include "report.h"

void report_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("xskit: note: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* --- parts --- */

static json_t *terms_json(const struct terms *terms)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:b,s:s,s:s}", "attach", terms->attach, "program",
			 terms->program, "bind", terms->bind, "need_wakeup", terms->need_wakeup,
			 "busy_poll", terms->busy_poll, "hugepages", terms->hugepages, "tune",
			 terms->tune);
}

/* `hugepages` is granted or not, but asked for as auto, on or off. */
static json_t *effective_json(const struct terms *terms)
{
	json_t *object = terms_json(terms);

	json_object_set_new(object, "hugepages", json_boolean(!strcmp(terms->hugepages, "on")));
	return object;
}

static uint64_t passed(const struct xk_xdp_counters *xdp)
{
	return xdp->kept + xdp->unmatched + xdp->no_socket;
}

static json_t *xdp_json(const struct xk_xdp_counters *xdp)
{
	uint64_t seen = xdp->redirected + passed(xdp) + xdp->dropped;

	return json_pack("{s:I,s:I,s:I,s:I}", "seen", (json_int_t)seen, "redirected",
			 (json_int_t)xdp->redirected, "passed", (json_int_t)passed(xdp), "dropped",
			 (json_int_t)xdp->dropped);
}

static json_t *drops_json(const struct xk_port_xdp_stats *s)
{
	json_t *object = json_object();

	json_object_set_new(object, "rx_dropped", count(s->rx_dropped));
	json_object_set_new(object, "rx_invalid_descs", count(s->rx_invalid_descs));
	json_object_set_new(object, "tx_invalid_descs", count(s->tx_invalid_descs));
	json_object_set_new(object, "rx_ring_full", count(s->rx_ring_full));
	json_object_set_new(object, "rx_fill_ring_empty_descs", count(s->rx_fill_ring_empty_descs));
	json_object_set_new(object, "tx_ring_empty_descs", count(s->tx_ring_empty_descs));
	return object;
}

static json_t *ledger_json(const struct xk_ledger *ledger)
{
	static const char *const owners[XK_OWNERS] = {"app",        "fill", "rx",    "tx",
						      "completion", "ring", "kernel"};
	json_t *object = json_object();

	json_object_set_new(object, "frames", count(ledger->frames));
	for (int owner = 0; owner < XK_OWNERS; owner++)
		json_object_set_new(object, owners[owner], count(ledger->held[owner]));
	json_object_set_new(object, "twice", count(ledger->twice));
	json_object_set_new(object, "lost", json_integer(ledger->lost));
	return object;
}

/*
 * What the program handed to the socket is received, or dropped by the socket: rx_dropped counts
 * packets that found no frame (those are in rx_fill_ring_empty_descs as well) or were too long,
 * rx_ring_full those that found no slot. Nothing else may be missing.
 */
long long report_unaccounted(const struct queue_facts *q)
{
	uint64_t received = q->port.rx_packets + q->left;

	if (!q->has_prog)
		return 0;
	return (long long)(q->xdp.redirected - received - q->socket.rx_dropped -
			   q->socket.rx_ring_full);
}

static json_t *balance_of(const struct queue_facts *q)
{
	json_t *object = json_object(), *program, *socket, *app;

	program = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "seen",
			    (json_int_t)(q->xdp.redirected + passed(&q->xdp) + q->xdp.dropped),
			    "redirected", (json_int_t)q->xdp.redirected, "passed_kept",
			    (json_int_t)q->xdp.kept, "passed_unmatched",
			    (json_int_t)q->xdp.unmatched, "passed_no_socket",
			    (json_int_t)q->xdp.no_socket, "dropped", (json_int_t)q->xdp.dropped);
	socket = json_pack("{s:I,s:I,s:I,s:I}", "received",
			   (json_int_t)(q->port.rx_packets + q->left),
			   "dropped_no_frame_or_too_long", (json_int_t)q->socket.rx_dropped,
			   "dropped_ring_full", (json_int_t)q->socket.rx_ring_full,
			   "fill_ring_empty", (json_int_t)q->socket.rx_fill_ring_empty_descs);
	app = json_pack("{s:I,s:I,s:I,s:I}", "received", (json_int_t)q->port.rx_packets,
			"left_in_ring", (json_int_t)q->left, "sent", (json_int_t)q->port.tx_packets,
			"completed", (json_int_t)q->port.completed);
	json_object_set_new(object, "xdp", program);
	json_object_set_new(object, "socket", socket);
	json_object_set_new(object, "application", app);
	json_object_set_new(object, "unaccounted", json_integer(report_unaccounted(q)));
	return object;
}

/* --- sums over the queues --- */

static void add_all(uint64_t *into, const uint64_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*into); i++)
		into[i] += from[i];
}

struct queue_facts report_sum(const struct run_facts *run, unsigned side)
{
	struct queue_facts sum = {0};

	for (unsigned i = 0; i < run->n_queues; i++) {
		const struct queue_facts *q = &run->queues[i];

		if (side != ALL_SIDES && q->side != side)
			continue;
		sum.packets += q->packets;
		sum.bytes += q->bytes;
		sum.left += q->left;
		sum.waits += q->waits;
		sum.has_prog |= q->has_prog;
		sum.has_port |= q->has_port;
		add_all((uint64_t *)&sum.port, (const uint64_t *)&q->port, sizeof(sum.port));
		add_all((uint64_t *)&sum.socket, (const uint64_t *)&q->socket, sizeof(sum.socket));
		add_all((uint64_t *)&sum.xdp, (const uint64_t *)&q->xdp, sizeof(sum.xdp));
		sum.umem.frames += q->umem.frames;
		sum.umem.twice += q->umem.twice;
		sum.umem.lost += q->umem.lost;
		for (int owner = 0; owner < XK_OWNERS; owner++)
			sum.umem.held[owner] += q->umem.held[owner];
	}
	return sum;
}

struct nl_counters report_counters(const struct run_facts *run)
{
	struct nl_counters sum = {0};

	for (unsigned i = 0; i < run->n_sides; i++)
		add_all((uint64_t *)&sum, (const uint64_t *)&run->sides[i].counters, sizeof(sum));
	return sum;
}

/* Of two different answers the lesser one. */
struct terms report_effective(const struct run_facts *run)
{
	struct terms all = run->sides[0].effective;

	for (unsigned i = 1; i < run->n_sides; i++) {
		const struct terms *side = &run->sides[i].effective;

		all.attach = strcmp(side->attach, "skb") ? all.attach : side->attach;
		all.program = strcmp(side->program, "joined") ? all.program : side->program;
		all.bind = strcmp(side->bind, "copy") ? all.bind : side->bind;
		all.need_wakeup |= side->need_wakeup;
		all.busy_poll &= side->busy_poll;
	}
	return all;
}

static json_t *interface_json(const struct nl_counters *c)
{
	json_t *object = json_object();

	json_object_set_new(object, "rx_packets", count(c->rx_packets));
	json_object_set_new(object, "rx_dropped", count(c->rx_dropped));
	json_object_set_new(object, "rx_errors", count(c->rx_errors));
	json_object_set_new(object, "rx_missed", count(c->rx_missed));
	json_object_set_new(object, "tx_packets", count(c->tx_packets));
	json_object_set_new(object, "tx_dropped", count(c->tx_dropped));
	json_object_set_new(object, "tx_errors", count(c->tx_errors));
	return object;
}

/* With two interfaces, say whose it is. */
static void set_side(const struct run_facts *run, unsigned side, json_t *object)
{
	if (run->n_sides > 1)
		json_object_set_new(object, "of", json_string(run->sides[side].ifname));
}

static json_t *side_balance(const struct run_facts *run, unsigned side)
{
	struct queue_facts sum = report_sum(run, side);
	json_t *object = balance_of(&sum);

	json_object_set_new(object, "interface", interface_json(&run->sides[side].counters));
	set_side(run, side, object);
	return object;
}

static json_t *balance_json(const struct run_facts *run, const struct queue_facts *sum)
{
	json_t *balance = json_object(), *queues = json_array(), *total = balance_of(sum);
	struct nl_counters counters = report_counters(run);

	for (unsigned i = 0; i < run->n_queues; i++) {
		json_t *one = balance_of(&run->queues[i]);

		json_object_set_new(one, "queue", json_integer(run->queues[i].queue));
		set_side(run, run->queues[i].side, one);
		json_array_append_new(queues, one);
	}
	json_object_set_new(total, "interface", interface_json(&counters));
	json_object_set_new(balance, "queues", queues);
	for (unsigned i = 0; run->n_sides > 1 && i < run->n_sides; i++) {
		if (i == 0)
			json_object_set_new(balance, "interfaces", json_array());
		json_array_append_new(json_object_get(balance, "interfaces"), side_balance(run, i));
	}
	json_object_set_new(balance, "sum", total);
	json_object_set_new(balance, "unaccounted", json_integer(report_unaccounted(sum)));
	return balance;
}

static json_t *queues_json(const struct run_facts *run)
{
	json_t *queues = json_array();

	for (unsigned i = 0; i < run->n_queues; i++) {
		const struct queue_facts *q = &run->queues[i];
		json_t *one = json_pack("{s:i,s:i,s:i,s:I,s:I}", "queue", (int)q->queue, "cpu",
					q->cpu, "node", q->node, "packets", (json_int_t)q->packets,
					"bytes", (json_int_t)q->bytes);

		set_side(run, q->side, one);
		json_array_append_new(queues, one);
	}
	return queues;
}

/* With two interfaces, each one's own terms; those of both together are in `effective`. */
static void set_interfaces(const struct run_facts *run, json_t *line)
{
	json_t *array;

	if (run->n_sides < 2)
		return;
	array = json_array();
	for (unsigned i = 0; i < run->n_sides; i++) {
		const struct side_facts *side = &run->sides[i];

		json_array_append_new(array, json_pack("{s:s,s:s,s:o}", "interface", side->ifname,
						       "driver", side->driver, "effective",
						       effective_json(&side->effective)));
	}
	json_object_set_new(line, "interfaces", array);
}

static double per(double value, uint64_t n)
{
	return n ? value / (double)n : 0;
}

static json_t *cost_json(const struct run_facts *run, const struct queue_facts *sum)
{
	/* what answers also sends: its cost is shared by both directions */
	uint64_t packets = sum->packets;

	return json_pack("{s:f,s:f,s:f,s:f}", "cpu_s", run->cpu_s, "softirq_s", run->softirq_s,
			 "ns_per_packet", per(run->cpu_s * 1e9, packets), "syscalls_per_packet",
			 per((double)(sum->port.syscalls + sum->waits), packets));
}

/* Of no values there is no smallest one, nor any other: null. Takes the reference. */
static json_t *of_some(uint64_t n, json_t *value)
{
	if (n)
		return value;
	json_decref(value);
	return json_null();
}

json_t *report_hist(const struct xk_hist *hist)
{
	static const struct {
		const char *name;
		double percent;
	} points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"p99_99", 99.99}};
	uint64_t n = xk_load_relaxed(&hist->count);
	json_t *object = json_object();

	json_object_set_new(object, "count", count(n));
	json_object_set_new(object, "min", of_some(n, count(xk_load_relaxed(&hist->min))));
	json_object_set_new(object, "mean", of_some(n, json_real(xk_hist_mean(hist))));
	for (unsigned i = 0; i < sizeof(points) / sizeof(*points); i++)
		json_object_set_new(object, points[i].name,
				    of_some(n, count(xk_hist_percentile(hist, points[i].percent))));
	json_object_set_new(object, "max", of_some(n, count(xk_load_relaxed(&hist->max))));
	return object;
}

static json_t *unmet_json(const struct run_facts *run)
{
	return run->unmet ? json_deep_copy(run->unmet) : json_array();
}

/* --- the lines --- */

void report_start(const struct run_facts *run)
{
	struct terms effective = report_effective(run);
	json_t *line;

	if (!run->json) {
		report_text_start(run);
		return;
	}
	line = jsonl_start(run->command, run->argc, run->argv);
	json_object_set_new(line, "interface", json_string(run->sides[0].ifname));
	json_object_set_new(line, "driver", json_string(run->sides[0].driver));
	set_interfaces(run, line);
	json_object_set_new(line, "requested", terms_json(&run->requested));
	json_object_set_new(line, "effective", effective_json(&effective));
	json_object_set_new(line, "unmet", unmet_json(run));
	json_object_set_new(line, "queues", queues_json(run));
	jsonl_print(line);
}

void report_interval(const struct run_facts *before, const struct run_facts *now)
{
	struct queue_facts a = report_sum(before, ALL_SIDES), b = report_sum(now, ALL_SIDES);
	double s = now->duration_s - before->duration_s;
	uint64_t packets = b.packets - a.packets, bytes = b.bytes - a.bytes;
	json_t *line;

	if (!now->json) {
		report_text_interval(before, now);
		return;
	}
	line = json_pack("{s:s,s:f,s:f,s:I,s:I,s:f,s:f}", "type", "interval", "at_s",
			 now->duration_s, "duration_s", s, "packets", (json_int_t)packets, "bytes",
			 (json_int_t)bytes, "pps", s > 0 ? (double)packets / s : 0, "bps",
			 s > 0 ? 8.0 * (double)bytes / s : 0);
	json_object_set_new(line, "drops", drops_json(&b.socket));
	json_object_set_new(line, "xdp", xdp_json(&b.xdp));
	jsonl_print(line);
}

void report_summary(const struct run_facts *run)
{
	struct queue_facts sum = report_sum(run, ALL_SIDES);
	struct terms effective = report_effective(run);
	double s = run->duration_s;
	json_t *line;

	if (!run->json) {
		report_text_summary(run);
		return;
	}
	line = json_pack("{s:s,s:s,s:s,s:f,s:I,s:I,s:f,s:f,s:s}", "type", "summary", "command",
			 run->command, "interface", run->sides[0].ifname, "duration_s", s,
			 "packets", (json_int_t)sum.packets, "bytes", (json_int_t)sum.bytes, "pps",
			 s > 0 ? (double)sum.packets / s : 0, "bps",
			 s > 0 ? 8.0 * (double)sum.bytes / s : 0, "ended", run->ended);
	json_object_set_new(line, "cost", cost_json(run, &sum));
	json_object_set_new(line, "balance", balance_json(run, &sum));
	set_interfaces(run, line);
	json_object_set_new(line, "requested", terms_json(&run->requested));
	json_object_set_new(line, "effective", effective_json(&effective));
	json_object_set_new(line, "unmet", unmet_json(run));
	json_object_set_new(line, "queues", queues_json(run));
	json_object_set_new(line, "drops", drops_json(&sum.socket));
	json_object_set_new(line, "xdp", xdp_json(&sum.xdp));
	json_object_set_new(line, "umem", ledger_json(&sum.umem));
	if (run->extra_json)
		run->extra_json(run->ctx, line);
	jsonl_print(line);
}
