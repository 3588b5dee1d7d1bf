// SPDX-License-Identifier: BSD-2-Clause
/* The kernel's part of seats: locks on bytes, let go of by whoever dies. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include "atomic_relacy.h"

#define LOCKS   16
#define FD_BASE 1000

/* At the end of the memory that is watched: descriptor that has it, or 0. */
static uint32_t *lock_word(unsigned seat)
{
	return (uint32_t *)(void *)(model_memory + MODEL_BYTES) - LOCKS + seat;
}

static int n_opened;

void model_locks_forget(void)
{
	n_opened = 0;
	for (unsigned i = 0; i < LOCKS; i++)
		*lock_word(i) = 0;
}

void model_locks_drop(int fd)
{
	for (unsigned i = 0; i < LOCKS; i++)
		if (xk_load_relaxed(lock_word(i)) == (uint32_t)fd)
			xk_store_release(lock_word(i), 0u);
}

int model_open(const char *path, int flags, ...);
int model_open(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	return FD_BASE + ++n_opened;
}

int model_close(int fd);
int model_close(int fd)
{
	model_locks_drop(fd);
	return 0;
}

static int set_lock(int fd, const struct flock *lock)
{
	uint32_t *word = lock_word((unsigned)lock->l_start), nobody = 0;

	if (lock->l_type == F_UNLCK) {
		xk_store_release(word, 0u);
		return 0;
	}
	if (xk_cas_acquire(word, &nobody, (uint32_t)fd) || nobody == (uint32_t)fd)
		return 0;
	errno = EAGAIN;
	return -1;
}

int model_fcntl(int fd, int what, ...);
int model_fcntl(int fd, int what, ...)
{
	struct flock *lock;
	va_list args;
	uint32_t holder;

	va_start(args, what);
	lock = va_arg(args, struct flock *);
	va_end(args);
	if (what == F_OFD_SETLK)
		return set_lock(fd, lock);
	holder = xk_load_acquire(lock_word((unsigned)lock->l_start));
	if (!holder || holder == (uint32_t)fd)
		lock->l_type = F_UNLCK;
	return 0;
}
