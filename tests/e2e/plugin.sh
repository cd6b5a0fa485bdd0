#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handlers that are shared objects: what a plugin is told and what it asks for, the example, what
# a crash costs, cancels and time-outs, and files that are no plugins.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
plugin=$LEAT_BIN/test_plugin.so

# handler TYPE FILE [LINE…]
handler() {
  # A crash must be one, also under the address sanitizer.
  handler_of "$1" 'kind = plugin' "file = \"$2\"" 'environment = {"PATH", "ASAN_OPTIONS=handle_segv=0"}' "${@:3}"
}

begin() { worker_start -p 1 --config "$conf"; }

end() {
  worker_stop
  expect_eq 0 "$status" 'exit status'
}

push() { "$leat" push "$@" >"$dir/out"; }
logged() { grep -c "$1" "$(worker_log)" || true; }
await_logged() {
  wanted=$1
  await '[ "$(logged "$wanted")" -ge 1 ]' 30 "the log to say '$1'"
}
await_tally() { await '[ "$(tally '"$1"')" = '"$2"' ]' 30 "$2 jobs $1"; }
reset() { redis_cli flushall >"$dir/out"; rm -f "$conf"; }

# compile NAME FLAG…: a plugin whose source is on stdin, as its author builds it.
compile() {
  cat >"$dir/$1.c"
  expect_exit 0 cc -shared -fPIC -O2 -Wall -Wextra -Werror -I "$root/worker" "${@:2}" "$dir/$1.c" -o "$dir/$1.so"
}

# ---- what it is told, and what it asks for ---------------------------------------------------

effects() {
  local type
  for type in tell effects plain loud fails dies later no_json no_text many huge; do
    handler "$type" "$plugin"
  done
  redis_cli lpush leat:default '{"type":"tell","id":"tell:1","args":{"a": "\u00e4"},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}' >"$dir/out"
  for type in effects loud; do push "$type"; done
  for type in fails dies later; do push "$type" --id "$type"; done
  for type in no_json no_text many huge; do push "$type" --id "$type" --retries 0; done
  begin
  await_tally 'done' 5
  await_tally dead 5
  expect_eq 15 "$(counter 'told tell tell:1 default 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 1 1 {"a": "\u00e4"}')" \
    'what it was told, with the length of args'
  expect_eq '1 1' "$(counter token) $(counter deadline)" 'a token and a deadline'
  expect_eq '42 -1 2' "$(counter $'a "quoted"\nname') $(counter other) $(counter plain)" 'its effects'
  expect_eq 1 "$(counter loud)" 'a job that prints'
  await_logged 'printed to stdout'
  await_logged 'printed to stderr'
  expect_eq 0 "$(counters | grep -c never || true)" 'counters of jobs that failed'
  await_logged 'job failed. id=fails .*err=.*the .*disk.*is full'
  await_logged 'job died. id=dies .*err="no such picture"'
  await_logged 'job runs again later. id=later '
  await_logged 'job died. id=no_json .*answer: .push. is not one JSON value: not JSON'
  await_logged 'job died. id=no_text .*answer: .incr. has a counter that is no UTF-8'
  await_logged 'job died. id=many .*answer: .incr. has more than 64 items'
  await_logged 'job died. id=huge .*answer: .result. has 199999 bytes, the limit is 131072'
  expect_eq 0 "$(logged 'child is gone')" 'children that were killed'
  end
  await_logged closed
  reset
  ok 'what it asks for happens with the end of its job; what breaks the rules fails that job alone'
}

# Text of others must not become a part of the answer: `inject` takes as args a number whose last
# digit is what it hands the text to, and whose others are the text.
injection() {
  local i texts=(00 10 20 30 40 50 60 70 80 01 11 21 31 41 51 61 71 81 02 12 22 32)
  handler inject "$plugin"
  handler odd_json "$plugin"
  handler plain "$plugin"
  for i in "${texts[@]}"; do push inject --id "inject-$i" --args "\"$i\"" --retries 0; done
  push odd_json --id odd --track
  begin
  await_tally dead "${#texts[@]}"
  await_tally 'done' 2
  for i in "${texts[@]}"; do
    expect_match 'answer:%20' "$(dead_of "inject-$i")" "why job $i died"
  done
  await_logged "job died. id=inject-00 .*answer: .result. is not one JSON value: there is more behind it"
  expect_eq $'plain\t1' "$(counters)" 'counters: that of the follow-up'
  expect_exit 0 "$leat" job wait odd
  expect_eq $'odd\tdone\t{"a": "\\u00e4"}' "$(cat "$dir/out")" 'a result on several lines'
  expect_eq 0 "$(logged 'child is gone')" 'children that were killed'
  end
  reset
  ok 'text that is not one JSON value fails its job, and nothing of it counts or is pushed'
}

example() {
  compile primes <"$root/examples/plugin/primes.c"
  printf 'handler primes { kind = plugin  file = "%s" }\n' "$dir/primes.so" >>"$conf"
  push primes --args 100000
  push primes --id bad --args '"many"'
  begin
  await_tally 'done' 1
  await_tally dead 1
  expect_eq 9592 "$(counter primes:100000)" 'primes up to 100,000'
  await_logged 'job died. id=bad .*args is how far to count'
  push primes --id long --args 900000000000 --timeout 500ms --retries 0
  await_logged 'job died. id=long .*timed out after 500ms'
  end
  expect_eq 0 "$(logged 'child is gone')" 'children that were killed'
  reset
  ok 'the example counts, refuses, and stops when its time is over'
}

# ---- crashes -------------------------------------------------------------------------------

# dead_of ID: its header.
dead_of() {
  redis_cli zrange "$(key dead)" 0 -1 | grep -B 1 "\"id\":\"$1\"" | head -n 1
}

# The job that crashes is between others in the hands of one process. Those of another type, and
# those that process did not hold, never notice.
crash() {
  local i
  handler hold "$plugin"
  handler plain "$plugin"
  handler crash "$plugin"
  compile mixed <<'CODE'
#include <leat-plugin.h>
#include <stdlib.h>
#include <string.h>
static void run(struct leat_plugin_job *job)
{
    if (strstr(job->args, "crash") != NULL)
        abort();
    job->incr(job, "mixed", 1);
}
const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .in_flight = 8, .run = run};
CODE
  handler mixed "$dir/mixed.so"
  for ((i = 0; i < 300; i++)); do
    echo '{"type":"plain","args":{},"retry":{"max":0}}'
    [ "$i" != 150 ] || echo '{"type":"mixed","id":"mixed","args":"crash","retry":{"max":0}}'
    echo '{"type":"mixed","args":{},"retry":{"max":1,"base_ms":1}}'
  done | "$leat" push --ndjson 2>"$dir/err"
  push crash --id crash --retries 0
  begin
  await_tally 'done' 600
  await_tally dead 2
  expect_eq '300 300' "$(counter plain) $(counter mixed)" 'effects, each once'
  expect_match 'signal%206%20' "$(dead_of mixed)" 'why the mixed one died'
  expect_match 'signal%2011%20' "$(dead_of crash)" 'why the other one died'
  await '[ "$(tally retrying)" = 0 ]' 20 'no retries left'
  local held
  held=$(sed -n 's/.*child is gone. type=mixed .*jobs=//p' "$(worker_log)")
  [ "$held" -le 8 ] || fail "$held jobs were held by a process with an in_flight of 8"
  expect_eq $((held + 1)) "$(redis_cli llen "$(key fail)")" 'failures of all jobs'
  end
  expect_at_rest
  reset
  ok "a crash costs what that process held, $held jobs, and nothing more"
}

# ---- stopping ------------------------------------------------------------------------------

stopping() {
  handler hold "$plugin" 'grace = 20s' 'timeout = 1m'
  begin
  push hold --id one --args "\"$dir/go\"" --timeout 4s --retries 0
  await_logged 'holding one'
  push hold --id two --args "\"$dir/go\"" --timeout 500ms --retries 0
  await_tally dead 2
  await_logged 'stopped one'
  await_logged 'job died. id=one .*timed out'
  await_logged 'job died. id=two .*timed out'
  expect_eq 0 "$(logged 'holding two')" 'runs of a job that was stopped before its turn'
  expect_eq 0 "$(logged 'child is gone')" 'children that were killed'
  expect_eq '' "$(counter held)" 'effects of jobs that were stopped'
  : >"$dir/go"
  push hold --id three --args "\"$dir/go\""
  await_tally 'done' 1
  end
  reset
  ok 'a job sees that it is to stop; one whose turn has not come does not begin'
}

# What ignores it is killed; what else that process held goes back, and has not failed.
deaf() {
  compile deaf <<'CODE'
#include <leat-plugin.h>
#include <string.h>
#include <unistd.h>
static void run(struct leat_plugin_job *job)
{
    if (strcmp(job->id, "deaf") == 0)
        pause();
    job->incr(job, "heard", 1);
}
const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .in_flight = 4, .run = run};
CODE
  handler deaf "$dir/deaf.so" 'grace = 100ms' 'timeout = 5m'
  printf '%s\n' '{"type":"deaf","id":"deaf","args":{},"timeout_ms":500,"retry":{"max":0}}' \
    '{"type":"deaf","args":{},"retry":{"max":0}}' '{"type":"deaf","args":{},"retry":{"max":0}}' |
    "$leat" push --ndjson 2>"$dir/err"
  begin
  await_logged 'job died. id=deaf .*timed out after 500ms'
  await_tally 'done' 2
  expect_eq '2 1' "$(counter heard) $(tally dead)" 'the others ran, without a failure'
  end
  expect_at_rest
  reset
  ok 'what does not stop is killed, and the others go on'
}

# ---- no plugins ----------------------------------------------------------------------------

# refused FILE TEXT: what loads it says why, and so does who looks at a configuration.
refused() {
  expect_exit 78 "$LEAT_BIN/leat-plugin" "$1"
  expect_match "$2" "$(cat "$dir/err")" "why $1 cannot be loaded"
  checks 78 "$1"
  expect_match "^leat: $conf:[0-9]+: handler t: file: .*$2" "$(cat "$dir/err")" "what leat config check says of $1"
}

# checks STATUS FILE
checks() {
  handler t "$2"
  expect_exit "$1" "$leat" config check "$conf"
  rm "$conf"
}

# Those whose code runs when they are loaded, whoever loads them.
constructed() {
  compile "$1" <<CODE
#include <leat-plugin.h>
#include <stdlib.h>
#include <unistd.h>
static void run(struct leat_plugin_job *job) { (void)job; }
__attribute__(($2)) static void by_itself(void) { $3; }
const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .run = run};
CODE
}

what_runs_when_it_is_loaded() {
  constructed waits constructor 'for (;;) pause()'
  constructed crashes constructor 'abort()'
  constructed ends constructor '_exit(0)'
  constructed prints constructor 'if (write(1, "good day\n", 9) < 0) abort()'
  constructed last destructor 'abort()'
  handler t "$dir/waits.so"
  mv "$conf" "$dir/waits.conf"
  child_start check "$leat" config check "$dir/waits.conf"
  checks 78 "$dir/crashes.so"
  expect_match 'crashes\.so could not be loaded: .* ended with signal 6 ' "$(cat "$dir/err")" 'what is said of a crash'
  checks 78 "$dir/ends.so"
  expect_match 'ends\.so could not be loaded: .* ended with exit 0$' "$(cat "$dir/err")" 'what is said of an end'
  checks 0 "$dir/prints.so"
  expect_eq 'good day' "$(cat "$dir/err")" 'what it prints'
  checks 0 "$dir/last.so"
  await '! child_alive "$child"' 60 'the check of one that waits to end'
  child_stop "$child"
  expect_eq 78 "$status" 'its exit status'
  expect_match 'waits\.so could not be loaded within 10 s' "$(cat "$dir/check.log")" 'what is said of one that waits'
  ok 'a check loads plugins in a process of their own, and waits for none for ever'
}

compile_no_plugins() {
  compile empty <<<'int nothing_of_leat; '
  compile later <<'CODE'
#include <leat-plugin.h>
static void run(struct leat_plugin_job *job) { (void)job; }
const struct leat_plugin leat_plugin = {sizeof leat_plugin, 2, .run = run};
CODE
  compile short_ <<'CODE'
#include <leat-plugin.h>
const struct leat_plugin leat_plugin = {8, LEAT_PLUGIN_ABI, 0, 0, 0, 0};
CODE
  compile idle <<<'#include <leat-plugin.h>
const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, 0, 0, 0, 0};'
  compile greedy <<'CODE'
#include <leat-plugin.h>
static void run(struct leat_plugin_job *job) { (void)job; }
const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .in_flight = 1001, .run = run};
CODE
  compile shut <<'CODE'
#include <leat-plugin.h>
static int begin(void) { return 3; }
static void run(struct leat_plugin_job *job) { (void)job; }
const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .open = begin, .run = run};
CODE
}

no_plugins() {
  local bad="$dir/bad.so"
  compile_no_plugins
  echo 'no shared object' >"$bad"
  expect_exit 78 "$LEAT_BIN/leat-plugin" "$bad"
  expect_match 'cannot be loaded: .*bad\.so: (file too short|invalid ELF header)' "$(cat "$dir/err")" 'why a text cannot be loaded'
  refused "$dir/empty.so" 'empty\.so is no plugin of leat: it defines no leat_plugin'
  refused "$dir/later.so" 'was built for abi 2 of leat-plugin\.h, this leat has 1'
  refused "$dir/short_.so" 'size of 8, not at least'
  refused "$dir/idle.so" 'has no run\(\)'
  refused "$dir/greedy.so" 'in_flight of 1001, allowed is 0 to 1000'
  expect_exit 75 "$LEAT_BIN/leat-plugin" "$dir/shut.so"
  expect_match 'open\(\) returned 3' "$(cat "$dir/err")" 'a plugin that does not open'
  checks 0 "$dir/shut.so" # none of its functions is called
  expect_exit 64 "$LEAT_BIN/leat-plugin"
  ok 'what is no plugin is refused by what loads it, and why is said'
}

no_plugins_in_a_worker() {
  handler t "$dir/empty.so"
  push t --id t --retries 0
  begin
  await_logged 'job runs again later. id=t .* fails=0 .*it defines no leat_plugin' # not its fault
  end
  reset
  handler t "$dir/nowhere.so"
  expect_exit 78 "$leat" worker --config "$conf"
  expect_match 'handler t.*file: .*nowhere\.so: No such file' "$(cat "$dir/err")" 'a file that is not there'
  rm "$conf"
  printf 'handler t {\n  kind = plugin\n}\n' >"$conf"
  expect_exit 78 "$leat" worker --config "$conf"
  expect_match 'handler t.*file is missing' "$(cat "$dir/err")" 'no file'
  reset
  ok 'a job whose plugin is none waits; a file that is not there is refused at the start'
}

redis_start
effects
injection
example
crash
stopping
deaf
what_runs_when_it_is_loaded
no_plugins
no_plugins_in_a_worker
