/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_internal.h - what rings of streams make of a configuration's numbers. */
#ifndef XSKIT_STREAM_INTERNAL_H
#define XSKIT_STREAM_INTERNAL_H

#include <xskit/stream.h>
#include "ring_internal.h"

/* 0 means slots / 4. */
uint32_t xk_stream_lazy(uint32_t lazy, uint32_t slots);

/* The shape's flags of a configuration's: touching decided, if neither way was asked for. */
uint32_t xk_stream_flags(uint32_t flags, uint32_t record_bytes, uint32_t slots);

bool xk_stream_shape_valid(const struct xk_ring_shape *shape);

void xk_stream_format(struct xk_stream *stream, uint64_t first);
bool xk_stream_fits(struct xk_stream *stream, const struct xk_ring_shape *shape);
void xk_stream_count(struct xk_stream *stream, struct xk_ring_counts *counts);

/* Await: the stream's other side has moved far enough. */
struct xk_stream_space {
	struct xk_stream_prod *p;
	uint64_t n;
};
struct xk_stream_data {
	struct xk_stream_cons *c;
	uint64_t n;
};
bool xk_stream_has_space(void *space);
bool xk_stream_has_data(void *data);

#endif
