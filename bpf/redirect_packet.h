/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * redirect_packet.h - what xsk_redirect reads of a packet: parse(), and fetch() for the words that
 * only some rules look at.
 *
 * CAP_PERFMON is not asked for, and without it the verifier refuses variable offsets into the
 * packet, and comparing or subtracting pointers to it: headers are read in place where they usually
 * lie, and elsewhere (behind VLAN tags, IPv4 options, IPv6 extension headers) through
 * bpf_xdp_load_bytes().
 */
#ifndef XSKIT_REDIRECT_PACKET_H
#define XSKIT_REDIRECT_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#define IP6_EXT_MAX 8 /* extension headers followed */
#define L4_OFF_IP4  (ETH_HLEN + 20)
#define L4_OFF_IP6  (ETH_HLEN + 40)

#define PORTS (XK_RULE_SPORT | XK_RULE_DPORT)

/* What rules and keep bits look at; `have`: the bits of the fields that are there. */
struct pkt {
	__u32 have;
	__u32 l3, l4; /* offsets; l4 0: none */
	__u16 ethertype, sport, dport, proto;
};

/*
 * Copy n words at off, at most 10; n and `usual`, the offset to be quick at, are constants. False:
 * too short. The sum is made in asm, else clang makes one access of several, at an offset that
 * varies; and without a buffer of its own the slow way would have `to` on the stack in any case.
 */
static __always_inline int fetch(struct xdp_md *ctx, __u32 off, __u32 usual, __u32 *to, __u32 n)
{
	__u8 *h = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 buf[10];

	if (off != usual) {
		if (bpf_xdp_load_bytes(ctx, off, buf, n * 4))
			return 0;
		__builtin_memcpy(to, buf, n * 4);
		return 1;
	}
	asm volatile("%0 += %1" : "+r"(h) : "i"(usual));
	if (h + n * 4 > end)
		return 0;
	__builtin_memcpy(to, h, n * 4);
	return 1;
}

static __always_inline int is_vlan(__u16 ethertype)
{
	return ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD;
}

/* The EtherType at off, a constant. */
static __always_inline int ethertype_at(struct xdp_md *ctx, __u32 off, struct pkt *p)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + off + 2 > end)
		return 0;
	p->ethertype = bpf_ntohs(*(__be16 *)(data + off));
	p->l3 = off + 2;
	return 1;
}

/* The EtherType behind up to two tags. */
static __always_inline int parse_eth(struct xdp_md *ctx, struct pkt *p)
{
	if (!ethertype_at(ctx, 12, p))
		return 0;
	if (is_vlan(p->ethertype) && !ethertype_at(ctx, 16, p))
		return 0;
	if (is_vlan(p->ethertype) && p->l3 == 18 && !ethertype_at(ctx, 20, p))
		return 0;
	p->have = XK_RULE_ETHERTYPE;
	return 1;
}

static __always_inline int is_icmp(const struct pkt *p)
{
	return p->ethertype == ETH_P_IPV6 ? p->proto == IPPROTO_ICMPV6 : p->proto == IPPROTO_ICMP;
}

static __always_inline int is_echo(__u16 type_code)
{
	__u8 type = type_code >> 8;

	return type == 0 || type == 8 || type == 128 || type == 129;
}

/* Identifier of an echo message; other ICMP messages have 0 there. */
static __always_inline void parse_icmp(struct pkt *p, __u32 second, int there)
{
	int echo = is_echo(p->sport);

	p->dport = echo ? bpf_ntohl(second) >> 16 : 0;
	p->have |= echo && !there ? XK_RULE_SPORT : PORTS;
}

static __always_inline void parse_l4(struct xdp_md *ctx, struct pkt *p, __u32 usual)
{
	int icmp = is_icmp(p), two;
	__u32 words[2] = {};

	if (!icmp && p->proto != IPPROTO_UDP && p->proto != IPPROTO_TCP && p->proto != IPPROTO_SCTP)
		return;
	two = fetch(ctx, p->l4, usual, words, 2);
	if (!two && !fetch(ctx, p->l4, usual, words, 1))
		return;
	words[0] = bpf_ntohl(words[0]);
	p->sport = words[0] >> 16;
	p->dport = words[0];
	if (icmp)
		parse_icmp(p, words[1], two);
	else
		p->have |= PORTS | XK_HAVE_PORTS;
}

/* A later fragment has no ports. */
static __always_inline void parse_ip4(struct xdp_md *ctx, struct pkt *p)
{
	__u32 hdr[5];
	__u8 *ip = (__u8 *)hdr;

	if (!fetch(ctx, p->l3, ETH_HLEN, hdr, 5) || ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
		return;
	p->proto = ip[9];
	p->have |= XK_RULE_PROTO;
	if ((ip[6] & 0x1f) | ip[7])
		return;
	p->l4 = p->l3 + (ip[0] & 15) * 4;
	parse_l4(ctx, p, L4_OFF_IP4);
}

static __always_inline int is_ext(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT || next == IPPROTO_AH || next == IPPROTO_MH;
}

static __always_inline __u32 ext_len(__u8 type, __u8 len)
{
	if (type == IPPROTO_FRAGMENT)
		return 8;
	return type == IPPROTO_AH ? (len + 2) * 4 : (len + 1) * 8;
}

/*
 * Where a walk along IPv6 extension headers is: a header of type `next` lies at off. Words of 64
 * bits: Linux 6.1 lets nobody without CAP_PERFMON write to a part of what was stored as one.
 */
struct ext_walk {
	struct xdp_md *ctx;
	__u64 off, next;
	__u64 later; /* a fragment, but not the first */
};

/* bpf_loop() callback: 1 ends the walk. */
static long skip_ext(__u32 index, struct ext_walk *w)
{
	__u8 h[4];

	if (!is_ext(w->next) || bpf_xdp_load_bytes(w->ctx, w->off, h, sizeof(h)))
		return 1;
	w->later = w->next == IPPROTO_FRAGMENT && (h[2] | (h[3] & 0xf8));
	w->off += ext_len(w->next, h[1]);
	w->next = h[0];
	return w->later;
}

/*
 * Behind the extension headers from off on, the first of which is of type `next`: later << 40 |
 * next << 32 | off. A global function, to have a stack of its own: the verifier lets no packet data
 * be where clang had put the walk's pointer before.
 */
__attribute__((noinline)) __u64 skip_exts(struct xdp_md *ctx, __u32 off, __u32 next)
{
	struct ext_walk w = {.ctx = ctx, .off = off, .next = next};

	bpf_loop(IP6_EXT_MAX, skip_ext, &w, 0);
	return (__u64)w.later << 40 | (__u64)w.next << 32 | w.off;
}

static __always_inline void parse_ip6(struct xdp_md *ctx, struct pkt *p)
{
	__u32 hdr[10];
	__u8 *ip = (__u8 *)hdr;
	__u64 behind;

	if (!fetch(ctx, p->l3, ETH_HLEN, hdr, 10) || ip[0] >> 4 != 6)
		return;
	behind = (__u64)ip[6] << 32 | (p->l3 + 40);
	if (is_ext(ip[6]))
		behind = skip_exts(ctx, p->l3 + 40, ip[6]);
	p->proto = (__u8)(behind >> 32);
	if (is_ext(p->proto) && !(behind >> 40))
		return;
	p->have |= XK_RULE_PROTO;
	if (behind >> 40)
		return;
	p->l4 = behind;
	parse_l4(ctx, p, L4_OFF_IP6);
}

/* Fill *p but for the addresses. */
static __always_inline void parse(struct xdp_md *ctx, struct pkt *p)
{
	if (!parse_eth(ctx, p))
		return;
	if (p->ethertype == ETH_P_IP)
		parse_ip4(ctx, p);
	else if (p->ethertype == ETH_P_IPV6)
		parse_ip6(ctx, p);
}

#endif
