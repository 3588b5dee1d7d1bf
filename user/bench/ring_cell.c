// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/ring_cell.h"

bool ring_can(const struct ring_algo *algo, const struct ring_cell *cell)
{
	if (cell->producers > algo->max_producers || cell->consumers > algo->max_consumers)
		return false;
	if (cell->processes && !algo->processes)
		return false;
	return !algo->fits || algo->fits(cell);
}

void ring_cell_print(const struct ring_cell *cell, char text[RING_CELL_TEXT])
{
	int at = snprintf(text, RING_CELL_TEXT, "%u:%u:%u:%u:%u:%u:%u:%u", (unsigned)cell->metric,
			  cell->element_bytes, cell->slots, cell->burst, cell->producers,
			  cell->consumers, (unsigned)cell->processes, cell->run_ms);

	for (unsigned i = 0; i < ring_workers(cell); i++)
		at += snprintf(text + at, RING_CELL_TEXT - (size_t)at, ":%d", cell->cpu[i]);
}

static bool sane(const struct ring_cell *cell)
{
	return cell->metric <= RING_RTT && cell->element_bytes && cell->element_bytes % 8 == 0 &&
	       cell->element_bytes <= RING_MAX_BYTES && cell->slots && cell->burst &&
	       cell->burst <= RING_MAX_BURST && cell->producers && cell->consumers &&
	       cell->producers < RING_MAX_WORKERS && cell->consumers < RING_MAX_WORKERS &&
	       ring_workers(cell) <= RING_MAX_WORKERS;
}

int ring_cell_parse(const char *text, struct ring_cell *cell)
{
	unsigned metric, processes;
	int at = 0, used;

	if (sscanf(text, "%u:%u:%u:%u:%u:%u:%u:%u%n", &metric, &cell->element_bytes, &cell->slots,
		   &cell->burst, &cell->producers, &cell->consumers, &processes, &cell->run_ms,
		   &at) != 8)
		return -EINVAL;
	cell->metric = (enum ring_metric)metric;
	cell->processes = processes;
	if (!sane(cell))
		return -EINVAL;
	for (unsigned i = 0; i < ring_workers(cell); i++, at += used)
		if (sscanf(text + at, ":%d%n", &cell->cpu[i], &used) != 1)
			return -EINVAL;
	return 0;
}

void ring_figures_print(const struct ring_figures *figures, char text[RING_FIGURES_TEXT])
{
	snprintf(text, RING_FIGURES_TEXT,
		 "ns=%.6g floor_ns=%.6g floor_low_ns=%.6g count=%" PRIu64 " wrong=%u", figures->ns,
		 figures->floor_ns, figures->floor_low_ns, figures->count, figures->wrong);
}

int ring_figures_parse(const char *text, struct ring_figures *figures)
{
	if (sscanf(text, "ns=%lf floor_ns=%lf floor_low_ns=%lf count=%" SCNu64 " wrong=%u",
		   &figures->ns, &figures->floor_ns, &figures->floor_low_ns, &figures->count,
		   &figures->wrong) != 5)
		return -EINVAL;
	return 0;
}
