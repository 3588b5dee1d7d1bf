// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * xsk_redirect: hand a queue's packets to the AF_XDP socket behind it, leave the kernel what is the
 * kernel's. Which packet goes where is described in abi.h.
 *
 * Most packets see no rules: for them only what the keep list needs is parsed. CAP_PERFMON is not
 * asked for, and without it the verifier refuses variable offsets into the packet, and comparing or
 * subtracting pointers to it: headers are read in place where they usually lie, and elsewhere
 * (behind VLAN tags, IPv4 options, IPv6 extension headers) through bpf_xdp_load_bytes(). Nor does
 * it then let a first write to a place on the stack pass without a barrier, some 10 ns each: what
 * usually happens is done in registers.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>
#include "abi.h"

#define CAT_(a, b) a##b
#define CAT(a, b)  CAT_(a, b)

#define ETH_LACP    0x8809 /* slow protocols */
#define IP6_EXT_MAX 8      /* extension headers followed */
#define L4_OFF_IP4  (ETH_HLEN + 20)
#define L4_OFF_IP6  (ETH_HLEN + 40)

#define PORTS (XK_RULE_SPORT | XK_RULE_DPORT)
#define ADDRS (XK_RULE_SRC | XK_RULE_DST)

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XK_MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XK_MAX_QUEUES);
	__type(key, __u32);
	__type(value, struct xk_queue_config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536 / XK_BLOCK_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct xk_rule_block);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} match SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XK_MAX_QUEUES);
	__type(key, __u32);
	__type(value, struct xk_xdp_counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

/* Holds nothing: its name tells which version of abi.h the maps above follow. */
#define ABI_MARKER CAT(xskit_abi_, XK_ABI_VERSION)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ABI_MARKER SEC(".maps");

struct {
	__uint(priority, 20);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(xsk_redirect);

enum verdict { TAKE, KEEP, UNMATCHED };

/* What rules and keep bits look at; `have`: the bits of the fields that are there. */
struct pkt {
	__u32 have;
	__u32 l3, l4; /* offsets; l4 0: none */
	__u16 ethertype, sport, dport, proto;
};

struct addrs {
	__u32 src[4], dst[4];
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

/* Where a walk along IPv6 extension headers is: a header of type `next` lies at off. */
struct ext_walk {
	struct xdp_md *ctx;
	__u32 off;
	__u8 next, later; /* later: a fragment, but not the first */
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
	__u32 hit;
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

/* `kept`: a keep bit describes it, which comes before the rules that only take. */
static __always_inline enum verdict by_rules(struct xdp_md *ctx, __u32 queue, const struct pkt *p,
					     const struct xk_queue_config *cfg, __u32 kept)
{
	__u32 rules = cfg->rules, at = p->l3 << 16 | p->l4, hit;
	__u64 word = word_of(p);

	barrier_var(rules); /* else one load at a choice of offsets, which is refused */
	if (kept)
		rules = cfg->keep_end;
	hit = first_hit(ctx, word, at, &cfg->first, rules);
	if (hit == NO_HIT && rules > XK_BLOCK_RULES && rules <= XK_MAX_RULES)
		hit = later_hit(ctx, word, at, queue, rules);
	if (hit != NO_HIT)
		return hit >= cfg->own_end && hit < cfg->keep_end ? KEEP : TAKE;
	if (kept)
		return KEEP;
	return cfg->own_end || cfg->rules > cfg->keep_end ? UNMATCHED : TAKE;
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

static __always_inline enum verdict decide(struct xdp_md *ctx, __u32 queue,
					   const struct xk_queue_config *cfg)
{
	__u32 keep = XK_KEEP_ALL & ~cfg->not_kept;
	struct pkt p = {};

	if (!cfg->rules) {
		__u32 plain = keep ? plain_keep_bits(ctx) : 0;

		if (plain != NOT_PLAIN)
			return keep & plain ? KEEP : TAKE;
	}
	parse(ctx, &p);
	keep &= keep_bits(&p);
	if (cfg->rules)
		return by_rules(ctx, queue, &p, cfg, keep);
	return keep ? KEEP : TAKE;
}

static __always_inline int pass(__u64 *counter)
{
	asm volatile("" : "+r"(counter)); /* as in fetch() */
	*counter += 1;
	return XDP_PASS;
}

static __always_inline int take(struct xdp_md *ctx, __u32 queue, struct xk_xdp_counters *c)
{
	int ret = bpf_redirect_map(&xsks_map, queue, XDP_PASS);

	if (ret != XDP_REDIRECT) /* the socket went away just now */
		return pass(&c->no_socket);
	c->redirected += 1;
	return ret;
}

/* The program must refer to the marker to have it among its maps; not in the packets' way. */
static __always_inline int no_such_queue(void)
{
	asm volatile("" : : "r"(&ABI_MARKER));
	return XDP_PASS;
}

SEC("xdp.frags")
int xsk_redirect(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	struct xk_xdp_counters *c = bpf_map_lookup_elem(&counters, &queue);
	struct xk_queue_config *cfg = bpf_map_lookup_elem(&config, &queue);

	if (!c || !cfg)
		return no_such_queue();
	if (!bpf_map_lookup_elem(&xsks_map, &queue))
		return pass(&c->no_socket);
	switch (decide(ctx, queue, cfg)) {
	case KEEP:
		return pass(&c->kept);
	case UNMATCHED:
		return pass(&c->unmatched);
	default:
		return take(ctx, queue, c);
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";
