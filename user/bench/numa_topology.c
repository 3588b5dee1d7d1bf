// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xskit/place.h>
#include "bench/numa_memory.h"
#include "bench/numa_topology.h"
#include "cmd.h"

#define WHAT "bench numa"

/* --- caches --- */

/* One word of a file of a CPU's cache directory. False: there is none. */
static bool read_word(int cpu, unsigned index, const char *name, char word[64])
{
	char path[128];
	FILE *file;
	bool found;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cache/index%u/%s", cpu, index,
		 name);
	file = fopen(path, "re");
	if (!file)
		return false;
	found = fscanf(file, "%63s", word) == 1;
	fclose(file);
	return found;
}

/* 32K, 1024K, 32M */
static size_t parse_size(const char *word)
{
	char *end;
	size_t size = strtoull(word, &end, 10);

	return *end == 'K' ? size << 10 : *end == 'M' ? size << 20 : size;
}

/* How many CPUs a list such as 0-3,8 has. */
static unsigned count_list(const char *word)
{
	unsigned from, to, count = 0;
	int len;

	while (sscanf(word, "%u%n", &from, &len) == 1) {
		word += len;
		to = from;
		if (*word == '-' && sscanf(word + 1, "%u%n", &to, &len) == 1)
			word += 1 + len;
		count += to >= from ? to - from + 1 : 0;
		word += *word == ',';
	}
	return count;
}

static void read_cache(struct numa_topology *topology, int cpu, unsigned index)
{
	struct numa_cache *cache;
	unsigned long level;
	char word[64];

	if (!read_word(cpu, index, "type", word) || !strcmp(word, "Instruction"))
		return;
	level = read_word(cpu, index, "level", word) ? strtoul(word, NULL, 10) : 0;
	if (level < 1 || level > NUMA_CACHES || !read_word(cpu, index, "size", word))
		return;
	cache = &topology->cache[level - 1];
	cache->bytes = parse_size(word);
	if (read_word(cpu, index, "shared_cpu_list", word))
		cache->shared = count_list(word);
	if (read_word(cpu, index, "coherency_line_size", word))
		topology->line = parse_size(word);
}

/* What the C library knows, where the kernel says nothing. */
static void ask_library(struct numa_topology *topology)
{
	static const int names[NUMA_CACHES] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE,
					       _SC_LEVEL3_CACHE_SIZE};
	long line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);

	for (unsigned i = 0; i < NUMA_CACHES; i++) {
		long bytes = sysconf(names[i]);

		if (!topology->cache[i].bytes && bytes > 0)
			topology->cache[i].bytes = (size_t)bytes;
	}
	if (!topology->line)
		topology->line = line > 0 ? (size_t)line : 64;
}

static void find_caches(struct numa_topology *topology, int cpu)
{
	char word[64];

	topology->cache_cpu = cpu;
	for (unsigned index = 0; read_word(cpu, index, "level", word); index++)
		read_cache(topology, cpu, index);
	ask_library(topology);
}

/* The CPU's flags name it. */
static bool is_guest(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (file && !found && getline(&line, &room, file) > 0)
		found = !strncmp(line, "flags", 5) && strstr(line, " hypervisor");
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* --- nodes --- */

static void find_cpus(struct numa_node *node, const struct cpus *cpus, bool numa)
{
	for (unsigned i = 0; i < cpus->count; i++)
		if (!numa || xk_place_cpunode(cpus->cpu[i]) == node->node)
			node->cpu[node->n_cpus++] = cpus->cpu[i];
}

/* Not for a process that is confined to other nodes. */
static bool may_use(int node)
{
	struct bitmask *allowed = numa_get_mems_allowed();
	bool may = numa_bitmask_isbitset(allowed, (unsigned)node);

	numa_bitmask_free(allowed);
	return may;
}

static void find_memory(struct numa_node *node, bool numa)
{
	long long left = 0, size = numa ? numa_node_size64(node->node, &left) : 0;

	if (!numa) {
		node->memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
		node->free = numa_memory_available();
	} else if (size > 0) {
		node->memory = (uint64_t)size;
		node->free = left > 0 ? (uint64_t)left : 0;
	}
	node->usable = node->memory && (!numa || may_use(node->node));
}

static void find_distances(struct numa_topology *topology)
{
	for (unsigned i = 0; i < topology->n_nodes; i++)
		for (unsigned j = 0; j < topology->n_nodes && topology->numa; j++)
			topology->nodes[i].distance[j] =
				numa_distance(topology->nodes[i].node, topology->nodes[j].node);
}

static bool exists(int node)
{
	return numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned)node) ||
	       numa_node_size64(node, NULL) >= 0;
}

static int add_node(struct numa_topology *topology, int number, const struct cpus *cpus,
		    unsigned most, struct xk_err *err)
{
	struct numa_node *node = &topology->nodes[topology->n_nodes++];

	node->node = number;
	node->cpu = calloc(cpus->count, sizeof(*node->cpu));
	node->distance = calloc(most, sizeof(*node->distance));
	if (!node->cpu || !node->distance)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "list the nodes");
	find_cpus(node, cpus, topology->numa);
	find_memory(node, topology->numa);
	return 0;
}

static bool in_list(const unsigned *list, unsigned n, int node)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == (unsigned)node)
			return true;
	return !n;
}

static int check_list(const struct numa_topology *topology, const unsigned *list, unsigned n,
		      struct xk_err *err)
{
	for (unsigned i = 0; i < n; i++) {
		if (topology->numa ? exists((int)list[i]) : !list[i])
			continue;
		xk_err_fill(err, -EINVAL, "--node", "lscpu shows the nodes",
			    "there is no NUMA node %u", list[i]);
		return CMD_USAGE;
	}
	return 0;
}

int numa_topology_find(struct numa_topology *topology, const struct cpus *cpus,
		       const unsigned *list, unsigned n, struct xk_err *err)
{
	unsigned most;
	int ret;

	*topology = (struct numa_topology){.numa = numa_available() >= 0, .guest = is_guest()};
	find_caches(topology, cpus->cpu[0]);
	ret = check_list(topology, list, n, err);
	if (ret)
		return ret;
	most = topology->numa ? (unsigned)numa_max_node() + 1 : 1;
	topology->nodes = calloc(most, sizeof(*topology->nodes));
	if (!topology->nodes)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "list the nodes");
	for (unsigned node = 0; node < most && !ret; node++)
		if (in_list(list, n, (int)node) && (!topology->numa || exists((int)node)))
			ret = add_node(topology, (int)node, cpus, most, err);
	find_distances(topology);
	return ret;
}

void numa_topology_free(struct numa_topology *topology)
{
	for (unsigned i = 0; i < topology->n_nodes; i++) {
		free(topology->nodes[i].cpu);
		free(topology->nodes[i].distance);
	}
	free(topology->nodes);
	topology->nodes = NULL;
	topology->n_nodes = 0;
}

/* --- for the report --- */

static json_t *node_json(const struct numa_topology *topology, const struct numa_node *node)
{
	json_t *cpus = json_array(), *distances = json_object();
	char name[16];

	for (unsigned i = 0; i < node->n_cpus; i++)
		json_array_append_new(cpus, json_integer(node->cpu[i]));
	for (unsigned i = 0; i < topology->n_nodes && topology->numa; i++) {
		snprintf(name, sizeof(name), "%d", topology->nodes[i].node);
		json_object_set_new(distances, name, json_integer(node->distance[i]));
	}
	return json_pack("{s:i,s:o,s:I,s:I,s:o}", "node", node->node, "cpus", cpus, "memory_bytes",
			 (json_int_t)node->memory, "free_bytes", (json_int_t)node->free,
			 "distances", distances);
}

json_t *numa_topology_json(const struct numa_topology *topology)
{
	json_t *nodes = json_array(), *caches = json_array();

	for (unsigned i = 0; i < topology->n_nodes; i++)
		json_array_append_new(nodes, node_json(topology, &topology->nodes[i]));
	for (unsigned i = 0; i < NUMA_CACHES; i++)
		if (topology->cache[i].bytes)
			json_array_append_new(
				caches,
				json_pack("{s:i,s:I,s:i}", "level", (int)i + 1, "bytes",
					  (json_int_t)topology->cache[i].bytes, "shared_by_cpus",
					  (int)topology->cache[i].shared));
	return json_pack("{s:b,s:b,s:o,s:i,s:o,s:i}", "numa", topology->numa, "virtual_machine",
			 topology->guest, "nodes", nodes, "cache_cpu", topology->cache_cpu,
			 "caches", caches, "line_bytes", (int)topology->line);
}

static void print_node(FILE *out, const struct numa_topology *topology,
		       const struct numa_node *node)
{
	fprintf(out, "node %d: %u CPU%s", node->node, node->n_cpus, node->n_cpus == 1 ? "" : "s");
	for (unsigned i = 0; i < node->n_cpus; i++)
		fprintf(out, "%s%d", i ? "," : " ", node->cpu[i]);
	fprintf(out, "; %.1f GiB of memory, %.1f free%s", (double)node->memory / (1 << 30),
		(double)node->free / (1 << 30), node->usable ? "" : ", not for this process");
	for (unsigned i = 0; i < topology->n_nodes && topology->numa; i++)
		fprintf(out, "%s %d: %d", i ? "," : "; distance to node", topology->nodes[i].node,
			node->distance[i]);
	fputc('\n', out);
}

char *numa_topology_text(const struct numa_topology *topology)
{
	size_t len = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (unsigned i = 0; i < topology->n_nodes; i++)
		print_node(out, topology, &topology->nodes[i]);
	fprintf(out, "caches of CPU %d:", topology->cache_cpu);
	for (unsigned i = 0; i < NUMA_CACHES; i++)
		if (topology->cache[i].bytes)
			fprintf(out, " L%u %zu KiB", i + 1, topology->cache[i].bytes >> 10);
	fprintf(out, ", lines of %zu bytes", topology->line);
	return fclose(out) ? NULL : text;
}
