// SPDX-License-Identifier: BSD-2-Clause
/* A port's beginning (socket, UMEM, rings, options, bind) and its end. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xskit/atomic.h>
#include "port_internal.h"

#define WHAT            "open port"
#define KERNEL_BUDGET   32u /* frames a sendto, where XDP_MAX_TX_SKB_BUDGET is not set */
#define MEMLOCK_WAIT_MS 300
#define SIZES_FIX       "ring sizes are powers of two; frames are 2048 or 4096 bytes"

static int fail(struct xk_err *err, const struct xk_port *port, const char *step, const char *fix)
{
	int code = -errno;

	return xk_err_fill(err, code, WHAT, fix, "%s queue %u: %s", port->info.ifname,
			   port->info.queue, step);
}

static bool ring_size_ok(uint32_t size)
{
	return !(size & (size - 1));
}

/* Zero means "as the ring it serves"; both address rings must exist even if never used. */
static uint32_t served(uint32_t size, uint32_t ring)
{
	return size ? size : ring ? ring : 64;
}

static int take_config(struct xk_port *port, const struct xk_port_config *config,
		       struct xk_err *err)
{
	struct xk_port_info *info = &port->info;

	info->rx_size = config->rx_size;
	info->tx_size = config->tx_size;
	info->fill_size = served(config->fill_size, config->rx_size);
	info->comp_size = served(config->comp_size, config->tx_size);
	if (!info->rx_size && !info->tx_size)
		return xk_err_fill(err, -EINVAL, WHAT, SIZES_FIX,
				   "neither an RX nor a TX ring asked for");
	if (!ring_size_ok(info->rx_size) || !ring_size_ok(info->tx_size) ||
	    !ring_size_ok(info->fill_size) || !ring_size_ok(info->comp_size))
		return xk_err_fill(err, -EINVAL, WHAT, SIZES_FIX,
				   "ring sizes rx %u, tx %u, fill %u, completion %u", info->rx_size,
				   info->tx_size, info->fill_size, info->comp_size);
	port->budget = KERNEL_BUDGET;
	return 0;
}

static int open_socket(struct xk_port *port, struct xk_err *err)
{
	port->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (port->fd >= 0)
		return 0;
	if (errno == EPERM)
		return fail(err, port, "no permission for an AF_XDP socket",
			    "run as root, or with the capability CAP_NET_RAW");
	if (errno == EAFNOSUPPORT)
		return fail(err, port, "this kernel has no AF_XDP",
			    "use a kernel with CONFIG_XDP_SOCKETS");
	return fail(err, port, "socket(AF_XDP)", NULL);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Memory that a process has locked is its user's again a moment after it is gone. */
static int register_patiently(int fd, const struct xdp_umem_reg *reg)
{
	uint64_t deadline = now_ms() + MEMLOCK_WAIT_MS;
	int ret;

	while ((ret = setsockopt(fd, SOL_XDP, XDP_UMEM_REG, reg, sizeof(*reg))) &&
	       errno == ENOBUFS && now_ms() < deadline)
		pause_ms(5);
	return ret;
}

static int register_umem(struct xk_port *port, struct xk_err *err)
{
	struct xk_umem *umem = port->cache->umem;
	const struct xk_umem_config *config = xk_umem_config(umem);
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)xk_mem_info(xk_umem_mem(umem))->addr,
		.len = xk_umem_size(config),
		.chunk_size = config->frame_size,
		.headroom = config->headroom,
	};

	if (register_patiently(port->fd, &reg) == 0)
		return 0;
	if (errno == ENOBUFS)
		return fail(
			err, port, "the UMEM exceeds RLIMIT_MEMLOCK and CAP_IPC_LOCK is missing",
			"raise it (ulimit -l), use fewer frames (--frames), or add CAP_IPC_LOCK");
	if (errno == EINVAL)
		return fail(err, port, "the kernel does not take this UMEM", SIZES_FIX);
	return fail(err, port, "register UMEM", NULL);
}

/* --- rings --- */

static int map_ring(struct xk_port *port, struct ring *ring, int option, uint32_t size,
		    size_t entry, off_t page, const struct xdp_ring_offset *offset)
{
	char *map;

	if (setsockopt(port->fd, SOL_XDP, option, &size, sizeof(size)))
		return -1;
	ring->map_len = offset->desc + size * entry;
	map = mmap(NULL, ring->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, port->fd,
		   page);
	if (map == MAP_FAILED)
		return -1;
	ring->map = map;
	ring->producer = (uint32_t *)(map + offset->producer);
	ring->consumer = (uint32_t *)(map + offset->consumer);
	ring->flags = (uint32_t *)(map + offset->flags);
	ring->entries = map + offset->desc;
	ring->size = size;
	ring->mask = size - 1;
	ring->cached_prod = xk_load_acquire(ring->producer);
	ring->cached_cons = xk_load_acquire(ring->consumer);
	return 0;
}

/*
 * The offsets must be asked for after the rings exist on some kernels and before on none: sizes do
 * not matter to them, so asking first is enough.
 */
static int map_rings(struct xk_port *port, struct xk_err *err)
{
	const struct xk_port_info *info = &port->info;
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);

	if (getsockopt(port->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len))
		return fail(err, port, "ask for ring offsets", NULL);
	if (len != sizeof(off)) {
		errno = EPROTO;
		return fail(err, port, "a kernel before 5.4: its rings have no flags",
			    "use a newer kernel");
	}
	if (map_ring(port, &port->fill, XDP_UMEM_FILL_RING, info->fill_size, sizeof(uint64_t),
		     XDP_UMEM_PGOFF_FILL_RING, &off.fr) ||
	    map_ring(port, &port->comp, XDP_UMEM_COMPLETION_RING, info->comp_size, sizeof(uint64_t),
		     XDP_UMEM_PGOFF_COMPLETION_RING, &off.cr))
		return fail(err, port, "map fill and completion rings", SIZES_FIX);
	if (info->rx_size && map_ring(port, &port->rx, XDP_RX_RING, info->rx_size,
				      sizeof(struct xdp_desc), XDP_PGOFF_RX_RING, &off.rx))
		return fail(err, port, "map RX ring", SIZES_FIX);
	if (info->tx_size && map_ring(port, &port->tx, XDP_TX_RING, info->tx_size,
				      sizeof(struct xdp_desc), XDP_PGOFF_TX_RING, &off.tx))
		return fail(err, port, "map TX ring", SIZES_FIX);
	return 0;
}

static void unmap_ring(struct ring *ring)
{
	if (ring->map)
		munmap(ring->map, ring->map_len);
}

/* --- options that are granted or not --- */

static void ask_busy_poll(struct xk_port *port, const struct xk_port_config *config)
{
	int prefer = 1;
	int usecs = config->busy_usecs ? (int)config->busy_usecs : 20;
	int budget = config->busy_budget ? (int)config->busy_budget : 64;

	if (!config->busy_poll)
		return;
	port->info.busy_poll =
		!setsockopt(port->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &prefer, sizeof(prefer)) &&
		!setsockopt(port->fd, SOL_SOCKET, SO_BUSY_POLL, &usecs, sizeof(usecs)) &&
		!setsockopt(port->fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget));
}

static void ask_tx_budget(struct xk_port *port, const struct xk_port_config *config)
{
	uint32_t budget = config->tx_budget;

	if (!budget || !port->info.tx_size)
		return;
	if (setsockopt(port->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget))) {
		port->info.tx_budget_errno = errno;
		return;
	}
	port->info.tx_budget = port->budget = budget;
}

/* --- bind --- */

static int bind_with(struct xk_port *port, uint16_t flags)
{
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = flags,
		.sxdp_ifindex = (uint32_t)port->info.ifindex,
		.sxdp_queue_id = port->info.queue,
	};

	return bind(port->fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

/* Can a packet of the interface's MTU be longer than zero-copy has room for in a frame? */
static bool mtu_exceeds_frame(const struct xk_port *port)
{
	const struct xk_umem_config *umem = xk_umem_config(port->cache->umem);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {0};
	int ret;

	if (fd < 0)
		return false;
	memcpy(ifr.ifr_name, port->info.ifname, sizeof(ifr.ifr_name));
	ret = ioctl(fd, SIOCGIFMTU, &ifr);
	close(fd);
	return !ret && (uint32_t)ifr.ifr_mtu + XK_FRAME_HEADER + XK_FRAME_HEADROOM +
				       XK_FRAME_TAILROOM + umem->headroom >
			       umem->frame_size;
}

static bool ruled_out(uint16_t flags, const struct xk_port_config *config)
{
	return ((flags & XDP_USE_SG) && !config->multi_buffer) ||
	       ((flags & XDP_ZEROCOPY) && config->bind == XK_BIND_COPY) ||
	       ((flags & XDP_COPY) && config->bind == XK_BIND_ZEROCOPY);
}

/*
 * Zero-copy is tried before copy, and multi-buffer before single, but a driver whose zero-copy has
 * no multi-buffer keeps its zero-copy - unless packets need several frames. EBUSY ends the search:
 * it says nothing about the flags.
 */
static int bind_best(struct xk_port *port, const struct xk_port_config *config)
{
	static const uint16_t orders[2][4] = {
		{XDP_ZEROCOPY | XDP_USE_SG, XDP_ZEROCOPY, XDP_COPY | XDP_USE_SG, XDP_COPY},
		{XDP_ZEROCOPY | XDP_USE_SG, XDP_COPY | XDP_USE_SG, XDP_ZEROCOPY, XDP_COPY}};
	const uint16_t *tries = orders[config->rx_size && mtu_exceeds_frame(port)];
	int ret = -EOPNOTSUPP;

	for (unsigned i = 0; i < 4; i++) {
		if (ruled_out(tries[i], config))
			continue;
		ret = bind_with(port, tries[i] | XDP_USE_NEED_WAKEUP);
		if (ret == 0) {
			port->info.multi_buffer = tries[i] & XDP_USE_SG;
			return 0;
		}
		if (ret == -EBUSY || ret == -ENETDOWN || ret == -ENODEV)
			return ret;
	}
	return ret; /* of the plainest request: an older kernel says EINVAL to a flag it does not
		       know */
}

/* The kernel frees the queue of a process that died a moment after it is gone: retry, bounded. */
static int bind_patiently(struct xk_port *port, const struct xk_port_config *config)
{
	uint64_t deadline = now_ms() + (config->bind_wait_ms ? config->bind_wait_ms : 2000);
	int ret;

	while ((ret = bind_best(port, config)) == -EBUSY && now_ms() < deadline)
		pause_ms(5);
	return ret;
}

static int bind_port(struct xk_port *port, const struct xk_port_config *config, struct xk_err *err)
{
	int ret = bind_patiently(port, config);

	errno = -ret;
	switch (ret) {
	case 0:
		return 0;
	case -EBUSY:
		return fail(err, port, "another AF_XDP socket is bound to this queue",
			    "stop the process that holds it, or take another queue (--queues)");
	case -ENETDOWN:
		return fail(err, port, "the interface is down", "ip link set IFACE up");
	case -EOPNOTSUPP:
	case -EINVAL:
		if (config->bind == XK_BIND_ZEROCOPY)
			return fail(err, port, "the driver has no zero-copy for this queue",
				    "use --bind auto or --bind copy");
		return fail(err, port, "bind: no such queue, or sizes the kernel does not take",
			    SIZES_FIX);
	default:
		return fail(err, port, "bind", NULL);
	}
}

static void look_at_bind(struct xk_port *port)
{
	struct xdp_options options = {0};
	socklen_t len = sizeof(options);

	if (getsockopt(port->fd, SOL_XDP, XDP_OPTIONS, &options, &len) == 0)
		port->info.zerocopy = options.flags & XDP_OPTIONS_ZEROCOPY;
	port->info.need_wakeup = true; /* the kernel took the flag, and its rings carry it */
	xk_port_look(port);
}

/* --- the ledger's view --- */

#define SEEN 0x80 /* in the books, while a walk lasts */

/*
 * The kernel publishes what it took after what it gave, sometimes much later, and may be at work
 * now: a frame can stand in two rings, or twice in one. It is where it got furthest, and newest.
 */
static bool first_sight(const struct xk_port *port, uint64_t addr, enum xk_owner way)
{
	uint64_t frame = addr >> port->frame_shift;

	if (frame >= port->frames)
		return true; /* the ledger will tell */
	if (port->given[frame] != way)
		return false;
	port->given[frame] |= SEEN;
	return true;
}

static uint64_t addr_at(const struct ring *ring, size_t entry, uint32_t i)
{
	const char *at = (const char *)ring->entries + (i & ring->mask) * entry;

	return *(const uint64_t *)at; /* a descriptor starts with its address */
}

/* Entries from..to-1, the newest first; how many frames that went this way stand there. */
static uint32_t walk_ring(const struct xk_port *port, const struct ring *ring, size_t entry,
			  uint32_t from, uint32_t to, enum xk_owner way, enum xk_owner owner,
			  struct xk_umem_audit *audit)
{
	uint32_t n = to - from, seen = 0;

	for (n = n < ring->size ? n : ring->size; n; n--) {
		uint64_t addr = addr_at(ring, entry, --to);

		if (!first_sight(port, addr, way))
			continue;
		xk_umem_seen(audit, owner, addr);
		seen++;
	}
	return seen;
}

static uint32_t walk_rx(const struct xk_port *port, struct xk_umem_audit *audit)
{
	const struct ring *rx = &port->rx;
	uint32_t received = xk_load_acquire(rx->producer);

	return walk_ring(port, rx, sizeof(struct xdp_desc), rx->cached_cons, received,
			 XK_OWNER_FILL, XK_OWNER_RX, audit);
}

/* Behind the RX ring: what it shows has left this one. */
static uint32_t walk_fill(const struct xk_port *port, struct xk_umem_audit *audit)
{
	const struct ring *fill = &port->fill;
	uint32_t filled = xk_load_acquire(fill->consumer);

	return walk_ring(port, fill, sizeof(uint64_t), filled, fill->cached_prod, XK_OWNER_FILL,
			 XK_OWNER_FILL, audit);
}

static uint32_t walk_tx(const struct xk_port *port, struct xk_umem_audit *audit)
{
	const struct ring *comp = &port->comp, *tx = &port->tx;
	uint32_t completed = xk_load_acquire(comp->producer), sent = xk_load_acquire(tx->consumer);

	return walk_ring(port, comp, sizeof(uint64_t), comp->cached_cons, completed, XK_OWNER_TX,
			 XK_OWNER_COMPLETION, audit) +
	       walk_ring(port, tx, sizeof(struct xdp_desc), sent, tx->cached_prod, XK_OWNER_TX,
			 XK_OWNER_TX, audit);
}

/* What was given to the kernel and stands in no ring it holds itself: counted, for it may be one
   frame given twice. */
static void walk(const struct xk_umem_holder *self, struct xk_umem_audit *audit)
{
	const struct xk_port *port =
		(const void *)((const char *)self - offsetof(struct xk_port, holder));
	uint32_t given =
		(uint32_t)(port->stats.refilled - port->stats.rx_frames) + xk_port_tx_pending(port);

	if (port->rx.size)
		given -= walk_rx(port, audit);
	given -= walk_fill(port, audit);
	if (port->tx.size)
		given -= walk_tx(port, audit);
	xk_umem_counted(audit, XK_OWNER_KERNEL, given);
	for (uint32_t frame = 0; frame < port->frames; frame++)
		port->given[frame] &= (uint8_t)~SEEN;
}

/* --- open and close --- */

int xk_port_open(struct xk_port **out, struct xk_umem_cache *cache, const char *ifname,
		 unsigned queue, const struct xk_port_config *config, struct xk_err *err)
{
	struct xk_port *port = aligned_alloc(128, (sizeof(*port) + 127) / 128 * 128);
	const struct xk_umem_config *umem = xk_umem_config(cache->umem);
	int ret;

	if (!port)
		return xk_err_fill(err, -ENOMEM, WHAT, NULL, "%s queue %u: no memory", ifname,
				   queue);
	memset(port, 0, sizeof(*port));
	port->fd = -1;
	port->cache = cache;
	port->umem_id = umem->id;
	port->frames = umem->frames;
	port->frame_shift = (uint32_t)__builtin_ctz(umem->frame_size);
	port->given = calloc(umem->frames, sizeof(*port->given));
	port->info.queue = queue;
	strncpy(port->info.ifname, ifname, sizeof(port->info.ifname) - 1);
	if (!port->given) {
		ret = xk_err_fill(err, -ENOMEM, WHAT, NULL, "%s queue %u: no memory", ifname,
				  queue);
		goto fail;
	}
	port->info.ifindex = (int)if_nametoindex(ifname);
	if (!port->info.ifindex) {
		ret = xk_err_fill(err, -ENODEV, WHAT, "see `ip link`", "%s: no such interface here",
				  ifname);
		goto fail;
	}
	if ((ret = take_config(port, config, err)) || (ret = open_socket(port, err)) ||
	    (ret = register_umem(port, err)) || (ret = map_rings(port, err)))
		goto fail;
	ask_busy_poll(port, config);
	ask_tx_budget(port, config);
	if ((ret = bind_port(port, config, err)))
		goto fail;
	look_at_bind(port);
	port->holder.walk = walk;
	xk_umem_hold(cache->umem, &port->holder);
	/* zero-copy drivers receive into our frames also where nobody listens, and some ask for
	   them anew with every call to send until they have them */
	if (port->info.rx_size || port->info.zerocopy)
		port_refill(port);
	*out = port;
	return 0;

fail:
	xk_port_close(port);
	return ret;
}

/* The RX side's frames and the TX side's alike, in the rings or with the kernel itself. */
static void take_back(struct xk_port *port)
{
	for (uint32_t frame = 0; frame < port->frames; frame++) {
		uint64_t addr = (uint64_t)frame << port->frame_shift;

		if (!port->given[frame])
			continue;
		moved(port, addr, port->given[frame], XK_OWNER_APP);
		xk_umem_put(port->cache, &addr, 1);
	}
}

/*
 * A mapped ring keeps the socket alive, and the kernel goes on receiving into the frames it has:
 * they are ours again only after the last munmap.
 */
void xk_port_close(struct xk_port *port)
{
	if (!port)
		return;
	if (port->fd >= 0)
		close(port->fd);
	unmap_ring(&port->rx);
	unmap_ring(&port->tx);
	unmap_ring(&port->fill);
	unmap_ring(&port->comp);
	if (port->holder.walk) {
		xk_umem_unhold(port->cache->umem, &port->holder);
		take_back(port);
	}
	free(port->given);
	free(port);
}
