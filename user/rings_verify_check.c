// SPDX-License-Identifier: BSD-2-Clause
/* The first word of a record tells its producer and its number; every other word follows from it
 * and from its place. */
#include <string.h>
#include "rings_verify.h"

#define NUMBER_BITS 48

static uint64_t word_at(uint64_t first, uint32_t at)
{
	uint64_t word = (first + at) * UINT64_C(0xff51afd7ed558ccd);

	return word ^ word >> 32;
}

void verify_fill(void *record, uint32_t bytes, unsigned producer, uint64_t number)
{
	uint64_t first = (uint64_t)(producer + 1) << NUMBER_BITS | number, word = first;

	for (uint32_t at = 0; at < bytes; at += 8, word = word_at(first, at))
		memcpy((char *)record + at, &word, sizeof(word));
}

size_t verify_bits(unsigned producers, uint64_t count)
{
	return (size_t)((producers * count + 63) / 64);
}

static bool is_whole(const char *record, uint32_t bytes, uint64_t first)
{
	uint64_t word;

	for (uint32_t at = 8; at < bytes; at += 8) {
		memcpy(&word, record + at, sizeof(word));
		if (word != word_at(first, at))
			return false;
	}
	return true;
}

/* Note that it came; false: it did before. */
static bool note(const struct verify_round *round, uint64_t bit)
{
	uint64_t *word = &round->came[bit / 64], mask = UINT64_C(1) << bit % 64, was = *word;

	if (round->alone)
		*word |= mask;
	else
		was = __atomic_fetch_or(word, mask, __ATOMIC_RELAXED); /* read when all ended */
	return !(was & mask);
}

void verify_record(const struct verify_round *round, const void *record, uint32_t bytes,
		   uint64_t *next, struct verify_found *found)
{
	uint64_t first, number, producer;

	memcpy(&first, record, sizeof(first));
	number = first & ((UINT64_C(1) << NUMBER_BITS) - 1);
	producer = (first >> NUMBER_BITS) - 1;
	if (producer >= round->producers || number >= round->base + round->count ||
	    !is_whole(record, bytes, first)) {
		found->torn++;
		return;
	}
	if (number < round->base || /* of a round before */
	    !note(round, producer * round->count + number - round->base)) {
		found->duplicated++;
		return;
	}
	found->unique++;
	if (number < next[producer])
		found->reordered++;
	else
		next[producer] = number + 1;
}
