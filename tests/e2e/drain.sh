#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `leat worker --drain`: what it waits for, what it leaves and says, and how it exits.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

drain() {
  expect_exit "$1" "$leat" worker --drain "${@:2}"
}

count() {
  "$leat" push increment counter=n "$@" >"$dir/pushed"
}

counted() {
  redis_cli hget "$(key counters)" n
}

waits_for_the_leases_of_others() {
  origin_start
  worker_start --allow-net 127.0.0.0/8
  "$leat" push refresh "url=$origin/slow?ms=2000" >"$dir/pushed"
  await '[ "$(size slot)" = 1 ]' 10 'the refresh to run'
  drain 0
  expect_at_rest
  expect_ended 1
  worker_stop
  ok 'a drain waits for what others have leased'
}

waits_for_what_is_due_soon() {
  count --in 2s
  drain 0
  expect_eq 1 "$(counted)" 'jobs counted'
  ok 'a drain waits for what is due within five seconds'
}

leaves_what_is_due_later() {
  count --in 1h
  redis_cli lpush "$(key queue)" 'no job' >"$dir/pushed"
  drain 0
  expect_match '1 scheduled remain, the next in (1h|59m|60m)' "$(cat "$dir/out")" 'what it says'
  expect_match '1 in quarantine' "$(cat "$dir/out")" 'what it says'
  expect_eq 1 "$(size sched)" 'jobs scheduled'
  redis_cli del "$(key sched)" "$(key bad)" >"$dir/out"
  ok 'it leaves what is due later, and says so'
}

waits_for_all_when_told() {
  count --in 7s
  expect_exit 0 "$leat" worker --drain=all
  expect_eq 2 "$(counted)" 'jobs counted'
  expect_at_rest
  ok '--drain=all waits for everything scheduled'
}

serves_a_queue_once() {
  redis_cli lpush "$(key queue)" 'no job' >"$dir/pushed"
  expect_exit 0 "$leat" worker --drain -q default -q default
  expect_eq 1 "$(grep -c 'in quarantine' "$dir/out")" 'lines about the queue'
  redis_cli del "$(key bad)" >"$dir/out"
  ok 'a queue that is named twice is served once'
}

refuses_a_paused_queue() {
  redis_cli hset "$(key m)" paused 1 >"$dir/out"
  count
  drain 75
  expect_match 'paused' "$(cat "$dir/err")" 'what it says'
  expect_eq 1 "$(size queue)" 'jobs waiting'
  redis_cli hdel "$(key m)" paused >"$dir/out"
  drain 0
  expect_eq 3 "$(counted)" 'jobs counted'
  ok 'a paused queue with jobs is exit 75, and nothing is taken'
}

gives_up_without_redis() {
  drain 69 --redis "unix://$dir/nobody.sock"
  expect_match 'cannot reach Redis at unix:.*nobody.sock' "$(cat "$dir/err")" 'what it says'
  ok 'no Redis at the start is exit 69'
}

redis_start
waits_for_the_leases_of_others
waits_for_what_is_due_soon
leaves_what_is_due_later
waits_for_all_when_told
serves_a_queue_once
refuses_a_paused_queue
gives_up_without_redis
