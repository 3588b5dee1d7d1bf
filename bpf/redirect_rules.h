/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * redirect_rules.h - the rules of a queue: which one matches a packet first. The first block of
 * them lies in the queue's configuration, the others in the map `match`.
 */
#ifndef XSKIT_REDIRECT_RULES_H
#define XSKIT_REDIRECT_RULES_H

#include "redirect_packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536 / XK_BLOCK_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct xk_rule_block);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} match SEC(".maps");

#define ADDRS (XK_RULE_SRC | XK_RULE_DST)

struct addrs {
	__u32 src[4], dst[4];
};

/* The packet's word, as abi.h has it. */
static __always_inline __u64 word_of(const struct pkt *p)
{
	return (__u64)p->ethertype << 48 | (__u64)p->sport << 32 | (__u64)p->dport << 16 |
	       (__u64)p->proto << 8 | p->have;
}

/* An ARP message; its addresses of 4 bytes. */
static __always_inline __u32 addrs_arp(struct xdp_md *ctx, __u32 l3, struct addrs *a)
{
	__u32 msg[7];
	__u16 *h = (__u16 *)msg;

	if (!fetch(ctx, l3, ETH_HLEN, msg, 7))
		return 0;
	if (h[1] != bpf_htons(ETH_P_IP) || h[2] != bpf_htons(ETH_ALEN << 8 | 4))
		return 0;
	__builtin_memcpy(&a->src[3], h + 7, 4);
	a->dst[3] = msg[6];
	return ADDRS;
}

static __always_inline __u32 addrs_ip4(struct xdp_md *ctx, __u32 l3, struct addrs *a)
{
	__u32 w[2];

	if (!fetch(ctx, l3 + 12, ETH_HLEN + 12, w, 2))
		return 0;
	a->src[3] = w[0];
	a->dst[3] = w[1];
	return ADDRS;
}

/* Neighbour solicitations, advertisements and redirects. */
static __always_inline int has_target(__u64 word)
{
	__u8 proto = word >> 8, type = word >> 40;

	return proto == IPPROTO_ICMPV6 && (word & XK_RULE_SPORT) && type >= 135 && type <= 137;
}

static __always_inline __u32 addrs_ip6(struct xdp_md *ctx, __u64 word, __u32 at, struct addrs *a)
{
	__u32 l3 = at >> 16, l4 = at & 0xffff;

	if (!fetch(ctx, l3 + 8, ETH_HLEN + 8, (__u32 *)a, 8))
		return 0;
	if (has_target(word) && !fetch(ctx, l4 + 8, L4_OFF_IP6 + 8, a->dst, 4))
		return XK_RULE_SRC;
	return ADDRS;
}

/* Fill *a: which of its addresses are there. */
static __always_inline __u32 addrs_of(struct xdp_md *ctx, __u64 word, __u32 at, struct addrs *a)
{
	__u16 ethertype = word >> 48;

	if (ethertype == ETH_P_ARP)
		return addrs_arp(ctx, at >> 16, a);
	if (!(word & XK_RULE_PROTO))
		return 0;
	return ethertype == ETH_P_IP ? addrs_ip4(ctx, at >> 16, a) : addrs_ip6(ctx, word, at, a);
}

static __always_inline int under_mask(const __u32 a[4], const __u32 b[4], const __u32 mask[4])
{
	__u32 diff = 0;

	for (int i = 0; i < 4; i++)
		diff |= (a[i] ^ b[i]) & mask[i];
	return !diff;
}

static __always_inline int addrs_match(struct xdp_md *ctx, __u64 word, __u32 at,
				       const struct xk_rule *r)
{
	__u32 need = r->flags & XK_RULE_ADDR_EITHER ? ADDRS : r->flags & ADDRS;
	struct addrs a = {};

	if (!need)
		return 1;
	if (need & ~addrs_of(ctx, word, at, &a))
		return 0;
	if ((r->flags & XK_RULE_SRC) && !under_mask(a.src, r->src, r->src_mask) &&
	    !((r->flags & XK_RULE_ADDR_EITHER) && under_mask(a.dst, r->src, r->src_mask)))
		return 0;
	return !(r->flags & XK_RULE_DST) || under_mask(a.dst, r->dst, r->dst_mask);
}

static __always_inline int in_range(__u16 port, __u16 min, __u16 max)
{
	return port >= min && port <= max;
}

static __always_inline int ports_match(__u64 word, const struct xk_rule *r)
{
	__u16 sport = word >> 32, dport = word >> 16;

	if ((r->flags & XK_RULE_SPORT) && !in_range(sport, r->sport_min, r->sport_max) &&
	    !((r->flags & XK_RULE_PORT_EITHER) && in_range(dport, r->sport_min, r->sport_max)))
		return 0;
	return !(r->flags & XK_RULE_DPORT) || in_range(dport, r->dport_min, r->dport_max);
}

/*
 * What the head of a rule does not say; at: l3 << 16 | l4. A global function, for the verifier
 * takes such a one by itself, which makes loading several times as quick.
 */
__attribute__((noinline)) int rest_matches(struct xdp_md *ctx, __u64 word, __u32 at,
					   const struct xk_rule *r)
{
	if (!r)
		return 0;
	return ports_match(word, r) && addrs_match(ctx, word, at, r);
}

#define NO_HIT (~0u)

/* The first of the block's first n rules that matches, NO_HIT: none. */
static __always_inline __u32 first_hit(struct xdp_md *ctx, __u64 word, __u32 at,
				       const struct xk_rule_block *b, __u32 n)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < XK_BLOCK_RULES; i++) {
		if (n-- == 0) /* counted down: else clang does not unroll */
			return NO_HIT;
		if ((word ^ b->head[i].value) & b->head[i].mask)
			continue;
		if (!(b->more & 1u << i) || rest_matches(ctx, word, at, &b->rule[i]))
			return i;
	}
	return NO_HIT;
}

/* A packet on its way through the blocks of a queue but for the first. */
struct walk {
	struct xdp_md *ctx;
	__u64 word;
	__u32 at;
	__u32 queue;
	__u32 rules; /* how many are tried */
	__u64 hit;   /* of 64 bits: as in struct ext_walk */
};

/* bpf_loop() callback: 1 ends the walk. */
static long try_block(__u32 index, struct walk *w)
{
	__u32 block = index + 1, key = w->queue * XK_MAX_BLOCKS + block;
	struct xk_rule_block *b = bpf_map_lookup_elem(&match, &key);
	__u32 hit;

	if (!b)
		return 0;
	hit = first_hit(w->ctx, w->word, w->at, b, w->rules - block * XK_BLOCK_RULES);
	if (hit == NO_HIT)
		return 0;
	w->hit = block * XK_BLOCK_RULES + hit;
	return 1;
}

/* Behind the first block. */
static __always_inline __u32 later_hit(struct xdp_md *ctx, __u64 word, __u32 at, __u32 queue,
				       __u32 rules)
{
	struct walk w = {ctx, word, at, queue, rules, NO_HIT};

	bpf_loop((rules - 1) / XK_BLOCK_RULES, try_block, &w, 0);
	return w.hit;
}

#endif
