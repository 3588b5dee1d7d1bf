/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textbook.h - the ring that many begin with, and that is wrong: head, tail and count are atomic,
 * the message is not. A producer takes its place (CAS on head), then writes, then counts; between
 * the first and the last of these another producer's count makes a consumer read a place that
 * nobody has written yet. With one producer and one consumer it works. It is kept as a baseline,
 * and shown to be wrong.
 */
#ifndef XSKIT_BENCH_TEXTBOOK_H
#define XSKIT_BENCH_TEXTBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define TEXTBOOK_MESSAGE 64u

struct textbook {
	uint32_t head, tail;
	int32_t count;
	uint32_t slots;
	unsigned char message[][TEXTBOOK_MESSAGE];
};

static inline size_t textbook_bytes(uint32_t slots)
{
	return sizeof(struct textbook) + (size_t)slots * TEXTBOOK_MESSAGE;
}

static inline void textbook_make(struct textbook *ring, uint32_t slots)
{
	ring->head = ring->tail = 0;
	ring->count = 0;
	ring->slots = slots;
}

/* Take the place behind *at. */
static inline uint32_t textbook_place(uint32_t *at)
{
	uint32_t place = __atomic_load_n(at, __ATOMIC_SEQ_CST);

	while (!__atomic_compare_exchange_n(at, &place, place + 1, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
	return place;
}

/* bytes: of the message, at most TEXTBOOK_MESSAGE. False, after a nap: it is full. */
static inline bool textbook_put(struct textbook *ring, const void *message, size_t bytes)
{
	if (__atomic_load_n(&ring->count, __ATOMIC_SEQ_CST) >= (int32_t)ring->slots) {
		usleep(100);
		return false;
	}
	memcpy(ring->message[textbook_place(&ring->head) % ring->slots], message, bytes);
	__atomic_fetch_add(&ring->count, 1, __ATOMIC_SEQ_CST);
	return true;
}

/* False, after a nap: it is empty. */
static inline bool textbook_get(struct textbook *ring, void *message, size_t bytes)
{
	if (__atomic_load_n(&ring->count, __ATOMIC_SEQ_CST) <= 0) {
		usleep(100);
		return false;
	}
	memcpy(message, ring->message[textbook_place(&ring->tail) % ring->slots], bytes);
	__atomic_fetch_sub(&ring->count, 1, __ATOMIC_SEQ_CST);
	return true;
}

#endif
