#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1
# kernels: 6.1 6.12 6.16 7.2
# Our program beside others, through libxdp's dispatcher: each runs in its turn, and either may go
# without the other noticing. What cannot be shared is refused by name, never replaced.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"
pair
object=$XSKIT_BUILD/bpf/xsk_redirect.bpf.o

shown() { in_ns a xdp-loader status va; }
is_shown() { shown | grep -q "$1"; }
# Names in the order they run in.
order() { shown | sed -nE 's/^ *=> *([0-9]+) +([a-z_]+).*/\2/p' | paste -sd ' '; }
no_program() { no_xdp a va; }

# --- xdp-filter first, then we ---
in_ns a xdp-filter load -m native -f udp va >filter.out 2>&1
check 'xdp-filter loads' is_shown xdpfilt
in_ns a xdp-filter port -m dst -p udp 6000 >>filter.out 2>&1
start rx a "$XSKIT" rx va -j -i 0.1 --attach libxdp
if ready rx; then
	check 'both are in the dispatcher' eval 'is_shown xdpfilt && is_shown xsk_redirect'
	is 'in the order of their priorities: xdp-filter (10) before us (20)' \
		"$(order | sed -E 's/xdpfilt[a-z_]*/filter/')" 'filter xsk_redirect'
	udp 64 5000 | blast 100
	check 'what the filter passes, we receive' until_ok 5 has_counted rx 100
	udp 64 6000 | blast 50
	udp 64 5000 | blast 10
	until_ok 5 has_counted rx 110
	stop rx
	is 'exit code' "$rc" 0
	sound rx
	summary rx 'what the filter drops never comes to us' '.packets == 110 and .xdp.redirected == 110'
fi
check 'we are gone' until_ok 5 eval '! is_shown xsk_redirect'
check 'xdp-filter stays' is_shown xdpfilt

# --- auto joins a dispatcher that is there, too; --attach link does not replace it ---
start rx a "$XSKIT" rx va -j -i 0.1
if ready rx; then
	udp 64 5000 | blast 100
	check 'by itself it goes through the dispatcher' until_ok 5 has_counted rx 100
	check 'beside xdp-filter' eval 'is_shown xdpfilt && is_shown xsk_redirect'
	in_ns a xdp-filter unload va >>filter.out 2>&1
	check 'xdp-filter goes' until_ok 5 eval '! is_shown xdpfilt'
	check 'we stay' eval 'alive rx && is_shown xsk_redirect'
	udp 64 6000 | blast 50
	check 'and receive what it had dropped' until_ok 5 has_counted rx 150
	stop rx
	is 'exit code after the other one went' "$rc" 0
	sound rx
fi
check 'nothing is left' until_ok 5 no_program
run 0 a xdp-filter load -m native -f udp va
run 1 a "$XSKIT" rx va -d 1 --attach link
one_line '--attach link replaces nobody: it names the other' 'xdpfilt|dispatcher'
in_ns a xdp-filter unload va >>filter.out 2>&1

# --- kill -9 beside another one: that one lives on ---
run 0 a xdp-filter load -m native -f udp va
start rx a "$XSKIT" rx va -j -i 0.1
if ready rx; then
	stop rx KILL
	check 'killed: xdp-filter lives on' is_shown xdpfilt
	run 0 a "$XSKIT" rx va -j -d 1
	check 'and the next run works' jq -se 'last.type == "summary"' run.out
fi
in_ns a xdp-filter unload va --all >>filter.out 2>&1
until_ok 5 no_program || in_ns a xdp-loader unload va --all >/dev/null 2>&1

# --- loaded to stay, by us and by xdp-loader ---
run 0 a "$XSKIT" load va
check 'xskit load: xdp-loader sees it' is_shown xsk_redirect
check 'a second program joins it' in_ns a xdp-filter load -m native -f udp va
is 'both run, in order' "$(order | sed -E 's/xdpfilt[a-z_]*/filter/')" 'filter xsk_redirect'
run 0 a "$XSKIT" unload va
check 'unload takes ours only' eval '! is_shown xsk_redirect && is_shown xdpfilt'
in_ns a xdp-filter unload va >>filter.out 2>&1
[ -d /sys/fs/bpf/xskit ] || mkdir -m 700 /sys/fs/bpf/xskit
check 'xdp-loader loads ours' in_ns a xdp-loader load -m native -p /sys/fs/bpf/xskit/va va "$object"
start rx a "$XSKIT" rx va -j -i 0.1 --pinned /sys/fs/bpf/xskit/va
if ready rx; then
	udp 64 5000 | blast 100
	check 'joined through its pins' until_ok 5 has_counted rx 100
	stop rx
	sound rx
	summary rx 'as joined' '.effective.program == "joined"'
fi
run 0 a "$XSKIT" unload va
check 'nothing is left' until_ok 5 no_program

# --- an interface that another program has for itself: xdp-bench's, where this kernel loads it ---
started_or_ended() { xdp_on a va || ! alive bench; }
start bench a timeout 60 xdp-bench drop va
until_ok 30 started_or_ended
if xdp_on a va; then
	run 1 a "$XSKIT" rx va -d 1 --attach link
	one_line 'what xdp-bench holds is not replaced: it is named' 'xdp_|drop'
else
	echo "# xdp-bench does not run under $(uname -r): $(tail -n 1 bench.err)"
fi
stop bench
until_ok 5 no_program || in_ns a xdp-loader unload va --all >/dev/null 2>&1
check 'ip attaches a program' in_ns a ip link set dev va xdpdrv obj "$XSKIT_BUILD/bpf/xdp_drop.bpf.o" sec xdp.frags
id=$(xdp_id a va)
for attach in auto link libxdp; do
	run 1 a "$XSKIT" rx va -d 1 --attach $attach
	one_line "--attach $attach replaces it not: it is named" 'xdp_drop'
done
is 'it is still there' "$(xdp_id a va)" "$id"
in_ns a ip link set dev va xdpdrv off
run 0 a "$XSKIT" rx va -j -d 0.5
check 'the kernel is content' kernel_is_content
done_testing
