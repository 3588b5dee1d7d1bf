// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xskit/umem.h>

#define FRAMES  256u
#define THREADS 4
#define ROUNDS  20000u

static struct xk_mem *mem;

static struct xk_umem *make(uint32_t frames)
{
	const struct xk_umem_config config = {.frames = frames, .frame_size = 2048, .id = 3};
	struct xk_umem *umem = NULL;

	assert_int_equal(xk_umem_create(&umem, mem, &config, NULL), 0);
	return umem;
}

static void assert_all_here(struct xk_umem *umem, uint32_t frames)
{
	struct xk_ledger ledger;

	assert_int_equal(xk_umem_audit(umem, &ledger), 0);
	assert_int_equal(ledger.frames, frames);
	assert_int_equal(ledger.held[XK_OWNER_APP], frames);
	assert_int_equal(ledger.lost, 0);
	assert_int_equal(ledger.twice, 0);
}

static void test_sizes(void **state)
{
	static const struct {
		uint32_t frames, size, headroom;
		size_t bytes;
	} cases[] = {
		{1, 2048, 0, 2048},
		{4096, 2048, 0, 4096 * 2048},
		{16, 4096, 256, 65536},
		{16, 2048, 1791, 32768},
		{16, 2048, 1792, 0},
		{16, 2048, UINT32_MAX, 0},
		{0, 2048, 0, 0},
		{16, 0, 0, 0},
		{16, 1024, 0, 0},
		{16, 3000, 0, 0},
		{16, 2049, 0, 0},
		{16, 8192, 0, 131072},
		{1u << 31, 4096, 0, UINT64_C(1) << 43},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct xk_umem_config config = {.frames = cases[i].frames,
						      .frame_size = cases[i].size,
						      .headroom = cases[i].headroom};

		assert_int_equal(xk_umem_size(&config), cases[i].bytes);
	}
}

static void refuse(struct xk_umem_config config, const char *why)
{
	struct xk_umem *umem = NULL;
	struct xk_err err = {0};

	assert_int_equal(xk_umem_create(&umem, mem, &config, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_non_null(strstr(err.why, why));
	assert_true(strlen(err.fix) > 0);
	assert_null(umem);
	assert_int_equal(xk_umem_create(&umem, mem, &config, NULL), -EINVAL);
}

static void test_refused(void **state)
{
	(void)state;
	refuse((struct xk_umem_config){.frames = 0, .frame_size = 2048}, "0 frames");
	refuse((struct xk_umem_config){.frames = 16, .frame_size = 3000}, "3000 bytes");
	refuse((struct xk_umem_config){.frames = 16, .frame_size = 8192}, "pages of 4096");
	refuse((struct xk_umem_config){.frames = 16, .frame_size = 2048, .headroom = 2000},
	       "headroom of 2000");
	refuse((struct xk_umem_config){.frames = 2 * FRAMES, .frame_size = 2048}, "needed");
}

static void test_create_and_destroy(void **state)
{
	struct xk_umem *umem = make(FRAMES);
	struct xk_umem_cache cache;

	(void)state;
	assert_all_here(umem, FRAMES);
	assert_int_equal(xk_umem_config(umem)->id, 3);
	assert_ptr_equal(xk_umem_mem(umem), mem);
	assert_int_equal(xk_umem_cache_init(&cache, umem, 0), 0);
	assert_int_equal(cache.size, FRAMES);
	assert_ptr_equal(xk_umem_data(&cache, 4096), (char *)xk_mem_info(mem)->addr + 4096);
	assert_int_equal(xk_umem_destroy(umem), -EBUSY);
	xk_umem_cache_fini(&cache);
	xk_umem_cache_fini(&cache); /* harmless */
	assert_int_equal(xk_umem_destroy(umem), 0);
	assert_int_equal(xk_umem_destroy(NULL), 0);
}

static void walk_nothing(const struct xk_umem_holder *self, struct xk_umem_audit *audit)
{
	(void)self;
	(void)audit;
}

static void test_holder_keeps_it(void **state)
{
	struct xk_umem_holder one = {.walk = walk_nothing}, two = {.walk = walk_nothing};
	struct xk_umem *umem = make(16);

	(void)state;
	xk_umem_hold(umem, &one);
	xk_umem_hold(umem, &two);
	assert_int_equal(xk_umem_destroy(umem), -EBUSY);
	xk_umem_unhold(umem, &one);
	assert_int_equal(xk_umem_destroy(umem), -EBUSY);
	xk_umem_unhold(umem, &two);
	xk_umem_unhold(umem, &two);
	assert_int_equal(xk_umem_destroy(umem), 0);
}

/* Every frame exactly once, whatever the cache's size, and none after that. */
static void test_every_frame_once(void **state)
{
	static const uint32_t sizes[] = {0, 1, 2, 3, 7, 64, FRAMES - 1, FRAMES, FRAMES + 1};
	uint64_t addrs[FRAMES + 8];

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct xk_umem *umem = make(FRAMES);
		uint8_t found[FRAMES] = {0};
		struct xk_umem_cache cache;

		assert_int_equal(xk_umem_cache_init(&cache, umem, sizes[i]), 0);
		assert_int_equal(xk_umem_get(&cache, addrs, FRAMES + 8), FRAMES);
		assert_int_equal(xk_umem_get(&cache, addrs + FRAMES, 1), 0);
		for (unsigned k = 0; k < FRAMES; k++) {
			assert_int_equal(addrs[k] % 2048, 0);
			assert_true(addrs[k] / 2048 < FRAMES);
			assert_int_equal(found[addrs[k] / 2048]++, 0);
		}
		xk_umem_put(&cache, addrs, FRAMES);
		assert_true(cache.count <= cache.size);
		assert_all_here(umem, FRAMES);
		xk_umem_cache_fini(&cache);
		assert_all_here(umem, FRAMES);
		assert_int_equal(xk_umem_destroy(umem), 0);
	}
}

/* Frames put into one cache come out of another, through the depot. */
static void test_two_caches(void **state)
{
	struct xk_umem *umem = make(FRAMES);
	struct xk_umem_cache from, to;
	uint64_t addrs[FRAMES];
	unsigned n = 0;

	(void)state;
	assert_int_equal(xk_umem_cache_init(&from, umem, 0), 0);
	assert_int_equal(xk_umem_cache_init(&to, umem, 32), 0);
	assert_int_equal(xk_umem_get(&from, addrs, FRAMES), FRAMES);
	xk_umem_put(&to, addrs, FRAMES);
	assert_all_here(umem, FRAMES);
	n = xk_umem_get(&from, addrs, FRAMES);
	assert_in_range(n, FRAMES - 32, FRAMES);
	n += xk_umem_get(&to, addrs + n, FRAMES - n);
	assert_int_equal(n, FRAMES);
	xk_umem_put(&from, addrs, FRAMES);
	xk_umem_cache_fini(&from);
	xk_umem_cache_fini(&to);
	assert_all_here(umem, FRAMES);
	assert_int_equal(xk_umem_destroy(umem), 0);
}

static void test_any_address_names_the_frame(void **state)
{
	struct xk_umem *umem = make(16);
	struct xk_umem_cache cache;
	uint64_t addr = 0, inside, again = 0;

	(void)state;
	assert_int_equal(xk_umem_cache_init(&cache, umem, 0), 0);
	assert_int_equal(xk_umem_get(&cache, &addr, 1), 1);
	inside = addr + 2047;
	xk_umem_put(&cache, &inside, 1);
	assert_int_equal(xk_umem_get(&cache, &again, 1), 1);
	assert_int_equal(again, addr);
	xk_umem_put(&cache, &again, 1);
	assert_all_here(umem, 16);
	xk_umem_cache_fini(&cache);
	assert_int_equal(xk_umem_destroy(umem), 0);
}

static void test_dropped_and_forged(void **state)
{
	struct xk_umem *umem = make(16);
	struct xk_umem_cache cache;
	struct xk_ledger ledger;
	uint64_t addr = 0, forged = 16 * 2048;

	(void)state;
	assert_int_equal(xk_umem_cache_init(&cache, umem, 0), 0);
	assert_int_equal(xk_umem_get(&cache, &addr, 1), 1);
	assert_int_equal(xk_umem_audit(umem, &ledger), -EUCLEAN);
	assert_int_equal(ledger.lost, 1);
	assert_int_equal(ledger.held[XK_OWNER_APP], 15);
	xk_umem_put(&cache, &forged, 1);
	assert_int_equal(xk_umem_audit(umem, &ledger), -EUCLEAN);
	assert_int_equal(ledger.lost, 1);
	assert_int_equal(ledger.twice, 1);
	xk_umem_cache_fini(&cache);
	assert_int_equal(xk_umem_destroy(umem), 0);
}

/* Far more frames given back than there are: told by the ledger, and nothing is written past. */
static void test_given_back_twice(void **state)
{
	static const uint32_t sizes[] = {0, 1, 2, 5, 15};

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct xk_umem *umem = make(16);
		struct xk_umem_cache cache, other;
		struct xk_ledger ledger;
		uint64_t addr = 0;

		assert_int_equal(xk_umem_cache_init(&cache, umem, sizes[i]), 0);
		assert_int_equal(xk_umem_cache_init(&other, umem, 3), 0);
		assert_int_equal(xk_umem_get(&cache, &addr, 1), 1);
		for (unsigned k = 0; k < 100; k++)
			xk_umem_put(k % 3 ? &cache : &other, &addr, 1);
		assert_true(cache.count <= cache.size);
		assert_true(other.count <= other.size);
		assert_int_equal(xk_umem_audit(umem, &ledger), -EUCLEAN);
		assert_true(ledger.twice > 0);
		xk_umem_cache_fini(&cache);
		xk_umem_cache_fini(&other);
		assert_int_equal(xk_umem_destroy(umem), 0);
	}
}

/* --- threads --- */

struct worker {
	struct xk_umem_cache cache;
	uint8_t *owned; /* a byte a frame, for all threads */
	unsigned seed;
	unsigned doubles;
	uint64_t mine[FRAMES];
	unsigned n_mine;
};

static unsigned next(struct worker *worker, unsigned n)
{
	worker->seed = worker->seed * 1664525u + 1013904223u;
	return (worker->seed >> 16) % n;
}

static void take_some(struct worker *worker)
{
	unsigned n = next(worker, 33);

	if (n > FRAMES - worker->n_mine)
		n = FRAMES - worker->n_mine;
	n = xk_umem_get(&worker->cache, &worker->mine[worker->n_mine], n);
	for (; n; n--, worker->n_mine++) {
		uint8_t *owned = &worker->owned[worker->mine[worker->n_mine] / 2048];

		worker->doubles += __atomic_exchange_n(owned, 1, __ATOMIC_RELAXED);
	}
}

static void give(struct worker *worker, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		uint8_t *owned = &worker->owned[worker->mine[worker->n_mine - i] / 2048];

		worker->doubles += !__atomic_exchange_n(owned, 0, __ATOMIC_RELAXED);
	}
	worker->n_mine -= n;
	xk_umem_put(&worker->cache, &worker->mine[worker->n_mine], n);
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		take_some(worker);
		give(worker, next(worker, worker->n_mine + 1));
	}
	give(worker, worker->n_mine);
	return NULL;
}

static void test_threads(void **state)
{
	static const uint32_t sizes[THREADS] = {1, 16, 61, 0};
	static struct worker workers[THREADS];
	struct xk_umem *umem = make(FRAMES);
	uint8_t owned[FRAMES] = {0};
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.owned = owned, .seed = i};
		assert_int_equal(xk_umem_cache_init(&workers[i].cache, umem, sizes[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_all_here(umem, FRAMES);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].doubles, 0);
		xk_umem_cache_fini(&workers[i].cache);
	}
	assert_all_here(umem, FRAMES);
	assert_int_equal(xk_umem_destroy(umem), 0);
}

static int make_mem(void **state)
{
	const struct xk_mem_config config = {
		.size = FRAMES * 2048, .node = -1, .huge = XK_HUGE_OFF};

	(void)state;
	return xk_mem_create(&mem, &config, NULL);
}

static int free_mem(void **state)
{
	(void)state;
	xk_mem_destroy(mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_create_and_destroy),
		cmocka_unit_test(test_holder_keeps_it),
		cmocka_unit_test(test_every_frame_once),
		cmocka_unit_test(test_two_caches),
		cmocka_unit_test(test_any_address_names_the_frame),
		cmocka_unit_test(test_dropped_and_forged),
		cmocka_unit_test(test_given_back_twice),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, make_mem, free_mem);
}
