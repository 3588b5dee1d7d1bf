// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * xsk_redirect: hand a queue's packets to the AF_XDP socket behind it, leave the kernel what is the
 * kernel's. Which packet goes where is described in abi.h.
 *
 * Most packets see no rules: for them only what the keep list needs is parsed. Without CAP_PERFMON
 * the verifier does not let a first write to a place on the stack pass without a barrier, some 10
 * ns each: what usually happens is done in registers.
 */
#include <xdp/xdp_helpers.h>
#include "redirect_keep.h"
#include "redirect_rules.h"

#define CAT_(a, b) a##b
#define CAT(a, b)  CAT_(a, b)

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XK_MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XK_MAX_QUEUES);
	__type(key, __u32);
	__type(value, struct xk_queue_config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XK_MAX_QUEUES);
	__type(key, __u32);
	__type(value, struct xk_xdp_counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

/* Holds nothing: its name tells which version of abi.h the maps above follow. */
#define ABI_MARKER CAT(xskit_abi_, XK_ABI_VERSION)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ABI_MARKER SEC(".maps");

struct {
	__uint(priority, 20);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(xsk_redirect);

enum verdict { TAKE, KEEP, UNMATCHED };

/* `kept`: a keep bit describes it, which comes before the rules that only take. */
static __always_inline enum verdict by_rules(struct xdp_md *ctx, __u32 queue, const struct pkt *p,
					     const struct xk_queue_config *cfg, __u32 kept)
{
	__u32 rules = cfg->rules, at = p->l3 << 16 | p->l4, hit;
	__u64 word = word_of(p);

	barrier_var(rules); /* else one load at a choice of offsets, which is refused */
	if (kept)
		rules = cfg->keep_end;
	hit = first_hit(ctx, word, at, &cfg->first, rules);
	if (hit == NO_HIT && rules > XK_BLOCK_RULES && rules <= XK_MAX_RULES)
		hit = later_hit(ctx, word, at, queue, rules);
	if (hit != NO_HIT)
		return hit >= cfg->own_end && hit < cfg->keep_end ? KEEP : TAKE;
	if (kept)
		return KEEP;
	return cfg->own_end || cfg->rules > cfg->keep_end ? UNMATCHED : TAKE;
}

static __always_inline enum verdict decide(struct xdp_md *ctx, __u32 queue,
					   const struct xk_queue_config *cfg)
{
	__u32 keep = XK_KEEP_ALL & ~cfg->not_kept;
	struct pkt p = {};

	if (!cfg->rules) {
		__u32 plain = keep ? plain_keep_bits(ctx) : 0;

		if (plain != NOT_PLAIN)
			return keep & plain ? KEEP : TAKE;
	}
	parse(ctx, &p);
	keep &= keep_bits(&p);
	if (cfg->rules)
		return by_rules(ctx, queue, &p, cfg, keep);
	return keep ? KEEP : TAKE;
}

static __always_inline int pass(__u64 *counter)
{
	asm volatile("" : "+r"(counter)); /* as in fetch() */
	*counter += 1;
	return XDP_PASS;
}

static __always_inline int take(struct xdp_md *ctx, __u32 queue, struct xk_xdp_counters *c)
{
	int ret = bpf_redirect_map(&xsks_map, queue, XDP_PASS);

	if (ret != XDP_REDIRECT) /* the socket went away just now */
		return pass(&c->no_socket);
	c->redirected += 1;
	return ret;
}

/* The program must refer to the marker to have it among its maps; not in the packets' way. */
static __always_inline int no_such_queue(void)
{
	asm volatile("" : : "r"(&ABI_MARKER));
	return XDP_PASS;
}

#ifndef SECTION
#define SECTION "xdp.frags"
#endif
SEC(SECTION)
int xsk_redirect(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	struct xk_xdp_counters *c = bpf_map_lookup_elem(&counters, &queue);
	struct xk_queue_config *cfg = bpf_map_lookup_elem(&config, &queue);

	if (!c || !cfg)
		return no_such_queue();
	if (!bpf_map_lookup_elem(&xsks_map, &queue))
		return pass(&c->no_socket);
	switch (decide(ctx, queue, cfg)) {
	case KEEP:
		return pass(&c->kept);
	case UNMATCHED:
		return pass(&c->unmatched);
	default:
		return take(ctx, queue, c);
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";
