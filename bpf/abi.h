/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * abi.h - what the XDP programs and user space share: configuration and counter types, nothing else.
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
#define XK_MAX_QUEUES  1024 /* entries of xsks_map, for good */
#define XK_MAX_RULES   256  /* rules a queue */

/*
 * What stays with the kernel (--keep). Stored inverted (xk_queue_config.not_kept), so that zero
 * keeps all of it.
 */
#define XK_KEEP_ARP    (1u << 0)
#define XK_KEEP_ND     (1u << 1) /* ICMPv6 133-137 neighbour discovery, 130-132 and 143 MLD */
#define XK_KEEP_IGMP   (1u << 2)
#define XK_KEEP_DHCP   (1u << 3) /* UDP 67, 68, 546, 547 */
#define XK_KEEP_LLDP   (1u << 4) /* EtherType 0x88cc */
#define XK_KEEP_LACP   (1u << 5) /* EtherType 0x8809, slow protocols */
#define XK_KEEP_PTP    (1u << 6) /* EtherType 0x88f7, UDP 319, 320 */
#define XK_KEEP_SSH    (1u << 7) /* TCP 22, either end */
#define XK_KEEP_BGP    (1u << 8) /* TCP 179, either end */
#define XK_KEEP_ALL    ((1u << 9) - 1)

/* config[queue] */
struct xk_queue_config {
	__u32 not_kept; /* XK_KEEP_ bits that do not stay with the kernel */
	__u32 rules;    /* how many entries of `match` this queue has; 0: take everything not kept */
};

/* Which fields of a rule are to be compared. */
#define XK_RULE_ETHERTYPE (1u << 0)
#define XK_RULE_PROTO     (1u << 1)
#define XK_RULE_SRC       (1u << 2) /* address under mask */
#define XK_RULE_DST       (1u << 3)
#define XK_RULE_EITHER    (1u << 4) /* src/sport describe either end */
#define XK_RULE_SPORT     (1u << 5)
#define XK_RULE_DPORT     (1u << 6)
#define XK_RULE_OWN       (1u << 7) /* beats the keep list: the process's own traffic */
#define XK_RULE_KEEP      (1u << 8) /* a match stays with the kernel; beats everything but OWN */

/*
 * A rule of `match`. Addresses are in network byte order, IPv4 in word 3 with the others zero (and
 * ethertype says which family is meant: a rule with an address has XK_RULE_ETHERTYPE set); ports
 * are in host byte order. ARP has its target protocol address as dst and its sender's as src, ND
 * messages their target as dst. For ICMP and ICMPv6 sport is type * 256 + code, and dport is the
 * identifier of an echo message, else 0.
 */
struct xk_rule {
	__u32 flags;
	__u16 ethertype; /* host order, behind VLAN tags */
	__u8 proto;      /* IP protocol, behind IPv6 extension headers */
	__u8 pad;
	__u16 sport_min, sport_max, dport_min, dport_max;
	__u32 src[4], src_mask[4], dst[4], dst_mask[4];
};

/* Key of `match`: rules 0..n-1 of a queue, tried in order. */
struct xk_rule_key {
	__u32 queue;
	__u32 index;
};

/* counters[queue], one a CPU; packets, but for bytes. seen = redirected + passed + dropped. */
struct xk_xdp_counters {
	__u64 redirected;      /* to the queue's socket */
	__u64 redirected_bytes;
	__u64 kept;            /* passed: stays with the kernel by the keep list or a keep rule */
	__u64 unmatched;       /* passed: no rule takes it */
	__u64 no_socket;       /* passed: no socket on the queue */
	__u64 dropped;         /* reserved for programs that drop */
};

/* --- xdp_gen: state[0] --- */

#define XK_GEN_HIST_SUB     32                  /* linear buckets a power of two */
#define XK_GEN_HIST_BUCKETS (38 * XK_GEN_HIST_SUB)

struct xk_gen_config {
	__u32 ifindex;      /* where the frames go */
	__u32 flows;        /* source ports base..base+flows-1, in turn; at least 1 */
	__u64 interval_ps;  /* picoseconds between frames, 0: as fast as it goes */
	__u64 limit;        /* frames to send, 0: no limit */
	__u16 sport_base;   /* host order */
	__u16 l4_off;       /* offset of the UDP header */
	__u16 csum;         /* UDP checksum with source port 0, folded but not complemented; 0: none */
	__u16 pad;
};

struct xk_gen_state {
	__u64 sent;         /* frames redirected */
	__u64 bytes;
	__u64 start_ns;     /* CLOCK_MONOTONIC of the first frame; 0: not started */
	__u64 last_ns;      /* of the last one */
	__u64 stop;         /* set by user space: drop everything from now on */
};

#endif
