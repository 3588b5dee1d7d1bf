/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever the bytes: an answer is well-formed, goes back where the request came from, and is not
 * answered by anybody; what is not answered stays as it is.
 */
#include "answer.h"
#include "fuzz_util.h"

static const struct macaddr our_mac = {{0x02, 0x00, 0x5e, 0x10, 0x00, 0x01}};
static const struct ipaddr our_ips[] = {
	{4, {192, 0, 2, 1}},
	{6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
};

static uint64_t counted(const struct answer *a)
{
	return a->arp + a->nd + a->icmp + a->icmp6 + a->udp + a->malformed_short +
	       a->malformed_length + a->malformed_version + a->malformed_checksum +
	       a->malformed_fragment + a->refused_source_port7 + a->refused_broadcast +
	       a->refused_multicast + a->refused_own_address + a->refused_not_ours +
	       a->refused_other;
}

/* Whoever is asked by an answer, with whatever address it was sent to, says nothing. */
static void check_no_loop(uint8_t *frame, uint32_t len, uint32_t cap, const struct parsed *p)
{
	struct answer peer = {.ips = &p->dst, .count = 1};
	struct answer self = {.mac = our_mac, .ips = our_ips, .count = 2};

	memcpy(peer.mac.b, frame, 6);
	CHECK(answer_frame(&peer, frame, &len, cap) == ANSWER_DROP);
	CHECK(answer_frame(&self, frame, &len, cap) == ANSWER_DROP);
}

static void check_csums(const uint8_t *frame, const struct parsed *p)
{
	CHECK(!p->csum_partial);
	if (p->ethertype == 0x0800)
		CHECK(book_sum(0, frame + p->l3, (frame[p->l3] & 15u) * 4) == 0xffff);
	if (p->proto != L4_NONE && !p->csum_none)
		CHECK(book_l4(frame, p) == 0xffff);
}

/* The request's source is the answer's destination; ND names its own addresses. */
static void check_turned(const struct answer *a, const uint8_t *frame, const uint8_t *request,
			 const struct parsed *now, const struct parsed *was)
{
	CHECK(!memcmp(frame + 6, our_mac.b, 6));
	CHECK(now->ethertype == was->ethertype && now->l3 == was->l3 && now->vlan == was->vlan);
	CHECK(ipaddr_equal(&now->src, &our_ips[now->src.family == 6]));
	if (a->nd) {
		CHECK(ipaddr_is_multicast(&now->dst) ? frame[now->l4 + 4] == 0x20
						     : ipaddr_equal(&now->dst, &was->src));
		return;
	}
	CHECK(ipaddr_equal(&now->src, &was->dst) && ipaddr_equal(&now->dst, &was->src));
	if (a->arp)
		return;
	CHECK(!memcmp(frame, request + 6, 6));
	CHECK(now->l4 == was->l4 && now->end == was->end && now->csum_none == was->csum_none);
	CHECK(!memcmp(frame + now->payload, request + was->payload, now->end - now->payload));
	if (a->udp)
		CHECK(now->sport == was->dport && now->dport == was->sport);
	else
		CHECK(now->dport == was->dport);
}

static void check_answer(uint8_t *frame, size_t n, size_t cap)
{
	struct answer a = {.mac = our_mac, .ips = our_ips, .count = 2};
	struct parsed was, now;
	uint8_t request[FUZZ_MAX];
	uint32_t len = (uint32_t)n;
	enum parse_result r = packet_parse(frame, n, &was);
	enum answer_verdict verdict;

	if (n)
		memcpy(request, frame, n);
	verdict = answer_frame(&a, frame, &len, (uint32_t)cap);
	CHECK(counted(&a) == 1);
	CHECK((verdict == ANSWER_SEND) == (a.arp + a.nd + a.icmp + a.icmp6 + a.udp == 1));
	if (verdict == ANSWER_DROP) {
		CHECK(len == n && (!n || !memcmp(request, frame, n)));
		return;
	}
	CHECK(r == PARSE_OK && len <= cap && (len == n || a.nd));
	CHECK(packet_parse(frame, len, &now) == PARSE_OK);
	check_csums(frame, &now);
	check_turned(&a, frame, request, &now, &was);
	check_no_loop(frame, len, (uint32_t)cap, &now);
}

/* As it came; with sums made right; and with little room behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t roomy[FUZZ_MAX + 64];
	uint8_t *frame;

	if (n > FUZZ_MAX)
		return 0;
	frame = fuzz_copy(data, n);
	check_answer(frame, n, n);
	if (n)
		memcpy(frame, data, n);
	fuzz_mend(frame, n);
	if (n)
		memcpy(roomy, frame, n);
	check_answer(frame, n, n);
	check_answer(roomy, n, sizeof(roomy));
	free(frame);
	return 0;
}
