// SPDX-License-Identifier: BSD-2-Clause
/* ping: round-trip latency with percentiles, against echo or any host. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "cmd.h"
#include "match.h"
#include "neigh.h"
#include "output.h"
#include "ping.h"
#include "resolve.h"
#include "session.h"

#define UDP_ECHO   7
#define TIMEOUT_NS 1000000000ull
#define SMALLEST   64u

struct ping_opts {
	struct ping_config config; /* first: what the action takes as its ctx */
	struct packet_opts packet;
	const char *host, *hgrm_path;
	struct output *hgrm;
	uint32_t size;
	bool udp, icmp, have_dst_mac, have_sport;
	int reserved_fd,
		group_fd; /* the UDP port, so that no kernel socket takes it; the ND group */
};

/* --- options --- */

enum {
	KEY_SRC_IP = 0x200,
	KEY_SRC_PORT,
	KEY_DST_MAC,
	KEY_RATE,
	KEY_SIZE,
	KEY_HGRM,
	KEY_UDP,
	KEY_ICMP
};

static const struct argp_option options[] = {
	{"icmp", KEY_ICMP, 0, 0, "ICMP or ICMPv6 echo, which any host answers (the default)", 1},
	{"udp", KEY_UDP, 0, 0, "UDP echo, port 7 (RFC 862), which `xskit echo` answers", 1},
	{"rate", KEY_RATE, "PPS", 0,
	 "requests a second, whether answered or not; 0: the next one after the answer (0)", 1},
	{"size", KEY_SIZE, "BYTES", 0, "of the Ethernet frame, without its checksum (64, IPv6: 78)",
	 1},
	{"hgrm", KEY_HGRM, "FILE", 0,
	 "write the round trips as an HdrHistogram percentile file, in us", 1},
	{"src-ip", KEY_SRC_IP, "ADDR", 0,
	 "(the interface's towards HOST; another one is answered for)", 2},
	{"src-port", KEY_SRC_PORT, "PORT", 0, "UDP source port (a free one)", 2},
	{"dst-mac", KEY_DST_MAC, "MAC", 0, "(asked for by ARP or ND)", 2},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct ping_opts *o = state->input;
	struct xk_err *err = o->packet.err;
	uint32_t port = 0;
	int ret;

	switch (key) {
	case KEY_ICMP:
		o->icmp = true;
		return 0;
	case KEY_UDP:
		o->udp = true;
		return 0;
	case KEY_RATE:
		return opt_u64("--rate", word, 0, 1000000, &o->config.rate_pps, err);
	case KEY_SIZE:
		return opt_u32("--size", word, SMALLEST - 4, 1792, &o->size, err);
	case KEY_HGRM:
		o->hgrm_path = word;
		return 0;
	case KEY_SRC_IP:
		if (ipaddr_parse(word, &o->config.spec.src) == 0)
			return 0;
		return opt_bad(err, "--src-ip", word, "an IPv4 or IPv6 address");
	case KEY_SRC_PORT:
		ret = opt_u32("--src-port", word, 1, 65535, &port, err);
		o->config.spec.sport = (uint16_t)port;
		o->have_sport = true;
		return ret;
	case KEY_DST_MAC:
		o->have_dst_mac = true;
		if (macaddr_parse(word, &o->config.spec.dst_mac) == 0)
			return 0;
		return opt_bad(err, "--dst-mac", word, "a MAC address, as 02:00:00:00:00:01");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int check_options(struct ping_opts *o, struct xk_err *err)
{
	if (o->udp && o->icmp)
		return opt_bad(err, "--udp", "with --icmp", "one of the two");
	if (o->have_sport && !o->udp)
		return opt_bad(err, "--src-port", "without --udp", "a port only for UDP");
	return 0;
}

/* --- who, from where --- */

static int find_host(struct ping_opts *o, struct xk_err *err)
{
	struct frame_spec *spec = &o->config.spec;
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
	char text[46];
	int ret;

	if (spec->src.family)
		hints.ai_family = spec->src.family == 6 ? AF_INET6 : AF_INET;
	if (ipaddr_parse(o->host, &spec->dst) == 0)
		return 0;
	ret = getaddrinfo(o->host, NULL, &hints, &found);
	if (ret)
		return opt_bad(err, "HOST", o->host,
			       "an IPv4 or IPv6 address, or a name that resolves");
	getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
	ret = ipaddr_parse(text, &spec->dst);
	return ret ? opt_bad(err, "HOST", o->host, "an IPv4 or IPv6 address") : 0;
}

static int find_source(struct ping_opts *o, const struct nl_link *link, struct xk_err *err)
{
	struct frame_spec *spec = &o->config.spec;
	char text[46];

	spec->src_mac = link->mac;
	if (!spec->src.family && nl_source_for(link->ifindex, &spec->dst, &spec->src))
		return xk_err_fill(err, -EADDRNOTAVAIL, "ping", "give one with --src-ip",
				   "%s has no address from which to reach %s", link->name,
				   ipaddr_text(&spec->dst, text));
	if (spec->src.family != spec->dst.family)
		return opt_bad(err, "--src-ip", "of another family",
			       "an address of the host's family");
	o->config.own_host = !resolve_is_own(link, &spec->src);
	return 0;
}

/* With an address of the kernel's the kernel resolves; with one that is ours alone we ask. */
static int find_mac(struct ping_opts *o, const struct nl_link *link, struct xk_err *err)
{
	struct frame_spec *spec = &o->config.spec;

	if (o->have_dst_mac)
		return 0;
	if (!o->config.own_host)
		return resolve_mac(link, &spec->dst, &spec->dst_mac, err);
	o->config.resolve = true;
	if (nl_route(link->ifindex, &spec->dst, &o->config.target))
		o->config.target = spec->dst;
	return 0;
}

/* A port no kernel socket has: with an address of the kernel's, held by a socket of our own. */
static int reserve_port(struct ping_opts *o, struct xk_err *err)
{
	struct frame_spec *spec = &o->config.spec;
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(spec->sport)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(spec->sport)};
	bool six = spec->src.family == 6;
	struct sockaddr *addr = six ? (void *)&a6 : (void *)&a4;
	socklen_t len = six ? sizeof(a6) : sizeof(a4);

	memcpy(six ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr, spec->src.b, six ? 16 : 4);
	o->reserved_fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (o->reserved_fd < 0 || bind(o->reserved_fd, addr, len) ||
	    getsockname(o->reserved_fd, addr, &len))
		return xk_err_fill(err, -errno, "ping", "take another --src-port",
				   "UDP source port %u", spec->sport);
	spec->sport = ntohs(six ? a6.sin6_port : a4.sin_port);
	return 0;
}

static int choose_ids(struct ping_opts *o, struct xk_err *err)
{
	struct frame_spec *spec = &o->config.spec;
	uint16_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return xk_err_fill(err, -EIO, "ping", NULL, "no random number");
	spec->proto = o->udp ? L4_UDP : spec->src.family == 6 ? L4_ICMP6 : L4_ICMP;
	if (!o->udp) {
		spec->dport = random;
		return 0;
	}
	spec->dport = UDP_ECHO;
	if (!o->config.own_host)
		return reserve_port(o, err);
	if (!o->have_sport)
		spec->sport = (uint16_t)(32768 + random % 28000);
	return 0;
}

static int choose_size(struct ping_opts *o, const struct nl_link *link, struct xk_err *err)
{
	struct frame_spec *spec = &o->config.spec;
	size_t least = frame_min(spec) + sizeof(struct ping_payload);
	size_t most = link->mtu + 14u < 1792 ? link->mtu + 14u : 1792;
	char takes[64];

	snprintf(takes, sizeof(takes), "%zu to %zu bytes here", least, most);
	spec->size = o->size ? o->size : least > SMALLEST ? least : SMALLEST;
	if (spec->size < least || spec->size > most)
		return opt_bad(err, "--size", "out of range", takes);
	return 0;
}

/* Only the answers to this run's requests; and who asks for an address that is ours alone. */
static int take_own(struct ping_opts *o, const struct nl_link *link, struct xk_err *err)
{
	const struct frame_spec *spec = &o->config.spec;
	struct xk_rule *rules = opts_add_rules(&o->packet, o->config.own_host ? 2 : 1);
	struct ipaddr group;

	if (!rules)
		return opt_bad(err, "--match", "too many", "fewer rules");
	if (spec->proto == L4_UDP)
		match_own_udp(&rules[0], &spec->src, spec->sport);
	else
		match_own_icmp_reply(&rules[0], &spec->src, spec->dport);
	if (!o->config.own_host)
		return 0;
	if (spec->src.family == 4) {
		match_own_arp(&rules[1], &spec->src);
		return 0;
	}
	match_own_nd(&rules[1], &spec->src);
	group = neigh_solicited_node(&spec->src);
	o->group_fd = nl_join_group(link->ifindex, &group);
	return 0;
}

static int prepare(void *ctx, const struct nl_link *link, struct packet_opts *opts,
		   struct xk_err *err)
{
	struct ping_opts *o = ctx;
	int ret;

	o->config.limit = opts->packets;
	if ((ret = find_host(o, err)) || (ret = find_source(o, link, err)) ||
	    (ret = find_mac(o, link, err)) || (ret = choose_ids(o, err)) ||
	    (ret = choose_size(o, link, err)))
		return ret;
	return take_own(o, link, err);
}

/* --- the summary --- */

static void summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary)
{
	const struct ping *ping = lanes[0].state;
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
		{"sent", ping->sent},
		{"received", ping->received},
		{"lost", ping->lost},
		{"on_the_way", ping->sent - ping->received - ping->lost},
		{"duplicates", ping->duplicates},
		{"reordered", ping->reordered},
		{"late", ping->late},
		{"foreign", ping->foreign},
	};

	(void)ctx;
	(void)n;
	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		json_object_set_new(summary, fields[i].name,
				    json_integer((json_int_t)fields[i].value));
	json_object_set_new(summary, "rtt_ns", report_hist(&ping->rtt));
	json_object_set_new(summary, "service_ns", report_hist(&ping->service));
}

static void hist_text(const char *name, const struct xk_hist *hist)
{
	static const double percents[] = {50, 90, 99, 99.9, 99.99};

	if (hist->count == 0)
		return;
	printf("%-8s min %.2f  mean %.2f", name, (double)hist->min / 1e3, xk_hist_mean(hist) / 1e3);
	for (unsigned i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		printf("  p%g %.2f", percents[i],
		       (double)xk_hist_percentile(hist, percents[i]) / 1e3);
	printf("  max %.2f us\n", (double)hist->max / 1e3);
}

static void summary_text(void *ctx, const struct lane *lanes, unsigned n)
{
	const struct ping *ping = lanes[0].state;

	(void)ctx;
	(void)n;
	printf("sent %llu, received %llu, lost %llu, duplicates %llu, reordered %llu, late %llu\n",
	       (unsigned long long)ping->sent, (unsigned long long)ping->received,
	       (unsigned long long)ping->lost, (unsigned long long)ping->duplicates,
	       (unsigned long long)ping->reordered, (unsigned long long)ping->late);
	hist_text("rtt", &ping->rtt);
	hist_text("service", &ping->service);
}

/* The session's last call while the histograms are there. */
static void finished(void *ctx, const struct lane *lanes, unsigned n)
{
	struct ping_opts *o = ctx;
	const struct ping *ping = lanes[0].state;

	(void)n;
	o->config.unreachable = ping->unreachable;
	if (o->hgrm)
		xk_hist_write_hgrm(&ping->rtt, output_file(o->hgrm), 1000.0);
}

static int unreachable(const struct ping_opts *o, struct xk_err *err)
{
	char text[46];

	return xk_err_fill(err, -EHOSTUNREACH, "ping", "give --dst-mac, or see who is there",
			   "%s does not answer %s on %s", ipaddr_text(&o->config.target, text),
			   o->config.target.family == 6 ? "ND" : "ARP", o->packet.ifname);
}

static int ping(struct ping_opts *o, struct xk_err *err)
{
	struct action action;
	int ret;

	if (o->hgrm_path && (ret = output_open(&o->hgrm, o->hgrm_path, err)))
		return ret;
	ping_action(&action);
	action.prepare = prepare;
	action.finished = finished;
	action.summary_json = summary_json;
	action.summary_text = summary_text;
	action.writes_file = o->hgrm != NULL;
	ret = session_run(&o->packet, &action, o, err);
	if (o->config.unreachable)
		return unreachable(o, err);
	if (ret || !o->hgrm)
		return ret;
	ret = output_commit(o->hgrm, err);
	o->hgrm = NULL;
	return ret;
}

int cmd_ping(int argc, char **argv, struct xk_err *err)
{
	struct ping_opts o = {
		.config = {.spec = {.vlan = VLAN_NONE}, .timeout_ns = TIMEOUT_NS},
		.packet = {.argc = argc, .argv = argv},
		.reserved_fd = -1,
		.group_fd = -1,
	};
	const char *args[2];
	const struct command_line line = {
		.name = "ping",
		.args_doc = "IFACE HOST",
		.doc = "Measure round trips through an AF_XDP socket, with percentiles.",
		.options = options,
		.parser = parse,
		.input = &o,
		.min_args = 2,
		.max_args = 2,
		.args = args,
		.packet = &o.packet,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	if (ret == 0 && (ret = check_options(&o, err)) == 0) {
		o.host = args[1];
		ret = ping(&o, err);
	}
	output_abort(o.hgrm);
	if (o.reserved_fd >= 0)
		close(o.reserved_fd);
	if (o.group_fd >= 0)
		close(o.group_fd);
	opts_free(&o.packet);
	return ret;
}
