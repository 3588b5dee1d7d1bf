// SPDX-License-Identifier: BSD-2-Clause
/* The checks one after the other, and what they found, as text or JSON Lines. */
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"
#include "jsonl.h"

const struct check_group *const doctor_groups[] = {
	&doctor_kernel,  &doctor_machine, &doctor_link,      &doctor_nic,  &doctor_xdp,
	&doctor_packets, &doctor_sockets, &doctor_placement, &doctor_napi, NULL,
};

static const char *const status_names[] = {"ok", "warn", "fail", "skip"};

#define for_each_check(group, check)                                                               \
	for (const struct check_group *const *group = doctor_groups; *group; group++)              \
		for (const struct check *check = (*group)->checks;                                 \
		     check < (*group)->checks + (*group)->n; check++)

/* --- which --- */

void doctor_list(void)
{
	for (const struct check_group *const *group = doctor_groups; *group; group++) {
		printf("%s:", (*group)->name);
		for (unsigned i = 0; i < (*group)->n; i++)
			printf(" %s", (*group)->checks[i].name);
		putchar('\n');
	}
}

static bool is_check(const char *word)
{
	for_each_check(group, check) if (!strcmp(word, check->name) ||
					 !strcmp(word, (*group)->name)) return true;
	return false;
}

/* The next word of a list with commas; false: no more. */
static bool next_word(const char **list, char word[64])
{
	size_t len = strcspn(*list, ",");

	if (!**list)
		return false;
	snprintf(word, 64, "%.*s", (int)len, *list);
	*list += len + ((*list)[len] == ',');
	return true;
}

bool doctor_knows(const char *list, char bad[64])
{
	bool any = false;

	while (next_word(&list, bad)) {
		if (!is_check(bad))
			return false;
		any = true;
	}
	if (!any)
		*bad = '\0';
	return any;
}

static bool is_chosen(const char *list, const char *group, const char *check)
{
	char word[64];

	if (!list)
		return true;
	while (next_word(&list, word))
		if (!strcmp(word, group) || !strcmp(word, check))
			return true;
	return false;
}

/* --- words --- */

static void print_json(const struct check *check, const struct finding *f)
{
	jsonl_print(json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "type", "check", "name", check->name,
			      "status", status_names[f->status], "found", f->found, "want",
			      check->want, "why", check->why, "fix", f->fix));
}

/* What is wrong is told in full, the rest in a line. */
static void print_text(const struct check *check, const struct finding *f)
{
	printf("%-4s  %-16s  %s\n", status_names[f->status], check->name, f->found);
	if (f->status != FINDING_WARN && f->status != FINDING_FAIL)
		return;
	printf("      %-16s  should be: %s\n", "", check->want);
	printf("      %-16s  because: %s\n", "", check->why);
	if (*f->fix)
		printf("      %-16s  fix: %s\n", "", f->fix);
}

/* --- the round --- */

/* A command with such a name in it would not be what it seems: it is left to people. */
static void guard_fix(const struct patient *patient, struct finding *f)
{
	char fix[sizeof(f->fix)];

	if (is_plain(patient->ifname) || !*f->fix || *f->fix == '#')
		return;
	snprintf(fix, sizeof(fix), "# %.*s", (int)sizeof(fix) - 3, f->fix);
	memcpy(f->fix, fix, sizeof(fix));
}

int doctor_run(const struct doctor_opts *opts, struct xk_err *err)
{
	static struct patient patient; /* large */
	unsigned count[4] = {0};
	int rc = patient_gather(&patient, opts->ifname, opts->live_s, err);

	if (rc)
		return rc;
	for_each_check(group, check)
	{
		struct finding finding = {0};

		if (!is_chosen(opts->check, (*group)->name, check->name))
			continue;
		check->look(&patient, &finding);
		guard_fix(&patient, &finding);
		count[finding.status]++;
		if (opts->json)
			print_json(check, &finding);
		else
			print_text(check, &finding);
	}
	patient_release(&patient);
	if (!opts->json)
		printf("%s: %u ok, %u warn, %u fail, %u skipped\n", opts->ifname, count[FINDING_OK],
		       count[FINDING_WARN], count[FINDING_FAIL], count[FINDING_SKIP]);
	return (int)count[FINDING_FAIL];
}
