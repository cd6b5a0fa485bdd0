#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# notified.pl PATH: a service manager's ear. Prints what sd_notify sends to the socket PATH, a
# datagram a line, with the second that it came in.
use strict;
use warnings;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);

my $ear = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die "$ARGV[0]: $!";
$| = 1;
print "listening\n";
while (defined $ear->recv(my $said, 4096)) {
    $said =~ tr/\n/ /;
    print time, " $said\n";
}
