// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>
#include "sysroot.h"

#define INTERFACES "/sys/class/net/"

static const char *planted(void)
{
	const char *root = secure_getenv("XSKIT_SYSROOT");

	return root && *root ? root : NULL;
}

bool sysroot_is_planted(void)
{
	return planted();
}

/* As if `root` were the root directory: links that lead out of it stay inside. */
static int open_inside(const char *root, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd < 0)
		fd = -errno;
	close(dir);
	return fd;
}

/* A mount of sysfs that is attached nowhere, and so is gone with its descriptor. */
static int mount_sysfs(void)
{
	int fs = fsopen("sysfs", FSOPEN_CLOEXEC), mount = -1;

	if (fs < 0)
		return -errno;
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mount < 0)
		mount = -errno;
	close(fs);
	return mount;
}

/* Is the interface of the mounted /sys the one of that name here, and not another namespace's? */
static bool is_here(const char *path)
{
	char name[IF_NAMESIZE], file[64];
	unsigned there = 0;
	FILE *f;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(path + strlen(INTERFACES), "/"),
		 path + strlen(INTERFACES));
	snprintf(file, sizeof(file), INTERFACES "%s/ifindex", name);
	f = fopen(file, "re");
	if (!f)
		return false;
	if (fscanf(f, "%u", &there) != 1)
		there = 0;
	fclose(f);
	return there && there == if_nametoindex(name);
}

/*
 * The mount is kept for the life of the process, which may give up what it takes to mount. Where it
 * may not be mounted, the /sys that is there has to do.
 */
static int open_interface(const char *path, int flags)
{
	static int mount = -1;

	if (mount < 0)
		mount = mount_sysfs();
	if (mount >= 0)
		return openat(mount, path + strlen("/sys/"), flags | O_CLOEXEC);
	if (is_here(path))
		return open(path, flags | O_CLOEXEC);
	errno = -mount;
	return -1;
}

int sysroot_open(const char *path, int flags)
{
	const char *root = planted();
	int fd;

	if (root)
		return open_inside(root, path, flags);
	if (!strncmp(path, INTERFACES, strlen(INTERFACES)))
		fd = open_interface(path, flags);
	else
		fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysroot_read(const char *path, char *out, size_t size)
{
	int fd = sysroot_open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (len < size && (n = read(fd, out + len, size - len)) > 0)
		len += (size_t)n;
	n = n < 0 ? -errno : 0;
	close(fd);
	if (n || len == size)
		return n ? (int)n : -E2BIG;
	len -= len && out[len - 1] == '\n';
	out[len] = '\0';
	return (int)len;
}

int sysroot_write(const char *path, const char *text)
{
	int fd = sysroot_open(path, O_WRONLY | O_TRUNC); /* the kernel's own files ignore O_TRUNC */
	int rc = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}
