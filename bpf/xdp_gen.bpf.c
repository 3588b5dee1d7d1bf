// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * xdp_gen - turns the kernel's XDP live frames (BPF_PROG_RUN with BPF_F_TEST_XDP_LIVE_FRAMES) into
 * a traffic generator: each run of the program gets one frame, and either writes the next frame of
 * the sequence into it and redirects it to the interface, or drops it because none is due yet.
 *
 * The kernel fills a page from the caller's template once and then recycles it: what the program or
 * any receiver changed is still there when the page comes back. So nothing is assumed of a frame's
 * contents; all of it is written, every time.
 *
 * The configuration is constant when the program is loaded, so the verifier removes the branches of
 * what is not asked for: unpaced there is no clock read, without a limit no comparison.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#define NSEC_PS     1000ULL
#define MAX_DEBT_PS 1000000000000ULL /* a lag of more than 1 s is written off */
#define STAMP_EVERY 1024             /* unpaced, the clock is read every so many frames */
#define COPY_INLINE 128              /* bytes copied by the program itself, the rest by a helper */

const volatile struct xk_gen_config config = {.flows = 1, .len = 64, .l4_off = 34};
const volatile __u64 frame[(XK_GEN_MAX_FRAME + 7) / 8] = {};

struct xk_gen_state state SEC(".bss");
__u64 gap_error[XK_GEN_HIST_BUCKETS] SEC(".bss");

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

/* Logarithmic above 64, with the 5 bits below the highest one kept (see abi.h). */
static __always_inline __u32 bucket_of(__u64 value)
{
	__u32 shift = 0;
	__u64 top = value >> 6;

	if (value >> 42)
		return XK_GEN_HIST_BUCKETS - 1;
	if (top >> 32) {
		shift += 32;
		top >>= 32;
	}
	if (top >> 16) {
		shift += 16;
		top >>= 16;
	}
	if (top >> 8) {
		shift += 8;
		top >>= 8;
	}
	if (top >> 4) {
		shift += 4;
		top >>= 4;
	}
	if (top >> 2) {
		shift += 2;
		top >>= 2;
	}
	shift += top > 1 ? 2 : (__u32)top;
	return shift * XK_GEN_HIST_SUB + (__u32)(value >> shift);
}

static __always_inline void record_gap(__u64 gap)
{
	__u64 want = config.interval_ps / NSEC_PS;
	__u32 bucket = bucket_of(gap > want ? gap - want : want - gap);

	if (bucket < XK_GEN_HIST_BUCKETS)
		gap_error[bucket]++;
}

/*
 * Is a frame due by the absolute schedule? Behind it (after a stall) frames go out at up to four
 * times the rate, not all at once: a receiver's queue holds a few hundred.
 */
static __always_inline int due(__u64 now)
{
	__u64 least_gap = config.interval_ps / (4 * NSEC_PS);
	__u64 elapsed;

	if (!state.sent)
		return 1;
	elapsed = (now - state.start_ns) * NSEC_PS;
	if (elapsed < state.next_ps || now - state.last_ns < least_gap)
		return 0;
	if (elapsed - state.next_ps > MAX_DEBT_PS)
		state.next_ps = elapsed - MAX_DEBT_PS;
	return 1;
}

static __always_inline int pace(void)
{
	__u64 now = bpf_ktime_get_ns();

	if (!due(now))
		return 0;
	if (state.sent)
		record_gap(now - state.last_ns);
	else
		state.start_ns = now;
	state.last_ns = now;
	state.next_ps += config.interval_ps;
	return 1;
}

static __always_inline void stamp(void)
{
	__u64 now;

	if (state.sent % STAMP_EVERY)
		return;
	now = bpf_ktime_get_ns();
	if (!state.sent)
		state.start_ns = now;
	state.last_ns = now;
}

static __always_inline void end(void)
{
	if (state.ended)
		return;
	state.ended = 1;
	if (!config.interval_ps && state.sent)
		state.last_ns = bpf_ktime_get_ns();
}

/* The template as it stands, 8 bytes at a time; the last 8 may overlap the ones before. */
static __always_inline int copy_template(struct xdp_md *ctx, __u8 *data)
{
	__u32 len = config.len, n = len < COPY_INLINE ? len : COPY_INLINE, i;

	for (i = 0; i < COPY_INLINE / 8; i++) {
		if (i * 8 + 8 > n)
			break;
		*(__u64 *)(data + i * 8) = frame[i];
	}
	for (i *= 8; i < n; i++)
		data[i] = ((const volatile __u8 *)frame)[i];
	if (len > COPY_INLINE)
		return (int)bpf_xdp_store_bytes(ctx, COPY_INLINE, (void *)&frame[COPY_INLINE / 8],
						len - COPY_INLINE);
	return 0;
}

static __always_inline void next_udp(__u8 *udp)
{
	__u16 sport = bpf_htons((__u16)(config.sport_base + state.flow));
	__u16 check;

	*(__u16 *)udp = sport;
	if (config.udp_sum) {
		check = ~fold((__u32)config.udp_sum + sport);
		*(__u16 *)(udp + 6) = check ? check : 0xffff;
	}
	if (config.flows > 1)
		state.flow = state.flow + 1 < config.flows ? state.flow + 1 : 0;
}

static __always_inline void next_id(__u8 *ip)
{
	__u16 id = bpf_htons((__u16)state.sent);

	*(__u16 *)(ip + 4) = id;
	*(__u16 *)(ip + 10) = ~fold((__u32)config.ip_sum + id);
}

SEC("xdp")
int xdp_gen(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *data_end = (__u8 *)(long)ctx->data_end;

	if (*(volatile __u64 *)&state.stop || (config.limit && state.sent >= config.limit)) {
		end();
		return XDP_DROP;
	}
	if (data + config.len > data_end)
		return XDP_ABORTED;
	if (config.interval_ps) {
		if (!pace())
			return XDP_DROP;
	} else {
		stamp();
	}
	copy_template(ctx, data);
	next_udp(data + config.l4_off);
	if (config.id_off)
		next_id(data + config.id_off);
	state.sent++;
	return (int)bpf_redirect(config.ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
