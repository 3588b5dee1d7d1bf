// SPDX-License-Identifier: BSD-2-Clause
/*
 * nl: against the kernel, in a network namespace of the test's own. hl0 and hl1 are a veth pair in
 * it, hl2's other end hl3 lies in a second namespace, which a child process keeps alive.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include "nl.h"

static struct xk_err err;
static struct nl_link info;
static pid_t other; /* lives in the second namespace */
static int hl0, hl1, hl2;

__attribute__((format(printf, 2, 3))) static int run(bool must, const char *format, ...)
{
	char command[512];
	va_list args;
	int rc;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	rc = system(command);
	if (must && rc)
		print_error("failed: %s\n", command);
	if (must)
		assert_int_equal(rc, 0);
	return rc;
}

#define ip(...)  run(true, "ip " __VA_ARGS__)
#define try(...) run(false, __VA_ARGS__)

static struct ipaddr addr(const char *text)
{
	struct ipaddr a = {0};

	a.family = strchr(text, ':') ? 6 : 4;
	assert_int_equal(inet_pton(a.family == 4 ? AF_INET : AF_INET6, text, a.b), 1);
	return a;
}

static void assert_addr(const struct ipaddr *got, const char *want)
{
	struct ipaddr a = addr(want);

	assert_int_equal(got->family, a.family);
	assert_memory_equal(got->b, a.b, sizeof(a.b));
}

static bool is_root(void)
{
	return other > 0;
}

static void need_root(void)
{
	if (is_root())
		return;
	print_message("network namespaces need root\n");
	skip();
}

static void child_main(int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) || write(ready, "x", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

static int make_namespaces(void **unused)
{
	int ready[2];
	char byte;

	(void)unused;
	if (unshare(CLONE_NEWNET))
		return 0;
	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (!other)
		child_main(ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return 0;
}

static int drop_namespaces(void **unused)
{
	(void)unused;
	if (is_root()) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	return 0;
}

/* Every test begins with the same links, up, without any address. */
static int setup(void **unused)
{
	(void)unused;
	if (!is_root())
		return 0;
	ip("link set lo up");
	ip("link add hl0 mtu 1400 address 02:00:00:00:00:10 numrxqueues 3 numtxqueues 2 "
	   "type veth peer name hl1 address 02:00:00:00:00:11 numrxqueues 2 numtxqueues 3");
	ip("link add hl2 address 02:00:00:00:00:12 type veth "
	   "peer name hl3 address 02:00:00:00:00:13 netns %d",
	   other);
	for (int i = 0; i < 3; i++) {
		ip("link set hl%d addrgenmode none", i);
		ip("link set hl%d up", i);
	}
	run(true, "nsenter -t %d -n ip link set hl3 addrgenmode none up", other);
	hl0 = (int)if_nametoindex("hl0");
	hl1 = (int)if_nametoindex("hl1");
	hl2 = (int)if_nametoindex("hl2");
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	if (!is_root())
		return 0;
	try("ip link del hl0 2>/dev/null");
	try("ip link del hl2 2>/dev/null");
	return 0;
}

/* --- links --- */

static void link_facts(void **unused)
{
	static const struct macaddr mac = {{2, 0, 0, 0, 0, 0x10}};

	(void)unused;
	need_root();
	assert_int_equal(nl_link("hl0", &info, &err), 0);
	assert_string_equal(info.name, "hl0");
	assert_string_equal(info.driver, "veth");
	assert_int_equal(info.ifindex, hl0);
	assert_memory_equal(&info.mac, &mac, sizeof(mac));
	assert_int_equal(info.mtu, 1400);
	assert_int_equal(info.rx_queues, 3);
	assert_int_equal(info.tx_queues, 2);
	assert_true(info.up && info.carrier);
	assert_int_equal(info.peer_ifindex, hl1);
	assert_int_equal(info.peer_netnsid, -1);
	assert_int_equal(nl_link("hl2", &info, &err), 0);
	assert_true(info.peer_ifindex > 0);
	assert_true(info.peer_netnsid >= 0);
}

static void link_states(void **unused)
{
	(void)unused;
	need_root();
	ip("link set hl1 down");
	assert_int_equal(nl_link("hl0", &info, &err), 0);
	assert_true(info.up && !info.carrier);
	assert_int_equal(nl_link("hl1", &info, &err), 0);
	assert_false(info.up);
	assert_int_equal(nl_link("lo", &info, &err), 0);
	assert_string_equal(info.driver, "");
	assert_int_equal(info.ifindex, 1);
	assert_int_equal(info.peer_ifindex, 0);
	assert_true(info.rx_queues >= 1);
	/* what is stacked has a link below it, but no peer */
	if (!try("ip link add link hl0 name hl4 type vlan id 5 2>/dev/null") ||
	    !try("ip link add link hl0 name hl4 type macvlan 2>/dev/null")) {
		assert_int_equal(nl_link("hl4", &info, &err), 0);
		assert_int_equal(info.peer_ifindex, 0);
	}
}

static void link_missing(void **unused)
{
	static const char *const names[] = {"hl9", "", "a-name-that-is-too-long-for-an-interface",
					    "0123456789abcde", "0123456789abcdef"};

	(void)unused;
	need_root();
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(nl_link(names[i], &info, &err), -ENODEV);
		assert_int_equal(err.code, -ENODEV);
		assert_non_null(strstr(err.why, names[i]));
		assert_int_equal(nl_link(names[i], &info, NULL), -ENODEV);
	}
}

static void send_frames(int ifindex, unsigned n)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6};
	unsigned char frame[100] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(fd >= 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
			sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(frame));
	close(fd);
}

static void counters(void **unused)
{
	struct nl_counters tx[2], rx[2];

	(void)unused;
	need_root();
	assert_int_equal(nl_counters(hl0, &tx[0]), 0);
	assert_int_equal(nl_counters(hl1, &rx[0]), 0);
	send_frames(hl0, 7);
	assert_int_equal(nl_counters(hl0, &tx[1]), 0);
	assert_int_equal(nl_counters(hl1, &rx[1]), 0);
	assert_int_equal(tx[1].tx_packets - tx[0].tx_packets, 7);
	assert_int_equal(tx[1].tx_bytes - tx[0].tx_bytes, 700);
	assert_int_equal(tx[1].rx_packets, tx[0].rx_packets);
	assert_int_equal(rx[1].rx_packets - rx[0].rx_packets, 7);
	assert_true(rx[1].rx_bytes > rx[0].rx_bytes);
	ip("link set hl1 down");
	assert_int_equal(nl_counters(hl0, &tx[0]), 0);
	send_frames(hl2, 1);
	assert_int_equal(nl_counters(9999, &tx[0]), -ENODEV);
	assert_int_equal(nl_counters(0, &tx[0]), -ENODEV);
	assert_int_equal(nl_counters(-1, &tx[0]), -ENODEV);
}

/* --- routes --- */

static bool has_default(int ifindex)
{
	bool yes = false;

	assert_int_equal(nl_default_route_via(ifindex, &yes), 0);
	return yes;
}

static void check_default(const char *route)
{
	assert_false(has_default(hl0));
	ip("%s", route);
	assert_true(has_default(hl0));
	assert_false(has_default(hl2));
	ip("link set hl0 down"); /* takes its routes with it, but not its IPv4 addresses */
	ip("link set hl0 up");
	ip("route flush table all dev hl0 2>/dev/null");
	ip("-6 addr replace fd00:1::1/64 dev hl0 nodad");
	assert_false(has_default(hl0));
}

static void default_routes(void **unused)
{
	(void)unused;
	need_root();
	ip("addr add 10.1.0.1/24 dev hl0");
	ip("-6 addr add fd00:1::1/64 dev hl0 nodad");
	ip("route add 10.5.0.0/16 dev hl0");
	check_default("route add default dev hl0");
	check_default("route add default dev hl0 table 100");
	check_default("-6 route add default via fd00:1::2 dev hl0");
	check_default("-6 route add default dev hl0 table 77");
	ip("addr add 10.2.0.1/24 dev hl2");
	ip("route replace 10.1.0.0/24 dev hl0");
	ip("route add default nexthop via 10.2.0.9 dev hl2 nexthop via 10.1.0.9 dev hl0");
	assert_true(has_default(hl0));
	assert_true(has_default(hl2));
	assert_false(has_default(hl1));
	ip("route del default");
	ip("route add unreachable default");
	ip("-6 route add unreachable default"); /* leaves by lo, as the kernel tells it */
	assert_false(has_default(hl0));
	assert_false(has_default(1));
	ip("route del unreachable default");
	ip("-6 route del unreachable default");
}

static void addresses(void **unused)
{
	struct ipaddr list[8];
	uint8_t prefix[8];

	(void)unused;
	need_root();
	assert_int_equal(nl_addresses(hl0, list, prefix, 8), 0);
	ip("addr add 10.1.0.1/24 dev hl0");
	ip("addr add 10.9.0.1 peer 10.9.0.2/32 dev hl0");
	ip("addr add fd00:1::1/64 dev hl0 nodad");
	ip("addr add 10.2.0.1/24 dev hl2");
	assert_int_equal(nl_addresses(hl0, list, prefix, 8), 3);
	assert_addr(&list[0], "10.1.0.1");
	assert_int_equal(prefix[0], 24);
	assert_addr(&list[1], "10.9.0.1");
	assert_int_equal(prefix[1], 32);
	assert_addr(&list[2], "fd00:1::1");
	assert_int_equal(prefix[2], 64);
	assert_int_equal(nl_addresses(hl0, list, NULL, 2), 2);
	assert_int_equal(nl_addresses(hl0, list, NULL, 0), 0);
	assert_int_equal(nl_addresses(9999, list, NULL, 8), 0);
}

static void check_way(int ifindex, const char *dst, const char *next_hop, const char *src)
{
	struct ipaddr to = addr(dst), got;

	assert_int_equal(nl_route(ifindex, &to, &got), 0);
	assert_addr(&got, next_hop);
	assert_int_equal(nl_source_for(ifindex, &to, &got), 0);
	assert_addr(&got, src);
}

static void check_no_way(int ifindex, const char *dst)
{
	struct ipaddr to = addr(dst), got;

	assert_int_equal(nl_route(ifindex, &to, &got), -ENETUNREACH);
	assert_int_equal(nl_source_for(ifindex, &to, &got), -EADDRNOTAVAIL);
}

static void routes(void **unused)
{
	struct ipaddr to = addr("10.8.0.1"), got;

	(void)unused;
	need_root();
	check_no_way(hl0, "fd00:1::2");
	assert_int_equal(nl_source_for(hl0, &to, &got), -EADDRNOTAVAIL);
	ip("addr add 10.1.0.1/24 dev hl0");
	ip("addr add 10.2.0.1/24 dev hl2");
	ip("addr add 10.2.0.7/24 dev hl2");
	ip("-6 addr add fd00:1::1/64 dev hl0 nodad");
	check_way(hl0, "10.1.0.2", "10.1.0.2", "10.1.0.1");
	check_way(hl0, "fd00:1::2", "fd00:1::2", "fd00:1::1");
	ip("route add 10.8.0.0/16 via 10.1.0.9 dev hl0");
	check_way(hl0, "10.8.0.1", "10.1.0.9", "10.1.0.1");
	ip("-6 route add default via fd00:1::9 dev hl0");
	check_way(hl0, "2001:db8::1", "fd00:1::9", "fd00:1::1");
	ip("route add 10.7.0.0/16 via inet6 fd00:1::8 dev hl0");
	check_way(hl0, "10.7.0.1", "fd00:1::8", "10.1.0.1");
	ip("route add 10.6.0.0/16 dev hl2 src 10.2.0.7");
	check_way(hl2, "10.6.0.1", "10.6.0.1", "10.2.0.7");
	check_no_way(hl0, "10.1.0.1"); /* its own */
	check_no_way(hl0, "fd00:1::1");
	check_no_way(hl2, "fd00:2::1"); /* hl2 has no IPv6 address and no route */
	assert_int_equal(nl_route(9999, &to, &got), -ENODEV);
	assert_int_equal(nl_source_for(9999, &to, &got), -ENODEV);
	ip("link set hl2 down");
	check_no_way(hl2, "10.2.0.2");
}

/* --- neighbours --- */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void neighbours(void **unused)
{
	static const struct macaddr want = {{2, 0, 0, 0, 0, 0x77}};
	struct ipaddr a4 = addr("10.1.0.2"), a6 = addr("fd00:1::2");
	struct macaddr mac;

	(void)unused;
	need_root();
	ip("addr add 10.1.0.1/24 dev hl0");
	ip("-6 addr add fd00:1::1/64 dev hl0 nodad");
	assert_int_equal(nl_neighbour(hl0, &a4, &mac), -ENOENT);
	assert_int_equal(nl_neighbour(hl0, &a6, &mac), -ENOENT);
	ip("neigh add 10.1.0.2 lladdr 02:00:00:00:00:77 dev hl0");
	ip("neigh add fd00:1::2 lladdr 02:00:00:00:00:77 dev hl0 nud stale");
	assert_int_equal(nl_neighbour(hl0, &a4, &mac), 0);
	assert_memory_equal(&mac, &want, sizeof(mac));
	memset(&mac, 0, sizeof(mac));
	assert_int_equal(nl_neighbour(hl0, &a6, &mac), 0);
	assert_memory_equal(&mac, &want, sizeof(mac));
	assert_int_equal(nl_neighbour(hl1, &a4, &mac), -ENOENT);
	ip("neigh change 10.1.0.2 lladdr 02:00:00:00:00:77 dev hl0 nud failed");
	assert_int_equal(nl_neighbour(hl0, &a4, &mac), -ENOENT);
	assert_int_equal(nl_neighbour(9999, &a4, &mac), -ENODEV);
	assert_int_equal(nl_neighbour_probe(9999, &a4), -ENODEV);
}

static void check_probe(const char *text)
{
	static const struct macaddr want = {{2, 0, 0, 0, 0, 0x13}};
	struct ipaddr a = addr(text);
	uint64_t end = now_ms() + 5000;
	struct macaddr mac;
	int rc;

	assert_int_equal(nl_neighbour(hl2, &a, &mac), -ENOENT);
	assert_int_equal(nl_neighbour_probe(hl2, &a), 0);
	while ((rc = nl_neighbour(hl2, &a, &mac)) == -ENOENT && now_ms() < end)
		sched_yield();
	assert_int_equal(rc, 0);
	assert_memory_equal(&mac, &want, sizeof(mac));
}

static void probe(void **unused)
{
	struct ipaddr nobody = addr("10.2.0.99");
	struct macaddr mac;

	(void)unused;
	need_root();
	ip("addr add 10.2.0.1/24 dev hl2");
	ip("-6 addr add fd00:2::1/64 dev hl2 nodad");
	ip("-6 addr add fe80::1/64 dev hl2 nodad"); /* the kernel asks from this one */
	run(true, "nsenter -t %d -n ip addr add 10.2.0.2/24 dev hl3", other);
	run(true, "nsenter -t %d -n ip addr add fd00:2::2/64 dev hl3 nodad", other);
	check_probe("10.2.0.2");
	check_probe("fd00:2::2");
	assert_int_equal(nl_neighbour_probe(hl2, &nobody), 0);
	assert_int_equal(nl_neighbour(hl2, &nobody, &mac),
			 -ENOENT); /* incomplete is not resolved */
}

/* --- XDP features --- */

static uint64_t features(int ifindex)
{
	uint64_t value = 0;

	assert_int_equal(nl_xdp_features(ifindex, &value), 0);
	return value;
}

static int attach_pass(int ifindex)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns, 2, NULL);

	assert_true(prog >= 0);
	assert_int_equal(bpf_xdp_attach(ifindex, prog, XDP_FLAGS_DRV_MODE, NULL), 0);
	return prog;
}

static void xdp_features(void **unused)
{
	uint64_t value, basic = NL_XDP_BASIC | NL_XDP_REDIRECT;
	int prog;

	(void)unused;
	need_root();
	if (nl_xdp_features(hl0, &value) == -EOPNOTSUPP) {
		print_message("this kernel has no netdev family\n");
		skip();
	}
	assert_int_equal(features(hl0) & basic, basic);
	assert_false(features(hl0) & (NL_XDP_NDO_XMIT | NL_XDP_HW_OFFLOAD));
	/* hl0 takes redirected frames if its peer can: with a program, or with GRO */
	prog = attach_pass(hl1);
	assert_true(features(hl0) & NL_XDP_NDO_XMIT);
	assert_false(features(hl1) & NL_XDP_NDO_XMIT);
	assert_int_equal(bpf_xdp_detach(hl1, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_false(features(hl0) & NL_XDP_NDO_XMIT);
	close(prog);
	if (!try("ethtool -K hl1 gro on"))
		assert_true(features(hl0) & NL_XDP_NDO_XMIT);
	assert_int_equal(features(1), 0);
	assert_int_equal(nl_xdp_features(9999, &value), -ENODEV);
}

/* --- multicast --- */

static bool joined(const char *dev, const char *mac)
{
	return !try("ip maddr show dev %s | grep -q 'link  *%s'", dev, mac);
}

static void groups(void **unused)
{
	struct ipaddr g6 = addr("ff02::1:ff12:3456"), g4 = addr("239.129.2.3");
	struct ipaddr unicast = addr("10.0.0.1");
	int fd6, fd4;

	(void)unused;
	need_root();
	fd6 = nl_join_group(hl0, &g6);
	fd4 = nl_join_group(hl0, &g4);
	assert_true(fd6 >= 0 && fd4 >= 0);
	assert_true(joined("hl0", "33:33:ff:12:34:56"));
	assert_true(joined("hl0", "01:00:5e:01:02:03"));
	assert_false(joined("hl1", "33:33:ff:12:34:56"));
	send_frames(hl1, 3);
	assert_int_equal(recv(fd6, &fd4, 1, MSG_DONTWAIT | MSG_PEEK), -1); /* never receives */
	assert_true(fcntl(fd6, F_GETFD) & FD_CLOEXEC);
	close(fd6);
	assert_false(joined("hl0", "33:33:ff:12:34:56"));
	close(fd4);
	assert_int_equal(nl_join_group(hl0, &unicast), -EINVAL);
	assert_int_equal(nl_join_group(9999, &g6), -ENODEV);
}

/* --- events --- */

static enum nl_event next_event(int fd, int ifindex)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&pfd, 1, 5000), 1);
	return nl_watch_read(fd, ifindex);
}

/* The last of what there is to read. */
static enum nl_event last_event(int fd, int ifindex)
{
	enum nl_event event, last = NL_EVENT_NONE;

	while ((event = nl_watch_read(fd, ifindex)) != NL_EVENT_NONE)
		last = event;
	return last;
}

static void watch(void **unused)
{
	int fd;

	(void)unused;
	need_root();
	last_event(fd = nl_watch_open(), hl0);
	assert_true(fd >= 0);
	assert_int_equal(nl_watch_read(fd, hl0), NL_EVENT_NONE);
	ip("link set hl2 down");
	assert_int_equal(last_event(fd, hl0), NL_EVENT_NONE); /* another's */
	ip("link set hl0 down");
	assert_int_equal(next_event(fd, hl0), NL_EVENT_DOWN);
	ip("link set hl0 up");
	while (next_event(fd, hl0) != NL_EVENT_UP)
		;
	assert_int_equal(nl_link("hl0", &info, &err), 0);
	assert_true(info.up && info.carrier);
	ip("link set hl1 down"); /* the carrier goes */
	while (next_event(fd, hl0) != NL_EVENT_DOWN)
		;
	ip("link set hl1 up");
	while (next_event(fd, hl0) != NL_EVENT_UP)
		;
	last_event(fd, hl0);
	ip("link del hl0");
	assert_int_equal(last_event(fd, hl0), NL_EVENT_GONE);
	close(fd);
}

/* A port leaving its bridge is no interface that is gone. */
static void watch_bridge(void **unused)
{
	int fd;

	(void)unused;
	need_root();
	ip("link add hlbr type bridge");
	ip("link set hl0 master hlbr");
	fd = nl_watch_open();
	ip("link set hl0 nomaster");
	ip("link set hl0 mtu 1300");
	for (enum nl_event e; (e = nl_watch_read(fd, hl0)) != NL_EVENT_NONE;)
		assert_int_not_equal(e, NL_EVENT_GONE);
	close(fd);
	ip("link del hlbr");
}

/* Events were lost because nobody read: the state of today is told instead. */
static void watch_overflow(void **unused)
{
	int fd = nl_watch_open(), small = 1;

	(void)unused;
	need_root();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 10; i++)
		ip("link set hl0 mtu %d", 1300 + i);
	ip("link set hl1 down");
	assert_int_equal(last_event(fd, hl0), NL_EVENT_DOWN);
	for (int i = 0; i < 10; i++)
		ip("link set hl0 mtu %d", 1300 + i);
	ip("link del hl0");
	assert_int_equal(last_event(fd, hl0), NL_EVENT_GONE);
	close(fd);
}

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void no_leaks(void **unused)
{
	struct ipaddr a = addr("10.1.0.2"), got;
	int fds = open_fds();
	struct macaddr mac;
	uint64_t value;
	bool yes;

	(void)unused;
	need_root();
	for (int i = 0; i < 10; i++) {
		nl_link("hl0", &info, NULL);
		nl_link("hl9", &info, NULL);
		nl_default_route_via(hl0, &yes);
		nl_route(9999, &a, &got);
		nl_neighbour(hl0, &a, &mac);
		nl_xdp_features(9999, &value);
		nl_join_group(9999, &a);
	}
	assert_int_equal(open_fds(), fds);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(link_facts),     T(link_states),    T(link_missing), T(counters),
		T(default_routes), T(addresses),      T(routes),       T(neighbours),
		T(probe),          T(xdp_features),   T(groups),       T(watch),
		T(watch_bridge),   T(watch_overflow), T(no_leaks),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, make_namespaces, drop_namespaces);
}
