// SPDX-License-Identifier: BSD-2-Clause
/* bench udp: the kernel's own UDP, with everything it offers to be fast. */
#include "bench/bench.h"
#include "bench/udp.h"

int bench_udp(int argc, char **argv, struct xk_err *err)
{
	struct udp_opts opts;
	struct udp_run run = {.opts = &opts};
	int ret = udp_opts_parse(&opts, argc - 1, argv + 1, err);

	if (!ret)
		ret = udp_run(&run, argc, argv, err);
	udp_opts_free(&opts);
	return ret;
}
