// SPDX-License-Identifier: BSD-2-Clause
/* What a run says: a row a lane, interval lines, and the summary as text. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bench/udp.h"
#include "report.h"

/* --- a row a lane --- */

struct row {
	const char *role, *api;
	unsigned worker, port, batch;
	int cpu;
	uint64_t packets, bytes, errors, ring_drops, kernel_drops;
	double pps;
	const struct xk_hist *latency_ns;
};

#define COLUMN(...) RESULT_COLUMN(struct row, __VA_ARGS__)
#define LATENCY(key, heading, percent)                                                             \
	{                                                                                          \
		key, heading, RESULT_HIST, offsetof(struct row, latency_ns), 10, 0, percent        \
	}

static const struct result_column columns[] = {
	COLUMN(role, "role", RESULT_TEXT, -4, 0),
	COLUMN(worker, "worker", RESULT_COUNT, 6, 0),
	COLUMN(port, "port", RESULT_COUNT, 5, 0),
	COLUMN(cpu, "cpu", RESULT_INT, 3, 0),
	COLUMN(api, "api", RESULT_TEXT, -8, 0),
	COLUMN(batch, "batch", RESULT_COUNT, 5, 0),
	COLUMN(packets, "packets", RESULT_U64, 11, 0),
	COLUMN(bytes, NULL, RESULT_U64, 0, 0),
	COLUMN(pps, "pps", RESULT_REAL, 9, 0),
	COLUMN(errors, "errors", RESULT_U64, 6, 0),
	COLUMN(ring_drops, "ring drops", RESULT_U64, 10, 0),
	COLUMN(kernel_drops, "kernel drops", RESULT_U64, 12, 0),
	LATENCY("latency_ns", "p50 ns", 50),
	LATENCY(NULL, "p99 ns", 99),
	LATENCY(NULL, "p99.9 ns", 99.9),
};

static void print_lane(struct udp_run *run, const struct udp_lane *lane)
{
	const struct udp_net_counters *net = &lane->net.count;
	bool sent = udp_counts_sent(lane->does);
	struct row row = {
		.role = udp_mode_names[lane->does],
		.api = lane->net.api->name,
		.worker = lane->number,
		.port = lane->port,
		.batch = run->opts->batch,
		.cpu = xk_worker_info(lane->worker)->cpu,
		.packets = sent ? net->sent : lane->app.count.taken,
		.bytes = sent ? net->sent_bytes : lane->app.count.taken_bytes,
		.errors = net->send_errors + net->receive_errors,
		.ring_drops = net->ring_drops,
		.kernel_drops = net->kernel_drops,
		.latency_ns = lane->app.latency.count ? &lane->app.latency : NULL,
	};

	row.pps = udp_per((double)row.packets, udp_seconds(run));
	result_row(&run->result, &row);
}

/* --- what was refused --- */

/* What is known before the first datagram; busy polling only shows with it. */
static void warn_refused(const struct udp_run *run)
{
	const struct udp_opts *o = run->opts;
	struct udp_granted g = udp_granted_to(run);

	if (g.receive_buffer < o->buffer)
		report_note("socket buffers of %u bytes, not %u: root may have more than "
			    "net.core.rmem_max",
			    g.receive_buffer, o->buffer);
	if (!g.pinned)
		report_note("workers are not pinned to their CPUs");
	if (o->fifo && !g.fifo)
		report_note("no SCHED_FIFO: it needs CAP_SYS_NICE, or `ulimit -r`");
	if (o->mlock && !run->mlocked)
		report_note("memory is not locked: it needs CAP_IPC_LOCK, or `ulimit -l`");
	if (o->busy_poll_us && !(g.busy_poll_us && g.prefer_busy_poll))
		report_note("no busy polling: it needs CAP_NET_ADMIN");
	if (o->gso && !g.gso && g.any_tx)
		report_note("no UDP_SEGMENT: the kernel has none, or --size exceeds the MTU");
	if (o->gro && !g.gro && g.any_rx)
		report_note("no UDP_GRO: the kernel has none");
}

static void warn_idle_poll(const struct udp_run *run)
{
	struct udp_granted g = udp_granted_to(run);

	if (run->opts->busy_poll_us && g.any_rx && g.busy_poll_us && g.prefer_busy_poll &&
	    !g.busy_poll)
		report_note("busy polling was accepted, but no NAPI is behind the socket: the "
			    "interface has none to poll");
}

/* --- begin --- */

void udp_report_begin(struct udp_run *run, int argc, char **argv)
{
	run->result.command = UDP_WHAT;
	run->result.experiment = "udp";
	run->result.columns = columns;
	run->result.n_columns = sizeof(columns) / sizeof(*columns);
	run->result.json = run->opts->common.json;
	warn_refused(run);
	result_begin(&run->result, argc, argv, udp_setting_json(run));
}

/* --- interval lines --- */

void udp_report_interval(struct udp_run *run, const struct udp_sum *before,
			 const struct udp_sum *now, double at_s, double s)
{
	uint64_t packets = now->packets - before->packets, bytes = now->bytes - before->bytes;
	json_t *line = json_pack("{s:f,s:f,s:I,s:I,s:f,s:f,s:I,s:I}", "at_s", at_s, "duration_s", s,
				 "packets", (json_int_t)packets, "bytes", (json_int_t)bytes, "pps",
				 (double)packets / s, "bps", 8 * (double)bytes / s, "ring_drops",
				 (json_int_t)(now->net.ring_drops - before->net.ring_drops),
				 "kernel_drops",
				 (json_int_t)(now->net.kernel_drops - before->net.kernel_drops));
	char pps[16];

	result_line(&run->result, "interval", line, "%6.1f s  %s pps  %.3f Gbit/s", at_s,
		    report_si((double)packets / s, pps), 8 * (double)bytes / s / 1e9);
}

/* --- the end --- */

static void merge_latency(const struct udp_run *run, struct xk_hist *latency,
			  struct xk_hist *service)
{
	xk_hist_reset(latency);
	xk_hist_reset(service);
	for (unsigned i = 0; i < run->n_lanes; i++) {
		xk_hist_merge(latency, &run->lanes[i].app.latency);
		xk_hist_merge(service, &run->lanes[i].app.service);
	}
}

static void hist_text(const char *name, const struct xk_hist *hist)
{
	static const double percents[] = {50, 90, 99, 99.9, 99.99};

	if (!hist->count)
		return;
	printf("%-8s min %.2f  mean %.2f", name, (double)hist->min / 1e3, xk_hist_mean(hist) / 1e3);
	for (unsigned i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		printf("  p%g %.2f", percents[i],
		       (double)xk_hist_percentile(hist, percents[i]) / 1e3);
	printf("  max %.2f us\n", (double)hist->max / 1e3);
}

static void counts_text(const struct udp_run *run, const struct udp_sum *sum)
{
	double s = udp_seconds(run), packets = (double)sum->packets;
	char pps[16];

	printf("%llu packets in %.2f s: %s pps, %.3f Gbit/s; %.0f ns of CPU and %.3f system calls "
	       "a packet\n",
	       (unsigned long long)sum->packets, s, report_si(udp_per(packets, s), pps),
	       udp_per(8 * (double)sum->bytes, s) / 1e9, udp_per(run->costs.cpu_s * 1e9, packets),
	       udp_per((double)(sum->net.syscalls + sum->net.waits), packets));
	printf("sent %llu, received %llu, errors %llu, ring drops %llu, kernel drops %llu\n",
	       (unsigned long long)sum->net.sent, (unsigned long long)sum->received,
	       (unsigned long long)(sum->net.send_errors + sum->net.receive_errors),
	       (unsigned long long)sum->net.ring_drops, (unsigned long long)sum->net.kernel_drops);
	if (udp_last_error(run))
		printf("last error: %s\n", strerror(-udp_last_error(run)));
	if (run->opts->mode == UDP_PING)
		printf("answered %llu, lost %llu, late %llu, duplicates %llu\n",
		       (unsigned long long)sum->app.answered, (unsigned long long)sum->app.lost,
		       (unsigned long long)sum->app.late, (unsigned long long)sum->app.twice);
}

static void terms_text(const struct udp_run *run)
{
	const struct udp_opts *o = run->opts;
	struct udp_granted g = udp_granted_to(run);

	printf("granted: buffers %u and %u bytes of %u, pinned %s", g.receive_buffer, g.send_buffer,
	       o->buffer, g.pinned ? "yes" : "no");
	if (o->fifo)
		printf(", SCHED_FIFO %s", g.fifo ? "yes" : "no");
	if (o->mlock)
		printf(", mlock %s", run->mlocked ? "yes" : "no");
	if (o->busy_poll_us)
		printf(", busy polling %s", g.busy_poll ? "yes" : "no");
	if (o->gso)
		printf(", GSO %s", g.gso ? "yes" : "no");
	if (o->gro)
		printf(", GRO %s", g.gro ? "yes" : "no");
	putchar('\n');
}

/* Whether the other side never came, or went away; at the user's word that is no failure. */
static bool is_alone(const struct udp_run *run, const struct udp_sum *sum)
{
	if (run->no_peer)
		return true;
	if (process_interrupted() || udp_heard(run, sum))
		return false;
	return run->opts->mode == UDP_PING ? sum->app.made > 0 : udp_waits_for_anybody(run->opts);
}

static int no_peer(const struct udp_run *run, const struct udp_sum *sum, struct xk_err *err)
{
	unsigned port = run->opts->port;
	bool heard = udp_heard(run, sum) > 0;

	if (!is_alone(run, sum))
		return 0;
	if (run->opts->mode == UDP_PING)
		return xk_err_fill(err, -ETIMEDOUT, UDP_WHAT,
				   "start `xskit bench udp echo` there, and look at --port",
				   heard ? "port %u does not answer any more"
					 : "nobody answers at port %u",
				   port);
	return xk_err_fill(err, -ETIMEDOUT, UDP_WHAT,
			   "start `xskit bench udp send ADDRESS` there, and look at --port",
			   heard ? "nothing comes to port %u any more" : "nothing came to port %u",
			   port);
}

int udp_report_end(struct udp_run *run, struct xk_err *err)
{
	struct udp_sum sum = udp_sum_of(run);
	struct xk_hist *hists = calloc(2, sizeof(*hists));

	if (!hists)
		return xk_err_fill(err, -ENOMEM, UDP_WHAT, NULL, "sum up");
	warn_idle_poll(run);
	merge_latency(run, &hists[0], &hists[1]);
	for (unsigned i = 0; i < run->n_lanes; i++)
		print_lane(run, &run->lanes[i]);
	if (!run->opts->common.json) {
		counts_text(run, &sum);
		hist_text(run->opts->mode == UDP_PING ? "rtt" : "latency", &hists[0]);
		hist_text("service", &hists[1]);
		terms_text(run);
	}
	result_end(&run->result, run->ended,
		   run->opts->common.json ? udp_summary_json(run, &sum, &hists[0], &hists[1])
					  : NULL);
	fflush(stdout); /* before what main may have to say */
	free(hists);
	return no_peer(run, &sum, err);
}
