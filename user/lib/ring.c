// SPDX-License-Identifier: BSD-2-Clause
/* What all rings share: headers and shapes. Seats are in ring_seat.c, sleep in ring_wait.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "ring_internal.h"

#define MAGIC UINT64_C(0x676e6972746b7378) /* "xsktring" */

const struct xk_ring_ops *xk_ring_ops(const struct xk_ring_shape *shape)
{
	switch (shape->kind) {
	case XK_RING_SPSC:
		return &xk_ring_spsc_ops;
	case XK_RING_SPSC_LATENCY:
		return &xk_ring_spsc_latency_ops;
	case XK_RING_FANIN:
		return &xk_ring_fanin_ops;
	case XK_RING_MPMC:
		return &xk_ring_mpmc_ops;
	default:
		return NULL;
	}
}

static uint32_t flags_of(uint32_t kind)
{
	return XK_RING_SLEEP | XK_RING_TOUCH | (kind == XK_RING_MPMC ? XK_RING_BURSTS : 0);
}

static bool shape_valid(const struct xk_ring_shape *shape)
{
	const struct xk_ring_ops *ops = xk_ring_ops(shape);

	return ops && shape->record_bytes && shape->record_bytes <= XK_RING_BYTES_MAX &&
	       xk_ring_slots_valid(shape->slots) && shape->seats &&
	       shape->seats <= 2 * XK_RING_SEATS_MAX && shape->lanes <= XK_RING_SEATS_MAX &&
	       !(shape->flags & ~flags_of(shape->kind)) && !shape->unused && ops->valid(shape);
}

size_t xk_ring_bytes(const struct xk_ring_shape *shape)
{
	return shape_valid(shape) ? xk_ring_front(shape->seats) +
					    xk_ring_apart(xk_ring_ops(shape)->own_bytes(shape))
				  : 0;
}

/* FNV-1a (Fowler, Noll, Vo) over everything that decides where things lie. */
static uint64_t layout_of(const struct xk_ring_shape *shape)
{
	const uint32_t words[] = {
		XK_RING_VERSION,
		sizeof(struct xk_ring),
		sizeof(struct xk_ring_seat),
		XK_RING_APART,
		shape->kind,
		shape->flags,
		shape->record_bytes,
		shape->slots,
		shape->lanes,
		shape->seats,
		shape->lazy,
	};
	const unsigned char *byte = (const unsigned char *)words;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(words); i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static bool aligned(const void *mem)
{
	return (uintptr_t)mem % XK_RING_APART == 0;
}

static uint64_t random_id(void)
{
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
		id = (uint64_t)(uintptr_t)&id;
	return id;
}

int xk_ring_format(void *mem, size_t len, const struct xk_ring_shape *shape, uint64_t first)
{
	struct xk_ring *ring = mem;
	size_t bytes = xk_ring_bytes(shape);

	if (!bytes || !aligned(mem))
		return -EINVAL;
	if (len < bytes)
		return -ENOSPC;
	memset(mem, 0, bytes);
	ring->header.version = XK_RING_VERSION;
	ring->header.layout = layout_of(shape);
	ring->header.bytes = bytes;
	ring->header.creation = random_id();
	ring->header.shape = *shape;
	xk_ring_ops(shape)->format(ring, shape, first);
	xk_store_release(&ring->header.magic, MAGIC); /* pairs with xk_ring_check() */
	return 0;
}

uint64_t xk_ring_version(void *mem, size_t len)
{
	struct xk_ring *ring = mem;

	if (!aligned(mem) || len < sizeof(*ring) ||
	    xk_load_acquire(&ring->header.magic) != MAGIC) /* pairs with xk_ring_format() */
		return 0;
	return xk_load_relaxed(&ring->header.version);
}

/* Of this version: is it whole? */
static bool intact(struct xk_ring *ring, size_t len, const struct xk_ring_shape *shape)
{
	size_t bytes = xk_ring_bytes(shape);

	return bytes && bytes <= len && xk_load_relaxed(&ring->header.bytes) == bytes &&
	       xk_load_relaxed(&ring->header.layout) == layout_of(shape) &&
	       xk_ring_ops(shape)->fits(ring, shape);
}

int xk_ring_check(void *mem, size_t len, uint32_t kind, struct xk_ring_shape *shape)
{
	struct xk_ring *ring = mem;
	uint64_t version = xk_ring_version(mem, len);

	if (version != XK_RING_VERSION)
		return version ? -EPROTONOSUPPORT : -EPROTO;
	memcpy(shape, &ring->header.shape, sizeof(*shape));
	__asm__ __volatile__("" ::: "memory"); /* what was copied is what is checked */
	if (!intact(ring, len, shape))
		return -EPROTO;
	return kind && shape->kind != kind ? -EPROTOTYPE : 0;
}

int xk_ring_refused(void *mem, size_t len, int ret, const char *what, struct xk_err *err)
{
	uint64_t version = xk_ring_version(mem, len);

	if (ret == -EPROTONOSUPPORT)
		return xk_err_fill(err, ret, what, "make a new one, or use the version it is of",
				   "the ring is of version %llu, and this library of %u",
				   (unsigned long long)version, XK_RING_VERSION);
	return xk_err_fill(err, ret, what, "make a new one",
			   version ? "the ring is damaged" : "this is no ring");
}

/* --- looking from outside --- */

static void look_at_seat(struct xk_ring *ring, uint32_t seat, int lock_fd,
			 struct xk_ring_info *info)
{
	struct xk_ring_seat *s = xk_ring_seat_at(ring, seat);
	uint32_t state = xk_load_acquire(&s->state); /* pairs with ring_seat.c's taking of it */
	uint32_t role = xk_load_relaxed(&s->role);
	struct xk_ring_user *user = &info->users[info->n_users];

	info->producer_waits += xk_load_relaxed(xk_ring_seat_waits(s, XK_ROLE_PRODUCER));
	info->consumer_waits += xk_load_relaxed(xk_ring_seat_waits(s, XK_ROLE_CONSUMER));
	if (state == XK_SEAT_FREE)
		return;
	*user = (struct xk_ring_user){.seat = seat, .role = role};
	user->waits = xk_load_relaxed(xk_ring_seat_waits(s, role));
	user->dead = state == XK_SEAT_LOCKED && lock_fd >= 0 && !xk_ring_seat_locked(lock_fd, seat);
	info->n_users++;
}

int xk_ring_look(void *mem, size_t len, int fd, struct xk_ring_info *info, struct xk_err *err)
{
	struct xk_ring *ring = mem;
	struct xk_ring_counts counts;
	int ret, lock_fd = -1;

	memset(info, 0, sizeof(*info));
	ret = xk_ring_check(mem, len, 0, &info->shape);
	if (ret)
		return xk_ring_refused(mem, len, ret, "look at the ring", err);
	if (fd >= 0)
		lock_fd = xk_ring_reopen(fd);
	if (fd >= 0 && lock_fd < 0)
		return xk_err_fill(err, lock_fd, "look at the ring", "mount /proc",
				   "its descriptor cannot be opened again");
	info->bytes = xk_ring_bytes(&info->shape);
	info->creation = xk_load_relaxed(&ring->header.creation);
	xk_ring_ops(&info->shape)->count(ring, &info->shape, &counts);
	info->produced = counts.produced;
	info->consumed = counts.consumed;
	for (uint32_t seat = 0; seat < info->shape.seats; seat++)
		look_at_seat(ring, seat, lock_fd, info);
	xk_ring_close(lock_fd);
	return 0;
}
