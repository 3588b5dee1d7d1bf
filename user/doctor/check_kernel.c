// SPDX-License-Identifier: BSD-2-Clause
/* What AF_XDP and BPF need of the kernel, and of the one who asks. */
#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include "doctor/doctor.h"
#include "doctor/probe.h"
#include "doctor/sysfile.h"

#define DEFAULT_UMEM (3072 * 2048ul) /* of a queue, by default */

static void look_af_xdp(const struct patient *p, struct finding *f)
{
	int rc = probe_af_xdp();

	(void)p;
	if (!rc)
		say_ok(f, "sockets can be made");
	else if (rc == -EPERM)
		say_skip(f, "not permitted: CAP_NET_RAW is missing");
	else
		say_fail(f, "no AF_XDP socket: %s", strerror(-rc));
	if (rc == -EAFNOSUPPORT)
		say_fix(f, "# use a kernel built with CONFIG_XDP_SOCKETS");
}

static void look_bpf(const struct patient *p, struct finding *f)
{
	int rc = probe_bpf();

	(void)p;
	if (!rc)
		say_ok(f, "XDP programs can be loaded");
	else if (rc == -EPERM)
		say_skip(f, "not permitted: CAP_BPF and CAP_NET_ADMIN are missing");
	else
		say_fail(f, "no XDP program: %s", strerror(-rc));
}

static void look_capabilities(const struct patient *p, struct finding *f)
{
	static const struct {
		unsigned cap;
		bool must;
	} caps[] = {{CAP_NET_ADMIN, true},
		    {CAP_BPF, true},
		    {CAP_NET_RAW, true},
		    {CAP_PERFMON, false},
		    {CAP_SYS_ADMIN, false}};
	char missing[128] = "";
	bool must = false;

	(void)p;
	capng_get_caps_process();
	for (unsigned i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, caps[i].cap))
			continue;
		must |= caps[i].must;
		list_add(missing, sizeof(missing), "cap_%s", capng_capability_to_name(caps[i].cap));
	}
	if (!*missing)
		say_ok(f, "none is missing");
	else if (must)
		say_fail(f, "missing: %s", missing);
	else
		say_warn(f, "missing: %s", missing);
	if (*missing)
		say_fix(f, "# run it with sudo, or: setcap cap_net_admin,cap_bpf,cap_net_raw,"
			   "cap_perfmon,cap_sys_admin+ep xskit");
}

static void look_memlock(const struct patient *p, struct finding *f)
{
	struct rlimit limit;

	(void)p;
	capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK)) {
		say_ok(f, "CAP_IPC_LOCK: no limit");
		return;
	}
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur >= DEFAULT_UMEM) {
		say_ok(f, "%lu KiB", (unsigned long)limit.rlim_cur / 1024);
		return;
	}
	say_fail(f, "%lu KiB, and no CAP_IPC_LOCK", (unsigned long)limit.rlim_cur / 1024);
	say_fix(f, "ulimit -l unlimited");
}

/* The setting is to be read in the machine's first network namespace only; elsewhere try it. */
static void look_jit(const struct patient *p, struct finding *f)
{
	long long on;
	int rc = sysfile_number(&on, "/proc/sys/net/core/bpf_jit_enable");

	(void)p;
	if (rc) {
		rc = probe_jit();
		on = rc > 0;
	}
	if (rc < 0)
		say_skip(f, "net.core.bpf_jit_enable cannot be read, nor a program loaded");
	else if (on)
		say_ok(f, "on");
	else
		say_warn(f, "off: programs are interpreted");
	if (f->status == FINDING_WARN)
		say_fix(f, "sysctl -w net.core.bpf_jit_enable=1");
}

static void look_jit_harden(const struct patient *p, struct finding *f)
{
	long long level;

	(void)p;
	if (sysfile_number(&level, "/proc/sys/net/core/bpf_jit_harden"))
		say_skip(f, "is shown in the machine's first network namespace only");
	else if (level < 2)
		say_ok(f, level ? "for unprivileged programs only" : "off");
	else
		say_warn(f, "for all programs, root's too");
	if (f->status == FINDING_WARN)
		say_fix(f, "sysctl -w net.core.bpf_jit_harden=1");
}

static void look_bpf_stats(const struct patient *p, struct finding *f)
{
	long long on;

	(void)p;
	if (sysfile_number(&on, "/proc/sys/kernel/bpf_stats_enabled"))
		say_skip(f, "kernel.bpf_stats_enabled cannot be read");
	else if (!on)
		say_ok(f, "off");
	else
		say_warn(f, "left on");
	if (f->status == FINDING_WARN)
		say_fix(f, "sysctl -w kernel.bpf_stats_enabled=0");
}

static void look_btf(const struct patient *p, struct finding *f)
{
	char byte[2];

	(void)p;
	if (!sysfile_all(byte, sizeof(byte), "/sys/kernel/btf/vmlinux"))
		say_ok(f, "there");
	else
		say_warn(f, "/sys/kernel/btf/vmlinux is missing");
	if (f->status == FINDING_WARN)
		say_fix(f, "# use a kernel built with CONFIG_DEBUG_INFO_BTF");
}

static void look_lockdown(const struct patient *p, struct finding *f)
{
	char text[128], *mode;

	(void)p;
	if (sysfile_line(text, sizeof(text), "/sys/kernel/security/lockdown")) {
		say_skip(f, "/sys/kernel/security/lockdown cannot be read");
		return;
	}
	mode = strchr(text, '[');
	mode = mode ? mode + 1 : text;
	mode[strcspn(mode, "]")] = '\0';
	if (!strcmp(mode, "none"))
		say_ok(f, "none");
	else if (!strcmp(mode, "integrity"))
		say_ok(f, "integrity: kernel memory may be read");
	else
		say_warn(f, "%s", mode);
	if (f->status == FINDING_WARN)
		say_fix(f, "# boot with lockdown=integrity, or without Secure Boot");
}

static void look_dispatcher(const struct patient *p, struct finding *f)
{
	int rc = probe_freplace();

	(void)p;
	if (!rc)
		say_ok(f, "works");
	else if (rc == -EPERM && probe_bpf())
		say_skip(f, "not permitted to load programs");
	else
		say_warn(f, "freplace programs are refused: %s", strerror(-rc));
	if (f->status == FINDING_WARN)
		say_fix(f, "# xskit and libxdp attach a single program here: stop others first");
}

static void look_bpffs(const struct patient *p, struct finding *f)
{
	struct statfs fs;

	(void)p;
	if (!statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC) {
		say_ok(f, "mounted on /sys/fs/bpf");
		return;
	}
	say_warn(f, "not mounted on /sys/fs/bpf");
	say_fix(f, "mount -t bpf bpf /sys/fs/bpf");
}

static void look_features(const struct patient *p, struct finding *f)
{
	char has[256] = "", lacks[256] = "";
	int rc = probe_af_xdp();

	(void)p;
	if (rc) {
		say_skip(f, "no AF_XDP socket to ask: %s", strerror(-rc));
		return;
	}
	for (const struct probe *probe = probes; probe->name; probe++) {
		rc = probe->ask();
		if (rc == 0)
			list_add(has, sizeof(has), "%s", probe->name);
		else
			list_add(lacks, sizeof(lacks), "%s (Linux %s)", probe->name, probe->since);
	}
	if (*lacks)
		say_warn(f, "lacks %s", lacks);
	else
		say_ok(f, "%s", has);
	if (*lacks)
		say_fix(f, "# use a newer kernel");
}

static const struct check checks[] = {
	{"af-xdp", "AF_XDP sockets can be made", "nothing works without them", look_af_xdp},
	{"bpf", "XDP programs can be loaded", "one hands the packets to the socket", look_bpf},
	{"capabilities",
	 "cap_net_admin, cap_bpf, cap_net_raw; cap_perfmon, cap_sys_admin to see more",
	 "set-up needs them, and gives them up afterwards", look_capabilities},
	{"memlock", "CAP_IPC_LOCK, or a limit above a queue's memory of 6 MiB",
	 "the kernel counts packet memory against RLIMIT_MEMLOCK (ENOBUFS)", look_memlock},
	{"bpf-jit", "on", "an interpreted program costs several times as much a packet", look_jit},
	{"jit-harden", "at most 1", "hardened constants make each program longer and slower",
	 look_jit_harden},
	{"bpf-stats", "off", "it reads the clock twice a packet", look_bpf_stats},
	{"btf", "the kernel's types in /sys/kernel/btf/vmlinux",
	 "without them doctor sees no sockets and no tracepoints", look_btf},
	{"lockdown", "none or integrity", "confidentiality forbids BPF to look into the kernel",
	 look_lockdown},
	{"dispatcher", "freplace programs can be loaded",
	 "libxdp needs them to run several XDP programs on one interface", look_dispatcher},
	{"bpffs", "a BPF file system on /sys/fs/bpf",
	 "programs that are to stay pin their maps there", look_bpffs},
	{"features", "what later kernels brought to AF_XDP",
	 "each makes something faster, or possible", look_features},
};

const struct check_group doctor_kernel = {"kernel", checks, sizeof(checks) / sizeof(*checks)};
