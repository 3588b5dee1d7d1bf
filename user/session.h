/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.h - what every packet command shares: options -> program -> memory and ports -> workers
 * -> report -> teardown.
 *
 *   session.c        the order of things, and their undoing in reverse
 *   session_check.c  what must hold of interfaces, frames and what was granted
 *   session_place.c  which queue runs on which CPU and node
 *   session_terms.c  which options are not as they were asked for
 *   session_tune.c   --tune: settings for the run, and back again
 *   session_watch.c  the controlling thread's loop: what ends a run
 *   session_facts.c  counters, clocks and the ledger, gathered for the report
 */
#ifndef XSKIT_SESSION_H
#define XSKIT_SESSION_H

#include <signal.h>
#include <xskit/prog.h>
#include "lane.h"
#include "report.h"
#include "tune/tune.h"

#define MAX_SIDES REPORT_SIDES

/* What --tune did. */
struct side_tune {
	struct tune_session session;
	json_t *lines;                 /* of each setting; NULL: nothing was asked for */
	unsigned told[TUNE_KNOWN + 1]; /* how many, by status */
};

/* One of the run's interfaces: most runs have one, forwarding has two. */
struct side {
	struct nl_link link;
	struct xk_prog *prog;    /* NULL: the action receives nothing */
	struct nl_counters base; /* where its counters stood at the start */
	int watch_fd;            /* its link's events */
	struct side_tune tune;
};

struct session {
	struct packet_opts *opts;
	const struct action *action;
	void *ctx;
	struct side sides[MAX_SIDES];
	unsigned n_sides;
	struct lane *lanes;
	unsigned n_lanes;
	unsigned n_queues; /* ports of all lanes */
	struct lane_control control;
	int sig_fd;

	/* where the counters stood at the start */
	double cpu_base_s, softirq_base_s;
	uint64_t start_ns, end_ns; /* end_ns 0: still running */

	json_t *unmet; /* options that did not take effect, with the reason */

	const char *ended; /* why the run ended */
	bool gone;         /* an interface is no more */
};

/* Every port of every lane; a lane whose action needs none has one whose port is NULL. */
#define for_each_port(s, lane, p)                                                                  \
	for (struct lane *lane = (s)->lanes; lane < (s)->lanes + (s)->n_lanes; lane++)             \
		for (struct lane_port *p = lane->ports; p < lane->ports + lane->n_ports; p++)

#define for_each_side(s, side)                                                                     \
	for (struct side *side = (s)->sides; side < (s)->sides + (s)->n_sides; side++)

/* The program a port's packets come through. */
static inline struct xk_prog *session_prog(const struct session *s, const struct lane_port *p)
{
	return s->sides[p->side].prog;
}

/*
 * Run an action with its options until something ends it. ctx goes to the action's functions.
 * 0; -errno, CMD_USAGE or CMD_NOT_GRANTED with *err filled. Prints the report.
 */
int session_run(struct packet_opts *opts, const struct action *action, void *ctx,
		struct xk_err *err);

/*
 * session_check.c: 0; -errno, CMD_USAGE or CMD_NOT_GRANTED with *err filled.
 */
int session_check_links(struct session *s, struct xk_err *err); /* fills each side's link */
/* May the run have programs and sockets there? An action that prepares may else wait for an answer
 * that could never come. */
int session_check_ground(const struct session *s, struct xk_err *err);
void session_choose_frames(struct session *s); /* larger ones, where zero-copy needs them */
struct xk_prog_config session_prog_config(const struct session *s, unsigned side);
int session_check_frames(const struct session *s, struct xk_err *err); /* ports are open */
int session_check_required(struct session *s, struct xk_err *err);     /* likewise: --require */
/* Fills *err and returns CMD_NOT_GRANTED. */
int session_not_granted(const struct nl_link *link, struct xk_err *err, const char *what,
			const char *fix);

/* session_place.c: queues, CPUs, nodes and idle policy of all lanes. */
int session_place(struct session *s, struct xk_err *err);
void session_unplace(struct session *s);

/* session_terms.c: an option that did not take effect is a line on stderr, and one in the JSON. */
void session_unmet(struct session *s, const char *option, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void session_terms(struct session *s); /* once all is set up: look at every option */

/*
 * session_tune.c: before the queues are placed, since their number may change; and after all is
 * closed. Signals wait by then, so that nothing ends the process in between.
 */
void session_tune(struct session *s);
void session_untune(struct session *s);
void session_tune_report(const struct session *s); /* a line of JSON a setting */
const char *session_tune_effective(const struct session *s, unsigned side);

/* session_watch.c */

/*
 * Busy polling shows once a packet has come: a socket that has no NAPI id by then never gets one.
 * Says so, once; CMD_NOT_GRANTED where it was required. at_end: also if no packet came.
 */
int session_busy_poll(struct session *s, bool at_end, struct xk_err *err);
/* From here on signals wait for the run, whose watch ends it in order: what is attached is taken
 * off.
 */
void session_hold_signals(sigset_t *set);
int session_watch_open(struct session *s, struct xk_err *err);
void session_watch_close(struct session *s);
int session_watch(struct session *s, struct xk_err *err); /* until the run is to end */

/* session_facts.c */
void session_facts_start(struct session *s);
void session_facts(const struct session *s, struct run_facts *run, struct queue_facts *queues);
long long session_unaccounted(const struct session *s);
void session_audit(const struct session *s, struct run_facts *run);
double session_elapsed(const struct session *s);

#endif
