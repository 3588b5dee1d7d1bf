// SPDX-License-Identifier: BSD-2-Clause
/* Each direction: received = forwarded + dropped, and why. */
#include <stdio.h>
#include "fwd.h"

struct direction {
	const char *from, *to;
	uint64_t received, forwarded, bytes; /* bytes: forwarded */
	uint64_t tx_full, too_long, too_short;
};

/* What came by `side`, over all lanes. */
static struct direction direction(const struct lane *lanes, unsigned n, unsigned side)
{
	struct direction d = {.from = lanes[0].ports[side].link->name,
			      .to = lanes[0].ports[side].peer->link->name};

	for (unsigned i = 0; i < n; i++) {
		const struct lane_port *p = &lanes[i].ports[side];
		const struct fwd_lane *f = lanes[i].state;
		struct xk_port_stats in, out;

		xk_port_stats(p->port, &in);
		xk_port_stats(p->peer->port, &out);
		d.received += in.rx_packets;
		d.forwarded += out.tx_packets;
		d.bytes += out.tx_bytes;
		d.tx_full += xk_load_relaxed(&p->peer->tx_full);
		d.too_long += xk_load_relaxed(&f->ways[side].too_long);
		d.too_short += xk_load_relaxed(&f->ways[side].too_short);
	}
	return d;
}

static json_t *direction_json(const struct fwd *fwd, const struct direction *d, unsigned side)
{
	return json_pack("{s:s,s:s,s:b,s:I,s:I,s:I,s:{s:I,s:I,s:I}}", "from", d->from, "to", d->to,
			 "promiscuous", fwd->heard[side], "received", (json_int_t)d->received,
			 "forwarded", (json_int_t)d->forwarded, "forwarded_bytes",
			 (json_int_t)d->bytes, "dropped", "tx_ring_full", (json_int_t)d->tx_full,
			 "too_long", (json_int_t)d->too_long, "too_short",
			 (json_int_t)d->too_short);
}

void fwd_summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary)
{
	json_t *directions = json_array();
	uint64_t forwarded = 0;

	for (unsigned side = 0; side < lanes[0].n_ports; side++) {
		struct direction d = direction(lanes, n, side);

		forwarded += d.forwarded;
		json_array_append_new(directions, direction_json(ctx, &d, side));
	}
	json_object_set_new(summary, "forwarded", json_integer((json_int_t)forwarded));
	json_object_set_new(summary, "directions", directions);
}

static void row(const char *what, uint64_t n)
{
	if (n)
		printf(", %s %llu", what, (unsigned long long)n);
}

void fwd_summary_text(void *ctx, const struct lane *lanes, unsigned n)
{
	(void)ctx;
	for (unsigned side = 0; side < lanes[0].n_ports; side++) {
		struct direction d = direction(lanes, n, side);

		printf("%s to %s: received %llu, forwarded %llu", d.from, d.to,
		       (unsigned long long)d.received, (unsigned long long)d.forwarded);
		row("dropped for a full TX ring", d.tx_full);
		row("too long for the other link", d.too_long);
		row("too short for Ethernet", d.too_short);
		putchar('\n');
	}
}
