// SPDX-License-Identifier: BSD-2-Clause
/* xskit: a table of commands that also prints the usage. */
#include <stdio.h>
#include <string.h>
#include "cmd.h"
#include "std_fds.h"

static const struct {
	const char *name, *args, *does;
	cmd_fn run;
} commands[] = {
	{"rx", "IFACE", "receive packets, count and drop them", cmd_rx},
	{"gen", "IFACE", "generate traffic at a rate", cmd_gen},
	{"echo", "IFACE", "answer ARP, ND, ICMP echo and UDP echo from user space", cmd_echo},
	{"ping", "IFACE HOST", "round-trip latency with percentiles", cmd_ping},
	{"fwd", "IFACE [IFACE2]", "forward frames both ways, or reflect on one", cmd_fwd},
	{"load", "IFACE", "put the XDP program on an interface, to stay", cmd_load},
	{"unload", "IFACE", "take it off again", cmd_unload},
	{"status", "[IFACE]", "tell which XDP program is where", cmd_status},
	{"doctor", "IFACE", "say why packets do not arrive, or what slows them", cmd_doctor},
	{"tune", "IFACE", "set what a profile wants of an interface, and undo it", cmd_tune},
	{"ring", "ACTION", "send, receive and verify through shared-memory rings", cmd_ring},
	{"bench", "EXPERIMENT", "measure rings, cache lines, memory and sockets on this machine",
	 cmd_bench},
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void usage(void)
{
	puts("usage: xskit COMMAND [OPTIONS] ARGS\n");
	for (unsigned i = 0; i < COMMANDS; i++)
		printf("  %-8s %-14s %s\n", commands[i].name, commands[i].args, commands[i].does);
	puts("\n`xskit COMMAND --help` tells a command's options, `xskit --version` the version.");
}

/* xskit: what failed: why: what to do, with the errno's text where there is one. */
static void complain(int ret, const struct xk_err *err)
{
	fprintf(stderr, "xskit: %s: %s", err->what, err->why);
	if (err->code && ret != CMD_USAGE)
		fprintf(stderr, " (%s)", strerror(-err->code));
	if (*err->fix)
		fprintf(stderr, ": %s", err->fix);
	fputc('\n', stderr);
}

static int exit_status(int ret)
{
	return ret >= 0 ? 0 : ret == CMD_USAGE ? 2 : ret == CMD_NOT_GRANTED ? 3 : 1;
}

static int run(unsigned command, int argc, char **argv)
{
	struct xk_err err = {0};
	int ret = commands[command].run(argc, argv, &err);

	if (ret < 0)
		complain(ret, &err);
	return exit_status(ret);
}

static int command_of(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "--help") || !strcmp(name, "help")) {
		usage();
		return 0;
	}
	if (!strcmp(name, "--version"))
		return printf("xskit %s\n", XSKIT_VERSION) < 0;
	for (unsigned i = 0; i < COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return run(i, argc - 1, argv + 1);
	if (argc < 2)
		fputs("xskit: no command was given: `xskit --help` lists them\n", stderr);
	else
		fprintf(stderr, "xskit: command: '%s' is none: see `xskit --help`\n", name);
	return 2;
}

/* What was printed and did not arrive is a failure, of a command that had none. */
int main(int argc, char **argv)
{
	int status, ret;

	std_fds_open();
	status = command_of(argc, argv);
	ret = std_fds_flush();
	if (!ret || status)
		return status;
	fprintf(stderr, "xskit: stdout cannot be written (%s)\n", strerror(-ret));
	return 1;
}
