// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * xsk_occupancy: which queues of an xsks_map have a socket behind them. User space cannot read an
 * XSKMAP (EOPNOTSUPP), a program can: this one is never attached, but run once with BPF_PROG_RUN
 * after the map under study was put in the place of xsks_map.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XK_MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

/* Bit q of the whole: queue q has a socket. */
__u64 queue_has_socket[XK_MAX_QUEUES / 64];

static long look(__u32 queue, void *unused)
{
	__u32 word =
		queue / 64 % (XK_MAX_QUEUES / 64); /* for the verifier, which forgets the bound */

	if (bpf_map_lookup_elem(&xsks_map, &queue))
		queue_has_socket[word] |= 1ull << queue % 64;
	return 0;
}

SEC("xdp")
int xsk_occupancy(struct xdp_md *ctx)
{
	bpf_loop(XK_MAX_QUEUES, look, 0, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
