// SPDX-License-Identifier: BSD-2-Clause
/* ring send: from stdin into a ring. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "cmd.h"
#include "rings.h"
#include "rings_lines.h"
#include "rings_stop.h"

#define INPUT (1u << 16) /* bytes read at a time, at least */

struct sender {
	struct rings_flow flow;
	char *input; /* what was read */
	size_t size, have, used;
	char *batch; /* records made of it */
	unsigned ready;
	uint32_t id;
	uint64_t number; /* of the next record */
	struct xk_err *err;
};

/* --- the ring: there, or made --- */

static int mismatch(const struct rings_flow_opts *o, const char *option, const char *has,
		    struct xk_err *err)
{
	char fix[sizeof(err->fix)];

	snprintf(fix, sizeof(fix), "leave %s away, or unlink it: xskit ring unlink %.150s", option,
		 o->name);
	return xk_err_fill(err, -EEXIST, "join ring", fix, "%s is there and has %s", o->name, has);
}

static int mismatch_number(const struct rings_flow_opts *o, const char *option, uint32_t there,
			   uint32_t asked, struct xk_err *err)
{
	char has[64];

	snprintf(has, sizeof(has), "%s %u, not %u", option, there, asked);
	return mismatch(o, option, has, err);
}

static uint32_t users_of(const struct xk_ring_shape *shape)
{
	return shape->seats - shape->lanes;
}

/* What was asked for must be so; what was not is as it is. */
static int check_shape(const struct rings_flow_opts *o, const struct xk_ring_shape *shape,
		       struct xk_err *err)
{
	const struct rings_config *c = &o->config;
	char has[64];

	snprintf(has, sizeof(has), "--kind %s", rings_kind_names[shape->kind - XK_RING_SPSC]);
	if (o->asked & ASKED_KIND && shape->kind != c->kind)
		return mismatch(o, "--kind", has, err);
	if (o->asked & ASKED_RECORD && shape->record_bytes != c->record_bytes)
		return mismatch_number(o, "--record-bytes", shape->record_bytes, c->record_bytes,
				       err);
	if (o->asked & ASKED_SLOTS && shape->slots != c->slots)
		return mismatch_number(o, "--slots", shape->slots, c->slots, err);
	if (o->asked & ASKED_LANES && shape->lanes != c->lanes)
		return mismatch_number(o, "--lanes", shape->lanes, c->lanes, err);
	if (o->asked & ASKED_USERS && users_of(shape) != c->users)
		return mismatch_number(o, "--users", users_of(shape), c->users, err);
	if (o->asked & ASKED_NEW)
		return mismatch(o, "--hugepages, --node and --mode", "its memory already", err);
	return 0;
}

/* Somebody else may make or unlink it meanwhile: then it is looked for, or made, again. */
static int join_or_make(struct rings_flow *flow, struct xk_err *err)
{
	const struct rings_flow_opts *o = &flow->opts;
	int ret;

	for (unsigned tries = 0; tries < 100; tries++) {
		ret = rings_open(&flow->ring, o->name, err);
		if (!ret)
			return check_shape(o, &flow->ring.shape, err);
		if (ret != -ENOENT)
			return ret;
		ret = rings_make(&flow->ring, o->name, &o->config, o->huge, o->node, o->mode, err);
		if (ret != -EEXIST)
			return ret;
	}
	return ret;
}

/* --- into the ring --- */

/* What a record carries of the input. */
static uint64_t carried(const struct sender *s, const char *record)
{
	struct rings_line line;

	if (s->flow.opts.raw)
		return s->flow.ring.shape.record_bytes;
	memcpy(&line, record, sizeof(line));
	return (line.bytes & LINE_BYTES) + !(line.bytes & LINE_OPEN);
}

static void count_sent(struct sender *s, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		s->flow.bytes += carried(s, s->batch + (size_t)i * s->flow.ring.shape.record_bytes);
	s->flow.records += n;
}

static int push_batch(struct sender *s)
{
	struct rings_flow *flow = &s->flow;
	uint32_t bytes = flow->ring.shape.record_bytes;
	unsigned done = 0;
	int ret = 0;

	while (done < s->ready && !ret) {
		unsigned n = rings_end_push(&flow->end, s->batch + (size_t)done * bytes,
					    s->ready - done);

		count_sent(s, done, n);
		done += n;
		if (!n)
			ret = rings_flow_wait(flow);
	}
	s->ready = 0;
	return ret ? ret : rings_flow_check(flow);
}

/* Room for a record; what was there is pushed if there is none. */
static int next_record(struct sender *s, char **record)
{
	uint64_t limit = s->flow.opts.records;
	int ret = 0;

	if (s->ready == s->flow.end.room || (limit && s->number == limit))
		ret = push_batch(s);
	*record = s->batch + (size_t)s->ready * s->flow.ring.shape.record_bytes;
	return ret;
}

static int line_too_long(const struct sender *s, size_t bytes, bool whole)
{
	uint32_t room = s->flow.ring.shape.record_bytes - (uint32_t)sizeof(struct rings_line);
	char fix[128];

	snprintf(fix, sizeof(fix), "use a ring of --record-bytes %zu or more",
		 bytes + sizeof(struct rings_line));
	return xk_err_fill(s->err, -EMSGSIZE, "ring send", fix,
			   "line %llu has %s%zu bytes, and a record of ring %s holds %u",
			   (unsigned long long)s->number + 1, whole ? "" : "more than ", bytes,
			   s->flow.opts.name, room);
}

static int add_line(struct sender *s, const char *text, size_t bytes, uint32_t open)
{
	struct rings_line line = {.bytes = (uint32_t)bytes | open, .sender = s->id};
	char *record;
	int ret = next_record(s, &record);

	if (ret)
		return ret;
	line.number = s->number++;
	memcpy(record, &line, sizeof(line));
	memcpy(record + sizeof(line), text, bytes);
	s->ready++;
	return 0;
}

/* All lines of the input that are whole; the last one too, if nothing follows. */
static int add_lines(struct sender *s, bool last)
{
	size_t room = s->flow.ring.shape.record_bytes - sizeof(struct rings_line);
	int ret = 0;

	while (!ret && s->used < s->have) {
		char *text = s->input + s->used, *end = memchr(text, '\n', s->have - s->used);
		size_t bytes = end ? (size_t)(end - text) : s->have - s->used;

		if (bytes > room)
			return line_too_long(s, bytes, end || last);
		if (!end && !last)
			break;
		ret = add_line(s, text, bytes, end ? 0 : LINE_OPEN);
		if (!ret)
			s->used += bytes + (end != NULL);
	}
	return ret;
}

static int add_records(struct sender *s, bool last)
{
	uint32_t bytes = s->flow.ring.shape.record_bytes;
	char *record;
	int ret = 0;

	for (; s->have - s->used >= bytes; s->used += bytes) {
		ret = next_record(s, &record);
		if (ret)
			return ret;
		memcpy(record, s->input + s->used, bytes);
		s->ready++;
		s->number++;
	}
	if (last && s->have > s->used)
		return xk_err_fill(s->err, -EPROTO, "ring send",
				   "give whole records, or send lines, without --raw",
				   "%zu bytes are left over at the end: a record has %u",
				   s->have - s->used, bytes);
	return 0;
}

/* --- from stdin --- */

/* More of it behind what was not used. 1: there is; 0: it has ended. */
static int read_more(struct sender *s)
{
	ssize_t n;
	int ret;

	memmove(s->input, s->input + s->used, s->have - s->used);
	s->have -= s->used;
	s->used = 0;
	do {
		ret = rings_stop_poll(STDIN_FILENO, POLLIN, rings_flow_patience(&s->flow));
		if (!ret)
			ret = rings_flow_check(&s->flow);
	} while (!ret);
	if (ret < 0)
		return ret;
	n = read(STDIN_FILENO, s->input + s->have, s->size - s->have);
	if (n < 0 && errno == EINTR)
		return -EINTR;
	if (n < 0)
		return xk_err_fill(s->err, -errno, "ring send", NULL, "stdin cannot be read");
	s->have += (size_t)n;
	return n > 0;
}

/* What came before an error is sent, too. */
static int add_input(struct sender *s, bool last)
{
	int ret = s->flow.opts.raw ? add_records(s, last) : add_lines(s, last), pushed;

	if (ret && !s->err->code)
		return ret;
	pushed = push_batch(s);
	return ret ? ret : pushed;
}

static int send_all(struct sender *s)
{
	int more, ret;

	do {
		more = read_more(s);
		if (more < 0)
			return more;
		ret = add_input(s, !more);
	} while (!ret && more);
	return ret;
}

/* --- the end --- */

static int settle(struct sender *s, int ret)
{
	const char *name = s->flow.opts.name;

	if (rings_flow_ended(&s->flow, ret, "end of input"))
		return 0;
	if (s->err->code)
		return ret;
	if (ret == -EPIPE)
		return xk_err_fill(s->err, ret, "ring send", "start a receiver and send again",
				   "ring %s is full and its receivers have left", name);
	if (ret == -ETIMEDOUT)
		return xk_err_fill(s->err, ret, "ring send",
				   "start a receiver, or give a longer --timeout",
				   "ring %s is full and nobody receives", name);
	return rings_flow_refused(&s->flow, ret, s->err);
}

static int make_buffers(struct sender *s)
{
	size_t bytes = s->flow.ring.shape.record_bytes;

	s->size = INPUT + bytes;
	s->input = malloc(s->size);
	s->batch = calloc(s->flow.end.room, bytes);
	if (!s->input || !s->batch)
		return xk_err_fill(s->err, -ENOMEM, "ring send", NULL, "no memory");
	if (getrandom(&s->id, sizeof(s->id), 0) != sizeof(s->id))
		return xk_err_fill(s->err, -errno, "ring send", NULL, "no random number");
	return 0;
}

static int begin(struct sender *s)
{
	struct rings_flow *flow = &s->flow;
	int ret = rings_stop_catch(s->err);

	if (!ret)
		ret = join_or_make(flow, s->err);
	if (!ret)
		ret = rings_flow_begin(flow, XK_ROLE_PRODUCER, s->err);
	return ret ? ret : make_buffers(s);
}

int rings_send(int argc, char **argv, struct xk_err *err)
{
	struct sender s = {.err = err};
	int ret = rings_flow_parse(&s.flow.opts, XK_ROLE_PRODUCER, argc, argv, err);

	if (ret)
		return ret;
	ret = begin(&s);
	if (!ret) {
		err->code = 0; /* the name was not there, and that is no error any more */
		ret = settle(&s, send_all(&s));
	}
	rings_flow_end(&s.flow);
	free(s.input);
	free(s.batch);
	return ret;
}
