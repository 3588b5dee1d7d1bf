#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A Debian kernel and an initrd for tools/vm.sh, unpacked into the cache (XSKIT_VM_CACHE, by default
# build/vm), nothing installed. Prints the directory: vmlinuz, initrd, modules/. A kernel that is in
# the cache is taken from there without asking the archive; --refresh asks.
# usage: tools/vm-kernel.sh [--refresh] X.Y | --list
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XSKIT_VM_CACHE:-$root/build/vm}
archive=${XSKIT_VM_ARCHIVE:-http://deb.debian.org}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites=(bookworm-security bookworm-backports trixie-security trixie-backports)
need_mb=900 # packages of 170 MB, unpacked, and the initrd

die() {
	echo "vm-kernel: $1" >&2
	exit 1
}
say() { echo "vm-kernel: $1" >&2; }

# --- apt with lists of its own: the system's sources stay as they are ---

apt() {
	local tool=$1
	shift
	"$tool" -o Dir::State="$cache/apt" -o Dir::State::Lists="$cache/apt/lists" \
		-o Dir::State::Status=/dev/null -o Dir::Cache="$cache/apt" \
		-o Dir::Etc::SourceList="$cache/apt/sources.list" -o Dir::Etc::SourceParts=- \
		-o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
		-o APT::Sandbox::User=root -o APT::Architecture=amd64 -qq "$@"
}

write_sources() {
	local suite
	mkdir -p "$cache/apt/lists/partial"
	for suite in "${suites[@]}"; do
		case $suite in
		*-security) echo "deb [arch=amd64 signed-by=$keyring] $archive/debian-security $suite main" ;;
		*) echo "deb [arch=amd64 signed-by=$keyring] $archive/debian $suite main" ;;
		esac
	done >"$cache/apt/sources.list"
}

update_lists() {
	write_sources
	apt apt-get -o APT::Update::Error-Mode=any update >"$cache/apt/log" 2>&1 && return
	head -n 1 "$cache/apt/log" >&2
	if names | grep -q .; then
		say "$archive cannot be reached: the package lists of last time are used"
	elif [ -e "$cache/${1:-}/initrd" ] && [ -n "${1:-}" ]; then
		say "$archive cannot be reached: the $1 of last time is used"
	else
		die "no package lists: $archive cannot be reached: is there a network, or a proxy to name in apt.conf?"
	fi
}

# Images of plain amd64 kernels.
names() {
	apt apt-cache pkgnames linux-image- 2>/dev/null |
		grep -E '^linux-image-[0-9.]+[^ ]*-amd64$' | grep -vE -- '-(cloud|rt)-' | sort -V
}
versions() { names | sed -E 's/^linux-image-([0-9]+\.[0-9]+).*/\1/' | sort -uV; }

# Since 6.19 the image is but a name for two others.
packages_of() {
	apt apt-cache depends "$1" 2>/dev/null |
		sed -nE "s/^ *Depends: (linux-(binary|modules)-.*-amd64)$/\1/p" | grep . || echo "$1"
}
can_be_had() {
	local package
	for package in $(packages_of "$1"); do
		apt apt-cache show "$package" >/dev/null 2>&1 || return 1
	done
}
newest() {
	local image found=
	for image in $(names | grep -E "^linux-image-${1//./\\.}[.-]"); do
		can_be_had "$image" && found=$image
	done
	echo "$found"
}

# --- unpacking: what a guest may need, not the drivers of all machines ---

wanted=(kernel/net/{9p,core,ipv4,ipv6,sched,xdp,bridge,8021q,packet,llc,802,netlink,unix}
	kernel/fs/{9p,netfs,fscache,overlayfs} kernel/lib kernel/crypto kernel/arch/x86
	kernel/drivers/{virtio,ptp,pps,dca,i2c,vfio,iommu} kernel/virt kernel/drivers/char/{virtio_console.ko,hw_random}
	kernel/drivers/net/{virtio_net,net_failover,veth,tun,tap,dummy,ifb,vxlan,netkit,mii}'*'
	kernel/drivers/net/{vmxnet3,ethernet/intel/{e1000,e1000e,igb,igbvf,igc},ethernet/realtek,bonding}
	kernel/net/core/failover'*')

# Unpacked when less was wanted?
lacks_modules() { [ "${wanted[*]}" != "$(cat "$1/wanted" 2>/dev/null)" ]; }

unpack() {
	local patterns=(--wildcards '*/vmlinuz*') want
	for want in "${wanted[@]}"; do patterns+=("*/modules/*/$want" "*/modules/*/$want/*"); done
	dpkg --fsys-tarfile "$1" | tar -x -C "$2" "${patterns[@]}" 2>/dev/null || true # not all have all
}

settle() {
	local from=$1 to=$2 version
	mv "$(find "$from" -name 'vmlinuz*' | head -n 1)" "$to/vmlinuz"
	version=$(find "$from" -path '*/modules/*/kernel' -printf '%h\n' -prune | head -n 1)
	if [ -z "$version" ] || [ ! -s "$to/vmlinuz" ]; then
		die 'the packages hold no kernel: another layout?'
	fi
	mkdir -p "$to/lib/modules"
	mv "$version" "$to/lib/modules/"
	version=${version##*/}
	find "$to/lib" -name '*.ko.xz' -exec xz -d {} +
	ln -s "lib/modules/$version" "$to/modules"
	busybox depmod -b "$to" "$version"
	echo "$version" >"$to/version"
}

# --- the initrd: busybox, what mounts the root, and the guest's first script ---

# closure DEP-FILE MODULE...: files to load, what is needed first
closure() {
	awk -v want="${*:2}" '
		function load(file, i, n, need) {
			if (file in done) return
			done[file] = 1
			n = split(deps[file], need, " ")
			for (i = n; i > 0; i--) load(need[i])
			print file
		}
		{ file = $1; sub(/:$/, "", file); base = file; sub(/.*\//, "", base); sub(/\.ko$/, "", base)
		  gsub(/-/, "_", base); path[base] = file; sub(/^[^:]*: */, ""); deps[file] = $0 }
		END { n = split(want, w, " "); for (i = 1; i <= n; i++) if (w[i] in path) load(path[w[i]]) }
	' "$1"
}

make_initrd() {
	local kernel=$1 tmp=$1/initrd.d file
	mkdir -p "$tmp"/{bin,mod,proc,sys,dev,low,rw,new}
	cp "$(command -v busybox)" "$tmp/bin/busybox"
	cp "$root/tools/vm-init.sh" "$tmp/init"
	closure "$kernel/modules/modules.dep" virtio_pci 9pnet_virtio 9p overlay virtio_console \
		>"$tmp/list"
	while read -r file; do
		cp "$kernel/modules/$file" "$tmp/mod/"
		echo "${file##*/}"
	done <"$tmp/list" >"$tmp/mod/order"
	(cd "$tmp" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$kernel/initrd.new"
	mv "$kernel/initrd.new" "$kernel/initrd"
	rm -rf "$tmp"
}

# --- a kernel in the cache ---

room_for_one() {
	local free
	free=$(df -Pm "$cache" | awk 'NR == 2 {print $4}')
	[ "$free" -ge "$need_mb" ] ||
		die "no disk space: $free MB are free under $cache, $need_mb are needed: make room, or set XSKIT_VM_CACHE"
}

fetch() {
	local want=$1 image tmp=$cache/tmp.$1 package
	update_lists "$want"
	image=$(newest "$want")
	if [ -z "$image" ]; then
		[ ! -e "$cache/$want/initrd" ] || return 0
		die "no kernel $want in Debian's archive: there are $(versions | paste -sd ' ')"
	fi
	if [ "$image" = "$(cat "$cache/$want/image" 2>/dev/null)" ] && ! lacks_modules "$cache/$want"; then return 0; fi
	room_for_one
	say "fetching $image"
	rm -rf "$tmp"
	mkdir -p "$tmp"/{deb,tree,kernel}
	for package in $(packages_of "$image"); do
		(cd "$tmp/deb" && apt apt-get download "$package" >&2) ||
			die "$package cannot be fetched from $archive"
	done
	for package in "$tmp"/deb/*.deb; do unpack "$package" "$tmp/tree"; done
	settle "$tmp/tree" "$tmp/kernel"
	echo "$image" >"$tmp/kernel/image"
	echo "${wanted[*]}" >"$tmp/kernel/wanted"
	make_initrd "$tmp/kernel"
	rm -rf "${cache:?}/$want"
	mv "$tmp/kernel" "$cache/$want"
	rm -rf "$tmp"
}

main() {
	local refresh=
	[ "${1:-}" != --refresh ] || { refresh=1 && shift; }
	mkdir -p "$cache"
	cache=$(cd "$cache" && pwd)
	exec 9>"$cache/lock"
	flock 9
	if [ "${1:-}" = --list ]; then
		update_lists
		versions
		return
	fi
	[[ ${1:-} =~ ^[0-9]+\.[0-9]+$ ]] ||
		die "'${1:-}' is no kernel: give its two numbers, like 6.12 (tools/vm-kernel.sh --list)"
	if [ -n "$refresh" ] || [ ! -e "$cache/$1/initrd" ] || lacks_modules "$cache/$1"; then
		fetch "$1"
	elif [ "$root/tools/vm-init.sh" -nt "$cache/$1/initrd" ]; then
		make_initrd "$cache/$1"
	fi
	echo "$cache/$1"
}
main "$@"
