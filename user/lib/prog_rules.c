// SPDX-License-Identifier: BSD-2-Clause
/* Rules as they are given into rules as xsk_redirect compares them. */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>
#include "abi.h"
#include "prog_internal.h"

#define PORTS (XK_RULE_SPORT | XK_RULE_DPORT)
#define ADDRS (XK_RULE_SRC | XK_RULE_DST | XK_RULE_ADDR_EITHER)

/* --- the head of a rule --- */

static void compare(struct xk_rule_head *head, uint64_t value, uint64_t mask, unsigned shift)
{
	head->value |= value << shift;
	head->mask |= mask << shift;
}

/* What a packet must have for the rule's fields to be compared at all, but for addresses. */
static uint32_t needs(uint32_t flags)
{
	uint32_t need = flags & (XK_RULE_ETHERTYPE | XK_RULE_PROTO | PORTS);

	if ((flags & PORTS) && !(flags & XK_RULE_PROTO))
		need |= XK_HAVE_PORTS;
	return flags & XK_RULE_PORT_EITHER ? need | PORTS : need;
}

static bool sport_in_head(const struct xk_rule *r)
{
	return !(r->flags & XK_RULE_PORT_EITHER) && r->sport_min == r->sport_max;
}

static bool dport_in_head(const struct xk_rule *r)
{
	return r->dport_min == r->dport_max;
}

static struct xk_rule_head head_of(const struct xk_rule *r)
{
	struct xk_rule_head head = {0};

	compare(&head, needs(r->flags), needs(r->flags), 0);
	if (r->flags & XK_RULE_ETHERTYPE)
		compare(&head, r->ethertype, 0xffff, 48);
	if (r->flags & XK_RULE_PROTO)
		compare(&head, r->proto, 0xff, 8);
	if ((r->flags & XK_RULE_SPORT) && sport_in_head(r))
		compare(&head, r->sport_min, 0xffff, 32);
	if ((r->flags & XK_RULE_DPORT) && dport_in_head(r))
		compare(&head, r->dport_min, 0xffff, 16);
	return head;
}

static bool has_more(const struct xk_rule *r)
{
	return (r->flags & ADDRS) || ((r->flags & XK_RULE_SPORT) && !sport_in_head(r)) ||
	       ((r->flags & XK_RULE_DPORT) && !dport_in_head(r));
}

/* --- the maps --- */

/* Blocks of a queue as they fill; the first goes with the configuration. */
struct writer {
	int fd;
	unsigned queue, n;
	struct xk_queue_config *config;
	struct xk_rule_block block;
};

static int write_block(struct writer *w)
{
	unsigned block = (w->n - 1) / XK_BLOCK_RULES;
	uint32_t key = w->queue * XK_MAX_BLOCKS + block;

	if (!block)
		w->config->first = w->block;
	else if (bpf_map_update_elem(w->fd, &key, &w->block, BPF_ANY))
		return -errno;
	memset(&w->block, 0, sizeof(w->block));
	return 0;
}

static int add(struct writer *w, const struct xk_rule *rule)
{
	unsigned i = w->n++ % XK_BLOCK_RULES;

	w->block.rule[i] = *rule;
	w->block.head[i] = head_of(rule);
	w->block.more |= (uint32_t)has_more(rule) << i;
	return i == XK_BLOCK_RULES - 1 ? write_block(w) : 0;
}

static int finish(struct writer *w)
{
	return w->n % XK_BLOCK_RULES ? write_block(w) : 0;
}

enum order { OWN, KEEPS, TAKES };

static enum order order_of(const struct xk_rule *rule)
{
	if (rule->flags & XK_RULE_OWN)
		return OWN;
	return rule->flags & XK_RULE_KEEP ? KEEPS : TAKES;
}

static int add_those(struct writer *w, const struct xk_rule *rules, unsigned n, enum order order)
{
	int rc = 0;

	for (unsigned i = 0; i < n && !rc; i++)
		if (order_of(&rules[i]) == order)
			rc = add(w, &rules[i]);
	return rc;
}

/* Own, keep, others, and where each ends. */
static int put_rules(struct writer *w, const struct xk_rule *rules, unsigned n)
{
	struct xk_queue_config *config = w->config;
	int rc = add_those(w, rules, n, OWN);

	config->own_end = (uint16_t)w->n;
	if (!rc)
		rc = add_those(w, rules, n, KEEPS);
	config->keep_end = (uint16_t)w->n;
	if (!rc)
		rc = add_those(w, rules, n, TAKES);
	config->rules = (uint16_t)w->n;
	return rc ? rc : finish(w);
}

/* How many of its blocks are in `match`. */
static unsigned later_blocks(unsigned rules)
{
	return rules ? (rules - 1) / XK_BLOCK_RULES : 0;
}

/* Those of whoever had the queue before. */
static void drop_blocks(int fd, unsigned queue, unsigned from, unsigned to)
{
	for (unsigned block = from + 1; block <= to && block < XK_MAX_BLOCKS; block++) {
		uint32_t key = queue * XK_MAX_BLOCKS + block;

		bpf_map_delete_elem(fd, &key);
	}
}

/* The configuration last: before it tells of the rules they are all there. */
int prog_put_rules(const struct prog_maps *maps, unsigned queue, uint32_t keep,
		   const struct xk_rule *rules, unsigned n)
{
	struct xk_queue_config old, new = {.not_kept = XK_KEEP_ALL & ~keep};
	struct writer w = {.fd = maps->fd[MAP_MATCH], .queue = queue, .config = &new};
	int rc;

	if (bpf_map_lookup_elem(maps->fd[MAP_CONFIG], &queue, &old))
		return -errno;
	rc = put_rules(&w, rules, n);
	if (rc)
		return rc;
	if (bpf_map_update_elem(maps->fd[MAP_CONFIG], &queue, &new, BPF_ANY))
		return -errno;
	drop_blocks(w.fd, queue, later_blocks(n), later_blocks(old.rules));
	return 0;
}
