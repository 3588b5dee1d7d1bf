/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers.h - rings of other projects, as `xskit bench ring` measures them. Each file is built as far
 * as its project's headers are there; every list ends with NULL and may have nothing else.
 */
#ifndef PEERS_H
#define PEERS_H

#include "bench/ring_cell.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct ring_algo *const peers_ck[];
extern const struct ring_algo *const peers_rte[];
extern const struct ring_algo *const peers_boost[];
extern const struct ring_algo *const peers_moodycamel[];
extern const struct ring_algo *const peers_atomic[];

#ifdef __cplusplus
}
#endif
#endif
