// SPDX-License-Identifier: BSD-2-Clause
/* The CPUs of an experiment. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xskit/place.h>
#include "bench/crew.h"
#include "cmd.h"

static bool has(const struct xk_place *place, unsigned cpu)
{
	for (unsigned i = 0; i < place->count; i++)
		if ((unsigned)place->cpu[i] == cpu)
			return true;
	return false;
}

static int choose(struct crew_cpus *cpus, const struct xk_place *place, const unsigned *list,
		  unsigned n, struct xk_err *err)
{
	for (unsigned i = 0; i < n; i++) {
		if (!has(place, list[i])) {
			xk_err_fill(err, -EINVAL, "--cpu", "`nproc` and `taskset -p $$` tell which",
				    "this process may not run on a CPU %u", list[i]);
			return CMD_USAGE;
		}
		cpus->cpu[cpus->count++] = (int)list[i];
	}
	return 0;
}

/* Other programs of this project keep off these CPUs; that they cannot be told is no reason not to
 * run. */
static void claim(struct crew_cpus *cpus)
{
	for (unsigned i = 0; i < cpus->count; i++) {
		int fd = xk_place_claim(cpus->cpu[i]);

		if (fd >= 0)
			cpus->claim[cpus->n_claims++] = fd;
	}
}

int crew_cpus_find(struct crew_cpus *cpus, const unsigned *list, unsigned n, struct xk_err *err)
{
	struct xk_place place;
	int ret = xk_place_find(&place, -1);

	cpus->count = cpus->n_claims = 0;
	if (ret)
		return xk_err_fill(err, ret, "--cpu", NULL, "find the CPUs");
	if (list && n) {
		ret = choose(cpus, &place, list, n, err);
	} else {
		cpus->count = place.count;
		memcpy(cpus->cpu, place.cpu, place.count * sizeof(*place.cpu));
	}
	if (!ret)
		claim(cpus);
	return ret;
}

void crew_cpus_put(struct crew_cpus *cpus)
{
	while (cpus->n_claims)
		close(cpus->claim[--cpus->n_claims]);
}
