/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opts.h - the options all packet commands share, as an argp child, and the small parsers that
 * every command's own options use. Nothing here acts; it only reads words.
 */
#ifndef XSKIT_OPTS_H
#define XSKIT_OPTS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <xskit/err.h>
#include <xskit/port.h>
#include <xskit/prog.h>
#include <xskit/worker.h>
#include "abi.h"

/* --require */
#define REQUIRE_NATIVE    (1u << 0)
#define REQUIRE_ZEROCOPY  (1u << 1)
#define REQUIRE_BUSYPOLL  (1u << 2)
#define REQUIRE_HUGEPAGES (1u << 3)
#define REQUIRE_NODE      (1u << 4)

/* A list such as 0,2-3. */
struct number_list {
	unsigned count; /* 0: "all" or "auto" */
	unsigned *number;
};

struct packet_opts {
	const char *ifname, *ifname2; /* ifname2 NULL: one interface */
	struct number_list queues;    /* empty: all */
	double duration_s;            /* 0: until stopped */
	uint64_t packets;             /* 0: no limit */
	enum xk_mode mode;
	enum xk_bind bind;
	enum xk_idle poll;
	uint32_t busy_budget, batch, frames, frame_size, ring_size, tx_budget;
	struct number_list cpus; /* empty: auto */
	int node;                /* -1: the interface's */
	enum xk_attach attach;
	enum xk_huge hugepages;
	uint32_t keep;
	bool keep_given;
	struct xk_rule *rules; /* of --keep and --match, and the command's own */
	unsigned n_rules;
	unsigned require;
	int tune;                     /* enum tune_profile, -1: none */
	uint64_t given;               /* which of the shared options were: opts_given() */
	const char *pinned, *pinned2; /* of the second interface */
	bool force, json, verbose;
	double interval_s; /* 0: no interval lines */
	struct xk_err *err;
	int argc; /* the command line as given, for the report's first line */
	char **argv;
};

/*
 * Parse a command line: `options` and `parser` are the command's own, and `input` goes to its
 * parser in state->input; packet (NULL: the command has no packet options) takes the shared ones.
 * 0; CMD_HELPED after --help, which prints to stdout; or CMD_USAGE with *err filled.
 */
struct command_line {
	const char *name;     /* "rx" */
	const char *args_doc; /* "IFACE" */
	const char *doc;      /* one line, then \v and more */
	const struct argp_option *options;
	argp_parser_t parser; /* NULL: no options of its own */
	void *input;
	unsigned min_args, max_args;
	const char **args; /* room for max_args words; the first is the interface */
	struct packet_opts *packet;
	const struct argp *child; /* without packet: options shared by some commands, or NULL */
	void *child_input;
	struct xk_err *err;
};
int opts_parse(const struct command_line *line, int argc, char **argv);
void opts_free(struct packet_opts *opts);

/* Was this shared option on the command line? name as in --name. */
bool opts_given(const struct packet_opts *opts, const char *name);

/* Room for n more rules behind the ones given; NULL: too many, or no memory. */
struct xk_rule *opts_add_rules(struct packet_opts *opts, unsigned n);

/* opts_words.c: words to numbers; 0, or CMD_USAGE with *err naming the option, the word and what it
 * takes. */
int opt_u64(const char *option, const char *word, uint64_t min, uint64_t max, uint64_t *out,
	    struct xk_err *err);
int opt_u32(const char *option, const char *word, uint32_t min, uint32_t max, uint32_t *out,
	    struct xk_err *err);
int opt_seconds(const char *option, const char *word, double *out, struct xk_err *err);
int opt_choice(const char *option, const char *word, const char *const *choices, int *out,
	       struct xk_err *err);
int opt_dir(const char *option, const char *word, const char **out, struct xk_err *err);
int opt_bad(struct xk_err *err, const char *option, const char *word, const char *takes);
/* The word is valid, but not here: the format tells why, with the word. CMD_USAGE. */
int opt_clash(struct xk_err *err, const char *option, const char *fix, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * opts_lists.c: one word to several values, in the order given; 0, or CMD_USAGE as above. What the
 * list held before is freed, so that an option may be given twice. free(list->number) in the end.
 */
int opt_numbers(const char *option, const char *word, unsigned min, unsigned max,
		struct number_list *list, struct xk_err *err); /* 1,4-6: each once */
int opt_list(const char *option, const char *word, const char *everything, unsigned max,
	     struct number_list *list, struct xk_err *err); /* the same, or empty: `everything` */
int opt_choices(const char *option, const char *word, const char *const *choices,
		struct number_list *list, struct xk_err *err); /* a,b: their places in choices */

#endif
