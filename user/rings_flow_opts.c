// SPDX-License-Identifier: BSD-2-Clause
/* The options of send and recv. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "opts.h"
#include "rings_lines.h"

enum {
	KEY_KIND = 0x100,
	KEY_BYTES,
	KEY_SLOTS,
	KEY_LANES,
	KEY_USERS,
	KEY_MODE,
	KEY_HUGE,
	KEY_NODE,
	KEY_WAIT,
	KEY_TIMEOUT,
	KEY_LINES,
	KEY_RAW,
	KEY_FOLLOW,
	KEY_UNLINK,
};

/* of both */
#define COMMON_OPTIONS                                                                              \
	{"wait", KEY_WAIT, "HOW", 0, "sleep or spin (sleep; spin if the ring was made so)", 3},     \
		{"timeout", KEY_TIMEOUT, "S", 0, "give up after waiting for S seconds (never)", 3}, \
		{"duration", 'd', "S", 0, "stop after S seconds (0: no limit)", 3},                 \
		{"records", 'n', "N", 0, "stop after N records", 3},                                \
		{"lines", KEY_LINES, 0, 0, "a record is a line (so it is)", 4},                     \
		{"raw", KEY_RAW, 0, 0, "a record is --record-bytes bytes, whatever they are", 4},   \
		{"interval", 'i', "S", 0, "a line of figures every S seconds", 5},                  \
	{                                                                                           \
		"json", 'j', 0, 0, "JSON Lines instead of text; see below", 5                       \
	}

static const struct argp_option send_options[] = {
	{"kind", KEY_KIND, "KIND", 0, "spsc spsc-latency fanin mpmc (spsc)", 1},
	{"record-bytes", KEY_BYTES, "N", 0, "of a record (256); a line takes 16 more than it has",
	 1},
	{"slots", KEY_SLOTS, "N", 0, "records, fanin: a lane, a power of two (4096, latency: 64)",
	 1},
	{"lanes", KEY_LANES, "N", 0, "fanin: senders at a time (8)", 1},
	{"users", KEY_USERS, "N", 0, "at a time, mpmc: of both sides (16), fanin: receivers (8)",
	 1},
	{"mode", KEY_MODE, "MODE", 0, "of the file: 0600 0640 0604 0644 (0600)", 2},
	{"hugepages", KEY_HUGE, "HOW", OPTION_ARG_OPTIONAL, "auto on off (off)", 2},
	{"node", KEY_NODE, "N", 0, "NUMA node of the memory", 2},
	{"follow", KEY_FOLLOW, 0, 0, "wait on, also when the receivers have left", 3},
	COMMON_OPTIONS,
	{0},
};

static const struct argp_option recv_options[] = {
	{"follow", KEY_FOLLOW, 0, 0, "stay for the next sender when the last one has left", 3},
	{"unlink", KEY_UNLINK, 0, 0, "take the ring's name away at the end", 3},
	COMMON_OPTIONS,
	{0},
};

static const char send_doc[] =
	"Send what comes on stdin into the ring NAME, which is made if there is none.\v"
	"Waits while the ring is full; fails when the receivers have left meanwhile, and waits for "
	"another one when they died. A line too long for a record is an error, and so are bytes "
	"left over at the end of --raw; what came before them was sent. The ring stays until "
	"`xskit ring unlink NAME`. JSON goes to stdout, text to stderr.";

static const char recv_doc[] =
	"Write what arrives in the ring NAME to stdout, until the senders have left.\v"
	"Waits for the name, and for a sender. A sender that died does not count as one: what it "
	"had sent arrives, and the exit code is 1. After a kill -9 the next receiver goes on: with "
	"spsc, and with fanin if it is the only receiver, nothing is lost, and the last records "
	"may come twice; with the other kinds those not yet written, a few hundred at most, are "
	"gone. Lines are numbered: missing, repeated, torn and reordered ones are found (raw "
	"records are not checked), and make the exit code 1. Text and JSON go to stderr: stdout is "
	"the data.";

/* --- words --- */

static int opt_power(const char *word, uint32_t *slots, struct xk_err *err)
{
	char takes[96];
	uint32_t below = 1;
	int ret = opt_u32("--slots", word, 1, XK_RING_SLOTS_MAX, slots, err);

	if (ret || !(*slots & (*slots - 1)))
		return ret;
	while (below * 2 < *slots)
		below *= 2;
	snprintf(takes, sizeof(takes), "a power of two: the nearest are %u and %u", below,
		 below * 2);
	return opt_bad(err, "--slots", word, takes);
}

static int opt_mode(const char *word, mode_t *mode, struct xk_err *err)
{
	static const char *const words[] = {"0600", "0640", "0604", "0644", NULL};
	static const mode_t modes[] = {0600, 0640, 0604, 0644};
	int which, ret = opt_choice("--mode", word, words, &which, err);

	if (!ret)
		*mode = modes[which];
	return ret;
}

static int opt_kind(const char *word, enum xk_ring_kind *kind, struct xk_err *err)
{
	int which, ret = opt_choice("--kind", word, rings_kind_names, &which, err);

	if (!ret)
		*kind = (enum xk_ring_kind)(which + XK_RING_SPSC);
	return ret;
}

static int opt_huge(const char *word, enum xk_huge *huge, struct xk_err *err)
{
	static const char *const words[] = {"auto", "on", "off", NULL};
	int which, ret = opt_choice("--hugepages", word ? word : "on", words, &which, err);

	if (!ret)
		*huge = (enum xk_huge)which;
	return ret;
}

static int opt_node(const char *word, int *node, struct xk_err *err)
{
	uint32_t n;
	int ret = opt_u32("--node", word, 0, 1023, &n, err);

	if (!ret)
		*node = (int)n;
	return ret;
}

static int opt_wait(const char *word, enum xk_ring_wait *wait, struct xk_err *err)
{
	static const char *const words[] = {"spin", "sleep", NULL};
	int which, ret = opt_choice("--wait", word, words, &which, err);

	if (!ret)
		*wait = which ? XK_WAIT_SLEEP : XK_WAIT_SPIN;
	return ret;
}

/* --- the parser --- */

static int parse_flag(int key, struct rings_flow_opts *o)
{
	switch (key) {
	case KEY_LINES:
		o->raw = false;
		return 0;
	case KEY_RAW:
		o->raw = true;
		return 0;
	case KEY_FOLLOW:
		o->follow = true;
		return 0;
	case KEY_UNLINK:
		o->unlink = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int parse_common(int key, char *word, struct rings_flow_opts *o)
{
	switch (key) {
	case KEY_WAIT:
		o->asked |= ASKED_WAIT;
		return opt_wait(word, &o->wait, o->err);
	case KEY_TIMEOUT:
		return opt_seconds("--timeout", word, &o->timeout_s, o->err);
	case 'd':
		return opt_seconds("--duration", word, &o->duration_s, o->err);
	case 'n':
		return opt_u64("--records", word, 1, UINT64_MAX, &o->records, o->err);
	case 'i':
		return opt_seconds("--interval", word, &o->interval_s, o->err);
	}
	return parse_flag(key, o);
}

static error_t parse_recv(int key, char *word, struct argp_state *state)
{
	return parse_common(key, word, state->input);
}

static int parse_memory(int key, char *word, struct rings_flow_opts *o)
{
	switch (key) {
	case KEY_MODE:
		o->asked |= ASKED_NEW;
		return opt_mode(word, &o->mode, o->err);
	case KEY_HUGE:
		o->asked |= ASKED_NEW;
		return opt_huge(word, &o->huge, o->err);
	case KEY_NODE:
		o->asked |= ASKED_NEW;
		return opt_node(word, &o->node, o->err);
	}
	return parse_common(key, word, o);
}

static error_t parse_send(int key, char *word, struct argp_state *state)
{
	struct rings_flow_opts *o = state->input;
	struct rings_config *c = &o->config;

	switch (key) {
	case KEY_KIND:
		o->asked |= ASKED_KIND;
		return opt_kind(word, &c->kind, o->err);
	case KEY_BYTES:
		o->asked |= ASKED_RECORD;
		return opt_u32("--record-bytes", word, 1, XK_RING_BYTES_MAX, &c->record_bytes,
			       o->err);
	case KEY_SLOTS:
		o->asked |= ASKED_SLOTS;
		return opt_power(word, &c->slots, o->err);
	case KEY_LANES:
		o->asked |= ASKED_LANES;
		return opt_u32("--lanes", word, 1, XK_RING_SEATS_MAX, &c->lanes, o->err);
	case KEY_USERS:
		o->asked |= ASKED_USERS;
		return opt_u32("--users", word, 1, XK_RING_SEATS_MAX, &c->users, o->err);
	}
	return parse_memory(key, word, o);
}

/* --- what goes together --- */

static int check_sizes(struct rings_flow_opts *o)
{
	struct rings_config *c = &o->config;
	bool mpmc = c->kind == XK_RING_MPMC, fanin = c->kind == XK_RING_FANIN;

	if (!fanin && o->asked & ASKED_LANES)
		return opt_clash(o->err, "--lanes", "give --kind fanin beside it",
				 "'%u' without --kind fanin, which has lanes", c->lanes);
	if (!fanin && !mpmc && o->asked & ASKED_USERS)
		return opt_clash(o->err, "--users", "give --kind mpmc or fanin beside it",
				 "'%u' with a kind that has one of each", c->users);
	if (!c->slots)
		c->slots = c->kind == XK_RING_SPSC_LATENCY ? 64 : 4096;
	if (!c->users)
		c->users = mpmc ? 16 : 0;
	if (!rings_size(c))
		return opt_clash(o->err, "--slots", "give 2 and more with this kind",
				 "'%u' slots make no ring", c->slots);
	if (!o->raw && c->record_bytes <= sizeof(struct rings_line))
		return opt_clash(o->err, "--record-bytes", "17 and more hold one, or give --raw",
				 "'%u' hold no line, which has 16 bytes in front", c->record_bytes);
	return 0;
}

int rings_flow_parse(struct rings_flow_opts *o, enum xk_ring_role role, int argc, char **argv,
		     struct xk_err *err)
{
	bool sends = role == XK_ROLE_PRODUCER;
	struct command_line line = {
		.name = sends ? "ring send" : "ring recv",
		.args_doc = "NAME",
		.doc = sends ? send_doc : recv_doc,
		.options = sends ? send_options : recv_options,
		.parser = sends ? parse_send : parse_recv,
		.input = o,
		.min_args = 1,
		.max_args = 1,
		.args = &o->name,
		.err = err,
	};
	int ret;

	*o = (struct rings_flow_opts){
		.command = line.name,
		.config = {.kind = XK_RING_SPSC, .record_bytes = 256, .lanes = 8},
		.huge = XK_HUGE_OFF,
		.node = -1,
		.wait = XK_WAIT_SLEEP,
		.timeout_s = -1,
		.err = err,
		.argc = argc,
		.argv = argv,
	};
	ret = opts_parse(&line, argc, argv);
	if (ret)
		return ret;
	o->config.flags = o->wait == XK_WAIT_SLEEP ? XK_RING_SLEEP : 0;
	return check_sizes(o);
}
