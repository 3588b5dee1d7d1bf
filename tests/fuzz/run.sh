#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh SECONDS [BUILD]: fuzz the parser and the answerer for SECONDS each; TAP on stdout.
# What is found stays in BUILD/fuzz, with the input that shows it.
set -eu

seconds=${1:?usage: run.sh SECONDS [BUILD]}
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${2:-$top/build}
mkdir -p "$build/fuzz"
out=$(cd "$build/fuzz" && pwd)
clang=${CLANG:-clang}
cd "$top"

build_one() {
	"$clang" -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Iinclude -Iuser \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		"tests/fuzz/fuzz_$1.c" user/packet.c user/neigh.c user/answer.c -o "$out/fuzz_$1"
}

# The committed seeds stay as they are: new inputs go into the copy, which later runs start from.
run_one() {
	mkdir -p "$out/corpus/$1"
	cp -n "tests/fuzz/corpus/$1/"* "$out/corpus/$1/"
	"$out/fuzz_$1" -max_total_time="$seconds" -max_len=2048 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$out/$1-" "$out/corpus/$1"
}

n=0
failed=0
echo "1..2"
for name in parse answer; do
	n=$((n + 1))
	log=$out/$name.log
	if build_one "$name" >"$log" 2>&1 && run_one "$name" >>"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $n - fuzz_$name: $runs inputs in $seconds s"
	else
		failed=1
		echo "not ok $n - fuzz_$name: see $log"
		tail -n 30 "$log" | sed 's/^/# /'
	fi
done
exit $failed
