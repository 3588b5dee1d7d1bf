#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The example programs do what they say, and are short.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build=${XSKIT_BUILD:-$root/build}
pair 1

has_socket() { in_ns a "$XSKIT" status va -j | jq -e '.queues_with_socket == [0]'; }

for example in "$root"/examples/*.c; do
	check "${example##*/} is under 60 lines" test "$(wc -l <"$example")" -lt 60
done

start count a "$build/examples/count" va 1000
check 'count attaches' until_ok 5 has_socket
udp 100 | blast 1000
wait_end count 5
is 'count ends' "$rc" 0
is 'count counts' "$(cat count.out)" '1000 packets, 100000 bytes'
check 'count leaves nothing attached' until_ok 2 no_xdp a va

start reflect a "$build/examples/reflect" va 1000
check 'reflect attaches' until_ok 5 has_socket
before=$(counter b vb rx_packets)
udp 100 | blast 1000
wait_end reflect 5
is 'reflect ends' "$rc" 0
is 'reflect says so' "$(cat reflect.out)" '1000 frames sent back'
after=$(counter b vb rx_packets)
check 'they came back' test $((after - before)) -ge 1000
check 'reflect leaves nothing attached' until_ok 2 no_xdp a va
run 2 a "$build/examples/count"
done_testing
