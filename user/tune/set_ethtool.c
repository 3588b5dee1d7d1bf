// SPDX-License-Identifier: BSD-2-Clause
/* What ethtool sets: how many queues there are, and how receive hashing spreads over them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/ethtool.h>
#include "nl.h"
#include "tune/settings.h"

/* --- channels --- */

static int get_channels(const struct tune_target *t, struct ethtool_channels *ch)
{
	*ch = (struct ethtool_channels){.cmd = ETHTOOL_GCHANNELS};
	return nl_ethtool(t->link.name, ch);
}

int read_channels(const struct tune_target *t, uint32_t n, char *value)
{
	struct ethtool_channels ch;
	int ret = get_channels(t, &ch);

	(void)n;
	if (ret)
		return ret;
	return sprintf(value, "rx %u tx %u combined %u", ch.rx_count, ch.tx_count,
		       ch.combined_count);
}

int write_channels(const struct tune_target *t, uint32_t n, const char *value)
{
	struct ethtool_channels ch;
	int ret = get_channels(t, &ch);

	(void)n;
	if (ret)
		return ret;
	if (sscanf(value, "rx %u tx %u combined %u", &ch.rx_count, &ch.tx_count,
		   &ch.combined_count) != 3)
		return -EINVAL;
	ch.cmd = ETHTOOL_SCHANNELS;
	return nl_ethtool(t->link.name, &ch);
}

int rx_channels(const struct tune_target *t)
{
	struct ethtool_channels ch;
	int ret = get_channels(t, &ch);

	return ret ? ret : (int)(ch.rx_count + ch.combined_count);
}

int max_channels(const struct tune_target *t)
{
	struct ethtool_channels ch;
	int ret = get_channels(t, &ch);

	return ret ? ret : (int)(ch.max_combined ? ch.max_combined : ch.max_rx);
}

/* --- the indirection table --- */

/* The table, allocated; its size may be 0. NULL: *ret says why. */
static struct ethtool_rxfh_indir *get_rss(const struct tune_target *t, int *ret)
{
	struct ethtool_rxfh_indir ask = {.cmd = ETHTOOL_GRXFHINDIR}, *table;

	*ret = nl_ethtool(t->link.name, &ask);
	if (!*ret && !ask.size)
		*ret = -EOPNOTSUPP;
	if (*ret)
		return NULL;
	table = calloc(1, sizeof(*table) + ask.size * sizeof(*table->ring_index));
	if (!table) {
		*ret = -ENOMEM;
		return NULL;
	}
	table->cmd = ETHTOOL_GRXFHINDIR;
	table->size = ask.size;
	*ret = nl_ethtool(t->link.name, table);
	return table;
}

int read_rss(const struct tune_target *t, uint32_t n, char *value)
{
	int ret, at = 0;
	struct ethtool_rxfh_indir *table = get_rss(t, &ret);

	(void)n;
	for (uint32_t i = 0; !ret && i < table->size; i++) {
		if (at > TUNE_VALUE - 16)
			ret = -E2BIG;
		else
			at += sprintf(value + at, i ? " %u" : "%u", table->ring_index[i]);
	}
	free(table);
	return ret ? ret : at;
}

int write_rss(const struct tune_target *t, uint32_t n, const char *value)
{
	int ret;
	struct ethtool_rxfh_indir *table = get_rss(t, &ret);

	(void)n;
	for (uint32_t i = 0; !ret && i < table->size; i++) {
		char *end;

		table->ring_index[i] = (uint32_t)strtoul(value, &end, 10);
		ret = end == value ? -EINVAL : 0;
		value = end;
	}
	if (!ret) {
		table->cmd = ETHTOOL_SRXFHINDIR;
		ret = nl_ethtool(t->link.name, table);
	}
	free(table);
	return ret;
}
