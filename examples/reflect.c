// SPDX-License-Identifier: BSD-2-Clause
/* reflect IFACE N: send N frames of queue 0 back to where they came from, MAC addresses swapped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xskit/port.h>
#include <xskit/prog.h>

static void swap_macs(unsigned char *frame)
{
	unsigned char mac[6];

	memcpy(mac, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, mac, 6);
}

int main(int argc, char **argv)
{
	const struct xk_umem_config umem_config = {.frames = 4096, .frame_size = 2048};
	const struct xk_mem_config mem_config = {.size = xk_umem_size(&umem_config), .node = -1};
	const struct xk_port_config port_config = {.rx_size = 2048, .tx_size = 2048};
	const struct xk_prog_config prog_config = {0};
	struct xk_umem_cache cache;
	struct xk_port_stats stats = {0};
	struct xk_pkt pkts[64];
	struct xk_mem *mem;
	struct xk_umem *umem;
	struct xk_port *port;
	struct xk_prog *prog;
	struct xk_err err;

	if (argc != 3 || atoll(argv[2]) < 1)
		return fprintf(stderr, "usage: reflect IFACE PACKETS\n"), 2;
	if (xk_mem_create(&mem, &mem_config, &err) ||
	    xk_umem_create(&umem, mem, &umem_config, &err) || xk_umem_cache_init(&cache, umem, 0) ||
	    xk_port_open(&port, &cache, argv[1], 0, &port_config, &err) ||
	    xk_prog_open(&prog, argv[1], &prog_config, &err) ||
	    xk_prog_insert(prog, 0, xk_port_fd(port), &err))
		return fprintf(stderr, "reflect: %s: %s: %s\n", err.what, err.why, err.fix), 1;
	for (; stats.completed < strtoull(argv[2], NULL, 10); xk_port_stats(port, &stats)) {
		unsigned n = xk_port_rx(port, pkts, 64), sent;

		for (unsigned i = 0; i < n; i++)
			swap_macs(xk_umem_data(&cache, pkts[i].addr));
		sent = xk_port_tx(port, pkts, n);
		xk_port_recycle(port, pkts + sent, n - sent); /* the TX ring was full: dropped */
		xk_port_kick(port);
		xk_port_reap(port);
	}
	printf("%llu frames sent back\n", (unsigned long long)stats.completed);
	xk_prog_close(prog);
	xk_port_close(port);
	xk_umem_cache_fini(&cache);
	xk_umem_destroy(umem);
	xk_mem_destroy(mem);
	return 0;
}
