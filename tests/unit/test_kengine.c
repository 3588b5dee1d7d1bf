// SPDX-License-Identifier: BSD-2-Clause
/*
 * kengine: counts, rates, contents and stopping, over a veth in a network namespace of its own.
 *
 * The peer counts in the kernel (xdp_drop), or hands what it gets to a packet socket (GRO on, no
 * program), or spoils each frame before it goes back to the sender's page pool (a program here).
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "abi.h"
#include "kengine.h"
#include "packet.h"
#include "xdp_drop.skel.h"

#define MS      1000000ull
#define SEC     1000000000ull
#define SENDER  "hg_kenga"
#define PEER    "hg_kengb"
#define SPORT   60000
#define MAX_CPU 1024

static uint8_t frame[4096];
static struct xdp_drop *drop;

struct runner {
	struct kengine *engine;
	pthread_t thread;
	int ret;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / SEC), .tv_nsec = (long)(ns % SEC)};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* --- the ground --- */

static int shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int set_up(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	if (unshare(CLONE_NEWNET))
		return -1;
	/* no addresses, so that nothing but the frames of the test arrives */
	return shell("ip link add " SENDER " numrxqueues 4 numtxqueues 4 type veth peer name " PEER
		     " numrxqueues 4 numtxqueues 4 && "
		     "ip link set " SENDER " mtu 3490 addrgenmode none up && "
		     "ip link set " PEER " mtu 3490 addrgenmode none up");
}

static int tear_down(void **state)
{
	(void)state;
	return geteuid() ? 0 : shell("ip link del " SENDER);
}

static void need_root(void)
{
	if (!geteuid())
		return;
	print_message("SKIP: needs root, for a network namespace and XDP\n");
	skip();
}

static void attach(int prog_fd)
{
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex(PEER), prog_fd, 0, NULL), 0);
}

static void detach(void)
{
	assert_int_equal(bpf_xdp_detach((int)if_nametoindex(PEER), 0, NULL), 0);
}

static int count_begin(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	drop = xdp_drop__open_and_load();
	if (!drop)
		return -1;
	return bpf_xdp_attach((int)if_nametoindex(PEER), bpf_program__fd(drop->progs.xdp_drop), 0,
			      NULL);
}

static int count_end(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	bpf_xdp_detach((int)if_nametoindex(PEER), 0, NULL);
	xdp_drop__destroy(drop);
	return 0;
}

static struct xk_drop_counters received(void)
{
	static struct xk_drop_counters per_cpu[MAX_CPU];
	struct xk_drop_counters sum = {0};
	int i, cpus = libbpf_num_possible_cpus();
	uint32_t zero = 0;

	assert_in_range(cpus, 1, MAX_CPU);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(drop->maps.dropped), &zero, per_cpu), 0);
	for (i = 0; i < cpus; i++) {
		sum.packets += per_cpu[i].packets;
		sum.bytes += per_cpu[i].bytes;
	}
	return sum;
}

/* What was sent last may still be on its way through the peer's NAPI. */
static void wait_received(uint64_t packets)
{
	uint64_t end = now_ns() + SEC;

	while (received().packets < packets && now_ns() < end)
		sleep_ns(MS);
	assert_int_equal(received().packets, packets);
}

/* --- the engine --- */

static struct kengine_config config_of(size_t size, uint64_t rate, uint64_t limit)
{
	struct frame_spec spec = {
		.dst_mac = {{2, 0, 0, 0, 0, 2}},
		.src_mac = {{2, 0, 0, 0, 0, 1}},
		.vlan = 0xffff,
		.proto = L4_UDP,
		.sport = SPORT,
		.dport = 9,
		.size = size,
	};
	static uint8_t payload[sizeof(frame)];

	memset(payload, 0xa5, sizeof(payload));
	assert_int_equal(ipaddr_parse("192.0.2.1", &spec.src), 0);
	assert_int_equal(ipaddr_parse("192.0.2.2", &spec.dst), 0);
	assert_int_equal(frame_build(&spec, payload, frame), 0);
	return (struct kengine_config){
		.ifindex = (int)if_nametoindex(SENDER),
		.frame = frame,
		.len = (uint32_t)size,
		.l4_off = 34,
		.rate_pps = rate,
		.limit = limit,
	};
}

static struct kengine *create(const struct kengine_config *config)
{
	struct xk_err err = {0};
	struct kengine *engine = NULL;

	if (kengine_create(&engine, config, &err))
		fail_msg("%s: %s", err.what, err.why);
	return engine;
}

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->ret = kengine_run(r->engine);
	return NULL;
}

static void start(struct runner *r, const struct kengine_config *config)
{
	r->engine = create(config);
	assert_int_equal(pthread_create(&r->thread, NULL, run_thread, r), 0);
}

static uint64_t sent_by(const struct kengine *engine)
{
	struct kengine_stats stats;

	kengine_stats(engine, &stats);
	return stats.sent;
}

static void wait_sending(const struct kengine *engine)
{
	uint64_t end = now_ns() + 2 * SEC;

	while (!sent_by(engine) && now_ns() < end)
		sleep_ns(MS / 10);
	assert_true(sent_by(engine) > 0);
}

static void join(struct runner *r)
{
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	assert_int_equal(r->ret, 0);
}

static void stop_and_join(struct runner *r)
{
	kengine_stop(r->engine);
	join(r);
}

static void finish(struct runner *r)
{
	kengine_destroy(r->engine);
}

/* --- what is refused --- */

static int refusal(const struct kengine_config *config, struct xk_err *err)
{
	struct kengine *engine;

	memset(err, 0, sizeof(*err));
	return kengine_create(&engine, config, err);
}

static void refuses_nonsense(void **state)
{
	struct kengine_config config = config_of(64, 0, 0);
	struct xk_err err;

	(void)state;
	config.len = 3401;
	assert_int_equal(refusal(&config, &err), -EMSGSIZE);
	assert_non_null(strstr(err.why, "3400"));
	assert_non_null(strstr(err.fix, "--engine xsk"));
	config.len = 41;
	assert_int_equal(refusal(&config, &err), -EINVAL);
	config.len = 64;
	config.flows = 65537;
	assert_int_equal(refusal(&config, &err), -EINVAL);
	config.flows = 1;
	config.batch = 257;
	assert_int_equal(refusal(&config, &err), -EINVAL);
	config.batch = 0;
	config.id_off = 15;
	assert_int_equal(refusal(&config, &err), -EINVAL);
}

/* Exit status of a process that has no capability left when it creates, or only when it runs. */
static int status_without_caps(int before_create)
{
	struct kengine_config config = config_of(64, 0, 1000);
	struct kengine *engine;
	struct xk_err err = {0};
	int status;
	pid_t pid = fork();

	if (!pid) {
		libbpf_set_print(NULL);
		capng_clear(CAPNG_SELECT_BOTH);
		if (before_create && capng_apply(CAPNG_SELECT_BOTH))
			_exit(10);
		if (kengine_create(&engine, &config, &err))
			_exit(err.code == -EPERM && strstr(err.why, "CAP_BPF") ? 1 : 11);
		if (!before_create && capng_apply(CAPNG_SELECT_BOTH))
			_exit(12);
		_exit(kengine_run(engine) ? 13 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void needs_capabilities_to_create_only(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(status_without_caps(1), 1);
	assert_int_equal(status_without_caps(0), 0);
	wait_received(1000);
}

/* --- how many, how fast --- */

static void sends_the_limit(uint64_t rate, uint64_t limit, size_t size)
{
	struct kengine_config config = config_of(size, rate, limit);
	struct xk_drop_counters before = received();
	struct kengine *engine = create(&config);
	struct kengine_stats stats;

	assert_int_equal(kengine_run(engine), 0);
	kengine_stats(engine, &stats);
	assert_int_equal(stats.sent, limit);
	assert_int_equal(stats.bytes, limit * size);
	assert_true(stats.last_ns >= stats.start_ns && stats.start_ns > 0);
	wait_received(before.packets + limit);
	assert_int_equal(received().bytes, before.bytes + limit * size);
	assert_int_equal(kengine_run(engine), 0); /* nothing is left */
	assert_int_equal(sent_by(engine), limit);
	kengine_destroy(engine);
}

static void limit_is_exact(void **state)
{
	(void)state;
	need_root();
	sends_the_limit(0, 1, 42);
	sends_the_limit(0, 1000003, 64);
	sends_the_limit(0, 10007, 3400);
	sends_the_limit(100000, 20011, 64);
	sends_the_limit(3000000, 500009, 131);
	sends_the_limit(5, 1, 64);
}

/* Packets a second that the peer gets over 2 s, once they flow. */
static double rate_at_peer(uint64_t rate)
{
	struct kengine_config config = config_of(64, rate, 0);
	uint64_t packets, t;
	struct runner r;

	start(&r, &config);
	wait_sending(r.engine);
	packets = received().packets;
	t = now_ns();
	sleep_ns(2 * SEC);
	packets = received().packets - packets;
	t = now_ns() - t;
	stop_and_join(&r);
	finish(&r);
	return (double)packets * (double)SEC / (double)t;
}

/* Other work on this machine may take the CPU away for longer than it can be made up for. */
static void holds_rate(uint64_t rate)
{
	double got = 0, want = (double)rate;
	int attempt;

	for (attempt = 0; attempt < 3; attempt++) {
		got = rate_at_peer(rate);
		print_message("asked %.0f, the peer got %.1f a second\n", want, got);
		if (got > want * 0.99 && got < want * 1.01)
			return;
	}
	fail_msg("asked %.0f, the peer got %.1f a second", want, got);
}

static void rates_hold(void **state)
{
	(void)state;
	need_root();
	holds_rate(10000);
	holds_rate(500000);
}

static void gap_errors_are_recorded(void **state)
{
	struct kengine_config config = config_of(64, 10000, 2000);
	struct xk_hist *hist = malloc(sizeof(*hist));
	struct kengine *engine;

	(void)state;
	need_root();
	assert_non_null(hist);
	xk_hist_reset(hist);
	engine = create(&config);
	kengine_gap_error(engine, hist);
	assert_int_equal(hist->count, 0);
	assert_int_equal(kengine_run(engine), 0);
	kengine_gap_error(engine, hist);
	assert_int_equal(hist->count, 1999);
	assert_true(xk_hist_percentile(hist, 50) < 100000);
	print_message("gap error p50 %llu ns, p99 %llu ns\n",
		      (unsigned long long)xk_hist_percentile(hist, 50),
		      (unsigned long long)xk_hist_percentile(hist, 99));
	kengine_destroy(engine);
	free(hist);
}

/* --- what is in them --- */

static int open_capture(void)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex(PEER)};
	struct timeval patience = {.tv_sec = 2};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), size = 64 << 20;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Frame number n of the sequence: everything but ports, identification and checksums as given. */
static void check_frame(const struct kengine_config *config, const uint8_t *got, uint64_t n)
{
	uint8_t want[sizeof(frame)];
	struct parsed p;

	assert_int_equal(packet_parse(got, config->len, &p), PARSE_OK);
	assert_int_equal(p.sport, (uint16_t)(SPORT + n % config->flows));
	assert_false(p.csum_partial);
	assert_false(p.csum_none);
	if (config->id_off)
		assert_int_equal(be16(got + config->id_off + 4), (uint16_t)n);
	memcpy(want, config->frame, config->len);
	memcpy(want + config->l4_off, got + config->l4_off, 2);
	memcpy(want + config->l4_off + 6, got + config->l4_off + 6, 2);
	if (config->id_off) {
		memcpy(want + config->id_off + 4, got + config->id_off + 4, 2);
		memcpy(want + config->id_off + 10, got + config->id_off + 10, 2);
	}
	assert_memory_equal(got, want, config->len);
}

static void capture_all(const struct kengine_config *config)
{
	uint8_t got[sizeof(frame)];
	int fd = open_capture();
	struct runner r;
	uint64_t n;

	start(&r, config);
	for (n = 0; n < config->limit; n++) {
		assert_int_equal(recv(fd, got, sizeof(got), 0), config->len);
		check_frame(config, got, n);
	}
	join(&r);
	finish(&r);
	close(fd);
}

/* All ports there are, past the wrap: each value that a checksum can have comes up. */
static void flows_and_checksums_are_right(void **state)
{
	struct kengine_config config = config_of(64, 50000, 65536 + 10);

	(void)state;
	need_root();
	assert_int_equal(shell("ethtool -K " PEER " gro on >/dev/null"), 0);
	config.flows = 65536;
	config.id_off = 14;
	capture_all(&config);
	config = config_of(1514, 20000, 3001);
	config.flows = 1000;
	capture_all(&config);
	assert_int_equal(shell("ethtool -K " PEER " gro off >/dev/null"), 0);
}

static void ipv6_checksums_are_right(void **state)
{
	struct frame_spec spec = {.vlan = 0xffff, .proto = L4_UDP, .sport = SPORT, .dport = 7};
	struct kengine_config config = config_of(64, 20000, 2000);

	(void)state;
	need_root();
	assert_int_equal(shell("ethtool -K " PEER " gro on >/dev/null"), 0);
	spec.dst_mac.b[0] = spec.src_mac.b[0] = 2;
	spec.size = config.len = 77;
	assert_int_equal(ipaddr_parse("2001:db8::1", &spec.src), 0);
	assert_int_equal(ipaddr_parse("2001:db8::2", &spec.dst), 0);
	assert_int_equal(frame_build(&spec, NULL, frame), 0);
	config.l4_off = 54;
	config.flows = 3;
	capture_all(&config);
	assert_int_equal(shell("ethtool -K " PEER " gro off >/dev/null"), 0);
}

/* --- frames that come back spoiled --- */

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define LOAD(size, d, s, o)  INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STORE(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define COPY(d, s)           INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define SET(d, i)            INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADD(d, i)            INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define JUMP(op, d, s, o)    INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)

struct spoiled {
	uint64_t good, seen;
};

/*
 * A program that counts the frames whose first and last 4 bytes are the template's, overwrites them
 * and drops: so spoiled a page goes back to the sender.
 */
static int load_spoiler(int map_fd, uint32_t len)
{
	const int16_t last = (int16_t)(len - 4);
	uint32_t head, tail;

	memcpy(&head, frame, 4);
	memcpy(&tail, frame + last, 4);
	const struct bpf_insn program[] = {
		INSN(BPF_LD | BPF_DW | BPF_IMM, 6, BPF_PSEUDO_MAP_VALUE, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		LOAD(BPF_W, 2, 1, 0),
		LOAD(BPF_W, 3, 1, 4),
		COPY(4, 2),
		ADD(4, (int32_t)len),
		JUMP(BPF_JGT, 4, 3, 11), /* too short to be good */
		LOAD(BPF_W, 5, 2, 0),
		LOAD(BPF_W, 7, 2, last),
		STORE(BPF_W, 2, 0, 0x55555555),
		STORE(BPF_W, 2, last, 0x55555555),
		INSN(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, (int32_t)head),
		JUMP(BPF_JNE, 5, 0, 5),
		INSN(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, (int32_t)tail),
		JUMP(BPF_JNE, 7, 0, 3),
		LOAD(BPF_DW, 8, 6, 0),
		ADD(8, 1),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 6, 8, 0, 0),
		LOAD(BPF_DW, 8, 6, 8), /* seen */
		ADD(8, 1),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 6, 8, 8, 0),
		SET(0, XDP_DROP),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "spoiler", "Dual BSD/GPL", program,
			     sizeof(program) / sizeof(program[0]), NULL);
}

static struct spoiled spoil(uint32_t len, uint64_t limit)
{
	struct kengine_config config = config_of(len, 0, limit);
	struct kengine *engine = create(&config);
	struct spoiled result;
	uint32_t zero = 0;
	int map_fd, prog_fd;

	map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "spoiled", 4, sizeof(result), 1, NULL);
	assert_true(map_fd >= 0);
	prog_fd = load_spoiler(map_fd, len);
	assert_true(prog_fd >= 0);
	attach(prog_fd);
	assert_int_equal(kengine_run(engine), 0);
	sleep_ns(100 * MS);
	assert_int_equal(bpf_map_lookup_elem(map_fd, &zero, &result), 0);
	detach();
	close(prog_fd);
	close(map_fd);
	kengine_destroy(engine);
	return result;
}

static void spoiled_frames_are_made_good(void **state)
{
	static const uint32_t lens[] = {60, 64, 71, 128, 131, 200, 1514, 3399, 3400};
	struct spoiled result;
	unsigned i;

	(void)state;
	need_root();
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		result = spoil(lens[i], 20000);
		assert_int_equal(result.seen, 20000);
		assert_int_equal(result.good, 20000);
	}
}

/* --- stopping --- */

static uint64_t time_to_stop(uint64_t rate, uint64_t after_ns)
{
	struct kengine_config config = config_of(64, rate, 0);
	struct runner r;
	uint64_t t;

	start(&r, &config);
	sleep_ns(after_ns);
	t = now_ns();
	stop_and_join(&r);
	t = now_ns() - t;
	finish(&r);
	return t;
}

/* At any moment: before the call, while it sets up, while it sends. */
static void stops_within_200_ms(void **state)
{
	uint64_t after, t, worst = 0;

	(void)state;
	need_root();
	for (after = 0; after < 30 * MS; after += MS / 2) {
		t = time_to_stop(after / MS % 2 ? 10 : 0, after);
		worst = t > worst ? t : worst;
	}
	print_message("slowest stop %.1f ms\n", (double)worst / (double)MS);
	assert_true(worst < 200 * MS);
}

static void stopped_before_run_sends_nothing(void **state)
{
	struct kengine_config config = config_of(64, 0, 0);
	struct kengine *engine;

	(void)state;
	need_root();
	engine = create(&config);
	kengine_stop(engine);
	assert_int_equal(kengine_run(engine), 0);
	assert_int_equal(sent_by(engine), 0);
	kengine_destroy(engine);
	kengine_destroy(NULL);
}

/* SIGUSR1 blocked in the thread that runs, as a careful program has it. */
static void blocked_signal_is_no_obstacle(void **state)
{
	sigset_t set, old, now;

	(void)state;
	need_root();
	sigfillset(&set);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
	assert_true(time_to_stop(1000, 50 * MS) < 200 * MS);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, &now), 0);
	assert_int_equal(sigismember(&now, SIGUSR1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test_setup_teardown(needs_capabilities_to_create_only, count_begin,
						count_end),
		cmocka_unit_test_setup_teardown(limit_is_exact, count_begin, count_end),
		cmocka_unit_test_setup_teardown(rates_hold, count_begin, count_end),
		cmocka_unit_test_setup_teardown(gap_errors_are_recorded, count_begin, count_end),
		cmocka_unit_test(flows_and_checksums_are_right),
		cmocka_unit_test(ipv6_checksums_are_right),
		cmocka_unit_test(spoiled_frames_are_made_good),
		cmocka_unit_test_setup_teardown(stops_within_200_ms, count_begin, count_end),
		cmocka_unit_test(stopped_before_run_sends_nothing),
		cmocka_unit_test_setup_teardown(blocked_signal_is_no_obstacle, count_begin,
						count_end),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
