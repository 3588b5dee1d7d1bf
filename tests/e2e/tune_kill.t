#!/usr/bin/env bash
# tune killed at every system call that matters, then undone: to the byte, and nothing is left.
limit=380
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/plant.sh
. "$root/tests/e2e/plant.sh"
pair 4
bridges
plant
planted >fresh
real >before

# killed CALL N ARGS...: killed when it is about to make its Nth system call of that kind; 1: it had none
killed() {
	local call=$1 n=$2
	shift 2
	in_ns a env XSKIT_SYSROOT="$tree" ASAN_OPTIONS=detect_leaks=0 \
		strace -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
		"$XSKIT" tune "$@" >/dev/null 2>&1
	[ $? -eq 137 ]
}
for call in write fsync openat2; do
	wrong=0
	for ((n = 1; n < 1000; n++)); do
		killed $call $n d0 --profile throughput || break
		tune --undo >undo.out 2>&1 || wrong=1
		planted >after
		diff fresh after >diff.out && [ "$(ls /run/xskit)" = tune.lock ] || wrong=1
		[ $wrong = 0 ] || break
	done
	is "killed at each of $((n - 1)) $call, undone to the byte" "$wrong" 0
	[ $wrong = 0 ] || sed 's/^/# /' undo.out diff.out
	check "there were some, and an end to them ($call)" test "$n" -gt 20 -a "$n" -lt 1000
	tune d0 --undo >/dev/null
done
for call in write fsync; do
	wrong=0
	for ((n = 1; n < 1000; n++)); do
		tune d0 --profile throughput >/dev/null 2>&1
		killed $call $n d0 --undo || break
		tune --undo >undo.out 2>&1 || wrong=1
		planted >after
		diff fresh after >diff.out && [ "$(ls /run/xskit)" = tune.lock ] || wrong=1
		[ $wrong = 0 ] || break
	done
	is "undoing killed at each of $((n - 1)) $call, undone again" "$wrong" 0
	[ $wrong = 0 ] || sed 's/^/# /' undo.out diff.out
	check "there were some, and an end to them ($call)" test "$n" -gt 20 -a "$n" -lt 1000
done
planted >after
check 'as in the beginning' diff fresh after
no_journal 'killed'

# On a real veth, in between.
for n in 2 3 4 5 6 7; do
	in_ns a strace -qq -o /dev/null -e trace=fsync -e "inject=fsync:signal=KILL:when=$n" \
		"$XSKIT" tune va >/dev/null 2>&1
	run 0 a "$XSKIT" tune va --undo
done
real >after
check 'the veth is as before' diff before after

done_testing
