// SPDX-License-Identifier: BSD-2-Clause
/* numa: the loops do what they say, sizes follow the caches, memory is where it is said to be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "bench/numa_loops.h"
#include "bench/numa_measure.h"
#include "cmd.h"

#define KIB 1024u
#define MIB (1024u * KIB)

static struct xk_err err;

/* --- loops --- */

static void *allocate(size_t bytes)
{
	void *mem = aligned_alloc(64, bytes);

	assert_non_null(mem);
	memset(mem, 0x5a, bytes);
	return mem;
}

static void check_loops(const struct numa_loops *loops)
{
	const size_t bytes = 5 * NUMA_STEP, words = bytes / 8;
	uint64_t *a = allocate(bytes + 64), *b = allocate(bytes + 64), sum = 0;

	for (size_t i = 0; i < words; i++)
		sum += a[i] = i * 0x123456789abcdull;
	assert_int_equal(loops->read(a, bytes, 1), sum);
	assert_int_equal(loops->read(a, bytes, 3), 3 * sum);
	loops->copy(b, a, bytes, 2);
	assert_memory_equal(a, b, bytes);
	assert_int_equal(b[words], 0x5a5a5a5a5a5a5a5aull); /* and not a word more */
	loops->write(b, bytes, 8);
	for (size_t i = 0; i < words; i++)
		assert_int_equal(b[i], 7); /* the last pass's number */
	assert_int_equal(b[words], 0x5a5a5a5a5a5a5a5aull);
	free(a);
	free(b);
}

static void loops(void **unused)
{
	(void)unused;
	check_loops(numa_loops_for(true));
	check_loops(numa_loops_for(false));
}

/* Every line once, then the first again. */
static void chase(void **unused)
{
	const size_t bytes = 48 * KIB, line = 64, n = bytes / line;
	char *mem = allocate(bytes);
	void **first = numa_chase_make(mem, bytes, line, 7), **at = first;
	bool *seen = calloc(n, sizeof(*seen));
	size_t forward = 0;

	(void)unused;
	for (size_t i = 0; i < n; i++) {
		size_t where = (size_t)((char *)at - mem) / line;

		assert_int_equal(((char *)at - mem) % line, 0);
		assert_false(seen[where]);
		seen[where] = true;
		forward += (char *)*at == (char *)at + line;
		at = *at;
	}
	assert_ptr_equal(at, first);
	assert_true(forward < n / 20); /* in no order that a prefetcher knows */
	assert_ptr_equal(numa_chase(first, (unsigned)n), first);
	assert_ptr_not_equal(numa_chase(first, 16), first);
	free(seen);
	free(mem);
}

static void pattern(void **unused)
{
	uint64_t *block = allocate(NUMA_BLOCK + 64);

	(void)unused;
	numa_pattern_write(block, 42);
	assert_true(numa_pattern_check(block, 42));
	assert_false(numa_pattern_check(block, 43));
	assert_int_equal(block[NUMA_BLOCK / 8], 0x5a5a5a5a5a5a5a5aull);
	for (unsigned bit = 0; bit < NUMA_BLOCK * 8; bit += 97) {
		block[bit / 64] ^= 1ull << bit % 64;
		assert_false(numa_pattern_check(block, 42));
		block[bit / 64] ^= 1ull << bit % 64;
	}
	free(block);
}

/* --- sizes --- */

static struct numa_topology machine(size_t l1, size_t l2, size_t l3)
{
	static struct numa_node node;

	node = (struct numa_node){.usable = true, .memory = 64ull << 30};
	return (struct numa_topology){
		.n_nodes = 1, .nodes = &node, .cache = {{l1, 1}, {l2, 1}, {l3, 2}}, .line = 64};
}

static struct numa_plan plan_of(const struct numa_topology *topology, uint64_t size, int want)
{
	const struct numa_opts opts = {.size = size};
	struct numa_plan plan;

	assert_int_equal(numa_plan_make(&plan, &opts, topology, &err), want);
	return plan;
}

static void sizes(void **unused)
{
	struct numa_topology topology = machine(32 * KIB, MIB, 32 * MIB);
	struct numa_plan plan = plan_of(&topology, 0, 0);

	(void)unused;
	for (unsigned i = 0; i < NUMA_CACHES; i++) {
		assert_true(plan.level[i]);
		assert_int_equal(plan.bytes[i] % NUMA_STEP, 0);
		assert_true(2 * plan.bytes[i] <= topology.cache[i].bytes);
		if (i)
			assert_true(plan.bytes[i] >= 2 * topology.cache[i - 1].bytes);
	}
	assert_true(plan.bytes[NUMA_DRAM] >= 64 * MIB);
	assert_true(plan.small || plan.bytes[NUMA_DRAM] >= 64 * MIB);
	assert_true(numa_plan_chases(&plan) > plan.bytes[NUMA_DRAM]);
}

static void odd_caches(void **unused)
{
	struct numa_topology topology = machine(0, 0, 0);
	struct numa_plan plan = plan_of(&topology, 0, 0);

	(void)unused;
	assert_false(plan.level[NUMA_L1] || plan.level[NUMA_L2] || plan.level[NUMA_L3]);
	assert_true(plan.level[NUMA_DRAM] && plan.bytes[NUMA_DRAM] == 64 * MIB);
	topology = machine(32 * KIB, 2 * MIB, 0); /* no third level */
	plan = plan_of(&topology, 0, 0);
	assert_true(plan.level[NUMA_L2] && !plan.level[NUMA_L3]);
	topology = machine(64 * KIB, MIB, MIB); /* one that is no larger than the one below */
	plan = plan_of(&topology, 0, 0);
	assert_false(plan.level[NUMA_L3]);
}

static void asked_sizes(void **unused)
{
	struct numa_topology topology = machine(32 * KIB, MIB, 32 * MIB);
	struct numa_plan plan = plan_of(&topology, 3 * MIB + 5, 0);

	(void)unused;
	assert_int_equal(plan.bytes[NUMA_DRAM], 3 * MIB);
	assert_true(plan.small);
	plan_of(&topology, UINT64_C(1) << 42, -ENOMEM);
	assert_non_null(strstr(err.what, "--size"));
	topology.nodes[0].memory = 8 * MIB; /* less than the arrays */
	plan_of(&topology, 64 * MIB, -ENOMEM);
}

static void no_such_level(void **unused)
{
	struct numa_topology topology = machine(32 * KIB, MIB, 0);
	unsigned l3[] = {NUMA_L3};
	const struct numa_opts opts = {.levels = {1, l3}};
	struct numa_plan plan;

	(void)unused;
	assert_int_equal(numa_plan_make(&plan, &opts, &topology, &err), CMD_USAGE);
	topology = machine(32 * KIB, MIB, 8 * MIB);
	assert_int_equal(numa_plan_make(&plan, &opts, &topology, &err), 0);
	assert_true(plan.level[NUMA_L3] && !plan.level[NUMA_DRAM] && !plan.level[NUMA_L1]);
}

/* --- memory --- */

static void memory(void **unused)
{
	struct numa_memory memory;

	(void)unused;
	assert_int_equal(numa_memory_get(&memory, 3 * MIB, 0, &err), 0);
	assert_true(memory.size >= 3 * MIB);
	assert_int_equal(memory.node, 0);
	assert_int_equal((uintptr_t)memory.addr % (size_t)sysconf(_SC_PAGESIZE), 0);
	if (memory.huge)
		assert_int_equal(memory.size % (2 * MIB), 0);
	memset(memory.addr, 3, memory.size);
	numa_memory_put(&memory);
	assert_null(memory.addr);
	numa_memory_put(&memory);
	assert_int_equal(numa_memory_get(&memory, 100, -1, &err), 0);
	assert_int_equal(memory.node, -1); /* nobody asked, so nobody looked */
	assert_false(memory.huge);
	numa_memory_put(&memory);
	assert_int_equal(numa_memory_get(&memory, SIZE_MAX / 2, 0, &err), -ENOMEM);
	assert_true(numa_memory_available() > 0);
}

/* --- this machine --- */

static void topology(void **unused)
{
	static const struct number_list everything;
	static struct cpus cpus;
	struct numa_topology found;
	unsigned list[] = {0, 1023}, n = 0;

	(void)unused;
	assert_int_equal(cpus_find(&cpus, &everything, 0, &err), 0);
	assert_int_equal(numa_topology_find(&found, &cpus, NULL, 0, &err), 0);
	for (unsigned i = 0; i < found.n_nodes; i++) {
		n += found.nodes[i].n_cpus;
		assert_true(!found.numa || found.nodes[i].distance[i] == 10);
	}
	assert_int_equal(n, cpus.count);
	assert_true(found.line >= 16);
	numa_topology_free(&found);
	assert_int_equal(numa_topology_find(&found, &cpus, list, 1, &err), 0);
	assert_int_equal(found.n_nodes, 1);
	numa_topology_free(&found);
	assert_int_equal(numa_topology_find(&found, &cpus, list, 2, &err), CMD_USAGE);
	assert_non_null(strstr(err.why, "1023"));
	numa_topology_free(&found);
	cpus_put(&cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops),         cmocka_unit_test(chase),
		cmocka_unit_test(pattern),       cmocka_unit_test(sizes),
		cmocka_unit_test(odd_caches),    cmocka_unit_test(asked_sizes),
		cmocka_unit_test(no_such_level), cmocka_unit_test(memory),
		cmocka_unit_test(topology),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
