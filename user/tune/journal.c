// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lib/run_dir.h"
#include "tune/journal.h"

#define WHAT       "tune journal"
#define FILE_NAME  "tune"
#define NEW_NAME   "tune.new"
#define LOCK_NAME  "tune.lock"
#define FILE_MAX   (64u << 20)
#define LOCK_TRIES 500 /* of 10 ms */

/* --- locks --- */

static struct flock byte_of(uint32_t at)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
}

static int lock_byte(int fd, uint32_t at)
{
	struct flock lock = byte_of(at);

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* Whoever has it changes a few settings and is done. */
static int lock_journal(int fd)
{
	int ret = lock_byte(fd, 0);

	for (int i = 0; ret == -EBUSY && i < LOCK_TRIES; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
		ret = lock_byte(fd, 0);
	}
	return ret;
}

uint32_t journal_new_session(const struct journal *journal, bool hold, int *fd)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < journal->count; i++)
		if (journal->entries[i].session > number)
			number = journal->entries[i].session;
	*fd = hold ? xk_run_dir_file(journal->dir, LOCK_NAME, O_RDWR) : -1;
	do
		number++;
	while (*fd >= 0 ? lock_byte(*fd, number) == -EBUSY : journal_is_alive(journal, number));
	return number;
}

bool journal_is_alive(const struct journal *journal, uint32_t session)
{
	int fd = journal->lock < 0 ? xk_run_dir_file(journal->dir, LOCK_NAME, O_RDWR)
				   : journal->lock;
	struct flock lock = byte_of(session);
	bool alive = fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;

	if (fd >= 0 && journal->lock < 0)
		close(fd);
	return alive;
}

/* --- reading --- */

/* Everything, allocated; its length or -errno. */
static int read_all(int fd, char **text)
{
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	while (len < (size_t)st.st_size && n > 0) {
		n = read(fd, *text + len, (size_t)st.st_size - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	return (int)len;
}

static int load(struct journal *journal)
{
	int fd = xk_run_dir_file(journal->dir, FILE_NAME, O_RDONLY), len;
	char *text = NULL;

	if (fd < 0)
		return fd;
	len = read_all(fd, &text);
	close(fd);
	if (len >= 0)
		len = journal_parse(journal, text, (unsigned)len);
	free(text);
	return len;
}

static int open_failed(int ret, struct xk_err *err)
{
	if (ret == -EBUSY)
		return xk_err_fill(err, ret, WHAT, "wait for it to end, and try again",
				   "another tune is at work");
	if (ret == -EACCES || ret == -EROFS)
		return xk_err_fill(err, ret, WHAT, "run as root", XK_RUN_DIR " is root's");
	if (ret == -EPERM)
		return xk_err_fill(
			err, ret, WHAT,
			"look who made it, remove it or give it owner root and mode 0700",
			"in " XK_RUN_DIR " is not a directory and files that are root's alone");
	return xk_err_fill(err, ret, WHAT, NULL, "open " XK_RUN_DIR "/" FILE_NAME);
}

int journal_open(struct journal *journal, struct xk_err *err)
{
	int ret;

	*journal = (struct journal){.dir = -1, .lock = -1};
	ret = geteuid() ? -EACCES : xk_run_dir_open(true);
	if (ret < 0)
		return open_failed(ret, err);
	journal->dir = ret;
	journal->lock = ret = xk_run_dir_file(journal->dir, LOCK_NAME, O_RDWR | O_CREAT);
	if (ret >= 0 && !(ret = lock_journal(journal->lock))) {
		unlinkat(journal->dir, NEW_NAME, 0); /* of one that was killed */
		ret = load(journal);
	}
	if (ret == 0 || ret == -ENOENT)
		return 0;
	journal_close(journal);
	return open_failed(ret, err);
}

int journal_peek(struct journal *journal)
{
	int ret;

	*journal = (struct journal){.dir = -1, .lock = -1};
	journal->dir = ret = xk_run_dir_open(false);
	if (ret >= 0)
		ret = load(journal);
	if (ret)
		journal_close(journal);
	return ret;
}

static void free_entry(struct journal_entry *e)
{
	free(e->old);
	free(e->now);
}

void journal_close(struct journal *journal)
{
	for (unsigned i = 0; i < journal->count; i++)
		free_entry(&journal->entries[i]);
	free(journal->entries);
	if (journal->lock >= 0)
		close(journal->lock);
	if (journal->dir >= 0)
		close(journal->dir);
	*journal = (struct journal){.dir = -1, .lock = -1};
}

/* --- writing --- */

static int write_all(int fd, const char *text, unsigned len)
{
	ssize_t n;

	for (unsigned at = 0; at < len; at += (unsigned)n) {
		n = write(fd, text + at, len - at);
		if (n < 0)
			return -errno;
	}
	return fsync(fd) ? -errno : 0;
}

static int write_new(const struct journal *journal, const char *text, unsigned len)
{
	int fd = xk_run_dir_file(journal->dir, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL), ret;

	if (fd < 0)
		return fd;
	ret = write_all(fd, text, len);
	close(fd);
	if (!ret && renameat(journal->dir, NEW_NAME, journal->dir, FILE_NAME))
		ret = -errno;
	if (ret)
		unlinkat(journal->dir, NEW_NAME, 0);
	return ret;
}

/* Nothing to undo: no journal. */
static int remove_file(const struct journal *journal)
{
	return unlinkat(journal->dir, FILE_NAME, 0) && errno != ENOENT ? -errno : 0;
}

int journal_save(struct journal *journal, struct xk_err *err)
{
	unsigned len;
	char *text;
	int ret;

	if (!journal->count) {
		ret = remove_file(journal);
	} else {
		text = journal_print(journal, &len);
		ret = text ? write_new(journal, text, len) : -ENOMEM;
		free(text);
	}
	if (!ret && fsync(journal->dir))
		ret = -errno;
	if (!ret)
		return 0;
	return xk_err_fill(err, ret, WHAT, "make room in /run",
			   "write " XK_RUN_DIR "/" FILE_NAME ": nothing is changed without it");
}

/* --- entries --- */

int journal_add(struct journal *journal, const struct journal_entry *entry)
{
	struct journal_entry *more = realloc(journal->entries,
					     (journal->count + 1) * sizeof(*more)),
			     *e;

	if (!more)
		return -ENOMEM;
	journal->entries = more;
	e = &more[journal->count];
	*e = *entry;
	e->old = strdup(entry->old);
	e->now = strdup(entry->now);
	if (e->old && e->now) {
		journal->count++;
		return 0;
	}
	free_entry(e);
	return -ENOMEM;
}

static int replace(char **text, const char *with)
{
	char *copy = strdup(with);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

int journal_set_now(struct journal_entry *entry, const char *now)
{
	return replace(&entry->now, now);
}

int journal_set_old(struct journal_entry *entry, const char *old)
{
	return replace(&entry->old, old);
}

void journal_drop(struct journal *journal, unsigned i)
{
	free_entry(&journal->entries[i]);
	journal->count--;
	memmove(&journal->entries[i], &journal->entries[i + 1],
		(journal->count - i) * sizeof(*journal->entries));
}
