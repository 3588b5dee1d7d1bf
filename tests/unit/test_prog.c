// SPDX-License-Identifier: BSD-2-Clause
/* prog on a veth pair in a network and mount namespace of its own; needs root. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xskit/prog.h>
#include "abi.h"
#include "xdp_drop.skel.h"

#define IF     "hp_a"
#define PIN    "/sys/fs/bpf/xskit/" IF
#define OBJ    "/bpf/xsk_redirect.bpf.o"
#define LOADER "xdp-loader "

static const char *const pin_dirs[] = {PIN, NULL};
static const char *no_ground; /* why the tests cannot run */

static int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *format, ...)
{
	char cmd[512];
	va_list args;

	va_start(args, format);
	vsnprintf(cmd, sizeof(cmd), format, args);
	va_end(args);
	return system(cmd);
}

static const char *build(void)
{
	const char *dir = getenv("XSKIT_BUILD");

	return dir ? dir : "build";
}

static int setup(void **state)
{
	(void)state;
	if (no_ground)
		return 0;
	mkdir("/sys/fs/bpf/xskit", 0700);
	return sh("ip link add " IF " type veth peer name hp_b && ip link set " IF " up && "
		  "ip link set hp_b up");
}

static int teardown(void **state)
{
	(void)state;
	return no_ground ? 0 : sh("ip link del " IF " 2>/dev/null; rm -rf /sys/fs/bpf/xskit; true");
}

static void need_ground(void)
{
	if (!no_ground)
		return;
	print_message("SKIP: %s\n", no_ground);
	skip();
}

static uint32_t attached(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex(IF), 0, &id), 0);
	return id;
}

static struct xk_prog *must_open(enum xk_attach attach, const char *pinned)
{
	struct xk_prog_config config = {.attach = attach, .pinned = pinned};
	struct xk_err err = {0};
	struct xk_prog *prog = NULL;

	if (xk_prog_open(&prog, IF, &config, &err))
		fail_msg("%s: %s: %s", err.what, err.why, err.fix);
	return prog;
}

/* Opening must fail with that code, and say a word of it. */
static void must_refuse(const char *ifname, const struct xk_prog_config *config, int code,
			const char *word)
{
	struct xk_err err = {0};
	struct xk_prog *prog = NULL;
	int rc = xk_prog_open(&prog, ifname, config, &err);

	if (rc != code || err.code != code || !strstr(err.why, word))
		fail_msg("want %d with \"%s\", have %d: %s: %s", code, word, rc, err.what, err.why);
}

static struct xk_prog_status status_of(const char *ifname)
{
	struct xk_prog_status status;
	struct xk_err err = {0};

	if (xk_prog_status(ifname, &status, &err))
		fail_msg("%s: %s", err.what, err.why);
	return status;
}

/* --- link --- */

static void attaches_by_link(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog = must_open(XK_ATTACH_AUTO, NULL);
	const struct xk_prog_info *info = xk_prog_info(prog);
	struct xk_prog_status status = status_of(IF);

	assert_string_equal(info->ifname, IF);
	assert_int_equal(info->attach, XK_ATTACH_LINK);
	assert_int_equal(info->mode, XK_MODE_NATIVE);
	assert_false(info->joined);
	assert_int_equal(info->prog_id, attached());
	assert_int_equal(status.prog_id, attached());
	assert_true(status.ours);
	assert_int_equal(status.abi, XK_ABI_VERSION);
	assert_int_not_equal(status.link_id, 0);
	assert_string_equal(status.name, "xsk_redirect");
	assert_int_equal(xk_prog_check(prog), 0);
	assert_false(xk_prog_detach_needs_caps(prog));
	xk_prog_close(prog);
	assert_int_equal(attached(), 0);
}

static void lives_till_the_last_user(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *first = must_open(XK_ATTACH_AUTO, NULL);
	struct xk_prog *second = must_open(XK_ATTACH_AUTO, NULL);
	uint32_t id = attached();

	assert_true(xk_prog_info(second)->joined);
	assert_int_equal(xk_prog_info(second)->prog_id, id);
	xk_prog_close(first);
	assert_int_equal(attached(), id);
	assert_int_equal(xk_prog_check(second), 0);
	xk_prog_close(second);
	assert_int_equal(attached(), 0);
}

/* A child that opens, tells so by a byte, and waits to be killed. */
static pid_t open_in_child(void)
{
	int fds[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		struct xk_prog *prog;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (xk_prog_open(&prog, IF, NULL, NULL) || write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	return pid;
}

static void kill_and_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void sigkill_leaves_nothing(void **state)
{
	(void)state;
	need_ground();
	pid_t pid = open_in_child();

	assert_int_not_equal(attached(), 0);
	kill_and_wait(pid);
	assert_int_equal(attached(), 0);
}

static void outlives_a_killed_first_user(void **state)
{
	(void)state;
	need_ground();
	pid_t pid = open_in_child();
	struct xk_prog *prog = must_open(XK_ATTACH_AUTO, NULL);

	kill_and_wait(pid);
	assert_int_equal(xk_prog_check(prog), 0);
	xk_prog_close(prog);
	assert_int_equal(attached(), 0);
}

static int open_and_close(int times)
{
	struct xk_prog *prog;
	int rc = 0;

	for (int i = 0; i < times && !rc; i++) {
		rc = xk_prog_open(&prog, IF, NULL, NULL);
		if (!rc)
			xk_prog_close(prog);
	}
	return rc;
}

static void starters_race(void **state)
{
	(void)state;
	need_ground();
	pid_t pid[3];
	int status;

	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(open_and_close(8) ? 1 : 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(attached(), 0);
}

/* --- other programs, other modes --- */

static void names_the_other_program(void **state)
{
	(void)state;
	need_ground();
	struct xdp_drop *drop = xdp_drop__open_and_load();
	struct xk_err err = {0};
	uint32_t id;

	assert_non_null(drop);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex(IF),
					bpf_program__fd(drop->progs.xdp_drop), 0, NULL),
			 0);
	id = attached();
	must_refuse(IF, NULL, -EEXIST, "xdp_drop");
	assert_int_equal(xk_prog_load(IF, NULL, NULL, &err), -EEXIST);
	assert_non_null(strstr(err.why, "xdp_drop"));
	assert_int_equal(xk_prog_unload(IF, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.why, "xdp_drop"));
	assert_int_equal(attached(), id);
	assert_false(status_of(IF).ours);
	assert_string_equal(status_of(IF).name, "xdp_drop");
	xdp_drop__destroy(drop);
}

/* A program with our name and a marker of version 99. */
static int foreign_version(void)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "xskit_abi_99", 4, 4, 1, NULL), fd;
	struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};

	assert_true(map >= 0);
	insns[0].imm = map;
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "xsk_redirect", "BSD", insns, 4, NULL);
	close(map);
	assert_true(fd >= 0);
	return fd;
}

static void refuses_another_version(void **state)
{
	(void)state;
	need_ground();
	int fd = foreign_version();

	assert_int_equal(bpf_xdp_attach((int)if_nametoindex(IF), fd, 0, NULL), 0);
	close(fd);
	must_refuse(IF, NULL, -EPROTO, "99");
	assert_true(status_of(IF).ours);
	assert_int_equal(status_of(IF).abi, 99);
	assert_int_equal(xk_prog_unload(IF, NULL, NULL), 0);
	assert_int_equal(attached(), 0);
}

static void falls_back_to_skb(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog_config native = {.mode = XK_MODE_NATIVE};
	struct xk_prog *prog = NULL;

	must_refuse("lo", &native, -EOPNOTSUPP, "native");
	assert_int_equal(xk_prog_open(&prog, "lo", NULL, NULL), 0);
	assert_int_equal(xk_prog_info(prog)->mode, XK_MODE_SKB);
	assert_int_equal(xk_prog_check(prog), 0);
	xk_prog_close(prog);
}

static void skb_when_asked(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog_config skb = {.mode = XK_MODE_SKB};
	struct xk_prog *prog = NULL;

	assert_int_equal(xk_prog_open(&prog, IF, &skb, NULL), 0);
	assert_int_equal(xk_prog_info(prog)->mode, XK_MODE_SKB);
	assert_int_equal(status_of(IF).mode, XK_MODE_SKB);
	xk_prog_close(prog);
	assert_int_equal(attached(), 0);
}

/* Does the attached program take packets of several buffers? Natively, a veth whose peer may send
 * such ones wants one that does. */
static bool takes_several_buffers(void)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int prog_fd = bpf_prog_get_fd_by_id(attached()), link_fd;

	assert_true(prog_fd >= 0);
	assert_int_equal(sh("ip link set " IF " mtu 9000"), 0);
	link_fd = bpf_link_create(prog_fd, (int)if_nametoindex("hp_b"), BPF_XDP, &opts);
	assert_true(link_fd >= 0 || errno == ERANGE);
	if (link_fd >= 0)
		close(link_fd);
	close(prog_fd);
	return link_fd >= 0;
}

static void one_buffer_is_for_skb(void **state)
{
	static const struct {
		enum xk_mode mode;
		bool one_buffer, several;
	} cases[] = {{XK_MODE_SKB, true, false},
		     {XK_MODE_SKB, false, true},
		     {XK_MODE_NATIVE, true, true}};

	(void)state;
	need_ground();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct xk_prog_config config = {.mode = cases[i].mode,
						.one_buffer = cases[i].one_buffer};
		struct xk_err err = {0};
		struct xk_prog *prog;

		assert_int_equal(xk_prog_open(&prog, IF, &config, &err), 0);
		assert_int_equal(xk_prog_info(prog)->mode, config.mode);
		assert_int_equal(takes_several_buffers(), cases[i].several);
		assert_int_equal(xk_prog_close(prog), 0);
		assert_int_equal(sh("ip link set " IF " mtu 1500"), 0);
	}
}

static void no_such_interface(void **state)
{
	(void)state;
	need_ground();
	must_refuse("hp_nowhere", NULL, -ENODEV, "hp_nowhere");
}

/* --- libxdp --- */

static void libxdp_detaches_on_close(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog = must_open(XK_ATTACH_LIBXDP, NULL);

	assert_int_equal(xk_prog_info(prog)->attach, XK_ATTACH_LIBXDP);
	assert_true(xk_prog_detach_needs_caps(prog));
	assert_int_equal(xk_prog_check(prog), 0);
	assert_int_equal(status_of(IF).link_id, 0);
	xk_prog_close(prog);
	assert_int_equal(attached(), 0);
}

static void notices_removal(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog = must_open(XK_ATTACH_LIBXDP, NULL);

	assert_int_equal(sh("ip link set dev " IF " xdp off"), 0);
	assert_int_equal(xk_prog_check(prog), -ENOENT);
	xk_prog_close(prog);
	prog = must_open(XK_ATTACH_LINK, NULL);
	assert_int_equal(sh("ip link del " IF), 0);
	assert_int_equal(xk_prog_check(prog), -ENOENT);
	xk_prog_close(prog);
}

static void loads_and_unloads(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog;
	struct xk_err err = {0};

	assert_int_equal(xk_prog_load(IF, NULL, PIN, &err), 0);
	assert_int_equal(xk_prog_load(IF, NULL, PIN, &err), -EEXIST);
	assert_int_equal(access(PIN "/xsks_map", F_OK), 0);
	assert_int_equal(sh(LOADER "status " IF " | grep -q xsk_redirect"), 0);
	prog = must_open(XK_ATTACH_AUTO, NULL);
	assert_true(xk_prog_info(prog)->joined);
	assert_int_equal(xk_prog_info(prog)->attach, XK_ATTACH_LIBXDP);
	xk_prog_close(prog); /* joined, so it stays */
	assert_int_not_equal(attached(), 0);
	assert_int_equal(xk_prog_unload(IF, pin_dirs, &err), 0);
	assert_int_equal(attached(), 0);
	assert_int_not_equal(access(PIN, F_OK), 0);
	assert_int_equal(xk_prog_unload(IF, pin_dirs, &err), -ENOENT);
}

static void xdp_loader_unloads_ours(void **state)
{
	(void)state;
	need_ground();
	assert_int_equal(xk_prog_load(IF, NULL, PIN, NULL), 0);
	assert_int_equal(sh(LOADER "unload " IF " --all"), 0);
	assert_int_equal(attached(), 0);
	assert_int_equal(access(PIN "/xsks_map", F_OK), 0);
	assert_int_equal(xk_prog_unload(IF, pin_dirs, NULL), 0); /* nothing but stale pins */
	assert_int_not_equal(access(PIN, F_OK), 0);
	assert_int_equal(xk_prog_unload(IF, pin_dirs, NULL), -ENOENT);
}

static void load_from_xdp_loader(void)
{
	assert_int_equal(
		sh(LOADER "load -m native -p " PIN " " IF " %s" OBJ " 2>/dev/null", build()), 0);
}

static void unloads_xdp_loaders(void **state)
{
	(void)state;
	need_ground();
	load_from_xdp_loader();
	assert_true(status_of(IF).ours);
	assert_int_equal(xk_prog_unload(IF, pin_dirs, NULL), 0);
	assert_int_equal(attached(), 0);
	assert_int_not_equal(access(PIN, F_OK), 0);
}

static void unload_leaves_a_running_one(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog = must_open(XK_ATTACH_LINK, NULL);
	struct xk_err err = {0};

	assert_int_equal(xk_prog_unload(IF, NULL, &err), -EBUSY);
	assert_int_equal(xk_prog_check(prog), 0);
	xk_prog_close(prog);
}

static void unload_clears_pins_of_a_gone_interface(void **state)
{
	(void)state;
	need_ground();
	assert_int_equal(xk_prog_load(IF, NULL, PIN, NULL), 0);
	assert_int_equal(sh("ip link del " IF), 0);
	assert_int_equal(xk_prog_unload(IF, pin_dirs, NULL), -ENODEV);
	assert_int_not_equal(access(PIN, F_OK), 0);
}

/* --- pins --- */

static void joins_pinned(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog;

	load_from_xdp_loader();
	prog = must_open(XK_ATTACH_AUTO, PIN);
	assert_true(xk_prog_info(prog)->joined);
	assert_int_equal(xk_prog_info(prog)->prog_id, attached());
	assert_int_equal(xk_prog_check(prog), 0);
	xk_prog_close(prog);
	assert_int_not_equal(attached(), 0);
}

static void tells_a_stale_pin(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog_config pinned = {.pinned = PIN};
	struct xk_prog *prog;

	load_from_xdp_loader();
	assert_int_equal(sh(LOADER "unload " IF " --all"), 0);
	must_refuse(IF, &pinned, -ESTALE, "stale pin");
	prog = must_open(XK_ATTACH_AUTO, NULL); /* another copy, with other maps */
	must_refuse(IF, &pinned, -ESTALE, "stale pin");
	xk_prog_close(prog);
}

static void load_replaces_stale_pins(void **state)
{
	(void)state;
	need_ground();
	assert_int_equal(xk_prog_load(IF, NULL, PIN, NULL), 0);
	assert_int_equal(sh(LOADER "unload " IF " --all"), 0);
	assert_int_equal(xk_prog_load(IF, NULL, PIN, NULL), 0);
	xk_prog_close(must_open(XK_ATTACH_AUTO, PIN));
}

static void pin_refused(const char *dir, int code, const char *word)
{
	struct xk_prog_config pinned = {.pinned = dir};

	must_refuse(IF, &pinned, code, word);
}

static void load_refused(const char *dir, int code)
{
	struct xk_err err = {0};
	int rc = xk_prog_load(IF, NULL, dir, &err);

	if (rc != code)
		fail_msg("%s: want %d, have %d: %s", dir, code, rc, err.why);
	assert_int_equal(attached(), 0);
}

static void trusts_no_strange_directory(void **state)
{
	(void)state;
	need_ground();
	assert_int_equal(sh("mkdir -m 777 /sys/fs/bpf/hp_open; mkdir -m 700 /sys/fs/bpf/hp_open/x; "
			    "ln -s xskit /sys/fs/bpf/hp_link; mkdir -m 755 /sys/fs/bpf/hp_755; "
			    "mkdir -m 700 /sys/fs/bpf/hp_alien; chown 1234 /sys/fs/bpf/hp_alien"),
			 0);
	load_refused("/sys/fs/bpf/hp_open", -EPERM);
	load_refused("/sys/fs/bpf/hp_open/x", -EPERM);
	load_refused("/sys/fs/bpf/hp_755/x", -EPERM);
	load_refused("/sys/fs/bpf/hp_alien/x", -EPERM);
	load_refused("/sys/fs/bpf/hp_link/x", -ENOTDIR);
	load_refused("/sys/fs/bpf/xskit/../y", -EINVAL);
	load_refused("/sys/fs/bpf", -EINVAL);
	load_refused("/tmp", -EINVAL);
	load_refused("xskit", -EINVAL);
	pin_refused("/sys/fs/bpf/hp_open", -EPERM, "others");
	pin_refused("/sys/fs/bpf/hp_alien", -EPERM, "others");
	pin_refused("/sys/fs/bpf/hp_link", -ENOTDIR, "symbolic");
	pin_refused("/sys/fs/bpf/hp_none", -ENOENT, "not exist");
	pin_refused("/tmp", -EINVAL, "bpffs");
	pin_refused("/sys/fs/bpf/xskit", -ENOENT, "xskit_abi");
	assert_int_equal(sh("rm -rf /sys/fs/bpf/hp_*"), 0);
}

static void default_pin_is_by_namespace(void **state)
{
	(void)state;
	need_ground();
	struct stat ns;
	char have[128], want[128];

	assert_int_equal(stat("/proc/self/ns/net", &ns), 0);
	snprintf(want, sizeof(want), "/sys/fs/bpf/xskit/%lu/" IF, (unsigned long)ns.st_ino);
	assert_int_equal(xk_prog_default_pin(IF, have, sizeof(have)), 0);
	assert_string_equal(have, want);
	assert_int_equal(xk_prog_default_pin(IF, have, 10), -ENAMETOOLONG);
	assert_int_equal(xk_prog_load(IF, NULL, want, NULL), 0);
	xk_prog_close(must_open(XK_ATTACH_AUTO, want));
	assert_int_equal(xk_prog_unload(IF, (const char *const[]){want, NULL}, NULL), 0);
}

/* --- without CAP_SYS_ADMIN --- */

static void keep_caps(uint32_t low, uint32_t high)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = low, .permitted = low},
						 {.effective = high, .permitted = high}};

	if (syscall(SYS_capset, &head, data))
		_exit(100);
}

#define NET_ADMIN (1u << CAP_NET_ADMIN)
#define BPF       (1u << (CAP_BPF - 32))

/* In a child with those capabilities: open; its -errno, and whether `why` has the word. */
static int open_with_caps(uint32_t low, uint32_t high, const char *pinned, const char *word)
{
	struct xk_prog_config config = {.pinned = pinned};
	struct xk_prog *prog = NULL;
	struct xk_err err = {0};
	pid_t pid = fork();
	int status, rc;

	if (!pid) {
		keep_caps(low, high);
		rc = xk_prog_open(&prog, IF, &config, &err);
		if (rc && (!strstr(err.why, word) || !*word))
			print_message("%s: %s\n", err.what, err.why);
		_exit(rc ? (strstr(err.why, word) ? -rc : 101) : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void does_with_few_capabilities(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog;

	assert_int_equal(open_with_caps(NET_ADMIN, BPF, NULL, ""), 0);
	assert_int_equal(open_with_caps(0, BPF, NULL, "CAP_NET_ADMIN"), EPERM);
	assert_int_equal(open_with_caps(NET_ADMIN, 0, NULL, "CAP_BPF"), EPERM);
	prog = must_open(XK_ATTACH_LINK, NULL);
	assert_int_equal(open_with_caps(NET_ADMIN, BPF, NULL, "CAP_SYS_ADMIN"), EPERM);
	xk_prog_close(prog);
	assert_int_equal(xk_prog_load(IF, NULL, PIN, NULL), 0);
	assert_int_equal(open_with_caps(NET_ADMIN, BPF, PIN, ""), 0);
	assert_int_equal(xk_prog_unload(IF, NULL, NULL), 0);
	assert_int_equal(open_with_caps(NET_ADMIN, BPF, PIN, "stale pin"), ESTALE);
}

/* What is attached without a link goes with CAP_NET_ADMIN alone. */
static void detaches_with_net_admin(void **state)
{
	(void)state;
	need_ground();
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct xk_prog *prog = must_open(XK_ATTACH_LIBXDP, NULL);

		keep_caps(NET_ADMIN, 0);
		xk_prog_close(prog);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(attached(), 0);
}

/* --- sockets, rules, counters --- */

static void holds_one_socket_a_queue(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog = must_open(XK_ATTACH_AUTO, NULL);
	int a = socket(AF_XDP, SOCK_RAW, 0), b = socket(AF_XDP, SOCK_RAW, 0);
	struct xk_prog_status status;
	struct xk_err err = {0};

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(xk_prog_insert(prog, 0, a, NULL), 0);
	assert_int_equal(xk_prog_insert(prog, 0, b, &err), -EBUSY);
	assert_int_equal(xk_prog_insert(prog, 777, b, NULL), 0);
	assert_int_equal(xk_prog_insert(prog, XK_MAX_QUEUES, b, NULL), -ERANGE);
	status = status_of(IF);
	assert_int_equal(status.sockets, 2);
	assert_true(status.queue_has_socket[0] == 1);
	assert_true(status.queue_has_socket[777 / 64] == 1ull << 777 % 64);
	assert_int_equal(xk_prog_remove(prog, 0), 0);
	assert_int_equal(xk_prog_remove(prog, XK_MAX_QUEUES), -ERANGE);
	assert_int_equal(xk_prog_insert(prog, 0, b, NULL), 0);
	close(a);
	close(b);
	assert_int_equal(status_of(IF).sockets, 0); /* a closed socket leaves by itself */
	xk_prog_close(prog);
}

static void checks_rules(void **state)
{
	(void)state;
	need_ground();
	static const struct xk_rule rules[XK_MAX_RULES + 1];
	struct xk_prog *prog = must_open(XK_ATTACH_AUTO, NULL);
	struct xk_err err = {0};

	assert_int_equal(xk_prog_rules(prog, 0, XK_KEEP_ALL, rules, XK_MAX_RULES, NULL), 0);
	assert_int_equal(xk_prog_rules(prog, 0, 0, NULL, 0, NULL), 0);
	assert_int_equal(xk_prog_rules(prog, 0, 0, rules, XK_MAX_RULES + 1, &err), -ERANGE);
	assert_int_equal(xk_prog_rules(prog, XK_MAX_QUEUES, 0, NULL, 0, &err), -ERANGE);
	xk_prog_close(prog);
}

static void counts(void **state)
{
	(void)state;
	need_ground();
	struct xk_prog *prog = must_open(XK_ATTACH_AUTO, NULL);
	struct xk_xdp_counters before, after;

	assert_int_equal(xk_prog_counters(prog, 0, &before), 0);
	assert_int_equal(sh("ip addr add 198.51.100.1/24 dev hp_b && "
			    "ping -c1 -W1 198.51.100.2 >/dev/null; test $? = 1"),
			 0);
	assert_int_equal(xk_prog_counters(prog, 0, &after), 0);
	assert_true(after.no_socket > before.no_socket);
	assert_int_equal(after.redirected, 0);
	assert_int_equal(xk_prog_counters(prog, XK_MAX_QUEUES, &after), -ERANGE);
	xk_prog_close(prog);
}

static void find_ground(void)
{
	if (geteuid())
		no_ground = "needs root";
	else if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		no_ground = "no new namespaces here";
	else if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		 mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		no_ground = "no bpffs here";
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attaches_by_link),
		TEST(lives_till_the_last_user),
		TEST(sigkill_leaves_nothing),
		TEST(outlives_a_killed_first_user),
		TEST(starters_race),
		TEST(names_the_other_program),
		TEST(refuses_another_version),
		TEST(falls_back_to_skb),
		TEST(skb_when_asked),
		TEST(one_buffer_is_for_skb),
		TEST(no_such_interface),
		TEST(libxdp_detaches_on_close),
		TEST(notices_removal),
		TEST(loads_and_unloads),
		TEST(xdp_loader_unloads_ours),
		TEST(unloads_xdp_loaders),
		TEST(unload_leaves_a_running_one),
		TEST(unload_clears_pins_of_a_gone_interface),
		TEST(joins_pinned),
		TEST(tells_a_stale_pin),
		TEST(load_replaces_stale_pins),
		TEST(trusts_no_strange_directory),
		TEST(default_pin_is_by_namespace),
		TEST(does_with_few_capabilities),
		TEST(detaches_with_net_admin),
		TEST(holds_one_socket_a_queue),
		TEST(checks_rules),
		TEST(counts),
	};

	alarm(120);
	find_ground();
	return cmocka_run_group_tests_name("prog", tests, NULL, NULL);
}
