/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hist.h - a log-linear histogram of times with 3 significant digits.
 *
 * The bucket layout is that of Gil Tene's HdrHistogram: values below 2,048 have a bucket each;
 * above, every power of two is split into 1,024 linear buckets, so a recorded value is known within
 * 0.1 %. Recording is a shift, an add and a store: no division, no branch on the size of the
 * histogram but the clamp at its top.
 *
 * Thread contract: one thread records; any thread may read or merge from it at any time (relaxed
 * atomics: a reader sees each count whole, the set of them at slightly different instants).
 */
#ifndef XSKIT_HIST_H
#define XSKIT_HIST_H

#include <stdint.h>
#include <stdio.h>
#include <xskit/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XK_HIST_SUB_BITS 11                        /* 2,048 buckets: 3 significant digits */
#define XK_HIST_MAX      ((UINT64_C(1) << 42) - 1) /* 73 minutes in ns; above: clamped */
#define XK_HIST_HALF     (1u << (XK_HIST_SUB_BITS - 1))
#define XK_HIST_BUCKETS  ((42u - XK_HIST_SUB_BITS + 2u) * XK_HIST_HALF)

struct xk_hist {
	uint64_t count; /* values recorded */
	uint64_t sum;   /* exact sum, for the mean */
	uint64_t min;   /* exact; UINT64_MAX: none yet */
	uint64_t max;   /* exact */
	uint64_t bucket[XK_HIST_BUCKETS];
};

void xk_hist_reset(struct xk_hist *hist); /* empty it; also how a new one is made */

/* Bucket of a value, 0..XK_HIST_BUCKETS-1. */
static inline unsigned xk_hist_bucket(uint64_t value)
{
	unsigned shift;

	if (value > XK_HIST_MAX)
		value = XK_HIST_MAX;
	/* bits above the first 11 decide how far to shift; |2047 keeps clz defined, shift >= 0 */
	shift = 64 - XK_HIST_SUB_BITS -
		(unsigned)__builtin_clzll(value | ((1u << XK_HIST_SUB_BITS) - 1));
	return shift * XK_HIST_HALF + (unsigned)(value >> shift);
}

static inline void xk_hist_record(struct xk_hist *hist, uint64_t value)
{
	uint64_t *bucket = &hist->bucket[xk_hist_bucket(value)];

	xk_bump(bucket, 1);
	xk_bump(&hist->count, 1);
	xk_bump(&hist->sum, value);
	if (value < xk_load_relaxed(&hist->min))
		xk_store_relaxed(&hist->min, value);
	if (value > xk_load_relaxed(&hist->max))
		xk_store_relaxed(&hist->max, value);
}

/* Record a value n times (buckets kept elsewhere, in a BPF map say). */
void xk_hist_record_n(struct xk_hist *hist, uint64_t value, uint64_t n);

/* Add the counts of `from` to `into`. */
void xk_hist_merge(struct xk_hist *into, const struct xk_hist *from);

/*
 * Value at a percentile, 0 < percent <= 100: the highest value that is equivalent to the bucket in
 * which that share of the values is reached, never above max. 0 when empty.
 */
uint64_t xk_hist_percentile(const struct xk_hist *hist, double percent);

double xk_hist_mean(const struct xk_hist *hist); /* 0 when empty */

/*
 * Write the percentile distribution in HdrHistogram's text format (.hgrm, as its plotter reads it),
 * values divided by `scale` (1000.0: us from ns). 0 or -EIO.
 */
int xk_hist_write_hgrm(const struct xk_hist *hist, FILE *out, double scale);

#ifdef __cplusplus
}
#endif
#endif
