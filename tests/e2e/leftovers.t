#!/usr/bin/env bash
# What a machine looks like before and after: nothing is different but the lock file of the CPUs, and
# the two directories for pins, ours and libxdp's.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1
in_ns b ethtool -K vb gro on
in_ns a ping -q -c 1 $IP_B >/dev/null

programs() { bpftool -j prog list | jq '[.[] | select(.name | test("^xsk_|^xdp_gen"))] | length'; }
links() { bpftool -j link list | jq '[.[] | select(.type == "xdp")] | length'; }
state() {
	local ns
	ip netns
	for ns in a b; do
		ip -n $ns -d link show | sed -E 's/ (qlen|new-ifindex) [0-9]+//'
		ip -n $ns addr show
		ip -n $ns maddr show
		ip -n $ns route show table all
		in_ns $ns ethtool -k v$ns
		in_ns $ns sysctl -a 2>/dev/null | grep -vE 'kernel.random|fs\.(dentry|inode|file-nr)|pty.nr|ns_last_pid|conntrack_count|sched_domain|nr_'
		ip netns exec $ns grep -r . /sys/class/net/v$ns/ 2>/dev/null |
			grep -vE 'statistics|carrier|uevent'
	done
	find /sys/fs/bpf /run /dev/shm -not -path "$T/*" -not -path '/run/xskit*' \
		-not -path /sys/fs/bpf/xdp -not -path /sys/fs/bpf/xskit | sort
	pgrep -lx xskit
	xdp-loader status 2>&1
}

up() { [ "$(ip -n a -j link show va | jq -r '.[0].operstate')$(ip -n b -j link show vb | jq -r '.[0].operstate')" = UPUP ]; }
until_ok 5 up
before_programs=$(programs) before_links=$(links)
state >before
run 0 a "$XSKIT" rx va -j -d 0.2
run 0 a "$XSKIT" rx va -j -d 0.2 --poll busy
run 0 a "$XSKIT" rx va -j -d 0.2 --attach libxdp
run 0 a "$XSKIT" gen va -j --engine xsk -n 1000 --dst-ip $IP_B
run 0 a "$XSKIT" gen va -j --engine kernel -n 1000 --dst-ip $IP_B
run 0 a "$XSKIT" ping va -j $IP_B --icmp -n 10
run 0 a "$XSKIT" load va
run 0 a "$XSKIT" unload va
run '[12]' a "$XSKIT" rx va -q 9
for signal in TERM KILL; do
	start echo a "$XSKIT" echo va -j --ip 10.77.0.9 --ip fd77::9
	ready echo
	in_ns b ping -q -c 1 -W 1 10.77.0.9 >/dev/null
	stop echo $signal
done
in_ns b ip neigh del 10.77.0.9 dev vb
same() { state >after; diff before after; }
check 'namespaces, links, addresses, groups, routes, sysctls, offloads, files are as before' eval \
	'until_ok 5 same || same'
is '/run/xskit holds the lock file of the CPUs at most' \
	"$(find /run/xskit -mindepth 1 -not -name cpus 2>/dev/null)" ''
# Other runs on this machine share these two lists: wait for ours to go.
fewer() { [ "$(programs)" -le "$before_programs" ] && [ "$(links)" -le "$before_links" ]; }
check 'no BPF program and no link is left' until_ok 10 fewer
done_testing
