// SPDX-License-Identifier: BSD-2-Clause
/* The journal replayed backwards. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tune/journal.h"
#include "tune/settings.h"

struct work {
	const struct tune_job *job;
	struct journal *journal;
	struct xk_err *err;
	uint64_t netns;     /* ours */
	bool leave_changed; /* the end of a run: nobody is there to be asked */
	int restored, stuck;
	char found[TUNE_VALUE];
};

/* --- what an entry is about --- */

static const struct tune_setting *setting_of(const struct journal_entry *e)
{
	return tune_setting_find(e->setting);
}

static bool is_machine(const struct journal_entry *e)
{
	return setting_of(e)->flags & TUNE_MACHINE;
}

/* The interface by its number, whatever it is called now; false: it is not here. */
static bool find_target(const struct work *w, const struct journal_entry *e, struct tune_target *t)
{
	char name[IF_NAMESIZE];

	*t = (struct tune_target){.netns = e->netns, .link.ifindex = e->ifindex};
	snprintf(t->link.name, sizeof(t->link.name), "%s", e->ifname);
	if (e->netns != w->netns || !if_indextoname((unsigned)e->ifindex, name))
		return is_machine(e);
	snprintf(t->link.name, sizeof(t->link.name), "%s", name);
	return true;
}

/* Is that queue, NAPI, interrupt or CPU still one of its? */
static bool is_there(const struct tune_target *t, const struct journal_entry *e)
{
	struct tune_list list;
	bool there = false;

	tune_numbers(setting_of(e), t, &list);
	for (unsigned i = 0; i < list.count; i++)
		there |= list.number[i] == e->number;
	free(list.number);
	return there;
}

static bool same_thing(const struct journal_entry *a, const struct journal_entry *b)
{
	return a->setting == b->setting && a->number == b->number &&
	       (is_machine(a) || (a->netns == b->netns && a->ifindex == b->ifindex));
}

/* The next one that changed the same thing again. */
static struct journal_entry *changed_again(const struct work *w, unsigned i)
{
	struct journal_entry *all = w->journal->entries;

	for (unsigned later = i + 1; later < w->journal->count; later++)
		if (all[later].session != all[i].session && same_thing(&all[i], &all[later]))
			return &all[later];
	return NULL;
}

static void tell(const struct work *w, const struct journal_entry *e, enum tune_status status,
		 const char *found, const char *why)
{
	const struct tune_setting *s = setting_of(e);
	char where[64] = "";

	if (s->unit && (e->number || strcmp(s->unit, "napi")))
		snprintf(where, sizeof(where), "%s %u", s->unit, e->number);
	w->job->tell(w->job->ctx, &(struct tune_line){.name = s->name,
						      .where = where,
						      .found = found,
						      .want = e->old,
						      .why = why,
						      .status = status});
}

/* --- one entry --- */

/* Somebody changed it since: neither what was set nor what was before. */
static bool is_changed(const struct journal_entry *e, const char *found)
{
	const struct tune_setting *s = setting_of(e);

	return e->settled && !tune_same(s, found, e->now) && !tune_same(s, found, e->old);
}

static int drop(struct work *w, unsigned i)
{
	journal_drop(w->journal, i);
	return journal_save(w->journal, w->err);
}

/* What is kept can be tried again; forced, it is let go. */
static int cannot(struct work *w, unsigned i, int code)
{
	const struct journal_entry *e = &w->journal->entries[i];
	bool permitted = code != -EPERM && code != -EACCES && code != -EROFS;

	tell(w, e, permitted ? TUNE_FAILED : TUNE_NOT_PERMITTED, w->found, strerror(-code));
	if (w->job->force)
		return drop(w, i);
	w->stuck++;
	return 0;
}

/* Written down first here too: what is found after a kill in between is nobody else's doing. */
static int unsettle(struct work *w, struct journal_entry *e)
{
	if (!e->settled)
		return 0;
	e->settled = false;
	return journal_save(w->journal, w->err);
}

static int write_old(struct work *w, unsigned i, const struct tune_target *t)
{
	struct journal_entry *e = &w->journal->entries[i];
	const struct tune_setting *s = setting_of(e);
	const char *why = e->settled
				  ? "as it was before"
				  : "as it was before: an earlier tune or undo was cut short here";
	int ret = unsettle(w, e);

	if (ret)
		return ret;
	ret = tune_same(s, w->found, e->old) ? 0 : tune_write(s, t, e->number, e->old);
	if (ret)
		return cannot(w, i, ret);
	tell(w, e, TUNE_RESTORED, w->found, why);
	w->restored++;
	return drop(w, i);
}

/* A later application keeps its value; what it will restore is what was before this one. */
static int hand_over(struct work *w, unsigned i, struct journal_entry *later)
{
	const struct journal_entry *e = &w->journal->entries[i];

	tell(w, e, TUNE_SKIPPED, later->now, "tuned again since: undoing that will restore it");
	if (journal_set_old(later, e->old))
		return xk_err_fill(w->err, -ENOMEM, "tune", NULL, "no memory");
	return drop(w, i);
}

static int undo_entry(struct work *w, unsigned i)
{
	struct journal_entry *e = &w->journal->entries[i], *later = changed_again(w, i);
	struct tune_target t;
	int ret;

	*w->found = '\0';
	if (setting_of(e) == &tune_nothing)
		return drop(w, i);
	if (later)
		return hand_over(w, i, later);
	if (!find_target(w, e, &t)) {
		tell(w, e, TUNE_GONE, "", "the interface is not there any more");
		return drop(w, i);
	}
	if (!is_there(&t, e)) {
		tell(w, e, TUNE_GONE, "", "it is not there any more");
		return drop(w, i);
	}
	ret = tune_read(setting_of(e), &t, e->number, w->found);
	if (ret == -ENOENT && !is_machine(e)) {
		tell(w, e, TUNE_GONE, "", "it is not there any more");
		return drop(w, i);
	}
	if (ret < 0)
		return cannot(w, i, ret);
	if (is_changed(e, w->found) && w->leave_changed) {
		tell(w, e, TUNE_CHANGED, w->found, "changed since: left as it is");
		return drop(w, i);
	}
	return write_old(w, i, &t);
}

static int undo_number(struct work *w, uint32_t session)
{
	int ret = 0;

	for (unsigned i = w->journal->count; i-- > 0 && !ret;)
		if (w->journal->entries[i].session == session)
			ret = undo_entry(w, i);
	return ret;
}

/* --- what is to be undone --- */

/* Of this interface: the one that has its name now, or had it and is gone. */
static bool is_of(const struct work *w, const struct journal_entry *e, const char *ifname)
{
	char name[IF_NAMESIZE];

	if (e->netns != w->netns)
		return !ifname && w->job->force;
	if (!ifname)
		return true;
	if (if_indextoname((unsigned)e->ifindex, name))
		return !strcmp(name, ifname);
	return !strcmp(e->ifname, ifname);
}

/* The last one, 0: none. */
static uint32_t last_session(const struct work *w, const char *ifname)
{
	uint32_t session = 0;

	for (unsigned i = 0; i < w->journal->count; i++)
		if (is_of(w, &w->journal->entries[i], ifname))
			session = w->journal->entries[i].session;
	return session;
}

/* Whoever asked for it should know before it is undone: how many there are. */
static int count_changed(struct work *w, uint32_t session)
{
	struct tune_target t;
	int changed = 0;

	for (unsigned i = w->journal->count; i-- > 0;) {
		const struct journal_entry *e = &w->journal->entries[i];

		if (e->session != session || setting_of(e) == &tune_nothing ||
		    changed_again(w, i) || !find_target(w, e, &t) || !is_there(&t, e) ||
		    tune_read(setting_of(e), &t, e->number, w->found) < 0 ||
		    !is_changed(e, w->found))
			continue;
		tell(w, e, TUNE_CHANGED, w->found, "somebody changed it since");
		changed++;
	}
	return changed;
}

static int refuse_alive(struct xk_err *err)
{
	return xk_err_fill(err, -EBUSY, "undo", "end that run: it undoes them; or --force",
			   "a run that is alive holds these settings");
}

static int undo_session(struct work *w, uint32_t session)
{
	int changed;

	if (!w->job->force && !w->leave_changed && journal_is_alive(w->journal, session))
		return refuse_alive(w->err);
	changed = w->job->force || w->leave_changed ? 0 : count_changed(w, session);
	if (changed)
		return xk_err_fill(w->err, -ESTALE, "undo",
				   "--force puts them back as they were before all the same",
				   "%d setting%s changed since: nothing was undone", changed,
				   changed == 1 ? " was" : "s were");
	return undo_number(w, session);
}

static int refuse_damaged(struct work *w)
{
	for (unsigned i = w->journal->count; i-- > 0;) {
		const struct journal_entry *e = &w->journal->entries[i];

		if (setting_of(e) != &tune_nothing)
			tell(w, e, TUNE_KNOWN, e->now, e->ifname);
	}
	return xk_err_fill(
		w->err, -EUCLEAN, "tune journal",
		"put back by hand what is told of it, then remove /run/xskit/tune",
		"/run/xskit/tune is damaged: %u entries are still known, and none is undone",
		w->journal->count);
}

static int result(const struct work *w, int ret)
{
	if (ret)
		return ret;
	if (!w->stuck)
		return w->restored;
	return xk_err_fill(w->err, -EPERM, "undo",
			   "undo again where they can be, or --force to let go of them",
			   "%d setting%s could not be put back", w->stuck,
			   w->stuck == 1 ? "" : "s");
}

static struct work *open_work(const struct tune_job *job, struct journal *journal,
			      struct xk_err *err)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w) {
		xk_err_fill(err, -ENOMEM, "undo", NULL, "no memory");
		return NULL;
	}
	*w = (struct work){.job = job, .journal = journal, .err = err};
	if (tune_netns(&w->netns))
		w->netns = 0;
	if (!journal_open(journal, err))
		return w;
	free(w);
	return NULL;
}

static void close_work(struct work *w)
{
	journal_close(w->journal);
	free(w);
}

static int undo_all(struct work *w)
{
	uint32_t session;
	int ret = 0;

	while (!ret && !w->stuck && (session = last_session(w, NULL)))
		ret = undo_session(w, session);
	return ret;
}

int tune_undo(const char *ifname, const struct tune_job *job, struct xk_err *err)
{
	struct journal journal;
	struct work *w = open_work(job, &journal, err);
	uint32_t session;
	int ret = 0;

	if (!w)
		return err->code;
	if (journal.damaged)
		ret = refuse_damaged(w);
	else if (!ifname)
		ret = undo_all(w);
	else if ((session = last_session(w, ifname)))
		ret = undo_session(w, session);
	ret = result(w, ret);
	close_work(w);
	return ret;
}

int tune_undo_session(struct tune_session *session, const struct tune_job *job, struct xk_err *err)
{
	struct journal journal;
	struct work *w;
	int ret = 0;

	if (!session->number)
		return 0;
	w = open_work(job, &journal, err);
	if (w) {
		w->leave_changed = true;
		ret = journal.damaged ? refuse_damaged(w) : undo_session(w, session->number);
		ret = result(w, ret);
		close_work(w);
	} else {
		ret = err->code;
	}
	if (session->alive_fd >= 0)
		close(session->alive_fd);
	*session = (struct tune_session){.alive_fd = -1};
	return ret;
}

bool tune_is_left(int ifindex)
{
	struct journal journal;
	uint64_t netns;
	bool left = false;

	if (tune_netns(&netns) || journal_peek(&journal))
		return false;
	for (unsigned i = 0; i < journal.count; i++) {
		const struct journal_entry *e = &journal.entries[i];

		left |= e->run && e->netns == netns && e->ifindex == ifindex &&
			!journal_is_alive(&journal, e->session);
	}
	journal_close(&journal);
	return left;
}
