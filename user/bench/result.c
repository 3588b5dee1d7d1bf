// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xskit/hist.h>
#include "bench/process.h"
#include "bench/result.h"
#include "jsonl.h"
#include "report.h"

/* --- one value, as JSON and as text --- */

/* NULL: absent. */
static json_t *value_json(const struct result_column *column, const void *value)
{
	switch (column->kind) {
	case RESULT_TEXT:
		return json_string(*(const char *const *)value); /* NULL gives NULL */
	case RESULT_COUNT:
		return json_integer(*(const unsigned *)value);
	case RESULT_U64:
		return json_integer((json_int_t) * (const uint64_t *)value);
	case RESULT_INT:
		return *(const int *)value == INT_MIN ? NULL : json_integer(*(const int *)value);
	case RESULT_REAL:
		return json_real(*(const double *)value); /* NULL if it is not finite */
	case RESULT_FLAG:
		return json_boolean(*(const bool *)value);
	case RESULT_HIST:
		break;
	}
	return *(const struct xk_hist *const *)value ? report_hist(*(struct xk_hist *const *)value)
						     : NULL;
}

static void real_text(const struct result_column *column, double value, char *out, size_t len)
{
	if (isfinite(value))
		snprintf(out, len, "%.*f", column->precision, value);
	else
		snprintf(out, len, "-");
}

static void hist_text(const struct result_column *column, const struct xk_hist *hist, char *out,
		      size_t len)
{
	if (hist)
		snprintf(out, len, "%" PRIu64, xk_hist_percentile(hist, column->percent));
	else
		snprintf(out, len, "-");
}

static void value_text(const struct result_column *column, const void *value, char *out, size_t len)
{
	const char *text;

	switch (column->kind) {
	case RESULT_TEXT:
		text = *(const char *const *)value;
		snprintf(out, len, "%s", text ? text : "-");
		return;
	case RESULT_COUNT:
		snprintf(out, len, "%u", *(const unsigned *)value);
		return;
	case RESULT_U64:
		snprintf(out, len, "%" PRIu64, *(const uint64_t *)value);
		return;
	case RESULT_INT:
		if (*(const int *)value == INT_MIN)
			snprintf(out, len, "-");
		else
			snprintf(out, len, "%d", *(const int *)value);
		return;
	case RESULT_REAL:
		real_text(column, *(const double *)value, out, len);
		return;
	case RESULT_FLAG:
		snprintf(out, len, "%s", *(const bool *)value ? "yes" : "no");
		return;
	case RESULT_HIST:
		hist_text(column, *(struct xk_hist *const *)value, out, len);
		return;
	}
}

/* --- lines --- */

static void print_cell(unsigned *printed, const struct result_column *column, const char *text)
{
	printf("%s%*s", (*printed)++ ? "  " : "", column->width, text);
}

static void print_headings(struct result *result)
{
	unsigned printed = 0;

	for (unsigned i = 0; i < result->n_columns; i++)
		if (result->columns[i].heading)
			print_cell(&printed, &result->columns[i], result->columns[i].heading);
	putchar('\n');
	result->headed = true;
}

static void row_text(struct result *result, const void *row)
{
	unsigned printed = 0;
	char text[256];

	if (!result->headed)
		print_headings(result);
	for (unsigned i = 0; i < result->n_columns; i++) {
		const struct result_column *column = &result->columns[i];

		if (!column->heading)
			continue;
		value_text(column, (const char *)row + column->offset, text, sizeof(text));
		print_cell(&printed, column, text);
	}
	putchar('\n');
	fflush(stdout);
}

static void row_json(const struct result *result, const void *row)
{
	json_t *line = json_pack("{s:s,s:s}", "type", "result", "experiment", result->experiment);

	for (unsigned i = 0; i < result->n_columns; i++) {
		const struct result_column *column = &result->columns[i];
		json_t *value = NULL;

		if (column->key)
			value = value_json(column, (const char *)row + column->offset);
		if (value)
			json_object_set_new(line, column->key, value);
	}
	jsonl_print(line);
}

/* Add what is in `more`, and free it. */
static void merge(json_t *line, json_t *more)
{
	if (more)
		json_object_update(line, more);
	json_decref(more);
}

void result_begin(struct result *result, int argc, char **argv, json_t *more)
{
	json_t *line;

	result->started_ns = process_now_ns();
	if (!result->json) {
		printf("%s: %s, Linux %s\n", result->command, jsonl_cpu_model(), jsonl_kernel());
		fflush(stdout); /* before what may fail */
		json_decref(more);
		return;
	}
	line = jsonl_start(result->command, argc, argv);
	json_object_set_new(line, "experiment", json_string(result->experiment));
	merge(line, more);
	jsonl_print(line);
}

void result_row(struct result *result, const void *row)
{
	result->rows++;
	if (result->json)
		row_json(result, row);
	else
		row_text(result, row);
}

void result_line(struct result *result, const char *type, json_t *line, const char *format, ...)
{
	json_t *typed;
	va_list args;

	if (result->json) {
		typed = json_pack("{s:s}", "type", type);
		merge(typed, line);
		jsonl_print(typed);
		return;
	}
	json_decref(line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	result->headed = false;
}

void result_end(struct result *result, const char *ended, json_t *more)
{
	double s = (double)(process_now_ns() - result->started_ns) / 1e9;
	json_t *line;

	if (!result->json) {
		printf("%s: %u results in %.1f s (ended by %s)\n", result->command, result->rows, s,
		       ended);
		json_decref(more);
		return;
	}
	line = json_pack("{s:s,s:s,s:f,s:i,s:s}", "type", "summary", "command", result->command,
			 "duration_s", s, "results", (int)result->rows, "ended", ended);
	merge(line, more);
	jsonl_print(line);
}
