/* SPDX-License-Identifier: BSD-2-Clause */
/* options.h - the options that all experiments have, and how often and how long they measure. */
#ifndef XSKIT_BENCH_OPTIONS_H
#define XSKIT_BENCH_OPTIONS_H

#include "opts.h"

struct bench_options {
	uint32_t runs, run_ms;   /* as they come: the defaults. 0: there is no such option */
	struct number_list cpus; /* empty: auto */
	const char *cpus_for;    /* --help: whose they are, and what auto means */
	bool json;
	struct xk_err *err; /* set by bench_options_parse() */
};

/* A command line with these besides its own: opts_parse(), which see. Free in either case. */
int bench_options_parse(struct bench_options *options, const struct command_line *line, int argc,
			char **argv);
void bench_options_free(struct bench_options *options);

#endif
