# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154  # sourced behind lib.sh, which sets T
#
# A machine to tune that is only a tree of files, so that the real one stays as it is.
#
#   bridges             d0 and d1 in namespace a: no veth, so no exception holds for them
#   plant               $tree: as of a machine with two CPUs, and d0 and d1 with two queues and interrupts
#   planted             all of it, as text
#   real                everything that can be set of va, and the machine's, as the kernel shows it
#   holds FILE VALUE    ok if the tree's FILE does
#   tune ARGS...        xskit tune on the tree, in a; tunes RC ARGS...: by run
#   no_journal WHAT     ok if there is nothing to undo

bridges() {
	for name in d0 d1; do
		ip -n a link add $name type bridge
		ip -n a link set $name up
	done
}

put() {
	mkdir -p "$(dirname "$tree$1")"
	printf '%s' "$2" >"$tree$1"
}
plant() {
	local name queue cpu
	tree=$T/tree
	rm -rf "$tree"
	for name in d0 d1; do
		for queue in 0 1; do
			put "/sys/class/net/$name/queues/rx-$queue/rps_cpus" 00000003
			put "/sys/class/net/$name/queues/tx-$queue/xps_cpus" 00000000
			put "/sys/class/net/$name/device/msi_irqs/$((${name#d} * 2 + 30 + queue))" msix
			put "/proc/irq/$((${name#d} * 2 + 30 + queue))/smp_affinity_list" 0-1
		done
		put "/sys/class/net/$name/napi_defer_hard_irqs" 7
		put "/sys/class/net/$name/gro_flush_timeout" 70000
		put "/sys/class/net/$name/threaded" 1
	done
	for cpu in 0 1; do
		put "/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor" ondemand
		put "/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_available_governors" 'ondemand schedutil performance'
	done
	put /proc/sys/net/core/busy_read 7
	put /proc/sys/net/core/busy_poll 7
	put /proc/sys/net/core/netdev_max_backlog 1000
	put /proc/sys/net/core/netdev_budget 300
	put /proc/sys/net/core/netdev_budget_usecs 2000
	put /proc/sys/vm/nr_hugepages 1
	put /proc/meminfo $'HugePages_Total:       1\nHugePages_Free:        1\nHugepagesize:       2048 kB\n'
	put /sys/fs/cgroup/cgroup.controllers 'cpu memory'
}
planted() { (cd "$tree" && find . | sort && find . -type f -print0 | sort -z | xargs -0 tail -v -n +1); }
holds() { is "$1 is $2" "$(cat "$tree$1")" "$2"; }

# tune ARGS...: in a, and run's rc, out and err
tune() { in_ns a env XSKIT_SYSROOT="$tree" "$XSKIT" tune "$@"; }
tunes() {
	local code=$1
	shift
	run "$code" a env XSKIT_SYSROOT="$tree" "$XSKIT" tune "$@"
}
no_journal() { is "$1: nothing is left to undo" "$(ls /run/xskit)" tune.lock; }

# Everything that can be written of an interface, as the kernel shows it.
files_of() { find "/sys/class/net/$1/" -type f -perm -200 ! -name uevent -print0 | sort -z | xargs -0 grep -H . 2>/dev/null; }
export -f files_of
real() {
	ip netns exec a bash -c 'files_of va'
	in_ns a ethtool -l va
	grep -H . /proc/sys/vm/nr_hugepages /proc/irq/*/smp_affinity_list 2>/dev/null
}
