/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.h - a setting and what became of it, as text or as a line of JSON. */
#ifndef XSKIT_TUNE_LINES_H
#define XSKIT_TUNE_LINES_H

#include <jansson.h>
#include "tune/tune.h"

/* {"type":"setting",name,where,found,want,why,status} */
json_t *tune_line_json(const struct tune_line *line);

void tune_line_print(const struct tune_line *line); /* to stdout */

#endif
