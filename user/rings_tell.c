// SPDX-License-Identifier: BSD-2-Clause
/* What send and recv tell of themselves. The data of recv is on stdout, so all of it is on stderr,
 * but for the JSON of send. */
#include <inttypes.h>
#include <stdio.h>
#include "jsonl.h"
#include "report.h"
#include "rings_flow.h"
#include "rings_stop.h"

static void print_json(const struct rings_flow *flow, json_t *line)
{
	FILE *out = flow->end.role == XK_ROLE_PRODUCER ? stdout : stderr;

	json_dumpf(line, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
	fputc('\n', out);
	fflush(out);
	json_decref(line);
}

static double seconds_since(uint64_t ns)
{
	return (double)(rings_now_ns() - ns) / 1e9;
}

static double rate(uint64_t count, double seconds)
{
	return seconds > 0 ? (double)count / seconds : 0;
}

void rings_tell_start(const struct rings_flow *flow)
{
	const struct rings_flow_opts *opts = &flow->opts;
	const struct xk_ring_shape *shape = &flow->ring.shape;
	json_t *line;

	if (!opts->json)
		return;
	line = jsonl_start(opts->command, opts->argc, opts->argv);
	json_object_update_new(
		line, json_pack("{s:s,s:s,s:I,s:I,s:b,s:s}", "name", opts->name, "algorithm",
				rings_kind_names[shape->kind - XK_RING_SPSC], "element_bytes",
				(json_int_t)shape->record_bytes, "slots", (json_int_t)shape->slots,
				"made", flow->ring.made, "framing", opts->raw ? "raw" : "lines"));
	print_json(flow, line);
}

void rings_tell_interval(struct rings_flow *flow)
{
	double s = seconds_since(flow->told_ns);
	uint64_t records = flow->records - flow->told_records;
	uint64_t bytes = flow->bytes - flow->told_bytes;
	char per_s[16];

	if (flow->opts.json)
		print_json(flow, json_pack("{s:s,s:f,s:I,s:I,s:f}", "type", "interval",
					   "duration_s", s, "records", (json_int_t)records, "bytes",
					   (json_int_t)bytes, "records_per_s", rate(records, s)));
	else
		fprintf(stderr, "%6.1f s  %12" PRIu64 " records  %s/s\n",
			seconds_since(flow->started_ns), records,
			report_si(rate(records, s), per_s));
	flow->told_ns = rings_now_ns();
	flow->told_records = flow->records;
	flow->told_bytes = flow->bytes;
}

/* --- the summary --- */

/* null: it cannot be known. */
static void add_known(json_t *line, const char *key, bool known, uint64_t value)
{
	json_object_set_new(line, key, known ? json_integer((json_int_t)value) : json_null());
}

static void summary_json(const struct rings_flow *flow, const struct xk_ring_info *info)
{
	const struct rings_flow_check *check = &flow->check;
	bool sends = flow->end.role == XK_ROLE_PRODUCER;
	uint32_t kind = info->shape.kind; /* 0: there was no ring */
	double s = seconds_since(flow->started_ns);
	json_t *line;

	line = json_pack(
		"{s:s,s:s,s:s,s:s?,s:f,s:I,s:I,s:f,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "summary",
		"command", flow->opts.command, "name", flow->opts.name, "algorithm",
		kind ? rings_kind_names[kind - XK_RING_SPSC] : NULL, "duration_s", s, "records",
		(json_int_t)flow->records, "bytes", (json_int_t)flow->bytes, "records_per_s",
		rate(flow->records, s), "produced", (json_int_t)info->produced, "consumed",
		(json_int_t)info->consumed, "producer_waits", (json_int_t)info->producer_waits,
		"consumer_waits", (json_int_t)info->consumer_waits, "sent",
		(json_int_t)(sends ? flow->records : 0), "received",
		(json_int_t)(sends ? 0 : flow->records));
	json_object_set_new(line, "producers", json_integer(0));
	json_object_set_new(line, "consumers", json_integer(0));
	json_object_set_new(line, sends ? "producers" : "consumers", json_integer(1));
	add_known(line, "lost", check->known && check->lost_known, check->lost);
	add_known(line, "duplicated", check->known, check->duplicated);
	add_known(line, "torn", check->known, check->torn);
	add_known(line, "reordered", check->known, check->reordered);
	json_object_set_new(line, "ended", json_string(flow->ended));
	print_json(flow, line);
}

static void summary_text(const struct rings_flow *flow, const struct xk_ring_info *info)
{
	double s = seconds_since(flow->started_ns);
	char records[16], bytes[16];

	fprintf(stderr,
		"%s: %" PRIu64 " records, %" PRIu64 " bytes in %.2f s: %s records/s, %sB/s "
		"(ended by %s)\n",
		flow->opts.command, flow->records, flow->bytes, s,
		report_si(rate(flow->records, s), records), report_si(rate(flow->bytes, s), bytes),
		flow->ended);
	fprintf(stderr,
		"ring %s: %" PRIu64 " produced, %" PRIu64 " consumed; producers waited %" PRIu64
		" times, consumers %" PRIu64 " times\n",
		flow->opts.name, info->produced, info->consumed, info->producer_waits,
		info->consumer_waits);
}

void rings_tell_summary(const struct rings_flow *flow, const struct xk_ring_info *info)
{
	if (flow->opts.json)
		summary_json(flow, info);
	else
		summary_text(flow, info);
}
