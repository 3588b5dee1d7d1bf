/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tune.h - settings of an interface and its machine that a profile wants, applied and undone.
 *
 *   settings.c    the table: what is read and written, and what each profile wants
 *   set_*.c       the settings that are more than a file; wishes.c: what a profile wants, and why
 *   exceptions.c  what was measured to hurt on a driver, and so is never applied there
 *   journal.c     what was before, written down before it is changed
 *   apply.c undo.c
 *
 * Thread contract: one thread at a time in a process; processes wait for each other.
 */
#ifndef XSKIT_TUNE_H
#define XSKIT_TUNE_H

#include <stdbool.h>
#include <stdint.h>
#include <xskit/err.h>
#include <xskit/place.h>
#include "nl.h"

enum tune_profile { TUNE_LATENCY, TUNE_THROUGHPUT, TUNE_POWER };
extern const char *const tune_profiles[]; /* their names, in this order; the last is NULL */

enum tune_status {
	TUNE_KEPT,    /* as wanted already, or nothing is wanted of it */
	TUNE_PLANNED, /* a dry run would change it */
	TUNE_APPLIED,
	TUNE_NOT_PERMITTED,
	TUNE_ABSENT,   /* this machine, driver or kernel has none */
	TUNE_SKIPPED,  /* it would hurt, or is not ours to change */
	TUNE_FAILED,   /* the kernel refused, or took it and did not do it */
	TUNE_RESTORED, /* undone */
	TUNE_CHANGED,  /* somebody changed it since: not undone */
	TUNE_GONE,     /* the interface, queue or NAPI is no more: nothing to undo */
	TUNE_KNOWN,    /* of a damaged journal: an entry that is whole */
};

/* One setting and what became of it; the texts live until the call returns. */
struct tune_line {
	const char *name;  /* "rps" */
	const char *where; /* "queue 1", "cpu 0"; "": the interface or the machine */
	const char *found, *want, *why;
	enum tune_status status;
};
const char *tune_status_name(enum tune_status status);
typedef void (*tune_tell_fn)(void *ctx, const struct tune_line *line);

/* What is tuned, for what. */
struct tune_target {
	struct nl_link link;
	uint64_t netns; /* its cookie: no other namespace of this boot has it */
	enum tune_profile profile;
	bool busy_poll;        /* the workers drive the queues themselves */
	struct xk_place place; /* CPUs of the workers, in order */
	const unsigned *queues;
	unsigned n_queues;   /* 0: all there are */
	uint64_t umem_bytes; /* a queue's */
};

/* link, netns and place of an interface of this network namespace; the rest zero or usual. */
int tune_target_find(struct tune_target *target, const char *ifname, int node, struct xk_err *err);

/* What an application did, to undo it; also when it failed half way. */
struct tune_session {
	uint32_t number; /* 0: nothing was changed */
	int alive_fd;    /* a lock that tells others that its run lives, -1: none */
};

struct tune_job {
	bool dry_run, force, temporary; /* temporary: for the life of this process */
	tune_tell_fn tell;
	void *ctx;
};

/*
 * Set what the profile wants, each change written to the journal before it is made; job->tell hears
 * of every setting. 0 also if some could not be set. -errno with *err: the journal cannot be
 * written, or is damaged; then nothing more was changed.
 */
int tune_apply(const struct tune_target *target, const struct tune_job *job,
	       struct tune_session *session, struct xk_err *err);

/*
 * Undo the last application to an interface (NULL: all of this network namespace, and with force
 * all there are): how many settings are as they were before, or -errno with *err. -ESTALE: some
 * changed since, and nothing was undone without force; -EBUSY: a run that lives holds them.
 */
int tune_undo(const char *ifname, const struct tune_job *job, struct xk_err *err);

/* Undo what tune_apply() did: what changed since is left as it is, and told. */
int tune_undo_session(struct tune_session *session, const struct tune_job *job, struct xk_err *err);

/* Does an earlier run that was killed still tune this interface? Reads only. */
bool tune_is_left(int ifindex);

/* Move this process to the CPUs that are kept for the interface's workers: 1, 0: none are. */
int tune_join_cpus(int ifindex);

#endif
