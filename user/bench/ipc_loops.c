// SPDX-License-Identifier: BSD-2-Clause
/* The messages of a round. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <xskit/atomic.h>
#include "bench/ipc_link.h"
#include "bench/ipc_message.h"

uint64_t ipc_cpu_ns(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000u;
}

static char *fresh_message(struct ipc_end *end)
{
	char *message = end->buffer + end->made.bytes; /* the buffer is of two */

	memset(message, 0, end->made.bytes);
	return message;
}

static int receive_one(struct ipc_end *end, bool check, uint64_t *number, bool *whole)
{
	const struct ipc_method *method = end->method;
	const void *message;
	int ret = ipc_spin_still(end); /* also if nobody ever has to wait */

	if (!ret)
		ret = method->recv(end, &message);
	if (ret)
		return ret;
	*number = ipc_read_message(message, end->made.bytes, check, whole);
	end->received++;
	return method->release ? method->release(end) : 0;
}

static int send_one(struct ipc_end *end, char *message, uint64_t number, bool check)
{
	int ret = ipc_spin_still(end);

	if (ret)
		return ret;
	ipc_write_message(message, end->made.bytes, number, check);
	ret = end->method->send(end, message);
	if (!ret)
		end->sent++;
	return ret;
}

/* A textbook's -ENODATA is an end like others, with messages that never came. */
static int end_of(int ret, uint64_t count, uint64_t next, struct ipc_seen *seen)
{
	if (ret && ret != -ENODATA)
		return ret;
	seen->lost += count > next ? count - next : 0;
	return 0;
}

/* --- a stream --- */

int ipc_loop_send(struct ipc_end *end, uint64_t count, bool check)
{
	char *message = fresh_message(end);
	int ret = 0;

	if (end->method->send_all && !check)
		return end->method->send_all(end, count);
	for (uint64_t i = 0; i < count && !ret; i++)
		ret = send_one(end, message, i, check);
	if (end->method->finish)
		end->method->finish(end);
	/* the textbook's: there is no room any more, or nobody who takes; the rest is lost, too */
	if (end->method->textbook && (ret == -ENODATA || ret == -ECANCELED))
		return 0;
	return ret;
}

int ipc_loop_receive(struct ipc_end *end, uint64_t count, bool check, struct ipc_seen *seen)
{
	uint64_t next = 0, number;
	int ret = 0;
	bool whole;

	if (end->method->recv_all && !check)
		return end->method->recv_all(end, count, seen);
	/* a textbook's receiver may see more messages than there were, and ends when told */
	while ((seen->received < count || end->method->textbook) && !ret) {
		ret = receive_one(end, check, &number, &whole);
		if (!ret)
			ipc_judge(seen, &next, number, whole);
	}
	return end_of(ret, count, next, seen);
}

/* --- round trips --- */

int ipc_loop_ask(struct ipc_end *end, uint64_t count, bool check, struct xk_hist *hist,
		 struct ipc_seen *seen)
{
	char *message = fresh_message(end);
	uint64_t next = 0, number, before = process_now_ns(), now;
	int ret = 0;
	bool whole;

	for (uint64_t i = 0; i < count && !ret; i++, before = now) {
		ret = send_one(end, message, i, check);
		if (!ret)
			ret = receive_one(end, check, &number, &whole);
		now = process_now_ns();
		if (ret)
			break;
		xk_hist_record(hist, now - before);
		ipc_judge(seen, &next, number, whole);
	}
	return end_of(ret, count, next, seen);
}

int ipc_loop_answer(struct ipc_end *end, uint64_t count, bool check, struct ipc_seen *seen)
{
	char *message = fresh_message(end);
	uint64_t next = 0, number;
	int ret = 0;
	bool whole;

	for (uint64_t i = 0; i < count && !ret; i++) {
		ret = receive_one(end, check, &number, &whole);
		if (ret)
			break;
		ipc_judge(seen, &next, number, whole);
		ret = send_one(end, message, number, check);
	}
	return end_of(ret, count, next, seen);
}

/* --- the floor --- */

/* Each waits for the other's number: odd ones from side 0, even ones from side 1. */
int ipc_loop_bounce(struct ipc_end *end, uint64_t *line)
{
	uint64_t mine = xk_load_acquire(line) / 2 * 2 + (end->side ? 2 : 1);
	int ret = 0;

	for (unsigned i = 0; i < IPC_FLOOR_TRIPS && !ret; i++, mine += 2) {
		while (end->side && xk_load_acquire(line) != mine - 1 && !ret)
			ret = ipc_spin_still(end);
		if (ret)
			break;
		xk_store_release(line, mine); /* pairs with the other side's acquire */
		while (!end->side && xk_load_acquire(line) != mine + 1 && !ret)
			ret = ipc_spin_still(end);
	}
	return ret;
}
