#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The rings' headers, whose functions are inlined into their users' code, alone and all together:
# with the warnings that those may have on, by every compiler that is there. (What holds for all
# public headers is in tools/lint.sh.)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warn=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)

tests=0 failed=0
report() {
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests - $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $2"
		echo "# ${3//$'\n'/$'\n'# }"
	fi
}

# compile COMPILER STANDARD FILE: optimised, so that what is always inlined is looked at too
compile() { "$1" "-std=$2" "${warn[@]}" -O2 -Iinclude -c "$3" -o "$work/o" 2>&1; }

# all_headers COMPILER STANDARD SUFFIX: each compiles by itself, what it said is on stdout
all_headers() {
	local header status=0
	: >"$work/all.$3"
	for header in atomic ring stream spsc spsc_latency fanin mpmc; do
		echo "#include <xskit/$header.h>" | tee -a "$work/all.$3" >"$work/one.$3"
		compile "$1" "$2" "$work/one.$3" || status=1
	done
	compile "$1" "$2" "$work/all.$3" || status=1
	return $status
}

for compiler in gcc clang; do
	said=$(all_headers $compiler c11 c)
	report $? "$compiler, C11" "$said"
done
for compiler in g++ clang++; do
	for standard in c++11 c++20; do
		if ! command -v $compiler >/dev/null || ! echo 'int x;' >"$work/x.cc" ||
			! compile $compiler $standard "$work/x.cc" >/dev/null; then
			tests=$((tests + 1))
			echo "ok $tests - $compiler, $standard # SKIP not here"
			continue
		fi
		said=$(all_headers $compiler $standard cc)
		report $? "$compiler, $standard" "$said"
	done
done

# The check itself: a conversion that loses bits must be caught, in either language.
echo 'static inline char f(int x) { char c = x; return c; }' >"$work/bad.c"
! compile gcc c11 "$work/bad.c" >"$work/said"
report $? 'a lossy conversion is seen in C' ''
cp "$work/bad.c" "$work/bad.cc"
! compile g++ c++11 "$work/bad.cc" >"$work/said"
report $? 'a lossy conversion is seen in C++' ''
echo "1..$tests"
[ "$failed" -eq 0 ]
