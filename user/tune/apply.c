// SPDX-License-Identifier: BSD-2-Clause
/* Setting by setting: look, write down, change, look again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sysroot.h"
#include "tune/journal.h"
#include "tune/settings.h"

#define NOT_OURS                                                                                   \
	"it is the whole machine's: tune it from outside this network namespace, where its files " \
	"are not"

struct work {
	const struct tune_target *t;
	const struct tune_job *job;
	struct tune_session *session;
	struct journal *journal; /* NULL: a dry run */
	struct xk_err *err;
	/* of the setting at hand */
	const struct tune_setting *s;
	uint32_t n;
	char found[TUNE_VALUE], want[TUNE_VALUE], now[TUNE_VALUE], why[TUNE_WHY];
};

static void tell(const struct work *w, enum tune_status status, const char *why)
{
	struct tune_line line = {.name = w->s->name,
				 .found = w->found,
				 .want = w->want,
				 .why = why,
				 .status = status};
	char where[32] = "";

	if (w->s->unit && w->n + 1)
		snprintf(where, sizeof(where), "%s %u", w->s->unit, w->n);
	if (w->s->unit && !strcmp(w->s->unit, "napi") && !w->n)
		*where = '\0'; /* the interface's */
	line.where = where;
	w->job->tell(w->job->ctx, &line);
}

static enum tune_status status_of(int code)
{
	switch (code) {
	case -EPERM:
	case -EACCES:
	case -EROFS:
		return TUNE_NOT_PERMITTED;
	case -ENOENT:
	case -EOPNOTSUPP:
	case -ENODEV:
	case -ENOTDIR:
		return TUNE_ABSENT;
	default:
		return TUNE_FAILED;
	}
}

static void tell_error(const struct work *w, int code)
{
	enum tune_status status = status_of(code);

	tell(w, status, status == TUNE_ABSENT ? w->s->absent : strerror(-code));
}

/* The first network namespace alone shows the machine's own network settings. */
static bool is_ours(const struct tune_setting *s)
{
	int fd = s->flags & TUNE_MACHINE ? sysroot_open("/proc/sys/net/core/netdev_budget", O_PATH)
					 : 0;

	if (s->flags & TUNE_MACHINE && fd >= 0)
		close(fd);
	return fd >= 0;
}

/* --- one change --- */

static struct journal_entry *last_entry(const struct work *w)
{
	return &w->journal->entries[w->journal->count - 1];
}

static int write_down(struct work *w)
{
	struct journal_entry e = {.run = w->job->temporary,
				  .netns = w->t->netns,
				  .ifindex = w->t->link.ifindex,
				  .setting = w->s->id,
				  .number = w->n,
				  .old = w->found,
				  .now = w->want};
	int ret;

	if (!w->session->number)
		w->session->number =
			journal_new_session(w->journal, w->job->temporary, &w->session->alive_fd);
	e.session = w->session->number;
	snprintf(e.ifname, sizeof(e.ifname), "%s", w->t->link.name);
	ret = journal_add(w->journal, &e);
	if (ret)
		return xk_err_fill(w->err, ret, "tune", NULL, "no memory");
	ret = journal_save(w->journal, w->err);
	if (ret)
		journal_drop(w->journal, w->journal->count - 1);
	return ret;
}

static int take_back(struct work *w)
{
	journal_drop(w->journal, w->journal->count - 1);
	return journal_save(w->journal, w->err);
}

/* What is there now goes into the journal, so that a later change by somebody else is seen. */
static int settle(struct work *w)
{
	struct journal_entry *e = last_entry(w);
	int ret = tune_read(w->s, w->t, w->n, w->now);

	if (ret >= 0 && tune_same(w->s, w->now, w->found)) {
		tell(w, TUNE_FAILED, "the kernel took it and left it as it was");
		return take_back(w);
	}
	if (ret >= 0 && journal_set_now(e, w->now))
		return xk_err_fill(w->err, -ENOMEM, "tune", NULL, "no memory");
	e->settled = ret >= 0;
	tell(w, TUNE_APPLIED, w->why);
	return journal_save(w->journal, w->err);
}

static int change(struct work *w)
{
	int ret = write_down(w);

	if (ret)
		return ret;
	ret = tune_write(w->s, w->t, w->n, w->want);
	if (!ret)
		return settle(w);
	tell_error(w, ret);
	return take_back(w);
}

/* --- one setting --- */

static int judge(struct work *w)
{
	const char *exception = tune_exception(w->t->link.driver, w->s->name);
	int ret = w->s->want(w->t, w->n, w->found, w->want, w->why);

	if (!ret)
		snprintf(w->want, sizeof(w->want), "%s", w->found);
	if (!ret || tune_same(w->s, w->found, w->want)) {
		tell(w, TUNE_KEPT, w->why);
		return 0;
	}
	if (exception || !is_ours(w->s)) {
		tell(w, TUNE_SKIPPED, exception ? exception : NOT_OURS);
		return 0;
	}
	if (!w->job->dry_run)
		return change(w);
	tell(w, TUNE_PLANNED, w->why);
	return 0;
}

static int tune_one(struct work *w)
{
	int ret;

	*w->found = *w->want = *w->why = '\0';
	ret = tune_read(w->s, w->t, w->n, w->found);
	if (ret >= 0)
		return judge(w);
	*w->found = '\0';
	tell_error(w, ret);
	return 0;
}

static int tune_each(struct work *w)
{
	struct tune_list list;
	int ret = tune_numbers(w->s, w->t, &list);

	if (ret) {
		w->n = UINT32_MAX; /* none of them */
		*w->found = *w->want = *w->why = '\0';
		tell_error(w, ret);
		ret = 0;
	}
	for (unsigned i = 0; i < list.count && !ret; i++) {
		w->n = list.number[i];
		ret = tune_one(w);
	}
	free(list.number);
	return ret;
}

/* Is there a tune of this interface already, which this one is to be undone before? */
static bool is_nested(const struct work *w)
{
	for (unsigned i = 0; w->journal && i < w->journal->count; i++)
		if (w->journal->entries[i].netns == w->t->netns &&
		    w->journal->entries[i].ifindex == w->t->link.ifindex)
			return true;
	return false;
}

/* One that changes nothing is undone in its turn all the same. */
static int begin(struct work *w)
{
	*w->found = *w->want = '\0';
	w->s = &tune_nothing;
	return is_nested(w) ? write_down(w) : 0;
}

static int tune_all(struct work *w)
{
	int ret = begin(w);

	for (unsigned i = 0; i < tune_settings_count && !ret; i++) {
		w->s = &tune_settings[i];
		ret = tune_each(w);
	}
	return ret;
}

static int refuse_damaged(struct xk_err *err)
{
	return xk_err_fill(err, -EUCLEAN, "tune journal",
			   "`xskit tune --undo` tells what it still knows",
			   "/run/xskit/tune is damaged");
}

int tune_apply(const struct tune_target *t, const struct tune_job *job,
	       struct tune_session *session, struct xk_err *err)
{
	struct journal journal;
	struct work *w = calloc(1, sizeof(*w));
	int ret = 0;

	*session = (struct tune_session){.alive_fd = -1};
	if (!w)
		return xk_err_fill(err, -ENOMEM, "tune", NULL, "no memory");
	*w = (struct work){.t = t, .job = job, .session = session, .err = err};
	if (!job->dry_run && !(ret = journal_open(&journal, err))) {
		w->journal = &journal;
		ret = journal.damaged ? refuse_damaged(err) : 0;
	}
	ret = ret ? ret : tune_all(w);
	if (w->journal)
		journal_close(w->journal);
	free(w);
	return ret;
}
