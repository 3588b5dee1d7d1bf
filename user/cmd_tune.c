// SPDX-License-Identifier: BSD-2-Clause
/* tune: set what a profile wants of an interface and its machine, and undo it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "cmd.h"
#include "jsonl.h"
#include "nl.h"
#include "opts.h"
#include "tune/lines.h"
#include "tune/tune.h"

enum { KEY_DRY_RUN = 0x300, KEY_PROFILE, KEY_UNDO, KEY_FORCE, KEY_POLL };

struct tune_opts {
	bool json, undo, given; /* given: an option that --undo has no use for */
	int profile, poll;
	struct number_list queues;
	struct tune_job job;
	struct xk_err *err;
	unsigned told[TUNE_KNOWN + 1];
};

static const struct argp_option options[] = {
	{"profile", KEY_PROFILE, "PROFILE", 0, "what for: latency throughput power (latency)", 1},
	{"dry-run", KEY_DRY_RUN, 0, 0, "tell what would be set, and set nothing", 1},
	{"undo", KEY_UNDO, 0, 0,
	 "undo the last tune of IFACE; without IFACE all of this network namespace", 1},
	{"force", KEY_FORCE, 0, 0,
	 "also on the interface of the default route; undo also what changed since", 1},
	{"queues", 'q', "LIST", 0, "the queues that are used (all)", 2},
	{"poll", KEY_POLL, "HOW", 0,
	 "how packets will be waited for: adaptive busy wait (adaptive)", 2},
	{"json", 'j', 0, 0, "JSON Lines, one a setting", 2},
	{0},
};

static int choose(struct tune_opts *o, int key, const char *word)
{
	static const char *const polls[] = {"adaptive", "busy", "wait", NULL};

	o->given = true;
	if (key == KEY_PROFILE)
		return opt_choice("--profile", word, tune_profiles, &o->profile, o->err);
	if (key == KEY_POLL)
		return opt_choice("--poll", word, polls, &o->poll, o->err);
	if (key == KEY_DRY_RUN)
		o->job.dry_run = true;
	return key == 'q' ? opt_list("--queues", word, "all", 65535, &o->queues, o->err) : 0;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct tune_opts *o = state->input;

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case KEY_UNDO:
		o->undo = true;
		return 0;
	case KEY_FORCE:
		o->job.force = true;
		return 0;
	case KEY_PROFILE:
	case KEY_POLL:
	case KEY_DRY_RUN:
	case 'q':
		return choose(o, key, word);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int check(const struct tune_opts *o, const char *ifname)
{
	if (o->undo && o->given)
		return opt_clash(o->err, "--undo", "leave the others out",
				 "beside options that say what to set");
	if (!o->undo && !ifname)
		return opt_clash(o->err, "tune", "name IFACE, or give --undo", "no interface");
	return 0;
}

/* --- output --- */

static void tell(void *ctx, const struct tune_line *line)
{
	struct tune_opts *o = ctx;

	o->told[line->status]++;
	if (o->json)
		jsonl_print(tune_line_json(line));
	else
		tune_line_print(line);
}

static void print_start(const struct tune_opts *o, const char *ifname, int argc, char **argv)
{
	json_t *line;

	if (!o->json)
		return;
	line = jsonl_start("tune", argc, argv);
	if (ifname)
		json_object_set_new(line, "interface", json_string(ifname));
	if (!o->undo)
		json_object_set_new(line, "profile", json_string(tune_profiles[o->profile]));
	json_object_set_new(line, "dry_run", json_boolean(o->job.dry_run));
	jsonl_print(line);
}

static void print_end(const struct tune_opts *o, const char *ifname)
{
	json_t *line = json_pack("{s:s,s:s}", "type", "summary", "command", "tune");

	for (int status = 0; status <= TUNE_KNOWN; status++) {
		if (o->told[status])
			json_object_set_new(line, tune_status_name((enum tune_status)status),
					    json_integer(o->told[status]));
		if (o->told[status] && !o->json)
			printf("%u %s; ", o->told[status],
			       tune_status_name((enum tune_status)status));
	}
	if (o->json) {
		jsonl_print(line);
		return;
	}
	json_decref(line);
	if (o->told[TUNE_APPLIED])
		printf("`xskit tune %s --undo` puts it back\n", ifname);
	else if (!o->undo)
		puts("nothing was changed");
	else
		puts(o->told[TUNE_RESTORED] ? "undone" : "there was nothing to undo");
}

/* --- doing it --- */

static int check_route(const struct tune_opts *o, const struct tune_target *t)
{
	bool yes = false;

	if (o->job.force || o->job.dry_run || nl_default_route_via(t->link.ifindex, &yes) || !yes)
		return 0;
	xk_err_fill(o->err, -EPERM, "tune", "use another interface, or --force",
		    "%s carries the default route: tuning it may cut you off", t->link.name);
	return CMD_USAGE;
}

static int check_queues(const struct tune_opts *o, const struct tune_target *t)
{
	for (unsigned i = 0; i < o->queues.count; i++)
		if (o->queues.number[i] >= t->link.rx_queues)
			return opt_clash(o->err, "--queues", "see `ethtool -l`", "'%u': %s has %u",
					 o->queues.number[i], t->link.name, t->link.rx_queues);
	return 0;
}

static int apply(struct tune_opts *o, const char *ifname, int argc, char **argv)
{
	struct tune_target t = {.profile = (enum tune_profile)o->profile,
				.busy_poll = o->poll == XK_IDLE_BUSY,
				.queues = o->queues.number,
				.n_queues = o->queues.count};
	struct tune_session session;
	int ret;

	if ((ret = tune_target_find(&t, ifname, -1, o->err)) || (ret = check_route(o, &t)) ||
	    (ret = check_queues(o, &t)))
		return ret;
	print_start(o, ifname, argc, argv);
	ret = tune_apply(&t, &o->job, &session, o->err);
	if (ret)
		return ret;
	print_end(o, ifname);
	if (!o->job.dry_run && o->told[TUNE_NOT_PERMITTED] && !o->told[TUNE_APPLIED])
		return xk_err_fill(o->err, -EPERM, "tune", "run as root, outside any container",
				   "nothing that was wanted may be set here");
	return 0;
}

static int undo(struct tune_opts *o, const char *ifname, int argc, char **argv)
{
	int ret;

	print_start(o, ifname, argc, argv);
	ret = tune_undo(ifname, &o->job, o->err);
	if (ret >= 0)
		print_end(o, ifname);
	return ret < 0 ? ret : 0;
}

int cmd_tune(int argc, char **argv, struct xk_err *err)
{
	struct tune_opts o = {.job.tell = tell, .err = err};
	const char *args[1] = {NULL};
	const struct command_line line = {
		.name = "tune",
		.args_doc = "IFACE",
		.doc = "Set what a profile wants of IFACE and of the machine. What was before is "
		       "written to /run/xskit/tune first, and --undo puts it back.",
		.options = options,
		.parser = parse,
		.input = &o,
		.max_args = 1,
		.args = args,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	o.job.ctx = &o;
	if (ret == 0 && (ret = check(&o, args[0])) == 0)
		ret = o.undo ? undo(&o, args[0], argc, argv) : apply(&o, args[0], argc, argv);
	free(o.queues.number);
	return ret;
}
