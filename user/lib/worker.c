// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include <xskit/worker.h>

#define WHAT "start worker"

/* Idle steps between two looks at the clock while spinning. */
#define CLOCK_EVERY 16

/*
 * Who tells whom:
 *
 *   controller                              worker
 *   A  store_release(stop)                  load_acquire(stop) before each step, then wake_fd in
 * wait() B  load_acquire(done)                   store_release(done) after result and cpu_ns
 *   sem_post(go), after stop or release     sem_wait(go) of a held worker
 *   sem_wait(ready), before info is read    sem_post(ready) after info is written
 */
struct xk_worker {
	struct xk_worker_config config;
	struct xk_worker_info info;
	char name[16];
	xk_step_fn step;
	void *ctx;
	pthread_t thread;
	clockid_t clock; /* of the thread's CPU time, while it lives */
	sem_t ready, go;
	int wake_fd, done_fd;
	bool joined;       /* the controller's own */
	int result;        /* B */
	uint64_t cpu_ns;   /* B: in the end */
	uint32_t stop;     /* A */
	uint32_t released; /* with sem go */
	uint32_t done;     /* B */
};

const struct xk_worker_info *xk_worker_info(const struct xk_worker *worker)
{
	return &worker->info;
}

int xk_worker_done_fd(const struct xk_worker *worker)
{
	return worker->done_fd;
}

bool xk_worker_stopping(const struct xk_worker *worker)
{
	return xk_load_acquire(&worker->stop); /* A */
}

bool xk_worker_done(const struct xk_worker *worker)
{
	return xk_load_acquire(&worker->done); /* B */
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* 0 from the thread's clock means that it has just ended, and done is about to be seen. */
uint64_t xk_worker_cpu_ns(const struct xk_worker *worker)
{
	uint64_t ns = xk_worker_done(worker) ? 0 : read_clock(worker->clock);

	if (!ns)
		ns = xk_load_relaxed(&worker->cpu_ns);
	return ns;
}

static void notify(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void sem_wait_through(sem_t *sem)
{
	while (sem_wait(sem) && errno == EINTR)
		;
}

/* --- the thread --- */

static int wait_for_work(struct xk_worker *w)
{
	int rc = w->config.wait(w->ctx, w->wake_fd);

	return rc == -EINTR ? 0 : rc;
}

static int run_busy(struct xk_worker *w)
{
	int moved;

	while (!xk_worker_stopping(w)) {
		moved = w->step(w->ctx);
		if (moved < 0)
			return moved;
		if (!moved)
			xk_pause();
	}
	return 0;
}

static int run_wait(struct xk_worker *w)
{
	int rc = 0;

	while (rc >= 0 && !xk_worker_stopping(w)) {
		rc = w->step(w->ctx);
		if (!rc && !xk_worker_stopping(w))
			rc = wait_for_work(w);
	}
	return rc < 0 ? rc : 0;
}

struct spin {
	unsigned steps; /* idle ones since the last that moved something */
	uint64_t since; /* when the clock was first looked at since then */
	bool over; /* has spun long enough: only work starts it anew, not a wait that timed out */
};

/* After an idle step: has it spun for long enough? Reads the clock now and then only. */
static bool spin_is_over(struct spin *spin, uint64_t spin_ns)
{
	uint64_t now;

	if (spin->over || ++spin->steps % CLOCK_EVERY)
		return spin->over;
	now = read_clock(CLOCK_MONOTONIC);
	if (spin->steps == CLOCK_EVERY)
		spin->since = now;
	spin->over = now - spin->since >= spin_ns;
	return spin->over;
}

static int idle_adaptive(struct xk_worker *w, struct spin *spin)
{
	if (spin_is_over(spin, w->config.spin_ns) && !xk_worker_stopping(w))
		return wait_for_work(w);
	xk_pause();
	return 0;
}

static int run_adaptive(struct xk_worker *w)
{
	struct spin spin = {0};
	int rc = 0;

	while (rc >= 0 && !xk_worker_stopping(w)) {
		rc = w->step(w->ctx);
		if (rc > 0)
			spin = (struct spin){0};
		else if (!rc)
			rc = idle_adaptive(w, &spin);
	}
	return rc < 0 ? rc : 0;
}

static int run(struct xk_worker *w)
{
	switch (w->config.idle) {
	case XK_IDLE_BUSY:
		return run_busy(w);
	case XK_IDLE_WAIT:
		return run_wait(w);
	case XK_IDLE_ADAPTIVE:
		break;
	}
	return run_adaptive(w);
}

static bool pin_to(int cpu)
{
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return false;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return !pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static bool make_fifo(int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return priority > 0 && !pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
}

/* Ask for what was configured, and note what came of it. */
static void set_up(struct xk_worker *w)
{
	pthread_setname_np(pthread_self(), w->name);
	w->info.tid = gettid();
	w->info.cpu = pin_to(w->config.cpu) ? w->config.cpu : -1;
	w->info.fifo = make_fifo(w->config.fifo) ? w->config.fifo : 0;
}

static void hold(struct xk_worker *w)
{
	while (!xk_load_acquire(&w->released) && !xk_worker_stopping(w)) /* release(), A */
		sem_wait_through(&w->go);
}

static void *thread_main(void *arg)
{
	struct xk_worker *w = arg;

	set_up(w);
	sem_post(&w->ready);
	hold(w);
	w->result = run(w);
	xk_store_relaxed(&w->cpu_ns, read_clock(CLOCK_THREAD_CPUTIME_ID));
	xk_store_release(&w->done, 1); /* B */
	notify(w->done_fd);
	return NULL;
}

/* --- its controller --- */

static int check_config(const struct xk_worker_config *config, xk_step_fn step, struct xk_err *err)
{
	if (!step)
		return xk_err_fill(err, -EINVAL, WHAT, NULL, "no step function");
	if (config->idle != XK_IDLE_BUSY && !config->wait)
		return xk_err_fill(err, -EINVAL, WHAT, NULL, "this idle policy needs wait()");
	return 0;
}

static int open_fds(struct xk_worker *w, struct xk_err *err)
{
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd >= 0 && w->done_fd >= 0)
		return 0;
	return xk_err_fill(err, -errno, WHAT, "raise ulimit -n", "eventfd: %s", strerror(errno));
}

static void release_parts(struct xk_worker *w)
{
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	if (w->done_fd >= 0)
		close(w->done_fd);
	sem_destroy(&w->ready);
	sem_destroy(&w->go);
	free(w);
}

/* Signals are the controlling thread's business; those of a fault cannot be anybody else's. */
static void block_signals(sigset_t *before)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGFPE);
	sigdelset(&set, SIGILL);
	sigdelset(&set, SIGTRAP);
	pthread_sigmask(SIG_SETMASK, &set, before);
}

static int spawn(struct xk_worker *w, struct xk_err *err)
{
	sigset_t before;
	int rc;

	block_signals(&before);
	rc = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return xk_err_fill(err, -rc, WHAT, NULL, "pthread_create: %s", strerror(rc));
	/* taken before the thread can be joined, after which its pthread_t is worth nothing */
	if (pthread_getcpuclockid(w->thread, &w->clock))
		w->clock = -1;
	sem_wait_through(&w->ready);
	return 0;
}

int xk_worker_start(struct xk_worker **worker, const struct xk_worker_config *config,
		    xk_step_fn step, void *ctx, struct xk_err *err)
{
	struct xk_worker *w;
	int rc = check_config(config, step, err);

	if (rc)
		return rc;
	w = calloc(1, sizeof(*w));
	if (!w)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "out of memory");
	w->config = *config;
	w->config.name = NULL; /* the caller's string need not outlive this call */
	w->step = step;
	w->ctx = ctx;
	w->released = !config->hold;
	snprintf(w->name, sizeof(w->name), "%s", config->name ? config->name : "xk-worker");
	sem_init(&w->ready, 0, 0);
	sem_init(&w->go, 0, 0);
	rc = open_fds(w, err);
	if (!rc)
		rc = spawn(w, err);
	if (rc) {
		release_parts(w);
		return rc;
	}
	*worker = w;
	return 0;
}

void xk_worker_release(struct xk_worker *worker)
{
	xk_store_release(&worker->released, 1); /* hold() */
	sem_post(&worker->go);
}

/* Never read, so that it is found readable also later. */
void xk_worker_rouse(struct xk_worker *worker)
{
	notify(worker->wake_fd);
}

void xk_worker_stop(struct xk_worker *worker)
{
	xk_store_release(&worker->stop, 1); /* A */
	xk_worker_rouse(worker);            /* after it: who misses the flag is not asleep */
	sem_post(&worker->go);
}

int xk_worker_join(struct xk_worker *worker)
{
	if (!worker->joined)
		pthread_join(worker->thread, NULL);
	worker->joined = true;
	return worker->result;
}

void xk_worker_destroy(struct xk_worker *worker)
{
	if (!worker)
		return;
	xk_worker_stop(worker);
	xk_worker_join(worker);
	release_parts(worker);
}
