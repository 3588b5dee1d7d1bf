// SPDX-License-Identifier: BSD-2-Clause
/* ring: a table of what can be done with a ring that also prints its usage. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cmd.h"
#include "rings.h"

static const struct {
	const char *name, *args, *does;
	cmd_fn run;
} actions[] = {
	{"verify", "[NAME]", "order, loss, duplicates and torn records, on this machine",
	 rings_verify},
	{"send", "NAME", "lines or records from stdin into a ring", rings_send},
	{"recv", "NAME", "what arrives in a ring to stdout", rings_recv},
	{"info", "NAME", "what a ring is, how full, and who uses it", rings_info},
	{"repair", "NAME", "finish what dead users left undone", rings_repair},
	{"unlink", "NAME", "take a ring's name away", rings_unlink},
};

#define ACTIONS (sizeof(actions) / sizeof(*actions))

static int help(void)
{
	puts("Usage: xskit ring ACTION [OPTIONS] [NAME]\n");
	for (unsigned i = 0; i < ACTIONS; i++)
		printf("  %-7s %-7s %s\n", actions[i].name, actions[i].args, actions[i].does);
	puts("\n`xskit ring ACTION --help` tells an action's options.");
	return CMD_HELPED;
}

static int unknown(const char *name, struct xk_err *err)
{
	char fix[sizeof(err->fix)] = "there is";

	for (unsigned i = 0; i < ACTIONS; i++) {
		strncat(fix, i ? ", " : " ", sizeof(fix) - strlen(fix) - 1);
		strncat(fix, actions[i].name, sizeof(fix) - strlen(fix) - 1);
	}
	if (name)
		xk_err_fill(err, -EINVAL, "ring", fix, "'%s' is nothing it does", name);
	else
		xk_err_fill(err, -EINVAL, "ring", fix, "it needs an ACTION");
	return CMD_USAGE;
}

int cmd_ring(int argc, char **argv, struct xk_err *err)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name && !strcmp(name, "--help"))
		return help();
	for (unsigned i = 0; name && i < ACTIONS; i++)
		if (!strcmp(name, actions[i].name))
			return actions[i].run(argc - 1, argv + 1, err);
	return unknown(name, err);
}
