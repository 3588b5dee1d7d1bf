// SPDX-License-Identifier: BSD-2-Clause
/* spsc: one stream, two seats. */
#include <errno.h>
#include <xskit/spsc.h>
#include "ring_internal.h"
#include "stream_internal.h"

#define SEAT_PRODUCER 0u
#define SEAT_CONSUMER 1u

static struct xk_ring_shape shape_of(const struct xk_spsc_config *config)
{
	return (struct xk_ring_shape){
		.kind = XK_RING_SPSC,
		.flags = xk_stream_flags(config->flags, config->record_bytes, config->slots),
		.record_bytes = config->record_bytes,
		.slots = config->slots,
		.lanes = 1,
		.seats = 2,
		.lazy = xk_stream_lazy(config->lazy, config->slots),
	};
}

size_t xk_spsc_size(const struct xk_spsc_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_bytes(&shape);
}

int xk_spsc_init(void *mem, size_t len, const struct xk_spsc_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_format(mem, len, &shape, config->first);
}

static struct xk_stream *stream_of(struct xk_ring_hold *hold)
{
	return xk_ring_own_part(hold->ring, &hold->shape);
}

int xk_spsc_producer(struct xk_spsc_prod *p, void *mem, size_t len, int fd)
{
	struct xk_ring_shape shape;
	int ret = xk_ring_check(mem, len, XK_RING_SPSC, &shape);

	if (!ret)
		ret = xk_ring_sit(&p->hold, mem, len, fd, &shape, XK_ROLE_PRODUCER, SEAT_PRODUCER,
				  1);
	if (ret)
		return ret;
	ret = xk_stream_join_producer(&p->stream, p->hold.ring, stream_of(&p->hold), &shape);
	if (ret)
		xk_ring_rise(&p->hold);
	return ret;
}

int xk_spsc_consumer(struct xk_spsc_cons *c, void *mem, size_t len, int fd)
{
	struct xk_ring_shape shape;
	int ret = xk_ring_check(mem, len, XK_RING_SPSC, &shape);

	if (!ret)
		ret = xk_ring_sit(&c->hold, mem, len, fd, &shape, XK_ROLE_CONSUMER, SEAT_CONSUMER,
				  1);
	if (ret)
		return ret;
	ret = xk_stream_join_consumer(&c->stream, c->hold.ring, stream_of(&c->hold), &shape);
	if (ret)
		xk_ring_rise(&c->hold);
	return ret;
}

void xk_spsc_producer_detach(struct xk_spsc_prod *p)
{
	xk_ring_rise(&p->hold);
}

void xk_spsc_consumer_detach(struct xk_spsc_cons *c)
{
	xk_spsc_flush(c);
	xk_ring_rise(&c->hold);
}

int xk_spsc_wait_space(struct xk_spsc_prod *p, unsigned n, int how, int64_t timeout_ns)
{
	struct xk_stream_space space = {&p->stream, n};

	if (!n || n > p->stream.slots)
		return -EINVAL;
	return xk_ring_await(&p->hold, XK_ROLE_PRODUCER, xk_stream_has_space, &space, how,
			     timeout_ns);
}

int xk_spsc_wait_data(struct xk_spsc_cons *c, unsigned n, int how, int64_t timeout_ns)
{
	struct xk_stream_data data = {&c->stream, n};

	if (!n || n > c->stream.slots)
		return -EINVAL;
	return xk_ring_await(&c->hold, XK_ROLE_CONSUMER, xk_stream_has_data, &data, how,
			     timeout_ns);
}

/* --- for ring.c --- */

static bool valid(const struct xk_ring_shape *shape)
{
	return shape->lanes == 1 && shape->seats == 2 && xk_stream_shape_valid(shape);
}

static void format(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t first)
{
	xk_stream_format(xk_ring_own_part(ring, shape), first);
}

static void count(struct xk_ring *ring, const struct xk_ring_shape *shape,
		  struct xk_ring_counts *counts)
{
	xk_stream_count(xk_ring_own_part(ring, shape), counts);
}

static bool fits(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	return xk_stream_fits(xk_ring_own_part(ring, shape), shape);
}

const struct xk_ring_ops xk_ring_spsc_ops = {
	.valid = valid,
	.own_bytes = xk_stream_bytes,
	.format = format,
	.count = count,
	.fits = fits,
};
