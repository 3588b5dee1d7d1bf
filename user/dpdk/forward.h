/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.h - frames between pairs of DPDK ports, the neighbour `xskit fwd` is compared with.
 *
 *   forward.c          options, and the order of things
 *   forward_ports.c    ports: their memory, set-up and end
 *   forward_worker.c   the hot loop
 *   forward_stats.c    figures, as text or JSON Lines
 *   forward_keeper.c   the process that is started: its end, however it comes, ends the run cleanly
 *
 * Ports are taken in pairs: what comes by port n leaves by port n ^ 1. Each pair belongs to one
 * worker (lcore), so every queue has one user and nothing needs a lock.
 */
#ifndef XSKIT_DPDK_FORWARD_H
#define XSKIT_DPDK_FORWARD_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_BURST 512u

struct options {
	double duration_s, interval_s; /* 0: until stopped; no interval lines */
	bool json;
	uint32_t burst;            /* packets moved at a time, at most MAX_BURST */
	uint32_t rx_ring, tx_ring; /* descriptors of a queue */
	uint32_t mbufs;            /* of a pair */
	int argc;                  /* the command line as given */
	char **argv;
};

/* One port, and the way of what it receives. Counters: the worker writes, others read; relaxed. */
struct way {
	uint16_t from, to;
	uint64_t received, sent;
	uint64_t unsent; /* the other port did not take them: freed */
} __rte_cache_aligned;

struct worker {
	unsigned lcore;
	uint32_t burst;
	struct way *ways; /* n_ways of them, those of its pairs */
	unsigned n_ways;
	const uint32_t *stop;
};

/* What is known of a port once it runs. */
struct port {
	char name[RTE_ETH_NAME_MAX_LEN], driver[64];
	struct rte_ether_addr mac;
	int node; /* -1: unknown */
	bool fast_free, promiscuous;
	bool configured, started;
	unsigned lcore;                     /* who serves it */
	struct rte_eth_stats eth, last_eth; /* the driver's own counters */
};

struct forward {
	struct options options;
	unsigned n_ports, n_workers;
	struct port *ports;
	struct way *ways;
	struct worker *workers;
	struct rte_mempool **pools; /* one a pair */
	uint32_t stop;              /* atomic */
	uint64_t start_ns, end_ns;
};

/* --- forward_ports.c --- */

/* All ports, running. 0, or -1 when it has said on stderr what is wrong. */
int ports_open(struct forward *f);
void ports_close(struct forward *f); /* also after a failed open */

/* --- forward_worker.c --- */

int worker_run(void *worker); /* lcore_function_t, until *stop */

/* --- forward_stats.c --- */

uint64_t clock_ns(void); /* CLOCK_MONOTONIC */
void stats_start(const struct forward *f);
void stats_interval(struct forward *f);
void stats_summary(struct forward *f, const char *ended);

/* --- forward_keeper.c --- */

/*
 * Go on in a child that is told to end (SIGTERM) when this process dies, even by SIGKILL: a driver
 * leaves XDP programs and flags on its interfaces unless it closes them itself. Returns in the
 * child; the parent hands on SIGINT and SIGTERM, and exits as the child does.
 */
void keeper_fork(void);

/* One line on stderr: forward: what: why: fix. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
