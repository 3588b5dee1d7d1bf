// SPDX-License-Identifier: BSD-2-Clause
/*
 * place: this machine's facts, machines made of files under a private /sys, and claims under a
 * private /run. Needs root for the private mounts.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <xskit/place.h>

#define NET  "/sys/class/net"
#define CPU  "/sys/devices/system/cpu"
#define NODE "/sys/devices/system/node"

static struct xk_place place;
static bool is_private;

static void need_private(void)
{
	if (is_private)
		return;
	print_message("private mounts need root\n");
	skip();
}

/* --- this machine --- */

static void machine(void **unused)
{
	int nodes = xk_place_nodes();

	(void)unused;
	assert_true(nodes >= 1);
	if (!access(NODE "/node0", F_OK)) {
		assert_true(xk_place_cpunode(0) >= 0);
		assert_true(access(NODE "/node1", F_OK) == 0 || nodes == 1);
	}
	assert_int_equal(xk_place_cpunode(-1), -1);
	assert_int_equal(xk_place_cpunode(99999), -1);
	assert_int_equal(xk_place_ifnode("lo"), -1);
	assert_int_equal(xk_place_ifnode("no-such-if"), -1);
	assert_int_equal(xk_place_ifnode(""), -1);
	assert_int_equal(xk_place_ifnode("../../../../../../../../etc"), -1);
}

static void find_all(void **unused)
{
	cpu_set_t set, seen;

	(void)unused;
	CPU_ZERO(&seen);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(xk_place_find(&place, -1), 0);
	assert_int_equal(place.count, CPU_COUNT(&set));
	assert_int_equal(place.on_node, place.count);
	for (unsigned i = 0; i < place.count; i++)
		CPU_SET((unsigned)place.cpu[i], &seen);
	assert_true(CPU_EQUAL(&set, &seen));
}

static void find_respects_affinity(void **unused)
{
	cpu_set_t before, one;

	(void)unused;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(xk_place_find(&place, -1), 0);
	CPU_ZERO(&one);
	CPU_SET((unsigned)place.cpu[place.count - 1], &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(xk_place_find(&place, -1), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(place.count, 1);
	assert_true(CPU_ISSET((unsigned)place.cpu[0], &one));
}

static void find_unknown_node(void **unused)
{
	(void)unused;
	assert_int_equal(xk_place_find(&place, 777), 0);
	assert_true(place.count > 0);
	assert_int_equal(place.on_node, 0);
}

/* --- machines made of files --- */

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void cover(const char *path)
{
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, "mode=0755"), 0);
}

static void uncover(const char *path)
{
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void interface_nodes(void **unused)
{
	(void)unused;
	need_private();
	cover(NET);
	mkdir(NET "/lo", 0755);
	mkdir(NET "/pci", 0755);
	mkdir(NET "/pci/virtio1", 0755);
	put(NET "/lo/ifindex", "1\n");
	assert_int_equal(xk_place_ifnode("lo"), -1);
	/* a virtio device has no node of its own; the PCI function it sits on does */
	symlink("../pci/virtio1", NET "/lo/device");
	assert_int_equal(xk_place_ifnode("lo"), -1);
	put(NET "/pci/numa_node", "1\n");
	assert_int_equal(xk_place_ifnode("lo"), 1);
	put(NET "/pci/virtio1/numa_node", "3\n");
	assert_int_equal(xk_place_ifnode("lo"), 3);
	put(NET "/pci/virtio1/numa_node", "-1\n");
	put(NET "/pci/numa_node", "-1\n");
	assert_int_equal(xk_place_ifnode("lo"), -1);
	put(NET "/pci/numa_node", "0\n");
	assert_int_equal(xk_place_ifnode("lo"), 0);
	put(NET "/lo/ifindex", "4\n"); /* this /sys is another namespace's */
	assert_int_equal(xk_place_ifnode("lo"), -1);
	uncover(NET);
}

static void cpu_order(void **unused)
{
	int claim;

	(void)unused;
	need_private();
	if (xk_place_find(&place, -1) || place.count < 2) {
		print_message("one CPU only\n");
		skip();
	}
	assert_int_not_equal(place.cpu[0], 0);
	cover(CPU);
	cover(NODE);
	for (unsigned i = 0; i < place.count; i++) {
		char path[96];

		snprintf(path, sizeof(path), CPU "/cpu%d", place.cpu[i]);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), CPU "/cpu%d/node%d", place.cpu[i], place.cpu[i] != 0);
		mkdir(path, 0755);
	}
	mkdir(NODE "/node0", 0755);
	mkdir(NODE "/node1", 0755);
	put(NODE "/has_cpu", "0-1\n");
	assert_int_equal(xk_place_nodes(), 2);
	assert_int_equal(xk_place_cpunode(0), 0);
	assert_int_equal(xk_place_find(&place, 0), 0);
	assert_int_equal(place.on_node, 1);
	assert_int_equal(place.cpu[0], 0);
	assert_int_equal(xk_place_find(&place, 1), 0);
	assert_int_equal(place.on_node, place.count - 1);
	assert_int_equal(place.cpu[place.count - 1], 0);
	claim = xk_place_claim(0); /* a claimed CPU on the node comes before a free one elsewhere */
	assert_true(claim >= 0);
	assert_int_equal(xk_place_find(&place, 0), 0);
	assert_int_equal(place.cpu[0], 0);
	close(claim);
	uncover(NODE);
	uncover(CPU);
}

/* --- claims --- */

static int fresh_run(void **unused)
{
	(void)unused;
	if (is_private)
		cover("/run");
	return 0;
}

static int drop_run(void **unused)
{
	(void)unused;
	if (is_private)
		uncover("/run");
	return 0;
}

/* A process that claims a CPU and then waits to be killed. */
static pid_t claimer(int cpu)
{
	int ready[2], rc;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		rc = xk_place_claim(cpu);
		if (write(ready[1], &rc, sizeof(rc)) == sizeof(rc))
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &rc, sizeof(rc)), sizeof(rc));
	close(ready[0]);
	assert_true(rc >= 0);
	return pid;
}

static void kill_off(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void claims(void **unused)
{
	pid_t pid;
	int fd;

	(void)unused;
	need_private();
	pid = claimer(1);
	assert_int_equal(xk_place_claim(1), -EBUSY);
	fd = xk_place_claim(0); /* its neighbour is free */
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(xk_place_claim(0), -EBUSY);
	close(fd);
	kill_off(pid);
	fd = xk_place_claim(1);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(xk_place_claim(-1), -EINVAL);
	assert_int_equal(xk_place_claim(XK_PLACE_MAX_CPUS), -EINVAL);
}

static void claimed_last(void **unused)
{
	pid_t pid;
	int first;

	(void)unused;
	need_private();
	assert_int_equal(xk_place_find(&place, -1), 0);
	assert_int_equal(place.claimed, 0);
	assert_int_equal(access("/run/xskit", F_OK), -1); /* only a claim creates it */
	first = place.cpu[0];
	pid = claimer(first);
	assert_int_equal(xk_place_find(&place, -1), 0);
	assert_int_equal(place.claimed, 1);
	assert_int_equal(place.cpu[place.count - 1], first);
	kill_off(pid);
	assert_int_equal(xk_place_find(&place, -1), 0);
	assert_int_equal(place.claimed, 0);
	assert_int_equal(place.cpu[0], first);
}

static void directory_mode(void **unused)
{
	struct stat st;
	int fd;

	(void)unused;
	need_private();
	fd = xk_place_claim(0);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(stat("/run/xskit", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat("/run/xskit/cpus", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	chmod("/run/xskit", 0755);
	assert_int_equal(xk_place_claim(0), -EPERM);
	chmod("/run/xskit", 0700);
	assert_int_equal(chown("/run/xskit", 65534, 0), 0);
	assert_int_equal(xk_place_claim(0), -EPERM);
	assert_int_equal(chown("/run/xskit", 0, 0), 0);
	assert_int_equal(chown("/run/xskit/cpus", 65534, 0), 0);
	assert_int_equal(xk_place_claim(0), -EPERM);
}

static void directory_in_disguise(void **unused)
{
	struct stat st;

	(void)unused;
	need_private();
	mkdir("/run/other", 0700);
	symlink("/run/other", "/run/xskit");
	assert_int_equal(xk_place_claim(0), -EPERM);
	assert_int_equal(stat("/run/other/cpus", &st), -1);
	unlink("/run/xskit");
	put("/run/xskit", "");
	assert_int_equal(xk_place_claim(0), -EPERM);
	unlink("/run/xskit");
	mkdir("/run/xskit", 0700);
	assert_int_equal(mount("tmpfs", "/run/xskit", "tmpfs", 0, "mode=0700"), 0);
	assert_int_equal(xk_place_claim(0), -EPERM);
	uncover("/run/xskit");
	symlink("/run/target", "/run/xskit/cpus");
	assert_int_equal(xk_place_claim(0), -EPERM);
	assert_int_equal(stat("/run/target", &st), -1);
	unlink("/run/xskit/cpus");
	assert_int_equal(mkfifo("/run/xskit/cpus", 0600), 0);
	assert_int_equal(xk_place_claim(0), -EPERM);
	assert_int_equal(xk_place_find(&place, -1), 0); /* none of it keeps anybody from running */
}

static int make_private(void **unused)
{
	(void)unused;
	is_private = !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine),
		cmocka_unit_test(find_all),
		cmocka_unit_test(find_respects_affinity),
		cmocka_unit_test(find_unknown_node),
		cmocka_unit_test(interface_nodes),
		cmocka_unit_test_setup_teardown(cpu_order, fresh_run, drop_run),
		cmocka_unit_test_setup_teardown(claims, fresh_run, drop_run),
		cmocka_unit_test_setup_teardown(claimed_last, fresh_run, drop_run),
		cmocka_unit_test_setup_teardown(directory_mode, fresh_run, drop_run),
		cmocka_unit_test_setup_teardown(directory_in_disguise, fresh_run, drop_run),
	};

	alarm(30);
	return cmocka_run_group_tests(tests, make_private, NULL);
}
