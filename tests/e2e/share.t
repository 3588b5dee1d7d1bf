#!/usr/bin/env bash
# Two processes on two queues share a program, each with its own rules and counters; either may be
# killed, the other goes on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 2

# traffic: on each queue 100 frames to port 5000 and 100 to port 6000; trafgen sends on the queue
# with the number of its CPU
traffic() {
	local queue port
	for queue in 0 1; do
		for port in 5000 6000; do echo "cpu($queue): $(udp 64 $port)" | blast 100 --cpus 2; done
	done
}
one() { start one a "$XSKIT" rx va -j -i 0.1 --poll wait -q 0 --match 'udp dst port 5000' && ready one; }
two() { start two a "$XSKIT" rx va -j -i 0.1 --poll wait -q 1 --keep none && ready two; }

one
id=$(xdp_id a va)
two
is 'one program for both' "$(xdp_id a va)" "$id"
traffic
check 'both receive' until_ok 5 eval 'has_counted one 100 && has_counted two 200'
stop one
stop two
sound one
sound two
summary one 'its own match' '.packets == 100 and .xdp.redirected == 100 and .xdp.passed >= 100'
summary two 'its own, none' '.packets >= 200 and .xdp.redirected == .packets and .xdp.passed == 0'
is 'who came first loaded it' "$(get one .effective.program)" own
is 'who came second joined it' "$(get two .effective.program)" joined
check 'with the last one it goes' until_ok 2 no_xdp a va

# Kill either; the other goes on, and a new one takes the dead one's place at once.
for victim in one two; do
	[ $victim = one ] && left=two || left=one
	one
	two
	stop $victim KILL
	check "$victim killed: the program stays" test -n "$(xdp_id a va)"
	traffic
	check "$victim killed: $left goes on" until_ok 5 has_counted "$left" 100
	$victim
	traffic
	check "$victim is back: it receives" until_ok 5 has_counted "$victim" 100
	check "$left still does" until_ok 5 has_counted "$left" 200
	stop one
	stop two
	sound one
	sound two
	check 'nothing stays' until_ok 2 no_xdp a va
done

# A queue belongs to one process.
one
run 1 a "$XSKIT" rx va -q 0
one_line 'the same queue twice' 'busy|in use|another'
traffic
check 'who was there first goes on' until_ok 5 has_counted one 100
stop one
sound one
done_testing
