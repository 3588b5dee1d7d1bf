// SPDX-License-Identifier: BSD-2-Clause
/* ring recv: from a ring to stdout. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd.h"
#include "report.h"
#include "rings.h"
#include "rings_lines.h"
#include "rings_stop.h"

#define AT_ONCE 4096u /* bytes a pipe that can be written to takes without waiting */

struct receiver {
	struct rings_flow flow;
	struct rings_lines lines;
	char *output;
	size_t filled;
	bool waits; /* stdout is not a regular file */
	struct xk_err *err;
};

/* --- to stdout --- */

static int write_failed(struct receiver *r)
{
	if (errno == EPIPE)
		return xk_err_fill(r->err, -EPIPE, "ring recv",
				   "what it did not take may still be in the ring",
				   "nobody reads the output any more");
	return xk_err_fill(r->err, -errno, "ring recv", NULL, "stdout cannot be written");
}

/* Not stopped by the first signal: what was taken out of the ring is written. */
static int write_some(struct receiver *r, const char *from, size_t bytes, size_t *done)
{
	ssize_t n;

	if (r->waits && !rings_stopped() && rings_stop_poll(STDOUT_FILENO, POLLOUT, 50000000) == 0)
		return rings_flow_check(&r->flow) == -ETIME ? -ETIME : 0;
	n = write(STDOUT_FILENO, from, r->waits && bytes > AT_ONCE ? AT_ONCE : bytes);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return write_failed(r);
	*done += n > 0 ? (size_t)n : 0;
	return 0;
}

static int write_output(struct receiver *r)
{
	size_t done = 0;
	int ret = 0;

	while (done < r->filled && (!ret || ret == -ETIME))
		ret = write_some(r, r->output + done, r->filled - done, &done);
	r->filled = 0;
	return ret == -ETIME ? 0 : ret;
}

/* --- from the ring --- */

static int torn(struct receiver *r)
{
	r->flow.check.torn++;
	return xk_err_fill(r->err, -EBADMSG, "ring recv", "give --raw if it was sent so",
			   "record %llu is no line", (unsigned long long)(r->flow.records + 1));
}

static int add_line(struct receiver *r, const char *record)
{
	struct rings_line line;
	size_t bytes;

	memcpy(&line, record, sizeof(line));
	bytes = line.bytes & LINE_BYTES;
	if (bytes > r->flow.ring.shape.record_bytes - sizeof(line))
		return torn(r);
	memcpy(r->output + r->filled, record + sizeof(line), bytes);
	r->filled += bytes;
	if (!(line.bytes & LINE_OPEN))
		r->output[r->filled++] = '\n';
	return rings_lines_check(&r->lines, &line, &r->flow.check);
}

static int add_record(struct receiver *r, const char *record)
{
	uint32_t bytes = r->flow.ring.shape.record_bytes;

	if (!r->flow.opts.raw)
		return add_line(r, record);
	memcpy(r->output + r->filled, record, bytes);
	r->filled += bytes;
	return 0;
}

static unsigned at_most(const struct rings_flow *flow, unsigned n)
{
	uint64_t left = flow->opts.records - flow->records;

	return flow->opts.records && left < n ? (unsigned)left : n;
}

/* The output of n records; how many of them were good. */
static int add_records(struct receiver *r, const char *records, unsigned n, unsigned *good)
{
	uint32_t bytes = r->flow.ring.shape.record_bytes;
	int ret = 0;

	for (*good = 0; *good < n && !ret; *good += !ret) {
		ret = add_record(r, records + (size_t)*good * bytes);
		r->flow.records += !ret;
	}
	r->flow.bytes += r->filled;
	return ret;
}

/* What is there, first to stdout and then out of the ring. */
static int receive_some(struct receiver *r)
{
	struct rings_flow *flow = &r->flow;
	unsigned n, good;
	const char *records = rings_end_take(&flow->end, at_most(flow, flow->end.room), &n);
	int ret, wrote;

	if (!n)
		return rings_flow_wait(flow);
	ret = add_records(r, records, n, &good);
	wrote = write_output(r);
	if (wrote)
		return wrote;
	rings_end_release(&flow->end, good);
	return ret ? ret : rings_flow_check(flow);
}

/* --- the end --- */

/* Without others to receive, what is missing is lost. */
static void settle_check(struct receiver *r)
{
	const struct xk_share_info *memory = r->flow.ring.memory;
	struct rings_flow_check *check = &r->flow.check;
	struct xk_ring_info info;

	check->known = !r->flow.opts.raw;
	check->lost_known = r->flow.fresh &&
			    !xk_ring_look(memory->addr, memory->size, -1, &info, NULL) &&
			    info.consumed <= r->flow.records;
}

static int found_wrong(const struct receiver *r)
{
	const struct rings_flow_check *check = &r->flow.check;
	uint64_t lost = check->lost_known ? check->lost : 0;

	if (!check->known || !(lost + check->duplicated + check->torn + check->reordered))
		return 0;
	return xk_err_fill(r->err, -EBADMSG, "ring recv", "see how: xskit ring verify",
			   "%llu records lost, %llu duplicated, %llu torn, %llu reordered",
			   (unsigned long long)lost, (unsigned long long)check->duplicated,
			   (unsigned long long)check->torn, (unsigned long long)check->reordered);
}

static int settle(struct receiver *r, int ret)
{
	const char *name = r->flow.opts.name;

	settle_check(r);
	if (rings_flow_ended(&r->flow, ret == -EPIPE && !r->err->code ? 0 : ret,
			     "end of the senders"))
		return found_wrong(r);
	if (r->err->code)
		return ret;
	if (ret == -EOWNERDEAD)
		return xk_err_fill(r->err, ret, "ring recv", "start it again to go on",
				   "a sender of ring %s died without detaching; all it had sent "
				   "was received",
				   name);
	if (ret == -ETIMEDOUT)
		return xk_err_fill(r->err, ret, "ring recv",
				   "start a sender, or give a longer --timeout",
				   "nothing came in ring %s", name);
	return rings_flow_refused(&r->flow, ret, r->err);
}

static int make_buffers(struct receiver *r)
{
	struct stat st;

	r->waits = fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode);
	r->output = malloc((size_t)r->flow.end.room * r->flow.ring.shape.record_bytes);
	return r->output ? 0 : xk_err_fill(r->err, -ENOMEM, "ring recv", NULL, "no memory");
}

static uint64_t patience_for_name(const struct rings_flow_opts *o)
{
	double s = o->timeout_s;

	if (o->duration_s > 0 && (s < 0 || o->duration_s < s))
		s = o->duration_s;
	return s < 0 ? UINT64_MAX : (uint64_t)(s * 1e9);
}

static int begin(struct receiver *r)
{
	struct rings_flow *flow = &r->flow;
	int ret = rings_stop_catch(r->err);

	flow->started_ns = rings_now_ns();
	if (!ret)
		ret = rings_open_awaited(&flow->ring, flow->opts.name,
					 patience_for_name(&flow->opts), r->err);
	if (!ret)
		ret = rings_flow_begin(flow, XK_ROLE_CONSUMER, r->err);
	return ret ? ret : make_buffers(r);
}

static int receive_all(struct receiver *r)
{
	int ret;

	do
		ret = receive_some(r);
	while (!ret);
	return settle(r, ret);
}

/* Stopped while it waited for the name: that is no error, and has its summary. */
static int tell_stopped(struct receiver *r)
{
	const struct xk_ring_info nothing = {0};

	r->flow.ended = "signal";
	if (r->flow.opts.json)
		rings_tell_summary(&r->flow, &nothing);
	return 0;
}

int rings_recv(int argc, char **argv, struct xk_err *err)
{
	struct receiver r = {.err = err};
	int ret = rings_flow_parse(&r.flow.opts, XK_ROLE_CONSUMER, argc, argv, err);
	bool there;

	if (ret)
		return ret;
	ret = begin(&r);
	there = r.flow.attached;
	if (!ret) {
		err->code = 0; /* the name was not there, and that is no error any more */
		ret = receive_all(&r);
	}
	rings_flow_end(&r.flow);
	if (there && r.flow.opts.unlink)
		xk_share_unlink(r.flow.opts.name, ret ? NULL : err);
	rings_lines_free(&r.lines);
	free(r.output);
	return ret == -EINTR ? tell_stopped(&r) : ret;
}
