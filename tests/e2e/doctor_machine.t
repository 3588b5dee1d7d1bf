#!/usr/bin/env bash
# What doctor says of the machine: causes planted in a tree of its own (XSKIT_SYSROOT), so that nothing
# of this machine is touched. Fixes are run against the tree.
limit=300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/doctor_lib.sh
. "$root/tests/e2e/doctor_lib.sh"
pair 1
for ns in a b; do in_ns $ns ethtool -K v$ns gro on tx off >/dev/null; done
up() { [ "$(ip -n a -j link show va | jq -r '.[0].operstate')" = UP ]; }
until_ok 5 up

# --- a machine where all is well ---

R=$T/root
# put FILE TEXT
put() {
	mkdir -p "$R/${1%/*}"
	printf '%s\n' "$2" >"$R/$1"
}
cpu=sys/devices/system/cpu
net=sys/class/net/va
worker() { # TID CPU [POLICY]: a thread of the process that receives, as /proc shows it
	put "proc/$rx/task/$1/stat" "$1 (xk-rx (0)) S$(printf ' 0%.0s' {4..38}) $2 0 ${3:-0} 0"
	put "proc/$rx/task/$1/status" "Name:	xk
Cpus_allowed_list:	$2"
}
well() {
	rm -rf "$R"
	cp -a "$R.well" "$R"
}
build() {
	put proc/sys/net/core/bpf_jit_enable 1
	put proc/sys/net/core/bpf_jit_harden 0
	put proc/sys/kernel/bpf_stats_enabled 0
	put proc/sys/kernel/sched_rt_runtime_us 950000
	put sys/kernel/btf/vmlinux types
	put sys/kernel/security/lockdown '[none] integrity confidentiality'
	put sys/devices/system/clocksource/clocksource0/current_clocksource tsc
	put sys/devices/system/clocksource/clocksource0/available_clocksource 'tsc hpet'
	put sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 64
	put $cpu/vulnerabilities/spectre_v2 'Mitigation: Enhanced / Automatic IBRS; IBPB: conditional'
	put $cpu/vulnerabilities/meltdown 'Not affected'
	put $cpu/online 0-7
	put $cpu/isolated ''
	for i in {0..7}; do
		put $cpu/cpu"$i"/cpufreq/scaling_governor performance
		put $cpu/cpu"$i"/topology/thread_siblings_list "$((i / 2 * 2))-$((i / 2 * 2 + 1))"
		put $cpu/cpu"$i"/node$((i / 4))/cpu ''
		put $cpu/cpu"$i"/cpuidle/state0/latency 1
		put $cpu/cpu"$i"/cpuidle/state0/disable 0
		put $cpu/cpu"$i"/cpuidle/state1/latency 300
		put $cpu/cpu"$i"/cpuidle/state1/disable 1
	done
	put sys/devices/system/node/node0/cpulist 0-3
	put sys/devices/system/node/node1/cpulist 4-7
	put $net/napi_defer_hard_irqs 0
	put $net/gro_flush_timeout 0
	put $net/threaded 0
	put $net/device/numa_node 0
	put $net/device/current_link_speed '16.0 GT/s PCIe'
	put $net/device/max_link_speed '16.0 GT/s PCIe'
	put $net/device/current_link_width 16
	put $net/device/max_link_width 16
	put $net/device/iommu_group/type DMA-FQ
	put $net/device/msi_irqs/77 msix
	put proc/irq/77/smp_affinity_list 6
	ln -s smp_affinity_list "$R/proc/irq/77/effective_affinity_list"
	worker 100 2
	put "proc/$rx/numa_maps" '7f0000000000 default file=/memfd:xskit N0=1536 kernelpagesize_kB=4'
}

# Fixes as this tree sees them: its paths, and commands that write into it.
bin() {
	printf '#!/bin/bash\n%s\n' "$2" >"$T/bin/$1"
	chmod +x "$T/bin/$1"
}
export R
bin sysctl 'key=${2%%=*}; echo "${2#*=}" >"$R/proc/sys/${key//.//}"'
bin taskset 'sed -i -E "s/^(.*\)( [S0]+){1}( 0){35}) [0-9]+/\1 $2/" "$R"/proc/*/task/"$3"/stat'
bin migratepages 'sed -i "s/N1=/N$3=/" "$R/proc/$1/numa_maps"'
mend() {
	local fix
	fix=$(fix_of "$1")
	check "the fix runs: $fix" in_ns a bash -ec "$(sed -E "s#(/sys/|/proc/)#$R\\1#g" <<<"$fix")"
}

start rx a "$XSKIT" rx va -j --poll wait
ready rx
rx=${pid[rx]}
export XSKIT_SYSROOT=$R
build
cp -a "$R" "$R.well"
healthy
is 'all is well, but for what this kernel cannot' "$(grep -vE '^(dispatcher|features) ' base)" ''
is 'and all is seen' "$(jq -r 'select(.status == "skip" and (.found | test("cannot|does not tell")) and
	(.name | IN("rss") | not)).name' now.json)" ''

# --- one cause after the other ---

plant() { # WHAT FILE TEXT CHECK: and it can be mended
	put "$2" "$3"
	ill "$1" "$4" warn
	well
}
told() { # WHAT FILE TEXT CHECK: what only people can mend
	put "$2" "$3"
	examine
	named "$1" "$4 warn"
	is "$1: mended by hand" "$(fix_of "$4" | head -c 1)" '#'
	well
}
plant 'programs are interpreted' proc/sys/net/core/bpf_jit_enable 0 bpf-jit
plant 'hardened constants' proc/sys/net/core/bpf_jit_harden 2 jit-harden
plant 'BPF statistics left on' proc/sys/kernel/bpf_stats_enabled 1 bpf-stats
told 'lockdown' sys/kernel/security/lockdown 'none integrity [confidentiality]' lockdown
told 'page table isolation' $cpu/vulnerabilities/meltdown 'Mitigation: PTI' mitigations
told 'retpolines' $cpu/vulnerabilities/spectre_v2 'Mitigation: Retpolines; IBPB: conditional' mitigations
told 'buffers are cleared' $cpu/vulnerabilities/mds 'Mitigation: Clear CPU buffers; SMT disabled' mitigations
plant 'a slow clock' sys/devices/system/clocksource/clocksource0/current_clocksource hpet clock
plant 'a governor that saves power' $cpu/cpu3/cpufreq/scaling_governor powersave governor
plant 'a deep idle state' $cpu/cpu0/cpuidle/state1/disable 0 idle-states
plant 'strict IOMMU' $net/device/iommu_group/type DMA iommu
told 'too few lanes' $net/device/current_link_width 4 pcie
told 'a slow link' $net/device/current_link_speed '8.0 GT/s PCIe' pcie
plant 'isolated CPUs nobody works on' $cpu/isolated 3 isolated
plant 'an interrupt on the worker'\''s CPU' proc/irq/77/smp_affinity_list 2 irq
plant 'memory on the other node' "proc/$rx/numa_maps" '7f00 default file=/memfd:xskit N1=1536' memory-node
plant 'threaded NAPI' $net/threaded 1 threaded-napi

rm "$R/sys/kernel/btf/vmlinux"
examine
named 'no BTF' 'btf warn'
well

put sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 0
examine
named 'no huge page is free' 'hugepages warn'
bin sysctl 'echo "${2#*=}" >"$R/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"'
mend hugepages
cured 'no huge page is free'
well

# workers: their CPUs are in /proc
ill_worker() { # WHAT CHECK
	ill "$1" "$2" warn
	well
}
worker 100 6
put proc/irq/77/smp_affinity_list 0
ill_worker 'a worker on another node' node
worker 101 2
ill_worker 'two workers on one CPU' shared-cpu
worker 101 3
ill_worker 'two workers on one core' smt
worker 100 2 1
bin sysctl 'key=${2%%=*}; echo "${2#*=}" >"$R/proc/sys/${key//.//}"'
ill_worker 'a real-time worker that is throttled' rt-throttle

unset XSKIT_SYSROOT
stop rx
done_testing
