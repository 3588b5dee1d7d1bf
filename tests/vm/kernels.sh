#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1
# kernels: 6.1 6.12 7.2
# seconds: 3600
# The end-to-end suite under another kernel, on a veth pair and on the machine's NICs: one line a
# file; what a failing one said is behind the #. Not on 6.16: see panics() in features.sh.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
wire=$XSKIT_E2E_WIRE
tests=0 failed=0

# again PLACE FILE...
again() {
	local place=$1 file said
	shift
	for file in "$@"; do
		tests=$((tests + 1))
		if said=$("tests/e2e/$file.t" 2>&1) && ! grep -q '^not ok' <<<"$said"; then
			echo "ok $tests - $place: $file ($(grep -c '^ok' <<<"$said"))"
		else
			failed=$((failed + 1))
			echo "not ok $tests - $place: $file ($(grep -c '^ok' <<<"$said"))"
			grep -vE '^ok' <<<"$said" | tail -n 40 | sed 's/^/# /'
		fi
	done
}
unset XSKIT_E2E_WIRE
# not ping: it counts losses at rates that emulated CPUs do not keep up with
again veth traffic echo keep_match options pinned require caps jumbo share
export XSKIT_E2E_WIRE=$wire
again NIC echo keep_match
echo "1..$tests"
[ $failed -eq 0 ]
