#!/usr/bin/env bash
# fwd: two hosts that see each other through it alone (a - m - b); counted traffic, reflection, jumbo
# frames, several queues, what cannot leave, and what is left behind.
# shellcheck source=tests/e2e/lib.sh
limit=150
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2034  # named through ${!xmac}
MAC_XA=02:00:00:00:01:0a MAC_XB=02:00:00:00:01:0b

# line [QUEUES [MTU]]: va in a, xa and xb in m without addresses, vb in b
line() {
	local queues=${1:-1} mtu=${2:-1500} ns side
	for ns in a m b; do ip netns add $ns; done
	for side in a b; do
		local n=$side mac=MAC_${side^^} xmac=MAC_X${side^^}
		ip -n $n link add v$side address "${!mac}" mtu "$mtu" numrxqueues "$queues" \
			numtxqueues "$queues" type veth peer name x$side netns m address "${!xmac}" \
			mtu "$mtu" numrxqueues "$queues" numtxqueues "$queues"
		in_ns $n sysctl -q net.ipv6.conf.v$side.{accept_ra=0,accept_dad=0}
		in_ns m sysctl -q net.ipv6.conf.x$side.disable_ipv6=1
		# what a kernel leaves to its device comes with no checksum out of a socket
		in_ns $n ethtool -K v$side tx off >/dev/null
		ip -n $n link set dev v$side up
		ip -n m link set dev x$side up
	done
	address a $IP_A/24 $IP6_A/64
	address b $IP_B/24 $IP6_B/64
}
unline() {
	for ns in a m b; do ip netns del $ns; done
	until_ok 5 no_ns_left
}
ping_ok() { in_ns a ping -q -W 2 "$@" | tee ping.out | grep -q ' 0% packet loss'; }
promiscuity() { ip -n m -d -j link show "$1" | jq '.[0].promiscuity'; }
forwards() { start fwd m "$XSKIT" fwd -j -i 0.1 "$@" && ready fwd; }
# all that came either left or was dropped for a reason
even() {
	sound fwd
	summary fwd "${1:-each direction}: received is forwarded and dropped" \
		'.directions | length > 0 and all(.received == .forwarded + (.dropped | add))'
}

line
check 'without it nobody is there' eval '! ping_ok -c 1 -W 0.3 $IP_B'

# --- two hosts ---

forwards xa xb
is 'xa hears frames for anybody' "$(promiscuity xa)" 1
is 'xb hears frames for anybody' "$(promiscuity xb)" 1
check 'ping -4' ping_ok -c 5 -i 0.05 $IP_B
check 'ping -6' ping_ok -c 5 -i 0.05 $IP6_B
check 'ping -s 1472: a full frame' ping_ok -c 3 -i 0.05 -s 1472 $IP_B
check 'flood of 1000 without loss' ping_ok -f -c 1000 $IP_B
is 'the MAC is the other host'\''s' "$(ip -n a -j neigh show $IP_B | jq -r '.[0].lladdr')" $MAC_B
head -c 2000000 /dev/urandom >bulk
in_ns b timeout 20 socat -u TCP-LISTEN:7000,reuseaddr CREATE:bulk.in 2>/dev/null &
listens() { in_ns b ss -ltn | grep -q :7000; }
until_ok 5 listens
in_ns a timeout 20 socat -u FILE:bulk TCP:$IP_B:7000
wait $!
check 'a TCP stream arrives whole' cmp bulk bulk.in
stop fwd
is 'exit code' "$rc" 0
is 'xa is as before' "$(promiscuity xa)" 0
check 'no program is left' no_xdp m xa
check 'nor at the other end' no_xdp m xb
even
summary fwd 'both interfaces are told of' '.interface == "xa" and
	([.interfaces[].interface] == ["xa", "xb"]) and ([.balance.interfaces[].of] == ["xa", "xb"]) and
	([.queues[].of] == ["xa", "xb"]) and (.interfaces | all(.effective.program == "own"))'
summary fwd 'nothing stays with the kernel' '.xdp.passed == 0 and .xdp.redirected > 2000'
summary fwd 'nothing is dropped' '[.directions[].dropped | add] == [0, 0] and (.drops |
	.rx_dropped + .rx_ring_full + .tx_invalid_descs == 0)'
is 'nothing on stderr' "$(cat fwd.err)" ''

# --- counted: what gen sent, fwd took and gave, and rx received ---

# counted_run WHAT OPTIONS...: of fwd
counted_run() {
	local what=$1
	shift
	forwards xa xb --match 'udp dst port 5000' "$@" || return
	start rx b "$XSKIT" rx vb -j -i 0.1 --match 'udp dst port 5000'
	ready rx
	in_ns a "$XSKIT" gen va -j -i 0 --engine xsk --rate 10k -n 5000 --dst-mac $MAC_B \
		--dst-ip $IP_B --dst-port 5000 >gen.out 2>gen.err
	until_ok 5 has_counted rx 5000
	stop rx
	stop fwd
	even "$what"
	is "$what: sent, completed, taken, given, received" \
		"$(get gen .packets) $(get gen .completed) $(get fwd '.directions[0].received') \
$(get fwd '.directions[0].forwarded') $(get rx .packets)" '5000 5000 5000 5000 5000'
	is "$what: bytes" "$(get rx .bytes)" "$(get fwd '.directions[0].forwarded_bytes')"
	summary fwd "$what: nothing the other way" '.directions[1].received == 0 and .packets == 5000'
}
counted_run 'by default'
counted_run '--mode skb' --mode skb
counted_run '--poll wait, --batch 1' --poll wait --batch 1

forwards xa xb -n 7 --match 'udp dst port 5000'
udp 64 | blast 20
wait_end fwd 10
is 'ends by itself at -n 7' "$rc" 0
even
summary fwd '7 packets' '.packets == 7 and .forwarded == 7 and .ended == "packet count"'

# --- what stays with the kernel ---

forwards xa xb --keep arp
ip -n a neigh flush dev va
check 'with --keep arp nobody is found' eval '! ping_ok -c 1 -W 0.3 $IP_B'
for side in a:B b:A; do
	ip=IP_${side#*:} mac=MAC_${side#*:}
	ip -n ${side%:*} neigh replace "${!ip}" lladdr "${!mac}" dev v${side%:*}
done
check 'but reached who is known' ping_ok -c 3 -i 0.05 $IP_B
stop fwd
even
summary fwd 'ARP was kept' '.balance.sum.xdp.passed_kept > 0'

# --- what cannot leave ---

# A link that is down keeps what its TX ring holds; the rest is dropped and counted.
forwards xa xb --ring-size 512 --match 'udp dst port 5000'
ip -n m link set dev xb down
until_ok 5 grep -q 'xb: link down' fwd.err
in_ns a "$XSKIT" gen va -j -i 0 --engine xsk --rate 5k -n 2000 --dst-mac $MAC_B --dst-ip $IP_B \
	--dst-port 5000 >gen.out
until_ok 5 has_counted fwd 1000 # a small ring may have lost some before they were received
stop fwd
is 'exit code with a link down' "$rc" 0
even 'link down'
summary fwd 'a full TX ring drops, counted' '.directions[0] | .received >= 1000 and .forwarded == 512 and
	.dropped == {"tx_ring_full": (.received - 512), "too_long": 0, "too_short": 0}'
summary fwd 'and the frames it holds are known' '.umem.tx == 512'
ip -n m link set dev xb up
unline

# --- jumbo frames ---

line 1 9000
forwards xa xb
check 'ping -s 8900' ping_ok -c 3 -i 0.05 -s 8900 $IP_B
stop fwd
even 'jumbo'
forwards xb xa --match 'udp dst port 5000'
start rx a "$XSKIT" rx va -j -i 0.1 --match 'udp dst port 5000'
ready rx
for size in 64 1514 2048 4096 8942 9014; do udp $size; done | blast 150 -J
until_ok 5 has_counted rx 150
stop rx
stop fwd
even 'jumbo'
summary rx '150 packets, full length' \
	".packets == 150 and .bytes == 25 * $((64 + 1514 + 2048 + 4096 + 8942 + 9014))"
ip -n m link set dev xa mtu 1500
forwards xb xa --match 'udp dst port 5000'
for size in 1514 9014; do udp $size; done | blast 100 -J
until_ok 5 has_counted fwd 100
stop fwd
even 'unequal MTUs'
summary fwd 'what is too long for the other link is dropped, counted' '.directions[0] |
	.received == 100 and .forwarded == 50 and .dropped.too_long == 50'
unline

# --- several queues ---

line 2
forwards xa xb
check 'ping with two queues' ping_ok -c 3 -i 0.05 $IP_B
for port in $(seq 1000 1063); do udp 64 5000 "$port"; done | blast 640
flows_are_through() { [ "$(counter a va rx_packets)" -ge 640 ]; }
check 'flows over two queues' until_ok 5 flows_are_through
stop fwd
even 'two queues'
summary fwd 'a worker a queue, two ports each' '[.queues[] | [.queue, .of]] ==
	[[0, "xa"], [0, "xb"], [1, "xa"], [1, "xb"]]'
forwards xa xb -q 1
stop fwd
even '-q 1'
summary fwd '-q 1: that queue alone' '[.queues[].queue] == [1, 1]'
in_ns m ethtool -L xb rx 1 tx 1
run 2 m "$XSKIT" fwd xa xb -d 1
one_line 'unequal numbers of queues' 'xa has 2 queues and xb has 1'
run 0 m "$XSKIT" fwd xa xb -q 0 -d 0.1
unline

# --- reflection ---

line
# reflected OPTIONS... <FRAME: ten of it from b; said: their addresses as they come back
reflected() {
	forwards xb -n 10 --match 'udp dst port 5000' "$@" || return
	in_ns b timeout 20 tcpdump -i vb -Q in -c 10 -e -n -l udp dst port 5000 >dump.out 2>dump.err &
	until_ok 10 grep -q 'listening on' dump.err
	blast 10
	wait $!
	wait_end fwd 10
	even "reflect $*"
	summary fwd '10 packets there and back' '.forwarded == 10 and .directions[0].to == "xb" and
		(.directions | length) == 1'
	said=$(awk '{ print $2, $3, $4 }' dump.out | sort -u)
}
udp 64 | reflected
is 'addresses are swapped' "$said" "$MAC_A > $MAC_B,"
udp 64 | reflected --no-swap
is 'or not' "$said" "$MAC_B > $MAC_A,"
echo "{ eth(da=ff:ff:ff:ff:ff:ff, sa=$MAC_B), ipv4(sa=$IP_B, da=$IP_A), udp(dp=5000), fill(0, 22) }" |
	reflected
is 'a broadcast comes back from the interface' "$said" "$MAC_XB > $MAC_B,"

# --- programs that are there already ---

run 0 m "$XSKIT" load xa --pin /sys/fs/bpf/xskit/xa
run 0 m "$XSKIT" load xb --pin /sys/fs/bpf/xskit/xb
forwards xa xb --pinned /sys/fs/bpf/xskit/xa --pinned2 /sys/fs/bpf/xskit/xb
check 'ping through loaded programs' ping_ok -c 3 -i 0.05 $IP_B
stop fwd
even 'pinned'
summary fwd 'both are joined' '.interfaces | all(.effective.program == "joined")'
run 0 m "$XSKIT" unload xa --pin /sys/fs/bpf/xskit/xa
run 0 m "$XSKIT" unload xb --pin /sys/fs/bpf/xskit/xb

# --- ends ---

forwards xa xb
stop fwd KILL
clean() { no_xdp m xa && no_xdp m xb && [ "$(promiscuity xa)$(promiscuity xb)" = 00 ]; }
check 'kill -9 leaves no program, no promiscuity' until_ok 5 clean
forwards xa xb
check 'and the next one forwards' ping_ok -c 3 -i 0.05 $IP_B
ip -n b link del vb
wait_end fwd 10
is 'exit code when an interface is deleted' "$rc" 1
check 'which is named' grep -q '^xskit: fwd: xb was deleted while running' fwd.err
check 'the other one is clean' until_ok 5 no_xdp m xa

# --- bad input ---

run 2 m "$XSKIT" fwd
one_line 'no interface' 'needs IFACE'
run 2 m "$XSKIT" fwd xa xa
one_line 'the same twice' 'same interface'
run 2 m "$XSKIT" fwd xa xb xc
one_line 'three' "'xc'"
run 1 m "$XSKIT" fwd xa nosuch
one_line 'none such' 'nosuch'
run 2 m "$XSKIT" fwd xa lo --no-swap
one_line 'no swap between two' 'no-swap'
run 2 m "$XSKIT" fwd xa --pinned2 /sys/fs/bpf/x
one_line 'a second pin for none' 'pinned2'
ip -n m link set dev xa down
run 1 m "$XSKIT" fwd xa
one_line 'down' 'ip link set xa up'
run 0 m "$XSKIT" fwd --help
check 'its help says what is forwarded' grep -q 'ARP and the like are' <<<"${out//$'\n'/ }"
done_testing
