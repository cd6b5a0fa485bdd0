#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handlers of the kind exec: what a program is given, what it may answer, and what becomes of its
# job. Those that misbehave are in exec_faults.sh.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

# ---- what it is given ----------------------------------------------------------------------

given_handlers() {
  handler args "environment = { \"OUT=$dir/args\" }" <<'X'
cat >"$OUT"
X
  handler_of environment "command = { cp, /proc/self/environ, \"$dir/environ\" }" \
    'environment = { PATH, NO_SUCH_VARIABLE, LANG, "WORD=two words", "EMPTY=" }'
  handler_of by_default "command = { cp, /proc/self/environ, \"$dir/environ2\" }"
  # The name of a program is looked up, an argument is not touched by any shell.
  handler_of words 'command = { sh, "-c", "printf %s \"$1\" >words; pwd >pwd", sh, "$HOME; `id` *" }' \
    "directory = \"$dir/place\""
  handler_of descriptors 'command = { sh, "-c", "for i in $(seq 0 63); do [ ! -e /proc/$$/fd/$i ] || printf \"$i \"; done >$OUT" }' \
    "environment = { PATH, \"OUT=$dir/descriptors\" }"
  handler limit <<<'printf "{\"result\":\"%s of %s\"}" "$(ulimit -Sn)" "$(ulimit -Hn)" >&3'
  mkdir "$dir/place"
}

names() { tr '\0' '\n' <"$1" | sed 's/=.*//' | LC_ALL=C sort | paste -sd' '; }
value() { tr '\0' '\n' <"$1" | sed -n "s/^$2=//p"; }

args_are_handed_over_byte_for_byte() {
  local args='{ "a" : [1,  2.50],"b":"\u00e9 é"	}'
  printf '{"type":"args","id":"args-1","args":%s}\n' "$args" | redis_cli -x lpush leat:default >"$dir/out"
  await_told args-1 'job done'
  expect_eq "$args" "$(cat "$dir/args")" 'args on stdin'
  { printf '{"type":"args","id":"args-2","args":"' && head -c 65000 /dev/zero | tr '\0' x && printf '"}'; } |
    redis_cli -x lpush leat:default >"$dir/out"
  await_told args-2 'job done'
  expect_eq 65002 "$(stat -c %s "$dir/args")" 'bytes of long args'
  ok 'args come on stdin, byte for byte, also 64 KiB of them'
}

environment_is_what_is_named() {
  local file=$dir/environ trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
  printf '{"type":"environment","id":"env-1","traceparent":"%s","args":1}\n' "$trace" |
    redis_cli -x lpush leat:default >"$dir/out"
  await_told env-1 'job done'
  expect_eq 'EMPTY LANG LEAT_ATTEMPT LEAT_DEADLINE LEAT_DELIVERY LEAT_ID LEAT_QUEUE LEAT_TOKEN LEAT_TYPE PATH TRACEPARENT WORD' \
    "$(names "$file")" 'the names in its environment'
  expect_eq 'env-1 environment default 1 1' \
    "$(value "$file" LEAT_ID) $(value "$file" LEAT_TYPE) $(value "$file" LEAT_QUEUE) $(value "$file" LEAT_ATTEMPT) $(value "$file" LEAT_DELIVERY)" 'who it is'
  expect_eq "$trace/two words//de_XX" "$(value "$file" TRACEPARENT)/$(value "$file" WORD)/$(value "$file" EMPTY)/$(value "$file" LANG)" 'values'
  [ "$(value "$file" LEAT_DEADLINE)" -gt "$(date +%s)500" ] || fail 'the deadline is not ten minutes ahead'
  job by_default env-2
  await_told env-2 'job done'
  expect_match '^HOME LANG LEAT_ATTEMPT LEAT_DEADLINE LEAT_DELIVERY LEAT_ID LEAT_QUEUE LEAT_TOKEN LEAT_TYPE PATH( TMPDIR)?( TZ)?( USER)?$' \
    "$(names "$dir/environ2")" 'the names that are passed on unless others are said'
  ok 'the environment is what is named, and what belongs to the job: no secret of the worker'
}

words_go_through_no_shell() {
  job words words-1
  await_told words-1 'job done'
  expect_eq '$HOME; `id` *' "$(cat "$dir/place/words")" 'its argument'
  expect_eq "$(realpath "$dir/place")" "$(cat "$dir/place/pwd")" 'its directory'
  job descriptors fds-1
  await_told fds-1 'job done'
  # 1 is the file, while sh writes it.
  expect_match '^0 1 2 3 ?(10 )?$' "$(cat "$dir/descriptors")" 'its descriptors'
  ok 'arguments go through no shell; it runs in its directory, with the descriptors 0 to 3'
}

# Some programs close all descriptors up to the limit, or use select(): it must be the one that the
# worker was started with, not the one that the worker needs itself.
descriptors_are_limited_as_the_worker_was() {
  expect_eq "$(ulimit -Hn)" "$(awk '/^Max open files/ { print $4 }' "/proc/$(process)/limits")" 'the limit of the worker'
  expect_exit 0 "$leat" run limit --wait=60s
  expect_eq "\"500 of $(ulimit -Hn)\"" "$(cat "$dir/out")" 'the limit of a handler'
  kill -HUP "$worker"
  await 'grep -q "reload ended" "$(worker_log)"' 30 'the reload'
  expect_exit 0 "$leat" run limit --wait=60s
  expect_eq "\"500 of $(ulimit -Hn)\"" "$(cat "$dir/out")" 'the limit of a handler behind a reload'
  ok 'a handler may have as many descriptors as the worker was started with'
}

# ---- what it may answer --------------------------------------------------------------------

answering_handlers() {
  handler effects <<'X'
echo '{"progress":{"percent":50}}' >&3
echo '{"incr":{"sum":2,"other":-1},"result":{"name":"a.png","size":[7]},"push":[
  {"type":"increment","args":{"counter":"now"}}]}' | tr -d '\n' >&3
X
  handler delayed <<'X'
echo '{"push":[{"type":"increment","in_ms":300,"args":{"counter":"delayed"}},
  {"type":"increment","queue":"side","args":{"counter":"aside"}}]}' | tr -d '\n' >&3
X
  handler exit3 <<'X'
echo one
echo 'first words' >&2
echo 'last words' >&2
exit 3
X
  handler silent <<'X'
echo 'on stdout'
exit 4
X
  # More than is kept; bytes that are no text; the end may be in the middle of a character.
  handler rude <<'X'
head -c 3000 /dev/zero | tr '\0' x
printf 'the end\n'
printf 'a\0b\377\033[31m "\303\251"\n\303' >&2
exit 1
X
  handler exit65 <<<'exit 65'
  handler exit100 <<<'echo "{\"error\":\"no such file\"}" >&3; exit 100'
  handler dead_by_answer <<<'echo "{\"error\":\"not today\",\"retry\":false}" >&3'
  handler signalled <<<'kill -SEGV $$'
  handler wait_long <<<'echo "{\"error\":\"rate limit\",\"retry_in_ms\":3600000}" >&3; exit 1'
  handler again "environment = { PATH, \"OUT=$dir/again\" }" <<'X'
echo "$LEAT_ATTEMPT $LEAT_DELIVERY $LEAT_TOKEN" >>"$OUT"
[ "$(wc -l <"$OUT")" = 1 ] || exit 0
echo '{"again_in_ms":200}' >&3
exit 75
X
  handler again_later <<<'exit 75'
  handler twice "environment = { PATH, \"OUT=$dir/twice\" }" <<'X'
echo "$LEAT_ATTEMPT $LEAT_DELIVERY $LEAT_TOKEN" >>"$OUT"
[ "$(wc -l <"$OUT")" != 1 ]
X
  cat >>"$conf" <<'X'
retry twice { policy = fixed  max = 3  base = 100ms }
X
}

effects_are_applied() {
  job effects e-1 --then '{"type":"increment","args":{"counter":"$result.name","by":3}}'
  job delayed e-2
  expect_told e-1 'job done' 'type=effects'
  expect_told e-1 'job goes on' 'progress=.*percent.*50'
  await '[ "$(counter now)" = 1 ] && [ "$(counter delayed)" = 1 ] && [ "$(counter a.png)" = 3 ]' 20 'what it pushed to be done'
  expect_eq '2 -1' "$(counter sum) $(counter other)" 'counters'
  expect_eq 1 "$(redis_cli llen leat:side)" 'jobs pushed to another queue'
  ok 'counters, follow-ups now, later and elsewhere, and then with the result'
}

failures_say_why() {
  job exit3 f-1 --retries 0 --track
  expect_told f-1 'job died' 'err="exit 3: last words"'
  job silent f-2
  expect_told f-2 'job failed' 'err="exit 4: on stdout"'
  job signalled f-3
  expect_told f-3 'job failed' 'err="signal 11 \(Segmentation fault\)"'
  job wait_long f-4
  expect_told f-4 'job failed' 'retry_in_ms=[0-9]{7} err="rate limit"'
  job dead_by_answer f-5
  expect_told f-5 'job died' 'err="not today"'
  job exit65 f-6
  expect_told f-6 'job died' 'err="exit 65"'
  job exit100 f-7
  expect_told f-7 'job died' 'err="no such file"'
  expect_eq 4 "$(size dead)" 'dead jobs'
  expect_match 'no such file' "$("$leat" job ls)" 'leat job ls'
  ok 'a failure gives the reason: of the answer, else the last line; 65 and 100 die at once'
}

what_it_writes_is_in_the_log() {
  expect_told f-1 'handler wrote' 'type=exit3 child=[0-9]+ text="last words"'
  expect_eq 2 "$(times_told f-1 'handler wrote')" 'lines of stderr'
  expect_told f-1 "handler's last output" 'stream=stdout text="one\\n"'
  expect_eq 0 "$(times_told e-1 "handler's last output")" 'last outputs of a job that was done'
  expect_match '"error":"exit 3: last words","stdout":"one\\n","stderr":"first words\\nlast words\\n"\}$' \
    "$("$leat" job get f-1 --json)" 'the record of a job that failed'
  ok 'stderr is in the log with the id of the job, stdout too if it failed; the record has both'
}

# What an untracked job wrote has no record to stand in.
what_it_writes_stands_with_its_failure() {
  local line iid
  job rude w-1 --retries 0
  await_told w-1 'job died'
  "$leat" job ls --state failed --json >"$dir/out"
  line=$(grep '"id":"w-1"' "$dir/out")
  expect_match '"error":"exit 1: .*","stdout":"x{2040}the end\\n","stderr":"a\\u0000b�\\u001b\[31m \\"é\\"\\n�"\}$' \
    "$line" 'the failure of a job that is not tracked'
  expect_eq w-1 "$(redis_cli --raw eval 'return cjson.decode(ARGV[1]).id' 0 "$line")" 'the id, by another reader of JSON'
  expect_match '"error":"exit 4: on stdout","stdout":"on stdout\\n"\}$' "$(grep '"id":"f-2"' "$dir/out")" \
    'the failure of a job that wrote nothing to stderr'
  expect_match '"error":"rate limit"\}$' "$(grep '"id":"f-4"' "$dir/out")" 'the failure of a job that wrote nothing'
  expect_eq 0 "$("$leat" job ls --state failed | grep -c 'the end.*the end\|\[31m' || true)" 'lines of the list for people with more than the error'
  iid=$(redis_cli --raw eval 'return cjson.decode(ARGV[1]).iid' 0 "$line")
  expect_match ',"stdout":"x{2040}the end\\n","stderr":"a.*"\}$' "$("$leat" job get "$iid")" 'the dead job'
  expect_match '^\{"type":"rude",[^}]*"args":\{\},"retry":\{"max":0\}\}$' "$("$leat" job get "$iid" --raw)" 'its payload alone'
  expect_exit 0 "$leat" fsck
  ok 'the ends of both streams stand with the failure of any job, and with the job when it is dead'
}

runs_again() {
  job again r-1
  job again_later r-2
  job twice r-3
  expect_told r-1 'job runs again later' 'fails=0 .*retry_in_ms=200'
  expect_told r-2 'job runs again later' 'fails=0 .*retry_in_ms=60000'
  await_told r-1 'job done'
  expect_match $'^1 1 ([0-9]+)\n1 1 ([0-9]+)$' "$(cat "$dir/again")" 'runs of a job that came again'
  [ "${BASH_REMATCH[1]}" -lt "${BASH_REMATCH[2]}" ] || fail 'the token did not grow'
  expect_told r-3 'job failed' 'fails=1 .* err="exit 1"'
  await_told r-3 'job done'
  expect_match $'^1 1 [0-9]+\n2 1 [0-9]+$' "$(cat "$dir/twice")" 'runs of a job that failed once'
  ok '75 runs again later and is no failure; a failure is another attempt; the token grows'
}

# ---- what is wrong from the start ----------------------------------------------------------

refuse() {
  printf '%s\n' "$2" >"$dir/wrong.conf"
  expect_exit 78 "$leat" worker -p 0 --config "$dir/wrong.conf"
  expect_match "$1" "$(cat "$dir/err")" "what is said of: $2"
}

wrong_settings_are_refused() {
  refuse 'handler x: command is missing' 'handler x { kind = exec }'
  refuse 'handler x: command: no program not-there in PATH; .* PATH is /' 'handler x { command = { not-there } }'
  refuse "handler x: command: $dir/not-there is no program that may be run: No such file" "handler x { command = { \"$dir/not-there\" } }"
  refuse 'handler x: command: .* is no program that may be run: Permission denied' "handler x { command = { \"$conf\" } }"
  refuse 'handler x: environment: LEAT_ID is set for each job' 'handler x { command = { true }  environment = { "LEAT_ID=1" } }'
  ok 'a program that is not there, or may not be run, is said at the start: 78'
}

gone_program_fails() {
  rm "$bin/exit65"
  job exit65 g-1
  expect_told g-1 'job failed' "err=\"$bin/exit65 cannot be run: No such file or directory\""
  printf 'true\n' >"$bin/exit65"
  chmod +x "$bin/exit65"
  job exit65 g-2
  expect_told g-2 'job failed' 'Exec format error \(does its first line name an interpreter'
  printf '#!/no/such/interpreter\n' >"$bin/exit65"
  job exit65 g-3
  expect_told g-3 'job failed' "err=\"$bin/exit65 cannot be run: No such file or directory \(its interpreter is missing, see its first line\)\""
  ok 'a program that goes later fails the job, and says why'
}

redis_start
redis_cli acl setuser w on '>geheim' '~*' '&*' '+@all' >"$dir/out"
given_handlers
answering_handlers
ulimit -Sn 500
LEAT_REDIS=unix://w:geheim@$socket SECRET=geheim LANG=de_XX handlers_start -p 1 --log-level debug
args_are_handed_over_byte_for_byte
environment_is_what_is_named
words_go_through_no_shell
descriptors_are_limited_as_the_worker_was
effects_are_applied
failures_say_why
what_it_writes_is_in_the_log
what_it_writes_stands_with_its_failure
runs_again
gone_program_fails
wrong_settings_are_refused
worker_stop
expect_eq 0 "$status" 'exit status'
expect_eq 0 "$(grep -rl geheim "$dir/environ" "$dir/environ2" | grep -c . || true)" 'secrets that were handed on'
