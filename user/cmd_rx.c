// SPDX-License-Identifier: BSD-2-Clause
/* rx: receive, count, drop. */
#include "cmd.h"
#include "session.h"

static const struct action rx = {.command = "rx", .rx = true};

int cmd_rx(int argc, char **argv, struct xk_err *err)
{
	struct packet_opts opts = {.argc = argc, .argv = argv};
	const char *args[1];
	const struct command_line line = {
		.name = "rx",
		.args_doc = "IFACE",
		.doc = "Receive packets from IFACE through AF_XDP, count them and let them go.",
		.min_args = 1,
		.max_args = 1,
		.args = args,
		.packet = &opts,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	if (ret == 0)
		ret = session_run(&opts, &rx, NULL, err);
	opts_free(&opts);
	return ret;
}
