/* SPDX-License-Identifier: BSD-2-Clause */
/* settings.h - the table of settings, and the small functions of those that are more than a file.
 */
#ifndef XSKIT_TUNE_SETTINGS_H
#define XSKIT_TUNE_SETTINGS_H

#include "tune/tune.h"

#define TUNE_VALUE 16384 /* bytes a value may take; an indirection table is the longest */
#define TUNE_WHY   256

#define TUNE_MACHINE 1u /* the whole machine's, not the interface's */
#define TUNE_MASK    2u /* a CPU mask in hexadecimal: zeros in front mean nothing */

/* Which of several: numbers of CPUs, queues, interrupts, NAPIs. */
struct tune_list {
	uint32_t *number;
	unsigned count;
};
int tune_list_add(struct tune_list *list, uint32_t number); /* 0 or -ENOMEM */

/*
 * A setting. Its id stands in journals: never give one to another setting. Values are text without
 * control characters. read: its length or -errno, -ENOENT and -EOPNOTSUPP meaning there is none;
 * write: 0 or -errno; want: 1, or 0 where the profile wants nothing of it, with the reason.
 */
struct tune_setting {
	uint32_t id;
	const char *name;
	const char *unit; /* of its number; NULL: there is one */
	unsigned flags;
	const char *path;   /* with {if} and {n}; NULL: read and write do it */
	const char *absent; /* why there may be none */
	int (*list)(const struct tune_target *t, struct tune_list *list);
	int (*read)(const struct tune_target *t, uint32_t n, char *value);
	int (*write)(const struct tune_target *t, uint32_t n, const char *value);
	int (*want)(const struct tune_target *t, uint32_t n, const char *found, char *want,
		    char *why);
};

extern const struct tune_setting tune_settings[];
extern const unsigned tune_settings_count;
extern const struct tune_setting tune_nothing; /* what an application begins with that is nested */

const struct tune_setting *tune_setting_find(uint32_t id); /* NULL: not in the table */

/* Of one with a path, or its own. read puts at most TUNE_VALUE bytes. */
int tune_read(const struct tune_setting *s, const struct tune_target *t, uint32_t n, char *value);
int tune_write(const struct tune_setting *s, const struct tune_target *t, uint32_t n,
	       const char *value);
int tune_numbers(const struct tune_setting *s, const struct tune_target *t, struct tune_list *list);
bool tune_same(const struct tune_setting *s, const char *a, const char *b);

int tune_netns(uint64_t *cookie); /* of this network namespace; 0 or -errno */

/* exceptions.c: why it is never changed on this driver, NULL: it may be. */
const char *tune_exception(const char *driver, const char *setting);

/* wishes.c */
typedef int tune_want_fn(const struct tune_target *t, uint32_t n, const char *found, char *want,
			 char *why);
tune_want_fn want_governor, want_irq, want_defer, want_flush, want_threaded, want_busy,
	want_backlog, want_budget, want_budget_us, want_channels, want_rss, want_rps, want_xps,
	want_pages, want_controller, want_isolated;

/* How many workers there is room for: queues that are used, but never more than CPUs. */
unsigned tune_workers(const struct tune_target *t);
int tune_worker_cpu(const struct tune_target *t, unsigned worker);

/* set_numbers.c: lists of CPUs, queues, interrupts. */
int list_cpus(const struct tune_target *t, struct tune_list *list);
int list_irqs(const struct tune_target *t, struct tune_list *list);
int list_rx_queues(const struct tune_target *t, struct tune_list *list);
int list_tx_queues(const struct tune_target *t, struct tune_list *list);

/* set_napi.c: number 0 is the interface, others are NAPI ids. */
int list_napis(const struct tune_target *t, struct tune_list *list);
int read_defer(const struct tune_target *t, uint32_t n, char *value);
int write_defer(const struct tune_target *t, uint32_t n, const char *value);
int read_flush(const struct tune_target *t, uint32_t n, char *value);
int write_flush(const struct tune_target *t, uint32_t n, const char *value);

/* set_ethtool.c: "rx R tx T combined C", and "0 1 0 1 ..." */
int read_channels(const struct tune_target *t, uint32_t n, char *value);
int write_channels(const struct tune_target *t, uint32_t n, const char *value);
int rx_channels(const struct tune_target *t);
int max_channels(const struct tune_target *t);
int read_rss(const struct tune_target *t, uint32_t n, char *value);
int write_rss(const struct tune_target *t, uint32_t n, const char *value);

/* set_cpuset.c: "none", or "LIST isolated". */
int read_controller(const struct tune_target *t, uint32_t n, char *value);
int write_controller(const struct tune_target *t, uint32_t n, const char *value);
int read_isolated(const struct tune_target *t, uint32_t n, char *value);
int write_isolated(const struct tune_target *t, uint32_t n, const char *value);

#endif
