#!/usr/bin/env bash
# Help, version, and sizes that work.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1

run 0 a "$XSKIT" --version
check 'a version' grep -qE '^xskit [0-9]+\.[0-9]+\.[0-9]+' run.out
is 'one line' "$(wc -l <run.out)" 1
run 0 a "$XSKIT" --help
for command in rx gen echo ping load unload status tune; do
	check "help names $command" grep -qE "^ *$command\b" run.out
done
for command in rx gen echo ping load unload status tune; do
	run 0 a "$XSKIT" $command --help
	check "$command --help says how it is called" grep -qiE "usage: xskit $command" run.out
	is 'nothing on stderr' "$err" ''
done
for command in rx gen echo ping; do
	in_ns a "$XSKIT" $command --help >run.out
	for option in queues duration packets mode bind poll busy-budget batch frames frame-size ring-size \
		cpu node attach tx-budget hugepages keep match require pinned force json interval tune; do
		grep -q -- "--$option" run.out || fail "$command --help names --$option"
	done
	pass "$command --help was searched for the shared options"
done

check '--duration 0 is told' grep -q 'after S seconds, 0: ' run.out

# What the text says: no empty brackets for an interface without a driver, a blank before a bare unit.
run 0 a "$XSKIT" rx lo -d 0.1
check 'lo has no driver' grep -qE '^rx on lo, XDP' run.out
check 'nothing came' grep -q ' 0 packets in .*: 0 pps, 0 bit/s' run.out

# works ARGS...: 300 frames are counted with these options
works() {
	start rx a "$XSKIT" rx va -j -i 0.1 "$@"
	ready rx || return
	udp 64 | blast 300
	check "$*: receives" until_ok 5 has_counted rx 300
	stop rx
	sound rx
}
works --frame-size 2048 --frames 4096 --ring-size 1024
works --frame-size 4096 --ring-size 512 --batch 256
works --frames 512 --ring-size 512 --batch 1
works --poll busy --busy-budget 16
works --poll wait
works --poll adaptive --cpu 0
works --hugepages auto --node 0
works --attach libxdp
works --queues 0 --bind copy --mode native
works -q 0 -v
done_testing
