/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker.h - a pinned thread that calls one function until it is told to stop.
 *
 * The worker knows neither packets nor rings. It calls step(ctx) again and again; step returns how
 * much it moved, 0 when there was nothing to do, or a negative errno, which ends the worker. What
 * happens after a 0 is the idle policy.
 *
 * Thread contract: start, rouse, stop, join and destroy from one controlling thread;
 * xk_worker_stopping() from inside step or wait; the getters from any thread.
 */
#ifndef XSKIT_WORKER_H
#define XSKIT_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <xskit/err.h>

#ifdef __cplusplus
extern "C" {
#endif

enum xk_idle {
	XK_IDLE_ADAPTIVE, /* PAUSE and call again for spin_ns, then wait() until there is work */
	XK_IDLE_BUSY,     /* PAUSE and call again, for ever */
	XK_IDLE_WAIT,     /* wait() at once */
};

typedef int (*xk_step_fn)(void *ctx); /* moved; 0 idle; -errno stops */

/*
 * Sleep until there may be work, wake_fd becomes readable (the worker is to stop), or a time of the
 * function's own choosing has passed. 0, or -errno, which stops the worker.
 */
typedef int (*xk_wait_fn)(void *ctx, int wake_fd);

struct xk_worker_config {
	const char *name; /* of the thread, at most 15 bytes are shown; NULL: "xk-worker" */
	int cpu;          /* CPU to pin to, -1: not pinned */
	int fifo;         /* SCHED_FIFO priority 1..99, 0: the default scheduler */
	enum xk_idle idle;
	uint64_t spin_ns; /* XK_IDLE_ADAPTIVE: how long to spin before wait() */
	xk_wait_fn wait;  /* needed unless XK_IDLE_BUSY */
	bool hold;        /* start the thread, but call step only after xk_worker_release() */
};

/* What was granted; constant once xk_worker_start() has returned. */
struct xk_worker_info {
	int cpu;  /* CPU pinned to, -1: not pinned (not asked, or refused) */
	int fifo; /* SCHED_FIFO priority in force, 0: none */
	int tid;  /* kernel thread id */
};

struct xk_worker;

/*
 * Errors: -EINVAL no step, or no wait where the policy needs one; -ENOMEM; errno of pthread_create,
 * eventfd. A CPU or priority that is refused is not an error: see xk_worker_info().
 */
int xk_worker_start(struct xk_worker **worker, const struct xk_worker_config *config,
		    xk_step_fn step, void *ctx, struct xk_err *err);
void xk_worker_release(struct xk_worker *worker); /* let a held worker begin */
/* It is to notice something soon, such as the end to come: from now on it does not sleep. */
void xk_worker_rouse(struct xk_worker *worker);
void xk_worker_stop(struct xk_worker *worker);           /* ask; wakes it if it sleeps */
bool xk_worker_stopping(const struct xk_worker *worker); /* has been asked */
bool xk_worker_done(const struct xk_worker *worker);     /* step will not be called again */
int xk_worker_join(struct xk_worker *worker);            /* wait for the end: 0, or step's -errno */
void xk_worker_destroy(struct xk_worker *worker); /* stops and joins if need be; NULL: nothing */
const struct xk_worker_info *xk_worker_info(const struct xk_worker *worker);
int xk_worker_done_fd(const struct xk_worker *worker);     /* readable once the worker has ended */
uint64_t xk_worker_cpu_ns(const struct xk_worker *worker); /* CPU time used so far, ns */

#ifdef __cplusplus
}
#endif
#endif
