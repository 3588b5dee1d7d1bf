// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a packet costs the user's side of a port, without the kernel's: the simulated kernel works
 * while the clock stands. A pass is a ring's worth of packets in bursts of 64.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xskit/port.h>
#include "kernel.h"

#define BURST  64u
#define RING   2048u
#define FRAMES (4 * RING)
#define PASSES 2000u
#define RUNS   9
#define LIMIT  6.7 /* ns: 148.8 million packets a second */

struct bench {
	struct xk_mem *mem;
	struct xk_umem *umem;
	struct xk_umem_cache cache;
	struct xk_port *port;
	struct sim_sock *sock;
	struct xk_pkt pkts[RING];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void must(int ret, const struct xk_err *err)
{
	if (ret) {
		fprintf(stderr, "bench_port: %s: %s: %s\n", err->what, err->why, err->fix);
		exit(1);
	}
}

static void set_up(struct bench *b, uint32_t rx_size, uint32_t tx_size)
{
	const struct sim_config sim = {.seed = 1};
	const struct xk_umem_config umem = {.frames = FRAMES, .frame_size = 2048};
	const struct xk_mem_config mem = {.size = xk_umem_size(&umem), .node = -1};
	const struct xk_port_config config = {.rx_size = rx_size, .tx_size = tx_size};
	struct xk_err err = {0};

	memset(b, 0, sizeof(*b));
	sim_reset(&sim);
	must(xk_mem_create(&b->mem, &mem, &err), &err);
	must(xk_umem_create(&b->umem, b->mem, &umem, &err), &err);
	must(xk_umem_cache_init(&b->cache, b->umem, 0), &err);
	must(xk_port_open(&b->port, &b->cache, "sim0", 0, &config, &err), &err);
	b->sock = sim_sock(xk_port_fd(b->port));
	sim_set_budget(b->sock, RING);
}

static void tear_down(struct bench *b)
{
	struct xk_ledger ledger;

	if (sim_complaint()) {
		fprintf(stderr, "bench_port: %s\n", sim_complaint());
		exit(1);
	}
	xk_port_close(b->port);
	if (xk_umem_audit(b->umem, &ledger)) {
		fprintf(stderr, "bench_port: frames were lost\n");
		exit(1);
	}
	xk_umem_cache_fini(&b->cache);
	xk_umem_destroy(b->umem);
	xk_mem_destroy(b->mem);
}

/* --- receive, refill, recycle --- */

static void kernel_receives(struct bench *b)
{
	for (unsigned i = 0; i < RING; i++)
		if (!sim_deliver(b->sock, i, 64))
			abort();
	sim_flush(b->sock);
}

static uint64_t pass_rx(struct bench *b)
{
	struct xk_pkt pkts[BURST];
	unsigned n, left = RING;
	uint64_t start;

	kernel_receives(b);
	start = now_ns();
	while (left && (n = xk_port_rx(b->port, pkts, BURST))) {
		xk_port_recycle(b->port, pkts, n);
		left -= n;
	}
	/* what the last bursts left of the fill ring */
	xk_port_rx(b->port, pkts, BURST);
	start = now_ns() - start;
	if (left)
		abort();
	return start;
}

/* --- transmit, reap --- */

static void app_prepares(struct bench *b)
{
	uint64_t addr;

	for (unsigned i = 0; i < RING; i++) {
		if (xk_umem_get(&b->cache, &addr, 1) != 1)
			abort();
		sim_stamp(xk_umem_data(&b->cache, addr), i, 0, 64);
		b->pkts[i] = (struct xk_pkt){addr, 64, 0, 0};
	}
}

static uint64_t send_all(struct bench *b)
{
	uint64_t start = now_ns();

	for (unsigned i = 0; i < RING; i += BURST)
		if (xk_port_tx(b->port, &b->pkts[i], BURST) != BURST)
			abort();
	return now_ns() - start;
}

static uint64_t reap_all(struct bench *b)
{
	uint64_t start = now_ns();

	for (unsigned i = 0; i < RING; i += BURST) {
		sim_publish(b->sock, BURST);
		if (xk_port_reap(b->port) != BURST)
			abort();
	}
	return now_ns() - start;
}

static uint64_t pass_tx(struct bench *b)
{
	uint64_t ns;

	app_prepares(b);
	ns = send_all(b);
	sim_transmit(b->sock);
	sim_hold_completions(b->sock);
	return ns + reap_all(b);
}

/* --- runs --- */

static double run(struct bench *b, uint64_t (*pass)(struct bench *b))
{
	uint64_t ns = 0;

	for (unsigned i = 0; i < PASSES; i++)
		ns += pass(b);
	return (double)ns / ((double)PASSES * RING);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const char *path, double ns[RUNS], bool json)
{
	qsort(ns, RUNS, sizeof(*ns), compare);
	if (json)
		printf("{\"type\":\"result\",\"experiment\":\"port-sim\",\"path\":\"%s\","
		       "\"burst\":%u,\"ns\":%.2f,\"ns_min\":%.2f,\"ns_max\":%.2f,\"runs\":%d}\n",
		       path, BURST, ns[RUNS / 2], ns[0], ns[RUNS - 1], RUNS);
	else
		printf("port %s, bursts of %u: %.2f ns a packet (%.2f to %.2f, %d runs), limit "
		       "%.1f\n",
		       path, BURST, ns[RUNS / 2], ns[0], ns[RUNS - 1], RUNS, LIMIT);
}

static bool bench(const char *path, uint32_t rx_size, uint32_t tx_size,
		  uint64_t (*pass)(struct bench *b), bool json)
{
	static struct bench b;
	double ns[RUNS];

	set_up(&b, rx_size, tx_size);
	run(&b, pass); /* caches and clock speed settle */
	for (int i = 0; i < RUNS; i++)
		ns[i] = run(&b, pass);
	tear_down(&b);
	report(path, ns, json);
	return ns[RUNS / 2] <= LIMIT;
}

/* Exit 1: one of them is above the limit. */
int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	bool rx = bench("rx", RING, 0, pass_rx, json);
	bool tx = bench("tx", 0, RING, pass_tx, json);

	return rx && tx ? 0 : 1;
}
