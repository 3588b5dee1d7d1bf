#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Arrows point at what is included, never back: reads the #include lines of the tree and fails on
# one that the table below does not allow. A new room needs a line here.
# usage: tools/check-layers.sh [TREE]
set -uo pipefail
cd "${1:-$(dirname "$0")/..}" || exit 2

# room: the rooms it may include. lib/ is user/lib and include/xskit; bpf/ is bpf and the skeletons
# made from it; bench/ is user/bench; the others are user/. A room of several files is X.h, X.c,
# X_this.c, X_that.h.
# * stands for any characters.
table='
lib/err:
lib/atomic:
lib/compat:
lib/run:
lib/place:  lib/err lib/run
lib/hist:   lib/err lib/atomic
lib/mem:    lib/err lib/compat
lib/share:  lib/err lib/compat lib/mem
lib/umem:   lib/err lib/atomic lib/mem
lib/port:   lib/err lib/atomic lib/umem lib/mem lib/compat
lib/prog:   lib/err lib/compat bpf/abi bpf/xsk_*.skel
lib/worker: lib/err lib/atomic
lib/ring:   lib/err lib/atomic
lib/stream: lib/ring lib/atomic
lib/spsc:   lib/stream lib/ring lib/atomic
lib/fanin:  lib/stream lib/ring lib/atomic
lib/mpmc:   lib/stream lib/ring lib/atomic
bpf/doctor_*: bpf/doctor_abi
bpf/redirect_*:    bpf/redirect_packet bpf/abi
bpf/xsk_redirect*: bpf/redirect_*
bpf/*:      bpf/abi

jsonl:      std_fds
packet:
pace:
caps:
std_fds:
output:     caps lib/err
sysroot:
cmd:        lib/err
nl:         packet lib/err
neigh:      packet lib/err
answer:     neigh packet
resolve:    nl packet lib/err
match:      cmd packet bpf/abi lib/err
opts:       cmd match tune/tune bpf/abi lib/*
report:     jsonl nl packet std_fds bpf/abi lib/*
kengine:    bpf/abi bpf/xdp_gen.skel lib/err lib/hist lib/atomic
lane:       nl opts lib/*
session:    caps cmd jsonl lane match nl opts packet report std_fds tune/lines tune/tune bpf/abi lib/*
gen:        kengine lane nl pace packet report lib/*
ping:       answer lane match neigh nl opts output pace packet report resolve lib/*
echo:       answer lane match neigh nl opts packet resolve lib/*
fwd:        lane nl opts report lib/*
dpdk/forward: jsonl
bench/bench:  lib/err
bench/spread:
bench/process:
bench/cpus:    cmd opts lib/*
bench/options: opts lib/*
bench/result: bench/process jsonl report lib/hist
bench/crew:   bench/process cmd report lib/*
bench/false:  bench/bench bench/cpus bench/crew bench/options bench/process bench/result bench/spread cmd opts report lib/*
bench/udp:    bench/bench bench/cpus bench/options bench/process bench/result cmd jsonl opts pace report lib/*
bench/ipc:    bench/bench bench/cpus bench/options bench/process bench/result bench/spread cmd opts report lib/*
bench/numa:   bench/bench bench/cpus bench/crew bench/options bench/process bench/result bench/spread cmd opts report lib/*
bench/ring:   bench/bench bench/cpus bench/options bench/process bench/result bench/spread cmd opts report lib/* bench/locked bench/textbook
bench/textbook:
bench/locked:
tune/tune:  nl lib/err lib/place
tune/lines: tune/tune
tune/journal: tune/settings lib/err lib/run
tune/settings: tune/tune sysroot
tune/*:     tune/tune tune/settings tune/journal nl sysroot lib/err
rings:      bench/locked bench/result bench/textbook cmd jsonl opts report lib/*
doctor/*:   doctor/* bpf/abi bpf/doctor_* bpf/xdp_drop.skel jsonl nl sysroot lib/err lib/prog lib/place
cmd_doctor: cmd doctor/doctor opts lib/*
cmd_bench:  bench/bench cmd lib/err
cmd_ring:   cmd rings lib/err
cmd_tune:   cmd jsonl nl opts tune/lines tune/tune lib/err
cmd_*:      cmd echo fwd gen kengine nl opts output packet ping report resolve session lib/* bpf/abi
main:       cmd opts std_fds
'

status=0
complain() {
	echo "check-layers: $*"
	status=1
}

# Lines "file includes": every #include of the tree that names one of our own files.
includes() {
	find bpf include user -name '*.[ch]' 2>/dev/null | sort |
		xargs -r grep -HoP '^\s*#\s*include\s*[<"]\K[^>"]+' |
		grep -E ':(xskit/|bench/|doctor/|tune/)?[a-z0-9_.-]+\.h$' | tr : ' '
}

# The room of a path as it is written in an #include, or in the tree, into $room.
declare -A rooms=()
room() {
	if [ -z "${rooms[$1]+known}" ]; then rooms[$1]=$(find_room "$1"); fi
	room=${rooms[$1]}
}

find_room() {
	local name=${1##*/}
	name=${name%.[ch]} name=${name%.bpf}
	case $1 in
	include/xskit/* | user/lib/* | xskit/*) echo "lib/${name%%_*}" ;;
	bpf/* | *.skel.h) echo "bpf/$name" ;;
	user/cmd_*) echo "$name" ;;
	user/bench/*) echo "bench/${name%%_*}" ;;
	user/doctor/*) echo "doctor/${name%%_*}" ;;
	user/dpdk/*) echo "dpdk/${name%%_*}" ;;
	user/tune/*) echo "tune/${name%%_*}" ;;
	user/*) if [ -e "user/${name%%_*}.h" ]; then echo "${name%%_*}"; else echo "$name"; fi ;;
	*)
		for dir in bpf user/lib user; do
			[ ! -e "$dir/$1" ] || { find_room "$dir/$1" && return; }
		done # else it is the system's
		;;
	esac
}

# The table's line for a room, what it may include, into $arrows.
declare -A lines=()
arrows_from() {
	local name rest
	if [ -z "${lines[$1]+known}" ]; then
		while IFS=: read -r name rest; do
			# shellcheck disable=SC2053  # a pattern
			[[ -n $name && $1 == $name ]] && lines[$1]=$rest && break
		done <<<"$table"
	fi
	arrows=${lines[$1]-}
	[ -n "${lines[$1]+known}" ]
}

# among NAME PATTERN...
among() {
	local name=$1 pattern
	shift
	for pattern; do
		# shellcheck disable=SC2053  # a pattern
		[[ $name == $pattern ]] && return
	done
	return 1
}

while read -r file header; do
	room "$file" && from=$room
	room "$header" && to=$room
	if [ -z "$to" ] || [ "$from" = "$to" ]; then continue; fi
	if ! arrows_from "$from"; then
		complain "$file: $from has no line in the table of tools/check-layers.sh"
		continue
	fi
	read -ra allowed <<<"$arrows"
	among "$to" "${allowed[@]}" || complain "$file includes $header: $from must not know $to"
done < <(includes)

# prog and port never meet, but in the session, which puts the socket into the map: nobody else
# calls both, and in the library neither knows the other (see the table).
for file in user/*.c user/*/*.c; do
	case $file in user/session*.c) continue ;; esac
	if grep -q 'xk_port_[a-z_]*(' "$file" && grep -q 'xk_prog_[a-z_]*(' "$file"; then
		complain "$file: prog and port meet here"
	fi
done

# The library never prints, never exits, never reads options: but for what it writes into a FILE
# it is given (hist), and libbpf's own messages when they are asked for (prog).
banned='\b(printf|vprintf|puts|putchar|perror|syslog|exit|_exit|getopt(_long)?|argp_parse)[[:space:]]*\('
streams='\b(fprintf|vfprintf|fputs|stdout|stderr)\b'
grep -nE "$banned" user/lib/*.c && complain 'the library prints, exits or reads options'
for file in user/lib/*.c; do
	case $file in */hist.c | */prog*.c) continue ;; esac
	grep -HnE "$streams" "$file" && complain 'the library prints'
done

# The shared library shows xk_ names only.
so=${XSKIT_BUILD:-build}/libxskit.so
if [ -e "$so" ]; then
	shown=$(nm -D --defined-only "$so" | awk '$2 != "A" && $3 !~ /^xk_/ { print $3 }')
	[ -z "$shown" ] || complain "$so exports ${shown//$'\n'/ }"
fi
exit $status
