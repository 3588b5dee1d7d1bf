#!/usr/bin/env bash
# bench ring: rows as promised, right rings told from wrong ones, peers, and nothing left behind.
limit=900 # a busy machine takes its time
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
ip netns add a

peers=$(dirname "$XSKIT")/bench/xskit-peers

# bench NAME ARGS...: rows of `bench ring -j` in NAME.out
bench() {
	local name=$1
	shift
	in_ns a timeout $((200 * slow)) "$XSKIT" bench ring -j --runs 1 --run-ms 5 "$@" >"$name.out" 2>"$name.err"
	rc=$?
	is "bench ring $*: exit code 0" $rc 0
	[ $rc -eq 0 ] || sed 's/^/# /' "$name.err"
}
# rows NAME WHAT JQ: ok if it holds for the array of its result lines
rows() {
	local said
	if said=$(jq -se "map(select(.type == \"result\")) | $3" "$1.out" 2>&1); then
		pass "$1: $2"
	else
		fail "$1: $2" "not true: $3" "$said" "$(cat "$1.err")" "$(grep result "$1.out")"
	fi
}
# measured NAME WHAT FILTER: there are such rows, with figures, and all are verified
measured() {
	rows "$1" "$2" "map(select($3)) | length > 0 and all(.verified and .ns > 0 and
		.ns_min <= .ns and .ns <= .ns_max and .runs == 1)"
}

# --- help, usage ---

run 0 a "$XSKIT" bench --help
check 'bench --help names the experiment' grep -qE '^ *ring ' run.out
run 0 a "$XSKIT" bench ring --help
for option in algorithm metric element-bytes slots burst producers consumers scope runs run-ms cpu json; do
	check "help names --$option" grep -q -- "--$option" run.out
done
bad() {
	run 2 a "$XSKIT" bench "${@:2}"
	one_line "bench ${*:2}: says why" "$1"
	is 'nothing on stdout' "$out" ''
}
bad 'ring'
bad "'rings' is no experiment.*ring" rings
bad "'x' is none: there is .*textbook mutex" ring --algorithm x
bad "'x' is none" ring --algorithm mutex,x
bad 'no --algorithm can do any.*textbook has records of 64 bytes' ring --algorithm textbook --element-bytes 8
bad 'throughput rtt' ring --metric latency
bad 'threads processes' ring --scope threads,fibres
bad 'powers of two' ring --slots 1000
bad 'multiples of 8' ring --element-bytes 12
bad 'from 1 to' ring --burst 0
bad 'each once' ring --slots 64,64
bad 'number from 1' ring --runs 0
bad 'number from 1' ring --run-ms 0
bad 'CPU 999:' ring --cpu 999
bad 'as many numbers' ring --producers 1,2,3 --consumers 1,2
bad 'nothing to measure' ring --metric rtt --producers 2
bad 'nothing to measure' ring --slots 8 --burst 32 --metric throughput
bad 'options only' ring mutex

# --- rows ---

bench mutex --algorithm mutex --metric throughput,rtt --slots 1024 --element-bytes 8,64
is 'lines: start, plan, aa, results, summary' \
	"$(jq -r .type mutex.out | uniq | paste -sd ' ')" 'start plan aa result summary'
rows mutex 'two sizes in two scopes: 2 bursts with 1 and 2 of each, and a round trip' 'length == 20'
rows mutex 'fields and their types' 'all(.experiment == "ring" and .algorithm == "mutex" and
	.order == "fifo" and (.metric | IN("throughput", "rtt")) and (.scope | IN("threads", "processes")) and
	([.element_bytes, .slots, .burst, .producers, .consumers, .ns, .ns_min, .ns_max, .runs] |
	all(type == "number")) and (.verified | type) == "boolean" and .blocking == false)'
[ "$(nproc)" -lt 2 ] || rows mutex 'the floor beside each figure' 'all(.floor_ns > 10)'
measured mutex 'a lock is right everywhere' true
rows mutex 'each cell once' 'unique_by([.metric, .scope, .element_bytes, .burst, .producers]) | length == 20'
is 'the summary counts them' "$(get mutex '[.type, .command, .results, .ended] | join(" ")')" \
	'summary bench ring 20 done'
check 'A/A: one algorithm twice, its ratio and the limit' jq -se 'map(select(.type == "aa"))[0] |
	(.ratio - .ns_b / .ns_a | fabs) < 1e-6 and .limit == 0.02 and
	.within == ((.ratio - 1 | fabs) <= 0.02)' mutex.out

in_ns a "$XSKIT" bench ring --runs 1 --run-ms 5 --algorithm mutex --metric rtt --slots 64 --scope threads \
	--element-bytes 64 >text.out 2>&1
check 'the text has a line with the same figures' grep -qE \
	'^mutex +fifo +rtt +64 +64 +1 +1 +1 +threads +[0-9.]+ +[0-9.]+ +[0-9.]+ .* yes +no' text.out

# Sizes nobody compiled for.
bench odd --algorithm mutex --element-bytes 24 --slots 128 --burst 5 --producers 3 --consumers 2
measured odd 'any size goes by the general way' \
	'.element_bytes == 24 and .burst == 5 and .producers == 3 and .consumers == 2'

# The textbook's ring is right with one of each and wrong with two.
bench textbook --algorithm textbook --slots 1024 --element-bytes 8,64 --burst 1 --scope threads \
	--metric throughput
rows textbook 'takes records of 64 bytes only' 'length == 2 and all(.element_bytes == 64)'
measured textbook 'right with one producer and one consumer' '.producers == 1'
rows textbook 'seen to be wrong with two of each' \
	'map(select(.producers == 2)) | length == 1 and all((.verified | not) and (.wrong | length > 0))'

# Whatever is built in but the textbook's is right. (That one naps in every round trip.)
bench ours --algorithm ours --slots 1024 --element-bytes 8,64 --metric throughput
rows ours 'all of our own are verified' \
	'map(select(.algorithm != "textbook")) | (map(.algorithm) | unique | length) >= 5 and all(.verified)'
names=$(jq -r 'select(.type == "result" and .algorithm != "textbook").algorithm' ours.out | sort -u | paste -sd ,)
bench trips --algorithm "$names" --slots 1024 --element-bytes 8,64 --metric rtt
measured trips 'and so are their round trips' true

# --- peers ---

if [ -x "$peers" ]; then
	bench peers --algorithm peers --slots 1024 --element-bytes 8,64 --burst 1 --producers 1 --consumers 1
	rows peers 'every peer the helper lists has its rows' \
		"(map(.algorithm) | unique) == $("$peers" list | awk '{print $1}' | jq -Rs 'split("\n")[:-1] | sort')"
	measured peers 'all of them are verified with one of each' true
	rows peers 'the best of an order has ratio 1' \
		'map(select(.ratio)) | group_by([.metric, .scope, .order, .element_bytes, .burst]) |
		all(map(.ratio) | min == 1)'
	rows peers 'what keeps its blocks on the heap has no row for processes' \
		'map(select(.scope == "processes" and (.algorithm | test("moodycamel|readerwriter|-b$")))) == []'
else
	skip 'peers' "no helper: make peers"
fi

# Helpers that misbehave. fake WHAT...: what it does when asked for a run
fake() {
	{
		echo '#!/bin/sh'
		echo '[ "$1" = list ] && echo "peer:fake fifo 0 1 1 1 1" && exit'
		printf '%s\n' "$@"
	} >fake
	chmod 755 fake
}
export XSKIT_PEERS=$T/fake
quick=(--algorithm 'peer:fake,mutex' --metric throughput --slots 64 --element-bytes 8 --burst 1
	--scope threads --producers 1 --consumers 1)
fake 'echo cannot'
bench cannot "${quick[@]}"
rows cannot 'what it cannot do has no row' 'map(.algorithm) == ["mutex"]'
fake 'echo ns=2 floor_ns=100 floor_low_ns=90 count=1000 wrong=1'
bench wrong "${quick[@]}"
rows wrong 'what is wrong is no measure for others' \
	'map([.algorithm, .verified, .wrong, .ratio]) == [["peer:fake", false, "torn", null], ["mutex", true, null, null]]'
fake 'kill -SEGV $$'
bench died "${quick[@]}"
rows died 'one that dies is told, the others go on' \
	'map([.algorithm, .verified, .runs]) == [["peer:fake", false, 0], ["mutex", true, 1]]'
check 'in a note' grep -q 'note: .*peer:fake died' died.err
fake 'echo nonsense'
bench nonsense "${quick[@]}"
rows nonsense 'nonsense is no figure' 'map([.algorithm, .runs]) == [["peer:fake", 0], ["mutex", 1]]'
XSKIT_PEERS=$T/none
run 1 a "$XSKIT" bench ring
one_line 'a helper that is not there' "helper.*$T/none"
XSKIT_PEERS=''
bad "'peer:fake' is none.*make peers" ring --algorithm peer:fake

# --- the end ---

runs_on() { pgrep -f "^$XSKIT bench ring"; }
nobody() { ! runs_on; }
more_than() { [ "$(runs_on | wc -l)" -gt "$1" ]; }
for signal in INT TERM; do
	start bench a "$XSKIT" bench ring -j --algorithm mutex --runs 50
	check 'a run is under way' until_ok 10 more_than 1
	stop bench $signal
	is "SIG$signal: exit code 0" "$rc" 0
	is 'a summary says why it ended' "$(get bench '[.type, .ended] | join(" ")')" 'summary signal'
	check 'no child is left' until_ok 2 nobody
done
start bench a "$XSKIT" bench ring -j --algorithm mutex --metric rtt --scope processes --runs 3
check 'a run of processes is under way' until_ok 10 more_than 2
stop bench KILL
check 'SIGKILL leaves no child either' until_ok 5 nobody
done_testing
