// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "run_dir.h"

#define PARENT "/run"
#define NAME   "xskit"

static int check_dir(int dir, int parent)
{
	struct stat st, above;

	if (fstat(dir, &st) || fstat(parent, &above))
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 07777) != 0700 || st.st_dev != above.st_dev)
		return -EPERM;
	return 0;
}

static int check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 ? 0 : -EPERM;
}

/* fd, if it passed; else it is closed. */
static int passed(int fd, int ret)
{
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int open_below(int parent, bool create)
{
	int dir;

	if (create && mkdirat(parent, NAME, 0700) && errno != EEXIST)
		return -errno;
	dir = openat(parent, NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) /* a link or a file: somebody else's doing */
		return errno == ENOTDIR || errno == ELOOP ? -EPERM : -errno;
	return passed(dir, check_dir(dir, parent));
}

int xk_run_dir_open(bool create)
{
	int parent = open(PARENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir;

	if (parent < 0)
		return -errno;
	dir = open_below(parent, create);
	close(parent);
	return dir;
}

int xk_run_dir_file(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	return passed(fd, check_file(fd));
}
