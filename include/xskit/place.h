/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place.h - which CPUs and which NUMA node work should run on.
 *
 * Thread contract: all functions are callable from any thread; they read the system each time and
 * keep no state. A struct xk_place is filled once and constant after.
 */
#ifndef XSKIT_PLACE_H
#define XSKIT_PLACE_H

#include <xskit/err.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XK_PLACE_MAX_CPUS 1024

/* CPUs in the order in which to use them: on the wanted node first, unclaimed first, CPU 0 last. */
struct xk_place {
	unsigned count;   /* CPUs this process may run on */
	unsigned on_node; /* how many of them, from the front, are on the wanted node */
	unsigned claimed; /* how many, anywhere, are claimed, by this process or others */
	int cpu[XK_PLACE_MAX_CPUS];
};

/* NUMA node of an interface of this network namespace (also behind a virtio bus), -1: none. */
int xk_place_ifnode(const char *ifname);

/* NUMA node of a CPU, -1: unknown. */
int xk_place_cpunode(int cpu);

/* Number of NUMA nodes, at least 1. */
int xk_place_nodes(void);

/* Fill *place for a node (-1: any; all CPUs count as on it). -errno of sched_getaffinity(2). */
int xk_place_find(struct xk_place *place, int node);

/*
 * Tell other processes of this library that this CPU has a spinning worker: an OFD lock on one byte
 * of /run/xskit/cpus, gone with the process however it ends. xk_place_find() puts claimed CPUs
 * last. Returns a file descriptor to close when done; -EBUSY: claimed already (by this process,
 * too); -EINVAL: no CPU's number; -EPERM, -EACCES and the like: claims cannot be made here, which
 * is no reason not to run. /run/xskit is created mode 0700 and refused (-EPERM) unless it is a real
 * directory on /run's filesystem, owned by the caller's user and of mode 0700.
 */
int xk_place_claim(int cpu);

#ifdef __cplusplus
}
#endif
#endif
