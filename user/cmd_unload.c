// SPDX-License-Identifier: BSD-2-Clause
/* unload: take the XDP program off an interface, whoever loaded it, and clear its pins. */
#include <errno.h>
#include <stdio.h>
#include <xskit/prog.h>
#include "cmd.h"
#include "opts.h"

#define KEY_PIN 0x200

struct unload_opts {
	const char *pin;
	bool verbose;
	struct xk_err *err;
};

static const struct argp_option options[] = {
	{"pin", KEY_PIN, "DIR", 0, "where its maps are pinned (/sys/fs/bpf/xskit/NETNS/IFACE)", 1},
	{0, 'v', 0, 0, "also show what libbpf and libxdp say", 1},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct unload_opts *o = state->input;

	if (key == KEY_PIN)
		return opt_dir("--pin", word, &o->pin, o->err);
	if (key == 'v')
		o->verbose = true;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

/* Without --pin: where `xskit load` pins, and where xdp-loader is told to by the README. */
static int unload(const struct unload_opts *o, const char *ifname, struct xk_err *err)
{
	char own[256], loader[256];
	const char *pins[3] = {o->pin};
	unsigned n = 0;
	int ret;

	xk_prog_verbose(o->verbose);
	snprintf(loader, sizeof(loader), "/sys/fs/bpf/xskit/%s", ifname);
	if (!o->pin && !xk_prog_default_pin(ifname, own, sizeof(own)))
		pins[n++] = own;
	if (!o->pin)
		pins[n] = loader;
	ret = xk_prog_unload(ifname, pins, err);
	if (ret == 0)
		printf("unloaded from %s\n", ifname);
	return ret;
}

int cmd_unload(int argc, char **argv, struct xk_err *err)
{
	struct unload_opts o = {.err = err};
	const char *args[1];
	const struct command_line line = {
		.name = "unload",
		.args_doc = "IFACE",
		.doc = "Take the XDP program xsk_redirect off IFACE and clear the pins of its "
		       "maps.",
		.options = options,
		.parser = parse,
		.input = &o,
		.min_args = 1,
		.max_args = 1,
		.args = args,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	return ret ? ret : unload(&o, args[0], err);
}
