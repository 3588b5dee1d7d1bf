/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * match.h - text to rules of the XDP program: --match, --keep, and a command's own traffic.
 *
 * --match is a list of rules, separated by commas; a packet is taken that matches one of them. A
 * rule is a sequence of primitives, with or without `and` between them, all of which must hold:
 *
 *   arp ip ip6 icmp icmp6 udp tcp sctp       the protocol; udp, tcp and sctp over either IP
 *   ether proto N, proto N                   EtherType; IP protocol
 *   [src|dst] [host] ADDR                    an address, of either end if not said which
 *   [src|dst] [net] ADDR/LEN                 a network
 *   [src|dst] port N, [src|dst] portrange N-M (or port N-M)
 *
 * As in tcpdump, but for: an address means IP, and ARP only behind `arp`; a rule has one address
 * and one port (range) an end; no `or`, no `not`, no parentheses.
 */
#ifndef XSKIT_MATCH_H
#define XSKIT_MATCH_H

#include <stdint.h>
#include <xskit/err.h>
#include "abi.h"
#include "packet.h"

/* Into rules[0..max-1]: how many, or -EINVAL with the offending word and what is accepted. */
int match_parse(const char *text, struct xk_rule *rules, unsigned max, struct xk_err *err);

/*
 * --keep: control (all of arp nd igmp dhcp lldp lacp ptp ssh bgp), these by name, tcp/PORT,
 * udp/PORT (either end; these become rules that keep), or none. As match_parse(); *keep is set, not
 * added to.
 */
int keep_parse(const char *text, uint32_t *keep, struct xk_rule *rules, unsigned max,
	       struct xk_err *err);

/* Rules for what a command answers or waits for itself; they beat the keep list. */
void match_own_arp(struct xk_rule *rule,
		   const struct ipaddr *tpa); /* asks for, or answers to, tpa */
void match_own_nd(struct xk_rule *rule, const struct ipaddr *target); /* solicitations for target */
void match_own_na(struct xk_rule *rule, const struct ipaddr *target); /* advertisements of target */
void match_own_icmp_request(struct xk_rule *rule, const struct ipaddr *ip); /* echo, to ip */
void match_own_icmp_reply(struct xk_rule *rule, const struct ipaddr *ip, uint16_t ident);
void match_own_udp(struct xk_rule *rule, const struct ipaddr *ip, uint16_t dport);

#endif
