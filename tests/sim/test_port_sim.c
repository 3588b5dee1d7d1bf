// SPDX-License-Identifier: BSD-2-Clause
/*
 * Thousands of seeded lives of a UMEM, its caches and its ports against the simulated kernel. An
 * application receives, forwards, generates, recycles and keeps; the kernel delivers, sends,
 * completes and fails. A model beside them knows what must come out: every packet once, in order,
 * whole; every frame with one owner, and the ledger's figures to the frame.
 *
 * SIM_SEED=0x... runs one life again, SIM_RUNS=n another number of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xskit/port.h>
#include "kernel.h"

#define RUNS       12000u
#define STEPS      160u
#define PORTS      3u
#define CACHES     2u
#define MAX_FRAMES 512u
#define HANDS      96u
#define BURST      96u
#define QUEUE      1024u /* packets of one direction of one port under way, at most */

/* A packet the model waits for. */
struct expected {
	uint32_t id, len, frames;
	bool invalid; /* its descriptor is: it must never be sent */
};

struct queue {
	struct expected packets[QUEUE];
	uint32_t head, tail;
};

/* A packet on the application's hands. */
struct hand {
	struct xk_pkt pkts[XK_PKT_MAX_FRAMES];
	struct expected packet;
};

struct side {
	struct xk_port *port;
	struct xk_port_config config;
	struct sim_sock *sock;
	struct xk_umem_cache *cache;
	struct queue rx, tx;
	uint64_t delivered, sent;
	bool up, gone;
};

struct run {
	uint64_t seed, rng;
	struct sim_config sim;
	struct xk_umem_config config;
	struct xk_umem *umem;
	struct xk_umem_cache caches[CACHES];
	struct side sides[PORTS];
	unsigned n_caches, n_sides;
	struct hand hands[HANDS];
	unsigned n_hands;
	uint8_t held[MAX_FRAMES]; /* on the application's hands */
	uint32_t next_id, step;
	const char *doing;
};

static struct xk_mem *mem;
static struct run run; /* large */

/* --- seeds and failures --- */

static uint32_t below(uint32_t n)
{
	return sim_below(&run.rng, n);
}

static bool chance(uint32_t one_in)
{
	return below(one_in) == 0;
}

static void check(bool ok, const char *what)
{
	if (!ok && sim_complaint())
		what = sim_complaint();
	if (!ok)
		fail_msg("SIM_SEED=0x%llx, step %u (%s): %s", (unsigned long long)run.seed,
			 run.step, run.doing, what);
}

/* --- the model --- */

static void expect(struct queue *queue, struct expected packet)
{
	check(queue->tail - queue->head < QUEUE, "test: queue too short");
	queue->packets[queue->tail++ % QUEUE] = packet;
}

static struct expected next_expected(struct queue *queue, const char *none)
{
	check(queue->head != queue->tail, none);
	return queue->packets[queue->head++ % QUEUE];
}

static void skip_invalid(struct queue *queue)
{
	while (queue->head != queue->tail && queue->packets[queue->head % QUEUE].invalid)
		queue->head++;
}

static void on_sent(void *ctx, struct sim_sock *sock, const struct sim_packet *packet)
{
	struct expected want;
	struct side *side;

	(void)ctx;
	for (side = run.sides; side->sock != sock; side++)
		;
	skip_invalid(&side->tx);
	want = next_expected(&side->tx, "a packet was sent that nobody gave");
	check(want.id == packet->id, "packets were sent in another order");
	check(want.len == packet->len && want.frames == packet->frames, "a part was sent");
	side->sent++;
}

static void hold(uint64_t addr)
{
	uint64_t frame = addr / run.config.frame_size;

	check(frame < run.config.frames, "an address outside of the UMEM");
	check(!run.held[frame], "a frame came to the application that had it");
	run.held[frame] = 1;
}

static void let_go(uint64_t addr)
{
	run.held[addr / run.config.frame_size] = 0;
}

static uint32_t frames_in_hands(void)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < run.n_hands; i++)
		n += run.hands[i].packet.frames;
	return n;
}

static void sum_held(struct sim_held *sum)
{
	*sum = (struct sim_held){0};
	for (unsigned i = 0; i < run.n_sides; i++) {
		struct sim_held one;

		sim_held(run.sides[i].sock, &one);
		sum->fill += one.fill;
		sum->rx += one.rx;
		sum->tx += one.tx;
		sum->completion += one.completion;
		sum->kernel += one.kernel;
		sum->swallowed += one.swallowed;
		sum->late |= one.late;
	}
}

static void audit(void)
{
	uint32_t hands = frames_in_hands();
	struct xk_ledger ledger;
	struct sim_held want;
	int ret = xk_umem_audit(run.umem, &ledger);

	sum_held(&want);
	check(ledger.twice == 0, "the ledger found a frame twice");
	check(ledger.lost == hands, "the ledger lost a frame");
	check(ret == (hands ? -EUCLEAN : 0), "the audit's result is not what it found");
	check(ledger.held[XK_OWNER_FILL] == want.fill, "ledger: fill");
	check(ledger.held[XK_OWNER_RX] == want.rx, "ledger: rx");
	check(ledger.held[XK_OWNER_COMPLETION] == want.completion, "ledger: completion");
	check(ledger.held[XK_OWNER_TX] + ledger.held[XK_OWNER_KERNEL] == want.tx + want.kernel,
	      "ledger: tx and kernel");
	check(want.late || ledger.held[XK_OWNER_KERNEL] == want.kernel, "ledger: kernel");
	check(!sim_complaint(), "the kernel complains");
}

/* --- the application --- */

static struct side *any_side(void)
{
	return &run.sides[below(run.n_sides)];
}

static void drop_hand(unsigned i)
{
	run.n_hands--;
	memmove(&run.hands[i], &run.hands[i + 1], (run.n_hands - i) * sizeof(run.hands[0]));
}

static uint8_t *data(const struct xk_pkt *pkt)
{
	return xk_umem_data(&run.caches[0], pkt->addr);
}

/* Take one whole packet from the start of a burst into the hands; its frames. */
static unsigned accept(struct side *side, const struct xk_pkt *pkts, unsigned n)
{
	struct hand *hand = &run.hands[run.n_hands++];
	unsigned part = 0;
	uint32_t len = 0;

	hand->packet = next_expected(&side->rx, "a packet was received that nobody sent");
	do {
		check(part < n, "part of a packet was received");
		hand->pkts[part] = pkts[part];
		hold(pkts[part].addr);
		check(sim_stamped(data(&pkts[part]), hand->packet.id, part, pkts[part].len),
		      "another packet than the next one was received");
		check(pkts[part].umem == run.config.id, "UMEM id");
		len += pkts[part].len;
	} while (pkts[part++].flags & XK_PKT_MORE);
	check(len == hand->packet.len && part == hand->packet.frames, "length");
	return part;
}

static void recycle_some(struct side *side, unsigned n)
{
	while (n-- && run.n_hands) {
		unsigned i = below(run.n_hands);
		struct hand *hand = &run.hands[i];

		for (unsigned part = 0; part < hand->packet.frames; part++)
			let_go(hand->pkts[part].addr);
		xk_port_recycle(side->port, hand->pkts, hand->packet.frames);
		drop_hand(i);
	}
}

static void app_receives(struct side *side)
{
	unsigned n = XK_PKT_MAX_FRAMES + below(BURST - XK_PKT_MAX_FRAMES + 1);
	struct xk_pkt pkts[BURST];
	struct sim_held before;
	unsigned got, i = 0;

	if (!side->config.rx_size)
		return;
	if (run.n_hands + n > HANDS)
		recycle_some(side, n);
	sim_held(side->sock, &before);
	got = xk_port_rx(side->port, pkts, n);
	check(got <= n && got <= before.rx, "more was received than there is");
	check(got || !before.rx, "nothing was received, but something is there");
	while (i < got)
		i += accept(side, &pkts[i], got - i);
}

/* A packet of the application's own, of one frame or several. */
static void app_makes(struct side *side)
{
	struct hand *hand = &run.hands[run.n_hands];
	unsigned want = run.sim.sg && chance(4) ? 1 + below(6) : 1;
	uint64_t addrs[XK_PKT_MAX_FRAMES];
	unsigned n;

	if (run.n_hands == HANDS)
		return;
	n = xk_umem_get(side->cache, addrs, want);
	if (!n)
		return;
	run.n_hands++;
	hand->packet = (struct expected){.id = run.next_id++, .frames = n};
	for (unsigned i = 0; i < n; i++) {
		uint32_t len = 16 + below(run.config.frame_size - 16);

		hand->pkts[i] = (struct xk_pkt){addrs[i], len, i + 1 < n, run.config.id};
		hold(addrs[i]);
		sim_stamp(data(&hand->pkts[i]), hand->packet.id, i, len);
		hand->packet.len += len;
	}
}

/* Line up packets from the hands, oldest first, sometimes with an invalid descriptor. */
static unsigned line_up(const struct side *side, struct xk_pkt *pkts, unsigned *packets)
{
	unsigned n = 0, i;

	for (i = 0; i < run.n_hands; i++) {
		struct hand *hand = &run.hands[i];

		if (n + hand->packet.frames > BURST || hand->packet.frames > side->config.tx_size ||
		    (hand->packet.frames > 1 && !xk_port_info(side->port)->multi_buffer))
			break;
		if (hand->packet.frames == 1 && chance(64)) {
			hand->packet.invalid = true;
			hand->pkts[0].len = run.config.frame_size + 1;
		}
		memcpy(&pkts[n], hand->pkts, hand->packet.frames * sizeof(*pkts));
		n += hand->packet.frames;
	}
	*packets = i;
	return n;
}

static void app_sends(struct side *side)
{
	struct xk_pkt pkts[BURST];
	unsigned packets, n, taken, room;

	if (!side->config.tx_size)
		return;
	n = line_up(side, pkts, &packets);
	if (n && chance(8))
		n -= below(n); /* perhaps in the middle of a packet */
	room = xk_port_tx_room(side->port);
	taken = xk_port_tx(side->port, pkts, n);
	check(taken <= n && taken <= room, "more was taken than there is room");
	check(taken + XK_PKT_MAX_FRAMES > (n < room ? n : room), "less was taken than fits");
	while (taken) {
		check(taken >= run.hands[0].packet.frames, "part of a packet was taken");
		expect(&side->tx, run.hands[0].packet);
		for (unsigned i = 0; i < run.hands[0].packet.frames; i++)
			let_go(run.hands[0].pkts[i].addr);
		taken -= run.hands[0].packet.frames;
		drop_hand(0);
	}
}

static void app_reaps(struct side *side)
{
	struct sim_held before;

	sim_held(side->sock, &before);
	check(xk_port_reap(side->port) == before.completion, "not all was reaped");
}

static void app_kicks(struct side *side)
{
	uint32_t budget = side->config.tx_budget && run.sim.tx_budget ? side->config.tx_budget : 32;
	unsigned calls = sim_calls(SIM_SENDTO), polls = sim_calls(SIM_RECVFROM), queued = 0;
	int ret;

	if (side->config.tx_size)
		queued = side->config.tx_size - xk_port_tx_room(side->port);
	ret = xk_port_kick(side->port);
	calls = sim_calls(SIM_SENDTO) - calls;
	check(calls <= (queued ? queued / budget + 1 : 0), "more calls than budgets of frames");
	check(sim_calls(SIM_RECVFROM) - polls <= 1, "more than one recvfrom");
	check(ret == 0 || ret == -EAGAIN || (ret == -ENETDOWN && !side->up) ||
		      (ret == -ENXIO && side->gone),
	      "kick: result");
}

static void app_polls(struct side *side)
{
	int ret = xk_port_poll(side->port);

	check(ret == 0 || ret == -EAGAIN || (ret == -ENETDOWN && !side->up) ||
		      (ret == -ENXIO && side->gone),
	      "poll: result");
}

/* --- the kernel --- */

static uint32_t any_len(const struct side *side)
{
	uint32_t each = sim_frame_room(side->sock);

	if (chance(6))
		return 16 + below(each * XK_PKT_MAX_FRAMES - 15);
	return chance(4) ? 16 + below(each * 3) : 16 + below(240);
}

static void kernel_receives(struct side *side)
{
	uint32_t each = sim_frame_room(side->sock);

	for (uint32_t n = below(24); n; n--) {
		struct expected packet = {.id = run.next_id++, .len = any_len(side)};

		packet.frames = (packet.len - 1) / each + 1;
		if (sim_deliver(side->sock, packet.id, packet.len)) {
			expect(&side->rx, packet);
			side->delivered++;
		}
	}
	if (!chance(4))
		sim_flush(side->sock);
}

/* As zero-copy drivers do, which need no waking. */
static void kernel_sends(struct side *side)
{
	if (side->config.tx_size && side->up && !side->gone)
		sim_transmit(side->sock);
}

static void kernel_completes(struct side *side)
{
	sim_complete(side->sock, chance(4) ? UINT32_MAX : below(20));
}

static void kernel_changes(struct side *side)
{
	side->up = !chance(4);
	sim_link(side->sock, side->up);
	sim_carrier(side->sock, !chance(4));
	sim_want_wakeup(side->sock, chance(2), !chance(4));
}

/* --- a life --- */

static uint32_t ring_size(uint32_t least)
{
	return least << below(4);
}

static void make_configs(void)
{
	static const uint32_t headrooms[] = {0, 64, 128, 192};

	run.sim = (struct sim_config){
		.seed = sim_next(&run.rng),
		.start = chance(2) ? 0 : 0u - below(300),
		.sg = !chance(4),
		.zerocopy = chance(4),
		.zerocopy_sg = chance(2),
		.tx_budget = chance(2),
		.late_index = chance(3),
		.return_invalid = chance(2),
		.reorder = chance(3),
		.noise = chance(2) ? below(300) : 0,
	};
	run.config = (struct xk_umem_config){
		.frames = 32 + below(MAX_FRAMES - 31),
		.frame_size = chance(2) ? 2048 : 4096,
		.headroom = headrooms[below(4)],
		.id = (uint16_t)below(UINT16_MAX),
	};
}

static void make_side(struct side *side)
{
	side->cache = &run.caches[below(run.n_caches)];
	side->config = (struct xk_port_config){
		.rx_size = chance(8) ? 0 : ring_size(16),
		.tx_size = ring_size(32),
		.fill_size = chance(2) ? 0 : ring_size(16),
		.comp_size = chance(2) ? 0 : ring_size(32),
		.multi_buffer = run.sim.sg,
		.busy_poll = chance(4),
		.tx_budget = chance(2) ? 32 : 0,
	};
}

static void open_side(struct side *side)
{
	struct xk_err err;
	int ret = xk_port_open(&side->port, side->cache, "sim0", 0, &side->config, &err);

	check(ret == 0, err.why);
	side->sock = sim_sock(xk_port_fd(side->port));
	side->up = true;
	side->gone = false;
}

static void close_side(struct side *side)
{
	xk_port_close(side->port);
	side->sock = NULL;
	side->port = NULL;
	side->rx.head = side->rx.tail;
	side->tx.head = side->tx.tail;
	side->delivered = 0;
	side->sent = 0;
}

/* The interface goes, and comes back; what was under way is lost, the frames are not. */
static void reopen(struct side *side)
{
	if (chance(2)) {
		sim_gone(side->sock);
		side->gone = true;
		app_kicks(side);
	}
	close_side(side);
	open_side(side);
}

static void begin(uint64_t seed)
{
	memset(&run, 0, sizeof(run));
	run.seed = run.rng = seed;
	run.doing = "begin";
	make_configs();
	sim_reset(&run.sim);
	sim_on_sent(on_sent, NULL);
	check(!xk_umem_create(&run.umem, mem, &run.config, NULL), "create UMEM");
	run.n_caches = 1 + below(CACHES);
	for (unsigned i = 0; i < run.n_caches; i++) {
		uint32_t size = chance(2) ? 0 : 1 + below(run.config.frames);

		check(!xk_umem_cache_init(&run.caches[i], run.umem, size), "cache");
	}
	run.n_sides = 1 + below(PORTS);
	for (unsigned i = 0; i < run.n_sides; i++) {
		make_side(&run.sides[i]);
		open_side(&run.sides[i]);
	}
}

static const struct {
	const char *name;
	void (*act)(struct side *side);
	unsigned weight;
} acts[] = {
	{"app receives", app_receives, 24},
	{"app sends", app_sends, 20},
	{"app makes", app_makes, 10},
	{"app reaps", app_reaps, 14},
	{"app kicks", app_kicks, 16},
	{"app polls", app_polls, 3},
	{"kernel receives", kernel_receives, 24},
	{"kernel sends", kernel_sends, 3},
	{"kernel completes", kernel_completes, 14},
	{"kernel changes", kernel_changes, 2},
	{"reopen", reopen, 1},
};
#define ACTS (sizeof(acts) / sizeof(*acts))

static void step(void)
{
	unsigned total = 0, pick, i;

	for (i = 0; i < ACTS; i++)
		total += acts[i].weight;
	pick = below(total);
	for (i = 0; pick >= acts[i].weight; i++)
		pick -= acts[i].weight;
	run.doing = acts[i].name;
	acts[i].act(any_side());
	if (chance(8))
		recycle_some(any_side(), 1 + below(16));
	if (chance(8))
		audit();
}

/* --- quiet, and the end --- */

static bool settle_side(struct side *side)
{
	struct sim_held held;

	sim_flush(side->sock);
	check(xk_port_rx_waiting(side->port) == side->rx.tail - side->rx.head, "waiting");
	app_kicks(side);
	sim_complete(side->sock, UINT32_MAX);
	app_reaps(side);
	app_receives(side);
	recycle_some(side, HANDS);
	sim_held(side->sock, &held);
	return !held.rx && !held.tx && !held.late && !held.completion &&
	       xk_port_tx_pending(side->port) == held.swallowed;
}

static void settle(void)
{
	bool quiet = false;

	run.doing = "settle";
	sim_set_noise(0);
	for (unsigned i = 0; i < run.n_sides; i++) {
		sim_link(run.sides[i].sock, true);
		sim_carrier(run.sides[i].sock, true);
		sim_want_wakeup(run.sides[i].sock, false, true);
		run.sides[i].up = true;
	}
	for (unsigned i = 0; i < 200 && !quiet; i++) {
		quiet = true;
		for (unsigned k = 0; k < run.n_sides; k++)
			quiet &= settle_side(&run.sides[k]);
	}
	check(quiet, "it never comes to rest");
}

static void check_counters(struct side *side)
{
	struct xk_port_stats stats;

	skip_invalid(&side->tx);
	check(side->rx.head == side->rx.tail, "a packet was never received");
	check(side->tx.head == side->tx.tail, "a packet was never sent");
	xk_port_stats(side->port, &stats);
	check(stats.rx_packets == side->delivered, "counted: rx_packets");
	check(stats.tx_packets >= side->sent, "counted: tx_packets");
	check(stats.tx_frames - stats.completed == xk_port_tx_pending(side->port), "pending");
}

static void check_ledger_at_rest(void)
{
	struct xk_ledger ledger;
	struct sim_held held;

	audit();
	sum_held(&held);
	xk_umem_audit(run.umem, &ledger);
	check(ledger.lost == 0 && ledger.held[XK_OWNER_RX] == 0 && ledger.held[XK_OWNER_TX] == 0 &&
		      ledger.held[XK_OWNER_COMPLETION] == 0,
	      "the ledger at rest");
	check(ledger.held[XK_OWNER_APP] == run.config.frames - held.fill - held.kernel,
	      "the application's frames at rest");
}

static void end(void)
{
	struct xk_ledger ledger;

	run.doing = "end";
	for (unsigned i = 0; i < run.n_sides; i++) {
		check(xk_umem_destroy(run.umem) == -EBUSY, "destroyed under a port");
		close_side(&run.sides[i]);
	}
	check(xk_umem_audit(run.umem, &ledger) == 0, "frames did not come back from a port");
	check(ledger.held[XK_OWNER_APP] == run.config.frames, "frames after the ports are gone");
	for (unsigned i = 0; i < run.n_caches; i++)
		xk_umem_cache_fini(&run.caches[i]);
	check(xk_umem_destroy(run.umem) == 0, "UMEM still in use");
	check(sim_living() == 0, "a socket lives on");
	check(!sim_complaint(), "the kernel complains");
}

static void live(uint64_t seed)
{
	begin(seed);
	for (run.step = 0; run.step < STEPS; run.step++)
		step();
	settle();
	for (unsigned i = 0; i < run.n_sides; i++)
		check_counters(&run.sides[i]);
	check_ledger_at_rest();
	end();
}

static void test_lives(void **state)
{
	const char *seed = getenv("SIM_SEED"), *runs = getenv("SIM_RUNS");
	unsigned n = runs ? (unsigned)strtoul(runs, NULL, 0) : RUNS;

	(void)state;
	if (seed) {
		live(strtoull(seed, NULL, 0));
		return;
	}
	for (unsigned i = 0; i < n; i++)
		live(UINT64_C(0x5eed000000000000) + i);
}

static int make_mem(void **state)
{
	const struct xk_mem_config config = {
		.size = MAX_FRAMES * 4096, .node = -1, .huge = XK_HUGE_OFF};

	(void)state;
	return xk_mem_create(&mem, &config, NULL);
}

static int free_mem(void **state)
{
	(void)state;
	xk_mem_destroy(mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lives)};

	return cmocka_run_group_tests(tests, make_mem, free_mem);
}
