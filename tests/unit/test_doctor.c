// SPDX-License-Identifier: BSD-2-Clause
/* doctor: its checks on made-up patients, for what no device of a test's machine shows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"
#include "doctor/sysfile.h"
#include "doctor/workers.h"

static struct patient nic;           /* large */
static struct doctor_socket socket0; /* its only socket */
static struct finding found;

/* A NIC that has everything, with one socket that xskit has on queue 0, watched for a second. */
static int make_nic(void **state)
{
	(void)state;
	nic = (struct patient){
		.ifname = "nic0",
		.link = {.name = "nic0",
			 .driver = "ice",
			 .ifindex = 1 << 30,
			 .mtu = 1500,
			 .rx_queues = 1,
			 .tx_queues = 1,
			 .up = true,
			 .carrier = true},
		.xdp = NL_XDP_BASIC | NL_XDP_REDIRECT | NL_XDP_NDO_XMIT | NL_XDP_ZEROCOPY |
		       NL_XDP_RX_SG,
		.prog = {.prog_id = 5,
			 .name = "xsk_redirect",
			 .mode = XK_MODE_NATIVE,
			 .ours = true,
			 .abi = XK_ABI_VERSION,
			 .link_id = 7,
			 .sockets = 1,
			 .queue_has_socket = {1}},
		.peer.rc = -ENOENT,
		.holders = {.n = 1, .sockets = &socket0},
		.live_s = 1,
		.seen.interface.rx_packets = 100,
	};
	nic.seen.program[0].redirected = 100;
	socket0 = (struct doctor_socket){
		.pid = 1 << 30, .bound = 1, .zerocopy = 1, .inode = 9, .comm = "xskit"};
	socket0.rx = socket0.fill = (struct doctor_ring){1, 2048, 100, 100};
	return 0;
}

static const struct check *find(const char *name)
{
	for (const struct check_group *const *group = doctor_groups; *group; group++)
		for (unsigned i = 0; i < (*group)->n; i++)
			if (!strcmp((*group)->checks[i].name, name))
				return &(*group)->checks[i];
	fail_msg("there is no check %s", name);
	return NULL;
}

static enum finding_status look(const char *name)
{
	memset(&found, 0, sizeof(found));
	find(name)->look(&nic, &found);
	if (found.status == FINDING_WARN || found.status == FINDING_FAIL)
		assert_string_not_equal(found.fix, "");
	else
		assert_string_equal(found.fix, "");
	assert_string_not_equal(found.found, "");
	return found.status;
}

/* The check is well before, and has that status when *what is set; then the NIC is made anew. */
#define ILL(name, status, what, value)                                                             \
	do {                                                                                       \
		assert_int_equal(look(name), FINDING_OK);                                          \
		what = value;                                                                      \
		assert_int_equal(look(name), status);                                              \
		make_nic(NULL);                                                                    \
	} while (0)

static void the_table_is_sound(void **state)
{
	char bad[64];

	(void)state;
	for (const struct check_group *const *group = doctor_groups; *group; group++) {
		assert_true((*group)->n > 0);
		for (unsigned i = 0; i < (*group)->n; i++) {
			const struct check *check = &(*group)->checks[i];

			assert_ptr_equal(find(check->name), check); /* no name twice */
			assert_true(strlen(check->want) > 1 && strlen(check->why) > 1);
			assert_null(strpbrk(check->name, ", "));
			assert_true(doctor_knows(check->name, bad));
		}
		assert_true(doctor_knows((*group)->name, bad));
	}
}

static void lists_are_checked(void **state)
{
	char bad[64];

	(void)state;
	assert_true(doctor_knows("mtu,link,kernel", bad));
	assert_false(doctor_knows("mtu,nothing,link", bad));
	assert_string_equal(bad, "nothing");
	assert_false(doctor_knows("", bad));
	assert_false(doctor_knows("mtu,,link", bad));
	assert_false(doctor_knows(
		"a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word", bad));
}

static void links(void **state)
{
	(void)state;
	ILL("link", FINDING_FAIL, nic.link.up, false);
	ILL("carrier", FINDING_FAIL, nic.link.carrier, false);
	nic.stack = (struct nl_stack){.master = 3, .master_name = "bond0", .master_kind = "bond"};
	assert_int_equal(look("master"), FINDING_WARN);
	assert_string_equal(found.found, "a port of the bond bond0");
	nic.stack = (struct nl_stack){.kind = "vlan", .lower = 3, .lower_name = "eth9"};
	assert_int_equal(look("below"), FINDING_WARN);
	assert_string_equal(found.fix, "xskit doctor eth9");
	nic.stack = (struct nl_stack){.upper_name = "eth9.5", .upper_kind = "vlan"};
	assert_int_equal(look("above"), FINDING_WARN);
}

static void long_packets(void **state)
{
	(void)state;
	ILL("mtu", FINDING_WARN, nic.link.mtu, 9000);
	nic.link.mtu = 2048 - 256 - 22;
	assert_int_equal(look("mtu"), FINDING_OK);
	nic.link.mtu++;
	assert_int_equal(look("mtu"), FINDING_WARN);
	nic.xdp &= ~(uint64_t)NL_XDP_RX_SG;
	nic.link.mtu = 9000;
	assert_int_equal(look("mtu"), FINDING_FAIL);
	nic.link.mtu = 1500;
	assert_int_equal(look("mtu"), FINDING_OK);
}

static void drivers(void **state)
{
	(void)state;
	ILL("native", FINDING_WARN, nic.xdp, 0);
	ILL("zerocopy", FINDING_WARN, nic.xdp, NL_XDP_BASIC);
	ILL("redirect-into", FINDING_WARN, nic.xdp, NL_XDP_BASIC | NL_XDP_REDIRECT);
	ILL("xdp-mode", FINDING_WARN, nic.prog.mode, XK_MODE_SKB);
	ILL("native", FINDING_SKIP, nic.xdp_rc, -EOPNOTSUPP);
	ILL("xdp-program", FINDING_FAIL, nic.prog.abi, XK_ABI_VERSION + 1);
	ILL("xdp-program", FINDING_FAIL, nic.prog.ours, false);
	assert_string_equal(found.fix, "bpftool link detach id 7");
	nic.prog.ours = false;
	nic.prog.dispatcher = true;
	assert_int_equal(look("xdp-program"), FINDING_FAIL);
	assert_string_equal(found.fix, "xdp-loader unload nic0 --all");
}

static void what_comes(void **state)
{
	(void)state;
	ILL("arrival", FINDING_WARN, nic.seen.interface.rx_packets, 0);
	ILL("drops", FINDING_WARN, nic.seen.interface.rx_missed, 3);
	ILL("mac", FINDING_WARN, nic.seen.stack[3].other_host, 1);
	ILL("vlan", FINDING_WARN, nic.seen.stack[3].vlan, 1);
	ILL("offloads", FINDING_WARN, nic.seen.stack[0].segments, 1);
	ILL("offloads", FINDING_WARN, nic.seen.stack[0].partial_csum, 1);
	ILL("kept", FINDING_WARN, nic.seen.program[0].kept, 101);
	ILL("unmatched", FINDING_WARN, nic.seen.program[0].unmatched, 101);
	ILL("queues", FINDING_WARN, nic.link.rx_queues, 3);
	nic.link.rx_queues = 3;
	nic.seen.program[2].no_socket = 1;
	assert_int_equal(look("queues"), FINDING_FAIL);
	assert_string_equal(found.fix, "xskit rx nic0 -q 1-2");
	nic.watch_rc = -ENODATA;
	assert_int_equal(look("arrival"), FINDING_SKIP);
	assert_int_equal(look("queues"), FINDING_WARN);
}

static void many_queues_fit(void **state)
{
	(void)state;
	nic.link.rx_queues = 1024;
	nic.prog.queue_has_socket[0] = 5;
	assert_int_equal(look("queues"), FINDING_WARN);
	assert_string_equal(found.fix, "xskit rx nic0 -q 1,3-1023");
	nic.link.rx_queues = 4096;
	for (unsigned i = 0; i < 16; i++)
		nic.prog.queue_has_socket[i] = 0x5555555555555555;
	assert_int_equal(look("queues"), FINDING_WARN);
}

static void what_sockets_lose(void **state)
{
	(void)state;
	ILL("fill-ring", FINDING_WARN, socket0.fill_empty, 1);
	ILL("rx-ring", FINDING_WARN, socket0.rx_queue_full, 1);
	ILL("rx-descriptors", FINDING_WARN, socket0.rx_invalid, 1);
	ILL("tx-descriptors", FINDING_WARN, socket0.tx_invalid, 1);
	ILL("exceptions", FINDING_FAIL, nic.seen.errors.exceptions, 1);
	ILL("redirect-errors", FINDING_FAIL, nic.seen.errors.redirect, 1);
	ILL("holders", FINDING_WARN, nic.prog.queue_has_socket[0], 0);
	nic.prog.queue_has_socket[0] = 0;
	assert_int_equal(look("holders"), FINDING_WARN);
	assert_string_equal(found.fix, "kill 1073741824");
	socket0.pid = 0; /* of another PID namespace: kill 0 is us */
	assert_int_equal(look("holders"), FINDING_WARN);
	assert_int_equal(*found.fix, '#');
	make_nic(NULL);
	nic.seen.errors = (struct doctor_errors){.redirect = 1, .last_errno = -ENOBUFS};
	assert_int_equal(look("redirect-errors"), FINDING_SKIP); /* rx-ring tells */
	nic.holders.rc = -EPERM;
	assert_int_equal(look("fill-ring"), FINDING_SKIP);
}

static void counters_count_from_the_watch_on(void **state)
{
	struct doctor_socket before = socket0;
	struct holders then = {.n = 1, .sockets = &before};

	(void)state;
	before.fill_empty = 5;
	socket0.fill_empty = 7;
	holders_since(&nic.holders, &then);
	assert_int_equal(socket0.fill_empty, 2);
	before.inode++;
	holders_since(&nic.holders, &then);
	assert_int_equal(socket0.fill_empty, 2);
}

static void busy_polling(void **state)
{
	(void)state;
	ILL("busy-poll", FINDING_WARN, socket0.prefer_busy_poll, 1);
	socket0.prefer_busy_poll = 1;
	socket0.napi_id = 8193;
	assert_int_equal(look("busy-poll"), FINDING_OK);
	assert_string_equal(found.found, "engaged");
	socket0.napi_id = 0;
	socket0.rx.producer = 0;
	assert_int_equal(look("busy-poll"), FINDING_SKIP);
}

static void names_become_plain(void **state)
{
	char name[] = "eth0.5@x", evil[] = "a;b$(c)\n\xff'";

	(void)state;
	make_plain(name);
	assert_string_equal(name, "eth0.5@x");
	make_plain(evil);
	assert_string_equal(evil, "a_b__c____");
}

static void lists_of_cpus(void **state)
{
	int cpus[8];

	(void)state;
	assert_int_equal(sysfile_cpu_list("0-2,5\n", cpus, 8), 4);
	assert_int_equal(cpus[3], 5);
	assert_int_equal(sysfile_cpu_list("0-99999999", cpus, 8), 8);
	assert_int_equal(sysfile_cpu_list("", cpus, 8), 0);
	assert_int_equal(sysfile_cpu_list("\n", cpus, 8), 0);
	assert_int_equal(sysfile_cpu_list("3-1", cpus, 8), -EINVAL);
	assert_int_equal(sysfile_cpu_list("x", cpus, 8), -EINVAL);
	assert_int_equal(sysfile_cpu_list("1,,2", cpus, 8), -EINVAL);
}

static void lines_of_threads(void **state)
{
	const char *line = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 "
			   "22 23 24 25 26 27 28 29 30 31 32 33 34 35 6 0 1 0";
	struct thread t = {0};

	(void)state;
	assert_true(workers_parse(line, &t));
	assert_int_equal(t.cpu, 6);
	assert_int_equal(t.policy, 1);
	assert_string_equal(t.name, "a) b (c)");
	assert_false(workers_parse("42 (a) S 1 2", &t));
	assert_false(workers_parse("", &t));
	assert_false(workers_parse("42 a S", &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(lists_are_checked),
		cmocka_unit_test_setup(links, make_nic),
		cmocka_unit_test_setup(long_packets, make_nic),
		cmocka_unit_test_setup(drivers, make_nic),
		cmocka_unit_test_setup(what_comes, make_nic),
		cmocka_unit_test_setup(many_queues_fit, make_nic),
		cmocka_unit_test_setup(what_sockets_lose, make_nic),
		cmocka_unit_test_setup(counters_count_from_the_watch_on, make_nic),
		cmocka_unit_test_setup(busy_polling, make_nic),
		cmocka_unit_test(names_become_plain),
		cmocka_unit_test(lists_of_cpus),
		cmocka_unit_test(lines_of_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
