#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -n 2 -c 4 -p 1 -m 1280
# kernels: 6.1 6.12 6.16 7.2
# Two nodes with a NIC on each: va on node 0 with CPUs 0 and 1, vb on node 1 with CPUs 2 and 3.
# Workers and frames are where they should be, looked at from outside.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"
pair

# Pages of NAME's file NAME2 as the kernel counts them: "0:12 1:3" is 12 pages on node 0.
pages() {
	awk -v file="file=/memfd:$2" 'index($0, file) {
		for (i = 1; i <= NF; i++) if ($i ~ /^N[0-9]+=/) { split(substr($i, 2), n, "="); sum[n[1]] += n[2] }
	} END { for (node in sum) printf "%s:%d ", node, sum[node] }' "/proc/${pid[$1]}/numa_maps"
}
# The node that has them all, or what there is.
pages_node() {
	local found
	found=$(pages "$1" "$2" | xargs -n 1 | sort | xargs)
	[[ $found == *' '* || $found == '' ]] && echo "spread: $found" && return
	echo "${found%%:*}"
}
# CPUs that NAME's worker threads may use.
worker_cpus() {
	local task
	for task in /proc/"${pid[$1]}"/task/*; do
		grep -q '^xk-' "$task/comm" && awk '/^Cpus_allowed_list/ {print $2}' "$task/status"
	done | sort -n | paste -sd ' '
}
cpus_of() { lscpu -p=CPU,NODE | awk -F, -v node="$1" '!/^#/ && $2 == node {print $1}' | paste -sd ' '; }
among() { [[ " $2 " == *" $1 "* ]]; }

is 'node 0 has CPUs 0 and 1' "$(cpus_of 0)" '0 1'
is 'node 1 has CPUs 2 and 3' "$(cpus_of 1)" '2 3'

# placed WHAT NODE-OF-MEMORY NODE-OF-CPUS NS DEV OPTIONS...
placed() {
	local what=$1 mem=$2 cpus ns=$4 dev=$5 cpu
	cpus=$(cpus_of "$3")
	shift 5
	start rx "$ns" "$XSKIT" rx "$dev" -j --hugepages off "$@"
	ready rx || return
	is "$what: frames on node $mem (numa_maps)" "$(pages_node rx xskit)" "$mem"
	cpu=$(worker_cpus rx)
	check "$what: worker on one of CPUs $cpus (CPU $cpu)" among "$cpu" "$cpus"
	stop rx
	sound rx
	summary rx "$what: and the report says so" ".queues[0].node == $mem and .queues[0].cpu == $cpu"
}
placed 'the NIC on node 0' 0 0 a va
placed 'the NIC on node 1' 1 1 b vb
placed '--node 0 for the NIC on node 1' 0 0 b vb --node 0
placed '--node 1 for the NIC on node 0' 1 1 a va --node 1
placed '--cpu 0 for the NIC on node 1 leaves the frames there' 1 0 b vb --cpu 0
placed '--cpu 3 and --node 0 together' 0 1 b vb --cpu 3 --node 0
placed '--require node' 1 1 b vb --require node
run 2 a "$XSKIT" rx va --node 2
one_line 'a node that does not exist' '--node: there is no node 2: see'

# It is the interface's own namespace's /sys that is asked, or none.
start rx b unshare --mount bash -c "mount -t sysfs sysfs /sys; exec $XSKIT rx vb -j --hugepages off"
ready rx
is "with the namespace's own /sys: frames on node 1" "$(pages_node rx xskit)" 1
stop rx

# --- frames arrive where they should ---
start rx a "$XSKIT" rx va -j -i 0.1
ready rx
udp 64 | blast 500
check 'packets from node 1 to node 0' until_ok 5 has_counted rx 500
stop rx
sound rx

# --- a full node ---
mkdir "$T/hog"
mount -t tmpfs -o size=4g,mpol=bind:1 hog "$T/hog"
free_mb() { awk '/MemFree/ {print int($4 / 1024)}' /sys/devices/system/node/node1/meminfo; }
hog=$(($(free_mb) - 24))
dd if=/dev/zero of="$T/hog/full" bs=1M count=$hog status=none
echo "# $hog MB are taken, $(free_mb) MB are free on node 1"
run 3 b "$XSKIT" rx vb -d 1 --hugepages off --frames 16384 --frame-size 4096 --require node
one_line 'a node without memory' 'memory on the wanted node was not granted on vb.*free some there'
run 0 b "$XSKIT" rx vb -j -d 1 --hugepages off --frames 16384 --frame-size 4096
summary run 'without --require it runs and tells that frames are elsewhere' '.queues[0].node != 1'
umount "$T/hog"
run 0 b "$XSKIT" rx vb -j -d 1 --hugepages off --frames 16384 --frame-size 4096 --require node
summary run 'with the memory back it is granted' '.queues[0].node == 1'

# --- huge pages of one node ---
echo 8 >/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
if [ "$(cat /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages)" = 8 ]; then
	start rx b "$XSKIT" rx vb -j --hugepages on --frames 2048 --require hugepages,node
	ready rx
	stop rx
	sound rx
	summary rx 'huge pages on node 1' '.effective.hugepages and .queues[0].node == 1'
	start rx a "$XSKIT" rx va -j --hugepages on --frames 2048
	ready rx
	found=$(pages_node rx xskit)
	stop rx
	summary rx "huge pages there, a NIC on node 0: the report tells where they came to lie ($found)" ".queues[0].node == $found"
else
	fail 'node 1 gives huge pages'
fi
echo 0 >/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages

# --- rings ---
for node in 0 1; do
	check "a ring on node $node" eval "echo record | $XSKIT ring send numa$node --node $node"
	is 'ring info says so' "$("$XSKIT" ring info numa$node --json | jq -s 'map(.node // .memory.node) | map(select(. != null)) | last')" $node
	check 'and its record is there' eval "$XSKIT ring recv numa$node -n 1 | grep -q record"
	"$XSKIT" ring unlink numa$node
done

# --- bench numa: all pairs, and the pages were looked at ---
run 0 a timeout 300 "$XSKIT" bench numa -j --runs 2 --run-ms 3 --size 16777216 --metric latency,read
check 'bench numa: two nodes of CPUs by two of memory' jq -se '[.[] | select(.type == "result" and .level == "dram") |
	[.cpu_node, .mem_node]] | unique == [[0, 0], [0, 1], [1, 0], [1, 1]]' run.out
check 'each verified' jq -se '[.[] | select(.type == "result" and .level == "dram")] | length > 0 and
	all(.verified_node == .mem_node)' run.out
check 'and distances as the machine has them' jq -se '.[] | select(.type == "topology") |
	.nodes[0].distances["1"] == 20 and .nodes[1].distances["1"] == 10' run.out
check 'the kernel is content' kernel_is_content
done_testing
