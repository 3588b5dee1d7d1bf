/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_notes.h - a directory of our own, and in it a file a run that says what is to be removed.
 *
 * /run/xskit/ipc (root), $XDG_RUNTIME_DIR/xskit-ipc (others): of mode 0700 and the caller's, or
 * refused. The file NAME of a run is locked by the processes that live (OFD locks, a byte a seat);
 * an object that would outlive them is noted in it before it is made. Whoever finds a file without
 * a lock has found the notes of the dead, and removes what they left.
 */
#ifndef XSKIT_BENCH_IPC_NOTES_H
#define XSKIT_BENCH_IPC_NOTES_H

#include <xskit/err.h>
#include "bench/ipc.h"

/* Seats of a run: bytes of its file. */
enum ipc_seat { IPC_SEAT_SENDER, IPC_SEAT_RECEIVER, IPC_SEAT_HOST, IPC_SEATS };

enum ipc_thing { IPC_THING_QUEUE, IPC_THING_SHM, IPC_THING_SEM, IPC_THING_FILE };

struct ipc_notes {
	int dir; /* descriptors; -1: none */
	int file;
	char name[IPC_NAME_MAX + 1];
};

/* The directory, and what dead runs left there is removed. notes->file is -1. */
int ipc_notes_open(struct ipc_notes *notes, const char *name, struct xk_err *err);

/* The run's file, made if there is none; 1: this is another one than before, without our seats. */
int ipc_notes_file(struct ipc_notes *notes, struct xk_err *err);

/* 0; -EBUSY: somebody else has that seat. It is kept until the file is closed, also by children. */
int ipc_notes_sit(struct ipc_notes *notes, enum ipc_seat seat);

/* Before it is made. value: a queue's name or a file's, or a key as a number. */
int ipc_notes_add(struct ipc_notes *notes, enum ipc_thing thing, const char *value);

void ipc_notes_clear(struct ipc_notes *notes); /* remove everything noted */

/* Also removes the file, if told. Twice is once. */
void ipc_notes_close(struct ipc_notes *notes, bool remove_file);

bool ipc_name_valid(const char *name);

#endif
