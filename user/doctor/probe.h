/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.h - what this kernel can do, found by trying it; nothing stays. */
#ifndef XSKIT_DOCTOR_PROBE_H
#define XSKIT_DOCTOR_PROBE_H

/* 0: yes; -errno: why not. */
int probe_af_xdp(void);
int probe_bpf(void);
int probe_freplace(void);

/* Is a program that is loaded compiled? 1, 0 or -errno. */
int probe_jit(void);

/* What came later, ended by one without a name. */
struct probe {
	const char *name;
	const char *since; /* the version that brought it */
	int (*ask)(void);
};
extern const struct probe probes[];

#endif
