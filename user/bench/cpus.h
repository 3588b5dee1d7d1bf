/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus.h - the CPUs of an experiment: those it was given, or the best there are. */
#ifndef XSKIT_BENCH_CPUS_H
#define XSKIT_BENCH_CPUS_H

#include <xskit/err.h>
#include <xskit/place.h>
#include "opts.h"

struct cpus {
	unsigned count;
	int cpu[XK_PLACE_MAX_CPUS];
	unsigned n_claims;
	int claim[XK_PLACE_MAX_CPUS];
};

/*
 * Those of a list, in its order; if it is empty, those that this process may use, in the order of
 * place.h, `most` of them (0: all). CMD_USAGE: one of the list is none of this process's.
 */
int cpus_find(struct cpus *cpus, const struct number_list *list, unsigned most, struct xk_err *err);

/*
 * Other programs of this project keep off these CPUs until they are put back. That they cannot be
 * told is no reason not to run.
 */
void cpus_claim(struct cpus *cpus);
void cpus_put(struct cpus *cpus); /* zeroed, or found: also what was not claimed */

#endif
