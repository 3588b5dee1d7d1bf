// SPDX-License-Identifier: BSD-2-Clause
/* The round trips: a request leaves when it is due, an answer finds its request in the table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "neigh.h"
#include "ping.h"

#define NEVER      UINT64_MAX
#define ASK_NS     100000000ull  /* between two ARP requests or solicitations */
#define GIVE_UP_NS 3000000000ull /* nobody has this address */
#define MIN_SLOTS  1024u
#define MAX_SLOTS  (1u << 22)
#define MAX_A_STEP 64u /* requests that go out in one step at most */

/* --- the table of requests --- */

static struct ping_slot *slot_of(const struct ping *ping, uint64_t seq)
{
	return &ping->slots[seq & ping->mask];
}

/* Room for what is on its way at this rate until it is overdue, twice over: late ones stay known.
 */
static uint64_t slots_for(const struct ping_config *config)
{
	uint64_t need = config->rate_pps * (config->timeout_ns / 1000000) / 1000 * 2,
		 slots = MIN_SLOTS;

	while (slots < need && slots < MAX_SLOTS)
		slots *= 2;
	return slots;
}

static void settle(struct ping *ping, struct ping_slot *slot, uint64_t now)
{
	slot->answered = true;
	ping->received++;
	if (slot->lost) { /* overdue, and here after all */
		ping->lost--;
		ping->late++;
	}
	if (slot->seq + 1 < ping->highest)
		ping->reordered++;
	else
		ping->highest = slot->seq + 1;
	xk_hist_record(&ping->rtt, now - slot->intended_ns);
	xk_hist_record(&ping->service, now - slot->sent_ns);
}

static void take_answer(struct ping *ping, uint64_t seq, uint64_t now)
{
	struct ping_slot *slot = slot_of(ping, seq);

	if (slot->seq != seq)
		ping->foreign++; /* older than the table, or never asked */
	else if (slot->answered)
		ping->duplicates++;
	else
		settle(ping, slot, now);
}

/* Move `oldest` past what is answered or overdue. */
static void expire(struct ping *ping, uint64_t now)
{
	for (; ping->oldest < ping->next; ping->oldest++) {
		struct ping_slot *slot = slot_of(ping, ping->oldest);

		if (slot->answered)
			continue;
		if (now - slot->sent_ns < ping->config->timeout_ns)
			return;
		slot->lost = true;
		ping->lost++;
	}
}

/* --- sending --- */

static bool send_bytes(struct ping *ping, const uint8_t *bytes, uint32_t len)
{
	struct xk_umem_cache *cache = &ping->lane->cache;
	struct xk_pkt pkt = {.len = len};

	if (xk_umem_get(cache, &pkt.addr, 1) == 0)
		return false;
	memcpy(xk_umem_data(cache, pkt.addr), bytes, len);
	if (lane_send(ping->lane, &pkt, 1) == 1)
		return true;
	xk_umem_put(cache, &pkt.addr, 1);
	return false;
}

/* intended 0: when it is sent. The clock is read last, so that it is the round trip that is timed.
 */
static bool send_request(struct ping *ping, uint64_t intended)
{
	struct xk_umem_cache *cache = &ping->lane->cache;
	struct xk_pkt pkt = {.len = ping->frame.size};
	uint64_t now;

	if (xk_umem_get(cache, &pkt.addr, 1) == 0)
		return false;
	ping_frame_write(&ping->frame, ping->next, xk_umem_data(cache, pkt.addr));
	now = now_ns();
	if (lane_send(ping->lane, &pkt, 1) == 0) {
		xk_umem_put(cache, &pkt.addr, 1);
		return false;
	}
	*slot_of(ping, ping->next) =
		(struct ping_slot){ping->next, intended ? intended : now, now, false, false};
	ping->next++;
	ping->sent++;
	lane_flush(ping->lane); /* at once: what follows can wait. An error comes up again in the
				   step */
	return true;
}

static bool may_send(const struct ping *ping)
{
	if (ping->config->limit && ping->sent == ping->config->limit)
		return false;
	return ping->next - ping->oldest <= ping->mask; /* the table is not full */
}

/* Closed loop: the next request goes out when the last one is answered or given up. */
static unsigned send_next(struct ping *ping)
{
	if (ping->oldest != ping->next || !may_send(ping))
		return 0;
	return send_request(ping, 0);
}

/* Open loop: what the schedule says, however late we are; the intended time goes with it. */
static unsigned send_due(struct ping *ping, uint64_t now)
{
	unsigned n = 0;

	if (ping->sent == 0) /* the schedule begins when the way is known; its rate was checked */
		pace_init(&ping->pace, ping->config->rate_pps, 0, now);
	while (n < MAX_A_STEP && may_send(ping) && pace_due(&ping->pace, now, 1)) {
		if (!send_request(ping, pace_intended_ns(&ping->pace, 0)))
			break;
		pace_sent(&ping->pace, 1);
		n++;
	}
	return n;
}

/* --- the way there --- */

static int ask_for_mac(struct ping *ping, uint64_t now)
{
	const struct frame_spec *spec = &ping->config->spec;
	const struct neigh_query query = {.src_mac = spec->src_mac,
					  .vlan = spec->vlan,
					  .src = spec->src,
					  .target = ping->config->target};
	uint8_t frame[NEIGH_FRAME_MAX];
	int len;

	if (!ping->give_up_ns)
		ping->give_up_ns = now + GIVE_UP_NS;
	if (now >= ping->give_up_ns)
		return -EHOSTUNREACH;
	if (now < ping->ask_ns)
		return 0;
	ping->ask_ns = now + ASK_NS;
	len = neigh_request(&query, frame, sizeof(frame));
	if (len < 0)
		return len;
	return send_bytes(ping, frame, (uint32_t)len);
}

static void learn(struct ping *ping, const uint8_t *bytes, uint32_t len)
{
	struct macaddr mac;

	if (!neigh_learn(bytes, len, &ping->config->target, &mac))
		return;
	ping_frame_to(&ping->frame, &mac);
	ping->resolved = true;
}

/* --- one step --- */

static enum verdict take_packet(struct ping *ping, struct xk_pkt *pkt, uint64_t now)
{
	uint8_t *bytes = lane_data(ping->lane, pkt);
	uint64_t seq;

	if (ping_frame_read(ping->config, &ping->frame, bytes, pkt->len, &seq)) {
		take_answer(ping, seq, now);
		return VERDICT_RECYCLE;
	}
	if (!ping->resolved)
		learn(ping, bytes, pkt->len);
	if (ping->config->own_host && answer_frame(&ping->host, bytes, &pkt->len,
						   lane_capacity(ping->lane, pkt)) == ANSWER_SEND)
		return VERDICT_TRANSMIT;
	ping->foreign++;
	return VERDICT_RECYCLE;
}

static int ping_run(void *state, struct lane *lane, const struct burst *burst)
{
	struct ping *ping = state;
	uint64_t now = now_ns();
	int did = 0;

	(void)lane;
	for (unsigned i = 0; i < burst->n; i++)
		burst->verdict[i] = (uint8_t)take_packet(ping, &burst->pkts[i], now);
	expire(ping, now);
	xk_store_relaxed(&ping->waiting, !burst->closing || ping->oldest != ping->next);
	if (burst->closing)
		return 0;
	if (!ping->resolved)
		return ask_for_mac(ping, now);
	if (ping->config->rate_pps)
		did = (int)send_due(ping, now);
	else
		did = (int)send_next(ping);
	if (ping->config->limit && ping->sent == ping->config->limit && ping->oldest == ping->next)
		lane_finish(ping->lane);
	return did;
}

static uint64_t ping_next_ns(const void *state)
{
	const struct ping *ping = state;
	uint64_t next = NEVER;

	if (!ping->resolved)
		return ping->ask_ns;
	if (ping->config->rate_pps && may_send(ping))
		next = pace_wake_ns(&ping->pace);
	if (ping->oldest < ping->next) {
		uint64_t overdue = slot_of(ping, ping->oldest)->sent_ns + ping->config->timeout_ns;

		next = overdue < next ? overdue : next;
	} else if (!ping->config->rate_pps) {
		return 0;
	}
	return next;
}

/* All that was asked is answered or overdue. */
static bool ping_settled(const void *state)
{
	const struct ping *ping = state;

	return !xk_load_relaxed(
		&ping->waiting); /* partner: ping_run(); a flag, nothing goes with it */
}

/* --- begin and end --- */

static int init_table(struct ping *ping)
{
	uint64_t slots = slots_for(ping->config);

	ping->slots = calloc(slots, sizeof(*ping->slots));
	if (!ping->slots)
		return -ENOMEM;
	for (uint64_t i = 0; i < slots; i++)
		ping->slots[i].seq = NEVER;
	ping->mask = slots - 1;
	return 0;
}

static int ping_lane_init(void *ctx, struct lane *lane, void **state, struct xk_err *err)
{
	const struct ping_config *config = ctx;
	struct ping *ping = calloc(1, sizeof(*ping));
	uint64_t run = 0;

	if (!ping)
		return xk_err_fill(err, -ENOMEM, "ping", NULL, "no memory");
	*state = ping;
	ping->config = config;
	ping->lane = lane;
	ping->resolved = !config->resolve;
	ping->waiting = true;
	ping->host.mac = config->spec.src_mac;
	ping->host.ips = &config->spec.src;
	ping->host.count = 1;
	xk_hist_reset(&ping->rtt);
	xk_hist_reset(&ping->service);
	if (getrandom(&run, sizeof(run), 0) != sizeof(run))
		return xk_err_fill(err, -EIO, "ping", NULL, "no random number");
	if (init_table(ping) || ping_frame_init(&ping->frame, &config->spec, run))
		return xk_err_fill(err, -ENOMEM, "ping", NULL, "cannot build requests");
	return pace_init(&ping->pace, config->rate_pps, 0, now_ns());
}

static void ping_lane_fini(void *state)
{
	struct ping *ping = state;

	ping_frame_fini(&ping->frame);
	free(ping->slots);
	free(ping);
}

const struct action ping_action = {
	.command = "ping",
	.rx = true,
	.tx = true,
	.one_worker = true,
	.one_frame = true,
	.takes_own = true,
	.limits_own = true,
	.prepare = ping_prepare,
	.lane_init = ping_lane_init,
	.run = ping_run,
	.next_ns = ping_next_ns,
	.settled = ping_settled,
	.lane_fini = ping_lane_fini,
	.summary_json = ping_summary_json,
	.summary_text = ping_summary_text,
	.finished = ping_finished,
};
