// SPDX-License-Identifier: BSD-2-Clause
/*
 * kengine.c - see kengine.h.
 *
 * One BPF_PROG_RUN call costs tens of milliseconds to set up and tear down, during which nothing is
 * sent. So a call is given as many repeats as it may ever need, and is ended by a signal, which the
 * kernel looks for after each batch. The signal comes from a POSIX timer aimed at the running
 * thread: it repeats until the thread has disarmed it, so it cannot be lost by arriving just before
 * the call, and arming it is all that kengine_stop() has to do.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "abi.h"
#include "kengine.h"
#include "xdp_gen.skel.h"

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* the kernel's own, which leaks out of bpf(2) */
#endif
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define WHAT           "create kernel engine"
#define NSEC           1000000000ull
#define PSEC           1000000000000ull
#define UDP_LEN        8
#define ETH_LEN        14
#define MAX_REPEAT     (1u << 30) /* the kernel counts in 32 bits and may step past this */
#define WAKE_PERIOD_NS 2000000    /* the signal repeats until the call has returned */
#define NEVER_NS       1e18       /* 31 years */
#define FIRST_SLACK_NS 30000000
#define SINGLE_MAX_PPS 1500000
#define BULK_BATCH     64

struct kengine {
	struct xdp_gen *skel;
	uint8_t frame[KENGINE_MAX_FRAME];
	struct kengine_config config;
	pthread_mutex_t lock; /* stopped, running, timer */
	bool stopped;
	bool running;
	timer_t timer; /* signals the running thread; exists while running */
};

_Static_assert(KENGINE_MAX_FRAME == XK_GEN_MAX_FRAME, "the program's template holds any frame");

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

static uint16_t word_at(const uint8_t *p)
{
	uint16_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/*
 * Sum that a checksum field stands for, without one of the words it covers: 0 only if the field
 * says that there is no checksum. All sums are in the frame's byte order.
 */
static uint16_t sum_without(uint16_t field, uint16_t word)
{
	uint16_t sum = (uint16_t)~field;

	return fold((uint32_t)(sum ? sum : 0xffff) + (uint16_t)~word);
}

static int check_config(const struct kengine_config *c, struct xk_err *err)
{
	if (c->len > KENGINE_MAX_FRAME)
		return xk_err_fill(err, -EMSGSIZE, WHAT, "use --engine xsk",
				   "the kernel engine sends at most %d bytes, not %u",
				   KENGINE_MAX_FRAME, c->len);
	if (!c->frame || c->l4_off < ETH_LEN || c->len < (uint32_t)c->l4_off + UDP_LEN)
		return xk_err_fill(err, -EINVAL, WHAT, NULL,
				   "no UDP header at %u in a frame of %u bytes", c->l4_off, c->len);
	if (c->id_off && (c->id_off < ETH_LEN || c->l4_off < c->id_off + 20))
		return xk_err_fill(err, -EINVAL, WHAT, NULL, "no IPv4 header at %u", c->id_off);
	if (c->flows > KENGINE_MAX_FLOWS)
		return xk_err_fill(err, -EINVAL, WHAT, "use fewer flows",
				   "%u flows, and a UDP source port has %d values", c->flows,
				   KENGINE_MAX_FLOWS);
	if (c->rate_pps > NSEC)
		return xk_err_fill(err, -EINVAL, WHAT, "use 0 for as fast as it goes",
				   "%llu packets a second are more than one a nanosecond",
				   (unsigned long long)c->rate_pps);
	if (c->batch > KENGINE_MAX_BATCH)
		return xk_err_fill(err, -EINVAL, WHAT, NULL,
				   "a batch of %u, at most %d are allowed", c->batch,
				   KENGINE_MAX_BATCH);
	return 0;
}

/* What the program finds as constants when it is loaded. */
static void fill_rodata(struct xdp_gen__rodata *ro, const struct kengine_config *c)
{
	const uint8_t *udp = c->frame + c->l4_off, *ip = c->frame + c->id_off;
	uint16_t sport = word_at(udp), check = word_at(udp + 6);

	ro->config.ifindex = (uint32_t)c->ifindex;
	ro->config.interval_ps = c->rate_pps ? PSEC / c->rate_pps : 0;
	ro->config.limit = c->limit;
	ro->config.flows = c->flows ? c->flows : 1;
	ro->config.len = c->len;
	ro->config.l4_off = c->l4_off;
	ro->config.sport_base = (uint16_t)(udp[0] << 8 | udp[1]);
	ro->config.udp_sum = check ? sum_without(check, sport) : 0;
	ro->config.id_off = c->id_off;
	if (c->id_off)
		ro->config.ip_sum = sum_without(word_at(ip + 10), word_at(ip + 4));
	memcpy(ro->frame, c->frame, c->len);
}

static int load(struct kengine *e, struct xk_err *err)
{
	int ret;

	e->skel = xdp_gen__open();
	if (!e->skel)
		return xk_err_fill(err, -errno, WHAT, NULL, "cannot open the generator program");
	fill_rodata(e->skel->rodata, &e->config);
	ret = xdp_gen__load(e->skel);
	if (ret == -EPERM || ret == -EACCES) /* the latter is the verifier's: pointer arithmetic */
		return xk_err_fill(err, ret, WHAT,
				   "run as root, with these capabilities, or use --engine xsk",
				   "its program needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	if (ret)
		return xk_err_fill(err, ret, WHAT, "-v shows the kernel's messages",
				   "the kernel refuses the generator program: %s", strerror(-ret));
	return 0;
}

static int call(struct kengine *e, unsigned repeat, unsigned batch)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = e->frame, .data_size_in = e->config.len,
		    .repeat = (int)repeat, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = batch);

	return bpf_prog_test_run_opts(bpf_program__fd(e->skel->progs.xdp_gen), &opts);
}

/* One frame, which the program drops because it is told to stop. */
static int probe(struct kengine *e, struct xk_err *err)
{
	int ret;

	xk_store_relaxed(&e->skel->bss->state.stop, 1);
	ret = call(e, 1, 1);
	xk_store_relaxed(&e->skel->bss->state.stop, 0);
	xk_store_relaxed(&e->skel->bss->state.ended, 0);
	switch (ret) {
	case 0:
		return 0;
	case -EPERM:
		return xk_err_fill(err, ret, WHAT, "run as root, or with CAP_BPF",
				   "running a program through BPF_PROG_RUN needs CAP_BPF");
	case -EINVAL:
	case -E2BIG:
	case -ENOTSUPP:
	case -EOPNOTSUPP:
		return xk_err_fill(err, -EOPNOTSUPP, WHAT, "use --engine xsk",
				   "this kernel has no XDP live frames (they came with 5.18)");
	}
	return xk_err_fill(err, ret, WHAT, "use --engine xsk", "BPF_PROG_RUN: %s", strerror(-ret));
}

int kengine_create(struct kengine **engine, const struct kengine_config *config, struct xk_err *err)
{
	struct kengine *e;
	int ret;

	ret = check_config(config, err);
	if (ret)
		return ret;
	e = calloc(1, sizeof(*e));
	if (!e)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "out of memory");
	pthread_mutex_init(&e->lock, NULL);
	e->config = *config;
	memcpy(e->frame, config->frame, config->len);
	e->config.frame = e->frame;
	ret = load(e, err);
	if (ret)
		goto destroy;
	ret = probe(e, err);
	if (ret)
		goto destroy;
	*engine = e;
	return 0;
destroy:
	kengine_destroy(e);
	return ret;
}

void kengine_destroy(struct kengine *engine)
{
	if (!engine)
		return;
	xdp_gen__destroy(engine->skel);
	pthread_mutex_destroy(&engine->lock);
	free(engine);
}

static void interrupted(int signal)
{
	(void)signal; /* that it came is enough: the call returns EINTR */
}

/* Let SIGUSR1 reach this thread and interrupt its call; *old is the mask to go back to. */
static int listen_for_signal(sigset_t *old)
{
	struct sigaction action = {.sa_handler = interrupted};
	sigset_t set;

	if (sigaction(SIGUSR1, &action, NULL))
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return -pthread_sigmask(SIG_UNBLOCK, &set, old);
}

/* Signal the running thread in ns nanoseconds, then again and again; 0: no more. */
static void arm(struct kengine *e, uint64_t ns)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(ns / NSEC), .tv_nsec = (long)(ns % NSEC)},
		.it_interval = {.tv_nsec = WAKE_PERIOD_NS},
	};

	timer_settime(e->timer, 0, &when, NULL);
}

static int begin(struct kengine *e)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	int ret = 0;

	event.sigev_notify_thread_id = gettid();
	pthread_mutex_lock(&e->lock);
	if (e->running)
		ret = -EBUSY;
	else if (timer_create(CLOCK_MONOTONIC, &event, &e->timer))
		ret = -errno;
	else
		e->running = true;
	pthread_mutex_unlock(&e->lock);
	return ret;
}

static void finish(struct kengine *e)
{
	pthread_mutex_lock(&e->lock);
	timer_delete(e->timer);
	e->running = false;
	pthread_mutex_unlock(&e->lock);
}

/*
 * A paced call with a limit would go on dropping after its last frame: have it interrupted when it
 * must be through, its own set-up included. A stop that came first stays armed.
 */
static void arm_for_limit(struct kengine *e, uint64_t left, uint64_t slack_ns)
{
	double ns = (double)left * NSEC / (double)e->config.rate_pps;

	pthread_mutex_lock(&e->lock);
	if (!e->stopped && ns < NEVER_NS)
		arm(e, (uint64_t)ns + slack_ns);
	pthread_mutex_unlock(&e->lock);
}

/*
 * Frames reach the device when a batch ends. One by one, the program's pace is the wire's, as long
 * as the cost of a batch (450 ns) leaves time for it. Unpaced, 64 are within 1 % of the fastest and
 * fill a quarter of a veth's queue, so that a receiver that is late loses nothing.
 */
static unsigned choose_batch(const struct kengine_config *c)
{
	if (c->batch)
		return c->batch;
	return c->rate_pps && c->rate_pps <= SINGLE_MAX_PPS ? 1 : BULK_BATCH;
}

/* One call, with as many repeats as it may need. 0, -EINTR: there may be more to do, or -errno. */
static int run_once(struct kengine *e, uint64_t left, uint64_t slack_ns)
{
	unsigned repeat = MAX_REPEAT;

	if (e->config.limit && e->config.rate_pps)
		arm_for_limit(e, left, slack_ns);
	else if (e->config.limit && left < MAX_REPEAT)
		repeat = (unsigned)left;
	return call(e, repeat, choose_batch(&e->config));
}

/* How long a call may take to set itself up is not known: each one that was too short gets more. */
static int run_calls(struct kengine *e)
{
	const struct xk_gen_state *state = &e->skel->bss->state;
	uint64_t sent, limit = e->config.limit, slack_ns = FIRST_SLACK_NS;
	int ret;

	while (!xk_load_relaxed(&state->stop)) {
		sent = xk_load_relaxed(&state->sent);
		if (limit && sent >= limit)
			return 0;
		ret = run_once(e, limit - sent, slack_ns);
		if (ret && ret != -EINTR)
			return ret;
		if (ret && slack_ns < NSEC)
			slack_ns *= 2;
	}
	return 0;
}

int kengine_run(struct kengine *engine)
{
	sigset_t mask;
	int ret;

	ret = listen_for_signal(&mask);
	if (ret)
		return ret;
	ret = begin(engine);
	if (!ret) {
		ret = run_calls(engine);
		finish(engine);
	}
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return ret;
}

/* The program gets a moment to see the flag and note the time. */
void kengine_stop(struct kengine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->stopped = true;
	xk_store_relaxed(&engine->skel->bss->state.stop, 1);
	if (engine->running)
		arm(engine, WAKE_PERIOD_NS);
	pthread_mutex_unlock(&engine->lock);
}

void kengine_stats(const struct kengine *engine, struct kengine_stats *stats)
{
	const struct xk_gen_state *state = &engine->skel->bss->state;

	stats->sent = xk_load_relaxed(&state->sent);
	stats->bytes = stats->sent * engine->config.len;
	stats->start_ns = xk_load_relaxed(&state->start_ns);
	stats->last_ns = xk_load_relaxed(&state->last_ns);
}

/* Middle of what a bucket holds. */
static uint64_t bucket_value(unsigned bucket)
{
	unsigned shift = bucket / XK_GEN_HIST_SUB;

	if (shift < 2)
		return bucket;
	shift--;
	return ((uint64_t)(bucket % XK_GEN_HIST_SUB + XK_GEN_HIST_SUB) << shift) +
	       (1ull << shift) / 2;
}

void kengine_gap_error(const struct kengine *engine, struct xk_hist *hist)
{
	const __u64 *counts = engine->skel->bss->gap_error;
	uint64_t n;
	unsigned i;

	for (i = 0; i < XK_GEN_HIST_BUCKETS; i++) {
		n = xk_load_relaxed(&counts[i]);
		if (n)
			xk_hist_record_n(hist, bucket_value(i), n);
	}
}
