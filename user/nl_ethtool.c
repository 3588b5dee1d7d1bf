// SPDX-License-Identifier: BSD-2-Clause
/* nl_ethtool.c - offloads, rings, pause frames and flow rules, through ethtool's ioctl. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/ethtool.h>
#include "nl.h"
#include "nl_ethtool.h"

/* --- features --- */

static int count_features(const char *ifname)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t count;
	} ask = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
	int rc = nl_ethtool(ifname, &ask);

	if (rc)
		return rc;
	return ask.info.sset_mask ? (int)ask.count : -EOPNOTSUPP;
}

/* n names of ETH_GSTRING_LEN bytes, to be freed. */
static int feature_names(const char *ifname, unsigned n, struct ethtool_gstrings **names)
{
	int rc;

	*names = calloc(1, sizeof(**names) + (size_t)n * ETH_GSTRING_LEN);
	if (!*names)
		return -ENOMEM;
	**names = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = n};
	rc = nl_ethtool(ifname, *names);
	if (rc)
		free(*names);
	return rc;
}

static int feature_bits(const char *ifname, unsigned n, struct ethtool_gfeatures **bits)
{
	unsigned blocks = (n + 31) / 32;
	int rc;

	*bits = calloc(1, sizeof(**bits) + blocks * sizeof((*bits)->features[0]));
	if (!*bits)
		return -ENOMEM;
	(*bits)->cmd = ETHTOOL_GFEATURES;
	(*bits)->size = blocks;
	rc = nl_ethtool(ifname, *bits);
	if (rc)
		free(*bits);
	return rc;
}

static void copy_feature(struct nl_feature *to, const struct ethtool_gstrings *names,
			 const struct ethtool_gfeatures *bits, unsigned i)
{
	const struct ethtool_get_features_block *block = &bits->features[i / 32];
	uint32_t bit = 1u << i % 32;

	snprintf(to->name, sizeof(to->name), "%.31s",
		 (const char *)names->data + i * ETH_GSTRING_LEN);
	to->active = block->active & bit;
	to->fixed = !(block->available & bit) || block->never_changed & bit;
}

int nl_features(const char *ifname, struct nl_feature *features, unsigned max)
{
	int n = count_features(ifname), rc;
	struct ethtool_gstrings *names;
	struct ethtool_gfeatures *bits;

	if (n < 0)
		return n;
	rc = feature_names(ifname, (unsigned)n, &names);
	if (rc)
		return rc;
	rc = feature_bits(ifname, (unsigned)n, &bits);
	if (!rc) {
		n = n < (int)max ? n : (int)max;
		for (int i = 0; i < n; i++)
			copy_feature(&features[i], names, bits, (unsigned)i);
		free(bits);
	}
	free(names);
	return rc ? rc : n;
}

/* --- rings, channels, pause frames --- */

int nl_ring_sizes(const char *ifname, struct nl_ring_sizes *sizes)
{
	struct ethtool_ringparam ring = {.cmd = ETHTOOL_GRINGPARAM};
	int rc = nl_ethtool(ifname, &ring);

	*sizes = (struct nl_ring_sizes){ring.rx_pending, ring.rx_max_pending, ring.tx_pending,
					ring.tx_max_pending};
	return rc;
}

int nl_channel_counts(const char *ifname, struct nl_channel_counts *counts)
{
	struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
	int rc = nl_ethtool(ifname, &ch);

	*counts = (struct nl_channel_counts){ch.rx_count, ch.tx_count, ch.combined_count,
					     ch.max_rx,   ch.max_tx,   ch.max_combined};
	return rc;
}

int nl_pause(const char *ifname, bool *rx, bool *tx)
{
	struct ethtool_pauseparam pause = {.cmd = ETHTOOL_GPAUSEPARAM};
	int rc = nl_ethtool(ifname, &pause);

	*rx = pause.rx_pause;
	*tx = pause.tx_pause;
	return rc;
}

/* --- which queue a packet goes to --- */

static int rss_size(const char *ifname)
{
	struct ethtool_rxfh_indir ask = {.cmd = ETHTOOL_GRXFHINDIR};
	int rc = nl_ethtool(ifname, &ask);

	return rc ? rc : (int)ask.size;
}

int nl_rss_table(const char *ifname, uint32_t *queues, unsigned max)
{
	int n = rss_size(ifname), rc;
	struct ethtool_rxfh_indir *table;

	if (n <= 0)
		return n ? n : -EOPNOTSUPP;
	table = calloc(1, sizeof(*table) + (size_t)n * sizeof(uint32_t));
	if (!table)
		return -ENOMEM;
	table->cmd = ETHTOOL_GRXFHINDIR;
	table->size = (uint32_t)n;
	rc = nl_ethtool(ifname, table);
	n = n < (int)max ? n : (int)max;
	if (!rc)
		memcpy(queues, table->ring_index, (size_t)n * sizeof(*queues));
	free(table);
	return rc ? rc : n;
}

/* The queue of one rule; a rule that is gone by now goes nowhere in particular. */
static uint32_t rule_queue(const char *ifname, uint32_t location)
{
	struct ethtool_rxnfc ask = {.cmd = ETHTOOL_GRXCLSRULE, .fs.location = location};

	if (nl_ethtool(ifname, &ask))
		return 0;
	if (ask.fs.ring_cookie == RX_CLS_FLOW_DISC)
		return UINT32_MAX;
	return (uint32_t)ethtool_get_flow_spec_ring(ask.fs.ring_cookie);
}

static int rule_count(const char *ifname)
{
	struct ethtool_rxnfc ask = {.cmd = ETHTOOL_GRXCLSRLCNT};
	int rc = nl_ethtool(ifname, &ask);

	return rc ? rc : (int)ask.rule_cnt;
}

int nl_flow_rules(const char *ifname, uint32_t *queues, unsigned max)
{
	int n = rule_count(ifname), rc;
	struct ethtool_rxnfc *all;

	if (n <= 0)
		return n;
	all = calloc(1, sizeof(*all) + (size_t)n * sizeof(uint32_t));
	if (!all)
		return -ENOMEM;
	all->cmd = ETHTOOL_GRXCLSRLALL;
	all->rule_cnt = (uint32_t)n;
	rc = nl_ethtool(ifname, all);
	n = n < (int)max ? n : (int)max;
	for (int i = 0; !rc && i < n; i++)
		queues[i] = rule_queue(ifname, all->rule_locs[i]);
	free(all);
	return rc ? rc : n;
}
