// SPDX-License-Identifier: BSD-2-Clause
/*
 * An anonymous mapping that a parent shares with its child, and process-shared POSIX semaphores in
 * it: they count full and free slots, and one guards a counter and a log of what both ends did,
 * which are looked at in the end.
 *
 * System calls: the C library makes one where a semaphore is not free, and where somebody waits for
 * what is posted. So one is counted where sem_trywait() fails, and one for each sem_post() while
 * somebody is in that wait.
 */
#include <errno.h>
#include <semaphore.h>
#include <sys/mman.h>
#include "bench/ipc_slots.h"

/* Both lanes' semaphores and the guard, before the fork. */
static int init_semaphores(struct ipc_slots_memory *memory, unsigned slots)
{
	for (unsigned i = 0; i < 2; i++)
		if (sem_init(&memory->lane[i].data.sem, 1, 0) ||
		    sem_init(&memory->lane[i].room.sem, 1, slots))
			return -errno;
	return sem_init(&memory->log.guard.sem, 1, 1) ? -errno : 0;
}

static int anon_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	(void)maker;
	ipc_slots_plan(made);
	made->memory = mmap(NULL, made->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (made->memory == MAP_FAILED || init_semaphores(made->memory, (unsigned)made->slots))
		return xk_err_fill(err, -errno, "anon-sem", NULL, "share %llu bytes",
				   (unsigned long long)made->size);
	return 0;
}

static int anon_open(struct ipc_end *end)
{
	return ipc_slots_open(end, end->made.memory);
}

static int take(struct ipc_end *end, struct ipc_semaphore *semaphore)
{
	int ret = 0;

	if (!sem_trywait(&semaphore->sem))
		return 0;
	__atomic_add_fetch(&semaphore->waiters, 1, __ATOMIC_SEQ_CST);
	while (!ret) {
		end->calls++;
		if (!sem_wait(&semaphore->sem))
			break;
		ret = ipc_call_failed(end);
	}
	__atomic_sub_fetch(&semaphore->waiters, 1, __ATOMIC_SEQ_CST);
	return ret;
}

static void give(struct ipc_end *end, struct ipc_semaphore *semaphore)
{
	end->calls += xk_load_seq(&semaphore->waiters) > 0;
	sem_post(&semaphore->sem);
}

/* One more that this side sent, or took. */
static int note(struct ipc_end *end, bool took, uint64_t number)
{
	struct ipc_log *log = &ipc_slots_of(end)->memory->log;
	int ret = take(end, &log->guard);

	if (ret)
		return ret;
	log->entry[log->counter % IPC_LOG].side = end->side;
	log->entry[log->counter % IPC_LOG].took = took;
	log->entry[log->counter % IPC_LOG].number = number;
	log->counter++;
	give(end, &log->guard);
	return 0;
}

static int anon_send(struct ipc_end *end, const void *message)
{
	struct ipc_slots *slots = ipc_slots_of(end);
	int ret = take(end, &slots->out->room);

	if (ret)
		return ret;
	ipc_slots_put(slots, message, end->made.bytes);
	ret = note(end, false, slots->put);
	give(end, &slots->out->data);
	return ret;
}

static int anon_recv(struct ipc_end *end, const void **message)
{
	struct ipc_slots *slots = ipc_slots_of(end);

	*message = ipc_slots_at(slots);
	return take(end, &slots->in->data);
}

static int anon_release(struct ipc_end *end)
{
	struct ipc_slots *slots = ipc_slots_of(end);
	int ret;

	slots->taken++;
	ret = note(end, true, slots->taken);
	give(end, &slots->in->room);
	return ret;
}

/* The last entries: of each side and kind, one after the other without a gap. */
static bool log_is_whole(const struct ipc_log *log)
{
	uint64_t last[2][2] = {{0}}, entries = log->counter < IPC_LOG ? log->counter : IPC_LOG;

	for (uint64_t i = log->counter - entries; i < log->counter; i++) {
		unsigned side = log->entry[i % IPC_LOG].side & 1;
		unsigned took = log->entry[i % IPC_LOG].took & 1;
		uint64_t number = log->entry[i % IPC_LOG].number;

		if (last[side][took] && number != last[side][took] + 1)
			return false;
		last[side][took] = number;
	}
	return true;
}

static bool anon_agrees(const struct ipc_end *end, uint64_t moved)
{
	const struct ipc_log *log = &ipc_slots_of(end)->memory->log;

	return log->counter == moved && log_is_whole(log);
}

const struct ipc_method ipc_anon_sem = {
	.name = "anon-sem",
	.copies = 1,
	.parent_only = true,
	.make = anon_make,
	.open = anon_open,
	.send = anon_send,
	.recv = anon_recv,
	.release = anon_release,
	.memory = ipc_slots_memory,
	.agrees = anon_agrees,
	.close = ipc_slots_close,
};
