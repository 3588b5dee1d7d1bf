// SPDX-License-Identifier: BSD-2-Clause
/* XDP on the interface: what its driver can do, and which program is there. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "abi.h"
#include "doctor/doctor.h"
#include "doctor/patient.h"

#define NATIVE (NL_XDP_BASIC | NL_XDP_REDIRECT)

static bool has_native(const struct patient *p)
{
	return !p->xdp_rc && (p->xdp & NATIVE) == NATIVE;
}

/* A veth has it unless its peer sends on more queues than it receives on. */
static bool peer_sends_on_more(const struct patient *p)
{
	return patient_is_veth(p) && !p->peer.rc && p->peer.channels.tx > p->link.rx_queues;
}

static void look_native(const struct patient *p, struct finding *f)
{
	if (p->xdp_rc) {
		say_skip(f, "this kernel does not tell: %s", strerror(-p->xdp_rc));
		return;
	}
	if (has_native(p)) {
		say_ok(f, "%s has it", p->link.driver);
		return;
	}
	say_warn(f, "%s has none", *p->link.driver ? p->link.driver : p->ifname);
	say_fix(f, "# use a device whose driver has it; until then --mode skb is what there is");
	if (!peer_sends_on_more(p))
		return;
	say_warn(f, "none: its peer sends on %u queues, and %s receives on %u", p->peer.channels.tx,
		 p->ifname, p->link.rx_queues);
	say_fix(f, "%sethtool -L %s tx %u", p->peer.where, p->peer.link.name, p->link.rx_queues);
}

static void look_zerocopy(const struct patient *p, struct finding *f)
{
	if (p->xdp_rc)
		say_skip(f, "this kernel does not tell: %s", strerror(-p->xdp_rc));
	else if (p->xdp & NL_XDP_ZEROCOPY)
		say_ok(f, "%s has it", p->link.driver);
	else if (*p->stack.kind || !*p->link.driver)
		say_skip(f, "%s copies: there is no memory of a NIC's to share",
			 *p->stack.kind ? p->stack.kind : p->ifname);
	else
		say_warn(f, "%s has none: it copies", p->link.driver);
	if (f->status == FINDING_WARN)
		say_fix(f, "# use a NIC whose driver has it");
}

static void look_redirect_into(const struct patient *p, struct finding *f)
{
	if (p->xdp_rc) {
		say_skip(f, "this kernel does not tell: %s", strerror(-p->xdp_rc));
		return;
	}
	if (p->xdp & NL_XDP_NDO_XMIT) {
		say_ok(f, "%s takes redirected frames", p->ifname);
		return;
	}
	if (!has_native(p)) {
		say_skip(f, "%s has no native XDP", p->ifname);
		return;
	}
	say_warn(f, "%s drops redirected frames", p->ifname);
	if (patient_is_veth(p) && !p->peer.rc)
		say_fix(f, "%sethtool -K %s gro on", p->peer.where, p->peer.link.name);
	else
		say_fix(f, "# send with --engine xsk");
}

/* --- the program that is there --- */

static void say_how_to_take_off(const struct patient *p, struct finding *f)
{
	if (p->prog.dispatcher)
		say_fix(f, "xdp-loader unload %s --all", p->ifname);
	else if (p->prog.link_id)
		say_fix(f, "bpftool link detach id %u", p->prog.link_id);
	else
		say_fix(f, "ip link set dev %s %s off", p->ifname,
			p->prog.mode == XK_MODE_SKB ? "xdpgeneric" : "xdp");
}

static void look_program(const struct patient *p, struct finding *f)
{
	const struct xk_prog_status *s = &p->prog;

	if (!s->prog_id && p->prog_rc) {
		say_skip(f, "cannot be seen: %s", strerror(-p->prog_rc));
	} else if (!s->prog_id) {
		say_ok(f, "none");
	} else if (p->prog_rc) {
		say_skip(f, "program %u, of which more cannot be seen: %s", s->prog_id,
			 strerror(-p->prog_rc));
	} else if (s->ours && s->abi == XK_ABI_VERSION) {
		say_ok(f, "xsk_redirect (id %u)%s", s->prog_id,
		       s->dispatcher ? " behind a libxdp dispatcher" : "");
	} else {
		say_fail(f,
			 s->ours ? "%s (id %u) of another version of xskit"
				 : "%s (id %u), which is not ours",
			 s->name, s->prog_id);
		say_how_to_take_off(p, f);
	}
}

static void look_mode(const struct patient *p, struct finding *f)
{
	if (!p->prog.ours) {
		say_skip(f, "xsk_redirect is not attached");
		return;
	}
	if (p->prog.mode == XK_MODE_NATIVE || !has_native(p)) {
		say_ok(f, p->prog.mode == XK_MODE_NATIVE ? "native" : "skb, the only one there is");
		return;
	}
	say_warn(f, "skb, and %s has native XDP", p->link.driver);
	if (!p->prog.link_id)
		say_fix(f, "xskit unload %s && xskit load --mode native %s", p->ifname, p->ifname);
	else
		say_fix(f, "# start it again, without --mode skb");
}

/* --- what is left of the last run --- */

static bool has_pins(const char *ifname)
{
	char dir[256];

	return !xk_prog_default_pin(ifname, dir, sizeof(dir)) && !access(dir, F_OK);
}

static void look_left_over(const struct patient *p, struct finding *f)
{
	if (p->prog_rc)
		say_skip(f, "cannot be seen: %s", strerror(-p->prog_rc));
	else if (p->prog.ours && !p->prog.link_id && !p->prog.sockets)
		say_warn(f, "xsk_redirect was loaded to stay, and no queue has a socket");
	else if (!p->prog.ours && has_pins(p->ifname))
		say_warn(f, "pins of a program that is gone");
	else
		say_ok(f, "nothing");
	if (f->status == FINDING_WARN)
		say_fix(f, "xskit unload %s", p->ifname);
}

static const struct check checks[] = {
	{"native", "a driver with native XDP and redirect",
	 "generic XDP comes after the kernel has made an skb of each packet", look_native},
	{"zerocopy", "a driver with zero-copy", "otherwise the kernel copies each packet",
	 look_zerocopy},
	{"redirect-into",
	 "a device that takes redirected frames (a veth: its peer has GRO or XDP on)",
	 "frames redirected to it, as by gen --engine kernel, are dropped without a word",
	 look_redirect_into},
	{"xdp-program", "none, or xsk_redirect",
	 "an interface has one program, and xskit never replaces another's", look_program},
	{"xdp-mode", "native where the driver has it",
	 "generic XDP comes after the kernel has made an skb of each packet", look_mode},
	{"left-over", "nothing of an earlier run",
	 "a program without sockets passes everything to the kernel; stale pins refuse --pinned",
	 look_left_over},
};

const struct check_group doctor_xdp = {"xdp", checks, sizeof(checks) / sizeof(*checks)};
