// SPDX-License-Identifier: BSD-2-Clause
/* Of which there are several: the numbers that a directory names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sysroot.h"
#include "tune/settings.h"

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The number behind the prefix, and nothing behind that. */
static bool numbered(const char *name, const char *prefix, uint32_t *number)
{
	size_t len = strlen(prefix);
	char *end;

	if (strncmp(name, prefix, len) || name[len] < '0' || name[len] > '9')
		return false;
	*number = (uint32_t)strtoul(name + len, &end, 10);
	return !*end;
}

static int list_directory(const char *path, const char *prefix, struct tune_list *list)
{
	int fd = sysroot_open(path, O_RDONLY | O_DIRECTORY), ret = 0;
	struct dirent *entry;
	uint32_t number;
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!ret && (entry = readdir(dir)))
		if (numbered(entry->d_name, prefix, &number))
			ret = tune_list_add(list, number);
	closedir(dir);
	if (list->count)
		qsort(list->number, list->count, sizeof(*list->number), compare);
	return ret;
}

int list_cpus(const struct tune_target *t, struct tune_list *list)
{
	(void)t;
	return list_directory("/sys/devices/system/cpu", "cpu", list);
}

/* Those of its PCI function; a virtio device sits on one. */
int list_irqs(const struct tune_target *t, struct tune_list *list)
{
	static const char *const places[] = {"device/msi_irqs", "device/../msi_irqs"};
	char path[128];
	int ret = -ENOENT;

	for (unsigned i = 0; i < 2 && ret == -ENOENT; i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/%s", t->link.name, places[i]);
		ret = list_directory(path, "", list);
	}
	return ret;
}

static int list_queues(const struct tune_target *t, const char *prefix, struct tune_list *list)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", t->link.name);
	return list_directory(path, prefix, list);
}

int list_rx_queues(const struct tune_target *t, struct tune_list *list)
{
	return list_queues(t, "rx-", list);
}

int list_tx_queues(const struct tune_target *t, struct tune_list *list)
{
	return list_queues(t, "tx-", list);
}
