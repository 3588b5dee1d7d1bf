// SPDX-License-Identifier: BSD-2-Clause
/* AF_XDP sockets on the interface: who has them, and what they lose. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"
#include "doctor/workers.h"

/* False, and f says so: sockets cannot be seen, or there are none. */
static bool has_sockets(const struct patient *p, struct finding *f)
{
	if (p->holders.rc)
		say_skip(f, "sockets cannot be seen: %s", strerror(-p->holders.rc));
	else if (!p->holders.n)
		say_skip(f, "there are no sockets on it");
	return !p->holders.rc && p->holders.n;
}

/* A process of another PID namespace has no number here, and kill 0 would be our own group. */
static void say_signal(struct finding *f, const struct doctor_socket *s, const char *option)
{
	if (s->pid)
		say_fix(f, "kill %s%u", option, s->pid);
	else
		say_fix(f, "# look for %s in another PID namespace (container)", s->comm);
}

static void look_holders(const struct patient *p, struct finding *f)
{
	const struct doctor_socket *idle = NULL;
	char list[256] = "";

	if (!has_sockets(p, f))
		return;
	for (unsigned i = 0; i < p->holders.n; i++) {
		const struct doctor_socket *s = &p->holders.sockets[i];

		list_add(list, sizeof(list), "queue %u: %u (%s)", s->queue, s->pid, s->comm);
		if (!p->prog_rc && !patient_in_map(p, s->queue) &&
		    (!p->prog.prog_id || p->prog.ours))
			idle = s;
	}
	if (!idle) {
		say_ok(f, "%s", list);
		return;
	}
	say_warn(f, "queue %u: process %u (%s) holds it, and no XDP program sends there",
		 idle->queue, idle->pid, idle->comm);
	say_signal(f, idle, "");
}

/* --- what they lost: as long as it was watched, else since they began --- */

static const char *span(const struct patient *p)
{
	return p->watch_rc ? "since it began" : "while it was watched";
}

/* The socket with the most of a counter that lies at an offset; NULL: all have 0. */
static const struct doctor_socket *worst(const struct patient *p, size_t at, uint64_t *count)
{
	const struct doctor_socket *worst = NULL;

	*count = 0;
	for (unsigned i = 0; i < p->holders.n; i++) {
		const struct doctor_socket *s = &p->holders.sockets[i];
		uint64_t n;

		memcpy(&n, (const char *)s + at, sizeof(n));
		if (n > *count) {
			*count = n;
			worst = s;
		}
	}
	return worst;
}

static const struct doctor_socket *look_counter(const struct patient *p, struct finding *f,
						size_t at)
{
	const struct doctor_socket *s;
	uint64_t count;

	if (!has_sockets(p, f))
		return NULL;
	s = worst(p, at, &count);
	if (!s)
		say_ok(f, "never %s", span(p));
	else
		say_warn(f, "queue %u, process %u (%s): %llu times %s", s->queue, s->pid, s->comm,
			 (unsigned long long)count, span(p));
	return s;
}

#define LOOK_COUNTER(p, f, member) look_counter(p, f, offsetof(struct doctor_socket, member))

static void look_fill(const struct patient *p, struct finding *f)
{
	const struct doctor_socket *s = LOOK_COUNTER(p, f, fill_empty);

	if (s && s->pid && workers_state((int)s->pid) == 'T')
		say_signal(f, s, "-CONT ");
	else if (s)
		say_fix(f, "# start it again with more --frames, or on another CPU");
}

static void look_rx_ring(const struct patient *p, struct finding *f)
{
	if (LOOK_COUNTER(p, f, rx_queue_full))
		say_fix(f, "# start it again with a larger --ring-size, or on another CPU");
}

static void look_rx_invalid(const struct patient *p, struct finding *f)
{
	if (LOOK_COUNTER(p, f, rx_invalid))
		say_fix(f, "# addresses in the fill ring must lie in the UMEM: mend the program");
}

static void look_tx_invalid(const struct patient *p, struct finding *f)
{
	if (LOOK_COUNTER(p, f, tx_invalid))
		say_fix(f, "# descriptors in the TX ring must lie in one frame: mend the program");
}

/* --- what the kernel says of XDP --- */

static bool traced(const struct patient *p, struct finding *f)
{
	if (p->watch_rc)
		say_skip(f, "seen with --live SECONDS only");
	else if (p->seen.trace_rc)
		say_skip(f, "tracepoints cannot be used: %s", strerror(-p->seen.trace_rc));
	return !p->watch_rc && !p->seen.trace_rc;
}

static void look_exceptions(const struct patient *p, struct finding *f)
{
	const struct doctor_errors *e = &p->seen.errors;

	if (!traced(p, f))
		return;
	if (!e->exceptions) {
		say_ok(f, "none");
		return;
	}
	say_fail(f, "%llu, the last with verdict %u", (unsigned long long)e->exceptions,
		 e->last_act);
	say_fix(f, "# mend the XDP program (xskit status %s names it)", p->ifname);
}

/* The socket had no room: its own counters tell. */
static bool had_no_room(int error)
{
	return error == -ENOMEM || error == -ENOBUFS || error == -ENOSPC;
}

static void look_redirect(const struct patient *p, struct finding *f)
{
	const struct doctor_errors *e = &p->seen.errors;

	if (!traced(p, f))
		return;
	if (!e->redirect) {
		say_ok(f, "none");
		return;
	}
	if (had_no_room(e->last_errno)) {
		say_skip(f, "%llu where a socket had no room: see fill-ring, rx-ring",
			 (unsigned long long)e->redirect);
		return;
	}
	say_fail(f, "%llu, the last: %s", (unsigned long long)e->redirect,
		 strerror(abs(e->last_errno)));
	say_fix(f, "# mend the XDP program: its target is gone, or a socket is bound to another "
		   "queue than its place in the XSKMAP says");
}

static const struct check checks[] = {
	{"holders", "a socket behind which the XDP program sends",
	 "a queue has one socket: a second one is refused (EBUSY)", look_holders},
	{"fill-ring", "never empty", "without a frame in it the kernel drops the packet",
	 look_fill},
	{"rx-ring", "never full", "the kernel drops what does not fit", look_rx_ring},
	{"rx-descriptors", "all valid", "an address outside the UMEM is a frame lost",
	 look_rx_invalid},
	{"tx-descriptors", "all valid", "the kernel drops what an invalid one describes",
	 look_tx_invalid},
	{"exceptions", "none", "an XDP program that fails drops the packet", look_exceptions},
	{"redirect-errors", "none", "a redirect that fails drops the packet", look_redirect},
};

const struct check_group doctor_sockets = {"sockets", checks, sizeof(checks) / sizeof(*checks)};
