// SPDX-License-Identifier: BSD-2-Clause
/* The interface itself: is it up, how long are its frames, and what is above and below it. */
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"

#define HEADROOM 256u
#define HEADERS  22u /* addresses, two VLAN tags, type */
#define FRAME    2048u
#define PAGE     4096u
#define SKB_ROOM 320u /* behind the packet, where a driver makes an skb in the same page */

static void look_up(const struct patient *p, struct finding *f)
{
	if (p->link.up) {
		say_ok(f, "up");
		return;
	}
	say_fail(f, "%s is down", p->ifname);
	say_fix(f, "ip link set dev %s up", p->ifname);
}

/* A veth has one when both its ends are up. */
static void look_carrier(const struct patient *p, struct finding *f)
{
	if (!p->link.up)
		say_skip(f, "the interface is down");
	else if (p->link.carrier)
		say_ok(f, "there");
	else
		say_fail(f, "none");
	if (f->status != FINDING_FAIL)
		return;
	if (!p->peer.rc && !p->peer.link.up)
		say_fix(f, "%sip link set dev %s up", p->peer.where, p->peer.link.name);
	else
		say_fix(f, strcmp(p->stack.kind, "tun")
				   ? "# look at the cable, and at the other end"
				   : "# start the program that is to open it");
}

/* A packet of the interface's MTU against a frame, a page, and what the driver can do. */
static void look_mtu(const struct patient *p, struct finding *f)
{
	unsigned need = p->link.mtu + HEADERS, page = PAGE - HEADROOM - SKB_ROOM;
	bool multi = p->xdp & NL_XDP_RX_SG, native = p->xdp & NL_XDP_BASIC;

	if (need <= FRAME - HEADROOM)
		say_ok(f, "%u", p->link.mtu);
	else if (need <= page)
		say_warn(f, "%u: more than a frame of %u bytes holds", p->link.mtu, FRAME);
	else if (multi)
		say_warn(f, "%u: a packet takes %u frames", p->link.mtu,
			 (need + FRAME - HEADROOM - 1) / (FRAME - HEADROOM));
	else if (p->xdp_rc)
		say_skip(f,
			 "%u; this kernel does not tell whether %s takes several frames a packet",
			 p->link.mtu, p->link.driver);
	else if (!native)
		say_warn(f, "%u: generic XDP copies packets that long together", p->link.mtu);
	else
		say_fail(f, "%u: native XDP of %s takes packets of one page only", p->link.mtu,
			 p->link.driver);
	if (f->status == FINDING_WARN || f->status == FINDING_FAIL)
		say_fix(f, "ip link set dev %s mtu 1500", p->ifname);
}

static void look_master(const struct patient *p, struct finding *f)
{
	if (!p->stack.master) {
		say_ok(f, "a port of nothing");
		return;
	}
	say_warn(f, "a port of the %s %s", p->stack.master_kind, p->stack.master_name);
	say_fix(f, "ip link set dev %s nomaster", p->ifname);
}

static void look_above(const struct patient *p, struct finding *f)
{
	if (!*p->stack.upper_name) {
		say_ok(f, "nothing is stacked on it");
		return;
	}
	say_warn(f, "the %s %s is stacked on it", p->stack.upper_kind, p->stack.upper_name);
	say_fix(f, "ip link del dev %s", p->stack.upper_name);
}

static void look_below(const struct patient *p, struct finding *f)
{
	if (!*p->stack.lower_name) {
		say_ok(f, "a device of its own");
		return;
	}
	say_warn(f, "a %s on %s", p->stack.kind, p->stack.lower_name);
	say_fix(f, "xskit doctor %s", p->stack.lower_name);
}

static const struct check checks[] = {
	{"link", "up", "an interface that is down receives nothing", look_up},
	{"carrier", "there", "without a carrier nothing arrives", look_carrier},
	{"mtu", "at most 1770, so that a packet fits into one frame of 2,048 bytes",
	 "longer packets take several frames, or --frame-size 4096, or are refused", look_mtu},
	{"master", "no port of a bridge or bond",
	 "what goes to a socket never reaches the device above, and what that one needs never "
	 "reaches the socket",
	 look_master},
	{"above", "no VLAN or macvlan on it",
	 "what goes to a socket never reaches the device above", look_above},
	{"below", "the device where packets come in",
	 "a device on another one has no native XDP and gets what that one leaves", look_below},
};

const struct check_group doctor_link = {"link", checks, sizeof(checks) / sizeof(*checks)};
