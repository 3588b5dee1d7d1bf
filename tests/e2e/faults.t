#!/usr/bin/env bash
# What goes wrong while it runs: signals, kills, links and interfaces that go, a receiver that stops.
# shellcheck source=tests/e2e/lib.sh
limit=180
. "$(dirname "$0")/lib.sh"

# begin NAME COMMAND...: it runs in a
begin() {
	local name=$1
	shift
	start "$name" a "$XSKIT" "$@" -j -i 0.1
	ready "$name"
}
declare -A commands=([rx]='rx va' [echo]="echo va --ip 10.77.0.9" [ping]="ping va $IP_B --icmp"
	[gen]="gen va --dst-mac $MAC_B --engine xsk --rate 1000"
	[kernel]="gen va --dst-mac $MAC_B --engine kernel --rate 1000")

# --- SIGINT and SIGTERM: under a second, with the summary ---
pair 1
in_ns b ethtool -K vb gro on
for name in rx echo ping gen kernel; do
	for signal in INT TERM; do
		# shellcheck disable=SC2086  # words
		begin $name ${commands[$name]} || continue
		stop $name $signal
		is "$name, SIG$signal: exit code" "$rc" 0
		is "$name, SIG$signal: in under a second ($took_ms ms)" $((took_ms < 1000 * slow)) 1
		sound $name
	done
done
# While it starts it may die of the signal, or end as above: nothing is left attached either way.
left=''
for delay in 0.0{02..60..3}; do
	in_ns a timeout "$delay" "$XSKIT" rx va --attach libxdp >start.out 2>&1
	no_xdp a va || { left+=" $delay" && in_ns a xdp-loader unload va --all; }
done
is 'SIGTERM while it starts: no program is left' "$left" ''
for poll in busy wait; do
	begin rx rx va --poll $poll
	stop rx
	is "rx --poll $poll: in under a second ($took_ms ms)" $((took_ms < 1000 * slow)) 1
	sound rx
done

# --- SIGKILL, 50 times: no program is left, the next start works at once ---
bad=0
for i in {1..50}; do
	start rx a "$XSKIT" rx va -j
	until_ok 10 started_or_dead rx
	started rx || { bad="$i: no start: $(cat rx.err)" && break; }
	[ $((i % 2)) -eq 0 ] || udp 64 | blast 50
	stop rx KILL
	[ $((i % 5)) -ne 0 ] || until_ok 2 no_xdp a va || { bad="$i: program left" && break; }
done
is '50 times kill -9 and start again' "$bad" 0
begin rx rx va
udp 64 | blast 500
check 'and it receives' until_ok 5 has_counted rx 500
stop rx
sound rx
check 'no program is left' until_ok 2 no_xdp a va

# --- the link goes down and comes up again ---
for side in a b; do
	begin rx rx va
	udp 64 | blast 200
	check "link of $side: before" until_ok 5 has_counted rx 200
	ip -n $side link set v$side down
	sleep 0.5
	check "link of $side down: it goes on" alive rx
	ip -n $side link set v$side up
	sleep 0.2
	udp 64 | blast 200
	check "link of $side up again: it receives" until_ok 5 has_counted rx 400
	stop rx
	is "link of $side: exit code" "$rc" 0
	sound rx
done
begin gen gen va --dst-mac $MAC_B --engine xsk --rate 10000
ip -n a link set va down
sleep 0.3
ip -n a link set va up
before=$(counter b vb rx_packets)
sleep 0.5
is 'gen goes on after its link was down' $(($(counter b vb rx_packets) - before > 2000)) 1
stop gen
is 'gen: exit code' "$rc" 0
sound gen

# --- SIGSTOP for 5 s while traffic comes: it goes on, and all is accounted for ---
begin rx rx va
kill -STOP "${pid[rx]}"
udp 64 | blast 20000
sleep 5
kill -CONT "${pid[rx]}"
sleep 0.3
before=$(counted rx)
udp 64 | blast 500
check 'stopped for 5 s and continued: it receives' until_ok 5 has_counted rx $((before + 500))
stop rx
is 'exit code' "$rc" 0
sound rx
summary rx 'all 20,500 are received or dropped by name' '.xdp.redirected == 20500 and
	.packets + .drops.rx_dropped + .drops.rx_ring_full == 20500'
begin echo echo va --ip 10.77.0.9
kill -STOP "${pid[echo]}"
in_ns b ping -q -f -c 500 -w 1 10.77.0.9 >ping.out
kill -CONT "${pid[echo]}"
sleep 0.3
check 'echo stopped and continued answers' in_ns b ping -c 1 -W 1 10.77.0.9
stop echo
sound echo

# --- the interface goes: deleted itself, or with its peer ---
for command in rx echo ping gen kernel; do
	for victim in va vb; do
		# shellcheck disable=SC2086  # words
		begin $command ${commands[$command]} || continue
		ip -n ${victim#v} link del $victim
		wait_end $command 10
		is "$command, $victim deleted: exit code" "$rc" 1
		is "$command, $victim deleted: within 2 s ($took_ms ms)" $((took_ms < 2000 * slow)) 1
		is "$command, $victim deleted: one line, with the reason" \
			"$(grep -v '^xskit: note: ' $command.err | sed 's/^xskit: .*va.*/reason/')" reason
		check "$command, $victim deleted: not blamed on the program" eval "! grep -q 'XDP program' $command.err"
		unpair
		pair 1
		in_ns b ethtool -K vb gro on
	done
done

# --- the program is taken off under a run ---
begin rx rx va
check 'the link keeps the program: ip cannot take it off' eval '! ip -n a link set dev va xdp off'
stop rx
sound rx
done_testing
