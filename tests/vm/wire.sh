# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2086,SC2034  # its variables are tests/e2e/lib.sh's, and words
#
# Sourced by tests/e2e/lib.sh in a guest (XSKIT_E2E_WIRE): the machine's first pair of NICs takes
# the veth's place, under its names and addresses, so that the same tests run on it.

# The NICs keep the addresses tools/vm.sh gave them: QEMU's vmxnet3 forgets others at every reset.
MAC_A=52:54:00:aa:00:00 MAC_B=52:54:00:aa:00:01

# The NICs go home to the machine's own namespace, under their last names, when a room ends.
in_machine() { nsenter --net=/dev/vm/net -- "$@"; }
nic_here() { in_machine ip link show "$1"; }
either_here() { nic_here "n0$1" || nic_here "v$1"; }

# fetch_nic a|b MTU QUEUES
fetch_nic() {
	local ns=$1 name=n0$1
	until_ok 5 either_here "$ns" || fail "NIC $name is there"
	nic_here "$name" >/dev/null 2>&1 || name=v$ns
	in_machine ip link set "$name" down
	in_machine ip link set "$name" netns "$ns" name "v$ns"
	ip -n "$ns" link set "v$ns" mtu "$2"
	[ "$(in_ns "$ns" ethtool -l "v$ns" 2>/dev/null | sed -n 's/^Combined:[[:space:]]*//p' | tail -n 1)" = "$3" ] ||
		in_ns "$ns" ethtool -L "v$ns" combined "$3"
}

pair() {
	local queues=${1:-1} mtu=${2:-1500} ns
	for ns in a b; do
		ip netns add $ns
		ip -n $ns link set lo up
	done
	fetch_nic a "$mtu" "$queues"
	fetch_nic b "$mtu" "$queues"
	for ns in a b; do
		ip -n $ns link set v$ns addrgenmode none
		in_ns $ns sysctl -q net.ipv6.conf.v$ns.{accept_ra=0,accept_dad=0,keep_addr_on_down=1}
	done
	address a $IP_A/24 $IP6_A/64 fe80::a/64
	address b $IP_B/24 $IP6_B/64 fe80::b/64
	for ns in a b; do ip -n $ns link set v$ns up; done
	until_ok 5 in_ns b ping -c 1 -W 1 $IP_A || fail 'the NICs see each other'
}
unpair() {
	ip netns del a
	ip netns del b
	until_ok 10 no_ns_left
}

# blast N [TRAFGEN OPTIONS]: as in lib.sh, with gaps: trafgen ends when a NIC's ring is full.
blast() {
	local options=(--num "$@")
	[[ $* == *--cpus* ]] || options+=(--cpus 1)
	cat >blast.cfg
	in_ns b timeout 60 trafgen --dev vb --conf blast.cfg --gap 50us "${options[@]}" >blast.out 2>&1 &&
		grep -q " $1 packets outgoing" blast.out && return
	fail 'trafgen sends' "$(grep -v 'Cannot set system socket memory' blast.out)" "$(cat blast.cfg)"
}
