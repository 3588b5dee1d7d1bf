#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Run a command in a small virtual machine: another kernel, several NUMA nodes, several NICs. It
# sees this machine's files, read-only (what it writes is lost with it), and is root there.
#
#   -k X.Y     kernel, from Debian's archive (7.2); tools/vm-kernel.sh --list names them
#   -c CPUS    (2)          -n NODES   NUMA nodes, CPUs and memory shared out evenly (1)
#   -m MB      memory (768 a node)
#   -p PAIRS   pairs of NICs, back to back: n0a and n0b, n1a and n1b ...; a on node 0, b on node 1,
#              and so on around (0)
#   -q QUEUES  queues of each NIC (1)
#   -d DRIVER  virtio-net-pci (default), e1000e, igb, vmxnet3: QEMU's name of the NIC
#   -o OPTIONS more for QEMU's NICs: rss=on
#   -i         an IOMMU between the NICs and the memory
#   -t SECONDS until it is killed (120)
#
# The exit code is the command's; 124: it took too long; 125: the machine died (the console's last
# lines are on stderr); 126: there is no machine to be had; 2: wrong usage.
# KVM is used where it is seen to work. Environment: XSKIT_VM_CACHE (build/vm) keeps kernels,
# XSKIT_VM_ACCEL=kvm|tcg chooses, XSKIT_VM_APPEND adds to the kernel's command line; XSKIT,
# XSKIT_BUILD, XSKIT_SLOW, XSKIT_E2E_WIRE and XSKIT_VM_* are handed on.
# usage: tools/vm.sh [OPTIONS] COMMAND
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
here=$root/tools
export XSKIT_VM_CACHE=${XSKIT_VM_CACHE:-$root/build/vm}
kernel=7.2 cpus=2 nodes=1 memory='' pairs=0 queues=1 driver=virtio-net-pci nic_options='' iommu='' limit=120

die() {
	echo "vm: $2" >&2
	exit "$1"
}
usage() {
	sed -n 's/^# \{0,1\}//; 4,/^usage/p' "$0" >&2
	exit 2
}

# --- what was asked for ---

count() { [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || die 2 "-$1 $2: a number from 1 on is wanted"; }

take_options() {
	local option
	while getopts k:c:n:m:p:q:d:o:it:h option; do
		case $option in
		k) kernel=$OPTARG ;;
		c) count c "$OPTARG" && cpus=$OPTARG ;;
		n) count n "$OPTARG" && nodes=$OPTARG ;;
		m) count m "$OPTARG" && memory=$OPTARG ;;
		p) [ "$OPTARG" = 0 ] || count p "$OPTARG" && pairs=$OPTARG ;;
		q) count q "$OPTARG" && queues=$OPTARG ;;
		d) driver=$OPTARG ;;
		o) nic_options=$OPTARG ;;
		i) iommu='intel_iommu=on' ;;
		t) count t "$OPTARG" && limit=$OPTARG ;;
		*) usage ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -gt 0 ] || usage
	command=$*
	[ $((cpus % nodes)) -eq 0 ] || die 2 "-c $cpus: $nodes nodes share out a multiple of $nodes CPUs"
	memory=${memory:-$((768 * nodes))}
}

check_host() {
	local tool
	for tool in qemu-system-x86_64 busybox; do
		command -v $tool >/dev/null || die 126 "$tool is missing: tools/install-deps.sh --vm installs it"
	done
	[ "$(id -u)" -eq 0 ] || die 126 'a machine that sees this one and its network cables need root: use sudo'
	qemu-system-x86_64 -device help | grep -q "\"$driver\"" ||
		die 2 "-d $driver: this QEMU has none ($(qemu-system-x86_64 --version | head -n 1))"
}

# --- KVM may be there and yet boot nothing: try, once, and remember ---

accel_key() { echo "$(uname -r) $(qemu-system-x86_64 --version | head -n 1) $(grep -m 1 '^model name' /proc/cpuinfo)"; }

choose_accel() {
	local answer=$XSKIT_VM_CACHE/accel
	accel=${XSKIT_VM_ACCEL:-}
	[ -z "$accel" ] || return 0
	if [ "$(head -n 1 "$answer" 2>/dev/null)" != "$(accel_key)" ]; then
		accel=tcg
		if [ -w /dev/kvm ] && XSKIT_VM_ACCEL=kvm "$0" -k "$kernel" -t 15 true >/dev/null 2>&1; then
			accel=kvm
		fi
		printf '%s\n' "$(accel_key)" $accel >"$answer.$$" && mv "$answer.$$" "$answer"
	fi
	accel=$(tail -n 1 "$answer")
}

# --- the machine (from here on inside a room of its own: all of it ends with this process) ---

# shellcheck disable=SC2054  # QEMU's own commas
machine() {
	local threads=single version
	# a busy host makes timers late and CPUs stand still: no reason to panic
	local calm='no_timer_check nowatchdog rcupdate.rcu_cpu_stall_suppress=1'
	version=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
	# several threads of an older one lose changes to code that runs: XDP's dispatcher is such code
	[ "$version" -lt 10 ] || threads=multi
	args=(-nodefaults -no-user-config -display none -no-reboot -m "$memory"
		-smp "$cpus,sockets=$nodes,cores=$((cpus / nodes)),threads=1")
	case $accel in
	kvm) args+=(-machine q35 -accel kvm -cpu host) ;;
	*) args+=(-machine q35 -accel "tcg,thread=$threads" -cpu max,la57=off) ;;
	esac
	[ -z "$iommu" ] || args+=(-device intel-iommu)
	args+=(-kernel "$dir/vmlinuz" -initrd "$dir/initrd" -append
		"console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on $calm $iommu ${XSKIT_VM_APPEND:-}")
}

memory_nodes() {
	local i j
	[ "$nodes" -gt 1 ] || return 0
	for ((i = 0; i < nodes; i++)); do
		args+=(-object "memory-backend-ram,id=m$i,size=$((memory / nodes))M"
			-numa "node,nodeid=$i,memdev=m$i" -numa "cpu,node-id=$i,socket-id=$i"
			-device "pxb-pcie,id=bridge$i,bus=pcie.0,bus_nr=$((64 + 32 * i)),numa_node=$i")
	done
	for ((i = 0; i < nodes * nodes; i++)); do
		j=$((i / nodes))
		[ $j -eq $((i % nodes)) ] || args+=(-numa "dist,src=$j,dst=$((i % nodes)),val=20")
	done
}

# shellcheck disable=SC2054
shares_and_channels() {
	local name
	args+=(-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,bus=pcie.0,fsdev=root,mount_tag=root
		-fsdev local,id=job,path=/run/job,security_model=none
		-device virtio-9p-pci,bus=pcie.0,fsdev=job,mount_tag=job
		-chardev file,id=console,path=/run/console -serial chardev:console
		-device virtio-serial-pci,bus=pcie.0
		-chardev socket,id=control,path=/run/control,server=on,wait=off -mon chardev=control
		-chardev socket,id=monitor,path=/run/control
		-device virtserialport,chardev=monitor,name=monitor)
	for name in out err; do
		args+=(-chardev "file,id=$name,path=/run/$name" -device "virtserialport,chardev=$name,name=$name")
	done
}

# One queue: a hub inside QEMU is the cable. Several: two taps and a bridge, in the room.
cable() {
	local pair=$1 end=$2 id=nic$1$2
	if [ "$queues" -eq 1 ]; then
		args+=(-netdev "hubport,id=$id,hubid=$pair")
		return
	fi
	if [ ! -e "/sys/class/net/cable$pair" ]; then
		sysctl -q net.ipv6.conf.default.disable_ipv6=1
		ip link add "cable$pair" mtu 9000 type bridge mcast_snooping 0
		ip link set "cable$pair" up
	fi
	ip tuntap add "$id" mode tap multi_queue vnet_hdr ||
		die 126 'no tap device: several queues (-q) need /dev/net/tun'
	ip link set "$id" mtu 9000 master "cable$pair" up
	args+=(-netdev "tap,id=$id,ifname=$id,queues=$queues,script=no,downscript=no,vhost=off")
}

nic() {
	local pair=$1 end=$2 bus=pcie.0 n=$((2 * $1 + $2)) options
	[ "$nodes" -eq 1 ] || bus=bridge$((n % nodes))
	cable "$pair" "$end"
	options=bus=slot$n,netdev=nic$pair$end,id=n$pair$([ "$end" -eq 0 ] && echo a || echo b)
	options+=,mac=$(printf '52:54:00:aa:%02x:%02x' "$pair" "$end")
	case $driver in
	# without iommu_platform the guest's driver has no zero-copy
	virtio-net-pci)
		options+=,disable-legacy=on,iommu_platform=on,romfile=
		[ "$queues" -eq 1 ] || options+=,mq=on,vectors=$((2 * queues + 2))
		;;
	*) options+=,romfile= ;;
	esac
	[ -z "$nic_options" ] || options+=,$nic_options
	args+=(-device "pcie-root-port,id=slot$n,bus=$bus,chassis=$((n + 1)),slot=$((n + 1))"
		-device "$driver,$options")
}

hand_over() {
	local name
	mkdir /run/job
	cp "$here/vm-guest.sh" /run/job/guest.sh
	printf '%s\n' "$command" >/run/job/command
	for name in XSKIT XSKIT_BUILD XSKIT_E2E_WIRE XSKIT_SLOW "${!XSKIT_VM_@}"; do
		[ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done >/run/job/env
	printf 'export %s=%q\n' XSKIT_VM_TREE "$root" XSKIT_VM_MODULES "$(realpath "$dir/modules")" \
		XSKIT_VM_KERNEL "$kernel" >>/run/job/env
	mkfifo /run/out /run/err
}

# From the panic on, if there is one.
tell_console() {
	local from
	from=$(grep -n -m 1 -E 'Kernel panic|BUG: |Oops' /run/console 2>/dev/null | cut -d: -f1)
	echo "vm: $1; the console's last lines:" >&2
	tail -n "+${from:-1}" /run/console 2>/dev/null | tail -n $((${from:-0} ? 400 : 25)) | head -n 40 |
		tr -d '\r' | sed 's/^/  | /' >&2
}

boot() {
	local pair end code
	hand_over
	machine
	memory_nodes
	shares_and_channels
	for ((pair = 0; pair < pairs; pair++)); do
		for end in 0 1; do nic "$pair" "$end"; done
	done
	cat /run/out &
	cat /run/err >&2 &
	timeout --foreground -k 5 "$limit" qemu-system-x86_64 "${args[@]}" 2>/run/qemu
	code=$?
	exec 8<>/run/out 8>&- 8<>/run/err 8>&- # if QEMU never opened them, the readers wait for it
	wait
	[ ! -s /run/job/rc ] || exit "$(cat /run/job/rc)"
	if [ $code -eq 124 ] || [ $code -eq 137 ]; then
		tell_console "no end after $limit s (-t)"
		exit 124
	fi
	grep -q . /run/console 2>/dev/null || die 126 "QEMU: $(tail -n 3 /run/qemu)"
	tell_console 'the machine died'
	exit 125
}

if [ "${1:-}" = --inside ]; then
	shift
	eval "$(cat)" # the variables of the one outside
	boot
fi

take_options "$@"
check_host
dir=$("$here/vm-kernel.sh" "$kernel") || exit 126
choose_accel
[ "$accel" = kvm ] || export XSKIT_SLOW=${XSKIT_SLOW:-10} # how many times the tests are to wait longer
# No exec: whatever ends this process ends the room with all that is in it, and the other way round.
declare -p kernel cpus nodes memory pairs queues driver nic_options iommu limit command dir accel |
	setpriv --pdeathsig KILL "$here/room.sh" "$0" --inside &
inside=$!
trap 'kill -KILL $inside 2>/dev/null; trap - EXIT; exit 143' INT TERM HUP
wait $inside
