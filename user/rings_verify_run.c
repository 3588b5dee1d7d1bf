// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rounds of a few million records: workers come, move them, and leave; who did what is in memory
 * they share, also when they are processes.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rings_stop.h"
#include "rings_verify.h"

#define ROUND    (UINT64_C(1) << 22) /* records of all producers, in a round */
#define QUIET_NS UINT64_C(2000000000)
#define TICK_NS  2000000u
#define WAIT_NS  20000000
#define SPINS    64u

/* A worker's own part of the shared memory. */
struct tally {
	xk_a64 moved; /* read by the supervisor, to see that it goes on */
	uint64_t waits;
	struct verify_found found;
	int failed; /* -errno of attaching */
	xk_a32 done;
} __attribute__((aligned(XK_RING_APART)));

struct shared {
	xk_a32 enough;    /* producers stop, consumers take what is left */
	xk_a32 abandoned; /* all stop at once */
	xk_a32 producing; /* producers that are not done */
	struct tally tally[2 * VERIFY_MAX];
};

struct verification {
	const struct verify_plan *plan;
	struct rings_named ring;
	struct shared *shared;
	struct verify_round round;
	uint64_t round_count[VERIFY_MAX]; /* of each producer */
	uint64_t sent, received, waits[2];
	struct verify_found found;
	uint64_t started_ns, ends_ns;
	const char *ended;
	struct xk_err *err;
};

struct worker {
	struct verification *v;
	unsigned number;
	pthread_t thread;
	pid_t pid;
	bool over;
};

static unsigned n_workers(const struct verification *v)
{
	return v->plan->producers + v->plan->consumers;
}

static bool is_producer(const struct worker *w)
{
	return w->number < w->v->plan->producers;
}

static struct tally *tally_of(const struct worker *w)
{
	return &w->v->shared->tally[w->number];
}

/* --- workers --- */

static bool abandoned(const struct worker *w)
{
	return xk_load_relaxed(&w->v->shared->abandoned);
}

/* Nothing moved: wait as the plan says. *waiting: it is still the same wait. */
static void pause_a_while(struct worker *w, struct verify_end *end, unsigned *waiting)
{
	if (!(*waiting)++)
		tally_of(w)->waits++;
	if (w->v->plan->wait == XK_WAIT_SLEEP && end->algo < VERIFY_TEXTBOOK)
		rings_end_wait(&end->end, XK_WAIT_SLEEP | XK_WAIT_STAY, WAIT_NS);
	else if (*waiting % SPINS)
		xk_pause();
	else
		sched_yield();
}

static void push_all(struct worker *w, struct verify_end *end, const char *records, unsigned n)
{
	unsigned done = 0, pushed, waiting = 0;

	while (done < n && !abandoned(w)) {
		pushed = verify_push(end, records + (size_t)done * end->record_bytes, n - done);
		done += pushed;
		if (pushed)
			waiting = 0;
		else
			pause_a_while(w, end, &waiting);
	}
	xk_bump(&tally_of(w)->moved, done);
}

static void produce(struct worker *w, struct verify_end *end, char *records)
{
	const struct verification *v = w->v;
	uint64_t left = v->round_count[w->number], number = v->round.base;
	uint32_t bytes = end->record_bytes;

	while (left && !abandoned(w) && !xk_load_relaxed(&v->shared->enough)) {
		unsigned n = left < v->plan->burst ? (unsigned)left : v->plan->burst;

		for (unsigned i = 0; i < n; i++)
			verify_fill(records + (size_t)i * bytes, bytes, w->number, number++);
		push_all(w, end, records, n);
		left -= n;
	}
}

static void consume(struct worker *w, struct verify_end *end, uint64_t *next)
{
	const struct verification *v = w->v;
	struct tally *tally = tally_of(w);
	unsigned n, waiting = 0;

	while (!abandoned(w)) {
		/* Before the look: what was pushed before they ended is seen then. */
		bool last = !xk_load_acquire(&v->shared->producing);
		const char *records = verify_take(end, v->plan->burst, &n);

		for (unsigned i = 0; i < n; i++)
			verify_record(&v->round, records + (size_t)i * end->record_bytes,
				      end->record_bytes, next, &tally->found);
		if (n) {
			verify_release(end, n);
			xk_bump(&tally->moved, n);
			waiting = 0;
		} else if (last) {
			return;
		} else {
			pause_a_while(w, end, &waiting);
		}
	}
}

static int take_part(struct worker *w)
{
	const struct verification *v = w->v;
	struct verify_end end;
	int ret = verify_attach(&end, v->plan, &v->ring,
				is_producer(w) ? XK_ROLE_PRODUCER : XK_ROLE_CONSUMER);
	void *own;

	if (ret)
		return ret;
	own = is_producer(w) ? calloc(v->plan->burst, v->plan->record_bytes)
			     : calloc(v->plan->producers, sizeof(uint64_t));
	if (!own)
		ret = -ENOMEM;
	else if (is_producer(w))
		produce(w, &end, own);
	else
		consume(w, &end, own);
	free(own);
	verify_detach(&end);
	return ret;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *shared = w->v->shared;

	tally_of(w)->failed = take_part(w);
	if (tally_of(w)->failed)
		xk_store_relaxed(&shared->abandoned, 1u);
	if (is_producer(w)) /* pairs with the acquire in consume() */
		__atomic_fetch_sub(&shared->producing, 1, __ATOMIC_RELEASE);
	xk_store_release(&tally_of(w)->done, 1u); /* pairs with is_over() */
	return NULL;
}

static int start_process(struct worker *w)
{
	pid_t parent = getpid();

	w->pid = fork();
	if (w->pid)
		return w->pid < 0 ? -errno : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN); /* the parent ends the round */
	signal(SIGTERM, SIG_DFL);
	if (getppid() == parent)
		work(w);
	_exit(0);
}

static int start(struct worker *w)
{
	return w->v->plan->processes ? start_process(w)
				     : -pthread_create(&w->thread, NULL, work, w);
}

/* --- the supervisor --- */

/* Gone, whether done or dead. */
static bool is_over(struct worker *w)
{
	if (w->over)
		return true;
	if (w->v->plan->processes)
		w->over = waitpid(w->pid, NULL, WNOHANG) == w->pid;
	else if (xk_load_acquire(&tally_of(w)->done)) /* pairs with work() */
		w->over = !pthread_join(w->thread, NULL);
	return w->over;
}

static bool all_over(struct verification *v, struct worker *workers, unsigned n)
{
	bool all = true;

	for (unsigned i = 0; i < n; i++) {
		if (!is_over(&workers[i])) {
			all = false;
		} else if (!xk_load_acquire(&tally_of(&workers[i])->done)) {
			xk_store_relaxed(&v->shared->abandoned, 1u); /* it died */
		}
	}
	return all;
}

static uint64_t moved(const struct verification *v)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n_workers(v); i++)
		sum += xk_load_relaxed(&v->shared->tally[i].moved);
	return sum;
}

static void end_by(struct verification *v, const char *why)
{
	if (!v->ended)
		v->ended = why;
	xk_store_relaxed(&v->shared->enough, 1u);
}

static void kill_rest(struct worker *workers, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!workers[i].over && workers[i].pid > 0)
			kill(workers[i].pid, SIGKILL);
}

/* Until all are gone. Nothing moves for a while: something is lost that somebody waits for. */
static void watch(struct verification *v, struct worker *workers, unsigned n)
{
	uint64_t now = rings_now_ns(), since = now, before = 0;

	while (!all_over(v, workers, n)) {
		uint64_t sum = moved(v);

		if (rings_stop_poll(-1, 0, TICK_NS) == -EINTR) {
			end_by(v, "signal");
			usleep(TICK_NS / 1000); /* which the poll does not do any more */
		}
		now = rings_now_ns();
		if (now >= v->ends_ns)
			end_by(v, "duration");
		if (sum != before)
			since = now;
		before = sum;
		if (now - since < QUIET_NS)
			continue;
		if (xk_load_relaxed(&v->shared->abandoned))
			kill_rest(workers, n); /* stopped ones */
		end_by(v, "quiet");
		xk_store_relaxed(&v->shared->abandoned, 1u);
		since = now;
	}
}

/* --- rounds --- */

static void add_tallies(struct verification *v)
{
	for (unsigned i = 0; i < n_workers(v); i++) {
		const struct tally *t = &v->shared->tally[i];
		bool producer = i < v->plan->producers;

		*(producer ? &v->sent : &v->received) += xk_load_relaxed(&t->moved);
		v->waits[!producer] += t->waits;
		v->found.unique += t->found.unique;
		v->found.duplicated += t->found.duplicated;
		v->found.torn += t->found.torn;
		v->found.reordered += t->found.reordered;
	}
}

static int worker_failed(const struct verification *v, const struct worker *w)
{
	const char *role = is_producer(w) ? "producer" : "consumer";
	int failed = tally_of(w)->failed;

	if (failed)
		return xk_err_fill(v->err, failed, "ring verify", NULL, "a %s could not attach",
				   role);
	if (xk_load_relaxed(&tally_of(w)->done))
		return 0;
	return xk_err_fill(v->err, -ECHILD, "ring verify", NULL, "a %s died", role);
}

static void begin_round(struct verification *v, uint64_t count)
{
	unsigned producers = v->plan->producers;

	memset(v->shared, 0, sizeof(*v->shared));
	v->shared->producing = producers;
	v->round.count = (count + producers - 1) / producers;
	for (unsigned i = 0; i < producers; i++)
		v->round_count[i] = count / producers + (i < count % producers);
	memset(v->round.came, 0, verify_bits(producers, v->round.count) * sizeof(uint64_t));
}

static int do_round(struct verification *v, uint64_t count)
{
	struct worker *workers = calloc(n_workers(v), sizeof(*workers));
	unsigned n = 0;
	int ret = workers ? 0 : -ENOMEM;

	begin_round(v, count);
	for (; !ret && n < n_workers(v); n += !ret) {
		workers[n] = (struct worker){.v = v, .number = n};
		ret = start(&workers[n]);
	}
	if (ret) {
		xk_err_fill(v->err, ret, "ring verify", "fewer of them", "starting worker %u", n);
		xk_store_relaxed(&v->shared->abandoned, 1u);
	}
	watch(v, workers, n);
	for (unsigned i = 0; i < n && !ret && !(v->ended && !strcmp(v->ended, "quiet")); i++)
		ret = worker_failed(v, &workers[i]);
	free(workers);
	add_tallies(v);
	v->round.base += v->round.count;
	return ret;
}

static int do_rounds(struct verification *v)
{
	uint64_t left = v->plan->count ? v->plan->count : UINT64_MAX;
	int ret = 0;

	while (!ret && left && !v->ended) {
		uint64_t count = left < ROUND ? left : ROUND;

		ret = do_round(v, count);
		left -= count;
	}
	if (!v->ended)
		v->ended = "count";
	return ret;
}

/* --- one verification --- */

static void *map(size_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static size_t bits_bytes(const struct verify_plan *plan)
{
	uint64_t each = (ROUND + plan->producers - 1) / plan->producers;

	return verify_bits(plan->producers, each) * sizeof(uint64_t);
}

static void fill_row(const struct verification *v, struct verify_row *row)
{
	const struct verify_plan *plan = v->plan;
	struct xk_ring_info info;

	*row = (struct verify_row){
		.algorithm = verify_algo_names[plan->algo],
		.produced = v->sent,
		.consumed = v->received,
		.producer_waits = v->waits[0],
		.consumer_waits = v->waits[1],
		.producers = plan->producers,
		.consumers = plan->consumers,
		.sent = v->sent,
		.received = v->received,
		.lost = v->sent - v->found.unique,
		.duplicated = v->found.duplicated,
		.torn = v->found.torn,
		.reordered = v->found.reordered,
		.seconds = (double)(rings_now_ns() - v->started_ns) / 1e9,
		.ended = v->ended,
	};
	if (plan->algo < VERIFY_TEXTBOOK &&
	    !xk_ring_look(v->ring.memory->addr, v->ring.memory->size, -1, &info, NULL)) {
		row->produced = info.produced; /* as the ring counts them */
		row->consumed = info.consumed;
	}
}

int verify_run(const struct verify_plan *plan, struct verify_row *row, struct xk_err *err)
{
	struct verification v = {
		.plan = plan,
		.round = {.producers = plan->producers, .alone = plan->consumers == 1},
		.err = err,
	};
	int ret = verify_make(&v.ring, plan, err);

	if (ret)
		return ret;
	v.shared = map(sizeof(*v.shared));
	v.round.came = map(bits_bytes(plan));
	v.started_ns = rings_now_ns();
	v.ends_ns = plan->duration_s > 0 ? v.started_ns + (uint64_t)(plan->duration_s * 1e9)
					 : UINT64_MAX;
	ret = v.shared && v.round.came ? do_rounds(&v)
				       : xk_err_fill(err, -ENOMEM, "ring verify", NULL, "memory");
	if (!ret)
		fill_row(&v, row);
	if (v.shared)
		munmap(v.shared, sizeof(*v.shared));
	if (v.round.came)
		munmap(v.round.came, bits_bytes(plan));
	if (plan->name && plan->algo < VERIFY_TEXTBOOK)
		xk_share_unlink(plan->name, NULL);
	rings_close(&v.ring);
	return ret;
}
