/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.h - an interface's traffic while one waits: by the counters of our XDP program, the
 * interface's own, and what reaches the kernel's stack (tracepoints: CAP_BPF, CAP_PERFMON, BTF).
 */
#ifndef XSKIT_DOCTOR_WATCH_H
#define XSKIT_DOCTOR_WATCH_H

#include "abi.h"
#include "doctor_abi.h"
#include "nl.h"

struct watch_counts {
	struct nl_counters interface;
	int program_rc; /* -ENOENT: none of ours is attached */
	struct xk_xdp_counters program[XK_MAX_QUEUES];
	int trace_rc; /* why the tracepoints could not be used */
	struct doctor_packets stack[DOCTOR_QUEUES];
	struct doctor_errors errors;
};

/* Wait so long, or until a signal, and count what comes meanwhile: 0 or -errno. */
int watch_run(struct watch_counts *counts, const char *ifname, int ifindex, double seconds);

struct xk_xdp_counters watch_program_sum(const struct watch_counts *counts);
struct doctor_packets watch_stack_sum(const struct watch_counts *counts);

#endif
