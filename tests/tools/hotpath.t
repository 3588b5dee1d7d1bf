#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The functions every packet goes through, as compiled: no division, no locked instruction, no call
# of the allocator, of a lock or of the kernel.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
tool=${XSKIT:-build/xskit}

tests=0 failed=0
report() {
	tests=$((tests + 1))
	if [ "$1" = ok ]; then
		echo "ok $tests - $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $2"
		echo "# ${3//$'\n'/$'\n'# }"
	fi
}

# What a hot function must not have, among the instructions of FUNCTION; linked, so that calls have names.
code() { objdump -d --no-show-raw-insn --disassemble="$1" "$tool" | grep -P '^\s+[0-9a-f]+:'; }
forbidden() {
	grep -P '\t(i?div|lock |syscall)|call.*<(malloc|calloc|realloc|free|pthread_|sendto|recvfrom|ppoll)' <<<"$1"
}

for function in xk_port_rx xk_port_tx xk_port_reap xk_port_recycle lane_step answer_frame packet_parse; do
	text=$(code $function)
	bad=$(forbidden "$text")
	[ -n "$text" ] || bad="no code of $function in $tool"
	report "$([ -z "$bad" ] && echo ok)" "$function: no division, lock, allocation or system call" "$bad"
done

# The check itself: what wakes the kernel calls it, and must be caught.
report "$([ -n "$(forbidden "$(code xk_port_kick)")" ] && echo ok)" 'xk_port_kick is seen to call the kernel' ''
echo "1..$tests"
[ "$failed" -eq 0 ]
