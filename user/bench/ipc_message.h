/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_message.h - what is in a message, and what its receiver makes of it.
 *
 * Each has its number in its first and in its last 8 bytes; with `check` every word between them
 * follows from it, too. Whoever receives one reads of every cache line, so that a method which
 * leaves a message where it was written does not leave it unread. Inline, so that a method's own
 * loop can have `bytes` as a constant.
 */
#ifndef XSKIT_BENCH_IPC_MESSAGE_H
#define XSKIT_BENCH_IPC_MESSAGE_H

#include <string.h>
#include <xskit/atomic.h>
#include "bench/ipc.h"

#define IPC_CACHE_LINE 64u
#define IPC_WORD       sizeof(uint64_t)

XK_INLINE uint64_t ipc_word_at(uint64_t number, uint32_t at)
{
	return (number + at) * UINT64_C(0x9e3779b97f4a7c15);
}

XK_INLINE void ipc_write_message(char *message, uint32_t bytes, uint64_t number, bool check)
{
	for (uint32_t at = IPC_WORD; check && at + IPC_WORD <= bytes; at += IPC_WORD) {
		uint64_t word = ipc_word_at(number, at);

		memcpy(message + at, &word, IPC_WORD);
	}
	memcpy(message, &number, IPC_WORD);
	if (bytes >= 2 * IPC_WORD)
		memcpy(message + bytes - IPC_WORD, &number, IPC_WORD);
}

XK_INLINE bool ipc_words_are_right(const char *message, uint32_t bytes, uint64_t number)
{
	uint64_t word;

	for (uint32_t at = IPC_WORD; at + 2 * IPC_WORD <= bytes; at += IPC_WORD) {
		memcpy(&word, message + at, IPC_WORD);
		if (word != ipc_word_at(number, at))
			return false;
	}
	return true;
}

XK_INLINE void ipc_read_lines(const char *message, uint32_t bytes)
{
	for (uint32_t at = IPC_CACHE_LINE; at < bytes; at += IPC_CACHE_LINE)
		(void)*(const volatile char *)(message + at);
}

/* Its number; *whole: its parts are of one message. */
XK_INLINE uint64_t ipc_read_message(const char *message, uint32_t bytes, bool check, bool *whole)
{
	uint64_t number, last;

	memcpy(&number, message, IPC_WORD);
	*whole = true;
	if (bytes < 2 * IPC_WORD)
		return number;
	ipc_read_lines(message, bytes);
	memcpy(&last, message + bytes - IPC_WORD, IPC_WORD);
	*whole = last == number && (!check || ipc_words_are_right(message, bytes, number));
	return number;
}

/* *next: the number that should come. */
XK_INLINE void ipc_judge(struct ipc_seen *seen, uint64_t *next, uint64_t number, bool whole)
{
	seen->received++;
	if (xk_likely(number == *next && whole)) {
		++*next;
	} else if (whole && number > *next) {
		seen->lost += number - *next;
		*next = number + 1;
	} else {
		seen->wrong++;
	}
}

#endif
