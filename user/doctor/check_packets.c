// SPDX-License-Identifier: BSD-2-Clause
/* Where packets go: to which queue, and whether they may come at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"

#define MAX_LISTED 1024

/* False, and f says so: the traffic was not watched, or not in that way. */
static bool watched(const struct patient *p, struct finding *f, int how_rc)
{
	if (p->watch_rc)
		say_skip(f, "seen with --live SECONDS only");
	else if (how_rc)
		say_skip(f, "cannot be counted: %s", strerror(-how_rc));
	return !p->watch_rc && !how_rc;
}

static bool watched_program(const struct patient *p, struct finding *f)
{
	if (!p->watch_rc && p->seen.program_rc == -ENOENT)
		say_skip(f, "xsk_redirect is not attached");
	else
		return watched(p, f, p->seen.program_rc);
	return false;
}

static void look_arrival(const struct patient *p, struct finding *f)
{
	const struct nl_counters *c = &p->seen.interface;

	if (!watched(p, f, 0))
		return;
	if (c->rx_packets) {
		say_ok(f, "%llu packets in %.1f s", (unsigned long long)c->rx_packets, p->live_s);
		return;
	}
	say_warn(f, "no packet in %.1f s", p->live_s);
	say_fix(f, "# look at the sender, and at what is in between");
}

/* A driver may count as dropped what XDP failed to redirect, which has checks of its own. */
static bool told_elsewhere(const struct patient *p, uint64_t lost)
{
	const struct doctor_errors *e = &p->seen.errors;

	return lost <= e->exceptions + e->redirect;
}

static void look_drops(const struct patient *p, struct finding *f)
{
	const struct nl_counters *c = &p->seen.interface;
	uint64_t lost = c->rx_dropped + c->rx_missed + c->rx_errors;

	if (!watched(p, f, 0))
		return;
	if (!lost) {
		say_ok(f, "none in %.1f s", p->live_s);
		return;
	}
	if (told_elsewhere(p, lost)) {
		say_skip(f, "%llu by XDP: see redirect-errors and exceptions",
			 (unsigned long long)lost);
		return;
	}
	say_warn(f, "%llu dropped, %llu missed, %llu errors in %.1f s",
		 (unsigned long long)c->rx_dropped, (unsigned long long)c->rx_missed,
		 (unsigned long long)c->rx_errors, p->live_s);
	say_fix(f, "# more queues, longer rings (ethtool -G), another CPU; ethtool -S tells which");
}

/* --- queues --- */

static uint64_t arrived(const struct patient *p, unsigned queue)
{
	if (p->watch_rc || p->seen.program_rc || queue >= XK_MAX_QUEUES)
		return 0;
	return p->seen.program[queue].no_socket;
}

/* "1,3-7": the queues that have no socket, and how much came there. */
static void list_bare(const struct patient *p, char *list, size_t size, uint64_t *missed)
{
	unsigned n = p->link.rx_queues, last;

	for (unsigned q = 0; q < n; q = last + 1) {
		size_t at = strlen(list);

		last = q;
		if (patient_in_map(p, q))
			continue;
		while (last + 1 < n && !patient_in_map(p, last + 1))
			last++;
		for (unsigned k = q; k <= last; k++)
			*missed += arrived(p, k);
		if (at + 24 < size)
			snprintf(list + at, size - at, last > q ? "%s%u-%u" : "%s%u", at ? "," : "",
				 q, last);
	}
}

static void look_queues(const struct patient *p, struct finding *f)
{
	char bare[256] = "";
	uint64_t missed = 0;

	if (p->prog_rc) {
		say_skip(f, "the program cannot be seen: %s", strerror(-p->prog_rc));
		return;
	}
	if (!p->prog.sockets) {
		say_skip(f, "no queue has a socket");
		return;
	}
	list_bare(p, bare, sizeof(bare), &missed);
	if (!*bare)
		say_ok(f, "all %u have a socket", p->link.rx_queues);
	else if (missed)
		say_fail(f, "%llu packets came on queues without a socket: %s",
			 (unsigned long long)missed, bare);
	else
		say_warn(f, "of %u queues these have no socket: %s", p->link.rx_queues, bare);
	if (*bare)
		say_fix(f, "xskit rx %s -q %s", p->ifname, bare);
}

/* Of a table of queues: the first without a socket, -1: none. */
static long without_socket(const struct patient *p, const uint32_t *queues, int n)
{
	for (int i = 0; i < n; i++)
		if (queues[i] == UINT32_MAX || !patient_in_map(p, queues[i]))
			return queues[i];
	return -1;
}

/* How many queues from 0 on have a socket: what RSS can be told to use. */
static unsigned first_sockets(const struct patient *p)
{
	unsigned n = 0;

	while (patient_in_map(p, n))
		n++;
	return n;
}

static void look_rss(const struct patient *p, struct finding *f)
{
	uint32_t queues[MAX_LISTED];
	int n = nl_rss_table(p->ifname, queues, MAX_LISTED);
	long bare;

	if (n <= 0 || !p->prog.sockets) {
		say_skip(f, n <= 0 ? "%s does not tell" : "%s: no queue has a socket",
			 n <= 0 ? p->link.driver : p->ifname);
		return;
	}
	bare = without_socket(p, queues, n);
	if (bare < 0) {
		say_ok(f, "all its queues have a socket");
		return;
	}
	say_warn(f, "it also sends to queue %ld, which has no socket", bare);
	if (first_sockets(p))
		say_fix(f, "ethtool -X %s equal %u", p->ifname, first_sockets(p));
	else
		say_fix(f, "xskit rx %s -q all", p->ifname);
}

static void look_flow_rules(const struct patient *p, struct finding *f)
{
	uint32_t queues[MAX_LISTED];
	int n = nl_flow_rules(p->ifname, queues, MAX_LISTED);
	long bare;

	if (n < 0) {
		say_skip(f, "%s has no flow rules", p->link.driver);
		return;
	}
	bare = p->prog.sockets ? without_socket(p, queues, n) : -1;
	if (bare == UINT32_MAX)
		say_warn(f, "a rule drops packets");
	else if (bare >= 0)
		say_warn(f, "a rule sends to queue %ld, which has no socket", bare);
	else
		say_ok(f, "%d", n);
	if (f->status == FINDING_WARN)
		say_fix(f, "# ethtool -n %s shows them, ethtool -N %s delete N removes one",
			p->ifname, p->ifname);
}

/* --- what the program leaves to the kernel --- */

static void look_share(const struct patient *p, struct finding *f, uint64_t part, const char *what,
		       const char *fix)
{
	struct xk_xdp_counters sum = watch_program_sum(&p->seen);
	uint64_t seen = sum.redirected + sum.kept + sum.unmatched + sum.no_socket + sum.dropped;

	if (part * 2 <= seen || !part) {
		say_ok(f, "%llu of %llu packets", (unsigned long long)part,
		       (unsigned long long)seen);
		return;
	}
	say_warn(f, "%llu of %llu packets %s", (unsigned long long)part, (unsigned long long)seen,
		 what);
	say_fix(f, "%s", fix);
}

static void look_kept(const struct patient *p, struct finding *f)
{
	if (watched_program(p, f))
		look_share(p, f, watch_program_sum(&p->seen).kept, "were kept for the kernel",
			   "# start it again with --keep none, or a shorter list");
}

static void look_unmatched(const struct patient *p, struct finding *f)
{
	if (watched_program(p, f))
		look_share(p, f, watch_program_sum(&p->seen).unmatched, "match no rule",
			   "# start it again without --match, or with another rule");
}

/* --- what is in the packets --- */

static void look_mac(const struct patient *p, struct finding *f)
{
	struct doctor_packets sum = watch_stack_sum(&p->seen);

	if (p->stack.promisc) {
		say_ok(f, "promiscuous: takes every address");
		return;
	}
	if (!watched(p, f, p->seen.trace_rc))
		return;
	if (!sum.other_host) {
		say_ok(f, "none to another address");
		return;
	}
	say_warn(f, "%llu packets to addresses that are not %s's",
		 (unsigned long long)sum.other_host, p->ifname);
	say_fix(f, "ip link set dev %s promisc on", p->ifname);
}

static void look_vlan(const struct patient *p, struct finding *f)
{
	struct doctor_packets sum = watch_stack_sum(&p->seen);

	if (!watched(p, f, p->seen.trace_rc))
		return;
	if (!sum.vlan) {
		say_ok(f, "no tags seen");
		return;
	}
	say_warn(f, "%llu packets whose tag the device took out", (unsigned long long)sum.vlan);
	say_fix(f, "ethtool -K %s rxvlan off", p->ifname);
}

static const char *const offloads[] = {"tx-checksum-ip-generic",
				       "tx-checksum-ipv4",
				       "tx-checksum-ipv6",
				       "tx-tcp-segmentation",
				       "tx-tcp6-segmentation",
				       "tx-udp-segmentation",
				       NULL};

static void look_offloads(const struct patient *p, struct finding *f)
{
	struct doctor_packets sum = watch_stack_sum(&p->seen);
	const struct nl_feature *on = p->peer.rc ? NULL : peer_feature(&p->peer, offloads);

	if (on) {
		say_warn(f, "%s: %s is on", p->peer.link.name, on->name);
		say_fix(f, "%sethtool -K %s tx off", p->peer.where, p->peer.link.name);
	} else if (!p->peer.rc) {
		say_ok(f, "off at %s", p->peer.link.name);
	} else if (!watched(p, f, p->seen.trace_rc)) {
		return;
	} else if (sum.segments || sum.partial_csum) {
		say_warn(f, "%llu without checksum, %llu larger than a wire's",
			 (unsigned long long)sum.partial_csum, (unsigned long long)sum.segments);
		say_fix(f, "# switch off checksum and segmentation offload at the sender");
	} else {
		say_ok(f, "none seen");
	}
}

static const struct check checks[] = {
	{"arrival", "packets", "what never reaches the interface never reaches a socket",
	 look_arrival},
	{"drops", "none", "the interface itself drops packets before XDP sees them", look_drops},
	{"queues", "a socket on every queue",
	 "packets on a queue without a socket go to the kernel", look_queues},
	{"rss", "queues that have a socket", "the NIC spreads packets over these queues", look_rss},
	{"flow-rules", "none to a queue without a socket", "they go before RSS", look_flow_rules},
	{"kept", "a small part", "what the keep list describes never reaches the socket",
	 look_kept},
	{"unmatched", "a small part", "what no --match rule takes never reaches the socket",
	 look_unmatched},
	{"mac", "packets to the interface's own address, or promiscuous mode",
	 "a NIC drops packets to other addresses before XDP sees them", look_mac},
	{"vlan", "tags in the frame", "a tag that the device took out is not in AF_XDP's frame",
	 look_vlan},
	{"offloads", "off at the sender",
	 "AF_XDP gets frames without checksum, or larger than a wire would carry", look_offloads},
};

const struct check_group doctor_packets = {"packets", checks, sizeof(checks) / sizeof(*checks)};
