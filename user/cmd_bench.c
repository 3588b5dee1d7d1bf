// SPDX-License-Identifier: BSD-2-Clause
/* bench: a table of the user-space experiments that also prints its usage. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "bench/bench.h"
#include "cmd.h"

static const struct {
	const char *name, *does;
	cmd_fn run;
} experiments[] = {
	{"ring", "shared-memory rings, of this project and its peers: throughput, round trips",
	 bench_ring},
	{"false-sharing", "counters near each other: what the distance between them costs",
	 bench_false_sharing},
	{"numa", "what memory costs a core, for each node of CPUs and of memory", bench_numa},
	{"udp", "the kernel's own UDP, with all that makes it fast: throughput, latency",
	 bench_udp},
	{"ipc", "messages between two processes: pipes, sockets, queues, semaphores, rings",
	 bench_ipc},
};

#define EXPERIMENTS (sizeof(experiments) / sizeof(*experiments))

static int help(void)
{
	puts("Usage: xskit bench EXPERIMENT [OPTIONS]\n");
	for (unsigned i = 0; i < EXPERIMENTS; i++)
		printf("  %-14s %s\n", experiments[i].name, experiments[i].does);
	puts("\n`xskit bench EXPERIMENT --help` tells an experiment's options.");
	return CMD_HELPED;
}

static int unknown(const char *name, struct xk_err *err)
{
	char fix[sizeof(err->fix)] = "there is";

	for (unsigned i = 0; i < EXPERIMENTS; i++) {
		strncat(fix, i ? ", " : " ", sizeof(fix) - strlen(fix) - 1);
		strncat(fix, experiments[i].name, sizeof(fix) - strlen(fix) - 1);
	}
	if (name)
		xk_err_fill(err, -EINVAL, "bench", fix, "'%s' is no experiment", name);
	else
		xk_err_fill(err, -EINVAL, "bench", fix, "it needs an EXPERIMENT");
	return CMD_USAGE;
}

int cmd_bench(int argc, char **argv, struct xk_err *err)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name && !strcmp(name, "--help"))
		return help();
	for (unsigned i = 0; name && i < EXPERIMENTS; i++)
		if (!strcmp(name, experiments[i].name))
			return experiments[i].run(argc, argv, err);
	return unknown(name, err);
}
