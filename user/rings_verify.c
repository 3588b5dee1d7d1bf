// SPDX-License-Identifier: BSD-2-Clause
/* ring verify: order, loss, duplicates, torn records. */
#include <errno.h>
#include <stdlib.h>
#include "bench/result.h"
#include "cmd.h"
#include "opts.h"
#include "rings.h"
#include "rings_stop.h"
#include "rings_verify.h"

#define COUNT 2000000u /* records, if nothing is said */

enum {
	KEY_ALGORITHM = 0x100,
	KEY_PRODUCERS,
	KEY_CONSUMERS,
	KEY_BYTES,
	KEY_SLOTS,
	KEY_BURST,
	KEY_SCOPE,
	KEY_WAIT,
};

struct verify_opts {
	struct number_list algorithms;
	struct verify_plan plan;
	bool json;
	struct xk_err *err;
};

static const struct argp_option options[] = {
	{"algorithm", KEY_ALGORITHM, "LIST", 0,
	 "spsc,spsc-latency,fanin,mpmc,textbook,mutex (those of the first four that can)", 1},
	{"producers", KEY_PRODUCERS, "N", 0, "at a time (1)", 2},
	{"consumers", KEY_CONSUMERS, "N", 0, "at a time (1)", 2},
	{"element-bytes", KEY_BYTES, "N", 0, "of a record, a multiple of 8 (64)", 2},
	{"slots", KEY_SLOTS, "N", 0, "of the ring, a power of two (4096)", 2},
	{"burst", KEY_BURST, "N", 0, "records a call (32)", 2},
	{"scope", KEY_SCOPE, "WHAT", 0, "threads or processes (threads)", 2},
	{"wait", KEY_WAIT, "HOW", 0, "spin or sleep, where the ring can (spin)", 2},
	{"records", 'n', "N", 0, "stop after N records, of all producers (2000000)", 3},
	{"duration", 'd', "S", 0, "stop after S seconds", 3},
	{"json", 'j', 0, 0, "JSON Lines instead of text", 3},
	{0},
};

static const char doc[] =
	"Verify rings on this machine: every word of every record, and the order of every "
	"producer's.\v"
	"lost: sent and never received; duplicated: received more than once; torn: with a word "
	"that "
	"nobody wrote there; reordered: after a later one of the same producer, with one "
	"consumer, or at the same consumer. Exit code 1 if there is any. A ring in which nothing "
	"moved for 2 seconds is given up (ended by quiet). With a NAME the ring has that name "
	"meanwhile, so that `xskit ring info NAME` shows it. textbook is a ring that many begin "
	"with; with 2 producers and 2 consumers it loses messages.";

static int opt_slots(const char *word, uint32_t *slots, struct xk_err *err)
{
	int ret = opt_u32("--slots", word, 2, 1u << 24, slots, err);

	if (!ret && *slots & (*slots - 1))
		ret = opt_bad(err, "--slots", word, "a power of two");
	return ret;
}

static int opt_bytes(const char *word, uint32_t *bytes, struct xk_err *err)
{
	int ret = opt_u32("--element-bytes", word, 8, XK_RING_BYTES_MAX, bytes, err);

	if (!ret && *bytes % 8)
		ret = opt_bad(err, "--element-bytes", word, "a multiple of 8");
	return ret;
}

static int parse_choice(int key, char *word, struct verify_opts *o)
{
	static const char *const scopes[] = {"threads", "processes", NULL};
	static const char *const waits[] = {"spin", "sleep", NULL};
	bool scope = key == KEY_SCOPE;
	int which, ret;

	if (key != KEY_SCOPE && key != KEY_WAIT)
		return ARGP_ERR_UNKNOWN;
	ret = opt_choice(scope ? "--scope" : "--wait", word, scope ? scopes : waits, &which,
			 o->err);
	if (!ret && scope)
		o->plan.processes = which;
	else if (!ret)
		o->plan.wait = which ? XK_WAIT_SLEEP : XK_WAIT_SPIN;
	return ret;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct verify_opts *o = state->input;
	struct verify_plan *plan = &o->plan;

	switch (key) {
	case KEY_ALGORITHM:
		return opt_choices("--algorithm", word, verify_algo_names, &o->algorithms, o->err);
	case KEY_PRODUCERS:
		return opt_u32("--producers", word, 1, VERIFY_MAX, &plan->producers, o->err);
	case KEY_CONSUMERS:
		return opt_u32("--consumers", word, 1, VERIFY_MAX, &plan->consumers, o->err);
	case KEY_BYTES:
		return opt_bytes(word, &plan->record_bytes, o->err);
	case KEY_SLOTS:
		return opt_slots(word, &plan->slots, o->err);
	case KEY_BURST:
		return opt_u32("--burst", word, 1, 4096, &plan->burst, o->err);
	case 'n':
		return opt_u64("--records", word, 1, UINT64_C(1) << 47, &plan->count, o->err);
	case 'd':
		return opt_seconds("--duration", word, &plan->duration_s, o->err);
	case 'j':
		o->json = true;
		return 0;
	}
	return parse_choice(key, word, o);
}

/* --- which algorithms --- */

/* Why this one cannot do it; NULL: it can. */
static const char *cannot(const struct verify_plan *plan, unsigned algo)
{
	bool single = algo + XK_RING_SPSC <= XK_RING_SPSC_LATENCY;

	if (single && (plan->producers > 1 || plan->consumers > 1))
		return "one producer and one consumer";
	if (algo + XK_RING_SPSC == XK_RING_MPMC && plan->producers + plan->consumers > VERIFY_MAX)
		return "128 users";
	if (algo == VERIFY_TEXTBOOK && plan->record_bytes != 64)
		return "records of 64 bytes";
	if (algo >= VERIFY_TEXTBOOK && plan->name)
		return "no name";
	return NULL;
}

static int add_algorithm(struct verify_opts *o, unsigned algo)
{
	struct number_list *list = &o->algorithms;

	if (!list->number)
		list->number = calloc(VERIFY_TEXTBOOK, sizeof(*list->number));
	if (!list->number)
		return xk_err_fill(o->err, -ENOMEM, "ring verify", NULL, "no memory");
	list->number[list->count++] = algo;
	return 0;
}

static int choose(struct verify_opts *o)
{
	bool given = o->algorithms.count;
	int ret = 0;

	for (unsigned algo = 0; !given && !ret && algo < VERIFY_TEXTBOOK; algo++)
		if (!cannot(&o->plan, algo))
			ret = add_algorithm(o, algo);
	for (unsigned i = 0; i < o->algorithms.count && !ret; i++) {
		unsigned algo = o->algorithms.number[i];
		const char *has = cannot(&o->plan, algo);

		if (has)
			ret = xk_err_fill(o->err, CMD_USAGE, "--algorithm",
					  "see `xskit ring verify --help`", "%s has %s",
					  verify_algo_names[algo], has);
	}
	if (!ret && !o->algorithms.count)
		ret = opt_clash(o->err, "--consumers", "128 and less together, for mpmc",
				"'%u' and %u producers are too many for any algorithm",
				o->plan.consumers, o->plan.producers);
	return ret;
}

/* --- rows --- */

#define COLUMN(key, heading, kind, field, width)                                                   \
	{                                                                                          \
		key, heading, kind, offsetof(struct verify_row, field), width, 2, 0                \
	}

static const struct result_column columns[] = {
	COLUMN("algorithm", "algorithm", RESULT_TEXT, algorithm, -12),
	COLUMN("producers", "prod", RESULT_COUNT, producers, 4),
	COLUMN("consumers", "cons", RESULT_COUNT, consumers, 4),
	COLUMN("sent", "sent", RESULT_U64, sent, 11),
	COLUMN("received", "received", RESULT_U64, received, 11),
	COLUMN("lost", "lost", RESULT_U64, lost, 8),
	COLUMN("duplicated", "duplicated", RESULT_U64, duplicated, 10),
	COLUMN("torn", "torn", RESULT_U64, torn, 8),
	COLUMN("reordered", "reordered", RESULT_U64, reordered, 9),
	COLUMN("producer_waits", "prod waits", RESULT_U64, producer_waits, 10),
	COLUMN("consumer_waits", "cons waits", RESULT_U64, consumer_waits, 10),
	COLUMN("duration_s", "s", RESULT_REAL, seconds, 6),
	COLUMN("ended", "ended by", RESULT_TEXT, ended, -8),
	COLUMN("produced", NULL, RESULT_U64, produced, 0),
	COLUMN("consumed", NULL, RESULT_U64, consumed, 0),
};

static bool is_wrong(const struct verify_row *row)
{
	return row->lost || row->duplicated || row->torn || row->reordered;
}

static int wrong(const struct verify_row *row, struct xk_err *err)
{
	return xk_err_fill(err, -EBADMSG, "ring verify", NULL,
			   "%s: of %llu records %llu lost, %llu duplicated, %llu torn, %llu "
			   "reordered",
			   row->algorithm, (unsigned long long)row->sent,
			   (unsigned long long)row->lost, (unsigned long long)row->duplicated,
			   (unsigned long long)row->torn, (unsigned long long)row->reordered);
}

/* The first that is wrong is the error; the others are verified all the same. */
static int verify_all(struct verify_opts *o, struct result *result)
{
	struct verify_row row;
	int ret = 0, bad = 0;

	for (unsigned i = 0; i < o->algorithms.count && !ret && !rings_stopped(); i++) {
		o->plan.algo = (enum verify_algo)o->algorithms.number[i];
		ret = verify_run(&o->plan, &row, o->err);
		if (ret)
			return ret;
		result_row(result, &row);
		if (!bad && is_wrong(&row))
			bad = wrong(&row, o->err);
	}
	return bad;
}

static int run(struct verify_opts *o, int argc, char **argv)
{
	struct result result = {
		.command = "ring verify",
		.experiment = "ring-verify",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.json = o->json,
	};
	int ret = rings_stop_catch(o->err);

	if (ret)
		return ret;
	result_begin(&result, argc, argv, NULL);
	ret = verify_all(o, &result);
	result_end(&result, rings_stopped() ? "signal" : ret ? "error" : "done", NULL);
	return ret;
}

int rings_verify(int argc, char **argv, struct xk_err *err)
{
	struct verify_opts o = {
		.plan = {.producers = 1,
			 .consumers = 1,
			 .record_bytes = 64,
			 .slots = 4096,
			 .burst = 32,
			 .wait = XK_WAIT_SPIN},
		.err = err,
	};
	const struct command_line line = {
		.name = "ring verify",
		.args_doc = "[NAME]",
		.doc = doc,
		.options = options,
		.parser = parse,
		.input = &o,
		.max_args = 1,
		.args = &o.plan.name,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	if (!ret && !o.plan.count && !(o.plan.duration_s > 0))
		o.plan.count = COUNT;
	if (!ret)
		ret = choose(&o);
	if (!ret)
		ret = run(&o, argc, argv);
	free(o.algorithms.number);
	return ret;
}
