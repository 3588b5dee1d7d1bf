// SPDX-License-Identifier: BSD-2-Clause
/*
 * Seats: who uses a ring, and who did until it died.
 *
 * The lock of a seat is the truth about life; its state word says whether somebody sat there. Who
 * has the lock and finds the state `locked` has found a dead one, and mends what it left before the
 * seat is anybody's again. Should the mender die, the state still says `locked`, and the next one
 * mends: every step of mending may be done twice.
 *
 * Who mends without sitting down takes the lock of mending first, and lets go of it last. So who
 * has that lock, and not the seat's, has found a holder, and nobody who will be gone in a moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ring_internal.h"

#define MEND_POLL_NS  100000
#define MEND_PATIENCE 10000u /* polls: a mender may be stopped for good */

int xk_ring_reopen(int fd)
{
	char path[32];
	int lock_fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lock_fd = open(path, O_RDWR | O_CLOEXEC);
	return lock_fd < 0 ? -errno : lock_fd;
}

void xk_ring_close(int lock_fd)
{
	if (lock_fd >= 0)
		close(lock_fd);
}

/* --- locks: of each seat one that its holder has, and one for mending --- */

static uint32_t seat_byte(uint32_t seat)
{
	return 2 * seat;
}

static uint32_t mending_byte(uint32_t seat)
{
	return 2 * seat + 1;
}

static struct flock lock_of(uint32_t byte, short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

static int lock_byte(int lock_fd, uint32_t byte)
{
	struct flock lock = lock_of(byte, F_WRLCK);

	if (!fcntl(lock_fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

static void unlock_byte(int lock_fd, uint32_t byte)
{
	struct flock lock = lock_of(byte, F_UNLCK);

	fcntl(lock_fd, F_OFD_SETLK, &lock);
}

int xk_ring_lock_seat(int lock_fd, uint32_t seat)
{
	return lock_byte(lock_fd, seat_byte(seat));
}

void xk_ring_unlock_seat(int lock_fd, uint32_t seat)
{
	unlock_byte(lock_fd, seat_byte(seat));
}

bool xk_ring_seat_locked(int lock_fd, uint32_t seat)
{
	struct flock lock = lock_of(seat_byte(seat), F_WRLCK);

	return fcntl(lock_fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

/* The seat's lock of one that may just be mended; -EBUSY: it has a holder, or a mender that does
 * not get on. */
static int lock_when_mended(int lock_fd, uint32_t seat)
{
	const struct timespec a_while = {.tv_nsec = MEND_POLL_NS};
	int ret = lock_byte(lock_fd, mending_byte(seat));

	for (unsigned i = 0; ret == -EBUSY && i < MEND_PATIENCE; i++) {
		nanosleep(&a_while, NULL);
		ret = lock_byte(lock_fd, mending_byte(seat));
	}
	if (ret)
		return ret;
	ret = xk_ring_lock_seat(lock_fd, seat);
	unlock_byte(lock_fd, mending_byte(seat));
	return ret;
}

/* --- mending --- */

void xk_ring_mend(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat)
{
	const struct xk_ring_ops *ops = xk_ring_ops(shape);

	if (ops->mend)
		ops->mend(ring, shape, seat);
	/* Pairs with the acquire in take(), and in look_at_seat(). */
	xk_store_release(&xk_ring_seat_at(ring, seat)->state, (uint32_t)XK_SEAT_FREE);
}

static bool wants_mending(struct xk_ring *ring, uint32_t seat)
{
	/* Pairs with the release in xk_ring_mend(), and in xk_ring_rise(). */
	return xk_load_acquire(&xk_ring_seat_at(ring, seat)->state) == XK_SEAT_LOCKED;
}

/* The seat's lock is to be had for mending only together with the other one. */
static int lock_to_mend(int lock_fd, uint32_t seat)
{
	int ret;

	if (xk_ring_seat_locked(lock_fd, seat)) /* most are: by the living */
		return -EBUSY;
	ret = lock_byte(lock_fd, mending_byte(seat));
	if (ret)
		return ret;
	ret = xk_ring_lock_seat(lock_fd, seat);
	if (ret)
		unlock_byte(lock_fd, mending_byte(seat));
	return ret;
}

unsigned xk_ring_mend_all(struct xk_ring *ring, const struct xk_ring_shape *shape, int lock_fd,
			  uint32_t except)
{
	unsigned mended = 0;

	for (uint32_t seat = 0; seat < shape->seats; seat++) {
		if (seat == except || !wants_mending(ring, seat) || lock_to_mend(lock_fd, seat))
			continue;
		if (wants_mending(ring, seat)) { /* still, now that it is ours */
			xk_ring_mend(ring, shape, seat);
			mended++;
		}
		xk_ring_unlock_seat(lock_fd, seat);
		unlock_byte(lock_fd, mending_byte(seat));
	}
	return mended;
}

int xk_ring_repair(void *mem, size_t len, int fd, struct xk_err *err)
{
	struct xk_ring *ring = mem;
	struct xk_ring_shape shape;
	int ret = xk_ring_check(mem, len, 0, &shape), lock_fd;

	if (ret)
		return xk_ring_refused(mem, len, ret, "repair the ring", err);
	lock_fd = fd < 0 ? -EINVAL : xk_ring_reopen(fd);
	if (lock_fd < 0)
		return xk_err_fill(err, lock_fd, "repair the ring", NULL,
				   "its descriptor cannot be opened again");
	ret = (int)xk_ring_mend_all(ring, &shape, lock_fd, UINT32_MAX);
	xk_ring_call(&ring->data);
	xk_ring_call(&ring->space);
	xk_ring_close(lock_fd);
	return ret;
}

/* --- sitting --- */

/* The seat is ours and free: say who sits here. Claims first: a dead one's must not be read as
 * that of the role it did not have. */
static void settle(struct xk_ring_hold *hold, enum xk_ring_role role)
{
	struct xk_ring_seat *seat = xk_ring_seat_at(hold->ring, hold->seat);

	xk_store_release(&seat->claim, 0u); /* last_claim()'s acquire */
	/* Behind the claim: pairs with the lock that whoever mends our seat has got from us. */
	xk_store_release(&seat->role, (uint32_t)role);
	xk_store_relaxed(&seat->had, xk_load_relaxed(&seat->had) | 1u << role);
	xk_bump(&seat->turns, 1u);
}

/* free -> locked, or held; pairs with the release of whoever left it. */
static int take(struct xk_ring_hold *hold, uint32_t state)
{
	uint32_t was = XK_SEAT_FREE;

	return xk_cas_acquire(&xk_ring_seat_at(hold->ring, hold->seat)->state, &was, state)
		       ? 0
		       : -EBUSY;
}

static int sit_locked(struct xk_ring_hold *hold, bool patient)
{
	int ret = xk_ring_lock_seat(hold->lock_fd, hold->seat);

	if (ret == -EBUSY && patient)
		ret = lock_when_mended(hold->lock_fd, hold->seat);
	if (ret)
		return ret;
	hold->took_over = wants_mending(hold->ring, hold->seat);
	if (hold->took_over)
		xk_ring_mend(hold->ring, &hold->shape, hold->seat);
	ret = take(hold, XK_SEAT_LOCKED);
	if (ret)
		xk_ring_unlock_seat(hold->lock_fd, hold->seat);
	return ret;
}

enum pass {
	FREE_SEATS,
	DEAD_ONES_SEATS,
	SEATS_BEING_MENDED,
	PASSES,
};

/* Any seat of those; free ones before those of the dead, and waiting comes last. */
static int sit_somewhere(struct xk_ring_hold *hold, uint32_t first, uint32_t count)
{
	int ret = -EBUSY;

	for (enum pass pass = FREE_SEATS; pass < PASSES; pass++)
		for (uint32_t i = 0; i < count && ret == -EBUSY; i++) {
			hold->seat = first + i;
			if (pass == FREE_SEATS &&
			    xk_load_relaxed(&xk_ring_seat_at(hold->ring, first + i)->state))
				continue;
			ret = hold->lock_fd < 0 ? take(hold, XK_SEAT_HELD)
						: sit_locked(hold, pass == SEATS_BEING_MENDED);
		}
	return ret;
}

int xk_ring_sit(struct xk_ring_hold *hold, void *mem, size_t len, int fd,
		const struct xk_ring_shape *shape, enum xk_ring_role role, uint32_t first,
		uint32_t count)
{
	int ret;

	*hold = (struct xk_ring_hold){.ring = mem,
				      .shape = *shape,
				      .len = len,
				      .lock_fd = -1,
				      .slice_ns = XK_RING_SLICE_NS};
	if (fd >= 0) {
		hold->lock_fd = xk_ring_reopen(fd);
		if (hold->lock_fd < 0)
			return hold->lock_fd;
	}
	ret = sit_somewhere(hold, first, count);
	if (ret) {
		xk_ring_close(hold->lock_fd);
		hold->lock_fd = -1;
		return ret;
	}
	settle(hold, role);
	return 0;
}

void xk_ring_rise(struct xk_ring_hold *hold)
{
	xk_store_release(&xk_ring_seat_at(hold->ring, hold->seat)->state,
			 XK_SEAT_FREE);  /* take() */
	xk_ring_call(&hold->ring->data); /* who waits for us need not wait any more */
	xk_ring_call(&hold->ring->space);
	xk_ring_close(hold->lock_fd);
	hold->lock_fd = -1;
}
