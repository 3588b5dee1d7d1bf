#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What `make bench` measures: this machine's own figures against a floor or a peer, one after the
# other in every round, on a veth pair in a room of its own. Figures of two runs do not compare;
# ratios of one round do. Results: build/bench/bench.jsonl (a line a measurement), bench.json (a
# line a figure: median, min, max, runs) and bench.txt (the table that is printed).
# The DPDK rows need build/dpdk/forward (`make dpdk`) and dpdk-testpmd.
# usage: tools/bench.sh [ROUNDS [GROUP...]]      groups: port receive forward generate latency idle
set -euo pipefail
cd "$(dirname "$0")/.."
xskit=${XSKIT:-$PWD/build/xskit}
build=${XSKIT_BUILD:-$PWD/build}
out=$build/bench
if [ "${1:-}" != --inside ]; then
	mkdir -p "$out"
	exec tools/room.sh "$PWD/tools/bench.sh" --inside "$@"
fi
shift
rounds=${1:-7}
shift || true
groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(port receive forward generate latency idle)
raw=$out/bench.jsonl
: >"$raw"

a() { timeout -k 1 30 tools/veth.sh exec a "$@"; }
b() { timeout -k 1 30 tools/veth.sh exec b "$@"; }
# in the background, and $! is the process itself
a_start() { exec timeout --foreground -k 1 30 tools/veth.sh exec a "$@"; }

# record FIGURE VALUE: one measurement of this round
record() {
	jq -cn --arg figure "$1" --argjson value "$2" --argjson round "$round" \
		'{figure: $figure, round: $round, value: $value}' >>"$raw"
	printf '  round %s  %-28s %s\n' "$round" "$1" "$2" >&2
}

# until COMMAND...: poll for 10 s
until_true() {
	for _ in {1..200}; do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.05
	done
	echo "bench.sh: timed out: $*" >&2
	return 1
}
has_xdp() { a ip link show va | grep -q 'xdp'; }
no_xdp() { ! has_xdp; }
received() { a ip -s -j link show va | jq '.[0].stats64.rx.packets'; }
median() { jq -s 'sort | .[length / 2 | floor]'; }
# on CPU 0, which leaves CPU 1 to whoever receives
generate() { b "$xskit" gen vb --engine kernel --cpu 0 -i 0 "$@" >/dev/null; }
stop() {
	kill -INT "$@" 2>/dev/null || true
	wait "$@" 2>/dev/null || true
}

# --- receive: XDP_DROP in the kernel, rx, testpmd; the same generator ---

measure_drop() {
	local before after t0 t1
	a xdp-loader load -m native va "$build/bpf/xdp_drop.bpf.o" >/dev/null
	generate -d 3 &
	sleep 1
	before=$(received) t0=$(date +%s%N)
	sleep 1.5
	after=$(received) t1=$(date +%s%N)
	wait
	a xdp-loader unload va --all
	record xdp_drop_pps $(((after - before) * 1000000000 / (t1 - t0)))
}

measure_rx() {
	a_start "$xskit" rx va -j -i 0.25 >"$out/rx.jsonl" &
	until_true has_xdp
	generate -d 3
	stop "$!"
	wait
	record rx_pps "$(jq 'select(.type == "interval" and .packets > 100000) | .pps' "$out/rx.jsonl" |
		sed '1d;$d' | median)"
}

eal=(-l '0,1' --no-pci --no-huge -m 512 --no-shconf)
# testpmd SECONDS MODE DEVICES...: in place of this shell
testpmd() {
	local seconds=$1 mode=$2
	shift 2
	a_start timeout -s INT "$seconds" dpdk-testpmd "${eal[@]}" "$@" -- --forward-mode="$mode" \
		--stats-period 1 --no-mlockall --total-num-mbufs=16384 --mbuf-size=2048 </dev/null \
		>"$out/testpmd.txt" 2>&1
}

measure_testpmd() {
	testpmd 8 rxonly --vdev net_af_xdp0,iface=va &
	until_true has_xdp
	sleep 1
	generate -d 5
	wait
	until_true no_xdp
	record testpmd_pps "$(sed -n 's/.*Rx-pps: *\([0-9]*\).*/\1/p' "$out/testpmd.txt" |
		awk '$1 > 100000' | sed '1d;$d' | median)"
}

# What it receives it gives to a device that throws it away and sends nothing.
measure_dpdk_rx() {
	: >"$out/forward.jsonl"
	a_start "$build/dpdk/forward" "${eal[@]}" --vdev net_af_xdp0,iface=va --vdev net_null0,no-rx=1 -- \
		-j -i 0.25 >"$out/forward.jsonl" 2>"$out/forward.err" &
	until_true grep -q '"type":"start"' "$out/forward.jsonl"
	generate -d 3
	stop "$!"
	wait
	until_true no_xdp
	record dpdk_rx_pps "$(jq 'select(.type == "interval" and .pps > 400000) | .pps' "$out/forward.jsonl" |
		sed '1d;$d' | median)"
}

receive() {
	measure_drop
	measure_rx
	measure_testpmd
	measure_dpdk_rx
}

# --- forward: in by va and out by fa, whose other end drops and counts in the kernel ---

second_pair() {
	! ip -n xskit-a link show dev fa >/dev/null 2>&1 || return 0
	ip -n xskit-a link add fa type veth peer name fb netns xskit-b
	ip -n xskit-a link set dev fa up
	ip -n xskit-b link set dev fb up
	b xdp-loader load -m native fb "$build/bpf/xdp_drop.bpf.o" >/dev/null
}
arrived() { b ip -s -j link show dev fb | jq '.[0].stats64.rx.packets'; }
forwards() { has_xdp && a ip link show dev fa | grep -q xdp; }
rests() { no_xdp && ! a ip link show dev fa | grep -q xdp; }

# measure_forward FIGURE PROCESS, which runs already
measure_forward() {
	local before after t0 t1 generator
	until_true forwards
	sleep 0.5 # DPDK's ports start after their program is attached
	generate -d 4 &
	generator=$!
	sleep 1
	before=$(arrived) t0=$(date +%s%N)
	sleep 2
	after=$(arrived) t1=$(date +%s%N)
	wait "$generator"
	record "$1" $(((after - before) * 1000000000 / (t1 - t0)))
	stop "$2"
	until_true rests
}

forward_group() {
	second_pair
	a_start "$xskit" fwd va fa -i 0 >"$out/fwd.txt" &
	measure_forward fwd_pps "$!"
	testpmd 12 io --vdev net_af_xdp0,iface=va --vdev net_af_xdp1,iface=fa &
	measure_forward testpmd_io_pps "$!"
	a_start "$build/dpdk/forward" "${eal[@]}" --vdev net_af_xdp0,iface=va --vdev net_af_xdp1,iface=fa -- \
		-i 0 >"$out/forward.txt" 2>"$out/forward.err" &
	measure_forward dpdk_forward_pps "$!"
}

# --- generate: both engines, and what the TX budget does ---

# measure_gen FIGURE OPTIONS...: frames that left the interface, a second
measure_gen() {
	local figure=$1
	shift
	a_start "$xskit" rx va -i 0 >/dev/null &
	until_true has_xdp
	b "$xskit" gen vb -d 2 -i 0 -j "$@" >"$out/gen.jsonl"
	stop "$!"
	wait
	record "$figure" "$(jq 'select(.type == "summary") | .completed / .duration_s | floor' "$out/gen.jsonl")"
}

generate_group() {
	measure_gen gen_kernel_pps --engine kernel
	measure_gen gen_xsk_pps --engine xsk
	measure_gen gen_xsk_budget32_pps --engine xsk --tx-budget 32
}

# --- latency: ping against echo, sockperf against sockperf ---

# measure_ping FIGURE MODE
measure_ping() {
	a_start "$xskit" echo va --poll busy -i 0 --mode "$2" >/dev/null &
	until_true has_xdp
	b "$xskit" ping vb 10.77.0.1 --udp --poll busy -d 2 -i 0 -j --mode "$2" \
		--hgrm "$out/$1.hgrm" >"$out/$1.jsonl"
	stop "$!"
	wait
	record "$1_p50_ns" "$(jq 'select(.type == "summary") | .rtt_ns.p50' "$out/$1.jsonl")"
	record "$1_p99_9_ns" "$(jq 'select(.type == "summary") | .rtt_ns.p99_9' "$out/$1.jsonl")"
}

# measure_sockperf FIGURE OPTIONS...
measure_sockperf() {
	local figure=$1 p
	shift
	a_start sockperf server -i 10.77.0.1 "$@" >/dev/null 2>&1 &
	until_true sockperf_listens
	b sockperf ping-pong -i 10.77.0.1 -t 2 -m 22 --full-rtt "$@" >"$out/sockperf.txt" 2>&1
	stop "$!"
	wait
	for p in 50 99.9; do
		record "${figure}_p${p/./_}_ns" "$(sed -n "s/.*percentile ${p}[.0]* *= *\([0-9.]*\).*/\1/p" \
			"$out/sockperf.txt" | awk '{printf "%d", $1 * 1000}')"
	done
}
sockperf_listens() { a ss -lun | grep -q ':11111'; }

latency() {
	measure_ping ping native
	measure_ping ping_skb skb
	measure_sockperf sockperf_nonblocked --nonblocked
	measure_sockperf sockperf_blocking
}

# --- idle: what waiting costs ---

idle() {
	a_start "$xskit" echo va --poll wait -i 0 >/dev/null &
	until_true has_xdp
	b "$xskit" ping vb 10.77.0.1 --udp --poll wait --rate 100 -d 3 -i 0 -j >"$out/ping.jsonl"
	stop "$!"
	wait
	record ping_wait_cpu_percent \
		"$(jq 'select(.type == "summary") | 100 * .cost.cpu_s / .duration_s' "$out/ping.jsonl")"
}

# --- port: the user side alone, against a simulated kernel ---

port() {
	"$build/tests/sim/bench_port" -j >"$out/port.jsonl"
	record port_rx_ns "$(jq 'select(.path == "rx") | .ns' "$out/port.jsonl")"
	record port_tx_ns "$(jq 'select(.path == "tx") | .ns' "$out/port.jsonl")"
}

# --- the table ---

# Medians of every figure, and of every ratio taken round by round.
summarise() {
	jq -cs '
	def stats: sort | {median: .[length / 2 | floor], min: .[0], max: .[-1], runs: length};
	def figure($name): map(select(.figure == $name)) | sort_by(.round) | map(.value);
	def ratio($name; $a; $b; $want):
		[figure($a), figure($b)] | transpose | map(select(.[0] != null and .[1] != null and .[1] != 0) | .[0] / .[1])
		| select(length > 0) | {type: "result", experiment: "bench", figure: $name, want: $want} + stats;
	(group_by(.figure)[] | {type: "result", experiment: "bench", figure: .[0].figure} + (map(.value) | stats)),
	ratio("rx / XDP_DROP"; "rx_pps"; "xdp_drop_pps"; ">= 0.77"),
	ratio("rx / testpmd rxonly"; "rx_pps"; "testpmd_pps"; ">= 1.5"),
	ratio("rx / DPDK forward to null"; "rx_pps"; "dpdk_rx_pps"; ">= 1.5"),
	ratio("fwd / testpmd io"; "fwd_pps"; "testpmd_io_pps"; ""),
	ratio("fwd / DPDK forward"; "fwd_pps"; "dpdk_forward_pps"; ""),
	ratio("gen kernel / gen xsk"; "gen_kernel_pps"; "gen_xsk_pps"; ">= 4.5"),
	ratio("gen xsk / with budget 32"; "gen_xsk_pps"; "gen_xsk_budget32_pps"; ">= 1"),
	ratio("ping / sockperf nonblocked, p50"; "ping_p50_ns"; "sockperf_nonblocked_p50_ns"; ""),
	ratio("ping skb / sockperf nonblocked, p50"; "ping_skb_p50_ns"; "sockperf_nonblocked_p50_ns"; "<= 0.42"),
	ratio("ping skb / sockperf blocking, p50"; "ping_skb_p50_ns"; "sockperf_blocking_p50_ns"; "<= 0.11")
	' "$raw"
}

table() {
	printf '%-36s %14s %14s %14s %5s  %s\n' figure median min max runs wanted
	jq -r 'def n: if . == null then "none" elif . >= 1000 then floor else . * 1000 | round / 1000 end;
		[.figure, (.median | n), (.min | n), (.max | n), .runs, (.want // "")] | @tsv' "$out/bench.json" |
		awk -F '\t' '{printf "%-36s %14s %14s %14s %5s  %s\n", $1, $2, $3, $4, $5, $6}'
}

tools/veth.sh up
for round in $(seq "$rounds"); do
	for group in "${groups[@]}"; do
		case $group in
		generate) generate_group ;;
		forward) forward_group ;;
		port | receive | latency | idle) "$group" ;;
		*) echo "bench.sh: '$group' is no group" >&2 && exit 2 ;;
		esac
	done
done
summarise >"$out/bench.json"
table | tee "$out/bench.txt"
