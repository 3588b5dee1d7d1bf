/* SPDX-License-Identifier: BSD-2-Clause */
/* The echo server answers what it should, byte for byte, and nothing else; no answer is answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "answer.h"
#include "frame_util.h"
#include "frames.h"
#include "neigh.h"

enum { CAP = 2048 };

static struct ipaddr ours[3], peers[3];
static struct answer server;
static uint8_t buf[CAP];
static uint32_t buf_len;

static int setup(void **state)
{
	(void)state;
	ours[0] = addr_of("198.51.100.1"); /* the right one is not the first */
	ours[1] = addr_of(OUR4);
	ours[2] = addr_of(OUR6);
	peers[0] = addr_of("198.51.100.2");
	peers[1] = addr_of(PEER4);
	peers[2] = addr_of(PEER6);
	server = (struct answer){.mac = mac_of(OUR_MAC), .ips = ours, .count = 3};
	return 0;
}

static void take(const uint8_t *frame, size_t len)
{
	memset(buf, 0xaa, sizeof(buf));
	memcpy(buf, frame, len);
	buf_len = (uint32_t)len;
}

/* Every frame is counted exactly once. */
static uint64_t counted(const struct answer *a)
{
	return a->arp + a->nd + a->icmp + a->icmp6 + a->udp + a->malformed_short +
	       a->malformed_length + a->malformed_version + a->malformed_checksum +
	       a->malformed_fragment + a->refused_source_port7 + a->refused_broadcast +
	       a->refused_multicast + a->refused_own_address + a->refused_not_ours +
	       a->refused_other;
}

/* Let the server see the frame in buf: *counter, and no other, goes up by one. */
static enum answer_verdict ask(uint64_t *counter)
{
	uint64_t before = *counter, all = counted(&server);
	enum answer_verdict verdict = answer_frame(&server, buf, &buf_len, CAP);

	assert_int_equal(*counter, before + 1);
	assert_int_equal(counted(&server), all + 1);
	return verdict;
}

static void check_dropped(uint64_t *counter)
{
	uint8_t before[CAP];
	uint32_t len = buf_len;

	memcpy(before, buf, CAP);
	assert_int_equal(ask(counter), ANSWER_DROP);
	assert_memory_equal(buf, before, CAP);
	assert_int_equal(buf_len, len);
}

/* --- golden answers --- */

/* What whoever gets the answer in buf, if it were an echo server too, would make of it: nothing. */
static void check_no_loop(void)
{
	struct answer peer = {.ips = peers, .count = 3};
	uint32_t len = buf_len;
	struct parsed p;

	assert_int_equal(packet_parse(buf, len, &p), PARSE_OK);
	memcpy(peer.mac.b, buf, 6);
	peers[0] = p.dst;
	assert_int_equal(answer_frame(&peer, buf, &len, CAP), ANSWER_DROP);
	assert_int_equal(peer.refused_other + peer.refused_source_port7 + peer.refused_multicast,
			 1);
	assert_int_equal(answer_frame(&server, buf, &len, CAP), ANSWER_DROP);
}

static void check_answer(const uint8_t *request, size_t len, const uint8_t *answer, size_t size,
			 uint64_t *counter)
{
	setup(NULL);
	take(request, len);
	assert_int_equal(ask(counter), ANSWER_SEND);
	assert_int_equal(buf_len, size);
	assert_memory_equal(buf, answer, size);
	for (size_t i = len > size ? len : size; i < CAP; i++)
		assert_int_equal(buf[i], 0xaa); /* nothing behind it is touched */
	check_no_loop();
}

#define ANSWERED(x, counter)                                                                       \
	check_answer(frame_##x, sizeof(frame_##x), frame_ans_##x, sizeof(frame_ans_##x),           \
		     &server.counter)

static void test_golden(void **state)
{
	(void)state;
	ANSWERED(arp, arp);
	ANSWERED(arp_probe, arp);
	ANSWERED(udp4, udp);
	assert_int_equal(server.csum_partial, 0);
	ANSWERED(udp4_partial, udp);
	assert_int_equal(server.csum_partial, 1);
	ANSWERED(udp4_none, udp);
	ANSWERED(udp4_qinq_options, udp);
	ANSWERED(icmp, icmp);
	ANSWERED(icmp_zero, icmp);
	ANSWERED(udp6, udp);
	ANSWERED(udp6_partial, udp);
	ANSWERED(icmp6, icmp6);
	ANSWERED(ns, nd);
	ANSWERED(ns_unicast, nd);
	ANSWERED(ns_probe, nd);
}

static void test_golden_not_answered(void **state)
{
	(void)state;
	take(frame_tcp4, sizeof(frame_tcp4));
	check_dropped(&server.refused_other);
	take(frame_tcp6_partial, sizeof(frame_tcp6_partial));
	check_dropped(&server.refused_other);
	assert_int_equal(server.csum_partial, 1);
	take(frame_udp6_ext, sizeof(frame_udp6_ext));
	check_dropped(&server.refused_other);
	take(frame_udp6_atomic, sizeof(frame_udp6_atomic));
	check_dropped(&server.refused_other);
	take(frame_ns_atomic, sizeof(frame_ns_atomic)); /* RFC 6980 */
	check_dropped(&server.refused_other);
}

/* The surplus behind UDP's length goes back as it came. */
static void test_surplus(void **state)
{
	(void)state;
	take(frame_udp4_surplus, sizeof(frame_udp4_surplus));
	assert_int_equal(ask(&server.udp), ANSWER_SEND);
	assert_memory_equal(buf + 42, "abcsurplus", 10);
}

/* A partial sum's answer is the full sum's answer, at every size, also where the sum comes to 0. */
static void test_partial_sizes(void **state)
{
	struct frame_spec spec = {.dst_mac = mac_of(OUR_MAC),
				  .src_mac = mac_of(PEER_MAC),
				  .vlan = VLAN_NONE,
				  .src = addr_of(PEER4),
				  .dst = addr_of(OUR4),
				  .proto = L4_UDP,
				  .sport = 40000,
				  .dport = 7};
	uint8_t frame[1514], payload[1514];
	uint32_t bare;

	(void)state;
	for (unsigned i = 0; i < 70000; i++) {
		spec.size = i < 65536 ? 44 : 42 + i % 1473;
		fill_random(payload, i < 65536 ? 2 : sizeof(payload));
		if (i < 65536)
			net_put16(payload, i);
		assert_int_equal(frame_build(&spec, payload, frame), 0);
		take(frame, spec.size);
		assert_int_equal(ask(&server.udp), ANSWER_SEND);
		memcpy(frame, buf, spec.size); /* the full sum's answer */
		bare = book_sum(17 + (uint32_t)(spec.size - 34), frame + 26, 8);
		assert_int_equal(frame_build(&spec, payload, buf), 0);
		net_put16(buf + 40, bare);
		assert_int_equal(ask(&server.udp), ANSWER_SEND);
		assert_memory_equal(buf, frame, spec.size);
	}
}

/* ICMP's checksum is updated, not computed: every value it can have. */
static void test_icmp_all_sums(void **state)
{
	uint8_t frame[44];
	struct parsed p;

	(void)state;
	for (unsigned i = 0; i < 0x20000; i++) {
		uint32_t sum;

		memcpy(frame, frame_icmp_zero, sizeof(frame));
		net_put16(frame + 16, 30);
		mend_ip4(frame + 14);
		net_put16(frame + 42, i);
		net_put16(frame + 36, 0);
		sum = book_sum(0, frame + 34, 10);
		if (sum == 0xffff && i >= 0x10000)
			sum = 0; /* 0xffff on the wire: the other zero */
		net_put16(frame + 36, ~sum);
		take(frame, sizeof(frame));
		assert_int_equal(ask(&server.icmp), ANSWER_SEND);
		assert_int_equal(packet_parse(buf, buf_len, &p), PARSE_OK);
		net_put16(frame + 34, 0);
		net_put16(frame + 36, 0);
		assert_int_equal(net_get16(buf + 36), (uint16_t)~book_sum(0, frame + 34, 10));
	}
}

/* --- refusals --- */

/* Sums of an edited frame, by the book. */
static void mend(uint8_t *frame)
{
	struct parsed p;
	uint16_t csum;
	size_t at;

	if (frame[12] == 8 && frame[13] == 0)
		mend_ip4(frame + 14);
	packet_parse(frame, buf_len, &p);
	if (p.proto == L4_NONE || p.proto == L4_OTHER || p.csum_none)
		return;
	at = (size_t)p.l4 + (p.proto == L4_UDP ? 6 : 2);
	net_put16(frame + at, 0);
	csum = (uint16_t)~book_l4(frame, &p, p.proto == L4_UDP ? 17 : p.proto == L4_ICMP ? 1 : 58);
	net_put16(frame + at, csum);
}

static void edit(const uint8_t *frame, size_t len, size_t at, const char *bytes, size_t n)
{
	take(frame, len);
	memcpy(buf + at, bytes, n);
	mend(buf);
}

#define EDITED(frame, at, bytes, counter)                                                          \
	(edit(frame_##frame, sizeof(frame_##frame), at, bytes, sizeof(bytes) - 1),                 \
	 check_dropped(&server.counter))

#define STILL_ANSWERED(frame, at, bytes, counter)                                                  \
	(edit(frame_##frame, sizeof(frame_##frame), at, bytes, sizeof(bytes) - 1),                 \
	 assert_int_equal(ask(&server.counter), ANSWER_SEND))

static void test_refused_mac(void **state)
{
	(void)state;
	EDITED(udp4, 0, "\x02\x00\x5e\x10\x00\x03", refused_not_ours);
	EDITED(udp4, 0, "\xff\xff\xff\xff\xff\xff", refused_broadcast);
	EDITED(udp4, 0, "\x01\x00\x5e\x00\x00\x01", refused_multicast);
	EDITED(udp4, 6, "\x02\x00\x5e\x10\x00\x01", refused_own_address);
	EDITED(udp4, 6, "\xff\xff\xff\xff\xff\xff", refused_broadcast);
	EDITED(udp4, 6, "\x01\x00\x5e\x00\x00\x01", refused_multicast);
	EDITED(udp4, 6, "\x00\x00\x00\x00\x00\x00", refused_other);
	EDITED(icmp, 0, "\xff\xff\xff\xff\xff\xff", refused_broadcast);
	EDITED(udp6, 0, "\x33\x33\x00\x00\x00\x01", refused_multicast);
}

static void test_refused_ip4(void **state)
{
	(void)state;
	EDITED(udp4, 30, "\xc0\x00\x02\x03", refused_not_ours);
	EDITED(udp4, 30, "\xff\xff\xff\xff", refused_broadcast);
	EDITED(udp4, 30, "\xe0\x00\x00\x01", refused_multicast);
	EDITED(icmp, 30, "\xe0\x00\x00\x01", refused_multicast);
	EDITED(udp4, 26, "\xc0\x00\x02\x01", refused_own_address);
	EDITED(udp4, 26, "\xc6\x33\x64\x01", refused_own_address);
	EDITED(udp4, 26, "\xff\xff\xff\xff", refused_broadcast);
	EDITED(udp4, 26, "\xe0\x00\x00\x01", refused_multicast);
	EDITED(udp4, 26, "\x00\x00\x00\x00", refused_other);
	EDITED(udp4, 26, "\x00\x01\x02\x03", refused_other);
	EDITED(udp4, 26, "\x7f\x00\x00\x01", refused_other);
}

static void test_refused_ip6(void **state)
{
	(void)state;
	EDITED(udp6, 53, "\x09", refused_not_ours);
	EDITED(udp6, 38, "\xff\x02", refused_multicast);
	EDITED(udp6, 37, "\x01", refused_own_address);
	EDITED(udp6, 22, "\xff\x02", refused_multicast);
	EDITED(udp6, 22, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", refused_other);
	EDITED(udp6, 22, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", refused_other);
	STILL_ANSWERED(udp6, 22, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", udp);
}

static void test_refused_ports(void **state)
{
	(void)state;
	EDITED(udp4, 34, "\x00\x07", refused_source_port7);
	EDITED(udp6, 54, "\x00\x07", refused_source_port7);
	EDITED(udp4, 36, "\x00\x08", refused_other);
	EDITED(udp4, 36, "\x07\x00", refused_other);
	EDITED(udp4, 34, "\x00\x00", refused_other);
	EDITED(udp4, 34, "\x00\x0d", refused_other);
	EDITED(udp4, 34, "\x00\x11", refused_other);
	EDITED(udp4, 34, "\x00\x13", refused_other);
	EDITED(udp4, 34, "\x00\x25", refused_other);
	STILL_ANSWERED(udp4, 34, "\x07\x00", udp);
	STILL_ANSWERED(udp4, 34, "\x00\x08", udp);
	STILL_ANSWERED(udp4, 34, "\x00\x53", udp); /* 19 + 64 */
	STILL_ANSWERED(udp4, 34, "\xff\xff", udp);
}

static void test_refused_icmp(void **state)
{
	(void)state;
	EDITED(icmp, 34, "\x00", refused_other);     /* a reply */
	EDITED(icmp, 34, "\x08\x01", refused_other); /* code */
	EDITED(icmp, 34, "\x0d", refused_other);     /* timestamp */
	EDITED(icmp, 34, "\x03\x03", refused_other); /* an error */
	EDITED(icmp6, 58, "\x81", refused_other);
	EDITED(icmp6, 58, "\x80\x01", refused_other);
	EDITED(icmp6, 58, "\x88", refused_other);
	EDITED(icmp6, 58, "\x01", refused_other);
	STILL_ANSWERED(icmp, 38, "\xff\xff", icmp);
}

static void test_refused_arp(void **state)
{
	(void)state;
	EDITED(arp, 20, "\x00\x02", refused_other);                       /* a reply */
	EDITED(arp, 38, "\xc0\x00\x02\x02", refused_not_ours);            /* about itself */
	EDITED(arp, 28, "\xc0\x00\x02\x01", refused_own_address);         /* claims to be us */
	EDITED(arp, 22, "\x02\x00\x5e\x10\x00\x01", refused_own_address); /* the same */
	EDITED(arp, 6, "\x02\x00\x5e\x10\x00\x01", refused_own_address);
	EDITED(arp, 22, "\xff\xff\xff\xff\xff\xff", refused_broadcast);
	EDITED(arp, 22, "\x03", refused_multicast);
	EDITED(arp, 22, "\0\0\0\0\0\0", refused_other);
	EDITED(arp, 28, "\xff\xff\xff\xff", refused_broadcast);
	EDITED(arp, 28, "\xe0\x00\x00\x01", refused_multicast);
	EDITED(arp, 28, "\x7f\x00\x00\x01", refused_other);
	EDITED(arp, 0, "\x01\x00\x5e\x00\x00\x01", refused_multicast);
	EDITED(arp, 0, "\x02\x00\x5e\x10\x00\x03", refused_not_ours);
	EDITED(arp, 14, "\x00\x06", refused_other);
	EDITED(arp, 18, "\x08", malformed_length);
	STILL_ANSWERED(arp, 0, "\x02\x00\x5e\x10\x00\x01", arp);
}

static void test_refused_ns(void **state)
{
	(void)state;
	EDITED(ns, 21, "\xfe", refused_other);
	EDITED(ns, 55, "\x01", refused_multicast); /* code: none of ours, and to a group */
	EDITED(ns_unicast, 55, "\x01", refused_other);
	EDITED(ns, 77, "\x09", refused_not_ours);  /* another target of the same form */
	EDITED(ns, 79, "\x00", malformed_length);  /* option of no length */
	EDITED(ns, 79, "\x02", malformed_length);  /* past the end */
	EDITED(ns, 80, "\x03", refused_multicast); /* link-layer address of a group */
	EDITED(ns, 80, "\x02\x00\x5e\x10\x00\x01", refused_own_address);
	EDITED(ns, 37, "\x01", refused_own_address);
	EDITED(ns, 22, "\xff\x02", refused_multicast);
	EDITED(ns, 53, "\x02", refused_multicast); /* another group */
	EDITED(ns, 0, "\x33\x33\xff\x00\x00\x02", refused_multicast);
	EDITED(ns, 0, "\xff\xff\xff\xff\xff\xff", refused_broadcast);
	EDITED(ns, 0, "\x02\x00\x5e\x10\x00\x03", refused_not_ours);
	EDITED(ns, 22, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", refused_other); /* probe, option */
	EDITED(ns_unicast, 22, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", refused_other);
	EDITED(ns_unicast, 0, "\x33\x33\xff\x00\x00\x01", refused_multicast);
	EDITED(ns_unicast, 53, "\x09", refused_not_ours);
	STILL_ANSWERED(ns, 0, "\x02\x00\x5e\x10\x00\x01", nd);
	STILL_ANSWERED(ns, 78, "\x05", nd); /* an option nobody knows */
}

static void test_ns_too_short(void **state)
{
	(void)state;
	take(frame_ns_unicast, sizeof(frame_ns_unicast));
	net_put16(buf + 18, 23);
	mend(buf);
	check_dropped(&server.malformed_short);
}

/* The answer goes to the MAC in the option, not to the frame's source. */
static void test_ns_option_wins(void **state)
{
	(void)state;
	edit(frame_ns, sizeof(frame_ns), 80, "\x02\x22\x22\x22\x22\x22", 6);
	assert_int_equal(ask(&server.nd), ANSWER_SEND);
	assert_memory_equal(buf, "\x02\x22\x22\x22\x22\x22", 6);
}

static void test_ns_room(void **state)
{
	uint32_t len = sizeof(frame_ns_unicast);
	uint8_t *frame;

	(void)state;
	for (uint32_t cap = len; cap < len + 8; cap++) {
		frame = guard_copy(frame_ns, cap);
		memcpy(frame, frame_ns_unicast, len);
		assert_int_equal(answer_frame(&server, frame, &len, cap), ANSWER_DROP);
		assert_memory_equal(frame, frame_ns_unicast, len);
		assert_int_equal(len, sizeof(frame_ns_unicast));
	}
	assert_int_equal(server.refused_other, 8);
	frame = guard_copy(frame_ns, sizeof(frame_ns));
	memcpy(frame, frame_ns_unicast, len);
	assert_int_equal(answer_frame(&server, frame, &len, len + 8), ANSWER_SEND);
	assert_int_equal(len, sizeof(frame_ans_ns_unicast));
	assert_memory_equal(frame, frame_ans_ns_unicast, len);
}

static void test_ip4_options(void **state)
{
	size_t len = sizeof(frame_udp4_qinq_options);
	static const struct {
		const char *options;
		int refused; /* 0: answered, 1: source route, 2: malformed */
	} cases[] = {
		{"\x07\x07\x04\xc0\x00\x02\x09\x00", 0}, {"\x01\x01\x01\x01\x01\x01\x01\x01", 0},
		{"\x00\x83\x83\x83\x83\x83\x83\x83", 0}, {"\x83\x07\x04\xc0\x00\x02\x09\x00", 1},
		{"\x01\x89\x07\x08\xc0\x00\x02\x09", 1}, {"\x07\x00\x04\xc0\x00\x02\x09\x00", 2},
		{"\x07\x01\x00\x00\x00\x00\x00\x00", 2}, {"\x07\x09\x04\xc0\x00\x02\x09\x00", 2},
		{"\x01\x01\x01\x01\x01\x01\x01\x44", 2}, {"\x44\x06\x00\x00\x00\x00\x94\x02", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		take(frame_udp4_qinq_options, len);
		memcpy(buf + 42, cases[i].options, 8);
		mend_ip4(buf + 22);
		if (cases[i].refused)
			check_dropped(cases[i].refused == 1 ? &server.refused_other
							    : &server.malformed_length);
		else
			assert_int_equal(ask(&server.udp), ANSWER_SEND);
	}
}

/* An option's length would lie behind the frame. */
static void test_ip4_option_cut(void **state)
{
	uint8_t *frame = guard_copy(frame_udp4_qinq_options, 50);
	uint32_t len = 50;

	(void)state;
	memcpy(frame + 42, "\x01\x01\x01\x01\x01\x01\x01\x44", 8);
	net_put16(frame + 24, 28);
	frame[31] = 99; /* a protocol without a header */
	mend_ip4(frame + 22);
	assert_int_equal(answer_frame(&server, frame, &len, len), ANSWER_DROP);
	assert_int_equal(server.malformed_length, 1);
}

static void test_malformed(void **state)
{
	(void)state;
	take(frame_udp4, 13);
	check_dropped(&server.malformed_short);
	EDITED(udp4, 14, "\x65", malformed_version);
	EDITED(udp4, 20, "\x20\x00", malformed_fragment);
	EDITED(udp4, 20, "\x00\x01", malformed_fragment);
	EDITED(udp4, 12, "\x88\xcc", refused_other);
	take(frame_udp4, sizeof(frame_udp4) - 1);
	check_dropped(&server.malformed_length);
	take(frame_udp4, sizeof(frame_udp4));
	buf[50] ^= 1;
	check_dropped(&server.malformed_checksum);
	take(frame_udp6, sizeof(frame_udp6));
	net_put16(buf + 60, 0);
	check_dropped(&server.malformed_checksum);
}

/* --- everything cut and flipped --- */

static const struct {
	const uint8_t *frame;
	size_t len;
} all[] = {
	{frame_arp, sizeof(frame_arp)},
	{frame_udp4, sizeof(frame_udp4)},
	{frame_udp4_partial, sizeof(frame_udp4_partial)},
	{frame_udp4_qinq_options, sizeof(frame_udp4_qinq_options)},
	{frame_icmp, sizeof(frame_icmp)},
	{frame_udp6, sizeof(frame_udp6)},
	{frame_icmp6, sizeof(frame_icmp6)},
	{frame_ns, sizeof(frame_ns)},
	{frame_ns_probe, sizeof(frame_ns_probe)},
};

/* The frame in guarded memory: an answer, if there is one, is well-formed and not answered. */
static enum answer_verdict check_guarded(uint8_t *frame, size_t n)
{
	uint32_t len = (uint32_t)n;
	enum answer_verdict verdict = answer_frame(&server, frame, &len, len);
	struct parsed p;

	if (verdict == ANSWER_DROP)
		return verdict;
	assert_true(len <= n);
	assert_int_equal(packet_parse(frame, len, &p), PARSE_OK);
	assert_false(p.csum_partial);
	take(frame, len);
	check_no_loop();
	return verdict;
}

static void test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t n = 0; n < all[i].len; n++)
			assert_int_equal(check_guarded(guard_copy(all[i].frame, n), n),
					 all[i].frame == frame_arp && n >= 42 ? ANSWER_SEND
									      : ANSWER_DROP);
}

static void test_bit_flips(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t bit = 0; bit < all[i].len * 8; bit++) {
			uint8_t *frame = guard_copy(all[i].frame, all[i].len);

			frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
			check_guarded(frame, all[i].len);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_golden, setup),
		cmocka_unit_test_setup(test_golden_not_answered, setup),
		cmocka_unit_test_setup(test_surplus, setup),
		cmocka_unit_test_setup(test_partial_sizes, setup),
		cmocka_unit_test_setup(test_icmp_all_sums, setup),
		cmocka_unit_test_setup(test_refused_mac, setup),
		cmocka_unit_test_setup(test_refused_ip4, setup),
		cmocka_unit_test_setup(test_refused_ip6, setup),
		cmocka_unit_test_setup(test_refused_ports, setup),
		cmocka_unit_test_setup(test_refused_icmp, setup),
		cmocka_unit_test_setup(test_refused_arp, setup),
		cmocka_unit_test_setup(test_refused_ns, setup),
		cmocka_unit_test_setup(test_ns_too_short, setup),
		cmocka_unit_test_setup(test_ns_option_wins, setup),
		cmocka_unit_test_setup(test_ns_room, setup),
		cmocka_unit_test_setup(test_ip4_options, setup),
		cmocka_unit_test_setup(test_ip4_option_cut, setup),
		cmocka_unit_test_setup(test_malformed, setup),
		cmocka_unit_test_setup(test_truncated, setup),
		cmocka_unit_test_setup(test_bit_flips, setup),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
