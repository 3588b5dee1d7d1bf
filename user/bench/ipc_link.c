// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench/ipc_link.h"

/* --- packets --- */

union fds_room {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(IPC_MAX_FDS * sizeof(int))];
};

int ipc_control_send(int control, const void *packet, size_t len, const int *fds, unsigned n_fds)
{
	union fds_room room = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)packet, .iov_len = len};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t done;

	if (n_fds) {
		msg.msg_control = room.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		room.align.cmsg_level = SOL_SOCKET;
		room.align.cmsg_type = SCM_RIGHTS;
		room.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&room.align), fds, n_fds * sizeof(int));
	}
	do
		done = sendmsg(control, &msg, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	return done == (ssize_t)len ? 0 : done < 0 && errno != ECONNRESET ? -errno : -EPIPE;
}

static void take_fds(struct msghdr *msg, int *fds, unsigned *n_fds)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(msg);

	*n_fds = 0;
	if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
		return;
	*n_fds = (unsigned)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(part), *n_fds * sizeof(int));
}

/* One tick at most. */
static int await_packet(int control)
{
	struct pollfd fd = {.fd = control, .events = POLLIN};

	if (process_interrupted())
		return -EINTR;
	return poll(&fd, 1, IPC_TICK_MS) > 0 ? 1 : 0;
}

int ipc_control_receive(int control, void *packet, size_t len, int *fds, unsigned *n_fds,
			unsigned ticks)
{
	int nothing[IPC_MAX_FDS], ret = 0;
	uint64_t until = process_now_ns() + ticks * UINT64_C(1000000) * IPC_TICK_MS;
	unsigned none;
	union fds_room room;
	struct iovec part = {.iov_base = packet, .iov_len = len};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = room.bytes,
			     .msg_controllen = sizeof(room.bytes)};
	ssize_t got;

	while (!ret) {
		ret = await_packet(control);
		if (!ret && ticks && process_now_ns() > until)
			return -ETIMEDOUT;
	}
	if (ret < 0)
		return ret;
	got = recvmsg(control, &msg, MSG_CMSG_CLOEXEC);
	if (got <= 0)
		return got < 0 && errno != ECONNRESET ? -errno : -EPIPE;
	take_fds(&msg, fds ? fds : nothing, n_fds ? n_fds : &none);
	return got == (ssize_t)len ? 0 : -EPROTO;
}

/* --- ends --- */

static void close_fds(struct ipc_made *made)
{
	for (unsigned i = 0; i < made->n_fds; i++)
		close(made->fd[i]);
	made->n_fds = 0;
}

int ipc_end_open(struct ipc_end *end, const struct ipc_method *method, const struct ipc_made *made,
		 unsigned side)
{
	int ret;

	end->method = method;
	end->made = *made;
	end->side = side;
	end->buffer = calloc(2, made->bytes + 64);
	ret = end->buffer ? method->open(end) : -ENOMEM;
	if (!ret)
		return 0;
	close_fds(&end->made);
	free(end->buffer);
	end->buffer = NULL;
	return ret;
}

void ipc_end_close(struct ipc_end *end)
{
	if (!end->buffer)
		return;
	end->method->close(end);
	free(end->buffer);
	end->buffer = NULL;
}

/* --- side 1 --- */

static int begin(struct ipc_end *end)
{
	end->quiet_ticks = 0;
	return end->method->begin ? end->method->begin(end) : 0;
}

static int reply(struct ipc_end *end, struct ipc_reply *said)
{
	said->moved = end->sent + end->received;
	return ipc_control_send(end->control, said, sizeof(*said), NULL, 0);
}

static int do_round(struct ipc_end *end, const struct ipc_order *order, uint64_t *line,
		    struct ipc_reply *said)
{
	if (order->kind == IPC_ORDER_FLOOR)
		return line ? ipc_loop_bounce(end, line) : -EPROTO;
	return end->made.metric == IPC_STREAM
		       ? ipc_loop_receive(end, order->count, order->check, &said->seen)
		       : ipc_loop_answer(end, order->count, order->check, &said->seen);
}

static int serve_round(struct ipc_end *end, const struct ipc_order *order, uint64_t *line,
		       struct ipc_seen *total)
{
	struct ipc_reply ready = {.ret = begin(end)}, said = {0};
	uint64_t cpu = ipc_cpu_ns(), calls = end->calls;
	int ret = reply(end, &ready);

	if (ret || ready.ret)
		return ret ? ret : ready.ret;
	said.ret = do_round(end, order, line, &said);
	said.end_ns = process_now_ns();
	said.cpu_ns = ipc_cpu_ns() - cpu;
	said.calls = end->calls - calls;
	total->received += said.seen.received;
	total->lost += said.seen.lost;
	total->wrong += said.seen.wrong;
	ret = reply(end, &said);
	return said.ret ? said.ret : ret;
}

int ipc_serve(struct ipc_end *end, int opened, uint64_t *line, struct ipc_seen *total)
{
	struct ipc_reply said = {.ret = opened};
	struct ipc_order order;
	int ret = reply(end, &said);

	ret = opened ? opened : ret;
	while (!ret) {
		ret = ipc_control_receive(end->control, &order, sizeof(order), NULL, NULL, 0);
		if (!ret && order.magic != IPC_ORDER_MAGIC)
			ret = -EPROTO;
		if (!ret && order.kind == IPC_ORDER_CLOSE)
			break;
		if (!ret)
			ret = serve_round(end, &order, line, total);
	}
	return ret;
}

/* --- side 0 --- */

static int give_order(struct ipc_end *end, enum ipc_order_kind kind, uint64_t count, bool check)
{
	const struct ipc_order order = {
		.magic = IPC_ORDER_MAGIC, .kind = kind, .count = count, .check = check};

	return ipc_control_send(end->control, &order, sizeof(order), NULL, 0);
}

/* The other side has a patience of its own, and will say when that has ended. */
static int get_reply(struct ipc_end *end, struct ipc_reply *said)
{
	int ret = ipc_control_receive(end->control, said, sizeof(*said), NULL, NULL,
				      2 * end->patience_ticks + 2);

	return ret ? ret : said->ret;
}

int ipc_drive_opened(struct ipc_end *end)
{
	struct ipc_reply said;

	return get_reply(end, &said);
}

void ipc_drive_close(struct ipc_end *end)
{
	give_order(end, IPC_ORDER_CLOSE, 0, false);
}

static int start_round(struct ipc_end *end, enum ipc_order_kind kind, uint64_t count, bool check)
{
	struct ipc_reply ready;
	int ret = begin(end);

	if (!ret)
		ret = give_order(end, kind, count, check);
	return ret ? ret : get_reply(end, &ready);
}

/* What went wrong at the other end, if it says so, is why it went wrong here. */
static int end_round(struct ipc_end *end, int ret, struct ipc_reply *said)
{
	int theirs;

	if (ret && ret != -ECANCELED)
		return ret;
	theirs = get_reply(end, said);
	return theirs ? theirs : ret;
}

/* What the method itself kept of all that was ever moved. */
static void ask_method(const struct ipc_end *end, uint64_t theirs, struct ipc_seen *seen)
{
	if (end->method->agrees && !end->method->agrees(end, theirs + end->sent + end->received))
		seen->wrong++;
}

int ipc_drive_round(struct ipc_end *end, uint64_t count, bool check, struct xk_hist *hist,
		    struct ipc_round *round)
{
	bool trips = end->made.metric == IPC_TRIPS;
	uint64_t start, cpu, calls = end->calls;
	struct ipc_seen seen = {0};
	struct ipc_reply said;
	int ret = start_round(end, IPC_ORDER_ROUND, count, check);

	if (ret)
		return ret;
	cpu = ipc_cpu_ns();
	start = process_now_ns();
	ret = trips ? ipc_loop_ask(end, count, check, hist, &seen)
		    : ipc_loop_send(end, count, check);
	cpu = ipc_cpu_ns() - cpu;
	ret = end_round(end, ret, &said);
	if (ret)
		return ret;
	*round = (struct ipc_round){
		.ns = said.end_ns - start,
		.cpu_ns = cpu + said.cpu_ns,
		.calls = end->calls - calls + said.calls,
		.messages = trips ? 2 * count : count,
		.seen = {seen.received + said.seen.received, seen.lost + said.seen.lost,
			 seen.wrong + said.seen.wrong},
	};
	ask_method(end, said.moved, &round->seen);
	return 0;
}

int ipc_drive_floor(struct ipc_end *end, uint64_t *line, double *floor_ns)
{
	struct ipc_reply said;
	uint64_t start;
	int ret = start_round(end, IPC_ORDER_FLOOR, 0, false);

	if (ret)
		return ret;
	start = process_now_ns();
	ret = end_round(end, ipc_loop_bounce(end, line), &said);
	if (!ret)
		*floor_ns = (double)(said.end_ns - start) / IPC_FLOOR_TRIPS;
	return ret;
}
