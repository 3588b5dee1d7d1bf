// SPDX-License-Identifier: BSD-2-Clause
/* NAPI deferral: of each NAPI where the kernel has it (6.13), else of the interface. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "sysroot.h"
#include "tune/settings.h"

#define DEFER "napi_defer_hard_irqs"
#define FLUSH "gro_flush_timeout"

/* All of them, allocated: how many, or -errno. */
static int get_napis(const struct tune_target *t, struct nl_napi **napis)
{
	int count = nl_napis(t->link.ifindex, NULL, 0), again;

	*napis = NULL;
	if (count <= 0)
		return count;
	*napis = calloc((size_t)count, sizeof(**napis));
	if (!*napis)
		return -ENOMEM;
	again = nl_napis(t->link.ifindex, *napis, (unsigned)count);
	return again < count ? again : count;
}

static int get_napi(const struct tune_target *t, uint32_t id, struct nl_napi *napi)
{
	struct nl_napi *napis;
	int count = get_napis(t, &napis), ret = -ENOENT;

	for (int i = 0; i < count; i++) {
		if (napis[i].id != id)
			continue;
		*napi = napis[i];
		ret = 0;
	}
	free(napis);
	return count < 0 ? count : ret;
}

int list_napis(const struct tune_target *t, struct tune_list *list)
{
	struct nl_napi *napis;
	int count = get_napis(t, &napis), ret = 0;

	for (int i = 0; i < count && !ret; i++)
		ret = tune_list_add(list, napis[i].id);
	free(napis);
	return ret || count > 0 ? ret : tune_list_add(list, 0);
}

static int read_interface(const struct tune_target *t, const char *file, char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", t->link.name, file);
	return sysroot_read(path, value, TUNE_VALUE);
}

static int write_interface(const struct tune_target *t, const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", t->link.name, file);
	return sysroot_write(path, value);
}

int read_defer(const struct tune_target *t, uint32_t n, char *value)
{
	struct nl_napi napi;
	int ret;

	if (!n)
		return read_interface(t, DEFER, value);
	ret = get_napi(t, n, &napi);
	return ret ? ret : sprintf(value, "%u", napi.defer_hard_irqs);
}

int write_defer(const struct tune_target *t, uint32_t n, const char *value)
{
	struct nl_napi napi;
	int ret;

	if (!n)
		return write_interface(t, DEFER, value);
	if ((ret = get_napi(t, n, &napi)))
		return ret;
	napi.defer_hard_irqs = (uint32_t)strtoul(value, NULL, 10);
	return nl_napi_set(&napi);
}

int read_flush(const struct tune_target *t, uint32_t n, char *value)
{
	struct nl_napi napi;
	int ret;

	if (!n)
		return read_interface(t, FLUSH, value);
	ret = get_napi(t, n, &napi);
	return ret ? ret : sprintf(value, "%llu", (unsigned long long)napi.gro_flush_timeout);
}

int write_flush(const struct tune_target *t, uint32_t n, const char *value)
{
	struct nl_napi napi;
	int ret;

	if (!n)
		return write_interface(t, FLUSH, value);
	if ((ret = get_napi(t, n, &napi)))
		return ret;
	napi.gro_flush_timeout = strtoull(value, NULL, 10);
	return nl_napi_set(&napi);
}
