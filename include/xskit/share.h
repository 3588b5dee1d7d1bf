/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share.h - memory that several processes map, each at an address of its own: found by a name, or
 * handed over as a descriptor.
 *
 * By name: a share NAME is the file /dev/shm/NAME, which shm_open("/NAME") opens too. It is made
 * without a name, filled by whoever made it, and gets its name, whole or not at all, with
 * xk_share_publish(): a process killed in between leaves nothing, and nobody attaches to half a
 * share. It stays until it is unlinked. Any process that may write to the file may also cut it
 * short, which is SIGBUS for all the others: named shares are for the processes of one user, who
 * trust each other. So a file of another user, and one that its group or all others may write to,
 * is refused, for every user and without exception. Group and others may be let read (mode 0640,
 * 0644), to watch; a reader cannot change a share, but may hold a read lock on its bytes.
 *
 * By descriptor: a memfd, sealed against shrinking, growing and further seals (both ends write, so
 * it is not sealed against that), sent over a connected UNIX socket. A peer of another user can
 * then do no worse than write nonsense, or punch holes, which read as zeros. A hole in huge pages
 * reserved with vm.nr_hugepages is SIGBUS if somebody took the free page: between two users, unless
 * the peer is root, such a share is neither sent nor received.
 *
 * Maker:    create, write, publish, (send,) use, close; unlink when the name is to go.
 * The rest: attach or receive, use, close.
 *
 * info->fd stays open as long as the share. Opening /proc/self/fd/N (O_RDWR) gives a new open file
 * description of the same memory, on which OFD locks are independent of those of every other; this
 * works for files in /dev/shm, before and after publishing, and for memfds of small and of huge
 * pages, received ones of another user included. info->fd itself is not for locks: a sent
 * descriptor is the same open file description at both ends.
 *
 * Thread contract: a struct xk_share is used by one thread at a time, but for the info, which does
 * not change but in xk_share_close() and may be read by all. Different shares are independent.
 * What is in the memory is the caller's to order.
 *
 * Errors: 0 or the negative errno given with each call; where none is given for a cause, that of
 * the system call that failed. *share is written on success only.
 */
#ifndef XSKIT_SHARE_H
#define XSKIT_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <xskit/err.h>
#include <xskit/mem.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xk_share_config {
	size_t size; /* bytes, more than 0; rounded up to whole pages */
	int node;    /* NUMA node number, -1: wherever the kernel likes */
	/*
	 * Without a name as in mem.h: huge pages are those of vm.nr_hugepages. With a name they are
	 * transparent ones, which need no reserve; XK_HUGE_AUTO asks for them only if the share is
	 * as large as one.
	 */
	enum xk_huge huge;
	mode_t mode; /* of a name, exactly (no umask): 0 for 0600, 0640, 0604 or 0644 */
};

struct xk_share_info {
	void *addr;       /* start of the mapping, page-aligned, for reading and writing */
	size_t size;      /* bytes mapped */
	size_t page_size; /* bytes a page: 4096, or the size of a huge page if `huge` */
	int node;         /* node that holds every page, -1: they are spread, or not known */
	int fd;           /* owned by the share; close-on-exec */
	bool huge;        /* every page of this mapping was seen to be a huge one when mapped */
	const char *name; /* without the '/'; NULL: a memfd */
	uid_t owner;      /* who made it; received: who is at the other end (SO_PEERCRED) */
};

struct xk_share;

/*
 * A new share, populated with zeros, that nobody else can see yet. name: with or without one '/' in
 * front, no other, at most NAME_MAX bytes, no control characters; NULL: a memfd. A name already
 * taken is found out by xk_share_publish().
 * Errors: -EINVAL the name, size 0, no such node, a mode that lets others write; -ENAMETOOLONG;
 * -ENOMEM not enough memory (XK_HUGE_ON: huge pages), or /dev/shm is full; -ENOTSUP /dev/shm is no
 * tmpfs. A node that cannot be had is no error: compare info->node with what was asked.
 */
int xk_share_create(struct xk_share **share, const char *name, const struct xk_share_config *config,
		    struct xk_err *err);
/*
 * Named: the name appears. Memfd: the seals are set, and it may be sent. Of several processes that
 * publish one name, one succeeds.
 * Errors: -EEXIST the name is taken; the share is still the caller's, to publish once more or to
 * close; -EINVAL it is published already, or was not created here.
 */
int xk_share_publish(struct xk_share *share, struct xk_err *err);
/*
 * Map the share of that name, for reading and writing.
 * Errors: -EINVAL the name; -ENOENT none of that name; -ELOOP a symbolic link; -EPERM it belongs to
 * another user than the effective one, or group or others may write to it; -EPROTO it is no
 * regular file, is empty, or is not of whole pages; -ENOTSUP /dev/shm is no tmpfs; -ENOMEM.
 */
int xk_share_attach(struct xk_share **share, const char *name, struct xk_err *err);
/*
 * Send a published memfd, or a received one, as one message of 16 bytes and a descriptor
 * (SCM_RIGHTS) over a connected UNIX socket of any type. Waits as the socket is set to
 * (SO_SNDTIMEO, O_NONBLOCK); raises no SIGPIPE.
 * Errors: -EINVAL it has a name (attach it), or is not published; -ENOTSOCK, -EINVAL no UNIX
 * socket; -ENOTCONN; -EPERM huge pages for a peer of another user; -EAGAIN the socket's timeout;
 * -EINTR a signal; -EPIPE, -ECONNRESET the peer is gone.
 */
int xk_share_send(const struct xk_share *share, int sock, struct xk_err *err);
/*
 * Receive and map what xk_share_send() sent, and nothing else: whatever other descriptors come are
 * closed. info->owner is the user at the other end when it connected (socketpair: made the pair).
 * Waits as the socket is set to (SO_RCVTIMEO, O_NONBLOCK), and reads not a byte behind the message.
 * Errors: -EPROTO another message, cut off, or without exactly one descriptor; -EPERM the
 * descriptor is no memfd, is not sealed as above or is sealed against writing, its size is not the
 * one announced, it has holes, or it is of huge pages and from another user; -ENOTSOCK, -EINVAL,
 * -ENOTCONN, -EAGAIN, -EINTR as above; -ECONNRESET the peer closed the socket; -ENOMEM.
 */
int xk_share_receive(struct xk_share **share, int sock, struct xk_err *err);
/*
 * Take the name away: who has the share mapped keeps it, nobody new finds it. What is there need
 * not be a share: a symbolic link or a FIFO of that name goes too, a directory does not.
 * Errors: -EINVAL, -ENAMETOOLONG the name; -ENOENT none of that name; -EPERM, -EACCES it belongs to
 * another user; -EISDIR.
 */
int xk_share_unlink(const char *name, struct xk_err *err);
/* Unmap and close; what was not published is gone. NULL: nothing. */
void xk_share_close(struct xk_share *share);
const struct xk_share_info *xk_share_info(const struct xk_share *share);

#ifdef __cplusplus
}
#endif
#endif
