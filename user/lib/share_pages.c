// SPDX-License-Identifier: BSD-2-Clause
/* The pages of a share: mapped where huge ones fit, and looked at before they are called huge. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include "share_internal.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* 6.1 */
#endif

size_t share_huge_size(void)
{
	uint64_t size = mem_read_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "");

	return size == UINT64_MAX ? 0 : (size_t)size;
}

/* Reserves more than is needed and keeps the part that starts at a multiple of align. */
static void *reserve(size_t size, size_t align)
{
	char *addr = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t skip;

	if (addr == MAP_FAILED)
		return addr;
	skip = -(uintptr_t)addr & (align - 1);
	if (skip)
		munmap(addr, skip);
	munmap(addr + skip + size, align - skip);
	return addr + skip;
}

/* The kernel maps a huge page as one only at an address that is a multiple of its size. */
static int map_aligned(struct xk_mem_info *mem, size_t align, const char *what, struct xk_err *err)
{
	void *room = reserve(mem->size, align), *addr;

	if (room == MAP_FAILED)
		goto fail;
	addr = mmap(room, mem->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, mem->fd, 0);
	if (addr == MAP_FAILED) {
		munmap(room, mem->size);
		goto fail;
	}
	mem->addr = addr;
	return 0;
fail:
	return xk_err_fill(err, -errno, what, NULL, "mmap of %zu bytes: %s", mem->size,
			   strerror(errno));
}

/* Is all of the mapping in huge pages? What the page table holds counts, not what was asked. */
static bool all_huge(const struct xk_mem_info *mem)
{
	char start[32], line[256];
	size_t kib, found = 0;
	bool inside = false;
	FILE *file = fopen("/proc/self/smaps", "re");

	if (!file)
		return false;
	snprintf(start, sizeof(start), "%lx-", (unsigned long)mem->addr);
	while (fgets(line, sizeof(line), file)) {
		if (!inside)
			inside = !strncmp(line, start, strlen(start));
		else if (sscanf(line, "ShmemPmdMapped: %zu", &kib) == 1)
			found = kib;
		else if (!strncmp(line, "VmFlags:", 8))
			break;
	}
	fclose(file);
	return found && found == mem->size / 1024;
}

/*
 * Three ways to one, since none works everywhere: a mount with huge=advise gives huge pages to a
 * fault in advised memory, one without needs them collapsed (6.1), and fallocate() in between has
 * the errno for what would be SIGBUS. Errors of the first and the last show in all_huge().
 */
static int populate_huge(const struct xk_mem_info *mem, struct xk_err *err)
{
	int rc;

	madvise(mem->addr, mem->size, MADV_POPULATE_WRITE);
	rc = mem_populate(mem, err);
	if (!rc)
		madvise(mem->addr, mem->size, MADV_COLLAPSE);
	return rc;
}

int share_fill(struct xk_mem_info *mem, const struct xk_mem_config *config, bool huge,
	       struct xk_err *err)
{
	size_t small = (size_t)sysconf(_SC_PAGESIZE);
	int rc;

	mem->page_size = huge ? share_huge_size() : small;
	rc = mem_size_file(mem, config->size, err);
	if (!rc)
		rc = map_aligned(mem, mem->page_size, "create share", err);
	if (rc)
		return rc;
	mem->page_size = small; /* until it is seen to be larger */
	mem_prefer_node(mem, config->node);
	madvise(mem->addr, mem->size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	rc = huge ? populate_huge(mem, err) : mem_populate(mem, err);
	if (rc)
		return rc;
	mem->node = mem_settle(mem, config->node);
	mem->huge = huge && all_huge(mem);
	if (huge && !mem->huge)
		return xk_err_fill(err, -ENOMEM, "create share",
				   "mount -o remount,huge=advise /dev/shm, or use small pages",
				   "the kernel gave no huge pages, or not enough");
	if (huge)
		mem->page_size = share_huge_size();
	return 0;
}

/*
 * Enter the pages into the page table, all of them at once and writable, without writing to them:
 * they are in use already. A kernel older than 5.14 enters them when they are first touched.
 */
static int enter_pages(const struct xk_mem_info *mem, const char *what, struct xk_err *err)
{
	int rc;

	do
		rc = madvise(mem->addr, mem->size, MADV_POPULATE_WRITE);
	while (rc && errno == EINTR);
	if (!rc || errno == EINVAL)
		return 0;
	return xk_err_fill(err, -ENOMEM, what, "free some memory", "mapping %zu bytes: %s",
			   mem->size, strerror(errno));
}

/* Where a page is of a fixed size the file says so; else huge pages may be there if they fit. */
static size_t fitting_page(const struct xk_mem_info *mem)
{
	size_t huge = mem->huge ? mem_page_size(mem->fd, true) : share_huge_size();

	return huge && !(mem->size % huge) ? huge : (size_t)sysconf(_SC_PAGESIZE);
}

int share_map(struct xk_mem_info *mem, const char *what, struct xk_err *err)
{
	struct statfs fs;
	size_t page;
	int rc;

	mem->huge = !fstatfs(mem->fd, &fs) && fs.f_type == HUGETLBFS_MAGIC;
	page = fitting_page(mem);
	rc = map_aligned(mem, page, what, err);
	if (!rc)
		rc = enter_pages(mem, what, err);
	if (rc)
		return rc;
	mem->huge = mem->huge || all_huge(mem);
	mem->page_size = mem->huge ? page : (size_t)sysconf(_SC_PAGESIZE);
	mem->node = mem_settle(mem, -1);
	return 0;
}
