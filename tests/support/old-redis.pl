# SPDX-License-Identifier: MIT
# perl old-redis.pl SOCKET VERSION: what a worker meets when it greets a Redis of that version.
# Answers +OK to everything but CLIENT ID and INFO, until killed.
use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $version) = @ARGV;
my $server = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die "$path: $!\n";
my $info = "redis_version:$version\r\nrun_id:0\r\nloading:0\r\nmaxmemory_policy:noeviction\r\n";

# The words of one command, as RESP sends them: *<n>, then $<length> and the word, n times.
sub command {
    my ($client) = @_;
    my $head = <$client> // return;
    my ($count) = $head =~ /^\*(\d+)/ or return;
    return map { <$client>; my $word = <$client> // return; $word =~ s/\r\n//r } 1 .. $count;
}

$SIG{CHLD} = 'IGNORE';
while (my $client = $server->accept) {
    next if fork;
    while (my @words = command($client)) {
        my $line = uc "@words";
        print $client $line eq 'CLIENT ID' ? ":1\r\n"
            : $line eq 'INFO' ? sprintf("\$%d\r\n%s\r\n", length $info, $info)
            : "+OK\r\n";
        $client->flush;
    }
    exit;
}
