// SPDX-License-Identifier: BSD-2-Clause
/*
 * DPDK's rte_ring, the element form, in memory of our own: its calls are inline and need nothing of
 * DPDK's environment. rte_ring_init() would pull that in, so its few assignments are made here. A
 * ring of S slots holds S - 1.
 */
#include "bench/ring_glue.h"
#include "peers.h"

#if __has_include(<rte_ring_elem.h>)
#include <rte_ring_elem.h>

struct rte_handle {
	struct rte_ring *ring;
};

static size_t rte_size(const struct ring_cell *cell)
{
	return sizeof(struct rte_ring) + (size_t)cell->slots * cell->element_bytes;
}

static void rte_prepare(struct rte_ring *ring, const struct ring_cell *cell,
			enum rte_ring_sync_type sync)
{
	memset(ring, 0, sizeof(*ring));
	ring->size = cell->slots;
	ring->mask = cell->slots - 1;
	ring->capacity = ring->mask;
	ring->prod.sync_type = sync;
	ring->cons.sync_type = sync;
}

static int rte_spsc_init(void *mem, size_t len, const struct ring_cell *cell)
{
	(void)len;
	rte_prepare(mem, cell, RTE_RING_SYNC_ST);
	return 0;
}

static int rte_mpmc_init(void *mem, size_t len, const struct ring_cell *cell)
{
	(void)len;
	rte_prepare(mem, cell, RTE_RING_SYNC_MT);
	return 0;
}

static int rte_open(struct rte_handle *handle, const struct ring_task *task, void *mem)
{
	(void)task;
	handle->ring = mem;
	return 0;
}

static void rte_close(struct rte_handle *handle)
{
	(void)handle;
}

RING_INLINE unsigned rte_spsc_push(void *handle, const void *recs, unsigned n, unsigned bytes,
				   unsigned slots)
{
	(void)slots;
	return rte_ring_sp_enqueue_burst_elem(((struct rte_handle *)handle)->ring, recs, bytes, n,
					      NULL);
}

RING_INLINE unsigned rte_spsc_pop(void *handle, void *recs, unsigned n, unsigned bytes,
				  unsigned slots)
{
	(void)slots;
	return rte_ring_sc_dequeue_burst_elem(((struct rte_handle *)handle)->ring, recs, bytes, n,
					      NULL);
}

RING_INLINE unsigned rte_mpmc_push(void *handle, const void *recs, unsigned n, unsigned bytes,
				   unsigned slots)
{
	(void)slots;
	return rte_ring_mp_enqueue_burst_elem(((struct rte_handle *)handle)->ring, recs, bytes, n,
					      NULL);
}

RING_INLINE unsigned rte_mpmc_pop(void *handle, void *recs, unsigned n, unsigned bytes,
				  unsigned slots)
{
	(void)slots;
	return rte_ring_mc_dequeue_burst_elem(((struct rte_handle *)handle)->ring, recs, bytes, n,
					      NULL);
}

#define rte_spsc_open_to    rte_open
#define rte_spsc_open_from  rte_open
#define rte_spsc_close_to   rte_close
#define rte_spsc_close_from rte_close
#define rte_mpmc_open_to    rte_open
#define rte_mpmc_open_from  rte_open
#define rte_mpmc_close_to   rte_close
#define rte_mpmc_close_from rte_close

RING_PARTS(rte_spsc, struct rte_handle, struct rte_handle)
RING_PARTS(rte_mpmc, struct rte_handle, struct rte_handle)

#define RTE_ALGO(kind, most)                                                                       \
	static const struct ring_algo rte_##kind = {                                               \
		.name = "peer:rte-" #kind,                                                         \
		.order = "fifo",                                                                   \
		.burst_call = true,                                                                \
		.processes = true,                                                                 \
		.max_producers = most,                                                             \
		.max_consumers = most,                                                             \
		.size = rte_size,                                                                  \
		.init = rte_##kind##_init,                                                         \
		.produce = rte_##kind##_produce,                                                   \
		.consume = rte_##kind##_consume,                                                   \
		.ping = rte_##kind##_ping,                                                         \
		.pong = rte_##kind##_pong,                                                         \
	}

RTE_ALGO(spsc, 1);
RTE_ALGO(mpmc, RING_MAX_WORKERS);

const struct ring_algo *const peers_rte[] = {&rte_spsc, &rte_mpmc, NULL};
#else
const struct ring_algo *const peers_rte[] = {NULL};
#endif
