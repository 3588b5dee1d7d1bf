// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "rings_lines.h"

struct rings_line_sender {
	uint32_t id;
	uint64_t next, missing;
};

static struct rings_line_sender *sender_of(struct rings_lines *lines, uint32_t id)
{
	struct rings_line_sender *grown;

	if (lines->last < lines->n_senders && lines->senders[lines->last].id == id)
		return &lines->senders[lines->last];
	for (lines->last = 0; lines->last < lines->n_senders; lines->last++)
		if (lines->senders[lines->last].id == id)
			return &lines->senders[lines->last];
	grown = reallocarray(lines->senders, lines->n_senders + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	lines->senders = grown;
	grown[lines->n_senders++] = (struct rings_line_sender){.id = id};
	return &grown[lines->last];
}

/* One that comes late was counted as missing before; what was not missing is there twice. */
static void count_late(struct rings_line_sender *sender, struct rings_flow_check *check)
{
	if (!sender->missing) {
		check->duplicated++;
		return;
	}
	check->reordered++;
	sender->missing--;
	check->lost--;
}

int rings_lines_check(struct rings_lines *lines, const struct rings_line *line,
		      struct rings_flow_check *check)
{
	struct rings_line_sender *sender = sender_of(lines, line->sender);

	if (!sender)
		return -ENOMEM;
	if (line->number < sender->next) {
		count_late(sender, check);
		return 0;
	}
	sender->missing += line->number - sender->next;
	check->lost += line->number - sender->next;
	sender->next = line->number + 1;
	return 0;
}

void rings_lines_free(struct rings_lines *lines)
{
	free(lines->senders);
}
