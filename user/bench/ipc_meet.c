// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two processes that know a name find each other. Each takes its seat in the name's file; who also
 * gets the host's seat listens on a socket beside the file, and the other one connects. A host that
 * died has left its seat: whoever waits then takes it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "bench/ipc_shells.h"

#define RETRY_MS 10
#define SURE     30 /* a seat that is taken this often has somebody; who cleans up is gone soon */

struct meeting {
	struct ipc_notes *notes;
	enum ipc_seat seat;
	uint64_t until;
	unsigned taken; /* how often the seat was somebody else's */
	struct sockaddr_un at;
};

/* Through the directory's descriptor: whatever its path is, and however long. */
static struct sockaddr_un socket_at(const struct ipc_notes *notes)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s..sock", notes->dir,
		 notes->name);
	return at;
}

static int still_time(const struct meeting *meeting)
{
	if (process_interrupted())
		return -EINTR;
	return process_now_ns() < meeting->until ? 0 : -ETIMEDOUT;
}

static int listen_there(const struct meeting *meeting)
{
	char name[IPC_NAME_MAX + 8];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret;

	if (fd < 0)
		return -errno;
	ipc_notes_clear(meeting->notes); /* of a dead host, before this one's are in them */
	snprintf(name, sizeof(name), "%s..sock", meeting->notes->name);
	ret = ipc_notes_add(meeting->notes, IPC_THING_FILE, name);
	if (!ret &&
	    (bind(fd, (const struct sockaddr *)&meeting->at, sizeof(meeting->at)) || listen(fd, 1)))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int host(const struct meeting *meeting)
{
	int listener = listen_there(meeting), ret = listener < 0 ? listener : 0, fd = -1;
	struct pollfd wait = {.fd = listener, .events = POLLIN};

	while (!ret) {
		ret = still_time(meeting);
		if (ret || poll(&wait, 1, RETRY_MS) <= 0)
			continue;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			break;
	}
	if (listener >= 0)
		close(listener);
	return fd >= 0 ? fd : ret;
}

/* -EAGAIN: there is nobody yet. */
static int visit(const struct meeting *meeting)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&meeting->at, sizeof(meeting->at)))
		return fd;
	close(fd);
	return errno == ENOENT || errno == ECONNREFUSED || errno == EINTR ? -EAGAIN : -errno;
}

/* Until the file in which we sit is the one that others find: who was last in it removes it. */
static int take_seat(struct meeting *meeting, struct xk_err *err)
{
	int ret;

	do {
		ret = ipc_notes_file(meeting->notes, err);
		if (ret >= 0)
			ret = ipc_notes_sit(meeting->notes, meeting->seat);
		if (!ret)
			ret = ipc_notes_file(meeting->notes, err);
	} while (ret > 0);
	if (ret == -EBUSY && ++meeting->taken < SURE)
		return -EAGAIN;
	return ret;
}

static int try_to_meet(struct meeting *meeting, struct xk_err *err)
{
	int ret = take_seat(meeting, err);

	if (ret)
		return ret;
	ret = ipc_notes_sit(meeting->notes, IPC_SEAT_HOST);
	if (!ret)
		return host(meeting);
	return ret == -EBUSY ? visit(meeting) : ret;
}

static int explain(int ret, const struct meeting *meeting, const struct xk_err *said,
		   struct xk_err *err)
{
	const char *me = meeting->seat == IPC_SEAT_SENDER ? "sender" : "receiver";
	const char *other = meeting->seat == IPC_SEAT_SENDER ? "receiver" : "sender";

	if (ret == -EBUSY)
		return xk_err_fill(err, ret, IPC_WHAT, "choose another name",
				   "'%s' has a %s already", meeting->notes->name, me);
	if (ret == -ETIMEDOUT)
		return xk_err_fill(err, ret, IPC_WHAT, "start it in another shell, or --timeout",
				   "no %s named '%s' came", other, meeting->notes->name);
	if (ret == -EINTR || said->code)
		return ret;
	return xk_err_fill(err, ret, IPC_WHAT, NULL, "meet the %s of '%s'", other,
			   meeting->notes->name);
}

int ipc_meet(struct ipc_notes *notes, enum ipc_seat seat, unsigned ticks, struct xk_err *err)
{
	struct meeting meeting = {
		.notes = notes,
		.seat = seat,
		.until = process_now_ns() + ticks * UINT64_C(1000000) * IPC_TICK_MS,
		.at = socket_at(notes),
	};
	int ret;

	err->code = 0;
	for (;;) {
		ret = try_to_meet(&meeting, err);
		if (ret != -EAGAIN)
			break;
		ret = still_time(&meeting);
		if (ret)
			break;
		poll(NULL, 0, RETRY_MS);
	}
	return ret >= 0 ? ret : explain(ret, &meeting, err, err);
}
