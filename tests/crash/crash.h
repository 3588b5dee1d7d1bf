/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash.h - the four kinds of rings behind one table, records that know whether they are whole, a
 * book of what became of each, and a victim: a process that is stopped between two instructions.
 *
 * The first thing that is wrong is kept as the complaint; a test looks at it when it is through.
 */
#ifndef CRASH_H
#define CRASH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <xskit/fanin.h>
#include <xskit/mpmc.h>
#include <xskit/share.h>
#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>

__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);
const char *complaint(void); /* NULL: none */
void forgive(void);

/* --- kinds --- */

struct crash_config {
	uint32_t slots, producers, consumers; /* at a time */
	uint32_t lazy, flags;
	uint64_t first; /* number of the first record */
};

/* A handle of any kind and role. */
struct party {
	const struct kind *kind;
	enum xk_ring_role role;
	bool sits;
	struct xk_ring_hold *hold;
	union {
		struct xk_spsc_prod spsc_prod;
		struct xk_spsc_cons spsc_cons;
		struct xk_spsc_latency_prod latency_prod;
		struct xk_spsc_latency_cons latency_cons;
		struct xk_fanin_prod fanin_prod;
		struct xk_fanin_cons fanin_cons;
		struct xk_mpmc_prod mpmc_prod;
		struct xk_mpmc_cons mpmc_cons;
	};
};

/* A ring in a memfd, as every process that uses it knows it. */
struct arena {
	const struct kind *kind;
	struct crash_config config;
	struct xk_share *share;
	void *mem;
	size_t len;
	int fd;
};

struct kind {
	const char *name;
	enum xk_ring_kind number;
	bool many;        /* users of a role */
	uint64_t numbers; /* wrap at this mask */
	size_t (*size)(const struct crash_config *config);
	int (*init)(void *mem, size_t len, const struct crash_config *config);
	int (*producer)(struct party *u, void *mem, size_t len, int fd);
	int (*consumer)(struct party *u, void *mem, size_t len, int fd);
	unsigned (*push)(struct party *u, const void *recs, unsigned n);
	unsigned (*pop)(struct party *u, void *recs, unsigned n);
	int (*wait_space)(struct party *u, int how, int64_t timeout_ns);
	int (*wait_data)(struct party *u, int how, int64_t timeout_ns);
	void (*leave)(struct party *u);
};

extern const struct kind kind_spsc, kind_latency, kind_fanin, kind_mpmc;

void arena_open(struct arena *a, const struct kind *kind, const struct crash_config *config);
void arena_reset(struct arena *a); /* an empty ring in the same memory */
void arena_close(struct arena *a);

int party_join(struct party *u, const struct arena *a, enum xk_ring_role role);
void party_leave(struct party *u);
void party_die(struct party *u); /* what the kernel does for the dead: lets go of the lock */
unsigned party_push(struct party *u, const void *recs, unsigned n);
unsigned party_pop(struct party *u, void *recs, unsigned n);
int party_wait(struct party *u, int how, int64_t timeout_ns); /* for data, or for room */

/* --- records --- */

#ifndef CRASH_CHECKS
#define CRASH_CHECKS 1 /* words; 6: records that spsc_latency moves through its stream */
#endif

struct record {
	uint64_t who, seq, check[CRASH_CHECKS];
};

struct record record_make(uint64_t who, uint64_t seq);
bool record_whole(const struct record *record);

/* --- the book: what one process pushed and got --- */

#define BOOK_WHO 4u
#define BOOK_SEQ 128u

struct book {
	uint64_t pushed[BOOK_WHO];
	uint64_t next[BOOK_WHO]; /* in order: the least that may come next */
	unsigned got[BOOK_WHO][BOOK_SEQ];
	unsigned late; /* came out of order */
};

unsigned book_push(struct book *book, struct party *u, unsigned who, unsigned n);
unsigned book_pop(struct book *book, struct party *u, unsigned n);

/* --- the victim --- */

#define SAID_RECORDS 64u

/* In memory shared with the parent: what the victim was doing. */
struct said {
	volatile unsigned pushing, pushed; /* in this call, at most; in calls that returned */
	volatile unsigned popping, popped;
	volatile bool sat, done;
	volatile int wrong; /* a return value that cannot be */
	struct record
		got[SAID_RECORDS]; /* popped into: `popped` of them, then what was on its way */
};

struct victim {
	pid_t pid;
	uint64_t steps;
	bool sleeps; /* its work may sleep in a system call: look for it */
	bool asleep; /* it does */
};

struct said *said_map(void);

/* The child runs before(ctx) and stops in front of work(ctx), which is to be stepped. */
void victim_start(struct victim *v, struct said *said, void (*before)(void *ctx),
		  void (*work)(void *ctx), void *ctx);
/* One instruction, unless the work is done: false. It may fall asleep instead. */
bool victim_step(struct victim *v, const struct said *said);

/* The addresses of a work's instructions, one after the other, and how often each was there. */
struct trail {
	uint64_t *at;
	unsigned *turn;
	unsigned n, room;
	unsigned sleeps; /* the one that sleeps */
};

void trail_clear(struct trail *trail);
void trail_add(struct trail *trail, uint64_t address);
/* To the trail's instruction `to`, or a few steps before; in no case past the one that sleeps.
 * False: it went another way this time, and is of no use any more. */
bool victim_follow(struct victim *v, const struct trail *trail, unsigned to);

void victim_kill(struct victim *v);
void victim_halt(struct victim *v);         /* SIGSTOP, and let go of */
void victim_go_on(struct victim *v);        /* to its end */
uint64_t victim_at(const struct victim *v); /* address of the next instruction; 0 not known */

#endif
