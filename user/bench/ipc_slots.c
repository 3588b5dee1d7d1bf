// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bench/ipc_slots.h"

#define MOST_SLOTS 256u
#define ENOUGH     (256u << 10) /* bytes of a lane, if that is two slots at least */
#define LINE_BYTES 64u

static size_t stride_of(uint32_t bytes)
{
	return (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

void ipc_slots_plan(struct ipc_made *made)
{
	uint64_t slots = MOST_SLOTS, page = (uint64_t)sysconf(_SC_PAGESIZE);

	while (slots > 2 && slots * stride_of(made->bytes) > ENOUGH)
		slots /= 2;
	made->slots = slots;
	made->size = sizeof(struct ipc_slots_memory) + 2 * slots * stride_of(made->bytes);
	made->size = (made->size + page - 1) / page * page;
}

int ipc_slots_make(struct ipc_made *made, const char *what, struct xk_err *err)
{
	int fd = memfd_create("xskit-ipc", MFD_CLOEXEC);

	if (fd >= 0 && !ftruncate(fd, (off_t)made->size)) {
		made->fd[made->n_fds++] = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return xk_err_fill(err, -errno, what, NULL, "make %llu bytes of shared memory",
			   (unsigned long long)made->size);
}

static void *map(const struct ipc_made *made)
{
	void *memory = mmap(NULL, made->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    made->fd[0], 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int ipc_slots_open(struct ipc_end *end, void *memory)
{
	struct ipc_slots *slots = calloc(1, sizeof(*slots));
	size_t lane;

	if (!slots)
		return -ENOMEM;
	slots->memory = memory ? memory : map(&end->made);
	if (!slots->memory) {
		free(slots);
		return -errno;
	}
	slots->slots = slots->room = end->made.slots;
	slots->stride = stride_of(end->made.bytes);
	lane = slots->slots * slots->stride;
	slots->out = &slots->memory->lane[end->side];
	slots->in = &slots->memory->lane[!end->side];
	slots->out_slot = slots->memory->slot + end->side * lane;
	slots->in_slot = slots->memory->slot + !end->side * lane;
	end->state = slots;
	return 0;
}

void ipc_slots_close(struct ipc_end *end)
{
	struct ipc_slots *slots = end->state;

	if (slots->memory) /* NULL: it was no mapping, and is gone */
		munmap(slots->memory, end->made.size);
	for (unsigned i = 0; i < end->made.n_fds; i++)
		close(end->made.fd[i]);
	end->made.n_fds = 0;
	free(slots);
}

uint64_t ipc_slots_memory(const struct ipc_end *end)
{
	return end->made.size;
}

void ipc_slots_put(struct ipc_slots *slots, const void *message, uint32_t bytes)
{
	memcpy(slots->out_slot + (slots->put & (slots->slots - 1)) * slots->stride, message, bytes);
	slots->put++;
}

const void *ipc_slots_at(const struct ipc_slots *slots)
{
	return slots->in_slot + (slots->taken & (slots->slots - 1)) * slots->stride;
}
