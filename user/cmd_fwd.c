// SPDX-License-Identifier: BSD-2-Clause
/* fwd: forward frames between two interfaces both ways, or reflect them on one. */
#include <unistd.h>
#include "cmd.h"
#include "fwd.h"
#include "session.h"

enum { KEY_NO_SWAP = 0x200, KEY_PINNED2 };

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct fwd *fwd = state->input;

	switch (key) {
	case KEY_NO_SWAP:
		fwd->no_swap = true;
		return 0;
	case KEY_PINNED2:
		return opt_dir("--pinned2", word, &fwd->packet.pinned2, fwd->packet.err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"no-swap", KEY_NO_SWAP, 0, 0,
	 "reflect frames as they are, source and destination address not swapped", 1},
	{"pinned2", KEY_PINNED2, "DIR", 0, "as --pinned, for IFACE2", 1},
	{0},
};

static int check_options(struct fwd *fwd, struct xk_err *err)
{
	if (fwd->packet.ifname2 && fwd->no_swap)
		return opt_clash(err, "--no-swap", "leave it out, or name one interface",
				 "with IFACE2 '%s': between two nothing is swapped",
				 fwd->packet.ifname2);
	if (!fwd->packet.ifname2 && fwd->packet.pinned2)
		return opt_clash(err, "--pinned2", "name IFACE2, or use --pinned",
				 "'%s' without a second interface", fwd->packet.pinned2);
	return 0;
}

/* Whoever is behind the other interface needs ARP, ND and all the rest. */
static void choose_keep(struct packet_opts *opts)
{
	if (opts->ifname2 && !opts->keep_given)
		opts->keep = 0;
}

int cmd_fwd(int argc, char **argv, struct xk_err *err)
{
	struct fwd fwd = {.packet = {.argc = argc, .argv = argv}, .promiscuous = {-1, -1}};
	const char *args[2] = {NULL, NULL};
	const struct command_line line = {
		.name = "fwd",
		.args_doc = "IFACE [IFACE2]",
		.doc = "Forward frames between IFACE and IFACE2, both ways, from queue to queue of "
		       "the same number; with IFACE alone, send them back with their MAC addresses "
		       "swapped.\vBetween two interfaces --keep is none unless it is given: ARP "
		       "and "
		       "the like are forwarded too. What is taken from an interface its own kernel "
		       "does not see.",
		.options = options,
		.parser = parse,
		.input = &fwd,
		.min_args = 1,
		.max_args = 2,
		.args = args,
		.packet = &fwd.packet,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	fwd.packet.ifname2 = args[1];
	if (ret == 0 && (ret = check_options(&fwd, err)) == 0) {
		choose_keep(&fwd.packet);
		ret = session_run(&fwd.packet, &fwd_action, &fwd, err);
	}
	for (int i = 0; i < 2; i++)
		if (fwd.promiscuous[i] >= 0)
			close(fwd.promiscuous[i]);
	opts_free(&fwd.packet);
	return ret;
}
