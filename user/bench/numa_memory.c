// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bench/numa_memory.h"

#define WHAT     "bench numa"
#define CHUNK    1024u /* pages asked about at a time */
#define MAX_NODE 1024u

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The number behind a key in a file of the kernel's; UINT64_MAX: there is none. */
static uint64_t read_number(const char *path, const char *key)
{
	uint64_t number = UINT64_MAX, found;
	FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)) &&
		    sscanf(line + strlen(key), "%" SCNu64, &found) == 1) {
			number = found;
			break;
		}
	if (file)
		fclose(file);
	return number;
}

static size_t huge_page_size(void)
{
	uint64_t size = read_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "");

	return size == UINT64_MAX ? 0 : (size_t)size;
}

/* --- how much there is --- */

/* What this process's control group (v2) leaves. */
static uint64_t group_leaves(void)
{
	uint64_t max = UINT64_MAX, now = 0;
	char line[256], path[320];
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "0::", 3))
			continue;
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", line + 3);
		max = read_number(path, ""); /* "max" is no number */
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.current", line + 3);
		now = read_number(path, "");
	}
	if (file)
		fclose(file);
	if (max == UINT64_MAX || now == UINT64_MAX)
		return UINT64_MAX;
	return max > now ? max - now : 0;
}

/* The kernel's estimate, less a sixteenth: to fill a machine to the brim is to lose it. */
uint64_t numa_memory_available(void)
{
	uint64_t kib = read_number("/proc/meminfo", "MemAvailable:"), group = group_leaves();
	uint64_t bytes = kib < UINT64_MAX / 1024 ? (kib - kib / 16) * 1024 : UINT64_MAX;

	return bytes < group ? bytes : group;
}

/* --- where it is --- */

/*
 * Preferred while the pages are taken: bound to a full node, a first touch means the OOM killer.
 * Then bound, which moves what landed elsewhere. What came of it is looked at later, so that a
 * refusal is no error here.
 */
static void bind_to(const struct numa_memory *memory, int node, int policy, unsigned flags)
{
	unsigned long mask[MAX_NODE / (8 * sizeof(long))] = {0};
	unsigned bits = 8 * sizeof(long);

	if (node < 0 || (unsigned)node >= MAX_NODE)
		return;
	mask[(unsigned)node / bits] = 1UL << (unsigned)node % bits;
	mbind(memory->addr, memory->size, policy, mask, MAX_NODE + 1, flags);
}

/* The node of `count` pages from `at`; -1: not one for all, or the kernel does not say. */
static int node_of_pages(char *at, size_t count)
{
	void *pages[CHUNK];
	int status[CHUNK];

	for (size_t i = 0; i < count; i++) {
		pages[i] = at + i * page_size();
		status[i] = -1;
	}
	if (move_pages(0, count, pages, NULL, status, 0) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (status[i] < 0 || status[i] != status[0])
			return -1;
	return status[0];
}

static int find_node(const struct numa_memory *memory)
{
	size_t total = memory->size / page_size(), count;
	int node = -1, now;

	for (size_t first = 0; first < total; first += count) {
		count = total - first < CHUNK ? total - first : CHUNK;
		now = node_of_pages((char *)memory->addr + first * page_size(), count);
		if (now < 0 || (first && now != node))
			return -1;
		node = now;
	}
	return node;
}

/* What the page table holds counts, not what was asked for. Neighbours may have become one mapping
 * with ours, which is then found by its end. */
static bool is_huge(const struct numa_memory *memory)
{
	uintptr_t start = (uintptr_t)memory->addr, from, to;
	FILE *file = fopen("/proc/self/smaps", "re");
	size_t kib = 0, found;
	bool inside = false;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			inside = from <= start && start + memory->size <= to;
		else if (inside && sscanf(line, "AnonHugePages: %zu", &found) == 1)
			kib = found;
	}
	if (file)
		fclose(file);
	return kib && kib >= memory->size / 1024;
}

/* --- put together --- */

/* At a multiple of `align`: more than is needed is mapped, and the rest given back. */
static void *map_aligned(size_t size, size_t align)
{
	char *addr = mmap(NULL, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	size_t skip;

	if (addr == MAP_FAILED)
		return NULL;
	skip = -(uintptr_t)addr & (align - 1);
	if (skip)
		munmap(addr, skip);
	munmap(addr + skip + size, align - skip);
	return addr + skip;
}

static size_t round_up(size_t size, size_t page)
{
	return (size + page - 1) & ~(page - 1);
}

int numa_memory_get(struct numa_memory *memory, size_t size, int node, struct xk_err *err)
{
	size_t huge = huge_page_size(), align = huge && size >= huge ? huge : page_size();

	memory->size = round_up(size, align);
	memory->addr = size < PTRDIFF_MAX / 2 ? map_aligned(memory->size, align) : NULL;
	if (!memory->addr)
		return xk_err_fill(err, -ENOMEM, WHAT, "ask for less with --size", "map %zu bytes",
				   size);
	if (align == huge)
		madvise(memory->addr, memory->size, MADV_HUGEPAGE);
	bind_to(memory, node, MPOL_PREFERRED, 0);
	memset(memory->addr, 1, memory->size);
	bind_to(memory, node, MPOL_BIND, MPOL_MF_MOVE);
	memory->node = node < 0 ? -1 : find_node(memory);
	memory->huge = align == huge && is_huge(memory);
	return 0;
}

void numa_memory_put(struct numa_memory *memory)
{
	if (memory->addr)
		munmap(memory->addr, memory->size);
	*memory = (struct numa_memory){0};
}
