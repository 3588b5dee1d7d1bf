/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings_end.h - one end of a ring of any kind: to push into it, or to take out of it.
 *
 * Thread contract: one end, one thread at a time.
 */
#ifndef XSKIT_RINGS_END_H
#define XSKIT_RINGS_END_H

#include <xskit/fanin.h>
#include <xskit/mpmc.h>
#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>

/* In the order of enum xk_ring_kind, from XK_RING_SPSC on; NULL ends the list. */
extern const char *const rings_kind_names[];

struct rings_config {
	enum xk_ring_kind kind;
	uint32_t record_bytes, slots;
	uint32_t lanes; /* fanin: producers at a time */
	uint32_t users; /* mpmc: of both roles; fanin: consumers, 0: as many as lanes */
	uint32_t flags;
};

/* Bytes such a ring takes, 0: not valid; make one, as xk_spsc_init(). */
size_t rings_size(const struct rings_config *config);
int rings_init(void *mem, size_t len, const struct rings_config *config);

struct rings_end_ops;

struct rings_end {
	union {
		struct xk_spsc_prod spsc_prod;
		struct xk_spsc_cons spsc_cons;
		struct xk_spsc_latency_prod spsc_latency_prod;
		struct xk_spsc_latency_cons spsc_latency_cons;
		struct xk_fanin_prod fanin_prod;
		struct xk_fanin_cons fanin_cons;
		struct xk_mpmc_prod mpmc_prod;
		struct xk_mpmc_cons mpmc_cons;
	} handle;
	const struct rings_end_ops *ops;
	struct xk_ring_hold *hold; /* of the handle */
	enum xk_ring_role role;
	unsigned room; /* records at a time */
	void *records; /* room for them */
};

/* Take a seat: 0; -EBUSY; -ENOMEM; as xk_ring_check(); an errno of open(2). fd: as in spsc.h. */
int rings_end_attach(struct rings_end *end, enum xk_ring_role role, void *mem, size_t len, int fd);
void rings_end_detach(struct rings_end *end);

unsigned rings_end_push(struct rings_end *end, const void *records, unsigned n); /* 0..n */

/*
 * Up to `want` records, end->room at most, *got of them; valid until they are released, which comes
 * before the next call. With spsc, and with fanin if it has one consumer, they stay in the ring
 * until then: a consumer killed before has lost none of them.
 */
const void *rings_end_take(struct rings_end *end, unsigned want, unsigned *got);
void rings_end_release(struct rings_end *end, unsigned n);

/* Until one record, or room for one, is there: see xk_ring_await(). */
int rings_end_wait(struct rings_end *end, int how, int64_t timeout_ns);

/* A peer wrote counters that cannot be, and nothing moves any more. */
bool rings_end_broken(const struct rings_end *end);

#endif
