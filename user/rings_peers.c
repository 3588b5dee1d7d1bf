// SPDX-License-Identifier: BSD-2-Clause
/* Who is at the other side of the ring, and who died there. */
#include "rings_flow.h"

static bool is_other(const struct rings_flow *flow, uint32_t role)
{
	return role && role != (uint32_t)flow->end.role;
}

static uint64_t count_turns(const struct rings_flow *flow)
{
	struct xk_ring *ring = flow->ring.memory->addr;
	uint64_t turns = 0;

	for (uint32_t i = 0; i < flow->ring.shape.seats; i++) {
		struct xk_ring_seat *seat = xk_ring_seat_at(ring, i);

		if (is_other(flow, xk_load_relaxed(&seat->role)))
			turns += xk_load_relaxed(&seat->turns);
	}
	return turns;
}

int rings_peers_look(const struct rings_flow *flow, struct rings_peers *peers)
{
	const struct xk_share_info *memory = flow->ring.memory;
	struct xk_ring_info info;
	int ret = xk_ring_look(memory->addr, memory->size, memory->fd, &info, NULL);

	*peers = (struct rings_peers){.turns = count_turns(flow)};
	if (ret) {
		peers->alive = 1; /* not known: nobody is declared gone */
		return ret;
	}
	for (unsigned i = 0; i < info.n_users; i++)
		if (is_other(flow, info.users[i].role))
			info.users[i].dead ? peers->dead++ : peers->alive++;
	if (peers->dead)
		xk_ring_repair(memory->addr, memory->size, memory->fd, NULL);
	return 0;
}
