// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "bench/ring_loops.h"
#include "bench/ring_run.h"

#define FLOOR_TRIPS    10000u
#define ENOUGH_NS      2000000u /* a round of this length tells how fast the ring is */
#define GROW           8u
#define VERIFY_RECORDS 200000u
#define VERIFY_TRIPS   20000u
#define LINE           __attribute__((aligned(128)))

enum round { ROUND_FLOOR, ROUND_GROW, ROUND_TIMED, ROUND_FLOOR_AGAIN, ROUND_VERIFY, ROUND_NONE };

/* What one worker says of a round: its own until it arrives at the barrier. */
struct share {
	uint64_t end_ns;
	uint64_t sum;
	struct ring_check check;
} LINE;

/*
 * In memory shared by all workers. Who tells whom:
 *
 *   a worker                                      the last to arrive
 *   A  fetch_add(arrived), after its share        the same fetch_add, before it reads all shares
 *   B  load_acquire(generation)                   store_release(generation) after round, count ...
 */
struct run {
	const struct ring_algo *algo;
	const struct ring_cell *cell;
	void *mem[2];
	size_t len;
	bool verify, crowded;
	int out;
	uint32_t arrived LINE;    /* A */
	uint32_t generation LINE; /* B; a futex */
	uint64_t line LINE;       /* the one that is bounced */
	enum round round LINE;
	uint64_t bounced; /* what the line was left at */
	uint64_t count;   /* of this round, a multiple of producers and of consumers */
	uint64_t started_ns;
	struct ring_figures figures;
	struct share share[];
};

struct worker {
	struct run *run;
	unsigned number; /* producers first */
	pthread_t thread;
	pid_t pid;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Any worker's failure is the end of the run; who waits for it would wait for ever. */
static void fail(int out, const char *what, int code)
{
	dprintf(out, "failed: %s: %s\n", what, strerror(-code));
	_exit(1);
}

/* --- what comes next; the last to arrive decides --- */

static bool is_producer(const struct run *run, unsigned number)
{
	return number < run->cell->producers;
}

/* Records pushed are records popped, each once; a round trip's two counts are of the same ones. */
static bool sums_match(const struct run *run)
{
	uint64_t in = 0, out = 0;

	for (unsigned i = 0; i < ring_workers(run->cell); i++)
		*(is_producer(run, i) ? &in : &out) += run->share[i].sum;
	return in == out;
}

static unsigned what_is_wrong(const struct run *run)
{
	unsigned wrong = sums_match(run) ? 0 : RING_LOST;

	for (unsigned i = 0; i < ring_workers(run->cell); i++) {
		if (run->share[i].check.content)
			wrong |= RING_TORN;
		if (run->share[i].check.order)
			wrong |= RING_REORDERED;
	}
	return wrong;
}

static uint64_t elapsed_ns(const struct run *run)
{
	uint64_t end = run->started_ns;

	for (unsigned i = 0; i < ring_workers(run->cell); i++)
		if (run->share[i].end_ns > end)
			end = run->share[i].end_ns;
	return end - run->started_ns;
}

/* Up to what every producer and every consumer can share equally. */
static uint64_t round_up(const struct run *run, uint64_t count)
{
	uint64_t unit = (uint64_t)run->cell->producers * run->cell->consumers;

	return (count + unit - 1) / unit * unit;
}

static void set_round(struct run *run, enum round round, uint64_t count)
{
	run->round = round;
	run->count = round_up(run, count);
}

/* To begin with, once round the ring. */
static void start_growing(struct run *run)
{
	uint64_t slots = run->cell->slots;

	set_round(run, ROUND_GROW, run->cell->metric == RING_RTT ? 256 : 4096 + 2 * slots);
}

static void grow(struct run *run)
{
	double want = run->cell->run_ms * 1e6, ns = (double)elapsed_ns(run);

	if (ns < ENOUGH_NS)
		set_round(run, ROUND_GROW, run->count * GROW);
	else
		set_round(run, ROUND_TIMED, (uint64_t)((double)run->count * want / ns) + 1);
}

static bool floor_is_known(const struct run *run)
{
	int first = run->cell->cpu[0], other = run->cell->cpu[run->cell->producers];

	return first >= 0 && other >= 0 && first != other;
}

static void first_round(struct run *run)
{
	run->figures.ns = run->figures.floor_ns = run->figures.floor_low_ns = NAN;
	if (run->verify)
		set_round(run, ROUND_VERIFY,
			  run->cell->metric == RING_RTT ? VERIFY_TRIPS
							: VERIFY_RECORDS + 4ull * run->cell->slots);
	else if (floor_is_known(run))
		set_round(run, ROUND_FLOOR, FLOOR_TRIPS);
	else
		start_growing(run);
}

static void end_timed(struct run *run, double ns)
{
	run->figures.ns = ns / (double)run->count;
	run->figures.count = run->count;
	run->figures.wrong = what_is_wrong(run);
	set_round(run, floor_is_known(run) ? ROUND_FLOOR_AGAIN : ROUND_NONE, FLOOR_TRIPS);
}

static void end_floor(struct run *run, double floor_ns)
{
	if (floor_ns > run->figures.floor_ns)
		run->figures.floor_ns = floor_ns;
	else
		run->figures.floor_low_ns = floor_ns;
	run->round = ROUND_NONE;
}

static void next_round(struct run *run)
{
	double ns = (double)elapsed_ns(run);

	switch (run->round) {
	case ROUND_NONE:
		first_round(run);
		break;
	case ROUND_FLOOR:
		run->figures.floor_ns = run->figures.floor_low_ns = ns / FLOOR_TRIPS;
		run->bounced = run->line;
		start_growing(run);
		break;
	case ROUND_GROW:
		grow(run);
		break;
	case ROUND_TIMED:
		end_timed(run, ns);
		break;
	case ROUND_FLOOR_AGAIN:
		end_floor(run, ns / FLOOR_TRIPS);
		break;
	case ROUND_VERIFY:
		run->figures.count = run->count;
		run->figures.wrong = what_is_wrong(run);
		run->round = ROUND_NONE;
		break;
	}
}

/* --- the barrier --- */

static void futex(uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void release_all(struct run *run, uint32_t generation)
{
	run->started_ns = now_ns();
	xk_store_release(&run->generation, generation + 1); /* B */
	if (run->crowded)
		futex(&run->generation, FUTEX_WAKE, INT_MAX);
}

/* Those who share a CPU sleep: the last one to arrive, and the floor, need it. */
static void meet(struct run *run)
{
	uint32_t generation = xk_load_acquire(&run->generation); /* B */

	if (__atomic_add_fetch(&run->arrived, 1, __ATOMIC_ACQ_REL) == ring_workers(run->cell)) {
		xk_store_relaxed(&run->arrived, 0); /* A: all have arrived, and B follows */
		next_round(run);
		release_all(run, generation);
		return;
	}
	while (xk_load_acquire(&run->generation) == generation) { /* B */
		if (run->crowded)
			futex(&run->generation, FUTEX_WAIT, generation);
		else
			xk_pause();
	}
}

/* --- a worker's rounds --- */

/* Each waits for the other's number: odd ones from the first producer, even from the consumer. */
static void bounce(struct run *run, unsigned number)
{
	uint64_t mine = run->bounced + (number ? 2 : 1);

	if (number && number != run->cell->producers)
		return;
	for (unsigned i = 0; i < FLOOR_TRIPS; i++, mine += 2) {
		while (number && xk_load_acquire(&run->line) != mine - 1)
			;
		xk_store_release(&run->line, mine);
		while (!number && xk_load_acquire(&run->line) != mine + 1)
			;
	}
}

static int take_part(const struct run *run, struct ring_task *task, bool producer)
{
	const struct ring_algo *algo = run->algo;

	task->count = run->count / (producer ? run->cell->producers : run->cell->consumers);
	if (run->cell->metric == RING_RTT)
		return producer ? algo->ping(task) : algo->pong(task);
	return producer ? algo->produce(task) : algo->consume(task);
}

static void do_round(struct worker *worker, struct ring_task *task)
{
	struct run *run = worker->run;
	struct share *share = &run->share[worker->number];
	int rc = 0;

	if (run->round == ROUND_FLOOR || run->round == ROUND_FLOOR_AGAIN)
		bounce(run, worker->number);
	else
		rc = take_part(run, task, is_producer(run, worker->number));
	share->end_ns = now_ns();
	if (rc)
		fail(run->out, "attach to the ring", rc);
	share->sum = task->sum;
}

static void pin(const struct run *run, int cpu)
{
	cpu_set_t *set;
	size_t size = CPU_ALLOC_SIZE((size_t)cpu + 1);
	int rc;

	if (cpu < 0)
		return;
	set = CPU_ALLOC((size_t)cpu + 1);
	if (!set)
		fail(run->out, "pin a worker", -ENOMEM);
	CPU_ZERO_S(size, set);
	CPU_SET_S((size_t)cpu, size, set);
	rc = sched_setaffinity(0, size, set) ? -errno : 0;
	CPU_FREE(set);
	if (rc)
		fail(run->out, "pin a worker", rc);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct run *run = worker->run;
	const struct ring_cell *cell = run->cell;
	bool producer = is_producer(run, worker->number);
	struct ring_task task = {
		.cell = cell,
		.mem = {run->mem[0], run->mem[1]},
		.len = run->len,
		.index = producer ? worker->number : worker->number - cell->producers,
		.crowded = run->crowded,
		.check = run->verify ? &run->share[worker->number].check : NULL,
	};
	size_t bytes = (size_t)RING_BATCH_OF(cell->burst) * cell->element_bytes;

	pin(run, cell->cpu[worker->number]);
	task.buffer = aligned_alloc(64, (bytes + 63) / 64 * 64);
	if (!task.buffer)
		fail(run->out, "start a worker", -ENOMEM);
	memset(task.buffer, 0, bytes);
	meet(run);
	while (run->round != ROUND_NONE) {
		do_round(worker, &task);
		meet(run);
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
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before that */
		_exit(1);
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

static void run_workers(struct run *run)
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

static void *map_shared(int out, size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (mem == MAP_FAILED)
		fail(out, "allocate memory", -errno);
	return mem;
}

static bool is_crowded(const struct ring_cell *cell)
{
	for (unsigned i = 1; i < ring_workers(cell); i++)
		for (unsigned j = 0; j < i; j++)
			if (cell->cpu[i] == cell->cpu[j])
				return true;
	return false;
}

static struct run *create_run(const struct ring_algo *algo, const struct ring_cell *cell,
			      bool verify, int out)
{
	unsigned count = ring_workers(cell);
	size_t len = sizeof(struct run) + count * sizeof(struct share);
	struct run *run = map_shared(out, len);

	run->algo = algo;
	run->cell = cell;
	run->verify = verify;
	run->crowded = is_crowded(cell);
	run->out = out;
	run->round = ROUND_NONE;
	len = cell->producers * sizeof(uint64_t);
	for (unsigned i = 0; i < count && verify; i++)
		run->share[i].check.next = map_shared(out, len);
	return run;
}

static void create_rings(struct run *run)
{
	unsigned rings = run->cell->metric == RING_RTT ? 2 : 1;
	int rc;

	for (unsigned i = 0; i < rings; i++) {
		run->mem[i] = map_shared(run->out, run->len);
		rc = run->algo->init(run->mem[i], run->len, run->cell);
		if (rc)
			fail(run->out, "make a ring", rc);
	}
}

static void destroy_rings(struct run *run)
{
	for (unsigned i = 0; i < 2 && run->algo->destroy; i++)
		if (run->mem[i])
			run->algo->destroy(run->mem[i], run->cell);
}

int ring_run(const struct ring_algo *algo, const struct ring_cell *cell, bool verify, int out)
{
	size_t len = ring_can(algo, cell) ? algo->size(cell) : 0;
	char text[RING_FIGURES_TEXT];
	struct run *run;

	if (!len) {
		dprintf(out, "cannot\n");
		return 0;
	}
	run = create_run(algo, cell, verify, out);
	run->len = len;
	create_rings(run);
	run_workers(run);
	destroy_rings(run);
	ring_figures_print(&run->figures, text);
	dprintf(out, "%s\n", text);
	return 0;
}
