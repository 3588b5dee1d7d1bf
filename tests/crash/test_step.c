// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process that uses a ring is killed after each single instruction of what it does, and those
 * that live go on. A script is a short piece of work; it is done from the start once for each of
 * its instructions, one step at a time, and killed there. Then the dead one's place is taken over,
 * or the ring is repaired, and the book must come out: everything published arrives, nothing is
 * torn, nothing comes twice beyond what the headers say, order holds, and the ring goes on.
 *
 * The same with one that is only stopped: nobody takes its place, and it goes on unharmed.
 *
 * CRASH_ONLY=word does the scripts whose names have that word.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "crash.h"

#define SLOTS     8u
#define LAZY      2u
#define BURST     6u /* over the wrap: the first record lies in slot 4 */
#define BEFORE    4u
#define STOP_STEP 10u
#define HANG_S    30
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Who pushed a record. */
enum {
	PEER, /* a live producer of this process */
	VICTIM,
	HEIR, /* who comes after it */
};

/* How those that live go on. */
enum {
	OTHERS_FIRST = 1, /* the live ones move the counters before anybody mends */
	REPAIR = 2,       /* by xk_ring_repair(), not by taking the place over */
	WAYS = 4,
};

enum script_flags {
	SOLO = 1,     /* nobody else of its role is there */
	SLEEP = 2,    /* the ring lets its waiters sleep */
	BELLS = 4,    /* and somebody seems to */
	DEAD = 8,     /* one of its role died before; in the middle of a call, where that can be */
	ASLEEP = 16,  /* the work sleeps until it is woken */
	OUTSIDE = 32, /* the victim has no seat */
	EMPTY = 64,   /* everything that is there is taken away before */
	MOVE = 128,   /* the work moves records, or it is no use */
};

struct script {
	const char *name;
	const struct kind *kind;
	enum xk_ring_role role;
	unsigned flags;
	unsigned fill; /* records that are there before */
	void (*work)(void);
	enum { STRANGER, ATTACHED, FILLED } start; /* filled: it pushed till full */
};

/* One run of one script; the child has a copy, but for the arena's memory and what it says. */
static struct {
	const struct script *script;
	unsigned ways;
	uint64_t at, address;
	struct arena arena;
	struct said *said;
	struct party self; /* the child's */
	struct party peer_prod, peer_cons, heir;
	struct book book;
	struct trail trail; /* what the script does, if it always does the same */
	unsigned dead_took; /* records that one who died before had taken */
} run;

static uint64_t all_instructions, all_kills, all_stops, strays;

/* --- what a victim does --- */

static void push(unsigned n)
{
	struct record recs[SLOTS];
	unsigned ret;

	for (unsigned i = 0; i < n; i++)
		recs[i] = record_make(VICTIM, run.said->pushed + i);
	run.said->pushing = n;
	ret = party_push(&run.self, recs, n);
	run.said->pushed += ret;
	run.said->pushing = 0;
}

static void pop(unsigned n)
{
	unsigned ret;

	run.said->popping = n;
	ret = party_pop(&run.self, run.said->got + run.said->popped, n);
	run.said->popped += ret;
	run.said->popping = 0;
}

static void attach(void)
{
	int ret = party_join(&run.self, &run.arena, run.script->role);

	run.said->sat = !ret;
	if (ret)
		run.said->wrong = ret;
}

static void detach(void)
{
	run.said->sat = false;
	party_leave(&run.self);
}

static void push_one(void)
{
	push(1);
}

static void push_two(void)
{
	push(1);
	push(2);
}

static void push_burst(void)
{
	push(BURST);
}

static void push_past_full(void)
{
	push(BURST);
	push(BURST);
}

static void pop_singly(void) /* lazily published: the second one is */
{
	for (unsigned i = 0; i < 3; i++)
		pop(1);
}

static void pop_burst(void)
{
	pop(BURST);
}

static void pop_till_empty(void)
{
	for (unsigned i = 0; i < 4; i++)
		pop(1);
}

static void reserve_and_commit(void)
{
	unsigned got;
	struct record *recs = xk_spsc_reserve(&run.self.spsc_prod, 3, &got);

	for (unsigned i = 0; i < got; i++)
		recs[i] = record_make(VICTIM, run.said->pushed + i);
	run.said->pushing = got;
	xk_spsc_commit(&run.self.spsc_prod, got);
	run.said->pushed += got;
	run.said->pushing = 0;
}

static void peek_and_release(void)
{
	unsigned got;
	const struct record *recs = xk_spsc_peek(&run.self.spsc_cons, 3, &got);

	run.said->popping = got;
	memcpy(run.said->got + run.said->popped, recs, got * sizeof(*recs));
	xk_spsc_release(&run.self.spsc_cons, got);
	run.said->popped += got;
	run.said->popping = 0;
}

static void wait_in_vain(void)
{
	int ret = party_wait(&run.self, XK_WAIT_SLEEP, 1000);

	if (ret != -ETIMEDOUT)
		run.said->wrong = ret;
}

/* Looks around, finds who is dead, and takes over what that one had. */
static void wait_and_adopt(void)
{
	int ret;

	run.self.hold->slice_ns = 1;
	ret = party_wait(&run.self, XK_WAIT_SLEEP, -1);
	if (ret)
		run.said->wrong = ret;
	pop(1);
	pop(3);
}

static void wait_for_it(void)
{
	int ret;

	run.self.hold->slice_ns = UINT64_MAX;
	ret = party_wait(&run.self, XK_WAIT_SLEEP, -1);
	if (ret)
		run.said->wrong = ret;
}

static void use_and_detach(void)
{
	if (run.script->role == XK_ROLE_PRODUCER)
		push(1);
	else
		pop(1);
	detach();
}

static void repair(void)
{
	int ret = xk_ring_repair(run.arena.mem, run.arena.len, run.arena.fd, NULL);

	if (ret < 0)
		run.said->wrong = ret;
}

/* --- the scene --- */

static bool is(unsigned flag)
{
	return run.script->flags & flag;
}

static bool producer_script(void)
{
	return run.script->role == XK_ROLE_PRODUCER;
}

/* Of the victim's role there is another one alive. */
static bool accompanied(void)
{
	return run.arena.kind->many && !is(SOLO);
}

/* As many seats as are needed, so that an heir must take the dead one's: the victim sits in the
 * place of the one that died before it, if it sits. */
static struct crash_config config_of(const struct script *script)
{
	unsigned mine = script->kind->many && !(script->flags & SOLO) ? 2 : 1;
	bool producer = script->role == XK_ROLE_PRODUCER;

	if (script->start && script->flags & DEAD)
		mine++;
	return (struct crash_config){
		.slots = SLOTS,
		.producers = producer ? mine : 1,
		.consumers = producer ? 1 : mine,
		.lazy = LAZY,
		.flags = script->flags & SLEEP ? XK_RING_SLEEP : 0,
		.first = script->kind->numbers - 3, /* numbers wrap in the middle */
	};
}

static void must_join(struct party *u, enum xk_ring_role role, const char *who)
{
	int ret = party_join(u, &run.arena, role);

	if (ret)
		complain("%s cannot attach: %s", who, strerror(-ret));
}

static bool publishes_lazily(const struct kind *kind)
{
	if (kind == &kind_latency)
		return xk_spsc_latency_streams(sizeof(struct record));
	return kind != &kind_mpmc;
}

/* In the middle of a call: mpmc's users have claimed two numbers, and a consumer of fanin a lane.
 */
static void die_at_work(struct party *u)
{
	struct record recs[2];
	uint64_t number;
	uint32_t word;
	bool producer = u->role == XK_ROLE_PRODUCER;

	if (u->kind == &kind_mpmc)
		run.dead_took = xk_mpmc_claim(producer ? &u->mpmc_prod.user : &u->mpmc_cons.user, 2,
					      producer ? XK_MPMC_FREE : XK_MPMC_FULL, &number,
					      &word, SLOTS, sizeof(struct record));
	else if (!producer && u->kind == &kind_fanin)
		xk_fanin_next_lane(&u->fanin_cons);
	else if (!producer && publishes_lazily(u->kind))
		party_pop(u, recs, 1); /* not yet released */
	party_die(u);
}

/* From now on, consumers of fanin let go of their lanes. */
static void set_crowd(void)
{
	struct party other;

	must_join(&other, XK_ROLE_CONSUMER, "a consumer that makes a crowd");
	party_leave(&other);
}

static void set_dead(void)
{
	struct party dead;

	must_join(&dead, run.script->role, "the one that is to be dead");
	die_at_work(&dead);
}

static void set_bells(void)
{
	struct xk_ring *ring = run.arena.mem;

	xk_ring_arm(&ring->data);
	xk_ring_arm(&ring->space);
}

/* Everybody but the victim; the counters have been moved by the live ones. */
static void set_scene(void)
{
	arena_reset(&run.arena);
	memset(&run.book, 0, sizeof(run.book));
	run.dead_took = 0;
	run.peer_prod.sits = run.peer_cons.sits = run.heir.sits = false;
	if (!producer_script() || accompanied())
		must_join(&run.peer_prod, XK_ROLE_PRODUCER, "the live producer");
	if (producer_script() || accompanied())
		must_join(&run.peer_cons, XK_ROLE_CONSUMER, "the live consumer");
	if (!producer_script() && accompanied())
		set_crowd();
	if (run.peer_prod.sits)
		book_push(&run.book, &run.peer_prod, PEER, run.script->fill);
	if (run.peer_prod.sits && run.peer_cons.sits)
		book_pop(&run.book, &run.peer_cons, 1);
	if (is(DEAD))
		set_dead();
	if (is(EMPTY))
		while (book_pop(&run.book, &run.peer_cons, 1))
			;
	if (is(BELLS))
		set_bells();
}

static void strike_scene(void)
{
	party_leave(&run.heir);
	party_leave(&run.peer_prod);
	party_leave(&run.peer_cons);
}

static void child_before(void *unused)
{
	(void)unused;
	if (run.script->start)
		attach();
	if (run.script->start == FILLED)
		push(SLOTS);
}

static void child_work(void *unused)
{
	(void)unused;
	run.script->work();
}

/* The victim sleeps: give it what it waits for. */
static void nudge(void)
{
	if (producer_script())
		book_pop(&run.book, &run.peer_cons, 2);
	else
		book_push(&run.book, &run.peer_prod, PEER, 1);
}

/* To the kill point; false: the script ended before. */
static bool go_to(struct victim *v, uint64_t steps)
{
	bool nudged = false;

	while (v->steps < steps) {
		if (!victim_step(v, run.said))
			return false;
		while (v->asleep && v->steps < steps) {
			if (!nudged)
				nudge();
			nudged = true;
			victim_step(v, run.said);
		}
	}
	return true;
}

/* --- what must hold --- */

static void look(struct xk_ring_info *info)
{
	if (xk_ring_look(run.arena.mem, run.arena.len, run.arena.fd, info, NULL))
		complain("the ring is no ring any more");
}

static unsigned count_dead(void)
{
	struct xk_ring_info info;
	unsigned dead = 0;

	look(&info);
	for (unsigned i = 0; i < info.n_users; i++)
		dead += info.users[i].dead;
	return dead;
}

static void pop_all(struct party *u)
{
	for (unsigned i = 0; i < 100 && book_pop(&run.book, u, 3); i++)
		if (i == 99)
			complain("there is no end of records");
}

static void drain(void)
{
	for (unsigned i = 0; i < 2; i++) {
		if (run.peer_cons.sits)
			pop_all(&run.peer_cons);
		if (run.heir.sits && run.heir.role == XK_ROLE_CONSUMER)
			pop_all(&run.heir);
	}
}

static void others_move(void)
{
	if (run.peer_prod.sits)
		book_push(&run.book, &run.peer_prod, PEER, 2);
	if (run.peer_cons.sits)
		book_pop(&run.book, &run.peer_cons, 2);
}

static void repair_once(void)
{
	int ret = xk_ring_repair(run.arena.mem, run.arena.len, run.arena.fd, NULL);

	if (ret < 0)
		complain("repair failed: %s", strerror(-ret));
}

/* How often the victim has a record: in a call that returned, or perhaps in its last one. */
static unsigned victim_has(uint64_t who, uint64_t seq, bool *perhaps)
{
	unsigned has = 0, last = run.said->popped + run.said->popping;

	*perhaps = false;
	for (unsigned i = 0; i < last && i < SAID_RECORDS; i++) {
		const struct record *record = &run.said->got[i];

		if (record->who != who || record->seq != seq || !record_whole(record))
			continue;
		if (i < run.said->popped)
			has++;
		else
			*perhaps = true;
	}
	return has;
}

/* A record that was pushed, or perhaps was: how often did it come? *again: twice to two. */
static void check_record(unsigned who, unsigned seq, bool surely, unsigned *again)
{
	bool perhaps;
	unsigned has = victim_has(who, seq, &perhaps), got = run.book.got[who][seq];

	if (surely && !has && !got && !perhaps)
		complain("record %u of %u is lost", seq, who);
	if (has > 1 || got > 1)
		complain("record %u of %u came %u and %u times", seq, who, has, got);
	*again += has && got;
}

static void check_book(void)
{
	unsigned again = 0, sure = run.said->pushed, most = sure + run.said->pushing;

	for (unsigned seq = 0; seq < run.book.pushed[PEER]; seq++)
		check_record(PEER, seq, true, &again);
	for (unsigned seq = 0; seq < BOOK_SEQ; seq++) {
		check_record(VICTIM, seq, seq < sure, &again);
		if (seq >= most && run.book.got[VICTIM][seq])
			complain("record %u came, which was never pushed", seq);
		if (seq && run.book.got[VICTIM][seq] && !run.book.got[VICTIM][seq - 1])
			complain("record %u of the dead came without the one before", seq);
	}
	if (again > (publishes_lazily(run.arena.kind) ? LAZY - 1 : 0))
		complain("%u records came twice", again);
	if (run.book.late > run.said->popping + run.dead_took)
		complain("%u records came out of order", run.book.late);
	for (unsigned i = 0; i < run.said->popped; i++)
		if (!record_whole(&run.said->got[i]))
			complain("the victim got a torn record");
}

/* As published by the counters: they say exactly what was pushed, but for voids of mpmc. */
static void check_counts(uint64_t produced)
{
	unsigned came = 0;

	if (run.arena.kind == &kind_mpmc || !producer_script())
		return;
	for (unsigned seq = 0; seq < BOOK_SEQ; seq++)
		came += run.book.got[VICTIM][seq];
	if (came != produced)
		complain("%llu records were published and %u came", (unsigned long long)produced,
			 came);
}

static uint64_t published(void)
{
	struct xk_ring_info info;
	uint64_t streams = run.arena.kind == &kind_fanin ? run.arena.config.producers : 1;

	look(&info);
	return info.produced - streams * run.arena.config.first - run.book.pushed[PEER];
}

/* --- going on --- */

static void inherit(void)
{
	int ret = party_join(&run.heir, &run.arena, run.script->role);

	if (ret)
		complain("nobody can take the place of the dead: %s", strerror(-ret));
}

/* One record at a time, of each producer, until three laps are full. */
static void move_laps(void)
{
	struct party *prod = run.heir.role == XK_ROLE_PRODUCER ? &run.heir : &run.peer_prod;
	struct party *cons = run.heir.role == XK_ROLE_CONSUMER ? &run.heir : &run.peer_cons;
	unsigned who = prod == &run.heir ? HEIR : PEER;

	if (!prod->sits || !cons->sits)
		return;
	for (unsigned i = 0; i < 3 * SLOTS; i++) {
		uint64_t next = run.book.pushed[who];

		if (book_push(&run.book, prod, who, 1) != 1) {
			complain("record %u of three laps finds no room", i);
			return;
		}
		if (run.peer_cons.sits)
			book_pop(&run.book, &run.peer_cons, i & 1);
		if (!run.book.got[who][next])
			book_pop(&run.book, cons, 1);
		if (run.book.got[who][next] != 1) {
			complain("record %u of three laps did not come", i);
			return;
		}
	}
}

static void all_leave(void)
{
	struct xk_ring_info info;

	strike_scene();
	repair_once(); /* whose place nobody took */
	look(&info);
	if (info.n_users)
		complain("%u seats are still taken", info.n_users);
	if (run.arena.kind != &kind_mpmc && info.produced != info.consumed)
		complain("all was consumed, and the counters do not say so");
}

static void go_on(void)
{
	unsigned dead_before = is(DEAD);
	uint64_t produced = published();

	if (run.said->wrong)
		complain("the victim's call failed: %s", strerror(-run.said->wrong));
	if (run.said->sat && count_dead() < 1)
		complain("the dead one is taken for alive");
	if (count_dead() > 1 + dead_before)
		complain("one alive is taken for dead");
	if (run.ways & OTHERS_FIRST)
		others_move();
	if (run.ways & REPAIR)
		repair_once();
	inherit();
	if (count_dead()) /* there was another seat free */
		repair_once();
	if (run.heir.sits && producer_script())
		book_push(&run.book, &run.heir, HEIR, 2);
	drain();
	check_book();
	check_counts(produced);
	move_laps();
	all_leave();
}

/* --- every kill point of a script --- */

static void report(const char *what)
{
	print_message("# %s, %s after instruction %llu (at %#llx), way %u: %s\n", run.script->name,
		      what, (unsigned long long)run.at, (unsigned long long)run.address, run.ways,
		      complaint());
}

static void hang(int unused)
{
	(void)unused;
	complain("somebody hangs");
	report("killed or stopped");
	_exit(1);
}

static void raise_victim(struct victim *v)
{
	alarm(HANG_S);
	set_scene();
	victim_start(v, run.said, child_before, child_work, NULL);
	v->sleeps = is(ASLEEP);
}

/* A victim after so many instructions of the script. What looks at the clock goes another way now
 * and then: those are gone through step by step. False: the script has no more than that. */
static bool bring_to(struct victim *v, uint64_t at)
{
	run.at = at;
	raise_victim(v);
	if (!victim_follow(v, &run.trail, (unsigned)at)) {
		victim_kill(v);
		strike_scene();
		raise_victim(v);
		strays++;
	}
	return go_to(v, at) && at < run.trail.n;
}

/* The script, killed after so many instructions. False: it has no more than that. */
static bool kill_at(uint64_t at)
{
	struct victim v;
	bool more = bring_to(&v, at);

	run.address = complaint() || !more ? 0 : victim_at(&v);
	victim_kill(&v);
	go_on();
	return more;
}

static bool script_open(const struct script *script)
{
	const struct crash_config config = config_of(script);
	const char *only = getenv("CRASH_ONLY");

	if (only && !strstr(script->name, only))
		return false;
	run.script = script;
	arena_open(&run.arena, script->kind, &config);
	return true;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The way a script goes. */
static void learn(void)
{
	struct victim v;
	bool nudged = false;

	trail_clear(&run.trail);
	raise_victim(&v);
	do {
		while (v.asleep) {
			run.trail.sleeps = run.trail.n - 1;
			if (!nudged)
				nudge();
			nudged = true;
			victim_step(&v, run.said);
		}
		trail_add(&run.trail, victim_at(&v));
	} while (victim_step(&v, run.said));
	run.trail.n--;
	victim_kill(&v);
	if (is(MOVE) && !run.said->pushed && !run.said->popped)
		complain("the script moves nothing");
	go_on();
}

/* Ways differ by script only where there are others, or something to repair. */
static void kill_everywhere(const struct script *script, unsigned ways)
{
	double start = now_s();
	uint64_t at = 0;

	run.ways = ways;
	learn();
	while (!complaint() && kill_at(at))
		at++;
	alarm(0);
	all_instructions += at;
	all_kills += at + 1;
	if (complaint())
		report("killed");
	else
		print_message("# %s, way %u: %llu instructions, %llu kills, %.2f s\n", script->name,
			      ways, (unsigned long long)at, (unsigned long long)at + 1,
			      now_s() - start);
}

static void kill_script(const struct script *script)
{
	if (!script_open(script))
		return;
	for (unsigned ways = 0; ways < WAYS && !complaint(); ways += 3)
		kill_everywhere(script, ways);
	arena_close(&run.arena);
}

/* --- stopped, not dead --- */

/* The seats of its role are all taken, by live ones. */
static void check_not_robbed(void)
{
	struct xk_ring_info info;
	struct party robber;
	int ret;

	look(&info);
	for (unsigned i = 0; i < info.n_users; i++)
		if (info.users[i].dead)
			complain("one that is stopped is taken for dead");
	ret = xk_ring_repair(run.arena.mem, run.arena.len, run.arena.fd, NULL);
	if (ret)
		complain("repair mends %d of the living", ret);
	if (!run.said->sat)
		return;
	ret = party_join(&robber, &run.arena, run.script->role);
	if (!ret)
		party_leave(&robber);
	if (ret != -EBUSY)
		complain("attaching to a living one's place: %d", ret);
}

static bool stop_at(uint64_t at)
{
	struct victim v;
	bool more = bring_to(&v, at);

	run.address = more ? victim_at(&v) : 0;
	if (more) {
		victim_halt(&v);
		check_not_robbed();
		others_move();
		if (v.asleep)
			nudge();
		victim_go_on(&v);
	} else {
		victim_kill(&v);
	}
	if (run.said->pushing || run.said->popping)
		complain("it went on and did not end its call");
	go_on();
	return more;
}

static void stop_script(const struct script *script)
{
	uint64_t at = 0;

	if (script->flags & (DEAD | OUTSIDE) || !script_open(script))
		return;
	run.ways = 0;
	learn();
	while (!complaint() && stop_at(at)) {
		at += STOP_STEP;
		all_stops++;
	}
	alarm(0);
	if (complaint())
		report("stopped");
	arena_close(&run.arena);
}

/* --- the scripts --- */

#define P XK_ROLE_PRODUCER
#define C XK_ROLE_CONSUMER

/* name, kind, role, flags, fill, work, attached before */
#define ATTACH(k, kind)                                                                            \
	{k " producer attaches", kind, P, 0, BEFORE, attach, STRANGER},                            \
		{k " consumer attaches", kind, C, 0, BEFORE, attach, STRANGER},                    \
		{k " producer takes over", kind, P, DEAD, BEFORE, attach, STRANGER},               \
	{                                                                                          \
		k " consumer takes over", kind, C, DEAD, BEFORE, attach, false                     \
	}
#define DETACH(k, kind)                                                                            \
	{k " producer detaches", kind, P, MOVE, BEFORE, use_and_detach, ATTACHED},                 \
	{                                                                                          \
		k " consumer detaches", kind, C, MOVE, BEFORE, use_and_detach, ATTACHED            \
	}
#define REPAIRS(k, kind)                                                                           \
	{k " repair of a producer's seat", kind, P, DEAD | OUTSIDE, BEFORE, repair, STRANGER},     \
	{                                                                                          \
		k " repair of a consumer's seat", kind, C, DEAD | OUTSIDE, BEFORE, repair, false   \
	}
#define MOVES(k, kind, solo)                                                                         \
	{k " push", kind, P, MOVE | solo, 2, push_two, ATTACHED},                                    \
		{k " push of a burst", kind, P, MOVE | solo, 1, push_burst, ATTACHED},               \
		{k " push till full", kind, P, MOVE | solo, 1, push_past_full, ATTACHED},            \
		{k " push that wakes", kind, P, MOVE | solo | SLEEP | BELLS, 2, push_one, ATTACHED}, \
		{k " pop", kind, C, MOVE | solo, 6, pop_singly, ATTACHED},                           \
		{k " pop of a burst", kind, C, MOVE | solo, SLOTS, pop_burst, ATTACHED},             \
		{k " pop till empty", kind, C, MOVE | solo, 3, pop_till_empty, ATTACHED},            \
	{                                                                                            \
		k " pop that wakes", kind, C, MOVE | solo | SLEEP | BELLS, 3, pop_burst, ATTACHED    \
	}
#define WAITS(k, kind)                                                                             \
	{k " wait for data in vain", kind, C, SOLO | SLEEP, 0, wait_in_vain, ATTACHED},            \
	{                                                                                          \
		k " wait for data", kind, C, SOLO | SLEEP | ASLEEP, 0, wait_for_it, ATTACHED       \
	}

static const struct script spsc_scripts[] = {
	ATTACH("spsc", &kind_spsc),
	DETACH("spsc", &kind_spsc),
	REPAIRS("spsc", &kind_spsc),
	MOVES("spsc", &kind_spsc, 0),
	WAITS("spsc", &kind_spsc),
	{"spsc reserve and commit", &kind_spsc, P, MOVE, 0, reserve_and_commit, ATTACHED},
	{"spsc commit that wakes", &kind_spsc, P, MOVE | SLEEP | BELLS, 0, reserve_and_commit,
	 ATTACHED},
	{"spsc peek and release", &kind_spsc, C, MOVE, 5, peek_and_release, ATTACHED},
};
static const struct script latency_scripts[] = {
	ATTACH("spsc_latency", &kind_latency),  DETACH("spsc_latency", &kind_latency),
	REPAIRS("spsc_latency", &kind_latency), MOVES("spsc_latency", &kind_latency, 0),
	WAITS("spsc_latency", &kind_latency),
};
static const struct script fanin_scripts[] = {
	ATTACH("fanin", &kind_fanin),           DETACH("fanin", &kind_fanin),
	REPAIRS("fanin", &kind_fanin),          MOVES("fanin", &kind_fanin, 0),
	MOVES("fanin solo", &kind_fanin, SOLO), WAITS("fanin", &kind_fanin),
};
static const struct script mpmc_scripts[] = {
	ATTACH("mpmc", &kind_mpmc),
	DETACH("mpmc", &kind_mpmc),
	REPAIRS("mpmc", &kind_mpmc),
	MOVES("mpmc", &kind_mpmc, 0),
	MOVES("mpmc solo", &kind_mpmc, SOLO),
	WAITS("mpmc", &kind_mpmc),
	{"mpmc consumer finds orphans", &kind_mpmc, C, MOVE | DEAD | EMPTY | SLEEP, BEFORE,
	 wait_and_adopt, ATTACHED},
};

static const struct {
	const struct script *scripts;
	size_t n;
} sets[] = {
	{spsc_scripts, LENGTH(spsc_scripts)},
	{latency_scripts, LENGTH(latency_scripts)},
	{fanin_scripts, LENGTH(fanin_scripts)},
	{mpmc_scripts, LENGTH(mpmc_scripts)},
};

/* All scripts of a kind, though one fails: the first line says why, the test's end that it did. */
static void each_script(unsigned set, void (*act)(const struct script *script))
{
	bool failed = false;

	for (size_t i = 0; i < sets[set].n; i++) {
		forgive();
		act(&sets[set].scripts[i]);
		failed |= complaint() != NULL;
	}
	assert_false(failed);
}

#define TESTS(kind, set)                                                                           \
	static void kind##_killed(void **unused)                                                   \
	{                                                                                          \
		(void)unused;                                                                      \
		each_script(set, kill_script);                                                     \
	}                                                                                          \
	static void kind##_stopped(void **unused)                                                  \
	{                                                                                          \
		(void)unused;                                                                      \
		each_script(set, stop_script);                                                     \
	}

TESTS(spsc_latency, 1)
#if CRASH_CHECKS == 1 /* for the others, records of another size are the same */
TESTS(spsc, 0)
TESTS(fanin, 2)
TESTS(mpmc, 3)
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spsc_latency_killed),
		cmocka_unit_test(spsc_latency_stopped),
#if CRASH_CHECKS == 1
		cmocka_unit_test(spsc_killed),
		cmocka_unit_test(spsc_stopped),
		cmocka_unit_test(fanin_killed),
		cmocka_unit_test(fanin_stopped),
		cmocka_unit_test(mpmc_killed),
		cmocka_unit_test(mpmc_stopped),
#endif
	};
	int ret;

	setbuf(stdout, NULL);
	signal(SIGALRM, hang);
	run.said = said_map();
	ret = cmocka_run_group_tests_name("crash: step", tests, NULL, NULL);
	print_message(
		"# in all: %llu instructions, %llu kills, %llu stops; %llu gone through twice\n",
		(unsigned long long)all_instructions, (unsigned long long)all_kills,
		(unsigned long long)all_stops, (unsigned long long)strays);
	return ret;
}
