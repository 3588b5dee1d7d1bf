/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nl_ethtool.h - more of what the kernel tells about a device: its offloads, rings, pause frames
 * and flow rules (ethtool's ioctl), and the devices above and below it (rtnetlink).
 *
 * All return 0, a count or a negative errno: -ENODEV no such interface, -EOPNOTSUPP the driver does
 * not tell. Those of ethtool look in the calling thread's network namespace.
 */
#ifndef XSKIT_NL_ETHTOOL_H
#define XSKIT_NL_ETHTOOL_H

#include <stdbool.h>
#include <stdint.h>

/* Offload features by the kernel's names ("rx-gro", "tx-checksum-ip-generic" ...). */
struct nl_feature {
	char name[32];
	bool active, fixed; /* fixed: cannot be switched */
};
/* The features a device has room for, at most max. */
int nl_features(const char *ifname, struct nl_feature *features, unsigned max);
#define NL_MAX_FEATURES 128

struct nl_ring_sizes {
	uint32_t rx, rx_max, tx, tx_max;
};
int nl_ring_sizes(const char *ifname, struct nl_ring_sizes *sizes);

struct nl_channel_counts {
	uint32_t rx, tx, combined, max_rx, max_tx, max_combined;
};
int nl_channel_counts(const char *ifname, struct nl_channel_counts *counts);

int nl_pause(const char *ifname, bool *rx, bool *tx);

/* The queues of the RSS indirection table, an entry each; at most max. */
int nl_rss_table(const char *ifname, uint32_t *queues, unsigned max);

/* Where the flow rules (ntuple) send packets: a queue each, UINT32_MAX: dropped; at most max. */
int nl_flow_rules(const char *ifname, uint32_t *queues, unsigned max);

/* Where a device stands among the others. */
struct nl_stack {
	char kind[32]; /* of device: "veth", "vlan", "bridge" ...; "" for a NIC */
	bool promisc;
	int master; /* ifindex of the bridge, bond ... it is a port of, 0: none */
	char master_name[16];
	char master_kind[32];
	int lower; /* ifindex of what it is stacked on (vlan, macvlan), 0: none, or elsewhere */
	char lower_name[16];
	char upper_name[16]; /* a device stacked on it, "" none */
	char upper_kind[32];
};
int nl_stack(int ifindex, struct nl_stack *stack);

/* The id by which this network namespace knows the one behind fd: -1 none, or -errno. */
int nl_netns_id(int fd, int *id);

#endif
