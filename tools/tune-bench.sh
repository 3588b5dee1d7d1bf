#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What --tune is worth on a veth pair: each profile by what it is for, with and without it in turn,
# in a room of its own. Median, spread, and the ratio of each round. A profile must not lose more
# than 3 %. Results: build/bench/tune.jsonl (a line a measurement), tune.json (a line a figure).
#
# --machine: the tuned end of the pair stands in the machine's own network namespace meanwhile, where
# tune sets what is the whole machine's, too; and where cgroup v2 has cpusets, throughput and latency
# are also taken among neighbours: processes that want every CPU all the time. What tune set is put back
# by whichever run is interrupted; not after kill -9, since its journal is gone with the room.
# usage: tools/tune-bench.sh [--machine] [ROUNDS [QUEUES]]       7 rounds, 2 queues
set -euo pipefail
cd "$(dirname "$0")/.."
xskit=${XSKIT:-$PWD/build/xskit}
out=${XSKIT_BUILD:-$PWD/build}/bench
if [ "${1:-}" != --inside ]; then
	mkdir -p "$out"
	[ "${1:-}" != --machine ] || exec 9</proc/1/ns/net # not to be seen from inside the room
	exec tools/room.sh "$PWD/tools/tune-bench.sh" --inside "$@"
fi
shift
end=a
if [ "${1:-}" = --machine ]; then
	end=machine
	shift
fi
rounds=${1:-7} queues=${2:-2}
raw=$out/tune.jsonl
: >"$raw"

a() { timeout -k 1 30 tools/veth.sh exec $end "$@"; }
b() { timeout -k 1 30 tools/veth.sh exec b "$@"; }
a_start() { exec timeout --foreground -k 1 30 tools/veth.sh exec $end "$@"; }

# With the other end's namespace, when the room ends, the pair is gone.
move_to_machine() {
	touch /run/netns/xskit-machine
	mount --bind /dev/fd/9 /run/netns/xskit-machine
	ip -n xskit-a link set va netns xskit-machine
	a ip addr add 10.77.0.1/24 dev va
	a ip link set va up
	a mount -t sysfs sysfs /sys
	mount -t bpf bpf /sys/fs/bpf
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
}

until_true() {
	for _ in {1..200}; do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.05
	done
	echo "tune-bench.sh: timed out: $*" >&2
	return 1
}
has_xdp() { a ip link show va | grep -q 'xdp'; }
stop() {
	kill -INT "$@" 2>/dev/null || true
	wait "$@" 2>/dev/null || true
}
median() { jq -s 'sort | .[length / 2 | floor]'; }

# record FIGURE WITH VALUE
record() {
	jq -cn --arg figure "$1" --arg with "$2" --argjson round "$round" --argjson value "$3" \
		'{figure: $figure, with: $with, round: $round, value: $value}' >>"$raw"
	printf '  round %s  %-20s %-8s %s\n' "$round" "$1" "$2" "$3" >&2
}

# The other machine, as it were: it has its CPU whatever happens on this one.
unimpressed() {
	# shellcheck disable=SC2016  # for the inner shell
	setsid -w bash -c 'echo -20 >/proc/self/autogroup; exec nice -n -20 "$@"' _ "$@"
}

neighbours=()
# In a session of their own: one of many users of the machine, not a part of this script.
neighbours_move_in() {
	for _ in $(seq "$(nproc)"); do
		setsid bash -c 'while :; do :; done' &
		neighbours+=("$!")
	done
}
neighbours_move_out() {
	kill "${neighbours[@]}" 2>/dev/null || true
	wait "${neighbours[@]}" 2>/dev/null || true
	neighbours=()
}

# Each takes none or tuned, and the options that say so. Figures with neighbours have a name in front.
among=''

# The sender on CPU 0, which leaves the others to those who receive.
measure_throughput() {
	local with=$1
	shift
	a_start "$xskit" rx va -j -i 0.25 "$@" >"$out/tune-rx.jsonl" 2>/dev/null &
	until_true has_xdp
	unimpressed tools/veth.sh exec b timeout -k 1 30 "$xskit" gen vb --engine kernel --cpu 0 -i 0 -d 3 >/dev/null
	stop "$!"
	record "${among}throughput_pps" "$with" "$(jq 'select(.type == "interval" and .packets > 10000) | .pps' \
		"$out/tune-rx.jsonl" | sed '1d;$d' | median)"
}

measure_latency() {
	local with=$1
	shift
	a_start "$xskit" echo va --poll busy -q 0 -i 0 "$@" >/dev/null 2>&1 &
	until_true has_xdp
	unimpressed tools/veth.sh exec b timeout -k 1 30 "$xskit" ping vb 10.77.0.1 --udp --poll busy --cpu 0 \
		-d 2 -i 0 -j >"$out/tune-ping.jsonl" 2>/dev/null
	stop "$!"
	record "${among}latency_p50_ns" "$with" "$(jq 'select(.type == "summary") | .rtt_ns.p50' "$out/tune-ping.jsonl")"
	record "${among}latency_p99_ns" "$with" "$(jq 'select(.type == "summary") | .rtt_ns.p99' "$out/tune-ping.jsonl")"
}

# CPU time of both kinds, of waiting and answering 10,000 times a second.
measure_power() {
	local with=$1
	shift
	a_start "$xskit" echo va --poll wait -q 0 -i 0 "$@" >/dev/null 2>&1 &
	until_true has_xdp
	b "$xskit" ping vb 10.77.0.1 --udp --poll wait --rate 10000 -d 2 -i 0 -j "$@" \
		>"$out/tune-ping.jsonl" 2>/dev/null
	stop "$!"
	record power_cpu_percent "$with" "$(jq 'select(.type == "summary") |
		100 * (.cost.cpu_s + .cost.softirq_s) / .duration_s' "$out/tune-ping.jsonl")"
}

# The median of each, and of the rounds' ratios: better is above 1, whatever better means.
summarise() {
	jq -cs '
	def stats: sort | {median: .[length / 2 | floor], min: .[0], max: .[-1]};
	def better($figure; $none; $tuned):
		if $figure | endswith("throughput_pps") then $tuned / $none else $none / $tuned end;
	group_by(.figure)[] | .[0].figure as $figure
	| (map(select(.with == "none")) | sort_by(.round) | map(.value)) as $none
	| (map(select(.with == "tuned")) | sort_by(.round) | map(.value)) as $tuned
	| [[$none, $tuned] | transpose[] | select(.[0] > 0 and .[1] > 0) | better($figure; .[0]; .[1])] as $ratios
	| {type: "result", experiment: "tune", figure: $figure, runs: ($none | length),
		none: ($none | stats), tuned: ($tuned | stats), gain: ($ratios | stats)}
	' "$raw"
}

table() {
	jq -r 'def n: . * 1000 | round / 1000;
		[.figure, (.none.median | n), (.none.min | n), (.none.max | n), (.tuned.median | n), (.tuned.min | n),
		(.tuned.max | n), (.gain.median | n), (if .gain.median >= 0.97 then "" else "loses more than 3 %" end)] |
		@tsv' "$out/tune.json" |
		awk -F '\t' 'BEGIN { printf "%-20s %36s %36s %8s\n", "figure", "without (min to max)", "with --tune (min to max)", "gain" }
			{ printf "%-20s %12s (%9s to %9s) %12s (%9s to %9s) %8s  %s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9 }'
}

# in_turn PROFILE...: who goes first changes with the round
in_turn() {
	local profile with order='none tuned'
	((round % 2)) || order='tuned none'
	for profile in "$@"; do
		for with in $order; do
			options=()
			[ "$with" = none ] || options=(--tune "$profile")
			"measure_$profile" "$with" "${options[@]}"
		done
	done
}

has_cpusets() { grep -qw cpuset /sys/fs/cgroup/cgroup.controllers; }

# whoever runs puts back what it set
trap 'kill -INT $(jobs -p) 2>/dev/null || true; wait || true; exit 130' INT TERM
tools/veth.sh up "$queues"
[ $end = a ] || move_to_machine
for round in $(seq "$rounds"); do
	in_turn throughput latency power
	if [ $end = a ] || ! has_cpusets; then continue; fi
	among=among_neighbours_
	neighbours_move_in
	in_turn throughput latency
	neighbours_move_out
	among=''
done
[ $end = a ] || has_cpusets ||
	echo 'tune-bench.sh: no figures among neighbours: cgroup v2 has no cpuset controller here' >&2
summarise >"$out/tune.json"
table
