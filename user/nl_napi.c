// SPDX-License-Identifier: BSD-2-Clause
/* nl_napi.c - the netdev generic netlink family: the settings of each NAPI. */
#include <errno.h>
#include "nl.h"
#include "nl_request.h"

/* From linux/netdev.h of kernel 6.13, which the headers this is built with may lack. */
#define NETDEV_NAPI_GET   11 /* NETDEV_CMD_NAPI_GET */
#define NETDEV_NAPI_SET   14 /* NETDEV_CMD_NAPI_SET */
#define NAPI_ATTR_IFINDEX 1  /* NETDEV_A_NAPI_IFINDEX */
#define NAPI_ATTR_ID      2  /* NETDEV_A_NAPI_ID */
#define NAPI_ATTR_DEFER   5  /* NETDEV_A_NAPI_DEFER_HARD_IRQS */
#define NAPI_ATTR_FLUSH   6  /* NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT */

struct napi_list {
	struct nl_napi *napis;
	unsigned count, max;
	bool settings; /* a kernel that has none leaves them out */
};

/* Of 4 bytes where the value fits, else of 8. */
static uint64_t get_uint(const struct nlattr *attr)
{
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(uint64_t))
		return mnl_attr_get_u64(attr);
	return nl_get_u32(attr, 0);
}

static int on_napi(const struct nlmsghdr *nlh, void *data)
{
	struct napi_list *list = data;
	struct nl_attrs attrs;

	nl_parse(nlh, sizeof(uint32_t), &attrs); /* a struct genlmsghdr */
	if (!attrs.by[NAPI_ATTR_ID])
		return MNL_CB_OK;
	list->settings |= attrs.by[NAPI_ATTR_DEFER] && attrs.by[NAPI_ATTR_FLUSH];
	if (list->count < list->max)
		list->napis[list->count] = (struct nl_napi){
			.id = nl_get_u32(attrs.by[NAPI_ATTR_ID], 0),
			.defer_hard_irqs = nl_get_u32(attrs.by[NAPI_ATTR_DEFER], 0),
			.gro_flush_timeout = get_uint(attrs.by[NAPI_ATTR_FLUSH]),
		};
	list->count++;
	return MNL_CB_OK;
}

int nl_napis(int ifindex, struct nl_napi *napis, unsigned max)
{
	struct napi_list list = {.napis = napis, .max = max};
	struct nl_request req;
	int rc = -EINTR;

	for (int i = 0; i < NL_RETRIES && rc == -EINTR; i++) {
		list.count = 0;
		rc = nl_begin_netdev(&req, NETDEV_NAPI_GET, NLM_F_DUMP);
		if (rc)
			return rc;
		mnl_attr_put_u32(&req.head, NAPI_ATTR_IFINDEX, (uint32_t)ifindex);
		rc = nl_talk(&req, NETLINK_GENERIC, on_napi, &list);
	}
	if (rc)
		return rc;
	return list.count && !list.settings ? -EOPNOTSUPP : (int)list.count;
}

int nl_napi_set(const struct nl_napi *napi)
{
	struct nl_request req;
	int rc = nl_begin_netdev(&req, NETDEV_NAPI_SET, 0);

	if (rc)
		return rc;
	mnl_attr_put_u32(&req.head, NAPI_ATTR_ID, napi->id);
	mnl_attr_put_u32(&req.head, NAPI_ATTR_DEFER, napi->defer_hard_irqs);
	mnl_attr_put_u64(&req.head, NAPI_ATTR_FLUSH, napi->gro_flush_timeout);
	return nl_talk(&req, NETLINK_GENERIC, NULL, NULL);
}
