// SPDX-License-Identifier: BSD-2-Clause
/* One word of a command line to several values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "opts.h"

#define MOST 65536u /* numbers in a list: a range must not fill the memory */

static bool list_has(const struct number_list *list, unsigned number)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->number[i] == number)
			return true;
	return false;
}

/* Room for `more` numbers behind those there are. */
static int list_grow(struct number_list *list, unsigned more)
{
	unsigned *grown;

	if (more > MOST - list->count)
		return -EINVAL;
	grown = realloc(list->number, (list->count + more) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->number = grown;
	return 0;
}

static int list_add(struct number_list *list, unsigned from, unsigned to)
{
	int ret = to - from >= MOST ? -EINVAL : list_grow(list, to - from + 1);

	for (unsigned n = from; !ret; n++) {
		if (list_has(list, n))
			return -EINVAL;
		list->number[list->count++] = n;
		if (n == to)
			break;
	}
	return ret;
}

static void list_clear(struct number_list *list)
{
	free(list->number);
	*list = (struct number_list){0};
}

/* --- numbers --- */

/* One number, or a range; *word moves behind it. */
static int parse_range(const char **word, unsigned long *from, unsigned long *to)
{
	char *end;

	if (**word < '0' || **word > '9')
		return -EINVAL;
	*from = *to = strtoul(*word, &end, 10);
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return -EINVAL;
		*to = strtoul(end + 1, &end, 10);
	}
	*word = end;
	return *from > *to ? -EINVAL : 0;
}

static int parse_numbers(const char *word, unsigned min, unsigned max, struct number_list *list)
{
	unsigned long from, to;

	for (;; word++) {
		if (parse_range(&word, &from, &to) || from < min || to > max)
			return -EINVAL;
		if (list_add(list, (unsigned)from, (unsigned)to))
			return -EINVAL;
		if (!*word)
			return 0;
		if (*word != ',')
			return -EINVAL;
	}
}

int opt_numbers(const char *option, const char *word, unsigned min, unsigned max,
		struct number_list *list, struct xk_err *err)
{
	char takes[128];

	list_clear(list);
	if (parse_numbers(word, min, max, list) == 0)
		return 0;
	snprintf(takes, sizeof(takes),
		 "a list such as 8,64 or 1-4 of numbers from %u to %u, each once", min, max);
	return opt_bad(err, option, word, takes);
}

int opt_list(const char *option, const char *word, const char *everything, unsigned max,
	     struct number_list *list, struct xk_err *err)
{
	char takes[64];

	list_clear(list);
	if (!strcmp(word, everything) || parse_numbers(word, 0, max, list) == 0)
		return 0;
	snprintf(takes, sizeof(takes), "%s, or a list such as 0,2-3, each number once", everything);
	return opt_bad(err, option, word, takes);
}

/* --- words --- */

static int add_word(const char *option, const char *word, const char *const *choices,
		    struct number_list *list, struct xk_err *err)
{
	int which, ret = opt_choice(option, word, choices, &which, err);

	if (ret || list_has(list, (unsigned)which))
		return ret;
	ret = list_add(list, (unsigned)which, (unsigned)which);
	return ret ? xk_err_fill(err, ret, option, NULL, "no memory") : 0;
}

int opt_choices(const char *option, const char *word, const char *const *choices,
		struct number_list *list, struct xk_err *err)
{
	char *copy = strdup(word), *save = NULL;
	int ret = copy ? 0 : xk_err_fill(err, -ENOMEM, option, NULL, "no memory");

	list_clear(list);
	for (char *name = ret ? NULL : strtok_r(copy, ",", &save); name && !ret;
	     name = strtok_r(NULL, ",", &save))
		ret = add_word(option, name, choices, list, err);
	free(copy);
	if (!ret && !list->count)
		return add_word(option, word, choices, list, err); /* which says what there is */
	return ret;
}
