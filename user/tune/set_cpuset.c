// SPDX-License-Identifier: BSD-2-Clause
/*
 * CPUs kept for the workers: an isolated cpuset partition of cgroup v2, in which nothing runs but
 * what is put there. Its name comes from the interface, never from a journal.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sysroot.h"
#include "tune/settings.h"

#define ROOT "/sys/fs/cgroup"

static void name_group(const struct tune_target *t, char name[64])
{
	snprintf(name, 64, "xskit-%llu-%d", (unsigned long long)t->netns, t->link.ifindex);
}

static void name_file(const struct tune_target *t, const char *file, char path[128])
{
	char name[64];

	name_group(t, name);
	snprintf(path, 128, ROOT "/%s/%s", name, file);
}

/* --- the controller --- */

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	return false;
}

static int read_line(const char *path, char *out, size_t size)
{
	int len = sysroot_read(path, out, size);

	if (len >= 0)
		out[strcspn(out, "\n")] = '\0';
	return len;
}

/* Of what the groups below the root have. */
int read_controller(const struct tune_target *t, uint32_t n, char *value)
{
	char list[512];
	int ret = read_line(ROOT "/cgroup.controllers", list, sizeof(list));

	(void)t;
	(void)n;
	if (ret < 0)
		return ret;
	if (!has_word(list, "cpuset"))
		return -EOPNOTSUPP;
	ret = read_line(ROOT "/cgroup.subtree_control", list, sizeof(list));
	return ret < 0 ? ret : sprintf(value, "%s", has_word(list, "cpuset") ? "on" : "off");
}

int write_controller(const struct tune_target *t, uint32_t n, const char *value)
{
	(void)t;
	(void)n;
	return sysroot_write(ROOT "/cgroup.subtree_control",
			     !strcmp(value, "on") ? "+cpuset" : "-cpuset");
}

/* --- the partition --- */

int read_isolated(const struct tune_target *t, uint32_t n, char *value)
{
	char path[128], cpus[1024], state[128], on[8];
	int ret = read_controller(t, n, on);

	if (ret < 0)
		return ret;
	name_file(t, "cpuset.cpus", path);
	if (read_line(path, cpus, sizeof(cpus)) < 0)
		*cpus = '\0';
	name_file(t, "cpuset.cpus.partition", path);
	ret = read_line(path, state, sizeof(state));
	if (ret >= 0)
		return sprintf(value, "%s %s", cpus, state);
	/* without the controller there are no such files, but there may be the group */
	name_file(t, ".", path);
	ret = sysroot_open(path, O_PATH | O_DIRECTORY);
	if (ret < 0)
		return sprintf(value, "none");
	close(ret);
	return sprintf(value, "empty");
}

/* Whoever is in it goes back to the root group. */
static void move_out(const struct tune_target *t)
{
	char path[128], pids[4096], *pid, *rest = NULL;

	name_file(t, "cgroup.procs", path);
	if (sysroot_read(path, pids, sizeof(pids)) < 0)
		return;
	for (pid = strtok_r(pids, "\n", &rest); pid; pid = strtok_r(NULL, "\n", &rest))
		sysroot_write(ROOT "/cgroup.procs", pid);
}

static int remove_group(const struct tune_target *t)
{
	int root = sysroot_open(ROOT, O_RDONLY | O_DIRECTORY), ret = 0;
	char name[64], path[128];

	if (root < 0)
		return root;
	name_file(t, "cpuset.cpus.partition", path);
	sysroot_write(path, "member");
	move_out(t);
	name_group(t, name);
	if (unlinkat(root, name, AT_REMOVEDIR) && errno != ENOENT)
		ret = -errno;
	close(root);
	return ret;
}

static int make_group(const struct tune_target *t)
{
	int root = sysroot_open(ROOT, O_RDONLY | O_DIRECTORY), ret = 0;
	char name[64];

	if (root < 0)
		return root;
	name_group(t, name);
	if (mkdirat(root, name, 0755) && errno != EEXIST)
		ret = -errno;
	close(root);
	return ret;
}

/* The kernel takes the word and says in the file what it made of it. */
static int check_partition(const char *path)
{
	char state[256];
	int ret = read_line(path, state, sizeof(state));

	return ret < 0 ? ret : strcmp(state, "isolated") ? -EINVAL : 0;
}

static int isolate(const struct tune_target *t, const char *cpus)
{
	char path[128];
	int ret = make_group(t);

	if (ret)
		return ret;
	name_file(t, "cpuset.cpus", path);
	if ((ret = sysroot_write(path, cpus)))
		return ret;
	name_file(t, "cpuset.cpus.partition", path);
	ret = sysroot_write(path, "isolated");
	return ret ? ret : check_partition(path);
}

int write_isolated(const struct tune_target *t, uint32_t n, const char *value)
{
	char cpus[TUNE_VALUE];
	int ret;

	(void)n;
	if (!strcmp(value, "none"))
		return remove_group(t);
	snprintf(cpus, sizeof(cpus), "%s", value);
	cpus[strcspn(cpus, " ")] = '\0';
	ret = isolate(t, cpus);
	if (ret)
		remove_group(t);
	return ret;
}

int tune_join_cpus(int ifindex)
{
	struct tune_target t = {.link.ifindex = ifindex};
	char path[128];

	if (tune_netns(&t.netns))
		return 0;
	name_file(&t, "cgroup.procs", path);
	return sysroot_write(path, "0") == 0;
}
