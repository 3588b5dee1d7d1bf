// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "tune/lines.h"

#define VALUE_SHOWN 32 /* characters: an indirection table is longer */

json_t *tune_line_json(const struct tune_line *line)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "type", "setting", "name", line->name,
			 "where", line->where, "found", line->found, "want", line->want, "why",
			 line->why, "status", tune_status_name(line->status));
}

static const char *shorten(const char *value, char out[VALUE_SHOWN + 4])
{
	if (!*value)
		return "-";
	snprintf(out, VALUE_SHOWN + 4, strlen(value) > VALUE_SHOWN ? "%.*s..." : "%.*s",
		 VALUE_SHOWN, value);
	return out;
}

void tune_line_print(const struct tune_line *line)
{
	char name[64], found[VALUE_SHOWN + 4], want[VALUE_SHOWN + 4], values[2 * VALUE_SHOWN + 16];

	snprintf(name, sizeof(name), "%s%s%s", line->name, *line->where ? " " : "", line->where);
	shorten(line->found, found);
	if (!*line->want || !strcmp(line->found, line->want))
		snprintf(values, sizeof(values), "%s", shorten(line->found, found));
	else
		snprintf(values, sizeof(values), "%s -> %s", shorten(line->found, found),
			 shorten(line->want, want));
	printf("%-13s  %-28s  %-16s  %s\n", tune_status_name(line->status), name, values,
	       line->why);
}
