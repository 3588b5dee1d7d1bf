// SPDX-License-Identifier: BSD-2-Clause
/* doctor: say by cause why packets do not arrive, or what slows them, with the command that mends
 * it.
 */
#include <errno.h>
#include <stdio.h>
#include <xskit/prog.h>
#include "cmd.h"
#include "doctor/doctor.h"
#include "opts.h"

enum { KEY_LIVE = 0x200, KEY_CHECK, KEY_LIST };

struct words {
	struct doctor_opts doctor;
	bool list, verbose;
	struct xk_err *err;
};

static const struct argp_option options[] = {
	{"live", KEY_LIVE, "SECONDS", 0, "watch the traffic for so long first", 1},
	{"check", KEY_CHECK, "NAME,...", 0, "only these checks, or groups of them (all)", 1},
	{"list", KEY_LIST, 0, 0, "name the checks by group, and do nothing", 1},
	{"json", 'j', 0, 0, "JSON Lines, one a check", 1},
	{0, 'v', 0, 0, "also show what libbpf and libxdp say", 1},
	{0},
};

static int take_check(struct words *w, const char *list)
{
	char bad[64];

	w->doctor.check = list;
	if (doctor_knows(list, bad))
		return 0;
	doctor_list();
	xk_err_fill(w->err, -EINVAL, "--check", "it takes the names listed, with commas between",
		    "'%s' is no check", bad);
	return CMD_USAGE;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct words *w = state->input;

	switch (key) {
	case KEY_LIVE:
		return opt_seconds("--live", word, &w->doctor.live_s, w->err);
	case KEY_CHECK:
		return take_check(w, word);
	case KEY_LIST:
		w->list = true;
		return 0;
	case 'j':
		w->doctor.json = true;
		return 0;
	case 'v':
		w->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int examine(struct words *w, struct xk_err *err)
{
	int failed;

	xk_prog_verbose(w->verbose);
	failed = doctor_run(&w->doctor, err);
	if (failed <= 0)
		return failed;
	xk_err_fill(err, 0, "doctor", "see the lines marked fail", "%s: %d check%s failed",
		    w->doctor.ifname, failed, failed == 1 ? "" : "s");
	return -EBADMSG;
}

int cmd_doctor(int argc, char **argv, struct xk_err *err)
{
	struct words w = {.err = err};
	const char *args[1] = {NULL};
	const struct command_line line = {
		.name = "doctor",
		.args_doc = "IFACE",
		.doc = "Say by cause why packets do not arrive on IFACE, or what slows them, and "
		       "the command that mends it.\vExit code 1: a check failed. What is behind a "
		       "# in a fix is for you to decide.",
		.options = options,
		.parser = parse,
		.input = &w,
		.max_args = 1,
		.args = args,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	if (ret)
		return ret;
	if (w.list) {
		doctor_list();
		return 0;
	}
	if (!args[0]) {
		xk_err_fill(err, -EINVAL, "doctor", "see `xskit doctor --help`", "it needs IFACE");
		return CMD_USAGE;
	}
	w.doctor.ifname = args[0];
	return examine(&w, err);
}
