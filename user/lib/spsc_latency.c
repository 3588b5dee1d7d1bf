// SPDX-License-Identifier: BSD-2-Clause
/* spsc_latency: the slots' words are the only truth; places are found by looking at all of them. */
#include <errno.h>
#include <xskit/spsc_latency.h>
#include "ring_internal.h"

#define SEAT_PRODUCER 0u
#define SEAT_CONSUMER 1u

static struct xk_ring_shape shape_of(const struct xk_spsc_latency_config *config)
{
	return (struct xk_ring_shape){
		.kind = XK_RING_SPSC_LATENCY,
		.flags = config->flags,
		.record_bytes = config->record_bytes,
		.slots = config->slots,
		.lanes = 1,
		.seats = 2,
	};
}

size_t xk_spsc_latency_size(const struct xk_spsc_latency_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_bytes(&shape);
}

int xk_spsc_latency_init(void *mem, size_t len, const struct xk_spsc_latency_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_format(mem, len, &shape, config->first);
}

/* --- finding one's place --- */

static xk_a64 *slot_word(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t i)
{
	char *slots = xk_ring_own_part(ring, shape);

	return (xk_a64 *)(void *)(slots + (size_t)i * xk_spsc_latency_stride(shape->record_bytes));
}

/* The next record of slot i that will be written, and that will be read. Both stay the same while
 * the other side moves. False: no word of a slot i. */
static bool slot_next(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t i,
		      uint64_t *write, uint64_t *read)
{
	uint64_t word = xk_load_acquire(slot_word(ring, shape, i)); /* pairs with both sides' */
	uint32_t turn = (uint32_t)(word - i) & (shape->slots - 1);

	*read = word - turn;
	*write = turn ? word - 1 + shape->slots : word;
	return turn <= 1;
}

/* The least of all slots' next records is the side's place. */
static int find_places(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t *write,
		       uint64_t *read)
{
	for (uint32_t i = 0; i < shape->slots; i++) {
		uint64_t w, r;

		if (!slot_next(ring, shape, i, &w, &r))
			return -EPROTO;
		if (!i || (int64_t)(w - *write) < 0)
			*write = w;
		if (!i || (int64_t)(r - *read) < 0)
			*read = r;
	}
	return 0;
}

static int join(struct xk_spsc_latency *s, void *mem, size_t len, int fd, enum xk_ring_role role)
{
	struct xk_ring_shape shape;
	uint64_t write, read;
	int ret = xk_ring_check(mem, len, XK_RING_SPSC_LATENCY, &shape);

	if (!ret)
		ret = xk_ring_sit(&s->hold, mem, len, fd, &shape, role,
				  role == XK_ROLE_PRODUCER ? SEAT_PRODUCER : SEAT_CONSUMER, 1);
	if (ret)
		return ret;
	ret = find_places(s->hold.ring, &shape, &write, &read);
	if (ret) {
		xk_ring_rise(&s->hold);
		return ret;
	}
	s->at = role == XK_ROLE_PRODUCER ? write : read;
	s->slots_at = xk_ring_own_part(s->hold.ring, &shape);
	s->bell = role == XK_ROLE_PRODUCER ? &s->hold.ring->data : &s->hold.ring->space;
	s->slots = shape.slots;
	s->record_bytes = shape.record_bytes;
	s->sleep = shape.flags & XK_RING_SLEEP;
	return 0;
}

int xk_spsc_latency_producer(struct xk_spsc_latency_prod *p, void *mem, size_t len, int fd)
{
	return join(&p->side, mem, len, fd, XK_ROLE_PRODUCER);
}

int xk_spsc_latency_consumer(struct xk_spsc_latency_cons *c, void *mem, size_t len, int fd)
{
	return join(&c->side, mem, len, fd, XK_ROLE_CONSUMER);
}

void xk_spsc_latency_producer_detach(struct xk_spsc_latency_prod *p)
{
	xk_ring_rise(&p->side.hold);
}

void xk_spsc_latency_consumer_detach(struct xk_spsc_latency_cons *c)
{
	xk_ring_rise(&c->side.hold);
}

/* --- waiting --- */

static bool slot_is(struct xk_spsc_latency *s, uint64_t word)
{
	return xk_load_seq(xk_spsc_latency_slot(s, s->record_bytes, s->slots)) == word;
}

static bool has_space(void *side)
{
	struct xk_spsc_latency *s = side;

	return slot_is(s, s->at); /* xk_ring_publish() of the consumer */
}

static bool has_data(void *side)
{
	struct xk_spsc_latency *s = side;

	return slot_is(s, s->at + 1); /* xk_ring_publish() of the producer */
}

int xk_spsc_latency_wait_space(struct xk_spsc_latency_prod *p, int how, int64_t timeout_ns)
{
	return xk_ring_await(&p->side.hold, XK_ROLE_PRODUCER, has_space, &p->side, how, timeout_ns);
}

int xk_spsc_latency_wait_data(struct xk_spsc_latency_cons *c, int how, int64_t timeout_ns)
{
	return xk_ring_await(&c->side.hold, XK_ROLE_CONSUMER, has_data, &c->side, how, timeout_ns);
}

/* --- for ring.c --- */

static bool valid(const struct xk_ring_shape *shape)
{
	return shape->slots >= 2 && shape->lanes == 1 && shape->seats == 2 && !shape->lazy &&
	       !(shape->flags & XK_RING_TOUCH);
}

static size_t own_bytes(const struct xk_ring_shape *shape)
{
	return (size_t)shape->slots * xk_spsc_latency_stride(shape->record_bytes);
}

/* Slot i waits for the first record from `first` on that is its own. */
static void format(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t first)
{
	for (uint32_t i = 0; i < shape->slots; i++)
		*slot_word(ring, shape, (uint32_t)(first + i) & (shape->slots - 1)) = first + i;
}

static void count(struct xk_ring *ring, const struct xk_ring_shape *shape,
		  struct xk_ring_counts *counts)
{
	if (find_places(ring, shape, &counts->produced, &counts->consumed))
		counts->produced = counts->consumed = 0;
}

const struct xk_ring_ops xk_ring_spsc_latency_ops = {
	.valid = valid,
	.own_bytes = own_bytes,
	.format = format,
	.count = count,
};
