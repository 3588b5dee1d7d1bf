/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "packet.h"

enum {
	MAX_TAGS = 2,
	TAG_LEN = 4,
	ARP_LEN = 28,
	IP4_MIN = 20,
	IP6_LEN = 40,
	EXT_MIN = 8, /* IPv6 extension headers come in units of 8 bytes */
	UDP_LEN = 8,
	TCP_MIN = 20,
	ICMP_LEN = 8,
};

/* --- checksums --- */

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint32_t load32(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t add_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* The sum of less than 8 bytes, by loads of fixed size: a call of memcpy() costs more than them. */
static inline uint64_t load_tail(const uint8_t *at, size_t n)
{
	uint64_t sum = 0;
	uint16_t word;

	if (n & 4) {
		sum = load32(at);
		at += 4;
	}
	if (n & 2) {
		memcpy(&word, at, sizeof(word));
		sum += word;
		at += 2;
	}
	if (n & 1) {
		word = 0;
		memcpy(&word, at, 1); /* the word's other byte is 0, in memory order */
		sum += word;
	}
	return sum;
}

/* Sums of half words do not overflow below 32 GiB: no addition has to wait for a carry. */
static uint64_t sum_blocks(const uint8_t *at, size_t n)
{
	uint64_t low = 0, high = 0;

	for (const uint8_t *end = at + n; at < end; at += 16) {
		uint64_t a = load64(at), b = load64(at + 8);

		low += (a & UINT32_MAX) + (b & UINT32_MAX);
		high += (a >> 32) + (b >> 32);
	}
	return add_carry(low, high);
}

uint64_t csum_add(uint64_t sum, const void *data, size_t n)
{
	const uint8_t *at = data;
	size_t blocks = n & ~(size_t)15;

	sum = add_carry(sum, sum_blocks(at, blocks));
	at += blocks;
	if (n & 8) {
		sum = add_carry(sum, load64(at));
		at += 8;
	}
	return add_carry(sum, load_tail(at, n));
}

uint16_t csum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)~sum;
}

/* A length of up to 65535 has the same sum as 16 bits (IPv4) and as 32 (IPv6). */
static uint64_t csum_pseudo(const struct ipaddr *src, const struct ipaddr *dst, uint8_t proto,
			    size_t n)
{
	size_t bytes = src->family == 4 ? 4 : 16;
	uint64_t sum = htons(proto) + (uint64_t)htons((uint16_t)n);

	sum = csum_add(sum, src->b, bytes);
	return csum_add(sum, dst->b, bytes);
}

/* 0 in a UDP header means that there is no checksum: its other form, 0xffff, stands for it. */
static uint16_t csum_of_l4(uint64_t sum, uint8_t proto)
{
	uint16_t csum = csum_fold(sum);

	return proto == IPPROTO_UDP && !csum ? UINT16_MAX : csum;
}

uint16_t csum_l4(const struct ipaddr *src, const struct ipaddr *dst, uint8_t proto, const void *l4,
		 size_t n)
{
	return csum_of_l4(csum_add(csum_pseudo(src, dst, proto, n), l4, n), proto);
}

uint16_t csum_update16(uint16_t csum, uint16_t from, uint16_t to)
{
	return csum_fold((uint64_t)(uint16_t)~csum + (uint16_t)~from + to);
}

/* --- parse --- */

/* What it means that n bytes at `at` are not all there: past the frame, or past the IP length. */
static enum parse_result need(const struct parsed *p, size_t at, size_t n, size_t len)
{
	if (at + n > len)
		return PARSE_SHORT;
	return at + n > p->end ? PARSE_LENGTH : PARSE_OK;
}

/*
 * Check a sum that includes a pseudo-header, over n bytes at p->l4 with the field `at` bytes in. A
 * right sum is looked at first: by chance one in 65536 is equal to the pseudo-header's too.
 */
static enum parse_result check_csum(const uint8_t *frame, struct parsed *p, uint8_t proto, size_t n,
				    size_t at)
{
	uint64_t pseudo = csum_pseudo(&p->src, &p->dst, proto, n);
	uint64_t sum = csum_add(pseudo, frame + p->l4, n);
	uint16_t field;

	memcpy(&field, frame + p->l4 + at, sizeof(field));
	p->csum = field;
	if (!csum_fold(sum))
		return PARSE_OK;
	/* Adding a word's complement takes the word out of the sum. */
	p->csum = csum_of_l4(sum + (uint16_t)~field, proto);
	p->csum_partial = (field ^ csum_fold(pseudo)) == UINT16_MAX;
	return p->csum_partial ? PARSE_OK : PARSE_CHECKSUM;
}

static enum parse_result parse_udp(const uint8_t *frame, size_t len, struct parsed *p)
{
	const uint8_t *udp = frame + p->l4;
	enum parse_result r = need(p, p->l4, UDP_LEN, len);
	size_t n;

	if (r)
		return r;
	n = net_get16(udp + 4);
	if (n < UDP_LEN || p->l4 + n > p->end)
		return PARSE_LENGTH;
	p->sport = net_get16(udp);
	p->dport = net_get16(udp + 2);
	p->payload = (uint16_t)(p->l4 + UDP_LEN);
	p->end = (uint16_t)(p->l4 + n);
	if (net_get16(udp + 6))
		return check_csum(frame, p, IPPROTO_UDP, n, 6);
	p->csum_none = p->src.family == 4;
	return p->csum_none ? PARSE_OK : PARSE_CHECKSUM;
}

static enum parse_result parse_tcp(const uint8_t *frame, size_t len, struct parsed *p)
{
	const uint8_t *tcp = frame + p->l4;
	enum parse_result r = need(p, p->l4, TCP_MIN, len);
	size_t header;

	if (r)
		return r;
	p->sport = net_get16(tcp);
	p->dport = net_get16(tcp + 2);
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < TCP_MIN)
		return PARSE_VERSION;
	r = need(p, p->l4, header, len);
	if (r)
		return r;
	p->payload = (uint16_t)(p->l4 + header);
	return check_csum(frame, p, IPPROTO_TCP, (size_t)p->end - p->l4, 16);
}

static bool is_echo(enum l4 proto, uint8_t type)
{
	if (proto == L4_ICMP)
		return type == 0 || type == 8;
	return type == 128 || type == 129;
}

static enum parse_result parse_icmp(const uint8_t *frame, size_t len, struct parsed *p)
{
	const uint8_t *icmp = frame + p->l4;
	enum parse_result r = need(p, p->l4, ICMP_LEN, len);
	size_t n = (size_t)p->end - p->l4;

	if (r)
		return r;
	p->sport = net_get16(icmp);
	p->dport = is_echo(p->proto, icmp[0]) ? net_get16(icmp + 4) : 0;
	p->payload = (uint16_t)(p->l4 + ICMP_LEN);
	if (p->proto == L4_ICMP6)
		return check_csum(frame, p, IPPROTO_ICMPV6, n, 2);
	memcpy(&p->csum, icmp + 2, sizeof(p->csum));
	return csum_fold(csum_add(0, icmp, n)) ? PARSE_CHECKSUM : PARSE_OK;
}

/* Each family has its own ICMP; the other's is just an unknown protocol. */
static enum l4 l4_of(uint8_t proto, uint8_t family)
{
	switch (proto) {
	case IPPROTO_UDP:
		return L4_UDP;
	case IPPROTO_TCP:
		return L4_TCP;
	case IPPROTO_ICMP:
		return family == 4 ? L4_ICMP : L4_OTHER;
	case IPPROTO_ICMPV6:
		return family == 6 ? L4_ICMP6 : L4_OTHER;
	}
	return L4_OTHER;
}

static enum parse_result parse_l4(const uint8_t *frame, size_t len, struct parsed *p, uint8_t proto,
				  size_t at)
{
	p->l4 = (uint16_t)at;
	p->proto = l4_of(proto, p->src.family);
	switch (p->proto) {
	case L4_UDP:
		return parse_udp(frame, len, p);
	case L4_TCP:
		return parse_tcp(frame, len, p);
	case L4_ICMP:
	case L4_ICMP6:
		return parse_icmp(frame, len, p);
	default:
		return PARSE_OK;
	}
}

static void take_ip4(const uint8_t *at, struct ipaddr *addr)
{
	addr->family = 4;
	memcpy(addr->b, at, 4);
}

static void take_ip6(const uint8_t *at, struct ipaddr *addr)
{
	addr->family = 6;
	memcpy(addr->b, at, 16);
}

static enum parse_result parse_ip4(const uint8_t *frame, size_t len, struct parsed *p)
{
	const uint8_t *ip = frame + p->l3;
	size_t header, total;

	if (len < (size_t)p->l3 + IP4_MIN)
		return PARSE_SHORT;
	header = (size_t)(ip[0] & 15) * 4;
	if (ip[0] >> 4 != 4 || header < IP4_MIN)
		return PARSE_VERSION;
	if (len < p->l3 + header)
		return PARSE_SHORT;
	if (csum_fold(csum_add(0, ip, header)))
		return PARSE_CHECKSUM;
	total = net_get16(ip + 2);
	if (total < header || p->l3 + total > len)
		return PARSE_LENGTH;
	p->end = (uint16_t)(p->l3 + total);
	take_ip4(ip + 12, &p->src);
	take_ip4(ip + 16, &p->dst);
	if (net_get16(ip + 6) & 0x3fff) /* more fragments, or an offset */
		return PARSE_FRAGMENT;
	return parse_l4(frame, len, p, ip[9], p->l3 + header);
}

/* Whether the walk goes on behind an extension header; `at` is the header. */
static bool ext_passable(const uint8_t *at, uint8_t type, bool first)
{
	switch (type) {
	case IPPROTO_HOPOPTS:
		return first;
	case IPPROTO_ROUTING:
		return at[3] == 0; /* segments left: this is not yet the destination */
	}
	return true;
}

static bool is_ext(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS ||
	       type == IPPROTO_FRAGMENT;
}

/* Walk the extension headers from *at on: *type and *at are then those of the upper layer. */
static enum parse_result walk_ext(const uint8_t *frame, size_t len, const struct parsed *p,
				  uint8_t *type, size_t *at)
{
	const size_t start = *at;
	enum parse_result r;
	size_t n;

	for (; is_ext(*type); *at += n) {
		const uint8_t *ext = frame + *at;

		n = EXT_MIN;
		r = need(p, *at, n, len);
		if (r)
			return r;
		if (!ext_passable(ext, *type, *at == start))
			return PARSE_OK;
		if (*type == IPPROTO_FRAGMENT) {
			if (net_get16(ext + 2) & 0xfff9)
				return PARSE_FRAGMENT;
		} else {
			n += (size_t)ext[1] * 8;
			r = need(p, *at, n, len);
			if (r)
				return r;
		}
		*type = ext[0];
	}
	return PARSE_OK;
}

static enum parse_result parse_ip6(const uint8_t *frame, size_t len, struct parsed *p)
{
	const uint8_t *ip = frame + p->l3;
	size_t at = (size_t)p->l3 + IP6_LEN, end;
	enum parse_result r;
	uint8_t type;

	if (len < at)
		return PARSE_SHORT;
	if (ip[0] >> 4 != 6)
		return PARSE_VERSION;
	end = at + net_get16(ip + 4);
	if (end > len)
		return PARSE_LENGTH;
	p->end = (uint16_t)end;
	take_ip6(ip + 8, &p->src);
	take_ip6(ip + 24, &p->dst);
	type = ip[6];
	r = walk_ext(frame, len, p, &type, &at);
	if (r || type == IPPROTO_NONE)
		return r;
	return parse_l4(frame, len, p, type, at);
}

static enum parse_result parse_arp(const uint8_t *frame, size_t len, struct parsed *p)
{
	const uint8_t *arp = frame + p->l3;

	if (len < (size_t)p->l3 + ARP_LEN)
		return PARSE_SHORT;
	p->end = (uint16_t)(p->l3 + ARP_LEN);
	if (net_get16(arp) != 1 || net_get16(arp + 2) != ETH_P_IP)
		return PARSE_OTHER; /* of another medium or protocol */
	if (arp[4] != ETH_ALEN || arp[5] != 4)
		return PARSE_LENGTH;
	take_ip4(arp + 14, &p->src);
	take_ip4(arp + 24, &p->dst);
	return PARSE_OK;
}

static bool is_tag(uint16_t ethertype)
{
	return ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD;
}

static enum parse_result parse_ether(const uint8_t *frame, size_t len, struct parsed *p)
{
	size_t at = ETH_HLEN;

	if (len < at)
		return PARSE_SHORT;
	p->ethertype = net_get16(frame + 12);
	for (int tags = 0; is_tag(p->ethertype) && tags < MAX_TAGS; tags++, at += TAG_LEN) {
		if (len < at + TAG_LEN)
			return PARSE_SHORT;
		if (!tags)
			p->vlan = net_get16(frame + at);
		p->ethertype = net_get16(frame + at + 2);
	}
	p->l3 = (uint16_t)at;
	p->end = (uint16_t)len;
	return PARSE_OK;
}

enum parse_result packet_parse(const uint8_t *frame, size_t len, struct parsed *p)
{
	enum parse_result r;

	*p = (struct parsed){.vlan = VLAN_NONE};
	if (len > UINT16_MAX)
		return PARSE_LENGTH;
	r = parse_ether(frame, len, p);
	if (r)
		return r;
	switch (p->ethertype) {
	case ETH_P_IP:
		return parse_ip4(frame, len, p);
	case ETH_P_IPV6:
		return parse_ip6(frame, len, p);
	case ETH_P_ARP:
		return parse_arp(frame, len, p);
	}
	return PARSE_OTHER;
}

/* --- build --- */

static size_t l3_at(const struct frame_spec *spec)
{
	return ETH_HLEN + (spec->vlan == VLAN_NONE ? 0 : TAG_LEN);
}

static size_t l4_at(const struct frame_spec *spec)
{
	return l3_at(spec) + (spec->src.family == 4 ? IP4_MIN : IP6_LEN);
}

static bool spec_consistent(const struct frame_spec *spec)
{
	uint8_t family = spec->src.family;

	if (family != spec->dst.family || (family != 4 && family != 6))
		return false;
	return spec->proto == L4_UDP || spec->proto == (family == 4 ? L4_ICMP : L4_ICMP6);
}

/* UDP's header and an ICMP echo's are both of 8 bytes. */
size_t frame_min(const struct frame_spec *spec)
{
	return spec_consistent(spec) ? l4_at(spec) + UDP_LEN : 0;
}

static uint8_t ip_proto(enum l4 proto)
{
	switch (proto) {
	case L4_UDP:
		return IPPROTO_UDP;
	case L4_ICMP:
		return IPPROTO_ICMP;
	default:
		return IPPROTO_ICMPV6;
	}
}

static void put_ether(const struct frame_spec *spec, uint8_t *out)
{
	uint8_t *type = out + 2 * ETH_ALEN;

	memcpy(out, spec->dst_mac.b, ETH_ALEN);
	memcpy(out + ETH_ALEN, spec->src_mac.b, ETH_ALEN);
	if (spec->vlan != VLAN_NONE) {
		net_put16(type, ETH_P_8021Q);
		net_put16(type + 2, spec->vlan);
		type += TAG_LEN;
	}
	net_put16(type, spec->src.family == 4 ? ETH_P_IP : ETH_P_IPV6);
}

/* Do not fragment: then the identification may stay 0 (RFC 6864). */
static void put_ip4(const struct frame_spec *spec, uint8_t *ip, size_t total)
{
	uint16_t csum;

	memset(ip, 0, IP4_MIN);
	ip[0] = 0x45;
	net_put16(ip + 2, (unsigned)total);
	net_put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = ip_proto(spec->proto);
	memcpy(ip + 12, spec->src.b, 4);
	memcpy(ip + 16, spec->dst.b, 4);
	csum = csum_fold(csum_add(0, ip, IP4_MIN));
	memcpy(ip + 10, &csum, sizeof(csum));
}

static void put_ip6(const struct frame_spec *spec, uint8_t *ip, size_t total)
{
	memset(ip, 0, IP6_LEN);
	ip[0] = 0x60;
	net_put16(ip + 4, (unsigned)(total - IP6_LEN));
	ip[6] = ip_proto(spec->proto);
	ip[7] = 64;
	memcpy(ip + 8, spec->src.b, 16);
	memcpy(ip + 24, spec->dst.b, 16);
}

/* Header of n bytes of UDP with the payload already behind it. */
static void put_udp(const struct frame_spec *spec, uint8_t *udp, size_t n)
{
	uint16_t csum;

	net_put16(udp, spec->sport);
	net_put16(udp + 2, spec->dport);
	net_put16(udp + 4, (unsigned)n);
	net_put16(udp + 6, 0);
	if (spec->no_csum && spec->src.family == 4)
		return;
	csum = csum_l4(&spec->src, &spec->dst, IPPROTO_UDP, udp, n);
	memcpy(udp + 6, &csum, sizeof(csum));
}

static void put_echo(const struct frame_spec *spec, uint8_t *icmp, size_t n)
{
	bool v4 = spec->proto == L4_ICMP;
	uint16_t csum;

	net_put16(icmp, v4 ? 8 << 8 : 128 << 8);
	net_put16(icmp + 2, 0);
	net_put16(icmp + 4, spec->dport);
	net_put16(icmp + 6, spec->sport);
	csum = v4 ? csum_fold(csum_add(0, icmp, n))
		  : csum_l4(&spec->src, &spec->dst, IPPROTO_ICMPV6, icmp, n);
	memcpy(icmp + 2, &csum, sizeof(csum));
}

int frame_build(const struct frame_spec *spec, const void *payload, uint8_t *out)
{
	size_t min = frame_min(spec), l3 = l3_at(spec), l4 = l4_at(spec);

	if (!min || spec->size < min || spec->size > UINT16_MAX)
		return -EINVAL;
	put_ether(spec, out);
	if (spec->src.family == 4)
		put_ip4(spec, out + l3, spec->size - l3);
	else
		put_ip6(spec, out + l3, spec->size - l3);
	if (payload)
		memcpy(out + min, payload, spec->size - min);
	else
		memset(out + min, 0, spec->size - min);
	if (spec->proto == L4_UDP)
		put_udp(spec, out + l4, spec->size - l4);
	else
		put_echo(spec, out + l4, spec->size - l4);
	return 0;
}

/* --- text --- */

int ipaddr_parse(const char *text, struct ipaddr *addr)
{
	*addr = (struct ipaddr){.family = 4};
	if (inet_pton(AF_INET, text, addr->b) == 1)
		return 0;
	addr->family = 6;
	if (inet_pton(AF_INET6, text, addr->b) == 1)
		return 0;
	*addr = (struct ipaddr){0};
	return -EINVAL;
}

const char *ipaddr_text(const struct ipaddr *addr, char out[46])
{
	if (addr->family != 4 && addr->family != 6)
		return strcpy(out, "none");
	return inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->b, out, 46);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int macaddr_parse(const char *text, struct macaddr *mac)
{
	struct macaddr found;

	for (size_t i = 0; i < sizeof(found.b); i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i + 1 < sizeof(found.b) ? ':' : '\0'))
			return -EINVAL;
		found.b[i] = (uint8_t)(high << 4 | low);
	}
	*mac = found;
	return 0;
}

const char *macaddr_text(const struct macaddr *mac, char out[18])
{
	const uint8_t *b = mac->b;

	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return out;
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	if (a->family != b->family)
		return false;
	return a->family == 4 ? !memcmp(a->b, b->b, 4) : !memcmp(a->b, b->b, 16);
}

bool ipaddr_is_multicast(const struct ipaddr *a)
{
	return a->family == 4 ? a->b[0] >> 4 == 14 : a->family == 6 && a->b[0] == 0xff;
}
