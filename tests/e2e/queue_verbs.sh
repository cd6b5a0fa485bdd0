#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `leat queue pause`, `resume` and `purge`, with a worker at the other end.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

count() {
  "$leat" push increment counter=n "$@" >"$dir/pushed"
}

counted() {
  redis_cli hget "$(key counters)" n
}

pauses() {
  worker_start --log-level debug
  count
  await '[ "$(counted)" = 1 ]' 10 'the job to be counted'
  expect_exit 0 "$leat" queue pause default
  expect_match 'default is paused' "$(cat "$dir/err")" 'what it says'
  count
  # The worker looked, and was told to wait.
  await '[ "$(size h)" = 1 ]' 10 'the bell to ring'
  expect_eq 1 "$(counted)" 'jobs counted while paused'
  expect_exit 0 "$leat" queue get default
  expect_match 'paused' "$(cat "$dir/out")" 'the queue'
  ok 'a paused queue hands out nothing, and says so'
}

# The newest word to the workers, and the newest lease: when they were, as Redis and the worker have
# it. How long a command or a look of this test takes does not count.
told_ms() { redis_cli --raw xrevrange "$(key ctl)" + - count 1 | sed -n '1s/-.*//p'; }
leased_ms() { date -d "$(sed -n 's/^ts=\([^ ]*\) .*msg="leased".*/\1/p' "$(worker_log)" | tail -n 1)" +%s%3N; }

# Without the message a worker looks once a second, half a second late in the median.
resumes_at_once() {
  local round took_ms=()
  for round in {1..7}; do
    "$leat" queue pause default 2>"$dir/err"
    count
    await '[ "$(size h)" = 1 ]' 10 'the bell to ring'
    expect_exit 0 "$leat" queue resume default
    await '[ "$(counted)" = $((round + 2)) ]' 10 'the job to be counted'
    took_ms+=($(($(leased_ms) - $(told_ms))))
  done
  mapfile -t took_ms < <(printf '%s\n' "${took_ms[@]}" | sort -n)
  [ "${took_ms[3]}" -lt 400 ] || fail "resumed only after ${took_ms[*]} ms"
  expect_exit 0 "$leat" queue resume default
  expect_match 'was not paused' "$(cat "$dir/err")" 'a second resume'
  ok "idle workers wake when a queue is resumed, ${took_ms[3]} ms later in the median"
}

purges() {
  worker_stop
  redis_cli flushall >"$dir/out"
  expect_exit 0 "$leat" queue purge default
  seq 1200 | "$leat" push --lines increment --arg counter >"$dir/pushed"
  redis_cli lpush "$(key high)" one two >"$dir/out"
  count --in 1h
  expect_exit 64 "$leat" queue purge default
  expect_match 'would remove 1202 jobs that wait; say --yes' "$(cat "$dir/err")" 'the question'
  expect_eq 1200 "$(size queue)" 'jobs before'
  expect_exit 0 "$leat" queue purge default --yes
  expect_match 'removed 1202 jobs' "$(cat "$dir/err")" 'what it says'
  expect_empty queue high h s
  expect_eq 1 "$(size sched)" 'jobs scheduled'
  expect_eq 1202 "$(tally purged)" 'jobs purged'
  ok 'a purge asks, deletes what waits, and counts it'
}

refuses() {
  expect_exit 64 "$leat" queue pause 'no name'
  expect_exit 64 "$leat" queue purge
  redis_cli set "$(key m)" foreign >"$dir/out"
  expect_exit 78 "$leat" queue pause default
  redis_cli del "$(key m)" >"$dir/out"
  ok 'a bad name and a foreign key are refused'
}

redis_start
pauses
expect_exit 0 "$leat" queue resume default
await '[ "$(counted)" = 2 ]' 10 'the job to be counted'
resumes_at_once
purges
refuses
