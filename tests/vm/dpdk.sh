#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# machine: -p 1 -m 1536 -i
# drivers: e1000e
# kernels: 6.12 7.2
# DPDK with NICs of its own: tools/dpdk.sh gives them to vfio-pci, testpmd sends with its own driver,
# and everything goes back to what it was.
# shellcheck source=tests/e2e/lib.sh
limit=120
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/vm/kernel.sh
. "$root/tests/vm/kernel.sh"

see_machine
# a guest has busybox's modprobe only
for module in vfio-pci vfio_iommu_type1; do busybox modprobe $module || fail "the kernel has $module"; done
dpdk="$root/tools/dpdk.sh"
nics() { basename -a "$(realpath /sys/class/net/n0a/device)" "$(realpath /sys/class/net/n0b/device)"; }
mapfile -t nic < <(nics)

driver() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
both_with() { [ "$(driver "${nic[0]}") $(driver "${nic[1]}")" = "$1 $1" ]; }
addresses() { in_ns m ip -j link show | jq -r '.[] | select(.ifname != "lo").address' | sort; }
pages() { cat /proc/sys/vm/nr_hugepages; }

addresses >before
pages_before=$(pages)
run 0 m "$dpdk" bind
check 'bind lists the NICs with their drivers' grep -q "^${nic[0]} .*e1000e.*n0a" run.out
in_ns m ip link set n0a up
in_ns m ip route add default dev n0a
run 2 m "$dpdk" bind n0a
check 'the NIC of the default route is refused, and named' grep -q 'n0a carries the default route' run.err
in_ns m ip link set n0a down

run 0 m "$dpdk" bind n0a n0b
check 'both are with vfio-pci' both_with vfio-pci
run 0 m "$dpdk" bind "${nic[@]}"
check 'again: they are already' grep -q "^${nic[0]} is with vfio-pci" run.out
run 0 m "$dpdk" hugepages 256
check 'pages are there' test "$(pages)" -ge 256

# --- at work ---
in_ns m timeout -s INT $((4 * slow)) dpdk-testpmd -l 0,1 -m 256 --no-shconf -a "${nic[0]}" -a "${nic[1]}" -- \
	--forward-mode=flowgen --no-mlockall --total-num-mbufs=8192 </dev/null >testpmd.out 2>&1
check "DPDK's own driver takes both" test "$(grep -c 'Probe PCI driver: net_e1000_em' testpmd.out)" -eq 2
# (nothing comes back: QEMU's 82574 and this driver do not agree about receiving)
sent=$(sed -n 's/.*TX-packets: *\([0-9]*\).*/\1/p' testpmd.out | sort -n | tail -n 1)
check "and sends (${sent:-0} packets)" test "${sent:-0}" -gt 0

# --- and back ---
run 0 m "$dpdk" hugepages --undo
is 'as many pages as before' "$(pages)" "$pages_before"
run 0 m "$dpdk" bind --undo
check 'both have their driver again' both_with e1000e
addresses >after
check 'and their addresses are back' diff before after
run 0 m "$dpdk" bind --undo
check 'once more: there is nothing to undo' grep -q 'nothing was bound' run.out
check 'the kernel is content' kernel_is_content
done_testing
