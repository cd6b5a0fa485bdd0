# SPDX-License-Identifier: MIT
# A lines handler for tests: perl liner.pl [IN_FLIGHT]. What a job's args name as `do` is done:
#   {"do":"ok"}                        it adds 1 to the counter `ok`
#   {"do":"hold","in":D}               a file in D tells that it runs; answered, in any order, when
#                                      D/go is there; a cancel is obeyed
#   {"do":"pid"}                       adds 1 to the counter pid:<its pid>
#   {"do":"err","text":T}              writes T and a line end to stderr, then answers
#   {"do":"leak","mb":N}               takes so much memory for good, then answers
#   {"do":"kill","signal":S,"text":T}  writes T to stderr and dies of a signal
#   {"do":"midline"}                   exits with 1 amid its answer
#   {"do":"deaf"}                      neither answers nor reads any more, whatever comes
#   {"do":"shut"}, {"do":"mute"}       the same, and closes its stdin, its stdout
#   {"do":"fork","file":F}             starts a child that outlives it, its pid in F, and holds
#   {"do":"twice"|"foreign"|"no_json"|"hello"|"flood"|"big"|"unruly"|"progress"}
#                                      breaks the protocol; see below
# At the end of its input it finishes what it holds; then, if BYE names a file, it writes one, and if
# STAY is set it stays.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Time::HiRes 'sleep';

my ($in_flight) = @ARGV;
my ($text, %held, @leaked) = ('');
$| = 1;

sub say_line { syswrite(STDOUT, encode_json($_[0]) . "\n") }

sub write_all {
    my ($text) = @_;
    while (length $text) { substr $text, 0, syswrite(STDOUT, $text), '' }
}

sub sleep_for_ever {
    $SIG{$_} = 'IGNORE' for qw(TERM INT HUP);
    sleep 1000 while 1;
}

sub hold {
    my ($job, $args) = @_;
    open my $mark, '>', "$args->{in}/$$.$job" or die "$args->{in}: $!";
    $held{$job} = "$args->{in}/go";
}

my %acts = (
    ok   => sub { say_line({job => $_[0], incr => {ok => 1}}) },
    hold => \&hold,
    pid  => sub { say_line({job => $_[0], incr => {"pid:$$" => 1}}) },
    err  => sub { syswrite(STDERR, "$_[1]{text}\n"); say_line({job => $_[0]}) },
    leak => sub { push @leaked, 'x' x ($_[1]{mb} * 1048576); say_line({job => $_[0]}) },
    kill => sub { syswrite(STDERR, "$_[1]{text}\n"); kill $_[1]{signal}, $$; sleep 10 },
    midline  => sub { syswrite(STDOUT, qq({"job":"$_[0]","incr":{"never":1})); exit 1 },
    twice    => sub { say_line({job => $_[0]}); say_line({job => $_[0]}) },
    foreign  => sub { say_line({job => '999'}) },
    no_json  => sub { syswrite(STDOUT, "Ready.\n") },
    hello    => sub { say_line({in_flight => 2}) },
    flood    => sub { write_all('x' x 10485760) },
    big      => sub { write_all(encode_json({job => $_[0], result => 'x' x 10485760}) . "\n") },
    unruly   => sub { say_line({job => $_[0], error => 'no', incr => {never => 1}}) },
    progress => sub { say_line({job => $_[0], progress => 'x' x 2000}); say_line({job => $_[0]}) },
    mute     => sub { close STDOUT; sleep_for_ever() },
    shut     => sub { close STDIN; sleep_for_ever() },
    deaf => \&sleep_for_ever,
    fork => sub {
        my $pid = fork() // die;
        sleep_for_ever() if $pid == 0;
        open my $file, '>', "$_[1]{file}.new" or die;
        print $file $pid;
        close $file;
        rename "$_[1]{file}.new", $_[1]{file};
        $held{$_[0]} = '/nowhere';
    },
);

sub take {
    my $call = decode_json($_[0]);
    my $cancelled = $call->{cancel};
    if (defined $cancelled) {
        say_line({job => $cancelled, error => 'stopped'}) if delete $held{$cancelled};
        return;
    }
    $acts{$call->{args}{do}}->($call->{job}, $call->{args});
}

sub answer_held {
    for (grep { -e $held{$_} } keys %held) {
        delete $held{$_};
        say_line({job => $_, incr => {held => 1}});
    }
}

say_line({in_flight => 0 + $in_flight}) if $in_flight;
my $input = IO::Select->new(\*STDIN);
my $ended = 0;
until ($ended && !%held) {
    answer_held();
    if ($ended) { sleep 0.02; next }
    next unless $input->can_read(%held ? 0.02 : undef);
    $ended = !sysread(STDIN, $text, 65536, length $text);
    take($1) while $text =~ s/^(.*)\n//;
}
sleep_for_ever() if $ENV{STAY};
if ($ENV{BYE}) { open my $bye, '>', $ENV{BYE} or die "$ENV{BYE}: $!" }
