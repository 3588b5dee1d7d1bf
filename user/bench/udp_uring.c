// SPDX-License-Identifier: BSD-2-Clause
/*
 * io_uring: one receive that goes on for ever, into memory the kernel picks; and a chain of sends a
 * submission. A ring each way, so that neither waits for the other's completions.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

#define BUFFERS     256u /* a power of two */
#define BUFFERS_GRO 64u
#define GROUP       0

struct uring {
	struct io_uring rx, tx;
	bool has_rx, has_tx, armed;
	struct msghdr shape; /* of what is received */
	struct io_uring_buf_ring *buffers;
	char *memory;
	unsigned count, bytes; /* of buffers, of each */
	unsigned short used[UDP_MAX_BATCH];
	unsigned n_used; /* given back before the next look */
};

/* --- set up --- */

static int refused(struct xk_err *err, int ret)
{
	return xk_err_fill(err, ret, UDP_WHAT,
			   "use --api mmsg, or see sysctl kernel.io_uring_disabled",
			   "io_uring cannot be had here");
}

static int make_ring(struct io_uring *ring, bool *has, unsigned cq_entries, struct xk_err *err)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = cq_entries};
	int ret = io_uring_queue_init_params(UDP_MAX_BATCH, ring, &params);

	*has = !ret;
	return ret ? refused(err, ret) : 0;
}

static void give_buffer(struct uring *u, unsigned short id, unsigned offset)
{
	io_uring_buf_ring_add(u->buffers, u->memory + (size_t)id * u->bytes, u->bytes, id,
			      io_uring_buf_ring_mask(u->count), (int)offset);
}

static int make_buffers(struct udp_net *net, struct uring *u, struct xk_err *err)
{
	struct io_uring_buf_reg reg = {.bgid = GROUP};
	void *ring = NULL, *memory = NULL;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int ret;

	u->shape.msg_namelen = net->want_peer ? sizeof(struct sockaddr_in6) : 0;
	u->shape.msg_controllen = UDP_CONTROL_BYTES;
	u->count = net->terms.gro ? BUFFERS_GRO : BUFFERS;
	u->bytes = (unsigned)sizeof(struct io_uring_recvmsg_out) + u->shape.msg_namelen +
		   UDP_CONTROL_BYTES + net->scratch_room;
	u->bytes = (u->bytes + 63) & ~63u;
	if (posix_memalign(&ring, page, u->count * sizeof(struct io_uring_buf)) ||
	    posix_memalign(&memory, page, (size_t)u->count * u->bytes)) {
		free(ring);
		return xk_err_fill(err, -ENOMEM, UDP_WHAT, NULL, "buffers for io_uring");
	}
	u->buffers = ring;
	u->memory = memory;
	reg.ring_addr = (uintptr_t)ring;
	reg.ring_entries = u->count;
	io_uring_buf_ring_init(u->buffers);
	ret = io_uring_register_buf_ring(&u->rx, &reg, 0);
	if (ret)
		return refused(err, ret);
	for (unsigned i = 0; i < u->count; i++)
		give_buffer(u, (unsigned short)i, i);
	io_uring_buf_ring_advance(u->buffers, (int)u->count);
	return 0;
}

static int open_uring(struct udp_net *net, struct xk_err *err)
{
	struct uring *u = calloc(1, sizeof(*u));
	int ret = 0;

	if (!u)
		return xk_err_fill(err, -ENOMEM, UDP_WHAT, NULL, "io_uring");
	net->api_state = u;
	if (net->tx)
		ret = make_ring(&u->tx, &u->has_tx, 2 * UDP_MAX_BATCH, err);
	if (!ret && net->rx)
		ret = make_ring(&u->rx, &u->has_rx, 2 * BUFFERS, err);
	if (!ret && net->rx)
		ret = make_buffers(net, u, err);
	return ret;
}

static void close_uring(struct udp_net *net)
{
	struct uring *u = net->api_state;

	if (!u)
		return;
	if (u->has_rx)
		io_uring_queue_exit(&u->rx);
	if (u->has_tx)
		io_uring_queue_exit(&u->tx);
	free(u->buffers);
	free(u->memory);
	free(u);
	net->api_state = NULL;
}

/* --- receive --- */

static void give_back(struct uring *u)
{
	for (unsigned i = 0; i < u->n_used; i++)
		give_buffer(u, u->used[i], i);
	io_uring_buf_ring_advance(u->buffers, (int)u->n_used);
	u->n_used = 0;
}

/* It ends when the buffers run out, and on errors. */
static int arm(struct udp_net *net, struct uring *u)
{
	struct io_uring_sqe *sqe = u->armed ? NULL : io_uring_get_sqe(&u->rx);
	int ret;

	if (!sqe)
		return 0;
	io_uring_prep_recvmsg_multishot(sqe, net->fd, &u->shape, MSG_TRUNC);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	xk_bump(&net->count.syscalls, 1);
	ret = io_uring_submit(&u->rx);
	u->armed = ret > 0;
	return ret < 0 ? ret : 0;
}

/* The layout of a buffer: a head, the name, control data, the payload. */
static void note_buffer(struct udp_net *net, struct uring *u, unsigned i, unsigned short id)
{
	char *buffer = u->memory + (size_t)id * u->bytes;
	const struct io_uring_recvmsg_out *out = (const void *)buffer;
	char *name = buffer + sizeof(*out), *control = name + u->shape.msg_namelen;
	struct iovec iov = {control + u->shape.msg_controllen, 0};
	const struct msghdr msg = {
		.msg_name = name,
		.msg_namelen =
			out->namelen < u->shape.msg_namelen ? out->namelen : u->shape.msg_namelen,
		.msg_iov = &iov,
		.msg_control = control,
		.msg_controllen = out->controllen,
	};

	udp_in_note(net, i, &msg, out->payloadlen);
	if ((out->flags & MSG_TRUNC) && net->in[i].len <= net->scratch_room)
		net->in[i].len = net->scratch_room + 1;
	u->used[u->n_used++] = id;
}

static int take_completion(struct udp_net *net, struct uring *u, const struct io_uring_cqe *cqe,
			   unsigned i)
{
	if (!(cqe->flags & IORING_CQE_F_MORE))
		u->armed = false;
	if (cqe->res < 0)
		return cqe->res == -ENOBUFS ? -EAGAIN : cqe->res;
	if (!(cqe->flags & IORING_CQE_F_BUFFER))
		return -EPROTO;
	note_buffer(net, u, i, (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT));
	return 1;
}

static int receive(struct udp_net *net, unsigned n)
{
	struct uring *u = net->api_state;
	struct io_uring_cqe *cqe;
	unsigned got = 0;
	int ret;

	give_back(u);
	ret = arm(net, u);
	while (!ret && got < n) {
		if (io_uring_peek_cqe(&u->rx, &cqe))
			break;
		ret = take_completion(net, u, cqe, got);
		io_uring_cqe_seen(&u->rx, cqe);
		if (ret == 1) {
			got++;
			ret = 0;
		}
	}
	if (got)
		return (int)got;
	return ret ? ret : -EAGAIN;
}

/* --- send --- */

/* A chain: what follows one that fails is cancelled, so the order stays. */
static void chain(struct udp_net *net, struct uring *u, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&u->tx);

		io_uring_prep_sendmsg(sqe, net->fd, &net->tx_msg[i].msg_hdr, MSG_DONTWAIT);
		sqe->user_data = i;
		if (i + 1 < n)
			sqe->flags |= IOSQE_IO_LINK;
	}
}

static int send_chain(struct udp_net *net, unsigned n)
{
	struct uring *u = net->api_state;
	struct io_uring_cqe *cqe;
	int ret, result[UDP_MAX_BATCH] = {0};
	unsigned sent = 0;

	chain(net, u, n);
	xk_bump(&net->count.syscalls, 1);
	ret = io_uring_submit_and_wait(&u->tx, n);
	if (ret < 0 && ret != -EINTR)
		return ret;
	for (unsigned i = 0; i < n; i++) {
		while ((ret = io_uring_wait_cqe(&u->tx, &cqe)) == -EINTR)
			;
		if (ret)
			return ret;
		result[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(&u->tx, cqe);
	}
	while (sent < n && result[sent] >= 0)
		sent++;
	return sent ? (int)sent : result[0];
}

/* --- sleep --- */

static int wait_uring(struct udp_net *net, int wake_fd, uint64_t ns)
{
	struct uring *u = net->api_state;
	struct pollfd fds[] = {{.fd = net->bell.fd, .events = POLLIN},
			       {.fd = wake_fd, .events = POLLIN},
			       {.fd = net->blocked ? net->fd : -1, .events = POLLOUT},
			       {.fd = u->has_rx ? u->rx.ring_fd : -1, .events = POLLIN}};
	int ret;

	/* one that ended is started again by the next look, which must come */
	if (u->has_rx && !u->armed) {
		net->readable = true;
		return 0;
	}
	ret = udp_sleep(fds, 4, ns);
	net->readable |= fds[3].revents & POLLIN;
	return ret;
}

const struct udp_api udp_api_io_uring = {
	.name = "io_uring",
	.owns_buffers = true,
	.open = open_uring,
	.close = close_uring,
	.receive = receive,
	.send = send_chain,
	.wait = wait_uring,
};
