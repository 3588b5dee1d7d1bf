// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "rings_name.h"
#include "rings_stop.h"

#define DIRECTORY "/dev/shm"

int rings_refused(const char *name, void *mem, size_t len, int ret, struct xk_err *err)
{
	uint64_t version = xk_ring_version(mem, len);
	char fix[sizeof(err->fix)];

	snprintf(fix, sizeof(fix), "unlink it with: xskit ring unlink %.180s", name);
	if (ret == -EPROTONOSUPPORT)
		return xk_err_fill(err, ret, "open ring", fix,
				   "ring %s is of version %" PRIu64 ", and this xskit speaks %u",
				   name, version, XK_RING_VERSION);
	return xk_err_fill(err, ret, "open ring", fix,
			   version ? "ring %s is damaged" : "%s is no ring", name);
}

int rings_open(struct rings_named *ring, const char *name, struct xk_err *err)
{
	int ret;

	*ring = (struct rings_named){0};
	ret = xk_share_attach(&ring->share, name, err);
	if (ret)
		return ret;
	ring->memory = xk_share_info(ring->share);
	ret = xk_ring_check(ring->memory->addr, ring->memory->size, 0, &ring->shape);
	if (ret)
		rings_refused(name, ring->memory->addr, ring->memory->size, ret, err);
	if (ret)
		rings_close(ring);
	return ret;
}

void rings_close(struct rings_named *ring)
{
	xk_share_close(ring->share);
	*ring = (struct rings_named){0};
}

/* --- making --- */

int rings_make(struct rings_named *ring, const char *name, const struct rings_config *config,
	       enum xk_huge huge, int node, mode_t mode, struct xk_err *err)
{
	struct xk_share_config memory = {
		.size = rings_size(config), .node = node, .huge = huge, .mode = mode};
	int ret;

	*ring = (struct rings_named){.made = true};
	ret = xk_share_create(&ring->share, name, &memory, err);
	if (ret)
		return ret;
	ring->memory = xk_share_info(ring->share);
	ret = rings_init(ring->memory->addr, ring->memory->size, config);
	if (!ret)
		ret = xk_ring_check(ring->memory->addr, ring->memory->size, config->kind,
				    &ring->shape);
	if (ret)
		xk_err_fill(err, ret, "make ring", NULL, "%s: these sizes do not work", name);
	else
		ret = xk_share_publish(ring->share, err);
	if (ret)
		rings_close(ring);
	return ret;
}

/* --- waiting for a name --- */

static int watch_names(struct xk_err *err)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, DIRECTORY, IN_CREATE | IN_MOVED_TO) >= 0)
		return fd;
	xk_err_fill(err, -errno, "wait for the ring", "make the ring first", "%s cannot be watched",
		    DIRECTORY);
	if (fd >= 0)
		close(fd);
	return err->code;
}

static int await_change(int watch, uint64_t until)
{
	uint64_t now = rings_now_ns();
	char events[4096];
	int ret = rings_stop_poll(watch, POLLIN,
				  until == UINT64_MAX ? until
				  : until > now       ? until - now
						      : 0);

	while (ret > 0 && read(watch, events, sizeof(events)) > 0)
		;
	return ret < 0 ? ret : ret ? 0 : -ETIMEDOUT;
}

int rings_open_awaited(struct rings_named *ring, const char *name, uint64_t ns, struct xk_err *err)
{
	uint64_t until = ns > UINT64_MAX - rings_now_ns() ? UINT64_MAX : rings_now_ns() + ns;
	int ret = rings_open(ring, name, err), watch;

	if (ret != -ENOENT)
		return ret;
	watch = watch_names(err); /* from now on; what came before is found by looking once more */
	if (watch < 0)
		return watch;
	while ((ret = rings_open(ring, name, err)) == -ENOENT) {
		ret = await_change(watch, until);
		if (ret)
			break;
	}
	close(watch);
	if (ret == -ETIMEDOUT)
		xk_err_fill(err, ret, "open ring", "start the sender, or give a longer --timeout",
			    "no ring named %s appeared", name);
	return ret;
}
