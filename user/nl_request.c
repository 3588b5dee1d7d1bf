// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "nl_request.h"

void *nl_begin(struct nl_request *req, uint16_t type, uint16_t flags, size_t len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(req->bytes);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	/* an acknowledgement ends the answers to everything that is not a dump */
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = 1; /* the socket is not used twice */
	return mnl_nlmsg_put_extra_header(nlh, len);
}

static size_t addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

uint8_t nl_family(const struct ipaddr *addr)
{
	return addr->family == 4 ? AF_INET : AF_INET6;
}

void nl_put_addr(struct nl_request *req, uint16_t type, const struct ipaddr *addr)
{
	mnl_attr_put(&req->head, type, addr_len(nl_family(addr)), addr->b);
}

static int remember(const struct nlattr *attr, void *data)
{
	struct nl_attrs *attrs = data;
	unsigned type = mnl_attr_get_type(attr);

	if (type <= NL_MAX_ATTR)
		attrs->by[type] = attr;
	return MNL_CB_OK;
}

void nl_parse(const struct nlmsghdr *nlh, size_t len, struct nl_attrs *attrs)
{
	memset(attrs, 0, sizeof(*attrs));
	mnl_attr_parse(nlh, (unsigned)len, remember, attrs);
}

void nl_parse_nested(const struct nlattr *nest, struct nl_attrs *attrs)
{
	memset(attrs, 0, sizeof(*attrs));
	if (nest)
		mnl_attr_parse_nested(nest, remember, attrs);
}

uint32_t nl_get_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr && mnl_attr_get_payload_len(attr) == 4 ? mnl_attr_get_u32(attr) : otherwise;
}

bool nl_get_addr(const struct nlattr *attr, int family, struct ipaddr *addr)
{
	if (!attr || mnl_attr_get_payload_len(attr) != addr_len(family))
		return false;
	memset(addr, 0, sizeof(*addr));
	addr->family = family == AF_INET ? 4 : 6;
	memcpy(addr->b, mnl_attr_get_payload(attr), addr_len(family));
	return true;
}

bool nl_get_mac(const struct nlattr *attr, struct macaddr *mac)
{
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(mac->b))
		return false;
	memcpy(mac->b, mnl_attr_get_payload(attr), sizeof(mac->b));
	return true;
}

static ssize_t receive(struct mnl_socket *sock, void *buf, size_t len)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(sock, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static int read_answers(struct mnl_socket *sock, mnl_cb_t cb, void *data)
{
	/* of longs, because messages are aligned to 4 */
	long buf[32768 / sizeof(long)];
	unsigned portid = mnl_socket_get_portid(sock);
	ssize_t n;
	int rc;

	do {
		n = receive(sock, buf, sizeof(buf));
		if (n <= 0)
			return n ? -errno : -EPIPE;
		rc = mnl_cb_run(buf, (size_t)n, 1, portid, cb, data);
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? -errno : 0;
}

int nl_talk(struct nl_request *req, int bus, mnl_cb_t cb, void *data)
{
	struct timeval limit = {.tv_sec = 2};
	struct mnl_socket *sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int rc;

	if (!sock)
		return -errno;
	setsockopt(mnl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(sock, req->bytes, req->head.nlmsg_len) < 0)
		rc = -errno;
	else
		rc = read_answers(sock, cb, data);
	mnl_socket_close(sock);
	return rc;
}
