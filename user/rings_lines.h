/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings_lines.h - lines in records. A record begins with this, the line follows without its
 * newline, and what is left of the record is of no meaning. Lines of one sender are numbered, so
 * that a receiver sees what is missing, there twice or out of order.
 */
#ifndef XSKIT_RINGS_LINES_H
#define XSKIT_RINGS_LINES_H

#include <stdint.h>
#include "rings_flow.h"

#define LINE_BYTES 0x7fffffffu
#define LINE_OPEN  0x80000000u /* the last line of a file that does not end in a newline */

struct rings_line {
	uint32_t bytes;  /* of the line, and LINE_OPEN */
	uint32_t sender; /* random */
	uint64_t number; /* from 0, of its sender */
};

/* What the receiver knows of each sender. */
struct rings_lines {
	unsigned n_senders, last;
	struct rings_line_sender *senders;
};

/* Count what is wrong with this line into *check; -ENOMEM. */
int rings_lines_check(struct rings_lines *lines, const struct rings_line *line,
		      struct rings_flow_check *check);
void rings_lines_free(struct rings_lines *lines);

#endif
