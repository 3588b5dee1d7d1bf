/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.h - one way in which two processes can hand messages to one another, and its two ends.
 *
 * A method is made once, by one process (make); what it then consists of, plain numbers and
 * descriptors, goes to both, by fork() or over a UNIX socket; each opens its end, moves messages of
 * one size, and closes it. Side 0 asks or streams, side 1 answers or takes.
 *
 * Nothing waits for ever: a timer's signal interrupts whatever a method waits in, every
 * IPC_TICK_MS, and sets ipc_ticked for whoever spins; both then call ipc_still(), which knows
 * whether the peer is alive, whether anything moved, and whether the user has had enough.
 *
 * `calls` counts system calls that move messages or wait for them, one by one, where they are made.
 */
#ifndef XSKIT_BENCH_IPC_H
#define XSKIT_BENCH_IPC_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xskit/err.h>
#include "bench/process.h"

#define IPC_WHAT      "bench ipc"
#define IPC_TICK_MS   50
#define IPC_MIN_BYTES 8u /* a message carries its number */
#define IPC_MAX_BYTES (1u << 20)
#define IPC_MAX_FDS   8u
#define IPC_NAME_MAX  64u

enum ipc_metric { IPC_STREAM, IPC_TRIPS };

/* What a method consists of, for whoever opens an end. */
struct ipc_made {
	uint32_t bytes; /* of a message */
	uint32_t metric;
	uint64_t slots; /* of shared memory, window, queue: what the method makes of it */
	uint64_t size;  /* bytes of shared memory */
	int64_t id[2];  /* of System V objects */
	uint32_t n_fds; /* all are close-on-exec */
	int32_t fd[IPC_MAX_FDS];
	void *memory; /* inherited; only good after fork() */
};

struct ipc_notes; /* what to remove in the end: ipc_notes.h */

struct ipc_maker {
	const char *name; /* of this run, for objects that have one */
	struct ipc_notes *notes;
};

/* What the receiving side of a stream, or the answering one of round trips, saw. */
struct ipc_seen {
	uint64_t received;
	uint64_t lost;  /* numbers that never came */
	uint64_t wrong; /* came twice, out of order, or torn */
};

/* An end, private to its process. */
struct ipc_end {
	const struct ipc_method *method;
	struct ipc_made made;
	unsigned side;
	uint64_t calls, sent, received;
	void *state;  /* the method's own */
	char *buffer; /* of made.bytes, for methods that copy */
	int control;  /* the socket to the other process: its end of file is that one's death */
	unsigned quiet_ticks, patience_ticks;
	uint64_t moved; /* at the last tick */
};

/*
 * 0, or -errno: -ENOSPC, -EMSGSIZE and the like from make (with *err) mean that this size is not
 * possible. recv gives the message, in the end's buffer or where it lies; it stays until release.
 * -EPIPE: the peer is gone; -ETIMEDOUT; -EINTR: the user; -ENODATA (a textbook's): nothing comes
 * any more.
 */
struct ipc_method {
	const char *name;
	unsigned copies;  /* of a message, by anybody, on its one way */
	bool persistent;  /* what is made outlives the processes */
	bool textbook;    /* known to be wrong */
	bool parent_only; /* between a parent and its child only */
	bool spins;       /* of no use on one CPU */
	int (*make)(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err);
	int (*open)(struct ipc_end *end);
	int (*begin)(struct ipc_end *end); /* may be NULL: before each round, when all is quiet */
	int (*send)(struct ipc_end *end, const void *message);
	int (*recv)(struct ipc_end *end, const void **message);
	int (*release)(struct ipc_end *end); /* may be NULL */
	/* May be NULL: a whole stream, for a method so fast that a call a message would show. */
	int (*send_all)(struct ipc_end *end, uint64_t count);
	int (*recv_all)(struct ipc_end *end, uint64_t count, struct ipc_seen *seen);
	void (*finish)(struct ipc_end *end); /* may be NULL: side 0 has sent all of a round */
	uint64_t (*memory)(const struct ipc_end *end);
	/* May be NULL: what the method itself notes, against messages moved by both ends. */
	bool (*agrees)(const struct ipc_end *end, uint64_t moved);
	void (*close)(struct ipc_end *end);
};

extern const struct ipc_method *const ipc_methods[]; /* ends with NULL */
const struct ipc_method *ipc_method_named(const char *name);

extern const struct ipc_method ipc_pipe, ipc_unix_stream, ipc_unix_dgram, ipc_udp, ipc_tcp,
	ipc_mqueue, ipc_sysv, ipc_sysv_textbook, ipc_mapped_file, ipc_mapped_file_textbook,
	ipc_anon_sem, ipc_eventfd, ipc_futex, ipc_ring_spin, ipc_ring_futex;

/* --- waiting --- */

extern volatile sig_atomic_t ipc_ticked;

int ipc_ticks_start(void); /* of this process; also SIGPIPE is ignored */
void ipc_ticks_stop(void);

/* 0: wait on. -EPIPE, -ETIMEDOUT, -EINTR as above. */
int ipc_still(struct ipc_end *end);

/* For those who spin: ipc_still(), but only after a tick. */
static inline int ipc_spin_still(struct ipc_end *end)
{
	return __builtin_expect(ipc_ticked, 0) ? ipc_still(end) : 0;
}

/* What a call that failed with errno means: 0 try again. */
int ipc_call_failed(struct ipc_end *end);

#endif
