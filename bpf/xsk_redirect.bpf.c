// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * xsk_redirect: hand a queue's packets to the AF_XDP socket behind it, leave the kernel what is the
 * kernel's. Which packet goes where is described in abi.h.
 *
 * Most packets see no rules: for them only what the keep list needs is parsed. CAP_PERFMON is not
 * asked for, and without it the verifier refuses variable offsets into the packet, and comparing or
 * subtracting pointers to it: headers are read in place where they usually lie, and elsewhere
 * (behind VLAN tags, IPv4 options, IPv6 extension headers) through bpf_xdp_load_bytes().
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
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct xk_rule_key);
	__type(value, struct xk_rule);
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

enum verdict { UNDECIDED, TAKE, KEEP, UNMATCHED };

/* What rules and keep bits look at; `have`: the XK_RULE_ bits of the fields that are there. */
struct pkt {
	__u32 have;
	__u32 l3, l4; /* offsets; l4 0: none */
	__u16 ethertype, sport, dport, proto;
	__u32 hdr[10]; /* the IP header, options left out, or the ARP message */
};

struct addrs {
	__u32 src[4], dst[4];
};

/*
 * Copy n words at off; n and `usual`, the offset to be quick at, are constants. False: too short.
 * Without the empty asm clang makes one access of several, at an offset that varies.
 */
static __always_inline int fetch(struct xdp_md *ctx, __u32 off, __u32 usual, __u32 *to, __u32 n)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 *h = (void *)(data + usual);

	if (off != usual)
		return !bpf_xdp_load_bytes(ctx, off, to, n * 4);
	asm volatile("" : "+r"(h));
	if ((__u8 *)(h + n) > end)
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
static __always_inline void parse_icmp(struct xdp_md *ctx, struct pkt *p)
{
	__be16 id[2] = {};

	p->have |= XK_RULE_SPORT;
	p->dport = 0;
	if (is_echo(p->sport) && bpf_xdp_load_bytes(ctx, p->l4 + 4, id, sizeof(id)))
		return;
	p->dport = bpf_ntohs(id[0]);
	p->have |= XK_RULE_DPORT;
}

static __always_inline void parse_l4(struct xdp_md *ctx, struct pkt *p, __u32 usual)
{
	int icmp = is_icmp(p);
	__u32 word;

	if (!icmp && p->proto != IPPROTO_UDP && p->proto != IPPROTO_TCP && p->proto != IPPROTO_SCTP)
		return;
	if (!fetch(ctx, p->l4, usual, &word, 1))
		return;
	word = bpf_ntohl(word);
	p->sport = word >> 16;
	p->dport = word;
	if (icmp)
		parse_icmp(ctx, p);
	else
		p->have |= PORTS;
}

/* A later fragment has no ports. */
static __always_inline void parse_ip4(struct xdp_md *ctx, struct pkt *p)
{
	__u8 *ip = (__u8 *)p->hdr;

	if (!fetch(ctx, p->l3, ETH_HLEN, p->hdr, 5) || ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
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

static __always_inline void parse_ip6(struct xdp_md *ctx, struct pkt *p)
{
	struct ext_walk w = {.ctx = ctx, .off = p->l3 + 40};
	__u8 *ip = (__u8 *)p->hdr;

	if (!fetch(ctx, p->l3, ETH_HLEN, p->hdr, 10) || ip[0] >> 4 != 6)
		return;
	w.next = ip[6];
	if (is_ext(w.next))
		bpf_loop(IP6_EXT_MAX, skip_ext, &w, 0);
	if (is_ext(w.next) && !w.later)
		return;
	p->proto = w.next;
	p->have |= XK_RULE_PROTO;
	if (w.later)
		return;
	p->l4 = w.off;
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

static __always_inline __u32 load32(const __u8 *h)
{
	__u32 v;

	__builtin_memcpy(&v, h, sizeof(v));
	return v;
}

static __always_inline void addrs_arp(struct xdp_md *ctx, struct pkt *p, struct addrs *a)
{
	__u8 *h = (__u8 *)p->hdr;

	if (!fetch(ctx, p->l3, ETH_HLEN, p->hdr, 7))
		return;
	if (h[2] != 8 || h[3] || h[4] != ETH_ALEN || h[5] != 4)
		return;
	a->src[3] = load32(h + 14);
	a->dst[3] = p->hdr[6];
	p->have |= ADDRS;
}

static __always_inline int has_target(const struct pkt *p)
{
	__u8 type = p->sport >> 8;

	return p->proto == IPPROTO_ICMPV6 && (p->have & XK_RULE_SPORT) && type >= 135 &&
	       type <= 137;
}

static __always_inline void addrs_ip6(struct xdp_md *ctx, struct pkt *p, struct addrs *a)
{
	for (int i = 0; i < 4; i++) {
		a->src[i] = p->hdr[2 + i];
		a->dst[i] = p->hdr[6 + i];
	}
	p->have |= ADDRS;
	if (has_target(p) && bpf_xdp_load_bytes(ctx, p->l4 + 8, a->dst, sizeof(a->dst)))
		p->have &= ~XK_RULE_DST;
}

/*
 * Only rules look at addresses. A global function, for the verifier takes such a one by itself,
 * which makes loading several times as quick.
 */
__attribute__((noinline)) int parse_addrs(struct xdp_md *ctx, struct pkt *p, struct addrs *a)
{
	if (!p || !a)
		return 0;
	if (p->ethertype == ETH_P_ARP) {
		addrs_arp(ctx, p, a);
	} else if (!(p->have & XK_RULE_PROTO)) {
		return 0;
	} else if (p->ethertype == ETH_P_IPV6) {
		addrs_ip6(ctx, p, a);
	} else {
		a->src[3] = p->hdr[3];
		a->dst[3] = p->hdr[4];
		p->have |= ADDRS;
	}
	return 0;
}

static __always_inline int under_mask(const __u32 a[4], const __u32 b[4], const __u32 mask[4])
{
	__u32 diff = 0;

	for (int i = 0; i < 4; i++)
		diff |= (a[i] ^ b[i]) & mask[i];
	return !diff;
}

static __always_inline int addrs_match(const struct xk_rule *r, const struct addrs *a)
{
	if ((r->flags & XK_RULE_SRC) && !under_mask(a->src, r->src, r->src_mask) &&
	    !((r->flags & XK_RULE_ADDR_EITHER) && under_mask(a->dst, r->src, r->src_mask)))
		return 0;
	return !(r->flags & XK_RULE_DST) || under_mask(a->dst, r->dst, r->dst_mask);
}

static __always_inline int in_range(__u16 port, __u16 min, __u16 max)
{
	return port >= min && port <= max;
}

static __always_inline int ports_match(const struct xk_rule *r, const struct pkt *p)
{
	if ((r->flags & XK_RULE_SPORT) && !in_range(p->sport, r->sport_min, r->sport_max) &&
	    !((r->flags & XK_RULE_PORT_EITHER) && in_range(p->dport, r->sport_min, r->sport_max)))
		return 0;
	return !(r->flags & XK_RULE_DPORT) || in_range(p->dport, r->dport_min, r->dport_max);
}

/* The fields a rule needs: one that describes either end needs both. */
static __always_inline __u32 needs(__u32 flags)
{
	__u32 need = flags & (XK_RULE_ETHERTYPE | XK_RULE_PROTO | ADDRS | PORTS);

	if (flags & XK_RULE_ADDR_EITHER)
		need |= ADDRS;
	return flags & XK_RULE_PORT_EITHER ? need | PORTS : need;
}

static __always_inline int matches(const struct xk_rule *r, const struct pkt *p,
				   const struct addrs *a)
{
	__u32 flags = r->flags;

	if (needs(flags) & ~p->have)
		return 0;
	if ((flags & XK_RULE_ETHERTYPE) && r->ethertype != p->ethertype)
		return 0;
	if ((flags & XK_RULE_PROTO) && r->proto != p->proto)
		return 0;
	if ((flags & PORTS) && !(flags & XK_RULE_PROTO) && is_icmp(p))
		return 0;
	return ports_match(r, p) && addrs_match(r, a);
}

/* A packet on its way through the rules of a queue. */
struct walk {
	struct pkt pkt;
	struct addrs addrs;
	__u32 queue;
	__u32 kept;      /* a keep bit describes it */
	__u32 selective; /* some rule says what to take */
	enum verdict verdict;
};

/* bpf_loop() callback: 1 ends the walk. */
static long try_rule(__u32 index, struct walk *w)
{
	struct xk_rule_key key = {.queue = w->queue, .index = index};
	struct xk_rule *r = bpf_map_lookup_elem(&match, &key);

	if (!r)
		return 0;
	if (!(r->flags & XK_RULE_KEEP))
		w->selective = 1;
	if (w->kept && !(r->flags & (XK_RULE_OWN | XK_RULE_KEEP)))
		return 1;
	if (!matches(r, &w->pkt, &w->addrs))
		return 0;
	w->verdict = r->flags & XK_RULE_KEEP ? KEEP : TAKE;
	return 1;
}

static __always_inline enum verdict by_rules(struct xdp_md *ctx, struct walk *w, __u32 rules)
{
	parse_addrs(ctx, &w->pkt, &w->addrs);
	bpf_loop(rules > XK_MAX_RULES ? XK_MAX_RULES : rules, try_rule, w, 0);
	if (w->verdict != UNDECIDED)
		return w->verdict;
	if (w->kept)
		return KEEP;
	return w->selective ? UNMATCHED : TAKE;
}

static __always_inline enum verdict decide(struct xdp_md *ctx, __u32 queue,
					   const struct xk_queue_config *cfg)
{
	struct walk w = {.queue = queue};
	__u32 keep = XK_KEEP_ALL & ~cfg->not_kept;

	if (!keep && !cfg->rules)
		return TAKE;
	parse(ctx, &w.pkt);
	w.kept = keep_bits(&w.pkt) & keep;
	if (cfg->rules)
		return by_rules(ctx, &w, cfg->rules);
	return w.kept ? KEEP : TAKE;
}

static __always_inline int pass(__u64 *counter)
{
	asm volatile("" : "+r"(counter)); /* as in fetch() */
	*counter += 1;
	return XDP_PASS;
}

static __always_inline int take(struct xdp_md *ctx, __u32 queue, struct xk_xdp_counters *c)
{
	__u64 len = bpf_xdp_get_buff_len(ctx);
	int ret = bpf_redirect_map(&xsks_map, queue, XDP_PASS);

	if (ret != XDP_REDIRECT) /* the socket went away just now */
		return pass(&c->no_socket);
	c->redirected += 1;
	c->redirected_bytes += len;
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
