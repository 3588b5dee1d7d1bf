#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
# Sends small frames on an interface until it is killed, 500 a second, each from the next of 64 ports.
# usage: doctor_traffic.pl IFACE DST-MAC udp|tcp DST-PORT
use strict;
use warnings;

my ($iface, $mac, $proto, $port) = @ARGV;
my ($af_packet, $sock_raw) = (17, 3);
open my $sys, '<', "/sys/class/net/$iface/ifindex" or die "$iface: $!";
my $ifindex = <$sys> + 0;
my $dst = pack 'H12', $mac =~ tr/://dr;
my $to = pack 'S n l S C C a8', $af_packet, 0x0800, $ifindex, 0, 0, 6, $dst;
my $ip = pack 'C C n n n C C n a4 a4', 0x45, 0, 60, 0, 0, 64, $proto eq 'tcp' ? 6 : 17, 0,
	pack('C4', 10, 77, 0, 2), pack('C4', 10, 77, 0, 1);
substr $ip, 10, 2, pack 'n', ~(($_ = unpack '%32n*', $ip) % 65535) & 0xffff;
socket my $socket, $af_packet, $sock_raw, 0 or die "socket: $!";
for (my $i = 0;; $i++) {
	my $frame = $dst . pack('H12 n', '02000000000b', 0x0800) . $ip
		. pack('n n n n a32', 1000 + $i % 64, $port, 40, 0, '');
	send $socket, $frame, 0, $to or die "send: $!";
	select undef, undef, undef, 0.002;
}
