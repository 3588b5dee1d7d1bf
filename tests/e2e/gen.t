#!/usr/bin/env bash
# gen sends what it says it sends, at the rate it was asked, with both engines; what arrives is
# measured by the receiver's own counters and seen by tcpdump.
# shellcheck source=tests/e2e/lib.sh
limit=150
. "$(dirname "$0")/lib.sh"
pair 1
in_ns a ethtool -K va gro on # so that it takes frames from the kernel engine

# gen NAME ARGS...: a run from b that ends by itself
gen() {
	local name=$1
	shift
	start "$name" b "$XSKIT" gen vb -j "$@"
	wait_end "$name" 20
	is "$name: exit code" "$rc" 0
	sound "$name"
}

# --- what the frames are: tcpdump as witness ---

# seen WHAT COUNT FILTER: tcpdump lines of the capture that match
seen() { is "$1" "$(tcpdump -r cap -nn "$3" 2>/dev/null | wc -l)" "$2"; }
no_bad() { ! tcpdump -r cap -nn -vv 2>/dev/null | grep -iE 'bad|truncated|incorrect|wrong'; }
written() { [ "$(tcpdump -r cap -nn "${1:-udp}" 2>/dev/null | wc -l)" -ge 1000 ]; }

# watched NAME ENGINE ARGS...: 1,000 frames with tcpdump watching
watched() {
	local name=$1
	start dump a tcpdump -i va -U -w cap udp or vlan
	until_ok 5 grep -q listening dump.err
	gen "$name" --engine "$2" -n 1000 --rate 10000 "${@:3}"
	check "$name: tcpdump has them" until_ok 5 written 'udp or vlan'
	stop dump
	summary "$name" 'says 1,000, all left' '.packets == 1000 and .completed == 1000'
	check "$name: no bad checksum" no_bad
}
for engine in xsk kernel; do
	watched $engine $engine --dst-ip $IP_A --size 128 --flows 16 --src-port 3000 --dst-port 5000
	seen "$engine: all as asked" 1000 "udp and dst host $IP_A and src host $IP_B and
		dst port 5000 and len == 128 and ether src $MAC_B and ether dst $MAC_A"
	summary $engine 'engine' ".engine == \"$engine\" and .rate_pps == 10000 and .bytes == 128000"
	summary $engine 'gap error' '.interval_error_ns | .p50 >= 0 and .p99 >= .p50'
	is "$engine: 16 flows, in turn" "$(tcpdump -r cap -nn 2>/dev/null | sed -E 's/.*\.([0-9]+) > .*/\1/' |
		sort | uniq -c | awk '{ print ($1 == 62 || $1 == 63) ? "even" : "uneven" }' | sort | uniq -c |
		xargs)" '16 even'
	watched $engine-6 $engine --dst-ip $IP6_A --size 200
	seen "$engine-6: all as asked" 1000 "ip6 and udp and dst host $IP6_A and len == 200"
	watched $engine-vlan $engine --vlan 77 --size 1000 --dst-mac $MAC_A --dst-ip 192.0.2.1 --src-ip 192.0.2.2
	seen "$engine-vlan: tagged" 1000 'vlan 77 and udp and dst host 192.0.2.1 and src host 192.0.2.2'
	watched $engine-small $engine --dst-ip $IP_A --size 64 --src-mac 02:00:00:00:00:99
	seen "$engine-small: all as asked" 1000 'len == 64 and ether src 02:00:00:00:00:99'
done

# --- how many, how fast: the receiver drops everything in XDP and counts ---
in_ns a ip link set dev va xdp object "$(dirname "$XSKIT")/bpf/xdp_drop.bpf.o" section xdp.frags ||
	fail 'xdp_drop is attached'

# rated ENGINE RATE: what arrives in 10 s is within 1 % of the rate, and is what gen says. A busy
# machine may take the CPU away meanwhile: then it is measured again, twice at most.
rated() {
	local name=$1-$2 try before got near
	for try in 1 2 3; do
		before=$(counter a va rx_packets)
		start "$name" b "$XSKIT" gen vb -j --engine "$1" --rate "$2" -d 10 --dst-ip $IP_A --dst-mac $MAC_A --flows 8
		wait_end "$name" 20
		got=$(($(counter a va rx_packets) - before))
		near="($got / .duration_s / $2 - 1 | fabs) < 0.01"
		[ "$(get "$name" "$near or .cost.cpu_s > 0.98 * .duration_s")" != true ] || break
		echo "# $name: try $try got $got, had $(get "$name" .cost.cpu_s) s of a CPU"
	done
	is "$name: exit code" "$rc" 0
	sound "$name"
	summary "$name" "within 1 % over 10 s, at the receiver ($got)" \
		"$near and .duration_s > 9.9"
	summary "$name" 'all that it says have left arrived' "(.completed - $got | fabs) <= 10"
	summary "$name" 'what it sent has left' '.packets == .completed'
}
if [ "$slow" -eq 1 ]; then
	for rate in 10000 500000; do
		rated xsk $rate
		rated kernel $rate
	done
fi

# full_speed NAME ARGS...: -n 200000 are 200,000 at the receiver, but for its ARP and ND
full_speed() {
	local name=$1 before got
	before=$(counter a va rx_packets)
	gen "$@" -n 200000 --dst-ip $IP_A --dst-mac $MAC_A
	got=$(($(counter a va rx_packets) - before))
	is "$name: at the receiver ($got)" $((got >= 200000 && got <= 200010)) 1
	summary "$name" 'says so' '.packets == 200000 and .completed == 200000 and .bytes == 12800000'
}
full_speed xsk-n --engine xsk
full_speed kernel-n --engine kernel
full_speed budget --engine xsk --tx-budget 512
full_speed auto
summary auto 'auto takes the kernel engine where it works' '.engine == "kernel"'

# --- where the kernel engine cannot send ---
ip -n a link set dev va xdp off
in_ns a ethtool -K va gro off
run 1 b "$XSKIT" gen vb --engine kernel -d 1 --dst-mac $MAC_A
one_line 'a peer that takes no redirected frames' 'NDO_XMIT|redirect'
gen fallback -n 1000 --dst-ip $IP_A --dst-mac $MAC_A
summary fallback 'auto falls back' '.engine == "xsk" and .completed == 1000'

# --- frames above the default of 2,048 bytes ---
unpair
pair 1 9000
before=$(counter a va rx_packets)
for size in 2048 2049 4000 4096; do
	gen "size$size" --engine xsk -n 100 --size $size --dst-ip $IP_A --dst-mac $MAC_A
	summary "size$size" 'all left, none invalid' \
		".completed == 100 and .drops.tx_invalid_descs == 0 and .bytes == $((size * 100))"
done
got=$(($(counter a va rx_packets) - before))
is "all are at the receiver ($got)" $((got >= 400 && got <= 420)) 1
run 2 b "$XSKIT" gen vb --engine xsk -n 10 --size 2100 --frame-size 2048 --dst-mac $MAC_A
one_line 'too large for the frames that were asked for' '2100 bytes.* 2048.*--frame-size 4096'
run 2 b "$XSKIT" gen vb --engine xsk -n 10 --size 4097 --dst-mac $MAC_A
one_line 'too large for any' '4097 bytes.* 4096'

# --- at the end a worker may be about to send once more ---
uneven=''
for i in {1..25}; do
	in_ns b "$XSKIT" gen vb -q 0 -j --engine xsk --rate 10k -d 0.1 --dst-mac $MAC_A >even.out
	jq -se 'last | .packets > 0 and .packets == .completed' even.out >/dev/null || uneven+=" $i"
done
is 'what was sent has left, 25 times' "$uneven" ''
done_testing
