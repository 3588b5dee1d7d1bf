// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <linux/if_ether.h>
#include "match.h"

#define PORTS (XK_RULE_SPORT | XK_RULE_DPORT)
#define ANY   0xffffu /* no protocol, no EtherType */

#define MATCH_TAKES                                                                                \
	"rules separated by commas, of: arp ip ip6 icmp icmp6 udp tcp sctp, ether proto N, "       \
	"proto N, [src|dst] [host] ADDR, [src|dst] net ADDR/LEN, [src|dst] port N, portrange N-M"
#define KEEP_TAKES                                                                                 \
	"control (all), or a list of arp, nd, igmp, dhcp, lldp, lacp, ptp, ssh, bgp, tcp/PORT, "   \
	"udp/PORT, or none"

/* A word of the text: what stays is bounded by the end of the string or a separator. */
struct text {
	const char *at;
	const char *word;
	size_t len; /* of word; 0: the rule is at its end */
	struct xk_err *err;
};

enum end { EITHER, SRC, DST };

/* --- words --- */

static int bad_match(const struct text *t, const char *why)
{
	if (!t->len)
		return xk_err_fill(t->err, -EINVAL, "--match", MATCH_TAKES, "(end of rule): %s",
				   why);
	return xk_err_fill(t->err, -EINVAL, "--match", MATCH_TAKES, "'%.*s': %s", (int)t->len,
			   t->word, why);
}

/* The next word of this rule. */
static void next(struct text *t)
{
	t->at += strspn(t->at, " \t\n");
	t->word = t->at;
	t->len = strcspn(t->at, " \t\n,");
	t->at += t->len;
}

static bool is(const struct text *t, const char *word)
{
	return strlen(word) == t->len && !memcmp(t->word, word, t->len);
}

/* All of n characters as a number of at most max; base 0: as in C. */
static bool number(const char *s, size_t n, int base, unsigned long max, uint16_t *out)
{
	char digits[16], *end;
	unsigned long v;

	if (!n || n >= sizeof(digits) || s[0] < '0' || s[0] > '9')
		return false;
	memcpy(digits, s, n);
	digits[n] = 0;
	v = strtoul(digits, &end, base);
	*out = (uint16_t)v;
	return !*end && v <= max;
}

/* --- what a rule compares --- */

/* An address under the first `bits` bits of it, as the rule has it. */
static void put_addr(uint32_t addr[4], uint32_t mask[4], const struct ipaddr *ip, unsigned bits)
{
	unsigned first = ip->family == 4 ? 12 : 0;
	uint8_t a[16] = {0}, m[16] = {0};

	memcpy(a + first, ip->b, 16 - first);
	for (unsigned i = 0; i < bits; i++)
		m[first + i / 8] |= (uint8_t)(0x80 >> i % 8);
	memcpy(addr, a, sizeof(a));
	memcpy(mask, m, sizeof(m));
}

static int set_ethertype(const struct text *t, struct xk_rule *r, unsigned type)
{
	if ((r->flags & XK_RULE_ETHERTYPE) && r->ethertype != type)
		return bad_match(t, "contradicts what stands before it");
	r->flags |= XK_RULE_ETHERTYPE;
	r->ethertype = (uint16_t)type;
	return 0;
}

static int set_proto(const struct text *t, struct xk_rule *r, unsigned proto)
{
	if ((r->flags & XK_RULE_PROTO) && r->proto != proto)
		return bad_match(t, "contradicts what stands before it");
	r->flags |= XK_RULE_PROTO;
	r->proto = (uint8_t)proto;
	return 0;
}

static const struct {
	const char *word;
	unsigned ethertype, proto;
} protocols[] = {
	{"arp", ETH_P_ARP, ANY},
	{"ip", ETH_P_IP, ANY},
	{"ip6", ETH_P_IPV6, ANY},
	{"icmp", ETH_P_IP, IPPROTO_ICMP},
	{"icmp6", ETH_P_IPV6, IPPROTO_ICMPV6},
	{"udp", ANY, IPPROTO_UDP},
	{"tcp", ANY, IPPROTO_TCP},
	{"sctp", ANY, IPPROTO_SCTP},
};

/* 1: the word is a protocol's, and the rule has it; 0: it is not. */
static int set_protocol(const struct text *t, struct xk_rule *r)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (!is(t, protocols[i].word))
			continue;
		if (protocols[i].ethertype != ANY)
			rc = set_ethertype(t, r, protocols[i].ethertype);
		if (!rc && protocols[i].proto != ANY)
			rc = set_proto(t, r, protocols[i].proto);
		return rc ? rc : 1;
	}
	return 0;
}

static int parse_ether(struct text *t, struct xk_rule *r)
{
	uint16_t type;

	next(t);
	if (!is(t, "proto"))
		return bad_match(t, "expected `proto` behind `ether`");
	next(t);
	if (!number(t->word, t->len, 0, 0xffff, &type))
		return bad_match(t, "not an EtherType, 0 to 0xffff");
	return set_ethertype(t, r, type);
}

static int parse_proto(struct text *t, struct xk_rule *r)
{
	uint16_t proto;
	int rc;

	next(t);
	if (number(t->word, t->len, 0, 255, &proto))
		return set_proto(t, r, proto);
	rc = is(t, "arp") || is(t, "ip") || is(t, "ip6") ? 0 : set_protocol(t, r);
	return rc ? (rc < 0 ? rc : 0) : bad_match(t, "not an IP protocol, 0 to 255");
}

/* --- addresses --- */

/* Bits of a network's address behind its length must be zero: else it is a slip. */
static bool host_bits(const struct ipaddr *ip, unsigned bits)
{
	for (unsigned i = bits; i < (ip->family == 4 ? 32u : 128u); i++)
		if (ip->b[i / 8] & 0x80 >> i % 8)
			return true;
	return false;
}

/* ADDR or ADDR/LEN. */
static int read_addr(const struct text *t, struct ipaddr *ip, uint16_t *bits)
{
	const char *slash = memchr(t->word, '/', t->len);
	size_t n = slash ? (size_t)(slash - t->word) : t->len;
	char addr[46];

	if (!n || n >= sizeof(addr))
		return bad_match(t, "not an address");
	memcpy(addr, t->word, n);
	addr[n] = 0;
	if (ipaddr_parse(addr, ip))
		return bad_match(t, "not an address");
	*bits = ip->family == 4 ? 32 : 128;
	if (slash && !number(slash + 1, t->len - n - 1, 10, *bits, bits))
		return bad_match(t, "the length behind / is out of range");
	return host_bits(ip, *bits) ? bad_match(t, "has bits set behind its length") : 0;
}

static int set_addr(const struct text *t, struct xk_rule *r, enum end end, const struct ipaddr *ip,
		    unsigned bits)
{
	uint32_t flag = end == DST ? XK_RULE_DST : XK_RULE_SRC;
	bool of_arp =
		ip->family == 4 && (r->flags & XK_RULE_ETHERTYPE) && r->ethertype == ETH_P_ARP;
	int rc = of_arp ? 0 : set_ethertype(t, r, ip->family == 4 ? ETH_P_IP : ETH_P_IPV6);

	if (rc)
		return rc;
	if (r->flags & flag)
		return bad_match(t, "a rule has one address an end (say src and dst)");
	r->flags |= flag | (end == EITHER ? XK_RULE_ADDR_EITHER : 0);
	if (end == DST)
		put_addr(r->dst, r->dst_mask, ip, bits);
	else
		put_addr(r->src, r->src_mask, ip, bits);
	return 0;
}

static int parse_addr(const struct text *t, struct xk_rule *r, enum end end)
{
	struct ipaddr ip;
	uint16_t bits;
	int rc = read_addr(t, &ip, &bits);

	return rc ? rc : set_addr(t, r, end, &ip, bits);
}

/* --- ports --- */

static int set_ports(const struct text *t, struct xk_rule *r, enum end end, uint16_t min,
		     uint16_t max)
{
	uint32_t flag = end == DST ? XK_RULE_DPORT : XK_RULE_SPORT;

	if (r->flags & flag)
		return bad_match(t, "a rule has one port an end (say src and dst)");
	r->flags |= flag | (end == EITHER ? XK_RULE_PORT_EITHER : 0);
	if (end == DST) {
		r->dport_min = min;
		r->dport_max = max;
	} else {
		r->sport_min = min;
		r->sport_max = max;
	}
	return 0;
}

/* N or N-M; range: only N-M. */
static int parse_ports(struct text *t, struct xk_rule *r, enum end end, bool range)
{
	const char *dash;
	uint16_t min, max;
	size_t n;

	next(t);
	dash = memchr(t->word, '-', t->len);
	n = dash ? (size_t)(dash - t->word) : t->len;
	if ((range && !dash) || !number(t->word, n, 10, 0xffff, &min))
		return bad_match(t, range ? "not a range of ports, N-M" : "not a port, 0 to 65535");
	max = min;
	if (dash && !number(dash + 1, t->len - n - 1, 10, 0xffff, &max))
		return bad_match(t, "not a range of ports, N-M");
	return min > max ? bad_match(t, "the range is the wrong way round")
			 : set_ports(t, r, end, min, max);
}

/* --- rules --- */

/* What may stand behind src or dst, and without either. */
static int parse_end(struct text *t, struct xk_rule *r, enum end end)
{
	if (is(t, "port") || is(t, "portrange"))
		return parse_ports(t, r, end, is(t, "portrange"));
	if (is(t, "host")) {
		next(t);
		if (memchr(t->word, '/', t->len))
			return bad_match(t, "a network: say net");
	} else if (is(t, "net")) {
		next(t);
		if (!memchr(t->word, '/', t->len))
			return bad_match(t, "a network needs its length, ADDR/LEN");
	}
	return parse_addr(t, r, end);
}

static bool begins_end(const struct text *t)
{
	return is(t, "port") || is(t, "portrange") || is(t, "host") || is(t, "net") ||
	       (t->len && (memchr(t->word, '.', t->len) || memchr(t->word, ':', t->len)));
}

static int parse_primitive(struct text *t, struct xk_rule *r)
{
	int rc = set_protocol(t, r);
	enum end end;

	if (rc)
		return rc < 0 ? rc : 0;
	if (is(t, "ether"))
		return parse_ether(t, r);
	if (is(t, "proto"))
		return parse_proto(t, r);
	if (is(t, "or") || is(t, "||"))
		return bad_match(t, "separate the rules by commas instead");
	end = is(t, "src") ? SRC : is(t, "dst") ? DST : EITHER;
	if (end != EITHER)
		next(t);
	if (end == EITHER && !begins_end(t))
		return bad_match(t, t->len ? "not understood" : "something is missing");
	return parse_end(t, r, end);
}

static bool has_ports(unsigned proto)
{
	return proto == IPPROTO_UDP || proto == IPPROTO_TCP || proto == IPPROTO_SCTP;
}

/* Rules no packet can match are slips. */
static int check_rule(const struct text *t, const struct xk_rule *r)
{
	bool ip = !(r->flags & XK_RULE_ETHERTYPE) || r->ethertype == ETH_P_IP ||
		  r->ethertype == ETH_P_IPV6;

	if ((r->flags & (XK_RULE_PROTO | PORTS)) && !ip)
		return bad_match(t, "only IP has protocols and ports");
	if ((r->flags & XK_RULE_PROTO) && (r->flags & PORTS) && !has_ports(r->proto))
		return bad_match(t, "only UDP, TCP and SCTP have ports");
	return 0;
}

/* Up to a comma or the end of the text. */
static int parse_rule(struct text *t, struct xk_rule *r)
{
	int rc;

	memset(r, 0, sizeof(*r));
	next(t);
	do {
		rc = parse_primitive(t, r);
		if (rc)
			return rc;
		next(t);
		if (is(t, "and") || is(t, "&&")) {
			next(t);
			if (!t->len)
				return bad_match(t, "something is missing behind `and`");
		}
	} while (t->len);
	return check_rule(t, r);
}

int match_parse(const char *text, struct xk_rule *rules, unsigned max, struct xk_err *err)
{
	struct text t = {.at = text, .err = err};
	unsigned n = 0;
	int rc;

	for (;; t.at++, n++) {
		if (n == max)
			return xk_err_fill(err, -EINVAL, "--match", "fewer rules, or wider ones",
					   "'%s': no room for more than %u rules", t.at, max);
		rc = parse_rule(&t, &rules[n]);
		if (rc)
			return rc;
		if (!*t.at)
			return (int)n + 1;
	}
}

/* --- keep --- */

static const struct {
	const char *word;
	uint32_t bits;
} keeps[] = {
	{"control", XK_KEEP_ALL}, {"arp", XK_KEEP_ARP},   {"nd", XK_KEEP_ND},
	{"igmp", XK_KEEP_IGMP},   {"dhcp", XK_KEEP_DHCP}, {"lldp", XK_KEEP_LLDP},
	{"lacp", XK_KEEP_LACP},   {"ptp", XK_KEEP_PTP},   {"ssh", XK_KEEP_SSH},
	{"bgp", XK_KEEP_BGP},
};

static int bad_keep(const struct text *t, const char *why)
{
	return xk_err_fill(t->err, -EINVAL, "--keep", KEEP_TAKES, "'%.*s': %s", (int)t->len,
			   t->word, why);
}

/* tcp/PORT or udp/PORT: 1, 0 it is neither, -EINVAL. */
static int keep_port(const struct text *t, struct xk_rule *rule)
{
	bool tcp = t->len >= 4 && !memcmp(t->word, "tcp/", 4);
	uint16_t port;

	if (!tcp && (t->len < 4 || memcmp(t->word, "udp/", 4)))
		return 0;
	if (!number(t->word + 4, t->len - 4, 10, 0xffff, &port) || !port)
		return bad_keep(t, "not a port, 1 to 65535");
	*rule = (struct xk_rule){
		.flags = XK_RULE_KEEP | XK_RULE_PROTO | XK_RULE_SPORT | XK_RULE_PORT_EITHER,
		.proto = tcp ? IPPROTO_TCP : IPPROTO_UDP,
		.sport_min = port,
		.sport_max = port,
	};
	return 1;
}

static bool keep_word(const struct text *t, uint32_t *keep)
{
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		if (!is(t, keeps[i].word))
			continue;
		*keep |= keeps[i].bits;
		return true;
	}
	return false;
}

/* One entry of the list: how many rules it makes, or -EINVAL. */
static int keep_entry(const struct text *t, uint32_t *keep, struct xk_rule *rules, unsigned room)
{
	struct xk_rule rule;
	int rc;

	if (keep_word(t, keep))
		return 0;
	rc = keep_port(t, &rule);
	if (rc < 0)
		return rc;
	if (!rc)
		return bad_keep(t, is(t, "none") ? "stands alone" : "not known");
	if (!room)
		return bad_keep(t, "no room for more rules");
	*rules = rule;
	return 1;
}

int keep_parse(const char *text, uint32_t *keep, struct xk_rule *rules, unsigned max,
	       struct xk_err *err)
{
	struct text t = {.at = text, .err = err};
	uint32_t bits = 0;
	unsigned n = 0;
	int rc;

	if (!strcmp(text, "none")) {
		*keep = 0;
		return 0;
	}
	for (;; t.at++) {
		next(&t);
		rc = keep_entry(&t, &bits, rules + n, max - n);
		if (rc < 0)
			return rc;
		n += (unsigned)rc;
		t.at += strspn(t.at, " \t\n");
		if (!*t.at)
			break;
		if (*t.at != ',')
			return bad_keep(&t, "expected a comma behind it");
	}
	*keep = bits;
	return (int)n;
}

/* --- own traffic --- */

static void own(struct xk_rule *r, unsigned ethertype, const struct ipaddr *dst)
{
	memset(r, 0, sizeof(*r));
	r->flags = XK_RULE_OWN | XK_RULE_ETHERTYPE | XK_RULE_DST;
	r->ethertype = (uint16_t)ethertype;
	put_addr(r->dst, r->dst_mask, dst, dst->family == 4 ? 32 : 128);
}

static void own_ip(struct xk_rule *r, const struct ipaddr *dst, unsigned proto)
{
	own(r, dst->family == 4 ? ETH_P_IP : ETH_P_IPV6, dst);
	r->flags |= XK_RULE_PROTO;
	r->proto = (uint8_t)proto;
}

static void own_icmp(struct xk_rule *r, const struct ipaddr *dst, unsigned type4, unsigned type6)
{
	bool v4 = dst->family == 4;

	own_ip(r, dst, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	r->flags |= XK_RULE_SPORT;
	r->sport_min = r->sport_max = (uint16_t)((v4 ? type4 : type6) * 256); /* code 0 */
}

static void set_dport(struct xk_rule *r, uint16_t dport)
{
	r->flags |= XK_RULE_DPORT;
	r->dport_min = r->dport_max = dport;
}

void match_own_arp(struct xk_rule *rule, const struct ipaddr *tpa)
{
	own(rule, ETH_P_ARP, tpa);
}

void match_own_nd(struct xk_rule *rule, const struct ipaddr *target)
{
	own_icmp(rule, target, 0, 135);
}

void match_own_na(struct xk_rule *rule, const struct ipaddr *target)
{
	own_icmp(rule, target, 0, 136);
}

void match_own_icmp_request(struct xk_rule *rule, const struct ipaddr *ip)
{
	own_icmp(rule, ip, 8, 128);
}

void match_own_icmp_reply(struct xk_rule *rule, const struct ipaddr *ip, uint16_t ident)
{
	own_icmp(rule, ip, 0, 129);
	set_dport(rule, ident);
}

void match_own_udp(struct xk_rule *rule, const struct ipaddr *ip, uint16_t dport)
{
	own_ip(rule, ip, IPPROTO_UDP);
	set_dport(rule, dport);
}
