// SPDX-License-Identifier: BSD-2-Clause
/*
 * Shared memory, and eventfds that tell of full and of free slots: a write for each message on
 * either side, and a read, which gives all that was written since the last, where nothing is known
 * to be there. The eventfds' own few dozen bytes cannot be read and are not in kernel memory.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "bench/ipc_slots.h"

/* made->fd[]: the memory, then for each lane: data, room. */
static int data_fd(const struct ipc_end *end, unsigned lane)
{
	return end->made.fd[1 + 2 * lane];
}

static int room_fd(const struct ipc_end *end, unsigned lane)
{
	return end->made.fd[2 + 2 * lane];
}

static int eventfd_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	int ret;

	(void)maker;
	ipc_slots_plan(made);
	ret = ipc_slots_make(made, "eventfd", err);
	while (!ret && made->n_fds < 5) {
		int fd = eventfd(0, EFD_CLOEXEC);

		if (fd < 0)
			ret = xk_err_fill(err, -errno, "eventfd", "raise `ulimit -n`", "make it");
		else
			made->fd[made->n_fds++] = fd;
	}
	while (ret && made->n_fds)
		close(made->fd[--made->n_fds]);
	return ret;
}

static int eventfd_open(struct ipc_end *end)
{
	return ipc_slots_open(end, NULL);
}

static int add_one(struct ipc_end *end, int fd)
{
	const uint64_t one = 1;
	int ret = 0;

	while (!ret) {
		ssize_t done = write(fd, &one, sizeof(one));

		end->calls++;
		if (done == sizeof(one))
			return 0;
		ret = ipc_call_failed(end);
	}
	return ret;
}

/* One of those that are known; if there are none, ask. */
static int take_one(struct ipc_end *end, int fd, uint64_t *known)
{
	int ret = 0;

	while (!*known && !ret) {
		ssize_t done = read(fd, known, sizeof(*known));

		end->calls++;
		if (done != sizeof(*known)) {
			*known = 0;
			ret = ipc_call_failed(end);
		}
	}
	if (!ret)
		--*known;
	return ret;
}

static int eventfd_send(struct ipc_end *end, const void *message)
{
	struct ipc_slots *slots = ipc_slots_of(end);
	int ret = take_one(end, room_fd(end, end->side), &slots->room);

	if (ret)
		return ret;
	ipc_slots_put(slots, message, end->made.bytes);
	return add_one(end, data_fd(end, end->side));
}

static int eventfd_recv(struct ipc_end *end, const void **message)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	*message = ipc_slots_at(slots);
	return take_one(end, data_fd(end, !end->side), &slots->data);
}

static int eventfd_release(struct ipc_end *end)
{
	ipc_slots_of(end)->taken++;
	return add_one(end, room_fd(end, !end->side));
}

const struct ipc_method ipc_eventfd = {
	.name = "eventfd",
	.copies = 1,
	.make = eventfd_make,
	.open = eventfd_open,
	.send = eventfd_send,
	.recv = eventfd_recv,
	.release = eventfd_release,
	.memory = ipc_slots_memory,
	.close = ipc_slots_close,
};
