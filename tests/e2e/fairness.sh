#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What has to wait must not make others wait with it: a backlog, a paused queue, a suspect,
# slow jobs without a slot.
. "$(dirname "$0")/../support/e2e.sh"

counted() { redis_cli hget "{leat:$1}:counters" n; }

# suspect QUEUE: an increment that two workers seem to have died of.
suspect() {
  printf 'R1 x.1 2 0 t=1\n{"type":"increment","args":{"counter":"n"}}' |
    redis_cli -x lpush "{leat:$1}:s" >"$dir/out"
}

# A long backlog of one queue takes all that a worker may hold; another queue gets its share
# nevertheless.
a_backlog_starves_no_other_queue() {
  local left backlog=200000
  printf '{"type":"increment","args":{"counter":"n"}}\n%.0s' $(seq "$backlog") >"$dir/backlog"
  head -n 20 "$dir/backlog" >"$dir/few"
  "$leat" push --ndjson -q long "$dir/backlog" 2>"$dir/err"
  worker_start -p 0 -q long -q short --log-level debug
  await '[ -n "$(counted long)" ]' 10 'the backlog to be begun'
  kill -STOP "$worker" # a push takes its time
  [ "$(redis_cli llen leat:long)" -gt 0 ] || fail 'there is no backlog any more'
  "$leat" push --ndjson -q short "$dir/few" 2>"$dir/err"
  kill -CONT "$worker"
  await '[ "$(counted short)" = 20 ]' 60 'the short queue to be served'
  await '[ "$(counted long)" = $backlog ]' 60 'the backlog to be done'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  left=$(awk '/msg="leased" queue=short/ { left = 0 } /msg="leased" queue=long/ { left++ } END { print left }' "$(worker_log)")
  [ "$left" -gt 0 ] || fail 'the short queue was served last'
  ok "a queue with a backlog ($left leases left) does not starve another"
}

# A suspect keeps ordinary jobs waiting until the worker is empty. Not so one that may not run.
suspects_of_a_paused_queue_hold_up_nobody() {
  local round seen
  redis_cli flushall >"$dir/out"
  redis_cli hset '{leat:a}:m' paused 1 >"$dir/out"
  suspect a
  worker_start -q a -q b
  for ((round = 1; round <= 5; round++)); do
    seen=$(redis_cli hget '{leat:a}:m' seen)
    "$leat" push increment -q b counter=n >"$dir/out"
    await '[ "$(counted b)" = "$round" ]' 2 'the job to be counted'
    await '[ "$(redis_cli hget "{leat:a}:m" seen)" != "$seen" ]' 5 'the next look at suspects'
  done
  expect_eq 1 "$(redis_cli llen '{leat:a}:s')" 'suspects of the paused queue'
  redis_cli hdel '{leat:a}:m' paused >"$dir/out"
  await '[ "$(counted a)" = 1 ]' 10 'the suspect to run after all'
  worker_stop
  ok 'suspects of a paused queue hold up nobody, and run when it is resumed'
}

# A worker with a long job waits to be empty; meanwhile somebody else takes the suspect.
a_suspect_that_others_took_is_waited_for_no_more() {
  redis_cli flushall >"$dir/out"
  "$leat" push refresh "url=$origin/never" timeout_ms:=60000 >"$dir/out"
  worker_start -p 0 --allow-net 127.0.0.0/8 --lease 60s
  await '[ "$(redis_cli hlen "{leat:default}:slot")" = 1 ]' 10 'the refresh to run'
  suspect default
  # It leaves the suspect to others for ten to twenty seconds, then lets its bells run out.
  await '[ "$(blocked_bells)" = 0 ]' 35 'the worker to take nothing more'
  redis_cli del '{leat:default}:s' >"$dir/out"
  await '[ "$(blocked_bells)" = 2 ]' 5 'the worker to listen again'
  worker_stop KILL
  ok 'a worker that waited for a suspect goes on when another one took it'
}

# However quickly the slots change hands.
instant_jobs_pass_slow_ones() {
  local i
  redis_cli flushall >"$dir/out"
  for ((i = 0; i < 200; i++)); do
    echo "{\"type\":\"refresh\",\"args\":{\"url\":\"$origin/slow?ms=100&n=$i\"}}"
  done >"$dir/slow"
  echo '{"type":"increment","args":{"counter":"n"}}' >>"$dir/slow"
  "$leat" push --ndjson "$dir/slow" 2>"$dir/err"
  worker_start -p 0 -c 2 --allow-net 127.0.0.0/8
  await '[ "$(counted default)" = 1 ]' 30 'the instant job to be counted'
  [ "$(redis_cli hget '{leat:default}:m' done)" -lt 190 ] || fail 'the instant job came last'
  worker_stop KILL
  ok 'an instant job does not wait for the slow ones in front of it'
}

redis_start
origin_start
a_backlog_starves_no_other_queue
suspects_of_a_paused_queue_hold_up_nobody
a_suspect_that_others_took_is_waited_for_no_more
instant_jobs_pass_slow_ones
