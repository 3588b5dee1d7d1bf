// SPDX-License-Identifier: BSD-2-Clause
/* What a datagram carries, and how its numbers run on. */
#include <stdio.h>
#include <string.h>
#include "bench/udp.h"

/* FNV-1a over the boot id: who has the same one has the same monotonic clock. */
uint64_t udp_stamp_host(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	char id[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f) {
		if (!fgets(id, sizeof(id), f))
			*id = '\0';
		fclose(f);
	}
	for (const char *c = id; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return hash;
}

bool udp_stamp_read(const struct udp_record *record, struct udp_stamp *stamp)
{
	if (record->len < sizeof(*stamp))
		return false;
	memcpy(stamp, record->payload, sizeof(*stamp));
	return true;
}

void udp_stamp_write(struct udp_record *record, const struct udp_stamp *stamp)
{
	size_t n = record->len < sizeof(*stamp) ? record->len : sizeof(*stamp);

	memcpy(record->payload, stamp, n);
}

/* The place of a run: its own, or a free one; -1: all are taken. */
static int place_of(struct udp_numbers *numbers, uint64_t run)
{
	for (unsigned i = 0; i < UDP_SOURCES; i++) {
		unsigned at = (unsigned)(run + i) % UDP_SOURCES;

		if (numbers->source[at].run == run || !numbers->source[at].next) {
			numbers->source[at].run = run;
			return (int)at;
		}
	}
	return -1;
}

void udp_numbers_note(struct udp_numbers *numbers, const struct udp_stamp *stamp)
{
	int at = place_of(numbers, stamp->run);
	uint64_t *next;

	if (at < 0) {
		xk_bump(&numbers->untracked, 1);
		return;
	}
	next = &numbers->source[at].next;
	if (stamp->seq < *next) {
		xk_bump(&numbers->reordered, 1);
		return;
	}
	xk_bump(&numbers->missing, stamp->seq - *next);
	*next = stamp->seq + 1;
}
