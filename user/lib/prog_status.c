// SPDX-License-Identifier: BSD-2-Clause
/* The program's life outside a run: load, unload, status. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "abi.h"
#include "prog_internal.h"
#include "xsk_occupancy.skel.h"

int xk_prog_default_pin(const char *ifname, char *out, size_t len)
{
	struct stat ns;

	if (stat("/proc/thread-self/ns/net", &ns))
		return -errno;
	return snprintf(out, len, "/sys/fs/bpf/xskit/%lu/%s", (unsigned long)ns.st_ino, ifname) <
			       (int)len
		       ? 0
		       : -ENAMETOOLONG;
}

/* --- load --- */

static int must_be_free(const char *ifname, int ifindex, struct xk_err *err)
{
	struct prog_found found;
	int rc = prog_find(ifname, ifindex, &found, err);

	if (!rc && found.abi)
		rc = xk_err_fill(err, -EEXIST, "load XDP program",
				 "join it, or xskit unload it first", "%s has it already (id %u)",
				 ifname, found.id);
	else if (!rc && found.attached_id && !found.dispatcher)
		rc = prog_eexist(&found, ifname, err);
	prog_found_release(&found);
	return rc;
}

/* Pins are written by the one whose program is attached, and by nobody else. */
static int attach_and_pin(struct xk_prog *prog, enum xk_mode mode, int dirfd, struct xk_err *err)
{
	int rc = prog_attach_libxdp(prog, mode, err);

	if (rc == -EAGAIN)
		return xk_err_fill(err, -EBUSY, "load XDP program", "look with xskit status",
				   "%s: another program was attached just now", prog->info.ifname);
	if (rc || dirfd < 0)
		return rc;
	rc = prog_pin_maps(dirfd, &prog->maps, err);
	if (rc)
		prog_detach(prog);
	return rc;
}

int xk_prog_load(const char *ifname, const struct xk_prog_config *config, const char *pin_dir,
		 struct xk_err *err)
{
	int ifindex = prog_ifindex(ifname, err), dirfd = -1, rc;
	struct xk_prog prog;

	prog_quiet();
	if (ifindex < 0)
		return ifindex;
	rc = must_be_free(ifname, ifindex, err);
	if (rc)
		return rc;
	if (pin_dir) {
		dirfd = prog_pin_open(pin_dir, PIN_MAKE, err);
		if (dirfd < 0)
			return dirfd;
	}
	prog_init(&prog, ifname, ifindex);
	rc = attach_and_pin(&prog, config ? config->mode : XK_MODE_AUTO, dirfd, err);
	prog_release(&prog); /* leaves it attached */
	if (rc && dirfd >= 0)
		prog_pin_rmdir(dirfd, pin_dir);
	if (dirfd >= 0)
		close(dirfd);
	return rc;
}

/* --- unload --- */

static int held(const char *ifname, const struct prog_found *found, struct xk_err *err)
{
	return xk_err_fill(
		err, -EBUSY, "unload XDP program",
		"stop the xskit processes on this interface: the last one takes it along",
		"%s: program %u is held by BPF link %u of a running process", ifname, found->id,
		found->link_id);
}

static int take_off(const char *ifname, int ifindex, const struct prog_found *found,
		    struct xk_err *err)
{
	int rc;

	if (!found->abi)
		return xk_err_fill(err, -ENOENT, "unload XDP program", NULL,
				   found->attached_id ? "%s runs %s, which is not ours"
						      : "%s runs no XDP program%s",
				   ifname, found->attached_id ? found->name : "");
	if (found->link_fd >= 0)
		return held(ifname, found, err);
	rc = prog_detach_found(ifindex, found);
	if (rc == -EPERM)
		return prog_denied(err, "unload XDP program", ifname, false);
	if (rc)
		return xk_err_fill(err, rc, "unload XDP program", NULL, "%s: %s", ifname,
				   strerror(-rc));
	return 0;
}

/* Whether some program of this machine uses the maps pinned there, but for the one that was just
 * taken off (the kernel, and libxdp's own descriptors, keep it for a while); when in doubt it does.
 */
static bool pins_in_use(int dirfd, uint32_t taken_off)
{
	int map = prog_pin_map(dirfd, MAP_XSKS);
	bool used = false;
	uint32_t id = 0;

	if (map < 0)
		return map != -ENOENT;
	while (!used && !bpf_prog_get_next_id(id, &id)) {
		int prog = id == taken_off ? -1 : bpf_prog_get_fd_by_id(id);

		if (prog < 0)
			continue;
		used = prog_has_map(prog, map) != 0;
		close(prog);
	}
	close(map);
	return used;
}

static bool has_pins(int dirfd)
{
	return faccessat(dirfd, prog_map_name(MAP_XSKS), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 1: there were pins, and they are gone; 0: there are none, or another program uses them. */
static int clear_pins(const char *dir, uint32_t taken_off, struct xk_err *err)
{
	int fd = prog_pin_open(dir, PIN_CLEAR, NULL);
	bool cleared;

	if (fd == -ENOENT || fd == -EINVAL) /* or no bpffs, on which alone there are pins */
		return 0;
	if (fd < 0)
		return prog_pin_open(dir, PIN_CLEAR, err);
	cleared = has_pins(fd) && !pins_in_use(fd, taken_off);
	if (cleared) {
		prog_pin_clear(fd);
		prog_pin_rmdir(fd, dir);
	}
	close(fd);
	return cleared;
}

/* How many directories were cleared, or the error of the first one: the others are only looked into
 * in case there is something. */
static int clear_all_pins(const char *const *dirs, uint32_t taken_off, struct xk_err *err)
{
	int cleared = 0;

	for (unsigned i = 0; dirs && dirs[i]; i++) {
		int ret = clear_pins(dirs[i], taken_off, i ? NULL : err);

		if (ret < 0 && !i)
			return ret;
		cleared += ret > 0;
	}
	return cleared;
}

int xk_prog_unload(const char *ifname, const char *const *pin_dirs, struct xk_err *err)
{
	int ifindex = prog_ifindex(ifname, err), rc = ifindex, pins = 0;
	struct prog_found found = {.fd = -1, .link_fd = -1};

	prog_quiet();
	if (ifindex >= 0)
		rc = prog_find(ifname, ifindex, &found, err);
	if (!rc)
		rc = take_off(ifname, ifindex, &found, err);
	if (!rc || rc == -ENOENT || rc == -ENODEV) /* an interface leaves its pins */
		pins = clear_all_pins(pin_dirs, rc ? 0 : found.id, rc ? NULL : err);
	prog_found_release(&found);
	if (rc == -ENOENT && pins > 0)
		return 0;
	return rc ? rc : pins < 0 ? pins : 0;
}

/* --- status --- */

/* An XSKMAP cannot be read from here: a program that is run once reads it. */
static int occupancy(int xsks_fd, uint64_t queues[XK_MAX_QUEUES / 64])
{
	struct xsk_occupancy *skel = xsk_occupancy__open();
	unsigned char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));
	int rc;

	if (!skel)
		return -errno;
	rc = bpf_map__reuse_fd(skel->maps.xsks_map, xsks_fd);
	if (!rc)
		rc = xsk_occupancy__load(skel);
	if (!rc)
		rc = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.xsk_occupancy), &run);
	if (!rc)
		memcpy(queues, skel->bss->queue_has_socket, sizeof(skel->bss->queue_has_socket));
	xsk_occupancy__destroy(skel);
	return rc;
}

static int count_sockets(const struct prog_found *found, struct xk_prog_status *status)
{
	struct prog_maps maps;
	int rc = prog_maps_of(found->fd, &maps);

	if (rc)
		return rc;
	rc = occupancy(maps.fd[MAP_XSKS], status->queue_has_socket);
	for (int i = 0; i < XK_MAX_QUEUES / 64; i++)
		status->sockets += (uint32_t)__builtin_popcountll(status->queue_has_socket[i]);
	prog_maps_close(&maps);
	return rc;
}

static void tell(const struct prog_found *found, struct xk_prog_status *status)
{
	status->prog_id = found->id;
	status->mode = found->mode;
	status->attach = found->link_fd >= 0 ? XK_ATTACH_LINK : XK_ATTACH_LIBXDP;
	status->link_id = found->link_id;
	status->ours = found->abi != 0;
	status->abi = found->abi;
	status->dispatcher = found->dispatcher;
	snprintf(status->name, sizeof(status->name), "%s", found->name);
}

int xk_prog_status(const char *ifname, struct xk_prog_status *status, struct xk_err *err)
{
	int ifindex = prog_ifindex(ifname, err), rc;
	struct prog_found found;

	prog_quiet();
	memset(status, 0, sizeof(*status));
	if (ifindex < 0)
		return ifindex;
	snprintf(status->ifname, sizeof(status->ifname), "%s", ifname);
	status->ifindex = ifindex;
	rc = prog_find(ifname, ifindex, &found, err);
	tell(&found, status);
	if (!rc && found.abi == XK_ABI_VERSION) {
		rc = count_sockets(&found, status);
		if (rc)
			xk_err_fill(err, rc, "count sockets", NULL, "%s: %s", ifname,
				    strerror(-rc));
	}
	prog_found_release(&found);
	return rc;
}

/* --- counters of a program that one has not opened --- */

static int read_counters(const struct prog_found *found, struct xk_xdp_counters *counters,
			 unsigned n)
{
	struct xk_prog prog = {.ncpu = libbpf_num_possible_cpus()};
	int rc = prog_maps_of(found->fd, &prog.maps);

	if (rc)
		return rc;
	for (unsigned queue = 0; queue < n && !rc; queue++)
		rc = xk_prog_counters(&prog, queue, &counters[queue]);
	prog_maps_close(&prog.maps);
	return rc;
}

int xk_prog_read(const char *ifname, struct xk_xdp_counters *counters, unsigned n,
		 struct xk_err *err)
{
	int ifindex = prog_ifindex(ifname, err), rc;
	struct prog_found found;

	prog_quiet();
	if (ifindex < 0)
		return ifindex;
	rc = prog_find(ifname, ifindex, &found, err);
	if (!rc && found.abi != XK_ABI_VERSION)
		rc = xk_err_fill(err, -ENOENT, "read counters", NULL, "%s runs none of ours",
				 ifname);
	else if (!rc && (rc = read_counters(&found, counters, n)))
		xk_err_fill(err, rc, "read counters", NULL, "%s: %s", ifname, strerror(-rc));
	prog_found_release(&found);
	return rc;
}
