// SPDX-License-Identifier: BSD-2-Clause
/* echo: answer ARP, ND, ICMP and ICMPv6 echo, and UDP echo from user space. */
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "echo.h"
#include "session.h"

#define KEY_IP 0x200

/* --- options --- */

/* Not of a group, not everybody's (255.255.255.255) and not nobody's (all zero). */
static bool is_hosts(const struct ipaddr *ip)
{
	static const struct ipaddr zero;
	static const uint8_t all[4] = {255, 255, 255, 255};

	return !ipaddr_is_multicast(ip) && memcmp(ip->b, zero.b, ip->family == 6 ? 16 : 4) &&
	       (ip->family == 6 || memcmp(ip->b, all, sizeof(all)));
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct echo *echo = state->input;

	if (key != KEY_IP)
		return ARGP_ERR_UNKNOWN;
	if (echo->count == ECHO_MAX_IPS)
		return opt_bad(echo->packet.err, "--ip", word, "fewer addresses");
	if (ipaddr_parse(word, &echo->ips[echo->count]) || !is_hosts(&echo->ips[echo->count]))
		return opt_bad(echo->packet.err, "--ip", word,
			       "an IPv4 or IPv6 address of one host");
	echo->count++;
	return 0;
}

static const struct argp_option options[] = {
	{"ip", KEY_IP, "ADDR", 0,
	 "answer for this address; several are allowed (the interface's own)", 1},
	{0},
};

int cmd_echo(int argc, char **argv, struct xk_err *err)
{
	struct echo echo = {.packet = {.argc = argc, .argv = argv}};
	const char *args[1];
	const struct command_line line = {
		.name = "echo",
		.args_doc = "IFACE",
		.doc = "Answer ARP, IPv6 ND, ICMP and ICMPv6 echo, and UDP echo (port 7) from user "
		       "space.",
		.options = options,
		.parser = parse,
		.input = &echo,
		.min_args = 1,
		.max_args = 1,
		.args = args,
		.packet = &echo.packet,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	if (ret == 0)
		ret = session_run(&echo.packet, &echo_action, &echo, err);
	for (unsigned i = 0; i < echo.count; i++)
		if (echo.groups[i] > 0)
			close(echo.groups[i]);
	opts_free(&echo.packet);
	return ret;
}
