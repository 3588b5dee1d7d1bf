// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "answer.h"
#include "echo.h"
#include "match.h"
#include "neigh.h"
#include "resolve.h"

#define UDP_ECHO 7

/* One lane's part: its own counters. */
struct echo_lane {
	struct answer answer;
	uint64_t too_long; /* packets of several frames: not answered */
};

/* --- preparation --- */

static int own_addresses(struct echo *echo, struct xk_err *err)
{
	uint8_t prefix[ECHO_MAX_IPS];
	int n = nl_addresses(echo->link.ifindex, echo->ips, prefix, ECHO_MAX_IPS);

	echo->count = n > 0 ? (unsigned)n : 0;
	if (echo->count)
		return 0;
	return xk_err_fill(err, -EADDRNOTAVAIL, "echo", "give one with --ip", "%s has no address",
			   echo->link.name);
}

/* Only what is for this address; who is asked for it is left to the kernel if it is the kernel's.
 */
static int take_address(struct echo *echo, const struct ipaddr *ip, struct xk_err *err)
{
	bool kernels = resolve_is_own(&echo->link, ip);
	struct xk_rule *rules = opts_add_rules(&echo->packet, kernels ? 2 : 3);
	char text[46];

	if (!rules)
		return opt_clash(err, "--ip", "give fewer addresses or rules",
				 "'%s' finds no room for its rules", ipaddr_text(ip, text));
	match_own_icmp_request(&rules[0], ip);
	match_own_udp(&rules[1], ip, UDP_ECHO);
	if (kernels)
		return 0;
	if (ip->family == 4)
		match_own_arp(&rules[2], ip);
	else
		match_own_nd(&rules[2], ip);
	return 0;
}

static int join(struct echo *echo, unsigned i)
{
	struct ipaddr group;

	if (echo->ips[i].family != 6)
		return -1;
	group = neigh_solicited_node(&echo->ips[i]);
	return nl_join_group(echo->link.ifindex, &group);
}

static int prepare(void *ctx, const struct nl_link *link, struct packet_opts *opts,
		   struct xk_err *err)
{
	struct echo *echo = ctx;
	int ret = 0;

	(void)opts;
	echo->link = *link;
	if (!echo->count && (ret = own_addresses(echo, err)))
		return ret;
	for (unsigned i = 0; i < echo->count && !ret; i++) {
		echo->groups[i] = join(echo, i);
		ret = take_address(echo, &echo->ips[i], err);
	}
	return ret;
}

/* --- the packets --- */

static int lane_init(void *ctx, struct lane *lane, void **state, struct xk_err *err)
{
	struct echo *echo = ctx;
	struct echo_lane *e = calloc(1, sizeof(*e));

	(void)lane;
	if (!e)
		return xk_err_fill(err, -ENOMEM, "echo", NULL, "no memory");
	e->answer.mac = echo->link.mac;
	e->answer.ips = echo->ips;
	e->answer.count = echo->count;
	*state = e;
	return 0;
}

/* Index of the frame behind the packet that starts at i. */
static unsigned packet_end(const struct burst *burst, unsigned i)
{
	while (burst->pkts[i].flags & XK_PKT_MORE)
		i++;
	return i + 1;
}

static int run(void *state, struct lane *lane, const struct burst *burst)
{
	struct echo_lane *e = state;

	for (unsigned i = 0; i < burst->n;) {
		struct xk_pkt *pkt = &burst->pkts[i];
		unsigned end = packet_end(burst, i);

		if (end - i > 1)
			e->too_long++;
		else if (answer_frame(&e->answer, lane_data(lane, pkt), &pkt->len,
				      lane_capacity(lane, pkt)) == ANSWER_SEND)
			burst->verdict[i] = VERDICT_TRANSMIT;
		i = end;
	}
	return 0;
}

static void lane_fini(void *state)
{
	free(state);
}

/* --- the summary --- */

/* Every counter by its name, in the order of struct answer. */
static const struct {
	const char *group, *name;
	size_t offset;
} counters[] = {
#define COUNTER(group, name, field)                                                                \
	{                                                                                          \
		group, name, offsetof(struct answer, field)                                        \
	}
	COUNTER("answered", "arp", arp),
	COUNTER("answered", "nd", nd),
	COUNTER("answered", "icmp", icmp),
	COUNTER("answered", "icmp6", icmp6),
	COUNTER("answered", "udp", udp),
	COUNTER("malformed", "short", malformed_short),
	COUNTER("malformed", "length", malformed_length),
	COUNTER("malformed", "version", malformed_version),
	COUNTER("malformed", "checksum", malformed_checksum),
	COUNTER("malformed", "fragment", malformed_fragment),
	COUNTER("refused", "source_port7", refused_source_port7),
	COUNTER("refused", "broadcast", refused_broadcast),
	COUNTER("refused", "multicast", refused_multicast),
	COUNTER("refused", "own_address", refused_own_address),
	COUNTER("refused", "not_ours", refused_not_ours),
	COUNTER("refused", "other", refused_other),
	COUNTER("", "csum_partial", csum_partial),
#undef COUNTER
};

#define COUNTERS (sizeof(counters) / sizeof(*counters))

static uint64_t sum_counter(const struct lane *lanes, unsigned n, unsigned which)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct echo_lane *e = lanes[i].state;

		sum += *(const uint64_t *)((const char *)&e->answer + counters[which].offset);
	}
	return sum;
}

static uint64_t sum_too_long(const struct lane *lanes, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += ((const struct echo_lane *)lanes[i].state)->too_long;
	return sum;
}

static uint64_t sum_tx_full(const struct lane *lanes, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += lane_tx_full(&lanes[i]);
	return sum;
}

static void summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary)
{
	(void)ctx;
	for (unsigned i = 0; i < COUNTERS; i++) {
		json_t *value = json_integer((json_int_t)sum_counter(lanes, n, i));
		json_t *group = summary;

		if (*counters[i].group) {
			group = json_object_get(summary, counters[i].group);
			if (!group) {
				group = json_object();
				json_object_set_new(summary, counters[i].group, group);
			}
		}
		json_object_set_new(group, counters[i].name, value);
	}
	json_object_set_new(json_object_get(summary, "refused"), "too_long",
			    json_integer((json_int_t)sum_too_long(lanes, n)));
	json_object_set_new(summary, "tx_ring_full",
			    json_integer((json_int_t)sum_tx_full(lanes, n)));
}

static void summary_text(void *ctx, const struct lane *lanes, unsigned n)
{
	const char *group = NULL;

	(void)ctx;
	for (unsigned i = 0; i < COUNTERS; i++) {
		uint64_t value = sum_counter(lanes, n, i);

		if (value == 0)
			continue;
		if (group != counters[i].group)
			printf("%s%s", group ? "\n" : "",
			       *counters[i].group ? counters[i].group : "beside");
		group = counters[i].group;
		printf("  %s %llu", counters[i].name, (unsigned long long)value);
	}
	if (group)
		putchar('\n');
	if (sum_too_long(lanes, n))
		printf("refused  packets of several frames %llu\n",
		       (unsigned long long)sum_too_long(lanes, n));
	if (sum_tx_full(lanes, n))
		printf("answers dropped, TX ring full: %llu\n",
		       (unsigned long long)sum_tx_full(lanes, n));
}

const struct action echo_action = {
	.command = "echo",
	.rx = true,
	.tx = true,
	.one_frame = true,
	.takes_own = true,
	.prepare = prepare,
	.lane_init = lane_init,
	.run = run,
	.lane_fini = lane_fini,
	.summary_json = summary_json,
	.summary_text = summary_text,
};
