// SPDX-License-Identifier: BSD-2-Clause
/* The textbook's ring (textbook.h) among those that are measured. */
#include "bench/ring_algos.h"
#include "bench/ring_glue.h"
#include "bench/textbook.h"

struct textbook_handle {
	struct textbook *ring;
};

static bool textbook_fits(const struct ring_cell *cell)
{
	return cell->element_bytes == TEXTBOOK_MESSAGE;
}

static size_t textbook_size(const struct ring_cell *cell)
{
	return textbook_bytes(cell->slots);
}

static int textbook_init(void *mem, size_t len, const struct ring_cell *cell)
{
	(void)len;
	textbook_make(mem, cell->slots);
	return 0;
}

static int textbook_open(struct textbook_handle *handle, void *mem)
{
	handle->ring = mem;
	return 0;
}

static int textbook_open_to(struct textbook_handle *handle, const struct ring_task *task, void *mem)
{
	(void)task;
	return textbook_open(handle, mem);
}

static int textbook_open_from(struct textbook_handle *handle, const struct ring_task *task,
			      void *mem)
{
	(void)task;
	return textbook_open(handle, mem);
}

static void textbook_close_to(struct textbook_handle *handle)
{
	(void)handle;
}

static void textbook_close_from(struct textbook_handle *handle)
{
	(void)handle;
}

RING_INLINE unsigned textbook_push(void *handle, const void *recs, unsigned n, unsigned bytes,
				   unsigned slots)
{
	struct textbook *ring = ((struct textbook_handle *)handle)->ring;
	unsigned done = 0;

	(void)slots;
	while (done < n && textbook_put(ring, (const char *)recs + (size_t)done * bytes, bytes))
		done++;
	return done;
}

RING_INLINE unsigned textbook_pop(void *handle, void *recs, unsigned n, unsigned bytes,
				  unsigned slots)
{
	struct textbook *ring = ((struct textbook_handle *)handle)->ring;
	unsigned done = 0;

	(void)slots;
	while (done < n && textbook_get(ring, (char *)recs + (size_t)done * bytes, bytes))
		done++;
	return done;
}

RING_PARTS(textbook, struct textbook_handle, struct textbook_handle)

const struct ring_algo ring_textbook = {
	.name = "textbook",
	.order = "fifo",
	.processes = true,
	.max_producers = RING_MAX_WORKERS,
	.max_consumers = RING_MAX_WORKERS,
	.fits = textbook_fits,
	.size = textbook_size,
	.init = textbook_init,
	.produce = textbook_produce,
	.consume = textbook_consume,
	.ping = textbook_ping,
	.pong = textbook_pong,
};
