// SPDX-License-Identifier: BSD-2-Clause
/* Frames, the depot they wait in, and the ledger that finds every one of them. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <xskit/umem.h>

#define XDP_UMEM_MIN_CHUNK 2048u

struct xk_umem {
	struct xk_umem_config config;
	struct xk_mem *mem;
	pthread_mutex_t depot_lock; /* guards depot and depot_count */
	uint64_t *depot;            /* frames in no cache, a stack */
	uint32_t depot_count;
	struct xk_umem_cache *caches;
	struct xk_umem_holder *holders;
	uint8_t *owner; /* XK_DEBUG: an enum xk_owner a frame */
};

struct xk_umem_audit {
	const struct xk_umem *umem;
	struct xk_ledger *ledger;
	uint64_t *found; /* one bit a frame */
};

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

size_t xk_umem_size(const struct xk_umem_config *config)
{
	if (!config->frames || !is_power_of_two(config->frame_size) ||
	    config->frame_size < XDP_UMEM_MIN_CHUNK)
		return 0;
	/* 256 bytes belong to the kernel (XDP_PACKET_HEADROOM); something must remain for a packet
	 */
	if (config->headroom >= config->frame_size - 256)
		return 0;
	return (size_t)config->frames * config->frame_size;
}

static int check_config(const struct xk_umem_config *config, const struct xk_mem_info *mem,
			struct xk_err *err)
{
	size_t size = xk_umem_size(config);

	if (!size)
		return xk_err_fill(err, -EINVAL, "create UMEM",
				   "use at least 1 frame of 2048 or 4096 bytes, with less headroom "
				   "than the frame has",
				   "%u frames of %u bytes with a headroom of %u", config->frames,
				   config->frame_size, config->headroom);
	if (config->frame_size > mem->page_size)
		return xk_err_fill(err, -EINVAL, "create UMEM",
				   "use 2048 or 4096, or huge pages for larger ones",
				   "frames of %u bytes in pages of %zu bytes", config->frame_size,
				   mem->page_size);
	if (size > mem->size)
		return xk_err_fill(err, -EINVAL, "create UMEM",
				   "make the memory as large as xk_umem_size()",
				   "%zu bytes needed, %zu given", size, mem->size);
	return 0;
}

int xk_umem_create(struct xk_umem **out, struct xk_mem *mem, const struct xk_umem_config *config,
		   struct xk_err *err)
{
	int ret = check_config(config, xk_mem_info(mem), err);
	struct xk_umem *umem;

	if (ret)
		return ret;
	umem = calloc(1, sizeof(*umem));
	if (!umem)
		goto no_memory;
	umem->depot = calloc(config->frames, sizeof(*umem->depot));
	umem->owner = calloc(config->frames, sizeof(*umem->owner));
	if (!umem->depot || !umem->owner)
		goto no_memory;
	umem->config = *config;
	umem->mem = mem;
	pthread_mutex_init(&umem->depot_lock, NULL);
	/* stacked from the end, so that the lowest addresses are used first */
	for (uint32_t i = config->frames; i > 0; i--)
		umem->depot[umem->depot_count++] = (uint64_t)(i - 1) * config->frame_size;
	*out = umem;
	return 0;

no_memory:
	if (umem) {
		free(umem->depot);
		free(umem->owner);
	}
	free(umem);
	return xk_err_fill(err, -ENOMEM, "create UMEM", "use fewer frames",
			   "no memory to keep %u frames", config->frames);
}

int xk_umem_destroy(struct xk_umem *umem)
{
	if (!umem)
		return 0;
	if (umem->caches || umem->holders)
		return -EBUSY;
	pthread_mutex_destroy(&umem->depot_lock);
	free(umem->depot);
	free(umem->owner);
	free(umem);
	return 0;
}

const struct xk_umem_config *xk_umem_config(const struct xk_umem *umem)
{
	return &umem->config;
}

const struct xk_mem *xk_umem_mem(const struct xk_umem *umem)
{
	return umem->mem;
}

/* --- caches --- */

int xk_umem_cache_init(struct xk_umem_cache *cache, struct xk_umem *umem, uint32_t size)
{
	if (size == 0 || size > umem->config.frames)
		size = umem->config.frames;
	*cache = (struct xk_umem_cache){
		.base = xk_mem_info(umem->mem)->addr,
		.frame_mask = ~(uint64_t)(umem->config.frame_size - 1),
		.stock = calloc(size, sizeof(*cache->stock)),
		.size = size,
		.umem = umem,
		.next = umem->caches,
	};
	if (!cache->stock) {
		*cache = (struct xk_umem_cache){0};
		return -ENOMEM;
	}
	umem->caches = cache;
	return 0;
}

/* Move n frames from the top of one stack to the top of another. */
static void move(uint64_t *to, uint32_t *to_count, const uint64_t *from, uint32_t *from_count,
		 uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[(*to_count)++] = from[--(*from_count)];
}

/* A whole cache where it is as large as the UMEM: it has no one to share with. */
static uint32_t share(const struct xk_umem_cache *cache)
{
	if (cache->size == cache->umem->config.frames)
		return cache->size;
	return (cache->size + 1) / 2;
}

void xk_umem_cache_load(struct xk_umem_cache *cache)
{
	struct xk_umem *umem = cache->umem;
	uint32_t n = share(cache);

	pthread_mutex_lock(&umem->depot_lock);
	if (n > umem->depot_count)
		n = umem->depot_count;
	move(cache->stock, &cache->count, umem->depot, &umem->depot_count, n);
	pthread_mutex_unlock(&umem->depot_lock);
}

static void spill(struct xk_umem_cache *cache, uint32_t n)
{
	struct xk_umem *umem = cache->umem;

	pthread_mutex_lock(&umem->depot_lock);
	/* more frames than there are can only come from one given back twice: the ledger tells */
	if (n > umem->config.frames - umem->depot_count)
		n = umem->config.frames - umem->depot_count;
	move(umem->depot, &umem->depot_count, cache->stock, &cache->count, n);
	pthread_mutex_unlock(&umem->depot_lock);
}

void xk_umem_cache_spill(struct xk_umem_cache *cache)
{
	spill(cache, share(cache));
	if (cache->count ==
	    cache->size) /* a frame came back twice: rather lose one than write past the end */
		cache->count--;
}

void xk_umem_cache_fini(struct xk_umem_cache *cache)
{
	struct xk_umem_cache **link;

	if (!cache->umem)
		return;
	spill(cache, cache->count);
	for (link = &cache->umem->caches; *link != cache; link = &(*link)->next)
		;
	*link = cache->next;
	free(cache->stock);
	*cache = (struct xk_umem_cache){0};
}

/* --- the ledger --- */

void xk_umem_hold(struct xk_umem *umem, struct xk_umem_holder *holder)
{
	holder->next = umem->holders;
	umem->holders = holder;
}

void xk_umem_unhold(struct xk_umem *umem, struct xk_umem_holder *holder)
{
	struct xk_umem_holder **link;

	for (link = &umem->holders; *link; link = &(*link)->next) {
		if (*link == holder) {
			*link = holder->next;
			return;
		}
	}
}

void xk_umem_moved(struct xk_umem *umem, uint64_t addr, enum xk_owner from, enum xk_owner to)
{
	uint64_t frame = addr / umem->config.frame_size;

	if (frame >= umem->config.frames || umem->owner[frame] != from)
		abort();
	umem->owner[frame] = (uint8_t)to;
}

void xk_umem_seen(struct xk_umem_audit *audit, enum xk_owner owner, uint64_t addr)
{
	uint64_t frame = addr / audit->umem->config.frame_size;
	uint64_t bit = UINT64_C(1) << (frame % 64);

	if (frame >= audit->umem->config.frames || (audit->found[frame / 64] & bit)) {
		audit->ledger->twice++;
		return;
	}
	audit->found[frame / 64] |= bit;
	audit->ledger->held[owner]++;
}

void xk_umem_counted(struct xk_umem_audit *audit, enum xk_owner owner, uint32_t frames)
{
	audit->ledger->held[owner] += frames;
}

static void walk_stack(struct xk_umem_audit *audit, const uint64_t *stack, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		xk_umem_seen(audit, XK_OWNER_APP, stack[i]);
}

int xk_umem_audit(struct xk_umem *umem, struct xk_ledger *ledger)
{
	struct xk_umem_audit audit = {.umem = umem, .ledger = ledger};

	*ledger = (struct xk_ledger){.frames = umem->config.frames};
	audit.found = calloc(umem->config.frames / 64 + 1, sizeof(*audit.found));
	if (!audit.found)
		return -ENOMEM;
	walk_stack(&audit, umem->depot, umem->depot_count);
	for (const struct xk_umem_cache *c = umem->caches; c; c = c->next)
		walk_stack(&audit, c->stock, c->count);
	for (const struct xk_umem_holder *h = umem->holders; h; h = h->next)
		h->walk(h, &audit);
	free(audit.found);

	ledger->lost = ledger->frames;
	for (int owner = 0; owner < XK_OWNERS; owner++)
		ledger->lost -= ledger->held[owner];
	return ledger->lost || ledger->twice ? -EUCLEAN : 0;
}
