/* SPDX-License-Identifier: BSD-2-Clause */
/* nl.h - what the kernel tells about interfaces, addresses, routes and neighbours (libmnl). */
#ifndef XSKIT_NL_H
#define XSKIT_NL_H

#include <stdbool.h>
#include <stdint.h>
#include <xskit/err.h>
#include "packet.h"

struct nl_link {
	char name[16];
	char driver[32]; /* ethtool's driver name: "veth", "virtio_net" ... */
	int ifindex;
	struct macaddr mac;
	uint32_t mtu;
	unsigned rx_queues, tx_queues; /* channels in use (ethtool), else numrxqueues */
	bool up, carrier;
	int peer_ifindex; /* of a veth, 0: none or unknown */
	int peer_netnsid; /* -1: same namespace */
};

/* The interface's own counters (IFLA_STATS64). */
struct nl_counters {
	uint64_t rx_packets, rx_bytes, rx_dropped, rx_errors, rx_missed;
	uint64_t tx_packets, tx_bytes, tx_dropped, tx_errors;
};

/* XDP features of a device (netdev generic netlink, kernel 6.3). */
#define NL_XDP_BASIC       1u
#define NL_XDP_REDIRECT    2u
#define NL_XDP_NDO_XMIT    4u /* takes redirected frames; a veth: if its peer has XDP or GRO on */
#define NL_XDP_ZEROCOPY    8u
#define NL_XDP_HW_OFFLOAD  16u
#define NL_XDP_RX_SG       32u
#define NL_XDP_NDO_XMIT_SG 64u

/* All return 0, a count or a negative errno (-ENODEV: no such interface); those with err fill it.
 */
int nl_link(const char *ifname, struct nl_link *link, struct xk_err *err);
int nl_counters(int ifindex, struct nl_counters *counters);
int nl_ethtool(const char *ifname, void *command); /* SIOCETHTOOL: a struct ethtool_... */

/* Does a default route of any table, IPv4 or IPv6, leave by it? */
int nl_default_route_via(int ifindex, bool *yes);

/* Its own addresses and (if not NULL) their prefix lengths: how many, at most max. */
int nl_addresses(int ifindex, struct ipaddr *addrs, uint8_t *prefix_len, unsigned max);

/* The address the kernel would send from: -EADDRNOTAVAIL. */
int nl_source_for(int ifindex, const struct ipaddr *dst, struct ipaddr *src);

/* The gateway, or dst itself where it is on the link: -ENETUNREACH. */
int nl_route(int ifindex, const struct ipaddr *dst, struct ipaddr *next_hop);

/* What the kernel has resolved: -ENOENT not (yet). */
int nl_neighbour(int ifindex, const struct ipaddr *addr, struct macaddr *mac);

/* Ask the kernel to resolve it; for IPv6 it does so only from a link-local address. */
int nl_neighbour_probe(int ifindex, const struct ipaddr *addr);

int nl_xdp_features(int ifindex, uint64_t *features); /* -EOPNOTSUPP: kernel without the family */

/* One NAPI of an interface and what it does with interrupts (kernel 6.13). */
struct nl_napi {
	uint32_t id;
	uint32_t defer_hard_irqs;   /* empty polls before its interrupt is on again */
	uint64_t gro_flush_timeout; /* ns */
};

/* nl_napi.c: how many there are, of which the first max are filled in, or -errno; -EOPNOTSUPP:
 * their settings are the interface's. */
int nl_napis(int ifindex, struct nl_napi *napis, unsigned max);
int nl_napi_set(const struct nl_napi *napi); /* -ENOENT: it is gone; -EPERM */

/*
 * Let a multicast group's frames through the interface's filter (IPv6 solicited-node): an fd, whose
 * close leaves it, or -errno. No IGMP or MLD is sent.
 */
int nl_join_group(int ifindex, const struct ipaddr *group);

/* Take frames for any address, until the fd is closed: an fd, or -errno. */
int nl_promiscuous(int ifindex);

/* Link events. */
enum nl_event { NL_EVENT_NONE, NL_EVENT_GONE, NL_EVENT_DOWN, NL_EVENT_UP };
int nl_watch_open(void); /* fd for poll, or -errno */
/*
 * Next event for this interface; NONE: no more. UP and DOWN (not up, or no carrier) tell the state
 * at the time and come with every change of the link, so the same one may come again.
 */
enum nl_event nl_watch_read(int fd, int ifindex);

#endif
