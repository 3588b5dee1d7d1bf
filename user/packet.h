/* SPDX-License-Identifier: BSD-2-Clause */
/* packet.h - frames as bytes: parse, build, swap, checksums. Pure functions on caller's memory. */
#ifndef XSKIT_PACKET_H
#define XSKIT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VLAN_NONE UINT16_MAX

/* An IP address of either family; IPv4 lies in the first 4 bytes. */
struct ipaddr {
	uint8_t family; /* 4 or 6; 0: none */
	uint8_t b[16];  /* network byte order */
};

struct macaddr {
	uint8_t b[6];
};

enum l4 { L4_NONE, L4_UDP, L4_TCP, L4_ICMP, L4_ICMP6, L4_OTHER };

/* Why a frame was not taken. */
enum parse_result {
	PARSE_OK,
	PARSE_SHORT,    /* a header goes past the end of the frame */
	PARSE_LENGTH,   /* a length field contradicts the frame or another field */
	PARSE_VERSION,  /* IP version or header length nonsense */
	PARSE_CHECKSUM, /* IP, UDP, TCP or ICMP checksum wrong, or none where IPv6 wants one */
	PARSE_FRAGMENT, /* an IP fragment */
	PARSE_OTHER,    /* not ARP, IPv4 or IPv6: nothing wrong with it */
};

/* What was found; offsets from the start of the frame. */
struct parsed {
	uint16_t ethertype;       /* behind VLAN tags, host order */
	uint16_t vlan;            /* TCI of the outer tag, VLAN_NONE: none */
	uint16_t l3, l4, payload; /* offsets; 0: not there */
	/* One past the last byte by the IP length, or UDP's own if that is less (padding is behind
	 * it): end - payload is the payload's size. */
	uint16_t end;
	enum l4 proto;
	struct ipaddr src, dst;
	/* Host order; ICMP: type * 256 + code, and the echo identifier (else 0). */
	uint16_t sport, dport;
	/* What the checksum field ought to hold, as it lies in memory: the field itself (0: none),
	 * unless csum_partial. So nobody needs to sum the frame again. */
	uint16_t csum;
	bool csum_partial; /* UDP, TCP, ICMPv6: it is the bare pseudo-header sum (a veth's peer) */
	bool csum_none;    /* UDP over IPv4 without a checksum */
};

/*
 * Parse `len` bytes at `frame` (Ethernet, up to 2 VLAN tags, ARP, IPv4 with options, IPv6 with
 * extension headers) and check every length and checksum. *p is meaningful up to the layer that was
 * reached. len at most 65535 (else PARSE_LENGTH).
 *
 * ARP: src and dst are the sender's and the target's protocol addresses. IPv6: a fragment header
 * that is not of a fragment (RFC 6946) is passed over; ESP, AH and a routing header with segments
 * left end the walk with L4_OTHER, for what lies behind cannot be checked with these addresses.
 */
enum parse_result packet_parse(const uint8_t *frame, size_t len, struct parsed *p);

/*
 * RFC 1071 sum, not folded, of n bytes onto `sum`; csum_fold() makes the field's value of it. Only
 * the last piece of several may have an odd length.
 */
uint64_t csum_add(uint64_t sum, const void *data, size_t n);
uint16_t csum_fold(uint64_t sum); /* complemented, in the byte order of the data */

/*
 * Checksum field, as it lies in memory, of a UDP/TCP/ICMPv6 message of n bytes (at most 65535) at
 * l4 (field zeroed by the caller). UDP never gets 0, which would say that there is none.
 */
uint16_t csum_l4(const struct ipaddr *src, const struct ipaddr *dst, uint8_t proto, const void *l4,
		 size_t n);

/*
 * RFC 1624: new value of checksum field `csum` when a 16-bit word of the data changes; all three in
 * the same byte order. Over data that is now all zero it gives 0 where a full sum gives 0xffff.
 */
uint16_t csum_update16(uint16_t csum, uint16_t from, uint16_t to);

/* Everything needed to build a UDP or ICMP echo frame. */
struct frame_spec {
	struct macaddr dst_mac, src_mac;
	uint16_t vlan;          /* TCI, VLAN_NONE: none */
	struct ipaddr src, dst; /* of one family */
	enum l4 proto;          /* L4_UDP, L4_ICMP or L4_ICMP6 */
	uint16_t sport, dport;  /* UDP ports; ICMP: dport is the identifier, sport the sequence */
	size_t size;            /* of the whole frame without FCS, at most 65535 */
	bool no_csum;           /* UDP over IPv4: leave the checksum 0 (elsewhere no effect) */
};

/* Smallest frame for a spec: headers only; 0: addresses and protocol do not go together. */
size_t frame_min(const struct frame_spec *spec);

/*
 * Build the frame at `out` (spec->size bytes), payload zeroed unless `payload` is given
 * (size - frame_min() bytes, not overlapping out). 0, or -EINVAL: too small or too large for its
 * headers, or a spec that makes no sense.
 */
int frame_build(const struct frame_spec *spec, const void *payload, uint8_t *out);

/* A 16-bit field in network byte order at any address. */
static inline uint16_t net_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void net_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Text to address and back. 0 or -EINVAL; a MAC is six pairs of hex digits with colons. */
int ipaddr_parse(const char *text, struct ipaddr *addr);
int macaddr_parse(const char *text, struct macaddr *mac);
const char *ipaddr_text(const struct ipaddr *addr, char out[46]);
const char *macaddr_text(const struct macaddr *mac, char out[18]);
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);
bool ipaddr_is_multicast(const struct ipaddr *a);

#endif
