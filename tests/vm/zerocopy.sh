#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1
# kernels: 6.1 6.12 6.16 7.2
# Zero-copy where the driver has it: both ways, seen as such, and survived by the kernel when
# processes, links and the NIC itself go. Where it has none: copy, and said so.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"

begin() {
	local name=$1 ns=$2
	shift 2
	start "$name" "$ns" "$XSKIT" "$@" -j -i 0.1
	ready "$name"
}

# --- a driver without it: virtio_net before 6.13 ---
pair
if ! kernel_from 6.16; then
	begin rx a rx va --mode native
	udp 64 | blast 200
	check 'auto falls back to copy and receives' until_ok 5 has_counted rx 200
	stop rx
	sound rx
	summary rx 'copy, and says so' '.effective.bind == "copy" and .effective.attach == "native" and .requested.bind == "auto"'
	run 1 a "$XSKIT" rx va -d 1 --bind zerocopy
	one_line 'zero-copy that is not there' 'va queue 0: the driver has no zero-copy.*Operation not supported.*--bind auto'
	run 3 a "$XSKIT" rx va -d 1 --require zerocopy
	one_line 'zero-copy that is required' 'zerocopy was not granted on va'
	check 'the kernel is content' kernel_is_content
	done_testing
fi

# --- rx ---
for bind in auto zerocopy; do
	begin rx a rx va --bind $bind --require native,zerocopy
	udp 64 | blast 2000
	check "rx --bind $bind receives" until_ok 5 has_counted rx 2000
	stop rx
	is "rx --bind $bind: exit code" "$rc" 0
	sound rx
	summary rx 'zero-copy, and says so' '.effective.bind == "zerocopy" and .effective.attach == "native"'
done
begin rx a rx va --bind copy
udp 64 | blast 200
check 'rx --bind copy receives' until_ok 5 has_counted rx 200
stop rx
sound rx
summary rx 'copy where copy is asked for' '.effective.bind == "copy"'

# --- gen ---
before=$(counter b vb rx_packets)
run 0 a "$XSKIT" gen va --engine xsk --bind zerocopy --dst-mac $MAC_B -n 2000 --rate 20000 -j
summary run 'gen in zero-copy' '.effective.bind == "zerocopy" and .packets == 2000 and .completed == 2000'
check 'all of it arrives' eval "until_ok 5 eval '[ \$((\$(counter b vb rx_packets) - $before)) -ge 2000 ]'"

# virtio_net sends from a NAPI that busy polling does not run
run 0 a "$XSKIT" gen va --engine xsk --bind zerocopy --poll busy --dst-mac $MAC_B -n 500 --rate 2000 -j
summary run 'gen, busy polling: all is sent' '.packets == 500 and .completed == 500 and .effective.busy_poll == false'
check 'and that it does not engage is told' grep -q '^xskit: note: --poll busy: ' run.err
run 3 a "$XSKIT" gen va --engine xsk --bind zerocopy --poll busy --dst-mac $MAC_B -d 2 --rate 2000 --require busypoll
check 'and refused where it is required' grep -q '^xskit: --require: busypoll was not granted on va' run.err
begin rx a rx va --bind zerocopy --poll busy
udp 64 | blast 500
check 'rx, busy polling' until_ok 5 has_counted rx 500
stop rx
sound rx
summary rx 'where it does engage' '.effective.busy_poll'

begin echo a echo va --ip 10.77.0.9 --bind zerocopy --poll busy
check 'echo, busy polling: it answers' in_ns b ping -c 5 -i 0.2 -W 10 10.77.0.9
check 'also frames as long as the MTU' in_ns b ping -c 5 -i 0.2 -W 10 -s 1472 10.77.0.9
stop echo
sound echo
summary echo 'all answers left' '.balance.sum.application | .sent >= 5 and .sent == .completed'

begin rx a rx va --frame-size 2048
stop rx
summary rx 'in frames too small for them: copy' '.effective.bind == "copy"'
begin rx a rx va --frame-size 2048 --bind zerocopy
stop rx
check 'or, asked for, zero-copy with a warning' grep -q '^xskit: note: va: queue 0: packets above 1408 bytes may be lost' rx.err

# --- echo and ping, zero-copy at both ends ---
begin echo a echo va --ip 10.77.0.9 --bind zerocopy
run 0 b "$XSKIT" ping vb 10.77.0.9 --udp --bind zerocopy --rate 200 -n 100 -j
summary run 'ping in zero-copy: all answered' '.received == 100 and .lost == 0 and .effective.bind == "zerocopy"'
sound run
run 0 b "$XSKIT" ping vb 10.77.0.9 --icmp --rate 200 -n 100 -j
summary run 'and by itself: all answered' '.received == 100 and .effective.bind == "zerocopy"'
check "the kernel's ping is answered" in_ns b ping -c 2 -W 5 10.77.0.9
stop echo
sound echo
summary echo 'echo in zero-copy' '.effective.bind == "zerocopy"'

# --- what is left to the kernel reaches it while zero-copy runs ---
begin rx a rx va --match 'udp dst port 5000'
check 'packets that are passed reach the kernel' in_ns b ping -c 3 -i 0.2 -W 5 $IP_A
stop rx
sound rx

# --- kill -9 under traffic ---
bad=0
for i in {1..10}; do
	start rx a "$XSKIT" rx va -j --bind zerocopy
	until_ok 10 started_or_dead rx
	started rx || { bad="$i: no start: $(cat rx.err)" && break; }
	udp 64 | blast 50
	stop rx KILL
done
is '10 times kill -9 and start again' "$bad" 0
check 'no program is left' until_ok 2 no_xdp a va
check "the kernel's own packets flow again" in_ns b ping -c 2 -W 5 $IP_A

# --- the link goes down and comes up again ---
for side in a b; do
	begin rx a rx va --bind zerocopy
	udp 64 | blast 200
	check "link of $side: before" until_ok 5 has_counted rx 200
	ip -n $side link set v$side down
	sleep 0.5
	check "link of $side down: it goes on" alive rx
	ip -n $side link set v$side up
	sleep 0.5
	udp 64 | blast 200
	check "link of $side up again: it receives" until_ok 5 has_counted rx 400
	stop rx
	is "link of $side: exit code" "$rc" 0
	sound rx
done

# --- the NIC is pulled out ---
begin rx a rx va --bind zerocopy
udp 64 | blast 200
check 'before it goes' until_ok 5 has_counted rx 200
echo 'device_del n0a' >/dev/vm/monitor
wait_end rx 30
is 'NIC pulled out: exit code' "$rc" 1
is 'NIC pulled out: one line, with the reason' "$(grep -v '^xskit: note: ' rx.err | sed 's/^xskit: .*va.*/reason/')" reason
check 'it is gone' until_ok 20 eval '! ip -n a link show va'
check 'the kernel is content' kernel_is_content
done_testing
