// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include <xskit/worker.h>
#include "bench/crew.h"
#include "bench/process.h"
#include "report.h"

#define LOOK_NS  100000000u /* how often the controller looks for signals and dead workers */
#define LOST_MAX 100u       /* a worker without its CPU for over 1/100 of the time is disturbed */
#define LINE     __attribute__((aligned(128)))

/*
 * In memory shared by all. Who tells whom:
 *
 *   controller                                      worker
 *   A  store_release(round), after the rest         load_acquire(round)
 *   B  load_acquire(done)                           add_fetch(done), after its part
 *   C  store_relaxed(over)                          load_relaxed(over): nothing comes with it
 *
 * and each worker tells the others that it is here: D add_fetch(here), load_acquire(here).
 */
struct board {
	uint32_t round LINE; /* A; a futex */
	bool ended;          /* A: there are no more rounds */
	uint32_t here LINE;  /* D */
	uint32_t done LINE;  /* B; a futex */
	uint32_t over LINE;  /* C; read all the time, so alone in its line */
	uint64_t end_ns;     /* A: when the round is over, UINT64_MAX: when all is done */
	uint32_t unpinned LINE;
	uint32_t disturbed; /* B */
};

struct member {
	struct crew *crew;
	unsigned number;
	uint32_t round; /* the last one it was in */
	struct xk_worker *worker;
	pid_t pid; /* of a process, 0: none or gone */
};

struct crew {
	struct crew_config config;
	struct board *board;
	bool crowded; /* more workers than CPUs: give the CPU away when waiting */
	bool warned;
	struct member *members;
};

uint64_t crew_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Not the private kind: the board is shared by processes. */
static void futex_wait(uint32_t *word, uint32_t value, uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000u),
			      .tv_nsec = (long)(ns % 1000000000u)};

	syscall(SYS_futex, word, FUTEX_WAIT, value, ns ? &ts : NULL, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* --- a worker --- */

/* The workers end a round by themselves: a controller that wakes up takes one of them the CPU. */
bool crew_is_over(const struct crew *crew)
{
	const struct board *board = crew->board;

	if (xk_load_relaxed(&board->over)) /* C */
		return true;
	return board->end_ns != UINT64_MAX && process_now_ns() >= board->end_ns;
}

/* They were woken one after the other, and begin together. */
static void meet(const struct crew *crew)
{
	struct board *board = crew->board;

	__atomic_add_fetch(&board->here, 1, __ATOMIC_ACQ_REL);                              /* D */
	while (xk_load_acquire(&board->here) < crew->config.count && !crew_is_over(crew)) { /* D */
		if (crew->crowded)
			sched_yield();
		else
			xk_pause();
	}
}

static void do_part(const struct member *member)
{
	const struct crew *crew = member->crew;
	uint64_t cpu = crew_cpu_ns(), start = process_now_ns(), lost;

	crew->config.part(crew, crew->config.ctx, member->number);
	start = process_now_ns() - start;
	cpu = crew_cpu_ns() - cpu;
	lost = start > cpu ? start - cpu : 0;
	if (lost > start / LOST_MAX)
		xk_store_relaxed(&crew->board->disturbed, 1); /* B follows */
}

static int step(void *arg)
{
	struct member *member = arg;
	const struct crew *crew = member->crew;
	struct board *board = crew->board;

	while (xk_load_acquire(&board->round) == member->round) /* A */
		futex_wait(&board->round, member->round, 0);
	member->round++;
	if (board->ended)
		return -ECANCELED;
	meet(crew);
	do_part(member);
	if (__atomic_add_fetch(&board->done, 1, __ATOMIC_ACQ_REL) == crew->config.count) /* B */
		futex_wake(&board->done);
	return 1;
}

static int start_thread(struct member *member, struct xk_err *err)
{
	const struct crew *crew = member->crew;
	struct xk_worker_config config = {
		.name = "bench",
		.cpu = crew->config.cpu[member->number],
		.idle = XK_IDLE_BUSY,
	};
	int rc = xk_worker_start(&member->worker, &config, step, member, err);

	if (!rc && xk_worker_info(member->worker)->cpu != config.cpu)
		xk_store_relaxed(&crew->board->unpinned, member->number + 1);
	return rc;
}

/* A process is a thread pinned in a process of its own. */
static _Noreturn void be_process(struct member *member, pid_t parent)
{
	process_follow(parent);
	if (start_thread(member, NULL))
		_exit(1);
	xk_worker_join(member->worker);
	_exit(0);
}

static int start_process(struct member *member, struct xk_err *err)
{
	pid_t parent = getpid();

	member->pid = fork();
	if (!member->pid)
		be_process(member, parent);
	if (member->pid > 0)
		return 0;
	member->pid = 0;
	return xk_err_fill(err, -errno, member->crew->config.what, "use fewer", "start a process");
}

/* --- its controller --- */

static int start_members(struct crew *crew, struct xk_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < crew->config.count && !rc; i++) {
		crew->members[i] = (struct member){.crew = crew, .number = i};
		rc = crew->config.processes ? start_process(&crew->members[i], err)
					    : start_thread(&crew->members[i], err);
	}
	return rc;
}

int crew_start(struct crew **out, const struct crew_config *config, struct xk_err *err)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int rc = -ENOMEM;

	if (!crew)
		return xk_err_fill(err, rc, config->what, NULL, "start the workers");
	crew->config = *config;
	crew->crowded = process_crowded(config->cpu, config->count);
	crew->board = process_share(sizeof(*crew->board));
	crew->members = calloc(config->count, sizeof(*crew->members));
	if (crew->board && crew->members)
		rc = start_members(crew, err);
	else
		xk_err_fill(err, rc, config->what, NULL, "start the workers");
	if (rc) {
		crew_end(crew);
		return rc;
	}
	*out = crew;
	return 0;
}

static bool one_died(struct crew *crew)
{
	for (unsigned i = 0; i < crew->config.count; i++) {
		struct member *member = &crew->members[i];

		if (!member->pid || waitpid(member->pid, NULL, WNOHANG) != member->pid)
			continue;
		member->pid = 0;
		return true;
	}
	return false;
}

/* Who waits for a dead one would wait for ever. */
static int give_up(struct crew *crew, struct xk_err *err)
{
	for (unsigned i = 0; i < crew->config.count; i++)
		if (crew->members[i].pid)
			kill(crew->members[i].pid, SIGKILL);
	return xk_err_fill(err, -ECHILD, crew->config.what, NULL, "one of the processes died");
}

static int wait_round(struct crew *crew, struct xk_err *err)
{
	struct board *board = crew->board;
	uint32_t done;

	while ((done = xk_load_acquire(&board->done)) < crew->config.count) { /* B */
		if (process_interrupted())
			xk_store_relaxed(&board->over, 1); /* C */
		if (one_died(crew))
			return give_up(crew, err);
		futex_wait(&board->done, done, LOOK_NS);
	}
	return process_interrupted() ? -EINTR : 0;
}

/* A figure is still one, but not of the CPUs it is said to be of. */
static void warn_unpinned(struct crew *crew)
{
	uint32_t number = xk_load_relaxed(&crew->board->unpinned);

	if (!number || crew->warned)
		return;
	crew->warned = true;
	report_note("%s: a worker could not be pinned to CPU %d and runs anywhere",
		    crew->config.what, crew->config.cpu[number - 1]);
}

static void begin_round(struct board *board, unsigned ms)
{
	board->here = board->done = board->over = board->disturbed = 0;
	board->end_ns = ms ? process_now_ns() + ms * UINT64_C(1000000) : UINT64_MAX;
	xk_store_release(&board->round, board->round + 1); /* A */
	futex_wake(&board->round);
}

int crew_round(struct crew *crew, unsigned ms, struct xk_err *err)
{
	int rc;

	begin_round(crew->board, ms);
	rc = wait_round(crew, err);
	warn_unpinned(crew);
	return rc;
}

bool crew_was_disturbed(const struct crew *crew)
{
	return crew->board->disturbed && !crew->crowded;
}

static void end_member(struct member *member)
{
	if (member->pid)
		waitpid(member->pid, NULL, 0);
	if (member->worker)
		xk_worker_join(member->worker);
	xk_worker_destroy(member->worker);
}

void crew_end(struct crew *crew)
{
	if (!crew)
		return;
	if (crew->board && crew->members) {
		crew->board->ended = true;
		begin_round(crew->board, 0);
		for (unsigned i = 0; i < crew->config.count; i++)
			end_member(&crew->members[i]);
	}
	free(crew->members);
	process_unshare(crew->board, sizeof(*crew->board));
	free(crew);
}
