// SPDX-License-Identifier: BSD-2-Clause
/* The journal as text. Whatever is not exactly what would be written is damaged. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tune/journal.h"
#include "tune/settings.h"

#define HEADER       "xskit-tune 1 %08x %08x\n"
#define HEADER_BYTES 31
#define LINE_BYTES   (4 * TUNE_VALUE + 256)

/* CRC-32 (IEEE 802.3): no two texts that differ in one place have the same. */
static uint32_t checksum(const char *text, size_t len)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* --- values: hexadecimal, "-" if empty --- */

static int print_value(char *out, const char *value)
{
	int at = 0;

	for (; *value; value++)
		at += sprintf(out + at, "%02x", (uint8_t)*value);
	return at ? at : sprintf(out, "-");
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Printable characters only; NULL: no value. */
static char *parse_value(const char *hex)
{
	size_t len = strcmp(hex, "-") ? strlen(hex) : 0;
	char *value = calloc(1, len / 2 + 1);

	for (size_t i = 0; value && i < len; i += 2) {
		int c = hex[i + 1] ? digit(hex[i]) * 16 + digit(hex[i + 1]) : -1;

		if (digit(hex[i]) < 0 || c < ' ' || c > '~') {
			free(value);
			return NULL;
		}
		value[i / 2] = (char)c;
	}
	return value;
}

/* --- entries --- */

static int print_entry(char *out, const struct journal_entry *e)
{
	int at = sprintf(out + 9, "%u %d %" PRIu64 " %d %s %u %u %d ", e->session, e->run, e->netns,
			 e->ifindex, e->ifname, e->setting, e->number, e->settled);
	char sum[16];

	at += print_value(out + 9 + at, e->old);
	at += sprintf(out + 9 + at, " ");
	at += print_value(out + 9 + at, e->now);
	snprintf(sum, sizeof(sum), "%08x ", checksum(out + 9, (size_t)at));
	memcpy(out, sum, 9);
	return at + 9 + sprintf(out + 9 + at, "\n");
}

static bool is_known(const struct journal_entry *e)
{
	return e->old && e->now && e->session && tune_setting_find(e->setting);
}

/* One line without its newline; the entry is as good as the line that it would be printed as. */
static bool parse_entry(const char *line, size_t len, struct journal_entry *e)
{
	char *copy = malloc(LINE_BYTES), *old = malloc(LINE_BYTES), *now = malloc(LINE_BYTES);
	int run, settled;
	bool ok = false;

	*e = (struct journal_entry){0};
	if (copy && old && now && len < LINE_BYTES - 1 && !memchr(line, '\0', len)) {
		memcpy(copy, line, len);
		copy[len] = '\0';
		*old = *now = '\0';
		if (sscanf(copy, "%*8x %u %d %" SCNu64 " %d %15s %u %u %d %s %s", &e->session, &run,
			   &e->netns, &e->ifindex, e->ifname, &e->setting, &e->number, &settled,
			   old, now) == 10) {
			e->run = run;
			e->settled = settled;
			e->old = parse_value(old);
			e->now = parse_value(now);
		}
		ok = is_known(e) && strlen(e->old) < TUNE_VALUE && strlen(e->now) < TUNE_VALUE &&
		     (size_t)print_entry(copy, e) == len + 1 && !memcmp(copy, line, len);
	}
	free(copy);
	free(old);
	free(now);
	return ok;
}

/* --- all of it --- */

char *journal_print(const struct journal *journal, unsigned *len)
{
	char *text = malloc(HEADER_BYTES + 1 + (size_t)journal->count * LINE_BYTES);
	char header[HEADER_BYTES + 1];
	size_t at = HEADER_BYTES;

	if (!text)
		return NULL;
	for (unsigned i = 0; i < journal->count; i++)
		at += (size_t)print_entry(text + at, &journal->entries[i]);
	snprintf(header, sizeof(header), HEADER, (unsigned)(at - HEADER_BYTES),
		 checksum(text + HEADER_BYTES, at - HEADER_BYTES));
	memcpy(text, header, HEADER_BYTES);
	*len = (unsigned)at;
	return text;
}

static bool check_header(const char *text, unsigned len)
{
	char header[HEADER_BYTES + 1];

	if (len < HEADER_BYTES)
		return false;
	snprintf(header, sizeof(header), HEADER, len - HEADER_BYTES,
		 checksum(text + HEADER_BYTES, len - HEADER_BYTES));
	return !memcmp(header, text, HEADER_BYTES);
}

int journal_parse(struct journal *journal, const char *text, unsigned len)
{
	const char *at = memchr(text, '\n', len), *end = text + len, *newline;
	struct journal_entry e;
	int ret = 0;

	journal->damaged = !check_header(text, len);
	at = at ? at + 1 : end;
	for (; !ret && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
		if (parse_entry(at, (size_t)(newline - at), &e))
			ret = journal_add(journal, &e);
		else
			journal->damaged = true;
		free(e.old);
		free(e.now);
	}
	journal->damaged |= at != end;
	return ret;
}
