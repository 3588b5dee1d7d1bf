/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neigh.h - ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861) as frames, for a host that lives
 * in user space. Pure functions on caller's memory.
 */
#ifndef XSKIT_NEIGH_H
#define XSKIT_NEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "packet.h"

enum {
	NEIGH_FRAME_MAX = 90, /* the largest request: a solicitation in a VLAN */

	ND_SOLICIT = 135,
	ND_ADVERT = 136,
	ND_HOP_LIMIT = 255,          /* what tells that a message did not come through a router */
	ND_OPTIONS = 24,             /* offset of the options in a message of ND */
	ND_MESSAGE = ND_OPTIONS + 8, /* a message with the one option that is needed */
	ND_OPT_SOURCE = 1,           /* link-layer addresses */
	ND_OPT_TARGET = 2,
	ND_FLAG_SOLICITED = 0x40,
	ND_FLAG_OVERRIDE = 0x20,

	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

/* Who asks, and for whom. */
struct neigh_query {
	struct macaddr src_mac;
	uint16_t vlan;             /* TCI, VLAN_NONE: none */
	struct ipaddr src, target; /* of one family */
};

/*
 * Write the ARP request or neighbour solicitation to `out` (cap bytes; NEIGH_FRAME_MAX is always
 * enough). Its length, or -EINVAL: families differ, the target is multicast, or cap is too small.
 */
int neigh_request(const struct neigh_query *query, uint8_t *out, size_t cap);

/* Whether the frame is the target's ARP reply or neighbour advertisement: *mac is filled if so. */
bool neigh_learn(const uint8_t *frame, size_t len, const struct ipaddr *target,
		 struct macaddr *mac);

/* The group (ff02::1:ffxx:xxxx) on which an IPv6 host is asked for its MAC. */
struct ipaddr neigh_solicited_node(const struct ipaddr *ip);

/* The MAC of a multicast group of either family. */
struct macaddr neigh_multicast_mac(const struct ipaddr *group);

/* Whether a station may have this MAC: neither a group's nor zero. */
bool neigh_mac_usable(const uint8_t mac[6]);

/* A solicitation or an advertisement, with its link-layer address option. */
struct nd_message {
	uint8_t type, flags, option;
	struct ipaddr src, dst, target;
	struct macaddr mac;
};

/* Write the IPv6 packet (40 + ND_MESSAGE bytes) at `ip`. */
void nd_put(const struct nd_message *msg, uint8_t *ip);

/*
 * Look for a link-layer address among `n` bytes of ND options: 1 and *mac, 0: there is none, or
 * -EBADMSG: an option is of zero length or goes past the end.
 */
int nd_option(const uint8_t *options, size_t n, uint8_t type, struct macaddr *mac);

#endif
