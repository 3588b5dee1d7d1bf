#!/usr/bin/env bash
# doctor names what is wrong with an interface, and nothing else, and its fix mends it: causes planted
# in a veth pair.
limit=300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/doctor_lib.sh
. "$root/tests/e2e/doctor_lib.sh"
pair 2
for ns in a b; do in_ns $ns ethtool -K v$ns gro on tx off >/dev/null; done
up() { [ "$(ip -n a -j link show va | jq -r '.[0].operstate')" = UP ]; }
until_ok 5 up
build=${XSKIT_BUILD:-$root/build}

# in_sys NS CMD: with the /sys of that namespace
in_sys() { in_ns "$1" unshare -m sh -c "mount -t sysfs sysfs /sys && $2"; }

# takes WHAT: packets arrive
takes() {
	start rx a "$XSKIT" rx va -j -i 0.1
	ready rx || return
	udp 64 | blast 100
	check "$1: packets arrive" until_ok 5 has_counted rx 100
	stop rx
}

# --- what it says, and how ---

healthy
is 'a healthy pair has no failures' "$(grep -c fail base)" 0
check 'every check tells name, status, found, want, why and fix' jq -e -s 'length > 45 and
	all(.type == "check" and keys == (["found", "fix", "name", "status", "type", "want", "why"] | sort))' now.json
check 'a skip tells why' jq -e -s 'map(select(.status == "skip")) | length > 0 and all(.found != "")' now.json
check 'what is wrong has a fix' jq -e -s 'map(select(.status == "warn" or .status == "fail")) | all(.fix != "")' now.json
run 0 a "$XSKIT" doctor va
run 0 a "$XSKIT" doctor va --check mtu,link
is 'some checks only: a group and a check' "$(wc -l <run.out)" 7
run 2 a "$XSKIT" doctor va --check mtu,nonsense
one_line 'an unknown check' nonsense
check 'and the checks are listed' grep -q 'redirect-into' run.out
run 2 a "$XSKIT" doctor va --check ''
one_line 'no check' check
run 1 a "$XSKIT" doctor nosuch
one_line 'an unknown interface' "no interface 'nosuch'"
run 2 a "$XSKIT" doctor
one_line 'no interface' IFACE
run 2 a "$XSKIT" doctor va --live -1
one_line 'a span that is none' live
run 0 a "$XSKIT" doctor --list

# --- the link ---

ip -n a link set va down
ill 'the interface is down' link fail
run 0 a "$XSKIT" doctor va --check link
until_ok 5 up
takes 'up again'

ip -n b link set vb down
ill 'its peer is down' carrier fail
until_ok 5 up

ip -n a link set va down
run 1 a "$XSKIT" doctor va -j
one_line 'a failure is told' '1 check failed'
ip -n a link set va up
until_ok 5 up

ip -n a link set va mtu 3000
ill 'an MTU that takes several frames' mtu warn

ip -n a link add br0 type bridge
ip -n a link set va master br0
ill 'a port of a bridge' master warn
ip -n a link del br0

ip -n a link add mv0 link va type macvlan
examine
named 'a macvlan above' 'above warn'
in_ns a "$XSKIT" doctor mv0 -j --check below >now.json
is 'the macvlan knows what is below it' "$(found_of below)" 'a macvlan on va'
mend below
examine
mend above
cured 'a macvlan above'

# --- XDP ---

in_ns b ethtool -L vb tx 2 rx 2 && in_ns a ethtool -L va rx 1
ill 'the peer sends on more queues' native warn
in_ns b ethtool -L vb tx 2 && in_ns a ethtool -L va rx 2

in_ns b ethtool -K vb gro off >/dev/null
ill 'a peer without GRO and XDP' redirect-into warn
before=$(counter b vb rx_packets)
run 0 a "$XSKIT" gen va --engine kernel -n 1000 --dst-ip $IP_B
came() { [ $(($(counter b vb rx_packets) - before)) -ge 1000 ]; }
check 'and redirected frames arrive' until_ok 5 came

foreign() { in_ns a xdp-loader load -m "$1" va "$build/bpf/xdp_drop.bpf.o" >/dev/null; }
for mode in native skb; do
	foreign $mode
	ill "another's program ($mode)" xdp-program fail
	check "and it is gone ($mode)" no_xdp a va
done
takes 'after the other program'

in_ns a "$XSKIT" load va >/dev/null
ill 'a program loaded to stay, without sockets' left-over warn
check 'and it is gone' no_xdp a va
in_ns a "$XSKIT" load va >/dev/null
ip -n a link set dev va xdp off
ill 'pins of a program that is gone' left-over warn
takes 'after the pins'

in_ns a "$XSKIT" load va >/dev/null
healthy
in_ns a "$XSKIT" unload va >/dev/null
in_ns a "$XSKIT" load --mode skb va >/dev/null
ill 'generic mode where there is native' xdp-mode warn
in_ns a "$XSKIT" unload va >/dev/null
healthy

umount /sys/fs/bpf
ill 'no bpffs' bpffs warn

# --- offloads and NAPI ---

in_ns b ethtool -K vb tx on >/dev/null
ill 'checksum offload at the sender' offloads warn
in_sys a 'echo 2 >/sys/class/net/va/napi_defer_hard_irqs'
ill 'interrupts put off, left behind' napi-defer warn
in_sys a 'echo 200000 >/sys/class/net/va/gro_flush_timeout'
ill 'a GRO timeout, left behind' gro-flush warn
in_sys a 'echo 1 >/sys/class/net/va/threaded'
ill 'threaded NAPI' threaded-napi warn

# --- names that others chose ---

ip -n b link set vb down
ip -n b link set vb name 'v;b$(x)'
examine
is 'a name is no part of a command' "$(fix_of carrier | grep -o 'set.*')" 'set dev v_b__x_ up'
in_ns b "$XSKIT" doctor 'v;b$(x)' -j --check link >other.json
is 'nor is its own' "$(jq -r .fix other.json | head -c 2)" '# '
ip -n b link set 'v;b$(x)' name vb
ip -n b link set vb up
until_ok 5 up
cured 'the other end'

# --- who may do what ---

in_ns a setpriv --bounding-set -net_raw "$XSKIT" doctor va -j >now.json
troubles now.json >now
named 'a capability is missing' 'capabilities fail'
poor() { in_ns a prlimit --memlock=65536:65536 setpriv --bounding-set -ipc_lock sh -c "$1 '$XSKIT' doctor va -j" >now.json; }
poor ''
troubles now.json >now
named 'little memory may be locked' 'memlock fail'
poor "$(fix_of memlock) &&"
troubles now.json >now
is 'and its fix' "$(beyond)" ''
setpriv --bounding-set -all --inh-caps -all nsenter --net=/run/netns/a true 2>/dev/null
in_ns a setpriv --bounding-set -all --inh-caps -all "$XSKIT" doctor va -j >now.json
check 'without any capability it tells what it could not see' jq -e -s 'map(select(.status == "skip")) |
	map(.name) | contains(["holders", "dispatcher", "af-xdp"])' now.json
done_testing
