#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh SECONDS [BUILD]: fuzz the rings for SECONDS, the parser and the answerer for half of that
# each; TAP on stdout. What is found stays in BUILD/fuzz, with the input that shows it.
set -eu

seconds=${1:?usage: run.sh SECONDS [BUILD]}
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${2:-$top/build}
mkdir -p "$build/fuzz"
out=$(cd "$build/fuzz" && pwd)
clang=${CLANG:-clang}
cd "$top"

packets="user/packet.c user/neigh.c user/answer.c"
rings="user/lib/err.c user/lib/fanin.c user/lib/mpmc.c user/lib/ring.c user/lib/ring_seat.c
	user/lib/ring_wait.c user/lib/spsc.c user/lib/spsc_latency.c user/lib/stream.c"

# build_one NAME SOURCES
build_one() {
	# shellcheck disable=SC2086
	"$clang" -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Iinclude -Iuser -Iuser/lib \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		"tests/fuzz/fuzz_$1.c" $2 -o "$out/fuzz_$1"
}

# run_one NAME SECONDS BYTES. The committed seeds stay as they are: new inputs go into the copy,
# which later runs start from.
run_one() {
	mkdir -p "$out/corpus/$1"
	cp -n "tests/fuzz/corpus/$1/"* "$out/corpus/$1/"
	"$out/fuzz_$1" -max_total_time="$2" -max_len="$3" -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$out/$1-" "$out/corpus/$1"
}

n=0
failed=0
# fuzz NAME SECONDS BYTES SOURCES
fuzz() {
	n=$((n + 1))
	log=$out/$1.log
	if build_one "$1" "$4" >"$log" 2>&1 && run_one "$1" "$2" "$3" >>"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $n - fuzz_$1: $runs inputs in $2 s"
	else
		failed=1
		echo "not ok $n - fuzz_$1: see $log"
		tail -n 30 "$log" | sed 's/^/# /'
	fi
}

half=$(((seconds + 1) / 2))
echo "1..3"
fuzz parse $half 2048 "$packets"
fuzz answer $half 2048 "$packets"
fuzz ring "$seconds" 4096 "$rings"
exit $failed
