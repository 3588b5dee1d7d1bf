// SPDX-License-Identifier: BSD-2-Clause
/* load: put the XDP program on an interface, to stay, as xdp-loader would. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xskit/prog.h>
#include "cmd.h"
#include "nl.h"
#include "opts.h"

enum { KEY_MODE = 0x200, KEY_PIN, KEY_FORCE };

struct load_opts {
	int mode;
	const char *pin;
	bool force, verbose;
	struct xk_err *err;
};

static const struct argp_option options[] = {
	{"mode", KEY_MODE, "MODE", 0, "XDP attach mode: auto native skb (auto)", 1},
	{"pin", KEY_PIN, "DIR", 0, "pin the maps here, or none (/sys/fs/bpf/xskit/NETNS/IFACE)", 1},
	{"force", KEY_FORCE, 0, 0, "also on the interface of the default route", 1},
	{0, 'v', 0, 0, "also show what libbpf and libxdp say", 1},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	static const char *const modes[] = {"auto", "native", "skb", NULL};
	struct load_opts *o = state->input;

	switch (key) {
	case KEY_MODE:
		return opt_choice("--mode", word, modes, &o->mode, o->err);
	case KEY_PIN:
		o->pin = word;
		return strcmp(word, "none") ? opt_dir("--pin", word, &o->pin, o->err) : 0;
	case KEY_FORCE:
		o->force = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int check_route(const char *ifname, bool force, struct xk_err *err)
{
	struct nl_link link;
	bool yes = false;
	int ret = nl_link(ifname, &link, err);

	if (ret || force || nl_default_route_via(link.ifindex, &yes) || !yes)
		return ret;
	xk_err_fill(err, -EPERM, "load", "use another interface, or --force",
		    "%s carries the default route", ifname);
	return CMD_USAGE;
}

static int load(const struct load_opts *o, const char *ifname, struct xk_err *err)
{
	const struct xk_prog_config config = {.mode = (enum xk_mode)o->mode};
	const char *pin = o->pin;
	char path[256];
	int ret = check_route(ifname, o->force, err);

	if (ret)
		return ret;
	if (!pin && geteuid())
		return xk_err_fill(err, -EPERM, "load",
				   "load as root, or give --pin DIR of your own, or --pin none",
				   "the pins go to /sys/fs/bpf/xskit, which is root's");
	if (!pin) {
		ret = xk_prog_default_pin(ifname, path, sizeof(path));
		if (ret)
			return xk_err_fill(err, ret, "load", "give one with --pin",
					   "no place for pins");
		pin = path;
	}
	pin = strcmp(pin, "none") ? pin : NULL;
	xk_prog_verbose(o->verbose);
	ret = xk_prog_load(ifname, &config, pin, err);
	if (ret == 0 && pin)
		printf("loaded on %s, maps pinned: join with --pinned %s\n", ifname, pin);
	else if (ret == 0)
		printf("loaded on %s\n", ifname);
	return ret;
}

int cmd_load(int argc, char **argv, struct xk_err *err)
{
	struct load_opts o = {.err = err};
	const char *args[1];
	const struct command_line line = {
		.name = "load",
		.args_doc = "IFACE",
		.doc = "Load the XDP program xsk_redirect on IFACE, to stay until it is unloaded.",
		.options = options,
		.parser = parse,
		.input = &o,
		.min_args = 1,
		.max_args = 1,
		.args = args,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	return ret ? ret : load(&o, args[0], err);
}
