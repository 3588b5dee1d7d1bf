/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever the bytes: the parser stays inside them, and what it accepts is right by the book. */
#include "fuzz_util.h"
#include "neigh.h"

static void check_offsets(const struct parsed *p, size_t n)
{
	CHECK(p->end <= n && p->l3 <= n);
	CHECK(!p->l4 || (p->l3 < p->l4 && p->l4 <= p->end));
	CHECK(!p->payload || (p->l4 && p->l4 + 8 <= p->payload && p->payload <= p->end));
}

static void check_csum(uint8_t *frame, size_t n, const struct parsed *p)
{
	struct parsed again;

	CHECK((book_l4(frame, p) == 0xffff) == !p->csum_partial);
	memcpy(frame + fuzz_csum_at(p), &p->csum, sizeof(p->csum));
	CHECK(book_l4(frame, p) == 0xffff);
	CHECK(packet_parse(frame, n, &again) == PARSE_OK);
	CHECK(!again.csum_partial && again.csum == p->csum);
}

/* Where the packet ends by the IP header; what is behind it belongs to nobody. */
static size_t ip_end(const uint8_t *frame, const struct parsed *p)
{
	if (p->ethertype == 0x0800)
		return (size_t)p->l3 + net_get16(frame + p->l3 + 2);
	if (p->ethertype == 0x86dd)
		return (size_t)p->l3 + 40 + net_get16(frame + p->l3 + 4);
	return (size_t)p->l3 + 28;
}

static void check_accepted(uint8_t *frame, size_t n, const struct parsed *p)
{
	struct parsed cut;

	CHECK(p->l3 >= 14 && p->end <= ip_end(frame, p) && ip_end(frame, p) <= n);
	CHECK(p->proto == L4_UDP || p->end == ip_end(frame, p));
	CHECK(p->src.family == p->dst.family);
	CHECK(p->src.family == (p->ethertype == 0x86dd ? 6 : 4));
	if (p->ethertype == 0x0800)
		CHECK(book_sum(0, frame + p->l3, (frame[p->l3] & 15u) * 4) == 0xffff);
	if (p->end)
		CHECK(packet_parse(frame, p->end - 1u, &cut) != PARSE_OK);
	if (p->proto != L4_NONE && p->proto != L4_OTHER && !p->csum_none)
		check_csum(frame, n, p);
}

static void check_parse(uint8_t *frame, size_t n)
{
	struct parsed p;
	enum parse_result r = packet_parse(frame, n, &p);
	struct ipaddr target = p.src;
	struct macaddr mac;

	check_offsets(&p, n);
	if (neigh_learn(frame, n, &target, &mac)) {
		CHECK(r == PARSE_OK);
		CHECK(neigh_mac_usable(mac.b));
	}
	if (r == PARSE_OK)
		check_accepted(frame, n, &p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *frame = fuzz_copy(data, n);

	check_parse(frame, n);
	if (n)
		memcpy(frame, data, n);
	fuzz_mend(frame, n);
	check_parse(frame, n);
	free(frame);
	return 0;
}
