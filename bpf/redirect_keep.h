/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * redirect_keep.h - the keep list: which XK_KEEP_ bits describe a packet that was parsed
 * (keep_bits()), or one that need not be (plain_keep_bits()).
 */
#ifndef XSKIT_REDIRECT_KEEP_H
#define XSKIT_REDIRECT_KEEP_H

#include "redirect_packet.h"

#define ETH_LACP 0x8809 /* slow protocols */

static __always_inline __u32 keep_icmp6(__u8 type)
{
	return (type >= 130 && type <= 137) || type == 143 ? XK_KEEP_ND : 0;
}

static __always_inline __u32 keep_udp(__u16 dport)
{
	if (dport == 67 || dport == 68 || dport == 546 || dport == 547)
		return XK_KEEP_DHCP;
	return dport == 319 || dport == 320 ? XK_KEEP_PTP : 0;
}

static __always_inline __u32 keep_tcp(__u16 sport, __u16 dport)
{
	return (sport == 22 || dport == 22 ? XK_KEEP_SSH : 0) |
	       (sport == 179 || dport == 179 ? XK_KEEP_BGP : 0);
}

static __always_inline __u32 keep_ip(const struct pkt *p)
{
	if (p->proto == IPPROTO_UDP)
		return keep_udp(p->dport);
	if (p->proto == IPPROTO_TCP)
		return keep_tcp(p->sport, p->dport);
	if (p->ethertype == ETH_P_IPV6)
		return p->proto == IPPROTO_ICMPV6 ? keep_icmp6(p->sport >> 8) : 0;
	return p->proto == IPPROTO_IGMP ? XK_KEEP_IGMP : 0;
}

/* The XK_KEEP_ bits that describe the packet; what is not there is zero and describes nothing. */
static __always_inline __u32 keep_bits(const struct pkt *p)
{
	if (p->have & XK_RULE_PROTO)
		return keep_ip(p);
	switch (p->ethertype) {
	case ETH_P_ARP:
		return XK_KEEP_ARP;
	case ETH_P_LLDP:
		return XK_KEEP_LLDP;
	case ETH_LACP:
		return XK_KEEP_LACP;
	case ETH_P_1588:
		return XK_KEEP_PTP;
	}
	return 0;
}

#define NOT_PLAIN (~0u)

/*
 * keep_bits() of what most packets are: UDP or TCP in IPv4 without tags, options or fragments, in a
 * few loads. NOT_PLAIN: something else.
 */
static __always_inline __u32 plain_keep_bits(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u16 sport, dport;

	if (data + L4_OFF_IP4 + 4 > end)
		return NOT_PLAIN;
	if (*(__be16 *)(data + 12) != bpf_htons(ETH_P_IP) || data[ETH_HLEN] != 0x45 ||
	    (*(__be16 *)(data + ETH_HLEN + 6) & bpf_htons(0x1fff)))
		return NOT_PLAIN;
	sport = bpf_ntohs(*(__be16 *)(data + L4_OFF_IP4));
	dport = bpf_ntohs(*(__be16 *)(data + L4_OFF_IP4 + 2));
	if (data[ETH_HLEN + 9] == IPPROTO_UDP)
		return keep_udp(dport);
	return data[ETH_HLEN + 9] == IPPROTO_TCP ? keep_tcp(sport, dport) : NOT_PLAIN;
}

#endif
