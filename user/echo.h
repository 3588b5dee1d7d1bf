/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo.h - a host in user space that answers: what it is told (cmd_echo.c), and what it does with
 * packets (echo.c), which is answer.c's word for each of them.
 */
#ifndef XSKIT_ECHO_H
#define XSKIT_ECHO_H

#include "lane.h"
#include "nl.h"
#include "opts.h"
#include "packet.h"

#define ECHO_MAX_IPS (XK_MAX_RULES / 4) /* each takes up to 4 rules */

struct echo {
	struct packet_opts packet;
	struct ipaddr ips[ECHO_MAX_IPS];
	int groups[ECHO_MAX_IPS]; /* multicast memberships, -1: none */
	unsigned count;
	struct nl_link link;
};

/* Its ctx is a struct echo. */
extern const struct action echo_action;

#endif
