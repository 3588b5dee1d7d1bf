#!/usr/bin/env bash
# ping measures echo and plain kernels, over UDP and ICMP, v4 and v6; counts loss, duplicates and
# reordering as they were made; a late answer is nobody else's.
# shellcheck source=tests/e2e/lib.sh
limit=90
. "$(dirname "$0")/lib.sh"
pair 1
peer=$root/tests/e2e/udp_peer.pl

# ask NAME ARGS...: a run of ping from b that ends by itself
ask() {
	local name=$1
	shift
	start "$name" b "$XSKIT" ping vb -j "$@"
	wait_end "$name" 20
	is "$name: exit code" "$rc" 0
	sound "$name"
}
all_back='.sent == .received and .lost == 0 and .duplicates == 0 and .reordered == 0'
ordered='.count > 0 and .min <= .p50 and .p50 <= .p90 and .p90 <= .p99 and .p99 <= .p99_9 and
	.p99_9 <= .p99_99 and .p99_99 <= .max and .min > 500 and .mean >= .min and .mean <= .max'

# --- against echo ---
start echo a "$XSKIT" echo va -j --ip 10.77.0.9 --ip fd77::9
ready echo
for ip in 10.77.0.9 fd77::9; do
	for way in udp icmp; do
		ask "$way" $ip --$way -n 500
		summary "$way" "500 there and back: $ip" ".sent == 500 and $all_back"
		summary "$way" "times are in order: $ip" "(.rtt_ns | $ordered) and (.service_ns | $ordered)"
		summary "$way" 'every answer was timed' '.rtt_ns.count == .received'
	done
done
ask size 10.77.0.9 --udp -n 100 --size 1000
summary size 'of 1,000 bytes' ".packets >= 100 and $all_back"
ask open 10.77.0.9 --udp --rate 1000 -d 2
summary open 'open loop: 1,000 a second for 2 s' "(.sent - 2000 | fabs) <= 20 and $all_back"
summary open 'from the intended time: never less than from the actual' \
	'.rtt_ns.p50 >= .service_ns.min and .rtt_ns.mean >= .service_ns.mean - 1'
ask hgrm 10.77.0.9 --udp -n 1000 --hgrm "$T/rtt.hgrm"
check 'hgrm: header' grep -qE '^ *Value +Percentile +TotalCount +1/\(1-Percentile\)' rtt.hgrm
is 'hgrm: counts every answer' "$(awk '$2 ~ /^1\.0+$/ { print $3 }' rtt.hgrm | tail -n 1)" 1000
check 'hgrm: rises' awk '$1 ~ /^[0-9.]+$/ { if ($1 < v || $2 < p || $3 < c) exit 1; v = $1; p = $2; c = $3 }' rtt.hgrm
check 'hgrm: footer' grep -qE '^#\[Max +=.*Total count += +1000' rtt.hgrm
is 'hgrm: no other file is left' "$(find "$T" -name '*rtt*' | wc -l)" 1
ask wait 10.77.0.9 --udp --poll wait --rate 100 -d 4
[ "$slow" -gt 1 ] || summary wait '--poll wait: under 2 % of a CPU' '.cost.cpu_s / .duration_s < 0.02'
summary wait 'and all come back' "$all_back"
stop echo
sound echo

# --- against a kernel, which knows nothing of us ---
ask icmp4 $IP_A --icmp -n 300
summary icmp4 'ICMP against a kernel' ".sent == 300 and $all_back"
ask icmp6 $IP6_A --icmp -n 300
summary icmp6 'ICMPv6 against a kernel' ".sent == 300 and $all_back"
ask mac $IP_A --icmp -n 50 --dst-mac $MAC_A --src-ip $IP_B
summary mac 'given addresses are taken' ".sent == 50 and $all_back"

# served NAME "DROP TWICE LATE" ARGS...: ping against a server that misbehaves on schedule
served() {
	local name=$1 bad=$2
	shift 2
	# shellcheck disable=SC2086  # three words
	start server a "$peer" echo 0.0.0.0 7 $bad
	until_ok 5 grep -q ready server.out
	ask "$name" $IP_A --udp "$@"
	stop server TERM
	did=$(tail -n 1 server.out)
}
served good '0 0 0' --rate 1000 -n 1000
summary good 'a kernel UDP server' ".sent == 1000 and $all_back"
served drops '10 0 0' --rate 1000 -n 1000
summary drops "loss ($did)" '.sent == 1000 and .received == 900 and .lost == 100 and .duplicates == 0'
served twice '0 10 0' --rate 1000 -n 1000
summary twice "duplicates ($did)" '.received == 1000 and .lost == 0 and .duplicates == 100 and
	.rtt_ns.count == 1000'
served late '0 0 10' --rate 1000 -n 1000
summary late "reordering ($did)" '.received >= 999 and .duplicates == 0 and
	.reordered >= 99 and .reordered <= 200'
# In closed loop the next request leaves when the last one is given up: the late answer then comes
# while the next one is under way, and must not be taken for that one's.
served closed '0 0 10' -n 21
summary closed "a late answer is not the next one's ($did)" \
	'.sent == 21 and .sent == .received + .lost and .duplicates == 0 and .service_ns.min > 500'

# Nobody there.
run 1 b "$XSKIT" ping vb 10.77.0.77 -n 3
one_line 'no such host' '10.77.0.77'
start none b "$XSKIT" ping vb 10.77.0.77 -j --icmp --dst-mac 02:00:00:00:00:77 -n 3
wait_end none 20
is 'no answers: exit code' "$rc" 1
check 'no answers: says so' grep -q '^xskit: ping: 10.77.0.77 answered none of 3 requests' none.err
summary none 'no answers: all lost' '.sent == 3 and .received == 0 and .lost == 3'
summary none 'no answers: no times' '.rtt_ns | .count == 0 and .min == null and .p50 == null and .max == null'
run 1 b "$XSKIT" ping vb 10.77.0.77 --src-ip 10.77.0.99 -d 0.5
one_line 'nobody has the address, and the time is over' '10.77.0.77 does not answer ARP'

# At the end a request that has just left is waited for.
early=''
for i in {1..15}; do
	in_ns b "$XSKIT" ping vb $IP_A -j -d 0.1 >early.out
	jq -se 'last | .sent > 0 and .on_the_way == 0 and .sent == .received' early.out >/dev/null || early+=" $i"
done
is 'the end waits for the last answer, 15 times' "$early" ''
done_testing
