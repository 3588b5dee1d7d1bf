// SPDX-License-Identifier: BSD-2-Clause
/* The table: a setting is one line. In the order in which they are applied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sysroot.h"
#include "tune/settings.h"

#define NET  "/sys/class/net/{if}/"
#define CORE "/proc/sys/net/core/"
#define CPU  "/sys/devices/system/cpu/cpu{n}/"

#define NO_ETHTOOL "the driver has no such setting"
#define NO_QUEUES  "the kernel was built without it"
#define NO_NAPI    "the device has no NAPI, or the kernel no such setting"
#define NOT_SEEN   "the machine's network settings are not to be seen from this network namespace"
#define NO_CPUSET  "cgroup v2 has no cpuset controller here"

/* clang-format off */
const struct tune_setting tune_settings[] = {
	{1, "channels", NULL, 0, NULL, NO_ETHTOOL, NULL, read_channels, write_channels, want_channels},
	{2, "rss-indirection", NULL, 0, NULL, NO_ETHTOOL, NULL, read_rss, write_rss, want_rss},
	{3, "rps", "queue", TUNE_MASK, NET "queues/rx-{n}/rps_cpus", NO_QUEUES, list_rx_queues, NULL, NULL, want_rps},
	{4, "xps", "queue", TUNE_MASK, NET "queues/tx-{n}/xps_cpus", "a device with one queue has none", list_tx_queues, NULL, NULL, want_xps},
	{5, "irq-affinity", "irq", 0, "/proc/irq/{n}/smp_affinity_list", "the device has no interrupts of its own", list_irqs, NULL, NULL, want_irq},
	{6, "napi-defer-hard-irqs", "napi", 0, NULL, NO_NAPI, list_napis, read_defer, write_defer, want_defer},
	{7, "gro-flush-timeout", "napi", 0, NULL, NO_NAPI, list_napis, read_flush, write_flush, want_flush},
	{8, "napi-threaded", NULL, 0, NET "threaded", NO_NAPI, NULL, NULL, NULL, want_threaded},
	{9, "governor", "cpu", TUNE_MACHINE, CPU "cpufreq/scaling_governor", "the frequency is not this kernel's to set", list_cpus, NULL, NULL, want_governor},
	{10, "busy-read", NULL, TUNE_MACHINE, CORE "busy_read", NOT_SEEN, NULL, NULL, NULL, want_busy},
	{11, "busy-poll", NULL, TUNE_MACHINE, CORE "busy_poll", NOT_SEEN, NULL, NULL, NULL, want_busy},
	{12, "netdev-max-backlog", NULL, TUNE_MACHINE, CORE "netdev_max_backlog", NOT_SEEN, NULL, NULL, NULL, want_backlog},
	{13, "netdev-budget", NULL, TUNE_MACHINE, CORE "netdev_budget", NOT_SEEN, NULL, NULL, NULL, want_budget},
	{14, "netdev-budget-usecs", NULL, TUNE_MACHINE, CORE "netdev_budget_usecs", NOT_SEEN, NULL, NULL, NULL, want_budget_us},
	{15, "hugepages", NULL, TUNE_MACHINE, "/proc/sys/vm/nr_hugepages", "this kernel has none", NULL, NULL, NULL, want_pages},
	{16, "cpuset-controller", NULL, TUNE_MACHINE, NULL, NO_CPUSET, NULL, read_controller, write_controller, want_controller},
	{17, "isolated-cpus", NULL, TUNE_MACHINE, NULL, NO_CPUSET, NULL, read_isolated, write_isolated, want_isolated},
};
/* clang-format on */
const unsigned tune_settings_count = sizeof(tune_settings) / sizeof(*tune_settings);

const struct tune_setting tune_nothing = {.id = 0, .name = "tune"};

const struct tune_setting *tune_setting_find(uint32_t id)
{
	if (id == tune_nothing.id)
		return &tune_nothing;
	for (unsigned i = 0; i < tune_settings_count; i++)
		if (tune_settings[i].id == id)
			return &tune_settings[i];
	return NULL;
}

/* --- a file's name --- */

/* {if} and {n} become the interface's name and the number. */
static int expand(char *out, size_t size, const char *path, const char *ifname, uint32_t n)
{
	size_t at = 0;

	while (*path && at < size) {
		if (!strncmp(path, "{if}", 4)) {
			at += (size_t)snprintf(out + at, size - at, "%s", ifname);
			path += 4;
		} else if (!strncmp(path, "{n}", 3)) {
			at += (size_t)snprintf(out + at, size - at, "%u", n);
			path += 3;
		} else {
			out[at++] = *path++;
		}
	}
	if (at >= size)
		return -ENAMETOOLONG;
	out[at] = '\0';
	return 0;
}

/* --- reading and writing --- */

static bool is_plain(const char *value)
{
	for (; *value; value++)
		if (*value < ' ' || *value > '~')
			return false;
	return true;
}

int tune_read(const struct tune_setting *s, const struct tune_target *t, uint32_t n, char *value)
{
	char path[256];
	int len;

	if (s->read)
		return s->read(t, n, value);
	len = expand(path, sizeof(path), s->path, t->link.name, n);
	len = len ? len : sysroot_read(path, value, TUNE_VALUE);
	return len < 0 || is_plain(value) ? len : -EPROTO;
}

int tune_write(const struct tune_setting *s, const struct tune_target *t, uint32_t n,
	       const char *value)
{
	char path[256];
	int ret;

	if (s->write)
		return s->write(t, n, value);
	ret = expand(path, sizeof(path), s->path, t->link.name, n);
	return ret ? ret : sysroot_write(path, value);
}

/* --- of several --- */

int tune_list_add(struct tune_list *list, uint32_t number)
{
	uint32_t *more = realloc(list->number, (list->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[list->count++] = number;
	list->number = more;
	return 0;
}

int tune_numbers(const struct tune_setting *s, const struct tune_target *t, struct tune_list *list)
{
	*list = (struct tune_list){0};
	return s->list ? s->list(t, list) : tune_list_add(list, 0);
}

/* --- comparing --- */

static const char *skip_zeros(const char *mask)
{
	while ((*mask == '0' || *mask == ',') && mask[1])
		mask++;
	return mask;
}

bool tune_same(const struct tune_setting *s, const char *a, const char *b)
{
	if (!(s->flags & TUNE_MASK))
		return !strcmp(a, b);
	a = skip_zeros(a);
	b = skip_zeros(b);
	while (*a || *b) {
		a += *a == ',';
		b += *b == ',';
		if (*a++ != *b++)
			return false;
	}
	return true;
}
