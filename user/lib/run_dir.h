/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_dir.h - /run/xskit, where processes of one user leave notes for one another: which CPUs have
 * a spinning worker, which settings are to be put back.
 *
 * The directory and its files are the caller's own, nobody else's to enter (0700), no link, and on
 * the file system of /run: what somebody else put in their place is refused.
 */
#ifndef XSKIT_RUN_DIR_H
#define XSKIT_RUN_DIR_H

#include <stdbool.h>

#define XK_RUN_DIR "/run/xskit"

/* A descriptor of it, for the caller to close, or -errno: -ENOENT, unless `create`; -EPERM it is
 * not ours alone. */
int xk_run_dir_open(bool create);

/* A regular file in it, opened with these flags of open(2) (mode 0600), following nothing; -EPERM
 * it is not ours alone. */
int xk_run_dir_file(int dir, const char *name, int flags);

#endif
