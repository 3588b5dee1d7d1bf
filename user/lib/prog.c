// SPDX-License-Identifier: BSD-2-Clause
/* A handle on xsk_redirect: attach or join, rules, sockets, counters, leave. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "abi.h"
#include "prog_internal.h"

#define OPEN_TRIES 6

/* --- open --- */

static int abi_mismatch(const struct prog_found *found, const char *ifname, struct xk_err *err)
{
	return xk_err_fill(err, -EPROTO, "join XDP program",
			   "stop what uses it and unload it, or use the xskit it came with",
			   "%s runs an xsk_redirect of another version (ABI %d, here %d)", ifname,
			   found->abi, XK_ABI_VERSION);
}

/* It was there before us. The link is held from here on: the program lives as long as we do. */
static void note_joined(struct xk_prog *prog, struct prog_found *found)
{
	prog->info.joined = true;
	prog->info.mode = found->mode;
	prog->info.prog_id = found->id;
	prog->attached_id = found->attached_id;
	prog->info.attach = found->link_fd >= 0 ? XK_ATTACH_LINK : XK_ATTACH_LIBXDP;
	prog->link_fd = found->link_fd;
	found->link_fd = -1;
}

static int join(struct xk_prog *prog, struct prog_found *found, struct xk_err *err)
{
	const char *ifname = prog->info.ifname;
	int rc;

	if (found->abi != XK_ABI_VERSION)
		return abi_mismatch(found, ifname, err);
	rc = prog_maps_of(found->fd, &prog->maps);
	if (rc == -ENOENT)
		return -EAGAIN;
	if (rc)
		return xk_err_fill(err, rc, "join XDP program", NULL, "maps of %s on %s: %s",
				   found->name, ifname, strerror(-rc));
	note_joined(prog, found);
	return 0;
}

/* A program that is not ours can stay where a dispatcher runs several. */
static bool goes_beside(const struct prog_found *found, const struct xk_prog_config *config)
{
	return found->dispatcher && config->attach != XK_ATTACH_LINK;
}

static int open_found(struct xk_prog *prog, const struct xk_prog_config *config,
		      struct prog_found *found, struct xk_err *err)
{
	bool beside = goes_beside(found, config);

	if (found->abi)
		return join(prog, found, err);
	if (found->attached_id && !beside)
		return prog_eexist(found, prog->info.ifname, err);
	if (beside || config->attach == XK_ATTACH_LIBXDP)
		return prog_attach_libxdp(prog, config->mode, err);
	return prog_attach_link(prog, config, err);
}

/* Others may attach or leave at the same time: look again then. */
static int open_attached(struct xk_prog *prog, const struct xk_prog_config *config,
			 struct xk_err *err)
{
	struct prog_found found;
	int rc = -EAGAIN;

	for (int i = 0; i < OPEN_TRIES && rc == -EAGAIN; i++) {
		if (i)
			usleep(1000u << i);
		rc = prog_find(prog->info.ifname, prog->info.ifindex, &found, err);
		if (!rc)
			rc = open_found(prog, config, &found, err);
		prog_found_release(&found);
	}
	if (rc == -EAGAIN)
		return xk_err_fill(err, -EBUSY, "attach XDP program", "try again",
				   "%s: others attach and detach all the time", prog->info.ifname);
	return rc;
}

static int stale(const struct xk_prog *prog, const char *dir, const char *why, struct xk_err *err)
{
	return xk_err_fill(err, -ESTALE, "join pinned program",
			   "xskit unload IFACE clears the pin; then load again",
			   "stale pin: %s: %s %s: unload", dir, prog->info.ifname, why);
}

/* The pinned map must be one of the attached program's. */
static int check_pinned(struct xk_prog *prog, const char *dir, struct prog_found *found,
			struct xk_err *err)
{
	if (!found->attached_id)
		return stale(prog, dir, "runs no XDP program", err);
	if (!found->abi)
		return stale(prog, dir, "runs another program", err);
	if (prog_has_map(found->fd, prog->maps.fd[MAP_XSKS]) != 1)
		return stale(prog, dir, "runs a program with other maps", err);
	note_joined(prog, found);
	return 0;
}

/* Without CAP_SYS_ADMIN only this much can be seen: something is attached. */
static int check_blindly(struct xk_prog *prog, const char *dir, struct prog_found *found,
			 struct xk_err *err)
{
	if (!found->attached_id)
		return stale(prog, dir, "runs no XDP program", err);
	note_joined(prog, found);
	return 0;
}

static int open_pinned(struct xk_prog *prog, const char *dir, struct xk_err *err)
{
	struct prog_found found;
	int dirfd = prog_pin_open(dir, PIN_JOIN, err), rc;

	if (dirfd < 0)
		return dirfd;
	rc = prog_pin_join(dirfd, dir, &prog->maps, err);
	close(dirfd);
	if (rc)
		return rc;
	rc = prog_find(prog->info.ifname, prog->info.ifindex, &found, err);
	if (!rc)
		rc = check_pinned(prog, dir, &found, err);
	else if (rc == -EPERM)
		rc = check_blindly(prog, dir, &found, err);
	prog_found_release(&found);
	return rc;
}

int xk_prog_open(struct xk_prog **out, const char *ifname, const struct xk_prog_config *config,
		 struct xk_err *err)
{
	static const struct xk_prog_config defaults;
	int ifindex = prog_ifindex(ifname, err), rc;
	struct xk_prog *prog;

	prog_quiet();
	if (ifindex < 0)
		return ifindex;
	prog = malloc(sizeof(*prog));
	if (!prog)
		return xk_err_fill(err, -ENOMEM, "open XDP program", NULL, "out of memory");
	prog_init(prog, ifname, ifindex);
	if (!config)
		config = &defaults;
	rc = config->pinned ? open_pinned(prog, config->pinned, err)
			    : open_attached(prog, config, err);
	if (rc)
		goto err_free;
	*out = prog;
	if (err)
		err->code = 0;
	return 0;

err_free:
	prog_release(prog);
	free(prog);
	return rc;
}

static int probe_pinned(const char *ifname, const struct xk_prog_config *config, struct xk_err *err)
{
	struct xk_prog *prog;
	int rc = xk_prog_open(&prog, ifname, config, err);

	return rc ? rc : xk_prog_close(prog); /* which only joined */
}

int xk_prog_probe(const char *ifname, const struct xk_prog_config *config, struct xk_err *err)
{
	int ifindex = prog_ifindex(ifname, err), rc;
	struct prog_found found;

	prog_quiet();
	if (ifindex < 0 || config->pinned)
		return ifindex < 0 ? ifindex : probe_pinned(ifname, config, err);
	rc = prog_find(ifname, ifindex, &found, err);
	if (!rc && !found.attached_id && !prog_may_attach())
		rc = prog_denied(err, "load XDP program", ifname, false);
	else if (!rc && found.attached_id && !found.abi && !goes_beside(&found, config))
		rc = prog_eexist(&found, ifname, err);
	prog_found_release(&found);
	return rc;
}

int xk_prog_close(struct xk_prog *prog)
{
	int rc = 0;

	if (!prog)
		return 0;
	if (prog->xdp)
		rc = prog_detach(prog);
	prog_release(prog);
	free(prog);
	return rc;
}

const struct xk_prog_info *xk_prog_info(const struct xk_prog *prog)
{
	return &prog->info;
}

/* --- rules --- */

static int rules_error(const struct xk_prog *prog, unsigned queue, int rc, struct xk_err *err)
{
	return xk_err_fill(
		err, rc, "set rules",
		rc == -E2BIG ? "fewer rules a queue: all queues of the interface share the room"
			     : NULL,
		"%s queue %u: %s", prog->info.ifname, queue,
		rc == -E2BIG ? "no room for more rules" : strerror(-rc));
}

static int check_range(const struct xk_prog *prog, unsigned queue, unsigned n, const char *what,
		       struct xk_err *err)
{
	if (queue >= XK_MAX_QUEUES)
		return xk_err_fill(err, -ERANGE, what, NULL, "%s queue %u: only queues below %d",
				   prog->info.ifname, queue, XK_MAX_QUEUES);
	if (n > XK_MAX_RULES)
		return xk_err_fill(err, -ERANGE, what, "fewer rules, or wider ones",
				   "%s queue %u: %u rules, a queue has at most %d",
				   prog->info.ifname, queue, n, XK_MAX_RULES);
	return 0;
}

int xk_prog_rules(struct xk_prog *prog, unsigned queue, uint32_t keep, const struct xk_rule *rules,
		  unsigned n, struct xk_err *err)
{
	int rc = check_range(prog, queue, n, "set rules", err);

	if (rc)
		return rc;
	rc = prog_put_rules(&prog->maps, queue, keep, rules, n);
	return rc ? rules_error(prog, queue, rc, err) : 0;
}

/* --- sockets --- */

int xk_prog_insert(struct xk_prog *prog, unsigned queue, int xsk_fd, struct xk_err *err)
{
	int rc = check_range(prog, queue, 0, "insert socket", err);

	if (rc)
		return rc;
	if (!bpf_map_update_elem(prog->maps.fd[MAP_XSKS], &queue, &xsk_fd, BPF_NOEXIST))
		return 0;
	rc = -errno;
	if (rc == -EEXIST)
		return xk_err_fill(err, -EBUSY, "insert socket", "choose other queues: --queues",
				   "%s queue %u has a socket of another process", prog->info.ifname,
				   queue);
	return xk_err_fill(err, rc, "insert socket", NULL, "%s queue %u: %s", prog->info.ifname,
			   queue, strerror(-rc));
}

int xk_prog_remove(struct xk_prog *prog, unsigned queue)
{
	if (queue >= XK_MAX_QUEUES)
		return -ERANGE;
	return bpf_map_delete_elem(prog->maps.fd[MAP_XSKS], &queue) ? -errno : 0;
}

/* --- counters --- */

static void add(struct xk_xdp_counters *sum, const struct xk_xdp_counters *c)
{
	sum->redirected += c->redirected;
	sum->kept += c->kept;
	sum->unmatched += c->unmatched;
	sum->no_socket += c->no_socket;
	sum->dropped += c->dropped;
}

int xk_prog_counters(const struct xk_prog *prog, unsigned queue, struct xk_xdp_counters *counters)
{
	struct xk_xdp_counters *percpu;
	int rc = 0;

	memset(counters, 0, sizeof(*counters));
	if (queue >= XK_MAX_QUEUES)
		return -ERANGE;
	if (prog->ncpu < 1)
		return -ENOENT;
	percpu = calloc((size_t)prog->ncpu, sizeof(*percpu));
	if (!percpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(prog->maps.fd[MAP_COUNTERS], &queue, percpu))
		rc = -errno;
	for (int i = 0; i < prog->ncpu && !rc; i++)
		add(counters, &percpu[i]);
	free(percpu);
	return rc;
}

/* --- still there? --- */

/* A dispatcher is made anew whenever its set of programs changes; ours may be in the new one. */
static int look_again(const struct xk_prog *prog)
{
	struct prog_found found;
	int rc = prog_find(prog->info.ifname, prog->info.ifindex, &found, NULL);

	if (!rc && found.id != prog->info.prog_id)
		rc = -ENOENT;
	prog_found_release(&found);
	return rc;
}

int xk_prog_check(const struct xk_prog *prog)
{
	enum xk_mode mode;
	uint32_t id = 0;
	int rc = prog_query(prog->info.ifindex, &id, &mode);

	if (rc || id == prog->attached_id)
		return rc;
	return id && prog->attached_id != prog->info.prog_id ? look_again(prog) : -ENOENT;
}

bool xk_prog_detach_needs_caps(const struct xk_prog *prog)
{
	return prog->xdp != NULL;
}

bool xk_prog_in_dispatcher(const struct xk_prog *prog)
{
	return prog->attached_id != prog->info.prog_id;
}
