# SPDX-License-Identifier: MIT
# perl old-redis.pl SOCKET VERSION: what leat meets when it talks to a Redis of that version,
# before 7.0. Answers +OK to what it does not know, until killed.
use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $version) = @ARGV;
my $server = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die "$path: $!\n";
my $info = "redis_version:$version\r\nrun_id:0\r\nloading:0\r\nmaxmemory_policy:noeviction\r\n";

# A line without its end, or as many bytes.
sub line { my $line = readline($_[0]) // exit; return $line =~ s/\r\n$//r }
sub block { read($_[0], my $block, $_[1]) // exit; return $block }

# The words of one command, as RESP sends them: *<n>, then $<length> and the word, n times.
sub command {
    my ($client) = @_;
    my @words;
    for (1 .. substr line($client), 1) {
        push @words, block($client, substr line($client), 1);
        line($client);
    }
    return @words;
}

$SIG{CHLD} = 'IGNORE';
while (my $client = $server->accept) {
    next if fork;
    while (my @words = command($client)) {
        my $line = uc "@words";
        print $client $line eq 'CLIENT ID' ? ":1\r\n"
            : $line eq 'INFO' ? sprintf("\$%d\r\n%s\r\n", length $info, $info)
            : $line =~ /^EVALSHA / ? "-NOSCRIPT No matching script. Please use EVAL.\r\n"
            : $line =~ /^EVAL / ? "-ERR Error compiling script (new function): "
                . "user_script:1: unexpected symbol near '#'\r\n"
            : "+OK\r\n";
        $client->flush;
    }
    exit;
}
