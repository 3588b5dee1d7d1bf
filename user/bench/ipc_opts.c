// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/ipc_notes.h"
#include "bench/ipc_opts.h"
#include "cmd.h"

#define MOST_TIMEOUT 3600.0

enum {
	KEY_METHOD = 0x100,
	KEY_METRIC,
	KEY_BYTES,
	KEY_TIMEOUT,
};

static const struct argp_option options[] = {
	{"method", KEY_METHOD, "LIST", 0,
	 "by name; an unknown one tells what there is (all; right, textbook)", 1},
	{"metric", KEY_METRIC, "LIST", 0, "throughput, rtt (both)", 1},
	{"bytes", KEY_BYTES, "LIST", 0, "of a message, from 8 to 1048576 (8,64,1024,65536)", 2},
	{"duration", 'd', "S", 0, "of a timed run (0.1)", 3},
	{"messages", 'n', "N", 0, "messages, or round trips, of each run, instead of a duration",
	 3},
	{"timeout", KEY_TIMEOUT, "S", 0,
	 "wait so long for the other end to come, and for a message to move (10)", 3},
	{0},
};

static const char doc[] =
	"Measure the ways in which two processes can hand messages to one another.\v"
	"Without METHOD all are measured between two processes on two CPUs. With it this is one of "
	"the two ends, which find each other by NAME; either may come first, the sender's options "
	"count. msgs/s: one way, as fast as they go, the median of --runs runs. Round trips are "
	"those of single messages, one after the other, of all runs. cpu s/M: CPU seconds of both "
	"ends for a million messages; calls: system calls of both for one message; copies: of a "
	"message, by anybody, on its one way; persistent: what the method makes outlives the "
	"processes. memory: what the kernel sets aside for one direction (shared memory: both). "
	"floor: one cache line's round trip between the two CPUs. Before the timed runs every byte "
	"is checked, in them numbers and order: lost and wrong are to be 0, but for the textbook's "
	"rows, which are kept to show what plain counters changed by two processes do.";

static int unknown_method(const char *word, struct xk_err *err)
{
	char fix[sizeof(err->fix)] = "there is";
	size_t len = strlen(fix);

	for (unsigned i = 0; ipc_methods[i] && len < sizeof(fix); i++)
		len += (size_t)snprintf(fix + len, sizeof(fix) - len, " %s", ipc_methods[i]->name);
	xk_err_fill(err, -EINVAL, "--method", fix, "'%s' is none", word);
	return CMD_USAGE;
}

/* A group of methods by one word, or NULL. */
static bool wants(const char *word, const struct ipc_method *method)
{
	if (!strcmp(word, "all"))
		return true;
	return method->textbook ? !strcmp(word, "textbook") : !strcmp(word, "right");
}

static int add_methods(const char *word, struct number_list *list)
{
	unsigned before = list->count;

	for (unsigned i = 0; ipc_methods[i]; i++) {
		bool listed = false;

		if (!wants(word, ipc_methods[i]) && strcmp(word, ipc_methods[i]->name))
			continue;
		for (unsigned j = 0; j < list->count; j++)
			listed |= list->number[j] == i;
		if (listed)
			before = UINT32_MAX;
		else
			list->number[list->count++] = i;
	}
	return list->count == before ? -EINVAL : 0;
}

static int parse_methods(const char *word, struct ipc_opts *o)
{
	char *copy = strdup(word), *save = NULL;
	unsigned all = 0;
	int ret = 0;

	while (ipc_methods[all])
		all++;
	free(o->methods.number);
	o->methods = (struct number_list){.number = calloc(all, sizeof(unsigned))};
	if (!copy || !o->methods.number)
		ret = xk_err_fill(o->err, -ENOMEM, "--method", NULL, "no memory");
	for (char *name = ret ? NULL : strtok_r(copy, ",", &save); name && !ret;
	     name = strtok_r(NULL, ",", &save))
		if (add_methods(name, &o->methods))
			ret = unknown_method(name, o->err);
	if (!ret && !o->methods.count)
		ret = unknown_method(word, o->err);
	free(copy);
	return ret;
}

static int parse_seconds(const char *option, const char *word, double *out, struct xk_err *err)
{
	int ret = opt_seconds(option, word, out, err);

	if (!ret && (*out < 0.001 || *out > MOST_TIMEOUT))
		ret = opt_bad(err, option, word, "seconds from 0.001 to 3600");
	return ret;
}

static const char *const metric_names[] = {"throughput", "rtt", NULL};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct ipc_opts *o = state->input;

	switch (key) {
	case KEY_METHOD:
		return parse_methods(word, o);
	case KEY_METRIC:
		return opt_choices("--metric", word, metric_names, &o->metrics, o->err);
	case KEY_BYTES:
		return opt_numbers("--bytes", word, IPC_MIN_BYTES, IPC_MAX_BYTES, &o->bytes,
				   o->err);
	case 'd':
		return parse_seconds("--duration", word, &o->run_s, o->err);
	case 'n':
		return opt_u64("--messages", word, 1, UINT64_C(1000000000000), &o->messages,
			       o->err);
	case KEY_TIMEOUT:
		return parse_seconds("--timeout", word, &o->timeout_s, o->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int set_defaults(struct ipc_opts *o)
{
	int ret = 0;

	if (!o->methods.count)
		ret = parse_methods("all", o);
	if (!ret && !o->metrics.count)
		ret = opt_choices("--metric", "throughput,rtt", metric_names, &o->metrics, o->err);
	if (!ret && !o->bytes.count)
		ret = opt_numbers("--bytes", o->method ? "64" : "8,64,1024,65536", IPC_MIN_BYTES,
				  IPC_MAX_BYTES, &o->bytes, o->err);
	return ret;
}

/* METHOD send|recv NAME */
static int parse_end(struct ipc_opts *o, const char *const word[3])
{
	if (!word[0])
		return 0;
	o->method = ipc_method_named(word[0]);
	if (!o->method)
		return unknown_method(word[0], o->err);
	if (!word[2])
		return opt_bad(o->err, IPC_WHAT, word[0], "METHOD send|recv NAME, or no METHOD");
	if (strcmp(word[1], "send") && strcmp(word[1], "recv"))
		return opt_bad(o->err, IPC_WHAT, word[1], "send or recv");
	o->side = !strcmp(word[1], "recv");
	o->name = word[2];
	if (!ipc_name_valid(o->name))
		return opt_bad(o->err, "NAME", o->name,
			       "at most 64 letters, digits, '-', '_' and single '.' inside");
	if (o->method->parent_only)
		return opt_bad(o->err, IPC_WHAT, word[0],
			       "methods that two shells can use: an anonymous mapping is only "
			       "inherited; futex is the same with a name");
	return 0;
}

int ipc_opts_parse(struct ipc_opts *opts, int argc, char **argv, struct xk_err *err)
{
	const char *word[3] = {NULL};
	const struct command_line line = {
		.name = IPC_WHAT,
		.args_doc = "[METHOD send|recv NAME]",
		.doc = doc,
		.options = options,
		.parser = parse,
		.input = opts,
		.max_args = 3,
		.args = word,
		.err = err,
	};
	int ret;

	*opts = (struct ipc_opts){
		.common = {.runs = 3,
			   .cpus_for =
				   "CPUs of sender and receiver, or one for both (of two shells: "
				   "for this end), or auto (auto)"},
		.run_s = 0.1,
		.timeout_s = 10,
		.err = err,
	};
	ret = bench_options_parse(&opts->common, &line, argc, argv);
	if (!ret && opts->common.cpus.count > 2)
		ret = opt_clash(err, "--cpu", "give one CPU for both ends, or one for each",
				"%u CPUs for two ends", opts->common.cpus.count);
	if (!ret)
		ret = parse_end(opts, word);
	return ret ? ret : set_defaults(opts);
}

void ipc_opts_free(struct ipc_opts *opts)
{
	free(opts->methods.number);
	free(opts->bytes.number);
	free(opts->metrics.number);
	bench_options_free(&opts->common);
}
