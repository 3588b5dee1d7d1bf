/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve.h - where a packet for an address has to go, by this machine's own routes and neighbours.
 */
#ifndef XSKIT_RESOLVE_H
#define XSKIT_RESOLVE_H

#include <xskit/err.h>
#include "nl.h"
#include "packet.h"

/*
 * MAC of the next hop towards dst out of `link`, asked of the kernel, which resolves it if it must
 * (at most 2 s). -ENETUNREACH no route by this interface; -EHOSTUNREACH nobody answers.
 */
int resolve_mac(const struct nl_link *link, const struct ipaddr *dst, struct macaddr *mac,
		struct xk_err *err);

/* Whether `addr` is one of the interface's own addresses. */
bool resolve_is_own(const struct nl_link *link, const struct ipaddr *addr);

#endif
