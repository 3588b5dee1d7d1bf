#!/usr/bin/env bash
# echo answers ping and UDP clients that are not ours, drops and counts what is malformed, and never
# answers an answer.
# shellcheck source=tests/e2e/lib.sh
limit=90
. "$(dirname "$0")/lib.sh"
pair 1

# Addresses that a's kernel does not have: ARP and ND are echo's to answer.
ip=10.77.0.9 ip6=fd77::9
peer=$root/tests/e2e/udp_peer.pl

# a NIC makes the checksums that a veth leaves out
partial='>= 300'
[ -z "${XSKIT_E2E_WIRE:-}" ] || partial='== 0'
ping_ok() { in_ns b ping -q -W 1 "$@" | tee ping.out | grep -q ' 0% packet loss'; }
ask() { is "$1" "$(in_ns b "$peer" ask "${@:2}")" "$4"; }

start echo a "$XSKIT" echo va -j --ip $ip --ip $ip6
ready echo
check 'ping -4' ping_ok -c 5 -i 0.1 $ip
check 'ping -6' ping_ok -c 5 -i 0.1 $ip6
check 'ping -4 -s 1400' ping_ok -c 5 -i 0.1 -s 1400 $ip
check 'ping -6 -s 1400' ping_ok -c 5 -i 0.1 -s 1400 $ip6
check 'ping -s 1472: a full frame' ping_ok -c 5 -i 0.1 -s 1472 $ip
check 'ping -s 0' ping_ok -c 5 -i 0.1 -s 0 $ip
check 'flood of 2000 without loss' ping_ok -f -c 2000 $ip
check 'flood of 2000 without loss over IPv6' ping_ok -f -c 2000 $ip6
is 'the MAC is the interface'\''s' "$(ip -n b -j neigh show $ip | jq -r '.[0].lladdr')" $MAC_A
for tx in on off; do
	in_ns b ethtool -K vb tx $tx >ethtool.out 2>&1
	ask "UDP client, transmit checksumming $tx" $ip 7 100 64
	ask "UDP client over IPv6, transmit checksumming $tx" $ip6 7 100 64
	ask "UDP client, 1,400 bytes, transmit checksumming $tx" $ip 7 100 1400
	[ $tx = on ] && stop echo && sound echo && summary echo 'partial checksums are counted' \
		"[.. | objects | .csum_partial | numbers] | add $partial" &&
		start echo a "$XSKIT" echo va -j --ip $ip --ip $ip6 && ready echo
done
check 'the kernel of a is still there' ping_ok -c 1 $IP_A
stop echo
is 'exit code' "$rc" 0
sound echo
summary echo 'no partial checksum with it off' '[.. | objects | .csum_partial | numbers] | add == 0'

# What is malformed is dropped and counted, and so is what must not be answered.
# silent WHAT KEY FRAME: 100 of it get no answer; the summary counts them under KEY
silent() {
	local before after
	start echo a "$XSKIT" echo va -j --ip $ip --ip $ip6
	ready echo || return
	before=$(counter b vb rx_packets)
	blast 100 <<<"$3"
	check "$1: echo still answers" ping_ok -c 1 $ip
	after=$(counter b vb rx_packets)
	is "$1: no answer" $((after - before <= 4)) 1
	stop echo
	sound echo
	summary echo "$1: counted" "[.. | objects | .$2 | numbers] | add == 100"
}
eth="eth(da=$MAC_A, sa=$MAC_B)"
ip4="$eth, ipv4(sa=$IP_B, da=$ip"
silent 'wrong IP checksum' checksum "{ $ip4, csum=0xdead), udp(sp=9, dp=7), fill(0, 22) }"
silent 'wrong UDP checksum' checksum "{ $ip4), udp(sp=9, dp=7, csum=0xdead), fill(0, 22) }"
silent 'wrong ICMP checksum' checksum "{ $ip4, proto=1), 8, 0, 0xde, 0xad, 0, 1, 0, 1, fill(0, 22) }"
silent 'UDP longer than IP' length "{ $ip4), udp(sp=9, dp=7, len=200), fill(0, 22) }"
silent 'IP longer than the frame' length "{ $ip4, len=2000), udp(sp=9, dp=7), fill(0, 22) }"
silent 'a fragment' fragment "{ $ip4, mf), udp(sp=9, dp=7), fill(0, 22) }"
silent 'from the echo port' source_port7 "{ $ip4), udp(sp=7, dp=7), fill(0, 22) }"
silent 'from its own address' own_address "{ $eth, ipv4(sa=$ip, da=$ip), udp(sp=9, dp=7), fill(0, 22) }"
silent 'to the broadcast MAC' broadcast \
	"{ eth(da=ff:ff:ff:ff:ff:ff, sa=$MAC_B), ipv4(sa=$IP_B, da=$ip), udp(sp=9, dp=7), fill(0, 22) }"

# Not its own business: another address, another port, an echo reply.
start echo a "$XSKIT" echo va -j --ip $ip
ready echo
check "another address is the kernel's" ping_ok -c 3 -i 0.1 $IP_A
udp 64 5000 | blast 100
echo "{ $eth, ipv4(sa=$IP_B, da=$IP_A), udp(sp=9, dp=7), fill(0, 22) }" | blast 100
stop echo
sound echo
summary echo "what is not its own passes" \
	'.xdp.passed >= 203 and .xdp.redirected == .answered.arp' # who asks for its own address may ask again

# Two of them facing each other: one spark, no fire.
start one a "$XSKIT" echo va -j --ip 10.77.0.9
start two b "$XSKIT" echo vb -j --ip 10.77.0.8
ready one
ready two
{
	echo "{ $eth, ipv4(sa=10.77.0.8, da=10.77.0.9), udp(sp=7, dp=7), fill(0, 22) }"
	echo "{ $eth, ipv4(sa=10.77.0.8, da=10.77.0.9), icmp4(type=8, code=0), fill(0, 22) }"
	echo "{ $eth, ipv4(sa=10.77.0.8, da=10.77.0.9), icmp4(type=0, code=0), fill(0, 22) }"
	echo "{ $eth, ipv4(sa=10.77.0.8, da=10.77.0.9), udp(sp=9, dp=7), fill(0, 22) }"
} | blast 40
before=$(counter a va rx_packets)
sleep 0.5 # a loop would make thousands
is 'two echoes do not loop' $(($(counter a va rx_packets) - before < 10)) 1
stop one
stop two
sound one
sound two
done_testing
