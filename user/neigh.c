/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include "neigh.h"

enum {
	ARP_LEN = 28,
	IP6_LEN = 40,
	MIN_FRAME = 60, /* without FCS */
};

static const struct macaddr broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

bool neigh_mac_usable(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero));
}

struct ipaddr neigh_solicited_node(const struct ipaddr *ip)
{
	struct ipaddr group = {6, {0xff, 2, [11] = 1, [12] = 0xff}};

	memcpy(group.b + 13, ip->b + 13, 3);
	return group;
}

struct macaddr neigh_multicast_mac(const struct ipaddr *group)
{
	struct macaddr mac = {{0x33, 0x33}};

	if (group->family == 6) {
		memcpy(mac.b + 2, group->b + 12, 4);
		return mac;
	}
	/* 23 of the 28 bits of an IPv4 group fit (RFC 1112). */
	mac = (struct macaddr){{0x01, 0x00, 0x5e}};
	memcpy(mac.b + 3, group->b + 1, 3);
	mac.b[3] &= 0x7f;
	return mac;
}

int nd_option(const uint8_t *options, size_t n, uint8_t type, struct macaddr *mac)
{
	int found = 0;
	size_t size;

	for (; n; options += size, n -= size) {
		size = n < 2 ? 0 : (size_t)options[1] * 8;
		if (!size || size > n)
			return -EBADMSG;
		if (options[0] != type || found)
			continue;
		memcpy(mac->b, options + 2, sizeof(mac->b));
		found = 1;
	}
	return found;
}

void nd_put(const struct nd_message *msg, uint8_t *ip)
{
	uint8_t *icmp = ip + IP6_LEN;
	uint16_t csum;

	memset(ip, 0, IP6_LEN + ND_MESSAGE);
	ip[0] = 0x60;
	net_put16(ip + 4, ND_MESSAGE);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = ND_HOP_LIMIT;
	memcpy(ip + 8, msg->src.b, 16);
	memcpy(ip + 24, msg->dst.b, 16);
	icmp[0] = msg->type;
	icmp[4] = msg->flags;
	memcpy(icmp + 8, msg->target.b, 16);
	icmp[ND_OPTIONS] = msg->option;
	icmp[ND_OPTIONS + 1] = 1; /* of 8 bytes */
	memcpy(icmp + ND_OPTIONS + 2, msg->mac.b, ETH_ALEN);
	csum = csum_l4(&msg->src, &msg->dst, IPPROTO_ICMPV6, icmp, ND_MESSAGE);
	memcpy(icmp + 2, &csum, sizeof(csum));
}

/* Ethernet header and tag; the offset behind them. */
static size_t put_ether(const struct neigh_query *query, const struct macaddr *dst,
			uint16_t ethertype, uint8_t *out)
{
	size_t at = 2 * ETH_ALEN;

	memcpy(out, dst->b, ETH_ALEN);
	memcpy(out + ETH_ALEN, query->src_mac.b, ETH_ALEN);
	if (query->vlan != VLAN_NONE) {
		net_put16(out + at, ETH_P_8021Q);
		net_put16(out + at + 2, query->vlan);
		at += 4;
	}
	net_put16(out + at, ethertype);
	return at + 2;
}

static int put_arp(const struct neigh_query *query, uint8_t *out)
{
	uint8_t *arp = out + put_ether(query, &broadcast, ETH_P_ARP, out);

	net_put16(arp, 1); /* Ethernet */
	net_put16(arp + 2, ETH_P_IP);
	arp[4] = ETH_ALEN;
	arp[5] = 4;
	net_put16(arp + 6, ARP_REQUEST);
	memcpy(arp + 8, query->src_mac.b, ETH_ALEN);
	memcpy(arp + 14, query->src.b, 4);
	memset(arp + 18, 0, ETH_ALEN);
	memcpy(arp + 24, query->target.b, 4);
	memset(arp + ARP_LEN, 0, (size_t)(out + MIN_FRAME - (arp + ARP_LEN)));
	return MIN_FRAME;
}

static int put_solicit(const struct neigh_query *query, uint8_t *out)
{
	struct nd_message msg = {
		.type = ND_SOLICIT,
		.option = ND_OPT_SOURCE,
		.src = query->src,
		.dst = neigh_solicited_node(&query->target),
		.target = query->target,
		.mac = query->src_mac,
	};
	struct macaddr dst = neigh_multicast_mac(&msg.dst);
	size_t at = put_ether(query, &dst, ETH_P_IPV6, out);

	nd_put(&msg, out + at);
	return (int)(at + IP6_LEN + ND_MESSAGE);
}

int neigh_request(const struct neigh_query *query, uint8_t *out, size_t cap)
{
	uint8_t family = query->target.family;
	size_t tag = query->vlan == VLAN_NONE ? 0 : 4;

	if (query->src.family != family || ipaddr_is_multicast(&query->target))
		return -EINVAL;
	if (family == 4 && cap >= MIN_FRAME)
		return put_arp(query, out);
	if (family == 6 && cap >= ETH_HLEN + tag + IP6_LEN + ND_MESSAGE)
		return put_solicit(query, out);
	return -EINVAL;
}

static bool learn_arp(const uint8_t *arp, struct macaddr *mac)
{
	if (net_get16(arp + 6) != ARP_REPLY)
		return false;
	memcpy(mac->b, arp + 8, ETH_ALEN);
	return true;
}

/* What RFC 4861, 7.1.2 asks of an advertisement. Nothing is learned from one without the option. */
static bool learn_advert(const uint8_t *frame, const struct parsed *p, const struct ipaddr *target,
			 struct macaddr *mac)
{
	const uint8_t *icmp = frame + p->l4;
	size_t n = (size_t)p->end - p->l4;

	if (p->sport != ND_ADVERT << 8 || frame[p->l3 + 7] != ND_HOP_LIMIT || n < ND_OPTIONS)
		return false;
	if (p->l4 != p->l3 + IP6_LEN) /* RFC 6980: no fragment header; nobody sends others */
		return false;
	if (ipaddr_is_multicast(&p->dst) && icmp[4] & ND_FLAG_SOLICITED)
		return false;
	if (memcmp(icmp + 8, target->b, 16))
		return false;
	return nd_option(icmp + ND_OPTIONS, n - ND_OPTIONS, ND_OPT_TARGET, mac) == 1;
}

bool neigh_learn(const uint8_t *frame, size_t len, const struct ipaddr *target, struct macaddr *mac)
{
	struct macaddr found;
	struct parsed p;
	bool learned = false;

	if (packet_parse(frame, len, &p))
		return false;
	if (p.ethertype == ETH_P_ARP)
		learned = ipaddr_equal(&p.src, target) && learn_arp(frame + p.l3, &found);
	else if (p.proto == L4_ICMP6 && target->family == 6)
		learned = learn_advert(frame, &p, target, &found);
	if (!learned || !neigh_mac_usable(found.b))
		return false;
	*mac = found;
	return true;
}
