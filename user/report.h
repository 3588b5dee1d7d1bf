/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h - what a run says of itself: JSON Lines or text, from the same facts.
 *
 * The session gathers facts; the report only words them. A command adds figures of its own by a
 * function that writes into the summary's JSON object, and one that prints its text.
 */
#ifndef XSKIT_REPORT_H
#define XSKIT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <xskit/hist.h>
#include <xskit/port.h>
#include <xskit/umem.h>
#include "abi.h"
#include "nl.h"

/* What one queue saw between the start and now. */
struct queue_facts {
	unsigned side; /* of the run's interfaces */
	unsigned queue;
	int cpu, node;           /* worker's, -1: not pinned, no node */
	uint64_t packets, bytes; /* what the command counts: received, or sent */
	bool has_port, has_prog;
	struct xk_port_stats port;
	struct xk_port_xdp_stats socket;
	struct xk_xdp_counters xdp;
	uint64_t left;         /* packets the socket received that nobody took */
	uint64_t waits;        /* times the worker slept in poll(2) */
	struct xk_ledger umem; /* at the end */
};

/* The same keys, as asked for and as granted. */
struct terms {
	const char *attach, *program, *bind, *hugepages, *tune;
	bool need_wakeup, busy_poll;
};

/* One of the run's interfaces. */
#define REPORT_SIDES 2
struct side_facts {
	const char *ifname, *driver;
	struct terms effective;
	struct nl_counters counters; /* since the start */
};

struct run_facts {
	const char *command;
	unsigned n_sides;
	struct side_facts sides[REPORT_SIDES];
	int argc;
	char **argv;
	bool json, rx;
	struct terms requested;
	double duration_s;
	unsigned n_queues;
	struct queue_facts *queues;
	double cpu_s, softirq_s; /* this process; the whole machine */
	const char *ended;       /* why: "signal", "duration" ... */
	json_t *unmet;           /* options that did not take effect: {option, why}; NULL: none */
	void (*extra_json)(const void *ctx,
			   json_t *object); /* the command's own fields, may be NULL */
	void (*extra_text)(const void *ctx);
	const void *ctx;
};

void report_start(const struct run_facts *run);
void report_interval(const struct run_facts *before, const struct run_facts *now);
void report_summary(const struct run_facts *run);

/* A line on stderr: something worth knowing that is no error. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* {count, min, mean, p50, p90, p99, p99_9, p99_99, max}, null where count is 0 */
json_t *report_hist(const struct xk_hist *hist);

/* For the texts. */
const char *report_si(double value, char out[16]); /* 4.27 M */
long long report_unaccounted(const struct queue_facts *q);
#define ALL_SIDES REPORT_SIDES
struct queue_facts report_sum(const struct run_facts *run, unsigned side); /* over its queues */
struct nl_counters report_counters(const struct run_facts *run);           /* over the sides */
struct terms report_effective(const struct run_facts *run); /* what all sides were granted */

/* report_text.c */
void report_text_start(const struct run_facts *run);
void report_text_interval(const struct run_facts *before, const struct run_facts *now);
void report_text_summary(const struct run_facts *run);

#endif
