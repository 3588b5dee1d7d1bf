// SPDX-License-Identifier: BSD-2-Clause
/* What a run says in JSON: its setting, and the summary. */
#include <ifaddrs.h>
#include <string.h>
#include "bench/udp.h"
#include "report.h"

/* --- asked for and granted --- */

static json_t *requested_json(const struct udp_opts *o)
{
	return json_pack("{s:i,s:i,s:b,s:i,s:b,s:i,s:b,s:b,s:b,s:b}", "receive_buffer_bytes",
			 (int)o->buffer, "send_buffer_bytes", (int)o->buffer, "pinned", 1, "fifo",
			 (int)o->fifo, "mlock", o->mlock, "busy_poll_us", (int)o->busy_poll_us,
			 "prefer_busy_poll", o->busy_poll_us > 0, "busy_poll", o->busy_poll_us > 0,
			 "gso", o->gso, "gro", o->gro);
}

static json_t *effective_json(const struct udp_run *run)
{
	struct udp_granted g = udp_granted_to(run);

	return json_pack("{s:I,s:I,s:b,s:i,s:b,s:i,s:b,s:b,s:b,s:b}", "receive_buffer_bytes",
			 (json_int_t)g.receive_buffer, "send_buffer_bytes",
			 (json_int_t)g.send_buffer, "pinned", g.pinned, "fifo", g.fifo, "mlock",
			 run->mlocked, "busy_poll_us", (int)g.busy_poll_us, "prefer_busy_poll",
			 g.prefer_busy_poll, "busy_poll", g.busy_poll, "gso", g.gso, "gro", g.gro);
}

json_t *udp_setting_json(const struct udp_run *run)
{
	const struct udp_opts *o = run->opts;

	return json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:I,s:s,s:i,s:o,s:o}", "mode",
			 udp_mode_names[o->mode], "api", udp_api_names[o->api], "workers",
			 (int)o->workers, "batch", (int)o->batch, "size", (int)o->size, "port",
			 (int)o->port, "rate_pps", (json_int_t)o->rate, "app",
			 o->app_inline ? "inline" : "thread", "ring_slots", (int)o->slots,
			 "requested", requested_json(o), "effective", effective_json(run));
}

/* --- the interface --- */

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

/* --- the summary --- */

static void put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *lanes_json(const struct udp_run *run)
{
	json_t *lanes = json_array();

	for (unsigned i = 0; i < run->n_lanes; i++) {
		const struct udp_lane *lane = &run->lanes[i];
		bool sent = udp_counts_sent(lane->does);

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
			 udp_per(run->costs.cpu_s * 1e9, packets), "syscalls_per_packet",
			 udp_per((double)(sum->net.syscalls + sum->net.waits), packets));
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

json_t *udp_summary_json(const struct udp_run *run, const struct udp_sum *sum,
			 const struct xk_hist *latency, const struct xk_hist *service)
{
	json_t *line = udp_setting_json(run);
	double s = udp_seconds(run);
	char interface[32] = "";
	int error = udp_last_error(run);

	interface_of(run, interface, sizeof(interface));
	json_object_set_new(line, "interface", json_string(interface));
	json_object_set_new(line, "duration_s", json_real(s));
	put_counts(line, sum);
	json_object_set_new(line, "pps", json_real(udp_per((double)sum->packets, s)));
	json_object_set_new(line, "bps", json_real(udp_per(8 * (double)sum->bytes, s)));
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
