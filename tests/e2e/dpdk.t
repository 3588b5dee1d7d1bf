#!/usr/bin/env bash
# DPDK on virtual devices, with real packets: forward (user/dpdk) over AF_XDP and over packet sockets,
# dpdk-testpmd beside it; every packet is counted at each station. No hugepages are needed.
# shellcheck source=tests/e2e/lib.sh
limit=150
. "$(dirname "$0")/lib.sh"

forward=${XSKIT_BUILD:-$root/build}/dpdk/forward
if [ ! -x "$forward" ]; then
	skip 'DPDK' "no $forward: there was no libdpdk when it was built (tools/dpdk.sh install)"
	done_testing
fi

# libxdp keeps a block a UMEM
echo 'leak:libxdp' >lsan
export LSAN_OPTIONS=suppressions=$T/lsan:print_suppressions=0

# a - m - b, on a wire with nothing on it but what is sent here
for ns in a m b; do ip netns add $ns; done
for side in a b; do
	mac=MAC_${side^^}
	ip -n $side link add v$side address "${!mac}" type veth peer name x$side netns m
	for end in "$side v$side" "m x$side"; do
		in_ns "${end% *}" sysctl -q net.ipv6.conf."${end#* }".disable_ipv6=1
		ip -n "${end% *}" link set dev "${end#* }" up
	done
done
ip -n a addr add $IP_A/24 dev va
ip -n b addr add $IP_B/24 dev vb
ping_ok() { in_ns a ping -q -W 5 "$@" | tee ping.out | grep -q ' 0% packet loss'; }
promiscuous() { ip -n m -d -j link show "$1" | jq '.[0].promiscuity'; }

eal=(-l '0,1' --no-pci --no-huge --no-shconf -m 256)
# devices DRIVER: the options for both interfaces of m
devices() {
	local more=
	[ "$1" != af_packet ] || more=,framecnt=4096 # 512 of its own are soon full while nobody runs
	echo "--vdev net_$1""0,iface=xa$more --vdev net_$1""1,iface=xb$more"
}

# send_and_count: 2000 frames from a, fewer than any ring on the way holds; what arrived at b is in
# rx.out
send_and_count() {
	start rx b "$XSKIT" rx vb -j -i 0.1 --match 'udp dst port 5000'
	ready rx
	in_ns a "$XSKIT" gen va -j -i 0 --engine xsk --rate 5k -n 2000 --dst-mac $MAC_B \
		--dst-ip $IP_B --dst-port 5000 >gen.out 2>gen.err
	until_ok 10 has_counted rx 2000
	stop rx
	sound rx
}

# --- forward ---

# forwards DRIVER OPTIONS...: running, in the background
forwards() {
	local driver=$1
	shift
	# shellcheck disable=SC2046  # two words each
	start forward m "$forward" "${eal[@]}" $(devices "$driver") -- -j -i 0.1 "$@"
	until_ok 30 started_or_dead forward && started forward && return
	fail "forward starts on $driver" "$(tail -n 20 forward.err)"
	return 1
}
# at_rest DRIVER: nothing of it is left
at_rest() {
	no_xdp m xa && no_xdp m xb && [ "$(promiscuous xa)$(promiscuous xb)" = 00 ] &&
		! pgrep -x forward
}

for driver in af_xdp af_packet; do
	forwards $driver || continue
	check "$driver: ports are promiscuous" test "$(promiscuous xa)" = 1
	send_and_count
	stop forward
	is "$driver: SIGINT, exit code" "$rc" 0
	is "$driver: sent, received and sent by forward, received" "$(get gen .completed) \
$(get forward '.ports[0] | "\(.received) \(.sent) \(.unsent)"') $(get rx .packets)" '2000 2000 2000 0 2000'
	summary forward "$driver: its driver counted the same" '(.ports[0].driver.rx_packets == 2000) and
		.ports[1].driver.tx_packets == 2000 and .packets == 2000 and .ended == "signal" and
		(.ports | all(.driver | .rx_missed + .rx_errors + .rx_no_mbuf + .tx_errors == 0))'
	summary forward "$driver: nothing came back" '.ports[1].received == 0 and .ports[0].driver.tx_packets == 0'
	is "$driver: the start line has the addresses" \
		"$(head -n 1 forward.out | jq -r '[.ports[].mac | ascii_downcase] | join(" ")')" \
		"$(ip -n m -j link show xa | jq -r '.[0].address') $(ip -n m -j link show xb | jq -r '.[0].address')"
	check "$driver: nothing is left" until_ok 5 at_rest
done

forwards af_xdp
check 'two kernels see each other through it' ping_ok -c 5 -i 0.1 $IP_B
# or they ask for each other again some seconds later
ip -n a neigh flush dev va
ip -n b neigh flush dev vb
stop forward TERM
is 'SIGTERM, exit code' "$rc" 0
is 'one summary, the last line' "$(jq -r .type forward.out | sort | uniq -c | awk '$2 != "interval" { print $1, $2 }' |
	paste -sd ' ')$(tail -n 1 forward.out | jq -r .type)" '1 start 1 summarysummary'

forwards af_xdp
stop forward KILL
check 'SIGKILL leaves no program, no flag, no process' until_ok 10 at_rest
is 'and no file of hugepages' "$(find /dev/hugepages -name 'rtemap*' 2>/dev/null)" ''

# shellcheck disable=SC2046
in_ns m timeout 30 "$forward" "${eal[@]}" $(devices af_packet) -- -d 0.3 -i 0.1 >text.out 2>text.err
is '-d ends it, exit code' $? 0
check 'in text: ports, intervals, the sum' eval "grep -q '^port 0: net_af_packet0 .*to port 1' text.out &&
	grep -q ' pps ' text.out && grep -q '^forward: 0 packets in .*ended by duration' text.out"

# refused RC WHAT RE OPTIONS...: with one line of its own that says why
refused() {
	local want=$1 what=$2 re=$3
	shift 3
	in_ns m timeout 30 "$forward" "$@" >refused.out 2>refused.err
	is "$what: exit code" $? "$want"
	is "$what: one line" "$(grep -c '^forward: ' refused.err)" 1
	check "$what: it says why" grep -qE "^forward: .*$re" refused.err
}
refused 2 'an odd number of ports' '1 ports: they forward in pairs' "${eal[@]}" --vdev net_af_packet0,iface=xa
refused 2 'no port' 'no ports' "${eal[@]}"
# shellcheck disable=SC2046
refused 2 'no worker' 'no worker' "${eal[@]/0,1/0}" $(devices af_packet)
refused 2 'an option that is none' "'--nosuch'" "${eal[@]}" -- --nosuch
refused 2 'a burst of 0' '--burst: .0.: it takes' "${eal[@]}" -- --burst 0
refused 2 'seconds that are none' '--duration: .x.' "${eal[@]}" -- -d x
refused 2 'a word' 'options only' "${eal[@]}" -- word
refused 2 'an EAL option that is none' 'EAL: ' --nosuch
refused 2 'an interface that is none' 'no ports' "${eal[@]}" --vdev net_af_packet0,iface=nosuch
check 'nothing is left of those' until_ok 5 at_rest

# --- testpmd ---

# testpmd MODE VDEVS...: running, in the background; it forwards once it prints statistics
testpmd() {
	local mode=$1
	shift
	start testpmd m dpdk-testpmd "${eal[@]}" "$@" -- --forward-mode="$mode" --stats-period 1 \
		--no-mlockall --total-num-mbufs=16384 --mbuf-size=2048
	until_ok 30 grep -q 'Port statistics' testpmd.out && return
	fail "testpmd starts, $mode" "$(tail -n 20 testpmd.err testpmd.out)"
}
# pmd PORT RX|TX: packets, as told at the end
pmd() {
	sed -n "/Forward statistics for port $1 /,/-----\$/s/.*$2-packets: *\([0-9]*\).*/\1/p" testpmd.out
}
testpmd_at_rest() { no_xdp m xa && no_xdp m xb && ! pgrep -x dpdk-testpmd; }

testpmd rxonly --vdev net_af_xdp0,iface=xa
in_ns a "$XSKIT" gen va -j -i 0 --engine xsk --rate 5k -n 2000 --dst-mac $MAC_B --dst-ip $IP_B >gen.out
stop testpmd
is 'testpmd rxonly: sent and received' "$(get gen .completed) $(pmd 0 RX)" '2000 2000'
check 'testpmd leaves nothing' until_ok 5 testpmd_at_rest

# shellcheck disable=SC2046
testpmd io $(devices af_xdp)
send_and_count
stop testpmd
is 'testpmd io: sent, received and sent by testpmd, received' \
	"$(get gen .completed) $(pmd 0 RX) $(pmd 1 TX) $(get rx .packets)" '2000 2000 2000 2000'
check 'testpmd leaves nothing after forwarding' until_ok 5 testpmd_at_rest
done_testing
