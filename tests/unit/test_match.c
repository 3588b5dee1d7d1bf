// SPDX-License-Identifier: BSD-2-Clause
/* The texts of --match and --keep, and every way to get them wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include "match.h"

#define E  XK_RULE_ETHERTYPE
#define P  XK_RULE_PROTO
#define S  XK_RULE_SRC
#define D  XK_RULE_DST
#define AE XK_RULE_ADDR_EITHER
#define SP XK_RULE_SPORT
#define DP XK_RULE_DPORT
#define PE XK_RULE_PORT_EITHER

static struct xk_rule one(const char *text)
{
	struct xk_rule rule;
	struct xk_err err = {0};
	int n = match_parse(text, &rule, 1, &err);

	if (n != 1)
		fail_msg("'%s': %d: %s", text, n, err.why);
	return rule;
}

static void reads_protocols(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t flags;
		uint16_t ethertype;
		uint8_t proto;
	} cases[] = {
		{"arp", E, 0x0806, 0},
		{"ip", E, 0x0800, 0},
		{"ip6", E, 0x86dd, 0},
		{"icmp", E | P, 0x0800, 1},
		{"icmp6", E | P, 0x86dd, 58},
		{"udp", P, 0, 17},
		{"tcp", P, 0, 6},
		{"sctp", P, 0, 132},
		{"proto 47", P, 0, 47},
		{"proto udp", P, 0, 17},
		{"ip proto 0", E | P, 0x0800, 0},
		{"ip6 and proto icmp6", E | P, 0x86dd, 58},
		{"ip6 udp", E | P, 0x86dd, 17},
		{"ether proto 0x88f7", E, 0x88f7, 0},
		{"ether proto 2048 and tcp", E | P, 0x0800, 6},
		{" \tudp && udp ", P, 0, 17},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xk_rule r = one(cases[i].text);

		if (r.flags != cases[i].flags || r.ethertype != cases[i].ethertype ||
		    r.proto != cases[i].proto)
			fail_msg("'%s': flags %x type %x proto %u", cases[i].text, r.flags,
				 r.ethertype, r.proto);
	}
}

static void assert_addr(const uint32_t addr[4], const uint32_t mask[4], const char *want,
			const char *want_mask)
{
	char text[INET6_ADDRSTRLEN], mask_text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, addr, text, sizeof(text)));
	assert_non_null(inet_ntop(AF_INET6, mask, mask_text, sizeof(mask_text)));
	assert_string_equal(text, want);
	assert_string_equal(mask_text, want_mask);
}

static void reads_addresses(void **state)
{
	(void)state;
	struct xk_rule r = one("host 192.0.2.1");

	assert_int_equal(r.flags, E | S | AE);
	assert_int_equal(r.ethertype, 0x0800);
	assert_addr(r.src, r.src_mask, "::192.0.2.1", "::255.255.255.255");
	r = one("dst 192.0.2.1");
	assert_int_equal(r.flags, E | D);
	assert_addr(r.dst, r.dst_mask, "::192.0.2.1", "::255.255.255.255");
	r = one("192.0.2.0/25");
	assert_int_equal(r.flags, E | S | AE);
	assert_addr(r.src, r.src_mask, "::192.0.2.0", "::255.255.255.128");
	r = one("ip6 and src net 2001:db8::/33");
	assert_int_equal(r.flags, E | S);
	assert_int_equal(r.ethertype, 0x86dd);
	assert_addr(r.src, r.src_mask, "2001:db8::", "ffff:ffff:8000::");
	r = one("src host ::1 and dst net ::/0");
	assert_int_equal(r.flags, E | S | D);
	assert_addr(r.src, r.src_mask, "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_addr(r.dst, r.dst_mask, "::", "::");
	r = one("arp dst 192.0.2.9");
	assert_int_equal(r.flags, E | D);
	assert_int_equal(r.ethertype, 0x0806);
	r = one("host 192.0.2.1 and dst 192.0.2.2");
	assert_int_equal(r.flags, E | S | AE | D);
}

static void reads_ports(void **state)
{
	(void)state;
	struct xk_rule r = one("udp dst port 5000");

	assert_int_equal(r.flags, P | DP);
	assert_int_equal(r.dport_min, 5000);
	assert_int_equal(r.dport_max, 5000);
	r = one("portrange 0-65535");
	assert_int_equal(r.flags, SP | PE);
	assert_int_equal(r.sport_min, 0);
	assert_int_equal(r.sport_max, 65535);
	r = one("tcp src port 80 dst portrange 1024-2047");
	assert_int_equal(r.flags, P | SP | DP);
	assert_int_equal(r.sport_max, 80);
	assert_int_equal(r.dport_min, 1024);
	assert_int_equal(r.dport_max, 2047);
	r = one("udp dst port 5000-5001");
	assert_int_equal(r.dport_max, 5001);
	r = one("udp dst 192.0.2.1 dst port 7");
	assert_int_equal(r.flags, E | P | D | DP);
	r = one("host 192.0.2.1 and dst port 7");
	assert_int_equal(r.flags, E | S | AE | DP);
}

static void reads_lists(void **state)
{
	(void)state;
	struct xk_rule rules[4];
	struct xk_err err = {0};

	memset(rules, 0xff, sizeof(rules));
	assert_int_equal(match_parse("udp dst port 5000, ip6 and src net 2001:db8::/32, icmp",
				     rules, 4, &err),
			 3);
	assert_int_equal(rules[0].flags, P | DP);
	assert_int_equal(rules[1].flags, E | S);
	assert_int_equal(rules[2].flags, E | P);
	assert_int_equal(match_parse("udp,tcp,arp,ip", rules, 4, NULL), 4);
	assert_int_equal(match_parse("udp,tcp,arp,ip,ip6", rules, 4, &err), -EINVAL);
	assert_non_null(strstr(err.why, "4 rules"));
}

static void names_the_wrong_word(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "(end of rule)"},
		{"udp,", "(end of rule)"},
		{",udp", "(end of rule)"},
		{"udp,,tcp", "(end of rule)"},
		{"upd", "'upd'"},
		{"udp port", "(end of rule)"},
		{"udp port x", "'x'"},
		{"udp port 65536", "'65536'"},
		{"udp port -1", "'-1'"},
		{"udp port 1-", "'1-'"},
		{"udp port 9-8", "wrong way"},
		{"portrange 80", "'80'"},
		{"udp port 99999999999999999999", "'9999"},
		{"udp port 80x", "'80x'"},
		{"udp and", "behind `and`"},
		{"udp and, tcp", "behind `and`"},
		{"and udp", "'and'"},
		{"udp or tcp", "commas"},
		{"not udp", "'not'"},
		{"(udp)", "'(udp)'"},
		{"udp tcp", "'tcp': contradicts"},
		{"ip ip6", "'ip6': contradicts"},
		{"icmp host ::1", "'::1': contradicts"},
		{"src 192.0.2.1 dst ::1", "'::1': contradicts"},
		{"ip6 host 192.0.2.1", "contradicts"},
		{"ether", "`proto` behind"},
		{"ether host 1", "'host'"},
		{"ether proto ipv4", "'ipv4'"},
		{"ether proto 65536", "'65536'"},
		{"proto 256", "'256'"},
		{"proto arp", "'arp'"},
		{"proto", "(end of rule)"},
		{"host", "(end of rule)"},
		{"host 1.2.3", "'1.2.3'"},
		{"host 1.2.3.4.5", "'1.2.3.4.5'"},
		{"src", "(end of rule)"},
		{"src udp", "'udp'"},
		{"net 192.0.2.0", "needs its length"},
		{"host 192.0.2.0/24", "say net"},
		{"net 192.0.2.0/33", "out of range"},
		{"net ::/129", "out of range"},
		{"net 192.0.2.0/", "out of range"},
		{"net 192.0.2.1/24", "bits set"},
		{"net 2001:db8::1/64", "bits set"},
		{"src 192.0.2.1 src 192.0.2.2", "one address"},
		{"host 192.0.2.1 src 192.0.2.2", "one address"},
		{"src port 1 port 2", "one port"},
		{"dst port 1 dst port 1", "one port"},
		{"arp udp", "only IP"},
		{"arp port 1", "only IP"},
		{"ether proto 0x88cc and proto 6", "only IP"},
		{"icmp port 1", "have ports"},
		{"proto 47 dst port 1", "have ports"},
		{"host aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
		 "address"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xk_rule rules[4];
		struct xk_err err = {0};
		int n = match_parse(cases[i][0], rules, 4, &err);

		if (n != -EINVAL || err.code != -EINVAL || !strstr(err.why, cases[i][1]) ||
		    !strstr(err.fix, "portrange"))
			fail_msg("'%s': %d: %s", cases[i][0], n, err.why);
		assert_int_equal(match_parse(cases[i][0], rules, 4, NULL), -EINVAL);
	}
}

static void reads_keep(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t keep;
		int rules;
	} cases[] = {
		{"none", 0, 0},
		{"control", XK_KEEP_ALL, 0},
		{"arp", XK_KEEP_ARP, 0},
		{"nd", XK_KEEP_ND, 0},
		{"igmp", XK_KEEP_IGMP, 0},
		{"dhcp", XK_KEEP_DHCP, 0},
		{"lldp", XK_KEEP_LLDP, 0},
		{"lacp", XK_KEEP_LACP, 0},
		{"ptp", XK_KEEP_PTP, 0},
		{"ssh", XK_KEEP_SSH, 0},
		{"bgp", XK_KEEP_BGP, 0},
		{"arp,nd, ssh ", XK_KEEP_ARP | XK_KEEP_ND | XK_KEEP_SSH, 0},
		{"control,tcp/8080,udp/53", XK_KEEP_ALL, 2},
		{"tcp/1", 0, 1},
		{"tcp/0", 0xdead, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xk_rule rules[2];
		uint32_t keep = 0xdead;
		int n = keep_parse(cases[i].text, &keep, rules, 2, NULL);

		if (n != cases[i].rules || keep != cases[i].keep)
			fail_msg("'%s': %d, %x", cases[i].text, n, keep);
	}
}

static void makes_keep_rules(void **state)
{
	(void)state;
	struct xk_rule rules[2];
	uint32_t keep;

	assert_int_equal(keep_parse("tcp/8080,arp,udp/53", &keep, rules, 2, NULL), 2);
	assert_int_equal(rules[0].flags, XK_RULE_KEEP | P | SP | PE);
	assert_int_equal(rules[0].proto, IPPROTO_TCP);
	assert_int_equal(rules[0].sport_min, 8080);
	assert_int_equal(rules[0].sport_max, 8080);
	assert_int_equal(rules[1].proto, IPPROTO_UDP);
	assert_int_equal(rules[1].sport_min, 53);
}

static void names_the_wrong_keep(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "''"},
		{"arp,", "''"},
		{"arp,none", "'none': stands alone"},
		{"all", "'all'"},
		{"tcp/", "'tcp/'"},
		{"tcp/x", "'tcp/x'"},
		{"udp/65536", "'udp/65536'"},
		{"tcp", "'tcp'"},
		{"arp nd", "comma"},
		{"tcp/1,tcp/2,tcp/3", "'tcp/3': no room"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xk_rule rules[2];
		struct xk_err err = {0};
		uint32_t keep = 7;
		int n = keep_parse(cases[i][0], &keep, rules, 2, &err);
		bool named = strstr(err.why, cases[i][1]);

		if (n != -EINVAL || !named || !strstr(err.fix, "control"))
			fail_msg("'%s': %d: %s", cases[i][0], n, err.why);
		assert_int_equal(keep, 7);
	}
}

static void makes_own_rules(void **state)
{
	(void)state;
	struct ipaddr v4 = {4, {192, 0, 2, 1}}, v6 = {6, {0x20, 1, 0xd, 0xb8, [15] = 1}};
	struct xk_rule r;

	match_own_arp(&r, &v4);
	assert_int_equal(r.flags, XK_RULE_OWN | E | D);
	assert_int_equal(r.ethertype, 0x0806);
	assert_addr(r.dst, r.dst_mask, "::192.0.2.1", "::255.255.255.255");
	match_own_nd(&r, &v6);
	assert_int_equal(r.flags, XK_RULE_OWN | E | P | D | SP);
	assert_int_equal(r.sport_min, 135 * 256);
	assert_addr(r.dst, r.dst_mask, "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	match_own_na(&r, &v6);
	assert_int_equal(r.sport_min, 136 * 256);
	match_own_icmp_request(&r, &v4);
	assert_int_equal(r.proto, IPPROTO_ICMP);
	assert_int_equal(r.sport_max, 8 * 256);
	match_own_icmp_request(&r, &v6);
	assert_int_equal(r.proto, IPPROTO_ICMPV6);
	assert_int_equal(r.sport_max, 128 * 256);
	match_own_icmp_reply(&r, &v6, 77);
	assert_int_equal(r.sport_max, 129 * 256);
	assert_int_equal(r.flags, XK_RULE_OWN | E | P | D | SP | DP);
	assert_int_equal(r.dport_min, 77);
	match_own_udp(&r, &v4, 7);
	assert_int_equal(r.flags, XK_RULE_OWN | E | P | D | DP);
	assert_int_equal(r.proto, IPPROTO_UDP);
	assert_int_equal(r.dport_max, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_protocols),      cmocka_unit_test(reads_addresses),
		cmocka_unit_test(reads_ports),          cmocka_unit_test(reads_lists),
		cmocka_unit_test(names_the_wrong_word), cmocka_unit_test(reads_keep),
		cmocka_unit_test(makes_keep_rules),     cmocka_unit_test(names_the_wrong_keep),
		cmocka_unit_test(makes_own_rules),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
