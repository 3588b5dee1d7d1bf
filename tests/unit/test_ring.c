// SPDX-License-Identifier: BSD-2-Clause
/*
 * ring: what all kinds have in common. Sizes, what is refused, seats, records over the wrap of the
 * slots and of the counters, mappings at several addresses, look and repair, and a peer that writes
 * nonsense. Waiting is in test_ring_wait.c.
 */
#include "ring_util.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

static const struct ring_config plain = {.record_bytes = 24, .slots = 16, .users = 3};

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* --- sizes and configurations --- */

/* Sizes by the headers' words, not by the code. */
static size_t size_by_the_book(const struct ring_kind *kind, const struct ring_config *c)
{
	size_t records = round_up((size_t)c->slots * c->record_bytes, 128);
	size_t stride = c->record_bytes <= 8 ? 16 : c->record_bytes <= 24 ? 32 : 128;

	switch (kind->kind) {
	case XK_RING_SPSC_LATENCY:
		if (c->record_bytes <= 56)
			return 768 + round_up(c->slots * stride, 128);
		return 1024 + records; /* as spsc */
	case XK_RING_SPSC:
		return 1024 + records;
	case XK_RING_FANIN: /* as many consumers as lanes */
		return 640 + 2 * c->users * 128 + c->users * (256 + records);
	default:
		return 896 + c->users * (128 + round_up(16 * c->users, 128)) +
		       round_up((size_t)c->slots * (c->flags & XK_RING_BURSTS ? 4 : 8), 128) +
		       records;
	}
}

static void sizes(void **unused)
{
	static const uint32_t bytes[] = {1, 3, 8, 24, 56, 64, 100, 4096};
	static const uint32_t slots[] = {2, 4, 64, 1024}, users[] = {1, 5, 128};

	(void)unused;
	for_each_kind(kind) for (unsigned i = 0; i < LENGTH(bytes) * LENGTH(slots); i++)
	{
		struct ring_config c = {.record_bytes = bytes[i % LENGTH(bytes)],
					.slots = slots[i / LENGTH(bytes)],
					.users = users[i % LENGTH(users)]};

		assert_int_equal(kind->size(&c), size_by_the_book(kind, &c));
		c.flags = XK_RING_BURSTS;
		if (kind->kind == XK_RING_MPMC)
			assert_int_equal(kind->size(&c), size_by_the_book(kind, &c));
	}
}

/* Not a ring, however much memory there is. */
static void refuse(const struct ring_kind *kind, const struct ring_config *config)
{
	static char mem[4096] __attribute__((aligned(128)));

	assert_int_equal(kind->size(config), 0);
	assert_int_equal(kind->init(mem, SIZE_MAX, config), -EINVAL);
}

static void configurations(void **unused)
{
	static const struct ring_config bad[] = {
		{.record_bytes = 0, .slots = 16, .users = 1},
		{.record_bytes = XK_RING_BYTES_MAX + 1, .slots = 16, .users = 1},
		{.record_bytes = UINT32_MAX, .slots = 16, .users = 1},
		{.record_bytes = 8, .slots = 0, .users = 1},
		{.record_bytes = 8, .slots = 3, .users = 1},
		{.record_bytes = 8, .slots = 48, .users = 1},
		{.record_bytes = 8, .slots = XK_RING_SLOTS_MAX * 2, .users = 1},
		{.record_bytes = 8, .slots = 16, .users = 1, .flags = 1u << 4},
		{.record_bytes = 8, .slots = 16, .users = 1, .flags = 1u << 31},
	};
	struct ring_config largest = {
		.record_bytes = XK_RING_BYTES_MAX, .slots = XK_RING_SLOTS_MAX, .users = 128};

	(void)unused;
	for_each_kind(kind)
	{
		for (unsigned i = 0; i < LENGTH(bad); i++)
			refuse(kind, &bad[i]);
		assert_true(kind->size(&largest) > (size_t)XK_RING_BYTES_MAX * XK_RING_SLOTS_MAX);
	}
}

/* What only some kinds refuse. */
static void configurations_of_kinds(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct ring_config one_slot = {.record_bytes = 8, .slots = 1, .users = 1};
		struct ring_config touch = {
			.record_bytes = 8, .slots = 4, .users = 1, .flags = XK_RING_TOUCH};
		struct ring_config bursts = {
			.record_bytes = 8, .slots = 4, .users = 1, .flags = XK_RING_BURSTS};
		struct ring_config lazy = {.record_bytes = 8, .slots = 4, .users = 1, .lazy = 5};
		struct ring_config nobody = {.record_bytes = 8, .slots = 4, .users = 0};
		struct ring_config crowd = {.record_bytes = 8, .slots = 4, .users = 129};

		if (kind->least_slots > 1)
			refuse(kind, &one_slot);
		else
			assert_true(kind->size(&one_slot));
		if (kind->kind == XK_RING_SPSC_LATENCY)
			refuse(kind, &touch);
		else
			assert_true(kind->size(&touch));
		if (kind->kind != XK_RING_MPMC)
			refuse(kind, &bursts);
		else
			assert_true(kind->size(&bursts));
		if (is_stream(kind)) {
			refuse(kind, &lazy);
			lazy.lazy = 4;
			assert_true(kind->size(&lazy));
		}
		if (kind->many) {
			refuse(kind, &nobody);
			refuse(kind, &crowd);
			crowd.users = 128;
			assert_true(kind->size(&crowd));
		}
	}
}

static void places(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		size_t size = kind->size(&plain);
		char *mem = aligned_alloc(128, size + 128);
		struct ring_side side;

		assert_non_null(mem);
		for (unsigned off = 1; off < 128; off *= 2)
			assert_int_equal(kind->init(mem + off, size, &plain), -EINVAL);
		assert_int_equal(kind->init(mem, size - 1, &plain), -ENOSPC);
		assert_int_equal(kind->init(mem, 0, &plain), -ENOSPC);
		assert_int_equal(kind->init(mem, size, &plain), 0);
		assert_int_equal(kind->producer(&side, mem + 64, size, -1), -EPROTO);
		assert_int_equal(kind->consumer(&side, mem + 1, size, -1), -EPROTO);
		free(mem);
	}
}

/* --- attaching --- */

static int attach_both(const struct ring_kind *kind, const struct ring_mem *m, size_t len)
{
	struct ring_side prod, cons;
	int ret = kind->producer(&prod, m->mem, len, m->fd);

	if (!ret)
		kind->producer_detach(&prod);
	assert_int_equal(kind->consumer(&cons, m->mem, len, m->fd), ret);
	if (!ret)
		kind->consumer_detach(&cons);
	return ret;
}

static void truncated(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct ring_mem m;

		ring_make(&m, kind, &plain);
		for (size_t len = 0; len < m.len; len = len < 600 ? len + 1 : len + 61)
			assert_int_equal(attach_both(kind, &m, len), -EPROTO);
		assert_int_equal(attach_both(kind, &m, m.len - 1), -EPROTO);
		assert_int_equal(attach_both(kind, &m, m.len), 0);
		ring_mem_free(&m);
	}
}

static void other_kinds(void **unused)
{
	(void)unused;
	for_each_kind(made)
	{
		struct ring_mem m;

		ring_make(&m, made, &plain);
		for_each_kind(kind) assert_int_equal(attach_both(kind, &m, m.len),
						     kind == made ? 0 : -EPROTOTYPE);
		ring_mem_free(&m);
	}
}

/* Every bit of the header that says what the ring is: flipped, nobody attaches. */
static void damaged_headers(void **unused)
{
	const size_t version = offsetof(struct xk_ring_header, version) / 8;
	const size_t random_id = offsetof(struct xk_ring_header, creation);
	const size_t end = offsetof(struct xk_ring_header, shape) + sizeof(struct xk_ring_shape);

	(void)unused;
	for_each_kind(kind)
	{
		struct xk_ring_info info;
		struct xk_err err;
		struct ring_mem m;

		ring_make(&m, kind, &plain);
		for (size_t bit = 0; bit < end * 8; bit++) {
			char flip = (char)(1 << bit % 8);
			int ret = bit / 64 == version ? -EPROTONOSUPPORT : -EPROTO;

			if (bit / 8 >= random_id && bit / 8 < random_id + 8)
				continue;
			m.mem[bit / 8] ^= flip;
			assert_int_equal(attach_both(kind, &m, m.len), ret);
			memset(&err, 0, sizeof(err));
			assert_int_equal(xk_ring_look(m.mem, m.len, -1, &info, &err), ret);
			assert_int_equal(err.code, ret);
			assert_int_equal(xk_ring_repair(m.mem, m.len, m.fd, NULL), ret);
			m.mem[bit / 8] ^= flip;
		}
		assert_int_equal(attach_both(kind, &m, m.len), 0);
		ring_mem_free(&m);
	}
}

/* Of another version nothing is read but that. */
static void other_versions(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct xk_ring_info info;
		struct xk_err err = {0};
		struct ring_mem m;

		ring_make(&m, kind, &plain);
		assert_int_equal(xk_ring_version(m.mem, m.len), XK_RING_VERSION);
		memset(m.mem + 16, 0x5a, m.len - 16);
		m.mem[8] += 4;
		assert_int_equal(xk_ring_version(m.mem, m.len), XK_RING_VERSION + 4);
		assert_int_equal(attach_both(kind, &m, m.len), -EPROTONOSUPPORT);
		assert_int_equal(xk_ring_look(m.mem, m.len, -1, &info, &err), -EPROTONOSUPPORT);
		assert_non_null(strstr(err.why, "of version 7, and this library of 3"));
		m.mem[0] ^= 1;
		assert_int_equal(xk_ring_version(m.mem, m.len), 0);
		assert_int_equal(attach_both(kind, &m, m.len), -EPROTO);
		ring_mem_free(&m);
	}
}

/* A counter, or slot's word, of the ring's own part. */
static uint64_t *counter_of(const struct ring_mem *m, const struct ring_kind *kind, bool tail)
{
	struct xk_ring *ring = (struct xk_ring *)(void *)m->mem;
	char *own = xk_ring_own_part(ring, &ring->header.shape);

	if (kind->kind == XK_RING_FANIN) /* of the second lane */
		own += 128 + 256 + round_up(plain.slots * plain.record_bytes, 128);
	if (kind->kind == XK_RING_SPSC_LATENCY)
		return (uint64_t *)(void *)(own + tail * 32);
	return (uint64_t *)(void *)(own + !tail * 128);
}

static void refuse_all(const struct ring_kind *kind, const struct ring_mem *m)
{
	struct xk_ring_info info;

	assert_int_equal(attach_both(kind, m, m->len), -EPROTO);
	assert_int_equal(xk_ring_look(m->mem, m->len, -1, &info, NULL), -EPROTO);
	assert_int_equal(xk_ring_repair(m->mem, m->len, m->fd, NULL), -EPROTO);
}

/* Counters that are whole words, and cannot be of one ring. */
static void damaged_counters(void **unused)
{
	static const uint64_t off[] = {UINT32_MAX, 1u << 20, (uint64_t)-1 << 20, 1ull << 63,
				       17 * 256};

	(void)unused;
	for_each_kind(kind) for (unsigned i = 0; i < 2 * LENGTH(off); i++)
	{
		bool tail = i & 1;
		struct ring_mem m;
		uint64_t *word, was;

		ring_make(&m, kind, &plain);
		word = counter_of(&m, kind, tail);
		was = *word;
		*word = tail ? was + off[i / 2] : was - off[i / 2];
		refuse_all(kind, &m);
		*word = was;
		assert_int_equal(attach_both(kind, &m, m.len), 0);
		ring_mem_free(&m);
	}
}

/* --- seats --- */

/* The seats of one role, with or without a descriptor: all of them can be had, and not one more. */
static void take_all(const struct ring_kind *kind, bool producers, bool with_fd, uint32_t users)
{
	int (*attach)(struct ring_side *, void *, size_t, int) =
		producers ? kind->producer : kind->consumer;
	void (*detach)(struct ring_side *) =
		producers ? kind->producer_detach : kind->consumer_detach;
	struct ring_config c = {.record_bytes = 8, .slots = 2, .users = users};
	struct ring_side side[128], more;
	struct ring_mem m;
	unsigned n = kind->many ? users : 1;

	ring_make(&m, kind, &c);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(attach(&side[i], m.mem, m.len, with_fd ? m.fd : -1), 0);
		assert_int_equal(attach(&more, m.mem, m.len, m.fd), -EBUSY);
		assert_int_equal(attach(&more, m.mem, m.len, -1), -EBUSY);
		detach(&side[n / 2]); /* one leaves, one comes */
		assert_int_equal(attach(&side[n / 2], m.mem, m.len, m.fd), 0);
		assert_false(side[n / 2].hold->took_over);
		assert_int_equal(attach(&more, m.mem, m.len, m.fd), -EBUSY);
		for (unsigned i = 0; i < n; i++)
			detach(&side[i]);
	}
	ring_mem_free(&m);
}

static void seats(void **unused)
{
	static const uint32_t users[] = {1, 2, 128};

	(void)unused;
	for_each_kind(kind) for (unsigned i = 0; i < LENGTH(users); i++) for (unsigned way = 0;
									      way < 4; way++)
		take_all(kind, way & 1, way & 2, users[i]);
}

static void bad_descriptor(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct ring_side side;
		struct ring_mem m;

		ring_make(&m, kind, &plain);
		assert_int_equal(ring_producer(&side, kind, &m, 9999), -ENOENT);
		assert_int_equal(ring_consumer(&side, kind, &m, 9999), -ENOENT);
		assert_int_equal(attach_both(kind, &m, m.len), 0);
		ring_mem_free(&m);
	}
}

/* Both sides leave in the middle and come again: not a record lost, none twice. */
static void come_again(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		uint64_t pushed = 0, popped = 0, seed = 1;
		struct ring_pair pair;

		ring_pair_make(&pair, kind, &plain);
		for (unsigned i = 0; i < 500; i++) {
			pushed += ring_push(&pair.prod, chance(&seed) % 20, pushed);
			kind->producer_detach(&pair.prod);
			assert_int_equal(ring_producer(&pair.prod, kind, &pair.mem,
						       i % 2 ? -1 : pair.mem.fd),
					 0);
			popped += ring_pop(&pair.cons, chance(&seed) % 20, popped);
			kind->consumer_detach(&pair.cons);
			assert_int_equal(ring_consumer(&pair.cons, kind, &pair.mem,
						       i % 3 ? -1 : pair.mem.fd),
					 0);
			assert_true(popped <= pushed && pushed - popped <= plain.slots);
		}
		while (popped < pushed)
			popped += ring_pop(&pair.cons, 1, popped);
		assert_true(popped > 1000);
		assert_int_equal(ring_pop(&pair.cons, 1, popped), 0);
		ring_pair_free(&pair);
	}
}

static void taking_over(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		const struct ring_config one = {.record_bytes = 8, .slots = 4, .users = 1};
		struct ring_side dead, next;
		struct ring_mem m;

		ring_make(&m, kind, &one);
		assert_int_equal(ring_producer(&dead, kind, &m, m.fd), 0);
		assert_false(dead.hold->took_over);
		assert_int_equal(ring_push(&dead, 2, 0), 2);
		ring_side_dies(&dead);
		assert_int_equal(ring_producer(&next, kind, &m, -1), -EBUSY); /* who knows? */
		assert_int_equal(ring_producer(&next, kind, &m, m.fd), 0);
		assert_true(next.hold->took_over);
		assert_int_equal(ring_push(&next, 2, 2), 2);
		kind->producer_detach(&next);
		assert_int_equal(ring_consumer(&next, kind, &m, m.fd), 0);
		assert_false(next.hold->took_over); /* the last holder left in order */
		assert_int_equal(ring_pop(&next, 4, 0), 4);
		ring_side_dies(&next);
		assert_int_equal(ring_consumer(&next, kind, &m, -1), -EBUSY);
		assert_int_equal(ring_consumer(&next, kind, &m, m.fd), 0);
		assert_true(next.hold->took_over);
		kind->consumer_detach(&next);
		ring_mem_free(&m);
	}
}

static void *repair(void *arg)
{
	struct ring_mem *m = arg;

	assert_true(xk_ring_repair(m->mem, m->len, m->fd, NULL) >= 0);
	return NULL;
}

/* A seat that somebody else mends at this moment, which takes a while with so many slots, has no
 * holder: who comes then waits. */
static void taking_over_while_mended(void **unused)
{
	const struct ring_config large = {.record_bytes = 1, .slots = 1u << 22, .users = 1};
	const struct ring_kind *kind = &ring_kinds[LENGTH(ring_kinds) - 1];
	unsigned met = 0;
	struct ring_side dead, next;
	struct ring_mem m;
	pthread_t thread;

	(void)unused;
	assert_int_equal(kind->kind, XK_RING_MPMC);
	ring_make(&m, kind, &large);
	for (unsigned i = 0; i < 10; i++) {
		struct xk_ring_info info;

		assert_int_equal(ring_consumer(&dead, kind, &m, m.fd), 0);
		ring_side_dies(&dead);
		assert_int_equal(pthread_create(&thread, NULL, repair, &m), 0);
		do
			assert_int_equal(xk_ring_look(m.mem, m.len, m.fd, &info, NULL), 0);
		while (info.n_users && info.users[0].dead);
		met += info.n_users;
		assert_int_equal(ring_consumer(&next, kind, &m, m.fd), 0);
		assert_false(next.hold->took_over);
		pthread_join(thread, NULL);
		kind->consumer_detach(&next);
	}
	assert_true(met);
	ring_mem_free(&m);
}

/* A mender stopped for good is not waited for for ever. */
static void mender_stopped(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		const struct ring_config one = {.record_bytes = 8, .slots = 4, .users = 1};
		struct flock mends = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 2};
		struct ring_side dead, next;
		struct ring_mem m;
		char path[32];
		int fd;

		ring_make(&m, kind, &one);
		assert_int_equal(ring_producer(&dead, kind, &m, m.fd), 0);
		ring_side_dies(&dead);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", m.fd);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_int_equal(fcntl(fd, F_OFD_SETLK, &mends), 0); /* of seat 0 */
		assert_int_equal(xk_ring_repair(m.mem, m.len, m.fd, NULL), 0);
		assert_int_equal(ring_producer(&next, kind, &m, m.fd), -EBUSY);
		close(fd);
		assert_int_equal(ring_producer(&next, kind, &m, m.fd), 0);
		assert_true(next.hold->took_over);
		kind->producer_detach(&next);
		ring_mem_free(&m);
	}
}

/* Without a descriptor nobody can be known to be dead. */
static void never_taken_over(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		const struct ring_config one = {.record_bytes = 8, .slots = 4, .users = 1};
		struct ring_side dead, next;
		struct ring_mem m;

		ring_make(&m, kind, &one);
		assert_int_equal(ring_producer(&dead, kind, &m, -1), 0);
		assert_int_equal(ring_producer(&next, kind, &m, m.fd), -EBUSY);
		assert_int_equal(xk_ring_repair(m.mem, m.len, m.fd, NULL), 0);
		assert_int_equal(ring_producer(&next, kind, &m, m.fd), -EBUSY);
		kind->producer_detach(&dead);
		assert_int_equal(ring_producer(&next, kind, &m, m.fd), 0);
		assert_false(next.hold->took_over);
		kind->producer_detach(&next);
		ring_mem_free(&m);
	}
}

/* --- records --- */

/* Push and pop as chance has it, up to burst records at a time; then fill it up, and drain it. */
static void move_records(struct ring_pair *pair, uint64_t first, uint64_t records, unsigned burst,
			 uint64_t *seed)
{
	uint64_t pushed = first, popped = first, slots = pair->prod.hold->shape.slots;

	while (popped - first < records) {
		unsigned n = chance(seed) % (burst + 1), got = ring_push(&pair->prod, n, pushed);

		assert_true(got <= n);
		pushed += got;
		assert_true(pushed - popped <= slots);
		n = chance(seed) % (burst + 1);
		got = ring_pop(&pair->cons, n, popped);
		/* all that is there, and one call of fanin stays at its turn's end */
		assert_int_equal(got, n < pushed - popped ? n : pushed - popped);
		popped += got;
	}
	while (popped < pushed)
		popped += ring_pop(&pair->cons, 1, popped);
	assert_int_equal(ring_pop(&pair->cons, 1, popped), 0);
	while (pushed - popped < slots)
		assert_int_equal(ring_push(&pair->prod, 1, pushed++), 1);
	assert_int_equal(ring_push(&pair->prod, 1, pushed), 0);
	while (popped < pushed)
		assert_int_equal(ring_pop(&pair->cons, 1, popped++), 1);
	assert_int_equal(ring_pop(&pair->cons, 1, popped), 0);
}

static void record_sizes(void **unused)
{
	static const uint32_t bytes[] = {1, 3, 8, 24, 64, 100, 4096}, slots[] = {1, 2, 4, 64};
	uint64_t seed = 2;

	(void)unused;
	for_each_kind(kind) for (unsigned i = 0; i < LENGTH(bytes) * LENGTH(slots); i++)
	{
		struct ring_config c = {.record_bytes = bytes[i % LENGTH(bytes)],
					.slots = slots[i / LENGTH(bytes)],
					.users = 2};
		struct ring_pair pair;

		if (c.slots < kind->least_slots)
			continue;
		ring_pair_make(&pair, kind, &c);
		move_records(&pair, 0, 12 * c.slots, 1, &seed);
		ring_pair_free(&pair);
		ring_pair_make(&pair, kind, &c);
		move_records(&pair, 0, 12 * c.slots, c.slots + 2, &seed);
		ring_pair_free(&pair);
	}
}

/* The counters pass their wrap: 2^64, and 2^56 for mpmc. */
static void wrapping_counters(void **unused)
{
	static const uint32_t slots[] = {1, 2, 8, 32};
	uint64_t seed = 3;

	(void)unused;
	for_each_kind(kind) for (unsigned i = 0; i < LENGTH(slots);
				 i++) for (unsigned before = 0; before < 40; before += 3)
	{
		uint64_t wrap = kind->kind == XK_RING_MPMC ? UINT64_C(1) << 56 : 0;
		struct ring_config c = {.record_bytes = before % 2 ? 12 : 60,
					.slots = slots[i],
					.users = 2,
					.first = wrap - before};
		struct ring_pair pair;

		if (c.slots < kind->least_slots)
			continue;
		ring_pair_make(&pair, kind, &c);
		move_records(&pair, c.first, 100, 1 + before % 9, &seed);
		ring_pair_free(&pair);
	}
}

/* A place is found again from what is in memory, also where the counters wrap. */
static void coming_again_at_the_wrap(void **unused)
{
	(void)unused;
	for_each_kind(kind) for (unsigned large = 0; large < 2; large++)
	{
		uint64_t wrap = kind->kind == XK_RING_MPMC ? UINT64_C(1) << 56 : 0;
		struct ring_config c = {
			.record_bytes = large ? 72 : 8, .slots = 8, .users = 1, .first = wrap - 21};
		uint64_t pushed = c.first, popped = c.first, seed = 4;
		struct ring_side side;
		struct ring_mem m;

		ring_make(&m, kind, &c);
		while (popped - c.first < 60) {
			assert_int_equal(ring_producer(&side, kind, &m, m.fd), 0);
			pushed += ring_push(&side, chance(&seed) % 9, pushed);
			kind->producer_detach(&side);
			assert_int_equal(ring_consumer(&side, kind, &m, m.fd), 0);
			popped += ring_pop(&side, chance(&seed) % 9, popped);
			kind->consumer_detach(&side);
		}
		ring_mem_free(&m);
	}
}

static void several_mappings(void **unused)
{
	uint64_t seed = 5;

	(void)unused;
	for_each_kind(kind)
	{
		struct ring_config c = {.record_bytes = 40, .slots = 128, .users = 2};
		struct ring_pair pair;
		struct ring_mem again;

		ring_pair_make(&pair, kind, &c);
		again = ring_mem_again(&pair.mem);
		assert_ptr_not_equal(again.mem, pair.mem.mem);
		kind->consumer_detach(&pair.cons);
		assert_int_equal(ring_consumer(&pair.cons, kind, &again, again.fd), 0);
		move_records(&pair, 0, 3000, 50, &seed);
		ring_pair_free(&pair);
		ring_mem_unmap(&again);
	}
}

/* --- looking, mending --- */

static const struct xk_ring_user *user_of(const struct xk_ring_info *info, enum xk_ring_role role)
{
	for (unsigned i = 0; i < info->n_users; i++)
		if (info->users[i].role == role)
			return &info->users[i];
	fail_msg("no user of role %d", role);
	return NULL;
}

static void looking(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct xk_ring_info info;
		struct ring_pair pair;

		ring_make(&pair.mem, kind, &plain);
		assert_int_equal(xk_ring_look(pair.mem.mem, pair.mem.len, -1, &info, NULL), 0);
		assert_int_equal(info.n_users, 0);
		assert_int_equal(info.produced, 0);
		ring_mem_free(&pair.mem);

		ring_pair_make(&pair, kind, &plain);
		assert_int_equal(ring_push(&pair.prod, 9, 0), 9);
		assert_int_equal(ring_pop(&pair.cons, 5, 0), 5);
		kind->wait_data(&pair.cons, XK_WAIT_SPIN, 0);
		assert_int_equal(ring_pop(&pair.cons, 5, 5), 4);
		assert_int_equal(ring_pop(&pair.cons, 5, 9), 0);
		assert_int_equal(kind->wait_data(&pair.cons, XK_WAIT_SPIN, 1), -ETIMEDOUT);
		assert_int_equal(xk_ring_look(pair.mem.mem, pair.mem.len, pair.mem.fd, &info, NULL),
				 0);
		assert_int_equal(info.shape.kind, kind->kind);
		assert_int_equal(info.shape.slots, 16);
		assert_int_equal(info.shape.record_bytes, 24);
		assert_int_equal(info.bytes, pair.mem.len);
		assert_int_equal(info.produced, 9);
		assert_int_equal(info.consumed, 9);
		assert_int_equal(info.n_users, 2);
		assert_int_equal(info.producer_waits, 0);
		assert_int_equal(info.consumer_waits, 1);
		assert_int_equal(user_of(&info, XK_ROLE_CONSUMER)->waits, 1);
		assert_false(user_of(&info, XK_ROLE_PRODUCER)->dead);
		assert_false(user_of(&info, XK_ROLE_CONSUMER)->dead);
		ring_pair_free(&pair);
	}
}

static void creations_differ(void **unused)
{
	struct xk_ring_info one, two;
	struct ring_mem m;

	(void)unused;
	ring_make(&m, ring_kinds, &plain);
	assert_int_equal(xk_ring_look(m.mem, m.len, -1, &one, NULL), 0);
	assert_int_equal(ring_kinds->init(m.mem, m.len, &plain), 0);
	assert_int_equal(xk_ring_look(m.mem, m.len, -1, &two, NULL), 0);
	assert_true(one.creation != two.creation);
	ring_mem_free(&m);
}

static void repairing(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct xk_ring_info info;
		struct ring_pair pair;
		struct xk_err err = {0};

		ring_pair_make(&pair, kind, &plain);
		char *mem = pair.mem.mem;
		size_t len = pair.mem.len;
		int fd = pair.mem.fd;

		assert_int_equal(xk_ring_repair(mem, len, -1, &err), -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_int_equal(xk_ring_repair(mem, len, fd, NULL), 0); /* both live */
		ring_side_dies(&pair.prod);
		assert_int_equal(xk_ring_look(mem, len, -1, &info, NULL), 0);
		assert_false(user_of(&info, XK_ROLE_PRODUCER)->dead); /* cannot be known */
		assert_int_equal(xk_ring_look(mem, len, fd, &info, NULL), 0);
		assert_true(user_of(&info, XK_ROLE_PRODUCER)->dead);
		assert_false(user_of(&info, XK_ROLE_CONSUMER)->dead);
		assert_int_equal(xk_ring_repair(mem, len, fd, NULL), 1);
		assert_int_equal(xk_ring_look(mem, len, fd, &info, NULL), 0);
		assert_int_equal(info.n_users, 1);
		assert_int_equal(xk_ring_repair(mem, len, fd, NULL), 0);
		kind->consumer_detach(&pair.cons);
		ring_mem_free(&pair.mem);
	}
}

/* --- a peer that writes nonsense --- */

/* A word near what is there, or anything. */
static uint64_t nonsense(uint64_t was, uint64_t *seed)
{
	static const uint64_t far[] = {0, UINT64_MAX, UINT64_C(1) << 63, UINT64_C(1) << 32};

	switch (chance(seed) % 4) {
	case 0:
		return was + chance(seed) % 600 - 300;
	case 1:
		return far[chance(seed) % LENGTH(far)];
	case 2:
		return was ^ UINT64_C(1) << chance(seed) % 64;
	default:
		return (uint64_t)chance(seed) << 32 | chance(seed);
	}
}

static void write_nonsense(char *mem, size_t len, uint64_t *seed)
{
	size_t after = sizeof(struct xk_ring_header), words = (len - after) / 8;
	uint64_t word;
	/* near the front, where the counters are, or anywhere */
	char *at = mem + after + chance(seed) % (chance(seed) % 4 ? words : words / 8 + 1) * 8;

	memcpy(&word, at, 8);
	word = nonsense(word, seed);
	memcpy(at, &word, 8);
}

static void use_ring(struct ring_pair *pair, uint64_t *seed)
{
	const struct ring_kind *kind = pair->prod.kind;
	unsigned n = chance(seed) % 40;
	struct xk_ring_info info;
	char *recs = malloc(40 * 72 + 1);

	memset(recs, 0, 40 * 72 + 1);
	assert_true(kind->push(&pair->prod, recs, n) <= n);
	assert_true(kind->pop(&pair->cons, recs, n) <= n);
	kind->wait_space(&pair->prod, XK_WAIT_SPIN, 0);
	kind->wait_data(&pair->cons, XK_WAIT_SPIN, 0);
	xk_ring_look(pair->mem.mem, pair->mem.len, -1, &info, NULL);
	assert_true(info.n_users <= LENGTH(info.users));
	free(recs);
}

/* Nothing is touched beside the ring: guard pages in front and behind see that. The handles stay
 * the same while the memory changes under them; then others attach to what there is. */
static void hostile_memory(void **unused)
{
	uint64_t seed = 6;

	(void)unused;
	for_each_kind(kind) for (unsigned round = 0; round < 300 / SLOWER; round++)
	{
		struct ring_config c = {
			.record_bytes = round % 2 ? 72 : 24, .slots = 16, .users = 3};
		struct ring_pair pair;
		struct ring_side side;
		int ret;

		ring_pair_make(&pair, kind, &c);
		for (unsigned i = 0; i < 50; i++) {
			use_ring(&pair, &seed);
			write_nonsense(pair.mem.mem, pair.mem.len, &seed);
		}
		if (!ring_producer(&side, kind, &pair.mem, pair.mem.fd))
			kind->producer_detach(&side);
		if (!ring_consumer(&side, kind, &pair.mem, pair.mem.fd))
			kind->consumer_detach(&side);
		ret = xk_ring_repair(pair.mem.mem, pair.mem.len, pair.mem.fd, NULL);
		assert_true(ret >= 0 || ret == -EPROTO);
		use_ring(&pair, &seed);
		ring_pair_free(&pair);
	}
}

/* Large records of spsc_latency are a stream's: its handles know, too. */
static void latency_broken(void **unused)
{
	const struct ring_kind *kind = &ring_kinds[1];

	(void)unused;
	for (unsigned large = 0; large < 2; large++) {
		struct ring_config c = {.record_bytes = large ? 64 : 8, .slots = 8};
		struct ring_pair pair;
		uint64_t *tail;
		char recs[64];

		ring_pair_make(&pair, kind, &c);
		assert_int_equal(kind->kind, XK_RING_SPSC_LATENCY);
		assert_false(xk_spsc_latency_producer_broken(&pair.prod.spsc_latency_prod));
		assert_false(xk_spsc_latency_consumer_broken(&pair.cons.spsc_latency_cons));
		tail = xk_ring_own_part(pair.cons.hold->ring, &pair.cons.hold->shape);
		tail[0] = 1u << 20;
		if (large)
			tail[16] = 1u << 20 | 8; /* head */
		assert_int_equal(kind->pop(&pair.cons, recs, 1), 0);
		assert_int_equal(kind->push(&pair.prod, recs, 1), 0);
		assert_int_equal(xk_spsc_latency_producer_broken(&pair.prod.spsc_latency_prod),
				 large);
		assert_int_equal(xk_spsc_latency_consumer_broken(&pair.cons.spsc_latency_cons),
				 large);
		ring_pair_free(&pair);
	}
}

/* --- coming and going while others run --- */

#define GUESTS 2u

struct traffic {
	const struct ring_kind *kind;
	struct ring_mem mem;
	uint64_t until;
	uint64_t pushed, popped, pushed_sum, popped_sum;
	unsigned visits, failures;
	unsigned producing; /* threads that still do */
};

static void push_some(struct traffic *t, struct ring_side *side, uint64_t *seed)
{
	uint64_t recs[4], sum = 0;
	unsigned got, n = 1 + chance(seed) % 4;

	for (unsigned i = 0; i < n; i++)
		recs[i] = chance(seed);
	got = t->kind->push(side, recs, n);
	for (unsigned i = 0; i < got; i++)
		sum += recs[i];
	__atomic_fetch_add(&t->pushed, got, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->pushed_sum, sum, __ATOMIC_RELAXED);
	if (!got)
		sched_yield();
}

static unsigned pop_some(struct traffic *t, struct ring_side *side)
{
	uint64_t recs[8], sum = 0;
	unsigned got = t->kind->pop(side, recs, 8);

	for (unsigned i = 0; i < got; i++)
		sum += recs[i];
	__atomic_fetch_add(&t->popped, got, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->popped_sum, sum, __ATOMIC_RELAXED);
	if (!got)
		sched_yield();
	return got;
}

/* Comes, pushes or pops a few, goes. */
static void *guest(void *arg)
{
	struct traffic *t = arg;
	uint64_t seed = (uint64_t)(uintptr_t)&seed | 1;

	while (now_ns() < t->until) {
		bool producer = chance(&seed) % 2;
		int fd = chance(&seed) % 2 ? t->mem.fd : -1;
		struct ring_side side;
		int ret = producer ? ring_producer(&side, t->kind, &t->mem, fd)
				   : ring_consumer(&side, t->kind, &t->mem, fd);

		if (ret) {
			__atomic_fetch_add(&t->failures, ret != -EBUSY, __ATOMIC_RELAXED);
			continue;
		}
		for (unsigned n = chance(&seed) % 50; n; n--)
			producer ? push_some(t, &side, &seed) : (void)pop_some(t, &side);
		producer ? t->kind->producer_detach(&side) : t->kind->consumer_detach(&side);
		__atomic_fetch_add(&t->visits, 1, __ATOMIC_RELAXED);
	}
	__atomic_fetch_sub(&t->producing, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *host_producer(void *arg)
{
	struct traffic *t = arg;
	struct ring_side side;
	uint64_t seed = 7;

	if (ring_producer(&side, t->kind, &t->mem, t->mem.fd))
		abort();
	while (now_ns() < t->until)
		push_some(t, &side, &seed);
	t->kind->producer_detach(&side);
	__atomic_fetch_sub(&t->producing, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *host_consumer(void *arg)
{
	struct traffic *t = arg;
	struct ring_side side;
	bool last = false;

	if (ring_consumer(&side, t->kind, &t->mem, t->mem.fd))
		abort();
	while (pop_some(t, &side) || !last) /* once more after everybody has gone */
		last = !__atomic_load_n(&t->producing, __ATOMIC_ACQUIRE);
	t->kind->consumer_detach(&side);
	return NULL;
}

static void coming_and_going(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct ring_config c = {.record_bytes = 8, .slots = 64, .users = 5};
		struct traffic t = {.kind = kind, .producing = GUESTS + 1};
		pthread_t threads[GUESTS + 2];

		if (!kind->many)
			continue;
		ring_make(&t.mem, kind, &c);
		t.until = now_ns() + 700000000u;
		assert_int_equal(pthread_create(&threads[0], NULL, host_producer, &t), 0);
		assert_int_equal(pthread_create(&threads[1], NULL, host_consumer, &t), 0);
		for (unsigned i = 0; i < GUESTS; i++)
			assert_int_equal(pthread_create(&threads[2 + i], NULL, guest, &t), 0);
		for (unsigned i = 0; i < GUESTS + 2; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(t.failures, 0);
		assert_true(t.visits > 20);
		assert_int_equal(t.pushed, t.popped);
		assert_int_equal(t.pushed_sum, t.popped_sum);
		ring_mem_free(&t.mem);
	}
}

/* Counters that move while one looks fit each other all the same. */
static void looking_at_traffic(void **unused)
{
	(void)unused;
	for_each_kind(kind)
	{
		struct ring_config c = {.record_bytes = 8, .slots = 2, .users = 2};
		struct traffic t = {.kind = kind, .producing = 1};
		pthread_t threads[2];

		ring_make(&t.mem, kind, &c);
		t.until = now_ns() + 300000000u;
		assert_int_equal(pthread_create(&threads[0], NULL, host_producer, &t), 0);
		assert_int_equal(pthread_create(&threads[1], NULL, host_consumer, &t), 0);
		while (now_ns() < t.until) {
			struct xk_ring_info info;

			assert_int_equal(xk_ring_look(t.mem.mem, t.mem.len, -1, &info, NULL), 0);
			assert_int_equal(xk_ring_repair(t.mem.mem, t.mem.len, t.mem.fd, NULL), 0);
		}
		for (unsigned i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(t.pushed_sum, t.popped_sum);
		ring_mem_free(&t.mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(sizes),
		ring_test(configurations),
		ring_test(configurations_of_kinds),
		ring_test(places),
		ring_test(truncated),
		ring_test(other_kinds),
		ring_test(damaged_headers),
		ring_test(other_versions),
		ring_test(damaged_counters),
		ring_test(seats),
		ring_test(bad_descriptor),
		ring_test(come_again),
		ring_test(taking_over),
		ring_test(taking_over_while_mended),
		ring_test(mender_stopped),
		ring_test(never_taken_over),
		ring_test(record_sizes),
		ring_test(wrapping_counters),
		ring_test(coming_again_at_the_wrap),
		ring_test(several_mappings),
		ring_test(looking),
		ring_test(creations_differ),
		ring_test(repairing),
		ring_test(hostile_memory),
		ring_test(latency_broken),
		ring_test(coming_and_going),
		ring_test(looking_at_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
