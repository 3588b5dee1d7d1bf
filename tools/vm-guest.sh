#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The guest's process 1 after tools/vm-init.sh: mounts, modules, names for the NICs; then the
# command; then its exit code goes to the host and the machine is switched off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
# shellcheck source=/dev/null
. /run/vm/env # XSKIT_VM_TREE, XSKIT_VM_MODULES, and what the command is to see

mount_all() {
	mkdir -p /dev/pts /dev/shm /dev/hugepages
	mount -t devpts devpts /dev/pts
	mount -t tmpfs -o mode=1777 shm /dev/shm
	mount -t hugetlbfs hugetlbfs /dev/hugepages
	mount -t bpf -o mode=1777 bpf /sys/fs/bpf
	mount -t tracefs tracefs /sys/kernel/tracing
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t tmpfs -o mode=1777 lock /run/lock 2>/dev/null
	ln -sf /proc/self/fd /dev/fd
}

# No udev here: the kernel calls busybox, and the NICs' drivers are loaded by their aliases.
load_modules() {
	local alias
	mkdir -p /lib/modules
	ln -sfn "$XSKIT_VM_MODULES" "/lib/modules/$(uname -r)"
	ln -s "$(command -v busybox)" /run/modprobe
	ln -s "$(command -v busybox)" /run/lsmod
	echo /run/modprobe >/proc/sys/kernel/modprobe
	cat /sys/bus/{pci,virtio}/devices/*/modalias | grep -E '^virtio:|bc02' | sort -u |
		while read -r alias; do /run/modprobe -q "$alias"; done 2>/dev/null
}

# The MAC's last two bytes are pair and end: n0a and n0b, n1a and n1b ...
name_nics() {
	local dev mac end
	for dev in /sys/class/net/*; do
		mac=$(cat "$dev/address")
		[[ $mac == 52:54:00:aa:* ]] || continue
		[ "${mac##*:}" = 00 ] && end=a || end=b
		ip link set "${dev##*/}" name "n$((16#${mac:12:2}))$end"
	done
	ip link set lo up
}

# port NAME: the device of the channel to the host
port() {
	local dir
	for dir in /sys/class/virtio-ports/*; do
		[ "$(cat "$dir/name")" = "$1" ] && echo "/dev/${dir##*/}"
	done
}

mount_all
load_modules
name_nics
# where rooms (tools/room.sh) see it: a line written to monitor is a command to QEMU
mkdir /dev/vm
ln -s "$(port monitor)" /dev/vm/monitor
touch /dev/vm/net
mount --bind /proc/self/ns/net /dev/vm/net
cd "$XSKIT_VM_TREE" || exit
setsid bash -c "$(cat /run/vm/command)" </dev/null >"$(port out)" 2>"$(port err)"
echo $? >/run/vm/rc
sync
busybox poweroff -f
