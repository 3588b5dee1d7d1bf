/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_util.h - what the tests of the rings share: the four kinds behind one table, memory that
 * ends at a page nobody may touch, and records that tell their number.
 */
#ifndef XSKIT_TEST_RING_UTIL_H
#define XSKIT_TEST_RING_UTIL_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <xskit/fanin.h>
#include <xskit/mpmc.h>
#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>

#define PAGE      4096u
#define GAP_BYTE  0xa5
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#ifdef XK_DEBUG /* sanitized: an order slower */
#define SLOWER 8u
#else
#define SLOWER 1u
#endif

/* --- the kinds --- */

struct ring_config {
	uint32_t record_bytes, slots;
	uint32_t users; /* fanin: lanes, and consumers; mpmc: in all */
	uint32_t lazy, flags;
	uint64_t first;
};

struct ring_side {
	const struct ring_kind *kind;
	struct xk_ring_hold *hold;
	union {
		struct xk_spsc_prod spsc_prod;
		struct xk_spsc_cons spsc_cons;
		struct xk_spsc_latency_prod spsc_latency_prod;
		struct xk_spsc_latency_cons spsc_latency_cons;
		struct xk_fanin_prod fanin_prod;
		struct xk_fanin_cons fanin_cons;
		struct xk_mpmc_prod mpmc_prod;
		struct xk_mpmc_cons mpmc_cons;
	};
};

struct ring_kind {
	const char *name;
	enum xk_ring_kind kind;
	uint32_t least_slots;
	bool many; /* producers and consumers */
	size_t (*size)(const struct ring_config *config);
	int (*init)(void *mem, size_t len, const struct ring_config *config);
	int (*producer)(struct ring_side *side, void *mem, size_t len, int fd);
	int (*consumer)(struct ring_side *side, void *mem, size_t len, int fd);
	void (*producer_detach)(struct ring_side *side);
	void (*consumer_detach)(struct ring_side *side);
	unsigned (*push)(struct ring_side *side, const void *recs, unsigned n);
	unsigned (*pop)(struct ring_side *side, void *recs, unsigned n);
	int (*wait_space)(struct ring_side *side, int how, int64_t timeout_ns);
	int (*wait_data)(struct ring_side *side, int how, int64_t timeout_ns);
};

/* name, where its handles keep the hold, what its waits take before `how`, its configuration. */
#define RING_KIND(NAME, HOLD, SPACE, DATA, ...)                                                    \
	static inline size_t NAME##_size(const struct ring_config *config)                         \
	{                                                                                          \
		struct xk_##NAME##_config c = {__VA_ARGS__};                                       \
                                                                                                   \
		return xk_##NAME##_size(&c);                                                       \
	}                                                                                          \
	static inline int NAME##_init(void *mem, size_t len, const struct ring_config *config)     \
	{                                                                                          \
		struct xk_##NAME##_config c = {__VA_ARGS__};                                       \
                                                                                                   \
		return xk_##NAME##_init(mem, len, &c);                                             \
	}                                                                                          \
	static inline int NAME##_producer(struct ring_side *s, void *mem, size_t len, int fd)      \
	{                                                                                          \
		s->hold = &s->NAME##_prod.HOLD;                                                    \
		return xk_##NAME##_producer(&s->NAME##_prod, mem, len, fd);                        \
	}                                                                                          \
	static inline int NAME##_consumer(struct ring_side *s, void *mem, size_t len, int fd)      \
	{                                                                                          \
		s->hold = &s->NAME##_cons.HOLD;                                                    \
		return xk_##NAME##_consumer(&s->NAME##_cons, mem, len, fd);                        \
	}                                                                                          \
	static inline void NAME##_producer_detach(struct ring_side *s)                             \
	{                                                                                          \
		xk_##NAME##_producer_detach(&s->NAME##_prod);                                      \
	}                                                                                          \
	static inline void NAME##_consumer_detach(struct ring_side *s)                             \
	{                                                                                          \
		xk_##NAME##_consumer_detach(&s->NAME##_cons);                                      \
	}                                                                                          \
	static inline unsigned NAME##_push(struct ring_side *s, const void *recs, unsigned n)      \
	{                                                                                          \
		return xk_##NAME##_push(&s->NAME##_prod, recs, n);                                 \
	}                                                                                          \
	static inline unsigned NAME##_pop(struct ring_side *s, void *recs, unsigned n)             \
	{                                                                                          \
		return xk_##NAME##_pop(&s->NAME##_cons, recs, n);                                  \
	}                                                                                          \
	static inline int NAME##_wait_space(struct ring_side *s, int how, int64_t ns)              \
	{                                                                                          \
		return xk_##NAME##_wait_space(&s->NAME##_prod SPACE, how, ns);                     \
	}                                                                                          \
	static inline int NAME##_wait_data(struct ring_side *s, int how, int64_t ns)               \
	{                                                                                          \
		return xk_##NAME##_wait_data(&s->NAME##_cons DATA, how, ns);                       \
	}

#define ONE  , 1
#define NONE /* nothing */
#define RECORDS                                                                                    \
	.record_bytes = config->record_bytes, .slots = config->slots, .flags = config->flags,      \
	.first = config->first

RING_KIND(spsc, hold, ONE, ONE, RECORDS, .lazy = config->lazy)
RING_KIND(spsc_latency, side.hold, NONE, NONE, RECORDS)
RING_KIND(fanin, hold, ONE, NONE, RECORDS, .lazy = config->lazy, .lanes = config->users,
	  .consumers = config->users)
RING_KIND(mpmc, user.hold, NONE, NONE, RECORDS, .users = config->users)

#define KIND_ROW(NAME, KIND, LEAST, MANY)                                                          \
	{                                                                                          \
#NAME, KIND, LEAST, MANY, NAME##_size, NAME##_init, NAME##_producer,               \
			NAME##_consumer, NAME##_producer_detach, NAME##_consumer_detach,           \
			NAME##_push, NAME##_pop, NAME##_wait_space, NAME##_wait_data               \
	}

static const struct ring_kind ring_kinds[] = {
	KIND_ROW(spsc, XK_RING_SPSC, 1, false),
	KIND_ROW(spsc_latency, XK_RING_SPSC_LATENCY, 2, false),
	KIND_ROW(fanin, XK_RING_FANIN, 1, true),
	KIND_ROW(mpmc, XK_RING_MPMC, 2, true),
};

#define for_each_kind(k)                                                                           \
	for (const struct ring_kind *k = ring_kinds; k < ring_kinds + LENGTH(ring_kinds); k++)

static inline bool is_stream(const struct ring_kind *kind)
{
	return kind->kind == XK_RING_SPSC || kind->kind == XK_RING_FANIN;
}

/* --- memory --- */

/* A ring's memory: behind it lies a page that nobody may touch, in front of it a gap of known bytes
 * and such a page. */
struct ring_mem {
	char *map;
	size_t pages;
	char *mem;
	size_t len;
	int fd;
};

static inline char *ring_map(int fd, size_t pages)
{
	char *map = mmap(NULL, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *inside = map + PAGE;

	assert_true(map != MAP_FAILED);
	assert_ptr_equal(
		mmap(inside, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
		inside);
	return map;
}

static inline void ring_mem_make(struct ring_mem *m, size_t len)
{
	m->pages = (len + PAGE - 1) / PAGE;
	m->len = len;
	m->fd = memfd_create("ring", MFD_CLOEXEC);
	assert_true(m->fd >= 0);
	assert_int_equal(ftruncate(m->fd, (off_t)(m->pages * PAGE)), 0);
	m->map = ring_map(m->fd, m->pages);
	m->mem = m->map + (m->pages + 1) * PAGE - len;
	memset(m->map + PAGE, GAP_BYTE, m->pages * PAGE - len);
}

/* The same memory once more, at another address. */
static inline struct ring_mem ring_mem_again(const struct ring_mem *m)
{
	struct ring_mem again = *m;

	again.map = ring_map(m->fd, m->pages);
	again.mem = again.map + (m->mem - m->map);
	return again;
}

static inline void ring_mem_unmap(struct ring_mem *m)
{
	munmap(m->map, (m->pages + 2) * PAGE);
}

/* The gap is as it was, and the memory goes. */
static inline void ring_mem_free(struct ring_mem *m)
{
	for (char *at = m->map + PAGE; at < m->mem; at++)
		assert_int_equal(*at, (char)GAP_BYTE);
	ring_mem_unmap(m);
	close(m->fd);
}

static inline void ring_make(struct ring_mem *m, const struct ring_kind *kind,
			     const struct ring_config *config)
{
	ring_mem_make(m, kind->size(config));
	assert_int_equal(kind->init(m->mem, m->len, config), 0);
}

static inline int ring_producer(struct ring_side *side, const struct ring_kind *kind,
				const struct ring_mem *m, int fd)
{
	side->kind = kind;
	return kind->producer(side, m->mem, m->len, fd);
}

static inline int ring_consumer(struct ring_side *side, const struct ring_kind *kind,
				const struct ring_mem *m, int fd)
{
	side->kind = kind;
	return kind->consumer(side, m->mem, m->len, fd);
}

/* A ring with both sides, in one thread. */
struct ring_pair {
	struct ring_mem mem;
	struct ring_side prod, cons;
};

static inline void ring_pair_make(struct ring_pair *pair, const struct ring_kind *kind,
				  const struct ring_config *config)
{
	ring_make(&pair->mem, kind, config);
	assert_int_equal(ring_producer(&pair->prod, kind, &pair->mem, pair->mem.fd), 0);
	assert_int_equal(ring_consumer(&pair->cons, kind, &pair->mem, pair->mem.fd), 0);
}

static inline void ring_pair_free(struct ring_pair *pair)
{
	pair->prod.kind->producer_detach(&pair->prod);
	pair->cons.kind->consumer_detach(&pair->cons);
	ring_mem_free(&pair->mem);
}

/* As if the process died that holds it: the kernel lets go of the seat's lock. */
static inline void ring_side_dies(struct ring_side *side)
{
	close(side->hold->lock_fd);
	side->hold->lock_fd = -1;
}

/* --- records --- */

static inline unsigned char record_byte(uint64_t number, uint32_t i)
{
	return (unsigned char)(((number + 1) * UINT64_C(0x9e3779b97f4a7c15) >> i % 8 * 8) + i / 8);
}

static inline void records_fill(void *recs, unsigned n, uint32_t bytes, uint64_t number)
{
	unsigned char *to = recs;

	for (unsigned r = 0; r < n; r++)
		for (uint32_t i = 0; i < bytes; i++)
			*to++ = record_byte(number + r, i);
}

static inline bool records_right(const void *recs, unsigned n, uint32_t bytes, uint64_t number)
{
	const unsigned char *from = recs;

	for (unsigned r = 0; r < n; r++)
		for (uint32_t i = 0; i < bytes; i++)
			if (*from++ != record_byte(number + r, i))
				return false;
	return true;
}

/* Push n records with these numbers, from memory of exactly their size. */
static inline unsigned ring_push(struct ring_side *side, unsigned n, uint64_t number)
{
	uint32_t bytes = side->hold->shape.record_bytes;
	void *recs = malloc((size_t)n * bytes + !n);
	unsigned got;

	records_fill(recs, n, bytes, number);
	got = side->kind->push(side, recs, n);
	free(recs);
	return got;
}

/* Pop up to n records, which must have these numbers. */
static inline unsigned ring_pop(struct ring_side *side, unsigned n, uint64_t number)
{
	uint32_t bytes = side->hold->shape.record_bytes;
	void *recs = malloc((size_t)n * bytes + !n);
	unsigned got = side->kind->pop(side, recs, n);
	bool right = got <= n && records_right(recs, got, bytes, number);

	free(recs);
	assert_true(right);
	return got;
}

/* --- chance and time --- */

static inline uint32_t chance(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 32);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- a peer that is faster than every instruction ---
 *
 * Between ring_step_start() and ring_step_stop() what() runs after each instruction of this thread,
 * from the lag-th on, and may change the ring's memory: all that a peer could do at the same time.
 */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define RING_STEP
#define TRAP_FLAG 0x100u

static struct {
	void (*what)(unsigned step);
	unsigned lag, steps;
} ring_stepping;

static inline void ring_stepped(int unused)
{
	unsigned step = ring_stepping.steps++;

	(void)unused;
	if (step >= ring_stepping.lag)
		ring_stepping.what(step - ring_stepping.lag);
}

static inline void ring_step_start(void (*what)(unsigned step), unsigned lag)
{
	struct sigaction action = {.sa_handler = ring_stepped};

	ring_stepping.what = what;
	ring_stepping.lag = lag;
	ring_stepping.steps = 0;
	sigaction(SIGTRAP, &action, NULL);
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
}

static inline void ring_step_stop(void)
{
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)TRAP_FLAG);
	signal(SIGTRAP, SIG_DFL);
}
#endif

/* A test that hangs fails. */
static inline int ring_limit(void **unused)
{
	(void)unused;
	alarm(60);
	return 0;
}

#define ring_test(function) cmocka_unit_test_setup(function, ring_limit)

#endif
