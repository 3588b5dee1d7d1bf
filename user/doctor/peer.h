/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer.h - a veth's other end, which may be in another network namespace: looked at by a thread
 * that enters it.
 */
#ifndef XSKIT_DOCTOR_PEER_H
#define XSKIT_DOCTOR_PEER_H

#include "nl.h"
#include "nl_ethtool.h"

struct peer {
	int rc; /* 0: found and looked at; -ENOENT not a veth, or its namespace not found */
	char where[128]; /* what a command is to begin with to run there; "" here */
	struct nl_link link;
	struct nl_channel_counts channels;
	struct nl_feature features[NL_MAX_FEATURES];
	int n_features;
};

void peer_find(const struct nl_link *link, struct peer *peer);

/* Is an offload of the peer's on? The first that is among the names, which end with NULL. */
const struct nl_feature *peer_feature(const struct peer *peer, const char *const *names);

#endif
