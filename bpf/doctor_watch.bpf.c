// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * doctor_watch: counts, while `xskit doctor --live` runs, what reaches the kernel's stack on an
 * interface by queue, and what the kernel says went wrong with XDP there. It looks through
 * tracepoints: packets are not touched.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "doctor_abi.h"

#define CORE             __attribute__((preserve_access_index))
#define CHECKSUM_PARTIAL 3

struct ns_common {
	unsigned inum;
} CORE;

struct net {
	struct ns_common ns;
} CORE;

struct net_device {
	int ifindex;
	struct {
		struct net *net;
	} nd_net;
} CORE;

struct skb_shared_info {
	unsigned short gso_size;
} CORE;

struct sk_buff {
	struct net_device *dev;
	__u16 queue_mapping;
	__u8 pkt_type : 3, ip_summed : 2;
	__u32 vlan_all;
	unsigned char *head;
	unsigned end;
} CORE;

struct bpf_prog;

const volatile int watched; /* ifindex */
const volatile unsigned watched_netns;
struct doctor_errors errors;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DOCTOR_QUEUES);
	__type(key, __u32);
	__type(value, struct doctor_packets);
} packets SEC(".maps");

/* queue_mapping is the queue's number and one, 0: not recorded. */
static __always_inline __u32 queue_of(struct sk_buff *skb)
{
	__u32 queue = skb->queue_mapping;

	queue = queue ? queue - 1 : 0;
	return queue < DOCTOR_QUEUES ? queue : DOCTOR_QUEUES - 1;
}

/* Numbers of interfaces are those of a namespace. */
static __always_inline int is_watched(const struct net_device *dev)
{
	return dev->ifindex == watched && BPF_CORE_READ(dev, nd_net.net, ns.inum) == watched_netns;
}

/* What is behind the data; its place is head + end where pointers have 64 bits. */
static __always_inline int is_train(struct sk_buff *skb)
{
	struct skb_shared_info *info = (void *)(skb->head + skb->end);

	return BPF_CORE_READ(info, gso_size) != 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(on_packet, struct sk_buff *skb)
{
	struct doctor_packets *p;
	__u32 queue;

	if (!is_watched(skb->dev))
		return 0;
	queue = queue_of(skb);
	p = bpf_map_lookup_elem(&packets, &queue);
	if (!p)
		return 0;
	p->all += 1;
	p->other_host += BPF_CORE_READ_BITFIELD(skb, pkt_type) == PACKET_OTHERHOST;
	p->vlan += skb->vlan_all != 0;
	p->segments += is_train(skb);
	p->partial_csum += BPF_CORE_READ_BITFIELD(skb, ip_summed) == CHECKSUM_PARTIAL;
	return 0;
}

SEC("tp_btf/xdp_exception")
int BPF_PROG(on_exception, const struct net_device *dev, const struct bpf_prog *prog, __u32 act)
{
	if (!is_watched(dev))
		return 0;
	__sync_fetch_and_add(&errors.exceptions, 1);
	errors.last_act = act;
	return 0;
}

SEC("tp_btf/xdp_redirect_err")
int BPF_PROG(on_redirect_err, const struct net_device *dev, const struct bpf_prog *prog,
	     const void *target, int err)
{
	if (!is_watched(dev))
		return 0;
	__sync_fetch_and_add(&errors.redirect, 1);
	errors.last_errno = err;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
