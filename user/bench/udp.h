/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp.h - bench udp: what the kernel's own UDP gives, in the parts the experiment is made of.
 *
 *     application -- tx ring --> worker --> socket        socket --> worker -- rx ring -->
 * application
 *
 * A lane is a socket, the network worker that alone touches it, the application that makes and
 * takes datagrams, and an SPSC ring each way. Records lie in the rings as they are sent and as they
 * came: the socket reads from and writes into the rings' memory. The application has a thread of
 * its own, or is called by the worker (--app inline), through the same rings.
 *
 * Threads: udp_net is the worker's, udp_app the application's; what others read of them are the
 * counters, relaxed. When both threads have ended, both are the caller's.
 */
#ifndef XSKIT_BENCH_UDP_H
#define XSKIT_BENCH_UDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <xskit/err.h>
#include <xskit/hist.h>
#include <xskit/mem.h>
#include <xskit/spsc.h>
#include <xskit/worker.h>
#include "bench/cpus.h"
#include "bench/options.h"
#include "bench/process.h"
#include "bench/result.h"
#include "pace.h"

#define UDP_WHAT        "bench udp"
#define UDP_MAX_BATCH   64u
#define UDP_MAX_SIZE    65507u /* what an IPv4 datagram can carry */
#define UDP_MAX_WORKERS 1024u
#define UDP_TRAIN_BYTES 65536u /* room for what UDP_GRO hands over in one piece */
#define UDP_TRAIN_MOST  64u    /* segments of one UDP_SEGMENT send, in all kernels */

/* --- options (udp_opts.c) --- */

enum udp_mode {
	UDP_LOOPBACK,
	UDP_SEND,
	UDP_RECV,
	UDP_ECHO,
	UDP_PING,
};
extern const char *const udp_mode_names[]; /* also what a lane does, but for loopback */

struct udp_peer {
	socklen_t len; /* 0: none */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

struct udp_opts {
	enum udp_mode mode;
	struct udp_peer address; /* destination, or where to receive; port 0 */
	uint32_t workers, port, size, batch, slots, buffer, fifo, busy_poll_us;
	bool sized; /* --size was given */
	uint64_t rate, packets;
	double duration_s, interval_s, timeout_s;
	int api, poll; /* index of udp_apis, enum xk_idle */
	bool app_inline, mlock, gso, gro;
	struct bench_options common;
	struct xk_err *err;
};

static inline bool udp_waits_for_anybody(const struct udp_opts *opts)
{
	return opts->mode == UDP_RECV || opts->mode == UDP_ECHO;
}

int udp_opts_parse(struct udp_opts *opts, int argc, char **argv, struct xk_err *err);
void udp_opts_free(struct udp_opts *opts);

/* --- what a datagram carries (udp_stamp.c) --- */

struct udp_stamp {
	uint64_t host; /* of one boot of one machine: elsewhere the clock is another */
	uint64_t run;  /* random, one a sender */
	uint64_t seq;  /* 0, 1, 2 ... */
	uint64_t intended_ns;
};

/* A ring's record. */
struct udp_record {
	uint32_t len; /* of what follows */
	struct udp_peer peer;
	char payload[];
};

uint64_t udp_stamp_host(void);
/* Whether it carries one, of any run. */
bool udp_stamp_read(const struct udp_record *record, struct udp_stamp *stamp);
/* As much of it as there is room for. */
void udp_stamp_write(struct udp_record *record, const struct udp_stamp *stamp);

/* How the numbers of the senders that a receiver hears run on. */
#define UDP_SOURCES 64u
struct udp_numbers {
	struct {
		uint64_t run, next; /* next 0: free */
	} source[UDP_SOURCES];
	uint64_t missing;   /* skipped: not there when a later one came */
	uint64_t reordered; /* came after a later one, or twice */
	uint64_t untracked; /* of more senders than are kept */
};
void udp_numbers_note(struct udp_numbers *numbers, const struct udp_stamp *stamp);

/* --- bells (udp_bell.c): a sleeping thread is woken by what was put into a ring --- */

struct udp_bell {
	int fd;
	uint32_t waiting; /* 1: its owner sleeps, or is about to */
};
int udp_bell_open(struct udp_bell *bell);
void udp_bell_close(struct udp_bell *bell);
/* Its owner: arm, look at the rings once more, sleep on fd, disarm. */
void udp_bell_arm(struct udp_bell *bell);
void udp_bell_disarm(struct udp_bell *bell);
void udp_bell_ring(struct udp_bell *bell); /* others, after the rings were written */
/* 0 or -errno: sleep till one of the descriptors is ready, or ns have passed. */
struct pollfd;
int udp_sleep(struct pollfd *fds, unsigned n, uint64_t ns);

/* --- the network worker (udp_net.c, udp_rx.c, udp_tx.c, udp_socket.c) --- */

struct udp_net;
struct udp_api {
	const char *name;
	bool owns_buffers; /* what is received lies in the API's memory, not where aim() pointed */
	int (*open)(struct udp_net *net, struct xk_err *err);
	void (*close)(struct udp_net *net);
	/*
	 * Receive up to n messages, as net->rx_msg describes them; net->in[] tells what came.
	 * Count, or -errno; -EAGAIN: nothing there.
	 */
	int (*receive)(struct udp_net *net, unsigned n);
	/* Send n of net->tx_msg, in order. How many went; -errno of the first; -EAGAIN: no room. */
	int (*send)(struct udp_net *net, unsigned n);
	/* Records that were sent and may be overwritten now. NULL: at once. */
	unsigned (*completed)(struct udp_net *net);
	/* Sleep until there is work. NULL: poll(2) of the socket. */
	int (*wait)(struct udp_net *net, int wake_fd, uint64_t ns);
};
extern const struct udp_api udp_api_mmsg, udp_api_epoll, udp_api_io_uring, udp_api_zerocopy;
extern const struct udp_api *const udp_apis[];
extern const char *const udp_api_names[];

/* A message as it came. */
struct udp_in {
	char *data;
	uint32_t len;     /* as it was sent: more than there was room for, if it was cut */
	uint32_t segment; /* > 0: a train of datagrams of this size, the last may be shorter */
	const struct sockaddr *peer;
	socklen_t peer_len;
};

/* In packets, unless said otherwise; one writer, relaxed. */
struct udp_net_counters {
	uint64_t sent, sent_bytes, sent_messages; /* messages: as the kernel counts them */
	uint64_t send_errors;                     /* given up: the kernel did not take them */
	uint64_t received, received_bytes, received_messages;
	uint64_t receive_errors; /* news of what was sent: nobody there, say */
	uint64_t ring_drops;     /* of those received: the ring was full */
	uint64_t cut;            /* of those received: longer than there was room for */
	uint64_t kernel_drops;   /* messages that found no room in the socket */
	uint64_t syscalls, waits;
	uint64_t copied; /* zerocopy: messages the kernel copied after all */
};

/* What was granted of what was asked for. */
struct udp_terms {
	uint32_t receive_buffer, send_buffer; /* bytes */
	uint32_t busy_poll_us;
	bool prefer_busy_poll, busy_poll, gso, gro;
};

#define UDP_CONTROL_BYTES 64u /* a uint32_t of SO_RXQ_OVFL and an int of UDP_GRO */

struct udp_net {
	const struct udp_opts *opts;
	const struct udp_api *api;
	void *api_state;
	bool rx, tx, connected, want_peer;
	bool sleeps;   /* somebody may: bells are rung */
	bool readable; /* XK_IDLE_WAIT: worth a look */
	bool blocked;  /* the socket had no room */
	int fd;
	struct udp_terms terms;
	struct udp_bell bell, *app_bell;
	struct xk_spsc_prod to_app;
	struct xk_spsc_cons from_app;
	uint32_t record_bytes, room; /* room: of a record's payload */

	struct udp_in in[UDP_MAX_BATCH];
	struct mmsghdr rx_msg[UDP_MAX_BATCH], tx_msg[UDP_MAX_BATCH];
	struct iovec rx_iov[UDP_MAX_BATCH], tx_iov[UDP_MAX_BATCH];
	char rx_control[UDP_MAX_BATCH][UDP_CONTROL_BYTES] __attribute__((aligned(8)));
	char tx_control[UDP_MAX_BATCH][UDP_CONTROL_BYTES] __attribute__((aligned(8)));
	struct sockaddr_in6 rx_name[UDP_MAX_BATCH];
	char *scratch; /* batch * scratch_room */
	uint32_t scratch_room;
	bool direct;   /* rx_msg points into the ring */
	unsigned held; /* records sent and not released yet */

	uint32_t drops_seen; /* the socket's counter wraps */
	int last_error;      /* of those counted */
	struct udp_net_counters count __attribute__((aligned(128)));
};

int udp_socket_open(struct udp_net *net, unsigned port, struct xk_err *err);
/*
 * The socket's own counter, which wraps. SO_RXQ_OVFL tells it with the next datagram; what was
 * dropped after the last one is known only here. Any thread.
 */
uint32_t udp_socket_drops(const struct udp_net *net);
void udp_socket_look(struct udp_net *net);       /* drops, and whether busy polling is at work */
unsigned udp_socket_errors(struct udp_net *net); /* empty the error queue; entries */
void udp_drops_note(struct udp_net *net, uint32_t now);

int udp_net_init(struct udp_net *net, struct xk_err *err); /* buffers; the socket is open */
void udp_net_fini(struct udp_net *net);
int udp_net_rx(struct udp_net *net); /* moved; 0; -errno */
int udp_net_tx(struct udp_net *net);
int udp_net_wait(struct udp_net *net, int wake_fd, uint64_t ns);
bool udp_net_has_work(struct udp_net *net); /* in its ring; the worker's own look */
/* For an api: note what recvmsg(2) left in message i. */
void udp_in_note(struct udp_net *net, unsigned i, const struct msghdr *msg, uint32_t len);

/* --- the application (udp_app.c, udp_ping.c) --- */

struct udp_app_counters {
	uint64_t made;  /* into the tx ring */
	uint64_t taken; /* out of the rx ring */
	uint64_t taken_bytes;
	uint64_t foreign;                     /* without a stamp of this host */
	uint64_t answered, lost, late, twice; /* ping */
};

struct udp_ping;
struct udp_app {
	const struct udp_opts *opts;
	const struct udp_role *role;
	const uint32_t *closing; /* make no more; the run's, relaxed */
	struct xk_spsc_prod to_net;
	struct xk_spsc_cons from_net;
	struct udp_bell bell, *net_bell;
	bool sleeps;
	struct pace pace;
	bool paced; /* the schedule has begun */
	uint64_t rate, limit;
	uint64_t run, host;
	struct udp_ping *ping;
	struct udp_numbers numbers;
	struct xk_hist latency, service; /* service: ping, from the actual send */
	struct udp_app_counters count __attribute__((aligned(128)));
};

/* What an application does; NULL: nothing. */
struct udp_role {
	bool rx, tx, connects;
	int (*step)(struct udp_app *app);         /* moved */
	bool (*ready)(struct udp_app *app);       /* there is something to do now */
	uint64_t (*next_ns)(struct udp_app *app); /* when there will be; UINT64_MAX: when rung */
	bool (*finished)(struct udp_app *app);    /* its limit is reached, and answered */
};
extern const struct udp_role udp_role_send, udp_role_recv, udp_role_echo, udp_role_ping;

int udp_app_init(struct udp_app *app, struct xk_err *err);
void udp_app_fini(struct udp_app *app);
uint64_t udp_app_sleep_ns(struct udp_app *app); /* 0: not worth it */
bool udp_app_closing(const struct udp_app *app);
bool udp_app_may_make(const struct udp_app *app);
void udp_app_made(struct udp_app *app, unsigned n); /* committed: tell the worker */
void udp_app_take(struct udp_app *app, const struct udp_record *record, uint64_t now);
bool udp_app_has_input(struct udp_app *app);

int udp_ping_open(struct udp_app *app, struct xk_err *err);
void udp_ping_close(struct udp_app *app);

/* --- a lane (udp_lane.c) --- */

struct udp_lane {
	struct udp_net net;
	struct udp_app app;
	enum udp_mode does; /* what it does: never UDP_LOOPBACK */
	unsigned number, port;
	int cpu, node, app_cpu;
	struct xk_mem *mem; /* both rings */
	struct xk_worker *worker, *app_worker;
} __attribute__((aligned(128)));

struct udp_run;
int udp_lane_open(struct udp_lane *lane, struct udp_run *run, struct xk_err *err);
int udp_lane_start(struct udp_lane *lane, const struct udp_run *run, struct xk_err *err);
void udp_lane_release(struct udp_lane *lane);
int udp_lane_stop(struct udp_lane *lane); /* its threads have ended, and its rx ring is empty */
void udp_lane_close(struct udp_lane *lane);
bool udp_lane_ended(const struct udp_lane *lane); /* by itself: an error */

/* --- the kernel's own counters, and the machine's (udp_kernel.c) --- */

struct udp_kernel_counters { /* of this network namespace, IPv4 and IPv6 */
	uint64_t in_datagrams, no_ports, in_errors, out_datagrams, rcvbuf_errors, sndbuf_errors,
		mem_errors;
};
struct udp_costs {
	double cpu_s, softirq_s; /* this process, the whole machine */
};
void udp_kernel_read(struct udp_kernel_counters *counters);
void udp_kernel_since(struct udp_kernel_counters *counters, const struct udp_kernel_counters *then);
struct udp_costs udp_costs_read(void);

/* --- the run (udp_run.c) --- */

struct udp_run {
	const struct udp_opts *opts;
	struct result result;
	struct cpus cpus;
	unsigned n_lanes, threads;
	struct udp_lane *lanes;
	bool crowded; /* more threads than CPUs */
	bool mlocked;
	uint32_t closing; /* atomic, relaxed: a flag nothing goes with */
	uint64_t start_ns, end_ns;
	struct udp_kernel_counters kernel, kernel_then;
	struct udp_costs costs;
	const char *ended;
	bool no_peer; /* the other side was not heard of for too long */
};

int udp_run(struct udp_run *run, int argc, char **argv, struct xk_err *err);

/* --- all lanes together (udp_sum.c) --- */

struct udp_sum {
	struct udp_net_counters net;
	struct udp_app_counters app;
	struct udp_numbers numbers; /* without the sources */
	uint64_t packets, bytes;    /* what the mode counts: sent, or received */
	uint64_t received;          /* that reached the application */
};
struct udp_sum udp_sum_of(const struct udp_run *run);

int udp_last_error(const struct udp_run *run); /* of those counted; 0: none */

/* Of the other side: answers, or what it sent. */
static inline uint64_t udp_heard(const struct udp_run *run, const struct udp_sum *sum)
{
	return run->opts->mode == UDP_PING ? sum->app.answered : sum->app.taken;
}

/* What every lane has: the least of it. */
struct udp_granted {
	uint32_t receive_buffer, send_buffer, busy_poll_us;
	int fifo;
	bool pinned, prefer_busy_poll, busy_poll, gso, gro, any_tx, any_rx;
};
struct udp_granted udp_granted_to(const struct udp_run *run);

/* --- what it says (udp_report.c; udp_json.c) --- */

static inline bool udp_counts_sent(enum udp_mode does)
{
	return does == UDP_SEND;
}

static inline double udp_seconds(const struct udp_run *run)
{
	return (double)(run->end_ns - run->start_ns) / 1e9;
}

static inline double udp_per(double value, double n)
{
	return n > 0 ? value / n : 0;
}

json_t *udp_setting_json(const struct udp_run *run);
json_t *udp_summary_json(const struct udp_run *run, const struct udp_sum *sum,
			 const struct xk_hist *latency, const struct xk_hist *service);
void udp_report_begin(struct udp_run *run, int argc, char **argv);
void udp_report_interval(struct udp_run *run, const struct udp_sum *before,
			 const struct udp_sum *now, double at_s, double s);
int udp_report_end(struct udp_run *run, struct xk_err *err);

#endif
