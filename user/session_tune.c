// SPDX-License-Identifier: BSD-2-Clause
/* --tune: settings for the run, and back again. */
#include <cap-ng.h>
#include <stdio.h>
#include <string.h>
#include "caps.h"
#include "jsonl.h"
#include "session.h"
#include "tune/lines.h"

#define NAMES_SHOWN 256 /* characters */

static void hear(void *ctx, const struct tune_line *line)
{
	struct side_tune *tune = ctx;

	tune->told[line->status]++;
	json_array_append_new(tune->lines, tune_line_json(line));
}

/* At the end only what is not as it was before is worth a line. */
static void hear_undo(void *ctx, const struct tune_line *line)
{
	const struct side *side = ctx;

	if (line->status == TUNE_CHANGED || line->status == TUNE_FAILED ||
	    line->status == TUNE_NOT_PERMITTED)
		report_note("%s: --tune: %s%s%s: %s", side->link.name, line->name,
			    *line->where ? " " : "", line->where, line->why);
}

/* --- what was not set --- */

static bool is_refused(const char *status)
{
	return !strcmp(status, tune_status_name(TUNE_NOT_PERMITTED)) ||
	       !strcmp(status, tune_status_name(TUNE_FAILED)) ||
	       !strcmp(status, tune_status_name(TUNE_SKIPPED));
}

/* The names of what was wanted and is not so, each once; false: there are none. */
static bool refused_names(json_t *lines, char names[NAMES_SHOWN])
{
	const char *name, *last = "";
	size_t i, at = 0;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		name = json_string_value(json_object_get(line, "name"));
		if (!is_refused(json_string_value(json_object_get(line, "status"))) ||
		    !strcmp(name, last) || at >= NAMES_SHOWN)
			continue;
		at += (size_t)snprintf(names + at, NAMES_SHOWN - at, "%s%s", at ? ", " : "", name);
		last = name;
	}
	return at;
}

static void tell_refused(struct session *s, const struct side *side)
{
	const char *profile = tune_profiles[s->opts->tune], *ifname = side->link.name;
	char names[NAMES_SHOWN];

	if (refused_names(side->tune.lines, names))
		session_unmet(s, "--tune",
			      "%s does not set %s on %s: `xskit tune %s --profile %s --dry-run` "
			      "tells why",
			      profile, names, ifname, ifname, profile);
}

static void tell_error(const struct side *side, const struct xk_err *err)
{
	report_note("%s: --tune: %s: %s%s%s", side->link.name, err->what, err->why,
		    *err->fix ? ": " : "", err->fix);
}

/* --- a side --- */

/* The run's own CPUs where they were named. */
static void take_cpus(struct tune_target *t, const struct number_list *cpus)
{
	if (!cpus->count || cpus->count > XK_PLACE_MAX_CPUS)
		return;
	for (unsigned i = 0; i < cpus->count; i++)
		t->place.cpu[i] = (int)cpus->number[i];
	t->place.count = t->place.on_node = cpus->count;
}

static int apply(const struct packet_opts *opts, struct side *side, struct xk_err *err)
{
	const struct tune_job job = {.temporary = true, .tell = hear, .ctx = &side->tune};
	struct tune_target t = {
		.profile = (enum tune_profile)opts->tune,
		.busy_poll = opts->poll == XK_IDLE_BUSY,
		.queues = opts->queues.number,
		.n_queues = opts->queues.count,
		.umem_bytes = (uint64_t)opts->frames * opts->frame_size,
	};
	int ret = tune_target_find(&t, side->link.name, opts->node, err);

	if (ret)
		return ret;
	take_cpus(&t, &opts->cpus);
	return tune_apply(&t, &job, &side->tune.session, err);
}

/* The number of queues may have changed. */
static void look_again(struct nl_link *link)
{
	struct nl_link now;

	if (!nl_link(link->name, &now, NULL))
		*link = now;
}

static void tune_side(struct session *s, struct side *side)
{
	struct xk_err err = {0};

	side->tune.lines = json_array();
	if (apply(s->opts, side, &err))
		session_unmet(s, "--tune", "%s: %s: %s%s%s", side->link.name, err.what, err.why,
			      *err.fix ? ": " : "", err.fix);
	tell_refused(s, side);
	if (side->tune.session.number)
		look_again(&side->link);
}

/* Of the first side, since a process is in one group only. */
static void join_cpus(const struct session *s)
{
	const struct nl_link *link = &s->sides[0].link;

	if (tune_join_cpus(link->ifindex) && s->opts->verbose)
		report_note("%s: on the CPUs that are kept for its workers", link->name);
}

/* --- all sides --- */

void session_tune(struct session *s)
{
	for_each_side(s, side)
	{
		if (tune_is_left(side->link.ifindex))
			report_note("%s: a run that was killed left it tuned: `xskit tune %s "
				    "--undo` puts it back",
				    side->link.name, side->link.name);
	}
	for_each_side(s, side) if (s->opts->tune >= 0) tune_side(s, side);
	join_cpus(s);
}

/* A control group that was made for the run lies in a directory that nobody may write to. */
void session_untune(struct session *s)
{
	caps_raise(CAP_DAC_OVERRIDE);
	for (unsigned i = s->n_sides; i-- > 0;) {
		struct side *side = &s->sides[i];
		const struct tune_job job = {.tell = hear_undo, .ctx = side};
		struct xk_err err = {0};

		if (tune_undo_session(&side->tune.session, &job, &err) < 0)
			tell_error(side, &err);
		json_decref(side->tune.lines);
		side->tune.lines = NULL;
	}
}

void session_tune_report(const struct session *s)
{
	json_t *line;
	size_t i;

	for (unsigned side = 0; s->opts->json && side < s->n_sides; side++) {
		json_array_foreach(s->sides[side].tune.lines, i, line)
		{
			json_object_set_new(line, "interface",
					    json_string(s->sides[side].link.name));
			jsonl_print(json_incref(line));
		}
	}
}

/* The profile as far as it went. */
const char *session_tune_effective(const struct session *s, unsigned side)
{
	const struct side_tune *tune = &s->sides[side].tune;

	if (!tune->lines || !json_array_size(tune->lines))
		return "none";
	if (tune->told[TUNE_NOT_PERMITTED] + tune->told[TUNE_FAILED] + tune->told[TUNE_SKIPPED])
		return "partly";
	return tune_profiles[s->opts->tune];
}
