#!/usr/bin/env bash
# The program loaded with xdp-loader: load, join, see it in both status commands, unload.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1
object=$(dirname "$XSKIT")/bpf/xsk_redirect.bpf.o
pin=/sys/fs/bpf/xskit/va

load() { in_ns a xdp-loader load -m native -p "$pin" va "$object"; }
both_show() {
	in_ns a xdp-loader status | tee loader.out | grep -q xsk_redirect &&
		in_ns a "$XSKIT" status va >status.out && grep -q xsk_redirect status.out
}

check 'the directory' mkdir -m 700 -p /sys/fs/bpf/xskit
check 'xdp-loader loads it' load
check 'both status commands show it' both_show
start rx a "$XSKIT" rx va -j -i 0.1 --pinned $pin --match 'udp dst port 5000'
ready rx
{ udp 64 5000 && udp 64 6000; } | blast 1000
check 'it receives' until_ok 5 has_counted rx 500
stop rx
sound rx
summary rx 'joined, own match' '.effective.program == "joined" and .packets == 500'
check 'it stays when rx goes' both_show
start rx a "$XSKIT" rx va -j -i 0.1 --pinned $pin
ready rx
udp 64 6000 | blast 100
check 'a second run starts from the defaults' until_ok 5 has_counted rx 100
stop rx KILL
check 'it stays when rx is killed' both_show
run 0 a "$XSKIT" rx va -j -d 0.3 --pinned $pin
run 0 a "$XSKIT" rx va -j -d 0.3
check 'without --pinned it is joined too' jq -se 'last.effective.program == "joined"' run.out
check 'and stays' both_show
start rx a "$XSKIT" rx va -j --pinned $pin
ready rx
check 'xdp-loader unloads it' in_ns a xdp-loader unload va --all
wait_end rx 5
is 'the program goes away under rx: exit code' "$rc" 1
is 'noticed within 2 s' $((took_ms <= 2000 * slow)) 1
check 'and told' grep -qE '^xskit: .*(unload|detach|removed|gone|taken off|no longer)' rx.err
check 'unloading leaves the pin' test -e $pin/xsks_map
run 1 a "$XSKIT" rx va --pinned $pin
one_line 'a stale pin' 'stale pin'
run 0 a "$XSKIT" unload va
check 'unload clears the pin' test ! -e $pin
run 1 a "$XSKIT" rx va --pinned $pin
one_line 'no pin' "$pin|pin"

# Ours loads as xdp-loader does: either unloads it.
run 0 a "$XSKIT" load va
check 'xskit load: both show it' both_show
run 0 a "$XSKIT" rx va -j -d 0.3
check 'it is joined' jq -se 'last.effective.program == "joined"' run.out
check 'xdp-loader unloads it' in_ns a xdp-loader unload va --all
check 'nothing is attached' no_xdp a va
in_ns a "$XSKIT" unload va >/dev/null 2>&1
run 0 a "$XSKIT" load va
run 0 a "$XSKIT" unload va
check 'xskit unload: nothing is attached' no_xdp a va
run 0 a "$XSKIT" status
run 0 a "$XSKIT" status va
check 'status: says that there is none' grep -qiE 'no |none|-' run.out

# xdp-loader loads, xskit unloads, and the other way round.
check 'xdp-loader loads again' load
run 0 a "$XSKIT" unload va
check 'xskit unloads it' no_xdp a va
is 'no pin is left' "$(find /sys/fs/bpf -name xsks_map)" ''

# A process of ours holds the program by a link: unload says so and leaves it alone.
start rx a "$XSKIT" rx va -j
ready rx
run 1 a "$XSKIT" unload va
one_line 'held by a running process' 'running|process|link|held'
stop rx
sound rx
done_testing
