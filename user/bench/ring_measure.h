/* SPDX-License-Identifier: BSD-2-Clause */
/* ring_measure.h - some algorithms in one cell, in turn, run after run. */
#ifndef XSKIT_BENCH_RING_MEASURE_H
#define XSKIT_BENCH_RING_MEASURE_H

#include "bench/ring_candidates.h"
#include "bench/spread.h"

struct ring_entry {
	const struct ring_candidate *candidate;
	bool absent;    /* it cannot do this cell */
	bool failed;    /* a run did not end, or died: no more of it */
	bool verified;  /* the pass that looks at every word has come to its end */
	unsigned wrong; /* what any run found so far: RING_TORN ... */
	unsigned runs;  /* timed ones */
	double *ns, *floor_ns;
	struct spread spread; /* of ns, once done */
};

struct ring_measure {
	const struct ring_candidates *found;
	const struct ring_cell *cell;
	unsigned count;
	struct ring_entry *entries;
	unsigned repeated; /* rounds that did not count, because the machine changed its speed */
};

/* 0 or -ENOMEM. The entries are those chosen, in that order; one may be there twice. */
int ring_measure_begin(struct ring_measure *measure, const struct ring_candidate *const *chosen,
		       unsigned count, unsigned most_runs);

/* Who can do the cell, and does it right? A run that fails is told on stderr. -EINTR: stopped. */
int ring_measure_verify(struct ring_measure *measure);

/*
 * `runs` more rounds, each algorithm once a round. A round in which the floor was not the same all
 * the time is done again, for up to as many rounds: else one algorithm would be measured on a slow
 * machine and the next one on a fast one. -EINTR: stopped.
 */
int ring_measure_time(struct ring_measure *measure, unsigned runs);

void ring_measure_end(struct ring_measure *measure);

#endif
