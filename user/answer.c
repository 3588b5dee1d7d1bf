/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include "answer.h"
#include "neigh.h"

enum {
	IP4_MIN = 20,
	IP6_LEN = 40,
	TTL = 64,
	ECHO_PORT = 7,
};

/* All refuse_*() return the counter of the reason, or NULL when there is none. */
static enum answer_verdict drop(uint64_t *reason)
{
	++*reason;
	return ANSWER_DROP;
}

static enum answer_verdict sent(uint64_t *kind)
{
	++*kind;
	return ANSWER_SEND;
}

static bool is_mac(const uint8_t *mac, const struct macaddr *other)
{
	return !memcmp(mac, other->b, ETH_ALEN);
}

static bool is_ours(const struct answer *a, const struct ipaddr *ip)
{
	for (unsigned i = 0; i < a->count; i++)
		if (ipaddr_equal(&a->ips[i], ip))
			return true;
	return false;
}

static bool is_broadcast_mac(const uint8_t *mac)
{
	return !memcmp(mac, "\xff\xff\xff\xff\xff\xff", ETH_ALEN);
}

static uint64_t *group_mac(struct answer *a, const uint8_t *mac)
{
	return is_broadcast_mac(mac) ? &a->refused_broadcast : &a->refused_multicast;
}

static uint64_t *refuse_mac_source(struct answer *a, const uint8_t *mac)
{
	if (is_mac(mac, &a->mac))
		return &a->refused_own_address;
	if (mac[0] & 1)
		return group_mac(a, mac);
	return neigh_mac_usable(mac) ? NULL : &a->refused_other;
}

static uint64_t *refuse_mac_dest(struct answer *a, const uint8_t *mac)
{
	if (is_mac(mac, &a->mac))
		return NULL;
	return mac[0] & 1 ? group_mac(a, mac) : &a->refused_not_ours;
}

static bool is_broadcast(const struct ipaddr *ip)
{
	return ip->family == 4 && !memcmp(ip->b, "\xff\xff\xff\xff", 4);
}

static bool is_unspecified(const struct ipaddr *ip)
{
	static const uint8_t zero[16];

	return !memcmp(ip->b, zero, ip->family == 4 ? 4 : 16);
}

/* Networks 0 and 127, :: and ::1: no address of anybody on a wire. */
static bool is_nobody(const struct ipaddr *ip)
{
	static const uint8_t zero[15];

	if (ip->family == 4)
		return ip->b[0] == 0 || ip->b[0] == 127;
	return !memcmp(ip->b, zero, sizeof(zero)) && ip->b[15] <= 1;
}

static uint64_t *refuse_ip_source(struct answer *a, const struct ipaddr *ip)
{
	if (is_broadcast(ip))
		return &a->refused_broadcast;
	if (ipaddr_is_multicast(ip))
		return &a->refused_multicast;
	if (is_nobody(ip))
		return &a->refused_other;
	return is_ours(a, ip) ? &a->refused_own_address : NULL;
}

static uint64_t *refuse_ip_dest(struct answer *a, const struct ipaddr *ip)
{
	if (is_ours(a, ip))
		return NULL;
	if (is_broadcast(ip))
		return &a->refused_broadcast;
	return ipaddr_is_multicast(ip) ? &a->refused_multicast : &a->refused_not_ours;
}

static void send_to(const struct answer *a, uint8_t *frame, const uint8_t *mac)
{
	memcpy(frame, mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, a->mac.b, ETH_ALEN);
}

/* --- ARP --- */

/* A sender of 0.0.0.0 probes for a conflict and has to be answered (RFC 5227, 2.1.1). */
static uint64_t *refuse_arp(struct answer *a, const uint8_t *frame, const struct parsed *p)
{
	const uint8_t *arp = frame + p->l3;
	uint64_t *reason;

	if (net_get16(arp + 6) != ARP_REQUEST)
		return &a->refused_other;
	reason = refuse_mac_source(a, arp + 8);
	if (!reason && !is_unspecified(&p->src))
		reason = refuse_ip_source(a, &p->src);
	if (!reason)
		reason = refuse_ip_dest(a, &p->dst);
	if (!reason && !is_broadcast_mac(frame))
		reason = refuse_mac_dest(a, frame);
	return reason;
}

static enum answer_verdict answer_arp(struct answer *a, uint8_t *frame, const struct parsed *p)
{
	uint8_t *arp = frame + p->l3;
	uint64_t *reason = refuse_arp(a, frame, p);

	if (reason)
		return drop(reason);
	send_to(a, frame, arp + 8);
	net_put16(arp + 6, ARP_REPLY);
	memcpy(arp + 18, arp + 8, ETH_ALEN + 4); /* the sender becomes the target */
	memcpy(arp + 8, a->mac.b, ETH_ALEN);
	memcpy(arp + 14, p->dst.b, 4);
	return sent(&a->arp);
}

/* --- neighbour discovery --- */

/* A solicitation as found: for which of our addresses, and who asks. */
struct solicit {
	struct ipaddr target;
	struct macaddr mac;
	bool probe; /* from ::, duplicate address detection */
};

/* RFC 4861, 7.1.1, and RFC 6980 (no fragment header; nobody sends the others). */
static uint64_t *take_ns(struct answer *a, const uint8_t *frame, const struct parsed *p,
			 struct solicit *ns)
{
	const uint8_t *icmp = frame + p->l4;
	size_t n = (size_t)p->end - p->l4;
	int option;

	if (frame[p->l3 + 7] != ND_HOP_LIMIT || p->l4 != p->l3 + IP6_LEN)
		return &a->refused_other;
	if (n < ND_OPTIONS)
		return &a->malformed_short;
	ns->probe = is_unspecified(&p->src);
	ns->target.family = 6;
	memcpy(ns->target.b, icmp + 8, 16);
	memcpy(ns->mac.b, frame + ETH_ALEN, ETH_ALEN);
	option = nd_option(icmp + ND_OPTIONS, n - ND_OPTIONS, ND_OPT_SOURCE, &ns->mac);
	if (option < 0)
		return &a->malformed_length;
	return ns->probe && option ? &a->refused_other : NULL;
}

/* To the target's group, or straight to one of our addresses; a probe only to the group. */
static uint64_t *refuse_ns_dest(struct answer *a, const uint8_t *frame, const struct parsed *p,
				const struct solicit *ns)
{
	struct ipaddr group = neigh_solicited_node(&ns->target);
	struct macaddr mac = neigh_multicast_mac(&group);
	bool to_group = ipaddr_equal(&p->dst, &group);
	uint64_t *reason = to_group ? NULL : refuse_ip_dest(a, &p->dst);

	if (!is_ours(a, &ns->target))
		return &a->refused_not_ours;
	if (!reason && ns->probe && !to_group)
		reason = &a->refused_other;
	if (reason || (to_group && is_mac(frame, &mac)))
		return reason;
	return refuse_mac_dest(a, frame);
}

static uint64_t *refuse_ns(struct answer *a, const uint8_t *frame, const struct parsed *p,
			   struct solicit *ns)
{
	uint64_t *reason = take_ns(a, frame, p, ns);

	if (!reason)
		reason = refuse_mac_source(a, ns->mac.b);
	if (!reason && !ns->probe)
		reason = refuse_ip_source(a, &p->src);
	return reason ? reason : refuse_ns_dest(a, frame, p, ns);
}

/* Who probes has no address yet: all nodes are told (RFC 4861, 7.2.4). */
static void put_advert(const struct answer *a, uint8_t *frame, const struct parsed *p,
		       const struct solicit *ns)
{
	static const struct ipaddr all_nodes = {6, {0xff, 2, [15] = 1}};
	struct macaddr all_macs = neigh_multicast_mac(&all_nodes);
	struct nd_message msg = {
		.type = ND_ADVERT,
		.flags = ns->probe ? ND_FLAG_OVERRIDE : ND_FLAG_OVERRIDE | ND_FLAG_SOLICITED,
		.option = ND_OPT_TARGET,
		.src = ns->target,
		.dst = ns->probe ? all_nodes : p->src,
		.target = ns->target,
		.mac = a->mac,
	};

	send_to(a, frame, ns->probe ? all_macs.b : ns->mac.b);
	nd_put(&msg, frame + p->l3);
}

static enum answer_verdict answer_ns(struct answer *a, uint8_t *frame, const struct parsed *p,
				     uint32_t *len, uint32_t cap)
{
	uint32_t need = (uint32_t)p->l3 + IP6_LEN + ND_MESSAGE;
	struct solicit ns = {0};
	uint64_t *reason = refuse_ns(a, frame, p, &ns);

	if (!reason && need > cap)
		reason = &a->refused_other;
	if (reason)
		return drop(reason);
	put_advert(a, frame, p, &ns);
	*len = need;
	return sent(&a->nd);
}

/* --- echo --- */

enum { OPT_END = 0, OPT_NOP = 1, OPT_LSRR = 131, OPT_SSRR = 137 };

/* IPv4 options stay in the answer, so none of them may be a route for the way here. */
static uint64_t *refuse_options(struct answer *a, const uint8_t *opt, const uint8_t *end)
{
	for (size_t n; opt < end && *opt != OPT_END; opt += n) {
		n = *opt == OPT_NOP ? 1 : end - opt < 2 ? 0 : opt[1];
		if (n < (*opt == OPT_NOP ? 1 : 2) || n > (size_t)(end - opt))
			return &a->malformed_length;
		if (*opt == OPT_LSRR || *opt == OPT_SSRR)
			return &a->refused_other;
	}
	return NULL;
}

/* IPv6 extension headers would stay as well, and are nearly all about the way here. */
static uint64_t *refuse_headers(struct answer *a, const uint8_t *frame, const struct parsed *p)
{
	if (p->src.family == 4)
		return refuse_options(a, frame + p->l3 + IP4_MIN, frame + p->l4);
	return p->l4 == p->l3 + IP6_LEN ? NULL : &a->refused_other;
}

static uint64_t *refuse_addresses(struct answer *a, const uint8_t *frame, const struct parsed *p)
{
	uint64_t *reason = refuse_mac_dest(a, frame);

	if (!reason)
		reason = refuse_ip_dest(a, &p->dst);
	if (!reason)
		reason = refuse_ip_source(a, &p->src);
	return reason ? reason : refuse_headers(a, frame, p);
}

/*
 * Ports of services that answer whatever comes (daytime, quote, chargen, time), and 0, which wants
 * no answer (RFC 768): one packet with a forged source would go to and fro for ever.
 */
static bool is_talkative(uint16_t port)
{
	const uint64_t ports = 1 | 1ull << 13 | 1ull << 17 | 1ull << 19 | 1ull << 37;

	return port < 64 && ports >> port & 1;
}

static uint64_t *refuse_message(struct answer *a, const struct parsed *p)
{
	switch (p->proto) {
	case L4_UDP:
		if (p->sport == ECHO_PORT)
			return &a->refused_source_port7;
		return p->dport != ECHO_PORT || is_talkative(p->sport) ? &a->refused_other : NULL;
	case L4_ICMP:
		return p->sport == 8 << 8 ? NULL : &a->refused_other;
	case L4_ICMP6:
		return p->sport == 128 << 8 ? NULL : &a->refused_other;
	default:
		return &a->refused_other;
	}
}

/* A swap does not change the sum, and a new one would wait for the bytes just stored. */
static void turn_ip4(uint8_t *ip, const struct parsed *p)
{
	uint16_t request, reply, csum;

	memcpy(ip + 12, p->dst.b, 4);
	memcpy(ip + 16, p->src.b, 4);
	memcpy(&request, ip + 8, sizeof(request));
	memcpy(&csum, ip + 10, sizeof(csum));
	reply = htons((uint16_t)(TTL << 8 | ip[9]));
	csum = csum_update16(csum, request, reply);
	memcpy(ip + 8, &reply, sizeof(reply));
	memcpy(ip + 10, &csum, sizeof(csum));
}

static void turn_ip6(uint8_t *ip, const struct parsed *p)
{
	memcpy(ip + 8, p->dst.b, 16);
	memcpy(ip + 24, p->src.b, 16);
	ip[7] = TTL;
}

/* Ports and addresses trade places, so the sum stays; p->csum is the full one, or 0 for none. */
static void turn_udp(uint8_t *udp, const struct parsed *p)
{
	net_put16(udp, p->dport);
	net_put16(udp + 2, p->sport);
	memcpy(udp + 6, &p->csum, sizeof(p->csum));
}

static void turn_icmp(uint8_t *icmp, const struct parsed *p)
{
	uint16_t request, reply, csum;

	memcpy(&request, icmp, sizeof(request));
	icmp[0] = p->proto == L4_ICMP ? 0 : 129;
	memcpy(&reply, icmp, sizeof(reply));
	csum = csum_update16(p->csum, request, reply);
	memcpy(icmp + 2, &csum, sizeof(csum));
	if (csum || p->proto != L4_ICMP)
		return;
	/* An update says 0 of a message that is all zero, too, but that one's sum is 0xffff. */
	csum = csum_fold(csum_add(0, icmp, (size_t)p->end - p->l4));
	memcpy(icmp + 2, &csum, sizeof(csum));
}

static enum answer_verdict answer_echo(struct answer *a, uint8_t *frame, const struct parsed *p)
{
	uint64_t *reason = refuse_addresses(a, frame, p);

	if (!reason)
		reason = refuse_message(a, p);
	if (reason)
		return drop(reason);
	send_to(a, frame, frame + ETH_ALEN);
	if (p->src.family == 4)
		turn_ip4(frame + p->l3, p);
	else
		turn_ip6(frame + p->l3, p);
	if (p->proto == L4_UDP) {
		turn_udp(frame + p->l4, p);
		return sent(&a->udp);
	}
	turn_icmp(frame + p->l4, p);
	return sent(p->proto == L4_ICMP ? &a->icmp : &a->icmp6);
}

static uint64_t *refuse_malformed(struct answer *a, enum parse_result r)
{
	switch (r) {
	case PARSE_OK:
		return NULL;
	case PARSE_SHORT:
		return &a->malformed_short;
	case PARSE_LENGTH:
		return &a->malformed_length;
	case PARSE_VERSION:
		return &a->malformed_version;
	case PARSE_CHECKSUM:
		return &a->malformed_checksum;
	case PARSE_FRAGMENT:
		return &a->malformed_fragment;
	case PARSE_OTHER:
		break;
	}
	return &a->refused_other;
}

enum answer_verdict answer_frame(struct answer *a, uint8_t *frame, uint32_t *len, uint32_t cap)
{
	struct parsed p;
	uint64_t *reason = refuse_malformed(a, packet_parse(frame, *len, &p));

	if (reason)
		return drop(reason);
	a->csum_partial += p.csum_partial;
	reason = refuse_mac_source(a, frame + ETH_ALEN);
	if (reason)
		return drop(reason);
	if (p.ethertype == ETH_P_ARP)
		return answer_arp(a, frame, &p);
	if (p.proto == L4_ICMP6 && p.sport == ND_SOLICIT << 8)
		return answer_ns(a, frame, &p, len, cap);
	return answer_echo(a, frame, &p);
}
