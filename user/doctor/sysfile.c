// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "doctor/sysfile.h"
#include "sysroot.h"

static int open_v(int flags, const char *format, va_list args)
{
	char path[PATH_MAX];

	vsnprintf(path, sizeof(path), format, args);
	return sysroot_open(path, O_RDONLY | flags);
}

/* As much as there is room for; some files of /proc end nowhere near. */
static int read_fd(int fd, char *out, size_t size)
{
	size_t at = 0;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	while (at + 1 < size && (n = read(fd, out + at, size - 1 - at)) > 0)
		at += (size_t)n;
	out[at] = '\0';
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

int sysfile_all(char *out, size_t size, const char *path, ...)
{
	va_list args;
	int fd;

	va_start(args, path);
	fd = open_v(0, path, args);
	va_end(args);
	return read_fd(fd, out, size);
}

int sysfile_line(char *out, size_t size, const char *path, ...)
{
	va_list args;
	int fd, rc;

	va_start(args, path);
	fd = open_v(0, path, args);
	va_end(args);
	rc = read_fd(fd, out, size);
	if (!rc)
		out[strcspn(out, "\n")] = '\0';
	return rc;
}

int sysfile_number(long long *out, const char *path, ...)
{
	char text[64], *end;
	va_list args;
	int fd, rc;

	va_start(args, path);
	fd = open_v(0, path, args);
	va_end(args);
	rc = read_fd(fd, text, sizeof(text));
	if (rc)
		return rc;
	*out = strtoll(text, &end, 0);
	return end == text ? -EINVAL : 0;
}

int sysfile_names(char names[][SYSFILE_NAME], int max, const char *path, ...)
{
	struct dirent *entry;
	va_list args;
	int fd, n = 0;
	DIR *dir;

	va_start(args, path);
	fd = open_v(O_DIRECTORY, path, args);
	va_end(args);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	while (dir && n < max && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(names[n++], SYSFILE_NAME, "%.63s", entry->d_name);
	if (dir)
		closedir(dir);
	else
		close(fd);
	return dir ? n : -ENOMEM;
}

/* /sys may have been mounted in another network namespace, with an interface of the same name. */
static bool mounted_here(const char *ifname)
{
	char path[128], text[32];
	unsigned here = if_nametoindex(ifname);

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/ifindex", ifname);
	return here && !read_fd(open(path, O_RDONLY | O_CLOEXEC), text, sizeof(text)) &&
	       strtoul(text, NULL, 10) == here;
}

void sysfile_net_write(const char *ifname, const char *file, const char *text, char *out,
		       size_t size)
{
	char command[256];

	snprintf(command, sizeof(command), "echo %s > /sys/class/net/%.15s/%s", text, ifname, file);
	if (mounted_here(ifname))
		snprintf(out, size, "%s", command);
	else
		snprintf(out, size, "unshare -m sh -c 'mount -t sysfs sysfs /sys && %s'", command);
}

unsigned sysfile_namespace(const char *kind)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", kind);
	return stat(path, &st) ? 0 : (unsigned)st.st_ino;
}

int sysfile_cpu_list(const char *text, int *cpus, int max)
{
	int n = 0;

	while (*text >= '0' && *text <= '9') {
		char *end;
		long from = strtol(text, &end, 10), to = from;

		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		if (to < from || to > INT_MAX)
			return -EINVAL;
		for (long cpu = from; cpu <= to && n < max; cpu++)
			cpus[n++] = (int)cpu;
		text = end + (*end == ',');
	}
	return *text && *text != '\n' ? -EINVAL : n;
}
