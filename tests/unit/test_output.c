// SPDX-License-Identifier: BSD-2-Clause
/* output: whole or not at all; what is no regular file stays what it is. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>
#include "output.h"

static char dir[] = "/tmp/xskit-output.XXXXXX";

static int make_dir(void **unused)
{
	(void)unused;
	unsetenv("SUDO_UID");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_dir(void **unused)
{
	static const char *const names[] = {"new",  "old", "link", "loose",
					    "fifo", "sub", "null", "full"};

	(void)unused;
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(names[i]);
	return chdir("/") || rmdir(dir); /* fails if anything else is left */
}

static int write_text(const char *path, const char *text)
{
	struct output *output = NULL;
	struct xk_err err = {0};
	int ret = output_open(&output, path, &err);

	if (ret) {
		assert_non_null(strstr(err.why, path));
		return ret;
	}
	fputs(text, output_file(output));
	return output_commit(output, &err);
}

static void assert_holds(const char *path, const char *text)
{
	char got[64] = "";
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	close(fd);
	assert_string_equal(got, text);
}

static mode_t kind(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & S_IFMT;
}

static void regular(void **unused)
{
	struct output *output = NULL;

	(void)unused;
	assert_int_equal(write_text("new", "one"), 0);
	assert_int_equal(write_text("new", "two"), 0);
	assert_holds("new", "two");
	assert_int_equal(output_open(&output, "new", NULL), 0);
	fputs("three", output_file(output));
	output_abort(output);
	assert_holds("new", "two");
}

/* Copies of the machine's own, which a mistake here must not reach. */
static bool make_device(const char *name, unsigned minor_number)
{
	int fd = -1;

	if (mknod(name, S_IFCHR | 0600, makedev(1, minor_number)) == 0)
		fd = open(name, O_WRONLY);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void device(void **unused)
{
	(void)unused;
	if (!make_device("null", 3) || !make_device("full", 7))
		skip(); /* only root makes them, and not on every filesystem */
	assert_int_equal(write_text("null", "gone"), 0);
	assert_int_equal(kind("null"), S_IFCHR);
	assert_int_equal(write_text("full", "none"), -ENOSPC);
	assert_int_equal(kind("full"), S_IFCHR);
}

static void fifo(void **unused)
{
	char got[8] = "";
	int fd;

	(void)unused;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	fd = open("fifo", O_RDONLY | O_NONBLOCK);
	assert_int_equal(write_text("fifo", "pipe"), 0);
	assert_int_equal(read(fd, got, sizeof(got)), 4);
	assert_string_equal(got, "pipe");
	assert_int_equal(kind("fifo"), S_IFIFO);
	close(fd);
}

/* Where /dev/stdout leads; by that name a failure would cost the machine its link. */
static void own_stdout(void **unused)
{
	int before = dup(STDOUT_FILENO), fd = open("old", O_RDWR | O_CREAT | O_TRUNC, 0600), ret;

	(void)unused;
	assert_int_equal(write(fd, "text ", 5), 5);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	ret = write_text("/proc/self/fd/1", "and figures");
	dup2(before, STDOUT_FILENO);
	close(before);
	close(fd);
	assert_int_equal(ret, 0);
	assert_holds("old", "text and figures");
}

static void links(void **unused)
{
	(void)unused;
	assert_int_equal(write_text("new", "before"), 0);
	assert_int_equal(symlink("new", "link"), 0);
	assert_int_equal(write_text("link", "behind"), 0);
	assert_int_equal(kind("link"), S_IFLNK);
	assert_holds("new", "behind");
	assert_int_equal(symlink("nowhere", "loose"), 0);
	assert_int_equal(write_text("loose", "x"), -ENOENT);
	if (geteuid())
		return; /* only root can give one away */
	assert_int_equal(lchown("link", 65534, 65534), 0);
	assert_int_equal(write_text("link", "x"), -ELOOP);
	assert_holds("new", "behind");
}

static void directory(void **unused)
{
	(void)unused;
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(write_text("sub", "x"), -EISDIR);
	assert_int_equal(write_text("sub/", "x"), -EISDIR);
	assert_int_equal(write_text("none/", "x"), -EISDIR);
	assert_int_equal(write_text("none/file", "x"), -ENOENT);
	assert_int_equal(write_text("", "x"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regular),    cmocka_unit_test(device), cmocka_unit_test(fifo),
		cmocka_unit_test(own_stdout), cmocka_unit_test(links),  cmocka_unit_test(directory),
	};

	return cmocka_run_group_tests_name("output", tests, make_dir, remove_dir);
}
