// SPDX-License-Identifier: BSD-2-Clause
/* The words of a finding. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"

#define SAY(f, new_status)                                                                         \
	do {                                                                                       \
		va_list args;                                                                      \
		(f)->status = new_status;                                                          \
		va_start(args, format);                                                            \
		vsnprintf((f)->found, sizeof((f)->found), format, args);                           \
		va_end(args);                                                                      \
	} while (0)

void say_ok(struct finding *f, const char *format, ...)
{
	SAY(f, FINDING_OK);
}

void say_warn(struct finding *f, const char *format, ...)
{
	SAY(f, FINDING_WARN);
}

void say_fail(struct finding *f, const char *format, ...)
{
	SAY(f, FINDING_FAIL);
}

void say_skip(struct finding *f, const char *format, ...)
{
	SAY(f, FINDING_SKIP);
}

void say_fix(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->fix, sizeof(f->fix), format, args);
	va_end(args);
}

static bool plain_char(char c)
{
	return isascii((unsigned char)c) && (isalnum((unsigned char)c) || strchr("-_.:@", c));
}

void make_plain(char *name)
{
	for (; *name; name++)
		if (!plain_char(*name))
			*name = '_';
}

bool is_plain(const char *name)
{
	while (*name && plain_char(*name))
		name++;
	return !*name;
}

void list_add(char *list, unsigned long size, const char *format, ...)
{
	size_t at = strlen(list);
	va_list args;

	if (at && at + 2 < size) {
		strcpy(list + at, ", ");
		at += 2;
	}
	va_start(args, format);
	vsnprintf(list + at, size - at, format, args);
	va_end(args);
}
