// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "doctor/patient.h"

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
	p->xdp_rc = nl_xdp_features(p->link.ifindex, &p->xdp);
	peer_find(&p->link, &p->peer);
	if (live_s > 0)
		p->watch_rc = watch_run(&p->seen, ifname, p->link.ifindex, live_s);
	/* last: who came while it was watched is seen */
	p->prog_rc = xk_prog_status(ifname, &p->prog, NULL);
	holders_find(&p->holders, p->link.ifindex);
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
