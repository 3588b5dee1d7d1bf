// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xskit/atomic.h>
#include "bench/crew.h"
#include "bench/numa_loops.h"
#include "bench/numa_measure.h"
#include "bench/process.h"

#define CALL_BYTES  (4u << 20) /* moved between two looks at the clock */
#define WARM_BYTES  (8u << 20) /* of an array, before the clock starts */
#define CALL_HOPS   16384u     /* a multiple of 16 */
#define CALL_BLOCKS 64u
#define APART       2112u /* b's offset in its page: at a's, each load would seem to need a store */
#define LINE        __attribute__((aligned(128)))

/* The textbook's: a mutex, and what it protects, beside the blocks in b. */
struct numa_lock {
	pthread_mutex_t mutex;
	size_t next; /* block, in bytes */
	uint64_t value;
	uint64_t wrong;
};

/* One run, for all its workers. The first one's figure counts; the others are its surroundings. */
struct job {
	const struct numa_cell *cell;
	const struct numa_loops *loops;
	char *a, *b;
	size_t bytes, line;
	size_t load_bytes;   /* what each of the others reads of a */
	uint64_t count LINE; /* bytes, hops or blocks */
	uint64_t ns;
	uint64_t sum; /* of what was read, so that it was not for nothing */
};

/* --- the parts. What one core does alone is timed by its CPU time: others may use the CPU, too.
 * --- */

static void move(const struct job *job, size_t bytes, unsigned passes, uint64_t *sum)
{
	switch (job->cell->metric) {
	case NUMA_READ:
		*sum += job->loops->read(job->a, bytes, passes);
		return;
	case NUMA_WRITE:
		job->loops->write(job->a, bytes, passes);
		return;
	default:
		job->loops->copy(job->b, job->a, bytes, passes);
	}
}

static void do_moves(const struct crew *crew, struct job *job)
{
	size_t bytes = job->bytes, warm = bytes < WARM_BYTES ? bytes : WARM_BYTES;
	unsigned passes = bytes < CALL_BYTES ? CALL_BYTES / (unsigned)bytes : 1;
	uint64_t sum = 0, calls = 0, start;

	move(job, warm, passes, &sum);
	start = crew_cpu_ns();
	do {
		move(job, bytes, passes, &sum);
		calls++;
	} while (!crew_is_over(crew));
	job->ns = crew_cpu_ns() - start;
	job->count = calls * passes * bytes * (job->cell->metric == NUMA_COPY ? 2 : 1);
	job->sum = sum;
}

/* Through a cache once before the clock starts; memory is too large to become warm. */
static void do_chase(const struct crew *crew, struct job *job)
{
	enum numa_level level = job->cell->level;
	void ***at = &job->cell->stock->at[level];
	uint64_t calls = 0, start;

	if (level != NUMA_DRAM)
		*at = numa_chase(*at, (unsigned)(job->bytes / job->line + 15) / 16 * 16);
	start = crew_cpu_ns();
	do {
		*at = numa_chase(*at, CALL_HOPS);
		calls++;
	} while (!crew_is_over(crew));
	job->ns = crew_cpu_ns() - start;
	job->count = calls * CALL_HOPS;
}

static void do_load(const struct crew *crew, const struct job *job, unsigned number)
{
	const char *from = job->a + (number - 1) * job->load_bytes;
	uint64_t sum = 0;

	do
		sum += job->loops->read(from, job->load_bytes, 1);
	while (!crew_is_over(crew));
	__asm__ __volatile__("" ::"r"(sum)); /* it was not for nothing */
}

static void do_block(struct numa_lock *lock, char *blocks, size_t bytes)
{
	uint64_t *block;

	pthread_mutex_lock(&lock->mutex);
	block = (uint64_t *)(blocks + lock->next);
	lock->next = lock->next + NUMA_BLOCK < bytes ? lock->next + NUMA_BLOCK : 0;
	numa_pattern_write(block, ++lock->value);
	lock->wrong += !numa_pattern_check(block, lock->value);
	pthread_mutex_unlock(&lock->mutex);
}

static uint64_t do_blocks(const struct crew *crew, const struct job *job)
{
	uint64_t calls = 0;

	do {
		for (unsigned i = 0; i < CALL_BLOCKS; i++)
			do_block(job->cell->stock->lock, job->b, job->bytes);
		calls++;
	} while (!crew_is_over(crew));
	return calls * CALL_BLOCKS;
}

static void do_textbook(const struct crew *crew, struct job *job)
{
	uint64_t start = process_now_ns();

	job->count = do_blocks(crew, job);
	job->ns = process_now_ns() - start;
}

static void part(const struct crew *crew, void *ctx, unsigned number)
{
	struct job *job = ctx;

	if (job->cell->metric == NUMA_TEXTBOOK && number)
		do_blocks(crew, job);
	else if (job->cell->metric == NUMA_TEXTBOOK)
		do_textbook(crew, job);
	else if (number)
		do_load(crew, job, number);
	else if (job->cell->metric == NUMA_LATENCY)
		do_chase(crew, job);
	else
		do_moves(crew, job);
}

/* --- one run --- */

/* The measuring CPU first; then one of each other node (textbook), or the load. */
static unsigned choose_cpus(const struct numa_cell *cell, const struct numa_topology *topology,
			    int cpu[XK_PLACE_MAX_CPUS])
{
	const struct numa_node *own = cell->cpu_node;
	unsigned n = 1;

	cpu[0] = own->cpu[0];
	for (unsigned i = 1; i < own->n_cpus && cell->loaded; i++)
		cpu[n++] = own->cpu[i];
	for (unsigned i = 0; i < topology->n_nodes && cell->metric == NUMA_TEXTBOOK; i++)
		if (&topology->nodes[i] != own && topology->nodes[i].n_cpus)
			cpu[n++] = topology->nodes[i].cpu[0];
	return n;
}

/* Each of the load its share of the array, but no less than a step. */
static size_t share_of(size_t bytes, unsigned n)
{
	size_t share = n > 1 ? bytes / (n - 1) / NUMA_STEP * NUMA_STEP : bytes;

	return share ? share : NUMA_STEP;
}

static double value_of(const struct job *job)
{
	double count = (double)job->count, ns = (double)job->ns;

	switch (job->cell->metric) {
	case NUMA_LATENCY:
		return ns / count;
	case NUMA_TEXTBOOK:
		return count / ns * 1e9;
	default:
		return count / ns; /* bytes a ns are GB/s */
	}
}

static int do_job(struct numa_cell *cell, const struct crew_config *config, unsigned run_ms,
		  struct xk_err *err)
{
	struct numa_lock *lock = cell->stock->lock;
	struct crew *crew = NULL;
	int ret;

	lock->next = 0;
	ret = crew_start(&crew, config, err);
	if (!ret)
		ret = crew_round(crew, run_ms, err);
	if (!ret)
		cell->preempted += crew_was_disturbed(crew);
	crew_end(crew);
	if (!ret && lock->wrong)
		return xk_err_fill(err, -EIO, NUMA_WHAT, "test this machine's memory",
				   "a block was not as it had been written");
	return ret;
}

int numa_measure(struct numa_cell *cell, const struct numa_plan *plan,
		 const struct numa_topology *topology, unsigned run, unsigned run_ms,
		 struct xk_err *err)
{
	int cpu[XK_PLACE_MAX_CPUS], ret;
	unsigned n = choose_cpus(cell, topology, cpu);
	struct job job = {
		.cell = cell,
		.loops = numa_loops_for(cell->level != NUMA_DRAM),
		.a = cell->stock->a.addr,
		.b = (char *)cell->stock->b.addr + APART,
		.bytes = plan->bytes[cell->level],
		.line = topology->line,
		.load_bytes = share_of(plan->bytes[NUMA_DRAM], n),
	};
	const struct crew_config config = {
		.what = NUMA_WHAT, .count = n, .cpu = cpu, .part = part, .ctx = &job};

	ret = do_job(cell, &config, run_ms, err);
	cell->value[run] = value_of(&job);
	return ret;
}

/* --- memory --- */

static void make_chases(struct numa_stock *stock, const struct numa_plan *plan, size_t line)
{
	char *mem = stock->chase.addr;

	for (unsigned i = 0; i < NUMA_LEVELS; i++) {
		if (!plan->bytes[i])
			continue;
		stock->at[i] = numa_chase_make(mem, plan->bytes[i], line, i + 1);
		mem += plan->bytes[i];
	}
}

static int make_lock(struct numa_stock *stock, struct xk_err *err)
{
	struct numa_lock *lock = stock->lock_page.addr;
	int rc;

	memset(lock, 0, sizeof(*lock));
	rc = pthread_mutex_init(&lock->mutex, NULL);
	if (rc)
		return xk_err_fill(err, -rc, NUMA_WHAT, NULL, "make a mutex");
	stock->lock = lock;
	return 0;
}

int numa_stock_get(struct numa_stock *stock, const struct numa_topology *topology,
		   const struct numa_node *node, const struct numa_plan *plan, struct xk_err *err)
{
	int where = topology->numa ? node->node : -1, ret;
	size_t bytes = plan->bytes[NUMA_DRAM];

	*stock = (struct numa_stock){.node = node};
	ret = numa_memory_get(&stock->a, bytes, where, err);
	if (!ret)
		ret = numa_memory_get(&stock->b, bytes + APART, where, err);
	if (!ret)
		ret = numa_memory_get(&stock->chase, numa_plan_chases(plan), where, err);
	if (!ret)
		ret = numa_memory_get(&stock->lock_page, sizeof(struct numa_lock), where, err);
	if (!ret)
		ret = make_lock(stock, err);
	if (!ret)
		make_chases(stock, plan, topology->line);
	return ret;
}

void numa_stock_put(struct numa_stock *stock)
{
	if (stock->lock)
		pthread_mutex_destroy(&stock->lock->mutex);
	stock->lock = NULL;
	numa_memory_put(&stock->a);
	numa_memory_put(&stock->b);
	numa_memory_put(&stock->chase);
	numa_memory_put(&stock->lock_page);
}

int numa_stock_node(const struct numa_stock *stock)
{
	int node = stock->a.node;

	if (stock->b.node != node || stock->chase.node != node || stock->lock_page.node != node)
		return -1;
	return node;
}

bool numa_stock_is_huge(const struct numa_stock *stock)
{
	return stock->a.huge && stock->b.huge && stock->chase.huge;
}
