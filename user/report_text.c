// SPDX-License-Identifier: BSD-2-Clause
/* The run as text for people. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "report.h"
#include "std_fds.h"

const char *report_si(double value, char out[16])
{
	static const char *const units[] = {"", " k", " M", " G", " T"};
	unsigned unit = 0;

	while (fabs(value) >= 999.5 && unit < 4) {
		value /= 1000;
		unit++;
	}
	snprintf(out, 16, unit ? "%.2f%s" : "%.0f%s", value, units[unit]);
	return out;
}

/* 4.27 Mpps, and 0 pps. */
static const char *with_unit(double value, const char *unit, char out[32])
{
	char text[16];
	bool bare;

	report_si(value, text);
	bare = isdigit((unsigned char)text[strlen(text) - 1]);
	snprintf(out, 32, "%s%s%s", text, bare ? " " : "", unit);
	return out;
}

static const char *yes(bool flag)
{
	return flag ? "yes" : "no";
}

static void side_start(const struct run_facts *run, const struct side_facts *side)
{
	const struct terms *e = &side->effective;

	printf("%s on %s", run->command, side->ifname);
	if (*side->driver) /* lo has none */
		printf(" (%s)", side->driver);
	printf(", ");
	if (run->rx)
		printf("XDP %s, %s program, ", e->attach, e->program);
	printf("%s, busy polling: %s, huge pages: %s\n", e->bind, yes(e->busy_poll), e->hugepages);
}

/* " of vb", where there is more than one to be of. */
static void print_side(const struct run_facts *run, unsigned side)
{
	if (run->n_sides > 1)
		printf(" of %s", run->sides[side].ifname);
}

void report_text_start(const struct run_facts *run)
{
	for (unsigned i = 0; i < run->n_sides; i++)
		side_start(run, &run->sides[i]);
	for (unsigned i = 0; i < run->n_queues; i++) {
		const struct queue_facts *q = &run->queues[i];

		printf("  queue %u", q->queue);
		print_side(run, q->side);
		printf(": worker on CPU %d, memory on node %d\n", q->cpu, q->node);
	}
	std_fds_flush();
}

void report_text_interval(const struct run_facts *before, const struct run_facts *now)
{
	struct queue_facts a = report_sum(before, ALL_SIDES), b = report_sum(now, ALL_SIDES);
	double s = now->duration_s - before->duration_s;
	char pps[32], bps[32];

	if (s <= 0)
		return;
	printf("%7.1f s  %13s  %15s", now->duration_s,
	       with_unit((double)(b.packets - a.packets) / s, "pps", pps),
	       with_unit(8.0 * (double)(b.bytes - a.bytes) / s, "bit/s", bps));
	if (now->rx)
		printf("  dropped %llu",
		       (unsigned long long)(b.socket.rx_dropped + b.socket.rx_ring_full -
					    a.socket.rx_dropped - a.socket.rx_ring_full));
	putchar('\n');
	std_fds_flush();
}

static void row(const char *stage, const char *what, uint64_t n, bool always)
{
	if (n || always)
		printf("  %-14s %-34s %14llu\n", stage, what, (unsigned long long)n);
}

static void way_in(const struct run_facts *run, const struct queue_facts *sum)
{
	const struct xk_xdp_counters *xdp = &sum->xdp;
	const struct nl_counters interface = report_counters(run);

	printf("where packets went\n");
	row("interface", "received", interface.rx_packets, true);
	row("", "dropped", interface.rx_dropped, false);
	row("", "missed, errors", interface.rx_missed + interface.rx_errors, false);
	row("XDP program", "redirected to the socket", xdp->redirected, true);
	row("", "left to the kernel: kept", xdp->kept, false);
	row("", "left to the kernel: not matched", xdp->unmatched, false);
	row("", "left to the kernel: no socket", xdp->no_socket, false);
	row("", "dropped", xdp->dropped, false);
	row("socket", "received", sum->port.rx_packets + sum->left, true);
	row("", "dropped: RX ring full", sum->socket.rx_ring_full, false);
	row("", "dropped: no frame, or too long", sum->socket.rx_dropped, false);
	row("application", "received", sum->port.rx_packets, true);
	row("", "left in the ring at the end", sum->left, false);
	printf("  %-14s %-34s %14lld\n", "unaccounted", "", report_unaccounted(sum));
}

static void way_out(const struct run_facts *run, const struct queue_facts *sum)
{
	const struct nl_counters interface = report_counters(run);

	printf("where packets went\n");
	row("application", "sent", sum->packets, true);
	if (sum->has_port)
		row("socket", "frames completed by the kernel", sum->port.completed, true);
	row("", "invalid descriptors", sum->socket.tx_invalid_descs, false);
	row("interface", "transmitted", interface.tx_packets, true);
	row("", "dropped", interface.tx_dropped, false);
}

static void per_queue(const struct run_facts *run)
{
	for (unsigned i = 0; run->n_queues > 1 && i < run->n_queues; i++) {
		const struct queue_facts *q = &run->queues[i];
		const char *of = run->n_sides > 1 ? run->sides[q->side].ifname : "";

		printf("  queue %-4u CPU %-3d %-16s %31llu\n", q->queue, q->cpu, of,
		       (unsigned long long)q->packets);
	}
}

static void cost(const struct run_facts *run, const struct queue_facts *sum)
{
	double n = sum->packets ? (double)sum->packets : 1;

	printf("cost: %.2f s CPU of this process, %.2f s softirq of the machine; %.1f ns and %.4f "
	       "system "
	       "calls a packet\n",
	       run->cpu_s, run->softirq_s, run->cpu_s * 1e9 / n,
	       (double)(sum->port.syscalls + sum->waits) / n);
}

static void frames(const struct xk_ledger *l)
{
	printf("frames: %u, of them app %u, fill %u, rx %u, tx %u, completion %u, kernel %u; lost "
	       "%lld\n",
	       l->frames, l->held[XK_OWNER_APP], l->held[XK_OWNER_FILL], l->held[XK_OWNER_RX],
	       l->held[XK_OWNER_TX], l->held[XK_OWNER_COMPLETION], l->held[XK_OWNER_KERNEL],
	       (long long)l->lost);
}

void report_text_summary(const struct run_facts *run)
{
	struct queue_facts sum = report_sum(run, ALL_SIDES);
	double s = run->duration_s > 0 ? run->duration_s : 1;
	char pps[32], bps[32];

	printf("%s on %s", run->command, run->sides[0].ifname);
	if (run->n_sides > 1)
		printf(" and %s", run->sides[1].ifname);
	printf(": %llu packets in %.2f s: %s, %s (ended by %s)\n", (unsigned long long)sum.packets,
	       run->duration_s, with_unit((double)sum.packets / s, "pps", pps),
	       with_unit(8.0 * (double)sum.bytes / s, "bit/s", bps), run->ended);
	if (run->extra_text)
		run->extra_text(run->ctx);
	per_queue(run);
	if (run->rx)
		way_in(run, &sum);
	else
		way_out(run, &sum);
	cost(run, &sum);
	if (sum.has_port)
		frames(&sum.umem);
	std_fds_flush();
}
