// SPDX-License-Identifier: BSD-2-Clause
/* A share's descriptor, from one process to another over a UNIX socket. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include "share_internal.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04 /* 6.5 */
#endif

#define SEND    "send share"
#define RECEIVE "receive share"
#define MAGIC   0x65726168736b7878ull /* "xxkshare" */

/* Both ends are on one machine: no byte order. */
struct message {
	uint64_t magic;
	uint64_t size; /* of the memory */
};

/* Room for more descriptors than there may be, and for what the socket's options may add. */
union control {
	struct cmsghdr align;
	char bytes[512];
};

/* --- the peer --- */

static int check_socket(int sock, const char *what, struct xk_err *err)
{
	socklen_t len = sizeof(int);
	int domain;

	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len))
		return xk_err_fill(err, -errno, what, NULL, "descriptor %d: %s", sock,
				   strerror(errno));
	if (domain != AF_UNIX)
		return xk_err_fill(err, -EINVAL, what, NULL, "descriptor %d is no UNIX socket",
				   sock);
	return 0;
}

static int find_peer(int sock, uid_t *uid, const char *what, struct xk_err *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int rc = check_socket(sock, what, err);

	if (rc)
		return rc;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return xk_err_fill(err, -errno, what, NULL, "SO_PEERCRED: %s", strerror(errno));
	if (peer.uid == (uid_t)-1)
		return xk_err_fill(err, -ENOTCONN, what, "connect it",
				   "the socket has no peer to know");
	*uid = peer.uid;
	return 0;
}

/* A hole punched into reserved huge pages is SIGBUS once their pool is empty, sealed or not. */
static int check_huge(bool huge, uid_t peer, const char *what, struct xk_err *err)
{
	if (!huge || !peer || peer == geteuid())
		return 0;
	return xk_err_fill(err, -EPERM, what, "create it with small pages",
			   "huge pages, and user %u at the other end could take them away", peer);
}

/* --- send --- */

static int check_sendable(const struct xk_share *share, struct xk_err *err)
{
	if (share->name)
		return xk_err_fill(err, -EINVAL, SEND, "let the peer attach to the name",
				   "%s has a name, and cannot be sealed", share->name);
	if (share->fresh)
		return xk_err_fill(err, -EINVAL, SEND, "publish it first", "it is not published");
	return 0;
}

static void put_fd(struct msghdr *msg, int fd)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
}

int xk_share_send(const struct xk_share *share, int sock, struct xk_err *err)
{
	struct message message = {.magic = MAGIC, .size = share->info.size};
	struct iovec part = {.iov_base = &message, .iov_len = sizeof(message)};
	union control control = {.bytes = {0}};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = CMSG_SPACE(sizeof(int))};
	int rc = check_sendable(share, err);
	uid_t peer;
	ssize_t sent;

	if (!rc)
		rc = find_peer(sock, &peer, SEND, err);
	if (!rc)
		rc = check_huge(share->info.huge, peer, SEND, err);
	if (rc)
		return rc;
	put_fd(&msg, share->info.fd);
	sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	if (sent == sizeof(message))
		return 0;
	rc = sent < 0 ? -errno : -EIO;
	return xk_err_fill(err, rc, SEND, NULL, "sendmsg: %s",
			   rc == -EAGAIN ? "the peer does not read" : strerror(-rc));
}

/* --- receive --- */

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/* The one descriptor; -1 and all of them closed unless there was exactly one. */
static int take_fd(struct msghdr *msg)
{
	int fds[sizeof(union control) / sizeof(int)];
	size_t count = 0, len;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		len = cmsg->cmsg_len - CMSG_LEN(0);
		if (cmsg->cmsg_type == SCM_PIDFD) { /* the caller's option, of no use here */
			close_all((int *)CMSG_DATA(cmsg), 1);
			continue;
		}
		if (cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds + count, CMSG_DATA(cmsg), len);
		count += len / sizeof(int);
	}
	if (count == 1 && !(msg->msg_flags & MSG_CTRUNC))
		return fds[0];
	close_all(fds, count);
	return -1;
}

static int receive_failed(int code, struct xk_err *err)
{
	return xk_err_fill(err, code, RECEIVE, NULL, "recvmsg: %s",
			   code == -EAGAIN ? "nothing came in time" : strerror(-code));
}

/* Nothing at all is the end of a stream; an empty datagram can still bring a descriptor. */
static int no_fd(ssize_t got, struct xk_err *err)
{
	if (!got)
		return xk_err_fill(err, -ECONNRESET, RECEIVE, NULL, "the peer closed the socket");
	return xk_err_fill(err, -EPROTO, RECEIVE, NULL,
			   "a message without exactly one descriptor, or cut off");
}

/* The descriptor of the next message, and the size it announces. */
static int receive_fd(int sock, uint64_t *size, struct xk_err *err)
{
	struct message message = {.magic = 0};
	struct iovec part = {.iov_base = &message, .iov_len = sizeof(message)};
	union control control;
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	int fd;

	if (got < 0)
		return receive_failed(-errno, err);
	fd = take_fd(&msg);
	if (fd < 0)
		return no_fd(got, err);
	if (got == sizeof(message) && message.magic == MAGIC && !(msg.msg_flags & MSG_TRUNC)) {
		*size = message.size;
		return fd;
	}
	close(fd);
	return xk_err_fill(err, -EPROTO, RECEIVE, NULL, "the message is not one of xk_share_send");
}

static int check_seals(int fd, struct xk_err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return xk_err_fill(err, -EPERM, RECEIVE, NULL, "the descriptor is no memfd");
	if ((seals & SHARE_SEALS) != SHARE_SEALS)
		return xk_err_fill(err, -EPERM, RECEIVE, "the peer must publish it before",
				   "the memfd is not sealed: the peer could cut it short under us");
	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return xk_err_fill(err, -EPERM, RECEIVE, NULL,
				   "the memfd is sealed against writing");
	return 0;
}

/* Whole: with a hole in it, mapping it here would take memory that the peer never had. */
static int check_whole(int fd, uint64_t size, struct xk_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return xk_err_fill(err, -errno, RECEIVE, NULL, "fstat: %s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size != size ||
	    size % (uint64_t)sysconf(_SC_PAGESIZE))
		return xk_err_fill(err, -EPERM, RECEIVE, NULL,
				   "the memfd has %jd bytes, announced were %ju",
				   (intmax_t)st.st_size, (uintmax_t)size);
	if ((uint64_t)st.st_blocks * 512 < size)
		return xk_err_fill(err, -EPERM, RECEIVE, NULL,
				   "the memfd has holes: %jd of %ju bytes are there",
				   (intmax_t)st.st_blocks * 512, (uintmax_t)size);
	return 0;
}

static int check_memfd(int fd, uint64_t size, uid_t peer, struct xk_err *err)
{
	struct statfs fs;
	int rc = check_seals(fd, err);

	if (!rc)
		rc = check_whole(fd, size, err);
	if (rc)
		return rc;
	if (fstatfs(fd, &fs))
		return xk_err_fill(err, -errno, RECEIVE, NULL, "fstatfs: %s", strerror(errno));
	return check_huge(fs.f_type == HUGETLBFS_MAGIC, peer, RECEIVE, err);
}

int xk_share_receive(struct xk_share **out, int sock, struct xk_err *err)
{
	struct xk_mem_info mem = NO_MEM;
	uint64_t size;
	uid_t peer;
	int rc = find_peer(sock, &peer, RECEIVE, err);

	if (rc)
		return rc;
	mem.fd = receive_fd(sock, &size, err);
	if (mem.fd < 0)
		return mem.fd;
	rc = check_memfd(mem.fd, size, peer, err);
	if (!rc) {
		mem.size = size;
		rc = share_map(&mem, RECEIVE, err);
	}
	if (rc) {
		mem_drop(&mem);
		return rc;
	}
	return share_wrap(out, &mem, NULL, peer, err);
}
