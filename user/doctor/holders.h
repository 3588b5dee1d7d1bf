/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holders.h - the AF_XDP sockets on an interface, whichever process has them: a BPF iterator reads
 * the kernel's own structures (CAP_BPF, CAP_PERFMON, BTF).
 */
#ifndef XSKIT_DOCTOR_HOLDERS_H
#define XSKIT_DOCTOR_HOLDERS_H

#include "doctor_abi.h"

struct holders {
	int rc; /* 0, or why they could not be seen */
	unsigned n;
	struct doctor_socket *sockets; /* one a socket */
};

void holders_find(struct holders *holders, int ifindex);
/* What those that were there before counted since then; the others' counters stay as they are. */
void holders_since(struct holders *now, const struct holders *before);
void holders_release(struct holders *holders);

#endif
