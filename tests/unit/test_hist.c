// SPDX-License-Identifier: BSD-2-Clause
/* hist: against exact percentiles of sorted data, its edges, merging, and the .hgrm text. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xskit/hist.h>

#define N 200000

static struct xk_hist hist, other;
static uint64_t data[N];
static uint64_t state = 88172645463325252u;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Spread over many powers of two, as latencies are. */
static uint64_t random_value(void)
{
	return random64() >> (24 + random64() % 40);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void fill(struct xk_hist *into, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		xk_hist_record(into, data[i]);
}

static int setup(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < N; i++)
		data[i] = random_value();
	xk_hist_reset(&hist);
	xk_hist_reset(&other);
	return 0;
}

static void assert_near(uint64_t exact, uint64_t got)
{
	if (exact > XK_HIST_MAX)
		exact = XK_HIST_MAX;
	assert_true(got >= exact);
	assert_true(got - exact <= exact / 1000);
}

static void check_percentiles(const struct xk_hist *h)
{
	/* in thousandths of a percent, so that the exact rank is computed with integers */
	static const uint64_t milli[] = {1,     10,    1000,  10000, 25000,  50000,
					 75000, 90000, 99000, 99900, 99990,  99999,
					 33333, 66667, 12345, 54321, 100000, 500};

	qsort(data, N, sizeof(data[0]), compare);
	for (unsigned i = 0; i < sizeof(milli) / sizeof(milli[0]); i++) {
		uint64_t rank = (milli[i] * N + 99999) / 100000;

		assert_near(data[rank - 1], xk_hist_percentile(h, (double)milli[i] / 1000));
	}
}

static void random_data(void **unused)
{
	double sum = 0;

	(void)unused;
	fill(&hist, 0, N);
	check_percentiles(&hist);
	for (unsigned i = 0; i < N; i++)
		sum += (double)data[i];
	assert_int_equal(hist.count, N);
	assert_int_equal(hist.min, data[0]);
	assert_int_equal(hist.max, data[N - 1]);
	assert_true(xk_hist_mean(&hist) > sum / N * 0.999999);
	assert_true(xk_hist_mean(&hist) < sum / N * 1.000001);
}

/* 99.9 % of 1,000 values is the 999th, whatever 99.9 is in binary. */
static void exact_ranks(void **unused)
{
	(void)unused;
	for (uint64_t v = 1; v <= 1000; v++)
		xk_hist_record(&hist, v);
	for (unsigned tenth = 1; tenth <= 1000; tenth++)
		assert_int_equal(xk_hist_percentile(&hist, tenth / 10.0), tenth);
	assert_int_equal(xk_hist_percentile(&hist, 0.0001), 1);
}

static void layout(void **unused)
{
	unsigned last = 0;

	(void)unused;
	assert_int_equal(xk_hist_bucket(0), 0);
	assert_int_equal(xk_hist_bucket(2047), 2047);
	assert_int_equal(xk_hist_bucket(2048), 2048);
	assert_int_equal(xk_hist_bucket(2049), 2048);
	assert_int_equal(xk_hist_bucket(2050), 2049);
	assert_int_equal(xk_hist_bucket(XK_HIST_MAX), XK_HIST_BUCKETS - 1);
	assert_int_equal(xk_hist_bucket(XK_HIST_MAX + 1), XK_HIST_BUCKETS - 1);
	assert_int_equal(xk_hist_bucket(UINT64_MAX), XK_HIST_BUCKETS - 1);
	for (unsigned bit = 0; bit < 42; bit++) { /* never falls, never skips where it is dense */
		unsigned now = xk_hist_bucket(UINT64_C(1) << bit);

		assert_true(now >= last);
		last = now;
		if (bit)
			assert_true(xk_hist_bucket((UINT64_C(1) << bit) - 1) == now - 1);
	}
}

static void edges(void **unused)
{
	static const uint64_t edge[] = {0, 1, 2047, 2048, 4095, 4096, XK_HIST_MAX};

	(void)unused;
	assert_int_equal(xk_hist_percentile(&hist, 50), 0);
	assert_true(xk_hist_mean(&hist) == 0);
	assert_true(hist.min == UINT64_MAX);
	for (unsigned i = 0; i < sizeof(edge) / sizeof(edge[0]); i++) {
		xk_hist_reset(&hist);
		xk_hist_record(&hist, edge[i]);
		assert_int_equal(xk_hist_percentile(&hist, 50), edge[i]);
		assert_int_equal(xk_hist_percentile(&hist, 100), edge[i]);
		assert_int_equal(hist.min, edge[i]);
		assert_int_equal(hist.max, edge[i]);
	}
}

static void clamp(void **unused)
{
	(void)unused;
	xk_hist_record(&hist, UINT64_MAX / 2);
	xk_hist_record(&hist, 5);
	assert_int_equal(xk_hist_percentile(&hist, 50), 5);
	assert_int_equal(xk_hist_percentile(&hist, 100), XK_HIST_MAX);
	assert_int_equal(hist.max, UINT64_MAX / 2);
}

static void merge(void **unused)
{
	(void)unused;
	fill(&hist, 0, N / 3);
	fill(&other, N / 3, N);
	xk_hist_merge(&hist, &other);
	assert_int_equal(hist.count, N);
	check_percentiles(&hist);
	assert_int_equal(hist.min, data[0]);
	assert_int_equal(hist.max, data[N - 1]);
	xk_hist_reset(&other);
	xk_hist_merge(&hist, &other); /* of an empty one: nothing changes */
	assert_int_equal(hist.count, N);
	assert_int_equal(hist.min, data[0]);
}

static void record_n(void **unused)
{
	(void)unused;
	xk_hist_record_n(&hist, 7, 0); /* no times: not even the extremes change */
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t value = 9 + random_value() / 2, n = random64() % 5;

		xk_hist_record_n(&hist, value, n);
		while (n--)
			xk_hist_record(&other, value);
	}
	assert_memory_equal(&hist, &other, sizeof(hist));
}

/* Read the text back: what the lines say must agree with the histogram. */
static void parse_hgrm(char *text, double scale)
{
	char *line, *rest;
	double value, level, inverse, last_value = -1, last_level = -1;
	uint64_t seen = 0, last_seen = 0;
	unsigned lines = 0;

	assert_non_null(strstr(text, "Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
	rest = strchr(text, '\n') + 2;
	for (line = strtok_r(rest, "\n", &rest); line && *line != '#'; lines++) {
		int fields =
			sscanf(line, "%lf %lf %" SCNu64 " %lf", &value, &level, &seen, &inverse);

		assert_true(level < 1 ? fields == 4 : fields == 3);
		/* five steps to each half of what is left: 0, 0.1 ... 0.5, 0.55 ... 0.75, 0.775 */
		if (lines <= 10)
			assert_true(level == (double)(lines <= 5 ? 2 * lines : lines + 5) / 20);
		assert_true(value >= last_value && level > last_level && seen >= last_seen);
		assert_true((double)seen >= level * (double)hist.count * (1 - 1e-9));
		if (level > 0 && level < 1) {
			double want = (double)xk_hist_percentile(&hist, level * 100) / scale;

			assert_true(value > want - 0.001 && value < want + 0.001);
		}
		last_value = value;
		last_level = level;
		last_seen = seen;
		line = strtok_r(NULL, "\n", &rest);
	}
	assert_true(last_level == 1);
	assert_int_equal(last_seen, hist.count);
	assert_true(lines > 40 && lines < 200);
	assert_non_null(line);
	assert_non_null(strstr(rest, "Total count    =       200000]"));
}

static void hgrm(void **unused)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	(void)unused;
	fill(&hist, 0, N);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_int_equal(xk_hist_write_hgrm(&hist, out, 1000.0), 0);
	fclose(out);
	parse_hgrm(text, 1000.0);
	free(text);
}

static void hgrm_foot(void **unused)
{
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)unused;
	/* mean 4, deviation sqrt((9 + 1 + 1 + 9) / 4) = 2.236 */
	xk_hist_record(&hist, 1);
	xk_hist_record(&hist, 3);
	xk_hist_record(&hist, 5);
	xk_hist_record(&hist, 7);
	assert_int_equal(xk_hist_write_hgrm(&hist, out, 1.0), 0);
	fclose(out);
	assert_non_null(strstr(text, "#[Mean    =        4.000, StdDeviation   =        2.236]\n"));
	assert_non_null(strstr(text, "#[Max     =        7.000, Total count    =            4]\n"));
	assert_non_null(strstr(text, "       7.000 1.000000000000          4\n"));
}

static void hgrm_empty_and_full(void **unused)
{
	char text[1024] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)unused;
	assert_int_equal(xk_hist_write_hgrm(&hist, out, 1.0), 0);
	fclose(out);
	assert_non_null(strstr(text, "Total count    =            0]"));
	assert_null(strstr(text, "nan"));
	out = fopen("/dev/full", "w");
	assert_non_null(out);
	assert_int_equal(xk_hist_write_hgrm(&hist, out, 1.0), -EIO);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_data, setup),
		cmocka_unit_test_setup(exact_ranks, setup),
		cmocka_unit_test_setup(layout, setup),
		cmocka_unit_test_setup(edges, setup),
		cmocka_unit_test_setup(clamp, setup),
		cmocka_unit_test_setup(merge, setup),
		cmocka_unit_test_setup(record_n, setup),
		cmocka_unit_test_setup(hgrm, setup),
		cmocka_unit_test_setup(hgrm_foot, setup),
		cmocka_unit_test_setup(hgrm_empty_and_full, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
