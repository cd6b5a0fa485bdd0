#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How a worker ends: asked to (TERM, INT), asked twice, or killed.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

# refresh PATH: push one, and wait until the origin has been asked for it.
refresh() {
  "$leat" push refresh "url=$origin$1" timeout_ms:=60000 --track >"$dir/pushed"
}

# worker_with_slow_job PATH [OPTION…]
worker_with_slow_job() {
  redis_cli flushall >"$dir/out"
  worker_start --allow-net 127.0.0.0/8 --lease 2s "${@:2}"
  asked=$(origin_asked "$1")
  refresh "$1"
  await '[ "$(origin_asked "$path")" -gt "$asked" ]' 10 'the origin to be asked'
}

finishes_what_runs() {
  path='/slow?ms=1500'
  worker_with_slow_job "$path"
  worker_stop "$1"
  expect_eq 0 "$status" 'exit status'
  expect_at_rest
  expect_ended 1
  ok "$1: what runs is finished"
}

gives_back_when_asked_twice() {
  path='/slow?ms=50000'
  worker_with_slow_job "$path"
  kill -s "$1" "$worker"
  await 'grep -q "msg=.stopping. running=1" "$(worker_log)"' 5 'the worker to stop'
  child_alive "$worker" || fail 'the worker did not wait for its job'
  worker_stop "$1"
  expect_eq 0 "$status" 'exit status'
  expect_empty lease body queue dead bad
  expect_match '^R1 [^ ]+ 0 0 ' "$(redis_cli lindex "$(key h)" 0)" 'the job given back'
  expect_match '"state":"queued"' "$("$leat" job get "$(cat "$dir/pushed")")" 'its record'
  ok "$1 twice: what runs goes back, without a delivery or a failure"
}

stops_at_once_when_idle() {
  local began
  redis_cli flushall >"$dir/out"
  worker_start -p 2
  await_idle 2
  began=${EPOCHREALTIME/./}
  worker_stop
  expect_eq 0 "$status" 'exit status'
  [ $((${EPOCHREALTIME/./} - began)) -lt 4000000 ] || fail 'an idle worker took four seconds to stop'
  ok 'an idle worker stops at once'
}

# Each round, jobs arrive while the worker is asked to end, once or twice. Nothing is lost,
# and nothing pays for it with a delivery.
races_with_pushes() {
  local round
  redis_cli flushall >"$dir/out"
  for ((round = 0; round < 16; round++)); do
    worker_start --allow-net 127.0.0.0/8
    await 'grep -q "redis up" "$(worker_log)"' 10 'the worker to start'
    printf '{"type":"increment","args":{"counter":"n"}}\n%.0s' {1..50} >"$dir/jobs"
    echo "{\"type\":\"refresh\",\"args\":{\"url\":\"$origin/slow?ms=$((300 + round))\"}}" >>"$dir/jobs"
    child_start push "$leat" push --ndjson "$dir/jobs"
    [ $((round % 4)) != 0 ] || await '[ "$(origin_asked "/slow?ms=$((300 + round))")" = 1 ]' 20 'the refresh to run'
    [ $((round % 2)) = 0 ] || kill -TERM "$worker"
    worker_stop
    expect_eq 0 "$status" 'exit status of the worker'
    await '! child_alive "$child"' 10 'the push to be acknowledged'
    child_stop "$child"
    expect_eq 0 "$status" 'exit status of push'
    expect_empty lease body
  done
  expect_exit 0 "$leat" worker --drain --allow-net 127.0.0.0/8
  expect_eq 800 "$(redis_cli hget "$(key counters)" n)" 'jobs counted'
  expect_at_rest
  expect_ended 816
  expect_eq 0 "$(tally recovered)" 'jobs that cost a delivery'
  ok 'a push that races with a stop is neither lost nor made to pay'
}

others_recover_what_was_killed() {
  local began took_ms victim
  path='/never'
  worker_with_slow_job "$path" -p 0
  victim=$worker
  worker_start -p 0 --allow-net 127.0.0.0/8 --lease 2s
  await_idle 2
  asked=$(origin_asked "$path")
  began=${EPOCHREALTIME/./}
  child_stop "$victim" KILL
  await '[ "$(origin_asked "$path")" -gt "$asked" ]' 10 'the other worker to run the job'
  took_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
  [ "$took_ms" -lt 10000 ] || fail "recovered only after $took_ms ms"
  expect_match 'R1 [^ ]+ 1 0 ' "$(redis_cli hvals "$(key body)")" 'the job, delivered again'
  worker_stop KILL
  ok "KILL: another worker runs the job again, $took_ms ms later (lease 2000)"
}

# With nothing to finish there is nobody to wait for.
stops_without_redis() {
  worker_start -p 2
  await_idle 2
  redis_kill9
  await 'grep -q "redis lost" "$(worker_log)"' 10 'the worker to notice'
  worker_stop
  expect_eq 0 "$status" 'exit status without Redis'
  redis_start
  ok 'TERM: a worker without Redis and without work ends within seconds'
}

redis_start
origin_start
finishes_what_runs TERM
finishes_what_runs INT
gives_back_when_asked_twice TERM
gives_back_when_asked_twice INT
stops_at_once_when_idle
races_with_pushes
others_recover_what_was_killed
stops_without_redis
