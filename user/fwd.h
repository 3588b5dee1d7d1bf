/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd.h - forwarding: what comes by a queue of one interface leaves by the same queue of the other,
 * in the frame it came in; with one interface it goes back where it came from.
 *
 *   cmd_fwd.c     options
 *   fwd.c         the action: what may leave, and how its addresses change
 *   fwd_report.c  the summary: each direction's received, forwarded and dropped
 */
#ifndef XSKIT_FWD_H
#define XSKIT_FWD_H

#include "lane.h"
#include "opts.h"

struct fwd {
	struct packet_opts packet;
	bool no_swap; /* reflect frames as they are */
	int promiscuous[2];
	bool heard[2]; /* the interface takes frames for any address */
};

/* One port's frames, on their way to its peer. */
struct fwd_way {
	uint32_t longest;  /* bytes the peer's link takes */
	bool whole_frames; /* the peer cannot send packets of several frames */
	struct macaddr own;
	uint64_t too_long, too_short; /* relaxed */
};

struct fwd_lane {
	bool swap;
	struct fwd_way *ways; /* as the lane's ports */
};

/* Its ctx is a struct fwd. */
extern const struct action fwd_action;

/* fwd_report.c */
void fwd_summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary);
void fwd_summary_text(void *ctx, const struct lane *lanes, unsigned n);

#endif
