/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings_flow.h - what send and recv share: their options, an end of the ring, waiting for the other
 * side with an eye on who is there, and what is told of it.
 */
#ifndef XSKIT_RINGS_FLOW_H
#define XSKIT_RINGS_FLOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "rings_name.h"

/* Which sizes were asked for by name, so that a ring that is there must have them. */
#define ASKED_KIND   (1u << 0)
#define ASKED_RECORD (1u << 1)
#define ASKED_SLOTS  (1u << 2)
#define ASKED_LANES  (1u << 3)
#define ASKED_USERS  (1u << 4)
#define ASKED_WAIT   (1u << 5)
#define ASKED_RAW    (1u << 6)
#define ASKED_NEW    (1u << 7) /* hugepages, node, mode: of a new ring only */

struct rings_flow_opts {
	const char *command, *name; /* "ring send" */
	struct rings_config config;
	unsigned asked;
	mode_t mode;
	enum xk_huge huge;
	int node;
	enum xk_ring_wait wait;
	bool raw, follow, unlink, json;
	double timeout_s; /* negative: none */
	double duration_s, interval_s;
	uint64_t records; /* 0: no limit */
	struct xk_err *err;
	int argc;
	char **argv;
};

/* rings_flow_opts.c: 0, CMD_HELPED or CMD_USAGE. */
int rings_flow_parse(struct rings_flow_opts *opts, enum xk_ring_role role, int argc, char **argv,
		     struct xk_err *err);

/* What a receiver found wrong; known only with lines, which are numbered. */
struct rings_flow_check {
	bool known, lost_known;
	uint64_t lost, duplicated, torn, reordered;
};

struct rings_flow {
	struct rings_flow_opts opts;
	struct rings_named ring;
	struct rings_end end;
	bool attached;
	uint64_t records, bytes; /* moved by this process */
	struct rings_flow_check check;
	const char *ended; /* why, for the summary: "signal" ... */
	uint64_t started_ns, ends_ns;
	/* of the other side */
	bool met;  /* was seen while we were here */
	bool died; /* one of them died in its seat: a sender at all, or the last receiver seen */
	uint64_t turns, produced; /* as they were when we came */
	bool fresh;               /* nothing had been consumed when we came */
	/* interval lines */
	uint64_t told_ns, told_records, told_bytes;
};

/* Take a seat in flow->ring, if the options fit it, and begin to count and to tell. */
int rings_flow_begin(struct rings_flow *flow, enum xk_ring_role role, struct xk_err *err);

/*
 * Until the end can go on. 0; -EINTR: stopped; -ETIME: the duration is over; -ETIMEDOUT; -EPIPE:
 * the other side has left; -EOWNERDEAD: it died; -EPROTO: the ring is broken.
 */
int rings_flow_wait(struct rings_flow *flow);

/* 0, -EINTR, -ETIME or -ENODATA (as many records as were asked for); tells what is due. */
int rings_flow_check(struct rings_flow *flow);

/* How long something else may be waited for until rings_flow_check() is due. */
uint64_t rings_flow_patience(const struct rings_flow *flow);

/* Whether this is no error: the end of what was to be done (0, `done` in words), a signal, ... It
 * is noted for the summary. */
bool rings_flow_ended(struct rings_flow *flow, int ret, const char *done);

/* rings_refused(), of its ring. */
int rings_flow_refused(const struct rings_flow *flow, int ret, struct xk_err *err);

/* Leave the seat, tell the summary (if there was a ring) and close. */
void rings_flow_end(struct rings_flow *flow);

/* rings_peers.c: who is at the other side. */
struct rings_peers {
	unsigned alive, dead;
	uint64_t turns; /* how often its seats were taken */
};
int rings_peers_look(const struct rings_flow *flow, struct rings_peers *peers); /* or -errno */

/* rings_tell.c: JSON (of send on stdout, of recv, whose stdout is data, on stderr), or text. */
void rings_tell_start(const struct rings_flow *flow);
void rings_tell_interval(struct rings_flow *flow);
void rings_tell_summary(const struct rings_flow *flow, const struct xk_ring_info *info);

#endif
