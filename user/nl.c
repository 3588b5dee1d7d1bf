// SPDX-License-Identifier: BSD-2-Clause
/* nl.c - links: what they are, what they count, and what happens to them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include "nl.h"
#include "nl_request.h"

#define WHAT "look at interface"

/* net/if.h has the older flags only, and linux/if.h does not go with it. */
#define LOWER_UP 0x10000

/* --- ethtool --- */

int nl_ethtool(const char *ifname, void *command)
{
	struct ifreq ifr = {.ifr_data = command};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		rc = -errno;
	close(fd);
	return rc;
}

/* A device without ethtool keeps the kind that rtnetlink knows ("" for lo). */
static void add_driver(struct nl_link *link)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	if (!nl_ethtool(link->name, &info))
		snprintf(link->driver, sizeof(link->driver), "%.31s", info.driver);
}

static void add_channels(struct nl_link *link)
{
	struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};

	if (nl_ethtool(link->name, &ch))
		return;
	if (ch.combined_count + ch.rx_count)
		link->rx_queues = ch.combined_count + ch.rx_count;
	if (ch.combined_count + ch.tx_count)
		link->tx_queues = ch.combined_count + ch.tx_count;
}

/* --- a link --- */

/* A string attribute, cut to fit; "" if it is not there. */
static void copy_text(char *out, size_t size, const struct nlattr *attr)
{
	if (attr)
		snprintf(out, size, "%.*s", (int)mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nl_link *link = data;
	struct nl_attrs attrs, info;

	nl_parse(nlh, sizeof(*ifi), &attrs);
	nl_parse_nested(attrs.by[IFLA_LINKINFO], &info);
	copy_text(link->name, sizeof(link->name), attrs.by[IFLA_IFNAME]);
	copy_text(link->driver, sizeof(link->driver), info.by[IFLA_INFO_KIND]);
	nl_get_mac(attrs.by[IFLA_ADDRESS], &link->mac);
	link->ifindex = ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	link->carrier = ifi->ifi_flags & LOWER_UP;
	link->mtu = nl_get_u32(attrs.by[IFLA_MTU], 0);
	link->rx_queues = nl_get_u32(attrs.by[IFLA_NUM_RX_QUEUES], 1);
	link->tx_queues = nl_get_u32(attrs.by[IFLA_NUM_TX_QUEUES], 1);
	link->peer_ifindex = (int)nl_get_u32(attrs.by[IFLA_LINK], 0);
	link->peer_netnsid = (int)nl_get_u32(attrs.by[IFLA_LINK_NETNSID], UINT32_MAX);
	return MNL_CB_OK;
}

static int ask_link(int ifindex, const char *ifname, mnl_cb_t cb, void *data)
{
	struct nl_request req;
	struct ifinfomsg *ifi = nl_begin(&req, RTM_GETLINK, 0, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	if (ifname)
		mnl_attr_put_strz(&req.head, IFLA_IFNAME, ifname);
	return nl_talk(&req, NETLINK_ROUTE, cb, data);
}

int nl_link(const char *ifname, struct nl_link *link, struct xk_err *err)
{
	int rc = -ENODEV;

	*link = (struct nl_link){.peer_netnsid = -1};
	if (*ifname && strlen(ifname) < sizeof(link->name))
		rc = ask_link(0, ifname, on_link, link);
	if (rc == -ENODEV)
		return xk_err_fill(err, rc, WHAT, "ip link shows the interfaces",
				   "there is no interface '%.64s' in this network namespace",
				   ifname);
	if (rc)
		return xk_err_fill(err, rc, WHAT, NULL, "netlink: %s", strerror(-rc));
	/* other devices use IFLA_LINK for what they are stacked on */
	if (strcmp(link->driver, "veth"))
		link->peer_ifindex = 0;
	add_driver(link);
	add_channels(link);
	return 0;
}

/* --- its counters --- */

static void copy_counters(struct nl_counters *to, const struct rtnl_link_stats64 *from)
{
	*to = (struct nl_counters){
		.rx_packets = from->rx_packets,
		.rx_bytes = from->rx_bytes,
		.rx_dropped = from->rx_dropped,
		.rx_errors = from->rx_errors,
		.rx_missed = from->rx_missed_errors,
		.tx_packets = from->tx_packets,
		.tx_bytes = from->tx_bytes,
		.tx_dropped = from->tx_dropped,
		.tx_errors = from->tx_errors,
	};
}

static int on_counters(const struct nlmsghdr *nlh, void *data)
{
	struct rtnl_link_stats64 stats = {0};
	const struct nlattr *attr;
	struct nl_attrs attrs;
	size_t len;

	nl_parse(nlh, sizeof(struct ifinfomsg), &attrs);
	attr = attrs.by[IFLA_STATS64];
	if (!attr)
		return MNL_CB_OK;
	/* a newer kernel's is longer, an older one's shorter, and it is aligned to 4 only */
	len = mnl_attr_get_payload_len(attr);
	memcpy(&stats, mnl_attr_get_payload(attr), len < sizeof(stats) ? len : sizeof(stats));
	copy_counters(data, &stats);
	return MNL_CB_OK;
}

int nl_counters(int ifindex, struct nl_counters *counters)
{
	*counters = (struct nl_counters){0};
	return ifindex > 0 ? ask_link(ifindex, NULL, on_counters, counters) : -ENODEV;
}

/* --- multicast --- */

/* The Ethernet group of an IP group: RFC 1112, RFC 2464. */
static void group_mac(const struct ipaddr *group, unsigned char mac[6])
{
	const uint8_t *b = group->b;

	if (group->family == 4)
		memcpy(mac, (uint8_t[]){0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}, 6);
	else
		memcpy(mac, (uint8_t[]){0x33, 0x33, b[12], b[13], b[14], b[15]}, 6);
}

/* A membership of the interface's that lasts as long as the socket, which receives nothing. */
static int add_membership(const struct packet_mreq *mreq)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), rc; /* protocol 0 */

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, mreq, sizeof(*mreq)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int nl_join_group(int ifindex, const struct ipaddr *group)
{
	struct packet_mreq mreq = {
		.mr_ifindex = ifindex, .mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN};

	if (!ipaddr_is_multicast(group))
		return -EINVAL;
	group_mac(group, mreq.mr_address);
	return add_membership(&mreq);
}

int nl_promiscuous(int ifindex)
{
	return add_membership(
		&(struct packet_mreq){.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC});
}

/* --- what happens to it --- */

/* Messages read in one call; whoever polls comes back for the rest. */
#define READ_MAX 1000

struct watch {
	int ifindex;
	enum nl_event event;
};

int nl_watch_open(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int rc;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* A port that leaves its bridge is also a deleted link, but of family AF_BRIDGE. */
static int on_event(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct watch *watch = data;
	unsigned both = IFF_UP | LOWER_UP;

	if (ifi->ifi_index != watch->ifindex || ifi->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	if (nlh->nlmsg_type == RTM_DELLINK)
		watch->event = NL_EVENT_GONE;
	else if (nlh->nlmsg_type == RTM_NEWLINK)
		watch->event = (ifi->ifi_flags & both) == both ? NL_EVENT_UP : NL_EVENT_DOWN;
	return MNL_CB_OK;
}

/*
 * Events were lost, because the socket's buffer was full: those still in it are old, and what is
 * true now is what counts.
 */
static enum nl_event event_now(int fd, int ifindex)
{
	struct watch watch = {.ifindex = ifindex};
	char byte;
	int rc;

	for (int i = 0; i < READ_MAX && recv(fd, &byte, 1, MSG_DONTWAIT) >= 0; i++)
		;
	rc = ask_link(ifindex, NULL, on_event, &watch);
	return rc == -ENODEV ? NL_EVENT_GONE : watch.event;
}

enum nl_event nl_watch_read(int fd, int ifindex)
{
	struct watch watch = {.ifindex = ifindex};
	long buf[16384 / sizeof(long)];
	ssize_t n;

	/* other interfaces' events are read past */
	for (int i = 0; i < READ_MAX && watch.event == NL_EVENT_NONE; i++) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == ENOBUFS)
			return event_now(fd, ifindex);
		if (n <= 0)
			break;
		mnl_cb_run(buf, (size_t)n, 0, 0, on_event, &watch);
	}
	return watch.event;
}
