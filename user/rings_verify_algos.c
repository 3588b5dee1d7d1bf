// SPDX-License-Identifier: BSD-2-Clause
/* The project's rings, and two to compare them with, behind the same few calls. */
#include <errno.h>
#include <stdlib.h>
#include "bench/locked.h"
#include "bench/textbook.h"
#include "rings_verify.h"

const char *const verify_algo_names[] = {"spsc",     "spsc-latency", "fanin", "mpmc",
					 "textbook", "mutex",        NULL};

static bool is_ours(enum verify_algo algo)
{
	return algo < VERIFY_TEXTBOOK;
}

/* --- making --- */

static int make_ours(struct rings_named *ring, const struct verify_plan *plan, struct xk_err *err)
{
	enum xk_ring_kind kind = (enum xk_ring_kind)((int)plan->algo + XK_RING_SPSC);
	const struct rings_config config = {
		.kind = kind,
		.record_bytes = plan->record_bytes,
		.slots = plan->slots,
		.lanes = plan->producers,
		.users = kind == XK_RING_MPMC ? plan->producers + plan->consumers : plan->consumers,
		.flags = plan->wait == XK_WAIT_SLEEP ? XK_RING_SLEEP : 0,
	};

	return rings_make(ring, plan->name, &config, XK_HUGE_OFF, -1, 0, err);
}

static int make_other(struct rings_named *ring, const struct verify_plan *plan, struct xk_err *err)
{
	struct xk_share_config memory = {.node = -1, .huge = XK_HUGE_OFF};
	int ret;

	*ring = (struct rings_named){.made = true};
	memory.size = plan->algo == VERIFY_TEXTBOOK ? textbook_bytes(plan->slots)
						    : locked_bytes(plan->record_bytes, plan->slots);
	ret = xk_share_create(&ring->share, NULL, &memory, err);
	if (ret)
		return ret;
	ring->memory = xk_share_info(ring->share);
	if (plan->algo == VERIFY_TEXTBOOK)
		textbook_make(ring->memory->addr, plan->slots);
	else
		ret = locked_make(ring->memory->addr, plan->record_bytes, plan->slots);
	if (!ret)
		return 0;
	rings_close(ring);
	return xk_err_fill(err, ret, "ring verify", NULL, "making the mutex");
}

int verify_make(struct rings_named *ring, const struct verify_plan *plan, struct xk_err *err)
{
	return is_ours(plan->algo) ? make_ours(ring, plan, err) : make_other(ring, plan, err);
}

/* --- an end --- */

int verify_attach(struct verify_end *end, const struct verify_plan *plan,
		  const struct rings_named *ring, enum xk_ring_role role)
{
	*end = (struct verify_end){
		.algo = plan->algo, .mem = ring->memory->addr, .record_bytes = plan->record_bytes};
	if (is_ours(plan->algo))
		return rings_end_attach(&end->end, role, ring->memory->addr, ring->memory->size,
					ring->memory->fd);
	end->records = calloc(plan->burst, plan->record_bytes);
	return end->records ? 0 : -ENOMEM;
}

void verify_detach(struct verify_end *end)
{
	if (is_ours(end->algo))
		rings_end_detach(&end->end);
	free(end->records);
}

static unsigned put_messages(struct textbook *ring, const char *messages, unsigned n)
{
	unsigned done = 0;

	while (done < n &&
	       textbook_put(ring, messages + (size_t)done * TEXTBOOK_MESSAGE, TEXTBOOK_MESSAGE))
		done++;
	return done;
}

static unsigned get_messages(struct textbook *ring, char *messages, unsigned n)
{
	unsigned done = 0;

	while (done < n &&
	       textbook_get(ring, messages + (size_t)done * TEXTBOOK_MESSAGE, TEXTBOOK_MESSAGE))
		done++;
	return done;
}

static unsigned put_locked(struct locked *ring, const void *records, unsigned n)
{
	return locked_put(ring, records, n, ring->record_bytes, ring->slots);
}

static unsigned get_locked(struct locked *ring, void *records, unsigned n)
{
	return locked_get(ring, records, n, ring->record_bytes, ring->slots);
}

unsigned verify_push(struct verify_end *end, const void *records, unsigned n)
{
	if (is_ours(end->algo))
		return rings_end_push(&end->end, records, n);
	return end->algo == VERIFY_TEXTBOOK ? put_messages(end->mem, records, n)
					    : put_locked(end->mem, records, n);
}

const void *verify_take(struct verify_end *end, unsigned want, unsigned *got)
{
	if (is_ours(end->algo))
		return rings_end_take(&end->end, want, got);
	*got = end->algo == VERIFY_TEXTBOOK ? get_messages(end->mem, end->records, want)
					    : get_locked(end->mem, end->records, want);
	return end->records;
}

void verify_release(struct verify_end *end, unsigned n)
{
	if (is_ours(end->algo))
		rings_end_release(&end->end, n);
}
