// SPDX-License-Identifier: BSD-2-Clause
/* The machine: its clock, pages, CPUs' power saving, and what its mitigations cost. */
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/sysfile.h"

#define MAX_NAMES 1024

static char names[MAX_NAMES][SYSFILE_NAME]; /* of the directory just looked at */

/* --- mitigations --- */

/* Those that are paid for on every system call, interrupt or indirect call. */
static const char *dear_part(const char *part, size_t len)
{
	static const char *const dear[] = {"PTI",        "Clear CPU buffers",
					   "Retpolines", "untrained return thunk",
					   "Safe RET",   "IBRS",
					   "IBPB"};

	for (unsigned i = 0; i < sizeof(dear) / sizeof(*dear); i++)
		if (len >= strlen(dear[i]) && !strncmp(part, dear[i], strlen(dear[i])) &&
		    !memmem(part, len, "conditional", 11) && !memmem(part, len, "disabled", 8))
			return dear[i];
	return NULL;
}

/* "Mitigation: Retpolines; IBPB: conditional; ...": the first dear one of the parts. */
static const char *dear_mitigation(const char *text)
{
	static const char begin[] = "Mitigation: ";
	const char *dear = NULL;

	if (strncmp(text, begin, strlen(begin)))
		return NULL;
	for (text += strlen(begin); *text && !dear; text += strspn(text, "; ")) {
		size_t len = strcspn(text, ";");

		dear = dear_part(text, len);
		text += len;
	}
	return dear;
}

static void look_mitigations(const struct patient *p, struct finding *f)
{
	static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
	int n = sysfile_names(names, MAX_NAMES, dir);
	char list[256] = "", text[256];

	(void)p;
	if (n < 0) {
		say_skip(f, "%s cannot be read", dir);
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *dear = NULL;

		if (!sysfile_line(text, sizeof(text), "%s/%s", dir, names[i]))
			dear = dear_mitigation(text);
		if (dear)
			list_add(list, sizeof(list), "%s (%s)", names[i], dear);
	}
	if (!*list) {
		say_ok(f, "none that costs much");
		return;
	}
	say_warn(f, "%s", list);
	say_fix(f, "# boot with mitigations=off, if all that runs on this machine is trusted");
}

/* --- pages --- */

static void look_hugepages(const struct patient *p, struct finding *f)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	int n = sysfile_names(names, MAX_NAMES, dir);
	long long total = 0, one;

	(void)p;
	if (n <= 0) {
		say_skip(f, "this kernel has none");
		return;
	}
	for (int i = 0; i < n; i++)
		if (!sysfile_number(&one, "%s/%s/free_hugepages", dir, names[i]))
			total += one;
	if (total) {
		say_ok(f, "%lld free", total);
		return;
	}
	say_warn(f, "none is free");
	say_fix(f, "sysctl -w vm.nr_hugepages=64");
}

/* --- the clock --- */

/* Those that are read without a system call. */
static bool is_quick(const char *clock)
{
	static const char *const quick[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page",
					    "arch_sys_counter"};

	for (unsigned i = 0; i < sizeof(quick) / sizeof(*quick); i++)
		if (!strcmp(clock, quick[i]))
			return true;
	return false;
}

static void look_clock(const struct patient *p, struct finding *f)
{
	static const char dir[] = "/sys/devices/system/clocksource/clocksource0";
	char clock[64], available[128] = "";

	(void)p;
	if (sysfile_line(clock, sizeof(clock), "%s/current_clocksource", dir)) {
		say_skip(f, "the clock source cannot be read");
		return;
	}
	if (is_quick(clock)) {
		say_ok(f, "%s", clock);
		return;
	}
	say_warn(f, "%s", clock);
	sysfile_line(available, sizeof(available), "%s/available_clocksource", dir);
	if (strstr(available, "tsc"))
		say_fix(f, "echo tsc > %s/current_clocksource", dir);
	else
		say_fix(f, "# boot with tsc=reliable, if the CPU's counter is constant");
}

/* --- power saving --- */

/* The CPUs that are there; -errno. */
static int online(int *cpus, int max)
{
	char text[256];
	int rc = sysfile_line(text, sizeof(text), "/sys/devices/system/cpu/online");

	return rc ? rc : sysfile_cpu_list(text, cpus, max);
}

static void look_governor(const struct patient *p, struct finding *f)
{
	int cpus[MAX_NAMES], n = online(cpus, MAX_NAMES), seen = 0;
	char text[64], slow[256] = "";

	(void)p;
	for (int i = 0; i < n; i++) {
		if (sysfile_line(text, sizeof(text),
				 "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpus[i]))
			continue;
		seen++;
		if (strcmp(text, "performance"))
			list_add(slow, sizeof(slow), "CPU %d: %s", cpus[i], text);
	}
	if (!seen)
		say_skip(f, "this machine does not let its frequency be set");
	else if (!*slow)
		say_ok(f, "performance");
	else
		say_warn(f, "%s", slow);
	if (*slow)
		say_fix(f, "for g in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do "
			   "echo performance > $g; done");
}

#define DEEP_US 10 /* to wake up from an idle state */

/* The slowest state that is not disabled: microseconds, -1: there are none. */
static long long deepest_us(void)
{
	static const char dir[] = "/sys/devices/system/cpu/cpu0/cpuidle";
	int n = sysfile_names(names, MAX_NAMES, dir);
	long long deepest = -1, us, off;

	for (int i = 0; i < n; i++)
		if (!sysfile_number(&us, "%s/%s/latency", dir, names[i]) &&
		    (sysfile_number(&off, "%s/%s/disable", dir, names[i]) || !off) && us > deepest)
			deepest = us;
	return deepest;
}

static void look_idle(const struct patient *p, struct finding *f)
{
	long long us = deepest_us();

	(void)p;
	if (us < 0)
		say_skip(f, "this machine shows no idle states");
	else if (us <= DEEP_US)
		say_ok(f, "at most %lld us to wake up", us);
	else
		say_warn(f, "up to %lld us to wake up", us);
	if (f->status == FINDING_WARN)
		say_fix(f,
			"for s in /sys/devices/system/cpu/cpu*/cpuidle/state*; do [ $(cat "
			"$s/latency) -le %d ] || echo 1 > $s/disable; done",
			DEEP_US);
}

static const struct check checks[] = {
	{"mitigations", "none that costs much, where all software is trusted",
	 "these cost time on every system call or indirect call", look_mitigations},
	{"hugepages", "some free",
	 "packet memory in small pages misses the TLB more often; xskit takes huge ones if there "
	 "are",
	 look_hugepages},
	{"clock", "one that is read without a system call",
	 "every time stamp costs ten times as much", look_clock},
	{"governor", "performance", "a CPU that slows down when idle is slow when a packet comes",
	 look_governor},
	{"idle-states", "at most 10 us to wake up",
	 "a packet to a sleeping CPU waits until it is awake", look_idle},
};

const struct check_group doctor_machine = {"machine", checks, sizeof(checks) / sizeof(*checks)};
