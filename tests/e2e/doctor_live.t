#!/usr/bin/env bash
# doctor --live and the sockets on an interface: causes that only traffic shows, or the processes that
# receive it.
limit=300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/doctor_lib.sh
. "$root/tests/e2e/doctor_lib.sh"
pair 2
for ns in a b; do
	in_ns $ns ethtool -K v$ns gro on tx off >/dev/null
	in_ns $ns sysctl -qw net.ipv6.conf.v$ns.disable_ipv6=1 # no solicitation now and then
done
up() { [ "$(ip -n a -j link show va | jq -r '.[0].operstate')" = UP ]; }
until_ok 5 up

# traffic [DST-MAC [PROTO [PORT]]]: until calm
traffic() {
	start traffic b unshare -m sh -c \
		'mount -t sysfs sysfs /sys && exec perl "$@"' - "$root/tests/e2e/doctor_traffic.pl" \
		vb "${1:-$MAC_A}" "${2:-udp}" "${3:-5000}"
	until_ok 5 flows || fail 'traffic flows' "$(cat traffic.err)"
}
flows() {
	local before
	before=$(counter a va rx_packets)
	sleep 0.05
	[ "$(counter a va rx_packets)" -gt "$((before + 2))" ]
}
calm() { stop traffic TERM; }
live=(--live 0.5)
to_queue_1() { start to1 b "$XSKIT" gen vb -q 1 --engine xsk --rate 500 --dst-mac $MAC_A --dst-ip $IP_A; }

# --- nobody receives ---

traffic
healthy "${live[@]}"
is 'traffic that nobody receives is no failure' "$(grep -c fail base)" 0
calm
examine "${live[@]}"
named 'no packet comes' 'arrival warn'
traffic 02:00:00:00:00:99
ill 'packets to another address' mac warn
ip -n a link set va promisc off
calm

# An XDP program of somebody else's that fails.
cat >bad.bpf.c <<-'END'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	SEC("xdp.frags") int pass(struct xdp_md *ctx) { return XDP_PASS; }
	SEC("xdp.frags") int aborts(struct xdp_md *ctx) { return XDP_ABORTED; }
	SEC("xdp.frags") int astray(struct xdp_md *ctx) { return bpf_redirect(1 << 30, 0); }
	char _license[] SEC("license") = "GPL";
END
clang -O2 -g -target bpf -idirafter "/usr/include/$(gcc -dumpmachine)" -c bad.bpf.c -o bad.o
program() {
	rm -f /sys/fs/bpf/bad
	bpftool prog loadall bad.o /sys/fs/bpf/bad type xdp && in_ns a bpftool net attach xdpdrv pinned "/sys/fs/bpf/bad/$1" dev va overwrite
	rm -rf /sys/fs/bpf/bad
}
traffic
program pass
healthy "${live[@]}"
check "another's program is named" grep -q '^xdp-program fail' base
program aborts
examine "${live[@]}"
named 'an XDP program that fails' 'exceptions fail'
program astray
examine "${live[@]}"
named 'an XDP program that redirects to nowhere' 'redirect-errors fail'
mend xdp-program
calm

# --- somebody receives ---

traffic
start rx a "$XSKIT" rx va -j -i 0.1 --poll wait
ready rx
healthy "${live[@]}"
is 'a run with traffic has no failures' "$(grep -c fail base)" 0
check 'who receives is told' eval "found_of holders | grep -q 'queue 0: ${pid[rx]} (xskit), queue 1: ${pid[rx]} (xskit)'"
check 'it was watched' eval "found_of arrival | grep -q packets"

kill -STOP "${pid[rx]}"
udp 64 | blast 5000
ill 'a process that does not receive any more' fill-ring warn
check 'and receives again' has_counted rx 2500
examine
check 'without --live it is told since when' eval "found_of fill-ring | grep -q 'since it began'"
stop rx
calm

traffic $MAC_A tcp 22
start rx a "$XSKIT" rx va -j --poll wait
ready rx
examine "${live[@]}"
named 'only packets that are kept' 'kept warn'
stop rx
start rx a "$XSKIT" rx va -j --poll wait --keep none
ready rx
cured 'and with --keep none'
stop rx
calm

traffic
start rx a "$XSKIT" rx va -j --poll wait --match 'udp dst port 9'
ready rx
examine "${live[@]}"
named 'only packets that do not match' 'unmatched warn'
stop rx
start rx a "$XSKIT" rx va -j --poll wait
ready rx
cured 'and without --match'
stop rx

start rx a "$XSKIT" rx va -j --poll busy -q all
ready rx
received() { [ "$(in_ns a "$XSKIT" doctor va -j --check busy-poll | jq -r .status)" != skip ]; }
until_ok 5 received
examine "${live[@]}"
named 'busy polling that does not engage' 'busy-poll warn'
stop rx
calm

# --- queues ---

start rx a "$XSKIT" rx va -j --poll wait -q 0
ready rx
examine
named 'a queue without a socket' 'queues warn'
to_queue_1
until_ok 5 flows
examine "${live[@]}"
named 'packets on a queue without a socket' 'queues fail'
fix=$(fix_of queues)
is 'the fix' "$fix" 'xskit rx va -q 1'
start fixed a sh -c "exec $fix -j -i 0.1 --poll wait"
ready fixed
cured 'a socket on it'
check 'and packets arrive there' until_ok 5 has_counted fixed 100
stop to1
stop fixed
stop rx

# --- who holds a queue ---

healthy
start gen a "$XSKIT" gen va -j --engine xsk --rate 100 -q 0 --dst-mac $MAC_B --dst-ip $IP_B
held() { in_ns a "$XSKIT" doctor va -j --check holders | grep -q '"warn"'; }
until_ok 5 held
check 'a queue that is held is refused' eval "! in_ns a '$XSKIT' rx va -j -q 0 -d 0.1"
ill 'a socket without a program' holders warn
wait_end gen 5
traffic
start rx a "$XSKIT" rx va -j -i 0.1 -q 0
ready rx
check 'and packets arrive' until_ok 5 has_counted rx 10
stop rx
calm

# --- a signal ends the watch, and what was seen is told ---

start doc a "$XSKIT" doctor va -j --live 60 --check packets
watched() { [ "$(bpftool -j prog list | jq '[.[] | select(.name == "on_packet")] | length')" -gt 0 ]; }
until_ok 5 watched
stop doc
is 'a signal ends it' "$rc" 0
check 'and it tells what it saw' grep -q '"name":"arrival","status":"[ow]' doc.out

# --- placement ---

start rx a "$XSKIT" rx va -j --poll wait
ready rx
healthy
for tid in /proc/"${pid[rx]}"/task/*; do
	[[ $(cat "$tid/comm") == xk-* ]] && taskset -cp 0 "${tid##*/}" >/dev/null
done
shared() { in_ns a "$XSKIT" doctor va -j --check shared-cpu | grep -q '"warn"'; }
until_ok 5 shared
examine
named 'two workers on one CPU' 'shared-cpu warn'
mend shared-cpu
parted() { ! shared; }
until_ok 5 parted
cured 'two workers on one CPU'
stop rx
done_testing
