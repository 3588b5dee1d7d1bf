// SPDX-License-Identifier: BSD-2-Clause
/* The application at the other end of the rings: what send, recv and echo do there. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <xskit/atomic.h>
#include "bench/udp.h"

#define NEVER         UINT64_MAX
#define WAIT_NS       100000000ull
#define SHORT_WAIT_NS 60000ull /* a sleep shorter than this comes back too late: spin instead */

bool udp_app_closing(const struct udp_app *app)
{
	return xk_load_relaxed(app->closing); /* partner: the run's store; a flag, nothing more */
}

bool udp_app_may_make(const struct udp_app *app)
{
	return !udp_app_closing(app) && (!app->limit || app->count.made < app->limit);
}

void udp_app_made(struct udp_app *app, unsigned n)
{
	xk_spsc_commit(&app->to_net, n);
	xk_bump(&app->count.made, n);
	if (app->sleeps)
		udp_bell_ring(app->net_bell);
}

static struct udp_record *record_at(const void *first, unsigned i, uint32_t bytes)
{
	return (struct udp_record *)(uintptr_t)((const char *)first + (size_t)i * bytes);
}

static bool has_room(struct udp_app *app)
{
	return xk_stream_room(&app->to_net.stream, 1, app->to_net.stream.slots) > 0;
}

bool udp_app_has_input(struct udp_app *app)
{
	return xk_stream_there(&app->from_net.stream, 1, app->from_net.stream.slots) > 0;
}

/* --- send --- */

static void begin_schedule(struct udp_app *app, uint64_t now)
{
	if (!app->paced)
		pace_init(&app->pace, app->rate, 0, now); /* the rate was checked */
	app->paced = true;
}

static unsigned due(struct udp_app *app, uint64_t now)
{
	unsigned n = app->opts->batch;

	if (!udp_app_may_make(app))
		return 0;
	if (app->limit && app->limit - app->count.made < n)
		n = (unsigned)(app->limit - app->count.made);
	begin_schedule(app, now);
	return pace_due(&app->pace, now, n);
}

static int send_step(struct udp_app *app)
{
	unsigned got, n = due(app, process_now_ns());
	void *records = n ? xk_spsc_reserve(&app->to_net, n, &got) : NULL;

	if (!records)
		return 0;
	for (unsigned i = 0; i < got; i++) {
		struct udp_record *record = record_at(records, i, app->to_net.stream.record_bytes);
		const struct udp_stamp stamp = {app->host, app->run, app->count.made + i,
						pace_intended_ns(&app->pace, i)};

		record->len = app->opts->size;
		record->peer.len = 0;
		udp_stamp_write(record, &stamp);
	}
	pace_sent(&app->pace, got);
	udp_app_made(app, got);
	return (int)got;
}

static bool send_ready(struct udp_app *app)
{
	return due(app, process_now_ns()) && has_room(app);
}

static uint64_t send_next_ns(struct udp_app *app)
{
	return app->rate && udp_app_may_make(app) && has_room(app) ? pace_wake_ns(&app->pace)
								   : NEVER;
}

static bool made_all(struct udp_app *app)
{
	return app->limit && app->count.made >= app->limit;
}

/* --- recv --- */

void udp_app_take(struct udp_app *app, const struct udp_record *record, uint64_t now)
{
	struct udp_stamp stamp;

	xk_bump(&app->count.taken, 1);
	xk_bump(&app->count.taken_bytes, record->len);
	if (!udp_stamp_read(record, &stamp) || stamp.host != app->host) {
		xk_bump(&app->count.foreign, 1);
		return;
	}
	udp_numbers_note(&app->numbers, &stamp);
	if (now > stamp.intended_ns)
		xk_hist_record(&app->latency, now - stamp.intended_ns);
}

static int recv_step(struct udp_app *app)
{
	uint64_t now;
	unsigned got;
	const void *records = xk_spsc_peek(&app->from_net, app->opts->batch, &got);

	if (!records)
		return 0;
	got = got < app->opts->batch ? got : app->opts->batch;
	now = process_now_ns();
	for (unsigned i = 0; i < got; i++)
		udp_app_take(app, record_at(records, i, app->from_net.stream.record_bytes), now);
	xk_spsc_release(&app->from_net, got);
	return (int)got;
}

static uint64_t never(struct udp_app *app)
{
	(void)app;
	return NEVER;
}

static bool took_all(struct udp_app *app)
{
	return app->limit && app->count.taken >= app->limit;
}

/* --- echo --- */

/* What there is no room for stays where it is. */
static int echo_step(struct udp_app *app)
{
	uint64_t now;
	unsigned there, room = 0;
	const void *in = xk_spsc_peek(&app->from_net, app->opts->batch, &there);
	void *out = in ? xk_spsc_reserve(&app->to_net, there, &room) : NULL;

	if (!out)
		return 0;
	now = process_now_ns();
	for (unsigned i = 0; i < room; i++) {
		const struct udp_record *record =
			record_at(in, i, app->from_net.stream.record_bytes);

		memcpy(record_at(out, i, app->to_net.stream.record_bytes), record,
		       sizeof(*record) + record->len);
		udp_app_take(app, record, now);
	}
	udp_app_made(app, room);
	xk_spsc_release(&app->from_net, room);
	return (int)room;
}

static bool echo_ready(struct udp_app *app)
{
	return udp_app_has_input(app) && has_room(app);
}

const struct udp_role udp_role_send = {
	.tx = true,
	.connects = true,
	.step = send_step,
	.ready = send_ready,
	.next_ns = send_next_ns,
	.finished = made_all,
};

const struct udp_role udp_role_recv = {
	.rx = true,
	.step = recv_step,
	.ready = udp_app_has_input,
	.next_ns = never,
	.finished = took_all,
};

const struct udp_role udp_role_echo = {
	.rx = true,
	.tx = true,
	.step = echo_step,
	.ready = echo_ready,
	.next_ns = never,
	.finished = took_all,
};

/* --- all of them --- */

int udp_app_init(struct udp_app *app, struct xk_err *err)
{
	xk_hist_reset(&app->latency);
	xk_hist_reset(&app->service);
	app->host = udp_stamp_host();
	if (getrandom(&app->run, sizeof(app->run), 0) != sizeof(app->run))
		return xk_err_fill(err, -EIO, UDP_WHAT, NULL, "no random number");
	return app->role == &udp_role_ping ? udp_ping_open(app, err) : 0;
}

void udp_app_fini(struct udp_app *app)
{
	udp_ping_close(app);
}

uint64_t udp_app_sleep_ns(struct udp_app *app)
{
	uint64_t next = app->role->next_ns(app), now;

	if (next == NEVER)
		return WAIT_NS;
	now = process_now_ns();
	if (next <= now + SHORT_WAIT_NS)
		return 0;
	next -= now + SHORT_WAIT_NS;
	return next < WAIT_NS ? next : WAIT_NS;
}
