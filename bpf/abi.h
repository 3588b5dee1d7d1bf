/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * abi.h - what the XDP programs and user space share: configuration and counter types, nothing
 * else.
 *
 * Everything is per queue, because several processes share one program. All zero is the default
 * configuration, since a loader other than ours cannot set it. A change of anything here changes
 * XK_ABI_VERSION, which is part of the name of a map (`xskit_abi_N`), so that a process never joins
 * a program that speaks another version.
 */
#ifndef XSKIT_ABI_H
#define XSKIT_ABI_H

#include <linux/types.h>

#define XK_ABI_VERSION 1
#define XK_MAX_QUEUES  1024                            /* entries of xsks_map, for good */
#define XK_MAX_RULES   256                             /* rules a queue */
#define XK_BLOCK_RULES 8                               /* rules in one place: see xk_rule_block */
#define XK_MAX_BLOCKS  (XK_MAX_RULES / XK_BLOCK_RULES) /* a queue */

/*
 * What stays with the kernel (--keep). Stored inverted (xk_queue_config.not_kept), so that zero
 * keeps all of it.
 */
#define XK_KEEP_ARP  (1u << 0)
#define XK_KEEP_ND   (1u << 1) /* ICMPv6 133-137 neighbour discovery, 130-132 and 143 MLD */
#define XK_KEEP_IGMP (1u << 2)
#define XK_KEEP_DHCP (1u << 3) /* UDP to 67, 68, 546, 547 */
#define XK_KEEP_LLDP (1u << 4) /* EtherType 0x88cc */
#define XK_KEEP_LACP (1u << 5) /* EtherType 0x8809, slow protocols */
#define XK_KEEP_PTP  (1u << 6) /* EtherType 0x88f7, UDP to 319, 320 */
#define XK_KEEP_SSH  (1u << 7) /* TCP 22, either end */
#define XK_KEEP_BGP  (1u << 8) /* TCP 179, either end */
#define XK_KEEP_ALL  ((1u << 9) - 1)

/* Which fields of a rule are to be compared; none: every packet matches. */
#define XK_RULE_ETHERTYPE   (1u << 0)
#define XK_RULE_PROTO       (1u << 1)
#define XK_RULE_SRC         (1u << 2) /* address under mask */
#define XK_RULE_DST         (1u << 3)
#define XK_RULE_ADDR_EITHER (1u << 4) /* src describes either end's address */
#define XK_RULE_SPORT       (1u << 5)
#define XK_RULE_DPORT       (1u << 6)
#define XK_RULE_OWN         (1u << 7) /* beats the keep list: the process's own traffic */
#define XK_RULE_KEEP        (1u << 8) /* a match stays with the kernel; beats all but OWN */
#define XK_RULE_PORT_EITHER (1u << 9) /* sport describes either end's port */

/*
 * A rule. Addresses are in network byte order, IPv4 in word 3 with the others zero (and
 * ethertype says which family is meant: a rule with an address has XK_RULE_ETHERTYPE set); ports
 * are in host byte order and mean UDP, TCP and SCTP. ARP has its target protocol address as dst and
 * its sender's as src; neighbour solicitations, advertisements and redirects have their target as
 * dst. For ICMP and ICMPv6 sport is type * 256 + code, and dport is the identifier of an echo
 * message, else 0; they are compared only with rules that name the protocol (XK_RULE_PROTO).
 *
 * A field the packet does not have matches no rule and no keep bit: ports of a later IP fragment,
 * anything behind the end of a truncated frame, behind more than 2 VLAN tags, or behind more than 8
 * IPv6 extension headers. VLAN tags are skipped, so it makes no difference whether the device left
 * them in the frame or stripped them into metadata.
 */
struct xk_rule {
	__u32 flags;
	__u16 ethertype; /* host order, behind VLAN tags */
	__u8 proto;      /* IP protocol, behind IPv6 extension headers */
	__u8 pad;
	__u16 sport_min, sport_max, dport_min, dport_max;
	__u32 src[4], src_mask[4], dst[4], dst_mask[4];
};

/*
 * A packet in one word, for most of a rule is compared at once:
 *
 *   EtherType << 48 | sport << 32 | dport << 16 | proto << 8 | have
 *
 * as xk_rule means them. `have` tells which the packet has, by the bits XK_RULE_ETHERTYPE, _PROTO,
 * _SPORT and _DPORT; and by XK_HAVE_PORTS, that sport and dport are ports and not what ICMP has in
 * their place.
 */
#define XK_HAVE_PORTS (1u << 7)

/* The packet's word must equal `value` where `mask` has bits; else the rule does not match. */
struct xk_rule_head {
	__u64 value, mask;
};

/*
 * Rules next to each other, for few cache lines and one lookup serve them all. Bit i of `more`
 * tells that head[i] does not say all: addresses, ranges or either end's ports are compared with
 * rule[i] as well. What is behind the last rule is not looked at.
 */
struct xk_rule_block {
	__u32 more;
	__u32 pad;
	struct xk_rule_head head[XK_BLOCK_RULES];
	struct xk_rule rule[XK_BLOCK_RULES];
};

/*
 * config[queue]
 *
 * What becomes of a packet, the first that applies: a rule with XK_RULE_OWN matches: taken; a rule
 * with XK_RULE_KEEP matches: kept; a bit of the keep list describes it: kept; another rule matches:
 * taken; and what is left is taken if the queue has no rules or only KEEP rules, else it is
 * unmatched. Kept and unmatched packets pass to the kernel.
 */
struct xk_queue_config {
	__u32 not_kept; /* XK_KEEP_ bits that do not stay with the kernel */
	__u16 own_end;  /* rules below this have XK_RULE_OWN, */
	__u16 keep_end; /* from there on and below this XK_RULE_KEEP, */
	__u16 rules;    /* and the others neither: how many there are, at most XK_MAX_RULES */
	__u16 pad;
	struct xk_rule_block first;
};

/*
 * match[queue * XK_MAX_BLOCKS + block]: rules block * XK_BLOCK_RULES and following of a queue.
 * Block 0 is config[queue].first instead: few rules need no further lookup. Rules are tried in
 * order until one matches. They are written while the queue has no socket: packets do not see them
 * then, so none sees half of them.
 */

/*
 * counters[queue], one a CPU; packets. seen = redirected + passed + dropped. The
 * socket is looked for first: without one every packet counts as no_socket, whatever the rules say.
 */
struct xk_xdp_counters {
	__u64 redirected; /* to the queue's socket */
	__u64 kept;       /* passed: stays with the kernel by the keep list or a keep rule */
	__u64 unmatched;  /* passed: no rule takes it */
	__u64 no_socket;  /* passed: no socket on the queue */
	__u64 dropped;    /* reserved for programs that drop */
};

/*
 * --- xdp_gen: constants set before it is loaded, and a state that user space maps ---
 *
 * Times a histogram bucket holds: bucket b < 64 holds b ns; above, every power of two is split into
 * XK_GEN_HIST_SUB linear buckets, so b holds values from (b % 32 + 32) << (b / 32 - 1) on.
 */
#define XK_GEN_HIST_SUB     32
#define XK_GEN_HIST_BUCKETS (38 * XK_GEN_HIST_SUB) /* up to 2^42 ns */
#define XK_GEN_MAX_FRAME    3400 /* of the kernel's live frames, with room for its own growth */

struct xk_gen_config {
	__u64 interval_ps; /* picoseconds between frames, 0: as fast as it goes */
	__u64 limit;       /* frames to send, 0: no limit */
	__u32 ifindex;     /* where the frames go */
	__u32 flows;       /* source ports base..base+flows-1, in turn; 1..65536 */
	__u32 len;         /* of the frame */
	__u16 sport_base;  /* host order */
	__u16 id_off;  /* of an IPv4 header whose identification counts the frames, 0: leave it */
	__u16 l4_off;  /* of the UDP header */
	__u16 udp_sum; /* of the datagram with source port 0, folded, not complemented; 0: no
			  checksum */
	__u16 ip_sum;  /* of the IPv4 header with identification 0, likewise */
	__u16 pad;
};

/* One program runs on one CPU at a time: all but `stop` are written by it alone. */
struct xk_gen_state {
	__u64 sent;     /* frames redirected; bytes are sent * len */
	__u64 start_ns; /* CLOCK_MONOTONIC of the first frame; 0: none yet */
	__u64 last_ns; /* of the last one (paced), of one of the last 1,024 and of the end (unpaced)
			*/
	__u64 next_ps; /* when the next frame is due, after start_ns */
	__u32 flow;    /* index of the next frame's flow */
	__u32 ended;   /* the program has seen `stop` or reached the limit */
	__u64 pad[11];
	__u64 stop; /* set by user space: drop everything from now on */
	__u64 pad2[15];
};

/* --- xdp_drop: dropped[0], one a CPU --- */

struct xk_drop_counters {
	__u64 packets;
	__u64 bytes;
};

#endif
