// SPDX-License-Identifier: BSD-2-Clause
/*
 * System V shared memory: with semaphores that count full and free slots (sysv), and with the
 * textbook's plain count (sysv-textbook).
 *
 * Kernel memory: the segment (shm_segsz); the semaphores' few hundred bytes cannot be read and are
 * not in it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include "bench/ipc_notes.h"
#include "bench/ipc_slots.h"

#define SEMAPHORES 4 /* data and room, of lane 0, then of lane 1 */
#define KEYS       16

/* A key that nobody uses, noted before it is taken. */
static key_t new_key(const struct ipc_maker *maker, enum ipc_thing thing)
{
	char value[16];
	key_t key;

	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return -1;
	key = (key & 0x3fffffff) | 0x40000000;
	snprintf(value, sizeof(value), "%d", key);
	if (thing == IPC_THING_SHM ? shmget(key, 0, 0) >= 0 : semget(key, 0, 0) >= 0)
		return -1; /* somebody's */
	return ipc_notes_add(maker->notes, thing, value) ? -1 : key;
}

static int make_segment(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	ipc_slots_plan(made);
	errno = EEXIST;
	for (unsigned i = 0; i < KEYS; i++) {
		key_t key = new_key(maker, IPC_THING_SHM);

		if (key < 0)
			continue;
		made->id[0] = shmget(key, made->size, IPC_CREAT | IPC_EXCL | 0600);
		if (made->id[0] >= 0)
			return 0;
		break;
	}
	return xk_err_fill(err, -errno, "sysv", "see `ipcs -l`",
			   "make a shared memory segment of %llu bytes",
			   (unsigned long long)made->size);
}

static int fill_semaphores(const struct ipc_made *made)
{
	unsigned short value[SEMAPHORES] = {0, (unsigned short)made->slots, 0,
					    (unsigned short)made->slots};
	union {
		int val;
		struct semid_ds *buf;
		unsigned short *array;
	} arg = {.array = value};

	return semctl((int)made->id[1], 0, SETALL, arg) ? -errno : 0;
}

static int make_semaphores(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	errno = EEXIST;
	for (unsigned i = 0; i < KEYS; i++) {
		key_t key = new_key(maker, IPC_THING_SEM);

		if (key < 0)
			continue;
		made->id[1] = semget(key, SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);
		if (made->id[1] >= 0 && !fill_semaphores(made))
			return 0;
		break;
	}
	return xk_err_fill(err, -errno, "sysv", "see `ipcs -l`", "make %d semaphores", SEMAPHORES);
}

static int sysv_make(struct ipc_made *made, const struct ipc_maker *maker, struct xk_err *err)
{
	int ret = make_segment(made, maker, err);

	return ret ? ret : make_semaphores(made, maker, err);
}

static int sysv_open(struct ipc_end *end)
{
	void *memory = shmat((int)end->made.id[0], NULL, 0);
	int ret;

	if ((intptr_t)memory == -1)
		return -errno;
	ret = ipc_slots_open(end, memory);
	if (ret)
		shmdt(memory);
	return ret;
}

static void sysv_close(struct ipc_end *end)
{
	struct ipc_slots_memory *memory = ipc_slots_of(end)->memory;

	ipc_slots_of(end)->memory = NULL;
	shmdt(memory);
	ipc_slots_close(end);
}

static uint64_t sysv_memory(const struct ipc_end *end)
{
	struct shmid_ds ds;

	return shmctl((int)end->made.id[0], IPC_STAT, &ds) ? 0 : ds.shm_segsz;
}

static int change(struct ipc_end *end, unsigned semaphore, short by)
{
	struct sembuf op = {.sem_num = (unsigned short)semaphore, .sem_op = by};
	int ret = 0;

	while (!ret) {
		int done = semop((int)end->made.id[1], &op, 1);

		end->calls++;
		if (!done)
			return 0;
		ret = ipc_call_failed(end);
	}
	return ret;
}

static unsigned data_of(unsigned lane)
{
	return 2 * lane;
}

static unsigned room_of(unsigned lane)
{
	return 2 * lane + 1;
}

static int sysv_send(struct ipc_end *end, const void *message)
{
	int ret = change(end, room_of(end->side), -1);

	if (ret)
		return ret;
	ipc_slots_put(ipc_slots_of(end), message, end->made.bytes);
	return change(end, data_of(end->side), 1);
}

static int sysv_recv(struct ipc_end *end, const void **message)
{
	*message = ipc_slots_at(ipc_slots_of(end));
	return change(end, data_of(!end->side), -1);
}

static int sysv_release(struct ipc_end *end)
{
	ipc_slots_of(end)->taken++;
	return change(end, room_of(!end->side), 1);
}

const struct ipc_method ipc_sysv = {
	.name = "sysv",
	.copies = 1,
	.persistent = true,
	.make = sysv_make,
	.open = sysv_open,
	.send = sysv_send,
	.recv = sysv_recv,
	.release = sysv_release,
	.memory = sysv_memory,
	.close = sysv_close,
};

const struct ipc_method ipc_sysv_textbook = {
	.name = "sysv-textbook",
	.copies = 1,
	.persistent = true,
	.textbook = true,
	.spins = true,
	.make = make_segment,
	.open = sysv_open,
	.begin = ipc_textbook_begin,
	.send = ipc_textbook_send,
	.recv = ipc_textbook_recv,
	.release = ipc_textbook_release,
	.finish = ipc_textbook_finish,
	.memory = sysv_memory,
	.close = sysv_close,
};
