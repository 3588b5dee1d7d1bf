/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever the bytes of a ring's memory: attaching, moving records, looking and mending stay
 * inside.
 *
 * The memory is a file's, so that seats have locks, and ASan knows where the input ends; a page
 * behind it may not be touched at all. Records go to and come from memory of exactly their size.
 * The first byte says what is done; then the header is made to fit itself, as far as its sizes make
 * sense: random bytes would hardly ever get past its hash.
 */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xskit/fanin.h>
#include <xskit/mpmc.h>
#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>
#include "ring_internal.h"

enum { PAGE = 4096, MOST = 32 * PAGE, RECORDS = 20, WRITES = 2 };

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static char *mem;
static int mem_fd;

static struct peer_write {
	uint16_t at; /* words of 8 bytes from the memory's start, as often as it is passed */
	uint16_t unused[3];
	uint64_t value;
} writes[WRITES];

static void make_memory(void)
{
	mem_fd = memfd_create("ring", MFD_CLOEXEC);
	CHECK(mem_fd >= 0 && !ftruncate(mem_fd, MOST));
	mem = mmap(NULL, MOST + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mem != MAP_FAILED);
	CHECK(mmap(mem, MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, mem_fd, 0) == mem);
}

/* --- headers that fit themselves --- */

static uint64_t hash(const struct xk_ring_shape *s)
{
	const uint32_t words[] = {1,
				  sizeof(struct xk_ring),
				  sizeof(struct xk_ring_seat),
				  XK_RING_APART,
				  s->kind,
				  s->flags,
				  s->record_bytes,
				  s->slots,
				  s->lanes,
				  s->seats,
				  s->lazy};
	const unsigned char *byte = (const unsigned char *)words;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(words); i++)
		h = (h ^ byte[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void mend_header(size_t len)
{
	struct xk_ring_header *header = (void *)mem;
	size_t bytes;

	if (len < sizeof(*header))
		return;
	memcpy(&header->magic, "xsktring", 8);
	bytes = xk_ring_bytes(&header->shape);
	if (!bytes)
		return;
	header->bytes = bytes;
	header->layout = hash(&header->shape);
}

/* --- use --- */

static void peer_writes(size_t len)
{
	for (unsigned i = 0; i < WRITES; i++)
		memcpy(mem + writes[i].at % (len / 8) * 8, &writes[i].value, 8);
}

/* Memory of exactly n records, as large as the handle says they are. */
static void *records(const struct xk_ring_hold *hold, unsigned n)
{
	void *recs = calloc(n, hold->shape.record_bytes);

	CHECK(recs);
	return recs;
}

#define USE(NAME, KEEPER, PUSH_WAIT, POP_WAIT)                                                     \
	static void push_##NAME(size_t len, int fd)                                                \
	{                                                                                          \
		struct xk_##NAME##_prod p;                                                         \
		void *recs;                                                                        \
                                                                                                   \
		if (xk_##NAME##_producer(&p, mem, len, fd))                                        \
			return;                                                                    \
		recs = records(&p.KEEPER, RECORDS);                                                \
		peer_writes(len);                                                                  \
		for (unsigned n = 0; n <= RECORDS; n += 1 + n / 2)                                 \
			CHECK(xk_##NAME##_push(&p, recs, n) <= n);                                 \
		PUSH_WAIT;                                                                         \
		xk_##NAME##_producer_detach(&p);                                                   \
		free(recs);                                                                        \
	}                                                                                          \
	static void pop_##NAME(size_t len, int fd)                                                 \
	{                                                                                          \
		struct xk_##NAME##_cons c;                                                         \
		void *recs;                                                                        \
                                                                                                   \
		if (xk_##NAME##_consumer(&c, mem, len, fd))                                        \
			return;                                                                    \
		recs = records(&c.KEEPER, RECORDS);                                                \
		peer_writes(len);                                                                  \
		for (unsigned n = RECORDS; n; n /= 2)                                              \
			CHECK(xk_##NAME##_pop(&c, recs, n) <= n);                                  \
		POP_WAIT;                                                                          \
		xk_##NAME##_consumer_detach(&c);                                                   \
		free(recs);                                                                        \
	}

USE(spsc, hold, xk_spsc_wait_space(&p, 1, XK_WAIT_SPIN, 1),
    xk_spsc_wait_data(&c, 1, XK_WAIT_SPIN, 1))
USE(spsc_latency, side.hold, xk_spsc_latency_wait_space(&p, XK_WAIT_SPIN, 1),
    xk_spsc_latency_wait_data(&c, XK_WAIT_SPIN, 1))
USE(fanin, hold, xk_fanin_wait_space(&p, 1, XK_WAIT_SPIN, 1),
    xk_fanin_wait_data(&c, XK_WAIT_SPIN, 1))
USE(mpmc, user.hold, xk_mpmc_wait_space(&p, XK_WAIT_SPIN, 1),
    xk_mpmc_wait_data(&c, XK_WAIT_SPIN, 1))

/* Every byte of a piece is the ring's: written, and read. */
static void reserve(size_t len, int fd)
{
	struct xk_spsc_prod p;
	unsigned got;
	void *room;

	if (xk_spsc_producer(&p, mem, len, fd))
		return;
	peer_writes(len);
	room = xk_spsc_reserve(&p, RECORDS, &got);
	CHECK(got <= RECORDS && !room == !got);
	if (room)
		memset(room, 0x5a, (size_t)got * p.stream.record_bytes);
	xk_spsc_commit(&p, got);
	xk_spsc_producer_detach(&p);
}

static void peek(size_t len, int fd)
{
	struct xk_spsc_cons c;
	const unsigned char *there;
	unsigned got, sum = 0;

	if (xk_spsc_consumer(&c, mem, len, fd))
		return;
	peer_writes(len);
	there = xk_spsc_peek(&c, RECORDS, &got);
	CHECK(got <= RECORDS && !there == !got);
	for (size_t i = 0; i < (size_t)got * c.stream.record_bytes; i++)
		sum += there[i];
	xk_spsc_release(&c, sum % 2 ? got : got / 2);
	xk_spsc_consumer_detach(&c);
}

static void look(size_t len, int fd)
{
	struct xk_ring_info info;
	struct xk_err err;

	if (!xk_ring_look(mem, len, fd, &info, &err))
		CHECK(info.bytes <= len && info.n_users <= 2 * XK_RING_SEATS_MAX);
}

static void repair(size_t len, int fd)
{
	struct xk_err err;

	CHECK(xk_ring_repair(mem, len, fd, &err) <= (int)(2 * XK_RING_SEATS_MAX));
}

static void (*const uses[])(size_t len, int fd) = {
	push_spsc, pop_spsc,  push_spsc_latency, pop_spsc_latency, push_fanin,
	pop_fanin, push_mpmc, pop_mpmc,          reserve,          peek,
	look,      repair,
};

/* All uses, from a different one on each time. */
static void use(unsigned first, size_t len, int fd)
{
	const unsigned n = sizeof(uses) / sizeof(uses[0]);

	for (unsigned i = 0; i < n; i++)
		uses[(first + i) % n](len, fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const size_t before = 1 + sizeof(writes);
	unsigned how = n ? data[0] : 0;
	size_t len = n - before;

	if (!mem)
		make_memory();
	if (n < before || len > MOST)
		return 0;
	memcpy(writes, data + 1, sizeof(writes));
	memcpy(mem, data + before, len);
	if (how & 1)
		mend_header(len);
	ASAN_POISON_MEMORY_REGION(mem + len, MOST - len);
	use(how >> 2, len, how & 2 ? mem_fd : -1);
	ASAN_UNPOISON_MEMORY_REGION(mem, MOST);
	return 0;
}
