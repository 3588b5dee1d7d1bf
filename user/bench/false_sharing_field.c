// SPDX-License-Identifier: BSD-2-Clause
/* The memory, the workers and the loops of bench false-sharing. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xskit/atomic.h>
#include <xskit/mem.h>
#include "bench/false_sharing.h"
#include "bench/process.h"

#define CHUNK 16384u /* operations between two looks at whether the round is over */
#define AGAIN 4u     /* times a run is made anew when the workers hardly ran together */
#define TRUST 20u    /* that is less than 1/20 of the time */
#define LINE  __attribute__((aligned(128)))

const char *const fs_op_names[] = {"fetch_add", "load_store", "store", "read", NULL};

/* Of the operations that were timed. */
struct time {
	uint64_t ops, ns;
};

/* What one worker did in a round. */
struct done {
	uint64_t ops;         /* all that it did */
	uint64_t last;        /* its counter's value in the end */
	struct time all;      /* but for the first CHUNK */
	struct time together; /* while its neighbours ran, too */
};

struct slot {
	struct done done LINE; /* written in the end */
	uint64_t beat LINE;    /* when it last finished a chunk; its neighbours look at it */
};

struct board {
	enum fs_op op;
	unsigned threads;
	uint32_t stride;
	unsigned char *counters;
	struct slot slots[];
};

struct fs_field {
	unsigned threads;
	bool crowded; /* more of them than CPUs */
	size_t board_bytes;
	struct board *board;
	struct xk_mem *mem; /* of the counters */
	struct crew *crew;
};

/* --- the loops: CHUNK operations each, as many as they say; atomics are never merged --- */

#define LOOP static __attribute__((noinline)) uint64_t

LOOP fetch_add_loop(uint64_t *counter, uint64_t done)
{
	for (unsigned i = 0; i < CHUNK; i++)
		__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
	return done + CHUNK;
}

LOOP load_store_loop(uint64_t *counter, uint64_t done)
{
	for (unsigned i = 0; i < CHUNK; i++)
		xk_bump(counter, 1);
	return done + CHUNK;
}

LOOP store_loop(uint64_t *counter, uint64_t done)
{
	uint64_t end = done + CHUNK;

	while (done < end)
		xk_store_relaxed(counter, ++done);
	return done;
}

/* Every value read counts in what is returned: 0, since a counter never has its highest bit. */
LOOP read_loop(uint64_t *counter, uint64_t done)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < CHUNK; i++)
		seen |= xk_load_relaxed(counter);
	return done + CHUNK + (seen >> 63);
}

static uint64_t (*const loops[])(uint64_t *counter, uint64_t done) = {
	[FS_FETCH_ADD] = fetch_add_loop,
	[FS_LOAD_STORE] = load_store_loop,
	[FS_STORE] = store_loop,
	[FS_READ] = read_loop,
};

/* --- a worker's part --- */

static uint64_t *counter_of(const struct board *board, unsigned number)
{
	return (uint64_t *)(board->counters + (size_t)number * board->stride);
}

/* A clock and the CPU time, to see from one look to the next whether the CPU was somebody else's.
 */
struct watch {
	uint64_t wall, cpu;
};

static bool kept_cpu(struct watch *watch)
{
	struct watch now = {process_now_ns(), crew_cpu_ns()};
	uint64_t wall = now.wall - watch->wall, cpu = now.cpu - watch->cpu;

	*watch = now;
	return wall <= cpu + cpu / 8 + 1000;
}

/* Who lies in the same line is a neighbour in number, too; to look at all takes too long. */
static bool neighbours_ran(const struct board *board, unsigned number, uint64_t since)
{
	unsigned n = board->threads;

	return xk_load_relaxed(&board->slots[(number + 1) % n].beat) >= since &&
	       xk_load_relaxed(&board->slots[(number + n - 1) % n].beat) >= since;
}

static void add_time(struct time *time, uint64_t ns)
{
	time->ops += CHUNK;
	time->ns += ns;
}

/* A chunk counts as done together if nobody took the CPU, and the neighbours were at theirs. */
static uint64_t do_chunk(struct board *board, unsigned number, struct done *done,
			 struct watch *watch, enum fs_op op, uint64_t *counter, uint64_t ops)
{
	uint64_t start = process_now_ns(), end;

	ops = loops[op](counter, ops);
	end = process_now_ns();
	xk_store_relaxed(&board->slots[number].beat, end);
	add_time(&done->all, end - start);
	if (kept_cpu(watch) && neighbours_ran(board, number, start - (end - start)))
		add_time(&done->together, end - start);
	return ops;
}

static void part(const struct crew *crew, void *ctx, unsigned number)
{
	struct board *board = ctx;
	struct done done = {0};
	struct watch watch = {0};
	uint64_t own LINE = 0;
	uint64_t *counter = board->stride == FS_LOCAL ? &own : counter_of(board, number);
	enum fs_op op = board->op == FS_READ && number == 0 ? FS_STORE : board->op; /* one writes */

	done.ops = loops[op](counter, 0);
	kept_cpu(&watch);
	do
		done.ops = do_chunk(board, number, &done, &watch, op, counter, done.ops);
	while (!crew_is_over(crew));
	done.last = xk_load_relaxed(counter);
	board->slots[number].done = done;
}

/* --- what a round came to --- */

/* Whose counters tell how often they were written; 0: nobody's, updates of others get lost. */
static unsigned checkable(const struct fs_field *field)
{
	const struct board *board = field->board;

	if (board->op == FS_READ)
		return 1;
	return board->op == FS_FETCH_ADD || board->stride ? field->threads : 0;
}

static uint64_t counted(const struct fs_field *field, unsigned n)
{
	const struct board *board = field->board;
	uint64_t sum = 0;

	if (!board->stride)
		return *counter_of(board, 0);
	for (unsigned i = 0; i < n; i++)
		sum += board->slots[i].done.last;
	return sum;
}

static int check_counters(const struct fs_field *field, struct xk_err *err)
{
	unsigned n = checkable(field);
	uint64_t done = 0, found = n ? counted(field, n) : 0;

	for (unsigned i = 0; i < n; i++)
		done += field->board->slots[i].done.ops;
	if (found == done)
		return 0;
	return xk_err_fill(err, -EIO, FS_WHAT, NULL,
			   "%" PRIu64 " operations were done, and the counters tell of %" PRIu64,
			   done, found);
}

static void add_times(struct time *sum, const struct time *time)
{
	sum->ops += time->ops;
	sum->ns += time->ns;
}

/*
 * Of all workers together; of the readers alone where one writes. False: they hardly ran at the
 * same time, and who runs alone is not disturbed. Workers that share CPUs never do.
 */
static bool find_ns(const struct fs_field *field, double *ns)
{
	struct time all = {0}, together = {0};
	bool enough;

	for (unsigned i = field->board->op == FS_READ ? 1 : 0; i < field->threads; i++) {
		add_times(&all, &field->board->slots[i].done.all);
		add_times(&together, &field->board->slots[i].done.together);
	}
	enough = together.ns >= all.ns / TRUST && together.ops;
	if (enough && !field->crowded)
		all = together;
	*ns = (double)all.ns / (double)all.ops;
	return enough || field->crowded;
}

static int time_once(struct fs_field *field, enum fs_op op, const struct fs_place *place,
		     unsigned run_ms, struct xk_err *err)
{
	const struct xk_mem_info *info = xk_mem_info(field->mem);
	int ret;

	memset(info->addr, 0, info->size);
	memset(field->board->slots, 0, field->threads * sizeof(struct slot));
	field->board->op = op;
	field->board->stride = place->stride;
	ret = crew_round(field->crew, run_ms, err);
	return ret ? ret : check_counters(field, err);
}

static int time_run(struct fs_field *field, enum fs_op op, struct fs_tally *tally, unsigned run,
		    unsigned run_ms, struct xk_err *err)
{
	bool good = false;
	int ret = 0;

	for (unsigned i = 0; i <= AGAIN && !good && !ret; i++) {
		ret = time_once(field, op, tally->place, run_ms, err);
		if (!ret)
			good = find_ns(field, &tally->ns[run]);
	}
	tally->preempted += !good;
	return ret;
}

int fs_tally_runs(struct fs_field *field, enum fs_op op, struct fs_tally *tallies, unsigned n,
		  const struct fs_opts *opts, struct xk_err *err)
{
	int ret = 0;

	for (unsigned run = 0; run < opts->common.runs; run++)
		for (unsigned i = 0; i < n && !ret; i++) {
			/* none is always the first */
			struct fs_tally *tally = &tallies[(i + run) % n];

			ret = time_run(field, op, tally, run, opts->common.run_ms, err);
		}
	for (unsigned i = 0; i < n && !ret; i++)
		tallies[i].spread = spread_of(tallies[i].ns, opts->common.runs);
	return ret;
}

/* --- put together --- */

static int create_memory(struct fs_field *field, struct xk_err *err)
{
	const struct xk_mem_config config = {
		.size = (size_t)field->threads * FS_MAX_STRIDE,
		.node = -1,
		.huge = XK_HUGE_OFF,
	};
	int ret = xk_mem_create(&field->mem, &config, err);

	if (ret)
		return ret;
	field->board_bytes = sizeof(struct board) + field->threads * sizeof(struct slot);
	field->board = process_share(field->board_bytes);
	if (!field->board)
		return xk_err_fill(err, -ENOMEM, FS_WHAT, NULL, "allocate memory");
	field->board->threads = field->threads;
	field->board->counters = xk_mem_info(field->mem)->addr;
	return 0;
}

static int start_crew(struct fs_field *field, const struct cpus *cpus, bool processes,
		      struct xk_err *err)
{
	int *cpu = calloc(field->threads, sizeof(*cpu)), ret;
	struct crew_config config = {
		.what = FS_WHAT,
		.count = field->threads,
		.cpu = cpu,
		.processes = processes,
		.part = part,
		.ctx = field->board,
	};

	if (!cpu)
		return xk_err_fill(err, -ENOMEM, FS_WHAT, NULL, "allocate memory");
	for (unsigned i = 0; i < field->threads; i++)
		cpu[i] = cpus->cpu[i % cpus->count];
	ret = crew_start(&field->crew, &config, err);
	free(cpu);
	return ret;
}

int fs_field_create(struct fs_field **out, const struct fs_opts *opts, const struct cpus *cpus,
		    unsigned threads, struct xk_err *err)
{
	struct fs_field *field = calloc(1, sizeof(*field));
	int ret;

	if (!field)
		return xk_err_fill(err, -ENOMEM, FS_WHAT, NULL, "allocate memory");
	field->threads = threads;
	field->crowded = threads > cpus->count;
	ret = create_memory(field, err);
	if (!ret)
		ret = start_crew(field, cpus, opts->processes, err);
	if (ret) {
		fs_field_destroy(field);
		return ret;
	}
	*out = field;
	return 0;
}

void fs_field_destroy(struct fs_field *field)
{
	if (!field)
		return;
	crew_end(field->crew);
	process_unshare(field->board, field->board_bytes);
	xk_mem_destroy(field->mem);
	free(field);
}
