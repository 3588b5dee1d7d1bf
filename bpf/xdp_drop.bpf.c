// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* xdp_drop: count and drop, all inside the kernel. The ceiling that receiving is measured against.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xk_drop_counters);
} dropped SEC(".maps");

SEC("xdp.frags")
int xdp_drop(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct xk_drop_counters *c = bpf_map_lookup_elem(&dropped, &zero);

	if (c) {
		c->packets += 1;
		c->bytes += bpf_xdp_get_buff_len(ctx);
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
