// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/process.h"
#include "bench/ring_loops.h"
#include "bench/ring_rounds.h"
#include "bench/ring_run.h"

/* Constant once the workers are there. */
struct run {
	const struct ring_algo *algo;
	const struct ring_cell *cell;
	void *mem[2];
	size_t len;
	int out;
	struct ring_rounds *rounds;
};

struct worker {
	const struct run *run;
	unsigned number; /* producers first */
	pthread_t thread;
	pid_t pid;
};

/* Any worker's failure is the end of the run; who waits for it would wait for ever. */
static void fail(int out, const char *what, int code)
{
	dprintf(out, "failed: %s: %s\n", what, strerror(-code));
	_exit(1);
}

/* --- a worker --- */

static int take_part(const struct run *run, struct ring_task *task, bool producer)
{
	const struct ring_cell *cell = run->cell;
	const struct ring_algo *algo = run->algo;

	task->count = run->rounds->count / (producer ? cell->producers : cell->consumers);
	if (cell->metric == RING_RTT)
		return producer ? algo->ping(task) : algo->pong(task);
	return producer ? algo->produce(task) : algo->consume(task);
}

static void do_round(const struct worker *worker, struct ring_task *task)
{
	const struct run *run = worker->run;
	struct ring_rounds *rounds = run->rounds;
	struct ring_share *share = &rounds->share[worker->number];
	int rc = 0;

	if (rounds->round == RING_ROUND_FLOOR || rounds->round == RING_ROUND_FLOOR_AGAIN)
		ring_rounds_bounce(rounds, worker->number);
	else
		rc = take_part(run, task, ring_is_producer(run->cell, worker->number));
	share->end_ns = process_now_ns();
	if (rc)
		fail(run->out, "attach to the ring", rc);
	share->sum = task->sum;
}

static void pin(const struct run *run, int cpu)
{
	int rc = cpu < 0 ? 0 : process_pin(cpu);

	if (rc)
		fail(run->out, "pin a worker", rc);
}

static struct ring_task task_of(const struct worker *worker)
{
	const struct run *run = worker->run;
	const struct ring_cell *cell = run->cell;
	unsigned number = worker->number;
	bool verify = run->rounds->verify;

	return (struct ring_task){
		.cell = cell,
		.mem = {run->mem[0], run->mem[1]},
		.len = run->len,
		.index = ring_is_producer(cell, number) ? number : number - cell->producers,
		.crowded = run->rounds->crowded,
		.check = verify ? &run->rounds->share[number].check : NULL,
	};
}

static void *work(void *arg)
{
	const struct worker *worker = arg;
	const struct run *run = worker->run;
	size_t bytes = (size_t)RING_BATCH_OF(run->cell->burst) * run->cell->element_bytes;
	struct ring_task task = task_of(worker);

	pin(run, run->cell->cpu[worker->number]);
	task.buffer = aligned_alloc(64, (bytes + 63) / 64 * 64);
	if (!task.buffer)
		fail(run->out, "start a worker", -ENOMEM);
	memset(task.buffer, 0, bytes);
	ring_rounds_meet(run->rounds);
	while (run->rounds->round != RING_ROUND_NONE) {
		do_round(worker, &task);
		ring_rounds_meet(run->rounds);
	}
	free(task.buffer);
	return NULL;
}

/* --- workers as threads or processes --- */

static void start_process(struct worker *worker)
{
	pid_t parent = getpid();

	worker->pid = fork();
	if (worker->pid < 0)
		fail(worker->run->out, "start a worker", -errno);
	if (worker->pid)
		return;
	process_follow(parent);
	work(worker);
	_exit(0);
}

static void start(struct worker *worker)
{
	int rc;

	if (worker->run->cell->processes) {
		start_process(worker);
		return;
	}
	rc = pthread_create(&worker->thread, NULL, work, worker);
	if (rc)
		fail(worker->run->out, "start a worker", -rc);
}

static void join(struct worker *worker)
{
	int status;

	if (!worker->run->cell->processes) {
		pthread_join(worker->thread, NULL);
		return;
	}
	if (waitpid(worker->pid, &status, 0) != worker->pid || status)
		_exit(1); /* it has said why */
}

static void run_workers(const struct run *run)
{
	unsigned count = ring_workers(run->cell);
	struct worker *workers = calloc(count, sizeof(*workers));

	if (!workers)
		fail(run->out, "start the workers", -ENOMEM);
	for (unsigned i = 0; i < count; i++) {
		workers[i] = (struct worker){.run = run, .number = i};
		start(&workers[i]);
	}
	for (unsigned i = 0; i < count; i++)
		join(&workers[i]);
	free(workers);
}

/* --- set up --- */

static void *share_memory(int out, size_t len)
{
	void *mem = process_share(len);

	if (!mem)
		fail(out, "allocate memory", -errno);
	return mem;
}

static struct ring_rounds *create_rounds(const struct ring_cell *cell, bool verify, int out)
{
	unsigned count = ring_workers(cell);
	struct ring_rounds *rounds =
		share_memory(out, sizeof(*rounds) + count * sizeof(*rounds->share));

	rounds->cell = cell;
	rounds->verify = verify;
	rounds->crowded = process_crowded(cell->cpu, count);
	rounds->round = RING_ROUND_NONE;
	for (unsigned i = 0; i < count && verify; i++)
		rounds->share[i].check.next = share_memory(out, cell->producers * sizeof(uint64_t));
	return rounds;
}

static void create_rings(struct run *run)
{
	unsigned rings = run->cell->metric == RING_RTT ? 2 : 1;
	int rc;

	for (unsigned i = 0; i < rings; i++) {
		run->mem[i] = share_memory(run->out, run->len);
		rc = run->algo->init(run->mem[i], run->len, run->cell);
		if (rc)
			fail(run->out, "make a ring", rc);
	}
}

static void destroy_rings(const struct run *run)
{
	for (unsigned i = 0; i < 2 && run->algo->destroy; i++)
		if (run->mem[i])
			run->algo->destroy(run->mem[i], run->cell);
}

int ring_run(const struct ring_algo *algo, const struct ring_cell *cell, bool verify, int out)
{
	size_t len = ring_can(algo, cell) ? algo->size(cell) : 0;
	char text[RING_FIGURES_TEXT];
	struct run run = {.algo = algo, .cell = cell, .len = len, .out = out};

	if (!len) {
		dprintf(out, "cannot\n");
		return 0;
	}
	run.rounds = create_rounds(cell, verify, out);
	create_rings(&run);
	run_workers(&run);
	destroy_rings(&run);
	ring_figures_print(&run.rounds->figures, text);
	dprintf(out, "%s\n", text);
	return 0;
}
