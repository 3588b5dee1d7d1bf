// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ping.h"

#define UDP_CSUM  6 /* offsets of the checksum fields from the transport header */
#define ICMP_CSUM 2
#define ICMP_SEQ  6

int ping_frame_init(struct ping_frame *frame, const struct frame_spec *spec, uint64_t run)
{
	struct parsed parsed;
	size_t room = spec->size - frame_min(spec);
	uint8_t *payload;
	int ret = -ENOMEM;

	if (room < sizeof(struct ping_payload))
		return -EINVAL;
	payload = calloc(1, room);
	*frame = (struct ping_frame){
		.bytes = malloc(spec->size), .size = (uint32_t)spec->size, .run = run};
	if (payload && frame->bytes) {
		memcpy(payload, &(struct ping_payload){.run = run}, sizeof(struct ping_payload));
		ret = frame_build(spec, payload, frame->bytes);
	}
	free(payload);
	if (ret)
		return ret;
	packet_parse(frame->bytes, frame->size, &parsed);
	frame->icmp = spec->proto != L4_UDP;
	frame->l4 = parsed.l4;
	frame->payload = parsed.payload;
	frame->csum = (uint16_t)(parsed.l4 + (frame->icmp ? ICMP_CSUM : UDP_CSUM));
	return 0;
}

void ping_frame_fini(struct ping_frame *frame)
{
	free(frame->bytes);
}

void ping_frame_to(struct ping_frame *frame, const struct macaddr *dst)
{
	memcpy(frame->bytes, dst, sizeof(*dst));
}

/*
 * RFC 1624: the words that are not zero in the template's place are added to its sum; everything
 * that changes lies at even offsets and was zero.
 */
void ping_frame_write(const struct ping_frame *frame, uint64_t seq, uint8_t *out)
{
	uint16_t icmp_seq = __builtin_bswap16((uint16_t)seq), csum;
	uint64_t sum;

	memcpy(out, frame->bytes, frame->size);
	memcpy(out + frame->payload + offsetof(struct ping_payload, seq), &seq, sizeof(seq));
	memcpy(&csum, out + frame->csum, sizeof(csum));
	sum = csum_add((uint16_t)~csum, &seq, sizeof(seq));
	if (frame->icmp) {
		memcpy(out + frame->l4 + ICMP_SEQ, &icmp_seq, sizeof(icmp_seq));
		sum = csum_add(sum, &icmp_seq, sizeof(icmp_seq));
	}
	csum = csum_fold(sum);
	if (csum == 0 && !frame->icmp)
		csum = 0xffff; /* RFC 768: zero means none */
	memcpy(out + frame->csum, &csum, sizeof(csum));
}

/* The transport header is that of an answer to us. */
static bool is_answer(const struct ping_config *config, const struct parsed *p)
{
	const struct frame_spec *spec = &config->spec;

	if (!ipaddr_equal(&p->dst, &spec->src) || !ipaddr_equal(&p->src, &spec->dst) ||
	    p->proto != spec->proto)
		return false;
	if (spec->proto == L4_UDP)
		return p->sport == spec->dport && p->dport == spec->sport;
	return p->sport == (spec->proto == L4_ICMP ? 0 : 129 * 256) && p->dport == spec->dport;
}

bool ping_frame_read(const struct ping_config *config, const struct ping_frame *frame,
		     const uint8_t *bytes, uint32_t len, uint64_t *seq)
{
	struct ping_payload payload;
	struct parsed p;

	if (packet_parse(bytes, len, &p) != PARSE_OK || !is_answer(config, &p))
		return false;
	if (!p.payload || p.payload + sizeof(payload) > p.end)
		return false;
	memcpy(&payload, bytes + p.payload, sizeof(payload));
	*seq = payload.seq;
	return payload.run == frame->run;
}
