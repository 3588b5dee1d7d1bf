/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysroot.h - files of /sys and /proc, as this network namespace sees them.
 *
 * Interfaces are looked up below the sysfs of the namespace the process is in, also where the /sys
 * that is mounted is another's (nsenter --net leaves it so): it takes CAP_SYS_ADMIN then, else
 * -EPERM. Tests plant a tree of their own: with
 * XSKIT_SYSROOT=DIR in the environment everything is opened inside DIR, and nothing outside it.
 *
 * Thread contract: one thread at a time; the process does not change its network namespace once it
 * has looked at an interface.
 */
#ifndef XSKIT_SYSROOT_H
#define XSKIT_SYSROOT_H

#include <stdbool.h>
#include <stddef.h>

/* As open(2) of an absolute path; close-on-exec. A descriptor or -errno. */
int sysroot_open(const char *path, int flags);

/* The whole of a small file, without the newline at its end: its length, -errno, -E2BIG. */
int sysroot_read(const char *path, char *out, size_t size);

/* In one write(2), as the kernel wants it: 0 or -errno. Never makes a file. */
int sysroot_write(const char *path, const char *text);

bool sysroot_is_planted(void); /* in a tree of XSKIT_SYSROOT */

#endif
