// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include "doctor/probe.h"
#include "doctor_freplace.skel.h"
#include "nl.h"
#include "xdp_drop.skel.h"

/* Headers of 6.1 lack these. */
#define OPT_PREFER_BUSY_POLL 69       /* 5.11 */
#define BIND_MULTI_BUFFER    (1 << 4) /* XDP_USE_SG, 6.6 */
#define UMEM_TX_METADATA_LEN (1 << 2) /* XDP_UMEM_TX_METADATA_LEN, 6.11 */
#define OPT_MAX_TX_BUDGET    9        /* XDP_MAX_TX_SKB_BUDGET, 6.18 */

static int xdp_socket(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int probe_af_xdp(void)
{
	int fd = xdp_socket();

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int load_pass(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "doctor_pass", "GPL", pass, 2, NULL);

	return fd < 0 ? -errno : fd;
}

int probe_bpf(void)
{
	int fd = load_pass();

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int probe_jit(void)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd = load_pass(), rc;

	if (fd < 0)
		return fd;
	rc = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : info.jited_prog_len > 0;
	close(fd);
	return rc;
}

static int load_replacement(const struct xdp_drop *target)
{
	struct doctor_freplace *skel = doctor_freplace__open();
	int rc;

	if (!skel)
		return -errno;
	rc = bpf_program__set_attach_target(skel->progs.doctor_freplace,
					    bpf_program__fd(target->progs.xdp_drop), "xdp_drop");
	if (!rc)
		rc = doctor_freplace__load(skel);
	doctor_freplace__destroy(skel);
	return rc;
}

int probe_freplace(void)
{
	struct xdp_drop *target = xdp_drop__open_and_load();
	int rc = target ? load_replacement(target) : -errno;

	xdp_drop__destroy(target);
	return rc;
}

/* --- what came later --- */

static int ask_busy_poll(void)
{
	int fd = xdp_socket(), value, rc = 0;
	socklen_t len = sizeof(value);

	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, OPT_PREFER_BUSY_POLL, &value, &len))
		rc = -errno;
	close(fd);
	return rc;
}

/* A flag the kernel knows gets as far as the interface, which is none. */
static int ask_multi_buffer(void)
{
	const struct sockaddr_xdp nowhere = {
		.sxdp_family = AF_XDP, .sxdp_flags = BIND_MULTI_BUFFER, .sxdp_ifindex = INT_MAX};
	int fd = xdp_socket(), rc = 0;

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&nowhere, sizeof(nowhere)) && errno != ENODEV)
		rc = -errno;
	close(fd);
	return rc;
}

static int ask_netdev_family(void)
{
	uint64_t features;
	int rc = nl_xdp_features(1, &features);

	return rc == -ENODEV ? 0 : rc;
}

/* struct xdp_umem_reg as 6.8 has it */
struct umem_reg {
	uint64_t addr, len;
	uint32_t chunk_size, headroom, flags, tx_metadata_len;
};

static int ask_tx_metadata(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *mem = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct umem_reg reg = {.addr = (uintptr_t)mem,
				     .len = page,
				     .chunk_size = 2048,
				     .flags = UMEM_TX_METADATA_LEN,
				     .tx_metadata_len = 16};
	int fd = mem == MAP_FAILED ? -ENOMEM : xdp_socket(), rc = fd < 0 ? fd : 0;

	if (!rc && setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (mem != MAP_FAILED)
		munmap(mem, page);
	return rc;
}

/* Where the option is known, a socket without a TX ring refuses it for another reason. */
static int ask_tx_budget(void)
{
	int fd = xdp_socket(), budget = 32, rc = 0;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_XDP, OPT_MAX_TX_BUDGET, &budget, sizeof(budget)) &&
	    errno == ENOPROTOOPT)
		rc = -errno;
	close(fd);
	return rc;
}

const struct probe probes[] = {
	{"preferred busy polling", "5.11", ask_busy_poll},
	{"device features", "6.3", ask_netdev_family},
	{"multi-buffer", "6.6", ask_multi_buffer},
	{"TX metadata", "6.11", ask_tx_metadata},
	{"TX budget", "6.18", ask_tx_budget},
	{NULL, NULL, NULL},
};
