// SPDX-License-Identifier: BSD-2-Clause
/* Shares and their names. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include "share_internal.h"

#define DIRECTORY "/dev/shm"

struct fd_path {
	char text[32];
};

/* A descriptor as a path, which can be opened and linked. */
static struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

/* What to do about a file in the way: a command, with its name. */
struct fix {
	char text[256];
};

static struct fix fix_with(const char *command, const char *file)
{
	struct fix fix;

	snprintf(fix.text, sizeof(fix.text), "%s%.200s", command, file);
	return fix;
}

static struct fix fix_unlink(const char *file)
{
	return fix_with("unlink it with: xskit ring unlink ", file);
}

const struct xk_share_info *xk_share_info(const struct xk_share *share)
{
	return &share->info;
}

/* --- names --- */

static bool has_control(const char *name)
{
	while (*name && !iscntrl((unsigned char)*name))
		name++;
	return *name;
}

/* The name as a file's, without the '/' in front. */
static int name_file(const char **file, const char *name, const char *what, struct xk_err *err)
{
	const char *fix = "use a name like rx0 or /rx0";

	if (*name == '/')
		name++;
	if (!*name)
		return xk_err_fill(err, -EINVAL, what, fix, "the name is empty");
	if (has_control(name))
		return xk_err_fill(err, -EINVAL, what, fix, "control characters in the name");
	if (strchr(name, '/'))
		return xk_err_fill(err, -EINVAL, what, fix,
				   "'/' in the name, other than in front of it");
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return xk_err_fill(err, -EINVAL, what, fix, "'%s' is a directory", name);
	if (strlen(name) > NAME_MAX)
		return xk_err_fill(err, -ENAMETOOLONG, what, fix,
				   "a name of %zu bytes, at most %d are possible", strlen(name),
				   NAME_MAX);
	*file = name;
	return 0;
}

/* Where shm_open() looks. */
static int open_directory(const char *what, struct xk_err *err)
{
	const char *fix = "mount -t tmpfs tmpfs " DIRECTORY;
	int fd = open(DIRECTORY, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return xk_err_fill(err, -errno, what, fix, "%s: %s", DIRECTORY, strerror(errno));
	if (!fstatfs(fd, &fs) && fs.f_type == TMPFS_MAGIC)
		return fd;
	close(fd);
	return xk_err_fill(err, -ENOTSUP, what, fix, "%s is no tmpfs", DIRECTORY);
}

static int no_such_name(const char *file, const char *what, struct xk_err *err)
{
	return xk_err_fill(err, -ENOENT, what, "ls " DIRECTORY " shows those there are",
			   "there is no share named %s", file);
}

/* --- create --- */

static void describe(struct xk_share *share, uid_t owner)
{
	const struct xk_mem_info *mem = &share->mem;

	share->info = (struct xk_share_info){
		.addr = mem->addr,
		.size = mem->size,
		.page_size = mem->page_size,
		.node = mem->node,
		.fd = mem->fd,
		.huge = mem->huge,
		.name = share->name,
		.owner = owner,
	};
}

int share_wrap(struct xk_share **out, struct xk_mem_info *mem, const char *name, uid_t owner,
	       struct xk_err *err)
{
	struct xk_share *share = calloc(1, sizeof(*share));

	if (share && name)
		share->name = strdup(name);
	if (!share || (name && !share->name)) {
		free(share);
		mem_drop(mem);
		return xk_err_fill(err, -ENOMEM, "open share", NULL, "out of memory");
	}
	share->mem = *mem;
	describe(share, owner);
	*out = share;
	return 0;
}

/* Others may read, to watch; who may write may truncate, and that is SIGBUS for everybody else. */
static int check_mode(mode_t mode, struct xk_err *err)
{
	if ((mode & 0600) == 0600 && !(mode & ~(mode_t)0644))
		return 0;
	return xk_err_fill(err, -EINVAL, "create share", "use 0600, 0640 or 0644",
			   "mode 0%o: the owner reads and writes, others may at most read", mode);
}

/* A file that is in /dev/shm but has no name, and so dies with its last descriptor. */
static int open_unnamed(mode_t mode, struct xk_err *err)
{
	int dir = open_directory("create share", err), fd, rc = 0;

	if (dir < 0)
		return dir;
	fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, mode)) /* the mode of openat() is subject to the umask */
		rc = xk_err_fill(err, -errno, "create share", NULL, "a file in %s: %s", DIRECTORY,
				 strerror(errno));
	close(dir);
	if (rc && fd >= 0)
		close(fd);
	return rc ? rc : fd;
}

static int build_named(struct xk_mem_info *mem, const struct xk_share_config *config, bool huge,
		       struct xk_err *err)
{
	const struct xk_mem_config pages = {.size = config->size, .node = config->node};
	int rc = mem_check_free(config->size, err);

	if (!rc)
		rc = mem->fd = open_unnamed(config->mode ? config->mode : 0600, err);
	if (rc >= 0)
		rc = share_fill(mem, &pages, huge, err);
	if (rc)
		mem_drop(mem);
	return rc;
}

static int create_named(struct xk_mem_info *mem, const struct xk_share_config *config,
			struct xk_err *err)
{
	size_t huge = share_huge_size();

	if (config->huge == XK_HUGE_ON && !huge)
		return xk_err_fill(err, -ENOMEM, "create share", "use small pages",
				   "this kernel has no transparent huge pages");
	if (config->huge == XK_HUGE_ON)
		return build_named(mem, config, true, err);
	if (config->huge == XK_HUGE_AUTO && huge && config->size >= huge &&
	    !build_named(mem, config, true, NULL))
		return 0;
	return build_named(mem, config, false, err);
}

static int create_memfd(struct xk_mem_info *mem, const struct xk_share_config *config,
			struct xk_err *err)
{
	const struct xk_mem_config pages = {
		.size = config->size, .node = config->node, .huge = config->huge};

	return mem_build(mem, &pages, 0, err);
}

static int check_config(const char *name, const struct xk_share_config *config, struct xk_err *err)
{
	const struct xk_mem_config pages = {.size = config->size, .node = config->node};
	int rc = mem_check_config(&pages, err);

	return rc || !config->mode || !name ? rc : check_mode(config->mode, err);
}

int xk_share_create(struct xk_share **out, const char *name, const struct xk_share_config *config,
		    struct xk_err *err)
{
	struct xk_mem_info mem = NO_MEM;
	struct xk_share *share;
	int rc = check_config(name, config, err);

	if (!rc && name)
		rc = name_file(&name, name, "create share", err);
	if (!rc)
		rc = name ? create_named(&mem, config, err) : create_memfd(&mem, config, err);
	if (!rc)
		rc = share_wrap(&share, &mem, name, geteuid(), err);
	if (rc)
		return rc;
	share->fresh = true;
	*out = share;
	return 0;
}

/* --- publish --- */

static int name_taken(int dir, const char *file, struct xk_err *err)
{
	struct stat st;

	if (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW))
		return xk_err_fill(err, -EEXIST, "publish share", "try again",
				   "a share named %s was there and is gone", file);
	return xk_err_fill(err, -EEXIST, "publish share", fix_unlink(file).text,
			   "%s/%s exists, of user %u and %jd bytes", DIRECTORY, file, st.st_uid,
			   (intmax_t)st.st_size);
}

static int publish_name(const struct xk_share *share, struct xk_err *err)
{
	int dir = open_directory("publish share", err), rc = 0;

	if (dir < 0)
		return dir;
	if (!linkat(AT_FDCWD, fd_path(share->info.fd).text, dir, share->name, AT_SYMLINK_FOLLOW))
		goto out;
	rc = errno == EEXIST ? name_taken(dir, share->name, err)
			     : xk_err_fill(err, -errno, "publish share", NULL, "linking %s/%s: %s",
					   DIRECTORY, share->name, strerror(errno));
out:
	close(dir);
	return rc;
}

static int publish_memfd(const struct xk_share *share, struct xk_err *err)
{
	if (fcntl(share->info.fd, F_ADD_SEALS, SHARE_SEALS))
		return xk_err_fill(err, -errno, "publish share", NULL, "sealing the memfd: %s",
				   strerror(errno));
	return 0;
}

int xk_share_publish(struct xk_share *share, struct xk_err *err)
{
	int rc;

	if (!share->fresh)
		return xk_err_fill(err, -EINVAL, "publish share", NULL,
				   "it is published already, or was not created here");
	rc = share->name ? publish_name(share, err) : publish_memfd(share, err);
	share->fresh = rc;
	return rc;
}

/* --- attach --- */

static int check_kind(const struct stat *st, const char *file, struct xk_err *err)
{

	if (S_ISLNK(st->st_mode))
		return xk_err_fill(err, -ELOOP, "attach share", fix_unlink(file).text,
				   "%s/%s is a symbolic link", DIRECTORY, file);
	if (S_ISDIR(st->st_mode))
		return xk_err_fill(err, -EPROTO, "attach share",
				   fix_with("remove it with: rmdir " DIRECTORY "/", file).text,
				   "%s/%s is no regular file", DIRECTORY, file);
	if (!S_ISREG(st->st_mode))
		return xk_err_fill(err, -EPROTO, "attach share", fix_unlink(file).text,
				   "%s/%s is no regular file", DIRECTORY, file);
	return 0;
}

static int check_trust(const struct stat *st, const char *file, struct xk_err *err)
{
	if (st->st_uid != geteuid())
		return xk_err_fill(err, -EPERM, "attach share",
				   "run as that user, or hand over a memfd",
				   "%s/%s belongs to user %u, and this is user %u: it could be cut "
				   "short under us",
				   DIRECTORY, file, st->st_uid, geteuid());
	if (st->st_mode & 0022)
		return xk_err_fill(err, -EPERM, "attach share",
				   fix_with("chmod go-w " DIRECTORY "/", file).text,
				   "%s/%s has mode 0%o: others could cut it short under us",
				   DIRECTORY, file, st->st_mode & 07777);
	return 0;
}

static int check_size(const struct stat *st, const char *file, struct xk_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (st->st_size && !((size_t)st->st_size % page))
		return 0;
	if (!st->st_size)
		return xk_err_fill(err, -EPROTO, "attach share", fix_unlink(file).text,
				   "%s/%s is empty", DIRECTORY, file);
	return xk_err_fill(err, -EPROTO, "attach share", fix_unlink(file).text,
			   "%s/%s has %jd bytes, a share has whole pages of %zu", DIRECTORY, file,
			   (intmax_t)st->st_size, page);
}

/*
 * First looked at through a descriptor that opens nothing (a FIFO would notice, a file of another
 * user would say no more than EACCES), then opened through it: the name is looked up once.
 */
static int open_checked(int dir, const char *file, struct stat *st, struct xk_err *err)
{
	int path = openat(dir, file, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc;

	if (path < 0 && errno == ENOENT)
		return no_such_name(file, "attach share", err);
	if (path < 0)
		return xk_err_fill(err, -errno, "attach share", NULL, "%s/%s: %s", DIRECTORY, file,
				   strerror(errno));
	rc = fstat(path, st) ? xk_err_fill(err, -errno, "attach share", NULL, "%s/%s: %s",
					   DIRECTORY, file, strerror(errno))
			     : check_kind(st, file, err);
	if (!rc)
		rc = check_trust(st, file, err);
	if (!rc)
		rc = check_size(st, file, err);
	if (rc)
		goto out;
	rc = open(fd_path(path).text, O_RDWR | O_CLOEXEC);
	if (rc < 0)
		rc = xk_err_fill(err, -errno, "attach share", NULL, "opening %s/%s: %s", DIRECTORY,
				 file, strerror(errno));
out:
	close(path);
	return rc;
}

int xk_share_attach(struct xk_share **out, const char *name, struct xk_err *err)
{
	struct xk_mem_info mem = NO_MEM;
	struct stat st;
	int rc = name_file(&name, name, "attach share", err), dir;

	if (rc)
		return rc;
	dir = open_directory("attach share", err);
	if (dir < 0)
		return dir;
	mem.fd = open_checked(dir, name, &st, err);
	close(dir);
	if (mem.fd < 0)
		return mem.fd;
	mem.size = (size_t)st.st_size;
	rc = share_map(&mem, "attach share", err);
	if (rc) {
		mem_drop(&mem);
		return rc;
	}
	return share_wrap(out, &mem, name, st.st_uid, err);
}

/* --- the end --- */

static int unlink_failed(const char *file, int code, struct xk_err *err)
{
	if (code == -ENOENT)
		return no_such_name(file, "unlink share", err);
	return xk_err_fill(err, code, "unlink share",
			   code == -EISDIR ? NULL : "run as the user it belongs to", "%s/%s: %s",
			   DIRECTORY, file, strerror(-code));
}

int xk_share_unlink(const char *name, struct xk_err *err)
{
	int rc = name_file(&name, name, "unlink share", err), dir;

	if (rc)
		return rc;
	dir = open_directory("unlink share", err);
	if (dir < 0)
		return dir;
	if (unlinkat(dir, name, 0))
		rc = unlink_failed(name, -errno, err);
	close(dir);
	return rc;
}

void xk_share_close(struct xk_share *share)
{
	if (!share)
		return;
	mem_drop(&share->mem);
	free(share->name);
	free(share);
}
