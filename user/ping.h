/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ping.h - round trips: requests out, answers matched to them, times into histograms.
 *
 *   cmd_ping.c     options
 *   ping.c         the action: when to send, which answer belongs to which request
 *   ping_setup.c   who is asked, from where, and what of the traffic is ours
 *   ping_report.c  the summary
 *   ping_frame.c   the request's bytes, and what is read from an answer
 *
 * Every request carries the run's random id and a 64-bit sequence number, so that a late answer,
 * one of an earlier run or somebody else's is never taken for another.
 */
#ifndef XSKIT_PING_H
#define XSKIT_PING_H

#include <stdbool.h>
#include <stdint.h>
#include <xskit/hist.h>
#include "answer.h"
#include "lane.h"
#include "pace.h"
#include "packet.h"

struct ping_config {
	struct frame_spec spec; /* addresses, protocol, ports or identifier, size */
	struct ipaddr target;   /* who is asked for dst_mac: the host, or the next hop */
	bool resolve;        /* dst_mac is not known: ask for it first, by ARP or ND of our own */
	bool own_host;       /* src is ours alone: answer ARP and ND for it */
	uint64_t rate_pps;   /* 0: closed loop */
	uint64_t limit;      /* requests, 0: no limit */
	uint64_t timeout_ns; /* after this an answer is overdue */
	bool unreachable;    /* set at the end: nobody answered for dst_mac */
};

/* What a request and its answer carry behind their headers. */
struct ping_payload {
	uint64_t run; /* random, one a run */
	uint64_t seq; /* 0, 1, 2 ... */
};

/* --- ping_frame.c --- */

struct ping_frame {
	uint8_t *bytes; /* the request with sequence number 0 */
	uint32_t size;
	uint16_t l4, payload; /* offsets */
	uint16_t csum;        /* offset of the checksum field */
	bool icmp;
	uint64_t run;
};

int ping_frame_init(struct ping_frame *frame, const struct frame_spec *spec, uint64_t run);
void ping_frame_fini(struct ping_frame *frame);
void ping_frame_to(struct ping_frame *frame, const struct macaddr *dst);

/* Write request number `seq` to `out` (frame->size bytes). */
void ping_frame_write(const struct ping_frame *frame, uint64_t seq, uint8_t *out);

/* Whether this is an answer to a request of this run, and to which. */
bool ping_frame_read(const struct ping_config *config, const struct ping_frame *frame,
		     const uint8_t *bytes, uint32_t len, uint64_t *seq);

/* --- ping_setup.c --- */

struct output;
struct ping_opts {
	struct ping_config config; /* first: what the action takes as its ctx */
	struct packet_opts packet;
	const char *host, *hgrm_path;
	struct output *hgrm; /* NULL: none asked for */
	uint32_t size;
	bool udp, icmp, have_dst_mac, have_sport;
	int reserved_fd; /* holds the UDP port, so that no kernel socket takes it; -1: none */
	int group_fd;    /* keeps the ND group joined; -1: none */
};

/* Addresses, ports, sizes, and the rules for what is ours; ctx is a struct ping_opts. */
int ping_prepare(void *ctx, const struct nl_link *link, struct packet_opts *opts,
		 struct xk_err *err);

/* --- ping_report.c --- */

void ping_summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary);
void ping_summary_text(void *ctx, const struct lane *lanes, unsigned n);
/* Writes the .hgrm; fails where nobody answered. */
int ping_finished(void *ctx, const struct lane *lanes, unsigned n, struct xk_err *err);

/* --- ping.c --- */

/* A request on its way; the table of them is indexed by seq. */
struct ping_slot {
	uint64_t seq; /* UINT64_MAX: never used */
	uint64_t intended_ns, sent_ns;
	bool answered, lost;
};

struct ping {
	const struct ping_config *config;
	struct lane *lane;
	struct ping_frame frame;
	struct pace pace;
	struct ping_slot *slots;
	uint64_t mask; /* slots less one */
	uint64_t next,
		oldest;     /* next sequence number; the oldest that is neither answered nor lost */
	uint64_t highest;   /* answered so far, plus one */
	struct answer host; /* answers for our address where it is ours alone */
	bool resolved;
	uint64_t ask_ns, give_up_ns; /* when to ask for dst_mac again; when to give up */
	uint32_t waiting; /* atomic: requests are on their way, or another may yet be sent */
	struct xk_hist rtt, service;
	uint64_t sent, received, lost, late, duplicates, reordered, foreign;
};

/* Its ctx is a struct ping_opts. */
extern const struct action ping_action;

#endif
