// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * doctor_sockets: all AF_XDP sockets of one network namespace, by the descriptors that processes
 * hold of them. An iterator: reading its descriptor runs it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "doctor_abi.h"

#define CORE   __attribute__((preserve_access_index))
#define AF_XDP 44

struct ns_common {
	unsigned inum;
} CORE;
struct net {
	struct ns_common ns;
} CORE;
typedef struct {
	struct net *net;
} possible_net_t;
struct sock_common {
	unsigned short skc_family;
	possible_net_t skc_net;
} CORE;
struct sock {
	struct sock_common __sk_common;
	unsigned sk_napi_id;
	__u8 sk_prefer_busy_poll;
} CORE;
struct inode {
	unsigned long i_ino;
} CORE;
struct file {
	struct inode *f_inode;
} CORE;
struct socket {
	struct sock *sk;
} CORE;
struct net_device {
	int ifindex;
} CORE;
struct xdp_ring {
	__u32 producer, consumer;
} CORE;
struct xsk_queue {
	__u32 nentries;
	struct xdp_ring *ring;
	__u64 invalid_descs, queue_empty_descs;
} CORE;
struct xsk_buff_pool {
	struct xsk_queue *fq;
} CORE;
struct xdp_sock {
	struct xsk_queue *rx, *tx;
	struct net_device *dev;
	struct xsk_buff_pool *pool;
	__u16 queue_id;
	_Bool zc;
	__u64 rx_dropped, rx_queue_full;
} CORE;
struct pid_namespace {
	struct ns_common ns;
} CORE;
struct upid {
	int nr;
	struct pid_namespace *ns;
} CORE;
struct pid {
	unsigned level;
	struct upid numbers[1];
} CORE;
struct task_struct {
	struct pid *thread_pid;
	unsigned policy;
	char comm[16];
} CORE;
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} CORE;

const volatile unsigned netns;  /* inode of the network namespace */
const volatile unsigned pid_ns; /* of the PID namespace that has a name for each process */

#define MAX_LEVELS 32 /* of PID namespaces in each other: MAX_PID_NS_LEVEL */

/* The process's number where we live. */
static __always_inline int number_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	unsigned level = BPF_CORE_READ(pid, level);
	struct upid *at = (void *)pid + bpf_core_field_offset(struct pid, numbers);

	for (unsigned i = 0; i <= MAX_LEVELS && i <= level; i++, at++)
		if (BPF_CORE_READ(at, ns, ns.inum) == pid_ns)
			return BPF_CORE_READ(at, nr);
	return 0;
}

static __always_inline void read_ring(struct doctor_ring *to, struct xsk_queue *q)
{
	if (!q)
		return;
	to->there = 1;
	to->entries = BPF_CORE_READ(q, nentries);
	to->producer = BPF_CORE_READ(q, ring, producer);
	to->consumer = BPF_CORE_READ(q, ring, consumer);
}

static __always_inline void read_rings(struct doctor_socket *s, struct xdp_sock *xs)
{
	struct xsk_buff_pool *pool = BPF_CORE_READ(xs, pool);
	struct xsk_queue *rx = BPF_CORE_READ(xs, rx), *tx = BPF_CORE_READ(xs, tx), *fill = 0;

	if (pool)
		fill = BPF_CORE_READ(pool, fq);
	read_ring(&s->rx, rx);
	read_ring(&s->fill, fill);
	if (tx)
		s->tx_invalid = BPF_CORE_READ(tx, invalid_descs);
	if (fill)
		s->rx_invalid = BPF_CORE_READ(fill, invalid_descs);
	if (fill)
		s->fill_empty = BPF_CORE_READ(fill, queue_empty_descs);
}

static __always_inline void read_socket(struct doctor_socket *s, struct sock *sk)
{
	struct xdp_sock *xs = (struct xdp_sock *)sk;
	struct net_device *dev = BPF_CORE_READ(xs, dev);

	s->bound = dev != 0;
	if (dev)
		s->ifindex = BPF_CORE_READ(dev, ifindex);
	s->queue = BPF_CORE_READ(xs, queue_id);
	s->zerocopy = BPF_CORE_READ(xs, zc);
	s->napi_id = BPF_CORE_READ(sk, sk_napi_id);
	s->prefer_busy_poll = BPF_CORE_READ(sk, sk_prefer_busy_poll);
	s->rx_dropped = BPF_CORE_READ(xs, rx_dropped);
	s->rx_queue_full = BPF_CORE_READ(xs, rx_queue_full);
	read_rings(s, xs);
}

SEC("iter/task_file")
int doctor_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct doctor_socket s = {};
	struct socket *sock;
	struct sock *sk;

	if (!task || !file)
		return 0;
	sock = bpf_sock_from_file(file);
	if (!sock)
		return 0;
	sk = BPF_CORE_READ(sock, sk);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_XDP ||
	    BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != netns)
		return 0;
	s.pid = number_of(task);
	s.policy = task->policy;
	s.inode = BPF_CORE_READ(file, f_inode, i_ino);
	BPF_CORE_READ_STR_INTO(&s.comm, task, comm);
	read_socket(&s, sk);
	bpf_seq_write(ctx->meta->seq, &s, sizeof(s));
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
