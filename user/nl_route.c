// SPDX-License-Identifier: BSD-2-Clause
/* nl_route.c - addresses, routes and neighbours. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>
#include <linux/neighbour.h>
#include "nl.h"
#include "nl_request.h"

/* --- default route --- */

struct default_route {
	int ifindex;
	bool found;
};

/* One of several next hops of a route. */
static bool hops_leave_by(const struct nlattr *attr, int ifindex)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		if (hop->rtnh_ifindex == ifindex)
			return true;
	}
	return false;
}

static int on_default_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct default_route *route = data;
	struct nl_attrs attrs;

	if (rtm->rtm_dst_len || rtm->rtm_type != RTN_UNICAST || rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	nl_parse(nlh, sizeof(*rtm), &attrs);
	if ((int)nl_get_u32(attrs.by[RTA_OIF], 0) == route->ifindex)
		route->found = true;
	if (attrs.by[RTA_MULTIPATH] && hops_leave_by(attrs.by[RTA_MULTIPATH], route->ifindex))
		route->found = true;
	return MNL_CB_OK;
}

static int find_default(struct default_route *route, uint8_t family)
{
	struct nl_request req;
	struct rtmsg *rtm;
	int rc = -EINTR;

	for (int i = 0; i < NL_RETRIES && rc == -EINTR; i++) {
		rtm = nl_begin(&req, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rtm));
		rtm->rtm_family = family;
		rc = nl_talk(&req, NETLINK_ROUTE, on_default_route, route);
	}
	return rc;
}

/* A kernel without IPv6 has no such routes. */
static bool no_family(int rc)
{
	return rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT;
}

int nl_default_route_via(int ifindex, bool *yes)
{
	struct default_route route = {.ifindex = ifindex};
	int rc = find_default(&route, AF_INET);

	if (!rc)
		rc = find_default(&route, AF_INET6);
	*yes = route.found;
	return no_family(rc) ? 0 : rc;
}

/* --- addresses --- */

struct address_list {
	int ifindex;
	struct ipaddr *addrs;
	uint8_t *prefix_len;
	unsigned count, max;
};

/* IFA_LOCAL is one's own where IFA_ADDRESS is the other end of a point-to-point link. */
static bool own_address(const struct nlmsghdr *nlh, int family, struct ipaddr *addr)
{
	struct nl_attrs attrs;

	nl_parse(nlh, sizeof(struct ifaddrmsg), &attrs);
	return nl_get_addr(attrs.by[IFA_LOCAL], family, addr) ||
	       nl_get_addr(attrs.by[IFA_ADDRESS], family, addr);
}

static int on_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address_list *list = data;
	struct ipaddr addr;

	if ((int)ifa->ifa_index != list->ifindex || list->count == list->max)
		return MNL_CB_OK;
	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return MNL_CB_OK;
	if (!own_address(nlh, ifa->ifa_family, &addr))
		return MNL_CB_OK;
	if (list->prefix_len)
		list->prefix_len[list->count] = ifa->ifa_prefixlen;
	list->addrs[list->count++] = addr;
	return MNL_CB_OK;
}

int nl_addresses(int ifindex, struct ipaddr *addrs, uint8_t *prefix_len, unsigned max)
{
	struct address_list list = {
		.ifindex = ifindex, .addrs = addrs, .prefix_len = prefix_len, .max = max};
	struct nl_request req;
	int rc = -EINTR;

	for (int i = 0; i < NL_RETRIES && rc == -EINTR; i++) {
		list.count = 0;
		nl_begin(&req, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
		rc = nl_talk(&req, NETLINK_ROUTE, on_address, &list);
	}
	return rc ? rc : (int)list.count;
}

/* --- the route to an address --- */

struct way {
	int oif;
	uint8_t type;
	struct ipaddr source, gateway; /* family 0: none */
};

/* RTA_VIA: a gateway of another family than the route. */
static void read_via(const struct nlattr *attr, struct ipaddr *gateway)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (len != sizeof(*via) + 16 || via->rtvia_family != AF_INET6)
		return;
	gateway->family = 6;
	memcpy(gateway->b, via->rtvia_addr, 16);
}

static int on_way(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct way *way = data;
	struct nl_attrs attrs;

	nl_parse(nlh, sizeof(*rtm), &attrs);
	way->type = rtm->rtm_type;
	way->oif = (int)nl_get_u32(attrs.by[RTA_OIF], 0);
	nl_get_addr(attrs.by[RTA_PREFSRC], rtm->rtm_family, &way->source);
	nl_get_addr(attrs.by[RTA_GATEWAY], rtm->rtm_family, &way->gateway);
	if (attrs.by[RTA_VIA])
		read_via(attrs.by[RTA_VIA], &way->gateway);
	return MNL_CB_OK;
}

static int find_way(int ifindex, const struct ipaddr *dst, struct way *way)
{
	struct nl_request req;
	struct rtmsg *rtm = nl_begin(&req, RTM_GETROUTE, 0, sizeof(*rtm));
	int rc;

	*way = (struct way){0};
	rtm->rtm_family = nl_family(dst);
	rtm->rtm_dst_len = dst->family == 4 ? 32 : 128;
	nl_put_addr(&req, RTA_DST, dst);
	mnl_attr_put_u32(&req.head, RTA_OIF, (uint32_t)ifindex);
	rc = nl_talk(&req, NETLINK_ROUTE, on_way, way);
	if (rc)
		return rc;
	/* one's own address, say, is reached through lo; an unreachable one not at all */
	if (way->oif != ifindex || (way->type != RTN_UNICAST && way->type != RTN_MULTICAST))
		return -ENETUNREACH;
	return 0;
}

int nl_source_for(int ifindex, const struct ipaddr *dst, struct ipaddr *src)
{
	static const uint8_t none[16];
	struct way way;
	int rc = find_way(ifindex, dst, &way);

	if (rc == -ENETUNREACH || rc == -EHOSTUNREACH)
		return -EADDRNOTAVAIL;
	if (rc)
		return rc;
	if (!way.source.family || !memcmp(way.source.b, none, sizeof(none)))
		return -EADDRNOTAVAIL;
	*src = way.source;
	return 0;
}

int nl_route(int ifindex, const struct ipaddr *dst, struct ipaddr *next_hop)
{
	struct way way;
	int rc = find_way(ifindex, dst, &way);

	if (rc == -EHOSTUNREACH)
		return -ENETUNREACH;
	if (rc)
		return rc;
	*next_hop = way.gateway.family ? way.gateway : *dst;
	return 0;
}

/* --- neighbours --- */

struct neighbour {
	struct macaddr mac;
	bool resolved;
};

static int on_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	unsigned usable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	struct neighbour *neighbour = data;
	struct nl_attrs attrs;

	nl_parse(nlh, sizeof(*ndm), &attrs);
	if (ndm->ndm_state & usable)
		neighbour->resolved = nl_get_mac(attrs.by[NDA_LLADDR], &neighbour->mac);
	return MNL_CB_OK;
}

static struct ndmsg *begin_neighbour(struct nl_request *req, uint16_t type, uint16_t flags,
				     int ifindex, const struct ipaddr *addr)
{
	struct ndmsg *ndm = nl_begin(req, type, flags, sizeof(*ndm));

	ndm->ndm_family = nl_family(addr);
	ndm->ndm_ifindex = ifindex;
	nl_put_addr(req, NDA_DST, addr);
	return ndm;
}

int nl_neighbour(int ifindex, const struct ipaddr *addr, struct macaddr *mac)
{
	struct neighbour neighbour = {0};
	struct nl_request req;
	int rc;

	begin_neighbour(&req, RTM_GETNEIGH, 0, ifindex, addr);
	rc = nl_talk(&req, NETLINK_ROUTE, on_neighbour, &neighbour);
	if (rc)
		return rc;
	if (!neighbour.resolved)
		return -ENOENT;
	*mac = neighbour.mac;
	return 0;
}

/* NTF_USE: as if a packet were to be sent there, so ARP or ND begins, and nothing else is changed.
 */
int nl_neighbour_probe(int ifindex, const struct ipaddr *addr)
{
	struct nl_request req;
	struct ndmsg *ndm =
		begin_neighbour(&req, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, addr);

	ndm->ndm_flags = NTF_USE;
	return nl_talk(&req, NETLINK_ROUTE, NULL, NULL);
}
