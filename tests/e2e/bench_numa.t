#!/usr/bin/env bash
# Memory's figures: rows, sizes, placement, and a STREAM-style loop compiled here to compare with.
# shellcheck source=tests/e2e/lib.sh
limit=300
. "$(dirname "$0")/lib.sh"
ip netns add a
cpus=$(nproc)
nodes=$(find /sys/devices/system/node -maxdepth 1 -name 'node[0-9]*' 2>/dev/null | wc -l)

bench() { run 0 a "$XSKIT" bench numa -j "$@"; }
rows() {
	local what=$1
	shift
	jq -s 'map(select(.type == "result"))' run.out >rows.json
	check "  $what" jq -e "$@" rows.json
}
lines() {
	local what=$1
	shift
	check "  $what" jq -s -e "$@" run.out
}

# --- every row, with all its fields ---
fast=(--runs 2 --run-ms 3 --size 16777216)
bench "${fast[@]}"
lines 'topology comes before the rows' 'map(.type) | index("topology") < index("result")'
lines 'topology' --argjson cpus "$cpus" '.[] | select(.type == "topology") | .numa == true and (.nodes | length >= 1) and
	([.nodes[].cpus[]] | length == $cpus) and all(.nodes[]; .memory_bytes > .free_bytes and .free_bytes > 0 and
	.distances[.node | tostring] == 10) and all(.caches[]; .bytes > 0 and .level >= 1)'
rows 'fields' 'length > 0 and all(.[]; .experiment == "numa" and .runs == 2 and .value_min > 0 and .value_min <= .value and
	.value <= .value_max and .bytes > 0 and (.level | IN("l1", "l2", "l3", "dram")) and (.pages | IN("huge", "small")) and
	.unit == {read: "GB/s", write: "GB/s", copy: "GB/s", latency: "ns", textbook: "ops/s"}[.metric])'
rows 'the pages were found where they were asked for' 'all(.[]; .verified_node == .mem_node)'
rows 'every metric of every level and pair' '[.[] | [.cpu_node, .mem_node, .level]] | unique as $all | $all | length > 0'
rows '  five metrics each, latency idle' 'group_by([.cpu_node, .mem_node, .level]) |
	all(.[]; map(select(.load != "loaded").metric) == ["read", "write", "copy", "latency", "textbook"])'
[ "$cpus" -eq 1 ] || rows 'latency under load' 'any(.[]; .metric == "latency" and .load == "loaded")'
lines 'what a core reads, against 100 GB/s' '.[] | select(.type == "claim") | .claimed_gb_per_s == 100 and .read_gb_per_s > 0 and
	.lines_under_way > 0'
lines 'the summary' '.[-1] | .type == "summary" and .ended == "done" and .results > 0'
lines 'which pages it uses' 'any(.[]; .type == "note" and (.note | test("(huge|small) pages")))'
if [ "$nodes" -le 1 ]; then
	lines 'one node: nothing remote, and that is said' 'any(.[]; .type == "note" and (.note | test("nothing remote")))'
	rows 'its caches instead' --argjson l1 "$(getconf LEVEL1_DCACHE_SIZE)" \
		'map(.level) | unique | if $l1 > 0 then index("l1") != null else true end'
else
	rows 'each pair of nodes' --argjson n "$nodes" 'map([.cpu_node, .mem_node]) | unique | length == $n * $n'
fi
rows 'memory is not faster than the first cache' 'if any(.[]; .level == "l1") then
	(map(select(.metric == "latency" and .load == "idle")) |
	 (map(select(.level == "l1").value) | max) < (map(select(.level == "dram").value) | min)) else true end'
run 0 a "$XSKIT" bench numa "${fast[@]}" --level dram
check 'as text, too' grep -qE '^ +0 +0 +dram +read +- +[0-9.]+ ' run.out
check 'the claim' grep -q 'one core reads .* GB/s .* 100 GB/s per core' run.out

# --- against a plain loop, in turn with it; the machine's speed changes, so it may be tried again ---
cat >stream.c <<'EOC'
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/* CPU time: others may use the CPU, too. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	size_t n = strtoull(argv[1], NULL, 10) / 8;
	unsigned long *a = aligned_alloc(2 << 20, n * 8), *b = aligned_alloc(2 << 20, n * 8);
	double gb[3][7], start;
	unsigned long sum = 0;

	madvise(a, n * 8, MADV_HUGEPAGE);
	madvise(b, n * 8, MADV_HUGEPAGE);
	for (size_t i = 0; i < n; i++)
		a[i] = b[i] = (unsigned long)argc;
#define TIMED(metric, bytes, loop)                                                                                     \
	start = now();                                                                                                 \
	for (size_t i = 0; i < n; i++)                                                                                 \
		loop;                                                                                                  \
	__asm__ __volatile__("" ::"r"(sum) : "memory");                                                                \
	gb[metric][k] = (double)n * bytes / (now() - start)
	for (unsigned k = 0; k < 7; k++) {
		TIMED(0, 8, sum += a[i]);
		TIMED(1, 8, a[i] = sum);
		TIMED(2, 16, b[i] = a[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		qsort(gb[i], 7, sizeof(double), compare);
	printf("{\"read\":%f,\"write\":%f,\"copy\":%f}\n", gb[0][3], gb[1][3], gb[2][3]);
	return 0;
}
EOC
bench --level dram --metric read --runs 1 --run-ms 1
bytes=$(jq -r 'select(.type == "result").bytes' run.out) cpu=$(jq -r 'select(.type == "result").cpu' run.out | head -n 1)
check 'the loop compiles' gcc -O3 -o stream stream.c
if [ "$slow" -gt 1 ]; then
	skip 'read, write and copy are within 15 % of a plain loop' 'sanitized'
else
	matched=no
	for ((try = 1; try <= 6; try++)); do
		for ((i = 0; i < 3; i++)); do
			taskset -c "$cpu" ./stream "$bytes"
			in_ns a "$XSKIT" bench numa -j --level dram --node 0 --metric read,write,copy --runs 5 |
				jq -c -s 'map(select(.type == "result") | {(.metric): .value}) | add'
		done >both.out
		jq -s -c 'def mid: sort | .[1]; [.[0, 2, 4]] as $loop | [.[1, 3, 5]] as $ours |
			{read: (($ours | map(.read) | mid) / ($loop | map(.read) | mid)),
			write: (($ours | map(.write) | mid) / ($loop | map(.write) | mid)),
			copy: (($ours | map(.copy) | mid) / ($loop | map(.copy) | mid))}' both.out >ratio.out
		echo "# try $try, ours against the loop: $(cat ratio.out)"
		! jq -e 'all(.[]; . >= 0.85 and . <= 1.15)' ratio.out >matched.out || { matched=yes && break; }
	done
	is 'read, write and copy are within 15 % of a plain loop' $matched yes
fi

# --- choices ---
bench "${fast[@]}" --metric latency --level dram --cpu 0
rows 'the CPU asked for, and no load without another' 'length == 1 and .[0].cpu == 0 and .[0].load == "idle"'
lines '  and it says why' 'any(.[]; .type == "note" and (.note | test("one CPU")))'
bench --runs 1 --run-ms 1 --size 1M --metric copy --level dram
rows 'the size asked for, twice for a copy' '.[0].bytes == 1998848'
lines '  and what a small one means' 'any(.[]; .type == "note" and (.note | test("partly the cache")))'
bench "${fast[@]}" --node 0 --level dram --metric textbook
rows 'the node asked for' 'length == 1 and .[0].cpu_node == 0 and .[0].mem_node == 0'

# --- a kernel that does not place memory ---
cat >blind.c <<'EOC'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_get_mempolicy, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_move_pages, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(*code), code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (argc < 2 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 9;
	execv(argv[1], argv + 1);
	return 9;
}
EOC
check 'the filter compiles' gcc -o blind blind.c
run 0 a "$T/blind" "$XSKIT" bench numa -j "${fast[@]}" --level dram
lines 'plain memory, and that is said' 'any(.[]; .type == "note" and (.note | test("numa_available\\(\\) < 0")))'
lines 'one node of all CPUs' --argjson cpus "$cpus" '.[] | select(.type == "topology") | .numa == false and
	(.nodes | length == 1 and (.[0].cpus | length == $cpus))'
rows 'measured, with no node verified' 'length >= 5 and all(.[]; .cpu_node == 0 and .mem_node == 0 and .verified_node == -1 and .value > 0)'

# --- bad input ---
# bad RC PATTERN ARGS...
bad() {
	run "$1" a "$XSKIT" bench numa "${@:3}"
	one_line "  one line, /$2/" "$2"
}
for size in 0 1 x -1 99999999999999999999; do bad 2 size --size=$size; done
bad 1 'size.*(to be had|available)' --size=4000G
for runs in 0 x; do bad 2 runs --runs=$runs; done
bad 2 run-ms --run-ms=0
bad 2 'metric.*read' --metric=speed
bad 2 'level.*l1' --level=l9
bad 2 'CPU 1023' --cpu=1023
bad 2 cpu --cpu=x
bad 2 'NUMA node 777' --node=777
bad 2 node --node=x
bad 2 'options only' extra
run 0 a "$XSKIT" bench numa --help
for option in metric level size node cpu runs run-ms json; do
	grep -q -- "--$option" run.out || fail "--help names --$option"
done

# --- ended early ---
start long a "$XSKIT" bench numa -j --runs 10000 --size 16M
ready long
stop long
is 'SIGINT: exit code' "$rc" 0
summary long 'ended by the signal' '.ended == "signal"'
check 'at once' test "$took_ms" -lt $((3000 * slow))

# --- two nodes, as far as files can make them: CPU 1 and its memory are said to be far away ---
two_nodes() {
	local node=/sys/devices/system/node cpu=/sys/devices/system/cpu/cpu1 mem n
	mem=$(cat $node/node0/meminfo)
	mount -t tmpfs tmpfs $node && mount -t tmpfs tmpfs $cpu || return
	mkdir $node/node0 $node/node1 $cpu/node1
	for n in 0 1; do
		echo "${mem//Node 0/Node $n}" >$node/node$n/meminfo
		echo $n >$node/node$n/cpulist
		echo $((n + 1)) >$node/node$n/cpumap
	done
	echo '10 21' >$node/node0/distance
	echo '21 10' >$node/node1/distance
	for n in possible online has_cpu has_memory; do echo 0-1 >$node/$n; done
}
if [ "$cpus" -eq 2 ] && [ "$nodes" -eq 1 ]; then
	two_nodes
	bench --runs 2 --run-ms 3 --size 16M --cpu 0,1
	lines 'two nodes and their distances' '.[] | select(.type == "topology") |
		[.nodes[] | [.node, .cpus[0], .distances["0"], .distances["1"]]] == [[0, 0, 10, 21], [1, 1, 21, 10]]'
	rows 'CPUs of both, and the memory there is' 'map([.cpu_node, .cpu, .mem_node]) | unique == [[0, 0, 0], [1, 1, 0]]'
	rows 'memory only: caches belong to one node' 'all(.[]; .level == "dram") and length == 10'
	rows 'against the local figure, where there is one' 'all(.[]; if .cpu_node == 0 then .ratio_to_local == 1 else
		has("ratio_to_local") | not end)'
	lines 'nothing is said of one node' 'all(.[]; .type != "note" or (.note | test("one node") | not))'
else
	skip 'two nodes made of files' 'it takes two CPUs on one node'
fi
done_testing
