// SPDX-License-Identifier: BSD-2-Clause
/* Where the work runs: nodes, CPUs that are shared, interrupts, scheduling. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"
#include "doctor/sysfile.h"
#include "doctor/workers.h"

#define MAX_WORKERS 256
#define MAX_CPUS    1024

struct team {
	struct thread threads[MAX_WORKERS];
	int n;
};

/* False, and f says so: nobody works here, or it cannot be seen. */
static bool find_team(const struct patient *p, struct finding *f, struct team *team)
{
	if (p->holders.rc) {
		say_skip(f, "sockets cannot be seen: %s", strerror(-p->holders.rc));
		return false;
	}
	team->n = workers_find(&p->holders, team->threads, MAX_WORKERS);
	if (team->n < 0)
		say_skip(f, "workers cannot be seen: %s", strerror(-team->n));
	else if (!team->n)
		say_skip(f, "there are no sockets on it");
	return team->n > 0;
}

static bool works_on(const struct team *team, int cpu, const struct thread *but)
{
	for (int i = 0; i < team->n; i++)
		if (team->threads[i].cpu == cpu && &team->threads[i] != but &&
		    team->threads[i].pinned)
			return true;
	return false;
}

static int cpu_list(int *cpus, const char *path)
{
	char text[1024];

	return sysfile_line(text, sizeof(text), "%s", path)
		       ? 0
		       : sysfile_cpu_list(text, cpus, MAX_CPUS);
}

static int node_of_cpu(int cpu)
{
	char names[256][SYSFILE_NAME];
	int n = sysfile_names(names, 256, "/sys/devices/system/cpu/cpu%d", cpu), node;

	for (int i = 0; i < n; i++)
		if (sscanf(names[i], "node%d", &node) == 1)
			return node;
	return -1;
}

static bool core_is_free(const struct team *team, int cpu)
{
	int cpus[MAX_CPUS], n;
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	n = cpu_list(cpus, path);
	for (int i = 0; i < n; i++)
		if (works_on(team, cpus[i], NULL))
			return false;
	return true;
}

/*
 * A CPU nobody of the team works on, and none of these: on the node, and on a core of its own, if
 * there is one; -1: there is none at all.
 */
static int free_cpu(const struct team *team, int node, const int *not_these, int n)
{
	int cpus[MAX_CPUS], online = cpu_list(cpus, "/sys/devices/system/cpu/online");
	int best = -1, best_score = -1;

	for (int i = online - 1; i >= 0; i--) {
		bool taken = works_on(team, cpus[i], NULL);
		int score = 2 * (node_of_cpu(cpus[i]) == node) + core_is_free(team, cpus[i]);

		for (int k = 0; k < n; k++)
			taken |= not_these[k] == cpus[i];
		if (taken || score <= best_score)
			continue;
		best = cpus[i];
		best_score = score;
	}
	return best;
}

static void say_move(struct finding *f, const struct team *team, const struct thread *t,
		     const int *not_these, int n)
{
	int cpu = free_cpu(team, node_of_cpu(t->cpu), not_these, n);

	if (cpu >= 0)
		say_fix(f, "taskset -cp %d %d", cpu, t->tid);
	else
		say_fix(f, "# no CPU is free: start fewer workers (-q)");
}

/* --- nodes --- */

static int interface_node(const struct patient *p)
{
	long long node;

	if (sysfile_number(&node, "/sys/class/net/%s/device/numa_node", p->ifname) &&
	    sysfile_number(&node, "/sys/class/net/%s/device/../numa_node", p->ifname))
		return -1;
	return (int)node;
}

static void look_node(const struct patient *p, struct finding *f)
{
	int node = interface_node(p), cpus[MAX_CPUS], n;
	char path[128];
	struct team team;

	if (node < 0) {
		say_skip(f, "the interface has no node");
		return;
	}
	if (!find_team(p, f, &team))
		return;
	say_ok(f, "all workers on node %d", node);
	for (int i = 0; i < team.n; i++) {
		const struct thread *t = &team.threads[i];

		if (node_of_cpu(t->cpu) == node)
			continue;
		say_warn(f, "worker %d on CPU %d of node %d, the interface on node %d", t->tid,
			 t->cpu, node_of_cpu(t->cpu), node);
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
		n = cpu_list(cpus, path);
		if (n > 0)
			say_fix(f, "taskset -cp %d %d", cpus[n - 1], t->tid);
		return;
	}
}

/* Pages of a process's shared memory that lie elsewhere: /proc/PID/numa_maps has N0=12 N1=3. */
static long pages_elsewhere(const char *maps, int node, long *all)
{
	long elsewhere = 0;

	*all = 0;
	for (const char *line = maps; line && *line; line = strchr(line, '\n')) {
		char text[512];
		int on;
		long pages;

		line += *line == '\n';
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
		if (!strstr(text, "memfd:"))
			continue;
		for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
			if (sscanf(word, "N%d=%ld", &on, &pages) != 2)
				continue;
			*all += pages;
			elsewhere += on == node ? 0 : pages;
		}
	}
	return elsewhere;
}

static void look_memory_node(const struct patient *p, struct finding *f)
{
	static char maps[1 << 20];
	int node = interface_node(p);
	long all = 0, elsewhere;

	if (node < 0) {
		say_skip(f, "the interface has no node");
		return;
	}
	say_skip(f, "no packet memory is seen");
	for (unsigned i = 0; i < p->holders.n; i++) {
		const struct doctor_socket *s = &p->holders.sockets[i];

		if (sysfile_all(maps, sizeof(maps), "/proc/%u/numa_maps", s->pid))
			continue;
		elsewhere = pages_elsewhere(maps, node, &all);
		if (elsewhere) {
			say_warn(f, "%ld of %ld pages of process %u are not on node %d", elsewhere,
				 all, s->pid, node);
			say_fix(f, "migratepages %u all %d", s->pid, node);
			return;
		}
		if (all)
			say_ok(f, "on node %d", node);
	}
}

/* --- CPUs --- */

static void look_shared_cpu(const struct patient *p, struct finding *f)
{
	struct team team;

	if (!find_team(p, f, &team))
		return;
	say_ok(f, "every worker has a CPU of its own");
	for (int i = 0; i < team.n; i++) {
		const struct thread *t = &team.threads[i];

		if (!t->pinned || !works_on(&team, t->cpu, t))
			continue;
		say_warn(f, "two workers on CPU %d", t->cpu);
		say_move(f, &team, t, NULL, 0);
		return;
	}
}

static void look_smt(const struct patient *p, struct finding *f)
{
	int cpus[MAX_CPUS], n;
	struct team team;
	char path[128];

	if (!find_team(p, f, &team))
		return;
	say_ok(f, "no two workers share a core");
	for (int i = 0; i < team.n; i++) {
		const struct thread *t = &team.threads[i];

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", t->cpu);
		n = t->pinned ? cpu_list(cpus, path) : 0;
		for (int k = 0; k < n; k++) {
			if (cpus[k] == t->cpu || !works_on(&team, cpus[k], NULL))
				continue;
			say_warn(f, "workers on CPUs %d and %d, which are one core", t->cpu,
				 cpus[k]);
			say_move(f, &team, t, cpus, n);
			return;
		}
	}
}

static void look_isolated(const struct patient *p, struct finding *f)
{
	int cpus[MAX_CPUS], n = cpu_list(cpus, "/sys/devices/system/cpu/isolated");
	struct team team;

	if (n <= 0) {
		say_ok(f, "no CPU is isolated");
		return;
	}
	if (!find_team(p, f, &team))
		return;
	say_ok(f, "all workers are on isolated CPUs");
	for (int i = 0; i < team.n; i++) {
		const struct thread *t = &team.threads[i];
		bool inside = false;

		for (int k = 0; k < n; k++)
			inside |= cpus[k] == t->cpu;
		if (inside)
			continue;
		say_warn(f, "worker %d on CPU %d, which is not isolated", t->tid, t->cpu);
		say_fix(f, "taskset -cp %d %d", cpus[i % n], t->tid);
		return;
	}
}

/* --- interrupts --- */

static int irq_cpu(const char *irq)
{
	char text[256];
	int cpus[1];

	if (sysfile_line(text, sizeof(text), "/proc/irq/%s/effective_affinity_list", irq) ||
	    sysfile_cpu_list(text, cpus, 1) < 1)
		return -1;
	return cpus[0];
}

/* Does a socket drive its queue itself, without interrupts? */
static bool polls_busily(const struct holders *holders)
{
	for (unsigned i = 0; i < holders->n; i++)
		if (holders->sockets[i].prefer_busy_poll && holders->sockets[i].napi_id)
			return true;
	return false;
}

static void look_irq(const struct patient *p, struct finding *f)
{
	static char irqs[MAX_CPUS][SYSFILE_NAME];
	int n = sysfile_names(irqs, MAX_CPUS, "/sys/class/net/%s/device/msi_irqs", p->ifname);
	struct team team;

	if (n <= 0) {
		say_skip(f, "the interface has no interrupts of its own");
		return;
	}
	if (!find_team(p, f, &team))
		return;
	if (polls_busily(&p->holders)) {
		say_skip(f, "a worker polls busily: its queue needs no interrupts");
		return;
	}
	say_ok(f, "no worker shares its CPU with an interrupt");
	for (int i = 0; i < n; i++) {
		int cpu = irq_cpu(irqs[i]), other;

		if (cpu < 0 || !works_on(&team, cpu, NULL))
			continue;
		say_warn(f, "interrupt %s is handled on CPU %d, as is a worker", irqs[i], cpu);
		other = free_cpu(&team, -1, &cpu, 1);
		if (other >= 0)
			say_fix(f, "echo %d > /proc/irq/%s/smp_affinity_list", other, irqs[i]);
		else
			say_fix(f, "# no CPU is free: use --poll busy, which needs no interrupts");
		return;
	}
}

/* --- scheduling --- */

static void look_rt_throttle(const struct patient *p, struct finding *f)
{
	long long runtime;
	struct team team;

	if (sysfile_number(&runtime, "/proc/sys/kernel/sched_rt_runtime_us")) {
		say_skip(f, "kernel.sched_rt_runtime_us cannot be read");
		return;
	}
	if (runtime < 0) {
		say_ok(f, "off");
		return;
	}
	if (!find_team(p, f, &team))
		return;
	say_ok(f, "no worker is SCHED_FIFO or SCHED_RR");
	for (int i = 0; i < team.n; i++)
		if (team.threads[i].policy == SCHED_FIFO || team.threads[i].policy == SCHED_RR) {
			say_warn(f, "worker %d is real-time, and stops for %lld us in a second",
				 team.threads[i].tid, 1000000 - runtime);
			say_fix(f, "sysctl -w kernel.sched_rt_runtime_us=-1");
		}
}

static const struct check checks[] = {
	{"node", "workers on the interface's NUMA node",
	 "every packet crosses the link between the nodes", look_node},
	{"memory-node", "packet memory on the interface's NUMA node",
	 "every packet crosses the link between the nodes", look_memory_node},
	{"shared-cpu", "a CPU for each worker", "each of them waits while the other runs",
	 look_shared_cpu},
	{"smt", "a core for each worker", "two threads of a core share its caches and units",
	 look_smt},
	{"isolated", "workers on the isolated CPUs, where there are any",
	 "the scheduler puts other work on the rest", look_isolated},
	{"irq", "interrupts on another CPU than the worker, unless it polls busily",
	 "the kernel's part of the work takes the worker's CPU", look_irq},
	{"rt-throttle", "off, or no real-time worker",
	 "a real-time thread that spins is stopped for a part of each second", look_rt_throttle},
};

const struct check_group doctor_placement = {"placement", checks, sizeof(checks) / sizeof(*checks)};
