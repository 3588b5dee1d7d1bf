/* SPDX-License-Identifier: BSD-2-Clause */
/* packet.h - frames as bytes: parse, build, swap, checksums. Pure functions on caller's memory. */
#ifndef XSKIT_PACKET_H
#define XSKIT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	PARSE_SHORT,     /* a header goes past the end of the frame */
	PARSE_LENGTH,    /* a length field contradicts the frame or another field */
	PARSE_VERSION,   /* IP version or header length nonsense */
	PARSE_CHECKSUM,  /* IP, UDP or ICMP checksum wrong */
	PARSE_FRAGMENT,  /* an IP fragment */
	PARSE_OTHER,     /* not ARP, IPv4 or IPv6: nothing wrong with it */
};

/* What was found; offsets from the start of the frame. */
struct parsed {
	uint16_t ethertype;  /* behind VLAN tags, host order */
	uint16_t vlan;       /* TCI of the outer tag, 0xffff: none */
	uint16_t l3, l4, payload; /* offsets; 0: not there */
	uint16_t end;        /* one past the last byte by the IP length (padding is behind it) */
	enum l4 proto;
	struct ipaddr src, dst;
	uint16_t sport, dport; /* host order; ICMP: type * 256 + code, and the echo identifier */
	bool csum_partial;   /* the UDP/ICMPv6/TCP checksum is the bare pseudo-header sum (a veth's peer) */
	bool csum_none;      /* UDP over IPv4 without a checksum */
};

/*
 * Parse `len` bytes at `frame` (Ethernet, up to 2 VLAN tags, ARP, IPv4 with options, IPv6 with
 * extension headers) and check every length and checksum. *p is meaningful up to the layer that was
 * reached. len at most 65535.
 */
enum parse_result packet_parse(const uint8_t *frame, size_t len, struct parsed *p);

/* RFC 1071 sum, not folded, of n bytes onto `sum`; csum_fold() makes the field's value of it. */
uint64_t csum_add(uint64_t sum, const void *data, size_t n);
uint16_t csum_fold(uint64_t sum); /* complemented, in the byte order of the data */

/* Checksum field of a UDP/TCP/ICMPv6 message of n bytes at l4 (field zeroed by the caller). */
uint16_t csum_l4(const struct ipaddr *src, const struct ipaddr *dst, uint8_t proto, const void *l4, size_t n);

/* RFC 1624: new value of checksum field `csum` when a 16-bit word of the data changes. */
uint16_t csum_update16(uint16_t csum, uint16_t from, uint16_t to);

/* Everything needed to build a UDP or ICMP echo frame. */
struct frame_spec {
	struct macaddr dst_mac, src_mac;
	uint16_t vlan;             /* TCI, 0xffff: none */
	struct ipaddr src, dst;    /* of one family */
	enum l4 proto;             /* L4_UDP, L4_ICMP or L4_ICMP6 */
	uint16_t sport, dport;     /* UDP ports; ICMP: dport is the identifier, sport the sequence */
	size_t size;               /* of the whole frame without FCS */
	bool no_csum;              /* UDP over IPv4: leave the checksum 0 */
};

/* Smallest frame for a spec: headers only. */
size_t frame_min(const struct frame_spec *spec);

/*
 * Build the frame at `out` (spec->size bytes), payload zeroed unless `payload` is given
 * (size - frame_min() bytes). 0, or -EINVAL: too small or too large for its headers.
 */
int frame_build(const struct frame_spec *spec, const void *payload, uint8_t *out);

/* Text to address and back. 0 or -EINVAL. */
int ipaddr_parse(const char *text, struct ipaddr *addr);
int macaddr_parse(const char *text, struct macaddr *mac);
const char *ipaddr_text(const struct ipaddr *addr, char out[46]);
const char *macaddr_text(const struct macaddr *mac, char out[18]);
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);
bool ipaddr_is_multicast(const struct ipaddr *a);

#endif
