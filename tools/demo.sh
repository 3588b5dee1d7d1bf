#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What `make demo` shows: packets a second through XDP, XSKMAP and AF_XDP into a worker, then
# round-trip times through two AF_XDP sockets; on a veth pair, in a room of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
xskit=${XSKIT:-$PWD/build/xskit}
veth=$PWD/tools/veth.sh
if [ "${1:-}" != --inside ]; then
	exec tools/room.sh "$PWD/tools/demo.sh" --inside
fi

show() { printf '\n\033[1m%s\033[0m\n' "$*"; }
step() {
	printf '$ xskit'
	printf ' %s' "$@"
	echo
}
# The command in namespace a has its XDP program in place.
attached() { "$veth" exec a ip link show va | grep -q xdp; }
wait_attached() {
	for _ in {1..200}; do
		attached && return
		sleep 0.05
	done
	return 1
}

"$veth" up
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

show 'Receive: 64-byte frames, made by the kernel in one namespace, counted in the other'
receive=(rx va)
generate=(gen vb --engine kernel --dst-ip 10.77.0.1 --size 64 -d 5)
step "${receive[@]}"
"$veth" exec a "$xskit" "${receive[@]}" &
rx=$!
wait_attached
"$veth" exec b "$xskit" "${generate[@]}" >/run/gen.out
kill -INT $rx
wait $rx
step "${generate[@]}"
cat /run/gen.out

show 'Answer: UDP echo from user space, its round-trip time measured from user space'
answer=(echo va --ip 10.77.0.1 --poll busy)
ask=(ping vb 10.77.0.1 --udp --poll busy -d 5)
step "${answer[@]}"
"$veth" exec a "$xskit" "${answer[@]}" >/run/echo.out &
echo=$!
wait_attached
step "${ask[@]}"
"$veth" exec b "$xskit" "${ask[@]}"
kill -INT $echo
wait $echo
echo
echo 'Nothing is left behind. Next: README.md, xskit --help'
