// SPDX-License-Identifier: BSD-2-Clause
/* One word of a command line to one value. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "opts.h"

int opt_bad(struct xk_err *err, const char *option, const char *word, const char *takes)
{
	char fix[sizeof(err->fix)];

	snprintf(fix, sizeof(fix), "it takes %s", takes);
	xk_err_fill(err, -EINVAL, option, fix, "'%s' is not valid", word);
	return CMD_USAGE;
}

int opt_clash(struct xk_err *err, const char *option, const char *fix, const char *format, ...)
{
	char why[sizeof(err->why)];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	xk_err_fill(err, -EINVAL, option, fix, "%s", why);
	return CMD_USAGE;
}

int opt_dir(const char *option, const char *word, const char **out, struct xk_err *err)
{
	*out = word;
	return *word == '/' ? 0 : opt_bad(err, option, word, "an absolute path");
}

/* A decimal number with an optional k, M or G (thousands), nothing else. */
static int parse_u64(const char *word, uint64_t *out)
{
	static const char suffixes[] = "kMG";
	uint64_t scale = 1;
	const char *suffix;
	char *end;

	if (*word < '0' || *word > '9')
		return -1;
	errno = 0;
	*out = strtoull(word, &end, 10);
	if (errno)
		return -1;
	if (*end && (suffix = strchr(suffixes, *end))) {
		for (long i = 0; i <= suffix - suffixes; i++)
			scale *= 1000;
		end++;
	}
	return *end || __builtin_mul_overflow(*out, scale, out) ? -1 : 0;
}

int opt_u64(const char *option, const char *word, uint64_t min, uint64_t max, uint64_t *out,
	    struct xk_err *err)
{
	char takes[96];

	if (parse_u64(word, out) == 0 && *out >= min && *out <= max)
		return 0;
	snprintf(takes, sizeof(takes), "a number from %llu to %llu", (unsigned long long)min,
		 (unsigned long long)max);
	return opt_bad(err, option, word, takes);
}

int opt_u32(const char *option, const char *word, uint32_t min, uint32_t max, uint32_t *out,
	    struct xk_err *err)
{
	uint64_t wide;
	int ret = opt_u64(option, word, min, max, &wide, err);

	if (ret == 0)
		*out = (uint32_t)wide;
	return ret;
}

int opt_seconds(const char *option, const char *word, double *out, struct xk_err *err)
{
	char *end;

	*out = strtod(word, &end);
	if (*word && !*end && isfinite(*out) && *out >= 0 && *out <= 1e9)
		return 0;
	return opt_bad(err, option, word, "seconds, as 5 or 0.5");
}

int opt_choice(const char *option, const char *word, const char *const *choices, int *out,
	       struct xk_err *err)
{
	char takes[sizeof(err->fix)] = "one of";

	for (int i = 0; choices[i]; i++) {
		if (!strcmp(word, choices[i])) {
			*out = i;
			return 0;
		}
		strncat(takes, " ", sizeof(takes) - strlen(takes) - 1);
		strncat(takes, choices[i], sizeof(takes) - strlen(takes) - 1);
	}
	return opt_bad(err, option, word, takes);
}
