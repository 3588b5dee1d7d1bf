// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/sysfile.h"
#include "doctor/workers.h"

#define MAX_TASKS 1024

/* Fields behind the name, of which the first is the 3rd of the line: proc(5). */
#define FIELD_STATE  3
#define FIELD_CPU    39
#define FIELD_POLICY 41

/* A field of /proc/PID/stat; the name in brackets may have anything in it. */
static const char *stat_field(const char *line, int field)
{
	const char *at = strrchr(line, ')');

	for (int i = FIELD_STATE - 1; at && i < field; i++)
		if ((at = strchr(at, ' ')))
			at++;
	return at;
}

bool workers_parse(const char *line, struct thread *thread)
{
	const char *cpu = stat_field(line, FIELD_CPU), *policy = stat_field(line, FIELD_POLICY);
	const char *name = strchr(line, '('), *end = strrchr(line, ')');

	if (!cpu || !policy || !name || name > end)
		return false;
	thread->cpu = atoi(cpu);
	thread->policy = atoi(policy);
	snprintf(thread->name, sizeof(thread->name), "%.*s", (int)(end - name - 1), name + 1);
	return true;
}

char workers_state(int pid)
{
	char line[1024];
	const char *state;

	if (sysfile_line(line, sizeof(line), "/proc/%d/stat", pid))
		return 0;
	state = stat_field(line, FIELD_STATE);
	return state ? *state : 0;
}

/* Is the thread allowed on one CPU only? */
static bool is_pinned(int pid, int tid)
{
	static const char key[] = "Cpus_allowed_list:";
	char text[8192], *list;
	int cpus[2];

	if (sysfile_all(text, sizeof(text), "/proc/%d/task/%d/status", pid, tid))
		return false;
	list = strstr(text, key);
	if (!list)
		return false;
	list += strlen(key);
	list += strspn(list, " \t");
	return sysfile_cpu_list(list, cpus, 2) == 1;
}

static int add_process(int pid, struct thread *threads, int max)
{
	static char tids[MAX_TASKS][SYSFILE_NAME];
	int n = sysfile_names(tids, MAX_TASKS, "/proc/%d/task", pid), found = 0;
	struct thread first = {0};

	for (int i = 0; i < n && found < max; i++) {
		struct thread t = {.pid = pid, .tid = atoi(tids[i])};
		char line[1024];

		if (sysfile_line(line, sizeof(line), "/proc/%d/task/%d/stat", pid, t.tid) ||
		    !workers_parse(line, &t))
			continue;
		t.pinned = is_pinned(pid, t.tid);
		if (t.pinned)
			threads[found++] = t;
		else if (t.tid == pid)
			first = t;
	}
	if (!found && first.tid && max > 0)
		threads[found++] = first;
	return n < 0 ? n : found;
}

static bool seen_before(const struct holders *h, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (h->sockets[i].pid == h->sockets[at].pid)
			return true;
	return false;
}

int workers_find(const struct holders *holders, struct thread *threads, int max)
{
	int n = 0;

	for (unsigned i = 0; i < holders->n; i++) {
		int more;

		if (!holders->sockets[i].pid || seen_before(holders, i))
			continue; /* 0: its PID namespace is not ours */
		more = add_process((int)holders->sockets[i].pid, threads + n, max - n);
		if (more < 0)
			return more;
		n += more;
	}
	return n;
}
