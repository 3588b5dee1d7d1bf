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
	xsk_redirect__destroy(prog->skel);
	prog->skel = NULL;
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
static int open_skel(struct xk_prog *prog, struct xk_err *err)
{
	struct bpf_map *map;

	prog->skel = xsk_redirect__open();
	if (!prog->skel)
		return load_error(prog, -errno, err);
	map = bpf_object__next_map(prog->skel->obj, NULL);
	for (; map; map = bpf_object__next_map(prog->skel->obj, map))
		bpf_map__set_pin_path(map, NULL);
	return 0;
}

/* Own fds of the loaded maps: those of the skeleton go with it. */
static int take_maps(struct xk_prog *prog, struct xk_err *err)
{
	for (int i = 0; i < PROG_MAPS; i++) {
		const char *name = prog_map_name((enum prog_map)i);
		int fd = bpf_object__find_map_fd_by_name(prog->skel->obj, name);

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

static int create_link(struct xk_prog *prog, unsigned mode_flag)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode_flag);
	int prog_fd = bpf_program__fd(prog->skel->progs.xsk_redirect);
	int fd = bpf_link_create(prog_fd, prog->info.ifindex, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

static int link_either(struct xk_prog *prog, enum xk_mode mode)
{
	int fd = create_link(prog, mode == XK_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	return try_skb(mode, fd) ? create_link(prog, XDP_FLAGS_SKB_MODE) : fd;
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

int prog_attach_link(struct xk_prog *prog, enum xk_mode mode, struct xk_err *err)
{
	int rc = open_skel(prog, err);

	if (rc)
		goto out;
	rc = xsk_redirect__load(prog->skel);
	if (rc) {
		rc = load_error(prog, rc, err);
		goto out;
	}
	rc = take_maps(prog, err);
	if (rc)
		goto out;
	prog->link_fd = link_either(prog, mode);
	if (prog->link_fd < 0) {
		rc = raced(prog->link_fd) ? -EAGAIN : attach_error(prog, prog->link_fd, err);
		goto out;
	}
	rc = note_attached(prog, id_of(bpf_program__fd(prog->skel->progs.xsk_redirect)),
			   XK_ATTACH_LINK);
	xsk_redirect__destroy(prog->skel); /* link and map fds hold the rest */
	prog->skel = NULL;
out:
	if (rc)
		prog_release(prog);
	return rc;
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
	int rc = open_skel(prog, err);

	if (rc)
		return rc;
	prog->xdp = xdp_program__from_bpf_obj(prog->skel->obj, "xdp.frags");
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

static unsigned mode_flag(enum xk_mode mode)
{
	return mode == XK_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
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
