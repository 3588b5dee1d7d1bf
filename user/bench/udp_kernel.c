// SPDX-License-Identifier: BSD-2-Clause
/* The kernel's counters of UDP in this network namespace, and what the machine spent. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bench/udp.h"

static const struct {
	const char *name;
	size_t offset;
} counters_of[] = {
	{"InDatagrams", offsetof(struct udp_kernel_counters, in_datagrams)},
	{"NoPorts", offsetof(struct udp_kernel_counters, no_ports)},
	{"InErrors", offsetof(struct udp_kernel_counters, in_errors)},
	{"OutDatagrams", offsetof(struct udp_kernel_counters, out_datagrams)},
	{"RcvbufErrors", offsetof(struct udp_kernel_counters, rcvbuf_errors)},
	{"SndbufErrors", offsetof(struct udp_kernel_counters, sndbuf_errors)},
	{"MemErrors", offsetof(struct udp_kernel_counters, mem_errors)},
};

static void add(struct udp_kernel_counters *counters, const char *name, const char *value)
{
	for (unsigned i = 0; i < sizeof(counters_of) / sizeof(*counters_of); i++)
		if (!strcmp(name, counters_of[i].name))
			*(uint64_t *)((char *)counters + counters_of[i].offset) +=
				strtoull(value, NULL, 10);
}

/* Two lines "Udp: ...": names, and their values in the same order. */
static void read_v4(struct udp_kernel_counters *counters)
{
	FILE *f = fopen("/proc/thread-self/net/snmp", "re");
	char names[1024], values[1024], *name, *value, *in_names, *in_values;

	if (!f)
		return;
	while (fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		if (strncmp(names, "Udp: ", 5))
			continue;
		name = strtok_r(names + 5, " \n", &in_names);
		value = strtok_r(values + 5, " \n", &in_values);
		for (; name && value; name = strtok_r(NULL, " \n", &in_names),
				      value = strtok_r(NULL, " \n", &in_values))
			add(counters, name, value);
	}
	fclose(f);
}

/* A line a counter: "Udp6InDatagrams 12". */
static void read_v6(struct udp_kernel_counters *counters)
{
	FILE *f = fopen("/proc/thread-self/net/snmp6", "re");
	char line[256], name[64], value[32];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Udp6%63s %31s", name, value) == 2)
			add(counters, name, value);
	fclose(f);
}

void udp_kernel_read(struct udp_kernel_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	read_v4(counters);
	read_v6(counters);
}

/* Nothing but uint64_t counters. */
void udp_kernel_since(struct udp_kernel_counters *counters, const struct udp_kernel_counters *then)
{
	uint64_t *a = (uint64_t *)counters;
	const uint64_t *b = (const uint64_t *)then;

	for (size_t i = 0; i < sizeof(*counters) / sizeof(*a); i++)
		a[i] -= b[i];
}

static double softirq_s(void)
{
	unsigned long long softirq = 0;
	FILE *f = fopen("/proc/stat", "re");

	if (!f)
		return 0;
	if (fscanf(f, "cpu %*u %*u %*u %*u %*u %*u %llu", &softirq) != 1)
		softirq = 0;
	fclose(f);
	return (double)softirq / (double)sysconf(_SC_CLK_TCK);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

struct udp_costs udp_costs_read(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct udp_costs){seconds(usage.ru_utime) + seconds(usage.ru_stime), softirq_s()};
}
