/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_candidates.h - the algorithms there are, built in or in the peers' helper, and one run of
 * one of them in a child process.
 *
 * The helper is a program of its own, because the peers' headers are not everybody's: it is looked
 * for in $XSKIT_PEERS, beside xskit in the build tree, and in ../libexec/xskit.
 */
#ifndef XSKIT_BENCH_RING_CANDIDATES_H
#define XSKIT_BENCH_RING_CANDIDATES_H

#include <signal.h>
#include <xskit/err.h>
#include "bench/ring_cell.h"

struct ring_candidate {
	struct ring_algo algo;       /* of a peer: what the helper says of it, and no functions */
	const struct ring_algo *own; /* NULL: a peer */
	char name[48], order[16];    /* a peer's, with its "peer:" */
};

struct ring_candidates {
	unsigned count;
	struct ring_candidate *all;
	char helper[4096]; /* "": not found */
};

/* 0, or -errno; that there is no helper is no error. Free it in either case. */
int ring_candidates_find(struct ring_candidates *found, struct xk_err *err);
void ring_candidates_free(struct ring_candidates *found);

/* NULL: there is none of this name. */
const struct ring_candidate *ring_candidate_named(const struct ring_candidates *found,
						  const char *name);

#define RING_CANNOT 1

/*
 * Verify or time. 0; RING_CANNOT; -EINTR: process_interrupted(), and the run is
 * abandoned; -errno: it failed, did not end in time (-ETIMEDOUT), or died.
 */
int ring_candidate_run(const struct ring_candidates *found, const struct ring_candidate *candidate,
		       const struct ring_cell *cell, bool verify, struct ring_figures *figures,
		       struct xk_err *err);

#endif
