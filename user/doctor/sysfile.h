/* SPDX-License-Identifier: BSD-2-Clause */
/* sysfile.h - what the checks read of /proc and /sys (sysroot.h). Paths are printf formats. */
#ifndef XSKIT_DOCTOR_SYSFILE_H
#define XSKIT_DOCTOR_SYSFILE_H

#include <stddef.h>

#define SYSFILE_NAME 64

/* The first line of a file, the whole of it, or the number it begins with: 0 or -errno. */
int sysfile_line(char *out, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
int sysfile_all(char *out, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
int sysfile_number(long long *out, const char *path, ...) __attribute__((format(printf, 2, 3)));

/* The names in a directory but those with a dot in front, at most max: how many, or -errno. */
int sysfile_names(char names[][SYSFILE_NAME], int max, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The shell command that writes text into a file of the interface's directory; where /sys is that
 * of another network namespace, it mounts the right one for itself.
 */
void sysfile_net_write(const char *ifname, const char *file, const char *text, char *out,
		       size_t size);

/* The namespace ("net", "pid") this thread is in, by its inode; 0: it cannot be told. */
unsigned sysfile_namespace(const char *kind);

/* CPUs of a list such as 0-3,8: how many, the numbers in cpus (at most max), or -EINVAL. */
int sysfile_cpu_list(const char *text, int *cpus, int max);

#endif
