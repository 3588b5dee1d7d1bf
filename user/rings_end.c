// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "rings_end.h"

#define ROOM       512u /* records at a time */
#define ROOM_BYTES (1u << 20)

const char *const rings_kind_names[] = {"spsc", "spsc-latency", "fanin", "mpmc", NULL};

struct rings_end_ops {
	int (*attach)(struct rings_end *end, void *mem, size_t len, int fd);
	void (*detach)(struct rings_end *end);
	int (*wait)(struct rings_end *end, int how, int64_t timeout_ns);
	unsigned (*push)(struct rings_end *end, const void *records, unsigned n);
	const void *(*take)(struct rings_end *end, unsigned want, unsigned *got);
	void (*release)(struct rings_end *end, unsigned n); /* NULL: taken is released */
	bool (*broken)(const struct rings_end *end);        /* NULL: cannot be told */
};

/* --- what the kinds' calls are named, and where their holds are --- */

#define ENDS(kind, to_hold)                                                                        \
	static int kind##_to(struct rings_end *end, void *mem, size_t len, int fd)                 \
	{                                                                                          \
		end->hold = &end->handle.kind##_prod.to_hold;                                      \
		return xk_##kind##_producer(&end->handle.kind##_prod, mem, len, fd);               \
	}                                                                                          \
	static int kind##_from(struct rings_end *end, void *mem, size_t len, int fd)               \
	{                                                                                          \
		end->hold = &end->handle.kind##_cons.to_hold;                                      \
		return xk_##kind##_consumer(&end->handle.kind##_cons, mem, len, fd);               \
	}                                                                                          \
	static void kind##_leave_to(struct rings_end *end)                                         \
	{                                                                                          \
		xk_##kind##_producer_detach(&end->handle.kind##_prod);                             \
	}                                                                                          \
	static void kind##_leave_from(struct rings_end *end)                                       \
	{                                                                                          \
		xk_##kind##_consumer_detach(&end->handle.kind##_cons);                             \
	}                                                                                          \
	static unsigned kind##_push(struct rings_end *end, const void *records, unsigned n)        \
	{                                                                                          \
		return xk_##kind##_push(&end->handle.kind##_prod, records, n);                     \
	}

#define TAKE_BY_POP(kind)                                                                          \
	static const void *kind##_take(struct rings_end *end, unsigned want, unsigned *got)        \
	{                                                                                          \
		*got = xk_##kind##_pop(&end->handle.kind##_cons, end->records, want);              \
		return end->records;                                                               \
	}

#define BROKEN(kind)                                                                               \
	static bool kind##_to_broken(const struct rings_end *end)                                  \
	{                                                                                          \
		return xk_##kind##_producer_broken(&end->handle.kind##_prod);                      \
	}                                                                                          \
	static bool kind##_from_broken(const struct rings_end *end)                                \
	{                                                                                          \
		return xk_##kind##_consumer_broken(&end->handle.kind##_cons);                      \
	}

ENDS(spsc, hold)
ENDS(spsc_latency, side.hold)
ENDS(fanin, hold)
ENDS(mpmc, user.hold)
TAKE_BY_POP(spsc_latency)
TAKE_BY_POP(fanin)
TAKE_BY_POP(mpmc)
BROKEN(spsc)
BROKEN(spsc_latency)
BROKEN(fanin)

static const void *spsc_take(struct rings_end *end, unsigned want, unsigned *got)
{
	return xk_spsc_peek(&end->handle.spsc_cons, want, got);
}

static void spsc_release(struct rings_end *end, unsigned n)
{
	xk_spsc_release(&end->handle.spsc_cons, n);
}

/* The lane's head is published here and, with so few records at a time, not before. */
static void fanin_release(struct rings_end *end, unsigned n)
{
	(void)n;
	xk_fanin_flush(&end->handle.fanin_cons);
}

/* --- waiting --- */

static int spsc_wait_space(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_spsc_wait_space(&end->handle.spsc_prod, 1, how, timeout_ns);
}

static int spsc_wait_data(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_spsc_wait_data(&end->handle.spsc_cons, 1, how, timeout_ns);
}

static int spsc_latency_wait_space(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_spsc_latency_wait_space(&end->handle.spsc_latency_prod, how, timeout_ns);
}

static int spsc_latency_wait_data(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_spsc_latency_wait_data(&end->handle.spsc_latency_cons, how, timeout_ns);
}

static int fanin_wait_space(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_fanin_wait_space(&end->handle.fanin_prod, 1, how, timeout_ns);
}

static int fanin_wait_data(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_fanin_wait_data(&end->handle.fanin_cons, how, timeout_ns);
}

static int mpmc_wait_space(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_mpmc_wait_space(&end->handle.mpmc_prod, how, timeout_ns);
}

static int mpmc_wait_data(struct rings_end *end, int how, int64_t timeout_ns)
{
	return xk_mpmc_wait_data(&end->handle.mpmc_cons, how, timeout_ns);
}

/* --- the table: of each kind a producer and a consumer --- */

#define PRODUCER(kind, broken_)                                                                    \
	{                                                                                          \
		.attach = kind##_to, .detach = kind##_leave_to, .wait = kind##_wait_space,         \
		.push = kind##_push, .broken = broken_                                             \
	}
#define CONSUMER(kind, release_, broken_)                                                          \
	{                                                                                          \
		.attach = kind##_from, .detach = kind##_leave_from, .wait = kind##_wait_data,      \
		.take = kind##_take, .release = release_, .broken = broken_                        \
	}

static const struct rings_end_ops producers[] = {
	[XK_RING_SPSC] = PRODUCER(spsc, spsc_to_broken),
	[XK_RING_SPSC_LATENCY] = PRODUCER(spsc_latency, spsc_latency_to_broken),
	[XK_RING_FANIN] = PRODUCER(fanin, fanin_to_broken),
	[XK_RING_MPMC] = PRODUCER(mpmc, NULL),
};
static const struct rings_end_ops consumers[] = {
	[XK_RING_SPSC] = CONSUMER(spsc, spsc_release, spsc_from_broken),
	[XK_RING_SPSC_LATENCY] = CONSUMER(spsc_latency, NULL, spsc_latency_from_broken),
	[XK_RING_FANIN] = CONSUMER(fanin, fanin_release, fanin_from_broken),
	[XK_RING_MPMC] = CONSUMER(mpmc, NULL, NULL),
};

/* At most a quarter of the ring: less than its consumer may keep to itself, and the producer can
 * go on meanwhile. */
static unsigned room_of(const struct xk_ring_shape *shape)
{
	unsigned room = ROOM;

	if (room > ROOM_BYTES / shape->record_bytes)
		room = ROOM_BYTES / shape->record_bytes;
	if (room > shape->slots / 4)
		room = shape->slots / 4;
	if (shape->lazy && room >= shape->lazy)
		room = shape->lazy - 1;
	return room ? room : 1;
}

int rings_end_attach(struct rings_end *end, enum xk_ring_role role, void *mem, size_t len, int fd)
{
	struct xk_ring_shape shape;
	int ret = xk_ring_check(mem, len, 0, &shape);

	if (ret)
		return ret;
	*end = (struct rings_end){.role = role, .room = room_of(&shape)};
	end->ops = &(role == XK_ROLE_PRODUCER ? producers : consumers)[shape.kind];
	end->records = calloc(end->room, shape.record_bytes);
	if (!end->records)
		return -ENOMEM;
	ret = end->ops->attach(end, mem, len, fd);
	if (ret)
		free(end->records);
	return ret;
}

void rings_end_detach(struct rings_end *end)
{
	end->ops->detach(end);
	free(end->records);
}

unsigned rings_end_push(struct rings_end *end, const void *records, unsigned n)
{
	return end->ops->push(end, records, n);
}

const void *rings_end_take(struct rings_end *end, unsigned want, unsigned *got)
{
	return end->ops->take(end, want < end->room ? want : end->room, got);
}

void rings_end_release(struct rings_end *end, unsigned n)
{
	if (end->ops->release)
		end->ops->release(end, n);
}

int rings_end_wait(struct rings_end *end, int how, int64_t timeout_ns)
{
	return end->ops->wait(end, how, timeout_ns);
}

bool rings_end_broken(const struct rings_end *end)
{
	return end->ops->broken && end->ops->broken(end);
}

/* --- making one --- */

static struct xk_spsc_config spsc_config(const struct rings_config *c)
{
	return (struct xk_spsc_config){
		.record_bytes = c->record_bytes, .slots = c->slots, .flags = c->flags};
}

static struct xk_spsc_latency_config latency_config(const struct rings_config *c)
{
	return (struct xk_spsc_latency_config){
		.record_bytes = c->record_bytes, .slots = c->slots, .flags = c->flags};
}

static struct xk_fanin_config fanin_config(const struct rings_config *c)
{
	return (struct xk_fanin_config){.record_bytes = c->record_bytes,
					.slots = c->slots,
					.lanes = c->lanes,
					.consumers = c->users,
					.flags = c->flags};
}

static struct xk_mpmc_config mpmc_config(const struct rings_config *c)
{
	return (struct xk_mpmc_config){.record_bytes = c->record_bytes,
				       .slots = c->slots,
				       .users = c->users,
				       .flags = c->flags};
}

size_t rings_size(const struct rings_config *config)
{
	struct xk_spsc_config spsc = spsc_config(config);
	struct xk_spsc_latency_config latency = latency_config(config);
	struct xk_fanin_config fanin = fanin_config(config);
	struct xk_mpmc_config mpmc = mpmc_config(config);

	switch (config->kind) {
	case XK_RING_SPSC:
		return xk_spsc_size(&spsc);
	case XK_RING_SPSC_LATENCY:
		return xk_spsc_latency_size(&latency);
	case XK_RING_FANIN:
		return xk_fanin_size(&fanin);
	case XK_RING_MPMC:
		return xk_mpmc_size(&mpmc);
	}
	return 0;
}

int rings_init(void *mem, size_t len, const struct rings_config *config)
{
	struct xk_spsc_config spsc = spsc_config(config);
	struct xk_spsc_latency_config latency = latency_config(config);
	struct xk_fanin_config fanin = fanin_config(config);
	struct xk_mpmc_config mpmc = mpmc_config(config);

	switch (config->kind) {
	case XK_RING_SPSC:
		return xk_spsc_init(mem, len, &spsc);
	case XK_RING_SPSC_LATENCY:
		return xk_spsc_latency_init(mem, len, &latency);
	case XK_RING_FANIN:
		return xk_fanin_init(mem, len, &fanin);
	case XK_RING_MPMC:
		return xk_mpmc_init(mem, len, &mpmc);
	}
	return -EINVAL;
}
