#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1
# kernels: 6.1 6.12 6.16 7.2
# drivers: virtio-net-pci veth e1000e vmxnet3 igb
# What a driver can do under a kernel, one cell of the README's table each: `# cell ROW | VALUE`.
# Every cell either works, with all accounts in order, or is refused in one line with the reason.
# shellcheck source=tests/e2e/lib.sh
limit=150
[ "$XSKIT_VM_DRIVER" != veth ] || unset XSKIT_E2E_WIRE
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"
pair 1 1500

# The errno behind a line of ours, by its name.
errno_of() {
	local words
	words=$(sed -nE 's/^xskit: .* \(([A-Z][^()]*)\)(:.*|$)/\1/p' "$1" | tail -n 1)
	perl -MErrno -e 'for (sort keys %!) { $! = &{"Errno::$_"}; push @n, $_ if "$!" eq $ARGV[0] }
		print join("/", grep { $_ ne "ENOTSUP" } @n)' "$words"
}
cell() {
	value=$2
	echo "# cell $1 | $2"
}

# refused ROW FILE: it said no, with a reason
refused() {
	local why
	why=$(errno_of "$2")
	if [ "$(grep -vc '^xskit: note: ' "$2")" -eq 1 ] && [ -n "$why" ]; then
		pass "$1: no, $why"
		cell "$1" "no: $why"
	else
		fail "$1: one line with the reason" "$(cat "$2")"
	fi
}

# granted ROW NAME JQ [INSTEAD]: it ran; was it granted, too?
granted() {
	if [ "$(get "$2" "$3")" = true ]; then
		pass "$1: yes"
		cell "$1" yes
	else
		pass "$1: no, ${4:-}"
		cell "$1" "no${4:+: $4}"
	fi
}

# receives ROW JQ INSTEAD OPTIONS...
receives() {
	local row=$1 jq=$2 instead=$3
	shift 3
	start rx a "$XSKIT" rx va -j -i 0.1 "$@"
	until_ok 10 started_or_dead rx
	if ! started rx; then
		wait_end rx 10
		refused "$row" rx.err
		return
	fi
	udp "${size:-64}" | blast 100 ${size:+-J}
	check "$row: it receives" until_ok 5 has_counted rx 100
	stop rx
	is "$row: exit code" "$rc" 0
	sound rx
	granted "$row" rx "$jq" "$instead"
}

arrived() { [ $(($(counter b vb rx_packets) - before)) -ge 200 ]; }

# Debian's 6.16.12 dies in xsk_destruct_skb once a veth hands a frame that was sent in copy mode to
# its peer's stack: seen with this suite, and tried again with XSKIT_VM_PANIC=1 only.
panics() { [ "$XSKIT_VM_KERNEL@$XSKIT_VM_DRIVER" = 6.16@veth ] && [ -z "${XSKIT_VM_PANIC:-}" ]; }

# sends ROW JQ INSTEAD OPTIONS...
sends() {
	local row=$1 jq=$2 instead=$3
	shift 3
	if [ "$row" = 'send, copy' ] && panics; then
		skip "$row" 'this kernel panics in xsk_destruct_skb'
		cell "$row" 'no: this kernel panics'
		return
	fi
	before=$(counter b vb rx_packets)
	start gen a "$XSKIT" gen va -j --dst-mac $MAC_B -n 200 --rate 2000 "$@"
	wait_end gen 20
	if [ "$rc" != 0 ]; then
		refused "$row" gen.err
		return
	fi
	sound gen
	# before 6.3 a device does not tell that it sends nothing from XDP: it is seen in the counters
	if [ "$(get gen .engine)" = kernel ] && [ "$(get gen .completed)" = 0 ]; then
		pass "$row: no, nothing leaves"
		cell "$row" 'no: nothing leaves'
		return
	fi
	summary gen "$row: all completed" '.packets == 200 and .completed == 200'
	check "$row: all arrive" until_ok 5 arrived
	granted "$row" gen "$jq" "$instead"
}

in_ns b ethtool -K vb gro on 2>/dev/null # so that a veth takes frames from the kernel's engine
echo "# cell driver | $(in_ns a ethtool -i va | sed -n 's/^driver: //p')"
native='.effective.attach == "native"' copy='.effective.bind == "copy"'
zerocopy='.effective.bind == "zerocopy"' busy='.effective.busy_poll'

receives 'native XDP' "$native" '' --mode native
[ "$value" = yes ] && has_native=1 || has_native=
receives 'skb XDP' '.effective.attach == "skb"' '' --mode skb
receives 'receive, copy' "$copy" '' --bind copy
receives 'receive, zero-copy' "$zerocopy" '' --bind zerocopy
sends 'send, copy' "$copy" '' --engine xsk --bind copy
sends 'send, zero-copy' "$zerocopy" '' --engine xsk --bind zerocopy
sends "send, the kernel's engine" '.engine == "kernel"' '' --engine kernel
[ ! "$has_native" ] || receives 'busy polling, native, copy' "$busy" 'no NAPI id' --mode native --bind copy --poll busy
receives 'busy polling, skb' "$busy" 'no NAPI id' --mode skb --poll busy
receives 'busy polling, zero-copy' "$busy" 'no NAPI id' --bind zerocopy --poll busy
sends 'busy polling, sending zero-copy' "$busy" 'nothing is sent, switched off' --engine xsk --bind zerocopy --poll busy
unpair
pair 1 9000
size=8942
if in_ns b ping -c 3 -s 8900 -W 10 $IP_A >ping.out 2>&1; then
	[ ! "$has_native" ] || receives 'jumbo frames, native' '.packets == 100 and .bytes == 894200' '' --mode native
	receives 'jumbo frames, skb' '.packets == 100 and .bytes == 894200' '' --mode skb
else
	echo '# large packets do not pass, with no program there either: the emulated NIC carries none'
fi
check 'nothing is left attached' until_ok 2 no_xdp a va
check 'the kernel is content' kernel_is_content
done_testing
