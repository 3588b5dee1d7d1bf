// SPDX-License-Identifier: BSD-2-Clause
/*
 * A thousand kill -9s under load: processes push and pop at full speed and sleep when they must,
 * one of them is killed every few milliseconds, and another takes its place. A producer says how
 * far it got before and after each call; a consumer pops straight into a log that it shares with
 * the parent, and then moves the log's end. So of a consumer that is killed in a call only that
 * call's records are uncertain, and they lie behind the log's end.
 *
 * At the end: everything published is in a log, or was in a call that a kill cut off; nothing comes
 * twice beyond what the headers say; order holds; nobody hangs; no seat is left.
 *
 * XSKIT_SEED=0x... kills in that order again, CRASH_KILLS=n another number a kind.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "crash.h"

#define KILLS     250u /* a kind */
#define SLOTS     64u
#define LAZY      16u
#define BATCH     24u
#define LOG       (1u << 15) /* records */
#define WORKERS   4u
#define LIVES_MAX 8192u
#define SEQ_MAX   (1u << 20)   /* a producer's life */
#define HANG_NS   20000000000u /* nothing came for so long */
#define BUSY_NS   5000000000u  /* a place cannot be had for so long */
#define WAIT_NS   100000000
#define MOST_MS   16u

/* Of one producer's life, in shared memory: it may have pushed all below `pushing`, and did push
 * all below `pushed`. */
struct life {
	xk_a64 pushing, pushed;
};

/* A consumer's log: records that calls returned lie in [digested, end), modulo. */
struct log {
	xk_a64 end;
	char apart[XK_RING_APART - sizeof(xk_a64)];
	xk_a64 digested;
	char apart2[XK_RING_APART - sizeof(xk_a64)];
	struct record recs[LOG];
};

struct shared {
	xk_a32 stop_producers, stop_consumers;
	xk_a64 busy; /* attempts to attach that came too early */
	xk_a32 failed;
	struct life lives[LIVES_MAX];
	struct log logs[WORKERS];
};

struct worker {
	pid_t pid;
	enum xk_ring_role role;
	unsigned life;  /* producer */
	uint64_t *next; /* consumer: by life, the least that is in order */
};

static struct {
	struct shared *shared;
	struct arena arena;
	struct worker workers[WORKERS];
	unsigned n_workers, n_lives;
	uint64_t *came[LIVES_MAX];    /* bits, by number */
	uint64_t *perhaps[LIVES_MAX]; /* was in a call that a kill cut off */
	uint64_t records, twice, late, excused, killed[3], last_progress;
	uint64_t seed, rng;
} run;

/* --- small things --- */

static uint64_t next_random(uint64_t *rng)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return *rng;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void rest(uint64_t ns)
{
	const struct timespec t = {.tv_nsec = (long)ns};

	nanosleep(&t, NULL);
}

static void *get_memory(size_t bytes, int flags)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);

	if (mem == MAP_FAILED) {
		printf("Bail out! mmap: %s\n", strerror(errno));
		exit(1);
	}
	return mem;
}

/* Sets a number's bit; was it set? */
static bool mark(uint64_t **bits, uint64_t number)
{
	uint64_t *word, bit = UINT64_C(1) << number % 64;
	bool was;

	if (!*bits)
		*bits = get_memory(SEQ_MAX / 8, MAP_PRIVATE);
	word = *bits + number / 64;
	was = *word & bit;
	*word |= bit;
	return was;
}

static bool marked(const uint64_t *bits, uint64_t number)
{
	return bits && bits[number / 64] >> number % 64 & 1;
}

/* --- workers --- */

static void take_place(struct party *u, enum xk_ring_role role)
{
	uint64_t until = now_ns() + BUSY_NS;
	int ret;

	/* Whoever waits may just be mending the seat. */
	while ((ret = party_join(u, &run.arena, role)) == -EBUSY && now_ns() < until) {
		__atomic_fetch_add(&run.shared->busy, 1, __ATOMIC_RELAXED);
		rest(100000);
	}
	if (ret) {
		xk_store_relaxed(&run.shared->failed, (uint32_t)-ret);
		_exit(1);
	}
}

static void wait_for_others(struct party *u)
{
	int ret = party_wait(u, XK_WAIT_SLEEP | XK_WAIT_STAY, WAIT_NS);

	if (ret && ret != -ETIMEDOUT) {
		xk_store_relaxed(&run.shared->failed, (uint32_t)-ret);
		_exit(1);
	}
}

static void produce(unsigned who, uint64_t rng)
{
	struct life *life = &run.shared->lives[who];
	struct record recs[BATCH];
	struct party self;
	uint64_t seq = 0;

	take_place(&self, XK_ROLE_PRODUCER);
	while (!xk_load_relaxed(&run.shared->stop_producers)) {
		unsigned n = 1 + (unsigned)(next_random(&rng) % BATCH), pushed;

		if (seq + n > SEQ_MAX) {
			rest(1000000);
			continue;
		}
		for (unsigned i = 0; i < n; i++)
			recs[i] = record_make(who, seq + i);
		xk_store_release(&life->pushing, seq + n);
		pushed = party_push(&self, recs, n);
		seq += pushed;
		xk_store_release(&life->pushed, seq);
		if (pushed < n)
			wait_for_others(&self);
	}
	party_leave(&self);
}

/* As much as the log has room for in one piece. */
static unsigned log_room(struct log *log, uint64_t end)
{
	uint64_t room = LOG - BATCH - (end - xk_load_acquire(&log->digested));
	uint64_t piece = LOG - end % LOG;

	return (unsigned)(room < piece ? room : piece);
}

static void consume(struct log *log, uint64_t rng)
{
	struct party self;
	uint64_t end = xk_load_relaxed(&log->end);

	take_place(&self, XK_ROLE_CONSUMER);
	for (;;) {
		bool last = xk_load_acquire(&run.shared->stop_consumers);
		unsigned n = 1 + (unsigned)(next_random(&rng) % BATCH), room = log_room(log, end);

		if (!room) {
			rest(50000);
			continue;
		}
		n = party_pop(&self, log->recs + end % LOG, n < room ? n : room);
		end += n;
		xk_store_release(&log->end, end);
		if (!n && last)
			break;
		if (!n)
			wait_for_others(&self);
	}
	party_leave(&self);
}

static void start(struct worker *w)
{
	uint64_t rng = run.seed + run.n_lives * 977 + (uint64_t)(w - run.workers) + 1;

	if (w->role == XK_ROLE_PRODUCER)
		w->life = run.n_lives++;
	memset(w->next, 0, LIVES_MAX * sizeof(*w->next));
	w->pid = fork();
	if (w->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (w->role == XK_ROLE_PRODUCER)
		produce(w->life, rng);
	else
		consume(&run.shared->logs[w - run.workers], rng);
	_exit(0);
}

/* --- the parent reads the logs --- */

static bool record_right(const struct record *record)
{
	return record_whole(record) && record->who < run.n_lives && record->seq < SEQ_MAX;
}

static void digest_record(struct worker *w, const struct record *record)
{
	if (!record_right(record)) {
		complain("a torn record: %#llx %#llx", (unsigned long long)record->who,
			 (unsigned long long)record->seq);
		return;
	}
	run.records++;
	run.twice += mark(&run.came[record->who], record->seq);
	if (record->seq < w->next[record->who])
		run.late++;
	else
		w->next[record->who] = record->seq + 1;
}

static void digest(struct worker *w)
{
	struct log *log = &run.shared->logs[w - run.workers];
	uint64_t end = xk_load_acquire(&log->end), at = log->digested;

	if (w->role != XK_ROLE_CONSUMER || at == end)
		return;
	for (; at != end; at++)
		digest_record(w, &log->recs[at % LOG]);
	xk_store_release(&log->digested, end);
	run.last_progress = now_ns();
}

/* What a consumer was popping lies behind its log's end; what lay there before came long ago. */
static void digest_cut_off(struct worker *w)
{
	struct log *log = &run.shared->logs[w - run.workers];

	digest(w);
	for (uint64_t i = 0; w->role == XK_ROLE_CONSUMER && i < BATCH; i++) {
		struct record *record = &log->recs[(log->end + i) % LOG];

		if (record_right(record))
			mark(&run.perhaps[record->who], record->seq);
	}
}

static void digest_all(void)
{
	for (unsigned i = 0; i < run.n_workers; i++)
		digest(&run.workers[i]);
	if (now_ns() - run.last_progress > HANG_NS)
		complain("nothing comes any more");
	if (run.shared->failed)
		complain("a worker's call failed: %s", strerror((int)run.shared->failed));
}

/* --- a life of the ring --- */

static void kill_worker(struct worker *w)
{
	int status;

	kill(w->pid, SIGKILL);
	waitpid(w->pid, &status, 0);
	run.killed[w->role] += WIFSIGNALED(status);
	digest_cut_off(w);
}

static void kill_some(unsigned kills)
{
	for (unsigned i = 0; i < kills && !complaint(); i++) {
		uint64_t until = now_ns() + next_random(&run.rng) % (MOST_MS * 1000000);
		struct worker *w = &run.workers[next_random(&run.rng) % run.n_workers];

		while (now_ns() < until) {
			digest_all();
			rest(200000);
		}
		kill_worker(w);
		start(w);
	}
}

/* They leave by themselves, while the parent reads on. */
static void await_end(enum xk_ring_role role)
{
	for (unsigned i = 0; i < run.n_workers; i++) {
		struct worker *w = &run.workers[i];
		int status = 0;

		if (w->role != role)
			continue;
		while (!complaint() && !waitpid(w->pid, &status, WNOHANG)) {
			digest_all();
			rest(200000);
		}
		if (complaint())
			kill_worker(w);
		else if (status)
			complain("a worker ended with %#x", status);
		digest(w);
	}
}

static void wind_up(void)
{
	run.last_progress = now_ns();
	xk_store_release(&run.shared->stop_producers, 1u);
	await_end(XK_ROLE_PRODUCER);
	if (xk_ring_repair(run.arena.mem, run.arena.len, run.arena.fd, NULL) < 0)
		complain("repair failed");
	xk_store_release(&run.shared->stop_consumers, 1u);
	await_end(XK_ROLE_CONSUMER);
}

static void check_life(unsigned who)
{
	struct life *life = &run.shared->lives[who];

	for (uint64_t seq = 0; seq < life->pushed; seq++) {
		if (marked(run.came[who], seq))
			continue;
		run.excused++;
		if (!marked(run.perhaps[who], seq))
			complain("record %llu of life %u is lost", (unsigned long long)seq, who);
	}
	for (uint64_t seq = life->pushing; seq < SEQ_MAX && run.came[who]; seq++)
		if (marked(run.came[who], seq))
			complain("record %llu of life %u was never pushed", (unsigned long long)seq,
				 who);
}

static void check_all(void)
{
	uint64_t deaths = run.killed[XK_ROLE_CONSUMER];
	bool lazy = run.arena.kind == &kind_spsc || run.arena.kind == &kind_fanin;
	struct xk_ring_info info;

	for (unsigned who = 0; who < run.n_lives; who++)
		check_life(who);
	if (run.twice > (lazy ? (LAZY - 1) * deaths : 0))
		complain("%llu came twice", (unsigned long long)run.twice);
	if (run.late > (run.arena.kind == &kind_mpmc ? BATCH * deaths : 0))
		complain("%llu came out of order", (unsigned long long)run.late);
	if (run.excused > BATCH * deaths)
		complain("%llu were in calls cut off", (unsigned long long)run.excused);
	if (xk_ring_look(run.arena.mem, run.arena.len, run.arena.fd, &info, NULL) || info.n_users)
		complain("%u seats are still taken", info.n_users);
}

static void set_up(const struct kind *kind)
{
	unsigned each = kind->many ? 2 : 1;
	const struct crash_config config = {SLOTS, each, each, LAZY, XK_RING_SLEEP, 0};

	forgive();
	run.shared = get_memory(sizeof(*run.shared), MAP_SHARED);
	run.n_workers = 2 * each;
	run.n_lives = 0;
	run.records = run.twice = run.late = run.excused = 0;
	memset(run.killed, 0, sizeof(run.killed));
	run.last_progress = now_ns();
	arena_open(&run.arena, kind, &config);
	for (unsigned i = 0; i < run.n_workers; i++) {
		run.workers[i].role = i < each ? XK_ROLE_PRODUCER : XK_ROLE_CONSUMER;
		run.workers[i].next = get_memory(LIVES_MAX * sizeof(uint64_t), MAP_PRIVATE);
		start(&run.workers[i]);
	}
}

static void tear_down(void)
{
	for (unsigned i = 0; i < run.n_workers; i++)
		munmap(run.workers[i].next, LIVES_MAX * sizeof(uint64_t));
	for (unsigned i = 0; i < run.n_lives; i++) {
		if (run.came[i])
			munmap(run.came[i], SEQ_MAX / 8);
		if (run.perhaps[i])
			munmap(run.perhaps[i], SEQ_MAX / 8);
		run.came[i] = run.perhaps[i] = NULL;
	}
	arena_close(&run.arena);
	munmap(run.shared, sizeof(*run.shared));
}

static void hang(int unused)
{
	(void)unused;
	printf("# seed %#llx: the parent hangs\n", (unsigned long long)run.seed);
	_exit(1);
}

static unsigned kills_wanted(void)
{
	const char *kills = getenv("CRASH_KILLS");
	unsigned long n = kills ? strtoul(kills, NULL, 0) : KILLS;

	return (unsigned)(n < LIVES_MAX - WORKERS ? n : LIVES_MAX - WORKERS);
}

static void live(const struct kind *kind)
{
	uint64_t start_ns = now_ns();

	alarm(120 + kills_wanted());
	set_up(kind);
	kill_some(kills_wanted());
	wind_up();
	check_all();
	alarm(0);
	print_message("# %s: %llu records, %llu producers and %llu consumers killed; %llu came "
		      "twice, %llu late, %llu in calls cut off; %llu attempts to attach came too "
		      "early; %.1f s\n",
		      kind->name, (unsigned long long)run.records,
		      (unsigned long long)run.killed[XK_ROLE_PRODUCER],
		      (unsigned long long)run.killed[XK_ROLE_CONSUMER],
		      (unsigned long long)run.twice, (unsigned long long)run.late,
		      (unsigned long long)run.excused, (unsigned long long)run.shared->busy,
		      (double)(now_ns() - start_ns) / 1e9);
	if (complaint())
		print_message("# seed %#llx: %s\n", (unsigned long long)run.seed, complaint());
	tear_down();
	assert_null(complaint());
}

static void spsc(void **unused)
{
	(void)unused;
	live(&kind_spsc);
}

static void spsc_latency(void **unused)
{
	(void)unused;
	live(&kind_latency);
}

static void fanin(void **unused)
{
	(void)unused;
	live(&kind_fanin);
}

static void mpmc(void **unused)
{
	(void)unused;
	live(&kind_mpmc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spsc),
		cmocka_unit_test(spsc_latency),
		cmocka_unit_test(fanin),
		cmocka_unit_test(mpmc),
	};
	const char *seed = getenv("XSKIT_SEED");

	setbuf(stdout, NULL);
	signal(SIGALRM, hang);
	run.seed = seed ? strtoull(seed, NULL, 0) : now_ns();
	run.rng = run.seed | 1;
	print_message("# seed %#llx\n", (unsigned long long)run.seed);
	return cmocka_run_group_tests_name("crash: load", tests, NULL, NULL);
}
