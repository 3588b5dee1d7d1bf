// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <numaif.h>
#include "mem_internal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* 6.3; required where vm.memfd_noexec is 2 */
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* 5.1 */
#endif

#define WHAT     "allocate memory"
#define CHUNK    512 /* pages asked about at a time */
#define MAX_NODE 1024

struct xk_mem {
	struct xk_mem_info info;
};

const struct xk_mem_info *xk_mem_info(const struct xk_mem *mem)
{
	return &mem->info;
}

/* A kernel without NUMA has no node directory; its memory is node 0. */
static bool node_exists(int node)
{
	char path[64];

	if (node == -1 || (node == 0 && access("/sys/devices/system/node", F_OK)))
		return true;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	return node >= 0 && node < MAX_NODE && !access(path, F_OK);
}

int mem_check_config(const struct xk_mem_config *config, struct xk_err *err)
{
	if (!config->size)
		return xk_err_fill(err, -EINVAL, WHAT, NULL, "size is 0");
	if (!node_exists(config->node))
		return xk_err_fill(err, -EINVAL, WHAT, "lscpu shows the nodes",
				   "there is no NUMA node %d", config->node);
	return 0;
}

static size_t round_up(size_t size, size_t page)
{
	return (size + page - 1) & ~(page - 1);
}

/* --- is there enough? The kernel would rather kill somebody than refuse small pages. --- */

uint64_t mem_read_number(const char *path, const char *key)
{
	uint64_t number = UINT64_MAX;
	size_t len = strlen(key);
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		return number;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len))
			continue;
		if (sscanf(line + len, "%" SCNu64, &number) != 1)
			number = UINT64_MAX;
		break;
	}
	fclose(file);
	return number;
}

/* The kernel's estimate, less a sixteenth: to fill a machine to the brim is to lose it. */
static uint64_t free_bytes(void)
{
	uint64_t kib = mem_read_number("/proc/meminfo", "MemAvailable:");

	return kib < UINT64_MAX / 1024 ? (kib - kib / 16) * 1024 : UINT64_MAX;
}

/* Limit of this process's own cgroup (v2), if there is one. */
static uint64_t cgroup_bytes(void)
{
	char line[256], path[320];
	uint64_t limit = UINT64_MAX;
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "0::", 3))
			continue;
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", line + 3);
		limit = mem_read_number(path, ""); /* "max" is no number */
	}
	if (file)
		fclose(file);
	return limit;
}

int mem_check_free(size_t size, struct xk_err *err)
{
	uint64_t available = free_bytes(), limit = cgroup_bytes();

	if (size > available)
		return xk_err_fill(err, -ENOMEM, WHAT, "ask for less, or free some memory",
				   "%zu bytes asked for, %" PRIu64 " available", size, available);
	if (size > limit)
		return xk_err_fill(err, -ENOMEM, WHAT, "ask for less, or raise memory.max",
				   "%zu bytes asked for, the control group allows %" PRIu64, size,
				   limit);
	return 0;
}

/* --- the file --- */

static int open_memfd(unsigned flags)
{
	int fd;

	flags |= MFD_CLOEXEC | MFD_ALLOW_SEALING;
	fd = memfd_create("xskit", flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("xskit", flags);
	return fd < 0 ? -errno : fd;
}

/* Bytes a page: st_blksize would be a huge page's size where shmem may use them. */
size_t mem_page_size(int fd, bool huge)
{
	struct statfs fs;

	if (huge && !fstatfs(fd, &fs) && fs.f_bsize > 0)
		return (size_t)fs.f_bsize;
	return (size_t)sysconf(_SC_PAGESIZE);
}

int mem_size_file(struct xk_mem_info *info, size_t size, struct xk_err *err)
{
	if (size > (size_t)PTRDIFF_MAX - info->page_size)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "%zu bytes", size);
	info->size = round_up(size, info->page_size);
	if (ftruncate(info->fd, (off_t)info->size))
		return xk_err_fill(err, -errno, WHAT, NULL, "ftruncate to %zu bytes: %s",
				   info->size, strerror(errno));
	return 0;
}

static int open_file(struct xk_mem_info *info, const struct xk_mem_config *config, bool huge,
		     struct xk_err *err)
{
	int fd = open_memfd(huge ? MFD_HUGETLB : 0);

	if (fd < 0)
		return xk_err_fill(err, fd, WHAT, NULL, "memfd_create: %s", strerror(-fd));
	info->fd = fd;
	info->huge = huge;
	info->page_size = mem_page_size(fd, huge);
	return mem_size_file(info, config->size, err);
}

static int map_file(struct xk_mem_info *info, struct xk_err *err)
{
	void *addr = mmap(NULL, info->size, PROT_READ | PROT_WRITE, MAP_SHARED, info->fd, 0);

	if (addr == MAP_FAILED)
		return xk_err_fill(err, -errno, WHAT, NULL, "mmap of %zu bytes: %s", info->size,
				   strerror(errno));
	info->addr = addr;
	return 0;
}

/* --- the pages --- */

/*
 * Preferred, not bound: with MPOL_BIND a full node means the OOM killer or, with huge pages,
 * SIGBUS. What came of it is verified later. A refusal is no error, so nothing is returned.
 */
void mem_prefer_node(const struct xk_mem_info *info, int node)
{
	unsigned long mask[MAX_NODE / (8 * sizeof(long))] = {0};
	unsigned bits = 8 * sizeof(long);

	if (node < 0)
		return;
	mask[(unsigned)node / bits] = 1UL << (unsigned)node % bits;
	mbind(info->addr, info->size, MPOL_PREFERRED, mask, MAX_NODE + 1, 0);
}

/*
 * fallocate() takes every page now, by the mapping's policy, and says ENOSPC where a first touch
 * would raise SIGBUS; the touches after it only enter the pages into the page table.
 */
int mem_populate(const struct xk_mem_info *info, struct xk_err *err)
{
	int rc;

	do
		rc = fallocate(info->fd, 0, 0, (off_t)info->size);
	while (rc && errno == EINTR);
	if (rc)
		return xk_err_fill(err, errno == ENOSPC ? -ENOMEM : -errno, WHAT,
				   "ask for less, or free some memory",
				   "%zu bytes in pages of %zu: %s", info->size, info->page_size,
				   strerror(errno));
	for (size_t at = 0; at < info->size; at += info->page_size)
		*(volatile char *)((char *)info->addr + at) = 0;
	return 0;
}

/* Ask where `count` pages from `first` are (to >= 0: move them there); -1 unless all on one node.
 */
static int chunk_node(const struct xk_mem_info *info, size_t first, size_t count, int to)
{
	void *pages[CHUNK];
	int nodes[CHUNK], status[CHUNK];

	for (size_t i = 0; i < count; i++) {
		pages[i] = (char *)info->addr + (first + i) * info->page_size;
		nodes[i] = to;
		status[i] = -1;
	}
	if (move_pages(0, count, pages, to < 0 ? NULL : nodes, status, MPOL_MF_MOVE) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (status[i] < 0 || status[i] != status[0])
			return -1;
	}
	return status[0];
}

/* The node of every page, -1: several, or the kernel does not say. */
static int pages_node(const struct xk_mem_info *info, int to)
{
	size_t total = info->size / info->page_size, count;
	int node = -1, now;

	for (size_t first = 0; first < total; first += count) {
		count = total - first < CHUNK ? total - first : CHUNK;
		now = chunk_node(info, first, count, to);
		if (to < 0 && (now < 0 || (first && now != node)))
			return -1;
		node = now;
	}
	return node;
}

/* A node full of page cache spills over at allocation; moving the pages makes room for them. */
int mem_settle(const struct xk_mem_info *info, int wanted)
{
	int node = pages_node(info, -1);

	if (wanted < 0 || node == wanted)
		return node;
	pages_node(info, wanted);
	return pages_node(info, -1);
}

static int seal(const struct xk_mem_info *info, int seals, struct xk_err *err)
{
	if (seals && fcntl(info->fd, F_ADD_SEALS, seals))
		return xk_err_fill(err, -errno, WHAT, NULL, "sealing the memfd: %s",
				   strerror(errno));
	return 0;
}

/* --- put together --- */

void mem_drop(struct xk_mem_info *info)
{
	if (info->addr)
		munmap(info->addr, info->size);
	if (info->fd >= 0)
		close(info->fd);
	info->addr = NULL;
	info->fd = -1;
}

static int build(struct xk_mem_info *info, const struct xk_mem_config *config, int seals, bool huge,
		 struct xk_err *err)
{
	int rc;

	info->addr = NULL;
	info->fd = -1;
	rc = huge ? 0 : mem_check_free(config->size, err);
	if (!rc)
		rc = open_file(info, config, huge, err);
	if (!rc)
		rc = map_file(info, err);
	if (rc)
		goto fail;
	mem_prefer_node(info, config->node);
	rc = mem_populate(info, err);
	if (rc)
		goto fail;
	info->node = mem_settle(info, config->node);
	rc = seal(info, seals, err);
	if (rc)
		goto fail;
	return 0;
fail:
	mem_drop(info);
	return rc;
}

/* Whatever the kernel objected to, there are no huge pages for this block: say how to get some. */
static int no_huge(const struct xk_mem_info *info, const struct xk_mem_config *config,
		   const struct xk_err *cause, struct xk_err *err)
{
	size_t page = info->page_size ? info->page_size : 2 << 20;
	char fix[96];

	snprintf(fix, sizeof(fix), "sysctl vm.nr_hugepages=%zu, or use small pages",
		 (config->size + page - 1) / page);
	return xk_err_fill(err, -ENOMEM, WHAT, fix, "not enough free huge pages: %.200s",
			   cause->why);
}

int mem_build(struct xk_mem_info *info, const struct xk_mem_config *config, int seals,
	      struct xk_err *err)
{
	struct xk_err cause;

	if (config->huge != XK_HUGE_OFF && !build(info, config, seals, true, &cause))
		return 0;
	if (config->huge == XK_HUGE_ON)
		return no_huge(info, config, &cause, err);
	return build(info, config, seals, false, err);
}

int xk_mem_create(struct xk_mem **out, const struct xk_mem_config *config, struct xk_err *err)
{
	struct xk_mem *mem;
	int rc = mem_check_config(config, err);

	if (rc)
		return rc;
	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "out of memory");
	rc = mem_build(&mem->info, config, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE, err);
	if (rc) {
		free(mem);
		return rc;
	}
	*out = mem;
	return 0;
}

void xk_mem_destroy(struct xk_mem *mem)
{
	if (!mem)
		return;
	mem_drop(&mem->info);
	free(mem);
}
