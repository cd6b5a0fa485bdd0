# SPDX-License-Identifier: MIT
# A lines handler that replays its part of a transcript, and looks whether the worker keeps to its:
#   perl replay.pl TRANSCRIPT STATE    what others have to do, `cancel ID` and `end`, is appended to
#                                      STATE, then `well` or `badly: …`
#   perl replay.pl TRANSCRIPT          prints the jobs that have to be pushed, one a line
use strict;
use warnings;
use JSON::PP;

my ($transcript, $state) = @ARGV;
my $json = JSON::PP->new->canonical;
my %ours;    # handle, by that of the transcript
$| = 1;

sub note {
    open my $file, '>>', $state or die "$state: $!";
    print $file "$_[0]\n";
}

sub give_up {
    note("badly: $_[0]");
    exit 99;
}

# Without what differs from run to run.
sub comparable {
    my %call = %{$_[0]};
    delete @call{qw(job deadline_ms token)};
    return $json->encode(\%call);
}

sub hear {
    my $want = decode_json($_[0]);
    my $line = <STDIN> // give_up("wanted $_[0], got the end of input");
    my $got = eval { decode_json($line) } // give_up("no JSON: $line");
    $line =~ /^\{"(job|cancel)":/ or give_up("neither job nor cancel is the first member: $line");
    comparable($want) eq comparable($got) or defined $want->{cancel} or give_up("wanted $_[0], got $line");
    $ours{$want->{job}} = $got->{job} if defined $want->{job};
    ($got->{cancel} // '') eq $ours{$want->{cancel}} or give_up("wanted $_[0], got $line")
        if defined $want->{cancel};
}

sub say_line {
    my ($line) = @_;
    $line =~ s/^\{"job":"([^"]*)"/{"job":"$ours{$1}"/;
    print "$line\n";
}

sub leave {
    my $line = <STDIN>;
    give_up("wanted the end of input, got $line") if defined $line;
    note('well');
    exit $_[0];
}

sub jobs {
    my %seen;
    for (@_) {
        my ($who, $call) = /^([<>]) (.*)/ or next;
        $call = decode_json($call);
        $seen{$_->{id}} = 1 for @{$call->{push} // []};
        next if $who eq '<' || !$call->{id} || $seen{$call->{id}}++;
        delete @$call{qw(job queue attempt delivery deadline_ms token)};
        print $json->encode($call), "\n";
    }
}

open my $file, '<', $transcript or die "$transcript: $!";
chomp(my @lines = <$file>);
if (!defined $state) {
    jobs(@lines);
    exit;
}
for (@lines) {
    my ($mark, $rest) = /^(.) (.*)$/ or next;
    if    ($mark eq '>')    { hear($rest) }
    elsif ($mark eq '<')    { say_line($rest) }
    elsif (/^! exit (\d+)/) { leave($1) }
    elsif ($mark eq '!')    { note($rest) }
}
