/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.h - one queue's way: a port, its UMEM and cache, and the action that looks at its packets.
 *
 * A worker calls lane_step() again and again. One step takes completions, receives a burst of whole
 * packets, shows it to the action, does with each packet what the action said, and wakes the kernel
 * for what is to be sent. An action never sees rings and never waits.
 *
 * Thread contract: everything here runs in the lane's worker, but for lane_open(), lane_close() and
 * what reads counters.
 */
#ifndef XSKIT_LANE_H
#define XSKIT_LANE_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <xskit/atomic.h>
#include <xskit/mem.h>
#include <xskit/port.h>
#include <xskit/umem.h>
#include <xskit/worker.h>
#include "nl.h"
#include "opts.h"

/* What becomes of a packet; the verdict of its first frame counts for all of them. */
enum verdict {
	VERDICT_RECYCLE,
	VERDICT_TRANSMIT, /* out of the port's peer; the action may have changed bytes and length */
};

/* Whole packets for the action; n is 0 when there are none. */
struct burst {
	struct xk_pkt *pkts;
	uint8_t *verdict; /* one a pkt, all VERDICT_RECYCLE before */
	unsigned n;
	bool closing; /* the run is over: answer, but start nothing new */
};

struct lane;

/* What a packet command does. Functions may be NULL where there is nothing to do. */
struct action {
	const char *command;
	bool rx, tx;      /* what it needs of a port; neither: it moves packets without one */
	bool one_worker;  /* all queues in one lane: answers may come by any of them */
	bool one_frame;   /* packets of several frames are not for it */
	bool limits_own;  /* -n is the action's business, not the lane's */
	bool takes_own;   /* rules of its own say which packets are for it, not --match */
	bool writes_file; /* at the end: keeps CAP_DAC_OVERRIDE permitted until then */

	/* Once, when the (first) interface is known and nothing is open: own rules, addresses,
	 * checks. */
	int (*prepare)(void *ctx, const struct nl_link *link, struct packet_opts *opts,
		       struct xk_err *err);
	/* Once a lane, ports open, before its worker runs: *state is passed to the others. */
	int (*lane_init)(void *ctx, struct lane *lane, void **state, struct xk_err *err);
	/* Every step. How much it did beside judging the burst (0: nothing), or -errno to end the
	 * run. */
	int (*run)(void *state, struct lane *lane, const struct burst *burst);
	/* When run wants to be called even if no packet comes, CLOCK_MONOTONIC ns; UINT64_MAX:
	 * never. */
	uint64_t (*next_ns)(const void *state);
	/* From the controlling thread: nothing is on its way any more. The run's end waits for it.
	 */
	bool (*settled)(const void *state);
	/* From the controlling thread: make a run that blocks return. */
	void (*stop)(void *state);
	/* Packets and bytes so far, where the port's own counters are not the answer. */
	void (*counted)(const void *state, uint64_t *packets, uint64_t *bytes);
	void (*lane_fini)(void *state);
	/* The command's own part of the summary; workers stand still, states are still there. */
	void (*summary_json)(void *ctx, const struct lane *lanes, unsigned n, json_t *summary);
	void (*summary_text)(void *ctx, const struct lane *lanes, unsigned n);
	/* Once, after the summary: what the command wants to keep of its states; and where it did
	 * not do what it was asked, the -errno to end with and *err, used unless it had failed
	 * before. */
	int (*finished)(void *ctx, const struct lane *lanes, unsigned n, struct xk_err *err);
};

/* What the controlling thread tells all lanes. */
struct lane_control {
	uint32_t closing; /* atomic; set: start nothing new */
	uint64_t limit;   /* packets all lanes together take, 0: no limit */
	int finished_fd;  /* eventfd: a lane has reached the limit, or its action its end */
	struct lane *lanes;
	unsigned n_lanes;
};

/* One of a lane's queues. */
struct lane_port {
	struct xk_port *port;
	const struct nl_link *link; /* the interface */
	unsigned side;              /* 0; 1: of a run's second interface */
	unsigned queue;
	struct lane_port *peer; /* where it sends: itself, or the same queue of the other side */
	uint64_t tx_full;       /* relaxed: packets recycled because its TX ring was full */
	struct xk_xdp_counters base; /* of the queue, at the start */
	bool again;                  /* the kernel left frames in the TX ring: wake it again */
	uint32_t idle_steps;         /* in a row */
};

struct lane {
	struct xk_port *port;    /* the one that is being served; NULL: the action needs none */
	struct lane_port *at;    /* where it is kept */
	struct lane_port *ports; /* at least one, usually no more; all of them share the UMEM */
	unsigned n_ports;
	const struct action *action;
	void *state;
	struct lane_control *control;
	struct xk_pkt *pkts, *out;
	struct pollfd *fds; /* room for the ports and one more */
	uint8_t *verdict;
	unsigned batch;
	bool busy; /* --poll busy was asked for */
	bool said_done;
	uint64_t waits; /* relaxed: sleeps in poll(2) */

	struct xk_umem_cache cache;
	struct xk_umem *umem;
	struct xk_mem *mem;
	struct xk_worker *worker;
	int cpu, cpu_claim, node;
	enum xk_idle idle;
};

/* UMEM, cache, ports and buffers of a lane whose queues, peers, node and control are set. */
int lane_open(struct lane *lane, const struct packet_opts *opts, const struct action *action,
	      struct xk_err *err);
void lane_close(struct lane *lane); /* also one that was never, or only partly, opened */

/* Packets recycled because a TX ring was full; from any thread. */
uint64_t lane_tx_full(const struct lane *lane);

int lane_step(void *lane);              /* xk_step_fn */
int lane_wait(void *lane, int wake_fd); /* xk_wait_fn */

/* --- for actions --- */

static inline void *lane_data(const struct lane *lane, const struct xk_pkt *pkt)
{
	return xk_umem_data(&lane->cache, pkt->addr);
}

/* Bytes from a packet's first byte to the end of its frame. */
uint32_t lane_capacity(const struct lane *lane, const struct xk_pkt *pkt);

/* Send packets built in frames taken from lane->cache: how many were taken; the rest stay yours. */
unsigned lane_send(struct lane *lane, const struct xk_pkt *pkts, unsigned n);

/* The action has done all it was asked for: end the run. */
void lane_finish(struct lane *lane);

/* Bring the frames that are to be sent to the kernel now; 0 or -errno that ends the run. */
int lane_flush(struct lane *lane);

uint64_t now_ns(void); /* CLOCK_MONOTONIC */

#endif
