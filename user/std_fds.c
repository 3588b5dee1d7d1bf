// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include "std_fds.h"

void std_fds_open(void)
{
	int fd = 0;

	/* The lowest that is closed is the one that is opened. */
	while (fd >= 0 && fd <= STDERR_FILENO) {
		if (fcntl(fd, F_GETFD) >= 0)
			fd++;
		else if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			fd = -1; /* no /dev: nothing to be done */
	}
}

/* Of a write between two flushes stdio keeps no errno: writing nothing may fail in the same way. */
static int errno_of_stdout(void)
{
	return write(STDOUT_FILENO, "", 0) < 0 ? errno : EIO;
}

int std_fds_flush(void)
{
	static int first;
	bool failed_before = ferror(stdout);

	if (fflush(stdout) && !first)
		first = errno;
	else if (failed_before && !first)
		first = errno_of_stdout();
	return -first;
}
