// SPDX-License-Identifier: BSD-2-Clause
/* What each profile wants of each setting, and the reason. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sysroot.h"
#include "tune/settings.h"

/* The reason why nothing is wanted: returns 0. */
static int nothing(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int nothing(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, TUNE_WHY, format, args);
	va_end(args);
	return 0;
}

/* A wish: returns 1. */
static int wish(char *want, const char *value, char *why, const char *reason)
{
	snprintf(want, TUNE_VALUE, "%s", value);
	snprintf(why, TUNE_WHY, "%s", reason);
	return 1;
}

static int not_of(const struct tune_target *t, char *why)
{
	return nothing(why, "the profile %s leaves it as it is", tune_profiles[t->profile]);
}

/* A number that must not be smaller. */
static int at_least(unsigned long least, const char *found, char *want, char *why,
		    const char *reason)
{
	char number[24];

	if (strtoul(found, NULL, 10) >= least)
		return wish(want, found, why, reason);
	snprintf(number, sizeof(number), "%lu", least);
	return wish(want, number, why, reason);
}

/* --- CPUs and workers --- */

/* CPUs that workers may have: one is left to the kernel's side, if there is more than one. */
static unsigned cpus_for_workers(const struct tune_target *t)
{
	unsigned cpus = t->place.on_node ? t->place.on_node : t->place.count;

	return cpus > 1 ? cpus - 1 : 1;
}

unsigned tune_workers(const struct tune_target *t)
{
	unsigned queues = t->n_queues ? t->n_queues : t->link.rx_queues ? t->link.rx_queues : 1;
	unsigned cpus = cpus_for_workers(t);

	return queues < cpus ? queues : cpus;
}

int tune_worker_cpu(const struct tune_target *t, unsigned worker)
{
	return t->place.count ? t->place.cpu[worker % t->place.count] : 0;
}

/* A CPU on which no worker runs, if there is one. */
static int other_cpu(const struct tune_target *t, unsigned i)
{
	unsigned workers = tune_workers(t), left = t->place.count;

	if (left <= workers)
		return tune_worker_cpu(t, i);
	return t->place.cpu[workers + i % (left - workers)];
}

/* Does the list of whole words have this one? */
static bool lists(const char *all, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = all; (at = strstr(at, word)); at += len)
		if ((at == all || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	return false;
}

int want_governor(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	char path[128], all[256];

	(void)found;
	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_available_governors", n);
	if (sysroot_read(path, all, sizeof(all)) < 0)
		return nothing(why, "the driver does not say which governors it has");
	if (t->profile == TUNE_POWER && lists(all, "schedutil"))
		return wish(want, "schedutil", why, "the frequency follows the load");
	if (t->profile == TUNE_POWER && lists(all, "powersave"))
		return wish(want, "powersave", why, "the frequency stays low");
	if (t->profile != TUNE_POWER && lists(all, "performance"))
		return wish(want, "performance", why,
			    "a CPU that slept does not start slowly when a packet comes");
	return nothing(why, "the driver has no such governor, only: %s", all);
}

static unsigned place_in(const struct tune_list *list, uint32_t number)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->number[i] == number)
			return i;
	return 0;
}

int want_irq(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	struct tune_list irqs = {0};
	char cpu[16];
	unsigned i;

	(void)found;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	list_irqs(t, &irqs);
	i = place_in(&irqs, n);
	free(irqs.number);
	snprintf(cpu, sizeof(cpu), "%d",
		 t->profile == TUNE_LATENCY ? tune_worker_cpu(t, i % tune_workers(t))
					    : other_cpu(t, i));
	return wish(want, cpu, why,
		    t->profile == TUNE_LATENCY
			    ? "on the worker's CPU a packet is not handed from one to another"
			    : "on another CPU than the workers' both sides work at the same time");
}

/* --- NAPI --- */

int want_defer(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	(void)n;
	(void)found;
	if (t->profile == TUNE_LATENCY && !t->busy_poll)
		return wish(want, "0", why, "an interrupt at once: nobody polls the queue");
	return wish(want, "2", why,
		    t->profile == TUNE_LATENCY
			    ? "with --poll busy the worker drives the queue, not the interrupt"
			    : "packets that come while others are worked on need no interrupt");
}

int want_flush(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	static const char *const ns[] = {"200000", "50000", "200000"};

	(void)n;
	(void)found;
	if (t->profile == TUNE_LATENCY && !t->busy_poll)
		return wish(want, "0", why, "no timer: the interrupt is not deferred");
	return wish(want, ns[t->profile], why,
		    t->profile == TUNE_LATENCY
			    ? "the timer that looks at the queue should the worker stop polling"
			    : "how long packets may wait for others, in ns");
}

int want_threaded(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	(void)n;
	(void)found;
	if (t->profile == TUNE_LATENCY)
		return wish(want, "0", why, "a thread would have to be woken first");
	if (t->profile == TUNE_THROUGHPUT && t->place.count > 2 * tune_workers(t))
		return wish(want, "1", why, "CPUs are free to take the kernel's side");
	return nothing(why, t->profile == TUNE_THROUGHPUT ? "no CPU is free for such threads"
							  : "the profile power leaves it as it is");
}

/* --- sysctl --- */

int want_busy(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	(void)n;
	(void)found;
	if (t->profile == TUNE_LATENCY)
		return wish(want, "50", why,
			    "sockets and poll(2) look at the queue for 50 us before they sleep");
	if (t->profile == TUNE_POWER)
		return wish(want, "0", why, "sockets sleep instead of polling");
	return not_of(t, why);
}

int want_backlog(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	(void)n;
	if (t->profile != TUNE_THROUGHPUT)
		return not_of(t, why);
	return at_least(10000, found, want, why, "room for bursts that are handed between CPUs");
}

int want_budget(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	(void)n;
	if (t->profile != TUNE_THROUGHPUT)
		return not_of(t, why);
	return at_least(600, found, want, why, "more packets a softirq before it yields");
}

int want_budget_us(const struct tune_target *t, uint32_t n, const char *found, char *want,
		   char *why)
{
	(void)n;
	if (t->profile != TUNE_THROUGHPUT)
		return not_of(t, why);
	return at_least(8000, found, want, why, "and the time for them");
}

/* --- queues --- */

static unsigned wanted_channels(const struct tune_target *t, unsigned now)
{
	int most = max_channels(t);
	unsigned cpus = cpus_for_workers(t);

	if (now > cpus)
		return cpus;
	if (t->profile == TUNE_THROUGHPUT && most > 0)
		return (unsigned)most < cpus ? (unsigned)most : cpus;
	return now;
}

int want_channels(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	unsigned rx, tx, both, count;
	char value[64];

	(void)n;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	if (t->n_queues)
		return nothing(why, "the queues were named");
	if (sscanf(found, "rx %u tx %u combined %u", &rx, &tx, &both) != 3)
		return nothing(why, "not understood");
	count = wanted_channels(t, rx + both);
	if (both)
		snprintf(value, sizeof(value), "rx 0 tx 0 combined %u", count);
	else
		snprintf(value, sizeof(value), "rx %u tx %u combined 0", count, tx);
	return wish(want, value, why,
		    "a queue for each CPU that can spin on it, one CPU left free");
}

/* How many receive queues there are once `channels` is set. */
static unsigned queues_to_be(const struct tune_target *t)
{
	int now = rx_channels(t);

	return now > 0 ? wanted_channels(t, (unsigned)now) : t->link.rx_queues;
}

/* Round and round over the queues in use, as long as the table that was found. */
int want_rss(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	unsigned queues = t->n_queues ? t->n_queues : queues_to_be(t), at = 0, slots = 1;

	(void)n;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	if (!queues)
		return nothing(why, "the number of queues is not known");
	for (const char *c = found; *c; c++)
		slots += *c == ' ';
	for (unsigned i = 0; i < slots && at < TUNE_VALUE - 16; i++)
		at += (unsigned)snprintf(want + at, TUNE_VALUE - at, i ? " %u" : "%u",
					 t->n_queues ? t->queues[i % queues] : i % queues);
	snprintf(why, TUNE_WHY, "every queue in use gets the same share, others get none");
	return 1;
}

int want_rps(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	(void)n;
	(void)found;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	return wish(want, "0", why, "hashing has spread the packets already: again costs more");
}

/* As the kernel prints it: groups of 32 bits. */
static void print_mask(char *out, unsigned cpu)
{
	int at = sprintf(out, "%x", 1u << (cpu % 32));

	for (unsigned group = cpu / 32; group; group--)
		at += sprintf(out + at, ",00000000");
}

int want_xps(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	char mask[512];

	(void)found;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	print_mask(mask, (unsigned)tune_worker_cpu(t, n % tune_workers(t)) % 1024);
	return wish(want, mask, why, "what the worker's CPU sends goes by the worker's queue");
}

/* --- memory --- */

/* A line of /proc/meminfo: "Name:   123". */
static unsigned long meminfo(const char *all, const char *name)
{
	const char *at = strstr(all, name);

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

int want_pages(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	unsigned long size, unused, need, now = strtoul(found, NULL, 10);
	char all[8192], number[24];

	(void)n;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	if (sysroot_read("/proc/meminfo", all, sizeof(all)) < 0 ||
	    !(size = meminfo(all, "Hugepagesize:") * 1024))
		return nothing(why, "the kernel does not tell their size");
	unused = meminfo(all, "HugePages_Free:");
	need = (t->umem_bytes + size - 1) / size * tune_workers(t);
	snprintf(number, sizeof(number), "%lu", now + (need > unused ? need - unused : 0));
	snprintf(why, TUNE_WHY, "%u UMEM of %lu kB in %lu pages of %lu kB, of which %lu are free",
		 tune_workers(t), (unsigned long)(t->umem_bytes / 1024), need, size / 1024, unused);
	snprintf(want, TUNE_VALUE, "%s", number);
	return 1;
}

/* --- isolation --- */

int want_controller(const struct tune_target *t, uint32_t n, const char *found, char *want,
		    char *why)
{
	(void)n;
	(void)found;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	if (t->place.count < 2)
		return nothing(why, "there is one CPU only");
	return wish(want, "on", why, "groups may have CPUs of their own");
}

int want_isolated(const struct tune_target *t, uint32_t n, const char *found, char *want, char *why)
{
	int at = 0;

	(void)n;
	(void)found;
	if (t->profile == TUNE_POWER)
		return not_of(t, why);
	if (t->place.count < 2)
		return nothing(why, "there is one CPU only");
	for (unsigned i = 0; i < tune_workers(t); i++)
		at += sprintf(want + at, at ? ",%d" : "%d", tune_worker_cpu(t, i));
	sprintf(want + at, " isolated");
	snprintf(why, TUNE_WHY, "nothing else is scheduled where the workers run");
	return 1;
}
