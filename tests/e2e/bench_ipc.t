#!/usr/bin/env bash
# bench ipc: every method moves numbered records and loses none, but the textbook's; two shells; an
# end that never comes, stops or is killed; and nothing left behind.
limit=400
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
ip netns add a
ip -n a link set lo up
mkdir mq
mount -t mqueue none mq

records=100000
[ "$slow" -eq 1 ] || records=10000
right='pipe unix-stream unix-dgram udp tcp mqueue sysv mapped-file anon-sem eventfd futex ring-spin ring-futex'
textbook='sysv-textbook mapped-file-textbook'
msgsize=$(cat /proc/sys/fs/mqueue/msgsize_max)
binary=$T/xskit # where nobody may execute it
install -m 755 "$XSKIT" "$binary"

# bench NAME ARGS...: rows of `bench ipc -j` in NAME.out
bench() {
	local name=$1
	shift
	in_ns a timeout $((120 * slow)) "$XSKIT" bench ipc -j --runs 1 "$@" >"$name.out" 2>"$name.err"
	rc=$?
	is "bench ipc $*: exit code 0" $rc 0
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

# Objects of all kinds, of anybody in this room: there are to be none.
objects() {
	ipcs -m | grep ^0x
	ipcs -s | grep ^0x
	find mq /dev/shm /run/xskit/ipc -mindepth 1 2>/dev/null
}
none_left() { [ -z "$(objects)" ]; }
some_left() { ! none_left; }
running() { pgrep -f "^$XSKIT bench ipc"; }
nobody() { ! running; }
clean() {
	check "$1: no process is left" until_ok 5 nobody
	check "$1: no object is left" until_ok 5 none_left || objects | sed 's/^/# /'
}

# --- help, usage ---

run 0 a "$XSKIT" bench --help
check 'bench --help names the experiment' grep -qE '^ *ipc ' run.out
run 0 a "$XSKIT" bench ipc --help
for option in method metric bytes runs duration messages timeout cpu json; do
	check "help names --$option" grep -q -- "--$option" run.out
done
bad() {
	run 2 a "$XSKIT" bench ipc "${@:2}"
	one_line "bench ipc ${*:2}: says why" "$1"
	is 'nothing on stdout' "$out" ''
}
bad "'x' is none: there is pipe .*ring-futex" --method x
bad "'x' is none: there is pipe" --method pipe,x
bad "'x' is none: there is pipe" x send y
bad 'throughput rtt' --metric latency
bad 'from 8 to 1048576' --bytes 0
bad 'from 8 to 1048576' --bytes 7
bad 'from 8 to 1048576' --bytes 1048577
bad 'each once' --bytes 8,8
bad 'from 1 to' --runs 0
bad 'from 1 to' -n 0
bad '0.001 to 3600' -d 0
bad '0.001 to 3600' --timeout 0
bad 'seconds' --timeout x
bad 'CPU 999:' --cpu 999
bad 'METHOD send.recv NAME' pipe
bad 'METHOD send.recv NAME' pipe send
bad 'send or recv' pipe take x
bad 'METHOD send.recv NAME' pipe send x y
bad 'single .\..' pipe send ../x
bad 'single .\..' pipe send .x
bad 'single .\..' pipe send "$(printf 'x%.0s' {1..65})"
bad 'anonymous mapping' anon-sem send x

# --- rows ---

bench all --method right --bytes 64 -n $records --metric throughput
rows all 'every right method has its row' "map(.method) == \"$right\" / \" \""
rows all 'each moved all its numbered records, twice, right and in order' \
	"all(.records == 2 * $records and .lost == 0 and .wrong == 0 and (.textbook | not))"
rows all 'fields and their types' 'all(.experiment == "ipc" and .bytes == 64 and .runs == 1 and
	.msgs_per_s > 0 and .msgs_per_s_min <= .msgs_per_s and .msgs_per_s <= .msgs_per_s_max and
	.cpu_s_per_million > 0 and .syscalls_per_msg >= 0 and .kernel_memory_bytes > 0 and
	(has("rtt_ns") | not))'
[ "$(nproc)" -lt 2 ] || rows all 'the floor beside each figure' 'all(.floor_ns > 10)'
rows all 'what outlives its processes' \
	'map(select(.persistent).method) == ["mqueue", "sysv", "mapped-file"]'
rows all 'the kernel copies in and out, shared memory needs one copy' \
	'all(.copies == if .method | IN("sysv", "mapped-file", "anon-sem", "eventfd", "futex", "ring-spin", "ring-futex") then 1 else 2 end)'
rows all 'a call to write and one to read' \
	'map(select(.method | IN("pipe", "unix-stream", "unix-dgram", "tcp", "mqueue")).syscalls_per_msg) |
	length == 5 and all(. >= 2 and . < 2.1)'
rows all 'four semaphore calls' 'map(select(.method == "sysv").syscalls_per_msg) | .[0] >= 4 and .[0] < 4.1'
rows all 'a spinning ring makes none' 'map(select(.method == "ring-spin").syscalls_per_msg) == [0]'
is 'the summary counts them' "$(get all '[.type, .command, .results, .ended] | join(" ")')" \
	'summary bench ipc 13 done'
clean 'after a table'

bench trips --method right --bytes 8,1024 -n 500 --metric rtt
rows trips 'a row for each size' 'length == 26'
rows trips 'percentiles of all round trips' 'all(.rtt_ns | .count == 500 and .min > 0 and .min <= .p50 and
	.p50 <= .p99 and .p99 <= .p99_9 and .p99_9 <= .max)'
rows trips 'asked and answered, nothing lost' 'all(.records == 2000 and .lost == 0 and .wrong == 0)'

bench sizes --method right --bytes 65536,1000,1048576 -n 30
rows sizes 'odd sizes and large ones, right' 'all(.lost == 0 and .wrong == 0)'
check 'a UDP datagram of 64 KiB is not possible, and named' jq -se 'map(select(.type == "absent" and
	.method == "udp" and .bytes == 65536)) | length == 1 and (.[0].why | test("65507"))' sizes.out
rows sizes 'all others can' 'map(select(.bytes == 65536).method) | length == 12'
is 'a queue of 64 KiB is made without changing a setting for others' \
	"$(cat /proc/sys/fs/mqueue/msgsize_max)" "$msgsize"
check 'whatever has no row has a reason' jq -se 'map(select(.type | IN("absent", "result"))) |
	length == 39 and all(.type == "result" or (.why | length > 10))' sizes.out
mkdir -m 777 nobody
in_ns a setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all env XDG_RUNTIME_DIR="$T/nobody" \
	"$binary" bench ipc --method mqueue --bytes 65536 --runs 1 -n 10 >nobody.out 2>nobody.err
check 'nobody has no such queue, and is told what to do' \
	grep -qE '^mqueue +65536 +not measured: .*msgsize_max: .*sysctl' nobody.out

in_ns a "$XSKIT" bench ipc --method pipe --bytes 64 --runs 1 -n 500 >text.out 2>&1
check 'the text has a line with the same figures' grep -qE \
	'^pipe +64 +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9.]+ +2\.[0-9]+ +2 +no +65536 .* 0 +0 +no$' text.out

bench one --method right --bytes 64 -n 300 --cpu 0
rows one 'on one CPU whoever does not spin works, too' \
	'all(.lost == 0) and (map(.method) | index("ring-spin") == null) and length == 12'
check 'and spinning is refused in words' grep -q '"absent".*ring-spin.*spin' one.out

# The textbook's counts: several tries, for it takes both to count at the same time.
for method in $textbook; do
	if [ "$(nproc)" -lt 2 ]; then
		skip "$method loses" 'one CPU'
		continue
	fi
	for try in 1 2 3 4 5; do
		in_ns a timeout $((60 * slow)) "$XSKIT" bench ipc -j --runs 1 -n $records --bytes 64 \
			--metric throughput --method "$method" >"$method.out" 2>"$method.err"
		jq -se 'map(select(.type == "result"))[0] | .lost + .wrong > 0' "$method.out" >jq.out && break
	done
	rows "$method" "loses counts, is marked, and ends (try $try)" 'length == 1 and
		all(.textbook and .lost + .wrong > 0)'
done
clean 'after the textbooks'

# --- the calls, against the kernel's own count ---

# traced NAME METHOD N: strace's count of all calls of a stream and of round trips in NAME.calls
traced() {
	in_ns a timeout 60 strace -f -c -o "$1.strace" "$XSKIT" bench ipc -j --runs 1 --bytes 64 \
		--method "$2" -n "$3" >"$1.out" 2>"$1.err"
	awk '$NF == "total" { print $4 }' "$1.strace" >"$1.calls"
}
if ! command -v strace >/dev/null; then
	skip 'system calls as strace counts them' 'no strace'
elif [ "$slow" -ne 1 ]; then
	skip 'system calls as strace counts them' 'sanitizers make calls of their own'
else
	traced base pipe 1
	for method in $right; do
		traced traced "$method" 500
		# all but what a run of one message needs; a timer's signals come on top
		check "$method: strace counts the same" perl -e '
			my ($said, $counted, $base) = @ARGV;
			my $real = $counted - $base;
			print "said $said, strace $real\n";
			exit !(abs($real - $said) <= 0.1 * $said + 300)' \
			"$(jq 'select(.type == "result").syscalls' traced.out)" \
			"$(cat traced.calls)" "$(cat base.calls)"
	done
fi

# --- what rings are for ---

# Medians of many short runs; and spinning needs its CPUs, so that on a machine with other work it
# may be measured again.
faster() {
	in_ns a timeout 60 "$XSKIT" bench ipc -j --bytes 64 --runs 15 -d 0.02 --method pipe,ring-spin >ratio.out 2>ratio.err
	jq -s 'map(select(.type == "result")) | {p: .[0], r: .[1]} |
		{floor: .r.floor_ns, trips: (.p.rtt_ns.p50 / .r.rtt_ns.p50),
		stream: (.r.msgs_per_s / .p.msgs_per_s)} |
		. + {want: (if .floor < 100 then 20 else 8 end)} |
		. + {ok: (.trips >= .want and .stream >= 50)}' ratio.out >ratio
	jq -e .ok ratio
}
if [ "$(nproc)" -lt 2 ] || [ "$slow" -ne 1 ]; then
	skip 'a ring against a pipe' 'it takes two CPUs, and no sanitizer'
else
	for try in 1 2 3 4; do
		faster >ratio.ok 2>&1 && held=1 || held=0
		echo "# try $try: $(jq -c . ratio)"
		[ "$held" -eq 0 ] || break
	done
	check "round trip 20 times shorter than a pipe's (8 on a slow floor), throughput 50 times" jq -e .ok ratio
fi

# --- two shells ---

recv() { start recv a "$XSKIT" bench ipc -j "$1" recv name "${@:2}"; }
send() { start send a "$XSKIT" bench ipc -j "$1" send name --runs 1 "${@:2}"; }
ended() {
	wait_end send $((20 * slow))
	is "$1: the sender ends with 0" "$rc" 0
	wait_end recv 5
	is "$1: the receiver ends with 0" "$rc" 0
	is "$1: both have a summary" "$(get send .ended) $(get recv .ended)" 'done done'
}
first=recv
for method in $right; do
	[ "$method" != anon-sem ] || continue
	n=$((records / 20))
	if [ $first = recv ]; then
		recv "$method"
		check "$method: the receiver waits" until_ok 5 started recv
		send "$method" -n $n --metric throughput
		first=send
	else
		send "$method" -n $n --metric throughput
		check "$method: the sender waits" until_ok 5 started send
		recv "$method"
		first=recv
	fi
	ended "$method"
	check "$method: the receiver has them all" jq -se "map(select(.type == \"received\"))[0] |
		.records == 2 * $n and .lost == 0 and .wrong == 0" recv.out
	rows send "$method: and says so to the sender" "length == 1 and all(.records == 2 * $n and .lost == 0)"
done
recv sysv
send sysv -n 500 --bytes 8,1000 --metric throughput,rtt
ended 'several sizes'
rows send 'a row for each size, with both metrics' 'map(.bytes) == [8, 1000] and
	all(.rtt_ns.count == 500 and .msgs_per_s > 0)'
clean 'after two shells'

# --- those that never come, do not fit, or are there already ---

for end in send recv; do
	run 1 a "$XSKIT" bench ipc pipe $end name --timeout 0.3
	one_line "$end alone: says who did not come" "no (sender|receiver) named 'name'.*--timeout"
done
send pipe --timeout 3
check 'a sender waits' until_ok 5 started send
run 1 a "$XSKIT" bench ipc pipe send name --timeout 2
one_line 'a second sender of that name' "'name' has a sender already.*another name"
check 'the first one still waits' alive send
stop send
is 'SIGINT while waiting: exit code 0' "$rc" 0
recv tcp
check 'a receiver waits' until_ok 5 started recv
run 1 a "$XSKIT" bench ipc pipe send name
one_line 'another method: the sender says so' 'does not understand'
wait_end recv 5
is 'and the receiver fails, too' "$rc" 1
check 'and says so' grep -q "uses pipe, not tcp" recv.err
chmod 755 /run/xskit/ipc
run 1 a "$XSKIT" bench ipc --method pipe
one_line 'a directory that others can enter is refused' '/run/xskit/ipc.*0700'
chmod 700 /run/xskit/ipc
clean 'after those who failed'

# --- the end of one ---

busy() { [ "$(awk '{ print $14 + $15 }' "/proc/${pid[recv]}/stat")" -ge 5 ]; }
begin() {
	recv "$1"
	send "$1" -d 60
	check "$1: messages move" until_ok 10 busy
}
for method in $right sysv-textbook; do
	[ "$method" != anon-sem ] || continue
	for victim in send recv; do
		[ $victim = send ] && left=recv || left=send
		begin "$method"
		stop "$victim" KILL
		wait_end "$left" 5
		is "$method: $victim killed, the other fails" "$rc" 1
		check "$method: and says why, in a line" eval \
			"grep -q 'xskit: bench ipc: .*process is gone' $left.err && [ \$(wc -l <$left.err) -eq 1 ]"
		check "$method: $victim killed, nothing is left" none_left || objects | sed 's/^/# /'
	done
done

begin futex
kill -STOP "${pid[recv]}"
wait_end send 1
is 'a stopped receiver is waited for' "$rc" hung
kill -KILL "${pid[recv]}"
wait_end recv 5
recv pipe
send pipe -d 60 --timeout 0.5
check 'messages move' until_ok 10 busy
kill -STOP "${pid[recv]}"
wait_end send 10
is 'but not for longer than --timeout' "$rc" 1
check 'and the sender says so' grep -q 'nothing moves' send.err
kill -KILL "${pid[recv]}"
wait_end recv 5
clean 'after one was stopped'

for method in sysv mqueue mapped-file; do
	begin "$method"
	kill -KILL "${pid[send]}" "${pid[recv]}"
	wait_end send 5
	wait_end recv 5
	check "$method: both killed, something stays" some_left
	run 1 a "$XSKIT" bench ipc pipe send other --timeout 0.1
	check "$method: the next start removes it" none_left || objects | sed 's/^/# /'
done
begin sysv
bench beside --method sysv,mqueue,mapped-file --bytes 64 -n 200
check 'a run beside others leaves those alone' alive send
stop send
is 'and they end well' "$rc" 0
wait_end recv 5

# --- the end of the table ---

row_is_there() { grep -q '"type":"result"' table.out; }
table() {
	start table a "$XSKIT" bench ipc -j --method sysv,mqueue,mapped-file --bytes 64,8,128,1024 -d 0.2 --runs 1 \
		--metric throughput
	check "a table is under way" until_ok 30 row_is_there
}
for signal in INT TERM; do
	table
	stop table $signal
	is "SIG$signal: exit code 0" "$rc" 0
	is 'a summary says why it ended' "$(get table '[.type, .ended] | join(" ")')" 'summary signal'
	clean "SIG$signal"
done
table
check 'its child is there' until_ok 5 pkill -KILL -P "${pid[table]}" # not between two rows
wait_end table 5
is 'the child is killed: exit code 1' "$rc" 1
check 'and it says why' grep -q 'process is gone' table.err
clean 'the child is killed'
table
stop table KILL
check 'SIGKILL: the child ends, too' until_ok 5 nobody
run 1 a "$XSKIT" bench ipc pipe send other --timeout 0.1
clean 'SIGKILL, and the next start'
done_testing
