// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"

/* Sockets count from when they began; while they are watched, from then on. */
static void watch(struct patient *p)
{
	struct holders before;

	holders_find(&before, p->link.ifindex);
	p->watch_rc = watch_run(&p->seen, p->ifname, p->link.ifindex, p->live_s);
	holders_find(&p->holders, p->link.ifindex);
	holders_since(&p->holders, &before);
	holders_release(&before);
}

int patient_gather(struct patient *p, const char *ifname, double live_s, struct xk_err *err)
{
	int rc;

	memset(p, 0, sizeof(*p));
	p->ifname = ifname;
	p->live_s = live_s;
	p->watch_rc = -ENODATA;
	rc = nl_link(ifname, &p->link, err);
	if (rc)
		return rc;
	rc = nl_stack(p->link.ifindex, &p->stack);
	if (rc)
		return xk_err_fill(err, rc, "look at interface", NULL, "netlink: %s",
				   strerror(-rc));
	make_plain(p->stack.master_name);
	make_plain(p->stack.upper_name);
	make_plain(p->stack.lower_name);
	p->xdp_rc = nl_xdp_features(p->link.ifindex, &p->xdp);
	peer_find(&p->link, &p->peer);
	if (live_s > 0)
		watch(p);
	else
		holders_find(&p->holders, p->link.ifindex);
	p->prog_rc = xk_prog_status(ifname, &p->prog, NULL);
	return 0;
}

void patient_release(struct patient *p)
{
	holders_release(&p->holders);
}

const struct doctor_socket *patient_holder(const struct patient *p, unsigned queue)
{
	for (unsigned i = 0; i < p->holders.n; i++)
		if (p->holders.sockets[i].queue == queue)
			return &p->holders.sockets[i];
	return NULL;
}
