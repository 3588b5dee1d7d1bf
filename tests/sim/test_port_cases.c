// SPDX-License-Identifier: BSD-2-Clause
/* What a port does in one case each: refusals, fallbacks, bounds, and frames that go astray. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <xskit/port.h>
#include "../../user/lib/compat.h"
#include "kernel.h"

#define FRAMES 256u
#define RING   128u
#define MANY   1000000u

static struct xk_mem *mem;
static struct xk_umem *umem;
static struct xk_umem_cache cache;
static struct xk_port *port;
static struct sim_sock *sock;
static struct xk_err err;
static const struct xk_port_config plain = {.rx_size = RING, .tx_size = RING};

static void start(struct sim_config sim)
{
	const struct xk_umem_config config = {.frames = FRAMES, .frame_size = 2048, .id = 9};

	sim_reset(&sim);
	port = NULL;
	sock = NULL;
	memset(&err, 0, sizeof(err));
	assert_int_equal(xk_umem_create(&umem, mem, &config, &err), 0);
	assert_int_equal(xk_umem_cache_init(&cache, umem, 0), 0);
}

static int open_with(const struct xk_port_config *config)
{
	int ret = xk_port_open(&port, &cache, "sim0", 3, config, &err);

	if (ret == 0)
		sock = sim_sock(xk_port_fd(port));
	return ret;
}

static void start_open(struct sim_config sim, struct xk_port_config config)
{
	start(sim);
	assert_int_equal(open_with(&config), 0);
}

static struct xk_ledger ledger_now(int expected)
{
	struct xk_ledger ledger;

	assert_int_equal(xk_umem_audit(umem, &ledger), expected);
	return ledger;
}

/* Whatever happened: no socket, no frame and no holder is left. */
static void finish(void)
{
	xk_port_close(port);
	assert_int_equal(ledger_now(0).held[XK_OWNER_APP], FRAMES);
	xk_umem_cache_fini(&cache);
	assert_int_equal(xk_umem_destroy(umem), 0);
	assert_int_equal(sim_living(), 0);
	assert_null(sim_complaint());
}

static uint64_t get_one(void)
{
	uint64_t addr = 0;

	assert_int_equal(xk_umem_get(&cache, &addr, 1), 1);
	return addr;
}

static void send_frames(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct xk_pkt pkt = {.len = 64};

		pkt.addr = get_one();
		sim_stamp(xk_umem_data(&cache, pkt.addr), i, 0, 64);
		assert_int_equal(xk_port_tx(port, &pkt, 1), 1);
	}
}

static unsigned kick_calls(int expected)
{
	unsigned before = sim_calls(SIM_SENDTO);

	assert_int_equal(xk_port_kick(port), expected);
	return sim_calls(SIM_SENDTO) - before;
}

/* --- opening --- */

static void refuse_open(enum sim_call call, int with, unsigned pass, int expected, const char *fix)
{
	start((struct sim_config){0});
	sim_refuse(call, with, pass, MANY);
	assert_int_equal(open_with(&plain), expected);
	assert_int_equal(err.code, expected);
	assert_string_equal(err.what, "open port");
	assert_non_null(strstr(err.why, "sim0 queue 3"));
	if (fix)
		assert_non_null(strstr(err.fix, fix));
	port = NULL;
	finish();
}

static void test_open_refused(void **state)
{
	(void)state;
	refuse_open(SIM_SOCKET, EPERM, 0, -EPERM, "CAP_NET_RAW");
	refuse_open(SIM_SOCKET, EAFNOSUPPORT, 0, -EAFNOSUPPORT, "CONFIG_XDP_SOCKETS");
	refuse_open(SIM_SOCKET, EMFILE, 0, -EMFILE, NULL);
	refuse_open(SIM_UMEM_REG, ENOBUFS, 0, -ENOBUFS, "CAP_IPC_LOCK");
	refuse_open(SIM_UMEM_REG, EINVAL, 0, -EINVAL, "2048 or 4096");
	refuse_open(SIM_UMEM_REG, ENOMEM, 0, -ENOMEM, NULL);
	refuse_open(SIM_OFFSETS, ENOPROTOOPT, 0, -ENOPROTOOPT, NULL);
	for (unsigned ring = 0; ring < 4; ring++) {
		refuse_open(SIM_RING, ENOMEM, ring, -ENOMEM, NULL);
		refuse_open(SIM_MMAP, ENOMEM, ring, -ENOMEM, NULL);
	}
}

static void test_bind_refused(void **state)
{
	(void)state;
	refuse_open(SIM_BIND, ENETDOWN, 0, -ENETDOWN, "ip link set");
	refuse_open(SIM_BIND, EINVAL, 0, -EINVAL, "powers of two");
	refuse_open(SIM_BIND, EOPNOTSUPP, 0, -EOPNOTSUPP, NULL);
	refuse_open(SIM_BIND, ENODEV, 0, -ENODEV, NULL);
	refuse_open(SIM_BIND, EPERM, 0, -EPERM, NULL);
}

static void test_bad_config(void **state)
{
	static const struct xk_port_config bad[] = {
		{0},
		{.rx_size = 100},
		{.tx_size = 3},
		{.rx_size = 64, .fill_size = 65},
		{.tx_size = 64, .comp_size = 48},
	};

	(void)state;
	start((struct sim_config){0});
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(open_with(&bad[i]), -EINVAL);
		assert_non_null(strstr(err.fix, "powers of two"));
		port = NULL;
	}
	assert_int_equal(sim_calls(SIM_SOCKET), 0);
	assert_int_equal(xk_port_open(&port, &cache, "nosuch", 0, &plain, &err), -ENODEV);
	assert_non_null(strstr(err.why, "nosuch"));
	assert_int_equal(xk_port_open(&port, &cache, "nosuch", 0, &plain, NULL), -ENODEV);
	port = NULL;
	finish();
}

static void test_old_kernel(void **state)
{
	(void)state;
	start((struct sim_config){.old_offsets = true});
	assert_int_equal(open_with(&plain), -EPROTO);
	assert_non_null(strstr(err.fix, "newer kernel"));
	port = NULL;
	finish();
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void test_busy_queue(void **state)
{
	struct xk_port_config config = plain;
	uint64_t begun = now_ms();

	(void)state;
	config.bind_wait_ms = 40;
	start((struct sim_config){0});
	sim_refuse(SIM_BIND, EBUSY, 0, MANY);
	assert_int_equal(open_with(&config), -EBUSY);
	assert_in_range(now_ms() - begun, 40, 2000);
	assert_in_range(sim_calls(SIM_BIND), 2, 40);
	assert_non_null(strstr(err.why, "another AF_XDP socket"));
	sim_refuse(SIM_BIND, EBUSY, 0, 3);
	config.bind_wait_ms = 0;
	assert_int_equal(open_with(&config), 0);
	finish();
}

/* The flags tried, in their order, and what came of it. */
static void tries(struct sim_config sim, enum xk_bind bind, int expected, const unsigned *flags,
		  unsigned n)
{
	struct xk_port_config config = plain;

	config.bind = bind;
	config.multi_buffer = true;
	start(sim);
	assert_int_equal(open_with(&config), expected);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(sim_bind_flags(i), flags[i] | XDP_USE_NEED_WAKEUP);
	assert_int_equal(sim_bind_flags(n), 0);
	if (!expected) {
		assert_int_equal(xk_port_info(port)->zerocopy, !!(flags[n - 1] & XDP_ZEROCOPY));
		assert_int_equal(xk_port_info(port)->multi_buffer, !!(flags[n - 1] & XDP_USE_SG));
		assert_true(xk_port_info(port)->need_wakeup);
	} else {
		port = NULL;
	}
	finish();
}

static void test_fallback(void **state)
{
	static const unsigned all[] = {XDP_ZEROCOPY | XDP_USE_SG, XDP_ZEROCOPY,
				       XDP_COPY | XDP_USE_SG, XDP_COPY};

	(void)state;
	tries((struct sim_config){.sg = true, .zerocopy = true, .zerocopy_sg = true}, XK_BIND_AUTO,
	      0, all, 1);
	tries((struct sim_config){.sg = true, .zerocopy = true}, XK_BIND_AUTO, 0, all, 2);
	tries((struct sim_config){.sg = true}, XK_BIND_AUTO, 0, all, 3);
	tries((struct sim_config){.sg = false}, XK_BIND_AUTO, 0, all, 4);
	tries((struct sim_config){.sg = true}, XK_BIND_COPY, 0, all + 2, 1);
	tries((struct sim_config){.sg = false}, XK_BIND_COPY, 0, all + 2, 2);
	tries((struct sim_config){.sg = true}, XK_BIND_ZEROCOPY, -EOPNOTSUPP, all, 2);
	assert_non_null(strstr(err.fix, "--bind copy"));
	tries((struct sim_config){.zerocopy = true}, XK_BIND_ZEROCOPY, 0, all, 2);
}

static void test_busy_poll(void **state)
{
	static const enum sim_call options[] = {SIM_PREFER_BUSY_POLL, SIM_BUSY_POLL_BUDGET};
	struct xk_port_config config = plain;

	(void)state;
	start_open((struct sim_config){.napi_id = 77}, config);
	assert_false(xk_port_info(port)->busy_poll);
	assert_int_equal(xk_port_info(port)->napi_id, 77);
	finish();
	config.busy_poll = true;
	start_open((struct sim_config){0}, config);
	assert_true(xk_port_info(port)->busy_poll);
	assert_int_equal(xk_port_info(port)->napi_id, 0);
	finish();
	for (int i = 0; i < 2; i++) {
		start((struct sim_config){0});
		sim_refuse(options[i], EPERM, 0, 1);
		assert_int_equal(open_with(&config), 0);
		assert_false(xk_port_info(port)->busy_poll);
		finish();
	}
}

static void test_tx_budget(void **state)
{
	static const struct {
		bool known;
		uint32_t asked, granted;
		int why;
	} cases[] = {
		{true, 0, 0, 0},       {true, 64, 64, 0},
		{true, RING, RING, 0}, {true, RING * 2, 0, EACCES},
		{true, 8, 0, EACCES},  {false, 64, 0, ENOPROTOOPT},
	};
	struct xk_port_config config = plain;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		config.tx_budget = cases[i].asked;
		start_open((struct sim_config){.tx_budget = cases[i].known}, config);
		assert_int_equal(xk_port_info(port)->tx_budget, cases[i].granted);
		assert_int_equal(xk_port_info(port)->tx_budget_errno, cases[i].why);
		send_frames(RING);
		assert_int_equal(kick_calls(0),
				 (RING - 1) / (cases[i].granted ? cases[i].granted : 32) + 1);
		finish();
	}
}

/* --- kicking --- */

static void test_kick_is_bounded(void **state)
{
	(void)state;
	start_open((struct sim_config){0}, plain);
	assert_int_equal(kick_calls(0), 0); /* nothing to send, no call */
	send_frames(100);
	sim_want_wakeup(sock, false, false);
	assert_int_equal(kick_calls(0), 0); /* not asked for */
	sim_want_wakeup(sock, false, true);
	sim_set_noise(1024);
	assert_int_equal(kick_calls(-EAGAIN), 1); /* nothing moves: no second call */
	sim_set_noise(0);
	sim_refuse(SIM_SENDTO, ENOBUFS, 0, 1);
	assert_int_equal(kick_calls(-EAGAIN), 1);
	sim_refuse(SIM_SENDTO, EINTR, 0, 1);
	assert_int_equal(kick_calls(-EAGAIN), 1);
	assert_int_equal(kick_calls(0), 4); /* 100 frames, 32 a call */
	assert_int_equal(kick_calls(0), 0);
	finish();
}

static void test_kick_full_completion_ring(void **state)
{
	struct xk_port_config config = plain;

	(void)state;
	config.comp_size = 16;
	start_open((struct sim_config){0}, config);
	send_frames(100);
	assert_int_equal(kick_calls(-EAGAIN), 2); /* 16 go, then nothing moves */
	assert_int_equal(sim_complete(sock, MANY), 16);
	assert_int_equal(xk_port_reap(port), 16);
	assert_int_equal(kick_calls(-EAGAIN), 2);
	assert_int_equal(xk_port_tx_pending(port), 84);
	finish();
}

static void test_kick_behind_invalid(void **state)
{
	struct xk_pkt bad = {.len = 4096};

	(void)state;
	start_open((struct sim_config){.return_invalid = true}, plain);
	bad.addr = get_one();
	assert_int_equal(xk_port_tx(port, &bad, 1), 1);
	send_frames(4);
	assert_int_equal(kick_calls(-EAGAIN), 1); /* what is left must be told */
	assert_int_equal(kick_calls(0), 1);
	finish();
}

static void test_kick_wakes_receive_too(void **state)
{
	unsigned before;

	(void)state;
	start_open((struct sim_config){0}, plain);
	sim_want_wakeup(sock, true, true);
	send_frames(4);
	sim_set_noise(1024);
	before = sim_calls(SIM_RECVFROM);
	assert_int_equal(xk_port_kick(port), -EAGAIN);
	assert_int_equal(sim_calls(SIM_RECVFROM), before + 1);
	finish();
}

static void test_link(void **state)
{
	(void)state;
	start_open((struct sim_config){0}, plain);
	send_frames(40);
	sim_link(sock, false);
	assert_int_equal(kick_calls(-ENETDOWN), 1);
	assert_int_equal(xk_port_poll(port), -ENETDOWN);
	sim_link(sock, true);
	assert_int_equal(kick_calls(0), 2);
	send_frames(40);
	sim_gone(sock);
	assert_int_equal(kick_calls(-ENXIO), 1);
	assert_int_equal(xk_port_poll(port), -ENXIO);
	finish();
}

/* Each call drops one frame, completes it, says EBUSY, and does not publish that it took it. */
static void test_no_carrier(void **state)
{
	struct xk_ledger ledger;

	(void)state;
	start_open((struct sim_config){0}, plain);
	send_frames(100);
	sim_carrier(sock, false);
	assert_int_equal(kick_calls(-EAGAIN), 4);
	ledger = ledger_now(0);
	assert_int_equal(ledger.held[XK_OWNER_COMPLETION], 4);
	assert_int_equal(ledger.held[XK_OWNER_TX], 96);
	assert_int_equal(xk_port_reap(port), 4);
	ledger = ledger_now(0);
	assert_int_equal(ledger.held[XK_OWNER_TX], 96);
	finish();
}

/* --- receiving --- */

static unsigned receive_and_recycle(void)
{
	struct xk_pkt pkts[64];
	unsigned n = xk_port_rx(port, pkts, 64);

	xk_port_recycle(port, pkts, n);
	return n;
}

/* A ring too small for a batch is topped up before a packet can wait for frames in vain. */
static void test_small_fill_ring(void **state)
{
	(void)state;
	for (uint32_t size = 16; size <= 128; size *= 2) {
		struct xk_port_config config = {
			.rx_size = 64, .fill_size = size, .multi_buffer = true};

		start_open((struct sim_config){.sg = true}, config);
		for (uint32_t i = 0; i < 100; i++) {
			assert_true(sim_deliver(sock, i, 5 * sim_frame_room(sock)));
			sim_flush(sock);
			assert_int_equal(receive_and_recycle(), 5);
			receive_and_recycle();
		}
		finish();
	}
}

/* A zero-copy driver has frames to receive into also where nobody listens, and the ledger knows
 * them; in copy mode none lie idle. */
static void test_fill_without_rx(void **state)
{
	const struct xk_port_config config = {.tx_size = RING, .fill_size = 64};

	(void)state;
	for (unsigned zerocopy = 0; zerocopy < 2; zerocopy++) {
		start_open((struct sim_config){.zerocopy = zerocopy}, config);
		assert_int_equal(ledger_now(0).held[XK_OWNER_FILL], zerocopy ? 64 : 0);
		send_frames(RING);
		assert_int_equal(xk_port_kick(port), 0);
		ledger_now(0);
		finish();
	}
}

static void test_full_rx_ring(void **state)
{
	struct xk_port_config config = plain;
	struct xk_port_xdp_stats stats;
	struct xk_ledger ledger;
	unsigned n = 0;

	(void)state;
	config.fill_size = 2 * RING; /* more frames than the RX ring has slots */
	start_open((struct sim_config){0}, config);
	receive_and_recycle();
	/* the last one taken from the fill ring stays with the kernel */
	for (uint32_t i = 0; i < RING; i++)
		assert_true(sim_deliver(sock, i, 64));
	sim_flush(sock);
	assert_false(sim_deliver(sock, RING, 64));
	assert_false(sim_deliver(sock, RING, 64));
	sim_flush(sock);
	assert_int_equal(xk_port_xdp_stats(port, &stats), 0);
	assert_int_equal(stats.rx_ring_full, 2);
	ledger = ledger_now(0);
	assert_int_equal(ledger.held[XK_OWNER_KERNEL], 1);
	assert_int_equal(ledger.held[XK_OWNER_RX], RING);
	while (n < RING)
		n += receive_and_recycle();
	assert_true(sim_deliver(sock, RING, 64));
	sim_flush(sock);
	assert_int_equal(ledger_now(0).held[XK_OWNER_KERNEL], 0);
	assert_false(sim_deliver(sock, 0, 9000)); /* no multi-buffer */
	assert_int_equal(xk_port_xdp_stats(port, &stats), 0);
	assert_int_equal(stats.rx_dropped, 1);
	finish();
}

/* --- frames that go astray --- */

static void test_dropped_frame(void **state)
{
	struct xk_ledger ledger;
	uint64_t addr;

	(void)state;
	start_open((struct sim_config){0}, plain);
	addr = get_one();
	ledger = ledger_now(-EUCLEAN);
	assert_int_equal(ledger.lost, 1);
	assert_int_equal(ledger.twice, 0);
	xk_umem_put(&cache, &addr, 1);
	finish();
}

static void test_frame_given_back_twice(void **state)
{
	struct xk_ledger ledger;
	uint64_t addr;

	(void)state;
	start_open((struct sim_config){0}, plain);
	addr = get_one();
	xk_umem_put(&cache, &addr, 1);
	xk_umem_put(&cache, &addr, 1);
	ledger = ledger_now(-EUCLEAN);
	assert_int_equal(ledger.lost, 0);
	assert_int_equal(ledger.twice, 1);
	get_one();
	finish();
}

#ifndef XK_DEBUG /* which would abort at once */
/* In use and in the cache at the same time. */
static void test_frame_sent_and_kept(void **state)
{
	uint64_t addr;

	(void)state;
	start_open((struct sim_config){0}, plain);
	send_frames(1);
	addr = get_one();
	xk_umem_put(&cache, &addr, 1);
	assert_int_equal(xk_port_tx(port, &(struct xk_pkt){.addr = addr, .len = 64}, 1), 1);
	assert_int_equal(ledger_now(-EUCLEAN).twice, 1);
	get_one();
	finish();
}
#endif

static void test_swallowed_descriptor(void **state)
{
	struct xk_pkt bad = {.len = 4096};
	struct xk_port_xdp_stats stats;

	(void)state;
	start_open((struct sim_config){0}, plain);
	bad.addr = get_one();
	assert_int_equal(xk_port_tx(port, &bad, 1), 1);
	xk_port_kick(port);
	xk_port_kick(port);
	assert_int_equal(xk_port_xdp_stats(port, &stats), 0);
	assert_int_equal(stats.tx_invalid_descs, 1);
	assert_int_equal(xk_port_tx_pending(port), 1);
	assert_int_equal(ledger_now(0).held[XK_OWNER_KERNEL], 1);
	finish(); /* the frame comes back with the port's end */
}

static void frames_stay_put(void *ctx)
{
	assert_int_equal(cache.count, *(uint32_t *)ctx);
}

/* As long as a ring is mapped the kernel receives: frames may not be taken back before. */
static void test_close_takes_back_last(void **state)
{
	uint32_t count;

	(void)state;
	start_open((struct sim_config){0}, plain);
	send_frames(50);
	assert_int_equal(kick_calls(0), 2);
	sim_complete(sock, 20);
	for (uint32_t i = 0; i < RING + 5; i++)
		sim_deliver(sock, i, 64);
	sim_flush(sock);
	count = cache.count;
	sim_on_unmap(frames_stay_put, &count);
	finish();
}

/* --- */

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
		cmocka_unit_test(test_open_refused),
		cmocka_unit_test(test_bind_refused),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_old_kernel),
		cmocka_unit_test(test_busy_queue),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_busy_poll),
		cmocka_unit_test(test_tx_budget),
		cmocka_unit_test(test_kick_is_bounded),
		cmocka_unit_test(test_kick_full_completion_ring),
		cmocka_unit_test(test_kick_behind_invalid),
		cmocka_unit_test(test_kick_wakes_receive_too),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_no_carrier),
		cmocka_unit_test(test_small_fill_ring),
		cmocka_unit_test(test_fill_without_rx),
		cmocka_unit_test(test_full_rx_ring),
		cmocka_unit_test(test_dropped_frame),
		cmocka_unit_test(test_frame_given_back_twice),
#ifndef XK_DEBUG
		cmocka_unit_test(test_frame_sent_and_kept),
#endif
		cmocka_unit_test(test_swallowed_descriptor),
		cmocka_unit_test(test_close_takes_back_last),
	};

	return cmocka_run_group_tests(tests, make_mem, free_mem);
}
