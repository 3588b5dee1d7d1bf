#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# tools/dpdk.sh: what it changes it changes once and undoes; what it must not touch it refuses. It runs
# in a room of its own, where packages and PCI devices are stood in for: none of the machine's are
# touched. The number of hugepages is the machine's: it is put back, also when this is killed.
set -u

pages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ "${1:-}" != inside ]; then
	before=$(cat $pages)
	# holds the other end of a pipe: it closes when the test has ended, however that was
	exec 3> >(
		trap '' INT TERM HUP
		cat >/dev/null
		echo "$before" >$pages
	)
	exec "$root/tools/room.sh" timeout --foreground -v -s KILL 100 bash "$0" inside
fi

cd /run || exit 1
dpdk=$root/tools/dpdk.sh
state=/run/xskit/dpdk
tests=0 failed=0
ok() {
	tests=$((tests + 1))
	echo "ok $tests - $1"
}
not_ok() {
	tests=$((tests + 1)) failed=$((failed + 1))
	echo "not ok $tests - $1"
	cat out err 2>/dev/null | sed 's/^/#   /'
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: got '$2', not '$3'"; fi; }
check() {
	local what=$1
	shift
	if "$@" >/dev/null 2>&1; then ok "$what"; else not_ok "$what"; fi
}
# pages_are WHAT N: within 10 s, for somebody else's may be in use until he ends
pages_are() {
	for _ in {1..500}; do
		[ "$(cat $pages)" != "$2" ] || break
		sleep 0.02
	done
	is "$1" "$(cat $pages)" "$2"
}
# run RC OPTIONS...: of dpdk.sh; with another code than 0, one line on stderr
run() {
	local want=$1 rc
	shift
	"$dpdk" "$@" >out 2>err
	rc=$?
	is "dpdk.sh $*: exit code" $rc "$want"
	[ "$want" = 0 ] || is "dpdk.sh $*: one line" "$(grep -c '^dpdk.sh: ' err) $(wc -l <err)" '1 1'
}

# --- usage ---

run 0 --help
check 'help names every command' eval 'for c in deps install hugepages bind test examples verify; do
	grep -q "dpdk.sh $c" out || exit 1; done'
run 2
run 2 nosuch
run 2 verify --undo
run 2 hugepages many
run 2 hugepages 1 2
run 2 hugepages --undo 3
run 2 bind --persist
run 2 test now

# --- the state's directory ---

mkdir -m 777 /run/xskit
run 1 hugepages 1
check 'a directory others may write to is refused' grep -q '/run/xskit: not a directory of root' err
rmdir /run/xskit
ln -s /tmp /run/xskit
run 1 hugepages 1
check 'a link is refused' grep -q '/run/xskit: not a directory of root' err
rm /run/xskit

# --- hugepages ---

before=$(cat $pages)
run 0 hugepages $((before + 2))
is 'as many as asked for' "$(cat $pages)" $((before + 2))
check 'hugetlbfs is mounted' grep -q ' hugetlbfs ' /proc/mounts
is 'the state is for root alone' "$(stat -c '%a %u' /run/xskit $state | xargs)" '700 0 700 0'
run 0 hugepages $((before + 2))
run 0 hugepages $((before + 3))
is 'what was there first is what is remembered' "$(cat $state/hugepages)" "$before"
run 1 hugepages 9999999
check 'too many: and why' grep -q '9999999 pages need .* MB are available' err
is 'they were not even tried' "$(cat $pages)" $((before + 3))
run 0 hugepages --undo
pages_are 'undone' "$before"
check 'the mount too' eval '! grep -q " /dev/hugepages hugetlbfs " /proc/mounts'
check 'and nothing is remembered' test ! -e $state
run 0 hugepages --undo
pages_are 'twice is no harm' "$before"
mkdir sysctl.d && mount --bind sysctl.d /etc/sysctl.d || exit 1
run 0 hugepages $((before + 1))
is 'nothing is written to /etc' "$(ls /etc/sysctl.d)" ''
run 0 hugepages $((before + 1)) --persist
is 'but with --persist' "$(cat /etc/sysctl.d/*)" "vm.nr_hugepages = $((before + 1))"
run 0 hugepages --undo
is 'and undone' "$(ls /etc/sysctl.d)" ''
pages_are 'with the number' "$before"

# --- packages: apt and dpkg are stood in for by a file of names ---

mkdir stand-ins
cat >stand-ins/dpkg-query <<'END'
#!/bin/bash
grep -qx "${!#}" /run/packages && if [[ $3 == *Status* ]]; then printf installed; else printf 22.11.1; fi
END
cat >stand-ins/apt-get <<'END'
#!/bin/bash
echo "$*" >>/run/apt.log
shift
case $1 in
install) printf '%s\n' "${@:3}" >>/run/packages ;;
remove) printf '%s\n' "${@:2}" | grep -vxFf - /run/packages >/run/packages.new; mv /run/packages.new /run/packages ;;
esac
END
chmod +x stand-ins/*
path=$PATH
PATH=/run/stand-ins:$PATH
echo libdpdk-dev >packages
run 0 install
check 'it says which release' grep -q "^DPDK 22.11.1, Debian's release" out
is 'what was missing is there' "$(sort packages | xargs)" 'dpdk-dev libdpdk-dev'
run 0 install
is 'installed once' "$(grep -c install apt.log)" 1
run 0 install --undo
is 'only what it installed is removed' "$(cat packages)" libdpdk-dev
run 0 install --undo
is 'once' "$(grep -c remove apt.log)" 1
run 0 deps
run 0 deps --undo
is 'deps are undone' "$(cat packages)" libdpdk-dev
: >packages
run 1 verify
check 'without DPDK: what to do' grep -q 'tools/dpdk.sh install' err
PATH=$path

# --- bind: a machine with two NICs, made of files; two FIFOs do what the kernel does ---

old=/run/pci/drivers/old nic=/run/pci/devices/0000:00:01.0 way_out=/run/pci/devices/0000:00:02.0
mkdir -p $nic $way_out $old /run/pci/drivers/vfio-pci /run/net /run/groups/1
for device in $nic $way_out; do
	echo 0x020000 >"$device/class"
	: >"$device/driver_override"
	ln -s $old "$device/driver"
done
mkfifo $old/unbind /run/pci/drivers_probe
ln -s $old/unbind /run/pci/drivers/vfio-pci/unbind # one hears for both drivers
mkdir -p /run/net/nic0 /run/net/wan0 /run/net/virtual0
ln -s /sys/bus/pci/devices/0000:00:01.0 /run/net/nic0/device
ln -s /sys/bus/pci/devices/0000:00:02.0 /run/net/wan0/device
mount --bind /run/pci /sys/bus/pci && mount --bind /run/net /sys/class/net &&
	mount --bind /run/groups /sys/kernel/iommu_groups || exit 1
{ while read -r address; do rm -f "/run/pci/devices/$address/driver"; done <>$old/unbind; } &
{ while read -r address; do
	read -r name </run/pci/devices/"$address"/driver_override
	ln -sfn "/run/pci/drivers/${name:-old}" "/run/pci/devices/$address/driver"
done <>/run/pci/drivers_probe; } &
driver() { basename "$(readlink "$1/driver")"; }
ip link add wan0 type veth peer name wan1
ip addr add 192.0.2.1/24 dev wan0
ip link set wan0 up
ip route add default via 192.0.2.2

run 0 bind
is 'NICs are listed' "$(awk '{ print $1, $3, $4 }' out | xargs)" '0000:00:01.0 old nic0 0000:00:02.0 old wan0'
for name in wan0 0000:00:02.0; do
	run 2 bind $name
	check "$name: the default route's is named" grep -q 'wan0 carries the default route' err
done
run 1 bind virtual0
check 'no PCI NIC: what to do instead' grep -q 'net_af_xdp0,iface=virtual0' err
run 0 bind nic0
is 'bound' "$(driver $nic)" vfio-pci
run 0 bind 0000:00:01.0
is 'remembered once' "$(cat $state/bind)" '0000:00:01.0 old'
run 0 bind --undo
is 'back with its driver' "$(driver $nic) $(cat $nic/driver_override)" 'old '
is 'the other was not touched' "$(driver $way_out)" old
run 0 bind --undo
check 'nothing is remembered' test ! -e $state
rmdir /run/groups/1
run 1 bind nic0
check 'without an IOMMU: refused' grep -q 'no IOMMU' err
rm /run/net/nic0/device
run 2 bind 0000:00:01.0
check 'one in another namespace is refused' grep -q 'another network namespace' err
is 'and still where it was' "$(driver $nic)" old
rm -r $nic $way_out
run 0 bind
check 'a machine without NICs: says so' grep -q 'no PCI NIC here: use virtual devices' out
umount /sys/bus/pci /sys/class/net /sys/kernel/iommu_groups

# --- at work ---

if command -v dpdk-testpmd >/dev/null; then
	run 0 verify
	run 0 test
	is 'null devices, packet sockets and AF_XDP move packets' "$(grep -cE '^test: .* [0-9]+ packets' out)" 3
else
	tests=$((tests + 1))
	echo "ok $tests - verify and test # SKIP no dpdk-testpmd: tools/dpdk.sh install"
fi
if [ -x "${XSKIT_BUILD:-$root/build}/dpdk/forward" ]; then
	run 0 examples
	check 'forward says what it moved' grep -q 'forward: port 1 to 0: ' out
fi
echo "1..$tests"
[ "$failed" -eq 0 ]
