// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * doctor_freplace: a program that would stand in for xdp_drop. It is only loaded, never attached,
 * to see whether this machine lets libxdp's dispatcher work.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("freplace/xdp_drop")
int doctor_freplace(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
