/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* doctor_abi.h - what the doctor's programs tell user space. */
#ifndef XSKIT_DOCTOR_ABI_H
#define XSKIT_DOCTOR_ABI_H

#include <linux/types.h>

#define DOCTOR_QUEUES 1024 /* those above count as the last one */

/* doctor_watch: packets[queue], one a CPU: what reached the kernel's stack on one interface. */
struct doctor_packets {
	__u64 all;
	__u64 other_host;   /* to a unicast address that is not the interface's */
	__u64 vlan;         /* with a VLAN tag that is not in the frame any more */
	__u64 segments;     /* larger than a wire's frames: cut into several later */
	__u64 partial_csum; /* checksum still to be filled in */
};

/* doctor_watch: what the kernel says of XDP on the interface. */
struct doctor_errors {
	__u64 exceptions; /* XDP_ABORTED, an unknown verdict, or XDP_TX failed */
	__u64 redirect;   /* redirect failed */
	__s32 last_errno; /* of the last one that failed */
	__u32 last_act;   /* verdict of the last exception */
};

/* doctor_sockets: a record a descriptor of an AF_XDP socket, as it is written by the iterator. */
struct doctor_ring {
	__u32 there, entries, producer, consumer;
};
struct doctor_socket {
	__u32 pid, ifindex, queue, bound;
	__u32 napi_id, policy, zerocopy, prefer_busy_poll;
	__u64 inode; /* which tells two descriptors of one socket from two sockets */
	__u64 rx_dropped, rx_queue_full, rx_invalid, tx_invalid, fill_empty;
	struct doctor_ring rx, fill;
	char comm[16];
};

#endif
