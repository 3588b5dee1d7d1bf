/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * result.h - what an experiment prints: a table for people, or JSON Lines, from the same rows.
 *
 * A row is a plain struct of the experiment's; its columns are data: where the value lies, what it
 * is called and how wide it is. A run is result_begin(), result_row() as often as there is a row,
 * result_line() for anything else worth a line, and result_end().
 */
#ifndef XSKIT_BENCH_RESULT_H
#define XSKIT_BENCH_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum result_kind {
	RESULT_TEXT,  /* const char *; NULL: absent */
	RESULT_COUNT, /* unsigned */
	RESULT_U64,   /* uint64_t */
	RESULT_INT,   /* int; INT_MIN: absent */
	RESULT_REAL,  /* double; not finite: absent */
	RESULT_FLAG,  /* bool: yes or no */
	RESULT_HIST,  /* const struct xk_hist *; NULL: absent. As text its percentile `percent` */
};

struct result_column {
	const char *key;     /* of the JSON field, its unit in it; NULL: text only */
	const char *heading; /* of the text column, its unit in it; NULL: JSON only */
	enum result_kind kind;
	size_t offset;  /* of the value in the row */
	int width;      /* of the text column, < 0: to the left */
	int precision;  /* RESULT_REAL: digits behind the point as text */
	double percent; /* RESULT_HIST */
};

/* A column that has the name of a member of its row. */
#define RESULT_COLUMN(row, key, heading, kind, width, precision)                                   \
	{                                                                                          \
#key, heading, kind, offsetof(row, key), width, precision, 0                       \
	}

struct result {
	const char *command;    /* "bench ring" */
	const char *experiment; /* "ring" */
	const struct result_column *columns;
	unsigned n_columns;
	bool json;
	/* the rest is result.c's own */
	unsigned rows;
	uint64_t started_ns;
	bool headed; /* the headings stand above the rows to come */
};

/* The start line; `more` (NULL: nothing) is added to it, and freed. */
void result_begin(struct result *result, int argc, char **argv, json_t *more);

void result_row(struct result *result, const void *row);

/*
 * A line that is no row: in JSON `line` with its "type" set, as text the rest. line is freed. Text
 * that ends no table row puts the headings above the next one again.
 */
void result_line(struct result *result, const char *type, json_t *line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The summary: command, duration_s, results, ended ("done", "signal"), and `more`, which is freed.
 */
void result_end(struct result *result, const char *ended, json_t *more);

#endif
