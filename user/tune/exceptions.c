// SPDX-License-Identifier: BSD-2-Clause
/* What was measured to hurt on a driver, whatever a profile wants. */
#include <string.h>
#include "tune/settings.h"

static const struct {
	const char *driver, *setting, *why;
} exceptions[] = {
	{"veth", "napi-defer-hard-irqs",
	 "measured on veth: a ping-pong stalls, because the peer's softirq never runs"},
	{"veth", "gro-flush-timeout",
	 "measured on veth: a ping-pong stalls, because the peer's softirq never runs"},
	{"veth", "napi-threaded",
	 "measured on veth: receiving is slower where NAPI leaves the sender's CPU"},
	{"veth", "channels",
	 "XDP on a veth is refused with fewer receive queues than its peer may send on"},
};

const char *tune_exception(const char *driver, const char *setting)
{
	for (unsigned i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (!strcmp(exceptions[i].driver, driver) &&
		    !strcmp(exceptions[i].setting, setting))
			return exceptions[i].why;
	return NULL;
}
