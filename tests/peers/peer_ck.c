// SPDX-License-Identifier: BSD-2-Clause
/* Concurrency Kit's ck_ring, with records by value; a ring of S slots holds S - 1. */
#include "bench/ring_glue.h"
#include "peers.h"

#if __has_include(<ck_ring.h>)
#include <ck_ring.h>

struct rec8 {
	uint64_t word;
};

struct rec64 {
	uint64_t word[8];
} __attribute__((aligned(64)));

CK_RING_PROTOTYPE(rec8, rec8)
CK_RING_PROTOTYPE(rec64, rec64)

struct ck {
	struct ck_ring ring;
	unsigned char buffer[] __attribute__((aligned(128)));
};

struct ck_handle {
	struct ck *ck;
};

static bool ck_fits(const struct ring_cell *cell)
{
	return cell->element_bytes == 8 || cell->element_bytes == 64;
}

static size_t ck_size(const struct ring_cell *cell)
{
	return sizeof(struct ck) + (size_t)cell->slots * cell->element_bytes;
}

static int ck_init(void *mem, size_t len, const struct ring_cell *cell)
{
	(void)len;
	ck_ring_init(&((struct ck *)mem)->ring, cell->slots);
	return 0;
}

static int ck_open(struct ck_handle *handle, const struct ring_task *task, void *mem)
{
	(void)task;
	handle->ck = mem;
	return 0;
}

static void ck_close(struct ck_handle *handle)
{
	(void)handle;
}

/* The calls of one kind, spsc or mpmc, for both sizes of records. */
#define CK_CALLS(kind)                                                                             \
	RING_INLINE bool ck_##kind##_enqueue(struct ck *ck, const unsigned char *rec,              \
					     unsigned bytes)                                       \
	{                                                                                          \
		if (bytes == 8)                                                                    \
			return ck_ring_enqueue_##kind##_rec8(&ck->ring, (struct rec8 *)ck->buffer, \
							     (struct rec8 *)rec);                  \
		return ck_ring_enqueue_##kind##_rec64(&ck->ring, (struct rec64 *)ck->buffer,       \
						      (struct rec64 *)rec);                        \
	}                                                                                          \
	RING_INLINE bool ck_##kind##_dequeue(struct ck *ck, unsigned char *rec, unsigned bytes)    \
	{                                                                                          \
		if (bytes == 8)                                                                    \
			return ck_ring_dequeue_##kind##_rec8(&ck->ring, (struct rec8 *)ck->buffer, \
							     (struct rec8 *)rec);                  \
		return ck_ring_dequeue_##kind##_rec64(&ck->ring, (struct rec64 *)ck->buffer,       \
						      (struct rec64 *)rec);                        \
	}                                                                                          \
	RING_INLINE unsigned ck_##kind##_push(void *handle, const void *recs, unsigned n,          \
					      unsigned bytes, unsigned slots)                      \
	{                                                                                          \
		struct ck *ck = ((struct ck_handle *)handle)->ck;                                  \
		unsigned i = 0;                                                                    \
                                                                                                   \
		(void)slots;                                                                       \
		while (i < n &&                                                                    \
		       ck_##kind##_enqueue(ck, (const unsigned char *)recs + (size_t)i * bytes,    \
					   bytes))                                                 \
			i++;                                                                       \
		return i;                                                                          \
	}                                                                                          \
	RING_INLINE unsigned ck_##kind##_pop(void *handle, void *recs, unsigned n, unsigned bytes, \
					     unsigned slots)                                       \
	{                                                                                          \
		struct ck *ck = ((struct ck_handle *)handle)->ck;                                  \
		unsigned i = 0;                                                                    \
                                                                                                   \
		(void)slots;                                                                       \
		while (i < n &&                                                                    \
		       ck_##kind##_dequeue(ck, (unsigned char *)recs + (size_t)i * bytes, bytes))  \
			i++;                                                                       \
		return i;                                                                          \
	}

#define ck_spsc_open_to    ck_open
#define ck_spsc_open_from  ck_open
#define ck_spsc_close_to   ck_close
#define ck_spsc_close_from ck_close
#define ck_mpmc_open_to    ck_open
#define ck_mpmc_open_from  ck_open
#define ck_mpmc_close_to   ck_close
#define ck_mpmc_close_from ck_close

CK_CALLS(spsc)
CK_CALLS(mpmc)
RING_PARTS(ck_spsc, struct ck_handle, struct ck_handle)
RING_PARTS(ck_mpmc, struct ck_handle, struct ck_handle)

#define CK_ALGO(kind, most)                                                                        \
	static const struct ring_algo ck_##kind = {                                                \
		.name = "peer:ck-" #kind,                                                          \
		.order = "fifo",                                                                   \
		.processes = true,                                                                 \
		.max_producers = most,                                                             \
		.max_consumers = most,                                                             \
		.fits = ck_fits,                                                                   \
		.size = ck_size,                                                                   \
		.init = ck_init,                                                                   \
		.produce = ck_##kind##_produce,                                                    \
		.consume = ck_##kind##_consume,                                                    \
		.ping = ck_##kind##_ping,                                                          \
		.pong = ck_##kind##_pong,                                                          \
	}

CK_ALGO(spsc, 1);
CK_ALGO(mpmc, RING_MAX_WORKERS);

const struct ring_algo *const peers_ck[] = {&ck_spsc, &ck_mpmc, NULL};
#else
const struct ring_algo *const peers_ck[] = {NULL};
#endif
