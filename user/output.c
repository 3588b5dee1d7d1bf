// SPDX-License-Identifier: BSD-2-Clause
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
	int dir; /* both names are relative to it, so that nobody can move the directory under us */
	char name[NAME_MAX + 1], temporary[NAME_MAX + 1];
};

/* The user behind sudo, else -1: ourselves. */
static uid_t invoking_user(void)
{
	const char *id = getenv("SUDO_UID");

	return id && geteuid() == 0 ? (uid_t)strtoul(id, NULL, 10) : (uid_t)-1;
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
	int fd = openat(output->dir, output->temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	output->file = fdopen(fd, "w");
	if (output->file)
		return 0;
	close(fd);
	unlinkat(output->dir, output->temporary, 0);
	return -ENOMEM;
}

int output_open(struct output **out, const char *path, struct xk_err *err)
{
	struct output *output = calloc(1, sizeof(*output));
	uid_t user = invoking_user(), self = geteuid();
	int ret = output ? 0 : -ENOMEM;

	if (output)
		output->dir = -1;
	if (!ret && user != (uid_t)-1 && seteuid(user))
		ret = -errno;
	if (!ret && !(ret = split(output, path)))
		ret = create(output);
	if (user != (uid_t)-1 && seteuid(self))
		ret = -errno;
	if (!ret) {
		*out = output;
		return 0;
	}
	if (output && output->dir >= 0)
		close(output->dir);
	free(output);
	return xk_err_fill(err, ret, WHAT, "give a path in a directory you may write to", "%s",
			   path);
}

FILE *output_file(struct output *output)
{
	return output->file;
}

int output_commit(struct output *output, struct xk_err *err)
{
	int ret = 0;

	if (fflush(output->file) || ferror(output->file) || fsync(fileno(output->file)))
		ret = -(errno ? errno : EIO);
	caps_raise(CAP_DAC_OVERRIDE); /* it may be somebody else's directory */
	if (!ret && renameat(output->dir, output->temporary, output->dir, output->name))
		ret = -errno;
	if (ret)
		xk_err_fill(err, ret, WHAT, "see that there is room and permission", "%s",
			    output->name);
	output_abort(output);
	return ret;
}

void output_abort(struct output *output)
{
	if (!output)
		return;
	fclose(output->file);
	unlinkat(output->dir, output->temporary, 0); /* gone already after a rename */
	close(output->dir);
	free(output);
}
