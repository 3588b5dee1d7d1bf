/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * false_sharing.h - what an operation on one's own counter costs when others work on theirs nearby.
 *
 * A place is where the counters lie; a field is the memory and the workers, and times one operation
 * in one place; a tally is what some runs of that came to.
 */
#ifndef XSKIT_BENCH_FALSE_SHARING_H
#define XSKIT_BENCH_FALSE_SHARING_H

#include "bench/cpus.h"
#include "bench/crew.h"
#include "bench/options.h"
#include "bench/result.h"
#include "bench/spread.h"

#define FS_WHAT       "bench false-sharing"
#define FS_MAX_STRIDE 512u /* bytes between two counters */
#define FS_LOCAL      UINT32_MAX
#define FS_MAX_PLACES 16u
#define FS_SWEEP_LIMIT                                                                             \
	1.25 /* an operation this much dearer than on local counters is disturbed                  \
	      */

enum fs_op { FS_FETCH_ADD, FS_LOAD_STORE, FS_STORE, FS_READ, FS_OPS };
extern const char *const fs_op_names[];

/* Bytes between two workers' counters; 0: one for all; FS_LOCAL: each on its worker's stack. */
struct fs_place {
	const char *name; /* NULL: a distance */
	uint32_t stride;
};
extern const struct fs_place fs_layouts[];
extern const char *const fs_layout_names[];

struct fs_opts {
	unsigned threads; /* 0: one a CPU */
	struct number_list layouts, ops;
	struct bench_options common;
	bool sweep, matrix, processes;
	struct xk_err *err;
};

/* 0, or as opts_parse(). Free in either case. */
int fs_opts_parse(struct fs_opts *opts, int argc, char **argv, struct xk_err *err);
void fs_opts_free(struct fs_opts *opts);

struct fs_field;

int fs_field_create(struct fs_field **field, const struct fs_opts *opts, const struct cpus *cpus,
		    unsigned threads, struct xk_err *err);
void fs_field_destroy(struct fs_field *field); /* NULL: nothing */

struct fs_tally {
	const struct fs_place *place;
	double *ns;         /* an operation, a worker; by run */
	unsigned preempted; /* runs in which the workers hardly ran at the same time */
	struct spread spread;
};

/*
 * Some places in turn, run after run; tallies[i].ns has room for opts->runs. -EINTR: interrupted;
 * -EIO: the counters do not add up to what was done to them; -ECHILD: a process died.
 */
int fs_tally_runs(struct fs_field *field, enum fs_op op, struct fs_tally *tallies, unsigned n,
		  const struct fs_opts *opts, struct xk_err *err);

/* What --sweep and --matrix do instead of the table. As fs_tally_runs(). */
int fs_sweep(struct result *result, struct fs_field *field, const struct fs_opts *opts,
	     unsigned threads, struct xk_err *err);
int fs_matrix(struct result *result, const struct fs_opts *opts, const struct cpus *cpus,
	      struct xk_err *err);

/* Another table from here on. */
void fs_use_columns(struct result *result, const char *experiment,
		    const struct result_column *columns, unsigned n);

/* The first of `n` distances from which on none is disturbed: its place among them, n: none is. */
unsigned fs_sweep_end(const bool *disturbed, unsigned n);

#endif
