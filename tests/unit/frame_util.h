/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_util.h - what the tests of frames share: guarded memory, dice, sums by the book. */
#ifndef XSKIT_TEST_FRAME_UTIL_H
#define XSKIT_TEST_FRAME_UTIL_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "packet.h"

#define GUARD_SIZE (128u * 1024)

/* A copy that ends where the next byte is a fault, at whatever alignment that gives. */
static inline uint8_t *guard_copy(const void *data, size_t n)
{
	static uint8_t *end;

	if (!end) {
		uint8_t *at = mmap(NULL, 2 * GUARD_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED || mprotect(at + GUARD_SIZE, GUARD_SIZE, PROT_NONE))
			abort();
		end = at + GUARD_SIZE;
	}
	if (n)
		memcpy(end - n, data, n);
	return end - n;
}

/* splitmix64: the same dice in every run. */
static inline uint64_t dice(void)
{
	static uint64_t state = 42;
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline void fill_random(uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)dice();
}

/* RFC 1071 as written there: big-endian words one at a time, host order, not complemented. */
static inline uint32_t book_sum(uint32_t sum, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The sum over a message and its pseudo-header; 0xffff if its checksum is right. */
static inline uint32_t book_l4(const uint8_t *frame, const struct parsed *p, uint8_t proto)
{
	size_t bytes = p->src.family == 4 ? 4 : 16, n = (size_t)p->end - p->l4;
	uint32_t sum = (uint32_t)n + proto;

	if (p->proto == L4_ICMP)
		return book_sum(0, frame + p->l4, n);
	sum = book_sum(sum, p->src.b, bytes);
	sum = book_sum(sum, p->dst.b, bytes);
	return book_sum(sum, frame + p->l4, n);
}

/* Make the checksum of an edited IPv4 header right again. */
static inline void mend_ip4(uint8_t *ip)
{
	net_put16(ip + 10, 0);
	net_put16(ip + 10, ~book_sum(0, ip, (ip[0] & 15u) * 4));
}

static inline struct ipaddr addr_of(const char *text)
{
	struct ipaddr addr;

	if (ipaddr_parse(text, &addr))
		abort();
	return addr;
}

static inline struct macaddr mac_of(const char *text)
{
	struct macaddr mac;

	if (macaddr_parse(text, &mac))
		abort();
	return mac;
}

#define OUR_MAC  "02:00:5e:10:00:01"
#define PEER_MAC "02:00:5e:10:00:02"
#define OUR4     "192.0.2.1"
#define PEER4    "192.0.2.2"
#define OUR6     "2001:db8::1"
#define PEER6    "2001:db8::2"

#endif
