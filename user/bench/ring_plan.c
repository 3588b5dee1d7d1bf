// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/ring_plan.h"
#include "cmd.h"

#define WHAT "bench ring"

/* --- algorithms --- */

/* One line with all there is; the peers' names without their common beginning, to fit. */
static int unknown(const struct ring_candidates *found, const char *name, struct xk_err *err)
{
	char fix[sizeof(err->fix)] = "there is";
	bool peers = false;
	size_t at;

	for (unsigned i = 0; i < found->count; i++) {
		const char *text = found->all[i].name;

		at = strlen(fix);
		if (found->all[i].own)
			snprintf(fix + at, sizeof(fix) - at, " %s", text);
		else
			snprintf(fix + at, sizeof(fix) - at, "%s%s",
				 peers ? "," : " peer:", text + strlen("peer:"));
		peers |= !found->all[i].own;
	}
	at = strlen(fix);
	if (!peers)
		snprintf(fix + at, sizeof(fix) - at, "; for the peers, `make peers`");
	xk_err_fill(err, -EINVAL, "--algorithm", fix, "'%s' is none", name);
	return CMD_USAGE;
}

static void choose(struct ring_plan *plan, const struct ring_candidate *candidate)
{
	for (unsigned i = 0; i < plan->n_chosen; i++)
		if (plan->chosen[i] == candidate)
			return;
	plan->chosen[plan->n_chosen++] = candidate;
}

/* "ours", "peers", or a name. */
static int choose_named(struct ring_plan *plan, const struct ring_candidates *found,
			const char *name, struct xk_err *err)
{
	const struct ring_candidate *one = ring_candidate_named(found, name);
	bool ours = !strcmp(name, "ours"), peers = !strcmp(name, "peers");

	if (one)
		choose(plan, one);
	else if (!ours && !peers)
		return unknown(found, name, err);
	for (unsigned i = 0; i < found->count && !one; i++)
		if (ours == (found->all[i].own != NULL))
			choose(plan, &found->all[i]);
	return 0;
}

static int choose_algorithms(struct ring_plan *plan, const char *list,
			     const struct ring_candidates *found, struct xk_err *err)
{
	char *copy = strdup(list ? list : "ours,peers"), *save = NULL;
	int ret = 0;

	plan->chosen = calloc(found->count, sizeof(*plan->chosen));
	if (!copy || !plan->chosen)
		ret = xk_err_fill(err, -ENOMEM, WHAT, NULL, "list the algorithms");
	for (char *name = ret ? NULL : strtok_r(copy, ",", &save); name && !ret;
	     name = strtok_r(NULL, ",", &save))
		ret = choose_named(plan, found, name, err);
	free(copy);
	if (!ret && !plan->n_chosen)
		return unknown(found, list, err);
	return ret;
}

/* --- cells --- */

static int add_cell(struct ring_plan *plan, struct ring_cell cell, struct xk_err *err)
{
	struct ring_cell *grown = realloc(plan->cells, (plan->n_cells + 1) * sizeof(*grown));

	if (!grown)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "list the cells");
	plan->cells = grown;
	ring_plan_place(plan, &cell);
	plan->cells[plan->n_cells++] = cell;
	return 0;
}

/* A ring takes two bursts at least, or producer and consumer only ever wait for each other. */
static int add_bursts(struct ring_plan *plan, const struct ring_opts *o, struct ring_cell cell)
{
	static unsigned one[] = {1};
	struct number_list bursts =
		cell.metric == RING_RTT ? (struct number_list){1, one} : o->bursts;
	int ret = 0;

	for (unsigned i = 0; i < bursts.count && !ret; i++) {
		cell.burst = bursts.number[i];
		if (cell.burst <= cell.slots / 2)
			ret = add_cell(plan, cell, o->err);
	}
	return ret;
}

static int add_sizes(struct ring_plan *plan, const struct ring_opts *o, struct ring_cell cell)
{
	static unsigned usual[] = {64, 1024, 4096, 65536};
	struct number_list slots = o->slots;
	int ret = 0;

	if (!slots.count)
		slots = cell.metric == RING_RTT ? (struct number_list){4, usual}
						: (struct number_list){3, usual + 1};
	for (unsigned b = 0; b < o->bytes.count; b++)
		for (unsigned s = 0; s < slots.count && !ret; s++) {
			cell.element_bytes = o->bytes.number[b];
			cell.slots = slots.number[s];
			ret = add_bursts(plan, o, cell);
		}
	return ret;
}

/* The i-th pair: equal positions, or the only number of one list. */
static unsigned paired(const struct number_list *list, unsigned i)
{
	return list->number[list->count == 1 ? 0 : i];
}

static unsigned pairs(const struct ring_opts *o)
{
	return o->producers.count > o->consumers.count ? o->producers.count : o->consumers.count;
}

static int add_pairs(struct ring_plan *plan, const struct ring_opts *o, struct ring_cell cell)
{
	int ret = 0;

	for (unsigned i = 0; i < pairs(o) && !ret; i++) {
		cell.producers = paired(&o->producers, i);
		cell.consumers = paired(&o->consumers, i);
		if (cell.metric != RING_RTT || ring_workers(&cell) == 2)
			ret = add_sizes(plan, o, cell);
	}
	return ret;
}

static int check_pairs(const struct ring_opts *o, struct xk_err *err)
{
	if (o->producers.count == o->consumers.count || o->producers.count == 1 ||
	    o->consumers.count == 1)
		return 0;
	return opt_clash(err, "--producers", "give as many numbers, or one",
			 "%u numbers beside %u of --consumers", o->producers.count,
			 o->consumers.count);
}

/* Of the largest cell. */
static unsigned most_workers(const struct ring_opts *o)
{
	unsigned most = 0;

	for (unsigned i = 0; i < pairs(o); i++) {
		unsigned workers = paired(&o->producers, i) + paired(&o->consumers, i);

		most = workers > most ? workers : most;
	}
	return most;
}

static int list_cells(struct ring_plan *plan, const struct ring_opts *o, struct xk_err *err)
{
	struct ring_cell cell = {.run_ms = o->common.run_ms};
	int ret = 0;

	for (unsigned m = 0; m < o->metrics.count; m++)
		for (unsigned s = 0; s < o->scopes.count && !ret; s++) {
			cell.metric = (enum ring_metric)o->metrics.number[m];
			cell.processes = o->scopes.number[s];
			ret = add_pairs(plan, o, cell);
		}
	if (ret || plan->n_cells)
		return ret;
	xk_err_fill(err, -EINVAL, WHAT,
		    "round trips have 1 producer and 1 consumer, a burst at most half the slots",
		    "nothing to measure");
	return CMD_USAGE;
}

/* --- CPUs --- */

/*
 * Producers from the front, consumers from the back. Where CPUs are fewer than workers, those of
 * one kind are so spread that they share with the other kind first: two producers that wait for
 * each other inside a push on one CPU can take a time slice a record.
 */
void ring_plan_place(const struct ring_plan *plan, struct ring_cell *cell)
{
	const struct cpus *cpus = &plan->cpus;
	unsigned workers = ring_workers(cell);
	unsigned n = cpus->count < workers ? cpus->count : workers;

	for (unsigned i = 0; i < cell->producers; i++)
		cell->cpu[i] = cpus->cpu[i % n];
	for (unsigned i = 0; i < cell->consumers; i++)
		cell->cpu[cell->producers + i] = cpus->cpu[n - 1 - i % n];
}

/* --- both --- */

/* Of the peers it is only known when they are asked. */
static bool can_any(const struct ring_plan *plan, const struct ring_candidate *one)
{
	for (unsigned i = 0; i < plan->n_cells; i++)
		if (!one->own || ring_can(one->own, &plan->cells[i]))
			return true;
	return false;
}

static int check_cells(const struct ring_plan *plan, struct xk_err *err)
{
	for (unsigned i = 0; i < plan->n_chosen; i++)
		if (can_any(plan, plan->chosen[i]))
			return 0;
	xk_err_fill(err, -EINVAL, WHAT,
		    "textbook has records of 64 bytes, spsc one producer and one consumer",
		    "no --algorithm can do any of these cells");
	return CMD_USAGE;
}

int ring_plan_make(struct ring_plan *plan, const struct ring_opts *opts,
		   const struct ring_candidates *found, struct xk_err *err)
{
	int ret;

	*plan = (struct ring_plan){0};
	ret = check_pairs(opts, err);
	if (!ret)
		ret = cpus_find(&plan->cpus, &opts->common.cpus, most_workers(opts), err);
	if (!ret)
		ret = choose_algorithms(plan, opts->algorithms, found, err);
	if (!ret)
		ret = list_cells(plan, opts, err);
	if (!ret)
		ret = check_cells(plan, err);
	return ret;
}

void ring_plan_free(struct ring_plan *plan)
{
	cpus_put(&plan->cpus);
	free(plan->cells);
	free(plan->chosen);
}
