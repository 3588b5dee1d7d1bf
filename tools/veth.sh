#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A playground: two network namespaces, xskit-a and xskit-b, joined by a veth pair.
#
#   tools/veth.sh up [QUEUES [MTU]]     xskit-a: va 10.77.0.1 fd77::1   xskit-b: vb 10.77.0.2 fd77::2
#   tools/veth.sh exec a|b COMMAND...   run a command in one (the bpffs stays in sight, unlike with
#                                       `ip netns exec`)
#   tools/veth.sh down                  take it all away again
set -euo pipefail

usage() {
	sed -n 's/^#   //p' "$0" >&2
	exit 2
}

# side NAME HOST: addresses of one end
side() {
	ip -n "xskit-$1" addr add "10.77.0.$2/24" dev "v$1"
	ip -n "xskit-$1" addr add "fd77::$2/64" dev "v$1" nodad
	ip -n "xskit-$1" link set lo up
	ip -n "xskit-$1" link set "v$1" up
}

up() {
	local queues=${1:-1} mtu=${2:-1500}
	down
	ip netns add xskit-a
	ip netns add xskit-b
	ip -n xskit-a link add va mtu "$mtu" numrxqueues "$queues" numtxqueues "$queues" \
		type veth peer name vb netns xskit-b mtu "$mtu" \
		numrxqueues "$queues" numtxqueues "$queues"
	side a 1
	side b 2
}

down() {
	local side
	for side in a b; do
		[ ! -e "/run/netns/xskit-$side" ] || ip netns del "xskit-$side"
	done
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
up | down | exec) ;;
*) usage ;;
esac
if [ "$(id -u)" -ne 0 ]; then
	echo "veth.sh: network namespaces need root: use sudo" >&2
	exit 1
fi
case $command in
up) up "$@" ;;
down) down ;;
exec)
	[ $# -ge 2 ] || usage
	[ -e "/run/netns/xskit-$1" ] || { echo "veth.sh: no namespace xskit-$1: veth.sh up" >&2 && exit 1; }
	exec nsenter --net="/run/netns/xskit-$1" -- "${@:2}"
	;;
esac
