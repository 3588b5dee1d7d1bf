// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xskit/place.h>
#include "run_dir.h"

#define CLAIM_FILE "cpus"

/* The kernel refuses a set smaller than its own, however few CPUs there are. */
#define SET_CPUS 8192

struct candidate {
	int cpu, rank;
};

/* --- what sysfs says --- */

static int read_int(const char *path, int *value)
{
	FILE *file = fopen(path, "re");
	int found;

	if (!file)
		return -errno;
	found = fscanf(file, "%d", value);
	fclose(file);
	return found == 1 ? 0 : -EINVAL;
}

/* A number of an interface's directory; `what` is a path below it. */
static int read_if(const char *ifname, const char *what, int *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/%s", ifname, what);
	return read_int(path, value);
}

/* /sys may have been mounted in another network namespace, with an interface of the same name. */
static bool sysfs_knows(const char *ifname)
{
	unsigned here = if_nametoindex(ifname);
	int there;

	return here && !read_if(ifname, "ifindex", &there) && (unsigned)there == here;
}

/* The driver names the device it sits on, wherever /sys comes from: a PCI function has its node
   below /sys/bus, which is the same in every network namespace. */
static int ask_driver(const char *ifname)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), node, rc;
	struct ifreq ifr = {.ifr_data = (void *)&info};
	char path[80];

	if (fd < 0)
		return -1;
	strncpy(ifr.ifr_name, ifname, sizeof(ifr.ifr_name) - 1);
	rc = ioctl(fd, SIOCETHTOOL, &ifr);
	close(fd);
	if (rc || !info.bus_info[0] || strchr(info.bus_info, '/'))
		return -1;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.31s/numa_node", info.bus_info);
	return read_int(path, &node) || node < 0 ? -1 : node;
}

int xk_place_ifnode(const char *ifname)
{
	int node;

	if (!sysfs_knows(ifname))
		return ask_driver(ifname);
	if (!read_if(ifname, "device/numa_node", &node) && node >= 0)
		return node;
	/* virtio: the node is that of the PCI function the virtio device sits on */
	if (!read_if(ifname, "device/../numa_node", &node) && node >= 0)
		return node;
	return -1;
}

/* Count the entries "node<number>" of a directory; *any is one of the numbers. */
static int scan_nodes(const char *path, int *any)
{
	struct dirent *entry;
	int count = 0, number;
	DIR *dir = opendir(path);

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "node%d", &number) != 1)
			continue;
		*any = number;
		count++;
	}
	closedir(dir);
	return count;
}

int xk_place_cpunode(int cpu)
{
	char path[64];
	int node = -1;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", cpu);
	scan_nodes(path, &node);
	return node;
}

int xk_place_nodes(void)
{
	int any, count = scan_nodes("/sys/devices/system/node", &any);

	return count > 0 ? count : 1;
}

/* --- claims --- */

/* The file of claims, one byte a CPU; the bytes need not be there to be locked. */
static int open_claims(bool create)
{
	int dir = xk_run_dir_open(create), fd;

	if (dir < 0)
		return dir;
	fd = xk_run_dir_file(dir, CLAIM_FILE, O_RDWR | (create ? O_CREAT : 0));
	close(dir);
	return fd;
}

static struct flock lock_of(int cpu)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = cpu, .l_len = 1};
}

int xk_place_claim(int cpu)
{
	struct flock lock = lock_of(cpu);
	int fd, rc;

	if (cpu < 0 || cpu >= XK_PLACE_MAX_CPUS)
		return -EINVAL;
	fd = open_claims(true);
	if (fd < 0)
		return fd;
	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return fd;
	rc = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	close(fd);
	return rc;
}

static bool is_claimed(int claims, int cpu)
{
	struct flock lock = lock_of(cpu);

	return claims >= 0 && !fcntl(claims, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

/* --- the order of CPUs --- */

enum { RANK_CPU0 = 1, RANK_CLAIMED = 2, RANK_OTHER_NODE = 4 };

static int rank_of(int cpu, int node, int claims)
{
	int rank = cpu == 0 ? RANK_CPU0 : 0;

	if (is_claimed(claims, cpu))
		rank |= RANK_CLAIMED;
	if (node >= 0 && xk_place_cpunode(cpu) != node)
		rank |= RANK_OTHER_NODE;
	return rank;
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->rank != y->rank ? x->rank - y->rank : x->cpu - y->cpu;
}

static unsigned find_candidates(struct candidate *found, const cpu_set_t *set, size_t size,
				int node)
{
	int claims = open_claims(false);
	unsigned count = 0;

	for (int cpu = 0; cpu < XK_PLACE_MAX_CPUS; cpu++) {
		if (CPU_ISSET_S((unsigned)cpu, size, set))
			found[count++] = (struct candidate){cpu, rank_of(cpu, node, claims)};
	}
	if (claims >= 0)
		close(claims);
	return count;
}

int xk_place_find(struct xk_place *place, int node)
{
	struct candidate found[XK_PLACE_MAX_CPUS];
	cpu_set_t set[SET_CPUS / CPU_SETSIZE];

	if (sched_getaffinity(0, sizeof(set), set))
		return -errno;
	place->count = find_candidates(found, set, sizeof(set), node);
	place->on_node = place->claimed = 0;
	qsort(found, place->count, sizeof(found[0]), compare);
	for (unsigned i = 0; i < place->count; i++) {
		place->cpu[i] = found[i].cpu;
		place->on_node += !(found[i].rank & RANK_OTHER_NODE);
		place->claimed += !!(found[i].rank & RANK_CLAIMED);
	}
	return 0;
}
