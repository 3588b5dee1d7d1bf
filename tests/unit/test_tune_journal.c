// SPDX-License-Identifier: BSD-2-Clause
/* tune's journal as text: what is written is read back, and nothing else is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tune/journal.h"
#include "tune/settings.h"

static const struct journal_entry samples[] = {
	{.session = 1,
	 .netns = 4026531840u,
	 .ifindex = 2,
	 .ifname = "va",
	 .setting = 4,
	 .number = 1,
	 .settled = true,
	 .old = "0",
	 .now = "2"},
	{.session = 1,
	 .netns = 4026531840u,
	 .ifindex = 2,
	 .ifname = "va",
	 .setting = 1,
	 .old = "rx 4 tx 4 combined 0",
	 .now = "rx 1 tx 4 combined 0"},
	{.session = 2,
	 .run = true,
	 .netns = UINT64_MAX,
	 .ifindex = 2147483647,
	 .ifname = "a-long-one-15ch",
	 .setting = 12,
	 .number = UINT32_MAX,
	 .settled = true,
	 .old = "",
	 .now = "10000"},
};
#define SAMPLES (sizeof(samples) / sizeof(*samples))

static void fill(struct journal *journal)
{
	*journal = (struct journal){.dir = -1, .lock = -1};
	for (unsigned i = 0; i < SAMPLES; i++)
		assert_int_equal(journal_add(journal, &samples[i]), 0);
}

static void assert_same(const struct journal_entry *a, const struct journal_entry *b)
{
	assert_int_equal(a->session, b->session);
	assert_int_equal(a->run, b->run);
	assert_true(a->netns == b->netns);
	assert_int_equal(a->ifindex, b->ifindex);
	assert_string_equal(a->ifname, b->ifname);
	assert_int_equal(a->setting, b->setting);
	assert_true(a->number == b->number);
	assert_int_equal(a->settled, b->settled);
	assert_string_equal(a->old, b->old);
	assert_string_equal(a->now, b->now);
}

/* Parse a copy of exactly that many bytes, so that a sanitizer sees one too many. */
static void parse(struct journal *journal, const char *text, unsigned len)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	*journal = (struct journal){.dir = -1, .lock = -1};
	assert_int_equal(journal_parse(journal, copy, len), 0);
	free(copy);
}

static char *sample_text(unsigned *len)
{
	struct journal journal;
	char *text;

	fill(&journal);
	text = journal_print(&journal, len);
	assert_non_null(text);
	journal_close(&journal);
	return text;
}

static void there_and_back(void **unused)
{
	struct journal journal;
	unsigned len;
	char *text = sample_text(&len);

	(void)unused;
	parse(&journal, text, len);
	assert_false(journal.damaged);
	assert_int_equal(journal.count, SAMPLES);
	for (unsigned i = 0; i < SAMPLES; i++)
		assert_same(&journal.entries[i], &samples[i]);
	journal_close(&journal);
	free(text);
}

static void the_longest_value(void **unused)
{
	char *value = malloc(TUNE_VALUE), *text;
	struct journal_entry e = samples[0];
	struct journal journal = {.dir = -1, .lock = -1};
	unsigned len;

	(void)unused;
	memset(value, '7', TUNE_VALUE - 1);
	value[TUNE_VALUE - 1] = '\0';
	e.old = e.now = value;
	assert_int_equal(journal_add(&journal, &e), 0);
	text = journal_print(&journal, &len);
	journal_close(&journal);
	parse(&journal, text, len);
	assert_false(journal.damaged);
	assert_string_equal(journal.entries[0].old, value);
	journal_close(&journal);
	free(text);
	free(value);
}

/* What is still known of a damaged one must be what was written, and is never all of it undamaged.
 */
static void assert_damaged(const char *text, unsigned len)
{
	struct journal journal;

	parse(&journal, text, len);
	assert_true(journal.damaged);
	assert_true(journal.count <= SAMPLES);
	for (unsigned i = 0; i < journal.count; i++) {
		unsigned which = 0;

		while (which < SAMPLES && (journal.entries[i].setting != samples[which].setting))
			which++;
		assert_true(which < SAMPLES);
		assert_same(&journal.entries[i], &samples[which]);
	}
	journal_close(&journal);
}

static void every_byte_wrong(void **unused)
{
	unsigned len;
	char *text = sample_text(&len);

	(void)unused;
	for (unsigned at = 0; at < len; at++) {
		char was = text[at];

		for (int c = 0; c < 256; c++) {
			text[at] = (char)c;
			if (text[at] != was)
				assert_damaged(text, len);
		}
		text[at] = was;
	}
	free(text);
}

static void every_length(void **unused)
{
	unsigned len;
	char *text = sample_text(&len), *longer;

	(void)unused;
	for (unsigned cut = 0; cut < len; cut++)
		assert_damaged(text, cut);
	longer = malloc(len + 8);
	memcpy(longer, text, len);
	for (unsigned more = 1; more <= 8; more++) {
		longer[len + more - 1] = "\n0 \nabcd"[more - 1];
		assert_damaged(longer, len + more);
	}
	free(longer);
	free(text);
}

static void parse_twice(const char *text, unsigned len)
{
	struct journal journal;

	parse(&journal, text, len);
	assert_true(journal.damaged);
	journal_close(&journal);
}

/* A line that is gone, or stands there twice. */
static void every_line(void **unused)
{
	unsigned len;
	char *text = sample_text(&len), *moved = malloc(2 * len), *line = text, *next;

	(void)unused;
	for (; line < text + len; line = next) {
		size_t before, size;

		next = (char *)memchr(line, '\n', (size_t)(text + len - line)) + 1;
		before = (size_t)(line - text);
		size = (size_t)(next - line);
		memcpy(moved, text, before);
		memcpy(moved + before, next, len - before - size);
		assert_damaged(moved, (unsigned)(len - size));
		memcpy(moved, text, len);
		memcpy(moved + len, line, size);
		parse_twice(moved, (unsigned)(len + size));
	}
	free(moved);
	free(text);
}

/* One that is well formed, but of a setting that is not in the table, or with unprintable text. */
static void only_the_table(void **unused)
{
	struct journal_entry e = samples[0];
	struct journal journal = {.dir = -1, .lock = -1};
	unsigned len;
	char *text;

	(void)unused;
	e.setting = 999;
	assert_int_equal(journal_add(&journal, &e), 0);
	e.setting = samples[0].setting;
	e.old = "1\n2";
	assert_int_equal(journal_add(&journal, &e), 0);
	assert_int_equal(journal_add(&journal, &samples[0]), 0);
	text = journal_print(&journal, &len);
	journal_close(&journal);
	parse(&journal, text, len);
	assert_true(journal.damaged);
	assert_int_equal(journal.count, 1);
	assert_same(&journal.entries[0], &samples[0]);
	journal_close(&journal);
	free(text);
}

static void dropped(void **unused)
{
	struct journal journal;

	(void)unused;
	fill(&journal);
	journal_drop(&journal, 1);
	assert_int_equal(journal.count, SAMPLES - 1);
	assert_same(&journal.entries[0], &samples[0]);
	assert_same(&journal.entries[1], &samples[2]);
	assert_int_equal(journal_set_old(&journal.entries[1], "7"), 0);
	assert_int_equal(journal_set_now(&journal.entries[1], "8"), 0);
	assert_string_equal(journal.entries[1].old, "7");
	assert_string_equal(journal.entries[1].now, "8");
	journal_close(&journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),   cmocka_unit_test(the_longest_value),
		cmocka_unit_test(every_byte_wrong), cmocka_unit_test(every_length),
		cmocka_unit_test(every_line),       cmocka_unit_test(only_the_table),
		cmocka_unit_test(dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
