// SPDX-License-Identifier: BSD-2-Clause
/*
 * From the socket into the ring to the application: straight into its records where datagrams come
 * one by one; through other memory where they come as trains, where the API owns the memory, and
 * where the ring is full and what comes is counted and dropped.
 */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

/* --- before: where messages are to go --- */

static void aim_one(struct udp_net *net, unsigned i, void *room, size_t len)
{
	net->rx_iov[i] = (struct iovec){room, len};
	net->rx_msg[i].msg_hdr = (struct msghdr){
		.msg_iov = &net->rx_iov[i],
		.msg_iovlen = 1,
		.msg_control = net->rx_control[i],
		.msg_controllen = UDP_CONTROL_BYTES,
	};
	if (net->want_peer) {
		net->rx_msg[i].msg_hdr.msg_name = &net->rx_name[i];
		net->rx_msg[i].msg_hdr.msg_namelen = sizeof(net->rx_name[i]);
	}
}

static struct udp_record *record_at(const struct udp_net *net, void *first, unsigned i)
{
	return (struct udp_record *)(void *)((char *)first + (size_t)i * net->record_bytes);
}

/* The ring's free records, or what there is beside it. */
static unsigned aim(struct udp_net *net, void **records)
{
	unsigned n = net->opts->batch, got = 0;

	*records = NULL;
	if (!net->api->owns_buffers && !net->terms.gro)
		*records = xk_spsc_reserve(&net->to_app, n, &got);
	net->direct = *records;
	if (net->direct)
		n = got;
	for (unsigned i = 0; i < n; i++) {
		if (net->direct)
			aim_one(net, i, record_at(net, *records, i)->payload, net->room);
		else
			aim_one(net, i, net->scratch + (size_t)i * net->scratch_room,
				net->scratch_room);
	}
	return n;
}

/* --- what an API received --- */

static void read_control(struct udp_net *net, struct udp_in *in, const struct msghdr *msg)
{
	struct msghdr copy = *msg; /* CMSG_NXTHDR() takes no const */
	uint32_t value;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c; c = CMSG_NXTHDR(&copy, c)) {
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			udp_drops_note(net, value);
		else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			in->segment = value;
	}
}

void udp_in_note(struct udp_net *net, unsigned i, const struct msghdr *msg, uint32_t len)
{
	struct udp_in *in = &net->in[i];

	*in = (struct udp_in){msg->msg_iov->iov_base, len, 0, msg->msg_name, msg->msg_namelen};
	if (msg->msg_controllen)
		read_control(net, in, msg);
}

/* --- after: records --- */

static void fill(struct udp_net *net, struct udp_record *record, const struct udp_in *in,
		 uint32_t len)
{
	record->len = len < net->room ? len : net->room;
	if (len > net->room)
		xk_bump(&net->count.cut, 1);
	record->peer.len = 0;
	if (net->want_peer && in->peer_len <= sizeof(record->peer.v6)) {
		record->peer.len = in->peer_len;
		memcpy(&record->peer.any, in->peer, in->peer_len);
	}
}

static void commit(struct udp_net *net, unsigned n)
{
	xk_spsc_commit(&net->to_app, n);
	if (net->sleeps)
		udp_bell_ring(net->app_bell);
}

static void hand_over(struct udp_net *net, void *records, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		fill(net, record_at(net, records, i), &net->in[i], net->in[i].len);
		xk_bump(&net->count.received_bytes, net->in[i].len);
	}
	commit(net, n);
	xk_bump(&net->count.received, n);
}

/* Records reserved for what is copied, a few at once. */
struct stock {
	void *records;
	unsigned got, used;
};

static struct udp_record *next_record(struct udp_net *net, struct stock *stock)
{
	if (stock->used == stock->got) {
		if (stock->used)
			commit(net, stock->used);
		stock->used = 0;
		stock->records = xk_spsc_reserve(&net->to_app, UDP_MAX_BATCH, &stock->got);
		if (!stock->records)
			return NULL;
	}
	return record_at(net, stock->records, stock->used++);
}

static void copy_one(struct udp_net *net, struct stock *stock, const struct udp_in *in,
		     uint32_t from, uint32_t len)
{
	struct udp_record *record = next_record(net, stock);

	xk_bump(&net->count.received, 1);
	xk_bump(&net->count.received_bytes, len);
	if (!record) {
		xk_bump(&net->count.ring_drops, 1);
		return;
	}
	fill(net, record, in, len);
	memcpy(record->payload, in->data + from, record->len);
}

/* A message of one datagram, or of several and a last one that may be shorter. */
static void copy_message(struct udp_net *net, struct stock *stock, const struct udp_in *in)
{
	uint32_t segment = in->segment ? in->segment : in->len, at = 0;

	do {
		uint32_t left = in->len - at;

		copy_one(net, stock, in, at, left < segment ? left : segment);
		at += segment;
	} while (segment && at < in->len);
}

static void copy_over(struct udp_net *net, unsigned n)
{
	struct stock stock = {0};

	for (unsigned i = 0; i < n; i++)
		copy_message(net, &stock, &net->in[i]);
	if (stock.used)
		commit(net, stock.used);
}

/* --- a step --- */

static int nothing(struct udp_net *net, int error)
{
	if (error == -EAGAIN || error == -EINTR) {
		net->readable = false;
		return 0;
	}
	xk_store_relaxed(&net->last_error, error);
	if (!udp_socket_errors(net))
		xk_bump(&net->count.receive_errors, 1);
	return 1;
}

int udp_net_rx(struct udp_net *net)
{
	void *records;
	unsigned room;
	int n;

	if (net->opts->poll == XK_IDLE_WAIT && !net->readable)
		return 0;
	room = aim(net, &records);
	n = net->api->receive(net, room);
	if (n <= 0)
		return nothing(net, n ? n : -EAGAIN);
	xk_bump(&net->count.received_messages, (unsigned)n);
	if (net->direct)
		hand_over(net, records, (unsigned)n);
	else
		copy_over(net, (unsigned)n);
	net->readable = (unsigned)n == room; /* else the socket was emptied */
	return n;
}
