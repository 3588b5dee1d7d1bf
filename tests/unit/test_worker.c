// SPDX-License-Identifier: BSD-2-Clause
/* worker: the idle policies, stopping, failing, holding, and what was granted. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <xskit/atomic.h>
#include <xskit/worker.h>

#define MS     UINT64_C(1000000)
#define LIMIT  (5000 * MS) /* a test gives up after this long */
#define PROMPT (100 * MS)  /* how long stopping may take; sanitizers get more, see below */

#ifdef XK_DEBUG
#define SLACK 5
#else
#define SLACK 1
#endif

/* Shared with the worker: relaxed atomics all, results are read after join or polled for. */
struct work {
	uint64_t steps, waits, steps_at_wait, work_left, first_idle_ns, first_wait_ns;
	int fail_after;  /* steps, 0: never */
	int wait_result; /* returned by wait() */
	int wait_ms;     /* how long wait() sleeps at most */
	int work_fd;     /* wait() wakes for it too; -1: none */
	int cpu, policy;
	char name[16];
	sigset_t blocked;
};

static struct work work;
static struct xk_worker *worker;
static struct xk_err err;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

static void look_around(struct work *w)
{
	w->cpu = sched_getcpu();
	w->policy = sched_getscheduler(0);
	pthread_getname_np(pthread_self(), w->name, sizeof(w->name));
	pthread_sigmask(SIG_SETMASK, NULL, &w->blocked);
}

static int step(void *ctx)
{
	struct work *w = ctx;

	if (!xk_load_relaxed(&w->steps))
		look_around(w);
	xk_bump(&w->steps, 1);
	if (w->fail_after && xk_load_relaxed(&w->steps) >= (uint64_t)w->fail_after)
		return -EIO;
	if (xk_load_relaxed(&w->work_left)) {
		xk_bump(&w->work_left, -1);
		return 1;
	}
	if (!w->first_idle_ns)
		w->first_idle_ns = now_ns();
	return 0;
}

static int wait_for(void *ctx, int wake_fd)
{
	struct work *w = ctx;
	struct pollfd fds[2] = {{.fd = wake_fd, .events = POLLIN},
				{.fd = w->work_fd, .events = POLLIN}};
	uint64_t value;

	if (!xk_load_relaxed(&w->waits)) {
		w->first_wait_ns = now_ns();
		xk_store_relaxed(&w->steps_at_wait, xk_load_relaxed(&w->steps));
	}
	xk_bump(&w->waits, 1);
	poll(fds, 2, w->wait_ms);
	if (fds[1].revents && read(w->work_fd, &value, sizeof(value)) == sizeof(value))
		xk_store_relaxed(&w->work_left, value);
	return w->wait_result;
}

static int reset(void **unused)
{
	(void)unused;
	memset(&work, 0, sizeof(work));
	work.work_fd = -1;
	work.wait_ms = -1;
	worker = NULL;
	return 0;
}

static void start(struct xk_worker_config config)
{
	if (config.idle != XK_IDLE_BUSY)
		config.wait = wait_for;
	assert_int_equal(xk_worker_start(&worker, &config, step, &work, &err), 0);
}

/* Wait until a counter has reached a value; the limit only ends a broken worker. */
static void reaches(uint64_t *counter, uint64_t value)
{
	uint64_t end = now_ns() + LIMIT;

	while (xk_load_relaxed(counter) < value) {
		assert_true(now_ns() < end);
		sched_yield();
	}
}

static bool readable(int fd, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, ms) == 1;
}

/* Stop it and see that it ends soon. */
static void stop_soon(int want)
{
	uint64_t begin = now_ns();

	assert_false(xk_worker_stopping(worker));
	xk_worker_stop(worker);
	assert_true(xk_worker_stopping(worker));
	assert_true(readable(xk_worker_done_fd(worker), 5000));
	assert_true(now_ns() - begin < PROMPT * SLACK);
	assert_true(xk_worker_done(worker));
	assert_int_equal(xk_worker_join(worker), want);
	assert_int_equal(xk_worker_join(worker), want);
	xk_worker_destroy(worker);
}

static void busy(void **unused)
{
	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_BUSY});
	reaches(&work.steps, 10000);
	assert_false(xk_worker_done(worker));
	assert_false(readable(xk_worker_done_fd(worker), 0));
	stop_soon(0);
	assert_int_equal(work.waits, 0);
}

static void wait_sleeps(void **unused)
{
	uint64_t begin;

	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_WAIT});
	reaches(&work.waits, 1);
	begin = now_ns();
	while (now_ns() - begin < 200 * MS)
		poll(NULL, 0, 50);
	assert_int_equal(xk_load_relaxed(&work.steps), 1);
	assert_int_equal(xk_load_relaxed(&work.waits), 1);
	assert_true(xk_worker_cpu_ns(worker) < 20 * MS * SLACK);
	stop_soon(0);
}

/* Roused, it steps again although nothing else would have woken it, and goes on stepping. */
static void roused(void **unused)
{
	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_WAIT});
	reaches(&work.waits, 1);
	xk_worker_rouse(worker);
	reaches(&work.steps, 100);
	assert_false(xk_worker_done(worker));
	stop_soon(0);
}

/* As long as there is work, it does not wait. */
static void wait_works_first(void **unused)
{
	(void)unused;
	work.work_left = 1000;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_WAIT});
	reaches(&work.waits, 1);
	assert_int_equal(xk_load_relaxed(&work.steps_at_wait), 1001);
	stop_soon(0);
}

static void adaptive_spins_then_sleeps(void **unused)
{
	(void)unused;
	work.work_left = 10;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_ADAPTIVE, .spin_ns = 20 * MS});
	reaches(&work.waits, 1);
	poll(NULL, 0, 50);
	stop_soon(0);
	assert_int_equal(work.waits, 1);
	assert_true(work.steps_at_wait > 100);
	assert_true(work.first_wait_ns - work.first_idle_ns >= 20 * MS);
}

/* A wait that ends without work does not buy another spin; work does. */
static void adaptive_spins_for_work_only(void **unused)
{
	uint64_t value = 3, first, steps, waits;

	(void)unused;
	work.wait_ms = 1;
	work.work_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_ADAPTIVE, .spin_ns = 5 * MS});
	reaches(&work.waits, 20);
	first = xk_load_relaxed(&work.steps_at_wait);
	steps = xk_load_relaxed(&work.steps);
	assert_true(steps - first <= xk_load_relaxed(&work.waits) + 1);
	waits = xk_load_relaxed(&work.waits);
	assert_int_equal(write(work.work_fd, &value, sizeof(value)), sizeof(value));
	reaches(&work.steps, steps + 1000);
	assert_true(xk_load_relaxed(&work.waits) - waits < 200);
	stop_soon(0);
	close(work.work_fd);
}

static void adaptive_zero_spin(void **unused)
{
	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_ADAPTIVE});
	reaches(&work.waits, 1);
	stop_soon(0);
	assert_true(work.steps_at_wait <= 16);
}

static void step_error_ends(void **unused)
{
	static const enum xk_idle policies[] = {XK_IDLE_ADAPTIVE, XK_IDLE_BUSY, XK_IDLE_WAIT};

	for (unsigned i = 0; i < 3; i++) {
		reset(unused);
		work.fail_after = 50;
		work.wait_ms = 0;
		start((struct xk_worker_config){.cpu = -1, .idle = policies[i]});
		assert_true(readable(xk_worker_done_fd(worker), 5000));
		assert_true(xk_worker_done(worker));
		assert_false(xk_worker_stopping(worker));
		assert_int_equal(xk_worker_join(worker), -EIO);
		assert_int_equal(work.steps, 50);
		xk_worker_destroy(worker);
	}
}

static void wait_error_ends(void **unused)
{
	static const enum xk_idle policies[] = {XK_IDLE_ADAPTIVE, XK_IDLE_WAIT};

	for (unsigned i = 0; i < 2; i++) {
		reset(unused);
		work.wait_ms = 0;
		work.wait_result = -ENETDOWN;
		start((struct xk_worker_config){.cpu = -1, .idle = policies[i]});
		assert_int_equal(xk_worker_join(worker), -ENETDOWN);
		assert_int_equal(work.waits, 1);
		xk_worker_destroy(worker);
		reset(unused);
		work.wait_ms = 0;
		work.wait_result = -EINTR; /* a wait may be interrupted: no failure */
		start((struct xk_worker_config){.cpu = -1, .idle = policies[i]});
		reaches(&work.waits, 3);
		stop_soon(0);
	}
}

static void hold_and_release(void **unused)
{
	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_BUSY, .hold = true});
	poll(NULL, 0, 100);
	assert_int_equal(xk_load_relaxed(&work.steps), 0);
	assert_true(xk_worker_info(worker)->tid > 0);
	assert_true(xk_worker_cpu_ns(worker) < 20 * MS * SLACK);
	xk_worker_release(worker);
	reaches(&work.steps, 1);
	stop_soon(0);
}

static void held_can_be_stopped(void **unused)
{
	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_BUSY, .hold = true});
	stop_soon(0);
	assert_int_equal(work.steps, 0);
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_WAIT, .hold = true});
	xk_worker_destroy(worker);
	xk_worker_destroy(NULL);
}

/* The last CPU this process may use. */
static int last_cpu(void)
{
	cpu_set_t set;
	int last = -1;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			last = (int)cpu;
	}
	return last;
}

static void pinned(void **unused)
{
	int cpu = last_cpu();

	for (int i = 0; i < 2; i++) {
		reset(unused);
		start((struct xk_worker_config){.cpu = i ? cpu : 0, .idle = XK_IDLE_WAIT});
		reaches(&work.waits, 1);
		assert_int_equal(xk_worker_info(worker)->cpu, i ? cpu : 0);
		stop_soon(0);
		assert_int_equal(work.cpu, i ? cpu : 0);
	}
}

static void refused_is_no_error(void **unused)
{
	(void)unused;
	start((struct xk_worker_config){.cpu = 100000, .fifo = 1000, .idle = XK_IDLE_WAIT});
	assert_int_equal(xk_worker_info(worker)->cpu, -1);
	assert_int_equal(xk_worker_info(worker)->fifo, 0);
	reaches(&work.waits, 1);
	stop_soon(0);
	assert_int_equal(work.policy, SCHED_OTHER);
	reset(unused);
	start((struct xk_worker_config){.cpu = 1023, .idle = XK_IDLE_WAIT});
	assert_int_equal(xk_worker_info(worker)->cpu, -1);
	reaches(&work.waits, 1);
	stop_soon(0);
}

static void fifo(void **unused)
{
	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .fifo = 7, .idle = XK_IDLE_WAIT});
	reaches(&work.waits, 1);
	if (xk_worker_info(worker)->fifo) {
		assert_int_equal(xk_worker_info(worker)->fifo, 7);
		stop_soon(0);
		assert_int_equal(work.policy, SCHED_FIFO);
		return;
	}
	stop_soon(0);
	assert_int_equal(work.policy, SCHED_OTHER);
	print_message("no right to use SCHED_FIFO here\n");
	skip();
}

static void name_and_signals(void **unused)
{
	char name[] = "a-name-longer-than-fifteen";

	(void)unused;
	start((struct xk_worker_config){
		.name = name, .cpu = -1, .idle = XK_IDLE_WAIT, .hold = true});
	memset(name, 'x', sizeof(name) - 1);
	xk_worker_release(worker);
	reaches(&work.waits, 1);
	stop_soon(0);
	assert_string_equal(work.name, "a-name-longer-t");
	assert_true(sigismember(&work.blocked, SIGINT));
	assert_true(sigismember(&work.blocked, SIGTERM));
	assert_false(sigismember(&work.blocked, SIGSEGV));
	pthread_sigmask(SIG_SETMASK, NULL, &work.blocked); /* the controller's is as before */
	assert_false(sigismember(&work.blocked, SIGINT));
	reset(unused);
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_WAIT});
	reaches(&work.waits, 1);
	stop_soon(0);
	assert_string_equal(work.name, "xk-worker");
}

static void cpu_time(void **unused)
{
	uint64_t before, after;

	(void)unused;
	start((struct xk_worker_config){.cpu = -1, .idle = XK_IDLE_BUSY});
	reaches(&work.steps, 1000);
	before = xk_worker_cpu_ns(worker);
	while (xk_worker_cpu_ns(worker) < before + 20 * MS)
		sched_yield();
	after = xk_worker_cpu_ns(worker);
	xk_worker_stop(worker);
	assert_int_equal(xk_worker_join(worker), 0);
	assert_true(xk_worker_cpu_ns(worker) >= after); /* still known once it is gone */
	assert_true(xk_worker_cpu_ns(worker) < after + 5000 * MS);
	xk_worker_destroy(worker);
}

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void bad_arguments(void **unused)
{
	struct xk_worker_config config = {.cpu = -1, .idle = XK_IDLE_WAIT};
	int fds = open_fds();

	(void)unused;
	assert_int_equal(xk_worker_start(&worker, &config, step, &work, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	config.idle = XK_IDLE_ADAPTIVE;
	assert_int_equal(xk_worker_start(&worker, &config, step, &work, NULL), -EINVAL);
	config.idle = XK_IDLE_BUSY;
	assert_int_equal(xk_worker_start(&worker, &config, NULL, &work, NULL), -EINVAL);
	assert_null(worker);
	for (int i = 0; i < 20; i++) {
		start(config);
		xk_worker_destroy(worker);
	}
	assert_int_equal(open_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(busy, reset),
		cmocka_unit_test_setup(wait_sleeps, reset),
		cmocka_unit_test_setup(roused, reset),
		cmocka_unit_test_setup(wait_works_first, reset),
		cmocka_unit_test_setup(adaptive_spins_then_sleeps, reset),
		cmocka_unit_test_setup(adaptive_spins_for_work_only, reset),
		cmocka_unit_test_setup(adaptive_zero_spin, reset),
		cmocka_unit_test_setup(step_error_ends, reset),
		cmocka_unit_test_setup(wait_error_ends, reset),
		cmocka_unit_test_setup(hold_and_release, reset),
		cmocka_unit_test_setup(held_can_be_stopped, reset),
		cmocka_unit_test_setup(pinned, reset),
		cmocka_unit_test_setup(refused_is_no_error, reset),
		cmocka_unit_test_setup(fifo, reset),
		cmocka_unit_test_setup(name_and_signals, reset),
		cmocka_unit_test_setup(cpu_time, reset),
		cmocka_unit_test_setup(bad_arguments, reset),
	};

	alarm(30); /* a worker that cannot be stopped must not hang the test */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
