/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames are parsed, built and summed right, and nothing on the wire leads past a frame's end.
 * Golden frames and their sums come from frames.h, which shares no code with what is tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "frame_util.h"
#include "frames.h"

struct golden {
	const char *name;
	const uint8_t *frame;
	size_t len, padding; /* padding: bytes behind the IP length */
	uint16_t ethertype, vlan, l3, l4, payload, end;
	enum l4 proto;
	const char *src, *dst;
	uint16_t sport, dport;
	bool partial, none;
	uint8_t ip_proto;
};

#define F(x) #x, frame_##x, sizeof(frame_##x)

static const struct golden golden[] = {
	{F(arp), 18, 0x0806, VLAN_NONE, 14, 0, 0, 42, L4_NONE, PEER4, OUR4, 0, 0, 0, 0, 0},
	{F(ans_arp), 18, 0x0806, VLAN_NONE, 14, 0, 0, 42, L4_NONE, OUR4, PEER4, 0, 0, 0, 0, 0},
	{F(udp4), 0, 0x0800, VLAN_NONE, 14, 34, 42, 85, L4_UDP, PEER4, OUR4, 40000, 7, 0, 0, 17},
	{F(udp4_partial), 0, 0x0800, VLAN_NONE, 14, 34, 42, 85, L4_UDP, PEER4, OUR4, 40000, 7, 1, 0,
	 17},
	{F(udp4_none), 18, 0x0800, VLAN_NONE, 14, 34, 42, 42, L4_UDP, PEER4, OUR4, 40000, 7, 0, 1,
	 17},
	{F(udp4_qinq_options), 0, 0x0800, 100, 22, 50, 58, 101, L4_UDP, PEER4, OUR4, 40000, 7, 0, 0,
	 17},
	{F(udp4_surplus), 7, 0x0800, VLAN_NONE, 14, 34, 42, 45, L4_UDP, PEER4, OUR4, 40000, 7, 0, 0,
	 17},
	{F(icmp), 0, 0x0800, VLAN_NONE, 14, 34, 42, 85, L4_ICMP, PEER4, OUR4, 0x800, 0x1234, 0, 0,
	 1},
	{F(icmp_zero), 0, 0x0800, VLAN_NONE, 14, 34, 42, 52, L4_ICMP, PEER4, OUR4, 0x800, 0, 0, 0,
	 1},
	{F(tcp4), 0, 0x0800, VLAN_NONE, 14, 34, 58, 59, L4_TCP, PEER4, OUR4, 40000, 22, 0, 0, 6},
	{F(udp6), 0, 0x86dd, VLAN_NONE, 14, 54, 62, 105, L4_UDP, PEER6, OUR6, 40000, 7, 0, 0, 17},
	{F(udp6_partial), 0, 0x86dd, VLAN_NONE, 14, 54, 62, 105, L4_UDP, PEER6, OUR6, 40000, 7, 1,
	 0, 17},
	{F(udp6_ext), 0, 0x86dd, VLAN_NONE, 14, 78, 86, 129, L4_UDP, PEER6, OUR6, 40000, 7, 0, 0,
	 17},
	{F(udp6_atomic), 0, 0x86dd, VLAN_NONE, 14, 62, 70, 113, L4_UDP, PEER6, OUR6, 40000, 7, 0, 0,
	 17},
	{F(tcp6_partial), 0, 0x86dd, VLAN_NONE, 14, 54, 74, 74, L4_TCP, PEER6, OUR6, 40000, 22, 1,
	 0, 6},
	{F(icmp6), 0, 0x86dd, 5, 18, 58, 66, 109, L4_ICMP6, PEER6, OUR6, 0x8000, 0x1234, 0, 0, 58},
	{F(ans_icmp6), 0, 0x86dd, 5, 18, 58, 66, 109, L4_ICMP6, OUR6, PEER6, 0x8100, 0x1234, 0, 0,
	 58},
	{F(ns_atomic), 0, 0x86dd, VLAN_NONE, 14, 62, 70, 86, L4_ICMP6, PEER6, OUR6, 0x8700, 0, 0, 0,
	 58},
	{F(ns), 0, 0x86dd, VLAN_NONE, 14, 54, 62, 86, L4_ICMP6, PEER6, "ff02::1:ff00:1", 0x8700, 0,
	 0, 0, 58},
	{F(ans_ns), 0, 0x86dd, VLAN_NONE, 14, 54, 62, 86, L4_ICMP6, OUR6, PEER6, 0x8800, 0, 0, 0,
	 58},
};

#define GOLDEN (sizeof(golden) / sizeof(golden[0]))

/* --- sums --- */

static void test_csum_reference(void **state)
{
	uint8_t data[2100];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = i < 4000 ? i % 100 : dice() % 2000, at = dice() % 8;
		uint16_t start = (uint16_t)dice(), want;
		uint8_t *guarded;

		if (i % 8)
			fill_random(data, sizeof(data));
		else
			memset(data, i % 16 ? 0xff : 0, sizeof(data));
		guarded = guard_copy(data + at, n);
		want = (uint16_t)~htons((uint16_t)book_sum(start, data + at, n));
		assert_int_equal(csum_fold(csum_add(htons(start), guarded, n)), want);
		assert_int_equal(csum_fold(csum_add(htons(start), data + at, n)), want);
	}
}

/* Every carry there is: the sum that comes in is as large as can be. */
static void test_csum_carries(void **state)
{
	uint8_t data[256];

	(void)state;
	memset(data, 0xff, sizeof(data));
	for (size_t n = 0; n <= sizeof(data); n += 2)
		assert_int_equal(csum_fold(csum_add(UINT64_MAX, data, n)), 0);
	memset(data, 0, sizeof(data));
	data[0] = 1; /* one more than zero, whatever the byte order */
	assert_int_equal(csum_fold(csum_add(UINT64_MAX, data, 2)), csum_fold(csum_add(0, data, 2)));
	assert_int_equal(csum_fold(csum_add(UINT64_MAX, data, 64)),
			 csum_fold(csum_add(0, data, 64)));
	assert_int_equal(csum_fold(0), 0xffff);
	assert_int_equal(csum_fold(0xffff), 0);
	assert_int_equal(csum_fold(UINT64_MAX), 0);
	assert_int_equal(csum_fold(0xffff0001), 0xfffe);
}

static void test_csum_pieces(void **state)
{
	uint8_t data[300];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		size_t n = dice() % sizeof(data), cut = n ? dice() % n & ~1ull : 0;
		uint64_t sum;

		fill_random(data, sizeof(data));
		sum = csum_add(csum_add(0, data, cut), data + cut, n - cut);
		assert_int_equal(csum_fold(sum), csum_fold(csum_add(0, data, n)));
	}
}

/* RFC 1624: the update gives what a full sum gives, also where eqn. 2 of RFC 1141 gets it wrong. */
static void test_csum_update(void **state)
{
	uint8_t data[40];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		size_t at = dice() % (sizeof(data) / 2) * 2;
		uint16_t from, to = (uint16_t)dice(), before;

		fill_random(data, sizeof(data));
		if (i % 4 == 0)
			memset(data, 0, sizeof(data) - 2);
		data[(at + 2) % sizeof(data)] |= 1; /* never all zero */
		before = csum_fold(csum_add(0, data, sizeof(data)));
		memcpy(&from, data + at, 2);
		if (i % 3 == 0)
			to = (uint16_t)(i % 2 ? 0 : (uint16_t)~before ^ from);
		memcpy(data + at, &to, 2);
		assert_int_equal(csum_update16(before, from, to),
				 csum_fold(csum_add(0, data, sizeof(data))));
	}
	/* The RFC's own example. */
	assert_int_equal(csum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void test_csum_l4_udp_never_zero(void **state)
{
	struct ipaddr src = addr_of(PEER4), dst = addr_of(OUR4);
	uint8_t udp[10] = {0x9c, 0x40, 0, 7, 0, 10};
	unsigned zeros = 0;

	(void)state;
	for (unsigned word = 0; word < 0x10000; word++) {
		net_put16(udp + 8, word);
		assert_int_not_equal(csum_l4(&src, &dst, 17, udp, sizeof(udp)), 0);
		zeros += csum_l4(&src, &dst, 58, udp, sizeof(udp)) == 0;
	}
	assert_int_equal(zeros, 1); /* the others do get it */
}

/* --- parse --- */

static void check_golden(const struct golden *g, const struct parsed *p)
{
	struct ipaddr src = addr_of(g->src), dst = addr_of(g->dst);

	assert_int_equal(p->ethertype, g->ethertype);
	assert_int_equal(p->vlan, g->vlan);
	assert_int_equal(p->l3, g->l3);
	assert_int_equal(p->l4, g->l4);
	assert_int_equal(p->payload, g->payload);
	assert_int_equal(p->end, g->end);
	assert_int_equal(p->proto, g->proto);
	assert_true(ipaddr_equal(&p->src, &src));
	assert_true(ipaddr_equal(&p->dst, &dst));
	assert_int_equal(p->sport, g->sport);
	assert_int_equal(p->dport, g->dport);
	assert_int_equal(p->csum_partial, g->partial);
	assert_int_equal(p->csum_none, g->none);
}

static void test_golden(void **state)
{
	struct parsed p;

	(void)state;
	for (const struct golden *g = golden; g < golden + GOLDEN; g++) {
		assert_int_equal(packet_parse(guard_copy(g->frame, g->len), g->len, &p), PARSE_OK);
		check_golden(g, &p);
	}
}

static size_t csum_at(const struct parsed *p)
{
	return (size_t)p->l4 + (p->proto == L4_UDP ? 6 : p->proto == L4_TCP ? 16 : 2);
}

/* The value that is offered for the field is right by the book, partial or not. */
static void test_golden_csum(void **state)
{
	struct parsed p;

	(void)state;
	for (const struct golden *g = golden; g < golden + GOLDEN; g++) {
		uint8_t *frame = guard_copy(g->frame, g->len);

		assert_int_equal(packet_parse(frame, g->len, &p), PARSE_OK);
		if (p.proto == L4_NONE || p.csum_none)
			continue;
		assert_int_equal(book_l4(frame, &p, g->ip_proto) == 0xffff, !g->partial);
		memcpy(frame + csum_at(&p), &p.csum, 2);
		assert_int_equal(book_l4(frame, &p, g->ip_proto), 0xffff);
		assert_int_equal(packet_parse(frame, g->len, &p), PARSE_OK);
		assert_false(p.csum_partial);
	}
}

static void test_truncated(void **state)
{
	struct parsed p;

	(void)state;
	for (const struct golden *g = golden; g < golden + GOLDEN; g++) {
		bool padded = g->frame != frame_udp4_surplus;
		size_t all = g->len - (padded ? g->padding : 0);

		for (size_t n = 0; n < g->len; n++) {
			enum parse_result r = packet_parse(guard_copy(g->frame, n), n, &p);

			if (n >= all)
				assert_int_equal(r, PARSE_OK);
			else
				assert_true(r == PARSE_SHORT || r == PARSE_LENGTH);
		}
	}
}

/* Whether a checksum, or a rule about lengths, protects this byte. */
static bool is_covered(const struct golden *g, size_t at)
{
	if (g->ethertype == 0x0806 || at < g->l3 || at >= g->end)
		return false;
	if (at >= g->l4 && g->partial)
		return at - g->l4 == (g->proto == L4_UDP ? 6 : 16);
	if (at >= g->l4)
		return !g->none;
	if (g->ethertype == 0x0800)
		return true;
	at -= g->l3;
	if (at == 6) /* with extension headers the protocol is not in here */
		return g->l4 == g->l3 + 40;
	return at == 4 || at == 5 || (at >= 8 && at < 40);
}

/* No bit may change without notice, and none leads past the end of the frame. */
static void test_bit_flips(void **state)
{
	struct parsed p;

	(void)state;
	for (const struct golden *g = golden; g < golden + GOLDEN; g++) {
		for (size_t bit = 0; bit < g->len * 8; bit++) {
			uint8_t *frame = guard_copy(g->frame, g->len);
			enum parse_result r;

			frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
			r = packet_parse(frame, g->len, &p);
			if (is_covered(g, bit / 8))
				assert_false(r == PARSE_OK && p.proto == g->proto);
			assert_true(p.end <= g->len && p.payload <= p.end && p.l4 <= p.end);
		}
	}
}

/* Two changes that make up for each other's sum: noise that gets further than a single flip. */
static void test_noise(void **state)
{
	struct parsed p;

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		const struct golden *g = &golden[dice() % GOLDEN];
		size_t n = dice() % (g->len + 1);
		uint8_t *frame = guard_copy(g->frame, n);

		for (unsigned k = 0; n && k < 1 + i % 6; k++)
			frame[dice() % n] = (uint8_t)dice();
		if (n >= 34 && frame[12] == 8 && !frame[13] && 14 + (frame[14] & 15u) * 4 <= n)
			mend_ip4(frame + 14);
		packet_parse(frame, n, &p);
		assert_true(p.end <= n && p.payload <= p.end && p.l4 <= p.end && p.l3 <= n);
	}
}

/* Parse a copy of a golden frame in which `n` bytes at `at` are others, its IPv4 header mended. */
static enum parse_result parse_edited(const uint8_t *golden_frame, size_t len, size_t at,
				      const char *bytes, size_t n, struct parsed *p)
{
	uint8_t *frame = guard_copy(golden_frame, len);

	memcpy(frame + at, bytes, n);
	if (frame[12] == 8 && frame[13] == 0 && frame[14] >= 0x45)
		mend_ip4(frame + 14);
	return packet_parse(frame, len, p);
}

#define EDITED(frame, at, bytes, want)                                                             \
	assert_int_equal(parse_edited(frame, sizeof(frame), at, bytes, sizeof(bytes) - 1, &p), want)

static void test_bad_ip4(void **state)
{
	struct parsed p;

	(void)state;
	EDITED(frame_udp4, 14, "\x55", PARSE_VERSION);
	EDITED(frame_udp4, 14, "\x44", PARSE_VERSION);
	EDITED(frame_udp4, 16, "\x00\x13", PARSE_LENGTH); /* total below the header */
	EDITED(frame_udp4, 16, "\x00\x14", PARSE_LENGTH); /* nothing left for UDP */
	EDITED(frame_udp4, 16, "\x00\x48", PARSE_LENGTH); /* one past the frame */
	EDITED(frame_udp4, 16, "\xff\xff", PARSE_LENGTH);
	EDITED(frame_udp4, 16, "\x00\x46", PARSE_LENGTH); /* UDP's length is larger */
	EDITED(frame_udp4, 20, "\x20\x00", PARSE_FRAGMENT);
	EDITED(frame_udp4, 20, "\x00\x01", PARSE_FRAGMENT);
	EDITED(frame_udp4, 20, "\x1f\xff", PARSE_FRAGMENT);
	EDITED(frame_udp4, 20, "\xc0\x00", PARSE_OK); /* reserved bit and "do not fragment" */
	EDITED(frame_udp4, 23, "\x3a", PARSE_OK);     /* ICMPv6 is no protocol of IPv4 */
	assert_int_equal(p.proto, L4_OTHER);
	assert_int_equal(p.l4, 34);
	assert_int_equal(p.payload, 0);
	EDITED(frame_udp4, 26, "\xc0\x00\x02\x03", PARSE_CHECKSUM); /* pseudo-header */
}

static void test_bad_l4(void **state)
{
	struct parsed p;

	(void)state;
	EDITED(frame_udp4, 38, "\x00\x07", PARSE_LENGTH);
	EDITED(frame_udp4, 38, "\x00\x34", PARSE_LENGTH);
	EDITED(frame_udp4, 38, "\xff\xff", PARSE_LENGTH);
	EDITED(frame_udp4, 38, "\x00\x32", PARSE_CHECKSUM); /* shorter is fair, but summed */
	EDITED(frame_udp4, 40, "\x00\x00", PARSE_OK);
	assert_true(p.csum_none);
	EDITED(frame_udp6, 60, "\x00\x00", PARSE_CHECKSUM);
	EDITED(frame_udp4_none, 38, "\x00\x07", PARSE_LENGTH);
	EDITED(frame_udp4_none, 38, "\x00\x09", PARSE_LENGTH); /* into the padding */
	EDITED(frame_tcp4, 46, "\x40", PARSE_VERSION);
	EDITED(frame_tcp4, 46, "\x70", PARSE_SHORT);
	EDITED(frame_tcp4, 46, "\x50", PARSE_CHECKSUM);
	EDITED(frame_icmp, 36, "\x00\x00", PARSE_CHECKSUM); /* no pseudo-header, no partial sum */
	EDITED(frame_icmp, 16, "\x00\x1b", PARSE_LENGTH);   /* 7 bytes of ICMP */
}

static void test_bad_ip6(void **state)
{
	struct parsed p;

	(void)state;
	EDITED(frame_udp6, 14, "\x70", PARSE_VERSION);
	EDITED(frame_udp6, 18, "\x00\x34", PARSE_LENGTH);
	EDITED(frame_udp6, 18, "\xff\xff", PARSE_LENGTH);
	EDITED(frame_udp6, 18, "\x00\x00", PARSE_LENGTH);
	EDITED(frame_udp6, 20, "\x3b", PARSE_OK); /* no next header */
	assert_int_equal(p.proto, L4_NONE);
	assert_int_equal(p.l4, 0);
	EDITED(frame_udp6, 20, "\x01", PARSE_OK); /* ICMP is no protocol of IPv6 */
	assert_int_equal(p.proto, L4_OTHER);
	for (const char *type = "\x32\x33\x87"; *type; type++) { /* ESP, AH, mobility */
		assert_int_equal(
			parse_edited(frame_udp6_ext, sizeof(frame_udp6_ext), 20, type, 1, &p),
			PARSE_OK);
		assert_int_equal(p.proto, L4_OTHER);
	}
}

static void test_ext_headers(void **state)
{
	struct parsed p;

	(void)state;
	EDITED(frame_udp6_ext, 55, "\x09", PARSE_SHORT);
	EDITED(frame_udp6_ext, 71, "\x07", PARSE_SHORT);
	EDITED(frame_udp6_ext, 55, "\xff", PARSE_SHORT);
	EDITED(frame_udp6_ext, 18, "\x00\x0f", PARSE_LENGTH); /* ends inside the second */
	EDITED(frame_udp6_ext, 54, "\x00", PARSE_OK);         /* hop-by-hop must come first */
	assert_int_equal(p.proto, L4_OTHER);
	assert_int_equal(p.l4, 70);
	EDITED(frame_udp6_ext, 20, "\x2b", PARSE_OK); /* routing, segments left */
	assert_int_equal(p.proto, L4_OTHER);
	{
		uint8_t *frame = guard_copy(frame_udp6_ext, sizeof(frame_udp6_ext));

		frame[20] = 43; /* routing, at its destination */
		frame[57] = 0;
		assert_int_equal(packet_parse(frame, sizeof(frame_udp6_ext), &p), PARSE_OK);
		assert_int_equal(p.proto, L4_UDP);
	}
	EDITED(frame_udp6_atomic, 56, "\x00\x01", PARSE_FRAGMENT);
	EDITED(frame_udp6_atomic, 56, "\x00\x08", PARSE_FRAGMENT);
	EDITED(frame_udp6_atomic, 56, "\x80\x00", PARSE_FRAGMENT);
	EDITED(frame_udp6_atomic, 56, "\x00\x06", PARSE_OK); /* reserved bits */
}

static void test_other(void **state)
{
	uint8_t *big = calloc(1, 65536), *frame;
	struct parsed p;

	(void)state;
	EDITED(frame_udp4, 12, "\x08\x01", PARSE_OTHER);
	EDITED(frame_udp4, 12, "\x00\x20", PARSE_OTHER); /* LLC */
	EDITED(frame_arp, 14, "\x00\x06", PARSE_OTHER);
	EDITED(frame_arp, 16, "\x86\xdd", PARSE_OTHER);
	EDITED(frame_arp, 18, "\x08", PARSE_LENGTH);
	EDITED(frame_arp, 19, "\x10", PARSE_LENGTH);
	assert_non_null(big);
	frame = guard_copy(big, 65536);
	memcpy(frame, frame_arp, 42);
	assert_int_equal(packet_parse(frame, 65535, &p), PARSE_OK);
	assert_int_equal(packet_parse(frame, 65536, &p), PARSE_LENGTH);
	free(big);
}

/* A third tag is not looked behind, even if there is a good packet. */
static void test_tags(void **state)
{
	size_t len = sizeof(frame_udp4_qinq_options);
	uint8_t frame[sizeof(frame_udp4_qinq_options) + 4];
	struct parsed p;

	(void)state;
	memcpy(frame, frame_udp4_qinq_options, 16);
	memcpy(frame + 16, frame_udp4_qinq_options + 12, len - 12);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(packet_parse(frame, sizeof(frame), &p), PARSE_OTHER);
		assert_int_equal(p.vlan, 100);
		assert_int_equal(p.l4, 0);
		net_put16(frame + 16, 0x8100);
	}
	memcpy(frame, frame_udp4_qinq_options, 12);
	net_put16(frame + 12, 0x9100); /* of old, no standard's */
	assert_int_equal(packet_parse(frame, sizeof(frame), &p), PARSE_OTHER);
	assert_int_equal(p.vlan, VLAN_NONE);
}

/* The frame itself ends inside a header: that is short, not a matter of lengths. */
static void test_short_l4(void **state)
{
	static const struct {
		const uint8_t *frame;
		size_t l4, need;
	} cases[] = {{frame_udp4, 34, 8},     {frame_icmp, 34, 8}, {frame_tcp4, 34, 24},
		     {frame_udp6, 54, 8},     {frame_ns, 54, 8},   {frame_tcp6_partial, 54, 20},
		     {frame_udp6_ext, 54, 16}};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t n = cases[i].l4; n < cases[i].l4 + cases[i].need; n++) {
			uint8_t *frame = guard_copy(cases[i].frame, n);

			net_put16(frame + (frame[12] == 8 ? 16 : 18),
				  (unsigned)(n - (frame[12] == 8 ? 14 : 54)));
			if (frame[12] == 8)
				mend_ip4(frame + 14);
			assert_int_equal(packet_parse(frame, n, &p), PARSE_SHORT);
		}
}

/* One payload in 65536 makes the right checksum equal to the bare pseudo-header sum. */
static void test_partial_by_chance(void **state)
{
	struct frame_spec spec = {.vlan = VLAN_NONE,
				  .src = addr_of(PEER4),
				  .dst = addr_of(OUR4),
				  .proto = L4_UDP,
				  .sport = 40000,
				  .dport = 7,
				  .size = 44};
	uint8_t frame[44], word[2];
	unsigned hits = 0;
	struct parsed p;

	(void)state;
	for (unsigned i = 0; i < 0x10000; i++) {
		uint32_t bare = book_sum(17 + 10, (const uint8_t *)"\xc0\0\2\2\xc0\0\2\1", 8);

		net_put16(word, i);
		assert_int_equal(frame_build(&spec, word, frame), 0);
		hits += net_get16(frame + 40) == bare;
		assert_int_equal(packet_parse(frame, sizeof(frame), &p), PARSE_OK);
		assert_false(p.csum_partial);
	}
	assert_int_equal(hits, 1);
}

/* --- build --- */

static struct frame_spec spec_of(enum l4 proto, bool v6, uint16_t vlan, size_t size)
{
	struct frame_spec spec = {
		.dst_mac = mac_of(OUR_MAC),
		.src_mac = mac_of(PEER_MAC),
		.vlan = vlan,
		.src = addr_of(v6 ? PEER6 : PEER4),
		.dst = addr_of(v6 ? OUR6 : OUR4),
		.proto = proto,
		.sport = 40000,
		.dport = 7,
		.size = size,
	};

	if (proto != L4_UDP) {
		spec.sport = 1;
		spec.dport = 0x1234;
	}
	return spec;
}

static void check_built(const uint8_t *want, size_t size, enum l4 proto, bool v6, uint16_t vlan)
{
	struct frame_spec spec = spec_of(proto, v6, vlan, size);
	uint8_t out[256];

	assert_int_equal(frame_build(&spec, want + frame_min(&spec), out), 0);
	if (v6)
		memcpy(out + (vlan == VLAN_NONE ? 14 : 18), want + (vlan == VLAN_NONE ? 14 : 18),
		       4); /* the flow label */
	assert_memory_equal(out, want, size);
}

static void test_build_golden(void **state)
{
	(void)state;
	check_built(frame_udp4, sizeof(frame_udp4), L4_UDP, false, VLAN_NONE);
	check_built(frame_icmp, sizeof(frame_icmp), L4_ICMP, false, VLAN_NONE);
	check_built(frame_udp6, sizeof(frame_udp6), L4_UDP, true, VLAN_NONE);
	check_built(frame_icmp6, sizeof(frame_icmp6), L4_ICMP6, true, 5);
}

static void check_round_trip(const struct frame_spec *spec, const uint8_t *payload)
{
	static uint8_t junk[65536];
	static const uint8_t zero[65536];
	size_t min = frame_min(spec);
	uint8_t *frame = guard_copy(memset(junk, 0xaa, spec->size), spec->size);
	bool udp = spec->proto == L4_UDP, v4 = spec->src.family == 4;
	struct parsed p;

	assert_int_equal(frame_build(spec, payload, frame), 0);
	assert_int_equal(packet_parse(frame, spec->size, &p), PARSE_OK);
	assert_memory_equal(frame, spec->dst_mac.b, 6);
	assert_memory_equal(frame + 6, spec->src_mac.b, 6);
	assert_int_equal(p.vlan, spec->vlan);
	assert_int_equal(p.proto, spec->proto);
	assert_true(ipaddr_equal(&p.src, &spec->src) && ipaddr_equal(&p.dst, &spec->dst));
	assert_int_equal(p.sport, udp ? spec->sport : v4 ? 0x800 : 0x8000);
	assert_int_equal(p.dport, spec->dport);
	assert_int_equal(p.payload, min);
	assert_int_equal(p.end, spec->size);
	assert_int_equal(p.csum_none, udp && v4 && spec->no_csum);
	assert_memory_equal(frame + min, payload ? payload : zero, spec->size - min);
	if (!p.csum_none)
		assert_int_equal(book_l4(frame, &p, udp ? 17 : v4 ? 1 : 58), 0xffff);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {1514, 4096, 9014, 65534, 65535};
	static const uint16_t vlans[] = {VLAN_NONE, 0, 5, 0xefff};
	static uint8_t payload[65536];

	(void)state;
	fill_random(payload, sizeof(payload));
	for (unsigned i = 0; i < 32; i++) {
		bool v6 = i & 1, echo = i & 2;
		enum l4 proto = !echo ? L4_UDP : v6 ? L4_ICMP6 : L4_ICMP;
		struct frame_spec spec = spec_of(proto, v6, vlans[i >> 2 & 3], 0);
		size_t min = frame_min(&spec);

		spec.no_csum = i & 16;
		assert_int_equal(min, (spec.vlan == VLAN_NONE ? 14 : 18) + (v6 ? 40 : 20) + 8);
		for (spec.size = min; spec.size < min + 70; spec.size++) {
			check_round_trip(&spec, payload);
			check_round_trip(&spec, NULL);
		}
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			spec.size = sizes[k];
			check_round_trip(&spec, payload);
		}
	}
}

static void test_build_refused(void **state)
{
	struct frame_spec spec = spec_of(L4_UDP, false, VLAN_NONE, 41);
	uint8_t out[64];

	(void)state;
	assert_int_equal(frame_build(&spec, NULL, out), -EINVAL);
	spec.size = 65536;
	assert_int_equal(frame_build(&spec, NULL, out), -EINVAL);
	spec.size = 64;
	assert_int_equal(frame_build(&spec, NULL, out), 0);
	spec.proto = L4_TCP;
	assert_int_equal(frame_build(&spec, NULL, out), -EINVAL);
	spec.proto = L4_ICMP6;
	assert_int_equal(frame_build(&spec, NULL, out), -EINVAL);
	spec.proto = L4_UDP;
	spec.dst = addr_of(OUR6);
	assert_int_equal(frame_build(&spec, NULL, out), -EINVAL);
	assert_int_equal(frame_min(&spec), 0);
	spec.src = addr_of(PEER6);
	spec.proto = L4_ICMP;
	assert_int_equal(frame_min(&spec), 0);
	spec.src.family = spec.dst.family = 0;
	spec.proto = L4_UDP;
	assert_int_equal(frame_min(&spec), 0);
}

/* --- text --- */

static void test_ip_text(void **state)
{
	static const char *const good[] = {"0.0.0.0",     "192.0.2.1",     "255.255.255.255", "::",
					   "2001:db8::1", "fe80::1:2:3:4", "::ffff:192.0.2.1"};
	static const char *const bad[] = {
		"",         "1.2.3",          "1.2.3.4.5",    "256.1.1.1", "1.2.3.4/24",
		" 1.2.3.4", "2001:db8::1::2", "fe80::1%eth0", "host"};
	struct ipaddr addr;
	char text[46];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(ipaddr_parse(good[i], &addr), 0);
		assert_string_equal(ipaddr_text(&addr, text), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ipaddr_parse(bad[i], &addr), -EINVAL);
		assert_string_equal(ipaddr_text(&addr, text), "none");
	}
}

static void test_mac_text(void **state)
{
	static const char *const bad[] = {"",
					  "02:00:5e:10:00",
					  "02:00:5e:10:00:0",
					  "02:00:5e:10:00:01:",
					  "02:00:5e:10:00:01:02",
					  "02-00-5e-10-00-01",
					  "0g:00:5e:10:00:01",
					  "2:0:5e:10:0:1",
					  "02:00:5e:10:00:01 "};
	struct macaddr mac = {{1, 2, 3, 4, 5, 6}}, before = mac;
	char text[18];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(macaddr_parse(bad[i], &mac), -EINVAL);
		assert_memory_equal(&mac, &before, sizeof(mac));
	}
	assert_int_equal(macaddr_parse("aB:Cd:ef:09:00:ff", &mac), 0);
	assert_string_equal(macaddr_text(&mac, text), "ab:cd:ef:09:00:ff");
}

static void test_ip_kinds(void **state)
{
	static const struct {
		const char *text;
		bool multicast;
	} kinds[] = {{"223.255.255.255", false}, {"224.0.0.0", true}, {"239.255.255.255", true},
		     {"240.0.0.0", false},       {"ff02::1", true},   {"fe80::1", false},
		     {"e000::1", false}};
	struct ipaddr a = addr_of("1.2.3.4"), b = addr_of("102:304::");

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct ipaddr addr = addr_of(kinds[i].text);

		assert_int_equal(ipaddr_is_multicast(&addr), kinds[i].multicast);
	}
	assert_false(ipaddr_equal(&a, &b)); /* the same first 4 bytes */
	b = addr_of("1.2.3.5");
	assert_false(ipaddr_equal(&a, &b));
	b = a;
	b.b[4] = 9; /* behind an IPv4 address lies nothing */
	assert_true(ipaddr_equal(&a, &b));
	a = addr_of("2001:db8::1");
	b = addr_of("2001:db8::2");
	assert_false(ipaddr_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csum_reference),
		cmocka_unit_test(test_csum_carries),
		cmocka_unit_test(test_csum_pieces),
		cmocka_unit_test(test_csum_update),
		cmocka_unit_test(test_csum_l4_udp_never_zero),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_csum),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_bad_ip4),
		cmocka_unit_test(test_bad_l4),
		cmocka_unit_test(test_bad_ip6),
		cmocka_unit_test(test_ext_headers),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_short_l4),
		cmocka_unit_test(test_partial_by_chance),
		cmocka_unit_test(test_build_golden),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_build_refused),
		cmocka_unit_test(test_ip_text),
		cmocka_unit_test(test_mac_text),
		cmocka_unit_test(test_ip_kinds),
	};

	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
