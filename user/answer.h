/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.h - the echo server's answer to a frame, made in place: ARP, neighbour solicitation, ICMP
 * and ICMPv6 echo, UDP echo (RFC 862). A pure function on the caller's memory.
 *
 * Two of them never talk to each other without end: nothing that is an answer is answered.
 */
#ifndef XSKIT_ANSWER_H
#define XSKIT_ANSWER_H

#include <stdint.h>
#include "packet.h"

enum answer_verdict { ANSWER_DROP, ANSWER_SEND };

/* Every frame counts once among the answered, malformed or refused; csum_partial comes on top. */
struct answer {
	struct macaddr mac;       /* ours */
	const struct ipaddr *ips; /* ours, the caller's memory */
	unsigned count;           /* of them */

	/* Answered. */
	uint64_t arp, nd, icmp, icmp6, udp;

	/* Malformed; checksum also where UDP over IPv6 has none. */
	uint64_t malformed_short, malformed_length, malformed_version;
	uint64_t malformed_checksum, malformed_fragment;

	/* Well-formed, with a checksum that was left to hardware: an answer gets a full one. */
	uint64_t csum_partial;

	/* Well-formed, and not answered. */
	uint64_t refused_source_port7; /* from an echo server */
	uint64_t refused_broadcast;    /* to or from such an address */
	uint64_t refused_multicast;    /* the same */
	uint64_t refused_own_address;  /* from one of our addresses */
	uint64_t refused_not_ours;     /* to another MAC or IP */
	uint64_t refused_other;        /* nothing that is answered here */
};

/*
 * Answer the frame of *len bytes, in place. The frame keeps its length and VLAN tags; only an
 * advertisement has its own length (it may have to grow, up to `cap` bytes: refused otherwise). On
 * ANSWER_DROP the frame is unchanged.
 *
 * Thread contract: a struct answer belongs to one thread.
 */
enum answer_verdict answer_frame(struct answer *a, uint8_t *frame, uint32_t *len, uint32_t cap);

#endif
