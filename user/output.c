// SPDX-License-Identifier: BSD-2-Clause
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "caps.h"
#include "output.h"

#define WHAT "write file"

struct output {
	FILE *file;
	const char *path;
	bool direct; /* a FIFO or a device: written into, there is nothing to rename */
	int dir; /* both names are relative to it, so that nobody can move the directory under us */
	char name[NAME_MAX + 1], temporary[NAME_MAX + 1];
};

/* The user behind sudo, else -1: ourselves. */
static uid_t invoking_user(void)
{
	const char *id = getenv("SUDO_UID");

	return id && geteuid() == 0 ? (uid_t)strtoul(id, NULL, 10) : (uid_t)-1;
}

/* The descriptor of our own that a path such as /dev/stdout leads to; -1: none. */
static int own_fd(const char *path)
{
	struct stat there, own;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && !stat(path, &there); fd++)
		if (!fstat(fd, &own) && own.st_dev == there.st_dev && own.st_ino == there.st_ino)
			return fd;
	return -1;
}

/* The file a link leads to, in real; a link in the hands of others might lead anywhere. */
static int follow(const char *path, const struct stat *link, char real[PATH_MAX])
{
	struct stat there;

	if (link->st_uid && link->st_uid != geteuid())
		return -ELOOP;
	if (!realpath(path, real) || stat(real, &there))
		return -errno;
	return S_ISDIR(there.st_mode) ? -EISDIR : !S_ISREG(there.st_mode);
}

/* Where to write, in real: 0 a file that is to be replaced, 1 something to be written into. */
static int look(const char *path, char real[PATH_MAX])
{
	size_t len = strlen(path);
	struct stat st;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(real, path);
	if (lstat(path, &st))
		return errno != ENOENT ? -errno : len && path[len - 1] == '/' ? -EISDIR : 0;
	if (S_ISLNK(st.st_mode))
		return follow(path, &st, real);
	return S_ISDIR(st.st_mode) ? -EISDIR : !S_ISREG(st.st_mode);
}

static int open_stream(struct output *output, int fd)
{
	int ret = fd < 0 ? -errno : 0;

	output->file = ret ? NULL : fdopen(fd, "w");
	if (!ret && !output->file) {
		close(fd);
		ret = -ENOMEM;
	}
	return ret;
}

static int split(struct output *output, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char dir[PATH_MAX];
	uint32_t random;

	if (!*name || strlen(name) + 10 > NAME_MAX || strlen(path) >= sizeof(dir))
		return -EINVAL;
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	strcpy(output->name, name);
	snprintf(output->temporary, sizeof(output->temporary), ".%.*s.%08x", NAME_MAX - 10, name,
		 random);
	output->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return output->dir < 0 ? -errno : 0;
}

static int create(struct output *output)
{
	int ret = open_stream(output,
			      openat(output->dir, output->temporary,
				     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));

	if (ret == -ENOMEM)
		unlinkat(output->dir, output->temporary, 0);
	return ret;
}

static int open_path(struct output *output, const char *path)
{
	char real[PATH_MAX];
	int ret = look(path, real);

	output->direct = ret > 0;
	if (output->direct)
		return open_stream(output, open(real, O_WRONLY | O_CLOEXEC | O_NOCTTY));
	if (!ret)
		ret = split(output, real);
	return ret ? ret : create(output);
}

/* With the rights of the user behind sudo; our own descriptors are ours whatever they lead to. */
static int open_as_user(struct output *output, const char *path)
{
	uid_t user = invoking_user(), self = geteuid();
	int own = own_fd(path), ret;

	output->direct = own >= 0;
	if (output->direct)
		return open_stream(output, fcntl(own, F_DUPFD_CLOEXEC, 3));
	if (user != (uid_t)-1 && seteuid(user))
		return -errno;
	ret = open_path(output, path);
	if (user != (uid_t)-1 && seteuid(self))
		ret = -errno;
	return ret;
}

static const char *advice(int ret)
{
	return ret == -EISDIR  ? "name a file in it"
	       : ret == -ELOOP ? "name the file itself: the link belongs to somebody else"
			       : "give a path in a directory you may write to";
}

int output_open(struct output **out, const char *path, struct xk_err *err)
{
	struct output *output = calloc(1, sizeof(*output));
	int ret = output ? 0 : -ENOMEM;

	if (output) {
		output->dir = -1;
		output->path = path;
		ret = open_as_user(output, path);
	}
	if (!ret) {
		*out = output;
		return 0;
	}
	if (output && output->dir >= 0)
		close(output->dir);
	free(output);
	return xk_err_fill(err, ret, WHAT, advice(ret), "%s", path);
}

FILE *output_file(struct output *output)
{
	return output->file;
}

static int write_out(const struct output *output)
{
	if (fflush(output->file) || ferror(output->file))
		return -(errno ? errno : EIO);
	return output->direct || !fsync(fileno(output->file)) ? 0 : -errno;
}

int output_commit(struct output *output, struct xk_err *err)
{
	int ret = write_out(output);

	caps_raise(CAP_DAC_OVERRIDE); /* it may be somebody else's directory */
	if (!ret && !output->direct &&
	    renameat(output->dir, output->temporary, output->dir, output->name))
		ret = -errno;
	if (ret)
		xk_err_fill(err, ret, WHAT, "see that there is room and permission", "%s",
			    output->path);
	output_abort(output);
	return ret;
}

void output_abort(struct output *output)
{
	if (!output)
		return;
	fclose(output->file);
	if (!output->direct) {
		unlinkat(output->dir, output->temporary, 0); /* gone already after a rename */
		close(output->dir);
	}
	free(output);
}
