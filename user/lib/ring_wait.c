// SPDX-License-Identifier: BSD-2-Clause
/* Waiting: spin with PAUSE, then sleep on a shared futex, and look around now and then. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "ring_internal.h"

#ifndef XK_RING_SPINS       /* tests that go through each instruction have fewer */
#define XK_RING_SPINS 2000u /* before sleep: about 50 us with a PAUSE of 25 ns */
#endif
#define SPINS_LOOK 256u /* between two looks at the clock */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void xk_ring_wake(struct xk_ring_bell *bell)
{
	if (xk_swap_seq(&bell->waiting, 0u))
		xk_ring_call(bell);
}

/* All sleepers, each to look for itself. */
void xk_ring_call(struct xk_ring_bell *bell)
{
	uint32_t rung = xk_load_relaxed(&bell->rung);

	while (!xk_cas_release(&bell->rung, &rung, rung + 1)) /* pairs with wait_a_while() */
		;
	syscall(SYS_futex, &bell->rung, FUTEX_WAKE, 0x7fffffff, NULL, NULL, 0);
}

/* Until it rings once more than it had. */
static void sleep_on(struct xk_ring_bell *bell, uint32_t rung, uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u),
			     .tv_nsec = (long)(ns % 1000000000u)};

	syscall(SYS_futex, &bell->rung, FUTEX_WAIT, rung, ns == UINT64_MAX ? NULL : &t, NULL, 0);
}

static bool spin(xk_ring_ready_fn ready, void *ctx, unsigned spins)
{
	for (unsigned i = 0; i < spins; i++) {
		if (ready(ctx))
			return true;
		xk_pause();
	}
	return false;
}

/* Was somebody of the other role here, and is nobody now? */
static bool others_left(struct xk_ring_hold *hold, enum xk_ring_role me)
{
	enum xk_ring_role other = me == XK_ROLE_PRODUCER ? XK_ROLE_CONSUMER : XK_ROLE_PRODUCER;
	bool were = false;

	for (uint32_t i = 0; i < hold->shape.seats; i++) {
		struct xk_ring_seat *seat = xk_ring_seat_at(hold->ring, i);

		if (xk_load_acquire(&seat->state) != XK_SEAT_FREE && /* pairs with xk_ring_rise() */
		    xk_load_relaxed(&seat->role) == (uint32_t)other)
			return false;
		were |= xk_load_relaxed(&seat->had) >> other & 1;
	}
	return were;
}

/* Nothing came for a while: is it that a peer died? */
static int look_around(struct xk_ring_hold *hold, enum xk_ring_role me, xk_ring_ready_fn ready,
		       void *ctx, int how)
{
	if (hold->lock_fd >= 0)
		xk_ring_mend_all(hold->ring, &hold->shape, hold->lock_fd, hold->seat);
	if (how & XK_WAIT_STAY || !others_left(hold, me))
		return 1;
	return ready(ctx) ? 0 : -EPIPE;
}

struct patience {
	uint64_t until, next_look; /* UINT64_MAX: never */
};

static uint64_t after(uint64_t now, uint64_t ns)
{
	return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

/* A while of spinning or sleep: until ready, until the next look, or until patience ends. */
static bool wait_a_while(struct xk_ring_bell *bell, xk_ring_ready_fn ready, void *ctx, int how,
			 uint64_t now, const struct patience *patience)
{
	uint64_t until =
		patience->until < patience->next_look ? patience->until : patience->next_look;
	uint32_t rung;

	if ((how & ~XK_WAIT_STAY) == XK_WAIT_SPIN)
		return spin(ready, ctx, SPINS_LOOK);
	/* First: whoever rings for the arming that follows has not counted it yet. Pairs with
	 * xk_ring_call()'s CAS. */
	rung = xk_load_acquire(&bell->rung);
	xk_ring_arm(bell);
	if (ready(ctx))
		return true;
	sleep_on(bell, rung, until == UINT64_MAX ? UINT64_MAX : until > now ? until - now : 0);
	return ready(ctx);
}

static int wait_on(struct xk_ring_hold *hold, struct xk_ring_bell *bell, enum xk_ring_role me,
		   xk_ring_ready_fn ready, void *ctx, int how, int64_t timeout_ns)
{
	uint64_t now = now_ns();
	struct patience patience = {
		.until = timeout_ns < 0 ? UINT64_MAX : after(now, (uint64_t)timeout_ns),
		.next_look = after(now, hold->slice_ns),
	};

	for (;; now = now_ns()) {
		int ret = 1;

		if (now >= patience.until)
			return -ETIMEDOUT;
		if (now >= patience.next_look) {
			ret = look_around(hold, me, ready, ctx, how);
			patience.next_look = after(now, hold->slice_ns);
		}
		if (ret <= 0)
			return ret;
		if (wait_a_while(bell, ready, ctx, how, now, &patience))
			return 0;
	}
}

int xk_ring_await(struct xk_ring_hold *hold, enum xk_ring_role me, xk_ring_ready_fn ready,
		  void *ctx, int how, int64_t timeout_ns)
{
	struct xk_ring_bell *bell = me == XK_ROLE_CONSUMER ? &hold->ring->data : &hold->ring->space;
	int way = how & ~XK_WAIT_STAY;

	if ((way != XK_WAIT_SPIN && way != XK_WAIT_SLEEP) ||
	    (way == XK_WAIT_SLEEP && !(hold->shape.flags & XK_RING_SLEEP)))
		return -EINVAL;
	if (ready(ctx))
		return 0;
	if (!timeout_ns)
		return -ETIMEDOUT;
	xk_bump(xk_ring_seat_waits(xk_ring_seat_at(hold->ring, hold->seat), me), 1u);
	if (way == XK_WAIT_SLEEP && spin(ready, ctx, XK_RING_SPINS))
		return 0;
	return wait_on(hold, bell, me, ready, ctx, how, timeout_ns);
}
