#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The whole suite again under ASan and UBSan, and what has threads under TSan, two files at a time
# (most of them wait most of the time). One line a test file; what a failing one said is behind
# the #. The builds are made by `make sanitized`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

AT_ONCE=2
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
files=() # those begun, each "BUILD FILE"; $said/N is what the Nth said, $said/N.ok that it passed

# run_one N BUILD FILE
run_one() {
	local start=$SECONDS
	XSKIT=$PWD/$2/xskit XSKIT_BUILD=$PWD/$2 timeout -k 5 400 "$3" >"$said/$1" 2>&1 &&
		! grep -qE '^not ok|ERROR: .*Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$said/$1" &&
		touch "$said/$1.ok"
	echo $((SECONDS - start)) >"$said/$1.seconds"
}

# again BUILD FILE...: run test files against the sanitized build
again() {
	local build=$1 file
	shift
	for file; do
		while [ "$(jobs -rp | wc -l)" -ge $AT_ONCE ]; do wait -n; done
		files+=("$build $file")
		run_one ${#files[@]} "$build" "$file" &
	done
}

# In the order in which they began.
report() {
	local n build file failed=0
	for n in $(seq ${#files[@]}); do
		read -r build file <<<"${files[n - 1]}"
		if [ -e "$said/$n.ok" ]; then
			echo "ok $n - ${build##*/}: ${file##*/} ($(cat "$said/$n.seconds") s)"
		else
			failed=1
			echo "not ok $n - ${build##*/}: ${file##*/}"
			grep -vE '^ok' "$said/$n" | tail -n 60 | sed 's/^/# /'
		fi
	done
	echo "1..${#files[@]}"
	return $failed
}

asan=build/address-undefined tsan=build/thread
mapfile -t binaries < <(find $asan/tests/unit $asan/tests/sim -type f -executable -name 'test_*' | sort)
mapfile -t e2e < <(find tests/e2e -name "*.t" ! -name readme.t | sort) # readme.t names the plain build
again $asan "${binaries[@]}" "${e2e[@]}"
again $tsan $tsan/tests/unit/test_{hist,umem,worker,ring,ring_wait,ring_stress,spsc,fanin,mpmc} \
	tests/e2e/{traffic,multiqueue,share}.t
wait
report
