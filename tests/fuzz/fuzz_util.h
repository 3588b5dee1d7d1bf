/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_util.h - what the fuzzers share: checksums made right, and a sum by the book. */
#ifndef XSKIT_FUZZ_UTIL_H
#define XSKIT_FUZZ_UTIL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "packet.h"

enum { FUZZ_MAX = 2048 };

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* RFC 1071 as written there: big-endian words one at a time, not complemented. */
static inline uint32_t book_sum(uint32_t sum, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline unsigned fuzz_proto(const struct parsed *p)
{
	switch (p->proto) {
	case L4_UDP:
		return 17;
	case L4_TCP:
		return 6;
	case L4_ICMP6:
		return 58;
	default:
		return 1;
	}
}

/* Sum over the message, with its pseudo-header if it has one: 0xffff if the checksum is right. */
static inline uint32_t book_l4(const uint8_t *frame, const struct parsed *p)
{
	size_t bytes = p->src.family == 4 ? 4 : 16, n = (size_t)p->end - p->l4;
	uint32_t sum = 0;

	if (p->proto != L4_ICMP) {
		sum = book_sum((uint32_t)n + fuzz_proto(p), p->src.b, bytes);
		sum = book_sum(sum, p->dst.b, bytes);
	}
	return book_sum(sum, frame + p->l4, n);
}

static inline size_t fuzz_csum_at(const struct parsed *p)
{
	return (size_t)p->l4 + (p->proto == L4_UDP ? 6 : p->proto == L4_TCP ? 16 : 2);
}

/*
 * Make the checksums of a frame right, as far as its lengths make sense: random bytes would hardly
 * ever get past them.
 */
static inline void fuzz_mend(uint8_t *frame, size_t n)
{
	struct parsed p;
	uint8_t *ip;

	packet_parse(frame, n, &p);
	ip = frame + p.l3;
	if (p.ethertype == 0x0800 && p.l3 && p.l3 + 20u <= n && p.l3 + (*ip & 15u) * 4 <= n) {
		net_put16(ip + 10, 0);
		net_put16(ip + 10, ~book_sum(0, ip, (*ip & 15u) * 4));
	}
	if (packet_parse(frame, n, &p) != PARSE_CHECKSUM || !p.l4)
		return;
	net_put16(frame + fuzz_csum_at(&p), 0);
	net_put16(frame + fuzz_csum_at(&p), ~book_l4(frame, &p));
}

/* The input in memory of exactly its size, so that ASan sees the first byte too many. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	CHECK(copy);
	if (n)
		memcpy(copy, data, n);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
