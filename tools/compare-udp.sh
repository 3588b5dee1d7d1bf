#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# AF_XDP against the kernel's own UDP, between two namespaces on a veth pair: round trips
# (`xskit ping` and `echo` against `xskit bench udp ping` and `echo`), spinning and sleeping, and
# packets a second under one generator (`xskit rx` against `xskit bench udp recv`). Each is measured
# once a round, one after the other, so that a machine that changes its speed changes it for all.
# Results: build/bench/compare-udp.jsonl (a line a measurement), compare-udp.json (a line a figure:
# median, min, max, runs; ratios are taken round by round) and compare-udp.txt (the table).
# usage: tools/compare-udp.sh [ROUNDS [SECONDS]]      7 rounds or more, of 1 s a measurement
set -euo pipefail
cd "$(dirname "$0")/.."
xskit=${XSKIT:-$PWD/build/xskit}
build=${XSKIT_BUILD:-$PWD/build}
out=$build/bench
usage() {
	echo "usage: tools/compare-udp.sh [ROUNDS [SECONDS]]      (7 1)" >&2
	exit 2
}
if [ "${1:-}" != --inside ]; then
	[[ $# -le 2 && ${1:-7} =~ ^[1-9][0-9]*$ && ${2:-1} =~ ^(0|[1-9][0-9]*)(\.[0-9]+)?$ && ${2:-1} =~ [1-9] ]] || usage
	[ -x "$xskit" ] || { echo "compare-udp.sh: no $xskit: run make" >&2 && exit 1; }
	[ "$(nproc)" -ge 2 ] || { echo 'compare-udp.sh: two CPUs are needed, one an end' >&2 && exit 1; }
	mkdir -p "$out"
	exec tools/room.sh "$PWD/tools/compare-udp.sh" --inside "$@"
fi
shift
rounds=${1:-7} seconds=${2:-1}
longest=$((${seconds%.*} + 30))
raw=$out/compare-udp.jsonl
: >"$raw"

# One CPU an end; the last two, since much of the machine's own work is on the first.
mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
	awk -F - '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
cpu_a=${cpus[-1]} cpu_b=${cpus[-2]}

b() { timeout -k 1 $longest tools/veth.sh exec b "$@"; }
# in the background, and $! is the process itself
a_start() { exec timeout --foreground -k 1 $longest tools/veth.sh exec a "$@"; }

until_true() {
	for _ in {1..500}; do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.02
	done
	echo "compare-udp.sh: timed out: $*" >&2
	return 1
}
stop() {
	kill -INT "$1" 2>/dev/null || true
	wait "$1"
}
# start COMMAND...: at the a end, until it says that it is ready; its process in $server
start() {
	rm -f "$out/a.jsonl"
	a_start "$@" -j >"$out/a.jsonl" 2>"$out/a.err" &
	server=$!
	until_true grep -q '"type":"start"' "$out/a.jsonl" || { cat "$out/a.err" >&2 && exit 1; }
}
# record FIGURE VALUE: one measurement of this round
record() {
	jq -cn --arg figure "$1" --argjson value "$2" --argjson round "$round" \
		'{figure: $figure, round: $round, value: $value}' >>"$raw"
	printf '  round %s  %-28s %s\n' "$round" "$1" "$2" >&2
}

# --- round trips: 32 bytes of payload, which is a frame of 74 ---

record_rtt() {
	local p
	for p in p50 p99; do
		record "$1_${p}_ns" "$(jq "select(.type == \"summary\") | .rtt_ns.$p" "$out/b.jsonl")"
	done
}
# xdp_rtt FIGURE POLL
xdp_rtt() {
	start "$xskit" echo va --poll "$2" --cpu "$cpu_a" -i 0
	b "$xskit" ping vb 10.77.0.1 --udp --size 74 --poll "$2" --cpu "$cpu_b" -d "$seconds" -i 0 -j \
		>"$out/b.jsonl" 2>"$out/b.err"
	stop "$server"
	record_rtt "$1"
}
# kernel_rtt FIGURE OPTIONS...
kernel_rtt() {
	local figure=$1
	shift
	start "$xskit" bench udp echo --app inline --cpu "$cpu_a" "$@"
	b "$xskit" bench udp ping 10.77.0.1 --app inline --size 32 --cpu "$cpu_b" -d "$seconds" -j "$@" \
		>"$out/b.jsonl" 2>"$out/b.err"
	stop "$server"
	record_rtt "$figure"
}

# --- packets a second: the kernel's generator, on the other end's CPU ---

# receive FIGURE COMMAND...: the median of its interval lines while all is under way
receive() {
	local figure=$1
	shift
	start "$@" --cpu "$cpu_a" -i 0.1
	b "$xskit" gen vb --engine kernel --cpu "$cpu_b" -i 0 -d "$seconds" --size 74 --dst-mac "$mac_a" \
		--src-ip 10.77.0.2 --dst-ip 10.77.0.1 --dst-port 9000 >/dev/null 2>"$out/b.err"
	stop "$server"
	record "$figure" "$(jq 'select(.type == "interval" and .packets > 0) | .pps' "$out/a.jsonl" |
		sed '1d;$d' | jq -s 'sort | .[length / 2 | floor] | floor')"
}

measure_round() {
	xdp_rtt xdp_spin busy
	kernel_rtt udp_spin --poll busy --busy-poll 50
	xdp_rtt xdp_sleep wait
	kernel_rtt udp_sleep --poll wait
	receive xdp_rx_pps "$xskit" rx va
	receive udp_rx_spin_pps "$xskit" bench udp recv --size 64 --app inline --poll busy --busy-poll 50
	receive udp_rx_sleep_pps "$xskit" bench udp recv --size 64 --app inline --poll wait
}

# --- the table ---

summarise() {
	jq -cs '
	def stats: sort | {median: .[length / 2 | floor], min: .[0], max: .[-1], runs: length};
	def figure($name): map(select(.figure == $name)) | sort_by(.round) | map(.value);
	def ratio($name; $a; $b): [figure($a), figure($b)] | transpose | map(.[0] / .[1]) |
		{type: "result", experiment: "compare-udp", figure: $name, unit: "times"} + stats;
	. as $all | (reduce .[].figure as $f ([]; if index($f) then . else . + [$f] end)) as $figures |
	($figures[] as $f | {type: "result", experiment: "compare-udp", figure: $f,
		unit: (if $f | endswith("_ns") then "ns" else "pps" end)} + ($all | figure($f) | stats)),
	ratio("round trip p50, spinning: UDP / AF_XDP"; "udp_spin_p50_ns"; "xdp_spin_p50_ns"),
	ratio("round trip p99, spinning: UDP / AF_XDP"; "udp_spin_p99_ns"; "xdp_spin_p99_ns"),
	ratio("round trip p50, sleeping: UDP / AF_XDP"; "udp_sleep_p50_ns"; "xdp_sleep_p50_ns"),
	ratio("round trip p99, sleeping: UDP / AF_XDP"; "udp_sleep_p99_ns"; "xdp_sleep_p99_ns"),
	ratio("receiving, spinning: AF_XDP / UDP"; "xdp_rx_pps"; "udp_rx_spin_pps"),
	ratio("receiving, sleeping: AF_XDP / UDP"; "xdp_rx_pps"; "udp_rx_sleep_pps")
	' "$raw"
}
table() {
	printf '%-40s %12s %12s %12s %5s\n' figure median min max runs
	jq -r 'def n: if . >= 1000 then floor else . * 100 | round / 100 end;
		[.figure, (.median | n), (.min | n), (.max | n), .runs] | @tsv' "$out/compare-udp.json" |
		awk -F '\t' '{ printf "%-40s %12s %12s %12s %5s\n", $1, $2, $3, $4, $5 }'
}

tools/veth.sh up
mac_a=$(ip -n xskit-a -j link show va | jq -r '.[0].address')
# without an XDP program at its end a veth takes redirected frames with GRO only
tools/veth.sh exec a ethtool -K va gro on
for round in $(seq "$rounds"); do
	measure_round
done
summarise >"$out/compare-udp.json"
table | tee "$out/compare-udp.txt"
