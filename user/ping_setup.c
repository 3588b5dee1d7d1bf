// SPDX-License-Identifier: BSD-2-Clause
/* Before the first request: who is asked, from where, and what of the traffic is ours. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include "match.h"
#include "neigh.h"
#include "ping.h"
#include "resolve.h"

#define UDP_ECHO 7
#define SMALLEST 64u

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
	char src[46], text[46];

	spec->src_mac = link->mac;
	if (!spec->src.family && nl_source_for(link->ifindex, &spec->dst, &spec->src))
		return xk_err_fill(err, -EADDRNOTAVAIL, "ping", "give one with --src-ip",
				   "%s has no address from which to reach %s", link->name,
				   ipaddr_text(&spec->dst, text));
	if (spec->src.family != spec->dst.family)
		return opt_clash(err, "--src-ip", "give an address of the host's family",
				 "'%s' is not of the family of %s", ipaddr_text(&spec->src, src),
				 ipaddr_text(&spec->dst, text));
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
	char takes[64], size[24];

	snprintf(takes, sizeof(takes), "%zu to %zu bytes here", least, most);
	spec->size = o->size ? o->size : least > SMALLEST ? least : SMALLEST;
	snprintf(size, sizeof(size), "%zu", spec->size);
	if (spec->size < least || spec->size > most)
		return opt_bad(err, "--size", size, takes);
	return 0;
}

/* Only the answers to this run's requests; and who asks for an address that is ours alone. */
static int take_own(struct ping_opts *o, const struct nl_link *link, struct xk_err *err)
{
	const struct frame_spec *spec = &o->config.spec;
	struct xk_rule *rules = opts_add_rules(&o->packet, o->config.own_host ? 2 : 1);
	struct ipaddr group;

	if (!rules)
		return opt_clash(err, "--match", "give fewer rules",
				 "its %u rules leave no room for those of the answers",
				 o->packet.n_rules);
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

int ping_prepare(void *ctx, const struct nl_link *link, struct packet_opts *opts,
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
