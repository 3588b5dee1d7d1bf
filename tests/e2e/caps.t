#!/usr/bin/env bash
# An ordinary user with exactly the capabilities the README names; and without each of them in turn.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1
install -m 755 "$XSKIT" "$T/xskit"

# as CAPS: the words that make a command run as nobody with these capabilities only
as() {
	local caps=-all cap
	for cap; do caps+=,+$cap; done
	user=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$caps" --ambient-caps "$caps"
		--bounding-set "$caps" "$T/xskit")
}
caps_of() { awk '/^CapEff/ { print $2 }' "/proc/${pid[$1]}"/task/*/status | sort -u | xargs; }

as bpf net_admin net_raw
start rx a "${user[@]}" rx va -j -i 0.1
ready rx
is 'not root' "$(awk '/^Uid/ { print $3 }' "/proc/${pid[rx]}/status")" 65534
is 'after setup no thread keeps a capability' "$(caps_of rx)" 0000000000000000
udp 64 | blast 500
check 'rx with CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW receives' until_ok 5 has_counted rx 500
stop rx
is 'exit code' "$rc" 0
sound rx
check 'the program is gone' until_ok 2 no_xdp a va

in_ns b ethtool -K vb gro on
run 0 a "${user[@]}" gen va -j --engine xsk -n 1000 --dst-mac $MAC_B
run 0 a "${user[@]}" gen va -j -n 1000 --dst-mac $MAC_B
check 'gen chooses the engine that may run' jq -se 'last.engine == "xsk"' run.out
run '[01]' a "${user[@]}" gen va --engine kernel -n 1000 --dst-mac $MAC_B
if [ "$rc" = 0 ] && grep -qw mitigations=off /proc/cmdline; then
	pass 'without mitigations the kernel asks for no CAP_PERFMON'
else
	one_line 'the kernel engine without CAP_PERFMON' CAP_PERFMON
fi
as bpf net_admin net_raw perfmon
run 0 a "${user[@]}" gen va -j --engine kernel -n 1000 --dst-mac $MAC_B
as bpf net_admin net_raw
run 0 a "${user[@]}" ping va -j $IP_B --icmp -n 10
start echo a "${user[@]}" echo va -j --ip 10.77.0.9
ready echo
check 'echo answers' in_ns b ping -c 3 -i 0.1 -W 1 10.77.0.9
is 'echo keeps no capability' "$(caps_of echo)" 0000000000000000
stop echo
sound echo

as net_admin net_raw
run 1 a "${user[@]}" rx va
one_line 'without CAP_BPF' CAP_BPF
as bpf net_raw
run 1 a "${user[@]}" rx va
one_line 'without CAP_NET_ADMIN' CAP_NET_ADMIN
as bpf net_admin
run 1 a "${user[@]}" rx va
one_line 'without CAP_NET_RAW' CAP_NET_RAW
as
run 1 a "${user[@]}" rx va
one_line 'with none' 'CAP_'
# ping says so too, and not that a neighbour that nobody asked does not answer.
for cap in bpf net_admin net_raw; do
	# shellcheck disable=SC2046  # words
	as $(printf '%s\n' bpf net_admin net_raw | grep -vx $cap)
	run 1 a "${user[@]}" ping va 10.77.0.77 -n 1
	one_line "ping without CAP_${cap^^}" "CAP_${cap^^}"
done
check 'nothing is left attached' until_ok 2 no_xdp a va

# Whose pins: an ordinary user makes no directory that would lock root out.
as bpf net_admin perfmon
run 1 a "${user[@]}" load va
one_line 'load by default is for root' 'root.*--pin'
run 1 a "${user[@]}" load va --pin /sys/fs/bpf/xskit/mine
one_line 'and so is its directory' '/sys/fs/bpf/xskit is root'
check 'it was not made' test ! -e /sys/fs/bpf/xskit
run 0 a "${user[@]}" load va --pin /sys/fs/bpf/nobodys/va
check 'pins in a directory of ones own' test -e /sys/fs/bpf/nobodys/va/xsks_map
run 0 a "$XSKIT" unload va --pin /sys/fs/bpf/nobodys/va
check 'root takes it off' no_xdp a va
check 'and its pins' test ! -e /sys/fs/bpf/nobodys/va
rm -r /sys/fs/bpf/nobodys
run 0 a "$XSKIT" load va
chown -R nobody /sys/fs/bpf/xskit # as an older one left it
run 0 a "$XSKIT" unload va
is 'no pins are left' "$(find /sys/fs/bpf -name xsks_map)" ''
run 1 a "$XSKIT" load va
one_line 'whose it is, and what to do' "/sys/fs/bpf/xskit is uid 65534.*chown 0 /sys/fs/bpf/xskit"
check 'no advice to make what exists' eval '! grep -q mkdir run.err'
rmdir /sys/fs/bpf/xskit

# UMEM above RLIMIT_MEMLOCK needs CAP_IPC_LOCK.
limits=(prlimit --memlock=65536)
as bpf net_admin net_raw
run 1 a "${limits[@]}" "${user[@]}" rx va
one_line 'UMEM over RLIMIT_MEMLOCK without CAP_IPC_LOCK' 'RLIMIT_MEMLOCK.*CAP_IPC_LOCK|CAP_IPC_LOCK.*RLIMIT_MEMLOCK'
check 'nothing is left attached' until_ok 2 no_xdp a va
as bpf net_admin net_raw ipc_lock
run 0 a "${limits[@]}" "${user[@]}" rx va -j -d 0.3
is 'nothing on stderr' "$err" ''

# Root keeps none either.
start rx a "$XSKIT" rx va -j
ready rx
is 'root keeps no capability after setup' "$(caps_of rx)" 0000000000000000
stop rx
sound rx
done_testing
