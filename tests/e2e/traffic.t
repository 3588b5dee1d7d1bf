#!/usr/bin/env bash
# trafgen sends exactly N known frames: rx counts N packets and all their bytes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1

# Bursts stay below the RX ring, so that a slow machine loses none either.
start rx a "$XSKIT" rx va -j -i 0.1
ready rx
for size in 42 60 64 65 128 777 1500 1514; do udp $size; done | blast 1600
udp6 62 | blast 500
udp6 1400 | blast 500
echo "{ eth(da=$MAC_A, sa=$MAC_B), vlan(id=5), ipv4(sa=$IP_B, da=$IP_A), udp(sp=1, dp=2), fill(0, 22) }" |
	blast 100
packets=$((1600 + 500 + 500 + 100))
bytes=$((200 * (42 + 60 + 64 + 65 + 128 + 777 + 1500 + 1514) + 500 * (62 + 1400) + 100 * 68))
check 'interval lines count them as they come' until_ok 5 has_counted rx $packets
stop rx
is 'SIGINT: exit code' "$rc" 0
is 'nothing on stderr' "$(cat rx.err)" ''
sound rx
summary rx "$packets packets" ".packets == $packets"
summary rx "$bytes bytes" ".bytes == $bytes"
summary rx 'no drops' '.drops | length == 6 and add == 0'
summary rx 'rates follow from counts' '(.pps * .duration_s - .packets | fabs) < 2 and
	(.bps * .duration_s - 8 * .bytes | fabs) < 16'
summary rx 'what it cost' '.cost | .cpu_s > 0 and .softirq_s >= 0 and .ns_per_packet > 0 and
	.syscalls_per_packet >= 0'
summary rx 'requested and effective have the same keys' '(.effective | keys) == (.requested | keys)'
summary rx 'native, own program, copy' '.effective |
	.attach == "native" and .program == "own" and .bind == "copy"'
check 'the program is gone' until_ok 2 no_xdp a va

# Sent in one go before the end: what lies in the ring is received, not left.
start rx a "$XSKIT" rx va -j --poll wait
ready rx
udp 64 | blast 1000
stop rx TERM
is 'SIGTERM: exit code' "$rc" 0
sound rx
summary rx 'packets that came just before the end are counted' '.packets == 1000'

# -n and -d end it; -n is exact although more is on its way.
start rx a "$XSKIT" rx va -j -n 100
ready rx
udp 64 | blast 300
wait_end rx 5
is '-n 100: exit code' "$rc" 0
summary rx '-n 100 takes 100' '.packets == 100 and .bytes == 6400'
sound rx
start rx a "$XSKIT" rx va -j -d 0.5
ready rx
wait_end rx 5
is '-d 0.5: exit code' "$rc" 0
summary rx '-d 0.5 lasts as long' '.duration_s >= 0.5 and .duration_s < 0.8'

# SKB mode, through ip netns exec (no bpffs in sight), and text.
start rx a ip netns exec a "$XSKIT" rx va -j --mode skb
ready rx
udp 64 | blast 500
udp 1514 | blast 500
stop rx
sound rx
summary rx 'skb mode counts the same' \
	'.effective.attach == "skb" and .packets == 1000 and .bytes == 500 * (64 + 1514)'
run 0 a "$XSKIT" rx va -d 0.3
check 'text: one screen' test "$(wc -l <run.out)" -lt 40
check 'text: packets are named' grep -qi packets run.out
is 'text: no JSON' "$(grep -c '{' run.out)" 0
done_testing
