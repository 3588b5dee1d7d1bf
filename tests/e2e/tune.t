#!/usr/bin/env bash
# tune: what it sets is undone to the byte: after one, after two, after a kill at any point, after
# the interface is gone. Settings of the machine are changed in a planted tree only.
limit=120
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/plant.sh
. "$root/tests/e2e/plant.sh"
pair 4
bridges

# --- a real veth ---

real >before
run 0 a "$XSKIT" tune va --dry-run -j
check 'every line is JSON, the first a start, the last a summary' \
	jq -se '.[0].type == "start" and last.type == "summary" and (.[1:-1] | all(.type == "setting"))' run.out
check 'a setting has all its fields' jq -se 'map(select(.type == "setting")) | length > 15 and
	all(has("name") and has("found") and has("want") and has("why") and has("status") and .why != "")' run.out
check 'it would set XPS' jq -se 'any(.name == "xps" and .status == "planned" and .found != .want)' run.out
check 'but not defer NAPI on a veth' jq -se 'all(.name != "napi-defer-hard-irqs" or .status != "planned")' run.out
real >after
check 'a dry run changes nothing' diff before after
is 'and writes nothing down' "$(ls /run/xskit 2>/dev/null)" ''
for profile in latency throughput power; do
	run 0 a "$XSKIT" tune va -j --profile $profile
	check "$profile: nothing failed" jq -se 'all(.status != "failed" and .status != "not-permitted")' run.out
	check "$profile: NAPI deferral stays off on a veth" \
		jq -se 'map(select(.name == "napi-defer-hard-irqs" or .name == "gro-flush-timeout")) |
			length > 1 and all(.found == "0" and .status != "applied")' run.out
	[ $profile = power ] || {
		check "$profile: XPS is set" jq -se 'map(select(.name == "xps" and .status == "applied")) | length == 4' run.out
		real >after
		check 'which the kernel shows' bash -c '! diff -q before after'
	}
	run 0 a "$XSKIT" tune va --undo
	real >after
	check "$profile: undone to the byte" diff before after
done
run 0 a "$XSKIT" tune va --profile throughput --dry-run
check 'the exception is told with its reason' grep -q '^skipped.*napi-defer.*stalls' run.out
no_journal 'a veth'

# --- a planted machine: all settings ---

plant
planted >fresh
tunes 0 d0 --profile throughput
holds /proc/sys/net/core/netdev_budget 600
holds /proc/sys/net/core/netdev_budget_usecs 8000
holds /proc/sys/net/core/netdev_max_backlog 10000
holds /proc/sys/net/core/busy_poll 7
holds /proc/sys/vm/nr_hugepages 3
holds /sys/class/net/d0/napi_defer_hard_irqs 2
holds /sys/class/net/d0/gro_flush_timeout 50000
holds /sys/class/net/d0/queues/rx-1/rps_cpus 0
for cpu in 0 1; do holds /sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor performance; done
holds /sys/class/net/d1/napi_defer_hard_irqs 7
is 'the journal is root'\''s alone' "$(stat -c '%a %u' /run/xskit /run/xskit/tune | xargs)" '700 0 600 0'
check 'and has no path in it' bash -c '! grep -q / /run/xskit/tune'
tunes 0 d0 --undo
planted >after
check 'undone to the byte' diff fresh after
tunes 0 d0 --profile latency
holds /proc/sys/net/core/busy_poll 50
holds /sys/class/net/d0/napi_defer_hard_irqs 0
holds /sys/class/net/d0/threaded 0
tunes 0 d0 --undo
tunes 0 d0 --profile latency --poll busy
holds /sys/class/net/d0/napi_defer_hard_irqs 2
tunes 0 d0 --undo
tunes 0 d0 --profile power
holds /sys/devices/system/cpu/cpu1/cpufreq/scaling_governor schedutil
holds /proc/sys/net/core/busy_read 0
tunes 0 d0 --undo
planted >after
check 'undone to the byte, three times' diff fresh after
tunes 0 d0 --undo
check 'once more: there is nothing to undo, and that is told' grep -qi 'nothing' run.out
no_journal 'a planted machine'

# --- nesting ---

tunes 0 d0 --profile throughput
planted >first
free_pages() { printf 'HugePages_Total:       1\nHugePages_Free:        %s\nHugepagesize:       2048 kB\n' "$1" >"$tree/proc/meminfo"; }
tunes 0 d0 --profile latency
free_pages 9
planted >second
tunes 0 d0 --profile latency
planted >after
check 'the same again changes nothing' diff second after
tunes 0 d0 --undo
planted >after
check 'and undoing that neither' diff second after
free_pages 1
tunes 0 d0 --undo
planted >after
check 'two nest: the second is undone' diff first after
tunes 0 d0 --undo
planted >after
check 'then the first' diff fresh after

tunes 0 d0 --profile latency
tunes 0 d1 --profile power
tunes 0 d0 --undo
check 'undone before a later one: what that one set stays, and is told' grep -q '^skipped.*busy-poll' run.out
holds /proc/sys/net/core/busy_poll 0
holds /sys/class/net/d0/threaded 1
tunes 0 d1 --undo
planted >after
check 'in any order, undone to the byte' diff fresh after
tunes 0 d0 --profile latency
tunes 0 d1 --profile power
tunes 0 --undo
planted >after
check 'all at once' diff fresh after
no_journal 'nesting'

# --- changed since ---

tunes 0 d0 --profile throughput
planted >tuned
printf 1234 >"$tree/proc/sys/net/core/netdev_budget"
tunes 1 d0 --undo
check 'changed since: told, with the value' grep -q '^changed.*netdev-budget.*1234 -> 300' run.out
one_line 'asks before it undoes over it' 'changed since.*--force'
holds /proc/sys/net/core/netdev_max_backlog 10000
holds /proc/sys/net/core/netdev_budget 1234
tunes 0 d0 --undo --force
planted >after
check 'with --force all is as before' diff fresh after
tunes 0 d0 --profile throughput
printf 300 >"$tree/proc/sys/net/core/netdev_budget"
tunes 0 d0 --undo
planted >after
check 'put back by hand already: nothing to ask' diff fresh after

# --- the interface is gone ---

tunes 0 d1 --profile throughput
ip -n a link del d1
tunes 0 d1 --undo
check 'what was its own is told as gone' grep -q '^gone.*napi-defer' run.out
holds /proc/sys/net/core/netdev_budget 300
holds /sys/devices/system/cpu/cpu1/cpufreq/scaling_governor ondemand
holds /proc/irq/32/smp_affinity_list 0
no_journal 'gone'
plant
tunes 0 d0 --profile latency
ip -n a link set d0 down
ip -n a link set d0 name e0
mv "$tree/sys/class/net/d0" "$tree/sys/class/net/e0"
tunes 0 e0 --undo
holds /sys/class/net/e0/threaded 1
no_journal 'renamed'
ip -n a link set e0 name d0
ip -n a link set d0 up
plant

# --- a damaged journal ---

tunes 0 d0 --profile throughput
planted >tuned
cp /run/xskit/tune whole
size=$(stat -c %s whole)
wrong=''
damage() {
	tune d0 --undo >damaged.out 2>&1 && wrong+="undone: $1; "
	grep -q '^xskit: tune journal: .*damaged' damaged.out || wrong+="not told: $1; "
	tune d0 --profile latency >/dev/null 2>&1 && wrong+="applied: $1; "
	planted | cmp -s tuned || wrong+="changed: $1; "
}
for ((at = 0; at < size; at += 7)); do
	cp whole /run/xskit/tune
	printf '\x5a' | dd of=/run/xskit/tune bs=1 seek=$at conv=notrunc status=none
	cmp -s whole /run/xskit/tune || damage "byte $at"
done
is "a byte wrong anywhere: refused, and nothing touched" "$wrong" ''
check 'what it still knows is told' grep -q '^in-journal.*netdev-budget.*300' damaged.out
for ((at = 0; at < size; at += 11)); do
	head -c $at whole >/run/xskit/tune
	damage "cut at $at"
done
is 'cut anywhere: refused, and nothing touched' "$wrong" ''
cp whole /run/xskit/tune
tunes 0 d0 --undo
planted >after
check 'the whole one is undone' bash -c '! diff -q tuned after'

# --- not permitted ---

install -m 755 "$XSKIT" "$T/xskit"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all "$T/xskit")
run 1 a "${nobody[@]}" tune va
one_line 'an ordinary user' 'root'
run 0 a "${nobody[@]}" tune va --dry-run
run 1 a "${nobody[@]}" tune va --undo
one_line 'an ordinary user undoes nothing' 'root'
for missing in -net_admin -net_admin,-sys_admin; do
	run 1 a setpriv --bounding-set $missing --inh-caps -all "$XSKIT" tune va
	one_line "root without $missing" 'nothing.*may be set here.*root'
	check 'what may not be is told' grep -qE '^not-permitted' run.out
done
real >after
check 'and nothing is changed' diff before after
rm -rf /run/xskit
mkdir -m 755 /run/xskit
run 1 a "$XSKIT" tune va
one_line 'a directory that others may enter' '/run/xskit.*0700'
rmdir /run/xskit
mkdir -m 700 /run/other
ln -s other /run/xskit
run 1 a "$XSKIT" tune va
one_line 'a link in its place' '/run/xskit'
is 'is not followed' "$(ls /run/other)" ''
rm /run/xskit
mkdir -m 700 /run/xskit
ln -s /run/t/elsewhere /run/xskit/tune.new
run 0 a "$XSKIT" tune va
check 'a link in place of a new journal is not followed' test ! -e /run/t/elsewhere
ln -sf /run/t/elsewhere /run/xskit/tune
run 1 a "$XSKIT" tune va --undo
one_line 'nor one in place of the journal' '/run/xskit'
rm -rf /run/xskit
in_ns a bash -c "$(declare -f files_of); ip link set va down; ip link set va up"

# --- bad input ---

plant
for args in 'nosuch0' 'va --undo nosuch0'; do
	# shellcheck disable=SC2086
	run '[12]' a "$XSKIT" tune $args
	one_line "$args" 'nosuch0'
done
run 2 a "$XSKIT" tune
one_line 'no interface' IFACE
run 2 a "$XSKIT" tune va --profile fast
one_line 'an unknown profile' 'fast.*latency throughput power'
for args in '--dry-run' '--profile power' '--poll busy' '-q 0'; do
	# shellcheck disable=SC2086
	run 2 a "$XSKIT" tune va --undo $args
	one_line "--undo $args" 'undo'
done
run 2 a "$XSKIT" tune va -q 7
one_line 'a queue that is not there' 'queues'
run 2 a "$XSKIT" rx va --tune fast
one_line 'rx --tune fast' 'tune.*latency throughput power'
ip -n a route add default dev va
run 2 a "$XSKIT" tune va
one_line 'the interface of the default route' 'default route.*--force'
run 0 a "$XSKIT" tune va --dry-run
run 0 a "$XSKIT" tune va --force
run 0 a "$XSKIT" tune va --undo
ip -n a route del default

# --- for a run ---

ip -n a link del va
ip -n a link add va address $MAC_A numrxqueues 4 numtxqueues 4 type veth peer name vb netns b \
	address $MAC_B numrxqueues 4 numtxqueues 4
ip -n a link set va addrgenmode none up
ip -n b link set vb addrgenmode none up
address a $IP_A/24
address b $IP_B/24
real >before
is_tuned() { real >after && ! diff -q before after; }
as_before() { real >after && diff before after; }
for signal in INT TERM; do
	start rx a "$XSKIT" rx va -j -q 0 --tune throughput
	ready rx
	check 'set while it runs' is_tuned
	run 1 a "$XSKIT" tune va --undo
	one_line 'which nobody undoes' 'alive'
	stop rx $signal
	is "SIG$signal: exit code" "$rc" 0
	check "undone after SIG$signal" as_before
	check 'asked for and granted are told' jq -se 'map(select(.type == "summary" or .type == "start")) |
		length == 2 and all(.requested.tune == "throughput" and .effective.tune == "partly")' rx.out
	check 'and a line a setting' jq -se 'map(select(.type == "setting" and .status == "applied")) | length == 4' rx.out
	is 'one line says what was not set' "$(grep -c -- '--tune: throughput does not set napi-defer' rx.err)" 1
done
run 0 a "$XSKIT" ping va $IP_B --icmp -n 5 -j --tune latency
check 'ping --tune: undone' as_before
run 0 a "$XSKIT" gen va --engine xsk -n 100 --dst-mac $MAC_B --tune throughput
check 'gen --tune: undone' as_before
run 0 a "$XSKIT" echo va -d 0.2 --ip 10.77.0.9 --tune power
check 'echo --tune: undone' as_before
run '[12]' a "$XSKIT" rx va -q 9 --tune throughput
check 'a run that cannot start: undone' as_before
start rx a "$XSKIT" rx va -j -q 0 --tune throughput
ready rx
check 'set' is_tuned
stop rx KILL
run 0 a "$XSKIT" rx va -d 0.1 -q 0
check 'after SIGKILL the next run says so' grep -q 'killed.*xskit tune va --undo' run.err
check 'it is still set' is_tuned
run 0 a "$XSKIT" tune va --undo
check 'tune --undo undoes it' as_before
run 0 a "$XSKIT" rx va -d 0.1 -q 0
is 'and nothing is said any more' "$err" ''
start rx a "$XSKIT" rx va -j -q 0 --tune throughput
ready rx
ip -n a link del va
wait_end rx 10
is 'the interface goes while it runs: exit code' "$rc" 1
is 'nothing is left to undo' "$(ls /run/xskit)" $'cpus\ntune.lock'
done_testing
