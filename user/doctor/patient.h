/* SPDX-License-Identifier: BSD-2-Clause */
/* patient.h - what the checks look at: gathered once, before the first of them. */
#ifndef XSKIT_DOCTOR_PATIENT_H
#define XSKIT_DOCTOR_PATIENT_H

#include <xskit/prog.h>
#include "doctor/holders.h"
#include "doctor/peer.h"
#include "doctor/watch.h"
#include "nl.h"
#include "nl_ethtool.h"

struct patient {
	const char *ifname;
	struct nl_link link;
	struct nl_stack stack; /* what is above and below it */
	int xdp_rc;            /* of nl_xdp_features() */
	uint64_t xdp;
	int prog_rc; /* of xk_prog_status() */
	struct xk_prog_status prog;
	struct peer peer;       /* of a veth */
	struct holders holders; /* AF_XDP sockets on it, of whatever process */
	double live_s;
	struct watch_counts seen; /* while it was watched */
	int watch_rc;             /* -ENODATA: it was not */
};

/* 0 or -errno, *err filled; skips what it may not see. */
int patient_gather(struct patient *p, const char *ifname, double live_s, struct xk_err *err);
void patient_release(struct patient *p);

static inline bool patient_is_veth(const struct patient *p)
{
	return !strcmp(p->link.driver, "veth");
}

/* A socket of some process on this queue, NULL: none. */
const struct doctor_socket *patient_holder(const struct patient *p, unsigned queue);

/* Does the queue have a socket in the program's map? */
static inline bool patient_in_map(const struct patient *p, unsigned queue)
{
	return queue < 1024 && (p->prog.queue_has_socket[queue / 64] >> (queue % 64) & 1);
}

#endif
