// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xskit/prog.h>
#include "doctor/sysfile.h"
#include "doctor/watch.h"
#include "doctor_watch.skel.h"

/* --- tracepoints --- */

static struct doctor_watch *trace_start(int ifindex, int *rc)
{
	struct doctor_watch *skel = doctor_watch__open();

	if (!skel) {
		*rc = -errno;
		return NULL;
	}
	skel->rodata->watched = ifindex;
	skel->rodata->watched_netns = sysfile_namespace("net");
	*rc = doctor_watch__load(skel);
	if (!*rc)
		*rc = doctor_watch__attach(skel);
	if (!*rc)
		return skel;
	doctor_watch__destroy(skel);
	return NULL;
}

/* All members are u64: sum them over the CPUs. */
static void add_up(void *to, const void *from, size_t bytes)
{
	uint64_t *a = to;
	const uint64_t *b = from;

	for (size_t i = 0; i < bytes / sizeof(*a); i++)
		a[i] += b[i];
}

static int trace_read(const struct doctor_watch *skel, struct watch_counts *counts)
{
	int cpus = libbpf_num_possible_cpus(), fd = bpf_map__fd(skel->maps.packets), rc = 0;
	struct doctor_packets *each = cpus > 0 ? calloc((size_t)cpus, sizeof(*each)) : NULL;

	if (!each)
		return cpus > 0 ? -ENOMEM : cpus;
	for (uint32_t q = 0; q < DOCTOR_QUEUES && !rc; q++) {
		rc = bpf_map_lookup_elem(fd, &q, each) ? -errno : 0;
		for (int cpu = 0; cpu < cpus && !rc; cpu++)
			add_up(&counts->stack[q], &each[cpu], sizeof(*each));
	}
	counts->errors = skel->bss->errors;
	free(each);
	return rc;
}

/* --- differences --- */

static void subtract(void *from, const void *base, size_t bytes)
{
	uint64_t *a = from;
	const uint64_t *b = base;

	for (size_t i = 0; i < bytes / sizeof(*a); i++)
		a[i] -= b[i];
}

static bool went_back(const struct xk_xdp_counters *now, const struct xk_xdp_counters *base)
{
	for (unsigned q = 0; q < XK_MAX_QUEUES; q++)
		if (now[q].redirected < base[q].redirected || now[q].kept < base[q].kept ||
		    now[q].unmatched < base[q].unmatched || now[q].no_socket < base[q].no_socket)
			return true;
	return false;
}

/* A program that was attached meanwhile began at zero. */
static void program_since(struct watch_counts *counts, const char *ifname,
			  const struct xk_xdp_counters *base, int base_rc)
{
	counts->program_rc = xk_prog_read(ifname, counts->program, XK_MAX_QUEUES, NULL);
	if (!counts->program_rc && !base_rc && !went_back(counts->program, base))
		subtract(counts->program, base, sizeof(counts->program));
}

static void wake(int signal)
{
	(void)signal;
}

/* A signal ends the wait, and what was seen until then is told. */
static void wait_for(double seconds)
{
	const struct sigaction action = {.sa_handler = wake};
	struct sigaction interrupt, terminate;
	struct timespec left = {.tv_sec = (time_t)seconds,
				.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

	sigaction(SIGINT, &action, &interrupt);
	sigaction(SIGTERM, &action, &terminate);
	nanosleep(&left, NULL);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGTERM, &terminate, NULL);
}

int watch_run(struct watch_counts *counts, const char *ifname, int ifindex, double seconds)
{
	struct xk_xdp_counters *base = calloc(XK_MAX_QUEUES, sizeof(*base));
	struct nl_counters interface;
	struct doctor_watch *skel;
	int base_rc, rc;

	memset(counts, 0, sizeof(*counts));
	if (!base)
		return -ENOMEM;
	skel = trace_start(ifindex, &counts->trace_rc);
	base_rc = xk_prog_read(ifname, base, XK_MAX_QUEUES, NULL);
	rc = nl_counters(ifindex, &interface);
	if (!rc) {
		wait_for(seconds);
		rc = nl_counters(ifindex, &counts->interface);
		subtract(&counts->interface, &interface, sizeof(interface));
		program_since(counts, ifname, base, base_rc);
	}
	if (skel && !rc)
		counts->trace_rc = trace_read(skel, counts);
	doctor_watch__destroy(skel);
	free(base);
	return rc;
}

struct xk_xdp_counters watch_program_sum(const struct watch_counts *counts)
{
	struct xk_xdp_counters sum = {0};

	for (unsigned q = 0; q < XK_MAX_QUEUES; q++)
		add_up(&sum, &counts->program[q], sizeof(sum));
	return sum;
}

struct doctor_packets watch_stack_sum(const struct watch_counts *counts)
{
	struct doctor_packets sum = {0};

	for (unsigned q = 0; q < DOCTOR_QUEUES; q++)
		add_up(&sum, &counts->stack[q], sizeof(sum));
	return sum;
}
