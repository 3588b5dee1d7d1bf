// SPDX-License-Identifier: BSD-2-Clause
/* ping: round-trip latency with percentiles, against echo or any host. */
#include <errno.h>
#include <unistd.h>
#include "cmd.h"
#include "output.h"
#include "ping.h"
#include "session.h"

#define TIMEOUT_NS 1000000000ull

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
		return opt_u32("--size", word, 60, 1792, &o->size, err);
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
		return opt_clash(err, "--udp", "give one of the two", "beside --icmp");
	if (o->have_sport && !o->udp)
		return opt_clash(err, "--src-port", "add --udp, or leave it out",
				 "'%u' without --udp: ICMP has no ports", o->config.spec.sport);
	return 0;
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
	struct action action = ping_action;
	int ret;

	if (o->hgrm_path && (ret = output_open(&o->hgrm, o->hgrm_path, err)))
		return ret;
	action.writes_file = o->hgrm != NULL;
	ret = session_run(&o->packet, &action, o, err);
	if (o->config.unreachable && (!ret || ret == -EHOSTUNREACH))
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
