#!/usr/bin/env bash
# What stays with the kernel stays: SSH, BGP, ARP and ND go on while rx takes the rest; and --match
# takes only what it names.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1

# TCP servers in a that send back what they get.
for port in 22 179 8080; do start tcp$port a socat "TCP6-LISTEN:$port,ipv6only=0,fork,reuseaddr" EXEC:cat; done
listening() { [ "$(in_ns a ss -Hltn | wc -l)" -ge "$1" ]; }
until_ok 5 listening 3
head -c 300000 /dev/urandom >data

# session ADDR PORT: 300 kB there and back over TCP
session() {
	in_ns b socat -t 2 - "TCP:$1:$2,connect-timeout=1" <data >data.back && cmp data data.back
}
refused() { ! session "$@"; }
forget() { for ns in a b; do ip -n $ns neigh flush dev v$ns; done; }

check 'without rx port 8080 answers' session $IP_A 8080
start rx a "$XSKIT" rx va -j -i 0.1
ready rx
check 'an ssh session goes on' session $IP_A 22
check 'a BGP session goes on' session $IP_A 179
check 'an ssh session over IPv6 goes on' session "[$IP6_A]" 22
forget
check 'ARP is answered anew' session $IP_A 179
forget
check 'ND is answered anew' session "[$IP6_A]" 179
check 'while traffic is taken' eval 'udp 64 | blast 1000 && session $IP_A 22'
check 'traffic was counted' until_ok 5 has_counted rx 1000
check 'another TCP port is taken' refused $IP_A 8080
check 'ICMP is taken' eval "! in_ns b ping -c 1 -W 0.3 $IP_A"
stop rx
sound rx
summary rx 'kept packets are counted' '.balance.sum.xdp.passed_kept > 100 and .packets > 1000'

# Sessions the other way round: our side is the client.
start rx b "$XSKIT" rx vb -j
ready rx
check 'an ssh client goes on' session $IP_A 22
stop rx
sound rx
summary rx 'its packets were passed' '.xdp.passed > 100'

start rx a "$XSKIT" rx va -j --keep none
ready rx
check '--keep none takes ssh too' refused $IP_A 22
stop rx
sound rx
summary rx 'nothing passed' '.xdp.passed == 0 and .packets > 0'

start rx a "$XSKIT" rx va -j --keep arp,nd,tcp/8080
ready rx
check '--keep arp,nd,tcp/8080 keeps 8080' session $IP_A 8080
check 'and takes ssh' refused $IP_A 22
stop rx
sound rx

# match WHAT RULES PACKETS: of 100 frames each to 5000, 5001 (from port 7000), IPv6 5000 and TCP 5000
match() {
	start rx a "$XSKIT" rx va -j -i 0.1 --match "$2"
	ready rx || return
	{
		udp 64 5000
		udp 64 5001 7000
		udp6 70 5000
		echo "{ eth(da=$MAC_A, sa=$MAC_B), ipv4(sa=$IP_B, da=$IP_A), tcp(sp=1, dp=5000), fill(0, 10) }"
	} | blast 400
	check "$1: the kernel still answers" in_ns b ping -c 1 -W 1 $IP_A
	stop rx
	sound rx
	summary rx "$1: takes $3 packets" ".packets == $3 and .xdp.passed >= 400 - $3"
}
match 'UDP to a port' 'udp dst port 5000' 200
match 'UDP from a port' 'udp src port 7000' 100
match 'either end' 'udp port 7000' 100
match 'several' 'udp dst port 5001, tcp dst port 5000' 200
match 'a protocol' 'tcp' 100
match 'a range of ports' 'udp dst port 5000-5001' 300
match 'an address and a port' "udp dst $IP_A dst port 5000" 100
match 'a network' 'udp src 10.77.0.0/24' 200
match 'an IPv6 address' "udp src $IP6_B" 100
match 'nothing that comes' 'udp dst port 9' 0
done_testing
