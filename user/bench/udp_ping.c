// SPDX-License-Identifier: BSD-2-Clause
/* Round trips: a request leaves when it is due, and an answer finds it in a table, by number. */
#include <errno.h>
#include <stdlib.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

#define NEVER      UINT64_MAX
#define MIN_SLOTS  1024u
#define MAX_SLOTS  (1u << 22)
#define MAX_A_STEP 64u

/* A request on its way. */
struct slot {
	uint64_t seq; /* NEVER: none yet */
	uint64_t intended_ns, sent_ns;
	bool answered, lost;
};

struct udp_ping {
	struct slot *slots;
	uint64_t mask;         /* slots less one */
	uint64_t next, oldest; /* the next number; the oldest neither answered nor lost */
	uint64_t timeout_ns;
};

static struct slot *slot_of(const struct udp_ping *ping, uint64_t seq)
{
	return &ping->slots[seq & ping->mask];
}

/* --- answers --- */

static void settle(struct udp_app *app, struct slot *slot, uint64_t now)
{
	slot->answered = true;
	xk_bump(&app->count.answered, 1);
	if (slot->lost) { /* overdue, and here after all */
		xk_bump(&app->count.lost, -UINT64_C(1));
		xk_bump(&app->count.late, 1);
	}
	xk_hist_record(&app->latency, now - slot->intended_ns);
	xk_hist_record(&app->service, now - slot->sent_ns);
}

static void take_answer(struct udp_app *app, const struct udp_record *record, uint64_t now)
{
	struct udp_stamp stamp;
	struct slot *slot;

	xk_bump(&app->count.taken, 1);
	xk_bump(&app->count.taken_bytes, record->len);
	if (!udp_stamp_read(record, &stamp) || stamp.run != app->run ||
	    (slot = slot_of(app->ping, stamp.seq))->seq != stamp.seq) {
		xk_bump(&app->count.foreign, 1);
		return;
	}
	udp_numbers_note(&app->numbers, &stamp);
	if (slot->answered)
		xk_bump(&app->count.twice, 1);
	else
		settle(app, slot, now);
}

static unsigned take_answers(struct udp_app *app)
{
	unsigned got;
	const char *records = xk_spsc_peek(&app->from_net, app->opts->batch, &got);
	uint64_t now;

	if (!records)
		return 0;
	now = process_now_ns();
	got = got < app->opts->batch ? got : app->opts->batch;
	for (unsigned i = 0; i < got; i++)
		take_answer(app,
			    (const void *)(records + (size_t)i * app->from_net.stream.record_bytes),
			    now);
	xk_spsc_release(&app->from_net, got);
	return got;
}

/* Move `oldest` past what is answered or overdue. */
static void expire(struct udp_app *app, uint64_t now)
{
	struct udp_ping *ping = app->ping;

	for (; ping->oldest < ping->next; ping->oldest++) {
		struct slot *slot = slot_of(ping, ping->oldest);

		if (slot->answered)
			continue;
		if ((int64_t)(now - slot->sent_ns) < (int64_t)ping->timeout_ns)
			return;
		slot->lost = true;
		xk_bump(&app->count.lost, 1);
	}
}

/* --- requests --- */

/* The clock is read last, so that it is the round trip that is timed. intended 0: then. */
static bool ask(struct udp_app *app, uint64_t intended)
{
	struct udp_ping *ping = app->ping;
	unsigned got;
	struct udp_record *record = xk_spsc_reserve(&app->to_net, 1, &got);
	uint64_t now;

	if (!record)
		return false;
	record->len = app->opts->size;
	record->peer.len = 0;
	now = process_now_ns();
	udp_stamp_write(record, &(struct udp_stamp){app->host, app->run, ping->next,
						    intended ? intended : now});
	*slot_of(ping, ping->next) =
		(struct slot){ping->next, intended ? intended : now, now, false, false};
	ping->next++;
	udp_app_made(app, 1);
	return true;
}

static bool may_ask(const struct udp_app *app)
{
	return udp_app_may_make(app) && app->ping->next - app->ping->oldest <= app->ping->mask;
}

static unsigned ask_due(struct udp_app *app)
{
	uint64_t now = process_now_ns();
	unsigned n = 0;

	if (!app->paced)
		pace_init(&app->pace, app->rate, 0, now); /* the rate was checked */
	app->paced = true;
	while (n < MAX_A_STEP && may_ask(app) && pace_due(&app->pace, now, 1)) {
		if (!ask(app, pace_intended_ns(&app->pace, 0)))
			break;
		pace_sent(&app->pace, 1);
		n++;
	}
	return n;
}

static int ping_step(struct udp_app *app)
{
	unsigned did = take_answers(app);
	struct udp_ping *ping = app->ping;

	if (ping->oldest < ping->next)
		expire(app, process_now_ns());
	if (app->rate)
		did += ask_due(app);
	else if (ping->oldest == ping->next && may_ask(app))
		did += ask(app, 0);
	return (int)did;
}

static uint64_t ping_next_ns(struct udp_app *app)
{
	const struct udp_ping *ping = app->ping;
	uint64_t next = NEVER;

	if (app->rate && may_ask(app))
		next = app->paced ? pace_wake_ns(&app->pace) : 0;
	if (ping->oldest < ping->next) {
		uint64_t overdue = slot_of(ping, ping->oldest)->sent_ns + ping->timeout_ns;

		next = overdue < next ? overdue : next;
	} else if (!app->rate && may_ask(app)) {
		next = 0;
	}
	return next;
}

static bool ping_ready(struct udp_app *app)
{
	return udp_app_has_input(app) || ping_next_ns(app) <= process_now_ns();
}

/* Asked as often as it should, and nothing is on its way. */
static bool ping_finished(struct udp_app *app)
{
	uint64_t made = xk_load_relaxed(&app->count.made);

	return app->limit && made >= app->limit &&
	       xk_load_relaxed(&app->count.answered) + xk_load_relaxed(&app->count.lost) >= made;
}

const struct udp_role udp_role_ping = {
	.rx = true,
	.tx = true,
	.connects = true,
	.step = ping_step,
	.ready = ping_ready,
	.next_ns = ping_next_ns,
	.finished = ping_finished,
};

/* --- begin and end --- */

/* Room for what is on its way at this rate until it is overdue, twice over: late ones stay known.
 */
static uint64_t slots_for(const struct udp_app *app)
{
	double need = 2 * (double)app->rate * app->opts->timeout_s;
	uint64_t slots = MIN_SLOTS;

	while ((double)slots < need && slots < MAX_SLOTS)
		slots *= 2;
	return slots;
}

int udp_ping_open(struct udp_app *app, struct xk_err *err)
{
	struct udp_ping *ping = app->ping = calloc(1, sizeof(*ping));
	uint64_t n = slots_for(app);

	if (ping)
		ping->slots = calloc(n, sizeof(*ping->slots));
	if (!ping || !ping->slots)
		return xk_err_fill(err, -ENOMEM, UDP_WHAT, "use a lower --rate",
				   "no memory to remember requests");
	for (uint64_t i = 0; i < n; i++)
		ping->slots[i].seq = NEVER;
	ping->mask = n - 1;
	ping->timeout_ns = (uint64_t)(app->opts->timeout_s * 1e9);
	return 0;
}

void udp_ping_close(struct udp_app *app)
{
	if (app->ping)
		free(app->ping->slots);
	free(app->ping);
	app->ping = NULL;
}
