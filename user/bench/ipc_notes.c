// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench/ipc_notes.h"

#define LINE_MAX_BYTES 128

/* --- the directory --- */

/* Letters, digits, - and _, and dots but not in front: our own files beside it have other names. */
bool ipc_name_valid(const char *name)
{
	size_t len = strlen(name);

	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	return len && len <= IPC_NAME_MAX && *name != '.' && !strstr(name, "..");
}

static int bad_directory(const char *path, int code, const char *why, struct xk_err *err)
{
	return xk_err_fill(err, code, IPC_WHAT,
			   geteuid() ? "set XDG_RUNTIME_DIR, or run as root"
				     : "remove it, or give it mode 0700 and owner root",
			   "directory %s: %s", path, why);
}

/* A directory under `at` that is ours alone, made if there is none. */
static int open_private(int at, const char *name, const char *path, struct xk_err *err)
{
	struct stat st;
	int fd;

	if (mkdirat(at, name, 0700) && errno != EEXIST)
		return bad_directory(path, -errno, "cannot be made", err);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return bad_directory(path, -errno, "cannot be opened as one", err);
	if (!fstat(fd, &st) && st.st_uid == geteuid() && (st.st_mode & 07777) == 0700)
		return fd;
	close(fd);
	return bad_directory(path, -EPERM, "is not of mode 0700 and this user's", err);
}

static int open_root_directory(struct xk_err *err)
{
	int run = open("/run", O_PATH | O_DIRECTORY | O_CLOEXEC), ours, fd;

	if (run < 0)
		return bad_directory("/run", -errno, "cannot be opened", err);
	ours = open_private(run, "xskit", "/run/xskit", err);
	close(run);
	if (ours < 0)
		return ours;
	fd = open_private(ours, "ipc", "/run/xskit/ipc", err);
	close(ours);
	return fd;
}

static int open_directory(struct xk_err *err)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	int at, fd;

	if (!geteuid())
		return open_root_directory(err);
	if (!base)
		return bad_directory("/run/xskit", -EACCES, "is root's", err);
	at = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return bad_directory(base, -errno, "cannot be opened", err);
	fd = open_private(at, "xskit-ipc", "$XDG_RUNTIME_DIR/xskit-ipc", err);
	close(at);
	return fd;
}

/* --- locks --- */

static struct flock seat_lock(enum ipc_seat seat, int count)
{
	return (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = seat, .l_len = count};
}

int ipc_notes_sit(struct ipc_notes *notes, enum ipc_seat seat)
{
	struct flock lock = seat_lock(seat, 1);

	if (!fcntl(notes->file, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

static bool sit_everywhere(int file)
{
	struct flock lock = seat_lock(IPC_SEAT_SENDER, IPC_SEATS);

	return !fcntl(file, F_OFD_SETLK, &lock);
}

/* --- removing --- */

static void remove_shm(key_t key)
{
	int id = shmget(key, 0, 0);

	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
}

static void remove_sem(key_t key)
{
	int id = semget(key, 0, 0);

	if (id >= 0)
		semctl(id, 0, IPC_RMID);
}

/* Of a line "KIND VALUE"; what is gone already, or is not ours, stays as it is. */
static void remove_thing(int dir, char *line)
{
	char *value = line + 2;

	line[strcspn(line, "\n")] = '\0';
	if (strlen(line) < 3)
		return;
	switch (line[0] - '0') {
	case IPC_THING_QUEUE:
		mq_unlink(value);
		return;
	case IPC_THING_SHM:
		remove_shm((key_t)strtol(value, NULL, 10));
		return;
	case IPC_THING_SEM:
		remove_sem((key_t)strtol(value, NULL, 10));
		return;
	case IPC_THING_FILE:
		if (!strchr(value, '/'))
			unlinkat(dir, value, 0);
		return;
	}
}

static void remove_noted(int dir, int file)
{
	char line[LINE_MAX_BYTES];
	int copy = dup(file);
	FILE *in = copy < 0 ? NULL : fdopen(copy, "r");

	if (!in)
		return;
	rewind(in);
	while (fgets(line, sizeof(line), in))
		remove_thing(dir, line);
	fclose(in);
	if (ftruncate(file, 0))
		return; /* the notes are of no harm: what they name is gone */
}

/* A run's file, which nobody has locked: its processes are dead. */
static void clean_after(int dir, const char *name)
{
	int file = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (file < 0)
		return;
	if (sit_everywhere(file)) {
		remove_noted(dir, file);
		unlinkat(dir, name, 0);
	}
	close(file);
}

static void clean_directory(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!all) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((entry = readdir(all)))
		if (entry->d_type == DT_REG && strncmp(entry->d_name, "..", 2) &&
		    !strstr(entry->d_name, "..") && *entry->d_name != '.')
			clean_after(dir, entry->d_name);
	closedir(all);
}

/* --- a run's notes --- */

int ipc_notes_open(struct ipc_notes *notes, const char *name, struct xk_err *err)
{
	notes->file = -1;
	snprintf(notes->name, sizeof(notes->name), "%s", name);
	notes->dir = open_directory(err);
	if (notes->dir < 0)
		return notes->dir;
	clean_directory(notes->dir);
	return 0;
}

static bool is_still_there(const struct ipc_notes *notes)
{
	struct stat ours, theirs;

	return !fstat(notes->file, &ours) &&
	       !fstatat(notes->dir, notes->name, &theirs, AT_SYMLINK_NOFOLLOW) &&
	       ours.st_ino == theirs.st_ino;
}

int ipc_notes_file(struct ipc_notes *notes, struct xk_err *err)
{
	if (notes->file >= 0 && is_still_there(notes))
		return 0;
	if (notes->file >= 0)
		close(notes->file);
	notes->file =
		openat(notes->dir, notes->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (notes->file >= 0)
		return 1;
	return xk_err_fill(err, -errno, IPC_WHAT, "choose another name", "run file '%s'",
			   notes->name);
}

int ipc_notes_add(struct ipc_notes *notes, enum ipc_thing thing, const char *value)
{
	char line[LINE_MAX_BYTES];
	int len = snprintf(line, sizeof(line), "%d %s\n", (int)thing, value);

	if (len >= (int)sizeof(line))
		return -ENAMETOOLONG;
	lseek(notes->file, 0, SEEK_END);
	return write(notes->file, line, (size_t)len) == len ? 0 : -EIO;
}

void ipc_notes_clear(struct ipc_notes *notes)
{
	if (notes->file >= 0)
		remove_noted(notes->dir, notes->file);
}

void ipc_notes_close(struct ipc_notes *notes, bool remove_file)
{
	if (remove_file && notes->file >= 0 && is_still_there(notes))
		unlinkat(notes->dir, notes->name, 0);
	if (notes->file >= 0)
		close(notes->file);
	if (notes->dir >= 0)
		close(notes->dir);
	notes->file = notes->dir = -1;
}
