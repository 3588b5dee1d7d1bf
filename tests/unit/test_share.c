// SPDX-License-Identifier: BSD-2-Clause
/*
 * share: names that appear whole or not at all, whom attach trusts, descriptors over sockets, and
 * what their pages are. Names carry this process's number; a guard process takes back what a
 * killed test leaves.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <xskit/share.h>

#define SHM       "/dev/shm/"
#define NOBODY    65534
#define MIB       ((size_t)1 << 20)
#define HUGE_POOL "/proc/sys/vm/nr_hugepages"
#define HUGE_FREE "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
#define SEALS     (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static struct xk_err err;
static char socket_dir[96];
static char prefix[64]; /* of every name this test makes */
static int guard[2];    /* the guard process reads the other end of guard[1] */

/* --- names, and nothing left of them --- */

/* One of a few names that are in use at the same time. */
static const char *name_of(const char *tail)
{
	static char names[8][128];
	static unsigned next;
	char *name = names[next++ % 8];

	snprintf(name, sizeof(names[0]), "%s%s", prefix, tail);
	return name;
}

static const char *path_of(const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), SHM "%s", name);
	return path;
}

/* How many files carry this test's prefix anywhere in their names; they go if `gone`. */
static int left_over(bool gone)
{
	DIR *dir = opendir(SHM);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		if (!strstr(entry->d_name, prefix))
			continue;
		count++;
		if (gone && unlink(path_of(entry->d_name)))
			rmdir(path_of(entry->d_name));
	}
	if (dir)
		closedir(dir);
	return count;
}

/* A test that hangs ends here, and the guard cleans up. */
static int limit(void **unused)
{
	(void)unused;
	alarm(60);
	return 0;
}

static int clean(void **unused)
{
	(void)unused;
	left_over(true);
	return 0;
}

static int remove_socket(void **unused)
{
	char path[128];

	(void)unused;
	snprintf(path, sizeof(path), "%s/s", socket_dir);
	unlink(path);
	rmdir(socket_dir);
	return 0;
}

static long read_long(const char *path)
{
	long value = -1;
	FILE *file = fopen(path, "r");

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static void write_long(const char *path, long value)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return;
	fprintf(file, "%ld\n", value);
	fclose(file);
}

/* '+': huge pages are borrowed from the system, '-': they are given back. */
static void tell_guard(char what)
{
	assert_int_equal(write(guard[1], &what, 1), 1);
}

/* Waits for the end of this process, however it comes, and cleans up. */
static void stand_guard(void)
{
	char said = '-';

	close(guard[1]);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	while (read(guard[0], &said, 1) > 0)
		;
	left_over(true);
	remove_socket(NULL);
	if (said == '+')
		write_long(HUGE_POOL, read_long(HUGE_POOL) - 2);
	_exit(0);
}

static int start_guard(void **unused)
{
	(void)unused;
	snprintf(prefix, sizeof(prefix), "xskit-test-%d-", getpid());
	snprintf(socket_dir, sizeof(socket_dir), "/tmp/%ssocket", prefix);
	if (pipe2(guard, O_CLOEXEC))
		return -1;
	if (!fork())
		stand_guard();
	return close(guard[0]);
}

/* --- children: they do not assert, they end with another status than 0 --- */

#define expect(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #cond, err.why);    \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* It goes with its parent; the guard, whose pipe it keeps open, waits for both. */
static pid_t fork_child(void)
{
	pid_t pid, parent = getpid();

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		alarm(60);
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void become_nobody(void)
{
	expect(!setgid(NOBODY) && !setuid(NOBODY));
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* which this took away */
}

static void need_root(void)
{
	if (geteuid()) {
		print_message("needs root, to be somebody else\n");
		skip();
	}
}

/* --- shorthands --- */

static struct xk_share *create(const char *name, size_t size, enum xk_huge huge)
{
	struct xk_share_config config = {.size = size, .node = -1, .huge = huge};
	struct xk_share *share = NULL;
	int rc = xk_share_create(&share, name, &config, &err);

	if (rc)
		print_error("%s: %s: %s\n", err.what, err.why, err.fix);
	assert_int_equal(rc, 0);
	return share;
}

static struct xk_share *publish(const char *name, size_t size)
{
	struct xk_share *share = create(name, size, XK_HUGE_OFF);

	assert_int_equal(xk_share_publish(share, &err), 0);
	return share;
}

static struct xk_share *attach(const char *name)
{
	struct xk_share *share = NULL;
	int rc = xk_share_attach(&share, name, &err);

	if (rc)
		print_error("%s: %s: %s\n", err.what, err.why, err.fix);
	assert_int_equal(rc, 0);
	return share;
}

static void *addr_of(const struct xk_share *share)
{
	return xk_share_info(share)->addr;
}

static void refuse_create(const char *name, size_t size, int node, mode_t mode, enum xk_huge huge,
			  int want)
{
	struct xk_share_config config = {.size = size, .node = node, .huge = huge, .mode = mode};
	struct xk_share *share = NULL;

	memset(&err, 0, sizeof(err));
	assert_int_equal(xk_share_create(&share, name, &config, NULL), want);
	assert_int_equal(xk_share_create(&share, name, &config, &err), want);
	assert_null(share);
	assert_int_equal(err.code, want);
	assert_true(err.why[0]);
}

static void refuse_attach(const char *name, int want, const char *why)
{
	struct xk_share *share = NULL;

	memset(&err, 0, sizeof(err));
	assert_int_equal(xk_share_attach(&share, name, NULL), want);
	assert_int_equal(xk_share_attach(&share, name, &err), want);
	assert_null(share);
	assert_int_equal(err.code, want);
	if (!strstr(err.why, why))
		print_error("'%s' in '%s'?\n", why, err.why);
	assert_non_null(strstr(err.why, why));
}

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int make_file(const char *name, mode_t mode, size_t size)
{
	int fd = open(path_of(name), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return close(fd);
}

static bool all_bytes(const void *memory, int byte, size_t size)
{
	const unsigned char *at = memory;

	for (size_t i = 0; i < size; i++) {
		if (at[i] != byte)
			return false;
	}
	return true;
}

/* --- by name --- */

static void attach_and_answer(const char *name, const struct xk_share_info *made)
{
	struct xk_share *share = NULL;
	const struct xk_share_info *info;

	expect(!xk_share_attach(&share, name, &err));
	info = xk_share_info(share);
	expect(info->addr != made->addr);
	expect(info->size == made->size && info->page_size == made->page_size);
	expect(info->node == made->node && info->owner == geteuid());
	expect(!strcmp(info->name, made->name) && info->name[0] != '/');
	expect(fcntl(info->fd, F_GETFD) & FD_CLOEXEC);
	expect(all_bytes(info->addr, 0x5a, info->size));
	memset(info->addr, 0xa5, info->size);
	xk_share_close(share);
	_exit(0);
}

static void round_trip(void **unused)
{
	const char *name = name_of("round"), *slash;
	struct xk_share *share = create(name, 3 * 4096 + 1, XK_HUGE_OFF);
	const struct xk_share_info *info = xk_share_info(share);
	pid_t pid;

	(void)unused;
	assert_int_equal(info->size, 4 * 4096);
	assert_int_equal(info->page_size, sysconf(_SC_PAGESIZE));
	assert_int_equal(info->owner, geteuid());
	assert_false(info->huge);
	assert_true(all_bytes(info->addr, 0, info->size));
	memset(info->addr, 0x5a, info->size);
	assert_int_equal(xk_share_publish(share, &err), 0);
	slash = name_of("round");
	for (int i = 0; i < 2; i++) {
		char with_slash[160];

		snprintf(with_slash, sizeof(with_slash), "/%s", slash);
		pid = fork_child();
		if (!pid)
			attach_and_answer(i ? with_slash : slash, info);
		assert_int_equal(status_of(pid), 0);
		assert_true(all_bytes(info->addr, 0xa5, info->size));
		memset(info->addr, 0x5a, info->size);
	}
	xk_share_close(share);
	assert_int_equal(left_over(false), 1); /* closing leaves the name */
	assert_int_equal(xk_share_unlink(slash, &err), 0);
	xk_share_close(NULL);
}

static void same_as_shm_open(void **unused)
{
	const char *name = name_of("posix");
	struct xk_share *share = publish(name, 4096);
	char slash[160], byte = 0;
	int fd;

	(void)unused;
	memset(addr_of(share), 'x', 1);
	snprintf(slash, sizeof(slash), "/%s", name);
	fd = shm_open(slash, O_RDWR, 0);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	close(fd);
	xk_share_close(share);
}

/* Somebody who tries all the time sees nothing, and then all of it. */
static void attach_early(const char *name, int started)
{
	struct xk_share *share = NULL;
	int rc;

	expect(write(started, "x", 1) == 1);
	do
		rc = xk_share_attach(&share, name, &err);
	while (rc == -ENOENT);
	expect(!rc);
	expect(all_bytes(addr_of(share), 0x77, xk_share_info(share)->size));
	expect(xk_share_info(share)->size == MIB);
	_exit(0);
}

static void whole_or_not(void **unused)
{
	int started[2];
	struct xk_share *share;
	pid_t pid;
	char byte;

	(void)unused;
	for (int i = 0; i < 20; i++) {
		const char *name = name_of("whole");

		assert_int_equal(pipe(started), 0);
		pid = fork_child();
		if (!pid)
			attach_early(name, started[1]);
		assert_int_equal(read(started[0], &byte, 1), 1);
		share = create(name, MIB, XK_HUGE_OFF);
		memset(addr_of(share), 0x77, MIB);
		assert_int_equal(xk_share_publish(share, &err), 0);
		assert_int_equal(status_of(pid), 0);
		assert_int_equal(xk_share_unlink(name, &err), 0);
		xk_share_close(share);
		close(started[0]);
		close(started[1]);
	}
}

static void second_creator(void **unused)
{
	const char *name = name_of("second");
	struct xk_share *first = create(name, 4096, XK_HUGE_OFF);
	struct xk_share *second = create(name, 8192, XK_HUGE_OFF);
	char want[160];

	(void)unused;
	memset(addr_of(first), 1, 4096);
	memset(addr_of(second), 2, 8192);
	assert_int_equal(xk_share_publish(first, &err), 0);
	assert_int_equal(xk_share_publish(first, NULL), -EINVAL);
	assert_int_equal(xk_share_publish(second, NULL), -EEXIST);
	assert_int_equal(xk_share_publish(second, &err), -EEXIST);
	snprintf(want, sizeof(want), "%s exists, of user %u and 4096 bytes", name, geteuid());
	assert_non_null(strstr(err.why, want));
	snprintf(want, sizeof(want), "xskit ring unlink %s", name);
	assert_non_null(strstr(err.fix, want));
	assert_true(all_bytes(addr_of(first), 1, 4096));

	assert_int_equal(xk_share_unlink(name, &err), 0); /* its place may be taken */
	assert_int_equal(xk_share_publish(second, &err), 0);
	xk_share_close(first);
	first = attach(name);
	assert_int_equal(xk_share_publish(first, &err), -EINVAL);
	assert_true(all_bytes(addr_of(first), 2, 8192));
	xk_share_close(first);
	xk_share_close(second);
}

/* Status 0: the name is its; 7: it came second. */
static void race_child(const char *name, int go)
{
	struct xk_share_config config = {.size = 4096, .node = -1, .huge = XK_HUGE_OFF};
	struct xk_share *share = NULL;
	char byte;
	int rc;

	expect(!xk_share_create(&share, name, &config, &err));
	expect(read(go, &byte, 1) == 0);
	rc = xk_share_publish(share, &err);
	expect(!rc || rc == -EEXIST);
	_exit(rc ? 7 : 0);
}

static void one_of_many(void **unused)
{
	enum { RACERS = 6 };
	pid_t pid[RACERS];
	int go[2];

	(void)unused;
	for (int round = 0; round < 10; round++) {
		const char *name = name_of("race");
		int won = 0;

		assert_int_equal(pipe(go), 0);
		for (int i = 0; i < RACERS; i++) {
			pid[i] = fork_child();
			if (!pid[i]) {
				close(go[1]);
				race_child(name, go[0]);
			}
		}
		close(go[0]);
		close(go[1]);
		for (int i = 0; i < RACERS; i++) {
			int status = status_of(pid[i]);

			assert_true(WIFEXITED(status));
			assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7);
			won += !WEXITSTATUS(status);
		}
		assert_int_equal(won, 1);
		assert_int_equal(xk_share_unlink(name, &err), 0);
	}
}

static void killed(void **unused)
{
	const char *name = name_of("killed");

	(void)unused;
	for (int published = 0; published < 2; published++) {
		pid_t pid = fork_child();

		if (!pid) {
			struct xk_share_config config = {.size = 8192, .node = -1};
			struct xk_share *share = NULL;

			expect(!xk_share_create(&share, name, &config, &err));
			memset(addr_of(share), 3, 8192);
			expect(!published || !xk_share_publish(share, &err));
			kill(getpid(), SIGKILL);
		}
		assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
		assert_int_equal(left_over(false), published);
	}
	xk_share_close(attach(name)); /* what was published is whole */
	assert_int_equal(xk_share_unlink(name, &err), 0);
	xk_share_close(create(name, 4096, XK_HUGE_AUTO));
	assert_int_equal(left_over(false), 0);
}

static void names(void **unused)
{
	static const char *const bad[] = {"",     "/",     ".",   "..",       "/.",
					  "/..",  "a/b",   "//a", "a/",       "/a/",
					  "../a", "/../a", "a\n", "\033[31m", "/a/../b"};
	char longest[NAME_MAX + 3];
	struct xk_share *share;
	int fds = open_fds();

	(void)unused;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refuse_create(bad[i], 4096, -1, 0, XK_HUGE_OFF, -EINVAL);
		assert_non_null(strstr(err.fix, "/rx0"));
		refuse_attach(bad[i], -EINVAL, "");
		assert_int_equal(xk_share_unlink(bad[i], &err), -EINVAL);
		assert_null(strpbrk(err.why, "\n\033"));
	}
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, prefix, strlen(prefix));
	longest[NAME_MAX] = 0;
	share = publish(longest, 4096);
	xk_share_close(attach(longest));
	xk_share_close(share);
	assert_int_equal(xk_share_unlink(longest, &err), 0);
	memset(longest, 'x', sizeof(longest));
	longest[NAME_MAX + 1] = 0;
	refuse_create(longest, 4096, -1, 0, XK_HUGE_OFF, -ENAMETOOLONG);
	refuse_attach(longest, -ENAMETOOLONG, "255");
	assert_int_equal(xk_share_unlink(longest, &err), -ENAMETOOLONG);
	assert_int_equal(open_fds(), fds);
}

static void unlinked(void **unused)
{
	const char *name = name_of("unlinked"), *link = name_of("link"), *dir = name_of("dir");
	struct xk_share *share = publish(name, 4096);
	struct xk_share *other = attach(name);

	(void)unused;
	assert_int_equal(symlink(name, path_of(link)), 0);
	assert_int_equal(xk_share_unlink(link, &err), 0); /* not what it points to */
	assert_int_equal(access(path_of(name), F_OK), 0);
	assert_int_equal(xk_share_unlink(name, NULL), 0);
	assert_int_equal(xk_share_unlink(name, &err), -ENOENT);
	assert_non_null(strstr(err.why, name));
	refuse_attach(name, -ENOENT, "no share named");
	memset(addr_of(share), 9, 4096); /* who has it keeps it */
	assert_true(all_bytes(addr_of(other), 9, 4096));
	xk_share_close(share);
	xk_share_close(other);
	assert_int_equal(mkdir(path_of(dir), 0700), 0);
	assert_int_equal(xk_share_unlink(dir, &err), -EISDIR);
	assert_int_equal(rmdir(path_of(dir)), 0);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(path_of(name), &st), 0);
	return st.st_mode & 07777;
}

static void modes(void **unused)
{
	static const mode_t mask[] = {077, 0, 0777}, mode[] = {0, 0600, 0640, 0604, 0644};
	static const mode_t bad[] = {0666, 0620, 0602, 0400, 0200, 0700, 01600, 04600, 0606};
	const char *name = name_of("mode");
	mode_t before = umask(0);

	(void)unused;
	for (unsigned i = 0; i < sizeof(mask) / sizeof(mask[0]) * 5; i++) {
		struct xk_share_config config = {.size = 4096, .node = -1, .mode = mode[i % 5]};
		struct xk_share *share = NULL;
		int rc;

		umask(mask[i / 5]);
		rc = xk_share_create(&share, name, &config, &err);
		if (!rc)
			rc = xk_share_publish(share, &err);
		umask(before);
		assert_int_equal(rc, 0);
		assert_int_equal(mode_of(name), config.mode ? config.mode : 0600);
		xk_share_close(attach(name));
		xk_share_close(share);
		assert_int_equal(xk_share_unlink(name, &err), 0);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse_create(name, 4096, -1, bad[i], XK_HUGE_OFF, -EINVAL);
}

static void no_share(void **unused)
{
	const char *share = name_of("good"), *other = name_of("other");
	int fds = open_fds();

	(void)unused;
	refuse_attach(other, -ENOENT, "no share named");
	xk_share_close(publish(share, 4096));
	assert_int_equal(symlink(share, path_of(other)), 0);
	refuse_attach(other, -ELOOP, "symbolic link");
	unlink(path_of(other));
	assert_int_equal(symlink("/nowhere", path_of(other)), 0);
	refuse_attach(other, -ELOOP, "symbolic link");
	unlink(path_of(other));
	assert_int_equal(mkfifo(path_of(other), 0600), 0);
	refuse_attach(other, -EPROTO, "no regular file");
	unlink(path_of(other));
	assert_int_equal(mkdir(path_of(other), 0700), 0);
	refuse_attach(other, -EPROTO, "no regular file");
	rmdir(path_of(other));
	make_file(other, 0600, 0);
	refuse_attach(other, -EPROTO, "is empty");
	assert_int_equal(truncate(path_of(other), 100), 0);
	refuse_attach(other, -EPROTO, "100 bytes");
	assert_int_equal(truncate(path_of(other), 4097), 0);
	refuse_attach(other, -EPROTO, "4097 bytes");
	assert_int_equal(open_fds(), fds);
}

static void writable_by_others(void **unused)
{
	const char *name = name_of("open");

	(void)unused;
	make_file(name, 0600, 4096);
	xk_share_close(attach(name));
	chmod(path_of(name), 0620);
	refuse_attach(name, -EPERM, "mode 0620");
	assert_non_null(strstr(err.fix, path_of(name)));
	chmod(path_of(name), 0602);
	refuse_attach(name, -EPERM, "mode 0602");
	chmod(path_of(name), 0666);
	refuse_attach(name, -EPERM, "mode 0666");
	chmod(path_of(name), 0644);
	xk_share_close(attach(name));
}

static void attach_as_nobody(const char *name)
{
	struct xk_share *share = NULL;

	become_nobody();
	expect(xk_share_attach(&share, name, &err) == -EPERM);
	expect(!share && strstr(err.why, "belongs to user 0") && strstr(err.why, "user 65534"));
	_exit(0);
}

static void other_user(void **unused)
{
	const char *name = name_of("root"), *theirs = name_of("nobody");
	static const mode_t mode[] = {0666, 0644, 0600};
	pid_t pid;

	(void)unused;
	need_root();
	make_file(name, 0600, 4096);
	for (unsigned i = 0; i < 3; i++) {
		chmod(path_of(name), mode[i]);
		pid = fork_child();
		if (!pid)
			attach_as_nobody(name);
		assert_int_equal(status_of(pid), 0);
	}
	make_file(theirs, 0600, 4096); /* root could, but nobody could then cut it short */
	assert_int_equal(chown(path_of(theirs), NOBODY, NOBODY), 0);
	refuse_attach(theirs, -EPERM, "belongs to user 65534");
}

/* Whoever is nobody makes, attaches and unlinks just as well, and not what is root's. */
static void as_nobody(void **unused)
{
	const char *name = name_of("user"), *roots = name_of("roots");
	pid_t pid;

	(void)unused;
	need_root();
	xk_share_close(publish(roots, 4096));
	pid = fork_child();
	if (!pid) {
		struct xk_share_config config = {.size = 4096, .node = -1};
		struct xk_share *share = NULL, *other = NULL;

		become_nobody();
		expect(!xk_share_create(&share, name, &config, &err));
		expect(xk_share_info(share)->owner == NOBODY);
		expect(!xk_share_publish(share, &err));
		expect(!xk_share_attach(&other, name, &err));
		expect(!xk_share_unlink(name, &err));
		expect(xk_share_unlink(roots, &err) == -EPERM && strstr(err.fix, "user"));
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
}

/* --- /dev/shm itself, in a mount namespace of its own --- */

static int create_on(const char *type, const char *options, size_t size, enum xk_huge huge)
{
	struct xk_share_config config = {.size = size, .node = -1, .huge = huge};
	struct xk_share *share = NULL;

	expect(!unshare(CLONE_NEWNS));
	expect(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	expect(!mount("none", "/dev/shm", type, 0, options));
	return xk_share_create(&share, "x", &config, &err);
}

static void other_mounts(void **unused)
{
	pid_t pid;

	(void)unused;
	need_root();
	pid = fork_child();
	if (!pid) {
		expect(create_on("ramfs", "", 4096, XK_HUGE_OFF) == -ENOTSUP);
		expect(strstr(err.why, "/dev/shm is no tmpfs"));
		expect(xk_share_unlink("x", &err) == -ENOTSUP);
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
	for (int huge = XK_HUGE_AUTO; huge <= XK_HUGE_OFF; huge++) {
		pid = fork_child();
		if (!pid) {
			expect(create_on("tmpfs", "size=1m", 8 * MIB, huge) == -ENOMEM);
			expect(err.fix[0]);
			_exit(0);
		}
		assert_int_equal(status_of(pid), 0);
	}
}

/* --- pages --- */

static void sizes_and_nodes(void **unused)
{
	const char *name = name_of("size");
	int fds = open_fds();

	(void)unused;
	for (int i = 0; i < 2; i++, name = NULL) {
		refuse_create(name, 0, -1, 0, XK_HUGE_AUTO, -EINVAL);
		refuse_create(name, 4096, 999, 0, XK_HUGE_AUTO, -EINVAL);
		refuse_create(name, 4096, -2, 0, XK_HUGE_OFF, -EINVAL);
		refuse_create(name, (size_t)1 << 42, -1, 0, XK_HUGE_OFF, -ENOMEM);
		refuse_create(name, (size_t)1 << 42, -1, 0, XK_HUGE_AUTO, -ENOMEM);
		refuse_create(name, (size_t)1 << 42, -1, 0, XK_HUGE_ON, -ENOMEM);
		refuse_create(name, SIZE_MAX, 0, 0, XK_HUGE_OFF, -ENOMEM);
		refuse_create(name, SIZE_MAX, 0, 0, XK_HUGE_ON, -ENOMEM);
	}
	assert_int_equal(open_fds(), fds);
	assert_int_equal(left_over(false), 0);
}

static void on_node_0(void **unused)
{
	struct xk_share_config config = {.size = MIB, .node = 0, .huge = XK_HUGE_OFF};
	struct xk_share *share = NULL, *other;
	const char *name = name_of("node");
	unsigned char there[256];

	(void)unused;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(xk_share_create(&share, i ? NULL : name, &config, &err), 0);
		assert_int_equal(xk_share_info(share)->node, 0);
		assert_int_equal(mincore(addr_of(share), MIB, there), 0);
		assert_true(all_bytes(there, 1, 256));
		assert_int_equal(xk_share_publish(share, &err), 0);
		if (!i) {
			other = attach(name);
			assert_int_equal(xk_share_info(other)->node, 0);
			xk_share_close(other);
		}
		xk_share_close(share);
	}
}

/* The kernel's own file says in brackets what is chosen. */
static bool no_transparent(void)
{
	char line[128] = "[deny]";
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "re");

	if (file) {
		if (!fgets(line, sizeof(line), file))
			line[0] = 0;
		fclose(file);
	}
	return strstr(line, "[deny]");
}

static void check_transparent(const char *name, enum xk_huge huge)
{
	struct xk_share *share = create(name, 2 * MIB + 1, huge), *other;
	const struct xk_share_info *info = xk_share_info(share);

	assert_true(info->huge);
	assert_int_equal(info->page_size, 2 * MIB);
	assert_int_equal(info->size, 4 * MIB);
	assert_int_equal((uintptr_t)info->addr % (2 * MIB), 0);
	assert_true(info->node >= 0);
	memset(info->addr, 6, info->size);
	assert_int_equal(xk_share_publish(share, &err), 0);
	other = attach(name);
	assert_true(xk_share_info(other)->huge);
	assert_int_equal(xk_share_info(other)->page_size, 2 * MIB);
	assert_int_equal(xk_share_info(other)->node, info->node);
	assert_true(all_bytes(addr_of(other), 6, 4 * MIB));
	xk_share_close(other);
	/* broken up in one place, it is not huge for whoever comes now */
	assert_int_equal(
		fallocate(info->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * MIB, 4096), 0);
	other = attach(name);
	assert_false(xk_share_info(other)->huge);
	assert_int_equal(xk_share_info(other)->page_size, 4096);
	xk_share_close(other);
	xk_share_close(share);
	assert_int_equal(xk_share_unlink(name, &err), 0);
}

static void transparent(void **unused)
{
	const char *name = name_of("thp");
	struct xk_share *share;

	(void)unused;
	if (no_transparent() ||
	    read_long("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") != (long)(2 * MIB)) {
		print_message("no transparent huge pages of 2 MiB in shared memory here\n");
		skip();
	}
	check_transparent(name, XK_HUGE_ON);
	check_transparent(name, XK_HUGE_AUTO);
	share = create(name, 2 * MIB - 1, XK_HUGE_AUTO); /* too small to be worth one */
	assert_false(xk_share_info(share)->huge);
	assert_int_equal(xk_share_info(share)->size, 2 * MIB);
	assert_int_equal(xk_share_publish(share, &err), 0);
	xk_share_close(share);
	share = attach(name);
	assert_false(xk_share_info(share)->huge);
	assert_int_equal(xk_share_info(share)->page_size, 4096);
	xk_share_close(share);
	assert_int_equal(xk_share_unlink(name, &err), 0);
	share = create(name, 4096, XK_HUGE_ON);
	assert_int_equal(xk_share_info(share)->size, 2 * MIB);
	xk_share_close(share);
}

/* A process that may not have huge pages is told so, or gets small ones. */
static void without_transparent(void **unused)
{
	const char *name = name_of("nothp");
	pid_t pid = fork_child();

	(void)unused;
	if (!pid) {
		struct xk_share_config config = {.size = 5 * MIB, .node = -1, .huge = XK_HUGE_ON};
		struct xk_share *share = NULL;
		int fds = open_fds();

		expect(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
		expect(xk_share_create(&share, name, &config, &err) == -ENOMEM);
		expect(strstr(err.why, "huge pages") && strstr(err.fix, "small pages"));
		config.huge = XK_HUGE_AUTO;
		expect(!xk_share_create(&share, name, &config, &err));
		expect(!xk_share_info(share)->huge && xk_share_info(share)->page_size == 4096);
		expect(xk_share_info(share)->size == 5 * MIB);
		xk_share_close(share);
		expect(open_fds() == fds);
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
}

/* A memfd with AUTO takes reserved huge pages if there are any; here there are none. */
static void no_reserve(void **unused)
{
	struct xk_share *share;

	(void)unused;
	if (read_long(HUGE_FREE) > 0) {
		print_message("there are huge pages on this machine\n");
		skip();
	}
	refuse_create(NULL, 4 * MIB, -1, 0, XK_HUGE_ON, -ENOMEM);
	assert_non_null(strstr(err.fix, "vm.nr_hugepages="));
	share = create(NULL, 4 * MIB, XK_HUGE_AUTO);
	assert_false(xk_share_info(share)->huge);
	xk_share_close(share);
}

/* --- re-opening, and locks --- */

static int lock_byte(int fd, off_t byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

static int reopen(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Two new descriptions of one memory: what one locks the other cannot, until it is closed. */
static void check_reopen(const struct xk_share *share)
{
	const struct xk_share_info *info = xk_share_info(share);
	int one = reopen(info->fd), two = reopen(info->fd);
	char *map;

	assert_true(one >= 0 && two >= 0);
	map = mmap(NULL, info->size, PROT_READ | PROT_WRITE, MAP_SHARED, one, 0);
	assert_true(map != MAP_FAILED);
	map[100] = 42;
	assert_int_equal(((char *)info->addr)[100], 42);
	munmap(map, info->size);
	assert_int_equal(lock_byte(one, 3), 0);
	assert_int_equal(lock_byte(two, 3), -1);
	assert_int_equal(lock_byte(info->fd, 3), -1);
	assert_int_equal(lock_byte(two, 4), 0);
	close(one);
	assert_int_equal(lock_byte(two, 3), 0);
	close(two);
}

static void reopened(void **unused)
{
	struct xk_share *share = create(name_of("reopen"), 8192, XK_HUGE_OFF);

	(void)unused;
	check_reopen(share);
	assert_int_equal(xk_share_publish(share, &err), 0);
	check_reopen(share);
	xk_share_close(share);
	share = attach(name_of("reopen"));
	check_reopen(share);
	xk_share_close(share);
	share = create(NULL, 8192, XK_HUGE_OFF);
	check_reopen(share);
	assert_int_equal(xk_share_publish(share, &err), 0);
	check_reopen(share);
	xk_share_close(share);
}

/* --- by descriptor --- */

static void receive_and_answer(int sock, const struct xk_share_info *made)
{
	struct xk_share *share = NULL;
	const struct xk_share_info *info;

	expect(!xk_share_receive(&share, sock, &err));
	info = xk_share_info(share);
	expect(info->addr != made->addr && info->size == made->size && !info->name);
	expect(info->page_size == made->page_size && info->huge == made->huge);
	expect(info->node == made->node && info->owner == geteuid());
	expect(fcntl(info->fd, F_GETFD) & FD_CLOEXEC);
	expect(all_bytes(info->addr, 0x11, info->size));
	memset(info->addr, 0x22, info->size);
	expect(xk_share_publish(share, &err) == -EINVAL);
	expect(!xk_share_send(share, sock, &err)); /* a received one may be sent on */
	_exit(0);
}

static void check_sealed(const struct xk_share_info *info)
{
	assert_int_equal(fcntl(info->fd, F_GET_SEALS) & SEALS, SEALS);
	assert_int_equal(ftruncate(info->fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(info->fd, (off_t)info->size * 2), -1);
	assert_int_equal(fcntl(info->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
}

static void send_over(int type, enum xk_huge huge)
{
	struct xk_share *share = create(NULL, 8192, huge), *back = NULL;
	const struct xk_share_info *info = xk_share_info(share);
	int pair[2];
	pid_t pid;

	memset(info->addr, 0x11, info->size);
	assert_int_equal(xk_share_publish(share, &err), 0);
	check_sealed(info);
	assert_int_equal(socketpair(AF_UNIX, type, 0, pair), 0);
	pid = fork_child();
	if (!pid)
		receive_and_answer(pair[1], info);
	close(pair[1]);
	assert_int_equal(xk_share_send(share, pair[0], &err), 0);
	assert_int_equal(xk_share_receive(&back, pair[0], &err), 0);
	assert_int_equal(status_of(pid), 0);
	assert_true(all_bytes(info->addr, 0x22, info->size));
	assert_true(addr_of(back) != info->addr);
	assert_true(all_bytes(addr_of(back), 0x22, info->size));
	check_reopen(back);
	close(pair[0]);
	xk_share_close(back);
	xk_share_close(share);
}

static void sent(void **unused)
{
	int fds = open_fds();

	(void)unused;
	send_over(SOCK_STREAM, XK_HUGE_OFF);
	send_over(SOCK_SEQPACKET, XK_HUGE_OFF);
	send_over(SOCK_DGRAM, XK_HUGE_OFF);
	assert_int_equal(open_fds(), fds);
}

/* What comes behind the message is the caller's. */
static void not_a_byte_more(void **unused)
{
	struct xk_share *share = create(NULL, 4096, XK_HUGE_OFF), *got = NULL;
	char byte[8] = {0};
	int pair[2];

	(void)unused;
	assert_int_equal(xk_share_publish(share, &err), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(xk_share_send(share, pair[0], &err), 0);
	assert_int_equal(write(pair[0], "abc", 3), 3);
	assert_int_equal(xk_share_receive(&got, pair[1], &err), 0);
	assert_int_equal(read(pair[1], byte, sizeof(byte)), 3);
	assert_string_equal(byte, "abc");
	close(pair[0]);
	close(pair[1]);
	xk_share_close(got);
	xk_share_close(share);
}

static void refuse_receive(int sock, int want)
{
	struct xk_share *share = NULL;

	memset(&err, 0, sizeof(err));
	assert_int_equal(xk_share_receive(&share, sock, &err), want);
	assert_null(share);
	assert_int_equal(err.code, want);
	assert_true(err.why[0]);
}

static void refuse_send(const struct xk_share *share, int sock, int want)
{
	memset(&err, 0, sizeof(err));
	assert_int_equal(xk_share_send(share, sock, &err), want);
	assert_int_equal(err.code, want);
	assert_true(err.why[0]);
}

static void unfit_to_send(void **unused)
{
	struct xk_share *named = publish(name_of("named"), 4096);
	struct xk_share *fresh = create(NULL, 4096, XK_HUGE_OFF);
	int pair[2], fds, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)unused;
	fds = open_fds();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	refuse_send(named, pair[0], -EINVAL);
	assert_non_null(strstr(err.why, "has a name"));
	refuse_send(fresh, pair[0], -EINVAL);
	assert_non_null(strstr(err.fix, "publish"));
	assert_int_equal(xk_share_publish(fresh, &err), 0);
	refuse_send(fresh, null, -ENOTSOCK);
	close(pair[1]);
	refuse_send(fresh, pair[0], -EPIPE); /* and no signal */
	close(pair[0]);
	close(null);
	xk_share_close(named);
	xk_share_close(fresh);
	assert_int_equal(open_fds(), fds - 3);
}

static void unfit_sockets(void **unused)
{
	struct timeval soon = {.tv_usec = 20000};
	int pair[2], fds = open_fds(), sock;

	(void)unused;
	refuse_receive(-1, -EBADF);
	sock = open("/dev/null", O_RDWR | O_CLOEXEC);
	refuse_receive(sock, -ENOTSOCK);
	close(sock);
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	refuse_receive(sock, -EINVAL);
	close(sock);
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	refuse_receive(sock, -ENOTCONN);
	close(sock);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	refuse_receive(pair[1], -EAGAIN);
	assert_non_null(strstr(err.why, "in time"));
	close(pair[0]);
	refuse_receive(pair[1], -ECONNRESET);
	close(pair[1]);
	assert_int_equal(open_fds(), fds);
}

/* --- messages that are not to be trusted --- */

struct forged {
	unsigned char bytes[16]; /* a magic, and the size of the memory */
	size_t len;
	int fds[253];
	unsigned count;
};

/* The bytes of a true message for memory of that size. */
static void forge(struct forged *message, size_t size)
{
	struct xk_share *share = create(NULL, size, XK_HUGE_OFF);
	int pair[2];

	assert_int_equal(xk_share_publish(share, &err), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(xk_share_send(share, pair[0], &err), 0);
	memset(message, 0, sizeof(*message));
	message->len = sizeof(message->bytes);
	assert_int_equal(read(pair[1], message->bytes, 16), 16); /* the descriptor is lost */
	close(pair[0]);
	close(pair[1]);
	xk_share_close(share);
}

static ssize_t send_forged(int sock, const struct forged *message)
{
	char control[CMSG_SPACE(sizeof(message->fds))] = {0};
	struct iovec part = {.iov_base = (void *)message->bytes, .iov_len = message->len};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	if (message->count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(message->count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(message->count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), message->fds, message->count * sizeof(int));
	}
	return sendmsg(sock, &msg, 0);
}

/* What is refused leaves no descriptor behind. */
static void refuse_forged(int type, const struct forged *message, int want, const char *why)
{
	int pair[2], fds = open_fds();

	assert_int_equal(socketpair(AF_UNIX, type, 0, pair), 0);
	assert_int_equal(send_forged(pair[0], message), message->len);
	refuse_receive(pair[1], want);
	if (!strstr(err.why, why))
		print_error("'%s' in '%s'?\n", why, err.why);
	assert_non_null(strstr(err.why, why));
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(open_fds(), fds);
}

static int make_memfd(size_t size, size_t filled, int seals)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (filled)
		assert_int_equal(fallocate(fd, 0, 0, (off_t)filled), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void refuse_fd(size_t announced, int fd, const char *why)
{
	struct forged message;

	forge(&message, announced);
	message.fds[0] = fd;
	message.count = 1;
	refuse_forged(SOCK_STREAM, &message, -EPERM, why);
	close(fd);
}

static void untrusted_fds(void **unused)
{
	int end[2];

	(void)unused;
	refuse_fd(8192, make_memfd(8192, 8192, 0), "not sealed");
	refuse_fd(8192, make_memfd(8192, 8192, F_SEAL_SHRINK | F_SEAL_GROW), "not sealed");
	refuse_fd(8192, make_memfd(8192, 8192, F_SEAL_GROW | F_SEAL_SEAL), "not sealed");
	refuse_fd(8192, make_memfd(8192, 8192, F_SEAL_SHRINK | F_SEAL_SEAL), "not sealed");
	refuse_fd(8192, make_memfd(8192, 8192, SEALS | F_SEAL_WRITE), "against writing");
	refuse_fd(8192, make_memfd(8192, 8192, SEALS | F_SEAL_FUTURE_WRITE), "against writing");
	refuse_fd(8192, make_memfd(8192, 4096, SEALS), "holes");
	refuse_fd(8192, make_memfd(8192, 0, SEALS), "holes");
	refuse_fd(8192, make_memfd(4096, 4096, SEALS), "announced");
	refuse_fd(4096, make_memfd(8192, 8192, SEALS), "announced");
	refuse_fd(4096, make_memfd(0, 0, SEALS), "announced");
	refuse_fd(4096, open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "not sealed");
	refuse_fd(4096, open("/dev/null", O_RDWR | O_CLOEXEC), "no memfd");
	assert_int_equal(pipe(end), 0);
	refuse_fd(4096, end[0], "no memfd");
	refuse_fd(4096, end[1], "no memfd");
}

static void forged_on(int type)
{
	struct forged message;

	forge(&message, 4096);
	refuse_forged(type, &message, -EPROTO, "exactly one descriptor");
	for (unsigned i = 0; i < 253; i++)
		message.fds[i] = i ? message.fds[0] : make_memfd(4096, 4096, SEALS);
	message.count = 2;
	refuse_forged(type, &message, -EPROTO, "exactly one descriptor");
	message.count = 3;
	refuse_forged(type, &message, -EPROTO, "exactly one descriptor");
	message.count = 253; /* more than there is room for: MSG_CTRUNC */
	refuse_forged(type, &message, -EPROTO, "exactly one descriptor");
	message.count = 1;
	message.len = 15;
	refuse_forged(type, &message, -EPROTO, "not one of");
	message.len = 16;
	message.bytes[0] ^= 1;
	refuse_forged(type, &message, -EPROTO, "not one of");
	close(message.fds[0]);
}

static void untrusted_messages(void **unused)
{
	struct forged message;

	(void)unused;
	forged_on(SOCK_STREAM);
	forged_on(SOCK_SEQPACKET);
	forge(&message, 4096);
	message.fds[0] = make_memfd(4096, 4096, SEALS);
	message.count = 1;
	message.len = 0; /* an empty datagram can bring a descriptor, too */
	refuse_forged(SOCK_DGRAM, &message, -EPROTO, "not one of");
	close(message.fds[0]);
}

/* The socket's own options put more into the message: that is no fault of the peer. */
static void with_credentials(void **unused)
{
	struct xk_share *share = create(NULL, 4096, XK_HUGE_OFF), *got = NULL;
	int pair[2], on = 1;

	(void)unused;
	assert_int_equal(xk_share_publish(share, &err), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	setsockopt(pair[1], SOL_SOCKET, 76, &on, sizeof(on)); /* SO_PASSPIDFD, 6.5 */
	assert_int_equal(xk_share_send(share, pair[0], &err), 0);
	on = open_fds();
	assert_int_equal(xk_share_receive(&got, pair[1], &err), 0);
	assert_int_equal(open_fds(), on + 1);
	close(pair[0]);
	close(pair[1]);
	xk_share_close(got);
	xk_share_close(share);
}

/* --- between two users --- */

/* A socket that anybody may connect to; its address is in *at. */
static int listen_somewhere(struct sockaddr_un *at)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(mkdir(socket_dir, 0700), 0);
	assert_int_equal(chmod(socket_dir, 0755), 0);
	at->sun_family = AF_UNIX;
	snprintf(at->sun_path, sizeof(at->sun_path), "%s/s", socket_dir);
	assert_int_equal(bind(sock, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(chmod(at->sun_path, 0777), 0);
	assert_int_equal(listen(sock, 1), 0);
	return sock;
}

static int connect_to(const struct sockaddr_un *at)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	expect(!connect(sock, (const struct sockaddr *)at, sizeof(*at)));
	return sock;
}

static void swap_as_nobody(const struct sockaddr_un *at)
{
	struct xk_share_config config = {.size = 4096, .node = -1, .huge = XK_HUGE_OFF};
	struct xk_share *mine = NULL, *roots = NULL;
	int sock, again;

	become_nobody();
	sock = connect_to(at);
	expect(!xk_share_create(&mine, NULL, &config, &err));
	expect(!xk_share_publish(mine, &err));
	expect(!xk_share_send(mine, sock, &err));
	expect(!xk_share_receive(&roots, sock, &err));
	expect(xk_share_info(roots)->owner == 0);
	again = reopen(xk_share_info(roots)->fd);
	expect(again >= 0 && !lock_byte(again, 1));
	memset(addr_of(roots), 0x33, 4096);
	_exit(0);
}

static void two_users(void **unused)
{
	struct xk_share *share = create(NULL, 4096, XK_HUGE_OFF), *got = NULL;
	struct sockaddr_un at = {0};
	int listener, sock;
	pid_t pid;

	(void)unused;
	need_root();
	listener = listen_somewhere(&at);
	pid = fork_child();
	if (!pid)
		swap_as_nobody(&at);
	sock = accept(listener, NULL, NULL);
	assert_int_equal(xk_share_publish(share, &err), 0);
	assert_int_equal(xk_share_receive(&got, sock, &err), 0);
	assert_int_equal(xk_share_info(got)->owner, NOBODY);
	assert_int_equal(xk_share_send(share, sock, &err), 0);
	assert_int_equal(status_of(pid), 0);
	assert_true(all_bytes(addr_of(share), 0x33, 4096));
	check_reopen(got);
	xk_share_close(got);
	xk_share_close(share);
	close(sock);
	close(listener);
}

/* --- reserved huge pages --- */

static int add_huge_pages(void **state)
{
	long before = read_long(HUGE_POOL);

	*state = (void *)before;
	tell_guard('+');
	write_long(HUGE_POOL, before + 2);
	return limit(NULL);
}

static int drop_huge_pages(void **state)
{
	write_long(HUGE_POOL, (long)*state);
	tell_guard('-');
	return remove_socket(NULL);
}

/* Sends one of huge pages past the check, as a peer with a library of its own would. */
static void send_huge_as_nobody(const struct sockaddr_un *at, struct forged *message)
{
	struct xk_share_config config = {.size = 2 * MIB, .node = -1, .huge = XK_HUGE_ON};
	struct xk_share *mine = NULL, *roots = NULL;
	int pair[2], sock;

	become_nobody();
	sock = connect_to(at);
	expect(!xk_share_create(&mine, NULL, &config, &err));
	expect(!xk_share_publish(mine, &err));
	expect(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	expect(!xk_share_send(mine, pair[0], &err)); /* to oneself it may go */
	expect(!xk_share_receive(&roots, pair[1], &err));
	message->fds[0] = xk_share_info(mine)->fd;
	message->count = 1;
	expect(send_forged(sock, message) == (ssize_t)message->len);
	expect(read(sock, message->bytes, 1) == 0);
	_exit(0);
}

static void huge_between_users(void)
{
	struct xk_share *share = create(NULL, 2 * MIB, XK_HUGE_ON);
	struct sockaddr_un at = {0};
	int listener = listen_somewhere(&at), sock;
	struct forged message;
	pid_t pid;

	forge(&message, xk_share_info(share)->size);
	assert_int_equal(xk_share_publish(share, &err), 0);
	pid = fork_child();
	if (!pid)
		send_huge_as_nobody(&at, &message);
	sock = accept(listener, NULL, NULL);
	refuse_receive(sock, -EPERM);
	assert_non_null(strstr(err.why, "user 65534"));
	refuse_send(share, sock, -EPERM);
	assert_non_null(strstr(err.fix, "small pages"));
	close(sock);
	close(listener);
	assert_int_equal(status_of(pid), 0);
	xk_share_close(share);
}

static void reserved(void **unused)
{
	struct xk_share *share;

	(void)unused;
	if (read_long(HUGE_FREE) != 2 || geteuid()) {
		print_message("%ld huge pages of 2 MiB are free, need exactly 2, and root\n",
			      read_long(HUGE_FREE));
		skip();
	}
	share = create(NULL, 2 * MIB + 1, XK_HUGE_AUTO);
	assert_true(xk_share_info(share)->huge);
	assert_int_equal(xk_share_info(share)->size, 4 * MIB);
	assert_int_equal(xk_share_info(share)->page_size, 2 * MIB);
	check_reopen(share);
	assert_int_equal(xk_share_publish(share, &err), 0);
	check_reopen(share);
	xk_share_close(share);
	send_over(SOCK_STREAM, XK_HUGE_ON);
	huge_between_users();
	assert_int_equal(read_long(HUGE_FREE), 2);
}

#define test(function)        cmocka_unit_test_setup_teardown(function, limit, clean)
#define test_socket(function) cmocka_unit_test_setup_teardown(function, limit, remove_socket)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(round_trip),
		test(same_as_shm_open),
		test(whole_or_not),
		test(second_creator),
		test(one_of_many),
		test(killed),
		test(names),
		test(unlinked),
		test(modes),
		test(no_share),
		test(writable_by_others),
		test(other_user),
		test(as_nobody),
		test(other_mounts),
		test(sizes_and_nodes),
		test(on_node_0),
		test(transparent),
		test(without_transparent),
		test(no_reserve),
		test(reopened),
		test(sent),
		test(not_a_byte_more),
		test(unfit_to_send),
		test(unfit_sockets),
		test(untrusted_fds),
		test(untrusted_messages),
		test(with_credentials),
		test_socket(two_users),
		cmocka_unit_test_setup_teardown(reserved, add_huge_pages, drop_huge_pages),
	};

	return cmocka_run_group_tests(tests, start_guard, clean);
}
