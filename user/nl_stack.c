// SPDX-License-Identifier: BSD-2-Clause
/* nl_stack.c - the devices above and below one, and the ids of other network namespaces. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include "nl_ethtool.h"
#include "nl_request.h"

struct link_seen {
	int ifindex, master, link;
	bool promisc, elsewhere; /* elsewhere: what it links to is in another namespace */
	char name[16], kind[32];
};

static void copy_text(char *out, size_t size, const struct nlattr *attr)
{
	if (attr)
		snprintf(out, size, "%.*s", (int)mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
}

static void read_link(const struct nlmsghdr *nlh, struct link_seen *seen)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nl_attrs attrs, info;

	*seen = (struct link_seen){.ifindex = ifi->ifi_index};
	nl_parse(nlh, sizeof(*ifi), &attrs);
	nl_parse_nested(attrs.by[IFLA_LINKINFO], &info);
	copy_text(seen->name, sizeof(seen->name), attrs.by[IFLA_IFNAME]);
	copy_text(seen->kind, sizeof(seen->kind), info.by[IFLA_INFO_KIND]);
	seen->promisc = ifi->ifi_flags & IFF_PROMISC;
	seen->master = (int)nl_get_u32(attrs.by[IFLA_MASTER], 0);
	seen->link = (int)nl_get_u32(attrs.by[IFLA_LINK], 0);
	seen->elsewhere = attrs.by[IFLA_LINK_NETNSID] || !strcmp(seen->kind, "veth");
}

static int ask_link(int ifindex, mnl_cb_t cb, void *data)
{
	struct nl_request req;
	struct ifinfomsg *ifi = nl_begin(&req, RTM_GETLINK, ifindex ? 0 : NLM_F_DUMP, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	return nl_talk(&req, NETLINK_ROUTE, cb, data);
}

static int on_self(const struct nlmsghdr *nlh, void *data)
{
	struct nl_stack *stack = data;
	struct link_seen self;

	read_link(nlh, &self);
	snprintf(stack->kind, sizeof(stack->kind), "%s", self.kind);
	stack->promisc = self.promisc;
	stack->master = self.master;
	stack->lower = self.elsewhere || self.link == self.ifindex ? 0 : self.link;
	return MNL_CB_OK;
}

/* One of the others: its master, what it lies on, or what lies on it. */
struct around {
	int ifindex;
	struct nl_stack *stack;
};

static int on_other(const struct nlmsghdr *nlh, void *data)
{
	const struct around *around = data;
	struct nl_stack *stack = around->stack;
	struct link_seen seen;

	read_link(nlh, &seen);
	if (seen.ifindex == stack->master) {
		snprintf(stack->master_name, sizeof(stack->master_name), "%s", seen.name);
		snprintf(stack->master_kind, sizeof(stack->master_kind), "%s", seen.kind);
	} else if (seen.ifindex == stack->lower) {
		snprintf(stack->lower_name, sizeof(stack->lower_name), "%s", seen.name);
	} else if (seen.link == around->ifindex && !seen.elsewhere) {
		snprintf(stack->upper_name, sizeof(stack->upper_name), "%s", seen.name);
		snprintf(stack->upper_kind, sizeof(stack->upper_kind), "%s", seen.kind);
	} else if (seen.master == around->ifindex && !*stack->lower_name) {
		stack->lower = seen.ifindex; /* a bridge's or bond's port */
		snprintf(stack->lower_name, sizeof(stack->lower_name), "%s", seen.name);
	}
	return MNL_CB_OK;
}

int nl_stack(int ifindex, struct nl_stack *stack)
{
	struct around around = {ifindex, stack};
	int rc;

	*stack = (struct nl_stack){0};
	rc = ask_link(ifindex, on_self, stack);
	for (int i = 0; !rc && i < NL_RETRIES; i++) {
		rc = ask_link(0, on_other, &around);
		if (rc != -EINTR)
			return rc;
		rc = 0;
	}
	return rc;
}

/* --- network namespaces --- */

static int on_nsid(const struct nlmsghdr *nlh, void *data)
{
	struct nl_attrs attrs;

	nl_parse(nlh, sizeof(struct rtgenmsg), &attrs);
	*(int *)data = (int)nl_get_u32(attrs.by[NETNSA_NSID], UINT32_MAX);
	return MNL_CB_OK;
}

int nl_netns_id(int fd, int *id)
{
	struct nl_request req;

	*id = -1;
	nl_begin(&req, RTM_GETNSID, 0, NLMSG_ALIGN(sizeof(struct rtgenmsg)));
	mnl_attr_put_u32(&req.head, NETNSA_FD, (uint32_t)fd);
	return nl_talk(&req, NETLINK_ROUTE, on_nsid, id);
}
