#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1 -q 4 -c 4
# kernels: 6.1 6.12 6.16 7.2
# NICs with two and four queues: a worker each, whichever way the NIC shares flows out; and their
# number changed while it runs.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"

# flows N COUNT SIZE: UDP datagrams from b to a by the kernel, N sockets, COUNT each
flows() { in_ns b "$root/tests/e2e/udp_peer.pl" send $IP_A 5000 "$@"; }

for queues in 2 4; do
	pair $queues
	start rx a "$XSKIT" rx va -j --poll wait -i 0.1
	ready rx
	flows 32 10 58
	check "$queues queues: all arrive" until_ok 10 has_counted rx 320
	stop rx
	is "$queues queues: exit code" "$rc" 0
	sound rx
	summary rx "$queues queues, a worker each" "[.queues[].queue] == [range($queues)]"
	summary rx 'their packets add up' '.packets >= 320 and (.queues | map(.packets) | add) == .packets'
	summary rx 'flows are spread' '[.queues[] | select(.packets > 0)] | length >= 2'
	start rx a "$XSKIT" rx va -j --poll wait -q 0
	ready rx
	flows 32 10 58
	stop rx
	sound rx
	summary rx 'one queue takes its part only' '.packets < 320 and [.queues[].queue] == [0]'
	start echo a "$XSKIT" echo va -j --ip 10.77.0.9 --poll wait
	ready echo
	for _ in 1 2 3; do
		is "$queues queues: each flow is answered" \
			"$(in_ns b "$root/tests/e2e/udp_peer.pl" ask 10.77.0.9 7 5 64)" 5
	done
	stop echo
	sound echo
	unpair
done

# --- ethtool -L while it runs ---
pair 4
# A driver may refuse while there is a program, or a zero-copy socket; then there is nothing to tell.
change() { in_ns a ethtool -L va combined "$1" 2>ethtool.err; }
for mode in skb native; do
	start rx a "$XSKIT" rx va -j --poll wait --mode $mode --bind copy
	ready rx
	if change 2; then
		check "$mode: fewer queues are noticed" until_ok 5 grep -q \
			'^xskit: note: va has 2 queues now, not 4: nothing comes on queue 2 and above$' rx.err
		change 4
		check "$mode: more queues are noticed" until_ok 5 grep -q \
			'^xskit: note: va has 4 queues now, not 2: start again to have workers on all$' rx.err
	else
		pass "$mode: the kernel refuses another number of queues: $(tail -n 1 ethtool.err)"
		is "$mode: and they are what they were" \
			"$(in_ns a ethtool -l va | sed -n 's/^Combined:[[:space:]]*//p' | tail -n 1)" 4
	fi
	check "$mode: it goes on" alive rx
	flows 32 10 58
	stop rx
	is "$mode: exit code" "$rc" 0
	sound rx
	summary rx "$mode: and receives" '.packets >= 160'
	change 4
done
check 'the kernel is content' kernel_is_content
done_testing
