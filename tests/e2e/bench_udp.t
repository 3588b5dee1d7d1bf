#!/usr/bin/env bash
# bench udp: every way to send and receive, counted as the kernel counts; what is refused; and that
# batches and trains are worth it.
limit=300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1

udp=("$XSKIT" bench udp)

# kernel NS: this namespace's counters as JSON, IPv4 and IPv6 together
kernel() {
	in_ns "$1" cat /proc/net/snmp /proc/net/snmp6 | jq -Rsc '[split("\n")[] | split(" ") | map(select(. != ""))] as $l |
		($l | map(select(.[0] == "Udp:"))) as [$names, $values] |
		([$names[1:], $values[1:]] | transpose | map({(.[0]): (.[1] | tonumber)}) | add) as $v4 |
		($l | map(select((.[0] // "") | startswith("Udp6")) | {(.[0][4:]): (.[1] | tonumber)}) | add) as $v6 |
		[$v4, $v6] | map({InDatagrams, OutDatagrams, RcvbufErrors, InErrors, NoPorts}) |
		[.[] | to_entries[]] | group_by(.key) | map({(.[0].key): (map(.value) | add)}) | add'
}

# loop NAME ARGS...: a loopback run in namespace a; the kernel's counters around it in $T/NAME.kernel
loop() {
	local name=$1 before
	shift
	before=$(kernel a)
	in_ns a timeout $((20 * slow)) "${udp[@]}" -j "$@" >"$name.out" 2>"$name.err"
	rc=$?
	is "bench udp $*: exit code 0" $rc 0
	jq -nc --argjson a "$before" --argjson b "$(kernel a)" \
		'$b | with_entries(.value -= $a[.key])' >"$name.kernel"
}

# exact NAME: each packet in one place, and the kernel counted the same
exact() {
	summary "$1" 'each packet is in one place' '.balance.unaccounted == 0 and
		.balance.worker.unsent == 0 and .sent == .balance.application.made'
	summary "$1" "the kernel's own counters say the same" "$(cat "$1.kernel") as \$k |
		.sent_messages == \$k.OutDatagrams and .received_messages == \$k.InDatagrams and
		.kernel_drops == \$k.RcvbufErrors and \$k.InErrors == \$k.RcvbufErrors and
		.kernel.in_datagrams == \$k.InDatagrams and .kernel.out_datagrams == \$k.OutDatagrams"
}
ordered='.count > 0 and .min <= .p50 and .p50 <= .p90 and .p90 <= .p99 and .p99 <= .p99_9 and
	.p99_9 <= .p99_99 and .p99_99 <= .max and .min > 0 and .mean >= .min and .mean <= .max'

# --- help, usage ---

run 0 a "$XSKIT" bench --help
check 'bench --help names the experiment' grep -qE '^ *udp ' run.out
run 0 a "${udp[@]}" --help
for option in workers duration packets port size rate batch api gso gro app ring-size buffer poll \
	cpu fifo mlock busy-poll timeout interval json; do
	check "help names --$option" grep -q -- "--$option" run.out
done
# bad RC RE ARGS...
bad() {
	run "$1" a "${udp[@]}" "${@:3}"
	one_line "bench udp ${*:3}: says why" "$2"
	is 'nothing on stdout' "$out" ''
}
bad 2 'loopback send recv echo ping' listen
bad 2 "'localhost' is not valid" ping localhost
bad 2 'ADDRESS of the other side' send
bad 2 'ADDRESS of the other side' ping
bad 2 'number from 1 to 65507' --size 0
bad 2 'number from 1 to 65507' --size 65508
bad 2 '32 bytes' ping 127.0.0.1 --size 31
bad 2 'number from 1 to 64' --batch 0
bad 2 'number from 1 to 64' --batch 65
bad 2 'mmsg epoll io_uring zerocopy' --api dpdk
bad 2 'number from 1 to 65535' --port 65536
bad 2 'number from 1 to 65535' --port 0
bad 2 'above 65535' --port 65530 --workers 7
bad 2 'number from 1' --workers 0
bad 2 'power of two' --ring-size 100
bad 2 'adaptive busy wait' --poll never
bad 2 'number from 1 to 99' --fifo=100
bad 2 'higher rate' --rate 1 --workers 2
bad 2 'CPU 999' --cpu 999
bad 1 'ADDRESS of this host' recv 192.0.2.1
bad 1 'is there a route' send 192.0.2.1
start holder a perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp",
	LocalPort => 9001) or die; $| = 1; print "{\"type\":\"start\"}\n"; sleep 60'
ready holder
bad 1 'port 9001.*in use.*ss -lunp' --workers 2
stop holder KILL

# A kernel that lets nobody have io_uring: the system call is refused in this process only.
cat >refuse.pl <<'PERL'
# load the number; 425 (io_uring_setup) is EPERM, the others go through
my $filter = pack('SCCL' x 4, 0x20, 0, 0, 0, 0x15, 0, 1, 425, 6, 0, 0, 0x00050001, 6, 0, 0, 0x7fff0000);
syscall(157, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
syscall(157, 22, 2, pack('Sx![P]P', 4, $filter)) == 0 or die "seccomp: $!";
exec @ARGV;
PERL
run 1 a perl refuse.pl "${udp[@]}" --api io_uring
one_line 'io_uring that is not permitted' 'io_uring.*not permitted.*--api mmsg'

# --- every way moves 100,000 numbered datagrams, and the kernel counts the same ---

n=$((100000 / slow))
# all_of ARGS...: a run of which nothing is lost; slower if the machine has no time for it
all_of() {
	local rate
	for rate in 200000 100000 25000; do
		loop way -n $n --rate $((rate / slow)) --ring-size 65536 "$@"
		exact way
		[ "$(get way .received)" != $n ] || break
	done
	summary way "$*: all $n come, in order" ".sent == $n and .received == $n and .errors == 0 and
		.ring_drops == 0 and .kernel_drops == 0 and .missing == 0 and .reordered == 0 and
		.foreign == 0 and .cut == 0 and .bytes == 64 * $n and .packets == $n and .ended == \"packets\""
	summary way 'latencies in order, one each' "(.latency_ns | $ordered) and .latency_ns.count == $n"
}
for api in mmsg epoll io_uring zerocopy; do
	all_of --api $api
	all_of --api $api --gso --gro
	summary way 'trains, and received as trains' ".effective.gso and .sent_messages < $n and
		.effective.gro and .received_messages == .sent_messages"
done
all_of --gso
summary way 'trains' ".effective.gso and .sent_messages < $n"
all_of --gro
all_of --app inline --poll wait loopback ::1
summary way 'over IPv6, one thread a worker' '.app == "inline"'
all_of --workers 3
check 'three workers on fewer CPUs are warned of' grep -q 'note: 6 workers on' way.err
summary way 'each has a port and traffic of its own' '(.queues | length == 6 and
	(map(.port) | unique | length) == 3 and (map(select(.role == "recv").packets) | max - min <= 1))'
loop large --size 65507 -n 500 --rate 2000
exact large
summary large 'the largest datagram' '.received == 500 and .bytes == 500 * 65507 and .cut == 0'
loop small --size 1 -n 500 --rate 5000
summary small 'the smallest carries no stamp' '.received == 500 and .foreign == 500 and .latency_ns.count == 0'

# --- too much: what is dropped is counted where it is dropped ---

for how in '--buffer 4096' '--buffer 4096 --gso' '--buffer 4096 --api epoll' '--buffer 4096 --api io_uring' \
	'--buffer 4096 loopback ::1'; do
	# shellcheck disable=SC2086  # two words
	loop drops -d 0.25 $how
	exact drops
	summary drops "$how: the socket's buffer was full" '.kernel_drops > 0 and .effective.receive_buffer_bytes == 4096
		and .sent == .received + .ring_drops + .kernel_drops'
done
loop ring -d 0.25 --ring-size 4 --size 1000
exact ring
summary ring 'our own ring was full' '.ring_drops > 0 and .sent == .received + .ring_drops + .kernel_drops'
summary ring 'what is dropped is missing, or came last' '.missing <= .ring_drops + .kernel_drops and .missing > 0'

# --- between two namespaces ---

# what waits for a neighbour to be resolved is overtaken by what comes after
for ip in $IP_A $IP6_A; do check "$ip is resolved" in_ns b ping -q -c 1 -W 2 "$ip"; done
start recv a "${udp[@]}" recv -j --workers 2 -i 0.1
ready recv
in_ns b "${udp[@]}" send $IP_A -j --workers 2 -n 20000 --rate 40000 >send.out
summary send 'sends 20,000' '.sent == 20000 and .errors == 0 and .interface == "vb"'
in_ns b "${udp[@]}" send $IP6_A -j --workers 2 -n 20000 --rate 40000 --gso --size 1000 >send.out
summary send 'and 20,000 as trains, over IPv6' '.sent == 20000 and .errors == 0 and .effective.gso'
check 'all are received' until_ok 5 has_counted recv 40000
stop recv
is 'SIGINT: exit code 0' "$rc" 0
summary recv 'from two senders each, in order' '.received == 40000 and .missing == 0 and .reordered == 0 and
	.ended == "signal" and (.queues | map(.packets) == [20000, 20000]) and (.latency_ns | .count == 40000)'
in_ns b "${udp[@]}" send $IP_A -j -n 100 --rate 1000 --gso --size 5000 >send.out 2>send.err
summary send 'no trains of what exceeds the MTU' '.requested.gso and (.effective.gso | not) and .sent == 100'
check 'told in a note' grep -q 'note: no UDP_SEGMENT' send.err
summary send 'nobody is there: told by the network' '.receive_errors > 0 and .last_error == "Connection refused"'

# Two processes share a port, flow by flow.
for i in 1 2; do start share$i a "${udp[@]}" recv -j; done
ready share1
ready share2
for _ in {1..16}; do in_ns b "${udp[@]}" send $IP_A -j -n 100 >/dev/null; done
stop share1
stop share2 TERM
is 'two receivers of one port share what comes' "$(($(get share1 .received) + $(get share2 .received)))" 1600
summary share1 'both had some' '.received > 0 and .received < 1600'

# --- echo and ping ---

for api in mmsg epoll io_uring zerocopy; do
	start echo a "${udp[@]}" echo -j --api $api
	ready echo
	in_ns b "${udp[@]}" ping $IP_A -j --api $api -n 1000 >ping.out 2>ping.err
	summary ping "$api: 1,000 there and back" '.sent == 1000 and .received == 1000 and .lost == 0 and .duplicates == 0'
	summary ping 'times in order' "(.rtt_ns | $ordered) and (.service_ns | $ordered) and .rtt_ns.count == 1000"
	in_ns b "${udp[@]}" ping $IP6_A -j --api $api --app inline --rate 2000 -d 0.4 >open.out 2>ping.err
	summary open 'open loop over IPv6' "(.sent - 800 | fabs) <= $((200 * slow)) and .received == .sent and .lost == 0"
	summary open 'from the intended time' '.rtt_ns.mean >= .service_ns.mean - 1'
	stop echo TERM
	is 'SIGTERM: exit code 0' "$rc" 0
	summary echo 'all were answered' ".received >= $((1800 - 200 * slow)) and .sent == .received and .errors == 0"
done
start echo a "$root/tests/e2e/udp_peer.pl" echo 0.0.0.0 9000 10 0 0
until_ok 5 grep -q ready echo.out
in_ns b "${udp[@]}" ping $IP_A -j --rate 2000 -n 1000 >ping.out
summary ping 'what a peer drops is lost' '.sent == 1000 and .received == 900 and .lost == 100'
stop echo TERM
run 1 b "${udp[@]}" ping $IP_A -j --timeout 0.3
one_line 'a peer that never comes' 'nobody answers at port 9000'
check 'and the summary is there' jq -se 'last | .type == "summary" and .received == 0 and .ended == "no peer"' run.out
start echo a "${udp[@]}" echo -j
ready echo
start ping b "${udp[@]}" ping $IP_A -j --rate 1000 --timeout 0.5 -i 0.1
ready ping
check 'it is answered' until_ok 10 has_counted ping 1
stop echo KILL
wait_end ping 10
is 'a peer that dies in the middle: exit code 1' "$rc" 1
check 'says so' grep -q 'does not answer any more' ping.err
for mode in recv echo; do
	run 1 b "${udp[@]}" $mode -j -d 0.2
	one_line "$mode: nobody came while it was there" 'nothing came to port 9000'
	run 1 b "${udp[@]}" $mode -j -n 10 --timeout 0.2
	one_line "$mode: nobody came in time" 'nothing came to port 9000.*udp send'
done
check 'and the summary is there' jq -se 'last | .type == "summary" and .received == 0 and .ended == "no peer"' run.out
start recv a "${udp[@]}" recv -j -n 100 --timeout 0.5
ready recv
in_ns b "${udp[@]}" send $IP_A -j -n 10 >/dev/null
wait_end recv 10
is 'a sender that stops in the middle: exit code 1' "$rc" 1
check 'says so' grep -q 'nothing comes to port 9000 any more' recv.err

# --- what may be refused ---

loop granted -d 0.2 --mlock --fifo=5 --busy-poll 50
summary granted 'root gets FIFO, locked memory and its buffers' '.effective | .fifo == 5 and .mlock and .pinned and
	.receive_buffer_bytes == 16777216 and .send_buffer_bytes == 16777216'
summary granted 'busy polling needs a NAPI' '.requested.busy_poll and .effective.busy_poll_us == 50 and
	(.effective.busy_poll | not)'
check 'told in a note' grep -q 'note: busy polling was accepted' granted.err
install -m 755 "$XSKIT" "$T/xskit"
run 0 a setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
	bash -c 'ulimit -l 64; ulimit -r 0; exec "$@"' - "$T/xskit" bench udp -j -d 0.2 --mlock --fifo --busy-poll 50 --ring-size 16
check 'nobody gets none of it, and runs' jq -se 'last | .received > 0 and (.requested | .fifo == 10 and .mlock) and
	(.effective | .fifo == 0 and (.busy_poll | not) and .receive_buffer_bytes < 16777216)' run.out
if [ "$slow" -gt 1 ]; then
	skip 'note: memory is not locked' 'under a sanitizer mlock() does nothing, and says it did'
else
	check 'nor is its memory locked' jq -se 'last | .effective.mlock | not' run.out
	check 'note: memory is not locked' grep -q 'note: memory is not locked' run.err
fi
for what in 'socket buffers' 'no SCHED_FIFO' 'no busy polling'; do
	check "note: $what" grep -q "note: $what" run.err
done

# --- the lines ---

loop lines -d 0.5 -i 0.1
is 'lines: start, intervals, results, summary' "$(jq -r .type lines.out | uniq | paste -sd ' ')" \
	'start interval result summary'
check 'rows and their types' jq -se 'map(select(.type == "result")) | length == 2 and
	all(.experiment == "udp" and (.role | IN("send", "recv")) and .api == "mmsg" and .batch == 64 and
	([.worker, .port, .cpu, .packets, .bytes, .pps, .errors, .ring_drops, .kernel_drops] | all(type == "number")))' lines.out
summary lines 'fields and their types' '.command == "bench udp" and .interface == "lo" and .workers == 1 and
	([.duration_s, .packets, .bytes, .pps, .bps, .sent, .received, .errors, .ring_drops, .kernel_drops,
	.cost.cpu_s, .cost.softirq_s, .cost.ns_per_packet, .cost.syscalls_per_packet] | all(type == "number")) and
	(.pps - .packets / .duration_s | fabs) < 1 and (.requested | keys) == (.effective | keys)'
in_ns a "${udp[@]}" -d 0.2 >text.out
check 'the text has a line a lane' grep -qE '^recv +0 +9000 ' text.out
check 'and the sums' grep -qE '^sent [0-9]+, received [0-9]+, errors 0, ring drops' text.out
for signal in INT TERM; do
	start loop a "${udp[@]}" -j -d 60
	ready loop
	stop loop $signal
	is "loopback, SIG$signal: exit code 0" "$rc" 0
	summary loop 'a summary that adds up' '.ended == "signal" and .balance.unaccounted == 0 and
		.sent == .received + .ring_drops + .kernel_drops'
done
start loop a "${udp[@]}" -j -d 60
ready loop
stop loop KILL
is 'nothing is left, also after SIGKILL' "$(find /dev/shm -type f | wc -l; pgrep -fc "^$XSKIT bench udp")" $'0\n0'

# --- what must hold: batches and trains are worth it ---

# speed NAME ARGS...: packets a CPU second, once more. At full speed the CPUs are the limit, so it is
# also what decides how many come a second; but others' work and the host's do not show in it.
speed() {
	in_ns a "${udp[@]}" -j -d 0.15 "${@:2}" >speed.out 2>/dev/null &&
		get speed '1e9 / .cost.ns_per_packet' >>"$1.speed"
}
rounds() {
	rm -f one.speed many.speed gso.speed
	for _ in 1 2 3 4 5 6 7; do
		speed one --batch 1
		speed many --batch 64
		speed gso --batch 64 --gso
	done
}
# Of seven rounds each, the best and the worst left out: somebody else may have had the CPUs.
judge() { jq -ne --slurpfile a "$1.speed" --slurpfile b "$2.speed" "(\$a | sort) as \$a | (\$b | sort) as \$b |
	(\$a | length) == 7 and (\$b | length) == 7 and $3"; }
beyond_spread() { judge "$1" "$2" "\$a[1] > \$b[-2]"; }
at_least() { judge "$1" "$2" "\$a[3] >= $3 * \$b[3]"; }
held() { beyond_spread many one && at_least gso one 2; }
if [ "$slow" -gt 1 ]; then
	skip 'batches and trains are worth it' 'sanitized'
else
	for try in 1 2 3 4; do
		rounds
		for name in one many gso; do
			echo "# try $try, $name: $(sort -n $name.speed | xargs printf '%.0f ')packets a CPU second"
		done
		held >/dev/null && break
	done
	check 'batch 64 is faster than batch 1, beyond the spread' beyond_spread many one
	check 'with GSO at least 2 times batch 1' at_least gso one 2
fi

# --- against AF_XDP, in one command ---

compare=$root/tools/compare-udp.sh
run 2 a "$compare" 0
check 'compare-udp.sh 0: usage' grep -q '^usage: ' run.err
run 2 a "$compare" 1 0.0
if [ "$slow" -gt 1 ]; then
	skip 'compare-udp.sh' 'sanitized'
else
	mount -t tmpfs tmpfs /mnt # its room has a /run of its own
	XSKIT_BUILD=/mnt timeout 60 "$compare" 1 0.6 >table.out 2>table.err
	rc=$?
	is 'compare-udp.sh 1 0.6: exit code 0' $rc 0
	[ $rc -eq 0 ] || sed 's/^/# /' table.err
	check 'figures and ratios, in text' grep -qE '^xdp_spin_p50_ns +[0-9]+ +[0-9]+ +[0-9]+ +1$' table.out
	check 'and in JSON' jq -se 'map(select(.unit == "ns")) as $ns | length == 17 and ($ns | length) == 8 and
		all(.experiment == "compare-udp" and .runs == 1 and .median > 0 and .min <= .median and .median <= .max)' \
		/mnt/bench/compare-udp.json
fi
done_testing
