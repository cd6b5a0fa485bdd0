#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handlers that stay: the examples in four languages, several jobs in flight, children that are
# replaced, a reload and a stop that cut nothing short.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
liner=$root/tests/support/liner.pl
conf=$dir/leat.conf
held=$dir/held
hold="{\"do\":\"hold\",\"in\":\"$held\"}"
mkdir "$held"

logged() { grep -c "$1" "$(worker_log)" || true; }
run_now() { find "$held" -name '*.*' | wc -l; }
# The handlers' children: of the worker's processes, or of the worker itself.
handlers() {
  local process
  for process in $(children_of "$worker"); do children_of "$process"; done | tr ' ' '\n' | grep . || true
}

# settings [LINE…]: of a handler `t` that is liner.pl, with IN_FLIGHT from $in_flight.
settings() {
  printf 'worker {\n  processes = 1\n}\nhandler t {\n  kind = lines\n  command = {"perl", "%s"%s}\n' \
    "$liner" "${in_flight:+, \"$in_flight\"}" >"$conf.new"
  printf '  %s\n' "$@" >>"$conf.new"
  echo '}' >>"$conf.new"
  mv "$conf.new" "$conf"
}

begin() {
  settings "$@"
  worker_start --config "$conf"
}

end() {
  worker_stop
  expect_eq 0 "$status" 'exit status'
}

# push N ARGS [OPTION…]
push() {
  local n=$1 args=$2 i
  for ((i = 0; i < n; i++)); do echo "{\"type\":\"t\",\"args\":$args}"; done | "$leat" push --ndjson 2>"$dir/err"
}

await_done() {
  await '[ "$(tally done)" = '"$1"' ]' 30 "$1 jobs to be done, of which $(tally done) are"
}

reset() {
  redis_cli flushall >"$dir/out"
}

# ---- the examples --------------------------------------------------------------------------

examples() {
  local options=() languages=() language program
  for language in py:python3 js:node pl:perl sh:sh; do
    program=${language#*:} language=${language%:*}
    command -v "$program" >"$dir/out" || {
      echo "skip - the example lines.$language: no $program here"
      continue
    }
    languages+=("$language")
    options+=(--lines "$language=$root/examples/handlers/lines.$language")
    [ "$(wc -l <"$root/examples/handlers/lines.$language")" -le 20 ] || fail "lines.$language has more than 20 lines"
  done
  for language in "${languages[@]}"; do
    for ((i = 0; i < 100; i++)); do
      echo "{\"type\":\"$language\",\"args\":{\"text\":\"to be or not\"}}"
    done
  done | "$leat" push --ndjson 2>"$dir/err"
  worker_start -p 1 "${options[@]}"
  await_done $((100 * ${#languages[@]}))
  for language in "${languages[@]}"; do
    "$leat" push "$language" --args '{}' --id "bad-$language" --retries 0 >"$dir/out"
    await '[ "$(logged "job died. id=bad-$language ")" = 1 ]' 20 'a bad one to die'
  done
  expect_eq $((400 * ${#languages[@]})) "$(counter words)" 'words'
  for language in "${languages[@]}"; do
    expect_match 'err=.*(text|undefined)' "$(grep "job died. id=bad-$language " "$(worker_log)")" 'why'
  done
  expect_eq "${#languages[@]}" "$(handlers | wc -l)" 'children'
  end
  expect_at_rest
  reset
  ok "the examples in ${languages[*]}: each job done once, by one child each"
}

# ---- several in flight ---------------------------------------------------------------------

several_in_flight() {
  local in_flight=10
  begin 'processes = 2'
  push 1 "$hold"
  await '[ "$(run_now)" = 1 ]' 20 'the first to run'
  expect_eq 1 "$(handlers | wc -l)" 'children for one job'
  push 1 "$hold"
  await '[ "$(run_now)" = 2 ]' 20 'the second to run'
  expect_eq 2 "$(handlers | wc -l)" 'children for two jobs'
  push 23 "$hold"
  await '[ "$(run_now)" = 20 ]' 20 'twenty to run'
  expect_eq 2 "$(handlers | wc -l)" 'children'
  touch "$held/go"
  await_done 25
  expect_eq 25 "$(counter held)" 'answers'
  end
  rm "$held"/*
  expect_at_rest
  reset
  ok 'jobs are spread over two children, with ten at once each'
}

# concurrency caps what the children would take.
capped() {
  local in_flight=10
  begin 'concurrency = 3'
  push 5 "$hold"
  await '[ "$(run_now)" = 3 ]' 20 'three to run'
  touch "$held/go"
  await_done 5
  end
  rm "$held"/*
  expect_at_rest
  reset
  ok 'concurrency caps how many run'
}

# ---- replaced children ---------------------------------------------------------------------

recycled() {
  begin 'recycle-jobs = 10'
  push 100 '{"do":"pid"}'
  await_done 100
  expect_eq 10 \
    "$(redis_cli --raw hgetall "$(key counters)" | sed -n 'n;p' | sort -u)" 'jobs of each child'
  expect_eq 10 "$(redis_cli --raw hkeys "$(key counters)" | grep -c ^pid:)" 'children'
  expect_eq 0 "$(logged 'level=warn\|level=error')" 'lines of trouble'
  end
  expect_at_rest
  reset
  ok 'a child is replaced behind every tenth job, and nobody notices'
}

too_large() {
  local before
  begin 'recycle-mb = 100'
  push 1 '{"do":"ok"}'
  await_done 1
  before=$(handlers)
  push 1 '{"do":"leak","mb":200}'
  await_done 2
  await '[ -z "$(handlers)" ]' 20 'the large child to leave'
  push 1 '{"do":"ok"}'
  await_done 3
  [ "$before" != "$(handlers)" ] || fail 'it is the same child'
  expect_eq 0 "$(logged 'level=warn\|level=error')" 'lines of trouble'
  end
  reset
  ok 'a child that grew too large is replaced'
}

# ---- reload, stop --------------------------------------------------------------------------

reload_drops_nothing() {
  local in_flight=5 old
  begin
  push 5 "$hold"
  await '[ "$(run_now)" = 5 ]' 20 'five to run'
  old=$(handlers)
  in_flight=7
  settings
  kill -HUP "$worker"
  await '[ "$(logged "result=renewed")" = 1 ]' 20 'the reload'
  push 7 "$hold"
  await '[ "$(run_now)" = 12 ]' 20 'seven more to run'
  touch "$held/go"
  await_done 12
  await '! kill -0 '"$old"' 2>"$dir/out"' 20 'the old child to exit'
  expect_eq '0 0 0' "$(tally recovered) $(tally retry) $(logged 'level=error')" 'jobs that cost a delivery, or failed'
  end
  rm "$held"/*
  expect_at_rest
  reset
  ok 'HUP with another command: what runs ends where it began, the next jobs go to the new one'
}

# Their input ends when the worker does: they may clean up, but not for ever.
stops_children() {
  local stays
  begin "environment = {PATH, \"BYE=$dir/bye\"}"
  push 1 '{"do":"ok"}'
  await_done 1
  end
  [ -e "$dir/bye" ] || fail 'it could not say good-bye'
  begin 'environment = {PATH, "STAY=1"}' 'grace = 200ms' 'recycle-jobs = 2'
  push 3 '{"do":"pid"}'
  await_done 4
  await '[ "$(logged "did not exit at the end of its standard input")" = 1 ]' 20 'one that was to be replaced to be killed'
  stays=$(handlers)
  end
  ! kill -0 "$stays" 2>"$dir/out" || fail 'a child outlives its worker'
  expect_at_rest
  reset
  ok 'at the end of their input children finish; who stays is killed'
}

# ---- the transcripts -----------------------------------------------------------------------

# replay NAME [ID]: somebody cancels ID in it.
replay() {
  local transcript=$root/broker-schema/vectors/transcripts/$1.txt state=$dir/$1.state
  printf 'handler resize { kind = lines  command = {"perl", "%s", "%s", "%s"} }\n' \
    "$root/tests/support/replay.pl" "$transcript" "$state" >"$conf"
  echo 'retry resize { policy = fixed  base = 1ms }' >>"$conf"
  touch "$state"
  perl "$root/tests/support/replay.pl" "$transcript" >"$dir/jobs"
  "$leat" push --ndjson "$dir/jobs" 2>"$dir/err"
  worker_start -p 1 --config "$conf"
  if [ -n "${2:-}" ]; then
    await 'grep -q "^cancel\|^badly" "$dir/'"$1"'.state"' 20 'the call that is cancelled'
    "$leat" job cancel "$2" >"$dir/out"
  fi
  await 'grep -q "^end\|^badly" "$dir/'"$1"'.state"' 20 'the end of the calls'
  end
  expect_eq well "$(tail -n 1 "$state")" "the worker's part in $1"
  expect_eq 0 "$(logged 'level=error\|is gone')" 'children that ended badly'
  expect_at_rest
}

transcripts() {
  replay one_at_a_time
  expect_eq '1 2048' "$(counter resized) $(counter bytes)" 'effects'
  expect_eq '2 1' "$(tally done) $(size dead)" 'jobs done, and dead'
  reset
  replay several_at_once a
  expect_eq '1 3 1' "$(counter resized) $(tally done) $(tally cancelled)" 'effects, jobs done, and cancelled'
  reset
  ok 'the transcripts, word by word'
}

redis_start
examples
several_in_flight
capped
recycled
too_large
reload_drops_nothing
stops_children
transcripts
