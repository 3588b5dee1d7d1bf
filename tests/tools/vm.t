#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# tools/vm.sh hands back what the command said and its exit code, and says clearly what goes wrong.
set -u
cd "$(dirname "$0")/../.." || exit 2
for tool in qemu-system-x86_64 busybox; do
	command -v $tool >/dev/null && continue
	echo "1..0 # SKIP $tool is not here and could not be installed (tools/install-deps.sh --vm)"
	exit 0
done
tmp=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$tmp"' EXIT
n=0 failed=0
ok() { # ok STATUS WHAT [FILE of what it said]
	n=$((n + 1))
	[ "$1" -eq 0 ] && echo "ok $n - $2" && return
	failed=1
	echo "not ok $n - $2"
	[ -z "${3:-}" ] || tail -n 30 "$3" | sed 's/^/# /'
}
# says NAME CODE PATTERN: how the run NAME ended, and what its stderr has
says() {
	[ "$(cat "$tmp/$1.rc" 2>/dev/null)" = "$2" ]
	ok $? "$1: exit code $2 (got $(cat "$tmp/$1.rc" 2>/dev/null))" "$tmp/$1.err"
	grep -qE "$3" "$tmp/$1.err"
	ok $? "$1: says /$3/" "$tmp/$1.err"
}
run() { # run NAME CMD...
	local name=$1
	shift
	"$@" >"$tmp/$name.out" 2>"$tmp/$name.err"
	echo $? >"$tmp/$name.rc"
}
vm=tools/vm.sh
cache=${XSKIT_VM_CACHE:-$PWD/build/vm}
tools/vm-kernel.sh 7.2 >/dev/null 2>"$tmp/kernel" || { ok 1 'a kernel' "$tmp/kernel"; echo 1..1; exit 1; }

# The slow ones, all at the same time.
run streams $vm 'echo to out; echo to err >&2; uname -r; exit 7' &
run panic $vm 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 600' &
run hang $vm -t 20 'sleep 600' &
background=$(jobs -p)

# --- refused at once ---
run 'no command' $vm
says 'no command' 2 '^usage: tools/vm.sh'
run 'no number' $vm -c many true
says 'no number' 2 '^vm: -c many: a number from 1 on'
run 'three CPUs on two nodes' $vm -c 3 -n 2 true
says 'three CPUs on two nodes' 2 'share out a multiple of 2'
run 'no such NIC' $vm -d abacus true
says 'no such NIC' 2 '^vm: -d abacus: this QEMU has none'
run 'no kernel name' $vm -k latest true
says 'no kernel name' 126 "'latest' is no kernel: give its two numbers, like 6.12"
run 'a kernel that does not exist' env XSKIT_VM_CACHE="$tmp/cache" $vm -k 5.99 true
says 'a kernel that does not exist' 126 'no kernel 5.99 in Debian.s archive: there are .*6\.12'

mkdir "$tmp/bin" "$tmp/bin2" "$tmp/small"
cp -s /usr/bin/* /usr/sbin/* "$tmp/bin" 2>/dev/null
rm "$tmp/bin/qemu-system-x86_64"
run 'no QEMU' env PATH="$tmp/bin" $vm true
says 'no QEMU' 126 '^vm: qemu-system-x86_64 is missing: tools/install-deps.sh --vm installs it$'
cp -s /usr/bin/* /usr/sbin/* "$tmp/bin2" 2>/dev/null
rm "$tmp/bin2/busybox"
run 'no busybox' env PATH="$tmp/bin2" $vm true
says 'no busybox' 126 '^vm: busybox is missing: '
run 'no root' setpriv --reuid 65534 --regid 65534 --clear-groups $vm true
says 'no root' 126 '^vm: .*: use sudo$'

# --- the package archive ---
nowhere=(env XSKIT_VM_ARCHIVE=http://127.0.0.1:9)
run 'no network' "${nowhere[@]}" XSKIT_VM_CACHE="$tmp/empty" $vm -k 6.12 true
says 'no network' 126 'http://127.0.0.1:9 cannot be reached: is there a network'
run 'no network, but a kernel in the cache' "${nowhere[@]}" tools/vm-kernel.sh --refresh 7.2
says 'no network, but a kernel in the cache' 0 'cannot be reached: the 7.2 of last time is used'
grep -qx "$cache/7.2" "$tmp/no network, but a kernel in the cache.out"
ok $? 'and it is named'
cp -r "$tmp/cache/apt" "$tmp/apt"
run 'no disk space' unshare --mount bash -c "mount -t tmpfs -o size=200m small $tmp/small &&
	cp -r $tmp/apt $tmp/small/ && XSKIT_VM_CACHE=$tmp/small exec $vm -k 6.12 true"
says 'no disk space' 126 'no disk space: [0-9]+ MB are free under .*small, 900 are needed'

# --- the slow ones ---
# shellcheck disable=SC2086  # words
wait $background
says streams 7 '^to err$'
[ "$(head -n 1 "$tmp/streams.out")" = 'to out' ] && grep -q '^7\.2\.' "$tmp/streams.out"
ok $? 'streams: stdout is the command'"'"'s, under the kernel asked for' "$tmp/streams.out"
says panic 125 'Kernel panic'
grep -q '^vm: the machine died; the console' "$tmp/panic.err"
ok $? 'panic: told as such' "$tmp/panic.err"
says hang 124 '^vm: no end after 20 s'

# --- killed, it leaves nothing ---
machines() { pgrep -cf "^qemu-system-x86_64.*mark=$1"; }
# until_machines COUNT MARK: for up to 30 s
until_machines() {
	local tenths
	for ((tenths = 0; tenths < 300; tenths++)); do
		[ "$(machines "$2")" -eq "$1" ] && return
		sleep 0.1
	done
	return 1
}
for signal in TERM KILL; do
	XSKIT_VM_APPEND="mark=$signal$$" $vm 'sleep 600' >"$tmp/killed" 2>&1 &
	killed=$!
	until_machines 1 "$signal$$"
	ok $? "$signal: a machine runs" "$tmp/killed"
	kill -$signal $killed
	wait $killed 2>/dev/null
	until_machines 0 "$signal$$"
	ok $? "$signal: it is gone with its maker" "$tmp/killed"
done
echo "1..$n"
exit $failed
