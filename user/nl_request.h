/* SPDX-License-Identifier: BSD-2-Clause */
/* nl_request.h - one netlink question and its answers, for the nl_*.c files. */
#ifndef XSKIT_NL_REQUEST_H
#define XSKIT_NL_REQUEST_H

#include <stdint.h>
#include <libmnl/libmnl.h>
#include "packet.h"

struct nl_request {
	union {
		struct nlmsghdr head;
		char bytes[512];
	};
};

/* Begin a request of a type; returns `len` zeroed bytes of the type's own header to fill in. */
void *nl_begin(struct nl_request *req, uint16_t type, uint16_t flags, size_t len);
void nl_put_addr(struct nl_request *req, uint16_t type, const struct ipaddr *addr);

/* The same for generic netlink: the family's number is found by its name; 0 or -EOPNOTSUPP. */
int nl_begin_netdev(struct nl_request *req, uint8_t command, uint16_t flags);

/*
 * Send it on a socket of its own and give every answer to cb (may be NULL). 0 or -errno, at worst
 * -EAGAIN after 2 s of silence; -EINTR: a dump changed under the kernel's hands, ask again.
 */
int nl_talk(struct nl_request *req, int bus, mnl_cb_t cb, void *data);

/* Times to ask again after -EINTR. */
#define NL_RETRIES 5

/*
 * The attributes behind a message's own header of `len` bytes, or inside another attribute, by
 * type: those above NL_MAX_ATTR are left out, those that are not there NULL.
 */
#define NL_MAX_ATTR 63
struct nl_attrs {
	const struct nlattr *by[NL_MAX_ATTR + 1];
};
void nl_parse(const struct nlmsghdr *nlh, size_t len, struct nl_attrs *attrs);
void nl_parse_nested(const struct nlattr *nest, struct nl_attrs *attrs);

/* The value of a u32 attribute, or `otherwise` if it is not there. */
uint32_t nl_get_u32(const struct nlattr *attr, uint32_t otherwise);

/* An attribute as an address of a family (AF_INET, AF_INET6) or a MAC; false: not there, or not
 * one. */
bool nl_get_addr(const struct nlattr *attr, int family, struct ipaddr *addr);
bool nl_get_mac(const struct nlattr *attr, struct macaddr *mac);
uint8_t nl_family(const struct ipaddr *addr); /* AF_INET or AF_INET6 */

#endif
