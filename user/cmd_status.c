// SPDX-License-Identifier: BSD-2-Clause
/* status: what XDP program is on an interface, who attached it, which queues have a socket. */
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <xskit/prog.h>
#include "abi.h"
#include "cmd.h"
#include "opts.h"

struct status_opts {
	bool json, verbose;
};

static const struct argp_option options[] = {
	{"json", 'j', 0, 0, "JSON Lines, one an interface", 1},
	{0, 'v', 0, 0, "also show what libbpf and libxdp say", 1},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct status_opts *o = state->input;

	(void)word;
	if (key == 'j')
		o->json = true;
	else if (key == 'v')
		o->verbose = true;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const char *mode_name(const struct xk_prog_status *s)
{
	return s->mode == XK_MODE_SKB ? "skb" : "native";
}

/* Who keeps it there. */
static const char *holder(const struct xk_prog_status *s)
{
	if (s->link_id)
		return "link";
	return s->dispatcher ? "dispatcher" : "loader";
}

static bool has_socket(const struct xk_prog_status *s, unsigned queue)
{
	return s->queue_has_socket[queue / 64] >> (queue % 64) & 1;
}

static void print_json(const struct xk_prog_status *s)
{
	json_t *line = json_pack("{s:s,s:s,s:i}", "type", "status", "interface", s->ifname,
				 "ifindex", s->ifindex);
	json_t *queues = json_array();

	for (unsigned q = 0; q < XK_MAX_QUEUES; q++)
		if (has_socket(s, q))
			json_array_append_new(queues, json_integer(q));
	json_object_set_new(line, "attached", json_boolean(s->prog_id != 0));
	if (s->prog_id) {
		json_object_set_new(line, "program", json_string(s->name));
		json_object_set_new(line, "program_id", json_integer(s->prog_id));
		json_object_set_new(line, "mode", json_string(mode_name(s)));
		json_object_set_new(line, "attach", json_string(holder(s)));
		json_object_set_new(line, "ours", json_boolean(s->ours));
		json_object_set_new(line, "queues_with_socket", queues);
	} else {
		json_decref(queues);
	}
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static void print_text(const struct xk_prog_status *s)
{
	printf("%-15s ", s->ifname);
	if (!s->prog_id) {
		puts("no XDP program");
		return;
	}
	printf("%s id %u, %s, held by a %s", s->name, s->prog_id, mode_name(s), holder(s));
	if (s->ours)
		printf(", %u queue%s with a socket:", s->sockets, s->sockets == 1 ? "" : "s");
	for (unsigned q = 0; s->ours && q < XK_MAX_QUEUES; q++)
		if (has_socket(s, q))
			printf(" %u", q);
	putchar('\n');
}

static int show(const char *ifname, const struct status_opts *o, struct xk_err *err)
{
	struct xk_prog_status status;
	int ret = xk_prog_status(ifname, &status, err);

	if (ret)
		return ret;
	if (o->json)
		print_json(&status);
	else
		print_text(&status);
	return 0;
}

static int show_all(const struct status_opts *o, struct xk_err *err)
{
	struct if_nameindex *all = if_nameindex();
	int ret = 0;

	if (!all)
		return xk_err_fill(err, -errno, "status", NULL, "list the interfaces");
	for (const struct if_nameindex *i = all; i->if_index && !ret; i++) {
		ret = show(i->if_name, o, err);
		if (ret == -ENODEV)
			ret = 0; /* it went while we looked */
	}
	if_freenameindex(all);
	return ret;
}

int cmd_status(int argc, char **argv, struct xk_err *err)
{
	struct status_opts o = {0};
	const char *args[1] = {NULL};
	const struct command_line line = {
		.name = "status",
		.args_doc = "[IFACE]",
		.doc = "Tell which XDP program is on IFACE, or on every interface of this "
		       "namespace.",
		.options = options,
		.parser = parse,
		.input = &o,
		.max_args = 1,
		.args = args,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	if (ret)
		return ret;
	xk_prog_verbose(o.verbose);
	return args[0] ? show(args[0], &o, err) : show_all(&o, err);
}
