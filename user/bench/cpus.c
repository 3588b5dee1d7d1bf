// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "bench/cpus.h"
#include "cmd.h"

static bool has(const struct xk_place *place, unsigned cpu)
{
	for (unsigned i = 0; i < place->count; i++)
		if ((unsigned)place->cpu[i] == cpu)
			return true;
	return false;
}

static int choose(struct cpus *cpus, const struct xk_place *place, const struct number_list *list,
		  struct xk_err *err)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (!has(place, list->number[i])) {
			xk_err_fill(err, -EINVAL, "--cpu", "`nproc` and `taskset -p $$` tell which",
				    "this process may not run on CPU %u", list->number[i]);
			return CMD_USAGE;
		}
		cpus->cpu[cpus->count++] = (int)list->number[i];
	}
	return 0;
}

int cpus_find(struct cpus *cpus, const struct number_list *list, unsigned most, struct xk_err *err)
{
	struct xk_place place;
	int ret = xk_place_find(&place, -1);

	cpus->count = cpus->n_claims = 0;
	if (ret)
		return xk_err_fill(err, ret, "--cpu", NULL, "find the CPUs");
	if (list->count)
		return choose(cpus, &place, list, err);
	cpus->count = most && most < place.count ? most : place.count;
	memcpy(cpus->cpu, place.cpu, cpus->count * sizeof(*place.cpu));
	return 0;
}

void cpus_claim(struct cpus *cpus)
{
	for (unsigned i = 0; i < cpus->count; i++) {
		int fd = xk_place_claim(cpus->cpu[i]);

		if (fd >= 0)
			cpus->claim[cpus->n_claims++] = fd;
	}
}

void cpus_put(struct cpus *cpus)
{
	while (cpus->n_claims)
		close(cpus->claim[--cpus->n_claims]);
}
