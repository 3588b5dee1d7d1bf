/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_link.h - two ends, and a UNIX socket between their processes by which side 0 says what is to
 * be done and side 1 what came of it.
 *
 *   side 0                             side 1
 *   order LINK, made, descriptors ->   opens its end          (two shells; else it has them)
 *                                   <- reply: it is open
 *   order (a round) ->                 begins
 *                                   <- reply: ready
 *   messages                           messages
 *                                   <- reply: what it saw
 *   order CLOSE ->                     closes its end
 */
#ifndef XSKIT_BENCH_IPC_LINK_H
#define XSKIT_BENCH_IPC_LINK_H

#include <xskit/hist.h>
#include "bench/ipc.h"

enum ipc_order_kind { IPC_ORDER_LINK, IPC_ORDER_FLOOR, IPC_ORDER_ROUND, IPC_ORDER_CLOSE };

#define IPC_ORDER_MAGIC 0x7869706331u

struct ipc_order {
	uint64_t magic;
	uint32_t kind;
	uint32_t check; /* every byte of every message */
	uint64_t count; /* of messages, of round trips */
	char method[32];
	struct ipc_made made;
};

struct ipc_reply {
	int32_t ret;
	uint64_t end_ns, cpu_ns, calls;
	uint64_t moved; /* messages sent and received by this end, ever */
	struct ipc_seen seen;
};

/* One round, of both sides together. */
struct ipc_round {
	uint64_t ns, cpu_ns, calls, messages;
	struct ipc_seen seen;
};

/* --- ipc_loops.c: the messages of a round --- */

int ipc_loop_send(struct ipc_end *end, uint64_t count, bool check);
int ipc_loop_receive(struct ipc_end *end, uint64_t count, bool check, struct ipc_seen *seen);
int ipc_loop_ask(struct ipc_end *end, uint64_t count, bool check, struct xk_hist *hist,
		 struct ipc_seen *seen);
int ipc_loop_answer(struct ipc_end *end, uint64_t count, bool check, struct ipc_seen *seen);

#define IPC_FLOOR_TRIPS 10000u
/* The line goes to and fro; -EPIPE and so on if the other one is gone. */
int ipc_loop_bounce(struct ipc_end *end, uint64_t *line);

uint64_t ipc_cpu_ns(void); /* of this process, user and system (getrusage) */

/* --- ipc_link.c --- */

/* A packet, and descriptors with it. Waits `ticks` at most, 0: for ever, and ends as ipc_still().
 */
int ipc_control_send(int control, const void *packet, size_t len, const int *fds, unsigned n_fds);
int ipc_control_receive(int control, void *packet, size_t len, int *fds, unsigned *n_fds,
			unsigned ticks);

/* An end of what was made, which it owns from now on. control and patience_ticks are set. */
int ipc_end_open(struct ipc_end *end, const struct ipc_method *method, const struct ipc_made *made,
		 unsigned side);
void ipc_end_close(struct ipc_end *end);

/* Side 1, with its end open: says so (or why not: ret), and does what is ordered until CLOSE. */
int ipc_serve(struct ipc_end *end, int ret, uint64_t *line, struct ipc_seen *total);

/* Side 0: one round. hist: of round trips. */
int ipc_drive_round(struct ipc_end *end, uint64_t count, bool check, struct xk_hist *hist,
		    struct ipc_round *round);
int ipc_drive_floor(struct ipc_end *end, uint64_t *line, double *floor_ns);
int ipc_drive_opened(struct ipc_end *end); /* waits for side 1 */
void ipc_drive_close(struct ipc_end *end);

#endif
