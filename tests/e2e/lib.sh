# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034  # sourced: its variables are for the tests
#
# Sourced by every e2e test as its first act. Runs the script again in a room of its own
# (tools/room.sh), so that nothing is left however it ends. Output is TAP; the plan comes at the
# end, so a script that died is a failure.
#
#   limit=SECONDS       set before sourcing: the whole script is killed after that long (60)
#   pair [QUEUES [MTU]] namespaces a and b joined by the veths va and vb
#   in_ns NS CMD...     run in a namespace; /sys/fs/bpf stays (unlike `ip netns exec`)
#   start NAME NS CMD.. run in the background; output in $T/NAME.out and NAME.err
#   ready NAME          wait for its start line: it receives from now on
#   blast N <CONFIG     trafgen sends N frames from b, those of its configuration in turn
#   stop NAME [SIG]     signal it (INT), wait for its end; sets rc and took_ms
#   run RC NS CMD...    run to the end; ok if the exit code is RC (a pattern); sets out, err, rc
#   one_line WHAT RE    ok if it said one line on stderr, `xskit: ...`, that matches RE
#   until_ok S CMD...   poll CMD for up to S seconds
#   check WHAT CMD...   ok if CMD succeeds          is WHAT GOT WANT    ok if equal
#   summary NAME WHAT JQ   ok if the jq expression holds for NAME's summary line
#   sound NAME          the summary is one, the last line, and accounts for everything

set -u
shopt -s lastpipe # what ends a pipeline may fail a test, too

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
XSKIT=${XSKIT:-$root/build/xskit}

if [ "${XSKIT_E2E:-}" != inside ]; then
	export XSKIT XSKIT_E2E=inside
	# exec: to kill this process is to kill everything inside
	exec "$root/tools/room.sh" timeout --foreground -v -s KILL $((${limit:-60} * ${XSKIT_SLOW:-1})) bash "$0" "$@"
fi

T=/run/t # files of the test
mkdir -m 755 "$T"
cd "$T" || exit 1
# shellcheck disable=SC2154  # rc is set on the spot
trap 'rc=$?; [ $planned ] || echo "# the script ended early, status $rc"; exit "$rc"' EXIT

# Sanitizers slow everything down, emulated CPUs too (XSKIT_SLOW): times are stretched by this.
slow=${XSKIT_SLOW:-1}
case $XSKIT in */address* | */thread*) slow=$((slow * 4)) ;; esac

# --- TAP ---

tests=0 failed=0 planned=

pass() {
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

# fail WHAT [WHY...]
fail() {
	tests=$((tests + 1)) failed=$((failed + 1))
	echo "not ok $tests - $1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | head -n 25 | fold -w 160 | head -n 40 | sed 's/^/#   /'
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
	planned=1
	echo "1..$tests"
	[ "$failed" -eq 0 ]
	exit
}

check() {
	local what=$1 said
	shift
	if said=$("$@" 2>&1); then pass "$what"; else fail "$what" "\$ $*" "$said"; fi
}

is() {
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:  $2" "want: $3"; fi
}

# --- namespaces and links ---

MAC_A=02:00:00:00:00:0a MAC_B=02:00:00:00:00:0b
IP_A=10.77.0.1 IP_B=10.77.0.2 IP6_A=fd77::1 IP6_B=fd77::2

in_ns() { nsenter --net="/run/netns/$1" -- "${@:2}"; }

# No router solicitations and no duplicate address detection: the wire is quiet, but for MLD, ARP
# and ND.
pair() {
	local queues=${1:-1} mtu=${2:-1500} ns
	for ns in a b; do ip netns add $ns; done
	ip -n a link add va address $MAC_A mtu "$mtu" numrxqueues "$queues" numtxqueues "$queues" \
		type veth peer name vb netns b address $MAC_B mtu "$mtu" \
		numrxqueues "$queues" numtxqueues "$queues"
	for ns in a b; do
		ip -n $ns link set lo up
		ip -n $ns link set v$ns addrgenmode none
		in_ns $ns sysctl -q net.ipv6.conf.v$ns.{accept_ra=0,accept_dad=0,keep_addr_on_down=1}
	done
	address a $IP_A/24 $IP6_A/64 fe80::a/64
	address b $IP_B/24 $IP6_B/64 fe80::b/64
	for ns in a b; do ip -n $ns link set v$ns up; done
}
address() {
	local ip
	for ip in "${@:2}"; do ip -n "$1" addr add "$ip" dev "v$1"; done
}

unpair() {
	ip netns del a
	ip netns del b
	until_ok 5 no_ns_left
}
no_ns_left() { [ -z "$(ip netns)" ]; }

# udp SIZE [DPORT [SPORT]]: a trafgen frame from b to a, SIZE bytes long
udp() {
	echo "{ eth(da=$MAC_A, sa=$MAC_B), ipv4(sa=$IP_B, da=$IP_A)," \
		"udp(sp=${3:-1000}, dp=${2:-5000}), fill(0x55, $(($1 - 42))) }"
}
udp6() {
	echo "{ eth(da=$MAC_A, sa=$MAC_B), ipv6(sa=$IP6_B, da=$IP6_A, hl=64)," \
		"udp(sp=${3:-1000}, dp=${2:-5000}), fill(0x55, $(($1 - 62))) }"
}

# blast N [TRAFGEN OPTIONS]
blast() {
	local options=(--num "$@")
	[[ $* == *--cpus* ]] || options+=(--cpus 1)
	cat >blast.cfg
	in_ns b timeout $((10 * slow)) trafgen --dev vb --conf blast.cfg "${options[@]}" >blast.out 2>&1 &&
		grep -q " $1 packets outgoing" blast.out && return
	fail 'trafgen sends' "$(grep -v 'Cannot set system socket memory' blast.out)" "$(cat blast.cfg)"
}

# counter NS DEV NAME: rx_packets, tx_packets ...
counter() { ip -n "$1" -s -j link show "$2" | jq ".[0].stats64.${3%%_*}.${3#*_}"; }

# The XDP program on DEV: its id, empty if there is none.
xdp_id() { ip -n "$1" -j link show "$2" | jq -r '.[0].xdp.prog.id // empty'; }
no_xdp() { [ -z "$(xdp_id "$1" "$2")" ]; }
xdp_on() { [ -n "$(xdp_id "$1" "$2")" ]; }

# --- processes ---

declare -A pid

until_ok() {
	local end=$((${EPOCHREALTIME/./} + $1 * slow * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < end)) || return 1
		sleep 0.02
	done
}

start() {
	local name=$1 ns=$2
	shift 2
	rm -f "$T/$name.out" "$T/$name.err" # or its last run's start line would be taken for this one's
	nsenter --net="/run/netns/$ns" -- "$@" >"$T/$name.out" 2>"$T/$name.err" &
	pid[$name]=$!
}

alive() { kill -0 "${pid[$1]}" 2>/dev/null; }
started() { grep -qs '"type": *"start"' "$T/$1.out"; }
started_or_dead() { started "$1" || ! alive "$1"; }

ready() {
	until_ok 10 started_or_dead "$1" && started "$1" && return
	fail "$1 starts" "$(cat "$T/$1.err")" "$(cat "$T/$1.out")"
	return 1
}

# wait_end NAME SECONDS: the exit code in rc, the time waited in took_ms
wait_end() {
	local t0=${EPOCHREALTIME/./}
	if until_ok "$2" gone "$1"; then
		wait "${pid[$1]}"
		rc=$?
	else
		kill -KILL "${pid[$1]}"
		wait "${pid[$1]}"
		rc=hung
	fi 2>/dev/null # bash tells who was killed
	took_ms=$(((${EPOCHREALTIME/./} - t0) / 1000))
}
gone() { ! alive "$1"; }

stop() {
	kill "-${2:-INT}" "${pid[$1]}" 2>/dev/null
	wait_end "$1" 10
}

run() {
	local want=$1 ns=$2
	shift 2
	local what="$*"
	what="exit code $want: xskit ${what#*xskit }"
	in_ns "$ns" timeout $((10 * slow)) "$@" >"$T/run.out" 2>"$T/run.err" # 124: it did not end
	rc=$? out=$(cat "$T/run.out") err=$(cat "$T/run.err")
	# shellcheck disable=SC2053  # a pattern
	if [[ $rc == $want ]]; then
		pass "$what"
	else
		fail "$what" "got $rc" "$err" "$out"
	fi
}

# One line on stderr, starting with "xskit: ", that mentions the pattern.
one_line() {
	local lines
	lines=$(wc -l <"$T/run.err")
	if [ "$lines" -eq 1 ] && grep -q '^xskit: ' "$T/run.err" && grep -qiE -- "$2" "$T/run.err"; then
		pass "$1"
	else
		fail "$1" "want one line 'xskit: ...' with /$2/, got $lines:" "$err"
	fi
}

# --- JSON ---

# get NAME JQ: from the summary line, raw
get() { tail -n 1 "$T/$1.out" | jq -r "$2"; }

summary() {
	local line
	line=$(tail -n 1 "$T/$1.out")
	if jq -e "select(.type == \"summary\") | $3" <<<"$line" >"$T/jq.out" 2>&1; then
		pass "$1: $2"
	else
		fail "$1: $2" "not true: $3" "$(cat "$T/jq.out" "$T/$1.err")" \
			"$(jq -r 'del(.requested, .effective) | to_entries[] | "\(.key)=\(.value)"' <<<"$line" | xargs)"
	fi
}

# Packets in NAME's interval lines so far.
counted() { jq -s 'map(select(.type == "interval").packets) | add // 0' "$T/$1.out"; }
has_counted() { [ "$(counted "$1")" -ge "$2" ]; }

# What holds at the end of every run that ended well.
sound() {
	local kinds
	kinds=$(jq -r .type "$T/$1.out" 2>&1 | uniq | paste -sd ' ')
	case $kinds in
	'start summary' | 'start interval summary') pass "$1: start, intervals, one summary" ;;
	*) fail "$1: start, intervals, one summary" "$kinds" "$(cat "$T/$1.err")" ;;
	esac
	summary "$1" 'nothing unaccounted' \
		'[.balance | .. | objects | .unaccounted | numbers] | length > 0 and all(. == 0)'
	summary "$1" 'no frame lost' '(.umem.frames > 0 or .engine == "kernel") and (.umem | .lost == 0 and
		.frames == .fill + .rx + .app + .tx + .completion + .ring + .kernel)'
	summary "$1" 'XDP counters add up' '.xdp | .seen >= 0 and
		.seen == .redirected + .passed + .dropped'
}

# What a virtual machine does in another way: its NICs are the pair, not a veth.
# shellcheck source=/dev/null
[ -z "${XSKIT_E2E_WIRE:-}" ] || . "$root/$XSKIT_E2E_WIRE"
