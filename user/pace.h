/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pace.h - when the next frame is due, at a rate.
 *
 * The schedule is absolute: frame k belongs at start + k / rate, however late the frames before it
 * were, so nothing drifts. It is kept in units of 1/rate ns, of which a frame is always 1e9: exact,
 * with no fraction to round, for rates up to PACE_MAX_RATE, and nothing on the way of a frame
 * divides by the rate.
 *
 *      struct pace pace;
 *      pace_init(&pace, rate, 64, now_ns());
 *      n = pace_due(&pace, now_ns(), room);
 *      for (i = 0; i < n; i++)
 *              frame[i].intended_ns = pace_intended_ns(&pace, i);
 *      pace_sent(&pace, send(frame, n));       - what was not sent stays due
 *
 * After a stall at most `burst` frames are due at once. The slots of the others are given up and
 * counted as slipped: the schedule goes on where it would be now.
 */
#ifndef XSKIT_PACE_H
#define XSKIT_PACE_H

#include <stdint.h>

#define PACE_MAX_RATE 1000000000u /* frames a second */

struct pace {
	uint64_t rate;       /* frames a second, 0: all at once */
	uint64_t base_ns;    /* a second of the schedule begins; rate 0: the last time seen */
	uint64_t next;       /* the next frame after it, in 1/rate ns */
	uint64_t inverse;    /* 2^64 / rate */
	uint64_t longest_ns; /* after base_ns: more, multiplied by the rate, exceeds 64 bits */
	uint64_t burst;      /* frames due at once, at most */
	uint64_t sent;       /* frames */
	uint64_t slipped;    /* frames that had their time and were never sent */
};

/*
 * Frame 0 is due at start_ns. burst 0: any number may be due at once, and nothing slips. 0, or
 * -EINVAL: rate above PACE_MAX_RATE.
 */
int pace_init(struct pace *pace, uint64_t rate, unsigned burst, uint64_t start_ns);

/* After a stall: what is due, in 128 bits, at most a burst. */
uint64_t pace_late(struct pace *pace, uint64_t now_ns);

static inline uint64_t pace_count(struct pace *pace, uint64_t now_ns)
{
	uint64_t elapsed = now_ns - pace->base_ns, at, due;

	if ((int64_t)elapsed < 0)
		return 0;
	if (elapsed > pace->longest_ns)
		return pace_late(pace, now_ns);
	at = elapsed * pace->rate;
	if (at < pace->next)
		return 0;
	due = (at - pace->next) / 1000000000u + 1; /* a constant: multiplied, not divided */
	return due <= pace->burst ? due : pace_late(pace, now_ns);
}

/* How many frames are due at now_ns, at most max. The same again until pace_sent(). */
static inline unsigned pace_due(struct pace *pace, uint64_t now_ns, unsigned max)
{
	uint64_t due;

	if (!pace->rate) {
		pace->base_ns = now_ns;
		return max;
	}
	due = pace_count(pace, now_ns);
	return due < max ? (unsigned)due : max;
}

/* n of the frames that were due are sent. */
static inline void pace_sent(struct pace *pace, unsigned n)
{
	uint64_t second = pace->rate * 1000000000u;

	pace->sent += n;
	if (!pace->rate)
		return;
	pace->next += n * UINT64_C(1000000000);
	while (pace->next >= second) {
		pace->next -= second;
		pace->base_ns += 1000000000u;
	}
}

/*
 * When frame i (below 1e9) of those to come, 0 being the next, is due by the schedule; less than
 * 2 ns early. Rate 0: the time of the last pace_due().
 */
static inline uint64_t pace_intended_ns(const struct pace *pace, unsigned i)
{
	uint64_t at = pace->next + i * UINT64_C(1000000000);

	if (!pace->rate)
		return pace->base_ns;
	return pace->base_ns + (uint64_t)(((unsigned __int128)at * pace->inverse) >> 64);
}

/* When to wake up: the next frame is due then, and has been for 2 ns at most. */
static inline uint64_t pace_wake_ns(const struct pace *pace)
{
	return pace_intended_ns(pace, 0) + (pace->rate ? 2 : 0);
}

#endif
