/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mpmc.h - a ring of fixed-size records from many producers to many consumers, strictly FIFO.
 *
 * D. Vyukov's bounded queue, made to survive its users. Every slot has a word that says for which
 * record number r (r % N is the slot, the lap is r / N) it is free or full; producers take numbers
 * from `tail`, consumers from `head`, several at once in a burst, with one compare-and-swap.
 *
 *     producer                                     consumer
 *     load slot: free for r?, acquire <----------- store slot: free for r + N, release
 *     store claim (own seat)                       load slot: full with r?, acquire  <---.
 *     CAS tail r -> r + n, release                 store claim (own seat)                |
 *     write record                                 CAS head r -> r + n, release          |
 *     store slot: full with r, release ----.       read record                           |
 *                                          '---------------------------------------------'
 *
 * A slot's word has 32 bits: 24 of the lap, and a state: free, full, or void (nobody will write
 * this record: pass it by). Who looks at a slot with a number that is 2^24 laps old may be
 * deceived, but its CAS is not. tail and head are a number shifted by 8, and the seat that moved
 * them last.
 *
 * Who has what, should its holder die between the CAS and the slot's store: before the CAS it
 * notes in its seat what it is about to take (claim: first number and how many). The claim came
 * true if tail says so: its end, moved there by this seat. Whoever moves tail on first writes down,
 * in its own row of the ledger (one for tail, one for head), how far the seat before it got; so the
 * proof is never overwritten before it is copied, and each word has one writer. Only between two
 * that take turns does that cost a store.
 *
 * Death (ring.h, xk_ring_repair(), which everyone who waits calls): of a producer: what it had
 * taken and not published is marked void; all that was published arrives. Of a consumer: what it
 * had taken and not released, 255 records at most, goes to the consumers that find the ring empty:
 * at least once, and out of order (their slots are marked orphaned, and with the seat that copies
 * one while it does). Everybody else goes on meanwhile until the lap comes round.
 *
 * A producer or consumer that is merely stopped between the CAS and the slot's store holds up those
 * who come to that slot, and nobody robs it.
 *
 * Words and records lie in two arrays: records of a burst are copied in one piece. Consumers touch
 * the lines they have read (stream.h) before they release them. Words are 8 bytes apart; with
 * XK_RING_BURSTS 4, so that bursts move half as many lines of them (32 records of 8 bytes at a
 * time: 6.2 ns a record instead of 10), and those who move one at a time get into each other's way
 * in a line of 16 (30 ns instead of 20).
 *
 * Sizes: 896 bytes; 128 for each user's seat, and 16 * users, rounded up to 128, for its rows of
 * the ledger; 8 bytes a slot (XK_RING_BURSTS: 4) and the records, each rounded up to 128. Numbers
 * wrap at 2^56. Thread contract: one handle, one thread at a time; up to `users` handles of both
 * roles at a time, attaching and detaching while others run.
 */
#ifndef XSKIT_MPMC_H
#define XSKIT_MPMC_H

#include <xskit/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XK_MPMC_CLAIM_MAX 255u       /* records a call: what a claim can say */
#define XK_MPMC_SMALL     16u        /* bytes: records that are fetched ahead of a burst */
#define XK_MPMC_TRIES     (1u << 20) /* then a peer is playing with the counter */

struct xk_mpmc_config {
	uint32_t record_bytes; /* 1 to 1,048,576 */
	uint32_t slots;        /* a power of two, 2 to 2^28 */
	uint32_t users;        /* producers and consumers at a time: 1 to 128 */
	uint32_t flags;        /* XK_RING_BURSTS; XK_RING_SLEEP and the others as in spsc.h */
	uint64_t first;        /* number of the first record: 0, or to see it wrap */
};

enum xk_mpmc_state {
	XK_MPMC_FREE,
	XK_MPMC_FULL,
	XK_MPMC_VOID,
};

/* A number and its low 8 bits: a counter's last mover, a claim's count. */
XK_INLINE uint64_t xk_mpmc_word(uint64_t number, uint32_t low)
{
	return number << 8 | low;
}

XK_INLINE uint64_t xk_mpmc_number(uint64_t word)
{
	return word >> 8;
}

XK_INLINE uint32_t xk_mpmc_low(uint64_t word)
{
	return (uint32_t)(word & 0xff);
}

/* A slot's word: the number's lap and the slot's state. */
XK_INLINE uint32_t xk_mpmc_mark(uint64_t number, uint32_t state, uint32_t slots)
{
	return (uint32_t)(number >> __builtin_ctz(slots)) << 8 | state;
}

/* A counter that many move; the ledger's rows and the slots follow. */
struct xk_mpmc_counter {
	xk_a64 word;
	char apart[XK_RING_APART - sizeof(xk_a64)];
};

struct xk_mpmc_shared {
	struct xk_mpmc_counter tail, head;
	xk_a32 orphans; /* 1: there may be records of dead consumers */
	char apart[XK_RING_APART - sizeof(xk_a32)];
};

struct xk_mpmc_words { /* of the slots */
	xk_a32 *at;
	uint32_t spread; /* they are 4 << spread bytes apart */
};

struct xk_mpmc_user {
	struct xk_mpmc_counter *counter; /* tail or head */
	struct xk_ring_seat *seat;
	xk_a64 *row; /* of the ledger, this seat's: how far each other seat got with this counter */
	struct xk_mpmc_words words;
	char *records;
	struct xk_mpmc_shared *shared;
	struct xk_ring_bell *bell;
	uint32_t slots, record_bytes;
	bool sleep, touch;
	struct xk_ring_hold hold;
};

struct xk_mpmc_prod {
	struct xk_mpmc_user user;
};

struct xk_mpmc_cons {
	struct xk_mpmc_user user;
};

size_t xk_mpmc_size(const struct xk_mpmc_config *config); /* 0: not valid */
int xk_mpmc_init(void *mem, size_t len, const struct xk_mpmc_config *config);

/* As in spsc.h. -EBUSY: all seats are taken. */
int xk_mpmc_producer(struct xk_mpmc_prod *p, void *mem, size_t len, int fd);
int xk_mpmc_consumer(struct xk_mpmc_cons *c, void *mem, size_t len, int fd);
void xk_mpmc_producer_detach(struct xk_mpmc_prod *p);
void xk_mpmc_consumer_detach(struct xk_mpmc_cons *c);

/* --- fast --- */

XK_INLINE xk_a32 *xk_mpmc_slot(const struct xk_mpmc_words *words, uint64_t number, uint32_t slots)
{
	return words->at + ((number & (slots - 1)) << words->spread);
}

/* A burst's lines are on their way while the first is looked at: the CAS would wait for each kind
 * in turn. Records: only small ones, of large ones there are too many lines. */
XK_INLINE void xk_mpmc_prefetch(const struct xk_mpmc_user *u, uint64_t number, unsigned n,
				uint32_t slots, uint32_t record_bytes)
{
	uint64_t first = number & (slots - 1);
	uint64_t end = first + n < slots ? first + n : slots;
	uint32_t a_line = XK_RING_LINE / sizeof(xk_a32) >> u->words.spread;

	for (uint64_t i = first + a_line; i < end; i += a_line)
		xk_prefetch(xk_mpmc_slot(&u->words, i, slots));
	xk_prefetch(xk_mpmc_slot(&u->words, end - 1, slots));
	if (record_bytes <= XK_MPMC_SMALL)
		for (uint64_t at = first * record_bytes; at < end * record_bytes;
		     at += XK_RING_LINE)
			xk_prefetch(u->records + at);
}

/* How many slots from `number` on are in this state, n at most; *first is the first one's word.
 * The acquires pair with the stores of whoever published the slots. */
XK_INLINE unsigned xk_mpmc_count(const struct xk_mpmc_user *u, uint64_t number, unsigned n,
				 uint32_t state, uint32_t *first, uint32_t slots,
				 uint32_t record_bytes)
{
	const struct xk_mpmc_words words = u->words; /* in registers */
	unsigned there = 0;

	*first = xk_load_acquire(xk_mpmc_slot(&words, number, slots));
	if (xk_unlikely(*first != xk_mpmc_mark(number, state, slots)))
		return 0;
	if (n > 1)
		xk_mpmc_prefetch(u, number, n, slots, record_bytes);
	while (++there < n && xk_load_acquire(xk_mpmc_slot(&words, number + there, slots)) ==
				      xk_mpmc_mark(number + there, state, slots))
		;
	return there;
}

/* Move the counter from `was` on by n: note the claim, keep the proof of the seat before. */
XK_INLINE bool xk_mpmc_take(struct xk_mpmc_user *u, uint64_t was, unsigned n)
{
	uint32_t before = xk_mpmc_low(was), me = u->hold.seat;
	uint64_t number = xk_mpmc_number(was);

	if (before != me && before < u->hold.shape.seats)
		xk_store_relaxed(&u->row[before], number);
	xk_store_relaxed(&u->seat->claim, xk_mpmc_word(number, n));
	/* Pairs with came_true(), which looks for the row. The claim is for whoever gets our seat's
	 * lock: release, since it must be there first should we die in between. */
	return xk_cas_release(&u->counter->word, &was, xk_mpmc_word(number + n, me));
}

/*
 * Take up to n numbers whose slots are in this state. 0: the first is not, and it is not that
 * somebody else took it meanwhile; *word is what it holds.
 */
XK_INLINE unsigned xk_mpmc_claim(struct xk_mpmc_user *u, unsigned n, uint32_t state,
				 uint64_t *number, uint32_t *word, uint32_t slots,
				 uint32_t record_bytes)
{
	if (n > XK_MPMC_CLAIM_MAX)
		n = XK_MPMC_CLAIM_MAX;
	if (n > slots) /* words that change while they are counted could say more */
		n = slots;
	for (unsigned tries = 0; tries < XK_MPMC_TRIES; tries++) {
		uint64_t was = xk_load_relaxed(&u->counter->word);
		unsigned there;

		*number = xk_mpmc_number(was);
		there = xk_mpmc_count(u, *number, n, state, word, slots, record_bytes);
		if (xk_likely(there)) {
			if (xk_likely(xk_mpmc_take(u, was, there)))
				return there;
		} else if (xk_load_relaxed(&u->counter->word) == was) {
			break;
		}
		xk_pause();
	}
	return 0;
}

/* The slots of these numbers are now in this state: one by one, since others may have claimed any
 * of them. As xk_ring_publish(). */
XK_INLINE void xk_mpmc_publish(struct xk_mpmc_user *u, uint64_t number, unsigned n, uint32_t state,
			       uint32_t slots)
{
	const struct xk_mpmc_words words = u->words; /* in registers */
	const bool sleep = u->sleep;

	for (unsigned i = 0; i < n; i++, number++) {
		uint64_t next = state == XK_MPMC_FREE ? number + slots : number;
		uint32_t mark = xk_mpmc_mark(next, state, slots);

		if (!sleep) {
			/* pairs with the acquires in xk_mpmc_count() */
			xk_store_release(xk_mpmc_slot(&words, number, slots), mark);
		} else {
			/* pairs with the look after xk_ring_arm() */
			xk_store_seq(xk_mpmc_slot(&words, number, slots), mark);
			xk_ring_knock(u->bell);
		}
	}
}

XK_INLINE unsigned xk_mpmc_push_k(struct xk_mpmc_prod *p, const void *recs, unsigned n,
				  uint32_t record_bytes, uint32_t slots)
{
	struct xk_mpmc_user *u = &p->user;
	uint64_t number;
	uint32_t word;
	unsigned took;

	if (xk_unlikely(!n))
		return 0;
	took = xk_mpmc_claim(u, n, XK_MPMC_FREE, &number, &word, slots, record_bytes);
	if (xk_unlikely(!took))
		return 0;
	xk_stream_fill(u->records, number, recs, n == 1 ? 1 : took, record_bytes, slots);
	xk_mpmc_publish(u, number, n == 1 ? 1 : took, XK_MPMC_FULL, slots);
	return took;
}

/* The first record is void: pass it by. The ring is empty: what did dead consumers leave? */
bool xk_mpmc_pass_void(struct xk_mpmc_cons *c);
unsigned xk_mpmc_adopt(struct xk_mpmc_cons *c, void *recs, unsigned n);

/* Nothing to be had at once: perhaps something that dead users left. */
static inline unsigned xk_mpmc_pop_left(struct xk_mpmc_cons *c, void *recs, unsigned n)
{
	return xk_load_relaxed(&c->user.shared->orphans) ? xk_mpmc_adopt(c, recs, n) : 0;
}

XK_INLINE unsigned xk_mpmc_pop_k(struct xk_mpmc_cons *c, void *recs, unsigned n,
				 uint32_t record_bytes, uint32_t slots)
{
	struct xk_mpmc_user *u = &c->user;
	uint64_t number;
	uint32_t word;
	unsigned took;

	if (xk_unlikely(!n))
		return 0;
	do {
		took = xk_mpmc_claim(u, n, XK_MPMC_FULL, &number, &word, slots, record_bytes);
	} while (xk_unlikely(!took && word == xk_mpmc_mark(number, XK_MPMC_VOID, slots) &&
			     xk_mpmc_pass_void(c)));
	if (xk_unlikely(!took))
		return xk_mpmc_pop_left(c, recs, n);
	xk_stream_drain(u->records, number, recs, n == 1 ? 1 : took, record_bytes, slots);
	if (u->touch)
		xk_stream_touch_records(u->records, number, n == 1 ? 1 : took, record_bytes, slots);
	xk_mpmc_publish(u, number, n == 1 ? 1 : took, XK_MPMC_FREE, slots);
	return took;
}

static inline unsigned xk_mpmc_push(struct xk_mpmc_prod *p, const void *recs, unsigned n)
{
	return xk_mpmc_push_k(p, recs, n, p->user.record_bytes, p->user.slots);
}

static inline unsigned xk_mpmc_pop(struct xk_mpmc_cons *c, void *recs, unsigned n)
{
	return xk_mpmc_pop_k(c, recs, n, c->user.record_bytes, c->user.slots);
}

/* --- slow --- */

/* Until there is room for one record, or one record: with several users, somebody else may get it
 * first. See xk_ring_await(). */
int xk_mpmc_wait_space(struct xk_mpmc_prod *p, int how, int64_t timeout_ns);
int xk_mpmc_wait_data(struct xk_mpmc_cons *c, int how, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
