/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jsonl.h - JSON Lines on stdout: one object a line, the first of them with the facts about this
 * machine.
 */
#ifndef XSKIT_JSONL_H
#define XSKIT_JSONL_H

#include <jansson.h>

void jsonl_print(json_t *line); /* at once, and free it */

/* {"type":"start","schema":1,command,version,kernel,cpu_model,mitigations,argv}, to add to. */
json_t *jsonl_start(const char *command, int argc, char **argv);

/* Of this machine, as in the start line; static text, read once. */
const char *jsonl_cpu_model(void);
const char *jsonl_kernel(void);

#endif
