// SPDX-License-Identifier: BSD-2-Clause
/* From the application's ring to the socket: each record a message, or many a train. */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

#define TRAIN_MOST_BYTES UDP_MAX_SIZE
#define TRAIN_IN_PLACE   8u /* what lies in pages of its own: two a segment, 17 a train */

static struct udp_record *record_at(const struct udp_net *net, const void *first, unsigned i)
{
	return (struct udp_record *)(uintptr_t)((const char *)first +
						(size_t)i * net->record_bytes);
}

/* --- messages out of records --- */

static void begin_message(struct udp_net *net, unsigned m, struct udp_record *record,
			  struct iovec *iov)
{
	net->tx_msg[m].msg_hdr = (struct msghdr){.msg_iov = iov, .msg_iovlen = 1};
	if (net->connected || !record->peer.len)
		return;
	net->tx_msg[m].msg_hdr.msg_name = &record->peer.any;
	net->tx_msg[m].msg_hdr.msg_namelen = record->peer.len;
}

static bool same_peer(const struct msghdr *msg, const struct udp_record *record)
{
	return !msg->msg_name || (msg->msg_namelen == record->peer.len &&
				  !memcmp(msg->msg_name, &record->peer.any, record->peer.len));
}

/* All datagrams of a train are of one length, and for one receiver. */
static bool joins(const struct udp_net *net, const struct msghdr *msg,
		  const struct udp_record *record)
{
	size_t len = msg->msg_iov->iov_len, n = msg->msg_iovlen + 1;
	unsigned most = net->api->completed ? TRAIN_IN_PLACE : UDP_TRAIN_MOST;

	return net->terms.gso && record->len == len && len && n <= most &&
	       n * len <= TRAIN_MOST_BYTES && same_peer(msg, record);
}

static void say_segment(struct udp_net *net, unsigned m)
{
	struct msghdr *msg = &net->tx_msg[m].msg_hdr;
	uint16_t len = (uint16_t)msg->msg_iov->iov_len;
	struct cmsghdr *c;

	if (msg->msg_iovlen == 1)
		return;
	msg->msg_control = net->tx_control[m];
	msg->msg_controllen = CMSG_SPACE(sizeof(len));
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(len));
	memcpy(CMSG_DATA(c), &len, sizeof(len));
}

/* How many messages n records make. */
static unsigned build(struct udp_net *net, const void *records, unsigned n)
{
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		struct udp_record *record = record_at(net, records, i);

		net->tx_iov[i] = (struct iovec){record->payload, record->len};
		if (m && joins(net, &net->tx_msg[m - 1].msg_hdr, record))
			net->tx_msg[m - 1].msg_hdr.msg_iovlen++;
		else
			begin_message(net, m++, record, &net->tx_iov[i]);
	}
	for (unsigned i = 0; i < m; i++)
		say_segment(net, i);
	return m;
}

/* --- what became of them --- */

static void release(struct udp_net *net, unsigned n)
{
	uint64_t before = net->from_app.stream.published;

	net->held -= n;
	xk_spsc_release(&net->from_app, n);
	if (net->sleeps && net->from_app.stream.published != before)
		udp_bell_ring(net->app_bell);
}

static unsigned note_sent(struct udp_net *net, unsigned messages)
{
	unsigned packets = 0;

	for (unsigned m = 0; m < messages; m++) {
		const struct msghdr *msg = &net->tx_msg[m].msg_hdr;

		packets += (unsigned)msg->msg_iovlen;
		xk_bump(&net->count.sent_bytes, msg->msg_iovlen * msg->msg_iov->iov_len);
	}
	xk_bump(&net->count.sent, packets);
	xk_bump(&net->count.sent_messages, messages);
	return packets;
}

/* The first message is given up: what the kernel refuses once is not asked for ever. */
static unsigned note_refused(struct udp_net *net, int error)
{
	unsigned packets = (unsigned)net->tx_msg[0].msg_hdr.msg_iovlen;

	xk_bump(&net->count.send_errors, packets);
	xk_store_relaxed(&net->last_error, error);
	return packets;
}

static bool no_room(int ret)
{
	return ret == -EAGAIN || ret == -EINTR;
}

/*
 * A first failure may be news of what was sent before, which is told once: nothing is wrong with
 * this message. Or its trains are too long for a link on the way, and go one by one.
 */
static int send_records(struct udp_net *net, const void *records, unsigned n)
{
	int ret = net->api->send(net, build(net, records, n));

	if (ret >= 0 || no_room(ret))
		return ret;
	if (ret == -EINVAL || ret == -EMSGSIZE)
		net->terms.gso = false;
	else if (!udp_socket_errors(net))
		xk_bump(&net->count.receive_errors, 1);
	return net->api->send(net, build(net, records, n));
}

/* --- a step --- */

static unsigned reap(struct udp_net *net)
{
	unsigned n = net->api->completed && net->held ? net->api->completed(net) : 0;

	if (n)
		release(net, n);
	return n;
}

/* The looks of the ring's consumer publish what it released: whoever waits for room must know. */
static const void *peek(struct udp_net *net, unsigned *got)
{
	uint64_t before = net->from_app.stream.published;
	const void *records = xk_spsc_peek(&net->from_app, net->held + net->opts->batch, got);

	if (net->sleeps && net->from_app.stream.published != before)
		udp_bell_ring(net->app_bell);
	if (!records || *got <= net->held)
		return NULL;
	*got -= net->held;
	return (const char *)records + (size_t)net->held * net->record_bytes;
}

int udp_net_tx(struct udp_net *net)
{
	unsigned reaped = reap(net), got, packets;
	const void *records = peek(net, &got);
	int ret;

	if (!records)
		return (int)reaped;
	ret = send_records(net, records, got < net->opts->batch ? got : net->opts->batch);
	net->blocked = ret == -EAGAIN;
	if (no_room(ret))
		return (int)reaped;
	packets = ret < 0 ? note_refused(net, ret) : note_sent(net, (unsigned)ret);
	net->held += packets;
	if (!net->api->completed)
		release(net, packets);
	return (int)(packets + reaped);
}
