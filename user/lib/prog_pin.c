// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pins on hostile ground: a bpffs is mode 1777, and we are root there. Directories are walked by
 * fd, without symlinks, and used only if nobody else can write to them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <bpf/bpf.h>
#include "prog_internal.h"

#define ABI_PREFIX "xskit_abi_"
#define ROOTS      "xskit" /* in a bpffs's root: root's, or whoever makes it first locks root out */

/* A directory reached on the way down. */
struct step {
	int fd;
	bool bpffs;     /* on a bpffs, and not its root */
	bool private;   /* ours, and nobody else can even look in */
	struct stat st; /* of the last one looked at, and how much of the path led there */
	int len;
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

/* Whether a name right below a bpffs's root is root's to make. */
static bool is_roots(const struct step *at, const char *name)
{
	return geteuid() && !at->bpffs && on_bpffs(at->fd) && !strcmp(name, ROOTS);
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
static int step_down(struct step *at, const char *name, enum prog_pin_use use, bool last)
{
	bool make = use == PIN_MAKE, parent_on = on_bpffs(at->fd), parent_private = at->private;
	bool anybodys = use == PIN_CLEAR && !geteuid();
	int fd = make && is_roots(at, name) ? -EACCES : open_at(at->fd, name, make);
	struct stat parent;

	if (fd < 0)
		return fd;
	if (fstat(fd, &at->st) || fstat(at->fd, &parent)) {
		close(fd);
		return -EIO;
	}
	close(at->fd);
	at->fd = fd;
	at->bpffs = on_bpffs(fd) && parent_on && at->st.st_dev == parent.st_dev;
	at->private = at->bpffs && at->st.st_uid == geteuid() && !(at->st.st_mode & 077);
	return !at->bpffs || anybodys || trusted(&at->st, parent_private, make, last) ? 0 : -EPERM;
}

/* 0 with at->fd the directory, or -errno with at->st and at->len telling where it ended. */
static int walk(struct step *at, const char *dir, enum prog_pin_use use)
{
	char path[PATH_MAX], *save = NULL, *name, *next;
	int rc = 0;

	*at = (struct step){.fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (at->fd < 0)
		return -errno;
	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		rc = -ENAMETOOLONG;
	name = rc ? NULL : strtok_r(path, "/", &save);
	for (; name && !rc; name = next) {
		next = strtok_r(NULL, "/", &save);
		at->len = (int)(name - path + (ptrdiff_t)strlen(name));
		rc = strcmp(name, "..") ? step_down(at, name, use, !next) : -EINVAL;
	}
	if ((!rc || rc == -ENOENT) && !at->bpffs && !(rc && on_bpffs(at->fd)))
		rc = -EMEDIUMTYPE;
	if (rc)
		close(at->fd);
	return rc;
}

#define WHAT "open pin directory"

static int distrust_error(const struct step *at, const char *dir, struct xk_err *err)
{
	char fix[sizeof(err->fix)];
	unsigned self = geteuid();

	snprintf(fix, sizeof(fix), "chown %u %.*s; chmod 700 %.*s, or rm -r %.*s and load anew",
		 self, at->len, dir, at->len, dir, at->len, dir);
	return xk_err_fill(err, -EPERM, WHAT, fix,
			   "%.*s is uid %u's with mode %04o and in the reach of others: it must "
			   "be uid %u's with mode 0700",
			   at->len, dir, at->st.st_uid, at->st.st_mode & 07777, self);
}

static int walk_error(const struct step *at, const char *dir, int rc, struct xk_err *err)
{
	switch (rc) {
	case -ENOENT:
		return xk_err_fill(err, rc, WHAT,
				   "load the program first: xskit load, or xdp-loader load -p",
				   "%s does not exist", dir);
	case -EPERM:
		return distrust_error(at, dir, err);
	case -EACCES:
		return xk_err_fill(err, rc, WHAT, "run as root, or give a directory of your own",
				   "%.*s is root's, or somebody else's, to use", at->len, dir);
	case -ELOOP:
	case -ENOTDIR:
		return xk_err_fill(err, rc, WHAT, "name the directory itself",
				   "%s: a symbolic link or not a directory on the way", dir);
	case -EMEDIUMTYPE:
		return xk_err_fill(err, -EINVAL, WHAT,
				   "mount -t bpf bpf /sys/fs/bpf (`ip netns exec` hides it, "
				   "`nsenter --net=...` keeps it)",
				   "%s: no bpffs is mounted there", dir);
	default:
		return xk_err_fill(err, rc, WHAT, NULL, "%s: %s", dir, strerror(-rc));
	}
}

int prog_pin_open(const char *dir, enum prog_pin_use use, struct xk_err *err)
{
	struct step at;
	int rc;

	if (dir[0] != '/')
		return xk_err_fill(err, -EINVAL, WHAT, "begin it with /",
				   "%s is not an absolute path", dir);
	rc = walk(&at, dir, use);
	return rc ? walk_error(&at, dir, rc, err) : at.fd;
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
