// SPDX-License-Identifier: BSD-2-Clause
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include "bench/udp.h"
#include "cmd.h"

enum {
	KEY_WORKERS = 0x100,
	KEY_PORT,
	KEY_SIZE,
	KEY_RATE,
	KEY_BATCH,
	KEY_API,
	KEY_APP,
	KEY_POLL,
	KEY_RING_SIZE,
	KEY_BUFFER,
	KEY_FIFO,
	KEY_MLOCK,
	KEY_BUSY_POLL,
	KEY_GSO,
	KEY_GRO,
	KEY_TIMEOUT,
};

#define FIFO_DEFAULT   10u
#define BUFFER_DEFAULT (16u << 20)
#define RECORDS_BYTES  (16u << 20) /* of a ring, unless asked for */
#define PATIENCE_S     10          /* for the rest of a number of packets */
#define USUAL_SIZE     2048u       /* recv, echo: room for a datagram */

const char *const udp_mode_names[] = {"loopback", "send", "recv", "echo", "ping", NULL};

static const char *const poll_names[] = {"adaptive", "busy", "wait", NULL}; /* enum xk_idle */
static const char *const app_names[] = {"thread", "inline", NULL};

static const struct argp_option options[] = {
	{"workers", KEY_WORKERS, "N", 0, "sockets, each with its worker, port and traffic (1)", 1},
	{"duration", 'd', "S", 0, "stop after (loopback: 3; else on SIGINT or SIGTERM)", 1},
	{"packets", 'n', "N", 0, "send so many in all, or stop after so many received", 1},
	{"port", KEY_PORT, "BASE", 0, "of worker 0; the others' follow it (9000)", 1},
	{"size", KEY_SIZE, "BYTES", 0,
	 "of a datagram's payload (64; recv, echo: room for one, 2048)", 1},
	{"rate", KEY_RATE, "PPS", 0, "in all (0: as fast as it goes; ping: one after the other)",
	 1},
	{"batch", KEY_BATCH, "N", 0, "datagrams a system call, 1 to 64 (64)", 2},
	{"api", KEY_API, "API", 0, "mmsg, epoll, io_uring or zerocopy (mmsg)", 2},
	{"gso", KEY_GSO, 0, 0, "send trains, cut up by the kernel (UDP_SEGMENT)", 2},
	{"gro", KEY_GRO, 0, 0, "receive trains, put together by the kernel (UDP_GRO)", 2},
	{"app", KEY_APP, "WHERE", 0, "thread: of its own; inline: in the worker's (thread)", 2},
	{"ring-size", KEY_RING_SIZE, "N", 0, "slots of a ring, a power of two (4096, or 16 MiB)",
	 2},
	{"buffer", KEY_BUFFER, "BYTES", 0, "socket buffers asked for (16777216)", 2},
	{"poll", KEY_POLL, "HOW", 0, "adaptive, busy or wait (adaptive)", 3},
	{"fifo", KEY_FIFO, "PRIO", OPTION_ARG_OPTIONAL, "workers get SCHED_FIFO (10)", 3},
	{"mlock", KEY_MLOCK, 0, 0, "lock all memory", 3},
	{"busy-poll", KEY_BUSY_POLL, "USEC", 0, "SO_BUSY_POLL and SO_PREFER_BUSY_POLL", 3},
	{"timeout", KEY_TIMEOUT, "S", 0,
	 "ping: after this an answer is lost, after three times this the other side (1); recv, "
	 "echo: give up when nothing comes for so "
	 "long "
	 "(with -n 10, else never)",
	 4},
	{"interval", 'i', "S", 0, "a line every S seconds (0: none)", 4},
	{0},
};

static const char doc[] =
	"Measure the kernel's own UDP: what one gets without AF_XDP.\v"
	"MODE is loopback (send and recv in one process, over ADDRESS, by default 127.0.0.1), "
	"send, recv, echo or ping. send and ping need the ADDRESS of the other side; recv and echo "
	"take one of their own (all). Worker i sends to, or receives at, port BASE + i. Latency is "
	"told where sender and receiver share a clock: from when a datagram was to be sent until "
	"its receiver's application has it. ring_drops found our ring full, kernel_drops the "
	"socket's buffer.";

/* --- words --- */

static int parse_mode(struct udp_opts *o, const char *word)
{
	int mode, ret = opt_choice("MODE", word, udp_mode_names, &mode, o->err);

	if (!ret)
		o->mode = (enum udp_mode)mode;
	return ret;
}

/* Numbers only: what a name stands for is not what is to be measured. */
static int parse_address(struct udp_opts *o, const char *word)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found;

	if (getaddrinfo(word, NULL, &hints, &found))
		return opt_bad(o->err, "ADDRESS", word, "an IPv4 or IPv6 address");
	o->address.len = found->ai_addrlen;
	memcpy(&o->address.any, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static int parse_slots(struct udp_opts *o, const char *word)
{
	int ret = opt_u32("--ring-size", word, 1, XK_RING_SLOTS_MAX, &o->slots, o->err);

	if (!ret && (o->slots & (o->slots - 1)))
		ret = opt_bad(o->err, "--ring-size", word, "a power of two");
	return ret;
}

static int parse_app(struct udp_opts *o, const char *word)
{
	int at = 0, ret = opt_choice("--app", word, app_names, &at, o->err);

	o->app_inline = at == 1;
	return ret;
}

static int parse_size(struct udp_opts *o, const char *word)
{
	o->sized = true;
	return opt_u32("--size", word, 1, UDP_MAX_SIZE, &o->size, o->err);
}

static int parse_fifo(struct udp_opts *o, const char *word)
{
	o->fifo = FIFO_DEFAULT;
	return word ? opt_u32("--fifo", word, 1, 99, &o->fifo, o->err) : 0;
}

static error_t parse_how(struct udp_opts *o, int key, char *word)
{
	switch (key) {
	case KEY_API:
		return opt_choice("--api", word, udp_api_names, &o->api, o->err);
	case KEY_APP:
		return parse_app(o, word);
	case KEY_POLL:
		return opt_choice("--poll", word, poll_names, &o->poll, o->err);
	case KEY_FIFO:
		return parse_fifo(o, word);
	case KEY_MLOCK:
		o->mlock = true;
		return 0;
	case KEY_BUSY_POLL:
		return opt_u32("--busy-poll", word, 1, 1000000, &o->busy_poll_us, o->err);
	case KEY_GSO:
		o->gso = true;
		return 0;
	case KEY_GRO:
		o->gro = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct udp_opts *o = state->input;

	switch (key) {
	case KEY_WORKERS:
		return opt_u32("--workers", word, 1, UDP_MAX_WORKERS, &o->workers, o->err);
	case 'd':
		return opt_seconds("--duration", word, &o->duration_s, o->err);
	case 'n':
		return opt_u64("--packets", word, 1, UINT64_MAX, &o->packets, o->err);
	case KEY_PORT:
		return opt_u32("--port", word, 1, 65535, &o->port, o->err);
	case KEY_SIZE:
		return parse_size(o, word);
	case KEY_RATE:
		return opt_u64("--rate", word, 0, PACE_MAX_RATE, &o->rate, o->err);
	case KEY_BATCH:
		return opt_u32("--batch", word, 1, UDP_MAX_BATCH, &o->batch, o->err);
	case KEY_RING_SIZE:
		return parse_slots(o, word);
	case KEY_BUFFER:
		return opt_u32("--buffer", word, 1, 1u << 30, &o->buffer, o->err);
	case KEY_TIMEOUT:
		return opt_seconds("--timeout", word, &o->timeout_s, o->err);
	case 'i':
		return opt_seconds("--interval", word, &o->interval_s, o->err);
	default:
		return parse_how(o, key, word);
	}
}

/* --- what goes together --- */

static int usage(struct udp_opts *o, const char *what, const char *fix, const char *why)
{
	xk_err_fill(o->err, -EINVAL, what, fix, "%s", why);
	return CMD_USAGE;
}

static int check(struct udp_opts *o)
{
	bool to_somebody = o->mode == UDP_SEND || o->mode == UDP_PING;

	if (o->port + o->workers - 1 > 65535)
		return usage(o, "--port", "use a lower port, or fewer --workers",
			     "the last worker's port is above 65535");
	if (to_somebody && !o->address.len)
		return usage(o, UDP_WHAT, "as `xskit bench udp ping 10.0.0.1`",
			     "send and ping need the ADDRESS of the other side");
	if (o->mode == UDP_PING && o->size < sizeof(struct udp_stamp))
		return usage(o, "--size", "use 32 bytes or more",
			     "ping's requests carry a number and a time");
	if (o->mode == UDP_PING && o->timeout_s <= 0)
		return usage(o, "--timeout", "as 1 or 0.1", "an answer needs time");
	if (o->rate && o->rate < o->workers)
		return usage(o, "--rate", "use a higher rate, or fewer --workers",
			     "less than one a second for each worker");
	if (o->packets && o->packets < o->workers)
		return usage(o, "--packets", "use more packets, or fewer --workers",
			     "less than one for each worker");
	return 0;
}

static void set_defaults(struct udp_opts *o)
{
	bool from_anybody = udp_waits_for_anybody(o);
	uint32_t most;

	if (o->timeout_s < 0)
		o->timeout_s = !from_anybody ? 1 : o->packets ? PATIENCE_S : 0;
	if (!o->sized)
		o->size = from_anybody ? USUAL_SIZE : 64;
	if (o->mode == UDP_LOOPBACK && !o->address.len)
		parse_address(o, "127.0.0.1");
	if (o->mode == UDP_LOOPBACK && !o->duration_s && !o->packets)
		o->duration_s = 3;
	most = RECORDS_BYTES / (o->size + (uint32_t)sizeof(struct udp_record));
	if (!o->slots)
		for (o->slots = 4096; o->slots > most; o->slots /= 2)
			;
}

int udp_opts_parse(struct udp_opts *opts, int argc, char **argv, struct xk_err *err)
{
	const char *args[2] = {NULL};
	const struct command_line line = {
		.name = UDP_WHAT,
		.args_doc = "[MODE [ADDRESS]]",
		.doc = doc,
		.options = options,
		.parser = parse,
		.input = opts,
		.max_args = 2,
		.args = args,
		.err = err,
	};
	int ret;

	*opts = (struct udp_opts){
		.common = {.cpus_for = "CPUs: workers first, then their applications (auto)"},
		.workers = 1,
		.port = 9000,
		.batch = UDP_MAX_BATCH,
		.buffer = BUFFER_DEFAULT,
		.timeout_s = -1, /* not given */
		.err = err,
	};
	ret = bench_options_parse(&opts->common, &line, argc, argv);
	if (!ret && args[0])
		ret = parse_mode(opts, args[0]);
	if (!ret && args[1])
		ret = parse_address(opts, args[1]);
	if (ret)
		return ret;
	set_defaults(opts);
	return check(opts);
}

void udp_opts_free(struct udp_opts *opts)
{
	bench_options_free(&opts->common);
}
