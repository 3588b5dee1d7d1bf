/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output.h - a file that is either there whole or not at all: written under a temporary name made
 * with O_EXCL in the same directory, then renamed. Under sudo it belongs to the invoking user, and
 * is made with that user's rights. Committing needs no privilege but CAP_DAC_OVERRIDE where root
 * writes into a directory of somebody else's.
 *
 * What is there and no regular file (a FIFO, a device, /dev/stdout) stays what it is, and is
 * written into; opening a FIFO waits for its reader. A symbolic link of one's own or root's is
 * followed, and the file behind it replaced. Opening refuses a directory (-EISDIR) and a link of
 * somebody else's (-ELOOP). `path` must stay until the end.
 */
#ifndef XSKIT_OUTPUT_H
#define XSKIT_OUTPUT_H

#include <stdio.h>
#include <xskit/err.h>

struct output;

int output_open(struct output **output, const char *path, struct xk_err *err);
FILE *output_file(struct output *output);
int output_commit(struct output *output, struct xk_err *err); /* rename into place, and free */
void output_abort(struct output *output); /* leave nothing, and free; NULL: nothing */

#endif
