#!/usr/bin/env bash
# Four queues, a socket and a worker each: the kernel's UDP flows spread, and the sums add up.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 4

# flows N COUNT SIZE: UDP datagrams from b to a by the kernel, N sockets, COUNT each
flows() { in_ns b "$root/tests/e2e/udp_peer.pl" send $IP_A 5000 "$@"; }

start rx a "$XSKIT" rx va -j -q 0-3 --poll wait -i 0.1
ready rx
check '64 flows of 50 datagrams' flows 64 50 58
check 'all arrive' until_ok 5 has_counted rx 3200
stop rx
sound rx
summary rx '3,200 packets of 100 bytes' '.packets == 3200 and .bytes == 320000'
summary rx 'four queues, each with packets' \
	'[.queues[].queue] == [0, 1, 2, 3] and all(.queues[]; .packets > 200)'
summary rx 'the queues add up' \
	'(.queues | map(.packets) | add) == .packets and (.queues | map(.bytes) | add) == .bytes'
summary rx 'each queue is accounted for' '.balance.queues | length == 4 and all(.unaccounted == 0)'

# One flow stays on one queue.
start rx a "$XSKIT" rx va -j -q 0-3 --poll wait -i 0.1
ready rx
flows 1 100 10
until_ok 5 has_counted rx 100
stop rx
summary rx 'one flow stays on one queue' '[.queues[] | select(.packets > 0) | .packets] == [100]'

# A part of the queues: the others stay with the kernel.
start rx a "$XSKIT" rx va -j -q 1,3 --poll wait
ready rx
flows 64 10 58
stop rx
sound rx
summary rx 'two of four queues take their part' '[.queues[].queue] == [1, 3] and
	.packets > 100 and .packets < 540 and .packets == (.queues | map(.packets) | add)'

# All queues by default; but never more workers spin than there are CPUs, and that is said.
start rx a "$XSKIT" rx va -j --poll busy -d 1
wait_end rx 5
sound rx
summary rx 'all queues' '[.queues[].queue] == [0, 1, 2, 3]'
if [ "$(nproc)" -le 4 ]; then
	summary rx 'workers that would outnumber the CPUs sleep' '.cost.cpu_s < 0.3 * .duration_s'
	check 'and that is said' grep -qiE '4 queues.*CPU' rx.err
fi

# The peer's queue for an answer is the peer's choice: ping and echo find their packets on any.
for _ in 1 2 3 4; do
	run 0 a "$XSKIT" ping va -j $IP_B --icmp -n 20 -d 3
	check 'ping gets its answers on whatever queue' jq -se 'last | .sent == 20 and .received == 20' run.out
done
start echo a "$XSKIT" echo va -j --ip 10.77.0.9
ready echo
check 'echo answers on all queues' in_ns b "$root/tests/e2e/udp_peer.pl" ask 10.77.0.9 7 20 64
for _ in 1 2 3 4 5 6 7 8; do
	is 'each flow is answered' "$(in_ns b "$root/tests/e2e/udp_peer.pl" ask 10.77.0.9 7 5 64)" 5
done
stop echo
sound echo
done_testing
