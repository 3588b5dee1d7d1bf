// SPDX-License-Identifier: BSD-2-Clause
/* mpmc: seats, the ledger of who moved the counters, and what the dead leave. */
#include <errno.h>
#include <xskit/mpmc.h>
#include "ring_internal.h"
#include "stream_internal.h"

#define NOBODY  0xffu      /* moved a counter that nobody moved yet */
#define NOWHERE UINT64_MAX /* in the ledger: no number */

/* More states of slots, behind head: a dead consumer's record that nobody has yet, and one that the
 * consumer in the seat of the low 7 bits is copying. */
#define ORPHANED 3u
#define ADOPTING 0x80u

enum {
	TAIL,
	HEAD,
	COUNTERS,
};

static struct xk_ring_shape shape_of(const struct xk_mpmc_config *config)
{
	return (struct xk_ring_shape){
		.kind = XK_RING_MPMC,
		.flags = xk_stream_flags(config->flags, config->record_bytes, config->slots),
		.record_bytes = config->record_bytes,
		.slots = config->slots,
		.seats = config->users,
	};
}

size_t xk_mpmc_size(const struct xk_mpmc_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_bytes(&shape);
}

int xk_mpmc_init(void *mem, size_t len, const struct xk_mpmc_config *config)
{
	struct xk_ring_shape shape = shape_of(config);

	return xk_ring_format(mem, len, &shape, config->first);
}

/* --- where things lie: shared | ledger[seat][counter][seat] | words | records --- */

static struct xk_mpmc_shared *shared_of(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	return xk_ring_own_part(ring, shape);
}

static size_t row_bytes(const struct xk_ring_shape *shape)
{
	return xk_ring_apart(COUNTERS * shape->seats * sizeof(xk_a64));
}

static xk_a64 *row_of(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat,
		      unsigned counter)
{
	char *rows = (char *)(shared_of(ring, shape) + 1);

	return (xk_a64 *)(void *)(rows + seat * row_bytes(shape)) + counter * shape->seats;
}

static struct xk_mpmc_words words_of(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	char *rows = (char *)(shared_of(ring, shape) + 1);

	return (struct xk_mpmc_words){
		.at = (xk_a32 *)(void *)(rows + shape->seats * row_bytes(shape)),
		.spread = shape->flags & XK_RING_BURSTS ? 0 : 1,
	};
}

static size_t words_bytes(const struct xk_ring_shape *shape)
{
	return xk_ring_apart((size_t)shape->slots * (shape->flags & XK_RING_BURSTS ? 4 : 8));
}

static char *records_of(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	return (char *)words_of(ring, shape).at + words_bytes(shape);
}

static xk_a32 *slot_of(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t number)
{
	struct xk_mpmc_words words = words_of(ring, shape);

	return xk_mpmc_slot(&words, number, shape->slots);
}

/* --- users --- */

static int join(struct xk_mpmc_user *u, void *mem, size_t len, int fd, enum xk_ring_role role)
{
	struct xk_ring_shape shape;
	struct xk_ring *ring = mem;
	bool producer = role == XK_ROLE_PRODUCER;
	int ret = xk_ring_check(mem, len, XK_RING_MPMC, &shape);

	if (!ret)
		ret = xk_ring_sit(&u->hold, mem, len, fd, &shape, role, 0, shape.seats);
	if (ret)
		return ret;
	u->shared = shared_of(ring, &shape);
	u->counter = producer ? &u->shared->tail : &u->shared->head;
	u->seat = xk_ring_seat_at(ring, u->hold.seat);
	u->row = row_of(ring, &shape, u->hold.seat, producer ? TAIL : HEAD);
	u->words = words_of(ring, &shape);
	u->records = records_of(ring, &shape);
	u->bell = producer ? &ring->data : &ring->space;
	u->slots = shape.slots;
	u->record_bytes = shape.record_bytes;
	u->sleep = shape.flags & XK_RING_SLEEP;
	u->touch = shape.flags & XK_RING_TOUCH;
	return 0;
}

int xk_mpmc_producer(struct xk_mpmc_prod *p, void *mem, size_t len, int fd)
{
	return join(&p->user, mem, len, fd, XK_ROLE_PRODUCER);
}

int xk_mpmc_consumer(struct xk_mpmc_cons *c, void *mem, size_t len, int fd)
{
	return join(&c->user, mem, len, fd, XK_ROLE_CONSUMER);
}

void xk_mpmc_producer_detach(struct xk_mpmc_prod *p)
{
	xk_ring_rise(&p->user.hold);
}

void xk_mpmc_consumer_detach(struct xk_mpmc_cons *c)
{
	xk_ring_rise(&c->user.hold);
}

bool xk_mpmc_pass_void(struct xk_mpmc_cons *c)
{
	struct xk_mpmc_user *u = &c->user;
	uint64_t number;
	uint32_t word;

	if (!xk_mpmc_claim(u, 1, XK_MPMC_VOID, &number, &word, u->slots, u->record_bytes))
		return xk_mpmc_low(word) != XK_MPMC_FREE;
	xk_mpmc_publish(u, number, 1, XK_MPMC_FREE, u->slots);
	return true;
}

/* --- waiting --- */

/* Is the counter's next slot in this state, or a later one? If the counter moved meanwhile, the
 * caller may as well try. */
static bool next_slot_ready(struct xk_mpmc_user *u, uint32_t wanted)
{
	uint64_t number = xk_mpmc_number(xk_load_seq(&u->counter->word));
	uint32_t word = xk_load_seq(xk_mpmc_slot(&u->words, number, u->slots));

	return (int32_t)(word - xk_mpmc_mark(number, wanted, u->slots)) >= 0;
}

static bool has_space(void *prod)
{
	struct xk_mpmc_prod *p = prod;

	return next_slot_ready(&p->user, XK_MPMC_FREE);
}

static bool has_data(void *cons)
{
	struct xk_mpmc_cons *c = cons;

	/* Relaxed: who sets it rings, whether or not somebody seems to wait. */
	return next_slot_ready(&c->user, XK_MPMC_FULL) || xk_load_relaxed(&c->user.shared->orphans);
}

int xk_mpmc_wait_space(struct xk_mpmc_prod *p, int how, int64_t timeout_ns)
{
	return xk_ring_await(&p->user.hold, XK_ROLE_PRODUCER, has_space, p, how, timeout_ns);
}

int xk_mpmc_wait_data(struct xk_mpmc_cons *c, int how, int64_t timeout_ns)
{
	return xk_ring_await(&c->user.hold, XK_ROLE_CONSUMER, has_data, c, how, timeout_ns);
}

/* --- what the dead leave --- */

struct claim {
	uint64_t number;
	uint32_t n;
};

/* Did the seat's claim come true: is there proof that it moved the counter to the claim's end? */
static bool came_true(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat,
		      unsigned counter, const struct claim *claim)
{
	struct xk_mpmc_shared *shared = shared_of(ring, shape);
	struct xk_mpmc_counter *c = counter == TAIL ? &shared->tail : &shared->head;
	uint64_t end = xk_mpmc_number(xk_mpmc_word(claim->number + claim->n, 0));

	/* Pairs with xk_mpmc_take()'s CAS: either the word is the seat's, or the row is there. */
	if (xk_load_acquire(&c->word) == xk_mpmc_word(end, seat))
		return true;
	for (uint32_t other = 0; other < shape->seats; other++)
		if (xk_load_relaxed(&row_of(ring, shape, other, counter)[seat]) == end)
			return true;
	return false;
}

/* What the seat's dead holder took and did not finish, if anything. */
static struct claim last_claim(struct xk_ring *ring, const struct xk_ring_shape *shape,
			       uint32_t seat, unsigned counter)
{
	/* Its own word: all that it wrote comes with its seat's lock, which we have. */
	uint64_t word = xk_load_relaxed(&xk_ring_seat_at(ring, seat)->claim);
	struct claim claim = {xk_mpmc_number(word), xk_mpmc_low(word)};

	if (claim.n && !came_true(ring, shape, seat, counter, &claim))
		claim.n = 0;
	return claim;
}

/* A slot in this state for this number, which the dead one took, goes to that one. Relaxed: it had
 * acquired the word when it took it, and its seat's lock brings us what it knew. */
static bool slot_move(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t number,
		      uint32_t from, uint32_t to)
{
	xk_a32 *slot = slot_of(ring, shape, number);

	if (xk_load_relaxed(slot) != xk_mpmc_mark(number, from, shape->slots))
		return false;
	/* Pairs with xk_mpmc_count()'s acquire, and adopt_slot()'s CAS: what the dead one did to
	 * the record was before. */
	xk_store_release(slot, to);
	return true;
}

static void void_unwritten(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat)
{
	struct claim claim = last_claim(ring, shape, seat, TAIL);

	for (uint32_t i = 0; i < claim.n; i++)
		slot_move(ring, shape, claim.number + i, XK_MPMC_FREE,
			  xk_mpmc_mark(claim.number + i, XK_MPMC_VOID, shape->slots));
}

/* A dead consumer's records, that it took and did not release, are anybody's now; void ones are
 * released. Not by CAS: a slot that it took is ours as long as we have its seat's lock. */
static void orphan_taken(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat)
{
	struct claim claim = last_claim(ring, shape, seat, HEAD);

	for (uint32_t i = 0; i < claim.n; i++) {
		uint64_t number = claim.number + i;

		slot_move(ring, shape, number, XK_MPMC_VOID,
			  xk_mpmc_mark(number + shape->slots, XK_MPMC_FREE, shape->slots));
		slot_move(ring, shape, number, XK_MPMC_FULL,
			  xk_mpmc_mark(number, ORPHANED, shape->slots));
	}
}

/* So are those that it was about to adopt, wherever they are. Is there any orphan? Seen even if
 * who marked it, or who took the flag down, died before it set it: see clear_flag(). */
static bool orphan_adopted(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat)
{
	bool any = false;

	for (uint32_t i = 0; i < shape->slots; i++) {
		xk_a32 *slot = slot_of(ring, shape, i);
		uint32_t word = xk_load_relaxed(slot); /* its adopter's, whose lock we have */

		if (xk_mpmc_low(word) == (ADOPTING | seat)) {
			word = (word & ~0xffu) | ORPHANED;
			xk_store_release(slot, word); /* pairs with adopt_slot()'s CAS */
		}
		any |= xk_mpmc_low(word) == ORPHANED;
	}
	return any;
}

static void mend(struct xk_ring *ring, const struct xk_ring_shape *shape, uint32_t seat)
{
	if (xk_load_relaxed(&xk_ring_seat_at(ring, seat)->role) == XK_ROLE_PRODUCER) {
		void_unwritten(ring, shape, seat);
	} else {
		orphan_taken(ring, shape, seat);
		if (orphan_adopted(ring, shape, seat)) /* pairs with clear_flag() */
			(void)xk_swap_acq_rel(&shared_of(ring, shape)->orphans, 1u);
	}
	xk_ring_call(&ring->data);
	xk_ring_call(&ring->space);
}

/* Take an orphan: from here on it is ours, or that of whoever mends our seat. Pairs with
 * slot_move(), and orphan_adopted(). */
static bool adopt_slot(struct xk_mpmc_user *u, uint64_t number)
{
	xk_a32 *slot = xk_mpmc_slot(&u->words, number, u->slots);
	uint32_t orphan = xk_mpmc_mark(number, ORPHANED, u->slots);
	uint32_t mine = xk_mpmc_mark(number, ADOPTING | u->hold.seat, u->slots);

	return xk_load_relaxed(slot) == orphan && xk_cas_acquire(slot, &orphan, mine);
}

static bool orphans_left(struct xk_mpmc_user *u)
{
	for (uint32_t i = 0; i < u->slots; i++)
		if (xk_mpmc_low(xk_load_relaxed(xk_mpmc_slot(&u->words, i, u->slots))) == ORPHANED)
			return true;
	return false;
}

/* First down, then a look: a slot that was marked before is seen, and one marked after that is
 * told by its marker. Should we die in between, the mending of our seat looks too.
 *
 * The flag is only ever swapped: so who takes it down acquires the marks of all who set it before.
 * A store would see nobody's, and hide those of whoever set it earlier from the next one. */
static void clear_flag(struct xk_mpmc_user *u)
{
	(void)xk_swap_acq_rel(&u->shared->orphans, 0u); /* pairs with mend(), and the next one */
	if (orphans_left(u)) {
		(void)xk_swap_acq_rel(&u->shared->orphans, 1u);
		xk_ring_call(&u->hold.ring->data); /* who looked in between, and went to sleep */
	}
}

/* All orphans lie in the lap before head, which they keep from coming round. */
unsigned xk_mpmc_adopt(struct xk_mpmc_cons *c, void *recs, unsigned n)
{
	struct xk_mpmc_user *u = &c->user;
	uint64_t head = xk_mpmc_number(xk_load_relaxed(&u->counter->word)); /* where to look */
	unsigned got = 0;

	for (uint32_t i = 0; i < u->slots && got < n; i++) {
		uint64_t number = xk_mpmc_number(xk_mpmc_word(head - u->slots + i, 0));

		if (!adopt_slot(u, number))
			continue;
		xk_stream_drain(u->records, number, (char *)recs + (size_t)got++ * u->record_bytes,
				1, u->record_bytes, u->slots);
		xk_mpmc_publish(u, number, 1, XK_MPMC_FREE, u->slots);
	}
	if (got < n)
		clear_flag(u);
	return got;
}

/* --- for ring.c --- */

static bool valid(const struct xk_ring_shape *shape)
{
	return shape->slots >= 2 && !shape->lanes && shape->seats <= XK_RING_SEATS_MAX &&
	       !shape->lazy;
}

static size_t own_bytes(const struct xk_ring_shape *shape)
{
	return sizeof(struct xk_mpmc_shared) + shape->seats * row_bytes(shape) +
	       words_bytes(shape) + (size_t)shape->slots * shape->record_bytes;
}

static void format(struct xk_ring *ring, const struct xk_ring_shape *shape, uint64_t first)
{
	struct xk_mpmc_shared *shared = shared_of(ring, shape);

	shared->tail.word = shared->head.word = xk_mpmc_word(first, NOBODY);
	for (uint32_t seat = 0; seat < shape->seats; seat++)
		for (uint32_t i = 0; i < COUNTERS * shape->seats; i++)
			row_of(ring, shape, seat, TAIL)[i] = NOWHERE;
	for (uint32_t i = 0; i < shape->slots; i++)
		*slot_of(ring, shape, first + i) =
			xk_mpmc_mark(first + i, XK_MPMC_FREE, shape->slots);
}

static void count(struct xk_ring *ring, const struct xk_ring_shape *shape,
		  struct xk_ring_counts *counts)
{
	struct xk_mpmc_shared *shared = shared_of(ring, shape);

	counts->consumed = xk_mpmc_number(xk_load_acquire(&shared->head.word));
	counts->produced = xk_mpmc_number(xk_load_relaxed(&shared->tail.word));
}

/* a - b, of numbers that wrap at 2^56. */
static int64_t distance(uint64_t a, uint64_t b)
{
	return (int64_t)(xk_mpmc_word(a, 0) - xk_mpmc_word(b, 0)) / (1 << 8);
}

static bool moved_by_somebody(uint64_t word, const struct xk_ring_shape *shape)
{
	return xk_mpmc_low(word) < shape->seats || xk_mpmc_low(word) == NOBODY;
}

/* As xk_stream_fits(). The acquires pair with xk_mpmc_take()'s CAS: who moved a counter had seen
 * the slots' words, and with them the other counter where it was when they were published. */
static bool fits(struct xk_ring *ring, const struct xk_ring_shape *shape)
{
	struct xk_mpmc_shared *shared = shared_of(ring, shape);
	uint64_t before = xk_load_acquire(&shared->head.word);
	uint64_t tail = xk_load_acquire(&shared->tail.word);
	uint64_t after = xk_load_acquire(&shared->head.word);

	return moved_by_somebody(tail, shape) && moved_by_somebody(after, shape) &&
	       distance(xk_mpmc_number(tail), xk_mpmc_number(before)) >= 0 &&
	       distance(xk_mpmc_number(tail), xk_mpmc_number(after)) <= (int64_t)shape->slots;
}

const struct xk_ring_ops xk_ring_mpmc_ops = {
	.valid = valid,
	.own_bytes = own_bytes,
	.format = format,
	.mend = mend,
	.count = count,
	.fits = fits,
};
