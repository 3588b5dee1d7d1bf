/* SPDX-License-Identifier: BSD-2-Clause */
/* spread.h - median, least and greatest of a few measurements. */
#ifndef XSKIT_BENCH_SPREAD_H
#define XSKIT_BENCH_SPREAD_H

struct spread {
	double median, min, max; /* of none: NaN */
};

/* Sorts the values. The median of an even number is the mean of the middle two. */
struct spread spread_of(double *values, unsigned n);

#endif
