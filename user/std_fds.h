/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * std_fds.h - descriptors 0 to 2 are stdin, stdout and stderr, and what was printed has arrived.
 *
 * Thread contract: the thread that prints; main opens them before everything else.
 */
#ifndef XSKIT_STD_FDS_H
#define XSKIT_STD_FDS_H

/* Those of 0 to 2 that are closed would be the next files opened, and get what is meant for people.
 * They become ones that can be neither read nor written: EBADF, as if they were closed. */
void std_fds_open(void);

/* Flush stdout. 0, or a negative errno, the first one: something printed on it did not get there.
 */
int std_fds_flush(void);

#endif
