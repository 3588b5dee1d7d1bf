#!/usr/bin/env bash
# Bad input gets one clear line and an exit code, and leaves nothing behind.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/lib.sh"
pair 2

# bad RC PATTERN ARGS...
bad() {
	local code=$1 pattern=$2
	shift 2
	run "$code" a "$XSKIT" "$@"
	one_line "  one line, /$pattern/" "$pattern"
}

# --- wrong usage ---
bad 2 'command|usage|help'
bad 2 'sniff' sniff va
bad 2 'frobnicate' rx va --frobnicate
bad 2 'interface|IFACE' rx
bad 2 'extra' rx va extra
bad 2 'duration|-d' rx va -d
for list in x 1- 3-1 0,0 -1 '0,' 99999999999; do bad 2 'queue' rx va "--queues=$list"; done
for seconds in x -1 1s nan ''; do bad 2 'duration' rx va "--duration=$seconds"; done
for number in x 0 -1 1.5 99999999999999999999; do bad 2 'packets' rx va "--packets=$number"; done
for option in mode bind poll attach hugepages require; do bad 2 "$option.*(native|auto|copy|one of)" rx va "--$option=bogus"; done
for size in 0 1000 3000 8192 x; do bad 2 'frame-size.*(2048|4096)' rx va "--frame-size=$size"; done
for size in 0 1000 x; do bad 2 'ring-size.*power' rx va "--ring-size=$size"; done
bad 2 frames rx va --frames=0
bad 2 "frames: '64' is fewer than --ring-size 4096" rx va --frames=64 --ring-size=4096
bad 2 batch rx va --batch=0
bad 2 busy-budget rx va --busy-budget=x
bad 2 "tx-budget: '4096' is more than --ring-size 2048" gen va --tx-budget=4096 --ring-size=2048
bad 2 "require: 'busypoll' without --poll busy" rx va --require=native,busypoll
bad 2 "attach: 'link' beside --pinned" rx va --pinned=/sys/fs/bpf/xskit/va --attach=link
bad '[12]' 'cpu' rx va --cpu=9999
bad 2 cpu rx va --cpu=x
bad '[12]' node rx va --node=777
bad 2 keep rx va --keep=coffee
for match in '' nonsense 'udp dst' 'udp dst port 99999' 'udp dst port x' 'udp src 300.1.1.1' 'udp,,tcp'; do
	bad 2 match rx va "--match=$match"
done
for rate in x -1 1.5x; do bad 2 rate gen va "--rate=$rate"; done
for size in 10 70000 x; do bad 2 size gen va "--size=$size"; done
bad 2 "size: '1600' is not valid.* to 1514 bytes" gen va --size=1600 --dst-mac=$MAC_B
bad 2 flows gen va --flows=0
bad 2 "flows: '100' ports from --src-port 65500" gen va --flows=100 --src-port=65500 --dst-mac=$MAC_B
bad 2 'queues: 2 queues' gen va --queues=0,1 --rate=1 --dst-mac=$MAC_B
for mac in zz 02:00:00:00:00 02:00:00:00:00:00:00; do bad 2 dst-mac gen va "--dst-mac=$mac"; done
for ip in 300.1.1.1 1.2.3 fd77::x ''; do bad 2 'dst-ip|address' gen va "--dst-ip=$ip"; done
bad 2 "src-ip: 'fd77::1'.*family.*10.77.0.2" gen va --dst-ip=10.77.0.2 --dst-mac=$MAC_B --src-ip=fd77::1
bad 2 dst-port gen va --dst-port=70000
bad 2 src-port gen va --src-port=-1
bad 2 vlan gen va --vlan=5000
bad 2 engine gen va --engine=steam
bad 2 'HOST|host' ping va
bad 2 'address|nowhere' ping va nowhere.invalid
bad 2 rate ping va $IP_B --rate=x
bad 2 'udp: beside --icmp' ping va $IP_B --udp --icmp
bad 2 "src-port: '7000' without --udp" ping va $IP_B --src-port=7000
bad 2 "size: '1790' is not valid.*1514" ping va $IP_B --dst-mac=$MAC_B --size=1790
bad 2 "src-ip: 'fd77::1'.*family.*$IP_B" ping va $IP_B --src-ip=fd77::1
bad 2 "pinned2: '/x' without" fwd va --pinned2=/x
bad 2 "queues: '7': va has 2" tune va -q 7 --dry-run
for ip in 300.1.1.1 0.0.0.0 255.255.255.255 224.0.0.1 :: ff02::1; do bad 2 "ip: '$ip'.*one host" echo va --ip=$ip; done
bad 2 "src-mac: '03:00:00:00:00:01'.*one host" gen va --src-mac=03:00:00:00:00:01
bad 2 "keep: 'tcp/0': not a port, 1 to" rx va --keep=tcp/0
bad '[12]' 'hgrm|directory' ping va $IP_B -n 1 "--hgrm=$T/no/such/dir"
bad '[12]' "$T.*directory" ping va $IP_B -n 1 "--hgrm=$T"
for dir in '' xskit ./xskit; do bad 2 'pinned.*absolute' rx va "--pinned=$dir"; done
bad 2 'pin.*absolute' load va --pin=xskit
bad 2 'pin.*absolute' unload va --pin=xskit
bad 2 'interval' rx va --interval=x

# --- what is not there, or not so ---
bad 1 'nosuch' rx nosuch0
bad 1 'nosuch' gen nosuch0
bad 1 'nosuch' ping nosuch0 $IP_B
bad 1 'nosuch' load nosuch0
bad 1 'nosuch' status nosuch0
bad '[12]' 'name|interface' rx an-interface-name-that-is-far-too-long
bad '[12]' 'queue.*(0|1|2)' rx va -q 2
bad '[12]' 'queue' rx va -q 0,7
bad 1 'zero-?copy' rx va --bind zerocopy
bad 1 'loop|lo|native' rx lo --mode native
ip -n a link set va down
bad 1 'down' rx va
bad 1 'down' gen va
ip -n a link set va up

start first a "$XSKIT" rx va -j -q 0
ready first
bad 1 'queue 0|busy|use' rx va -q 0
stop first
sound first

in_ns a ip link set dev va xdp object "$(dirname "$XSKIT")/bpf/xdp_drop.bpf.o" section xdp.frags ||
	fail 'xdp_drop is attached'
bad 1 'xdp_drop' rx va
bad 1 'xdp_drop' ping va 10.77.0.77 -n 1
bad 1 'xdp_drop' load va
bad 1 'xdp_drop' unload va
check 'the other program is still there' test -n "$(xdp_id a va)"
ip -n a link set dev va xdp off

ip -n a route add default via $IP_B dev va
bad '[12]' 'default route.*--force' rx va
bad '[12]' 'default route.*--force' gen va --dst-mac $MAC_B
run 0 a "$XSKIT" rx va -j -d 0.2 --force
ip -n a route del default
ip -n a -6 route add default via $IP6_B dev va
bad '[12]' 'default route.*--force' echo va --ip 10.77.0.9
ip -n a -6 route del default

# --- no bpffs: only load and --pinned need it ---
no_bpffs() { ip netns exec a "$XSKIT" "$@" >run.out 2>run.err; }
no_bpffs load va
is 'load without a bpffs: exit code' $? 1
err=$(cat run.err)
one_line '  one line' 'no bpffs is mounted.*mount -t bpf'
no_bpffs unload va
is 'unload without a bpffs: exit code' $? 1
err=$(cat run.err)
one_line '  one line' 'runs no XDP program'
no_bpffs rx va --pinned /sys/fs/bpf/xskit/va
is '--pinned without a bpffs: exit code' $? 1
err=$(cat run.err)
one_line '  one line' 'no bpffs is mounted.*mount -t bpf'
no_bpffs rx va -j -d 0.2
is 'rx needs none' $? 0

# --- pins in the hands of others ---
mkdir -m 777 /sys/fs/bpf/open
bad 1 '/sys/fs/bpf/open' rx va --pinned /sys/fs/bpf/open
ln -s /sys/fs/bpf/open /run/link
bad 1 'link' rx va --pinned /run/link
bad 1 "$T|bpffs" rx va --pinned "$T"
bad 1 'none|no such|not' rx va --pinned /sys/fs/bpf/none
rmdir /sys/fs/bpf/open
mkdir -m 777 /sys/fs/bpf/xskit
bad 1 '/sys/fs/bpf/xskit' load va
rmdir /sys/fs/bpf/xskit

# --- the kernel engine's largest frame; no memory ---
ip -n a link set va mtu 9000
ip -n b link set vb mtu 9000
in_ns b ethtool -K vb gro on
bad '[12]' '3,?400' gen va --engine kernel --size 3450 --dst-mac $MAC_B
run 0 a "$XSKIT" gen va -j --engine kernel --size 3400 -n 10 --dst-mac $MAC_B
if [ "$slow" -eq 1 ]; then # sanitizers need more address space than that
	run 1 a prlimit --as=300000000 "$XSKIT" rx va --frames 1000000
	one_line 'no memory' 'memory'
fi

# --- the output cannot be written ---
in_ns a timeout 10 "$XSKIT" rx va -i 0.1 >/dev/full 2>run.err
is 'the disk is full: exit code' $? 1
err=$(cat run.err)
one_line '  one line' 'output.*No space left'

check 'nothing is left attached' until_ok 2 no_xdp a va
check 'no pins' test ! -e /sys/fs/bpf/xskit
is 'no process' "$(pgrep -x xskit)" ''
done_testing
