/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen.h - what the generator's two engines share: the frame, how many flows, how fast, how many.
 *
 *   cmd_gen.c    options, and which engine
 *   gen_xsk.c    frames through an AF_XDP socket's TX ring
 *   gen_kernel.c the kernel's XDP live frames
 */
#ifndef XSKIT_GEN_H
#define XSKIT_GEN_H

#include <stdint.h>
#include <xskit/hist.h>
#include "lane.h"
#include "nl.h"
#include "packet.h"

#define GEN_MAX_FRAME 4096u /* bytes: a frame is one of the UMEM's, which has no larger ones */

struct gen {
	struct frame_spec spec;
	uint8_t *frame;    /* spec.size bytes: the first flow's frame */
	uint16_t l4_off;   /* of its UDP header */
	unsigned flows;    /* source ports from spec.sport on, in turn */
	uint64_t rate_pps; /* 0: as fast as it goes */
	uint64_t limit;    /* packets, 0: no limit */
	struct packet_opts *opts;
	struct nl_link link;
	struct nl_counters base; /* of the interface, before the first frame */
};

extern const struct action gen_xsk;
extern const struct action gen_kernel;

/* What both engines' summaries say. */
void gen_summary_json(const struct gen *gen, const char *engine, uint64_t completed,
		      const struct xk_hist *gap_error, json_t *summary);
void gen_summary_text(const struct gen *gen, const char *engine, uint64_t completed,
		      const struct xk_hist *gap_error);

/*
 * Frames that left through a port. A kernel keeps the descriptors it finds invalid, or returns them
 * like the others: they have left in neither case.
 */
uint64_t gen_left(const struct xk_port_stats *stats, uint64_t invalid);

/* Share of lane `index` of `lanes` in n packets. */
uint64_t gen_share(uint64_t n, unsigned index, unsigned lanes);

#endif
