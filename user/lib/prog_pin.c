// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pins on hostile ground: a bpffs is mode 1777, and we are root there. Directories are walked by
 * fd, without symlinks, and used only if nobody else can write to them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <bpf/bpf.h>
#include "prog_internal.h"

#define ABI_PREFIX "xskit_abi_"

/* A directory reached on the way down. */
struct step {
	int fd;
	bool bpffs;   /* on a bpffs, and not its root */
	bool private; /* ours, and nobody else can even look in */
};

static bool on_bpffs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static int open_at(int fd, const char *name, bool make)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int next = openat(fd, name, flags);

	if (next >= 0 || errno != ENOENT || !make || !on_bpffs(fd))
		return next < 0 ? -errno : next;
	if (mkdirat(fd, name, 0700) && errno != EEXIST)
		return -errno;
	next = openat(fd, name, flags);
	return next < 0 ? -errno : next;
}

/*
 * Whether others can put things there or under it. Below a directory of ours that is closed to
 * others (xdp-loader makes the last one as its umask has it) it is enough that only we write.
 */
static bool trusted(const struct stat *st, bool parent_private, bool strict, bool last)
{
	bool ours = st->st_uid == geteuid(), closed = !(st->st_mode & 077);

	if (strict)
		return ours && closed;
	if (last)
		return ours && (closed || (parent_private && !(st->st_mode & 022)));
	return (ours || !st->st_uid) && !(st->st_mode & 022);
}

/* One directory further down; 0, -EPERM not to be trusted, other -errno. */
static int step_down(struct step *at, const char *name, bool make, bool last)
{
	bool parent_on = on_bpffs(at->fd), parent_private = at->private;
	int fd = open_at(at->fd, name, make);
	struct stat st, parent;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) || fstat(at->fd, &parent)) {
		close(fd);
		return -EIO;
	}
	close(at->fd);
	at->fd = fd;
	at->bpffs = on_bpffs(fd) && parent_on && st.st_dev == parent.st_dev;
	at->private = at->bpffs && st.st_uid == geteuid() && !(st.st_mode & 077);
	return !at->bpffs || trusted(&st, parent_private, make, last) ? 0 : -EPERM;
}

static int walk(const char *dir, bool make)
{
	struct step at = {.fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	char path[PATH_MAX], *save = NULL, *name, *next;
	int rc = at.fd < 0 ? -errno : 0;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		rc = -ENAMETOOLONG;
	name = strtok_r(path, "/", &save);
	for (; name && !rc; name = next) {
		next = strtok_r(NULL, "/", &save);
		rc = strcmp(name, "..") ? step_down(&at, name, make, !next) : -EINVAL;
	}
	if (!rc && !at.bpffs)
		rc = -EMEDIUMTYPE;
	if (rc && at.fd >= 0)
		close(at.fd);
	return rc ? rc : at.fd;
}

static int walk_error(const char *dir, int rc, struct xk_err *err)
{
	const char *what = "open pin directory";

	switch (rc) {
	case -ENOENT:
		return xk_err_fill(err, rc, what,
				   "load the program first: xskit load, or xdp-loader load -p",
				   "%s does not exist", dir);
	case -EPERM:
		return xk_err_fill(
			err, rc, what, "make it anew: mkdir -m 700",
			"%s or a directory above it can be written to by others: it must be "
			"owned by uid %u and mode 0700",
			dir, geteuid());
	case -ELOOP:
	case -ENOTDIR:
		return xk_err_fill(err, rc, what, "name the directory itself",
				   "%s: a symbolic link or not a directory on the way", dir);
	case -EMEDIUMTYPE:
		return xk_err_fill(err, -EINVAL, what,
				   "mount -t bpf bpf /sys/fs/bpf (`ip netns exec` hides it, "
				   "`nsenter --net=...` keeps it)",
				   "%s is not below a bpffs", dir);
	default:
		return xk_err_fill(err, rc, what, NULL, "%s: %s", dir, strerror(-rc));
	}
}

int prog_pin_open(const char *dir, bool make, struct xk_err *err)
{
	int fd;

	if (dir[0] != '/')
		return xk_err_fill(err, -EINVAL, "open pin directory", "begin it with /",
				   "%s is not an absolute path", dir);
	fd = walk(dir, make);
	return fd < 0 ? walk_error(dir, fd, err) : fd;
}

/* A pin's path below an open directory, for calls that know paths only. */
static void pin_path(char path[64], int dirfd, const char *name)
{
	snprintf(path, 64, "/proc/self/fd/%d/%s", dirfd, name);
}

int prog_pin_maps(int dirfd, const struct prog_maps *maps, struct xk_err *err)
{
	char path[64];

	prog_pin_clear(dirfd);
	for (int i = 0; i < PROG_MAPS; i++) {
		pin_path(path, dirfd, prog_map_name((enum prog_map)i));
		if (!bpf_obj_pin(maps->fd[i], path))
			continue;
		int rc = -errno;

		prog_pin_clear(dirfd);
		return xk_err_fill(err, rc, "pin map", NULL, "%s: %s",
				   prog_map_name((enum prog_map)i), strerror(-rc));
	}
	return 0;
}

static int next_abi(DIR *d)
{
	struct dirent *e;
	int abi;

	while ((e = readdir(d)))
		if (sscanf(e->d_name, ABI_PREFIX "%d", &abi) == 1)
			return abi;
	return 0;
}

/* N of the marker xskit_abi_N pinned there, 0: none. */
static int pinned_abi(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), abi;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	abi = next_abi(d);
	closedir(d);
	return abi;
}

int prog_pin_map(int dirfd, enum prog_map map)
{
	char path[64];
	int fd, rc;

	pin_path(path, dirfd, prog_map_name(map));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	rc = prog_map_fits(fd, map);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int join_error(int dirfd, const char *dir, const char *map, int rc, struct xk_err *err)
{
	const char *what = "join pinned program";
	int abi = pinned_abi(dirfd);

	if (rc == -EPERM || rc == -EACCES)
		return prog_denied(err, what, dir, false);
	if (abi && rc == -ENOENT)
		return xk_err_fill(err, -EPROTO, what, "unload it and load it with this xskit",
				   "%s holds a program of another version (ABI %d)", dir, abi);
	return xk_err_fill(err, rc, what,
			   "load the program first: xskit load, or xdp-loader load -p", "%s/%s: %s",
			   dir, map, rc == -EPROTO ? "not a map of xsk_redirect" : strerror(-rc));
}

int prog_pin_join(int dirfd, const char *dir, struct prog_maps *maps, struct xk_err *err)
{
	prog_maps_init(maps);
	for (int i = PROG_MAPS - 1; i >= 0; i--) { /* the marker first: other versions name it */
		int fd = prog_pin_map(dirfd, (enum prog_map)i);

		if (fd < 0) {
			prog_maps_close(maps);
			return join_error(dirfd, dir, prog_map_name((enum prog_map)i), fd, err);
		}
		maps->fd[i] = fd;
	}
	return 0;
}

void prog_pin_clear(int dirfd)
{
	char name[32];
	int abi;

	for (int i = 0; i < PROG_MAPS; i++)
		unlinkat(dirfd, prog_map_name((enum prog_map)i), 0);
	while ((abi = pinned_abi(dirfd))) { /* of other versions */
		snprintf(name, sizeof(name), ABI_PREFIX "%d", abi);
		if (unlinkat(dirfd, name, 0))
			return;
	}
}

/* Take the last component off a path: it is returned, NULL: there is none. */
static char *last_name(char *path)
{
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = 0;
	slash = strrchr(path, '/');
	if (!slash || !slash[1])
		return NULL;
	*slash = 0;
	return slash + 1;
}

/* The directory of a network namespace is named by its inode; xskit/ above it is not ours to
 * remove. */
static bool is_namespace(const char *name)
{
	return name && *name && strspn(name, "0123456789") == strlen(name);
}

/* Only what is empty by now; parents are reached through the directory itself. */
void prog_pin_rmdir(int dirfd, const char *dir)
{
	int parent = openat(dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int above = parent < 0 ? -1 : openat(parent, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX], *name;

	snprintf(path, sizeof(path), "%s", dir);
	name = last_name(path);
	if (parent >= 0 && name && !unlinkat(parent, name, AT_REMOVEDIR)) {
		name = last_name(path);
		if (above >= 0 && is_namespace(name))
			unlinkat(above, name, AT_REMOVEDIR);
	}
	if (above >= 0)
		close(above);
	if (parent >= 0)
		close(parent);
}
