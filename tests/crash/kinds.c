// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "crash.h"

#define RECORD ((uint32_t)sizeof(struct record))

/* --- the public calls of a kind, by the table's names --- */

#define SIDES(prefix, prod, cons, prod_hold, cons_hold)                                            \
	static int prefix##_producer(struct party *u, void *mem, size_t len, int fd)               \
	{                                                                                          \
		u->hold = &u->prod.prod_hold;                                                      \
		return xk_##prefix##_producer(&u->prod, mem, len, fd);                             \
	}                                                                                          \
	static int prefix##_consumer(struct party *u, void *mem, size_t len, int fd)               \
	{                                                                                          \
		u->hold = &u->cons.cons_hold;                                                      \
		return xk_##prefix##_consumer(&u->cons, mem, len, fd);                             \
	}                                                                                          \
	static unsigned prefix##_push(struct party *u, const void *recs, unsigned n)               \
	{                                                                                          \
		return xk_##prefix##_push(&u->prod, recs, n);                                      \
	}                                                                                          \
	static unsigned prefix##_pop(struct party *u, void *recs, unsigned n)                      \
	{                                                                                          \
		return xk_##prefix##_pop(&u->cons, recs, n);                                       \
	}                                                                                          \
	static void prefix##_leave(struct party *u)                                                \
	{                                                                                          \
		if (u->role == XK_ROLE_PRODUCER)                                                   \
			xk_##prefix##_producer_detach(&u->prod);                                   \
		else                                                                               \
			xk_##prefix##_consumer_detach(&u->cons);                                   \
	}                                                                                          \
	static size_t prefix##_size(const struct crash_config *config)                             \
	{                                                                                          \
		struct xk_##prefix##_config c = prefix##_config(config);                           \
                                                                                                   \
		return xk_##prefix##_size(&c);                                                     \
	}                                                                                          \
	static int prefix##_init(void *mem, size_t len, const struct crash_config *config)         \
	{                                                                                          \
		struct xk_##prefix##_config c = prefix##_config(config);                           \
                                                                                                   \
		return xk_##prefix##_init(mem, len, &c);                                           \
	}

/* Waiting for one record, or room for one. */
#define WAITS(prefix, prod, cons, space_n, data_n)                                                 \
	static int prefix##_wait_space(struct party *u, int how, int64_t timeout_ns)               \
	{                                                                                          \
		return xk_##prefix##_wait_space(&u->prod space_n, how, timeout_ns);                \
	}                                                                                          \
	static int prefix##_wait_data(struct party *u, int how, int64_t timeout_ns)                \
	{                                                                                          \
		return xk_##prefix##_wait_data(&u->cons data_n, how, timeout_ns);                  \
	}

#define KIND(prefix, kind_name, kind_number, kind_many, mask)                                      \
	{                                                                                          \
		.name = kind_name, .number = kind_number, .many = kind_many, .numbers = mask,      \
		.size = prefix##_size, .init = prefix##_init, .producer = prefix##_producer,       \
		.consumer = prefix##_consumer, .push = prefix##_push, .pop = prefix##_pop,         \
		.wait_space = prefix##_wait_space, .wait_data = prefix##_wait_data,                \
		.leave = prefix##_leave,                                                           \
	}

#define AND_ONE , 1
#define NOTHING

static struct xk_spsc_config spsc_config(const struct crash_config *c)
{
	return (struct xk_spsc_config){RECORD, c->slots, c->lazy, c->flags, c->first};
}

static struct xk_spsc_latency_config spsc_latency_config(const struct crash_config *c)
{
	return (struct xk_spsc_latency_config){RECORD, c->slots, c->flags & XK_RING_SLEEP,
					       c->first};
}

static struct xk_fanin_config fanin_config(const struct crash_config *c)
{
	return (struct xk_fanin_config){RECORD,  c->slots, c->producers, c->consumers,
					c->lazy, c->flags, c->first};
}

static struct xk_mpmc_config mpmc_config(const struct crash_config *c)
{
	return (struct xk_mpmc_config){RECORD, c->slots, c->producers + c->consumers, c->flags,
				       c->first};
}

SIDES(spsc, spsc_prod, spsc_cons, hold, hold)
SIDES(spsc_latency, latency_prod, latency_cons, side.hold, side.hold)
SIDES(fanin, fanin_prod, fanin_cons, hold, hold)
SIDES(mpmc, mpmc_prod, mpmc_cons, user.hold, user.hold)
WAITS(spsc, spsc_prod, spsc_cons, AND_ONE, AND_ONE)
WAITS(spsc_latency, latency_prod, latency_cons, NOTHING, NOTHING)
WAITS(fanin, fanin_prod, fanin_cons, AND_ONE, NOTHING)
WAITS(mpmc, mpmc_prod, mpmc_cons, NOTHING, NOTHING)

const struct kind kind_spsc = KIND(spsc, "spsc", XK_RING_SPSC, false, UINT64_MAX);
const struct kind kind_latency =
	KIND(spsc_latency, "spsc_latency", XK_RING_SPSC_LATENCY, false, UINT64_MAX);
const struct kind kind_fanin = KIND(fanin, "fanin", XK_RING_FANIN, true, UINT64_MAX);
const struct kind kind_mpmc = KIND(mpmc, "mpmc", XK_RING_MPMC, true, UINT64_MAX >> 8);

/* --- arenas --- */

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-ret));
	exit(1);
}

void arena_open(struct arena *a, const struct kind *kind, const struct crash_config *config)
{
	const struct xk_share_config share = {.size = kind->size(config), .node = -1};
	const struct xk_share_info *info;

	*a = (struct arena){.kind = kind, .config = *config};
	must(xk_share_create(&a->share, NULL, &share, NULL), "create a share");
	must(xk_share_publish(a->share, NULL), "publish a share");
	info = xk_share_info(a->share);
	a->mem = info->addr;
	a->len = info->size;
	a->fd = info->fd;
	arena_reset(a);
}

void arena_reset(struct arena *a)
{
	must(a->kind->init(a->mem, a->len, &a->config), "make a ring");
}

void arena_close(struct arena *a)
{
	xk_share_close(a->share);
}

/* --- users --- */

int party_join(struct party *u, const struct arena *a, enum xk_ring_role role)
{
	int ret;

	memset(u, 0, sizeof(*u));
	u->kind = a->kind;
	u->role = role;
	ret = (role == XK_ROLE_PRODUCER ? a->kind->producer : a->kind->consumer)(u, a->mem, a->len,
										 a->fd);
	u->sits = !ret;
	return ret;
}

void party_leave(struct party *u)
{
	if (u->sits)
		u->kind->leave(u);
	u->sits = false;
}

void party_die(struct party *u)
{
	close(u->hold->lock_fd);
	u->sits = false;
}

unsigned party_push(struct party *u, const void *recs, unsigned n)
{
	return u->kind->push(u, recs, n);
}

unsigned party_pop(struct party *u, void *recs, unsigned n)
{
	return u->kind->pop(u, recs, n);
}

int party_wait(struct party *u, int how, int64_t timeout_ns)
{
	return (u->role == XK_ROLE_PRODUCER ? u->kind->wait_space : u->kind->wait_data)(u, how,
											timeout_ns);
}
