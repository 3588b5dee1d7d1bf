// SPDX-License-Identifier: BSD-2-Clause
/*
 * xskit-peers: what `xskit bench ring` starts, once a run, for other projects' rings.
 *
 *   xskit-peers list                 a line each: name order blocking burst_call processes
 *                                    max_producers max_consumers
 *   xskit-peers verify|time NAME CELL    one run; one line (ring_run.h)
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bench/ring_run.h"
#include "peers.h"

static const struct ring_algo *const *const lists[] = {peers_ck, peers_rte, peers_boost,
						       peers_moodycamel, peers_atomic};

#define LISTS (sizeof(lists) / sizeof(*lists))

static int list(void)
{
	for (unsigned i = 0; i < LISTS; i++)
		for (unsigned j = 0; lists[i][j]; j++) {
			const struct ring_algo *algo = lists[i][j];

			printf("%s %s %d %d %d %u %u\n", algo->name, algo->order, algo->blocking,
			       algo->burst_call, algo->processes, algo->max_producers,
			       algo->max_consumers);
		}
	return 0;
}

static const struct ring_algo *named(const char *name)
{
	for (unsigned i = 0; i < LISTS; i++)
		for (unsigned j = 0; lists[i][j]; j++)
			if (!strcmp(lists[i][j]->name, name))
				return lists[i][j];
	return NULL;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	bool verify = !strcmp(mode, "verify");
	const struct ring_algo *algo;
	struct ring_cell cell;

	if (argc == 2 && !strcmp(mode, "list"))
		return list();
	if (argc != 4 || (!verify && strcmp(mode, "time")) || !(algo = named(argv[2])) ||
	    ring_cell_parse(argv[3], &cell)) {
		fputs("usage: xskit-peers list | verify NAME CELL | time NAME CELL\n", stderr);
		return 2;
	}
	return ring_run(algo, &cell, verify, STDOUT_FILENO);
}
