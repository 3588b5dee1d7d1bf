#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Killed between any two instructions (tests/crash/test_step.c): a process for each kind of ring, as many at a
# time as there are CPUs, for nothing of it is timed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
build=${XSKIT_BUILD:-$PWD/build}
T=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$T"' EXIT
trap 'exit 143' INT TERM
# the longest first; the blank ends the kind's name in that of a script
jobs=('mpmc ' 'spsc_latency ' 'spsc ' 'fanin ' wide)

step() { # step JOB
	local binary=test_step
	[ "$1" != wide ] || binary=test_step_wide
	if [ "$1" = wide ]; then unset CRASH_ONLY; else export CRASH_ONLY=$1; fi
	"$build/tests/crash/$binary" >"$T/$1" 2>&1
	echo $? >"$T/$1.rc"
}

for job in "${jobs[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
	step "$job" &
done
wait
tests=0 failed=0
for job in "${jobs[@]}"; do
	tests=$((tests + 1))
	grep '^# [a-z_]* .*instructions' "$T/$job"
	if [ "$(cat "$T/$job.rc")" = 0 ] && grep -q '^# in all: [1-9]' "$T/$job"; then
		echo "ok $tests - ${job% }: $(sed -n 's/^# in all: //p' "$T/$job")"
	else
		failed=$((failed + 1))
		echo "not ok $tests - ${job% }"
		grep -vE '^ok|instructions' "$T/$job" | tail -n 40 | sed 's/^/# /'
	fi
done
echo "1..$tests"
[ $failed -eq 0 ]
