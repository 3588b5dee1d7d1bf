/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * umem.h - packet frames: one block of memory cut into equal frames, each with one owner.
 *
 * A frame is named by its address: its offset in bytes from the start of the UMEM. Frames wait in
 * the UMEM's depot; each thread moves them in and out through a cache of its own, which goes to the
 * depot (under a mutex) only when it runs empty or full. A cache as large as the UMEM never does.
 *
 * The ledger answers "where is every frame?". A frame is always in one of: a fill, RX, TX or
 * completion ring, with the application (on its hands, in a cache or in the depot), in a ring to
 * another process, or with the kernel. xk_umem_audit() walks all of them and proves it.
 *
 * Thread contract: create, destroy, cache init/fini, hold/unhold and audit from one thread at a
 * time, audit with all users of the UMEM standing still; get and put by the thread that owns the
 * cache, any number of threads at once with a cache each.
 */
#ifndef XSKIT_UMEM_H
#define XSKIT_UMEM_H

#include <stddef.h>
#include <stdint.h>
#include <xskit/err.h>
#include <xskit/mem.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xk_umem_config {
	uint32_t frames;     /* how many, at least 1 */
	uint32_t frame_size; /* bytes, a power of two, 2048 up to the page size of the memory */
	uint32_t headroom; /* bytes kept free before a received packet, beside the kernel's own 256
			    */
	uint16_t id;       /* put into every xk_pkt that comes from here */
};

struct xk_umem;

/* Bytes of memory a UMEM needs; 0: the configuration is invalid. */
size_t xk_umem_size(const struct xk_umem_config *config);

/*
 * Cut `mem` into frames. The memory must outlive the UMEM and is not destroyed with it.
 * -EINVAL: sizes (the fix says which are right), or the memory is smaller than xk_umem_size();
 * -ENOMEM.
 */
int xk_umem_create(struct xk_umem **umem, struct xk_mem *mem, const struct xk_umem_config *config,
		   struct xk_err *err);

/* -EBUSY, and nothing is freed, while a cache or a port still uses it. NULL: 0. */
int xk_umem_destroy(struct xk_umem *umem);

const struct xk_umem_config *xk_umem_config(const struct xk_umem *umem);
const struct xk_mem *xk_umem_mem(const struct xk_umem *umem);

/* One thread's stock of frames; visible so that get, put and data can be inlined. */
struct xk_umem_cache {
	uint8_t *base;        /* address 0 of the UMEM */
	uint64_t frame_mask;  /* address & frame_mask = start of the frame */
	uint64_t *stock;      /* frames on hand, a stack */
	uint32_t count, size; /* on hand; room in stock */
	struct xk_umem *umem;
	struct xk_umem_cache *next; /* the UMEM's list of caches */
};

/* `size`: frames the cache holds at most; 0: as many as the UMEM has. -ENOMEM. */
int xk_umem_cache_init(struct xk_umem_cache *cache, struct xk_umem *umem, uint32_t size);
void xk_umem_cache_fini(struct xk_umem_cache *cache); /* gives its frames back to the depot */

/* Slow halves of get and put: move up to half a cache from or to the depot. */
void xk_umem_cache_load(struct xk_umem_cache *cache);
void xk_umem_cache_spill(struct xk_umem_cache *cache);

/* Take up to n frames; returns how many, fewer only when cache and depot are empty. */
static inline unsigned xk_umem_get(struct xk_umem_cache *cache, uint64_t *addrs, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (__builtin_expect(cache->count == 0, 0)) {
			xk_umem_cache_load(cache);
			if (cache->count == 0)
				break;
		}
		addrs[i] = cache->stock[--cache->count];
	}
	return i;
}

/* Give n frames back; any address inside a frame names it. */
static inline void xk_umem_put(struct xk_umem_cache *cache, const uint64_t *addrs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (__builtin_expect(cache->count == cache->size, 0))
			xk_umem_cache_spill(cache);
		cache->stock[cache->count++] = addrs[i] & cache->frame_mask;
	}
}

static inline void *xk_umem_data(const struct xk_umem_cache *cache, uint64_t addr)
{
	return cache->base + addr;
}

/* --- the ledger --- */

enum xk_owner {
	XK_OWNER_APP,
	XK_OWNER_FILL,
	XK_OWNER_RX,
	XK_OWNER_TX,
	XK_OWNER_COMPLETION,
	XK_OWNER_RING,
	XK_OWNER_KERNEL,
	XK_OWNERS
};

struct xk_ledger {
	uint32_t frames;          /* of the UMEM */
	uint32_t held[XK_OWNERS]; /* found with each owner; the kernel's are counted, not seen */
	uint32_t twice;           /* found with two owners, or no frame of this UMEM at all */
	int64_t lost; /* frames less all of held: 0, unless someone dropped or forged one */
};

/* 0; -EUCLEAN: lost is not 0 or twice is not 0 (the ledger is filled all the same); -ENOMEM. */
int xk_umem_audit(struct xk_umem *umem, struct xk_ledger *ledger);

/*
 * Whoever holds frames outside the caches (ports, rings) registers a holder, whose walk() calls
 * xk_umem_seen() for every frame it can see and xk_umem_counted() for those it can only count.
 */
struct xk_umem_audit;
struct xk_umem_holder {
	void (*walk)(const struct xk_umem_holder *self, struct xk_umem_audit *audit);
	struct xk_umem_holder *next;
};
void xk_umem_hold(struct xk_umem *umem, struct xk_umem_holder *holder);
void xk_umem_unhold(struct xk_umem *umem, struct xk_umem_holder *holder);

/* Debug builds of the library (XK_DEBUG): abort() unless `from` owned the frame; now `to` does. */
void xk_umem_moved(struct xk_umem *umem, uint64_t addr, enum xk_owner from, enum xk_owner to);

/* For walk() alone. */
void xk_umem_seen(struct xk_umem_audit *audit, enum xk_owner owner, uint64_t addr);
void xk_umem_counted(struct xk_umem_audit *audit, enum xk_owner owner, uint32_t frames);

#ifdef __cplusplus
}
#endif
#endif
