// SPDX-License-Identifier: BSD-2-Clause
/* The hot loop: no allocation, no lock, no division. */
#include "forward.h"

static inline void add(uint64_t *counter, uint64_t n)
{
	/* partner: stats, which only reads; nothing is published with it */
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void move(struct way *way, struct rte_mbuf **pkts, uint16_t burst)
{
	uint16_t got = rte_eth_rx_burst(way->from, 0, pkts, burst), sent;

	if (got == 0)
		return;
	sent = rte_eth_tx_burst(way->to, 0, pkts, got);
	add(&way->received, got);
	add(&way->sent, sent);
	if (likely(sent == got))
		return;
	rte_pktmbuf_free_bulk(pkts + sent, got - sent);
	add(&way->unsent, got - sent);
}

int worker_run(void *arg)
{
	const struct worker *w = arg;
	struct rte_mbuf *pkts[MAX_BURST];

	/* partner: forward.c's store at the end; a flag, nothing goes with it */
	while (!__atomic_load_n(w->stop, __ATOMIC_RELAXED))
		for (unsigned i = 0; i < w->n_ways; i++)
			move(&w->ways[i], pkts, (uint16_t)w->burst);
	return 0;
}
