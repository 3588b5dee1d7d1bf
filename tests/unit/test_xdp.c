// SPDX-License-Identifier: BSD-2-Clause
/*
 * The decisions of xsk_redirect, by crafted frames through BPF_PROG_RUN; needs root. The socket is
 * a real AF_XDP socket, the rules are those that match makes of text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "match.h"
#include "lib/prog_internal.h"
#include "xdp_drop.skel.h"
#include "xsk_redirect.skel.h"

enum decision { TAKEN, KEPT, UNMATCHED, NO_SOCKET, UNCLEAR };
static const char *const decisions[] = {"taken", "kept", "unmatched", "no socket", "unclear"};

static const char *no_ground;
static struct xsk_redirect *skel;
static int sock = -1;

/* --- frames --- */

struct frame {
	uint8_t b[512];
	unsigned len;
};

static void put(struct frame *f, const void *data, unsigned n)
{
	memcpy(f->b + f->len, data, n);
	f->len += n;
}

static void put16(struct frame *f, unsigned v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(f, b, 2);
}

static void put_zeros(struct frame *f, unsigned n)
{
	memset(f->b + f->len, 0, n);
	f->len += n;
}

static struct frame eth(unsigned tags, unsigned ethertype)
{
	struct frame f = {.b = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, .len = 12};

	for (unsigned i = 0; i < tags; i++) {
		put16(&f, i || tags == 1 ? 0x8100 : 0x88a8);
		put16(&f, 5);
	}
	put16(&f, ethertype);
	return f;
}

/* options: bytes behind the header; frag: the flags and offset field. 192.0.2.2 -> 192.0.2.1 */
static struct frame ip4(unsigned tags, unsigned proto, unsigned options, unsigned frag)
{
	static const uint8_t addrs[8] = {192, 0, 2, 2, 192, 0, 2, 1};
	struct frame f = eth(tags, 0x0800);

	put16(&f, (0x45u + options / 4) << 8);
	put16(&f, 100);
	put16(&f, 1);
	put16(&f, frag);
	put16(&f, 64u << 8 | proto);
	put16(&f, 0);
	put(&f, addrs, 8);
	put_zeros(&f, options);
	return f;
}

/* 2001:db8::2 -> 2001:db8::1 */
static struct frame ip6(unsigned tags, unsigned next)
{
	static const uint8_t src[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};
	static const uint8_t dst[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	struct frame f = eth(tags, 0x86dd);

	put16(&f, 0x6000);
	put16(&f, 0);
	put16(&f, 60);
	put16(&f, next << 8 | 64);
	put(&f, src, 16);
	put(&f, dst, 16);
	return f;
}

/* An extension header of `words` times 8 bytes. */
static void put_ext(struct frame *f, unsigned next, unsigned words)
{
	put16(f, next << 8 | (words - 1));
	put_zeros(f, words * 8 - 2);
}

static void put_fragment(struct frame *f, unsigned next, unsigned offset)
{
	put16(f, next << 8);
	put16(f, offset << 3 | 1);
	put_zeros(f, 4);
}

static struct frame with_ports(struct frame f, unsigned sport, unsigned dport)
{
	put16(&f, sport);
	put16(&f, dport);
	put_zeros(&f, 20);
	return f;
}

static struct frame udp4(unsigned sport, unsigned dport)
{
	return with_ports(ip4(0, 17, 0, 0), sport, dport);
}

static struct frame udp6(unsigned sport, unsigned dport)
{
	return with_ports(ip6(0, 17), sport, dport);
}

static struct frame tcp4(unsigned sport, unsigned dport)
{
	return with_ports(ip4(0, 6, 0, 0), sport, dport);
}

/* Type and code, checksum, identifier or zeros, and 16 bytes of target. */
static struct frame with_icmp(struct frame f, unsigned type, unsigned ident, const char *target)
{
	uint8_t addr[16] = {0};

	put16(&f, type << 8);
	put16(&f, 0);
	put16(&f, ident);
	put16(&f, 1);
	if (target)
		assert_int_equal(inet_pton(AF_INET6, target, addr), 1);
	put(&f, addr, 16);
	return f;
}

static struct frame arp(const char *spa, const char *tpa)
{
	static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1};
	struct frame f = eth(0, 0x0806);
	uint8_t addr[4];

	put(&f, head, 8);
	put_zeros(&f, 6);
	assert_int_equal(inet_pton(AF_INET, spa, addr), 1);
	put(&f, addr, 4);
	put_zeros(&f, 6);
	assert_int_equal(inet_pton(AF_INET, tpa, addr), 1);
	put(&f, addr, 4);
	return f;
}

/* --- decisions --- */

static void configure(uint32_t keep, const struct xk_rule *rules, unsigned n)
{
	struct prog_maps maps = {0};

	maps.fd[MAP_CONFIG] = bpf_map__fd(skel->maps.config);
	maps.fd[MAP_MATCH] = bpf_map__fd(skel->maps.match);
	assert_int_equal(prog_put_rules(&maps, 0, keep, rules, n), 0);
}

static void keep_only(uint32_t keep)
{
	configure(keep, NULL, 0);
}

static void rules_by_text(uint32_t keep, const char *text)
{
	struct xk_rule rules[16];
	struct xk_err err = {0};
	int n = match_parse(text, rules, 16, &err);

	if (n < 0)
		fail_msg("'%s': %s", text, err.why);
	configure(keep, rules, (unsigned)n);
}

static void add_up(struct xk_xdp_counters *sum)
{
	int ncpu = libbpf_num_possible_cpus();
	struct xk_xdp_counters *c = calloc((size_t)ncpu, sizeof(*c));
	uint32_t queue = 0;

	assert_non_null(c);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.counters), &queue, c), 0);
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < ncpu; i++) {
		sum->redirected += c[i].redirected;
		sum->kept += c[i].kept;
		sum->unmatched += c[i].unmatched;
		sum->no_socket += c[i].no_socket;
		sum->dropped += c[i].dropped;
	}
	free(c);
}

static uint32_t run(const void *frame, unsigned len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.xsk_redirect), &opts),
			 0);
	return opts.retval;
}

/* The one counter that moved, and the verdict that goes with it. */
static enum decision decide(const void *frame, unsigned len)
{
	struct xk_xdp_counters a, b;
	uint32_t verdict;
	uint64_t d[4];

	add_up(&a);
	verdict = run(frame, len);
	add_up(&b);
	d[TAKEN] = b.redirected - a.redirected;
	d[KEPT] = b.kept - a.kept;
	d[UNMATCHED] = b.unmatched - a.unmatched;
	d[NO_SOCKET] = b.no_socket - a.no_socket;
	if (d[0] + d[1] + d[2] + d[3] != 1 || b.dropped)
		return UNCLEAR;
	if (verdict != (d[TAKEN] ? XDP_REDIRECT : XDP_PASS))
		return UNCLEAR;
	for (int i = 0; i < 4; i++)
		if (d[i])
			return (enum decision)i;
	return UNCLEAR;
}

static void expect_at(struct frame f, enum decision want, const char *what, int line)
{
	enum decision have = decide(f.b, f.len);

	if (have != want)
		fail_msg("line %d: %s: want %s, have %s", line, what, decisions[want],
			 decisions[have]);
}

#define expect(frame, want) expect_at(frame, want, #frame, __LINE__)

/* --- tests --- */

static int setup(void **state)
{
	uint32_t queue = 0;

	(void)state;
	if (no_ground)
		return 0;
	sock = socket(AF_XDP, SOCK_RAW, 0);
	if (sock < 0)
		return -1;
	keep_only(XK_KEEP_ALL);
	return bpf_map_update_elem(bpf_map__fd(skel->maps.xsks_map), &queue, &sock, BPF_NOEXIST);
}

static int teardown(void **state)
{
	(void)state;
	if (sock >= 0)
		close(sock);
	sock = -1;
	return 0;
}

static void need_ground(void)
{
	if (!no_ground)
		return;
	print_message("SKIP: %s\n", no_ground);
	skip();
}

static void no_socket_passes(void **state)
{
	(void)state;
	need_ground();
	close(sock);
	sock = -1;
	expect(udp4(1, 5000), NO_SOCKET);
	expect(arp("192.0.2.2", "192.0.2.1"), NO_SOCKET);
	rules_by_text(0, "udp");
	expect(udp4(1, 5000), NO_SOCKET);
}

static void takes_by_default(void **state)
{
	(void)state;
	need_ground();
	expect(udp4(1, 5000), TAKEN);
	expect(udp6(1, 5000), TAKEN);
	expect(tcp4(1, 80), TAKEN);
	expect(with_icmp(ip4(0, 1, 0, 0), 8, 1, NULL), TAKEN);
	expect(with_icmp(ip6(0, 58), 128, 1, NULL), TAKEN);
	expect(eth(0, 0x88b5), TAKEN);
	expect(eth(3, 0x0806), TAKEN); /* three tags: nobody looks behind them */
	expect(ip4(0, 0, 0, 0), TAKEN);
}

/* Each bit keeps its own, and only while it is set. */
static void expect_kept_by(uint32_t bit, struct frame f, int line)
{
	keep_only(bit);
	expect_at(f, KEPT, "its bit", line);
	keep_only(XK_KEEP_ALL);
	expect_at(f, KEPT, "all bits", line);
	keep_only(XK_KEEP_ALL & ~bit);
	expect_at(f, TAKEN, "all other bits", line);
	keep_only(0);
	expect_at(f, TAKEN, "no bit", line);
}

#define kept_by(bit, frame) expect_kept_by(bit, frame, __LINE__)

static void keep_bits(void **state)
{
	(void)state;
	need_ground();
	kept_by(XK_KEEP_ARP, arp("192.0.2.2", "192.0.2.1"));
	kept_by(XK_KEEP_LLDP, eth(0, 0x88cc));
	kept_by(XK_KEEP_LACP, eth(0, 0x8809));
	kept_by(XK_KEEP_PTP, eth(0, 0x88f7));
	kept_by(XK_KEEP_PTP, udp4(5000, 319));
	kept_by(XK_KEEP_PTP, udp6(5000, 320));
	kept_by(XK_KEEP_IGMP, ip4(0, 2, 4, 0));
	kept_by(XK_KEEP_DHCP, udp4(68, 67));
	kept_by(XK_KEEP_DHCP, udp4(67, 68));
	kept_by(XK_KEEP_DHCP, udp6(546, 547));
	kept_by(XK_KEEP_DHCP, udp6(547, 546));
	kept_by(XK_KEEP_SSH, tcp4(22, 40000));
	kept_by(XK_KEEP_SSH, tcp4(40000, 22));
	kept_by(XK_KEEP_SSH, with_ports(ip6(0, 6), 22, 40000));
	kept_by(XK_KEEP_BGP, tcp4(179, 40000));
	kept_by(XK_KEEP_BGP, tcp4(40000, 179));
	for (unsigned type = 130; type <= 137; type++)
		kept_by(XK_KEEP_ND, with_icmp(ip6(0, 58), type, 0, "2001:db8::1"));
	kept_by(XK_KEEP_ND, with_icmp(ip6(0, 58), 143, 0, NULL));
}

static void keeps_no_more(void **state)
{
	(void)state;
	need_ground();
	expect(udp4(22, 22), TAKEN);
	expect(udp4(179, 179), TAKEN);
	expect(tcp4(67, 67), TAKEN);
	expect(tcp4(319, 320), TAKEN);
	expect(udp4(67, 5000), TAKEN); /* from a known port to a strange one */
	expect(udp4(1, 66), TAKEN);
	expect(udp4(1, 69), TAKEN);
	expect(udp4(1, 545), TAKEN);
	expect(udp4(1, 548), TAKEN);
	expect(udp4(1, 318), TAKEN);
	expect(udp4(1, 321), TAKEN);
	expect(with_ports(ip4(0, 132, 0, 0), 22, 179), TAKEN); /* SCTP */
	expect(with_icmp(ip6(0, 58), 129, 0, NULL), TAKEN);
	expect(with_icmp(ip6(0, 58), 138, 0, NULL), TAKEN);
	expect(with_icmp(ip4(0, 58, 0, 0), 135, 0, NULL), TAKEN); /* ICMPv6 in IPv4 is none */
	expect(with_icmp(ip4(0, 1, 0, 0), 135, 0, NULL), TAKEN);
	expect(ip6(0, 2), TAKEN); /* nor is IGMP in IPv6 */
}

static void keeps_behind_tags_and_options(void **state)
{
	(void)state;
	need_ground();
	struct frame f;

	for (unsigned tags = 1; tags <= 2; tags++) {
		expect(eth(tags, 0x0806), KEPT);
		expect(eth(tags, 0x88cc), KEPT);
		expect(with_ports(ip4(tags, 6, 0, 0), 22, 1), KEPT);
		expect(with_ports(ip6(tags, 6), 1, 22), KEPT);
		expect(with_ports(ip4(tags, 6, 0, 0), 23, 1), TAKEN);
		expect(with_icmp(ip6(tags, 58), 135, 0, NULL), KEPT);
	}
	for (unsigned options = 4; options <= 40; options += 4) {
		expect(with_ports(ip4(0, 6, options, 0), 22, 1), KEPT);
		expect(with_ports(ip4(2, 6, options, 0), 1, 179), KEPT);
		expect(with_ports(ip4(0, 6, options, 0), 1, 1), TAKEN);
	}
	f = ip6(0, 0); /* MLD comes behind a router alert */
	put_ext(&f, 58, 1);
	expect(with_icmp(f, 143, 0, NULL), KEPT);
}

static void keeps_behind_extension_headers(void **state)
{
	(void)state;
	need_ground();
	static const uint8_t types[] = {0, 43, 60, 135};
	struct frame f;

	for (unsigned n = 1; n <= 10; n++) {
		f = ip6(0, types[0]);
		for (unsigned i = 1; i < n; i++)
			put_ext(&f, types[i % 4], 1 + i % 3);
		put_ext(&f, 6, 2);
		expect(with_ports(f, 22, 1), n <= 8 ? KEPT : TAKEN);
	}
	f = ip6(1, 51); /* AH counts in fours */
	put16(&f, 6u << 8 | 4);
	put_zeros(&f, 22);
	expect(with_ports(f, 1, 22), KEPT);
	f = ip6(0, 50); /* nobody sees into ESP */
	expect(with_ports(f, 22, 22), TAKEN);
	f = ip6(0, 59);
	expect(with_ports(f, 22, 22), TAKEN);
}

static void later_fragments_have_no_ports(void **state)
{
	(void)state;
	need_ground();
	struct frame f = ip6(0, 44), later = ip6(0, 44);

	expect(with_ports(ip4(0, 6, 0, 0x2000), 22, 1), KEPT); /* first */
	expect(with_ports(ip4(0, 6, 0, 0x4000), 22, 1), KEPT); /* don't fragment */
	expect(with_ports(ip4(0, 6, 0, 0x2001), 22, 1), TAKEN);
	expect(with_ports(ip4(0, 6, 0, 0x0100), 22, 1), TAKEN);
	expect(with_ports(ip4(0, 6, 0, 0x1000), 22, 1), TAKEN);
	put_fragment(&f, 6, 0);
	expect(with_ports(f, 22, 1), KEPT);
	put_fragment(&later, 6, 1);
	expect(with_ports(later, 22, 1), TAKEN);
	rules_by_text(0, "tcp port 22");
	expect(with_ports(ip4(0, 6, 0, 0x2001), 22, 1), UNMATCHED);
	expect(with_ports(later, 22, 1), UNMATCHED);
	rules_by_text(0, "tcp");
	expect(with_ports(ip4(0, 6, 0, 0x2001), 22, 1), TAKEN);
	expect(with_ports(later, 22, 1), TAKEN);
	rules_by_text(0, "src host 192.0.2.2");
	expect(with_ports(ip4(0, 6, 0, 0x2001), 22, 1), TAKEN);
}

/* --- rules --- */

static void by_rule(const char *text, struct frame f, enum decision want, int line)
{
	rules_by_text(0, text);
	expect_at(f, want, text, line);
}

#define takes(text, frame)  by_rule(text, frame, TAKEN, __LINE__)
#define leaves(text, frame) by_rule(text, frame, UNMATCHED, __LINE__)

static void rules_on_protocols(void **state)
{
	(void)state;
	need_ground();
	takes("udp", udp4(1, 2));
	takes("udp", udp6(1, 2));
	leaves("udp", tcp4(1, 2));
	takes("ip udp", udp4(1, 2));
	leaves("ip udp", udp6(1, 2));
	takes("ip6", udp6(1, 2));
	leaves("ip6", udp4(1, 2));
	takes("ip", with_ports(ip4(2, 17, 8, 0), 1, 2));
	takes("arp", arp("192.0.2.2", "192.0.2.1"));
	leaves("arp", udp4(1, 2));
	takes("icmp", with_icmp(ip4(0, 1, 0, 0), 8, 1, NULL));
	leaves("icmp", with_icmp(ip6(0, 58), 128, 1, NULL));
	takes("icmp6", with_icmp(ip6(0, 58), 128, 1, NULL));
	takes("proto 47", ip4(0, 47, 0, 0));
	leaves("proto 47", ip4(0, 46, 0, 0));
	leaves("proto 0", eth(0, 0x88b5)); /* no IP has no protocol, not protocol 0 */
	takes("ether proto 0x88b5", eth(1, 0x88b5));
	leaves("ether proto 0x88b5", eth(1, 0x88b6));
}

static void rules_on_ports(void **state)
{
	(void)state;
	need_ground();
	takes("udp dst port 5000", udp4(1, 5000));
	leaves("udp dst port 5000", udp4(5000, 1));
	takes("udp src port 5000", udp6(5000, 1));
	leaves("udp src port 5000", udp6(1, 5000));
	takes("port 5000", udp4(1, 5000));
	takes("port 5000", tcp4(5000, 1));
	leaves("port 5000", tcp4(4999, 5001));
	takes("port 2048", with_ports(ip4(0, 132, 0, 0), 2048, 1));
	leaves("port 2048", with_icmp(ip4(0, 1, 0, 0), 8, 2048, NULL)); /* ICMP has none */
	takes("portrange 10-20", udp4(10, 1));
	takes("portrange 10-20", udp4(1, 20));
	leaves("portrange 10-20", udp4(9, 21));
	takes("src port 1 dst portrange 65535-65535", udp4(1, 65535));
	leaves("src port 1 dst port 2", udp4(2, 1));
	takes("udp dst port 5000", with_ports(ip4(1, 17, 0, 0), 1, 5000));
	takes("udp dst port 5000", with_ports(ip4(2, 17, 40, 0), 1, 5000));
	takes("udp dst port 5000", with_ports(ip6(2, 17), 1, 5000));
}

static void rules_on_addresses(void **state)
{
	(void)state;
	need_ground();
	takes("src 192.0.2.2", udp4(1, 2));
	leaves("dst 192.0.2.2", udp4(1, 2));
	takes("host 192.0.2.1", udp4(1, 2));
	takes("host 192.0.2.2", udp4(1, 2));
	leaves("host 192.0.2.3", udp4(1, 2));
	takes("src net 192.0.0.0/16 and dst net 192.0.2.0/31", udp4(1, 2));
	leaves("src net 192.1.0.0/16", udp4(1, 2));
	takes("net 0.0.0.0/0", udp4(1, 2));
	leaves("net 0.0.0.0/0", udp6(1, 2));
	leaves("net ::/0", udp4(1, 2));
	takes("src net 2001:db8::/32", udp6(1, 2));
	leaves("src net 2001:db9::/32", udp6(1, 2));
	takes("dst host 2001:db8::1", udp6(1, 2));
	leaves("dst host 2001:db8::2", udp6(1, 2));
	takes("host 2001:db8::2", with_ports(ip6(2, 17), 1, 2));
	takes("host 192.0.2.2 and dst port 7", with_ports(ip4(1, 17, 4, 0), 1, 7));
	leaves("host 192.0.2.3 and dst port 7", udp4(1, 7));
	takes("arp dst 192.0.2.1", arp("192.0.2.2", "192.0.2.1"));
	takes("arp src 192.0.2.2", arp("192.0.2.2", "192.0.2.1"));
	leaves("arp dst 192.0.2.2", arp("192.0.2.2", "192.0.2.1"));
	leaves("host 192.0.2.1", arp("192.0.2.2", "192.0.2.1"));
	takes("icmp6 dst 2001:db8::9", with_icmp(ip6(0, 58), 135, 0, "2001:db8::9"));
	takes("icmp6 src 2001:db8::2", with_icmp(ip6(0, 58), 136, 0, "2001:db8::9"));
	leaves("icmp6 dst 2001:db8::1", with_icmp(ip6(0, 58), 135, 0, "2001:db8::9"));
	takes("icmp6 dst 2001:db8::1", with_icmp(ip6(0, 58), 133, 0, "2001:db8::9"));
}

static void several_rules(void **state)
{
	(void)state;
	need_ground();
	struct xk_rule rules[XK_MAX_RULES];

	rules_by_text(0, "udp dst port 1, udp dst port 2, arp");
	expect(udp4(9, 1), TAKEN);
	expect(udp4(9, 2), TAKEN);
	expect(udp4(9, 3), UNMATCHED);
	expect(arp("192.0.2.2", "192.0.2.1"), TAKEN);
	for (unsigned i = 0; i < XK_MAX_RULES; i++) {
		struct xk_err err;

		assert_int_equal(match_parse("udp dst port 1", &rules[i], 1, &err), 1);
		rules[i].dport_min = rules[i].dport_max = (uint16_t)(1000 + i);
	}
	configure(0, rules, XK_MAX_RULES);
	expect(udp4(1, 1000), TAKEN);
	expect(udp4(1, 1000 + XK_MAX_RULES - 1), TAKEN);
	expect(udp4(1, 1000 + XK_MAX_RULES), UNMATCHED);
}

/* Each kind of rule on either side of what separates blocks, given in no order. */
static void rules_across_blocks(void **state)
{
	(void)state;
	need_ground();
	enum { EACH = XK_BLOCK_RULES + 3 };
	struct ipaddr ip = {4, {192, 0, 2, 1}};
	struct xk_rule rules[3 * EACH];
	char text[64];
	uint32_t keep;

	for (unsigned i = 0; i < EACH; i++) {
		snprintf(text, sizeof(text), "udp/%u,ssh", 2000 + i);
		assert_int_equal(keep_parse(text, &keep, &rules[3 * i], 1, NULL), 1);
		snprintf(text, sizeof(text), "dst portrange %u-%u", 3000 + 2 * i, 3001 + 2 * i);
		assert_int_equal(match_parse(text, &rules[3 * i + 1], 1, NULL), 1);
		match_own_udp(&rules[3 * i + 2], &ip, (uint16_t)(1000 + i));
	}
	configure(keep, rules, 3 * EACH);
	for (unsigned i = 0; i < EACH; i++) {
		expect(udp4(22, 1000 + i), TAKEN);
		expect(udp4(2000 + i, 3000), KEPT);
		expect(udp4(1, 3001 + 2 * i), TAKEN);
		expect(tcp4(22, 3000 + 2 * i), KEPT);
	}
	expect(udp4(1, 1000 + EACH), UNMATCHED);
	expect(udp4(1, 3000 + 2 * EACH), UNMATCHED);
	configure(keep, rules, 3); /* those behind are gone */
	expect(udp4(1, 1000), TAKEN);
	expect(udp4(1, 1001), UNMATCHED);
	expect(udp4(1, 3002), UNMATCHED);
}

static void own_beats_keep_beats_take(void **state)
{
	(void)state;
	need_ground();
	struct ipaddr ip = {4, {192, 0, 2, 1}};
	struct xk_rule rules[3];
	uint32_t keep;

	match_own_udp(&rules[0], &ip, 53);
	assert_int_equal(keep_parse("udp/53,ssh", &keep, &rules[1], 1, NULL), 1);
	assert_int_equal(match_parse("ip", &rules[2], 1, NULL), 1);
	configure(keep, rules, 3);
	expect(udp4(1, 53), TAKEN); /* own, though kept */
	expect(udp4(53, 1), KEPT);  /* by rule, though matched */
	expect(tcp4(1, 22), KEPT);  /* by bit, though matched */
	expect(udp4(1, 2), TAKEN);  /* matched */
	expect(udp6(1, 2), UNMATCHED);
	configure(keep, rules, 2); /* own and keep: own only */
	expect(udp4(1, 53), TAKEN);
	expect(udp4(1, 2), UNMATCHED);
	configure(keep, rules + 1, 1); /* keep only: all else */
	expect(udp4(1, 53), KEPT);
	expect(tcp4(1, 22), KEPT);
	expect(udp4(1, 2), TAKEN);
	expect(udp6(53, 2), KEPT);
}

static void own_traffic(void **state)
{
	(void)state;
	need_ground();
	struct ipaddr v4 = {4, {192, 0, 2, 1}}, v6 = {6, {0x20, 1, 0xd, 0xb8, [15] = 1}};
	struct xk_rule r[8];

	match_own_arp(&r[0], &v4);
	match_own_nd(&r[1], &v6);
	match_own_icmp_request(&r[2], &v4);
	match_own_icmp_request(&r[3], &v6);
	match_own_icmp_reply(&r[4], &v4, 77);
	match_own_icmp_reply(&r[5], &v6, 77);
	match_own_udp(&r[6], &v4, 7);
	match_own_udp(&r[7], &v6, 7);
	configure(XK_KEEP_ALL, r, 8);
	expect(arp("192.0.2.2", "192.0.2.1"), TAKEN);
	expect(arp("192.0.2.2", "192.0.2.3"), KEPT);
	expect(with_icmp(ip6(0, 58), 135, 0, "2001:db8::1"), TAKEN);
	expect(with_icmp(ip6(0, 58), 135, 0, "2001:db8::3"), KEPT);
	expect(with_icmp(ip6(0, 58), 136, 0, "2001:db8::1"), KEPT);
	expect(with_icmp(ip4(0, 1, 0, 0), 8, 5, NULL), TAKEN);
	expect(with_icmp(ip6(0, 58), 128, 5, NULL), TAKEN);
	expect(with_icmp(ip4(0, 1, 0, 0), 0, 77, NULL), TAKEN);
	expect(with_icmp(ip4(1, 1, 0, 0), 0, 77, NULL), TAKEN);
	expect(with_icmp(ip4(0, 1, 0, 0), 0, 78, NULL), UNMATCHED);
	expect(with_icmp(ip6(0, 58), 129, 77, NULL), TAKEN);
	expect(with_icmp(ip6(0, 58), 129, 76, NULL), UNMATCHED);
	expect(udp4(1, 7), TAKEN);
	expect(udp6(1, 7), TAKEN);
	expect(udp6(7, 1), UNMATCHED);
}

/* --- short, long, strange --- */

/* Taken by the rule only from `from` bytes on; before that what it looks at is not all there. */
static void needs_bytes(const char *text, struct frame f, unsigned from, int line)
{
	rules_by_text(0, text);
	for (unsigned len = 14; len <= f.len; len++) {
		enum decision have = decide(f.b, len);

		if (have != (len < from ? UNMATCHED : TAKEN))
			fail_msg("line %d: '%s' at %u bytes: %s", line, text, len, decisions[have]);
	}
}

static void short_frames_match_nothing(void **state)
{
	(void)state;
	need_ground();
	struct frame f = ip6(0, 0);

	needs_bytes("udp dst port 5000", udp4(1, 5000), 38, __LINE__);
	needs_bytes("udp dst port 5000", with_ports(ip4(2, 17, 12, 0), 1, 5000), 58, __LINE__);
	needs_bytes("udp dst port 5000", udp6(1, 5000), 58, __LINE__);
	needs_bytes("udp", udp4(1, 5000), 34, __LINE__);
	needs_bytes("udp", udp6(1, 5000), 54, __LINE__);
	needs_bytes("host 192.0.2.1", udp4(1, 5000), 34, __LINE__);
	needs_bytes("src 2001:db8::2", with_ports(ip6(1, 17), 1, 2), 58, __LINE__);
	needs_bytes("arp dst 192.0.2.1", arp("192.0.2.2", "192.0.2.1"), 42, __LINE__);
	needs_bytes("ip", udp4(1, 5000), 14, __LINE__);
	needs_bytes("arp", eth(2, 0x0806), 22, __LINE__);
	needs_bytes("icmp6 dst 2001:db8::9", with_icmp(ip6(0, 58), 135, 0, "2001:db8::9"), 78,
		    __LINE__);
	put_ext(&f, 60, 2);
	put_ext(&f, 17, 1);
	needs_bytes("udp dst port 5000", with_ports(f, 1, 5000), 54 + 24 + 4, __LINE__);
}

static void short_frames_are_not_kept_by_chance(void **state)
{
	(void)state;
	need_ground();
	struct frame f = tcp4(1, 22);

	for (unsigned len = 14; len <= f.len; len++) {
		enum decision have = decide(f.b, len);

		if (have != (len < 38 ? TAKEN : KEPT))
			fail_msg("%u bytes: %s", len, decisions[have]);
	}
}

static void strange_headers(void **state)
{
	(void)state;
	need_ground();
	struct frame f = tcp4(1, 22);

	f.b[14] = 0x65; /* version 6 in IPv4 */
	expect(f, TAKEN);
	f.b[14] = 0x44; /* header of 16 bytes */
	expect(f, TAKEN);
	f.b[14] = 0x4f; /* header goes past the end */
	f.len = 60;
	expect(f, TAKEN);
	f = with_ports(ip6(0, 6), 1, 22);
	f.b[14] = 0x40;
	expect(f, TAKEN);
	f = arp("192.0.2.2", "192.0.2.1");
	f.b[19] = 8; /* other lengths of addresses */
	leaves("arp dst 192.0.2.1", f);
}

/* Noise: nothing but a decision may come of it, whatever the length. */
static void noise(void **state)
{
	(void)state;
	need_ground();
	uint32_t x = 12345;
	struct frame f;

	rules_by_text(XK_KEEP_ALL,
		      "udp dst port 5000, host 192.0.2.1, net ::/0, arp src 0.0.0.0/0");
	for (int i = 0; i < 3000; i++) {
		f = i % 2 ? ip6((unsigned)i / 2 % 3, 0) : ip4((unsigned)i / 2 % 3, 17, 0, 0);
		for (unsigned b = f.len - 20; b < sizeof(f.b); b++) {
			x = x * 1664525 + 1013904223;
			f.b[b] = (uint8_t)(x >> 24);
		}
		if (decide(f.b, 14 + (x >> 8) % 480) == UNCLEAR)
			fail_msg("frame %d", i);
	}
}

/* A frame in fragments counts with its whole length. */
static void counts_whole_length(void **state)
{
	(void)state;
	need_ground();
	static uint8_t jumbo[9000];
	struct frame f = udp4(1, 5000);

	memcpy(jumbo, f.b, f.len);
	assert_int_equal(decide(jumbo, sizeof(jumbo)), TAKEN);
}

static void drop_counts(void **state)
{
	(void)state;
	need_ground();
	struct xdp_drop *drop = xdp_drop__open_and_load();
	struct frame f = udp4(1, 2);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.b, .data_size_in = f.len, .repeat = 10);
	struct xk_drop_counters *c = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*c));
	uint64_t packets = 0, bytes = 0;
	uint32_t zero = 0;

	assert_true(drop && c);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(drop->progs.xdp_drop), &opts), 0);
	assert_int_equal(opts.retval, XDP_DROP);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(drop->maps.dropped), &zero, c), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		packets += c[i].packets;
		bytes += c[i].bytes;
	}
	assert_int_equal(packets, 10);
	assert_int_equal(bytes, 10 * f.len);
	free(c);
	xdp_drop__destroy(drop);
}

static void find_ground(void)
{
	struct bpf_map *map;

	libbpf_set_print(NULL);
	if (geteuid()) {
		no_ground = "needs root";
		return;
	}
	skel = xsk_redirect__open();
	if (!skel)
		return;
	bpf_object__for_each_map(map, skel->obj) bpf_map__set_pin_path(map, NULL);
	if (xsk_redirect__load(skel)) {
		xsk_redirect__destroy(skel);
		skel = NULL;
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_socket_passes),
		TEST(takes_by_default),
		TEST(keep_bits),
		TEST(keeps_no_more),
		TEST(keeps_behind_tags_and_options),
		TEST(keeps_behind_extension_headers),
		TEST(later_fragments_have_no_ports),
		TEST(rules_on_protocols),
		TEST(rules_on_ports),
		TEST(rules_on_addresses),
		TEST(several_rules),
		TEST(rules_across_blocks),
		TEST(own_beats_keep_beats_take),
		TEST(own_traffic),
		TEST(short_frames_match_nothing),
		TEST(short_frames_are_not_kept_by_chance),
		TEST(strange_headers),
		TEST(noise),
		TEST(counts_whole_length),
		TEST(drop_counts),
	};
	int failed;

	alarm(120);
	find_ground();
	if (!no_ground && !skel)
		return 1;
	failed = cmocka_run_group_tests_name("xdp", tests, NULL, NULL);
	xsk_redirect__destroy(skel);
	return failed;
}
