#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1 -m 640
# kernels: 6.1 6.12 6.16 7.2
# What a machine may lack: memory, locked memory, bpffs, /proc or /run to write to, capabilities, the
# JIT. It runs without, or says in one line what is missing.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"
pair
install -m 755 "$XSKIT" "$T/xskit"

receives() { # receives WHAT PREFIX...: rx under a prefix
	local what=$1
	shift
	start rx a "$@" "$T/xskit" rx va -j -i 0.1
	ready rx || return
	udp 64 | blast 100
	check "$what: it receives" until_ok 5 has_counted rx 100
	stop rx
	is "$what: exit code" "$rc" 0
	sound rx
}
as() { # as CAPS...: an ordinary user with these
	local caps=-all cap
	for cap; do caps+=,+$cap; done
	user=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$caps" --ambient-caps "$caps"
		--bounding-set "$caps")
}

# --- memory ---
run 1 a "$XSKIT" rx va -d 1 --frames 262144 --frame-size 4096
one_line 'more frames than memory' 'bytes asked for, [0-9]+ available.*ask for less|No space|Cannot allocate'
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/small
echo 16M >/sys/fs/cgroup/small/memory.max
run 1 a bash -c "echo \$\$ >/sys/fs/cgroup/small/cgroup.procs; exec $T/xskit rx va -d 1 --frames 16384 --frame-size 4096"
one_line 'more frames than the control group allows' 'the control group allows 16777216.*memory.max'
receives 'in a control group of 16 MB' bash -c "echo \$\$ >/sys/fs/cgroup/small/cgroup.procs; exec \"\$@\"" -
run 1 a "$XSKIT" rx va -d 1 --hugepages on
one_line 'no huge pages' 'not enough free huge pages.*sysctl vm.nr_hugepages='
echo 16 >/proc/sys/vm/nr_hugepages
run 0 a "$XSKIT" rx va -j -d 0.5 --hugepages on --require hugepages
check 'with huge pages' jq -se 'last.effective.hugepages' run.out
echo 0 >/proc/sys/vm/nr_hugepages

# --- locked memory, for who has not CAP_IPC_LOCK ---
as bpf net_admin net_raw
run 1 a prlimit --memlock=1048576 "${user[@]}" "$T/xskit" rx va -d 1
one_line 'RLIMIT_MEMLOCK' 'RLIMIT_MEMLOCK and CAP_IPC_LOCK is missing.*ulimit -l'
receives 'with enough of it, as an ordinary user' prlimit --memlock=67108864 "${user[@]}"
as bpf net_admin net_raw ipc_lock
receives 'with CAP_IPC_LOCK' prlimit --memlock=65536 "${user[@]}"

# --- capabilities given to the file ---
setcap cap_bpf,cap_net_admin,cap_net_raw=ep "$T/xskit"
receives 'capabilities of the file' prlimit --memlock=67108864 setpriv --reuid 65534 --regid 65534 --clear-groups
setcap -r "$T/xskit"
for missing in bpf net_admin net_raw; do
	# shellcheck disable=SC2046  # words
	as $(printf '%s\n' bpf net_admin net_raw ipc_lock | grep -vx $missing)
	run 1 a "${user[@]}" "$T/xskit" rx va -d 1
	one_line "without cap_$missing" "(CAP_${missing^^}|run as root)"
done

# --- places that are not there ---
receives 'no bpffs' unshare --mount bash -c 'umount /sys/fs/bpf; exec "$@"' -
run 1 a unshare --mount bash -c "umount /sys/fs/bpf; exec $T/xskit load va"
one_line 'load without bpffs' 'bpf'
check 'and nothing is left loaded' until_ok 2 no_xdp a va
receives 'no /sys' unshare --mount bash -c 'umount -R /sys; exec "$@"' -
receives '/run read-only' unshare --mount bash -c 'mount -o remount,ro /run 2>/dev/null || mount -t tmpfs -o ro none /run/xskit; exec "$@"' -

# --- kernel settings ---
for setting in net.core.bpf_jit_enable=0 net.core.bpf_jit_harden=2 kernel.unprivileged_bpf_disabled=1 \
	kernel.kptr_restrict=2; do
	name=${setting%=*}
	before=$(sysctl -n "$name" 2>/dev/null)
	sysctl -qw "$setting" 2>/dev/null || continue # not in every kernel, or not to be changed
	receives "$setting"
	sysctl -qw "$name=$before" 2>/dev/null
done
if sysctl -qw vm.memfd_noexec=2 2>/dev/null; then
	receives 'vm.memfd_noexec=2'
	sysctl -qw vm.memfd_noexec=0
fi
check 'nothing is left attached' until_ok 5 no_xdp a va
check 'the kernel is content' kernel_is_content
done_testing
