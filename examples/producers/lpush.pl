# SPDX-License-Identifier: MIT
# Push a job by LPUSH: perl lpush.pl TYPE ARGS-AS-JSON [QUEUE]
use strict;
use warnings;
use IO::Socket::INET;

sub redis {
    my ($address) = ($ENV{LEAT_REDIS} // 'redis://127.0.0.1:6379') =~ m{^redis://([^/]+)};
    local $SIG{ALRM} = sub { die "no answer in 5 s\n" };
    alarm 5;
    my $server = IO::Socket::INET->new(PeerAddr => $address, PeerPort => 6379) or die "$@\n";
    print $server '*' . @_ . "\r\n", map { '$' . length() . "\r\n$_\r\n" } @_;
    return $server->getline // die "connection lost\n";
}

my $reply = eval {
    my ($type, $args, $queue) = @ARGV > 1 ? (@ARGV, 'default') : die "TYPE or ARGS are missing\n";
    redis('LPUSH', "leat:$queue", qq({"type":"$type","args":$args}));
} // $@;
print $reply =~ /^:(\d+)/ ? "$1\n" : do { print STDERR "lpush.pl: $reply"; exit 1 };
