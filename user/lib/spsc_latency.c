// SPDX-License-Identifier: BSD-2-Clause
/* spsc_latency: the slots' words are the only truth; places are found by looking at all of them.
 * Large records: a stream. */
#include <errno.h>
#include <xskit/spsc_latency.h>
#include "ring_internal.h"
#include "stream_internal.h"

#define SEAT_PRODUCER 0u
#define SEAT_CONSUMER 1u

static struct xk_ring_shape shape_of(const struct xk_spsc_latency_config *config)
{
	struct xk_ring_shape shape = {
		.kind = XK_RING_SPSC_LATENCY,
		.flags = config->flags,
		.record_bytes = config->record_bytes,
		.slots = config->slots,
		.lanes = 1,
		.seats = 2,
	};

	if (xk_spsc_latency_streams(shape.record_bytes)) {
		shape.flags = xk_stream_flags(shape.flags, shape.record_bytes, shape.slots);
		shape.lazy = xk_stream_lazy(0, shape.slots);
	}
	return shape;
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

/* What all slots say. */
struct places {
	uint64_t write, read; /* the least of the slots' next records: the sides' places */
	uint64_t last_write, last_read; /* the greatest */
	uint64_t sum;                   /* of the words, which only grow: the same if none moved */
	bool far; /* a slot is laps away from another: no least, no greatest */
};

static void add_slot(struct places *p, uint64_t write, uint64_t read, uint64_t from, uint32_t slots)
{
	if ((int64_t)(write - p->write) < 0)
		p->write = write;
	if ((int64_t)(write - p->last_write) > 0)
		p->last_write = write;
	if ((int64_t)(read - p->read) < 0)
		p->read = read;
	if ((int64_t)(read - p->last_read) > 0)
		p->last_read = read;
	p->sum += write + read;
	p->far |= write - from + slots >= 2 * (uint64_t)slots;
}

static int find_places(struct xk_ring *ring, const struct xk_ring_shape *shape, struct places *p)
{
	uint64_t first = 0;

	for (uint32_t i = 0; i < shape->slots; i++) {
		uint64_t w, r;

		if (!slot_next(ring, shape, i, &w, &r))
			return -EPROTO;
		if (!i)
			*p = (struct places){
				.write = w, .read = r, .last_write = w, .last_read = r};
		first = i ? first : w;
		add_slot(p, w, r, first, shape->slots);
	}
	return 0;
}

/* Each side's next records lie within a lap, and what is written and not read does. */
static bool places_fit(const struct places *p, uint32_t slots)
{
	return !p->far && p->last_write - p->write < slots && p->last_read - p->read < slots &&
	       p->write - p->read <= slots;
}

static int join_slots(struct xk_spsc_latency *s, enum xk_ring_role role)
{
	const struct xk_ring_shape *shape = &s->hold.shape;
	struct places places;
	int ret = find_places(s->hold.ring, shape, &places);

	if (ret)
		return ret;
	s->at = role == XK_ROLE_PRODUCER ? places.write : places.read;
	s->slots_at = xk_ring_own_part(s->hold.ring, shape);
	s->bell = role == XK_ROLE_PRODUCER ? &s->hold.ring->data : &s->hold.ring->space;
	s->sleep = shape->flags & XK_RING_SLEEP;
	return 0;
}

static int sit(struct xk_spsc_latency *s, void *mem, size_t len, int fd, enum xk_ring_role role)
{
	struct xk_ring_shape shape;
	int ret = xk_ring_check(mem, len, XK_RING_SPSC_LATENCY, &shape);

	if (ret)
		return ret;
	s->slots = shape.slots;
	s->record_bytes = shape.record_bytes;
	return xk_ring_sit(&s->hold, mem, len, fd, &shape, role,
			   role == XK_ROLE_PRODUCER ? SEAT_PRODUCER : SEAT_CONSUMER, 1);
}

/* The stream of large records. */
static struct xk_stream *stream_of(struct xk_ring_hold *hold)
{
	return xk_ring_own_part(hold->ring, &hold->shape);
}

int xk_spsc_latency_producer(struct xk_spsc_latency_prod *p, void *mem, size_t len, int fd)
{
	struct xk_ring_hold *hold = &p->side.hold;
	int ret = sit(&p->side, mem, len, fd, XK_ROLE_PRODUCER);

	if (ret)
		return ret;
	if (xk_spsc_latency_streams(p->side.record_bytes))
		ret = xk_stream_join_producer(&p->stream, hold->ring, stream_of(hold),
					      &hold->shape);
	else
		ret = join_slots(&p->side, XK_ROLE_PRODUCER);
	if (ret)
		xk_ring_rise(hold);
	return ret;
}

int xk_spsc_latency_consumer(struct xk_spsc_latency_cons *c, void *mem, size_t len, int fd)
{
	struct xk_ring_hold *hold = &c->side.hold;
	int ret = sit(&c->side, mem, len, fd, XK_ROLE_CONSUMER);

	if (ret)
		return ret;
	if (xk_spsc_latency_streams(c->side.record_bytes))
		ret = xk_stream_join_consumer(&c->stream, hold->ring, stream_of(hold),
					      &hold->shape);
	else
		ret = join_slots(&c->side, XK_ROLE_CONSUMER);
	c->stream.farthest = 0; /* no record waits so that others go faster */
	if (ret)
		xk_ring_rise(hold);
	return ret;
}

void xk_spsc_latency_producer_detach(struct xk_spsc_latency_prod *p)
{
	xk_ring_rise(&p->side.hold);
}

void xk_spsc_latency_consumer_detach(struct xk_spsc_latency_cons *c)
{
	if (xk_spsc_latency_streams(c->side.record_bytes))
		xk_stream_publish_head(&c->stream);
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
	struct xk_stream_space space = {&p->stream, 1};

	if (xk_spsc_latency_streams(p->side.record_bytes))
		return xk_ring_await(&p->side.hold, XK_ROLE_PRODUCER, xk_stream_has_space, &space,
				     how, timeout_ns);
	return xk_ring_await(&p->side.hold, XK_ROLE_PRODUCER, has_space, &p->side, how, timeout_ns);
}

int xk_spsc_latency_wait_data(struct xk_spsc_latency_cons *c, int how, int64_t timeout_ns)
{
	struct xk_stream_data data = {&c->stream, 1};

	if (xk_spsc_latency_streams(c->side.record_bytes))
		return xk_ring_await(&c->side.hold, XK_ROLE_CONSUMER, xk_stream_has_data, &data,
				     how, timeout_ns);
	return xk_ring_await(&c->side.hold, XK_ROLE_CONSUMER, has_data, &c->side, how, timeout_ns);
}

/* --- for ring.c --- */

static bool valid(const struct xk_ring_shape *shape)
{
	bool as_its_size_wants = xk_spsc_latency_streams(shape->record_bytes)
					 ? xk_stream_shape_valid(shape)
					 : !shape->lazy && !(shape->flags & XK_RING_TOUCH);

	return shape->slots >= 2 && shape->lanes == 1 && shape->seats == 2 && as_its_size_wants;
}

static size_t own_bytes(const struct xk_ring_shape *shape)
{
	return xk_spsc_latency_streams(shape->record_bytes)
		       ? xk_stream_bytes(shape)
		       : (size_t)shape->slots * xk_spsc_latency_stride(shape->record_bytes);
}

/* Slot i waits for the first record from `first` on that is its own. */
static void format(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t first)
{
	if (xk_spsc_latency_streams(shape->record_bytes)) {
		xk_stream_format(xk_ring_own_part(ring, shape), first);
		return;
	}
	for (uint32_t i = 0; i < shape->slots; i++)
		*slot_word(ring, shape, (uint32_t)(first + i) & (shape->slots - 1)) = first + i;
}

static void count(struct xk_ring *ring, const struct xk_ring_shape *shape,
		  struct xk_ring_counts *counts)
{
	struct places places = {0};

	if (xk_spsc_latency_streams(shape->record_bytes)) {
		xk_stream_count(xk_ring_own_part(ring, shape), counts);
		return;
	}
	if (find_places(ring, shape, &places))
		places = (struct places){0};
	*counts = (struct xk_ring_counts){.produced = places.write, .consumed = places.read};
}

/* Slots that are looked at while they move say what never was at one time. Between two looks that
 * saw the same, all was as they saw it. */
static bool fits(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	struct places one, two;

	if (xk_spsc_latency_streams(shape->record_bytes))
		return xk_stream_fits(xk_ring_own_part(ring, shape), shape);
	if (find_places(ring, shape, &one))
		return false;
	if (places_fit(&one, shape->slots))
		return true;
	return !find_places(ring, shape, &two) && one.sum != two.sum;
}

const struct xk_ring_ops xk_ring_spsc_latency_ops = {
	.valid = valid,
	.own_bytes = own_bytes,
	.format = format,
	.count = count,
	.fits = fits,
};
