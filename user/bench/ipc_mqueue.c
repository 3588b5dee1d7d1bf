// SPDX-License-Identifier: BSD-2-Clause
/*
 * POSIX message queues, one each way.
 *
 * Kernel memory, of one direction: mq_maxmsg times mq_msgsize as granted (mq_getattr), which is
 * what a full queue holds; from its limits, not measured. A queue is as long as fs.mqueue.msg_max
 * says, or as short as RLIMIT_MSGQUEUE (ulimit -q) makes it; this process asks for more of that.
 *
 * fs.mqueue.msgsize_max (8192) belongs to the IPC namespace. It is not changed for all who live in
 * this one: queues for larger messages are made in a namespace of their own, which has its own
 * setting and is gone with their last descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bench/ipc.h"
#include "bench/ipc_fds.h"
#include "bench/ipc_notes.h"

#define LONGEST 10 /* fs.mqueue.msg_max where nobody changed it */

static mqd_t create(const char *name, long length, unsigned bytes)
{
	struct mq_attr attr = {.mq_maxmsg = length, .mq_msgsize = bytes};

	return mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attr);
}

/* Of this process, and as far as it may. */
static void ask_for_room(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (!setrlimit(RLIMIT_MSGQUEUE, &limit) || getrlimit(RLIMIT_MSGQUEUE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MSGQUEUE, &limit);
}

/* As long a queue as is allowed; two of them must fit. */
static int create_both(struct ipc_made *made, char name[2][96])
{
	for (long length = LONGEST; length; length /= 2) {
		made->fd[0] = create(name[0], length, made->bytes);
		if (made->fd[0] < 0 && errno != EINVAL && errno != EMFILE)
			return -errno;
		if (made->fd[0] < 0)
			continue;
		made->fd[1] = create(name[1], length, made->bytes);
		if (made->fd[1] >= 0)
			return 0;
		if (errno != EINVAL && errno != EMFILE)
			return -errno;
		close(made->fd[0]);
		made->fd[0] = -1;
		mq_unlink(name[0]);
		errno = EMFILE;
	}
	return -errno;
}

static int raise_limit(unsigned bytes)
{
	int fd = open("/proc/sys/fs/mqueue/msgsize_max", O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = dprintf(fd, "%u", bytes) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int create_apart(struct ipc_made *made, char name[2][96])
{
	int home = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), ret = 0;

	if (home < 0)
		return -errno;
	if (unshare(CLONE_NEWIPC)) {
		ret = -errno;
		close(home);
		return ret;
	}
	ret = raise_limit(made->bytes);
	if (!ret)
		ret = create_both(made, name);
	if (setns(home, CLONE_NEWIPC) && !ret)
		ret = -errno;
	close(home);
	return ret;
}

static int explain(int ret, unsigned bytes, struct xk_err *err)
{
	if (ret == -EINVAL)
		return xk_err_fill(err, ret, "mqueue",
				   "run as root, or sysctl fs.mqueue.msgsize_max=N",
				   "%u bytes are more than fs.mqueue.msgsize_max", bytes);
	if (ret == -EMFILE)
		return xk_err_fill(err, ret, "mqueue", "raise `ulimit -q`",
				   "two queues for messages of %u bytes exceed RLIMIT_MSGQUEUE",
				   bytes);
	return xk_err_fill(err, ret, "mqueue", NULL, "make two queues");
}

static int mqueue_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	char name[2][96];
	int ret = 0;

	for (unsigned i = 0; i < 2 && !ret; i++) {
		snprintf(name[i], sizeof(name[i]), "/xskit-ipc-%s.%u", maker->name, i);
		mq_unlink(name[i]); /* of a run that had this name, and is dead */
		ret = ipc_notes_add(maker->notes, IPC_THING_QUEUE, name[i]);
	}
	made->fd[0] = made->fd[1] = -1;
	ask_for_room();
	if (!ret)
		ret = create_both(made, name);
	if (ret == -EINVAL) {
		ret = create_apart(made, name);
		ret = ret == -EPERM || ret == -EACCES ? -EINVAL : ret;
	}
	if (!ret) {
		made->n_fds = 2;
		return 0;
	}
	if (made->fd[0] >= 0)
		close(made->fd[0]);
	return explain(ret, made->bytes, err);
}

/* Both sides use both: queue 0 goes there, queue 1 back. */
static int mqueue_open(struct ipc_end *end)
{
	(void)end;
	return 0;
}

static int mqueue_send(struct ipc_end *end, const void *message)
{
	int ret = 0;

	while (!ret) {
		int done = mq_send(end->made.fd[end->side], message, end->made.bytes, 0);

		end->calls++;
		if (!done)
			return 0;
		ret = ipc_call_failed(end);
	}
	return ret;
}

static int mqueue_recv(struct ipc_end *end, const void **message)
{
	int ret = 0;

	*message = end->buffer;
	while (!ret) {
		ssize_t got =
			mq_receive(end->made.fd[!end->side], end->buffer, end->made.bytes, NULL);

		end->calls++;
		if (got == (ssize_t)end->made.bytes)
			return 0;
		ret = got < 0 ? ipc_call_failed(end) : -EBADMSG;
	}
	return ret;
}

static uint64_t mqueue_memory(const struct ipc_end *end)
{
	struct mq_attr attr;

	if (mq_getattr(end->made.fd[end->side], &attr))
		return 0;
	return (uint64_t)attr.mq_maxmsg * (uint64_t)attr.mq_msgsize;
}

const struct ipc_method ipc_mqueue = {
	.name = "mqueue",
	.copies = 2,
	.persistent = true,
	.make = mqueue_make,
	.open = mqueue_open,
	.send = mqueue_send,
	.recv = mqueue_recv,
	.memory = mqueue_memory,
	.close = ipc_fds_close,
};
