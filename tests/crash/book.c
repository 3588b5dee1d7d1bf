// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include "crash.h"

static char first_complaint[400];

void complain(const char *format, ...)
{
	va_list args;

	if (first_complaint[0]) /* the first one is the cause */
		return;
	va_start(args, format);
	vsnprintf(first_complaint, sizeof(first_complaint), format, args);
	va_end(args);
}

const char *complaint(void)
{
	return first_complaint[0] ? first_complaint : NULL;
}

void forgive(void)
{
	first_complaint[0] = 0;
}

/* --- records --- */

static uint64_t mix(uint64_t who, uint64_t seq)
{
	uint64_t x = (who + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (seq + 1);

	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 32;
}

struct record record_make(uint64_t who, uint64_t seq)
{
	struct record record = {who, seq, {0}};

	for (unsigned i = 0; i < CRASH_CHECKS; i++)
		record.check[i] = mix(who, seq);
	return record;
}

bool record_whole(const struct record *record)
{
	uint64_t check = mix(record->who, record->seq);

	for (unsigned i = 0; i < CRASH_CHECKS; i++)
		if (record->check[i] != check)
			return false;
	return true;
}

/* --- the book --- */

unsigned book_push(struct book *book, struct party *u, unsigned who, unsigned n)
{
	struct record recs[BOOK_SEQ];

	for (unsigned i = 0; i < n; i++)
		recs[i] = record_make(who, book->pushed[who] + i);
	n = party_push(u, recs, n);
	book->pushed[who] += n;
	return n;
}

static void book_got(struct book *book, const struct record *record)
{
	if (!record_whole(record) || record->who >= BOOK_WHO || record->seq >= BOOK_SEQ) {
		complain("a torn record came: %#llx %#llx", (unsigned long long)record->who,
			 (unsigned long long)record->seq);
		return;
	}
	book->got[record->who][record->seq]++;
	if (record->seq < book->next[record->who])
		book->late++;
	else
		book->next[record->who] = record->seq + 1;
}

unsigned book_pop(struct book *book, struct party *u, unsigned n)
{
	struct record recs[BOOK_SEQ];

	n = party_pop(u, recs, n);
	for (unsigned i = 0; i < n; i++)
		book_got(book, &recs[i]);
	return n;
}
