// SPDX-License-Identifier: BSD-2-Clause
/* fanin: a stream a producer. Seats: first those of the lanes, then the consumers'. */
#include <errno.h>
#include <xskit/fanin.h>
#include "ring_internal.h"
#include "stream_internal.h"

static struct xk_ring_shape shape_of(const struct xk_fanin_config *config)
{
	uint32_t consumers = config->consumers ? config->consumers : config->lanes;

	return (struct xk_ring_shape){
		.kind = XK_RING_FANIN,
		.flags = xk_stream_flags(config->flags, config->record_bytes, config->slots),
		.record_bytes = config->record_bytes,
		.slots = config->slots,
		.lanes = config->lanes,
		.seats = consumers <= XK_RING_SEATS_MAX ? config->lanes + consumers : 0,
		.lazy = xk_stream_lazy(config->lazy, config->slots),
	};
}

size_t xk_fanin_size(const struct xk_fanin_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_bytes(&shape);
}

int xk_fanin_init(void *mem, size_t len, const struct xk_fanin_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_format(mem, len, &shape, config->first);
}

static struct xk_fanin_shared *shared_of(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	return xk_ring_own_part(ring, shape);
}

static struct xk_stream *lane_of(struct xk_ring *ring, const struct xk_ring_shape *shape,
				 uint32_t lane)
{
	char *first = (char *)(shared_of(ring, shape) + 1);

	return (struct xk_stream *)(void *)(first + lane * xk_stream_bytes(shape));
}

/* --- producers --- */

/* Consumers look at lanes up to the highest that was ever used; relaxed, as they do: what is in a
 * lane its own words say. */
static void use_lane(struct xk_fanin_shared *shared, uint32_t lane)
{
	uint32_t used = xk_load_relaxed(&shared->lanes_used);

	while (used <= lane && !xk_cas_relaxed(&shared->lanes_used, &used, lane + 1))
		;
}

int xk_fanin_producer(struct xk_fanin_prod *p, void *mem, size_t len, int fd)
{
	struct xk_ring_shape shape;
	struct xk_ring *ring = mem;
	int ret = xk_ring_check(mem, len, XK_RING_FANIN, &shape);

	if (!ret)
		ret = xk_ring_sit(&p->hold, mem, len, fd, &shape, XK_ROLE_PRODUCER, 0, shape.lanes);
	if (ret)
		return ret;
	ret = xk_stream_join_producer(&p->stream, ring, lane_of(ring, &shape, p->hold.seat),
				      &shape);
	if (ret)
		xk_ring_rise(&p->hold);
	else
		use_lane(shared_of(ring, &shape), p->hold.seat);
	return ret;
}

void xk_fanin_producer_detach(struct xk_fanin_prod *p)
{
	xk_ring_rise(&p->hold);
}

/* --- consumers --- */

/* Two that come at the same time: each has taken its seat (sequentially consistent) before it looks
 * for others, so at least one of them sees the other. */
static void look_for_others(struct xk_fanin_cons *c)
{
	const struct xk_ring_shape *shape = &c->hold.shape;

	xk_store_seq(&xk_ring_seat_at(c->hold.ring, c->hold.seat)->role,
		     (uint32_t)XK_ROLE_CONSUMER);
	for (uint32_t seat = shape->lanes; seat < shape->seats; seat++)
		if (seat != c->hold.seat &&
		    xk_load_seq(&xk_ring_seat_at(c->hold.ring, seat)->role) &&
		    xk_load_seq(&xk_ring_seat_at(c->hold.ring, seat)->state))
			xk_store_release(&c->shared->crowd, 1u);
}

/* Handles of a lane are made from its published head when it is taken: any lane will do here, also
 * one whose counters another consumer moves at this moment. */
static void start_at_first_lane(struct xk_fanin_cons *c)
{
	struct xk_ring *ring = c->hold.ring;
	const struct xk_ring_shape *shape = &c->hold.shape;

	c->shared = shared_of(ring, shape);
	c->first_lane = (char *)lane_of(ring, shape, 0);
	c->lane_bytes = xk_stream_bytes(shape);
	c->turn_ends = 0;
	c->lane = shape->lanes - 1; /* the next one is the first */
	c->has_lane = false;
	xk_stream_consumer_init(&c->stream, ring, lane_of(ring, shape, 0), shape);
}

int xk_fanin_consumer(struct xk_fanin_cons *c, void *mem, size_t len, int fd)
{
	struct xk_ring_shape shape;
	int ret = xk_ring_check(mem, len, XK_RING_FANIN, &shape);

	if (!ret)
		ret = xk_ring_sit(&c->hold, mem, len, fd, &shape, XK_ROLE_CONSUMER, shape.lanes,
				  shape.seats - shape.lanes);
	if (ret)
		return ret;
	if (c->hold.lock_fd >= 0) /* lanes that dead consumers hold */
		xk_ring_mend_all(c->hold.ring, &shape, c->hold.lock_fd, c->hold.seat);
	start_at_first_lane(c);
	look_for_others(c);
	return 0;
}

void xk_fanin_consumer_detach(struct xk_fanin_cons *c)
{
	xk_fanin_flush(c);
	xk_ring_rise(&c->hold);
}

/* --- waiting --- */

int xk_fanin_wait_space(struct xk_fanin_prod *p, unsigned n, int how, int64_t timeout_ns)
{
	struct xk_stream_space space = {&p->stream, n};

	if (!n || n > p->stream.slots)
		return -EINVAL;
	return xk_ring_await(&p->hold, XK_ROLE_PRODUCER, xk_stream_has_space, &space, how,
			     timeout_ns);
}

static bool lane_has_data(struct xk_fanin_cons *c, uint32_t lane)
{
	struct xk_stream *stream = lane_of(c->hold.ring, &c->hold.shape, lane);

	/* xk_ring_publish() of the producer; a lane that another consumer has is not for us. */
	return xk_load_seq(&stream->tail) != xk_load_seq(&stream->head) &&
	       !xk_load_seq(&stream->holder); /* xk_fanin_flush() */
}

static bool has_data(void *cons)
{
	struct xk_fanin_cons *c = cons;

	if (c->has_lane) {
		struct xk_stream_data data = {&c->stream, 1};

		if (xk_stream_has_data(&data))
			return true;
		xk_fanin_flush(c);
	}
	for (uint32_t lane = 0; lane < c->hold.shape.lanes; lane++)
		if (lane_has_data(c, lane))
			return true;
	return false;
}

int xk_fanin_wait_data(struct xk_fanin_cons *c, int how, int64_t timeout_ns)
{
	return xk_ring_await(&c->hold, XK_ROLE_CONSUMER, has_data, c, how, timeout_ns);
}

/* --- for ring.c --- */

static bool valid(const struct xk_ring_shape *shape)
{
	return shape->lanes && shape->seats > shape->lanes &&
	       shape->seats - shape->lanes <= XK_RING_SEATS_MAX && xk_stream_shape_valid(shape);
}

static size_t own_bytes(const struct xk_ring_shape *shape)
{
	return sizeof(struct xk_fanin_shared) + shape->lanes * xk_stream_bytes(shape);
}

static void format(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t first)
{
	for (uint32_t lane = 0; lane < shape->lanes; lane++)
		xk_stream_format(lane_of(ring, shape, lane), first);
}

/* A dead producer's lane is as it published it. A dead consumer lets go of its lane. */
static void mend(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat)
{
	for (uint32_t lane = 0; seat >= shape->lanes && lane < shape->lanes; lane++) {
		uint32_t dead = seat + 1;

		/* Release: pairs with the next holder's CAS. */
		xk_cas_release(&lane_of(ring, shape, lane)->holder, &dead, 0u);
	}
}

static void count(struct xk_ring *ring, const struct xk_ring_shape *shape,
		  struct xk_ring_counts *counts)
{
	*counts = (struct xk_ring_counts){0};
	for (uint32_t lane = 0; lane < shape->lanes; lane++) {
		struct xk_stream *stream = lane_of(ring, shape, lane);

		counts->consumed += xk_load_acquire(&stream->head);
		counts->produced += xk_load_relaxed(&stream->tail);
	}
}

static bool fits(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	for (uint32_t lane = 0; lane < shape->lanes; lane++)
		if (!xk_stream_fits(lane_of(ring, shape, lane), shape))
			return false;
	return true;
}

const struct xk_ring_ops xk_ring_fanin_ops = {
	.valid = valid,
	.own_bytes = own_bytes,
	.format = format,
	.mend = mend,
	.count = count,
	.fits = fits,
};
