// SPDX-License-Identifier: BSD-2-Clause
/* What a run says: a row a lane, and the summary of all. */
#include <errno.h>
#include <ifaddrs.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xskit/atomic.h>
#include "bench/udp.h"
#include "jsonl.h"
#include "report.h"

/* --- sums --- */

static void add_all(void *into, const void *from, size_t bytes)
{
	uint64_t *a = into;
	const uint64_t *b = from;

	for (size_t i = 0; i < bytes / sizeof(*a); i++)
		a[i] += xk_load_relaxed(&b[i]);
}

static bool counts_sent(enum udp_mode does)
{
	return does == UDP_SEND;
}

static void add_lane(struct udp_sum *sum, const struct udp_run *run, const struct udp_lane *lane)
{
	const struct udp_net_counters *net = &lane->net.count;

	add_all(&sum->net, net, sizeof(sum->net));
	add_all(&sum->app, &lane->app.count, sizeof(sum->app));
	sum->numbers.missing += xk_load_relaxed(&lane->app.numbers.missing);
	sum->numbers.reordered += xk_load_relaxed(&lane->app.numbers.reordered);
	sum->numbers.untracked += xk_load_relaxed(&lane->app.numbers.untracked);
	if (run->opts->mode == UDP_SEND) {
		sum->packets += xk_load_relaxed(&net->sent);
		sum->bytes += xk_load_relaxed(&net->sent_bytes);
	} else {
		sum->packets += xk_load_relaxed(&lane->app.count.taken);
		sum->bytes += xk_load_relaxed(&lane->app.count.taken_bytes);
	}
}

struct udp_sum udp_sum_of(const struct udp_run *run)
{
	struct udp_sum sum = {0};

	for (unsigned i = 0; i < run->n_lanes; i++)
		add_lane(&sum, run, &run->lanes[i]);
	sum.received = sum.app.taken;
	return sum;
}

/* --- a row a lane --- */

struct row {
	const char *role, *api;
	unsigned worker, port, batch;
	int cpu;
	uint64_t packets, bytes, errors, ring_drops, kernel_drops;
	double pps;
	const struct xk_hist *latency_ns;
};

#define COLUMN(key, heading, kind, width, precision)                                               \
	{                                                                                          \
#key, heading, kind, offsetof(struct row, key), width, precision, 0                \
	}
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

static double seconds(const struct udp_run *run)
{
	return (double)(run->end_ns - run->start_ns) / 1e9;
}

static double per(double value, double n)
{
	return n > 0 ? value / n : 0;
}

static void print_lane(struct udp_run *run, const struct udp_lane *lane)
{
	const struct udp_net_counters *net = &lane->net.count;
	bool sent = counts_sent(lane->does);
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

	row.pps = per((double)row.packets, seconds(run));
	result_row(&run->result, &row);
}

/* --- asked for and granted --- */

static json_t *requested_json(const struct udp_opts *o)
{
	return json_pack("{s:i,s:i,s:b,s:i,s:b,s:i,s:b,s:b,s:b,s:b}", "receive_buffer_bytes",
			 (int)o->buffer, "send_buffer_bytes", (int)o->buffer, "pinned", 1, "fifo",
			 (int)o->fifo, "mlock", o->mlock, "busy_poll_us", (int)o->busy_poll_us,
			 "prefer_busy_poll", o->busy_poll_us > 0, "busy_poll", o->busy_poll_us > 0,
			 "gso", o->gso, "gro", o->gro);
}

/* What every lane has: the least of it. */
struct granted {
	uint32_t receive_buffer, send_buffer, busy_poll_us;
	int fifo;
	bool pinned, prefer_busy_poll, busy_poll, gso, gro, any_tx, any_rx;
};

static void narrow(struct granted *g, const struct udp_lane *lane)
{
	const struct udp_terms *terms = &lane->net.terms;
	const struct xk_worker_info *info = xk_worker_info(lane->worker);

	g->receive_buffer = terms->receive_buffer < g->receive_buffer ? terms->receive_buffer
								      : g->receive_buffer;
	g->send_buffer = terms->send_buffer < g->send_buffer ? terms->send_buffer : g->send_buffer;
	g->busy_poll_us =
		terms->busy_poll_us < g->busy_poll_us ? terms->busy_poll_us : g->busy_poll_us;
	g->fifo = info->fifo < g->fifo ? info->fifo : g->fifo;
	g->pinned &= info->cpu >= 0;
	g->prefer_busy_poll &= terms->prefer_busy_poll;
	if (lane->net.rx) /* who only sends has nothing to poll for */
		g->busy_poll &= terms->busy_poll;
	if (lane->net.tx)
		g->gso &= terms->gso;
	if (lane->net.rx)
		g->gro &= terms->gro;
	g->any_tx |= lane->net.tx;
	g->any_rx |= lane->net.rx;
}

static struct granted granted(const struct udp_run *run)
{
	struct granted g = {
		.receive_buffer = UINT32_MAX,
		.send_buffer = UINT32_MAX,
		.busy_poll_us = UINT32_MAX,
		.fifo = 99,
		.pinned = true,
		.prefer_busy_poll = true,
		.busy_poll = true,
		.gso = true,
		.gro = true,
	};

	for (unsigned i = 0; i < run->n_lanes; i++)
		narrow(&g, &run->lanes[i]);
	g.busy_poll &= g.any_rx;
	g.gso &= g.any_tx;
	g.gro &= g.any_rx;
	return g;
}

static json_t *effective_json(const struct udp_run *run)
{
	struct granted g = granted(run);

	return json_pack("{s:I,s:I,s:b,s:i,s:b,s:i,s:b,s:b,s:b,s:b}", "receive_buffer_bytes",
			 (json_int_t)g.receive_buffer, "send_buffer_bytes",
			 (json_int_t)g.send_buffer, "pinned", g.pinned, "fifo", g.fifo, "mlock",
			 run->mlocked, "busy_poll_us", (int)g.busy_poll_us, "prefer_busy_poll",
			 g.prefer_busy_poll, "busy_poll", g.busy_poll, "gso", g.gso, "gro", g.gro);
}

/* What is known before the first datagram; busy polling only shows with it. */
static void warn_refused(const struct udp_run *run)
{
	const struct udp_opts *o = run->opts;
	struct granted g = granted(run);

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
	struct granted g = granted(run);

	if (run->opts->busy_poll_us && g.any_rx && g.busy_poll_us && g.prefer_busy_poll &&
	    !g.busy_poll)
		report_note("busy polling was accepted, but no NAPI is behind the socket: the "
			    "interface has none to poll");
}

/* --- begin --- */

static bool has_address(const struct ifaddrs *i, const struct sockaddr_storage *own)
{
	const void *a = own;

	if (!i->ifa_addr || i->ifa_addr->sa_family != own->ss_family)
		return false;
	if (own->ss_family == AF_INET6)
		return !memcmp(&((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr,
			       &((const struct sockaddr_in6 *)a)->sin6_addr,
			       sizeof(struct in6_addr));
	return !memcmp(&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr,
		       &((const struct sockaddr_in *)a)->sin_addr, sizeof(struct in_addr));
}

/* The interface with the socket's own address. */
static void interface_of(const struct udp_run *run, char *name, size_t len)
{
	struct sockaddr_storage own = {0};
	socklen_t own_len = sizeof(own);
	struct ifaddrs *all;

	strncat(name, "any", len - 1);
	if (getsockname(run->lanes[0].net.fd, (struct sockaddr *)&own, &own_len) ||
	    getifaddrs(&all))
		return;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!has_address(i, &own))
			continue;
		*name = '\0';
		strncat(name, i->ifa_name, len - 1);
	}
	freeifaddrs(all);
}

static json_t *setting_json(const struct udp_run *run)
{
	const struct udp_opts *o = run->opts;

	return json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:I,s:s,s:i,s:o,s:o}", "mode",
			 udp_mode_names[o->mode], "api", udp_api_names[o->api], "workers",
			 (int)o->workers, "batch", (int)o->batch, "size", (int)o->size, "port",
			 (int)o->port, "rate_pps", (json_int_t)o->rate, "app",
			 o->app_inline ? "inline" : "thread", "ring_slots", (int)o->slots,
			 "requested", requested_json(o), "effective", effective_json(run));
}

void udp_report_begin(struct udp_run *run, int argc, char **argv)
{
	run->result.command = UDP_WHAT;
	run->result.experiment = "udp";
	run->result.columns = columns;
	run->result.n_columns = sizeof(columns) / sizeof(*columns);
	run->result.json = run->opts->json;
	warn_refused(run);
	result_begin(&run->result, argc, argv, setting_json(run));
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

/* --- the summary --- */

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

static void put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *lanes_json(const struct udp_run *run)
{
	json_t *lanes = json_array();

	for (unsigned i = 0; i < run->n_lanes; i++) {
		const struct udp_lane *lane = &run->lanes[i];
		bool sent = counts_sent(lane->does);

		json_array_append_new(
			lanes,
			json_pack("{s:i,s:s,s:i,s:i,s:i,s:I,s:I}", "queue", (int)lane->number,
				  "role", udp_mode_names[lane->does], "port", (int)lane->port,
				  "cpu", xk_worker_info(lane->worker)->cpu, "node", lane->node,
				  "packets",
				  (json_int_t)(sent ? lane->net.count.sent : lane->app.count.taken),
				  "bytes",
				  (json_int_t)(sent ? lane->net.count.sent_bytes
						    : lane->app.count.taken_bytes)));
	}
	return lanes;
}

/* Where each packet went; unaccounted: 0, or there is a fault in this program. */
static json_t *balance_json(const struct udp_sum *sum)
{
	uint64_t unsent = sum->app.made - sum->net.sent - sum->net.send_errors;
	uint64_t handed = sum->net.received - sum->net.ring_drops;
	json_t *balance = json_object(), *app = json_object(), *worker = json_object();

	put(app, "made", sum->app.made);
	put(app, "received", sum->app.taken);
	put(worker, "sent", sum->net.sent);
	put(worker, "send_errors", sum->net.send_errors);
	put(worker, "unsent", unsent);
	put(worker, "received", sum->net.received);
	put(worker, "ring_drops", sum->net.ring_drops);
	json_object_set_new(balance, "application", app);
	json_object_set_new(balance, "worker", worker);
	json_object_set_new(balance, "unaccounted",
			    json_integer((json_int_t)(handed - sum->app.taken)));
	return balance;
}

static json_t *kernel_json(const struct udp_kernel_counters *k)
{
	json_t *kernel = json_object();

	put(kernel, "in_datagrams", k->in_datagrams);
	put(kernel, "out_datagrams", k->out_datagrams);
	put(kernel, "rcvbuf_errors", k->rcvbuf_errors);
	put(kernel, "sndbuf_errors", k->sndbuf_errors);
	put(kernel, "mem_errors", k->mem_errors);
	put(kernel, "in_errors", k->in_errors);
	put(kernel, "no_ports", k->no_ports);
	return kernel;
}

static json_t *cost_json(const struct udp_run *run, const struct udp_sum *sum)
{
	double packets = (double)sum->packets;

	return json_pack("{s:f,s:f,s:f,s:f}", "cpu_s", run->costs.cpu_s, "softirq_s",
			 run->costs.softirq_s, "ns_per_packet",
			 per(run->costs.cpu_s * 1e9, packets), "syscalls_per_packet",
			 per((double)(sum->net.syscalls + sum->net.waits), packets));
}

static void put_counts(json_t *line, const struct udp_sum *sum)
{
	json_t *drops = json_object();

	put(line, "packets", sum->packets);
	put(line, "bytes", sum->bytes);
	put(line, "sent", sum->net.sent);
	put(line, "sent_bytes", sum->net.sent_bytes);
	put(line, "sent_messages", sum->net.sent_messages);
	put(line, "received", sum->received);
	put(line, "received_messages", sum->net.received_messages);
	put(line, "errors", sum->net.send_errors + sum->net.receive_errors);
	put(line, "send_errors", sum->net.send_errors);
	put(line, "receive_errors", sum->net.receive_errors);
	put(line, "cut", sum->net.cut);
	put(line, "ring_drops", sum->net.ring_drops);
	put(line, "kernel_drops", sum->net.kernel_drops);
	put(line, "zerocopy_copied", sum->net.copied);
	put(line, "foreign", sum->app.foreign);
	put(line, "missing", sum->numbers.missing);
	put(line, "reordered", sum->numbers.reordered);
	put(line, "untracked", sum->numbers.untracked);
	put(drops, "ring_drops", sum->net.ring_drops);
	put(drops, "kernel_drops", sum->net.kernel_drops);
	json_object_set_new(line, "drops", drops);
}

static void put_pings(json_t *line, const struct udp_sum *sum, const struct xk_hist *latency,
		      const struct xk_hist *service)
{
	put(line, "received", sum->app.answered);
	put(line, "lost", sum->app.lost);
	put(line, "on_the_way", sum->app.made - sum->app.answered - sum->app.lost);
	put(line, "late", sum->app.late);
	put(line, "duplicates", sum->app.twice);
	json_object_set_new(line, "rtt_ns", report_hist(latency));
	json_object_set_new(line, "service_ns", report_hist(service));
}

static json_t *summary_json(const struct udp_run *run, const struct udp_sum *sum,
			    const struct xk_hist *latency, const struct xk_hist *service)
{
	json_t *line = setting_json(run);
	double s = seconds(run);
	char interface[32] = "";
	int error = 0;

	for (unsigned i = 0; i < run->n_lanes; i++)
		error = run->lanes[i].net.last_error ? run->lanes[i].net.last_error : error;
	interface_of(run, interface, sizeof(interface));
	json_object_set_new(line, "interface", json_string(interface));
	json_object_set_new(line, "duration_s", json_real(s));
	put_counts(line, sum);
	json_object_set_new(line, "pps", json_real(per((double)sum->packets, s)));
	json_object_set_new(line, "bps", json_real(per(8 * (double)sum->bytes, s)));
	json_object_set_new(line, "latency_ns", report_hist(latency));
	if (error)
		json_object_set_new(line, "last_error", json_string(strerror(-error)));
	if (run->opts->mode == UDP_PING)
		put_pings(line, sum, latency, service);
	json_object_set_new(line, "cost", cost_json(run, sum));
	json_object_set_new(line, "balance", balance_json(sum));
	json_object_set_new(line, "queues", lanes_json(run));
	json_object_set_new(line, "kernel", kernel_json(&run->kernel));
	return line;
}

/* --- and as text --- */

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
	double s = seconds(run), packets = (double)sum->packets;
	char pps[16];

	printf("%llu packets in %.2f s: %s pps, %.3f Gbit/s; %.0f ns of CPU and %.3f system calls "
	       "a packet\n",
	       (unsigned long long)sum->packets, s, report_si(per(packets, s), pps),
	       per(8 * (double)sum->bytes, s) / 1e9, per(run->costs.cpu_s * 1e9, packets),
	       per((double)(sum->net.syscalls + sum->net.waits), packets));
	printf("sent %llu, received %llu, errors %llu, ring drops %llu, kernel drops %llu\n",
	       (unsigned long long)sum->net.sent, (unsigned long long)sum->received,
	       (unsigned long long)(sum->net.send_errors + sum->net.receive_errors),
	       (unsigned long long)sum->net.ring_drops, (unsigned long long)sum->net.kernel_drops);
	if (run->opts->mode == UDP_PING)
		printf("answered %llu, lost %llu, late %llu, duplicates %llu\n",
		       (unsigned long long)sum->app.answered, (unsigned long long)sum->app.lost,
		       (unsigned long long)sum->app.late, (unsigned long long)sum->app.twice);
}

static void terms_text(const struct udp_run *run)
{
	const struct udp_opts *o = run->opts;
	struct granted g = granted(run);

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

static int no_peer(const struct udp_run *run, const struct udp_sum *sum, struct xk_err *err)
{
	if (!run->no_peer && (run->opts->mode != UDP_PING || sum->app.answered || !sum->app.made ||
			      crew_interrupted()))
		return 0;
	return xk_err_fill(err, -ETIMEDOUT, UDP_WHAT,
			   "start `xskit bench udp echo` there, and look at --port",
			   sum->app.answered ? "port %u does not answer any more"
					     : "nobody answers at port %u",
			   run->opts->port);
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
	if (!run->opts->json) {
		counts_text(run, &sum);
		hist_text(run->opts->mode == UDP_PING ? "rtt" : "latency", &hists[0]);
		hist_text("service", &hists[1]);
		terms_text(run);
	}
	result_end(&run->result, run->ended,
		   run->opts->json ? summary_json(run, &sum, &hists[0], &hists[1]) : NULL);
	fflush(stdout); /* before what main may have to say */
	free(hists);
	return no_peer(run, &sum, err);
}
