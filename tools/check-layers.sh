#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Arrows point at what is included, never back: reads the #include lines of the tree and fails on
# one that the table below does not allow. A new room needs a line here.
# usage: tools/check-layers.sh [TREE]
set -uo pipefail
cd "${1:-$(dirname "$0")/..}" || exit 2

# room (.c and .h of that name): the rooms it may include. lib/ is user/lib and include/xskit;
# bpf/ is bpf and the skeletons made from it; the others are user/. * stands for any characters.
# A library room of several files is X.c, X_this.c, X_that.h.
table='
lib/err:
lib/atomic:
lib/compat:
lib/place:  lib/err
lib/hist:   lib/err lib/atomic
lib/mem:    lib/err lib/compat
lib/umem:   lib/err lib/atomic lib/mem
lib/port:   lib/err lib/atomic lib/umem lib/mem lib/compat
lib/prog:   lib/err lib/compat bpf/abi bpf/xsk_redirect.skel
lib/worker: lib/err lib/atomic
lib/spsc:   lib/err lib/atomic
lib/fanin:  lib/err lib/atomic
lib/mpmc:   lib/err lib/atomic
bpf/*:      bpf/abi

packet:
pace:
nl:         packet lib/err
neigh:      nl packet lib/err
answer:     packet
match:      packet bpf/abi lib/err
opts:       lib/*
claims:     opts lib/place lib/err
report:     opts packet lib/*
kengine:    nl pace packet bpf/abi bpf/xdp_gen.skel lib/err lib/hist lib/atomic
session:    opts report match claims nl packet bpf/abi lib/*
cmd:        opts
cmd_*:      cmd session opts report match packet pace neigh nl answer kengine claims bpf/abi lib/*
main:       cmd opts
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
		grep -E ':(xskit/)?[a-z0-9_.-]+\.h$' | tr : ' '
}

# The room of a path as it is written in an #include, or in the tree.
room() {
	local name
	name=$(basename "$1")
	name=${name%.c} name=${name%.h} name=${name%.bpf}
	case $1 in
	include/xskit/* | user/lib/* | xskit/*) echo "lib/${name%%_*}" ;;
	bpf/* | *.skel.h) echo "bpf/$name" ;;
	user/*) echo "$name" ;;
	*)
		for dir in bpf user/lib user; do
			[ ! -e "$dir/$1" ] || { room "$dir/$1" && return; }
		done # else it is the system's
		;;
	esac
}

# The table's line for a room: what it may include.
arrows_from() {
	local name arrows
	while IFS=: read -r name arrows; do
		# shellcheck disable=SC2053  # a pattern
		[[ -n $name && $1 == $name ]] && echo "$arrows" && return
	done <<<"$table"
	return 1
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
	from=$(room "$file") to=$(room "$header")
	if [ -z "$to" ] || [ "$from" = "$to" ]; then continue; fi
	if ! arrows=$(arrows_from "$from"); then
		complain "$file: $from has no line in the table of tools/check-layers.sh"
		continue
	fi
	read -ra arrows <<<"$arrows"
	among "$to" "${arrows[@]}" || complain "$file includes $header: $from must not know $to"
done < <(includes)

# prog and port never meet, but in the session, which puts the socket into the map.
for file in include/xskit/*.h user/lib/*.c user/*.[ch]; do
	case $file in user/session.*) continue ;; esac
	if grep -q 'xskit/port\.h' "$file" 2>/dev/null && grep -q 'xskit/prog\.h' "$file"; then
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
