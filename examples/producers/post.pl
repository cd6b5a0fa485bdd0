# SPDX-License-Identifier: MIT
# Push a job by HTTP: perl post.pl TYPE ARGS-AS-JSON [QUEUE]
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;

eval {
    my ($type, $args, $queue) = (@ARGV, 'default');
    my $url = ($ENV{LEAT_DASHBOARD} // 'http://127.0.0.1:8740') . "/api/v1/jobs?queue=$queue";
    my %headers = ('Content-Type' => 'application/json');
    $headers{Authorization} = "Bearer $ENV{LEAT_TOKEN}" if $ENV{LEAT_TOKEN};
    my $id = sprintf '%x-%x-%x', time, $$, rand 2**32;
    my $job = encode_json({ type => $type, id => $id, args => decode_json($args) });
    my $http = HTTP::Tiny->new(timeout => 5);
    my $answer = $http->post($url, { headers => \%headers, content => $job });
    die "$answer->{status} $answer->{content}\n" unless $answer->{success};
    print decode_json($answer->{content})->{id}, "\n";
} // do { print STDERR "post.pl: $@"; exit 1 };
