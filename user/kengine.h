/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kengine.h - send a frame again and again through the kernel's XDP live frames.
 *
 * BPF_PROG_RUN hands pages to bpf/xdp_gen.bpf.c, which writes the frame into each, paces by an
 * absolute schedule and redirects to the interface. The frames never meet a socket or an skb on the
 * sending side. `sent` counts what the program redirected: what the device then refused (down,
 * frame above its MTU, a peer that takes no redirected frames, a full queue) only shows as a
 * difference from the device's own transmit counter. Whether the device can take redirected frames
 * at all is for the caller to ask first: NL_XDP_NDO_XMIT of nl_xdp_features() on `ifindex` itself.
 * A veth shows it there when its peer has an XDP program or GRO on.
 *
 * Capabilities: create needs CAP_BPF and CAP_NET_ADMIN (loading an XDP program) and CAP_PERFMON
 * (the program computes with packet pointers). run needs none (tried on 6.18), only the program's
 * file descriptor, so they may be dropped in between; kernels before 5.19 want CAP_BPF there too
 * where kernel.unprivileged_bpf_disabled is set.
 *
 * Thread contract: create and destroy from one thread, destroy after run has returned; run from
 * one thread at a time, in the network namespace of the interface; stop and the getters from any.
 * The first run installs a handler for SIGUSR1, which it uses to interrupt itself, in the process.
 */
#ifndef XSKIT_KENGINE_H
#define XSKIT_KENGINE_H

#include <stdint.h>
#include <xskit/err.h>
#include <xskit/hist.h>

#define KENGINE_MAX_FRAME 3400 /* bytes: what a live frame's page has room for */
#define KENGINE_MAX_FLOWS 65536
#define KENGINE_MAX_BATCH 256

struct kengine_config {
	int ifindex;          /* send out of this interface */
	const uint8_t *frame; /* a whole UDP frame, checksums right; copied */
	uint32_t len;
	uint16_t l4_off;   /* of its UDP header */
	uint16_t id_off;   /* of its IPv4 header, to count the identification up; 0: leave it */
	unsigned flows;    /* UDP source ports, from the frame's own on, in turn; 0 is 1 */
	uint64_t rate_pps; /* 0: as fast as it goes */
	uint64_t limit;    /* frames, 0: until stopped */
	unsigned batch;    /* frames between two flushes to the device, at most 256; 0: chosen */
};

struct kengine_stats {
	uint64_t sent; /* frames redirected to the device */
	uint64_t bytes;
	uint64_t start_ns; /* CLOCK_MONOTONIC of the first frame, 0: none yet */
	uint64_t last_ns;  /* of the last one; while it runs unpaced, of one of the last 1,024 */
};

struct kengine;

/*
 * Errors: -EINVAL a field out of range or the frame not UDP there; -EMSGSIZE longer than
 * KENGINE_MAX_FRAME; -EPERM a capability is missing; -EOPNOTSUPP no live frames in this kernel.
 */
int kengine_create(struct kengine **engine, const struct kengine_config *config,
		   struct xk_err *err);
void kengine_destroy(struct kengine *engine); /* NULL: nothing */

/* Send until the limit (0), kengine_stop() (0) or an error (-errno). Blocks; burns its CPU. */
int kengine_run(struct kengine *engine);

/* Ask run to return, now or when it is called; returns at once. For good. */
void kengine_stop(struct kengine *engine);

void kengine_stats(const struct kengine *engine, struct kengine_stats *stats);

/* Add |gap - interval| of all frames so far, in ns within 1.6 %, to *hist. Unpaced there is none.
 */
void kengine_gap_error(const struct kengine *engine, struct xk_hist *hist);

#endif
