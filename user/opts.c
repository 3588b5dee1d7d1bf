// SPDX-License-Identifier: BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "match.h"
#include "opts.h"
#include "tune/tune.h"

#define MAX_LIST_NUMBER 65535u

static int opt_require(const char *word, unsigned *require, struct xk_err *err)
{
	static const char *const names[] = {"native",    "zerocopy", "busypoll",
					    "hugepages", "node",     NULL};
	struct number_list which = {0};
	int ret = opt_choices("--require", word, names, &which, err);

	for (unsigned i = 0; !ret && i < which.count; i++)
		*require |= 1u << which.number[i];
	free(which.number);
	return ret;
}

/* --- rules --- */

struct xk_rule *opts_add_rules(struct packet_opts *opts, unsigned n)
{
	struct xk_rule *grown;

	if (opts->n_rules + n > XK_MAX_RULES)
		return NULL;
	grown = realloc(opts->rules, (opts->n_rules + n) * sizeof(*grown));
	if (!grown)
		return NULL;
	opts->rules = grown;
	memset(&grown[opts->n_rules], 0, n * sizeof(*grown));
	opts->n_rules += n;
	return &grown[opts->n_rules - n];
}

/* Parse into all the room there is, then keep as many rules as there were. */
static int opt_rules(struct packet_opts *opts, const char *word, bool keep)
{
	unsigned before = opts->n_rules, room = XK_MAX_RULES - before;
	struct xk_rule *rules = opts_add_rules(opts, room);
	int n;

	if (!rules)
		return opt_bad(opts->err, keep ? "--keep" : "--match", word, "fewer rules");
	n = keep ? keep_parse(word, &opts->keep, rules, room, opts->err)
		 : match_parse(word, rules, room, opts->err);
	opts->n_rules = before + (n > 0 ? (unsigned)n : 0);
	return n < 0 ? CMD_USAGE : 0;
}

/* --- the shared table --- */

enum {
	KEY_MODE = 0x100,
	KEY_BIND,
	KEY_POLL,
	KEY_ATTACH,
	KEY_HUGEPAGES,
	KEY_BUSY_BUDGET,
	KEY_TX_BUDGET,
	KEY_BATCH,
	KEY_FRAMES,
	KEY_FRAME_SIZE,
	KEY_RING_SIZE,
	KEY_CPU,
	KEY_NODE,
	KEY_KEEP,
	KEY_MATCH,
	KEY_REQUIRE,
	KEY_PINNED,
	KEY_FORCE,
	KEY_TUNE,
};

static const struct argp_option packet_options[] = {
	{"queues", 'q', "LIST", 0, "receive queues, one socket and one worker each (all)", 10},
	{"duration", 'd', "S", 0, "stop after S seconds, 0: on SIGINT or SIGTERM (0)", 10},
	{"packets", 'n', "N", 0, "stop after N packets", 10},
	{"interval", 'i', "S", 0, "a line of figures every S seconds, 0: none (1)", 10},
	{"json", 'j', 0, 0, "JSON Lines on stdout instead of text", 10},
	{0, 'v', 0, 0, "also show what libbpf and libxdp say", 10},
	{"keep", KEY_KEEP, "LIST", 0,
	 "traffic that stays with the kernel: control (all of arp nd igmp dhcp lldp lacp ptp ssh "
	 "bgp), "
	 "these by name, tcp/PORT, udp/PORT, or none (control)",
	 20},
	{"match", KEY_MATCH, "RULES", 0, "take only these, as 'udp dst port 5000, icmp' (all)", 20},
	{"force", KEY_FORCE, 0, 0, "also on the interface of the default route", 20},
	{"mode", KEY_MODE, "MODE", 0, "XDP attach mode: auto native skb (auto)", 30},
	{"attach", KEY_ATTACH, "HOW", 0, "how the program is attached: auto link libxdp (auto)",
	 30},
	{"pinned", KEY_PINNED, "DIR", 0, "join a program that is loaded, through its pinned maps",
	 30},
	{"require", KEY_REQUIRE, "LIST", 0,
	 "exit 3 unless granted: native,zerocopy,busypoll,hugepages,node", 30},
	{"bind", KEY_BIND, "HOW", 0, "AF_XDP bind mode: auto copy zerocopy (auto)", 40},
	{"poll", KEY_POLL, "HOW", 0,
	 "adaptive: spin a while, then sleep; busy: busy-poll and spin; wait: sleep (adaptive)",
	 40},
	{"busy-budget", KEY_BUSY_BUDGET, "N", 0, "packets a busy-poll call (64)", 40},
	{"tx-budget", KEY_TX_BUDGET, "N", 0,
	 "frames one system call may send, where the kernel has it", 40},
	{"batch", KEY_BATCH, "N", 0, "frames moved at a time (64)", 50},
	{"frames", KEY_FRAMES, "N", 0, "UMEM frames a queue (3072)", 50},
	{"frame-size", KEY_FRAME_SIZE, "BYTES", 0,
	 "2048 or 4096 (2048; 4096 where zero-copy needs it for the MTU, or gen for its --size)",
	 50},
	{"ring-size", KEY_RING_SIZE, "N", 0, "entries of each ring, a power of two (2048)", 50},
	{"hugepages", KEY_HUGEPAGES, "HOW", 0, "UMEM pages: auto on off (auto)", 50},
	{"cpu", KEY_CPU, "LIST", 0, "CPUs of the workers, or auto: on the interface's node (auto)",
	 60},
	{"node", KEY_NODE, "N", 0,
	 "NUMA node of workers and memory, or auto: the interface's (auto)", 60},
	{"tune", KEY_TUNE, "PROFILE", 0,
	 "tune the interface for the run: latency throughput power (not)", 60},
	{0},
};

static int opt_node(const char *word, int *node, struct xk_err *err)
{
	uint32_t n;
	int ret;

	*node = -1;
	if (!strcmp(word, "auto"))
		return 0;
	ret = opt_u32("--node", word, 0, 1023, &n, err);
	if (!ret)
		*node = (int)n;
	return ret;
}

static int opt_ring_size(const char *word, uint32_t *size, struct xk_err *err)
{
	if (opt_u32("--ring-size", word, 64, 1u << 20, size, err) || (*size & (*size - 1)))
		return opt_bad(err, "--ring-size", word, "a power of two from 64 to 1048576");
	return 0;
}

static int opt_frame_size(const char *word, uint32_t *size, struct xk_err *err)
{
	if (opt_u32("--frame-size", word, 2048, 4096, size, err) || (*size & (*size - 1)))
		return opt_bad(err, "--frame-size", word,
			       "2048 or 4096: AF_XDP frames are powers of two");
	return 0;
}

/* The options with a fixed set of words; each enum lists its values in the order of its words. */
static int choice_option(int key, const char *word, struct packet_opts *opts)
{
	static const struct {
		const char *name;
		const char *words[4];
	} table[] = {
		[KEY_MODE - KEY_MODE] = {"--mode", {"auto", "native", "skb"}},
		[KEY_BIND - KEY_MODE] = {"--bind", {"auto", "copy", "zerocopy"}},
		[KEY_POLL - KEY_MODE] = {"--poll", {"adaptive", "busy", "wait"}},
		[KEY_ATTACH - KEY_MODE] = {"--attach", {"auto", "link", "libxdp"}},
		[KEY_HUGEPAGES - KEY_MODE] = {"--hugepages", {"auto", "on", "off"}},
	};
	int which, ret;

	if (key < KEY_MODE || key > KEY_HUGEPAGES)
		return ARGP_ERR_UNKNOWN;
	ret = opt_choice(table[key - KEY_MODE].name, word, table[key - KEY_MODE].words, &which,
			 opts->err);
	if (ret)
		return ret;
	if (key == KEY_MODE)
		opts->mode = (enum xk_mode)which;
	else if (key == KEY_BIND)
		opts->bind = (enum xk_bind)which;
	else if (key == KEY_POLL)
		opts->poll = (enum xk_idle)which;
	else if (key == KEY_ATTACH)
		opts->attach = (enum xk_attach)which;
	else
		opts->hugepages = (enum xk_huge)which;
	return 0;
}

static int size_option(int key, const char *word, struct packet_opts *opts)
{
	switch (key) {
	case KEY_BUSY_BUDGET:
		return opt_u32("--busy-budget", word, 1, 65535, &opts->busy_budget, opts->err);
	case KEY_TX_BUDGET:
		return opt_u32("--tx-budget", word, 1, 1u << 20, &opts->tx_budget, opts->err);
	case KEY_BATCH:
		return opt_u32("--batch", word, 1, 4096, &opts->batch, opts->err);
	case KEY_FRAMES:
		return opt_u32("--frames", word, 64, 1u << 24, &opts->frames, opts->err);
	case KEY_FRAME_SIZE:
		return opt_frame_size(word, &opts->frame_size, opts->err);
	case KEY_RING_SIZE:
		return opt_ring_size(word, &opts->ring_size, opts->err);
	default:
		return choice_option(key, word, opts);
	}
}

/* Its place in the table; that of the line of zeros: it is not there. */
static unsigned option_place(const char *name, int key)
{
	unsigned i = 0;

	while (packet_options[i].key && packet_options[i].key != key &&
	       (!name || !packet_options[i].name || strcmp(packet_options[i].name, name)))
		i++;
	return i;
}

bool opts_given(const struct packet_opts *opts, const char *name)
{
	return opts->given >> option_place(name, 0) & 1;
}

static error_t parse_packet_option(int key, char *word, struct argp_state *state)
{
	struct packet_opts *opts = state->input;

	opts->given |= 1ull << option_place(NULL, key);
	switch (key) {
	case 'q':
		return opt_list("--queues", word, "all", MAX_LIST_NUMBER, &opts->queues, opts->err);
	case 'd':
		return opt_seconds("--duration", word, &opts->duration_s, opts->err);
	case 'n':
		return opt_u64("--packets", word, 1, UINT64_MAX, &opts->packets, opts->err);
	case 'i':
		return opt_seconds("--interval", word, &opts->interval_s, opts->err);
	case 'j':
		opts->json = true;
		return 0;
	case 'v':
		opts->verbose = true;
		return 0;
	case KEY_FORCE:
		opts->force = true;
		return 0;
	case KEY_PINNED:
		return opt_dir("--pinned", word, &opts->pinned, opts->err);
	case KEY_KEEP:
		opts->keep_given = true;
		return opt_rules(opts, word, true);
	case KEY_MATCH:
		return opt_rules(opts, word, false);
	case KEY_REQUIRE:
		return opt_require(word, &opts->require, opts->err);
	case KEY_CPU:
		return opt_list("--cpu", word, "auto", MAX_LIST_NUMBER, &opts->cpus, opts->err);
	case KEY_NODE:
		return opt_node(word, &opts->node, opts->err);
	case KEY_TUNE:
		return opt_choice("--tune", word, tune_profiles, &opts->tune, opts->err);
	default:
		return size_option(key, word, opts);
	}
}

static const struct argp packet_argp = {
	.options = packet_options,
	.parser = parse_packet_option,
};

static void set_defaults(struct packet_opts *opts)
{
	opts->batch = 64;
	opts->frames = 3072;
	opts->frame_size = 2048;
	opts->ring_size = 2048;
	opts->node = -1;
	opts->tune = -1;
	opts->keep = XK_KEEP_ALL;
	opts->interval_s = 1;
}

/* --- a command line --- */

struct parse {
	const struct command_line *line;
	const char *bad; /* the word that could not be parsed */
	unsigned n_args;
};

static int missing_argument(const struct command_line *line)
{
	char fix[64];

	snprintf(fix, sizeof(fix), "see `xskit %s --help`", line->name);
	xk_err_fill(line->err, -EINVAL, line->name, fix, "it needs %s", line->args_doc);
	return CMD_USAGE;
}

static int own_option(const struct command_line *line, int key, char *word,
		      struct argp_state *state)
{
	void *parse = state->input;
	int ret;

	if (!line->parser)
		return ARGP_ERR_UNKNOWN;
	state->input = line->input;
	ret = line->parser(key, word, state);
	state->input = parse;
	return ret;
}

static error_t parse_line(int key, char *word, struct argp_state *state)
{
	struct parse *parse = state->input;
	const struct command_line *line = parse->line;

	switch (key) {
	case ARGP_KEY_INIT:
		if (line->packet)
			state->child_inputs[0] = line->packet;
		else if (line->child)
			state->child_inputs[0] = line->child_input;
		return 0;
	case ARGP_KEY_ARG:
		if (parse->n_args == line->max_args)
			return opt_bad(line->err, line->name, word,
				       *line->args_doc ? line->args_doc : "options only");
		line->args[parse->n_args++] = word;
		return 0;
	case ARGP_KEY_ERROR:
		parse->bad = state->argv[state->next - 1];
		return 0;
	case ARGP_KEY_END:
		return parse->n_args < line->min_args ? missing_argument(line) : 0;
	default:
		return own_option(line, key, word, state);
	}
}

static int check_packet_opts(const struct packet_opts *opts)
{
	if (opts->frames < opts->ring_size)
		return opt_clash(
			opts->err, "--frames", "give as many frames as a ring has entries, or more",
			"'%u' is fewer than --ring-size %u", opts->frames, opts->ring_size);
	if (opts->tx_budget > opts->ring_size)
		return opt_clash(opts->err, "--tx-budget", "give at most the ring's entries",
				 "'%u' is more than --ring-size %u", opts->tx_budget,
				 opts->ring_size);
	if ((opts->require & REQUIRE_BUSYPOLL) && opts->poll != XK_IDLE_BUSY)
		return opt_clash(opts->err, "--require", "add --poll busy",
				 "'busypoll' without --poll busy");
	if (opts->pinned && opts->attach == XK_ATTACH_LINK)
		return opt_clash(opts->err, "--attach", "leave one of the two out",
				 "'link' beside --pinned, which joins what is attached");
	return 0;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help"))
			return true;
	return false;
}

int opts_parse(const struct command_line *line, int argc, char **argv)
{
	const struct argp_child packet[] = {{&packet_argp, 0, "", 9}, {0}};
	const struct argp_child child[] = {{line->child, 0, NULL, 0}, {0}};
	const struct argp argp = {
		.options = line->options,
		.parser = parse_line,
		.args_doc = line->args_doc,
		.doc = line->doc,
		.children = line->packet ? packet : child,
	};
	struct parse parse = {.line = line, .bad = ""};
	char name[64], fix[96];
	char **words;
	int ret;

	snprintf(name, sizeof(name), "xskit %s", line->name);
	snprintf(fix, sizeof(fix), "see `%s --help`", name);
	line->err->code = 0;
	if (line->packet) {
		set_defaults(line->packet);
		line->packet->err = line->err;
	}
	if (asks_for_help(argc, argv)) {
		argp_help(&argp, stdout, ARGP_HELP_STD_HELP, name);
		return CMD_HELPED;
	}
	words = calloc((size_t)argc + 1, sizeof(*words));
	if (!words)
		return xk_err_fill(line->err, -ENOMEM, line->name, NULL, "no memory");
	memcpy(words, argv, (size_t)argc * sizeof(*words)); /* argp changes their order */
	/* argp's own messages take two lines: ours is one */
	ret = argp_parse(&argp, argc, words, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parse);
	free(words);
	if (ret && !line->err->code)
		xk_err_fill(line->err, -EINVAL, line->name, fix,
			    "unknown option, or one without its value: '%s'", parse.bad);
	if (ret)
		return CMD_USAGE;
	if (!line->packet)
		return 0;
	line->packet->ifname = line->args[0];
	return check_packet_opts(line->packet);
}

void opts_free(struct packet_opts *opts)
{
	free(opts->queues.number);
	free(opts->cpus.number);
	free(opts->rules);
}
