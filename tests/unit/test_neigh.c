/* SPDX-License-Identifier: BSD-2-Clause */
/* A host in user space asks for its neighbours' MACs and believes only the right answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "frame_util.h"
#include "frames.h"
#include "neigh.h"

static struct neigh_query query_of(const char *src, const char *target)
{
	return (struct neigh_query){
		.src_mac = mac_of(PEER_MAC),
		.vlan = VLAN_NONE,
		.src = addr_of(src),
		.target = addr_of(target),
	};
}

static void test_groups(void **state)
{
	static const struct {
		const char *group, *mac;
	} macs[] = {{"224.0.0.1", "01:00:5e:00:00:01"},
		    {"239.129.2.3", "01:00:5e:01:02:03"},
		    {"224.255.255.255", "01:00:5e:7f:ff:ff"},
		    {"ff02::1", "33:33:00:00:00:01"},
		    {"ff02::1:ff12:3456", "33:33:ff:12:34:56"}};
	struct ipaddr ip = addr_of("2001:db8::aa:bb12:3456");
	struct ipaddr want = addr_of("ff02::1:ff12:3456"), group = neigh_solicited_node(&ip);

	(void)state;
	assert_true(ipaddr_equal(&group, &want));
	for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
		struct macaddr mac, right = mac_of(macs[i].mac);

		group = addr_of(macs[i].group);
		mac = neigh_multicast_mac(&group);
		assert_memory_equal(&mac, &right, sizeof(mac));
	}
}

static void check_request(const struct neigh_query *query, const uint8_t *want, size_t len)
{
	uint8_t junk[NEIGH_FRAME_MAX], *out;

	memset(junk, 0xaa, sizeof(junk));
	out = guard_copy(junk, len);
	assert_int_equal(neigh_request(query, out, len), len);
	assert_memory_equal(out, want, len);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(neigh_request(query, guard_copy(junk, cap), cap), -EINVAL);
}

/* Also in a VLAN, where ARP keeps to 60 bytes; and never past what room there is. */
static void test_request_golden(void **state)
{
	struct neigh_query arp = query_of(PEER4, OUR4), ns = query_of(PEER6, OUR6);
	uint8_t tagged[NEIGH_FRAME_MAX];

	(void)state;
	check_request(&arp, frame_arp, sizeof(frame_arp));
	check_request(&ns, frame_ns, sizeof(frame_ns));
	assert_int_equal(sizeof(frame_ns) + 4, NEIGH_FRAME_MAX);
	arp.vlan = ns.vlan = 0x2007;
	memcpy(tagged, frame_arp, 12);
	memcpy(tagged + 12, "\x81\x00\x20\x07", 4);
	memcpy(tagged + 16, frame_arp + 12, 44);
	check_request(&arp, tagged, 60);
	memcpy(tagged, frame_ns, 12);
	memcpy(tagged + 16, frame_ns + 12, sizeof(frame_ns) - 12);
	check_request(&ns, tagged, NEIGH_FRAME_MAX);
}

static void test_request_refused(void **state)
{
	struct neigh_query mixed = query_of(PEER4, OUR6), group4 = query_of(PEER4, "224.0.0.1"),
			   group6 = query_of(PEER6, "ff02::1"), none = {.vlan = VLAN_NONE};
	uint8_t out[NEIGH_FRAME_MAX];

	(void)state;
	assert_int_equal(neigh_request(&mixed, out, sizeof(out)), -EINVAL);
	assert_int_equal(neigh_request(&group4, out, sizeof(out)), -EINVAL);
	assert_int_equal(neigh_request(&group6, out, sizeof(out)), -EINVAL);
	assert_int_equal(neigh_request(&none, out, sizeof(out)), -EINVAL);
}

static bool learns(const uint8_t *frame, size_t len, const char *target)
{
	struct macaddr mac = {{9}}, before = mac, ours = mac_of(OUR_MAC);
	struct ipaddr addr = addr_of(target);
	bool learned = neigh_learn(guard_copy(frame, len), len, &addr, &mac);

	assert_memory_equal(&mac, learned ? &ours : &before, sizeof(mac));
	return learned;
}

static void test_learn(void **state)
{
	(void)state;
	assert_true(learns(frame_ans_arp, sizeof(frame_ans_arp), OUR4));
	assert_true(learns(frame_ans_arp_probe, sizeof(frame_ans_arp_probe), OUR4));
	assert_true(learns(frame_ans_ns, sizeof(frame_ans_ns), OUR6));
	assert_true(learns(frame_ans_ns_probe, sizeof(frame_ans_ns_probe), OUR6));
}

static void test_learn_other(void **state)
{
	(void)state;
	assert_false(learns(frame_ans_arp, sizeof(frame_ans_arp), PEER4));
	assert_false(learns(frame_ans_arp, sizeof(frame_ans_arp), OUR6));
	assert_false(learns(frame_ans_ns, sizeof(frame_ans_ns), PEER6));
	assert_false(learns(frame_ans_ns, sizeof(frame_ans_ns), "0.0.0.0"));
	assert_false(learns(frame_arp, sizeof(frame_arp), PEER4)); /* a request */
	assert_false(learns(frame_ns, sizeof(frame_ns), OUR6));
	assert_false(learns(frame_ns, sizeof(frame_ns), PEER6));
	assert_false(learns(frame_na_atomic, sizeof(frame_na_atomic), OUR6)); /* RFC 6980 */
	assert_false(learns(frame_udp4, sizeof(frame_udp4), PEER4));
	assert_false(learns(frame_icmp6, sizeof(frame_icmp6), PEER6));
}

static void test_learn_truncated(void **state)
{
	(void)state;
	for (size_t n = 0; n < 42; n++)
		assert_false(learns(frame_ans_arp, n, OUR4));
	for (size_t n = 0; n < sizeof(frame_ans_ns); n++)
		assert_false(learns(frame_ans_ns, n, OUR6));
}

/* The advertisement with other bytes at `at` and its checksum mended. */
static bool learns_edited(size_t at, const char *bytes, size_t n, size_t len)
{
	uint8_t frame[sizeof(frame_ans_ns)];
	struct ipaddr src, dst;
	uint16_t csum = 0;

	memcpy(frame, frame_ans_ns, sizeof(frame));
	memcpy(frame + at, bytes, n);
	net_put16(frame + 18, (unsigned)(len - 54));
	src.family = dst.family = 6;
	memcpy(src.b, frame + 22, 16);
	memcpy(dst.b, frame + 38, 16);
	memcpy(frame + 56, &csum, 2);
	csum = csum_l4(&src, &dst, 58, frame + 54, len - 54);
	memcpy(frame + 56, &csum, 2);
	return learns(frame, len, OUR6);
}

#define EDITED(at, bytes) learns_edited(at, bytes, sizeof(bytes) - 1, sizeof(frame_ans_ns))

static void test_learn_rules(void **state)
{
	(void)state;
	assert_true(EDITED(58, "\x60"));
	assert_true(EDITED(58, "\x00"));
	assert_false(EDITED(21, "\xfe"));               /* hop limit */
	assert_false(EDITED(55, "\x01"));               /* code */
	assert_false(EDITED(54, "\x87"));               /* type */
	assert_false(EDITED(62, "\xff\x02"));           /* target */
	assert_false(EDITED(78, "\x01"));               /* the option of the other kind */
	assert_false(EDITED(79, "\x00"));               /* of no length */
	assert_false(EDITED(79, "\x02"));               /* past the end */
	assert_false(EDITED(80, "\x03"));               /* a group's MAC */
	assert_false(EDITED(80, "\0\0\0\0\0\0"));       /* nobody's */
	assert_false(EDITED(38, "\xff\x02"));           /* solicited, to a group */
	assert_false(learns_edited(78, "", 0, 78));     /* no option */
	assert_false(learns_edited(78, "", 0, 77));     /* no room for the target */
	assert_false(learns_edited(78, "", 0, 85));     /* option cut */
	assert_false(learns_edited(78, "\x02", 1, 79)); /* and more */
}

static void test_learn_bad_mac(void **state)
{
	uint8_t frame[sizeof(frame_ans_arp)];

	(void)state;
	memcpy(frame, frame_ans_arp, sizeof(frame));
	frame[22] |= 1;
	assert_false(learns(frame, sizeof(frame), OUR4));
	memset(frame + 22, 0, 6);
	assert_false(learns(frame, sizeof(frame), OUR4));
}

/* A flipped bit of an advertisement is noticed; of ARP's addresses it is not, but must not crash.
 */
static void test_learn_flips(void **state)
{
	struct ipaddr ours6 = addr_of(OUR6), ours4 = addr_of(OUR4);
	struct macaddr mac;

	(void)state;
	for (size_t bit = 22 * 8; bit < sizeof(frame_ans_ns) * 8; bit++) {
		uint8_t *frame = guard_copy(frame_ans_ns, sizeof(frame_ans_ns));

		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(neigh_learn(frame, sizeof(frame_ans_ns), &ours6, &mac));
	}
	for (size_t bit = 0; bit < 42 * 8; bit++) {
		uint8_t *frame = guard_copy(frame_ans_arp, 42);
		bool learned;

		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		learned = neigh_learn(frame, 42, &ours4, &mac);
		assert_int_equal(learned,
				 bit < 96 || (bit >= 176 && bit < 224 && bit != 176) || bit >= 256);
	}
}

static void test_option_walk(void **state)
{
	static const uint8_t options[] = {5, 1, 0, 0,  0, 0, 5, 220, 14, 2, 0, 0, 0, 0,
					  0, 0, 0, 0,  0, 0, 0, 0,   0,  0, 1, 1, 2, 0,
					  0, 0, 0, 77, 1, 1, 2, 0,   0,  0, 0, 88};
	struct macaddr mac = {{0}};

	(void)state;
	assert_int_equal(nd_option(guard_copy(options, 40), 40, 1, &mac), 1);
	assert_int_equal(mac.b[5], 77); /* the first of two */
	assert_int_equal(nd_option(guard_copy(options, 40), 40, 2, &mac), 0);
	assert_int_equal(nd_option(options, 0, 1, &mac), 0);
	for (size_t n = 1; n < 40; n++)
		if (n != 8 && n != 24 && n != 32)
			assert_int_equal(nd_option(guard_copy(options, n), n, 1, &mac), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),          cmocka_unit_test(test_request_golden),
		cmocka_unit_test(test_request_refused), cmocka_unit_test(test_learn),
		cmocka_unit_test(test_learn_other),     cmocka_unit_test(test_learn_truncated),
		cmocka_unit_test(test_learn_rules),     cmocka_unit_test(test_learn_bad_mac),
		cmocka_unit_test(test_learn_flips),     cmocka_unit_test(test_option_walk),
	};

	return cmocka_run_group_tests_name("neigh", tests, NULL, NULL);
}
