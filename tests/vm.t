#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The suites of tests/vm, each in a virtual machine of its own (tools/vm.sh), several at a time.
#   tests/vm.t           the short set: zero-copy and two NUMA nodes, on one kernel
#   tests/vm.t all       every suite on every kernel it is for
#   tests/vm.t K/SUITE.. those: 6.12/zerocopy 7.2/numa 6.1/features@veth
# A suite's own head says what machine and which kernels it wants, and how many seconds at most. What each said stays in
# build/vm/results (XSKIT_VM_CACHE).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
export XSKIT=${XSKIT:-$PWD/build/xskit} XSKIT_BUILD=${XSKIT_BUILD:-$PWD/build}
export XSKIT_E2E_WIRE=tests/vm/wire.sh
results=${XSKIT_VM_CACHE:-build/vm}/results
short=(7.2/zerocopy 7.2/numa)
at_once=${XSKIT_VM_AT_ONCE:-$(nproc)}

for tool in qemu-system-x86_64 busybox; do
	command -v $tool >/dev/null && continue
	echo "1..0 # SKIP $tool is not here and could not be installed (tools/install-deps.sh --vm)"
	exit 0
done

# said SUITE WHAT: a line of its head, `# WHAT: ...`
said() { sed -n "s/^# $2: //p" "tests/vm/$1.sh"; }

has_driver() { [ "$1" = veth ] || qemu-system-x86_64 -device help | grep -q "^name \"$1\""; }

all_runs() {
	local suite kernel driver
	for suite in tests/vm/*.sh; do
		suite=$(basename "$suite" .sh)
		[ -n "$(said "$suite" machine)" ] || continue
		for kernel in $(said "$suite" kernels); do
			if [ -z "$(said "$suite" drivers)" ]; then echo "$kernel/$suite"; fi
			for driver in $(said "$suite" drivers); do
				if has_driver "$driver"; then echo "$kernel/$suite@$driver"; fi
			done
		done
	done
}

# Kernels first, one after the other: what is fetched meanwhile is not part of a suite's time.
fetch_kernels() {
	local kernel
	for kernel in $(printf '%s\n' "${runs[@]%/*}" | sort -uV); do
		if tools/vm-kernel.sh "$kernel" >/dev/null 2>"$results/kernel-$kernel.err"; then
			: >"$results/kernel-$kernel.err"
		else
			sed 's/^/# /' "$results/kernel-$kernel.err"
		fi
	done
}

run_one() {
	local kernel=${1%/*} suite=${1#*/} out=$results/${1/\//-}.tap driver=virtio-net-pci options=() limit
	case $suite in *@*) driver=${suite#*@} suite=${suite%@*} ;; esac
	[ "$driver" = veth ] || options=(-d "$driver")
	export XSKIT_VM_DRIVER=$driver
	limit=${XSKIT_VM_LIMIT:-$(said "$suite" seconds)}
	# shellcheck disable=SC2046  # words
	tools/vm.sh -k "$kernel" -t "${limit:-900}" $(said "$suite" machine) "${options[@]}" "tests/vm/$suite.sh" \
		>"$out.new" 2>"$out.err" &
	trap 'kill $!' TERM
	wait $!
	echo "# exit code $?" >>"$out.new"
	mv "$out.new" "$out"
}

# Its lines under the numbers of the whole; a plan that is missing or wrong is a failure.
tell() {
	local out=$results/${1/\//-}.tap line plan='' n=0
	while read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			n=$((n + 1)) tests=$((tests + 1))
			[[ $line == ok* ]] || failed=$((failed + 1))
			echo "${line%%ok *}ok $tests - $1: ${line#*- }"
			;;
		1..*) plan=${line#1..} ;;
		'#'*) echo "$line" ;;
		esac
	done <"$out"
	[ "$plan" = $n ] && [ $n -gt 0 ] && return
	tests=$((tests + 1)) failed=$((failed + 1))
	echo "not ok $tests - $1: runs to its end"
	{ tail -n 3 "$out" && tail -n 40 "$out.err"; } | sed 's/^/# /'
}

case ${1:-short} in
short) runs=("${short[@]}") ;;
all) mapfile -t runs < <(all_runs) ;;
*) runs=("$@") ;;
esac
mkdir -p "$results"
tests=0 failed=0
# ended early, it ends its machines
machines=()
trap '[ ${#machines[@]} -eq 0 ] || kill "${machines[@]}" 2>/dev/null' EXIT
trap 'exit 143' INT TERM
fetch_kernels
reason=$results/kernel-${short[0]%/*}.err
if [ "${1:-short}" = short ] && [ -s "$reason" ]; then
	echo "1..0 # SKIP $(tail -n 1 "$reason")"
	exit 0
fi
for run in "${runs[@]}"; do
	rm -f "$results/${run/\//-}.tap"
	while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n; done
	run_one "$run" &
	machines+=($!)
done
wait
for run in "${runs[@]}"; do tell "$run"; done
echo "1..$tests"
[ $failed -eq 0 ]
