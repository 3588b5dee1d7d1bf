/* SPDX-License-Identifier: BSD-2-Clause */
/* prog_internal.h - what the files of prog share: find, attach, pin. */
#ifndef XSKIT_PROG_INTERNAL_H
#define XSKIT_PROG_INTERNAL_H

#include <xskit/prog.h>

struct xdp_program;
struct bpf_object;

/* The maps of xsk_redirect, by index; MAP_ABI is the marker of the version. */
enum prog_map { MAP_XSKS, MAP_CONFIG, MAP_MATCH, MAP_COUNTERS, MAP_ABI, PROG_MAPS };

struct prog_maps {
	int fd[PROG_MAPS];
};

struct xk_prog {
	struct xk_prog_info info;
	struct prog_maps maps;
	uint32_t attached_id; /* what the interface runs: ours, or the dispatcher before it */
	int ncpu;
	int link_fd;             /* -1: none */
	struct xdp_program *xdp; /* attached by this handle through libxdp: to be detached */
	struct bpf_object *obj;  /* what xdp is made of */
};

/* --- prog_find.c: what is attached, and is it ours --- */

struct prog_found {
	uint32_t attached_id; /* 0: nothing */
	enum xk_mode mode;
	char name[64]; /* of ours, else of what is attached */
	bool dispatcher;
	int abi;     /* version of ours; 0: not ours */
	uint32_t id; /* of ours, else attached_id */
	int fd;      /* of ours, -1: not ours */
	int link_fd; /* -1: no BPF link */
	uint32_t link_id;
};

void prog_quiet(void); /* what libbpf and libxdp say is dropped unless asked for */
int prog_ifindex(const char *ifname, struct xk_err *err);
int prog_query(int ifindex, uint32_t *id, enum xk_mode *mode);

/* Fill *found, to be given to prog_found_release() whatever is returned. */
int prog_find(const char *ifname, int ifindex, struct prog_found *found, struct xk_err *err);
void prog_found_release(struct prog_found *found);
int prog_eexist(const struct prog_found *found, const char *ifname, struct xk_err *err);

/* -EPERM with the capabilities that are missing; by_id: CAP_SYS_ADMIN is one of them. */
bool prog_may_attach(void); /* has what loading and attaching takes */
int prog_denied(struct xk_err *err, const char *what, const char *ifname, bool by_id);

void prog_maps_init(struct prog_maps *maps);
void prog_maps_close(struct prog_maps *maps);
const char *prog_map_name(enum prog_map map);
int prog_map_fits(int fd, enum prog_map map);          /* 0, -EPROTO, errno of bpf(2) */
int prog_maps_of(int prog_fd, struct prog_maps *maps); /* by id: takes CAP_SYS_ADMIN */
int prog_has_map(int prog_fd, int map_fd);             /* 1, 0 or -errno */

/* --- prog_attach.c --- */

int prog_attach_link(struct xk_prog *prog, const struct xk_prog_config *config,
		     struct xk_err *err); /* -EAGAIN: raced */
int prog_attach_libxdp(struct xk_prog *prog, enum xk_mode mode, struct xk_err *err);
int prog_detach(struct xk_prog *prog);
int prog_detach_found(int ifindex, const struct prog_found *found);
void prog_init(struct xk_prog *prog, const char *ifname, int ifindex);
void prog_release(struct xk_prog *prog); /* everything but what is attached without a link */

/* --- prog_rules.c --- */

/* xk_prog_rules() without its checks: 0 or -errno of bpf(2). */
int prog_put_rules(const struct prog_maps *maps, unsigned queue, uint32_t keep,
		   const struct xk_rule *rules, unsigned n);

/* --- prog_pin.c: directories on a bpffs that only we write to --- */

enum prog_pin_use {
	PIN_JOIN, /* the last directory, or its parent, must be ours and 0700 */
	PIN_MAKE, /* create what is missing, and everything below the bpffs must be ours and 0700 */
	PIN_CLEAR, /* as PIN_JOIN, but root takes its pins out of anybody's directories */
};

/*
 * Directory fd. -ENOENT; -EPERM not to be trusted; -EACCES not ours to look into, or to make;
 * -EINVAL no bpffs.
 */
int prog_pin_open(const char *dir, enum prog_pin_use use, struct xk_err *err);
int prog_pin_maps(int dirfd, const struct prog_maps *maps, struct xk_err *err);
int prog_pin_join(int dirfd, const char *dir, struct prog_maps *maps, struct xk_err *err);
int prog_pin_map(int dirfd, enum prog_map map); /* fd, -ENOENT, -EPROTO ... */
void prog_pin_clear(int dirfd);
void prog_pin_rmdir(int dirfd, const char *dir);

#endif
