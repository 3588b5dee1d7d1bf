#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The user-space experiments one after the other, in a room of their own, and what they say in files:
# build/bench/NAME.jsonl as the commands print it, and from that report.md and PNG plots (plot.sh).
# usage: tools/experiments.sh [RUNS [EXPERIMENT...]]   experiments: ring false-sharing numa ipc udp
set -euo pipefail
cd "$(dirname "$0")/.."
xskit=${XSKIT:-$PWD/build/xskit}
out=${XSKIT_BUILD:-$PWD/build}/bench
if [ "${1:-}" != --inside ]; then
	mkdir -p "$out"
	exec tools/room.sh "$PWD/tools/experiments.sh" --inside "$@"
fi
shift
runs=${1:-7}
shift || true
experiments=("$@")
[ ${#experiments[@]} -gt 0 ] || experiments=(ring false-sharing numa ipc udp)

# measure NAME ARGS...: bench NAME as JSON Lines into a file that is whole or not there
measure() {
	local name=$1
	shift
	echo "bench $*" >&2
	"$xskit" bench "$@" -j >"$out/$name.jsonl.part"
	mv "$out/$name.jsonl.part" "$out/$name.jsonl"
}

# As fast as it goes queues are full, so latency is measured apart: at a rate that leaves them empty.
measure_udp() {
	local api parts=()
	measure udp udp -d 3
	for api in mmsg epoll io_uring zerocopy; do
		measure "udp-$api" udp --api $api --rate 20000 -d 2
		parts+=("$out/udp-$api.jsonl")
	done
	cat "${parts[@]}" >"$out/udp-latency.jsonl"
	rm "${parts[@]}"
}

ip link set lo up
for experiment in "${experiments[@]}"; do
	case $experiment in
	false-sharing)
		measure false-sharing false-sharing --runs "$runs"
		measure core-to-core false-sharing --matrix --runs "$runs"
		;;
	ring | numa | ipc) measure "$experiment" "$experiment" --runs "$runs" ;;
	udp) measure_udp ;;
	*)
		echo "experiments.sh: '$experiment' is none: ring false-sharing numa ipc udp" >&2
		exit 2
		;;
	esac
done
tools/plot.sh "$out"
