// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <xskit/hist.h>

/* Lines of the percentile distribution each time the distance to 100 % halves. */
#define TICKS_PER_HALF 5

/* One pass over the buckets, which may be recorded into meanwhile: so `total` is counted first. */
struct distribution {
	FILE *out;
	double scale;
	uint64_t total, seen;
	double level; /* percentile of the next line */
};

void xk_hist_reset(struct xk_hist *hist)
{
	xk_store_relaxed(&hist->count, 0);
	xk_store_relaxed(&hist->sum, 0);
	xk_store_relaxed(&hist->min, UINT64_MAX);
	xk_store_relaxed(&hist->max, 0);
	for (unsigned i = 0; i < XK_HIST_BUCKETS; i++)
		xk_store_relaxed(&hist->bucket[i], 0);
}

/* How far values of a bucket are shifted to the right. */
static unsigned bucket_shift(unsigned index)
{
	return index < 2 * XK_HIST_HALF ? 0 : index / XK_HIST_HALF - 1;
}

static uint64_t bucket_lowest(unsigned index)
{
	unsigned shift = bucket_shift(index);

	return (uint64_t)(index - shift * XK_HIST_HALF) << shift;
}

static uint64_t bucket_highest(unsigned index)
{
	return bucket_lowest(index) + (UINT64_C(1) << bucket_shift(index)) - 1;
}

static void widen(struct xk_hist *hist, uint64_t min, uint64_t max)
{
	if (min < xk_load_relaxed(&hist->min))
		xk_store_relaxed(&hist->min, min);
	if (max > xk_load_relaxed(&hist->max))
		xk_store_relaxed(&hist->max, max);
}

void xk_hist_record_n(struct xk_hist *hist, uint64_t value, uint64_t n)
{
	uint64_t *bucket = &hist->bucket[xk_hist_bucket(value)];

	if (!n)
		return;
	xk_bump(bucket, n);
	xk_bump(&hist->count, n);
	xk_bump(&hist->sum, value * n);
	widen(hist, value, value);
}

void xk_hist_merge(struct xk_hist *into, const struct xk_hist *from)
{
	uint64_t n, count = 0;

	for (unsigned i = 0; i < XK_HIST_BUCKETS; i++) {
		n = xk_load_relaxed(&from->bucket[i]);
		if (!n)
			continue;
		xk_bump(&into->bucket[i], n);
		count += n;
	}
	/* what the buckets hold, not from->count, which may be some values ahead or behind */
	xk_bump(&into->count, count);
	xk_bump(&into->sum, xk_load_relaxed(&from->sum));
	widen(into, xk_load_relaxed(&from->min), xk_load_relaxed(&from->max));
}

static uint64_t total_count(const struct xk_hist *hist)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < XK_HIST_BUCKETS; i++)
		total += xk_load_relaxed(&hist->bucket[i]);
	return total;
}

/* Rank (from 1) of the value at a percentile: rounded up, but not by a rounding error. */
static uint64_t rank_of(double percent, uint64_t total)
{
	double exact = percent * (double)total / 100 * (1 - 1e-15);
	uint64_t rank = (uint64_t)exact;

	if ((double)rank < exact)
		rank++;
	return rank ? rank : 1;
}

/* What a bucket stands for, never above the largest value recorded. */
static uint64_t reported(const struct xk_hist *hist, unsigned index)
{
	uint64_t highest = bucket_highest(index);
	uint64_t max = xk_load_relaxed(&hist->max);

	return highest < max ? highest : max;
}

uint64_t xk_hist_percentile(const struct xk_hist *hist, double percent)
{
	uint64_t total = total_count(hist), seen = 0, rank;

	if (!total)
		return 0;
	rank = percent < 100 ? rank_of(percent, total) : total;
	for (unsigned i = 0; i < XK_HIST_BUCKETS; i++) {
		seen += xk_load_relaxed(&hist->bucket[i]);
		if (seen >= rank)
			return reported(hist, i);
	}
	return xk_load_relaxed(&hist->max);
}

double xk_hist_mean(const struct xk_hist *hist)
{
	uint64_t count = xk_load_relaxed(&hist->count);

	return count ? (double)xk_load_relaxed(&hist->sum) / (double)count : 0;
}

/* Newton's method: the library does without libm. */
static double square_root(double x)
{
	double root = x > 1 ? x : 1;

	for (double last = 0; root != last && x > 0;) {
		last = root;
		root = (root + x / root) / 2;
		if (root >= last) /* it falls until it has converged */
			break;
	}
	return x > 0 ? root : 0;
}

static double deviation(const struct xk_hist *hist)
{
	double mean = xk_hist_mean(hist), sum = 0, total = 0;

	for (unsigned i = 0; i < XK_HIST_BUCKETS; i++) {
		double n = (double)xk_load_relaxed(&hist->bucket[i]);
		double middle = ((double)bucket_lowest(i) + (double)bucket_highest(i)) / 2;

		sum += n * (middle - mean) * (middle - mean);
		total += n;
	}
	return total > 0 ? square_root(sum / total) : 0;
}

/* The level of the line after this one: TICKS_PER_HALF steps to half of what is left. */
static double next_level(double level)
{
	double step = 100.0 / (2 * TICKS_PER_HALF);

	for (double left = 100 - level; left <= 50; left *= 2)
		step /= 2;
	return level + step;
}

static void write_bucket(struct distribution *d, const struct xk_hist *hist, unsigned index)
{
	double share;

	d->seen += xk_load_relaxed(&hist->bucket[index]);
	share = 100 * (double)d->seen / (double)d->total;
	/* at the last bucket one line is enough: that of 100 % follows */
	while (share >= d->level && d->level < 100) {
		fprintf(d->out, "%12.3f %2.12f %10" PRIu64 " %14.2f\n",
			(double)reported(hist, index) / d->scale, d->level / 100, d->seen,
			100 / (100 - d->level));
		d->level = next_level(d->level);
		if (d->seen >= d->total)
			break;
	}
}

static void write_foot(struct distribution *d, const struct xk_hist *hist)
{
	double max = (double)xk_load_relaxed(&hist->max) / d->scale;

	fprintf(d->out, "%12.3f %2.12f %10" PRIu64 "\n", max, 1.0, d->total);
	fprintf(d->out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
		xk_hist_mean(hist) / d->scale, deviation(hist) / d->scale);
	fprintf(d->out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n", max, d->total);
	fprintf(d->out, "#[Buckets = %12u, SubBuckets     = %12u]\n",
		XK_HIST_BUCKETS / XK_HIST_HALF - 1, 2 * XK_HIST_HALF);
}

int xk_hist_write_hgrm(const struct xk_hist *hist, FILE *out, double scale)
{
	struct distribution d = {.out = out, .scale = scale, .total = total_count(hist)};

	fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	for (unsigned i = 0; i < XK_HIST_BUCKETS && d.seen < d.total; i++) {
		if (xk_load_relaxed(&hist->bucket[i]))
			write_bucket(&d, hist, i);
	}
	write_foot(&d, hist);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
