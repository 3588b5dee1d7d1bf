#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# plot.sh: from what the experiments print to plots and a report; nothing for figures that are absent.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
tests=0
check() {
	local what=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$T/said" 2>&1; then
		echo "ok $tests - $what"
	else
		echo "not ok $tests - $what"
		sed 's/^/# /' "$T/said"
	fi
}
is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]; }
xskit=${XSKIT:-$PWD/build/xskit}

mkdir "$T/none" "$T/some"
check 'an empty directory gives a report' tools/plot.sh "$T/none"
check 'and no plot' test -z "$(ls "$T/none"/*.png 2>/dev/null)"

timeout 60 "$xskit" bench ring -j --algorithm spsc,mutex --metric throughput --slots 4096 \
	--scope threads --producers 1 --consumers 1 --runs 1 >"$T/some/ring.jsonl" 2>/dev/null
timeout 60 "$xskit" bench false-sharing -j --runs 1 >"$T/some/false-sharing.jsonl" 2>/dev/null
timeout 60 "$xskit" bench false-sharing --matrix -j --runs 1 >"$T/some/core-to-core.jsonl" 2>/dev/null
printf '%s\n' '       Value     Percentile TotalCount 1/(1-Percentile)' '' \
	'    4000.000 0.000000000000          1           1.00' \
	'    5000.000 0.500000000000         50           2.00' \
	'    9000.000 0.990000000000         99         100.00' >"$T/some/ping.hgrm"
timeout 60 "$xskit" bench ipc -j --method pipe,futex --bytes 8,64 --metric rtt --runs 1 -n 200 \
	>"$T/some/ipc.jsonl" 2>/dev/null
for api in mmsg epoll; do
	timeout 60 "$xskit" bench udp -j --api $api -n 2000 --rate 20000 2>/dev/null
done >"$T/some/udp-latency.jsonl"
check 'figures give a report' tools/plot.sh "$T/some"
for name in ring false-sharing core-to-core latency ipc-latency udp-latency; do check "$name.png" is_png "$T/some/$name.png"; done
# a file's rows, and one line of headings a file; latencies are plotted, not listed
check 'every row is in the report' test "$(grep -c '^| ' "$T/some/report.md")" -eq \
	$(($(cat "$T"/some/{ring,false-sharing,core-to-core,ipc}.jsonl | grep -c '"type":"result"') + 4))
check 'the ipc plot stands in its section' grep -qF '![ipc-latency](ipc-latency.png)' "$T/some/report.md"
check 'with the percentiles of round trips' grep -q '^| method .* rtt_ns_p50 | rtt_ns_p99 | rtt_ns_p99_9 ' "$T/some/report.md"
jq -c 'if .rtt_ns then .rtt_ns.count = 0 else . end' "$T/some/ipc.jsonl" >"$T/none/ipc.jsonl"
check 'round trips that none was made of' tools/plot.sh "$T/none"
check 'are no plot' test ! -e "$T/none/ipc-latency.png"
echo '{"type":"result","algorithm":' >"$T/some/ring.jsonl"
check 'half a line is an error' eval '! tools/plot.sh "$T/some"'
echo "1..$tests"
