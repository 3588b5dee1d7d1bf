// SPDX-License-Identifier: BSD-2-Clause
/* What is tuned, and the words for what became of it. */
#include <errno.h>
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
	if (!t->umem_bytes)
		t->umem_bytes = USUAL_UMEM;
	return 0;
}
