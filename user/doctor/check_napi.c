// SPDX-License-Identifier: BSD-2-Clause
/* Busy polling, and the settings by which interrupts are put off. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"
#include "doctor/sysfile.h"

/* A socket that asks for busy polling; engaged: and gets it. */
static const struct doctor_socket *busy_socket(const struct patient *p, bool engaged)
{
	for (unsigned i = 0; i < p->holders.n; i++)
		if (p->holders.sockets[i].prefer_busy_poll &&
		    (p->holders.sockets[i].napi_id != 0) == engaged)
			return &p->holders.sockets[i];
	return NULL;
}

/* A socket learns its NAPI from the first packet. */
static void look_busy_poll(const struct patient *p, struct finding *f)
{
	const struct doctor_socket *s = busy_socket(p, false);

	if (p->holders.rc)
		say_skip(f, "sockets cannot be seen: %s", strerror(-p->holders.rc));
	else if (s && !s->rx.producer)
		say_skip(f, "queue %u has received nothing yet", s->queue);
	else if (s)
		say_warn(f, "queue %u, process %u (%s): asked for, but the socket has no NAPI id",
			 s->queue, s->pid, s->comm);
	else if (busy_socket(p, true))
		say_ok(f, "engaged");
	else
		say_ok(f, "not asked for");
	if (f->status == FINDING_WARN)
		say_fix(f, "# %s tells no NAPI id: start it again with --poll adaptive",
			p->link.driver);
}

#define MAX_NAPIS 1024

/* The largest value of a setting: the interface's, or one NAPI's of its own (since 6.13). */
static long long setting(const struct patient *p, const char *file, bool defer)
{
	static struct nl_napi napis[MAX_NAPIS];
	int n = nl_napis(p->link.ifindex, napis, MAX_NAPIS);
	long long value;

	if (sysfile_number(&value, "/sys/class/net/%s/%s", p->ifname, file))
		value = -1;
	for (int i = 0; i < n && i < MAX_NAPIS; i++) {
		long long own = defer ? (long long)napis[i].defer_hard_irqs
				      : (long long)napis[i].gro_flush_timeout;

		value = own > value ? own : value;
	}
	return value;
}

/* Set where busy polling is at work, 0 where it is not. */
static void look_setting(const struct patient *p, struct finding *f, const char *file, bool defer,
			 const char *good)
{
	long long value = setting(p, file, defer);
	bool engaged = busy_socket(p, true);

	if (value < 0) {
		say_skip(f, "%s cannot be read", file);
		return;
	}
	if (engaged == (value > 0)) {
		say_ok(f, "%lld", value);
		return;
	}
	say_warn(f,
		 engaged ? "%lld, while a socket polls busily"
			 : "%lld, and no socket polls busily: left behind",
		 value);
	sysfile_net_write(p->ifname, file, engaged ? good : "0", f->fix, sizeof(f->fix));
}

static void look_defer(const struct patient *p, struct finding *f)
{
	look_setting(p, f, "napi_defer_hard_irqs", true, "2");
}

static void look_flush(const struct patient *p, struct finding *f)
{
	look_setting(p, f, "gro_flush_timeout", false, "200000");
}

static void look_threaded(const struct patient *p, struct finding *f)
{
	long long on;

	if (sysfile_number(&on, "/sys/class/net/%s/threaded", p->ifname))
		say_skip(f, "threaded cannot be read");
	else if (!on)
		say_ok(f, "off");
	else
		say_warn(f, "on");
	if (f->status == FINDING_WARN)
		sysfile_net_write(p->ifname, "threaded", "0", f->fix, sizeof(f->fix));
}

static const struct check checks[] = {
	{"busy-poll", "engaged where it is asked for",
	 "without a NAPI id the kernel accepts the options and does nothing", look_busy_poll},
	{"napi-defer", "set while a socket polls busily, else 0",
	 "it lets the poller keep interrupts off; left behind, it delays everybody's packets",
	 look_defer},
	{"gro-flush", "set while a socket polls busily, else 0",
	 "until it is over interrupts stay off; left behind, it delays everybody's packets",
	 look_flush},
	{"threaded-napi", "off",
	 "the kernel's part of the work runs in a thread that competes with the workers",
	 look_threaded},
};

const struct check_group doctor_napi = {"napi", checks, sizeof(checks) / sizeof(*checks)};
