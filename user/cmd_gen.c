// SPDX-License-Identifier: BSD-2-Clause
/* gen: generate traffic at a rate. */
#include <cap-ng.h>
#include <errno.h>
#include <stdlib.h>
#include "cmd.h"
#include "gen.h"
#include "kengine.h"
#include "resolve.h"
#include "session.h"

enum engine { ENGINE_AUTO, ENGINE_XSK, ENGINE_KERNEL };

struct gen_opts {
	struct gen gen;
	struct packet_opts packet;
	int engine;
	bool have_dst_mac, have_src_mac;
};

enum {
	KEY_ENGINE = 0x200,
	KEY_RATE,
	KEY_SIZE,
	KEY_FLOWS,
	KEY_DST_MAC,
	KEY_SRC_MAC,
	KEY_DST_IP,
	KEY_SRC_IP,
	KEY_DST_PORT,
	KEY_SRC_PORT,
	KEY_VLAN,
};

static const struct argp_option options[] = {
	{"engine", KEY_ENGINE, "ENGINE", 0,
	 "xsk: an AF_XDP socket; kernel: XDP live frames; auto: kernel where it works (auto)", 1},
	{"rate", KEY_RATE, "PPS", 0, "packets a second, 0: as fast as it goes (0)", 1},
	{"size", KEY_SIZE, "BYTES", 0, "of the Ethernet frame, without its checksum (64)", 1},
	{"flows", KEY_FLOWS, "N", 0, "UDP source ports, from --src-port on, in turn (1)", 1},
	{"dst-mac", KEY_DST_MAC, "MAC", 0,
	 "(the next hop's if --dst-ip is given, else 02:00:00:00:00:02)", 2},
	{"src-mac", KEY_SRC_MAC, "MAC", 0, "(the interface's)", 2},
	{"dst-ip", KEY_DST_IP, "ADDR", 0, "IPv4 or IPv6 (198.18.0.2)", 2},
	{"src-ip", KEY_SRC_IP, "ADDR", 0, "(198.18.0.1, or the interface's towards --dst-ip)", 2},
	{"dst-port", KEY_DST_PORT, "PORT", 0, "UDP port (9)", 2},
	{"src-port", KEY_SRC_PORT, "PORT", 0, "first UDP source port (1024)", 2},
	{"vlan", KEY_VLAN, "ID", 0, "tag frames with this VLAN (none)", 2},
	{0},
};

static int opt_mac(const char *option, const char *word, struct macaddr *mac, struct xk_err *err)
{
	if (macaddr_parse(word, mac) == 0)
		return 0;
	return opt_bad(err, option, word, "a MAC address, as 02:00:00:00:00:01");
}

/* No interface has a group's address, and bridges drop what claims to come from one. */
static int opt_src_mac(const char *word, struct macaddr *mac, struct xk_err *err)
{
	int ret = opt_mac("--src-mac", word, mac, err);

	return ret || !(mac->b[0] & 1) ? ret
				       : opt_bad(err, "--src-mac", word,
						 "the address of one host, its first byte even");
}

static int opt_ip(const char *option, const char *word, struct ipaddr *addr, struct xk_err *err)
{
	if (ipaddr_parse(word, addr) == 0)
		return 0;
	return opt_bad(err, option, word, "an IPv4 or IPv6 address");
}

static int opt_u16(const char *option, const char *word, uint16_t min, uint16_t max, uint16_t *out,
		   struct xk_err *err)
{
	uint32_t wide = 0;
	int ret = opt_u32(option, word, min, max, &wide, err);

	*out = (uint16_t)wide;
	return ret;
}

static error_t parse_address(int key, char *word, struct gen_opts *o)
{
	struct frame_spec *spec = &o->gen.spec;
	struct xk_err *err = o->packet.err;

	switch (key) {
	case KEY_DST_MAC:
		o->have_dst_mac = true;
		return opt_mac("--dst-mac", word, &spec->dst_mac, err);
	case KEY_SRC_MAC:
		o->have_src_mac = true;
		return opt_src_mac(word, &spec->src_mac, err);
	case KEY_DST_IP:
		return opt_ip("--dst-ip", word, &spec->dst, err);
	case KEY_SRC_IP:
		return opt_ip("--src-ip", word, &spec->src, err);
	case KEY_DST_PORT:
		return opt_u16("--dst-port", word, 1, 65535, &spec->dport, err);
	case KEY_SRC_PORT:
		return opt_u16("--src-port", word, 0, 65535, &spec->sport, err);
	case KEY_VLAN:
		return opt_u16("--vlan", word, 0, 4094, &spec->vlan, err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	static const char *const engines[] = {"auto", "xsk", "kernel", NULL};
	struct gen_opts *o = state->input;
	struct xk_err *err = o->packet.err;
	uint32_t size = 0;
	int ret;

	switch (key) {
	case KEY_ENGINE:
		return opt_choice("--engine", word, engines, &o->engine, err);
	case KEY_RATE:
		return opt_u64("--rate", word, 0, 1000000000, &o->gen.rate_pps, err);
	case KEY_SIZE:
		ret = opt_u32("--size", word, 42, 65535, &size, err);
		o->gen.spec.size = size;
		return ret;
	case KEY_FLOWS:
		return opt_u32("--flows", word, 1, KENGINE_MAX_FLOWS, &o->gen.flows, err);
	default:
		return parse_address(key, word, o);
	}
}

/* --- the frame --- */

static int fill_addresses(struct gen_opts *o, const struct nl_link *link, struct xk_err *err)
{
	static const struct macaddr nobody = {{2, 0, 0, 0, 0, 2}};
	struct frame_spec *spec = &o->gen.spec;
	char src[46], dst[46];

	if (!o->have_src_mac)
		spec->src_mac = link->mac;
	if (!spec->dst.family) {
		ipaddr_parse(spec->src.family == 6 ? "2001:2::2" : "198.18.0.2", &spec->dst);
		if (!o->have_dst_mac)
			spec->dst_mac = nobody;
	} else if (!o->have_dst_mac) {
		int ret = resolve_mac(link, &spec->dst, &spec->dst_mac, err);

		if (ret)
			return ret;
	}
	if (!spec->src.family && nl_source_for(link->ifindex, &spec->dst, &spec->src))
		ipaddr_parse(spec->dst.family == 6 ? "2001:2::1" : "198.18.0.1", &spec->src);
	if (spec->src.family == spec->dst.family)
		return 0;
	return opt_clash(err, "--src-ip", "give an address of the same family",
			 "'%s' is not of the family of --dst-ip %s", ipaddr_text(&spec->src, src),
			 ipaddr_text(&spec->dst, dst));
}

/* The AF_XDP engine copies a frame into one of the UMEM's, which must hold it. */
static int check_room(struct gen_opts *o, struct xk_err *err)
{
	struct packet_opts *opts = &o->packet;
	size_t size = o->gen.spec.size;

	if (o->engine == ENGINE_KERNEL)
		return 0; /* which knows its own largest */
	if (!opts_given(opts, "frame-size") && size > opts->frame_size)
		opts->frame_size = GEN_MAX_FRAME;
	if (size <= opts->frame_size)
		return 0;
	xk_err_fill(err, -EMSGSIZE, "--size",
		    size > GEN_MAX_FRAME ? "4096 bytes is the most gen sends"
					 : "use --frame-size 4096",
		    "%zu bytes do not fit a frame of %u", size,
		    size > GEN_MAX_FRAME ? GEN_MAX_FRAME : opts->frame_size);
	return CMD_USAGE;
}

static int build_frame(struct gen_opts *o, const struct nl_link *link, struct xk_err *err)
{
	struct frame_spec *spec = &o->gen.spec;
	size_t most = link->mtu + 14u + (spec->vlan == VLAN_NONE ? 0 : 4);
	struct parsed parsed;
	char takes[96], size[24];
	int ret;

	snprintf(size, sizeof(size), "%zu", spec->size);
	snprintf(takes, sizeof(takes), "%zu to %zu bytes for these frames on this interface",
		 frame_min(spec), most);
	if (spec->size < frame_min(spec) || spec->size > most)
		return opt_bad(err, "--size", size, takes);
	if ((ret = check_room(o, err)))
		return ret;
	o->gen.frame = malloc(spec->size);
	if (!o->gen.frame || frame_build(spec, NULL, o->gen.frame))
		return xk_err_fill(err, -ENOMEM, "gen", NULL, "cannot build the frame");
	packet_parse(o->gen.frame, spec->size, &parsed);
	o->gen.l4_off = parsed.l4;
	return 0;
}

/* The kernel engine's program takes a capability that the AF_XDP engine does without. */
static bool may_load(void)
{
	capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_PERFMON) ||
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

/* The kernel engine needs a device that takes redirected frames; a veth does if its peer has XDP.
 */
static int choose_engine(struct gen_opts *o, const struct nl_link *link, struct xk_err *err)
{
	uint64_t features = 0;
	bool known = nl_xdp_features(link->ifindex, &features) == 0;
	bool able = !known || (features & NL_XDP_NDO_XMIT);

	if (o->engine == ENGINE_AUTO)
		o->engine = able && may_load() && o->gen.spec.size <= KENGINE_MAX_FRAME
				    ? ENGINE_KERNEL
				    : ENGINE_XSK;
	if (o->engine == ENGINE_XSK || able)
		return 0;
	return xk_err_fill(
		err, -EOPNOTSUPP, "gen --engine kernel",
		"on a veth, load an XDP program or turn GRO on at its peer; or use --engine xsk",
		"%s cannot send redirected frames (no NDO_XMIT)", link->name);
}

static int prepare(struct gen_opts *o, struct xk_err *err)
{
	int ret = nl_link(o->packet.ifname, &o->gen.link, err);

	if (ret || (ret = choose_engine(o, &o->gen.link, err)) ||
	    (ret = fill_addresses(o, &o->gen.link, err)) ||
	    (ret = build_frame(o, &o->gen.link, err)))
		return ret;
	if (o->gen.spec.sport + o->gen.flows > 65536)
		return opt_clash(err, "--flows", "give fewer, or a lower --src-port",
				 "'%u' ports from --src-port %u on are more than there are",
				 o->gen.flows, o->gen.spec.sport);
	if ((o->gen.rate_pps && o->gen.rate_pps < o->packet.queues.count) ||
	    (o->packet.packets && o->packet.packets < o->packet.queues.count))
		return opt_clash(err, "--queues", "give fewer, or raise --rate or --packets",
				 "%u queues have not a packet each", o->packet.queues.count);
	if (!o->packet.tx_budget)
		o->packet.tx_budget =
			o->packet.ring_size; /* one system call sends all that is queued */
	o->gen.limit = o->packet.packets;
	nl_counters(o->gen.link.ifindex, &o->gen.base);
	return 0;
}

int cmd_gen(int argc, char **argv, struct xk_err *err)
{
	struct gen_opts o = {
		.gen = {.spec = {.vlan = VLAN_NONE,
				 .proto = L4_UDP,
				 .sport = 1024,
				 .dport = 9,
				 .size = 64},
			.flows = 1},
		.packet = {.argc = argc, .argv = argv},
	};
	const char *args[1];
	const struct command_line line = {
		.name = "gen",
		.args_doc = "IFACE",
		.doc = "Send UDP frames out of IFACE at a rate, and tell how many really left.",
		.options = options,
		.parser = parse,
		.input = &o,
		.min_args = 1,
		.max_args = 1,
		.args = args,
		.packet = &o.packet,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	o.gen.opts = &o.packet;
	if (ret == 0)
		ret = prepare(&o, err);
	if (ret == 0)
		ret = session_run(&o.packet, o.engine == ENGINE_KERNEL ? &gen_kernel : &gen_xsk,
				  &o.gen, err);
	free(o.gen.frame);
	opts_free(&o.packet);
	return ret;
}
