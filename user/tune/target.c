// SPDX-License-Identifier: BSD-2-Clause
/* What is tuned, and the words for what became of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tune/settings.h"

#ifndef SO_NETNS_COOKIE /* kernel 5.14 */
#define SO_NETNS_COOKIE 71
#endif
#define USUAL_UMEM (3072u * 2048)

const char *const tune_profiles[] = {"latency", "throughput", "power", NULL};

const char *tune_status_name(enum tune_status status)
{
	static const char *const names[] = {"kept",    "planned", "applied",   "not-permitted",
					    "absent",  "skipped", "failed",    "restored",
					    "changed", "gone",    "in-journal"};

	return names[status];
}

int tune_netns(uint64_t *cookie)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;
	socklen_t len = sizeof(*cookie);

	if (fd < 0)
		return -errno;
	ret = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len) ? -errno : 0;
	close(fd);
	return ret;
}

/* To place i of the order, from wherever it was. */
static void put_at(struct xk_place *place, unsigned i, int cpu)
{
	unsigned at = 0;

	while (at < place->count && place->cpu[at] != cpu)
		at++;
	if (at < i || at == XK_PLACE_MAX_CPUS)
		return;
	memmove(&place->cpu[i + 1], &place->cpu[i], (at - i) * sizeof(place->cpu[0]));
	place->cpu[i] = cpu;
	place->on_node += at == place->count;
	place->count += at == place->count;
}

/* CPUs that an earlier tune keeps for the workers are theirs, though not this process's. */
static void add_isolated(struct tune_target *t)
{
	char value[TUNE_VALUE], *end = value;
	unsigned i = 0;

	if (read_isolated(t, 0, value) < 0 || !strstr(value, " isolated"))
		return;
	do {
		long first = strtol(end + (*end == ','), &end, 10);
		long last = *end == '-' ? strtol(end + 1, &end, 10) : first;

		for (; first <= last && i < XK_PLACE_MAX_CPUS; first++)
			put_at(&t->place, i++, (int)first);
	} while (*end == ',');
}

int tune_target_find(struct tune_target *t, const char *ifname, int node, struct xk_err *err)
{
	int ret = nl_link(ifname, &t->link, err);

	if (ret)
		return ret;
	if ((ret = tune_netns(&t->netns)))
		return xk_err_fill(err, ret, "tune", "it takes kernel 5.14 or newer",
				   "tell this network namespace from others");
	node = node >= 0 ? node : xk_place_ifnode(t->link.name);
	if ((ret = xk_place_find(&t->place, node)))
		return xk_err_fill(err, ret, "tune", NULL, "find the CPUs that may be used");
	add_isolated(t);
	if (!t->umem_bytes)
		t->umem_bytes = USUAL_UMEM;
	return 0;
}
