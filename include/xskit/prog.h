/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog.h - the XDP program xsk_redirect on an interface: attach it or join it, tell it what a queue
 * takes, put a socket behind the queue, read what it counted, and leave.
 *
 * Several processes share one program; everything in it is per queue, and a queue belongs to the
 * process whose AF_XDP socket is bound to it. A program we attach ourselves is held by a BPF link:
 * whoever joins takes references of its own, and the last one to go, killed or not, takes the
 * program off the interface. A program attached by xdp-loader or `xskit load` has no link; it stays
 * until it is unloaded.
 *
 * Thread contract: one thread at a time a handle; xk_prog_counters() from any. A handle belongs to
 * the network namespace it was opened in: open, close and check must be called there.
 */
#ifndef XSKIT_PROG_H
#define XSKIT_PROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xskit/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xk_rule;         /* bpf/abi.h */
struct xk_xdp_counters; /* bpf/abi.h */
struct xk_prog;

enum xk_mode {
	XK_MODE_AUTO, /* native if the driver takes it, else skb */
	XK_MODE_NATIVE,
	XK_MODE_SKB,
};

enum xk_attach {
	XK_ATTACH_AUTO, /* join ours; beside a libxdp dispatcher through libxdp; else a BPF link */
	XK_ATTACH_LINK,
	XK_ATTACH_LIBXDP,
};

struct xk_prog_config {
	enum xk_mode mode;
	enum xk_attach attach;
	/* Join through the maps pinned in this directory; NULL: find it, or load. */
	const char *pinned;
	/*
	 * Sockets need no packets of several buffers. In XK_MODE_SKB, by a BPF link, the program is
	 * then loaded without them (no BPF_F_XDP_HAS_FRAGS), and the kernel need not copy each
	 * packet before it: 0.25 us a packet on veth. Packets longer than a frame are then dropped
	 * by the socket, also of those who join this program.
	 */
	bool one_buffer;
};

struct xk_prog_info {
	char ifname[16];
	int ifindex;
	enum xk_mode mode; /* NATIVE or SKB: as attached */
	enum xk_attach
		attach; /* LINK or LIBXDP: who attached it (LIBXDP: also any loader without link) */
	bool joined;    /* it was there before us */
	uint32_t prog_id;
};

/*
 * Attach or join; a program of ours that is there is joined whatever mode and attach say. With
 * `pinned` and without CAP_SYS_ADMIN it cannot be checked whose program is attached, only that one
 * is. Errors: -ENODEV no such interface; -EPERM (names the capability); -EEXIST another
 * program is attached (named); -ERANGE the MTU is too large for XDP on this driver; -ESTALE the pin
 * belongs to a program that is no longer attached; -ENOENT nothing pinned there; -EPROTO a program
 * of ours with another ABI version; -EOPNOTSUPP the driver has no native XDP (XK_MODE_NATIVE);
 * -EBUSY others attach and detach all the time. What drivers refuse natively for other reasons than
 * the MTU (too few queues, ...) XK_MODE_AUTO attaches as skb.
 */
int xk_prog_open(struct xk_prog **prog, const char *ifname, const struct xk_prog_config *config,
		 struct xk_err *err);

/*
 * Leave. A program this handle attached without a link (XK_ATTACH_LIBXDP) is detached. NULL:
 * nothing. 0, or a negative errno: the handle is gone, but the program could not be detached
 * (-ENOENT: somebody did before; -EPERM: see xk_prog_detach_needs_caps()).
 */
int xk_prog_close(struct xk_prog *prog);

const struct xk_prog_info *xk_prog_info(const struct xk_prog *prog);

/*
 * What queue `queue` takes, before its socket is put in: XK_KEEP_ bits that stay with the kernel,
 * and n rules in any order (0: all that is not kept). -ERANGE queue or n; -E2BIG the queues of the
 * interface have too many rules together; errno of bpf(2).
 */
int xk_prog_rules(struct xk_prog *prog, unsigned queue, uint32_t keep, const struct xk_rule *rules,
		  unsigned n, struct xk_err *err);

/* Put a bound AF_XDP socket behind the queue: -EBUSY there is one; -ERANGE queue. */
int xk_prog_insert(struct xk_prog *prog, unsigned queue, int xsk_fd, struct xk_err *err);

/* Take it out again: from now on the queue's packets pass to the kernel. */
int xk_prog_remove(struct xk_prog *prog, unsigned queue);

/* The queue's counters since the program was loaded, summed over the CPUs. */
int xk_prog_counters(const struct xk_prog *prog, unsigned queue, struct xk_xdp_counters *counters);

/*
 * 0: still attached; -ENOENT: someone took it off, or the interface is gone; other -errno: cannot
 * tell. One netlink request, without privileges.
 */
int xk_prog_check(const struct xk_prog *prog);

/*
 * True if leaving takes CAP_NET_ADMIN (attached by this handle, without a link); behind a libxdp
 * dispatcher CAP_BPF and CAP_SYS_ADMIN as well.
 */
bool xk_prog_detach_needs_caps(const struct xk_prog *prog);
bool xk_prog_in_dispatcher(const struct xk_prog *prog);

/*
 * What xk_prog_open() would refuse before it attaches anything: missing capabilities, a program of
 * somebody else's, pins that cannot be joined. 0, or its error.
 */
int xk_prog_probe(const char *ifname, const struct xk_prog_config *config, struct xk_err *err);

/* --- the program's life outside a run: what `load`, `unload` and `status` do --- */

/*
 * Attach as xdp-loader does (through libxdp), to stay. pin_dir: where to pin the maps, NULL: not.
 * The directory is made if need be, mode 0700, and must be on a bpffs, owned by us and no symlink.
 */
int xk_prog_load(const char *ifname, const struct xk_prog_config *config, const char *pin_dir,
		 struct xk_err *err);

/* Where `load` pins if not told otherwise: a directory a network namespace and interface. */
int xk_prog_default_pin(const char *ifname, char *out, size_t len);

/*
 * Take our program off, whoever loaded it, and clear the pins in these directories that no other
 * program uses (pin_dirs: a list that ends with NULL; NULL: none). Only the first one's errors
 * count: the others may be somebody else's. With no program of ours attached, pins that are left
 * over are cleared all the same, and only if there are none either it is -ENOENT. -EBUSY: it is
 * held by a BPF link of a running process, which is the one to stop.
 */
int xk_prog_unload(const char *ifname, const char *const *pin_dirs, struct xk_err *err);

/*
 * What is attached to an interface. -EPERM: without CAP_SYS_ADMIN only prog_id and mode are filled.
 */
struct xk_prog_status {
	char ifname[16];
	int ifindex;
	uint32_t prog_id; /* 0: no XDP program at all */
	char name[64];    /* of the program */
	enum xk_mode mode;
	enum xk_attach attach;
	uint32_t link_id;              /* 0: no link */
	bool ours;                     /* xsk_redirect */
	int abi;                       /* ABI version of ours */
	bool dispatcher;               /* behind a libxdp dispatcher */
	uint32_t sockets;              /* queues with a socket behind them: see bitmap */
	uint64_t queue_has_socket[16]; /* bit q: queue q has one */
};
int xk_prog_status(const char *ifname, struct xk_prog_status *status, struct xk_err *err);

/*
 * The counters of queues 0 to n - 1 (n at most 1,024) of our program, whoever attached it, summed
 * over the CPUs. -ENOENT: none of ours is there; -EPERM: without CAP_SYS_ADMIN it is not found.
 */
int xk_prog_read(const char *ifname, struct xk_xdp_counters *counters, unsigned n,
		 struct xk_err *err);

/* Print what libbpf and libxdp say to stderr (on), or drop it (off, the default). */
void xk_prog_verbose(bool on);

#ifdef __cplusplus
}
#endif
#endif
