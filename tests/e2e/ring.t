#!/usr/bin/env bash
# Rings between two shells: the same data comes out, also when either end is killed; what is wrong
# is said; verify tells right rings from wrong ones; and no name is left behind.
# shellcheck source=tests/e2e/lib.sh
limit=300
. "$(dirname "$0")/lib.sh"
ip netns add a # nothing here needs a network, but run does a namespace

ring() { timeout -k 1 $((30 * slow)) "$XSKIT" ring "$@"; }

# began NAME ARGS...: `ring ARGS` in the background, stdin from NAME.in, output in NAME.out, NAME.err
began() {
	local name=$1
	shift
	rm -f "$T/$name.out" "$T/$name.err"
	"$XSKIT" ring "$@" <"$T/$name.in" >"$T/$name.out" 2>"$T/$name.err" &
	pid[$name]=$!
}
# ended NAME RC: it ends by itself
ended() {
	wait_end "$1" 30
	is "$1 ends: exit code $2" "$rc" "$2"
	[ "$rc" = "$2" ] || sed 's/^/# /' "$T/$1.err"
}
same() { check "$1: what comes out is what went in" cmp "$2" "$3"; }
no_names() { check "$1: no name is left" eval '[ -z "$(ls -A /dev/shm)" ]'; }
has_size() { [ "$(stat -c %s "$1")" -ge "$2" ]; }
info() { # of nothing, jq says that it is true
	local line
	line=$(ring info "$1" -j) && jq -e "$2" <<<"$line"
}
# bad RC PATTERN ARGS...
bad() {
	run "$1" a "$XSKIT" ring "${@:3}" </dev/null
	one_line "  says /$2/" "$2"
}

is 'room: /dev/shm is empty' "$(ls -A /dev/shm)" ''
seq 100000 >lines
: >recv.in
mkfifo slow.in

# --- two shells ---

for kind in spsc spsc-latency fanin mpmc; do
	cp lines send.in
	began send send r --kind $kind
	began recv recv r
	ended send 0
	ended recv 0
	same "$kind, sender first" lines recv.out
	check "$kind: send tells its figures" grep -q '100000 records, 588895 bytes' send.err
	check "$kind: info" info r ".algorithm == \"$kind\" and .produced == 100000 and .fill == 0"
	began recv recv r --timeout 20 --unlink
	until_ok 5 info r '.consumers == 1'
	began send send r
	ended send 0
	ended recv 0
	same "$kind, receiver first on a ring that was used" lines recv.out
	no_names "$kind: recv --unlink"
done
began recv recv r --timeout 20
began send send r --wait spin --slots 8
ended send 0
ended recv 0
same 'the receiver waits for the name; both spin' lines recv.out
ring unlink r

# what is no line of digits: empty ones, NUL, none at all, no newline at the end
printf 'a\n\n\0b\n\n%0240d\nend' 7 >send.in
began send send r
began recv recv r --unlink
ended send 0
ended recv 0
same 'odd lines' send.in recv.out
: >send.in
began send send r
ended send 0
began recv recv r --unlink
ended recv 0
same 'nothing' send.in recv.out

# raw records, several senders, JSON
head -c 640000 /dev/urandom >send.in
began send send r --raw --record-bytes 64 --hugepages=auto --mode 0640 -j
began recv recv r --raw -j
ended send 0
ended recv 0
same 'raw' send.in recv.out
check 'send -j: start and summary on stdout' jq -se '.[0].type == "start" and .[-1].type == "summary" and
	.[-1].sent == 10000 and .[-1].bytes == 640000 and .[-1].produced == 10000' send.out
check 'recv -j: on stderr; raw records are not checked' jq -se '.[-1] | .received == 10000 and
	has("lost") and .lost == null' recv.err
check 'info: mode' info r '.mode == "0640" and .owner == 0 and .users == []'
ring unlink r
for kind in fanin mpmc; do
	for n in 1 2 3; do
		sed "s/^/$n /" lines >send$n.in
		began send$n send r --kind $kind -j
	done
	until_ok 5 info r '.produced > 0'
	began recv recv r -j
	for n in 1 2 3; do ended send$n 0; done
	ended recv 0
	for n in 1 2 3; do check "$kind: sender $n's lines, in order" cmp send$n.in <(grep "^$n " recv.out); done
	check "$kind: verified by the receiver" jq -se '.[-1] | .received == 300000 and .lost == 0 and
		.duplicated == 0 and .torn == 0 and .reordered == 0' recv.err
	ring unlink r
done

# --- limits, signals, intervals ---

cp lines send.in
began send send r --slots 1024
began recv recv r -n 10
ended recv 0
is 'recv -n 10' "$(wc -l <recv.out)" 10
ended send 1
check 'the receivers have left: says so' grep -q '^xskit: ring send: .*receivers have left' send.err
began recv recv r
ended recv 0
same 'the next receiver goes on there' <(seq 11 $((10 + $(wc -l <recv.out)))) recv.out
began recv recv r --follow -i 0.1
until_ok 5 grep -q ' s ' recv.err
check 'interval lines' grep -q 'records' recv.err
: >recv2.in
began recv2 recv r
ended recv2 1
check 'a second receiver of spsc: says so' grep -q '^xskit: take a seat: .*as many receivers' recv2.err
for signal in TERM INT; do
	exec 9<>slow.in
	began slow send r
	printf '%s\n2\n' $signal >&9
	until_ok 5 grep -A1 $signal recv.out
	stop slow $signal
	is "send, SIG$signal: exit code 0" $rc 0
	check 'with its summary' grep -q ' 2 records.*ended by signal' slow.err
	exec 9>&-
done
check 'an idle receiver uses no CPU' eval '[ "$(awk "{ print \$14 + \$15 }" /proc/${pid[recv]}/stat)" -lt 50 ]'
stop recv
is 'recv, SIGINT: exit code 0' $rc 0
check 'with its summary' grep -q 'ended by signal' recv.err
began recv recv r
until_ok 5 info r '.consumers == 1'
ring unlink r
ended recv 0 # nobody can come any more
run 1 a "$XSKIT" ring recv r --timeout 0.2
one_line 'no such ring within the timeout' 'no ring named r'
cp lines send.in
began send send r --timeout 0.3 --slots 16
ended send 1
check 'send --timeout: full, and nobody receives' grep -q '^xskit: ring send: .*full' send.err
ring recv r 2>recv.err | head -n 1 >/dev/null
rc=${PIPESTATUS[*]} # 1: head was gone before all was written
check 'recv | head ends' eval '[[ $rc == [01]" 0" ]]'
ring unlink r
cp lines send.in
began send send r
ring recv r 2>recv.err | head -c 0
check 'the output is closed: says so' grep -q '^xskit: ring recv: nobody reads the output' recv.err
began recv recv r --unlink
ended send '0'
ended recv 0
no_names 'limits'

# --- kill -9 ---

exec 9<>slow.in
began slow send r
began recv recv r
head -n 5000 lines >&9
until_ok 5 has_size recv.out "$(head -n 5000 lines | wc -c)"
stop slow KILL
exec 9>&-
ended recv 1
same 'sender killed: all it had sent' <(head -n 5000 lines) recv.out
check 'and recv says in one line that it died' eval '[ "$(grep -c ^xskit: recv.err)" -eq 1 ]'
check 'which' grep -q '^xskit: ring recv: a sender .*died without detaching' recv.err
check 'nobody is there' info r '.users == []'

for kind in spsc fanin; do
	ring unlink r
	cp lines send.in
	rm -f pipe && mkfifo pipe
	exec 8<>pipe # nobody reads: recv is killed in the middle of its output
	"$XSKIT" ring recv r >pipe 2>recv.err &
	pid[recv]=$!
	began send send r --kind $kind --slots 1024
	until_ok 5 info r '.consumers == 1 and .consumed > 1000 and .producer_waits > 0 and .fill > 200'
	stop recv KILL
	dd if=pipe of=killed.out iflag=nonblock bs=1M status=none 2>dd.err # until it would wait
	exec 8>&-
	check "$kind, receiver killed: the sender says so" until_ok 5 grep -q 'receiver died' send.err
	check "$kind: send goes on" alive send
	began recv recv r
	ended send 0
	ended recv 0
	check "$kind: nothing is lost, over both" cmp lines <(cat killed.out recv.out | grep -xE '[0-9]+' | sort -nu)
	is "$kind: the last line" "$(tail -n 1 recv.out)" 100000
done
ring unlink r
exec 9<>slow.in
began slow send r
until_ok 5 info r '.producers == 1'
stop slow KILL
check 'info shows a dead one' info r '.producers == 0 and .users == [.users[0]] and .users[0].alive == false'
check 'repair mends it' eval 'ring repair r | grep -q "1 mended"'
check 'once' eval 'ring repair r | grep -q "0 mended"'
began slow send r
until_ok 5 info r '.producers == 1'
stop slow KILL
cp lines send.in
began send send r
until_ok 5 info r '.producers == 1'
began recv recv r --unlink
ended send 0
ended recv 0
check 'a sender takes the place over' grep -q 'takes over the place' send.err
same 'and all its lines come' lines recv.out
exec 9>&-
no_names 'kill -9'

# --- mismatches and bad input ---

seq 3 | ring send r --slots 64 --record-bytes 128 2>/dev/null
bad 1 '--kind spsc' send r --kind mpmc
bad 1 '--slots 64, not 128' send r --slots 128
bad 1 '--record-bytes 128, not 64' send r --record-bytes 64
bad 1 'memory' send r --mode 0600
run 0 a "$XSKIT" ring send r --slots 64 --record-bytes 128 </dev/null
printf '1\n%0200d\n' 1 >send.in
began send send r
ended send 1
check 'a line too long: which, and how long' grep -q 'line 2 has 200 bytes, and a record of ring r holds 112' send.err
is 'what came before it is sent' "$(ring recv r 2>/dev/null | tail -n 1)" 1
head -c 200 /dev/zero | tr '\0' x >send.in
began send send r --raw
ended send 1
check 'a part of a record is left over' grep -q '72 bytes are left over' send.err
run 1 a "$XSKIT" ring recv r
check 'raw records are no lines: says so' grep -q '^xskit: ring recv: record 1 is no line' run.err
ring unlink r
for arg in send recv info repair unlink; do
	bad 2 'NAME' $arg
	bad 2 'extra' $arg r extra
	bad 2 'unknown option' $arg r --frobnicate
	run 0 a "$XSKIT" ring $arg --help
done
bad 2 'ACTION'
bad 2 "'copy' is nothing.*verify, send" copy r
bad 2 'nearest are 1024 and 2048' send r --slots 1500
bad 2 'from 1 to' send r --slots 0
bad 2 'record-bytes' send r --record-bytes 0
bad 2 'record-bytes' send r --record-bytes 2000000
bad 2 '17 and more' send r --record-bytes 16
bad 2 'one of' send r --kind lifo
bad 2 'one of' send r --mode 0666
bad 2 'lanes' send r --kind spsc --lanes 2
bad 2 'lanes' send r --lanes 2
bad 2 'users' send r --users 2
for arg in info repair unlink; do bad 1 'no share|none|No such file' $arg nosuch; done
bad 1 "'/' in the name" send a/b
bad 1 'empty' info /
head -c 4096 /dev/zero >/dev/shm/zeros
bad 1 'no ring' info zeros
bad 1 'no ring' repair zeros
bad 1 'no ring' send zeros
bad 1 'no ring' recv zeros
ln -s zeros /dev/shm/link
bad 1 'symbolic link' recv link
chown 1234 /dev/shm/zeros
bad 1 'belongs to' info zeros
check 'unlink takes what is no ring too' ring unlink link
rm /dev/shm/zeros
mkdir /dev/shm/dir
bad 1 'rmdir /dev/shm/dir' info dir
rmdir /dev/shm/dir
mount -o remount,size=1m /dev/shm
bad 1 'full|space|memory' send r --slots 1048576
mount -o remount,size=50% /dev/shm
no_names 'bad input'

# --- damage ---

# poke NAME OFFSET BYTES: over what is there
poke() { printf %b "$3" | dd of=/dev/shm/"$1" bs=1 seek="$2" conv=notrunc status=none; }
for kind in spsc spsc-latency fanin mpmc; do
	seq 3 | ring send r --kind $kind 2>/dev/null
	at=$(jq -n "{\"spsc\": 768, \"spsc-latency\": 768, \"fanin\": 2688, \"mpmc\": 2560}[\"$kind\"]")
	poke r "$at" '\0377\0377\0377\0377'
	for arg in info repair send recv; do bad 1 'ring r is damaged.*xskit ring unlink r' $arg r; done
	ring unlink r
done
began recv recv r -j --follow
seq 3 >send.in
began send send r --kind mpmc
ended send 0
until_ok 5 has_size recv.out 6
poke r 2560 '\0377\0377\0377\0377'
ended recv 1
check 'damaged while it waits: says so' grep -q '^xskit: open ring: ring r is damaged' recv.err
check 'and its summary comes' eval 'grep "^{" recv.err | jq -se ".[-1] | .type == \"summary\" and .received == 3"'
ring unlink r
seq 3 | ring send r 2>/dev/null
poke r 8 '\0011'
for arg in info repair send recv; do bad 1 'ring r is of version 9, and this xskit speaks 3' $arg r; done
ring unlink r

# --- what goes nowhere ---

seq 3 | ring send r 2>/dev/null
run 1 a bash -c '"$XSKIT" ring recv r >&-'
check 'stdout is closed: says so' grep -q '^xskit: .*stdout cannot be written (Bad file' run.err
check 'and the records are still there' info r '.fill == 3'
run 1 a bash -c '"$XSKIT" ring send r <&-'
check 'stdin is closed: says so' grep -q '^xskit: .*stdin cannot be read (Bad file' run.err
for arg in status 'ring info r' 'ring info r -j' --help; do
	run 1 a bash -c "\"\$XSKIT\" $arg >&-"
	one_line "$arg: stdout is closed" 'stdout cannot be written .Bad file'
done
for arg in 'ring info r' 'ring info r -j' 'ring verify -n 1000' 'ring verify -n 1000 -j' \
	'bench ring --help'; do
	run 1 a bash -c "\"\$XSKIT\" $arg >/dev/full"
	one_line "$arg: stdout is full" 'stdout cannot be written .No space left'
done
run 1 a bash -c 'seq 3 | "$XSKIT" ring send r -j >/dev/full'
check 'send -j: stdout is full' grep -q '^xskit: stdout cannot be written (No space left' run.err
run 0 a bash -c '"$XSKIT" ring info r 2>&-'
ring unlink r
yes 1 | head -n 100 >send.in
began send send r --slots 16 --timeout 0.2 -j
ended send 1
check 'send: its bytes are those of the records sent' jq -se '.[-1] | .sent == 16 and .bytes == 32' send.out
ring unlink r
began recv recv r -j
until_ok 5 eval '[ -e /proc/${pid[recv]}/fdinfo/4 ]'
stop recv TERM
is 'recv -j, SIGTERM while it waits for the name: exit code 0' $rc 0
check 'and its summary' jq -se 'length == 1 and .[0].type == "summary" and .[0].ended == "signal" and
	.[0].received == 0 and .[0].algorithm == null' recv.err
no_names 'damage'

# --- verify ---

# verified NAME WHAT JQ: of its rows
verified() { check "$1: $2" jq -se "map(select(.type == \"result\")) | $3" "$1.out"; }
clean='all(.lost == 0 and .duplicated == 0 and .torn == 0 and .reordered == 0 and .sent == .received)'
began recv verify -j -n 200000
ended recv 0
verified recv 'all of ours' "length == 4 and $clean and all(.sent == 200000 and .produced == 200000)"
for scope in threads processes; do
	for wait in spin sleep; do
		began recv verify -j -n 200001 --producers 3 --consumers 2 --scope $scope --wait $wait --slots 256
		ended recv 0
		verified recv "$scope, $wait: 3 to 2" "length == 2 and $clean and all(.sent == 200001)"
	done
done
began recv verify -j -d 0.3 --algorithm mutex,spsc --element-bytes 8 --burst 1
ended recv 0
verified recv 'over time' "length == 2 and $clean and all(.ended == \"duration\" and .sent > 0)"
began recv verify named -d 30 --algorithm mpmc
until_ok 5 info named '.producers == 1 and .consumers == 1'
check 'a name to look at meanwhile' ring info named
stop recv
is 'verify, SIGINT: exit code 0' $rc 0
no_names 'verify'
lost=
for ((i = 0; i < 5 && !${#lost}; i++)); do
	began recv verify -j --algorithm textbook --producers 2 --consumers 2 -n 2000000
	wait_end recv 30
	[ $rc -eq 1 ] && jq -se 'map(select(.type == "result"))[0] | .lost > 0' recv.out >/dev/null && lost=yes
done
is 'the textbook ring loses messages' "$lost" yes
check 'and verify says so' grep -q '^xskit: ring verify: textbook: .*lost' recv.err
bad 2 'one producer' verify --algorithm spsc --producers 2
bad 2 'records of 64' verify --algorithm textbook --element-bytes 8
bad 2 'multiple of 8' verify --element-bytes 12
bad 2 'power of two' verify --slots 1000
bad 2 'one of.*textbook' verify --algorithm lifo
began recv verify -j -d 60 --scope processes --algorithm mpmc --producers 2
worker() { pgrep -P "${pid[recv]}" | head -n 1; }
until_ok 5 eval '[ -n "$(worker)" ]'
check 'a worker is stopped for good' kill -STOP "$(worker)"
wait_end recv 30
check 'a quiet ring is given up: exit code 1 or 0, as it was caught' eval '[[ $rc == [01] ]]'
verified recv 'ended by quiet' '.[0].ended == "quiet"'
check 'and the stopped one does not stay' eval '! pgrep -x xskit'
began recv verify -d 60 --scope processes --algorithm fanin
until_ok 5 eval '[ -n "$(worker)" ]'
kill -KILL "$(worker)"
ended recv 1
check 'a worker that died: says so' grep -q '^xskit: ring verify: a .* died' recv.err
began recv verify -d 60 --scope processes --algorithm fanin
until_ok 5 eval '[ -n "$(pgrep -P ${pid[recv]})" ]'
stop recv KILL
check 'verify killed: no process stays' until_ok 5 eval '! pgrep -x xskit'
no_names 'the end'
done_testing
