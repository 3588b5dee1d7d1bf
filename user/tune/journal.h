/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal.h - what settings were before, in /run/xskit/tune, a file for root alone.
 *
 * Lines of text: a first one with the length and a checksum of all that follows, then one an entry,
 * with a checksum of its own. It is never changed in place: a new one is written beside it, synced,
 * and renamed, so that a reader finds the old or the new one and nothing else. It is gone when
 * there is nothing to undo.
 *
 *   xskit-tune 1 LENGTH CHECKSUM
 *   CHECKSUM SESSION RUN NETNS IFINDEX INTERFACE SETTING NUMBER SETTLED OLD NOW
 *
 * /run/xskit/tune.lock: byte 0 is held by whoever reads and writes the journal, byte N by the run
 * whose session N it is, as long as it lives.
 */
#ifndef XSKIT_TUNE_JOURNAL_H
#define XSKIT_TUNE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <xskit/err.h>

struct journal_entry {
	uint32_t session;
	bool run; /* for the life of a process */
	uint64_t netns;
	int ifindex;
	char ifname[16]; /* as it was called: for messages, and to find one that vanished */
	uint32_t setting, number;
	bool settled; /* `now` was read back: it was set, and no more was to come */
	char *old, *now;
};

struct journal {
	int dir, lock; /* descriptors */
	unsigned count;
	struct journal_entry *entries; /* oldest first */
	bool damaged;                  /* entries are those that are whole */
};

/*
 * Open, lock and read it. 0; -EPERM: the directory is not ours alone; -EACCES: not root; -EBUSY:
 * another process holds it for longer than seconds; or -errno. A damaged journal is no error here.
 */
int journal_open(struct journal *journal, struct xk_err *err);
void journal_close(struct journal *journal);

/* Read it without a lock and without making anything; -ENOENT: there is none. */
int journal_peek(struct journal *journal);

/* All entries, on disk when this returns. 0 or -errno; then the file is as it was. */
int journal_save(struct journal *journal, struct xk_err *err);

/* Copies the texts; 0 or -ENOMEM. */
int journal_add(struct journal *journal, const struct journal_entry *entry);
int journal_set_now(struct journal_entry *entry, const char *now);
int journal_set_old(struct journal_entry *entry, const char *old);
void journal_drop(struct journal *journal, unsigned i);

/* A number no session has; *fd holds its byte, if told that it is to be held, else -1. */
uint32_t journal_new_session(const struct journal *journal, bool hold, int *fd);
bool journal_is_alive(const struct journal *journal, uint32_t session);

/* journal_format.c: all of it as text, allocated, and back. NULL: no memory. */
char *journal_print(const struct journal *journal, unsigned *len);
int journal_parse(struct journal *journal, const char *text, unsigned len); /* sets damaged */

#endif
