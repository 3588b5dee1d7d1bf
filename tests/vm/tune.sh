#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1 -q 4 -c 4 -o rss=on
# kernels: 6.1 6.12 7.2
# tune where there is something to set: a NIC with interrupts, channels, NAPIs and an indirection
# table of its own, in the machine's own network namespace, where control groups have cpusets.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"

see_machine
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for end in a b; do in_ns m ip link set n0$end up; done

groups() { find /sys/fs/cgroup -maxdepth 1 -name 'xskit*'; }
# Everything that tune may set, as the kernel shows it: by the files and ethtool, and of each NAPI
# by what tune finds.
state() {
	find /sys/class/net/n0a/ -type f -perm -200 ! -name uevent ! -path '*byte_queue_limits*' -print0 | sort -z | xargs -0 grep -H . 2>/dev/null
	in_ns m ethtool -l n0a
	in_ns m ethtool -x n0a
	grep -H . /proc/irq/*/smp_affinity_list /proc/sys/vm/nr_hugepages /sys/fs/cgroup/cgroup.subtree_control
	in_ns m grep -H . /proc/sys/net/core/{busy_read,busy_poll,netdev_max_backlog,netdev_budget,netdev_budget_usecs}
	in_ns m "$XSKIT" tune n0a --dry-run -j --poll busy |
		jq -r 'select(.type == "setting" and (.name | startswith("napi") or . == "gro-flush-timeout")) |
			"\(.name) \(.where) \(.found)"'
	groups
}

# became STATUS NAME: the last run's settings of that name, at least one, all did
became() {
	check "$profile: $2 is $1" jq -se \
		"map(select(.type == \"setting\" and .name == \"$2\")) | length > 0 and all(.status == \"$1\")" run.out
}
undone() {
	state >after
	check "$1: as it was before" diff before after
}

in_ns m ethtool -X n0a equal 2
state >before
for profile in latency throughput power; do
	run 0 m "$XSKIT" tune n0a -j --profile $profile --poll busy
	check "$profile: nothing failed" jq -se 'all(.status != "failed" and .status != "not-permitted")' run.out
	became applied napi-defer-hard-irqs
	became applied gro-flush-timeout
	state >tuned
	is "$profile: each NAPI has it, as the kernel says" \
		"$(sed -n 's/^napi-defer-hard-irqs.* //p' tuned | sort -u)" 2
	if [ $profile = power ]; then
		became kept isolated-cpus
	else
		became applied channels
		became applied rss-indirection
		became applied hugepages
		became applied cpuset-controller
		became applied isolated-cpus
		is "$profile: a queue for each CPU but one" \
			"$(in_ns m ethtool -l n0a | sed -n 's/^Combined:[[:space:]]*//p' | tail -n 1)" 3
		is "$profile: the partition is one" "$(cat "$(groups)/cpuset.cpus.partition")" isolated
		is "$profile: with the workers' CPUs" "$(cat "$(groups)/cpuset.cpus")" 1-3
		check "$profile: interrupts go where they are wanted" jq -se 'map(select(.name == "irq-affinity")) |
			length > 3 and all(.status == "applied" or .status == "kept")' run.out
	fi
	run 0 m "$XSKIT" tune n0a --undo
	undone "$profile"
done

# --- for a run ---

frames() {
	udp 64 >frames.cfg
	in_ns m trafgen --dev n0b --conf frames.cfg --num "$1" --cpus 1 --gap 100us >frames.out 2>&1 ||
		fail 'trafgen sends' "$(cat frames.out)"
}
rx_start() {
	start rx m "$XSKIT" rx n0a -j --poll wait --keep none -i 0.1 --tune latency
	ready rx
}
# All its threads run where nothing else does.
on_isolated() {
	local task cpus
	for task in /proc/"${pid[rx]}"/task/*; do
		cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$task/status")
		[[ $cpus =~ ^[1-3](-3)?$ ]] || return 1
	done
}
rx_start
check 'a run tunes' jq -se 'any(.type == "setting" and .name == "isolated-cpus" and .status == "applied")' rx.out
check 'and runs on the CPUs that are kept for it' on_isolated
frames 100
check 'and receives' until_ok 10 has_counted rx 100
stop rx
is 'exit code' "$rc" 0
sed -i '/"type":"setting"/d' rx.out
sound rx
undone 'after the run'

rx_start
stop rx KILL
state >after
check 'killed, it leaves its settings' bash -c '! diff -q before after'
run 0 m "$XSKIT" tune n0a --undo
undone 'undone after a SIGKILL'

rx_start
run 1 m "$XSKIT" tune n0a --undo
one_line 'what a run holds is not undone under it' 'run'
check 'it goes on' alive rx
stop rx
undone 'after that'

check 'the kernel is content' kernel_is_content
done_testing
