#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-2-Clause
# The guest's first process, in the initrd: the host's root, read-only through 9p, under a layer of
# memory, becomes the root; tools/vm-guest.sh goes on there.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/mod/$module" || echo "vm-init: $module: cannot be loaded"; done </mod/order

shared=trans=virtio,version=9p2000.L,msize=262144
mount -t 9p -o "$shared,ro,cache=loose" root /low || echo 'vm-init: no root'
mount -t tmpfs -o mode=755 rw /rw
mkdir /rw/up /rw/work
mount -t overlay -o lowerdir=/low,upperdir=/rw/up,workdir=/rw/work overlay /new || echo 'vm-init: no overlay'

for dir in proc sys dev; do
	mkdir -p "/new/$dir"
	mount --move "/$dir" "/new/$dir"
done
mkdir -p /new/run
mount -t tmpfs -o mode=755 run /new/run
mkdir /new/run/vm
mount -t 9p -o "$shared" job /new/run/vm
exec switch_root /new /run/vm/guest.sh
