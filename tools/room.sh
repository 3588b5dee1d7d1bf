#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Run a command in a room of its own: mount, PID, network and IPC namespaces with private /run,
# /dev/shm, sysfs and bpffs. Whatever it makes there (processes, named namespaces, links, XDP
# programs, pins) is gone when it is, also after kill -9 of this process.
# usage: tools/room.sh COMMAND...
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
	echo "room.sh: network namespaces need root: use sudo" >&2
	exit 1
fi
if [ "$1" != --inside ]; then
	exec unshare --mount --pid --net --ipc --fork --kill-child --mount-proc -- "$0" --inside "$@"
fi
shift
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
# process 1 gets no signal it has not asked for: Ctrl-C must end it, and everything with it
trap 'exit 130' INT TERM
"$@"
