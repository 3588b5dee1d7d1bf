#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Install the Debian packages that are missing: to build and for the demo; --test: also those for
# `make check`; --bench: also those for `make bench`; --vm: also those for virtual machines. Asks
# nothing, says nothing if all is there.
set -euo pipefail

packages=(clang llvm gcc g++ make pkg-config bpftool libbpf-dev libxdp-dev libnuma-dev libelf-dev
	libmnl-dev libcap-ng-dev libjansson-dev libpcap-dev liburing-dev iproute2 util-linux)
fedora=(clang llvm gcc gcc-c++ make pkgconf-pkg-config bpftool libbpf-devel libxdp-devel
	numactl-devel elfutils-libelf-devel libmnl-devel libcap-ng-devel jansson-devel libpcap-devel
	liburing-devel iproute util-linux)
test_packages=(libcmocka-dev perl git ethtool tcpdump iputils-ping netsniff-ng iperf3 socat xdp-tools
	libcap2-bin jq procps libclang-rt-14-dev clang-format cppcheck shellcheck relacy-dev strace
	libck-dev libboost-dev libconcurrentqueue-dev libreaderwriterqueue-dev libatomic-queue-dev gnuplot-nox
	dpdk-dev libdpdk-dev)
test_fedora=(libcmocka-devel perl-Test-Harness git ethtool tcpdump iputils netsniff-ng iperf3 socat
	xdp-tools libcap jq procps-ng compiler-rt clang-tools-extra cppcheck ShellCheck strace
	ck-devel boost-devel concurrentqueue-devel readerwriterqueue-devel gnuplot-minimal dpdk dpdk-devel)
bench_packages=(sockperf dpdk-dev ethtool iputils-ping jq libck-dev libdpdk-dev libboost-dev
	libconcurrentqueue-dev libreaderwriterqueue-dev libatomic-queue-dev gnuplot-nox)
bench_fedora=(sockperf dpdk ethtool iputils jq ck-devel dpdk-devel boost-devel concurrentqueue-devel
	readerwriterqueue-devel gnuplot-minimal)
vm_packages=(qemu-system-x86 busybox-static xz-utils)
vm_fedora=(qemu-system-x86-core busybox xz dpkg apt)

for arg; do
	case $arg in
	--test) packages+=("${test_packages[@]}") fedora+=("${test_fedora[@]}") ;;
	--bench) packages+=("${bench_packages[@]}") fedora+=("${bench_fedora[@]}") ;;
	--vm) packages+=("${vm_packages[@]}") fedora+=("${vm_fedora[@]}") ;;
	*)
		echo "usage: tools/install-deps.sh [--test] [--bench] [--vm]" >&2
		exit 2
		;;
	esac
done

if ! command -v apt-get >/dev/null; then
	echo "install-deps: there is no apt here; on Fedora: dnf install ${fedora[*]}" >&2
	exit 1
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
	sed -n 's/^installed //p' || true)
mapfile -t missing < <(printf '%s\n' "${packages[@]}" | grep -vxF "$installed" || true)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "install-deps: not root: run it with sudo, or install: ${missing[*]}" >&2
	exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null
