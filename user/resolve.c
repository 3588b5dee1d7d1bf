// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <time.h>
#include "resolve.h"

#define WHAT      "resolve"
#define STEP_MS   5
#define MAX_STEPS 400 /* 2 s */

bool resolve_is_own(const struct nl_link *link, const struct ipaddr *addr)
{
	struct ipaddr own[256];
	uint8_t prefix[256];
	int n = nl_addresses(link->ifindex, own, prefix, 256);

	for (int i = 0; i < n; i++)
		if (ipaddr_equal(&own[i], addr))
			return true;
	return false;
}

/* The kernel's entry for an address; the first miss asks it to resolve. */
static int neighbour(const struct nl_link *link, const struct ipaddr *hop, struct macaddr *mac)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
	int ret = nl_neighbour(link->ifindex, hop, mac);

	if (ret == -ENOENT)
		nl_neighbour_probe(link->ifindex, hop);
	for (int i = 0; ret == -ENOENT && i < MAX_STEPS; i++) {
		nanosleep(&step, NULL);
		ret = nl_neighbour(link->ifindex, hop, mac);
	}
	return ret;
}

int resolve_mac(const struct nl_link *link, const struct ipaddr *dst, struct macaddr *mac,
		struct xk_err *err)
{
	char text[46];
	struct ipaddr hop;

	if (nl_route(link->ifindex, dst, &hop))
		return xk_err_fill(err, -ENETUNREACH, WHAT,
				   "give --dst-mac, or an address to the interface",
				   "no route to %s by %s", ipaddr_text(dst, text), link->name);
	if (neighbour(link, &hop, mac))
		return xk_err_fill(err, -EHOSTUNREACH, WHAT, "give --dst-mac, or see who is there",
				   "%s does not answer on %s", ipaddr_text(&hop, text), link->name);
	return 0;
}
