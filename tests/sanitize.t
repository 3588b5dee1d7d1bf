#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The whole suite again under ASan and UBSan, and what has threads under TSan. One line a test file;
# what a failing one said is behind the #. The builds are made by `make sanitized`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

tests=0 failed=0

# again BUILD FILE...: run test files against the sanitized build
again() {
	local build=$1 file said
	shift
	for file in "$@"; do
		tests=$((tests + 1))
		if said=$(XSKIT=$PWD/$build/xskit XSKIT_BUILD=$PWD/$build timeout -k 5 400 "$file" 2>&1) &&
			! grep -qE '^not ok|ERROR: .*Sanitizer|WARNING: ThreadSanitizer|runtime error:' <<<"$said"; then
			echo "ok $tests - ${build##*/}: ${file##*/}"
		else
			failed=$((failed + 1))
			echo "not ok $tests - ${build##*/}: ${file##*/}"
			grep -vE '^ok' <<<"$said" | tail -n 60 | sed 's/^/# /'
		fi
	done
}

asan=build/address-undefined tsan=build/thread
mapfile -t binaries < <(find $asan/tests/unit $asan/tests/sim -type f -executable -name 'test_*' | sort)
mapfile -t e2e < <(find tests/e2e -name "*.t" ! -name readme.t | sort) # readme.t names the plain build
again $asan "${binaries[@]}" "${e2e[@]}"
again $tsan $tsan/tests/unit/test_{hist,umem,worker,ring,ring_wait,ring_stress,spsc,fanin,mpmc} \
	tests/e2e/{traffic,multiqueue,share}.t
echo "1..$tests"
[ "$failed" -eq 0 ]
