// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "forward.h"
#include "jsonl.h"

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static uint64_t counter(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

/* Packets and bytes received by all ports so far. */
struct totals {
	uint64_t packets, bytes;
	double at_s;
};

static struct totals totals(struct forward *f)
{
	struct totals sum = {.at_s = (double)(clock_ns() - f->start_ns) / 1e9};

	for (unsigned i = 0; i < f->n_ports; i++) {
		rte_eth_stats_get((uint16_t)i, &f->ports[i].eth);
		sum.packets += counter(&f->ways[i].received);
		sum.bytes += f->ports[i].eth.ibytes;
	}
	return sum;
}

static const char *mac_text(const struct port *port, char text[RTE_ETHER_ADDR_FMT_SIZE])
{
	rte_ether_format_addr(text, RTE_ETHER_ADDR_FMT_SIZE, &port->mac);
	return text;
}

/* --- the start --- */

static json_t *port_json(const struct port *port, unsigned id)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE];

	return json_pack("{s:i,s:s,s:s,s:s,s:i,s:i,s:b,s:b}", "port", (int)id, "name", port->name,
			 "driver", port->driver, "mac", mac_text(port, mac), "node", port->node,
			 "lcore", (int)port->lcore, "promiscuous", port->promiscuous, "fast_free",
			 port->fast_free);
}

static void start_json(const struct forward *f)
{
	json_t *line = jsonl_start("forward", f->options.argc, f->options.argv);
	json_t *ports = json_array();

	for (unsigned i = 0; i < f->n_ports; i++)
		json_array_append_new(ports, port_json(&f->ports[i], i));
	json_object_set_new(line, "ports", ports);
	jsonl_print(line);
}

void stats_start(const struct forward *f)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE];

	if (f->options.json) {
		start_json(f);
		return;
	}
	for (unsigned i = 0; i < f->n_ports; i++) {
		const struct port *port = &f->ports[i];

		printf("port %u: %s (%s), %s, to port %u; lcore %u, node %d%s%s\n", i, port->name,
		       port->driver, mac_text(port, mac), i ^ 1, port->lcore, port->node,
		       port->promiscuous ? ", promiscuous" : "",
		       port->fast_free ? ", fast free" : "");
	}
	fflush(stdout);
}

/* --- on the way --- */

void stats_interval(struct forward *f)
{
	static struct totals last;
	struct totals now = totals(f);
	double s = now.at_s - last.at_s;
	uint64_t packets = now.packets - last.packets, bytes = now.bytes - last.bytes;

	if (f->options.json)
		jsonl_print(json_pack("{s:s,s:f,s:f,s:I,s:I,s:f,s:f}", "type", "interval", "at_s",
				      now.at_s, "duration_s", s, "packets", (json_int_t)packets,
				      "bytes", (json_int_t)bytes, "pps", (double)packets / s, "bps",
				      8.0 * (double)bytes / s));
	else
		printf("%7.1f s  %12.0f pps  %14.0f bit/s\n", now.at_s, (double)packets / s,
		       8.0 * (double)bytes / s);
	fflush(stdout);
	last = now;
}

/* --- the end --- */

static json_t *way_json(const struct way *way, const struct rte_eth_stats *eth)
{
	return json_pack(
		"{s:i,s:i,s:I,s:I,s:I,s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}}", "port", (int)way->from,
		"to", (int)way->to, "received", (json_int_t)counter(&way->received), "sent",
		(json_int_t)counter(&way->sent), "unsent", (json_int_t)counter(&way->unsent),
		"driver", "rx_packets", (json_int_t)eth->ipackets, "rx_bytes",
		(json_int_t)eth->ibytes, "rx_missed", (json_int_t)eth->imissed, "rx_errors",
		(json_int_t)eth->ierrors, "rx_no_mbuf", (json_int_t)eth->rx_nombuf, "tx_packets",
		(json_int_t)eth->opackets, "tx_bytes", (json_int_t)eth->obytes, "tx_errors",
		(json_int_t)eth->oerrors);
}

static void summary_json(const struct forward *f, const struct totals *sum, const char *ended)
{
	double cpu = cpu_s();
	json_t *ports = json_array();
	json_t *line = json_pack(
		"{s:s,s:s,s:f,s:I,s:I,s:f,s:f,s:s,s:{s:f,s:f}}", "type", "summary", "command",
		"forward", "duration_s", sum->at_s, "packets", (json_int_t)sum->packets, "bytes",
		(json_int_t)sum->bytes, "pps", (double)sum->packets / sum->at_s, "bps",
		8.0 * (double)sum->bytes / sum->at_s, "ended", ended, "cost", "cpu_s", cpu,
		"ns_per_packet", sum->packets ? cpu * 1e9 / (double)sum->packets : 0.0);

	for (unsigned i = 0; i < f->n_ports; i++)
		json_array_append_new(ports, way_json(&f->ways[i], &f->ports[i].eth));
	json_object_set_new(line, "ports", ports);
	jsonl_print(line);
}

void stats_summary(struct forward *f, const char *ended)
{
	struct totals sum = totals(f);

	if (f->options.json) {
		summary_json(f, &sum, ended);
		return;
	}
	printf("forward: %" PRIu64 " packets in %.2f s: %.0f pps (ended by %s)\n", sum.packets,
	       sum.at_s, (double)sum.packets / sum.at_s, ended);
	for (unsigned i = 0; i < f->n_ports; i++) {
		const struct way *way = &f->ways[i];
		const struct rte_eth_stats *eth = &f->ports[i].eth;

		printf("port %u to %u: received %" PRIu64 ", sent %" PRIu64
		       ", unsent and freed %" PRIu64 "; driver: missed %" PRIu64 ", errors %" PRIu64
		       ", no mbuf %" PRIu64 ", not transmitted %" PRIu64 "\n",
		       way->from, way->to, counter(&way->received), counter(&way->sent),
		       counter(&way->unsent), eth->imissed, eth->ierrors, eth->rx_nombuf,
		       f->ports[way->to].eth.oerrors);
	}
	fflush(stdout);
}
