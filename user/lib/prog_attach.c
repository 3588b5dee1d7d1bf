// SPDX-License-Identifier: BSD-2-Clause
/* Load our own copy of xsk_redirect and attach it: by a BPF link, or through libxdp. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>
#include "xsk_redirect.skel.h"
#include "xsk_redirect_one.skel.h"
#include "prog_internal.h"

#define WHAT       "attach XDP program"
#define K_ENOTSUPP 524 /* the kernel's own; some drivers let it out */

void prog_init(struct xk_prog *prog, const char *ifname, int ifindex)
{
	memset(prog, 0, sizeof(*prog));
	snprintf(prog->info.ifname, sizeof(prog->info.ifname), "%s", ifname);
	prog->info.ifindex = ifindex;
	prog->link_fd = -1;
	prog->ncpu = libbpf_num_possible_cpus();
	prog_maps_init(&prog->maps);
}

void prog_release(struct xk_prog *prog)
{
	prog_maps_close(&prog->maps);
	if (prog->link_fd >= 0)
		close(prog->link_fd);
	prog->link_fd = -1;
	xdp_program__close(prog->xdp);
	prog->xdp = NULL;
	bpf_object__close(prog->obj);
	prog->obj = NULL;
}

static int load_error(struct xk_prog *prog, int rc, struct xk_err *err)
{
	if (rc == -EPERM || rc == -EACCES)
		return prog_denied(err, "load XDP program", prog->info.ifname, false);
	return xk_err_fill(err, rc, "load XDP program",
			   "Linux 5.18 or newer is needed; -v shows what the verifier says", "%s",
			   strerror(-rc));
}

/* Pins are by directory here, never by libbpf's default path: two namespaces would share the maps.
 */
static int open_object(struct xk_prog *prog, bool one_buffer, struct xk_err *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "xsk_redirect");
	struct bpf_map *map;
	size_t size;
	const void *elf =
		one_buffer ? xsk_redirect_one__elf_bytes(&size) : xsk_redirect__elf_bytes(&size);

	prog->obj = bpf_object__open_mem(elf, size, &opts);
	if (!prog->obj)
		return load_error(prog, -errno, err);
	map = bpf_object__next_map(prog->obj, NULL);
	for (; map; map = bpf_object__next_map(prog->obj, map))
		bpf_map__set_pin_path(map, NULL);
	return 0;
}

/* Own fds of the loaded maps: those of the object go with it. */
static int take_maps(struct xk_prog *prog, struct xk_err *err)
{
	for (int i = 0; i < PROG_MAPS; i++) {
		const char *name = prog_map_name((enum prog_map)i);
		int fd = bpf_object__find_map_fd_by_name(prog->obj, name);

		prog->maps.fd[i] = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (prog->maps.fd[i] < 0)
			return xk_err_fill(err, fd < 0 ? fd : -errno, WHAT, NULL, "map %s: %s",
					   name, strerror(fd < 0 ? -fd : errno));
	}
	return 0;
}

static int attach_error(struct xk_prog *prog, int rc, struct xk_err *err)
{
	const char *ifname = prog->info.ifname;

	switch (rc) {
	case -EPERM:
	case -EACCES:
		return prog_denied(err, WHAT, ifname, false);
	case -ERANGE:
		return xk_err_fill(
			err, rc, WHAT,
			"lower the MTU on both ends (ip link set dev IFACE mtu 1500), or "
			"use --mode skb",
			"%s: the MTU is too large for native XDP on this driver", ifname);
	case -EOPNOTSUPP:
	case -K_ENOTSUPP:
		return xk_err_fill(err, -EOPNOTSUPP, WHAT, "use --mode auto or --mode skb",
				   "%s: the driver has no native XDP", ifname);
	default:
		return xk_err_fill(err, rc, WHAT, "see `dmesg`: drivers say there what they miss",
				   "%s: %s", ifname, strerror(-rc));
	}
}

static bool raced(int rc)
{
	return rc == -EBUSY || rc == -EEXIST;
}

/* Errors by which drivers refuse native XDP that generic XDP can do without. */
static bool try_skb(enum xk_mode asked, int rc)
{
	return asked == XK_MODE_AUTO && (rc == -EOPNOTSUPP || rc == -K_ENOTSUPP || rc == -EINVAL ||
					 rc == -ENOMEM || rc == -ENOSPC);
}

static unsigned mode_flag(enum xk_mode mode)
{
	return mode == XK_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

static int create_link(struct xk_prog *prog, int prog_fd, enum xk_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode_flag(mode));
	int fd = bpf_link_create(prog_fd, prog->info.ifindex, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

/* What the interface says now, after attaching. */
static int note_attached(struct xk_prog *prog, uint32_t prog_id, enum xk_attach attach)
{
	prog->info.attach = attach;
	prog->info.prog_id = prog_id;
	return prog_query(prog->info.ifindex, &prog->attached_id, &prog->info.mode);
}

static uint32_t id_of(int prog_fd)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &len) ? 0 : info.id;
}

/* Load and attach in one mode, not AUTO. */
static int link_in(struct xk_prog *prog, enum xk_mode mode, bool one_buffer, struct xk_err *err)
{
	int rc = open_object(prog, one_buffer && mode == XK_MODE_SKB, err);
	int prog_fd;

	if (rc)
		return rc;
	rc = bpf_object__load(prog->obj);
	if (rc)
		return load_error(prog, rc, err);
	rc = take_maps(prog, err);
	if (rc)
		return rc;
	prog_fd = bpf_program__fd(bpf_object__next_program(prog->obj, NULL));
	prog->link_fd = create_link(prog, prog_fd, mode);
	if (prog->link_fd < 0)
		return raced(prog->link_fd) ? -EAGAIN : attach_error(prog, prog->link_fd, err);
	return note_attached(prog, id_of(prog_fd), XK_ATTACH_LINK);
}

int prog_attach_link(struct xk_prog *prog, const struct xk_prog_config *config, struct xk_err *err)
{
	enum xk_mode first = config->mode == XK_MODE_SKB ? XK_MODE_SKB : XK_MODE_NATIVE;
	int rc = link_in(prog, first, config->one_buffer, err);

	if (try_skb(config->mode, rc)) {
		prog_release(prog);
		rc = link_in(prog, XK_MODE_SKB, config->one_buffer, err);
	}
	if (rc) {
		prog_release(prog);
		return rc;
	}
	bpf_object__close(prog->obj); /* link and map fds hold the rest */
	prog->obj = NULL;
	return 0;
}

/* --- libxdp --- */

static int xdp_either(struct xk_prog *prog, enum xk_mode mode)
{
	int rc = xdp_program__attach(prog->xdp, prog->info.ifindex,
				     mode == XK_MODE_SKB ? XDP_MODE_SKB : XDP_MODE_NATIVE, 0);

	return try_skb(mode, rc)
		       ? xdp_program__attach(prog->xdp, prog->info.ifindex, XDP_MODE_SKB, 0)
		       : rc;
}

static int make_xdp(struct xk_prog *prog, struct xk_err *err)
{
	int rc = open_object(prog, false, err);

	if (rc)
		return rc;
	prog->xdp = xdp_program__from_bpf_obj(prog->obj, "xdp.frags");
	rc = (int)libxdp_get_error(prog->xdp);
	if (!rc)
		return 0;
	prog->xdp = NULL;
	return load_error(prog, rc, err);
}

/* Either failed to load or to attach: libxdp does both in one. */
static int xdp_error(struct xk_prog *prog, int rc, struct xk_err *err)
{
	if (raced(rc))
		return -EAGAIN;
	return xdp_program__fd(prog->xdp) < 0 ? load_error(prog, rc, err)
					      : attach_error(prog, rc, err);
}

int prog_attach_libxdp(struct xk_prog *prog, enum xk_mode mode, struct xk_err *err)
{
	int rc = make_xdp(prog, err);

	if (rc)
		goto err_release;
	rc = xdp_either(prog, mode);
	if (rc) {
		rc = xdp_error(prog, rc, err);
		goto err_release;
	}
	rc = note_attached(prog, xdp_program__id(prog->xdp), XK_ATTACH_LIBXDP);
	if (!rc)
		rc = take_maps(prog, err);
	if (!rc)
		return 0;
	prog_detach(prog);
err_release:
	prog_release(prog);
	return rc;
}

/*
 * A single program goes through netlink, and only if it is still the one there: takes
 * CAP_NET_ADMIN, no more. Out of a dispatcher libxdp takes it: CAP_BPF and CAP_SYS_ADMIN too.
 */
static int detach(int ifindex, enum xk_mode mode, struct xdp_program *xdp, bool dispatcher)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = xdp_program__fd(xdp));

	if (dispatcher)
		return xdp_program__detach(xdp, ifindex, XDP_MODE_UNSPEC, 0);
	return bpf_xdp_detach(ifindex, mode_flag(mode), &opts);
}

int prog_detach(struct xk_prog *prog)
{
	return detach(prog->info.ifindex, prog->info.mode, prog->xdp,
		      prog->attached_id != prog->info.prog_id);
}

int prog_detach_found(int ifindex, const struct prog_found *found)
{
	struct xdp_program *xdp = xdp_program__from_fd(found->fd);
	int rc = (int)libxdp_get_error(xdp);

	if (rc)
		return rc;
	rc = detach(ifindex, found->mode, xdp, found->dispatcher);
	xdp_program__close(xdp);
	return rc;
}
