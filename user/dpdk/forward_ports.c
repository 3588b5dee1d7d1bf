// SPDX-License-Identifier: BSD-2-Clause
#include <rte_errno.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "forward.h"

#define CACHE 256 /* mbufs an lcore keeps out of the pool */

static int port_error(unsigned port, const char *what, int error)
{
	complain("port %u: %s: %s: see the messages of its driver", port, what,
		 rte_strerror(error < 0 ? -error : error));
	return -1;
}

/* --- one port --- */

static int configure(const struct forward *f, uint16_t id, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = {0};
	struct port *port = &f->ports[id];
	int ret;

	/* every mbuf of a queue is of one pool and has one owner */
	port->fast_free = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	if (port->fast_free)
		conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	ret = rte_eth_dev_configure(id, 1, 1, &conf);
	if (ret < 0)
		return port_error(id, "configure", ret);
	port->configured = true;
	return 0;
}

static int set_up_queues(const struct forward *f, uint16_t id, const struct rte_eth_dev_info *info)
{
	struct rte_mempool *pool = f->pools[id / 2];
	struct rte_eth_txconf tx = info->default_txconf;
	uint16_t rx_ring = (uint16_t)f->options.rx_ring, tx_ring = (uint16_t)f->options.tx_ring;
	unsigned node = (unsigned)rte_eth_dev_socket_id(id);
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx_ring, &tx_ring);

	if (ret < 0)
		return port_error(id, "ring sizes", ret);
	if (f->ports[id].fast_free)
		tx.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	ret = rte_eth_rx_queue_setup(id, 0, rx_ring, node, NULL, pool);
	if (ret < 0)
		return port_error(id, "receive queue", ret);
	ret = rte_eth_tx_queue_setup(id, 0, tx_ring, node, &tx);
	return ret < 0 ? port_error(id, "transmit queue", ret) : 0;
}

static int start(struct forward *f, uint16_t id)
{
	struct port *port = &f->ports[id];
	int ret = rte_eth_dev_start(id);

	if (ret < 0)
		return port_error(id, "start", ret);
	port->started = true;
	if (rte_eth_promiscuous_get(id) == 1)
		return 0;
	ret = rte_eth_promiscuous_enable(id);
	port->promiscuous = ret == 0;
	if (ret)
		fprintf(stderr,
			"forward: note: port %u is not promiscuous (%s): only frames for its own "
			"address come in\n",
			id, rte_strerror(-ret));
	return 0;
}

static void describe(struct port *port, uint16_t id, const struct rte_eth_dev_info *info)
{
	snprintf(port->driver, sizeof(port->driver), "%s", info->driver_name);
	if (rte_eth_dev_get_name_by_port(id, port->name))
		port->name[0] = '\0';
	rte_eth_macaddr_get(id, &port->mac);
	port->node = rte_eth_dev_socket_id(id);
}

static void warn_of_node(const struct port *port, uint16_t id)
{
	int node = (int)rte_lcore_to_socket_id(port->lcore);

	if (port->node >= 0 && port->node != node)
		fprintf(stderr,
			"forward: note: port %u is on NUMA node %d and lcore %u on node %d: every "
			"packet crosses; take an lcore of node %d with -l\n",
			id, port->node, port->lcore, node, port->node);
}

static int port_open(struct forward *f, uint16_t id)
{
	struct rte_eth_dev_info info;
	int ret = rte_eth_dev_info_get(id, &info);

	if (ret < 0)
		return port_error(id, "ask what it can do", ret);
	describe(&f->ports[id], id, &info);
	warn_of_node(&f->ports[id], id);
	if (configure(f, id, &info) || set_up_queues(f, id, &info))
		return -1;
	return start(f, id);
}

static void port_close(struct forward *f, uint16_t id)
{
	struct port *port = &f->ports[id];

	if (port->promiscuous)
		rte_eth_promiscuous_disable(id);
	if (port->started)
		rte_eth_dev_stop(id);
	if (port->configured)
		rte_eth_dev_close(id);
}

/* --- all of them --- */

/* On the node of the pair's first port. */
static int open_pools(struct forward *f)
{
	for (unsigned pair = 0; pair < f->n_ports / 2; pair++) {
		int node = rte_eth_dev_socket_id((uint16_t)(2 * pair));
		char name[32];

		snprintf(name, sizeof(name), "forward_%u", pair);
		f->pools[pair] = rte_pktmbuf_pool_create(name, f->options.mbufs, CACHE, 0,
							 RTE_MBUF_DEFAULT_BUF_SIZE, node);
		if (!f->pools[pair]) {
			complain("mbufs: %s: fewer --mbufs, or more memory (-m, hugepages)",
				 rte_strerror(rte_errno));
			return -1;
		}
	}
	return 0;
}

int ports_open(struct forward *f)
{
	if (open_pools(f))
		return -1;
	for (unsigned id = 0; id < f->n_ports; id++)
		if (port_open(f, (uint16_t)id))
			return -1;
	return 0;
}

void ports_close(struct forward *f)
{
	for (unsigned id = 0; f->ports && id < f->n_ports; id++)
		port_close(f, (uint16_t)id);
	for (unsigned pair = 0; f->pools && pair < f->n_ports / 2; pair++)
		rte_mempool_free(f->pools[pair]);
}
