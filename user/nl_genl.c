// SPDX-License-Identifier: BSD-2-Clause
/* nl_genl.c - the netdev generic netlink family: what a device can do with XDP. */
#include <errno.h>
#include <linux/genetlink.h>
#include "nl.h"
#include "nl_request.h"

/* From linux/netdev.h of kernel 6.3, which the headers this is built with may lack. */
#define NETDEV_FAMILY         "netdev"
#define NETDEV_VERSION        1
#define NETDEV_DEV_GET        1 /* NETDEV_CMD_DEV_GET */
#define NETDEV_ATTR_IFINDEX   1 /* NETDEV_A_DEV_IFINDEX */
#define NETDEV_ATTR_XDP_FEATS 3 /* NETDEV_A_DEV_XDP_FEATURES */

static void begin(struct nl_request *req, uint16_t family, uint8_t command, uint16_t flags,
		  uint8_t version)
{
	struct genlmsghdr *genl = nl_begin(req, family, flags, sizeof(*genl));

	genl->cmd = command;
	genl->version = version;
}

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	struct nl_attrs attrs;

	nl_parse(nlh, sizeof(struct genlmsghdr), &attrs);
	if (attrs.by[CTRL_ATTR_FAMILY_ID])
		*(uint16_t *)data = mnl_attr_get_u16(attrs.by[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

static int find_family(uint16_t *family)
{
	struct nl_request req;
	int rc;

	*family = 0;
	begin(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, 1);
	mnl_attr_put_strz(&req.head, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	rc = nl_talk(&req, NETLINK_GENERIC, on_family, family);
	if (rc == -ENOENT || (!rc && !*family))
		return -EOPNOTSUPP;
	return rc;
}

int nl_begin_netdev(struct nl_request *req, uint8_t command, uint16_t flags)
{
	uint16_t family;
	int rc = find_family(&family);

	if (!rc)
		begin(req, family, command, flags, NETDEV_VERSION);
	return rc;
}

static int on_device(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	struct nl_attrs attrs;

	nl_parse(nlh, sizeof(struct genlmsghdr), &attrs);
	attr = attrs.by[NETDEV_ATTR_XDP_FEATS];
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(uint64_t))
		*(uint64_t *)data = mnl_attr_get_u64(attr);
	return MNL_CB_OK;
}

int nl_xdp_features(int ifindex, uint64_t *features)
{
	struct nl_request req;
	int rc = nl_begin_netdev(&req, NETDEV_DEV_GET, 0);

	*features = 0;
	if (rc)
		return rc;
	mnl_attr_put_u32(&req.head, NETDEV_ATTR_IFINDEX, (uint32_t)ifindex);
	return nl_talk(&req, NETLINK_GENERIC, on_device, features);
}
