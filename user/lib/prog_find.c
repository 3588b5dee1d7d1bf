// SPDX-License-Identifier: BSD-2-Clause
/* What is attached to an interface, is it ours, and its maps. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>
#include "abi.h"
#include "prog_internal.h"

#define STR_(x)     #x
#define STR(x)      STR_(x)
#define ABI_PREFIX  "xskit_abi_"
#define OUR_NAME    "xsk_redirect"
#define DISPATCHER  "xdp_dispatcher"
#define MAX_MAP_IDS 64
#define FIND_TRIES  5

static const struct {
	const char *name;
	uint32_t type, key, value, entries;
} map_shapes[PROG_MAPS] = {
	[MAP_XSKS] = {"xsks_map", BPF_MAP_TYPE_XSKMAP, 4, 4, XK_MAX_QUEUES},
	[MAP_CONFIG] = {"config", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xk_queue_config),
			XK_MAX_QUEUES},
	[MAP_MATCH] = {"match", BPF_MAP_TYPE_HASH, 4, sizeof(struct xk_rule_block),
		       65536 / XK_BLOCK_RULES},
	[MAP_COUNTERS] = {"counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct xk_xdp_counters),
			  XK_MAX_QUEUES},
	[MAP_ABI] = {ABI_PREFIX STR(XK_ABI_VERSION), BPF_MAP_TYPE_ARRAY, 4, 4, 1},
};

/* --- what the libraries say --- */

static bool verbose;

static int say_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

static int say_libxdp(enum libxdp_print_level level, const char *format, va_list args)
{
	return level == LIBXDP_DEBUG ? 0 : vfprintf(stderr, format, args);
}

void prog_quiet(void)
{
	libbpf_set_print(verbose ? say_libbpf : NULL);
	libxdp_set_print(verbose ? say_libxdp : NULL);
}

void xk_prog_verbose(bool on)
{
	verbose = on;
	prog_quiet();
}

/* --- errors --- */

static bool has_cap(unsigned cap)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	return !syscall(SYS_capget, &head, data) && (data[cap / 32].effective >> cap % 32 & 1);
}

static void add_word(char *text, size_t len, const char *word)
{
	size_t n = strlen(text);

	snprintf(text + n, len - n, "%s%s", n ? ", " : "", word);
}

bool prog_may_attach(void)
{
	return has_cap(CAP_NET_ADMIN) && (has_cap(CAP_BPF) || has_cap(CAP_SYS_ADMIN));
}

int prog_denied(struct xk_err *err, const char *what, const char *ifname, bool by_id)
{
	char missing[64] = "";

	if (!has_cap(CAP_NET_ADMIN))
		add_word(missing, sizeof(missing), "CAP_NET_ADMIN");
	if (!has_cap(CAP_BPF) && !has_cap(CAP_SYS_ADMIN))
		add_word(missing, sizeof(missing), "CAP_BPF");
	if (by_id && !has_cap(CAP_SYS_ADMIN))
		add_word(missing, sizeof(missing), "CAP_SYS_ADMIN");
	if (!missing[0])
		return xk_err_fill(
			err, -EPERM, what,
			"run in the initial user namespace; look at kernel lockdown and LSM logs",
			"%s: %s, although the capabilities are effective", ifname, strerror(EPERM));
	return xk_err_fill(err, -EPERM, what,
			   by_id ? "run as root, or join it through its pinned maps: --pinned DIR"
				 : "run as root, or give the capabilities named",
			   "%s: %s%s: missing %s", ifname,
			   by_id ? "a program is attached, looking at it takes CAP_SYS_ADMIN: "
				 : "",
			   strerror(EPERM), missing);
}

int prog_eexist(const struct prog_found *found, const char *ifname, struct xk_err *err)
{
	return xk_err_fill(
		err, -EEXIST, "attach XDP program",
		"take it off first (xdp-loader unload, ip link set dev IFACE xdp off), or "
		"use another interface",
		"another XDP program, %s (id %u), is attached to %s", found->name,
		found->attached_id, ifname);
}

int prog_ifindex(const char *ifname, struct xk_err *err)
{
	unsigned ifindex = ifname ? if_nametoindex(ifname) : 0;

	if (ifindex)
		return (int)ifindex;
	return xk_err_fill(
		err, -ENODEV, "find interface",
		"see `ip link`; an interface in another network namespace: nsenter --net=...",
		"there is no interface %s here", ifname ? ifname : "(null)");
}

/* --- maps --- */

void prog_maps_init(struct prog_maps *maps)
{
	for (int i = 0; i < PROG_MAPS; i++)
		maps->fd[i] = -1;
}

void prog_maps_close(struct prog_maps *maps)
{
	for (int i = 0; i < PROG_MAPS; i++)
		if (maps->fd[i] >= 0)
			close(maps->fd[i]);
	prog_maps_init(maps);
}

const char *prog_map_name(enum prog_map map)
{
	return map_shapes[map].name;
}

static int map_info(int fd, struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, len);
	return bpf_obj_get_info_by_fd(fd, info, &len) ? -errno : 0;
}

int prog_map_fits(int fd, enum prog_map map)
{
	struct bpf_map_info info;
	int rc = map_info(fd, &info);

	if (rc)
		return rc;
	return info.type == map_shapes[map].type && info.key_size == map_shapes[map].key &&
			       info.value_size == map_shapes[map].value &&
			       info.max_entries == map_shapes[map].entries &&
			       !strcmp(info.name, map_shapes[map].name)
		       ? 0
		       : -EPROTO;
}

/* Ids of a program's maps: how many, or -errno. */
static int map_ids(int prog_fd, uint32_t ids[MAX_MAP_IDS])
{
	struct bpf_prog_info info = {.nr_map_ids = MAX_MAP_IDS, .map_ids = (uintptr_t)ids};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return -errno;
	return info.nr_map_ids < MAX_MAP_IDS ? (int)info.nr_map_ids : MAX_MAP_IDS;
}

/* Keep a map's fd if it is one we look for. */
static void sort_in(struct prog_maps *maps, int fd)
{
	for (int i = 0; i < PROG_MAPS; i++) {
		if (maps->fd[i] >= 0 || prog_map_fits(fd, (enum prog_map)i))
			continue;
		maps->fd[i] = fd;
		return;
	}
	close(fd);
}

int prog_maps_of(int prog_fd, struct prog_maps *maps)
{
	uint32_t ids[MAX_MAP_IDS];
	int n = map_ids(prog_fd, ids), rc = -EPROTO;

	prog_maps_init(maps);
	for (int i = 0; i < n; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0) {
			rc = -errno;
			goto err_close;
		}
		sort_in(maps, fd);
	}
	for (int i = 0; i < PROG_MAPS; i++)
		if (maps->fd[i] < 0)
			goto err_close;
	return 0;

err_close:
	prog_maps_close(maps);
	return n < 0 ? n : rc;
}

int prog_has_map(int prog_fd, int map_fd)
{
	uint32_t ids[MAX_MAP_IDS];
	struct bpf_map_info info;
	int n = map_ids(prog_fd, ids), rc = map_info(map_fd, &info);

	if (rc || n < 0)
		return rc ? rc : n;
	for (int i = 0; i < n; i++)
		if (ids[i] == info.id)
			return 1;
	return 0;
}

/* The N of a map xskit_abi_N, else 0. */
static int abi_of_map(uint32_t id)
{
	struct bpf_map_info info;
	int fd = bpf_map_get_fd_by_id(id), rc;

	if (fd < 0)
		return 0;
	rc = map_info(fd, &info);
	close(fd);
	return rc || strncmp(info.name, ABI_PREFIX, strlen(ABI_PREFIX))
		       ? 0
		       : atoi(info.name + strlen(ABI_PREFIX));
}

/* ABI version of a program of ours, 0 if it is another's: the name alone is anybody's. */
static int abi_of_prog(int prog_fd, const char *name)
{
	uint32_t ids[MAX_MAP_IDS];
	int n, abi = 0;

	if (strcmp(name, OUR_NAME))
		return 0;
	n = map_ids(prog_fd, ids);
	for (int i = 0; i < n && !abi; i++)
		abi = abi_of_map(ids[i]);
	return abi;
}

/* --- programs --- */

int prog_query(int ifindex, uint32_t *id, enum xk_mode *mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	int rc = bpf_xdp_query(ifindex, 0, &q);

	if (rc)
		return rc;
	*mode = q.skb_prog_id && !q.drv_prog_id ? XK_MODE_SKB : XK_MODE_NATIVE;
	*id = q.drv_prog_id ? q.drv_prog_id : q.skb_prog_id ? q.skb_prog_id : q.hw_prog_id;
	return 0;
}

/* The BPF link by which a program is attached to an interface: fd, or -1. */
static int find_link(int ifindex, uint32_t prog_id, uint32_t *link_id)
{
	struct bpf_link_info info;
	uint32_t id = 0, len;
	int fd;

	while (!bpf_link_get_next_id(id, &id)) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == BPF_LINK_TYPE_XDP &&
		    info.xdp.ifindex == (uint32_t)ifindex && info.prog_id == prog_id) {
			*link_id = id;
			return fd;
		}
		close(fd);
	}
	return -1;
}

static bool still_attached(int ifindex, uint32_t id)
{
	enum xk_mode mode;
	uint32_t now = 0;

	return !prog_query(ifindex, &now, &mode) && now == id;
}

static void take_ours(struct prog_found *found, int fd, int abi, uint32_t id)
{
	found->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	found->abi = abi;
	found->id = id;
	snprintf(found->name, sizeof(found->name), "%s", OUR_NAME);
}

/* Look for ours among the programs behind a libxdp dispatcher. */
static void look_behind(int ifindex, struct prog_found *found)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *p = NULL;
	int abi;

	if (libxdp_get_error(mp))
		return;
	while ((p = xdp_multiprog__next_prog(p, mp))) {
		abi = abi_of_prog(xdp_program__fd(p), xdp_program__name(p));
		if (!abi)
			continue;
		take_ours(found, xdp_program__fd(p), abi, xdp_program__id(p));
		break;
	}
	xdp_multiprog__close(mp);
}

static int look_at(int ifindex, int fd, struct prog_found *found)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int abi;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	snprintf(found->name, sizeof(found->name), "%s", info.name[0] ? info.name : "(no name)");
	found->dispatcher = !strcmp(info.name, DISPATCHER);
	abi = abi_of_prog(fd, info.name);
	if (abi)
		take_ours(found, fd, abi, found->attached_id);
	else if (found->dispatcher)
		look_behind(ifindex, found);
	found->link_fd = find_link(ifindex, found->attached_id, &found->link_id);
	/* The last user's link may have gone just now, and the program with it. */
	return found->link_fd < 0 && !still_attached(ifindex, found->attached_id) ? -EAGAIN : 0;
}

static int find_once(int ifindex, struct prog_found *found)
{
	int fd, rc;

	*found = (struct prog_found){.fd = -1, .link_fd = -1};
	rc = prog_query(ifindex, &found->attached_id, &found->mode);
	if (rc || !found->attached_id)
		return rc;
	found->id = found->attached_id;
	fd = bpf_prog_get_fd_by_id(found->attached_id);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	rc = look_at(ifindex, fd, found);
	close(fd);
	return rc;
}

int prog_find(const char *ifname, int ifindex, struct prog_found *found, struct xk_err *err)
{
	int rc = find_once(ifindex, found);

	for (int i = 1; i < FIND_TRIES && rc == -EAGAIN; i++) {
		prog_found_release(found);
		usleep(1000u << i);
		rc = find_once(ifindex, found);
	}
	if (rc == -EPERM || rc == -EACCES)
		return prog_denied(err, "look at XDP program", ifname, true);
	if (rc)
		return xk_err_fill(err, rc, "look at XDP program", NULL, "%s: %s", ifname,
				   strerror(-rc));
	return 0;
}

void prog_found_release(struct prog_found *found)
{
	if (found->fd >= 0)
		close(found->fd);
	if (found->link_fd >= 0)
		close(found->link_fd);
	found->fd = found->link_fd = -1;
}
