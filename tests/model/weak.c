// SPDX-License-Identifier: BSD-2-Clause
/* What is weakened, one at a time, and in which model the checker must see it. */
#include "model.h"

const struct model_weak model_weaks[] = {
	/* model, function, operation, word */
	{"spsc", "xk_ring_publish", "store_release", "tail"},
	{"spsc", "xk_ring_publish", "store_release", "head"},
	{"spsc", "xk_stream_look_tail", "load_acquire", "tail"},
	{"spsc", "xk_stream_look_head", "load_acquire", "head"},
	{"spsc_latency", "xk_ring_publish", "store_release", NULL},
	{"spsc_latency", "xk_spsc_latency_push_k", "load_acquire", NULL},
	{"spsc_latency", "xk_spsc_latency_pop_k", "load_acquire", NULL},
	{"fanin 2p1c", "xk_ring_publish", "store_release", "tail"},
	{"fanin 2p1c", "xk_ring_publish", "store_release", "head"},
	{"fanin 2p1c", "xk_stream_look_tail", "load_acquire", "tail"},
	{"fanin 2p1c", "xk_stream_look_head", "load_acquire", "head"},
	{"fanin 1p2c", "xk_fanin_try_lane", "cas_acquire", "holder"},
	{"fanin 1p2c", "xk_fanin_flush", "store_release", "holder"},
	{"mpmc 2p2c", "xk_mpmc_publish", "store_release", "slot"},
	{"mpmc 2p2c", "xk_mpmc_count", "load_acquire", "slot"},
	{"mpmc, a dead producer", "xk_mpmc_take", "cas_release", "tail"},
	{"mpmc, a dead producer", "came_true", "load_acquire", "tail"},
	/* waiting: store, look; and the other way round */
	{"spsc asleep", "xk_ring_publish", "store_seq", "tail"},
	{"spsc asleep", "xk_ring_publish", "store_seq", "head"},
	{"spsc asleep", "xk_ring_knock", "load_seq", "bell"},
	{"spsc asleep", "xk_ring_arm", "store_seq", "bell"},
	{"spsc asleep", "xk_stream_has_data", "load_seq", "tail"},
	{"spsc asleep", "xk_stream_has_space", "load_seq", "head"},
	{"spsc_latency asleep", "xk_ring_publish", "store_seq", NULL},
	{"spsc_latency asleep", "xk_ring_knock", "load_seq", "bell"},
	{"spsc_latency asleep", "xk_ring_arm", "store_seq", "bell"},
	{"spsc_latency asleep", "slot_is", "load_seq", NULL},
	{"fanin 2p1c asleep", "xk_ring_publish", "store_seq", "tail"},
	{"fanin 2p1c asleep", "xk_ring_knock", "load_seq", "bell"},
	{"fanin 2p1c asleep", "xk_ring_arm", "store_seq", "bell"},
	{"fanin 2p1c asleep", "lane_has_data", "load_seq", "tail"},
	{"fanin 1p2c asleep", "xk_fanin_flush", "store_seq", "holder"},
	{"fanin 1p2c asleep", "xk_fanin_flush", "load_seq", "tail"},
	{"fanin 1p2c asleep", "lane_has_data", "load_seq", "holder"},
	{"fanin 1p2c asleep", "lane_has_data", "load_seq", "tail"},
	{"mpmc, a dead producer, asleep", "xk_ring_call", "cas_release", NULL},
	{"mpmc 1p2c asleep", "xk_mpmc_publish", "store_seq", "slot"},
	{"mpmc 1p2c asleep", "xk_ring_knock", "load_seq", "bell"},
	{"mpmc 1p2c asleep", "xk_ring_arm", "store_seq", "bell"},
	{"mpmc 1p2c asleep", "next_slot_ready", "load_seq", "slot"},
};
const size_t n_model_weaks = sizeof(model_weaks) / sizeof(*model_weaks);
