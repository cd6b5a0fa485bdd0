#!/usr/bin/env perl
# SPDX-License-Identifier: MIT
# A lines handler: counts the words of {"text": "..."}. `leat worker --lines words=./lines.pl`
use strict;
use warnings;
use JSON::PP;

$| = 1;
while (my $line = <STDIN>) {
    my $call = decode_json($line);
    next if $call->{cancel};    # one call at a time: it was answered by now
    my $answer = eval {
        my $count = () = ($call->{args}{text} // die "there is no text\n") =~ /\S+/g;
        {incr => {words => $count}, result => $count};
    } || {error => $@ =~ s{\s+$}{}r};
    print encode_json({job => $call->{job}, %$answer}), "\n";
}
