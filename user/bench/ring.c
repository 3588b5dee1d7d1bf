// SPDX-License-Identifier: BSD-2-Clause
/* bench ring: what a record costs through each ring. */
#include <errno.h>
#include <stddef.h>
#include "bench/bench.h"

int bench_ring(int argc, char **argv, struct xk_err *err)
{
	(void)argc;
	(void)argv;
	return xk_err_fill(err, -EOPNOTSUPP, "bench ring", NULL, "not in this version");
}
