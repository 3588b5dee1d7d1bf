/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h - what all rings share: the header that says what a ring is, the seats its users take,
 * and the bells they sleep on. Nobody needs more of this than the configurations' flags, the kinds
 * of waiting, and xk_ring_look(), xk_ring_repair() and their structures.
 *
 * A ring is one block of memory that every user may map at another address: offsets and 64-bit
 * free-running counters, no pointers.
 *
 *     header | data bell | space bell | seat ... seat | the ring's own part
 *
 * Seats. A user of a ring takes a seat: that of the one producer, a lane's, or any free one. With
 * a descriptor of the memory the seat is an OFD write lock (fcntl(2)) on the byte of twice the
 * seat's number, taken on an open file description of its own: the kernel lets go of it when the
 * last process that holds it is gone, however that happened, and at no other time. So a seat whose
 * holder died is known from one whose holder is merely stopped or slow, without time-outs and
 * without process ids, across containers too. Who mends a dead one's seat without sitting down has
 * the byte behind it, too, so that whoever comes meanwhile waits, and is not told of a holder. A
 * child made by fork() holds its parent's seats with it: take seats after forking. Without a
 * descriptor (-1: threads of one process) a seat is a word: -EBUSY until it is given back.
 *
 * Whoever takes a seat, and xk_ring_repair() for all seats, finishes what a dead holder left
 * undone: published counters are the only truth, and all else is rebuilt from them. What that
 * means for the records stands in each ring's header. A pop releases what it copied
 * before it returns: of a consumer killed in between, that one call's records are in its own memory
 * only. Where that matters, peek and release (spsc.h).
 *
 * Trust. Every number read from shared memory is checked against what was found valid when the
 * handle was made, on every use: a hostile or broken peer can give wrong records and stop the
 * traffic, but no access beside the ring. A handle of spsc, of fanin, or of spsc_latency with large
 * records that saw such a number says so (xk_*_broken()) and moves nothing more; with fanin one bad
 * lane breaks the consumer's handle. A bad word of spsc_latency's small records or of mpmc only
 * makes its slot one that never gets ready.
 */
#ifndef XSKIT_RING_H
#define XSKIT_RING_H

#include <stddef.h>
#include <stdint.h>
#include <xskit/atomic.h>
#include <xskit/err.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XK_RING_VERSION   3u   /* of the layout; rings of another one are refused */
#define XK_RING_LINE      64u  /* what cores hand to one another */
#define XK_RING_APART     128u /* and what the prefetcher takes with it */
#define XK_RING_SEATS_MAX 128u
#define XK_RING_SLOTS_MAX (1u << 28)
#define XK_RING_BYTES_MAX (1u << 20) /* a record */

enum xk_ring_kind {
	XK_RING_SPSC = 1,
	XK_RING_SPSC_LATENCY,
	XK_RING_FANIN,
	XK_RING_MPMC,
};

/* Flags of a ring's configuration. */
#define XK_RING_SLEEP    (1u << 0) /* waiters may sleep: every publication looks whether one does */
#define XK_RING_TOUCH    (1u << 1) /* consumers take finished lines: see stream.h */
#define XK_RING_NO_TOUCH (1u << 2)
#define XK_RING_BURSTS   (1u << 3) /* mpmc, for users who move bursts: see there */

/* What a ring is made of: given at creation, constant, and enough to know every offset. */
struct xk_ring_shape {
	uint32_t kind, flags;
	uint32_t record_bytes, slots; /* slots: a power of two */
	uint32_t lanes;               /* producers' seats; 0: a seat is anybody's */
	uint32_t seats;               /* all of them */
	uint32_t lazy;                /* the consumer publishes every so many records */
	uint32_t unused;
};

struct xk_ring_header {
	uint64_t magic;    /* release, last of all when made; pairs with the acquire of whoever
			      attaches */
	uint64_t version;  /* of what follows */
	uint64_t layout;   /* hash of all that decides where things lie */
	uint64_t bytes;    /* of the whole ring */
	uint64_t creation; /* random */
	struct xk_ring_shape shape;
	char unused[2 * XK_RING_APART - 40 - sizeof(struct xk_ring_shape)];
};

/* A word to sleep on, and to be looked at by whoever publishes. */
struct xk_ring_bell {
	xk_a32 waiting; /* 1: somebody sleeps, or is about to */
	xk_a32 rung;    /* how often it rang: what sleepers sleep on, since another one's 1 in
			   `waiting` looks like one's own */
	char apart[XK_RING_APART - 2 * sizeof(xk_a32)];
};

enum xk_ring_seat_state {
	XK_SEAT_FREE,
	XK_SEAT_LOCKED, /* its byte is locked, or its holder is dead */
	XK_SEAT_HELD,   /* without a descriptor */
};

struct xk_ring_seat {
	xk_a32 state;
	xk_a32 role; /* enum xk_ring_role */
	xk_a32 had;  /* 1 << role, or'ed: of everybody who ever sat here */
	xk_a32 unused;
	xk_a64 turns;    /* how often it was taken */
	xk_a64 waits[2]; /* how often its holders had to wait: producers, consumers */
	xk_a64 claim;    /* mpmc: what its holder is about to take, see mpmc.h */
	char apart[XK_RING_APART - 4 * sizeof(xk_a32) - 4 * sizeof(xk_a64)];
};

enum xk_ring_role {
	XK_ROLE_PRODUCER = 1,
	XK_ROLE_CONSUMER,
};

XK_INLINE xk_a64 *xk_ring_seat_waits(struct xk_ring_seat *seat, enum xk_ring_role role)
{
	return &seat->waits[role == XK_ROLE_CONSUMER];
}

struct xk_ring {
	struct xk_ring_header header;
	struct xk_ring_bell data, space; /* consumers, producers sleep on it */
};                                       /* seats follow */

XK_INLINE struct xk_ring_seat *xk_ring_seat_at(struct xk_ring *ring, uint32_t seat)
{
	return (struct xk_ring_seat *)(void *)(ring + 1) + seat;
}

/* A seat taken: the private part of every handle that has nothing to do with the fast path. */
struct xk_ring_hold {
	struct xk_ring *ring;
	struct xk_ring_shape shape; /* as it was when checked */
	size_t len;
	uint32_t seat;
	int lock_fd;       /* -1: a seat without a lock */
	bool took_over;    /* the seat's last holder died in it */
	uint64_t slice_ns; /* a sleeper looks around this often; UINT64_MAX: never (for tests) */
};

/* --- waiting --- */

enum xk_ring_wait {
	XK_WAIT_SPIN,  /* spin with PAUSE */
	XK_WAIT_SLEEP, /* spin a while, then futex(2); the ring must have XK_RING_SLEEP */
};

#define XK_WAIT_STAY 0x100 /* or'ed: do not return when the other side has left */

/* How long a sleeper trusts its bell before it looks for dead peers. A waker killed between its
 * publication and its wake-up call is the one case that needs this. */
#define XK_RING_SLICE_NS 50000000u

void xk_ring_wake(struct xk_ring_bell *bell); /* slow: somebody is waiting */

XK_INLINE void xk_ring_knock(struct xk_ring_bell *bell)
{
	if (xk_unlikely(xk_load_seq(&bell->waiting))) /* pairs with the store in xk_ring_arm() */
		xk_ring_wake(bell);
}

/*
 * Publish: the record, or the room, is there. Whoever waits stores 1 into the bell and then looks
 * at the word again; here it is the other way round. All four are sequentially consistent, so at
 * least one of the two sees what the other did.
 */
XK_INLINE void xk_ring_publish(xk_a64 *word, uint64_t value, struct xk_ring_bell *bell, bool sleep)
{
	if (!sleep) {
		xk_store_release(word, value); /* pairs with the other side's acquire */
	} else {
		xk_store_seq(word, value); /* pairs with the look after xk_ring_arm() */
		xk_ring_knock(bell);
	}
}

XK_INLINE void xk_ring_arm(struct xk_ring_bell *bell)
{
	xk_store_seq(&bell->waiting, 1u); /* pairs with the load in xk_ring_knock() */
}

/*
 * Wait until ready(ctx) says so; it must look with xk_load_seq(). timeout_ns: -1 for ever, 0 look
 * once. 0; -ETIMEDOUT; -EPIPE: the other side was here and is gone, and nothing is ready (never
 * with XK_WAIT_STAY); -EINVAL: XK_WAIT_SLEEP on a ring without XK_RING_SLEEP. From the holder's
 * thread.
 */
typedef bool (*xk_ring_ready_fn)(void *ctx);
int xk_ring_await(struct xk_ring_hold *hold, enum xk_ring_role me, xk_ring_ready_fn ready,
		  void *ctx, int how, int64_t timeout_ns);

/* --- looking from outside --- */

struct xk_ring_user {
	unsigned seat;
	enum xk_ring_role role;
	bool dead;      /* known only with a descriptor */
	uint64_t waits; /* of all who had this role in this seat */
};

struct xk_ring_info {
	struct xk_ring_shape shape;
	size_t bytes;
	uint64_t creation;
	uint64_t produced, consumed; /* records, in all, as far as published */
	uint64_t producer_waits, consumer_waits;
	unsigned n_users;
	struct xk_ring_user users[XK_RING_SEATS_MAX * 2];
};

/* Any kind of ring, from any thread, at any time, without a seat; what moves meanwhile is off by
 * what moved. Errors: as xk_ring_check(); fd -1: the dead cannot be known. */
int xk_ring_look(void *mem, size_t len, int fd, struct xk_ring_info *info, struct xk_err *err);

/*
 * Finish what dead users left undone and free their seats; wake all sleepers. Any kind, any thread
 * of any process, also while others use the ring. Number of seats mended; -EINVAL: fd -1; or as
 * xk_ring_check().
 */
int xk_ring_repair(void *mem, size_t len, int fd, struct xk_err *err);

/* The version of a ring that need not be this one's (XK_RING_VERSION); 0: it is no ring. */
uint64_t xk_ring_version(void *mem, size_t len);

/* --- for the rings themselves --- */

XK_INLINE bool xk_ring_slots_valid(uint32_t slots)
{
	return slots && slots <= XK_RING_SLOTS_MAX && !(slots & (slots - 1));
}

/* Bytes in front of the ring's own part; a multiple of 128. */
XK_INLINE size_t xk_ring_front(uint32_t seats)
{
	return sizeof(struct xk_ring) + (size_t)seats * sizeof(struct xk_ring_seat);
}

XK_INLINE void *xk_ring_own_part(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	return (char *)ring + xk_ring_front(shape->seats);
}

size_t xk_ring_bytes(const struct xk_ring_shape *shape); /* whole ring; 0: not a valid shape */

/*
 * Make an empty ring whose first record has this number; the magic comes last. 0; -EINVAL shape or
 * alignment; -ENOSPC len.
 */
int xk_ring_format(void *mem, size_t len, const struct xk_ring_shape *shape, uint64_t first);

/* Is it one, of this version, whole, of this kind (0: any), and do its counters fit each other?
 * Copies the shape out; nothing is read from the header after that. Any thread, at any time. 0;
 * -EPROTO it is none, or damaged; -EPROTONOSUPPORT of another version (xk_ring_version() tells);
 * -EPROTOTYPE of another kind, which the shape tells. */
int xk_ring_check(void *mem, size_t len, uint32_t kind, struct xk_ring_shape *shape);

/*
 * Take a seat in [first, first + count): a free one, or a dead holder's after mending what that one
 * left. 0, and hold->seat is the seat; -EBUSY: none is to be had, or only one that somebody mends
 * and does not come to an end with in a second; or an errno of open(2).
 */
int xk_ring_sit(struct xk_ring_hold *hold, void *mem, size_t len, int fd,
		const struct xk_ring_shape *shape, enum xk_ring_role role, uint32_t first,
		uint32_t count);
void xk_ring_rise(struct xk_ring_hold *hold);

/* A seat's lock: 0 it is ours now, so whoever sat there is dead or gone; -EBUSY somebody lives, who
 * sits there or mends. */
int xk_ring_lock_seat(int lock_fd, uint32_t seat);
void xk_ring_unlock_seat(int lock_fd, uint32_t seat);

#ifdef __cplusplus
}
#endif
#endif
