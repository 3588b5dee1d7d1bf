// SPDX-License-Identifier: BSD-2-Clause
/*
 * forward [EAL OPTIONS] [-- OPTIONS]: forward frames between pairs of DPDK ports. Its own options,
 * then EAL, ports, workers; the main lcore waits for signals and prints.
 */
#include <argp.h>
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "forward.h"

#define EXIT_USAGE 2

static bool complained;

void complain(const char *format, ...)
{
	va_list args;

	complained = true;
	va_start(args, format);
	fputs("forward: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

/* --- options --- */

enum { KEY_BURST = 0x100, KEY_RX_RING, KEY_TX_RING, KEY_MBUFS };

static const struct argp_option option_table[] = {
	{"duration", 'd', "S", 0, "stop after S seconds (on SIGINT or SIGTERM)", 0},
	{"interval", 'i', "S", 0, "a line of figures every S seconds, 0: none (1)", 0},
	{"json", 'j', 0, 0, "JSON Lines on stdout instead of text", 0},
	{"burst", KEY_BURST, "N", 0, "packets moved at a time (32)", 0},
	{"rx-ring", KEY_RX_RING, "N", 0, "receive descriptors a port (2048)", 0},
	{"tx-ring", KEY_TX_RING, "N", 0, "transmit descriptors a port (2048)", 0},
	{"mbufs", KEY_MBUFS, "N", 0, "packet buffers a pair of ports (16384)", 0},
	{0},
};

static error_t bad_value(const char *option, const char *word, const char *takes)
{
	complain("%s: '%s': it takes %s", option, word, takes);
	return EINVAL;
}

static error_t read_number(const char *option, const char *word, uint32_t min, uint32_t max,
			   uint32_t *out)
{
	char *end, takes[64];
	unsigned long n;

	errno = 0;
	n = strtoul(word, &end, 10);
	snprintf(takes, sizeof(takes), "a number from %u to %u", min, max);
	if (*word < '0' || *word > '9' || *end || errno || n < min || n > max)
		return bad_value(option, word, takes);
	*out = (uint32_t)n;
	return 0;
}

static error_t read_seconds(const char *option, const char *word, double *out)
{
	char *end;

	*out = strtod(word, &end);
	if (end == word || *end || !(*out >= 0 && *out < 1e9))
		return bad_value(option, word, "seconds, as 2.5");
	return 0;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'd':
		return read_seconds("--duration", word, &o->duration_s);
	case 'i':
		return read_seconds("--interval", word, &o->interval_s);
	case 'j':
		o->json = true;
		return 0;
	case KEY_BURST:
		return read_number("--burst", word, 1, MAX_BURST, &o->burst);
	case KEY_RX_RING:
		return read_number("--rx-ring", word, 64, 32768, &o->rx_ring);
	case KEY_TX_RING:
		return read_number("--tx-ring", word, 64, 32768, &o->tx_ring);
	case KEY_MBUFS:
		return read_number("--mbufs", word, 1024, 1u << 22, &o->mbufs);
	case ARGP_KEY_ARG:
		return bad_value("forward", word, "options only, behind --");
	case ARGP_KEY_ERROR:
		if (!complained)
			complain("'%s': unknown, or without its value: see `forward --help`",
				 state->argv[state->next - 1]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse,
	.args_doc = "[EAL OPTIONS] --",
	.doc = "Forward frames between pairs of DPDK ports: what comes by port n leaves by port n "
	       "^ 1.\vEAL options come first, then -- and the options above; one lcore beside the "
	       "main one is needed, as\n"
	       "  forward -l 0,1 --no-pci --no-huge --no-shconf -m 512 --vdev net_af_xdp0,iface=va "
	       "--vdev net_af_xdp1,iface=vb -- -d 10",
};

/* What is behind the first --, or nothing: its index, argc if there is none. */
static int own_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return i;
	return argc;
}

static int read_options(struct options *o, int argc, char **argv)
{
	int first = own_options(argc, argv);

	*o = (struct options){.interval_s = 1,
			      .burst = 32,
			      .rx_ring = 2048,
			      .tx_ring = 2048,
			      .mbufs = 16384,
			      .argc = argc,
			      .argv = argv};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help"))
			continue;
		argp_help(&argp, stdout, ARGP_HELP_STD_HELP, "forward");
		exit(0);
	}
	if (first == argc)
		return 0;
	return argp_parse(&argp, argc - first, argv + first, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, o);
}

/* --- set-up --- */

static int check_ports(const struct forward *f)
{
	if (f->n_ports == 0)
		complain(
			"no ports: DPDK found none: --vdev net_af_xdp0,iface=IFACE makes one of an "
			"interface");
	else if (f->n_ports % 2)
		complain("%u ports: they forward in pairs: give one more or one less", f->n_ports);
	else if (f->n_workers == 0)
		complain("no worker: only the main lcore was given: -l 0,1, or --lcores '(0,1)@0'");
	else
		return 0;
	return EXIT_USAGE;
}

static int make_room(struct forward *f)
{
	f->ports = calloc(f->n_ports, sizeof(*f->ports));
	f->pools = calloc(f->n_ports / 2, sizeof(*f->pools));
	f->workers = calloc(f->n_workers, sizeof(*f->workers));
	f->ways = aligned_alloc(RTE_CACHE_LINE_SIZE, f->n_ports * sizeof(*f->ways));
	if (f->ports && f->pools && f->workers && f->ways)
		return 0;
	complain("no memory");
	return 1;
}

/* The ways of pairs first to end - 1; a worker's lie next to each other. */
static void take_pairs(struct forward *f, struct worker *w, unsigned first, unsigned end)
{
	w->ways = &f->ways[2 * first];
	w->n_ways = 2 * (end - first);
	for (unsigned port = 2 * first; port < 2 * end; port++) {
		f->ways[port] = (struct way){.from = (uint16_t)port, .to = (uint16_t)port ^ 1};
		f->ports[port].lcore = w->lcore;
	}
}

/* Pairs evenly to the workers. */
static void share_out(struct forward *f)
{
	unsigned pairs = f->n_ports / 2, lcore = (unsigned)-1; /* none yet */

	for (unsigned i = 0; i < f->n_workers; i++) {
		lcore = rte_get_next_lcore(lcore, 1, 0);
		f->workers[i] = (struct worker){
			.lcore = lcore, .burst = f->options.burst, .stop = &f->stop};
		take_pairs(f, &f->workers[i], pairs * i / f->n_workers,
			   pairs * (i + 1) / f->n_workers);
	}
}

/* --- the run --- */

static struct timespec until(uint64_t when, uint64_t now)
{
	uint64_t ns = when > now ? when - now : 0;

	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
				 .tv_nsec = (long)(ns % 1000000000)};
}

/* Signals, intervals, the end of the duration; what ended it. */
static const char *watch(struct forward *f)
{
	uint64_t interval = (uint64_t)(f->options.interval_s * 1e9), next, end;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	next = interval ? f->start_ns + interval : UINT64_MAX;
	end = f->options.duration_s > 0 ? f->start_ns + (uint64_t)(f->options.duration_s * 1e9)
					: UINT64_MAX;
	for (;;) {
		uint64_t now = clock_ns(), when = next < end ? next : end;
		struct timespec timeout =
			until(when < now + 3600000000000u ? when : now + 3600000000000u, now);

		if (now >= end)
			return "duration";
		if (now >= next) {
			stats_interval(f);
			next += interval;
			continue;
		}
		if (sigtimedwait(&set, NULL, &timeout) > 0)
			return "signal";
	}
}

static int run(struct forward *f)
{
	const char *ended;

	stats_start(f);
	f->start_ns = clock_ns();
	for (unsigned w = 0; w < f->n_workers; w++)
		rte_eal_remote_launch(worker_run, &f->workers[w], f->workers[w].lcore);
	ended = watch(f);
	__atomic_store_n(&f->stop, 1, __ATOMIC_RELAXED);
	for (unsigned w = 0; w < f->n_workers; w++)
		rte_eal_wait_lcore(f->workers[w].lcore);
	stats_summary(f, ended);
	return 0;
}

static int forward(struct forward *f)
{
	int ret;

	f->n_ports = rte_eth_dev_count_avail();
	f->n_workers = rte_lcore_count() - 1;
	if (f->n_workers > f->n_ports / 2)
		f->n_workers = f->n_ports / 2;
	if ((ret = check_ports(f)) || (ret = make_room(f)))
		return ret;
	share_out(f);
	ret = ports_open(f) ? 1 : run(f);
	ports_close(f);
	return ret;
}

int main(int argc, char **argv)
{
	struct forward f = {0};
	int ret;

	if (read_options(&f.options, argc, argv))
		return EXIT_USAGE;
	keeper_fork();
	if (rte_eal_init(own_options(argc, argv), argv) < 0) {
		complain("EAL: %s: see its messages above, and `forward --help`",
			 rte_strerror(rte_errno));
		return rte_errno == EINVAL ? EXIT_USAGE : 1;
	}
	ret = forward(&f);
	free(f.ports);
	free(f.pools);
	free(f.workers);
	free(f.ways);
	rte_eal_cleanup();
	return ret;
}
