#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# The kernel's UDP on the other side of a test.
#
#   udp_peer.pl send ADDR PORT FLOWS COUNT SIZE   COUNT datagrams from each of FLOWS sockets,
#                                                 whether anybody listens or not
#   udp_peer.pl ask ADDR PORT COUNT SIZE          COUNT requests, each answer compared; says how
#                                                 many were right
#   udp_peer.pl echo ADDR PORT DROP TWICE LATE    an echo server that drops every DROPth request,
#                                                 answers every TWICEth twice and every LATEth only
#                                                 after the next one (0: never); says what it did
#                                                 on SIGTERM
use strict;
use warnings;
use Errno;
use IO::Socket::IP;

my $job = shift;
my %jobs = (send => \&send_all, ask => \&ask, echo => \&echo);
$jobs{$job}->(@ARGV);

sub client {
	my ($addr, $port) = @_;
	return IO::Socket::IP->new(Type => SOCK_DGRAM, PeerHost => $addr, PeerPort => $port) || die "$@";
}

sub send_all {
	my ($addr, $port, $flows, $count, $size) = @_;
	my @sockets = map { client($addr, $port) } 1 .. $flows;
	for (1 .. $count) {
		$_->send('x' x $size) || $!{ECONNREFUSED} || die $! for @sockets;
	}
}

sub ask {
	my ($addr, $port, $count, $size) = @_;
	my $socket = client($addr, $port);
	my $right = 0;
	local $SIG{ALRM} = sub { print "$right\n"; exit 1 };
	for my $i (1 .. $count) {
		my $request = pack('N', $i) x ($size / 4);
		alarm 2;
		$socket->send($request) // die $!;
		$socket->recv(my $answer, 65536) // die $!;
		$right++ if $answer eq $request;
	}
	print "$right\n";
}

sub echo {
	my ($addr, $port, $drop, $twice, $late) = @_;
	my $socket = IO::Socket::IP->new(Type => SOCK_DGRAM, LocalHost => $addr, LocalPort => $port) || die "$@";
	my %did = (got => 0, dropped => 0, twice => 0, late => 0);
	my @held;
	$SIG{TERM} = sub { print join(' ', map { "$_=$did{$_}" } sort keys %did), "\n"; exit };
	$| = 1;
	print "ready\n";
	while (defined(my $from = $socket->recv(my $request, 65536))) {
		my $n = ++$did{got};
		if ($drop && $n % $drop == 0) { $did{dropped}++; next; }
		if ($late && $n % $late == 0) { $did{late}++; push @held, [$request, $from]; next; }
		$socket->send($request, 0, $from);
		if ($twice && $n % $twice == 0) { $did{twice}++; $socket->send($request, 0, $from); }
		$socket->send($_->[0], 0, $_->[1]) for splice @held;
	}
}
