# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the suites, after tests/e2e/lib.sh.

# Has the kernel complained since the machine was started? (A page that could not be had is no
# complaint: tests fill memory.)
kernel_is_content() {
	! dmesg | grep -E -A 25 'WARNING: |BUG: |Oops|general protection|refcount_t|blocked for more than|soft lockup'
}

# Is the kernel X.Y or newer? What it can do is measured; this is only to know what to expect.
kernel_from() { [ "$(printf '%s\n' "$1" "$XSKIT_VM_KERNEL" | sort -V | head -n 1)" = "$1" ]; }

# The machine's own network namespace, where its NICs are, as m; and its /sys. (Not for `ip -n m`,
# which wants to mount that once more: in_ns m ip.)
see_machine() {
	mkdir -p /run/netns
	touch /run/netns/m
	mount --bind /dev/vm/net /run/netns/m
	in_ns m mount -t sysfs sysfs /sys
}
