// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "bench/ring_measure.h"
#include "report.h"

/* The floor of this class of machine is quiet within a third, and flips by a factor of 4. */
#define STEADY 1.5

int ring_measure_begin(struct ring_measure *measure, const struct ring_candidate *const *chosen,
		       unsigned count, unsigned most_runs)
{
	measure->count = 0;
	measure->entries = calloc(count, sizeof(*measure->entries));
	if (!measure->entries)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		struct ring_entry *entry = &measure->entries[measure->count++];

		entry->candidate = chosen[i];
		entry->ns = calloc(most_runs, sizeof(double));
		entry->floor_ns = calloc(most_runs, sizeof(double));
		if (!entry->ns || !entry->floor_ns)
			return -ENOMEM;
	}
	return 0;
}

void ring_measure_end(struct ring_measure *measure)
{
	for (unsigned i = 0; i < measure->count; i++) {
		free(measure->entries[i].ns);
		free(measure->entries[i].floor_ns);
	}
	free(measure->entries);
	measure->entries = NULL;
	measure->count = 0;
}

/* One run; an algorithm that fails is left out from then on, the others go on. */
static int run(const struct ring_measure *measure, struct ring_entry *entry, bool verify,
	       struct ring_figures *figures)
{
	struct xk_err err;
	int ret = ring_candidate_run(measure->found, entry->candidate, measure->cell, verify,
				     figures, &err);

	if (ret >= 0 || ret == -EINTR)
		return ret;
	report_note("%s: %s", err.what, err.why);
	entry->failed = true;
	return ret;
}

int ring_measure_verify(struct ring_measure *measure)
{
	struct ring_figures figures;
	int ret;

	for (unsigned i = 0; i < measure->count; i++) {
		struct ring_entry *entry = &measure->entries[i];
		const struct ring_algo *algo = &entry->candidate->algo;

		entry->absent = measure->cell->producers > algo->max_producers ||
				measure->cell->consumers > algo->max_consumers ||
				(measure->cell->processes && !algo->processes);
		ret = entry->absent ? RING_CANNOT : run(measure, entry, true, &figures);
		if (ret == -EINTR)
			return ret;
		entry->absent = ret == RING_CANNOT;
		entry->verified = !ret;
		entry->wrong = ret ? 0 : figures.wrong;
	}
	return 0;
}

/* --- rounds --- */

/* The floor during one round. */
struct weather {
	double low, high;
};

static void look_at(struct weather *weather, const struct ring_figures *figures)
{
	if (!(weather->low <= figures->floor_low_ns))
		weather->low = figures->floor_low_ns;
	if (!(weather->high >= figures->floor_ns))
		weather->high = figures->floor_ns;
}

/* Also if nothing is known of the floor (NaN). */
static bool is_steady(const struct weather *weather)
{
	return !(weather->high > weather->low * STEADY);
}

/* Into the place of the next run, which counts once the round does. */
static int time_entry(struct ring_measure *measure, struct ring_entry *entry,
		      struct weather *weather)
{
	struct ring_figures figures;
	int ret = entry->absent || entry->failed ? 0 : run(measure, entry, false, &figures);

	if (ret == -EINTR)
		return ret;
	if (ret || entry->absent || entry->failed)
		return 0;
	entry->wrong |= figures.wrong;
	entry->ns[entry->runs] = figures.ns;
	entry->floor_ns[entry->runs] = figures.floor_ns;
	look_at(weather, &figures);
	return 0;
}

/* Each round begins with another one, so that none always follows the same. */
static int time_round(struct ring_measure *measure, unsigned number, struct weather *weather)
{
	int ret = 0;

	for (unsigned i = 0; i < measure->count && !ret; i++)
		ret = time_entry(measure, &measure->entries[(i + number) % measure->count],
				 weather);
	return ret;
}

static void count_round(struct ring_measure *measure)
{
	for (unsigned i = 0; i < measure->count; i++) {
		struct ring_entry *entry = &measure->entries[i];

		entry->runs += !entry->absent && !entry->failed;
	}
}

int ring_measure_time(struct ring_measure *measure, unsigned runs)
{
	unsigned spare = runs, done = 0;
	int ret = 0;

	while (done < runs && !ret) {
		struct weather weather = {NAN, NAN};

		ret = time_round(measure, done, &weather);
		if (!ret && !is_steady(&weather) && spare) {
			spare--;
			measure->repeated++;
			continue;
		}
		if (!ret)
			count_round(measure);
		done++;
	}
	for (unsigned i = 0; i < measure->count; i++)
		measure->entries[i].spread =
			spread_of(measure->entries[i].ns, measure->entries[i].runs);
	return ret;
}
