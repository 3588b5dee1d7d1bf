// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file that both map: with counters of which each has one writer (mapped-file), and with the
 * textbook's plain message_count (mapped-file-textbook). A file has no way to wake anybody: who
 * waits gives the CPU away (sched_yield) and looks again.
 *
 * The file lies beside the notes, on a tmpfs: no disk is in the figures. Kernel memory: its blocks
 * (fstat, measured).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench/ipc_notes.h"
#include "bench/ipc_slots.h"

#define SPINS 64 /* before the CPU is given away */

static int file_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	char name[IPC_NAME_MAX + 8];
	int ret, fd = -1;

	ipc_slots_plan(made);
	snprintf(name, sizeof(name), "%s..map", maker->name);
	ret = ipc_notes_add(maker->notes, IPC_THING_FILE, name);
	if (!ret) {
		fd = openat(maker->notes->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		ret = fd < 0 || ftruncate(fd, (off_t)made->size) ? -errno : 0;
	}
	if (!ret) {
		made->fd[made->n_fds++] = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return xk_err_fill(err, ret, "mapped-file", NULL, "make a file of %llu bytes",
			   (unsigned long long)made->size);
}

static int file_open(struct ipc_end *end)
{
	return ipc_slots_open(end, NULL);
}

static uint64_t file_memory(const struct ipc_end *end)
{
	struct stat st;

	return fstat(end->made.fd[0], &st) ? 0 : (uint64_t)st.st_blocks * 512;
}

/* Who waits, and for which word to pass which value. */
static int wait_past(struct ipc_end *end, const uint64_t *word, uint64_t value)
{
	int ret = 0;

	/* pairs with the store_release in file_send() and file_release() */
	for (unsigned i = 1; xk_load_acquire(word) <= value && !ret; i++) {
		xk_pause();
		if (i % SPINS)
			continue;
		sched_yield();
		end->calls++;
		ret = ipc_spin_still(end);
	}
	return ret;
}

static int file_send(struct ipc_end *end, const void *message)
{
	struct ipc_slots *slots = ipc_slots_of(end);
	int ret = 0;

	if (slots->put >= slots->slots)
		ret = wait_past(end, &slots->out->freed, slots->put - slots->slots);
	if (ret)
		return ret;
	ipc_slots_put(slots, message, end->made.bytes);
	xk_store_release(&slots->out->full, slots->put); /* pairs with wait_past() */
	return 0;
}

static int file_recv(struct ipc_end *end, const void **message)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	*message = ipc_slots_at(slots);
	return wait_past(end, &slots->in->full, slots->taken);
}

static int file_release(struct ipc_end *end)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	slots->taken++;
	xk_store_release(&slots->in->freed, slots->taken); /* pairs with wait_past() */
	return 0;
}

const struct ipc_method ipc_mapped_file = {
	.name = "mapped-file",
	.copies = 1,
	.persistent = true,
	.make = file_make,
	.open = file_open,
	.send = file_send,
	.recv = file_recv,
	.release = file_release,
	.memory = file_memory,
	.close = ipc_slots_close,
};

const struct ipc_method ipc_mapped_file_textbook = {
	.name = "mapped-file-textbook",
	.copies = 1,
	.persistent = true,
	.textbook = true,
	.spins = true,
	.make = file_make,
	.open = file_open,
	.begin = ipc_textbook_begin,
	.send = ipc_textbook_send,
	.recv = ipc_textbook_recv,
	.release = ipc_textbook_release,
	.finish = ipc_textbook_finish,
	.memory = file_memory,
	.close = ipc_slots_close,
};
