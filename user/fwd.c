// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fwd.h"
#include "report.h"

#define MAC_LEN      6
#define ETHERNET_HDR 14u
#define VLAN_HDR     4u
#define GROUP_BIT    1u /* of a MAC address's first byte: broadcast or multicast */

/* --- begin and end --- */

static int lane_ways(struct fwd_lane *f, const struct lane *lane)
{
	f->ways = calloc(lane->n_ports, sizeof(*f->ways));
	if (!f->ways)
		return -ENOMEM;
	for (unsigned i = 0; i < lane->n_ports; i++) {
		const struct lane_port *peer = lane->ports[i].peer;

		f->ways[i] = (struct fwd_way){
			.longest = peer->link->mtu + ETHERNET_HDR + VLAN_HDR,
			.whole_frames = !xk_port_info(peer->port)->multi_buffer,
			.own = peer->link->mac,
		};
	}
	return 0;
}

/* What is for somebody behind the other interface must get in. Given back when the fd is closed. */
static void hear_all(struct fwd *fwd, const struct lane_port *p)
{
	if (p->peer == p || fwd->promiscuous[p->side] >= 0)
		return;
	fwd->promiscuous[p->side] = nl_promiscuous(p->link->ifindex);
	fwd->heard[p->side] = fwd->promiscuous[p->side] >= 0;
	if (!fwd->heard[p->side])
		report_note("%s: not promiscuous (%s): only frames for its own address come in",
			    p->link->name, strerror(-fwd->promiscuous[p->side]));
}

static int fwd_lane_init(void *ctx, struct lane *lane, void **state, struct xk_err *err)
{
	struct fwd *fwd = ctx;
	struct fwd_lane *f = calloc(1, sizeof(*f));

	if (!f || lane_ways(f, lane)) {
		free(f);
		return xk_err_fill(err, -ENOMEM, "fwd", NULL, "no memory");
	}
	f->swap = lane->ports[0].peer == &lane->ports[0] && !fwd->no_swap;
	for (unsigned i = 0; i < lane->n_ports; i++)
		hear_all(fwd, &lane->ports[i]);
	*state = f;
	return 0;
}

static void fwd_lane_fini(void *state)
{
	struct fwd_lane *f = state;

	free(f->ways);
	free(f);
}

/* --- the packets --- */

/* A group cannot have sent a frame: what was for one goes back from the interface's own address. */
static void swap_macs(uint8_t *frame, const struct macaddr *own)
{
	const uint8_t *from = frame[0] & GROUP_BIT ? own->b : frame;
	uint8_t mac[MAC_LEN];

	memcpy(mac, from, MAC_LEN);
	memcpy(frame, frame + MAC_LEN, MAC_LEN);
	memcpy(frame + MAC_LEN, mac, MAC_LEN);
}

/* The packet that starts at i: its bytes, and the index of the frame behind it. */
static unsigned packet_end(const struct burst *burst, unsigned i, uint32_t *bytes)
{
	*bytes = burst->pkts[i].len;
	while (burst->pkts[i].flags & XK_PKT_MORE)
		*bytes += burst->pkts[++i].len;
	return i + 1;
}

static enum verdict judge(struct fwd_way *way, uint32_t bytes, unsigned frames)
{
	if (bytes > way->longest || (frames > 1 && way->whole_frames)) {
		xk_bump(&way->too_long, 1);
		return VERDICT_RECYCLE;
	}
	if (bytes < ETHERNET_HDR) {
		xk_bump(&way->too_short, 1);
		return VERDICT_RECYCLE;
	}
	return VERDICT_TRANSMIT;
}

static int fwd_run(void *state, struct lane *lane, const struct burst *burst)
{
	struct fwd_lane *f = state;
	struct fwd_way *way = &f->ways[lane->at - lane->ports];

	for (unsigned i = 0; i < burst->n;) {
		uint32_t bytes;
		unsigned end = packet_end(burst, i, &bytes);

		burst->verdict[i] = (uint8_t)judge(way, bytes, end - i);
		if (f->swap && burst->verdict[i] == VERDICT_TRANSMIT)
			swap_macs(lane_data(lane, &burst->pkts[i]), &way->own);
		i = end;
	}
	return 0;
}

const struct action fwd_action = {
	.command = "fwd",
	.rx = true,
	.tx = true,
	.lane_init = fwd_lane_init,
	.run = fwd_run,
	.lane_fini = fwd_lane_fini,
	.summary_json = fwd_summary_json,
	.summary_text = fwd_summary_text,
};
