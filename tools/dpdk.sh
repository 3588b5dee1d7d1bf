#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# DPDK on this machine, from Debian's packages; each command may be given again and again.
#
#   tools/dpdk.sh deps [--undo]         what building and running beside it needs: compiler, PCI tools
#   tools/dpdk.sh install [--undo]      DPDK itself: dpdk-dev and libdpdk-dev; says which release
#   tools/dpdk.sh hugepages [COUNT] [--persist]
#                                       reserve COUNT pages of 2 MB (256) and mount hugetlbfs
#   tools/dpdk.sh hugepages --undo      as many as before the first time, and the mount as it was
#   tools/dpdk.sh bind [NIC...] [--no-iommu]
#                                       give NICs (interface or PCI address) to vfio-pci; none: list
#   tools/dpdk.sh bind --undo           all of them back to the drivers they had
#   tools/dpdk.sh test                  dpdk-testpmd moves packets: two null devices, then a veth pair
#   tools/dpdk.sh examples              build and run build/dpdk/forward
#   tools/dpdk.sh verify                tell what is there; exit 1 unless virtual devices can be used
#
# --persist writes /etc/sysctl.d/80-xskit-dpdk.conf; nothing else outlives a reboot, and neither the
# boot loader nor fstab is touched. What --undo needs to know is kept in /run/xskit/dpdk.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${XSKIT_BUILD:-$PWD/build}
state=/run/xskit/dpdk
persistent=/etc/sysctl.d/80-xskit-dpdk.conf
pages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
pci=/sys/bus/pci
dep_packages=(gcc make pkg-config pciutils kmod iproute2 util-linux jq libjansson-dev)
dpdk_packages=(dpdk-dev libdpdk-dev)

help() { sed -n 's/^#   //p; s/^# \(DPDK on\|--persist\|boot\)/\1/p' "$0"; }
usage() {
	echo "dpdk.sh: $*: see \`tools/dpdk.sh --help\`" >&2
	exit 2
}
fail() {
	echo "dpdk.sh: $*" >&2
	exit 1
}
need_root() { [ "$(id -u)" -eq 0 ] || fail "$command: not root: use sudo"; }

# --- what --undo will need ---

# A directory that nobody but root can have made or can write to.
check_directory() {
	[ -e "$1" ] || mkdir -m 700 "$1"
	[ "$(stat -c '%F %u %a' "$1")" = 'directory 0 700' ] || # of a link stat says so
		fail "$1: not a directory of root's with mode 0700: look who made it, and remove it"
}
open_state() {
	need_root
	check_directory "${state%/*}"
	check_directory "$state"
	trap 'rmdir "$state" 2>/dev/null || true' EXIT # unless there is something in it
}
# What there is to undo of this command: `recorded NAME`
recorded() { [ -e "$state/$1" ]; }
forget() { rm -f "$state/$1"; }

# --- packages ---

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
version_of() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null; }

# add_packages NAME PACKAGE...: those that are missing, which are noted down
add_packages() {
	local name=$1 package missing=()
	shift
	command -v apt-get >/dev/null || fail "$command: no apt here: install DPDK as your system does it"
	for package; do installed "$package" || missing+=("$package"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	open_state
	printf '%s\n' "${missing[@]}" >>"$state/$name"
	echo "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	if ! apt-get -qq update || ! apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null; then
		fail "$command: apt-get could not install ${missing[*]}: see its message above"
	fi
}

remove_packages() {
	local packages
	open_state
	if ! recorded "$1"; then
		echo "$command: nothing was installed by it"
		return
	fi
	mapfile -t packages < <(sort -u "$state/$1")
	echo "removing ${packages[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get -qq remove "${packages[@]}" >/dev/null ||
		fail "$command: apt-get could not remove ${packages[*]}: see its message above"
	forget "$1"
}

deps() {
	if [ "$undo" ]; then remove_packages deps; else add_packages deps "${dep_packages[@]}"; fi
}

install_dpdk() {
	if [ "$undo" ]; then
		remove_packages install
		return
	fi
	add_packages install "${dpdk_packages[@]}"
	echo "DPDK $(version_of libdpdk-dev), Debian's release of it: $(. /etc/os-release && echo "$PRETTY_NAME")"
}

# --- hugepages ---

hugetlbfs() { awk '$3 == "hugetlbfs" { print $2; exit }' /proc/mounts; }

mount_hugetlbfs() {
	[ -z "$(hugetlbfs)" ] || return 0
	mkdir -p /dev/hugepages
	mount -t hugetlbfs -o mode=700 hugetlbfs /dev/hugepages ||
		fail 'hugepages: hugetlbfs cannot be mounted on /dev/hugepages: does the kernel have it?'
	echo /dev/hugepages >"$state/mount"
}

undo_hugepages() {
	open_state
	if recorded mount; then
		umount "$(cat "$state/mount")" || fail 'hugepages: still in use: stop the DPDK program first'
		forget mount
	fi
	if recorded persist; then
		rm -f "$persistent"
		forget persist
	fi
	if recorded hugepages; then
		cat "$state/hugepages" >"$pages"
		forget hugepages
	fi
	echo "$(cat "$pages") hugepages of 2 MB"
}

# Not so many that nothing else would be left.
check_memory() {
	local have need
	have=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
	need=$((2 * ($1 - $(cat "$pages"))))
	[ "$need" -lt $((have * 9 / 10)) ] ||
		fail "hugepages: $1 pages need $need MB more, and $have MB are available: ask for fewer"
}

hugepages() {
	local want=${words[0]:-256} got
	[ ${#words[@]} -le 1 ] || usage "hugepages: '${words[1]}' is too much"
	[[ $want =~ ^[0-9]{1,7}$ ]] || usage "hugepages: '$want' is no number of pages"
	[ -e "$pages" ] || fail 'hugepages: this kernel has no pages of 2 MB'
	if [ "$undo" ]; then
		undo_hugepages
		return
	fi
	check_memory "$want"
	open_state
	recorded hugepages || cat "$pages" >"$state/hugepages"
	echo "$want" >"$pages"
	got=$(cat "$pages")
	if [ "$got" -ne "$want" ]; then
		cat "$state/hugepages" >"$pages"
		fail "hugepages: the kernel found $got of $want pages in one piece: ask for fewer, or after a reboot"
	fi
	mount_hugetlbfs
	if [ "$persist" ]; then
		recorded persist || : >"$state/persist"
		echo "vm.nr_hugepages = $want" >"$persistent"
	fi
	echo "$got hugepages of 2 MB, hugetlbfs on $(hugetlbfs)${persist:+, also after a reboot}"
}

# --- NICs ---

driver_of() { basename "$(readlink "$pci/devices/$1/driver" 2>/dev/null)" 2>/dev/null || true; }

# The PCI device of an interface: itself, or what its (virtio) device sits on.
address_of() {
	local device
	device=$(readlink -f "/sys/class/net/$1/device" 2>/dev/null) || return 0
	while [ "${device:-/}" != / ]; do
		if [ -e "$pci/devices/${device##*/}" ]; then
			echo "${device##*/}"
			return
		fi
		device=${device%/*}
	done
}

interfaces_of() {
	local net
	for net in /sys/class/net/*; do
		[ "$(address_of "${net##*/}")" != "$1" ] || echo "${net##*/}"
	done
}

# A PCI device of class 02, a network controller.
is_nic() { [[ $(cat "$pci/devices/$1/class" 2>/dev/null) == 0x02* ]]; }
nics() {
	local device
	for device in "$pci"/devices/*; do
		! is_nic "${device##*/}" || echo "${device##*/}"
	done
}

list_nics() {
	local address none=1
	for address in $(nics); do
		none=
		printf '%s  driver %-16s %s\n' "$address" "$(driver_of "$address")" "$(interfaces_of "$address" | xargs)"
	done
	[ ! "$none" ] || echo 'no PCI NIC here: use virtual devices: --vdev net_af_xdp0,iface=IFACE'
}

default_routes() { { ip -j route show table all && ip -j -6 route show table all; } | jq -r '.[] | select(.dst == "default").dev // empty' | sort -u; }

# refuse_route NIC ADDRESS: taking it would cut this machine off
refuse_route() {
	local interface
	for interface in $(default_routes); do
		if [ "$interface" = "$1" ] || { [ "$2" ] && [ "$(address_of "$interface")" = "$2" ]; }; then
			echo "dpdk.sh: bind: $interface carries the default route: taking it would cut this machine off: use another NIC" >&2
			exit 2
		fi
	done
}

# One that is at work in another network namespace, perhaps with the default route there.
refuse_elsewhere() {
	case $(driver_of "$1") in
	'' | vfio-pci | uio_pci_generic) return ;;
	esac
	[ -n "$(interfaces_of "$1")" ] && return
	echo "dpdk.sh: bind: the interface of $1 is in another network namespace: run this there" >&2
	exit 2
}

# driver_becomes ADDRESS PATTERN: within 2 s
driver_becomes() {
	for _ in {1..100}; do
		# shellcheck disable=SC2053  # a pattern
		if [[ $(driver_of "$1") == $2 ]]; then return; fi
		sleep 0.02
	done
	return 1
}

# rebind ADDRESS DRIVER: an empty one: whichever driver the kernel chooses
rebind() {
	local device=$pci/devices/$1
	echo "${2:-}" >"$device/driver_override"
	if [ -e "$device/driver" ]; then
		echo "$1" >"$device/driver/unbind"
		driver_becomes "$1" '' || return 1
	fi
	echo "$1" >"$pci/drivers_probe"
	driver_becomes "$1" "${2:-?*}"
}

need_vfio() {
	local unsafe=/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
	[ -e "$pci/drivers/vfio-pci" ] || modprobe vfio-pci 2>/dev/null ||
		fail 'bind: this kernel has no vfio-pci: use --vdev net_af_xdp0,iface=IFACE'
	[ -z "$(ls /sys/kernel/iommu_groups)" ] || return 0
	[ "$no_iommu" ] || fail 'bind: no IOMMU is on: switch it on (intel_iommu=on), or --no-iommu, which lets the NIC write anywhere'
	[ -e "$unsafe" ] || fail 'bind: no IOMMU is on, and this kernel has no mode without one: switch it on (intel_iommu=on, amd_iommu=on)'
	recorded noiommu || cat "$unsafe" >"$state/noiommu"
	echo Y >"$unsafe"
}

bind_one() {
	local address=$1 before
	[ -e "$pci/devices/$1" ] || address=$(address_of "$1")
	refuse_route "$1" "$address"
	[ "$address" ] || fail "bind: $1 is no PCI NIC: use --vdev net_af_xdp0,iface=$1"
	is_nic "$address" || fail "bind: $address is no network controller"
	refuse_elsewhere "$address"
	before=$(driver_of "$address")
	if [ "$before" = vfio-pci ]; then
		echo "$address is with vfio-pci"
		return
	fi
	need_vfio
	echo "$address ${before:-none}" >>"$state/bind"
	rebind "$address" vfio-pci || fail "bind: the kernel does not give $address to vfio-pci: see dmesg; undo with --undo"
	echo "$address: from ${before:-no driver} to vfio-pci (its addresses are gone)"
}

undo_bind() {
	local address before
	open_state
	if ! recorded bind; then
		echo 'bind: nothing was bound by it'
		return
	fi
	while read -r address before; do
		rebind "$address" '' || [ "$before" = none ] ||
			fail "bind: no driver takes $address back: echo $address >$pci/drivers/$before/bind"
		echo "$address: back to $(driver_of "$address")"
	done <"$state/bind"
	if recorded noiommu; then
		cat "$state/noiommu" >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
		forget noiommu
	fi
	forget bind
}

bind_nics() {
	local nic
	if [ "$undo" ]; then
		undo_bind
	elif [ ${#words[@]} -eq 0 ]; then
		list_nics
	else
		open_state
		for nic in "${words[@]}"; do bind_one "$nic"; done
	fi
}

# --- at work ---

eal=(-l '0,1' --no-pci --no-huge --no-shconf -m 256)

need_dpdk() {
	if ! command -v dpdk-testpmd >/dev/null || ! pkg-config --exists libdpdk; then
		fail "$command: no DPDK here: tools/dpdk.sh install"
	fi
	[ "$(nproc)" -ge 2 ] || fail "$command: DPDK needs two CPUs, one for its main lcore"
}

# testpmd VDEV VDEV: io forwarding between the two for 2 s; how many packets they received
testpmd() {
	timeout -k 5 -s INT 4 dpdk-testpmd "${eal[@]}" --vdev "$1" --vdev "$2" -- --forward-mode=io --tx-first \
		--stats-period 1 --no-mlockall --total-num-mbufs=16384 </dev/null 2>&1 |
		sed -n '/Accumulated forward statistics/,$s/.*RX-packets: *\([0-9]*\).*/\1/p'
}
# moved LEAST WHAT PACKETS
moved() {
	local least=$1
	shift
	[ "${2:-0}" -ge "$least" ] || fail "test: $1: ${2:-no} packets: run dpdk-testpmd by hand to see why"
	echo "test: $1: $2 packets"
}
test_dpdk() {
	need_root
	need_dpdk
	moved 1000 'two null devices' "$(testpmd net_null0 net_null1)"
	tools/room.sh "$PWD/tools/dpdk.sh" inside-veth
}
# In a room: both ends of a veth pair; what one sends the other receives.
test_veth() {
	local driver
	ip link add x0 type veth peer name x1
	ip link set dev x0 up
	ip link set dev x1 up
	for driver in net_af_packet net_af_xdp; do # the first burst of each port arrives, at least
		moved 64 "$driver, a veth pair" "$(testpmd "${driver}0,iface=x0" "${driver}1,iface=x1")"
	done
}

examples() {
	local ports
	need_root
	need_dpdk
	make --no-print-directory BUILD="$build" dpdk
	ports=$("$build/dpdk/forward" "${eal[@]}" --vdev net_null0 --vdev net_null1 -- -j -i 0 -d 1 2>/dev/null |
		jq -c 'select(.type == "summary") | .ports')
	jq -e 'length == 2 and all(.received > 0 and .received == .sent + .unsent)' <<<"${ports:-0}" >/dev/null ||
		fail "examples: $build/dpdk/forward did not forward: run it by hand to see why"
	jq -r '.[] | "forward: port \(.port) to \(.to): \(.received) received, \(.sent) sent"' <<<"$ports"
}

# --- what is there ---

tell() { printf '%-12s %s\n' "$1" "$2"; }
verify() {
	local drivers good=1 package
	for package in "${dpdk_packages[@]}"; do
		installed "$package" || good=
		tell "$package" "$(version_of "$package" || true)"
	done
	drivers=$(find /usr/lib/*/dpdk -name 'librte_net_af_*.so' -printf '%f\n' 2>/dev/null | sed 's/librte_//; s/.so//' | sort | xargs)
	[ "$drivers" ] || good=
	tell 'on virtual' "${drivers:-no driver for virtual devices}"
	tell forward "$([ -x "$build/dpdk/forward" ] && echo "$build/dpdk/forward" || echo 'not built: tools/dpdk.sh examples')"
	tell hugepages "$(cat "$pages" 2>/dev/null || echo 0) of 2 MB, hugetlbfs on $(hugetlbfs | grep . || echo 'nothing'); without: --no-huge"
	tell IOMMU "$(find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 2>/dev/null | wc -l) groups"
	list_nics | while IFS= read -r nic; do tell NIC "$nic"; done
	tell 'to undo' "$(find "$state" -type f -printf '%f ' 2>/dev/null || true)"
	[ "$good" ] || fail 'verify: DPDK is not there: tools/dpdk.sh install'
}

command=${1:-} undo='' persist='' no_iommu='' words=()
[ $# -eq 0 ] || shift
for word; do
	case $command:$word in
	*:--help) command=--help ;;
	deps:--undo | install:--undo | hugepages:--undo | bind:--undo) undo=1 ;;
	hugepages:--persist) persist=1 ;;
	bind:--no-iommu) no_iommu=1 ;;
	*:-*) usage "$command: '$word' is no option of it" ;;
	hugepages:* | bind:*) words+=("$word") ;;
	*) usage "$command: it takes no '$word'" ;;
	esac
done
[ ! "$undo" ] || [ ${#words[@]} -eq 0 ] || usage "$command: --undo takes no '${words[0]}'"
case $command in
deps | hugepages | examples | verify) "$command" ;;
install) install_dpdk ;;
bind) bind_nics ;;
test) test_dpdk ;;
inside-veth) test_veth ;;
--help | help) help ;;
'') usage 'no command' ;;
*) usage "'$command' is no command" ;;
esac
