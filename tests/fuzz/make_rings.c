/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * make_rings DIR: writes the seeds of fuzz_ring, rings of every kind in several states, to DIR.
 *
 *     cc -D_GNU_SOURCE -Iinclude -Iuser tests/fuzz/make_rings.c
 * user/lib/{err,fanin,mpmc,ring*,spsc*,stream}.c
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xskit/fanin.h>
#include <xskit/mpmc.h>
#include <xskit/spsc.h>
#include <xskit/spsc_latency.h>

enum { MOST = 8192 };

static char *mem;
static int mem_fd;
static const char *dir;

static void check(int ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "make_rings: %s: %s\n", what, strerror(-ret));
		exit(1);
	}
}

/*
 * The seed: what fuzz_ring is to do (mend the header, with a descriptor, from which use on), what a
 * peer writes, and the memory. The peer writes two counters, as they are; fuzzed, something else.
 */
static void write_seed(const char *name, unsigned first, size_t len, size_t counters)
{
	struct xk_ring_header *header = (void *)mem;
	size_t second = counters + XK_RING_APART < len ? counters + XK_RING_APART : counters;
	uint64_t writes[4] = {counters / 8, 0, second / 8, 0};
	char path[512];
	FILE *file;

	memset(&header->creation, 0x77, 8); /* the same each time */
	memcpy(&writes[1], mem + counters, 8);
	memcpy(&writes[3], mem + second, 8);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	if (!file || putc((int)(first << 2 | 3), file) == EOF ||
	    !fwrite(writes, sizeof(writes), 1, file) || fwrite(mem, 1, len, file) != len ||
	    fclose(file))
		check(-1, path);
}

/* Three seeds a kind, with counters so far BEHIND the front: unused; with records over the wrap;
 * with users who died in the middle. */
#define SEEDS(NAME, FIRST, SEATS, BEHIND, ...)                                                     \
	static void make_##NAME(void)                                                              \
	{                                                                                          \
		struct xk_##NAME##_config config = {.record_bytes = 24, .slots = 4, __VA_ARGS__};  \
		size_t len = xk_##NAME##_size(&config);                                            \
		size_t counters = xk_ring_front(SEATS) + (BEHIND);                                 \
		static char recs[4 * 24] = "a few records that can be told apart";                 \
		struct xk_##NAME##_prod p;                                                         \
		struct xk_##NAME##_cons c;                                                         \
                                                                                                   \
		check(len <= MOST ? xk_##NAME##_init(mem, len, &config) : -1, #NAME);              \
		write_seed(#NAME "_new", FIRST, len, counters);                                    \
		check(xk_##NAME##_producer(&p, mem, len, mem_fd), #NAME);                          \
		check(xk_##NAME##_consumer(&c, mem, len, mem_fd), #NAME);                          \
		xk_##NAME##_push(&p, recs, 4);                                                     \
		xk_##NAME##_pop(&c, recs, 3);                                                      \
		xk_##NAME##_push(&p, recs, 2);                                                     \
		write_seed(#NAME "_dead", FIRST, len, counters);                                   \
		xk_##NAME##_producer_detach(&p);                                                   \
		xk_##NAME##_consumer_detach(&c);                                                   \
		write_seed(#NAME "_used", FIRST + 1, len, counters);                               \
	}

SEEDS(spsc, 0, 2, 0, .first = UINT64_MAX - 1, .flags = XK_RING_TOUCH)
SEEDS(spsc_latency, 2, 2, 0, .first = UINT64_MAX - 1, .flags = XK_RING_SLEEP)
SEEDS(fanin, 4, 4, 128, .first = UINT64_MAX - 1, .lanes = 2, .flags = XK_RING_NO_TOUCH)
SEEDS(mpmc, 6, 3, 0, .first = (UINT64_C(1) << 56) - 2, .users = 3, .flags = XK_RING_TOUCH)

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_rings DIR\n");
		return 2;
	}
	dir = argv[1];
	mem_fd = memfd_create("ring", MFD_CLOEXEC);
	check(mem_fd < 0 || ftruncate(mem_fd, MOST) ? -1 : 0, "memory");
	mem = mmap(NULL, MOST, PROT_READ | PROT_WRITE, MAP_SHARED, mem_fd, 0);
	check(mem == MAP_FAILED ? -1 : 0, "memory");
	make_spsc();
	make_spsc_latency();
	make_fanin();
	make_mpmc();
	return 0;
}
