// SPDX-License-Identifier: BSD-2-Clause
/* mem: sizes, node, seals, huge pages there or not, and asking for too much. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>
#include <xskit/mem.h>

#define HUGE_POOL "/proc/sys/vm/nr_hugepages"

static struct xk_err err;

static struct xk_mem *create(size_t size, int node, enum xk_huge huge)
{
	struct xk_mem_config config = {.size = size, .node = node, .huge = huge};
	struct xk_mem *mem = NULL;
	int rc = xk_mem_create(&mem, &config, &err);

	if (rc)
		print_error("%s: %s: %s\n", err.what, err.why, err.fix);
	assert_int_equal(rc, 0);
	return mem;
}

static void refuse(size_t size, int node, enum xk_huge huge, int want)
{
	struct xk_mem_config config = {.size = size, .node = node, .huge = huge};
	struct xk_mem *mem = NULL;

	memset(&err, 0, sizeof(err));
	assert_int_equal(xk_mem_create(&mem, &config, NULL), want);
	assert_int_equal(xk_mem_create(&mem, &config, &err), want);
	assert_null(mem);
	assert_int_equal(err.code, want);
	assert_true(err.why[0]);
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

static int write_long(const char *path, long value)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -1;
	fprintf(file, "%ld\n", value);
	return fclose(file);
}

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void sizes(void **unused)
{
	static const size_t size[] = {1, 4095, 4096, 4097, 1 << 20, (5 << 20) + 1};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)unused;
	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct xk_mem *mem = create(size[i], -1, XK_HUGE_OFF);
		const struct xk_mem_info *info = xk_mem_info(mem);
		unsigned char *byte = info->addr;

		assert_int_equal(info->page_size, page);
		assert_int_equal(info->size, (size[i] + page - 1) / page * page);
		assert_int_equal((uintptr_t)info->addr % page, 0);
		assert_false(info->huge);
		for (size_t at = 0; at < info->size; at++)
			assert_int_equal(byte[at], 0);
		memset(byte, 0xa5, info->size);
		xk_mem_destroy(mem);
	}
	xk_mem_destroy(NULL);
}

static void populated(void **unused)
{
	struct xk_mem *mem = create(1 << 20, -1, XK_HUGE_OFF);
	const struct xk_mem_info *info = xk_mem_info(mem);
	unsigned char there[256];

	(void)unused;
	assert_int_equal(mincore(info->addr, info->size, there), 0);
	for (unsigned i = 0; i < 256; i++)
		assert_true(there[i] & 1);
	xk_mem_destroy(mem);
}

static void sealed(void **unused)
{
	struct xk_mem *mem = create(1 << 16, -1, XK_HUGE_OFF);
	const struct xk_mem_info *info = xk_mem_info(mem);
	char path[64];
	void *map;
	int fd;

	(void)unused;
	assert_int_equal(ftruncate(info->fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(info->fd, 1 << 20), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fallocate(info->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
			 -1);
	assert_int_equal(write(info->fd, "x", 1), -1);
	map = mmap(NULL, info->size, PROT_READ | PROT_WRITE, MAP_SHARED, info->fd, 0);
	assert_true(map == MAP_FAILED);
	/* a new open file description, as another user of the memory might get one */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", info->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	map = mmap(NULL, info->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map == MAP_FAILED);
	map = mmap(NULL, info->size, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map, info->size, PROT_READ | PROT_WRITE), -1);
	strcpy(info->addr, "seen"); /* the owner's mapping stays writable */
	assert_string_equal(map, "seen");
	munmap(map, info->size);
	close(fd);
	assert_true(fcntl(info->fd, F_GETFD) & FD_CLOEXEC);
	xk_mem_destroy(mem);
}

static void node_0(void **unused)
{
	struct xk_mem *mem = create((3 << 20) + 4096, 0, XK_HUGE_OFF);

	(void)unused;
	assert_int_equal(xk_mem_info(mem)->node, 0);
	xk_mem_destroy(mem);
	mem = create(4096, -1, XK_HUGE_AUTO);
	if (access("/sys/devices/system/node/node1", F_OK))
		assert_int_equal(xk_mem_info(mem)->node, 0);
	xk_mem_destroy(mem);
}

static void bad_arguments(void **unused)
{
	(void)unused;
	refuse(0, -1, XK_HUGE_AUTO, -EINVAL);
	refuse(4096, -2, XK_HUGE_AUTO, -EINVAL);
	refuse(4096, 999, XK_HUGE_AUTO, -EINVAL);
	refuse(4096, INT_MAX, XK_HUGE_OFF, -EINVAL);
	refuse(4096, INT_MIN, XK_HUGE_OFF, -EINVAL);
}

static void too_large(void **unused)
{
	struct rlimit limit = {(rlim_t)4 << 30, RLIM_INFINITY}, before;
	int fds = open_fds();

	(void)unused;
	/* without the check under test this ends in EFBIG and not in the OOM killer's hands */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	refuse((size_t)1 << 42, -1, XK_HUGE_OFF, -ENOMEM);
	refuse((size_t)1 << 42, 0, XK_HUGE_AUTO, -ENOMEM);
	refuse((size_t)1 << 42, 0, XK_HUGE_ON, -ENOMEM);
	refuse(SIZE_MAX, -1, XK_HUGE_AUTO, -ENOMEM);
	refuse(SIZE_MAX, -1, XK_HUGE_ON, -ENOMEM);
	refuse(SIZE_MAX - 4095, 0, XK_HUGE_OFF, -ENOMEM);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(open_fds(), fds);
}

static void no_huge_pages(void **unused)
{
	struct xk_mem *mem;
	int fds = open_fds();

	(void)unused;
	if (read_long("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") > 0) {
		print_message("there are huge pages on this machine\n");
		skip();
	}
	refuse(4 << 20, 0, XK_HUGE_ON, -ENOMEM);
	assert_non_null(strstr(err.why, "huge pages"));
	assert_non_null(strstr(err.fix, "vm.nr_hugepages="));
	mem = create(4 << 20, 0, XK_HUGE_AUTO);
	assert_false(xk_mem_info(mem)->huge);
	assert_int_equal(xk_mem_info(mem)->size, 4 << 20);
	xk_mem_destroy(mem);
	assert_int_equal(open_fds(), fds);
}

static void check_huge(enum xk_huge huge)
{
	struct xk_mem *mem = create((2 << 20) + 1, 0, huge);
	const struct xk_mem_info *info = xk_mem_info(mem);

	assert_true(info->huge);
	assert_int_equal(info->page_size, 2 << 20);
	assert_int_equal(info->size, 4 << 20);
	assert_int_equal((uintptr_t)info->addr % (2 << 20), 0);
	assert_int_equal(info->node, 0);
	memset(info->addr, 1, info->size);
	assert_int_equal(ftruncate(info->fd, 0), -1);
	assert_true(mmap(NULL, info->size, PROT_WRITE, MAP_SHARED, info->fd, 0) == MAP_FAILED);
	refuse(8 << 20, 0, XK_HUGE_ON, -ENOMEM); /* more than are left */
	xk_mem_destroy(mem);
}

static int add_huge_pages(void **state)
{
	long before = read_long(HUGE_POOL);

	*state = (void *)before;
	write_long(HUGE_POOL, before + 2);
	return 0;
}

static int drop_huge_pages(void **state)
{
	write_long(HUGE_POOL, (long)*state);
	return 0;
}

static void huge_pages(void **unused)
{
	long got = read_long("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");

	(void)unused;
	if (got != 2) {
		print_message("%ld huge pages of 2 MiB are free, need exactly 2\n", got);
		skip();
	}
	check_huge(XK_HUGE_ON);
	check_huge(XK_HUGE_AUTO);
	assert_int_equal(read_long("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(populated),
		cmocka_unit_test(sealed),
		cmocka_unit_test(node_0),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(too_large),
		cmocka_unit_test(no_huge_pages),
		cmocka_unit_test_setup_teardown(huge_pages, add_huge_pages, drop_huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
