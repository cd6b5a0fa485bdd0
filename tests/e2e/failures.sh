#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Rows of docs/failure-modes.md that no other test shows: what each setting of Redis keeps when
# it is killed, a replica that takes over, paused clients, a job longer than its lease, a clock
# that jumps.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

count() { # N: so many increments of n
  awk -v n="$1" 'BEGIN { while (n--) print "{\"type\":\"increment\",\"args\":{\"counter\":\"n\"}}" }' |
    "$leat" push --ndjson 2>"$dir/err"
}

counted() {
  local value
  value=$(redis_cli hget "$(key counters)" n)
  echo "${value:-0}"
}

fresh_redis() { # ARG…: another one, with nothing in it
  redis_stop
  rm -rf "$dir/redis"
  redis_start "$@"
}

drain() {
  expect_exit 0 "$leat" worker --drain --allow-net 127.0.0.0/8
}

# Whatever went back went together: each job that is done was counted, once.
expect_whole() {
  expect_eq "$(counted)" "$(tally done)" 'jobs done, of those counted'
  expect_at_rest
}

a_job_outlives_its_lease() {
  worker_start --allow-net 127.0.0.0/8 --lease 2s
  "$leat" push refresh "url=$origin/slow?ms=3500" timeout_ms:=60000 >"$dir/out"
  await '[ "$(tally done)" = 1 ]' 30 'the slow job to end'
  worker_stop
  expect_eq 1 "$(origin_asked '/slow?ms=3500')" 'fetches'
  expect_eq 0 "$(tally recovered)" 'jobs taken back'
  expect_at_rest
  ok 'a job of 3.5 s under a lease of 2 s runs once'
}

# Its log shows that the clock jumps; nothing else does. What waits when it starts is judged at
# once: one job expires in an hour, another did an hour ago.
a_wrong_clock_harms_nobody() {
  redis_cli flushall >"$dir/out"
  local now
  now=$(date +%s%3N)
  redis_cli lpush "$(key queue)" "{\"type\":\"increment\",\"args\":{\"counter\":\"n\"},\"expires_at_ms\":$((now + 3600000))}" \
    "{\"type\":\"increment\",\"args\":{\"counter\":\"n\"},\"expires_at_ms\":$((now - 3600000))}" >"$dir/out"
  count 1000
  child_start clockless env "LD_PRELOAD=$LEAT_BIN/libjumping_clock.so" \
    ASAN_OPTIONS=verify_asan_link_order=0 "$leat" worker --allow-net 127.0.0.0/8 --lease 2s
  "$leat" push --in 1s increment counter=later >"$dir/out"
  "$leat" push refresh "url=$origin/slow?ms=3100" >"$dir/out"
  await '[ "$(tally done):$(tally expired)" = 1003:1 ]' 30 'all jobs to end'
  "$leat" push refresh "url=$origin/slow?ms=3100" >"$dir/out"
  await '[ "$(tally fresh)" = 1 ]' 30 'the copy to be found fresh'
  child_stop "$child"
  expect_eq 1001 "$(counted)" 'jobs counted'
  expect_eq 0 "$(tally recovered)" 'jobs taken back'
  ! grep -q "^ts=$(date -u +%F)" "$dir/clockless.log" || fail 'its clock was right'
  ok 'a worker whose clock jumps by two days every second: nothing early, late, doubled or expired'
}

always_keeps_all() {
  fresh_redis --appendfsync always
  count 500
  drain
  count 500
  redis_kill9
  redis_start --appendfsync always
  expect_eq 500 "$(counted)" 'jobs counted before the kill'
  drain
  expect_eq 1000 "$(counted)" 'jobs counted'
  expect_whole
  ok 'appendfsync always: all that was acknowledged is there'
}

# A step of two, of which half reached the file: it must never be half done, whatever comes behind.
a_step_cut_in_the_middle_is_none() {
  local step='*1\r\n$5\r\nMULTI\r\n*3\r\n$4\r\nRPOP\r\n$12\r\nleat:default\r\n$1\r\n5\r\n*4\r\n$4\r\nHSE'
  fresh_redis --appendfsync always
  count 100
  redis_kill9
  printf '%b' "$step" | tee -a "$dir"/redis/appendonlydir/*.incr.aof >"$dir/out"
  redis_start --appendfsync always
  expect_eq 100 "$(size queue)" 'jobs behind the crash'
  count 100
  redis_kill9
  redis_start --appendfsync always
  expect_eq 200 "$(size queue)" 'jobs behind the next one'
  drain
  expect_eq 200 "$(counted)" 'jobs counted'
  expect_whole
  ok 'a step that a crash cut in the middle is cut off, not half done later'
}

# Pushes go on while it is killed; what they had acknowledged two seconds before must be there.
everysec_keeps_what_is_older() {
  local began=${EPOCHREALTIME/./} older=0 acknowledged=0 now
  fresh_redis --appendfsync everysec
  while count 50; do
    acknowledged=$((acknowledged + 50))
    now=$((${EPOCHREALTIME/./} - began))
    [ "$now" -gt 1000000 ] || older=$acknowledged
    [ "$now" -le 3500000 ] || break
  done
  redis_kill9
  redis_start --appendfsync everysec
  [ "$(size queue)" -ge "$older" ] || fail "$older were acknowledged 2.5 s before, $(size queue) are there"
  [ "$(size queue)" -le "$acknowledged" ] || fail 'there is more than was pushed'
  ok "appendfsync everysec: $acknowledged pushed, $older of them older than two seconds, $(size queue) kept"
}

without_an_aof_all_goes_back_together() {
  fresh_redis --appendonly no
  count 300
  drain
  count 200
  redis_cli save >"$dir/out"
  drain
  count 100
  drain
  expect_eq 600 "$(counted)" 'jobs counted before the kill'
  redis_kill9
  redis_start --appendonly no
  expect_eq 300 "$(counted)" 'jobs counted in the snapshot'
  drain
  expect_eq 500 "$(counted)" 'jobs counted, of those in the snapshot'
  expect_whole
  ok 'no AOF: the history after the snapshot is gone, jobs and counts together'
}

# The address is a link in the file system; the failover turns it.
a_replica_takes_over() {
  local master=$socket
  fresh_redis --repl-diskless-sync-delay 0
  redis_port_open
  mkdir -p "$dir/replica"
  child_start replica "$dir/tools/redis-server" --port 0 --unixsocket "$dir/replica.sock" --dir "$dir/replica" \
    --save '' --maxmemory-policy noeviction --replicaof 127.0.0.1 "$redis_port"
  await 'redis-cli -s "$dir/replica.sock" info replication 2>&1 | grep -q master_link_status:up' 20 'the replica to follow'
  ln -s "$master" "$dir/address"
  export LEAT_REDIS=unix://$dir/address
  worker_start
  count 100
  await '[ "$(tally done)" = 100 ]' 20 'the first hundred to be done'
  expect_eq 1 "$(replicas_that_have_all)" 'replicas that followed'
  redis-cli -s "$dir/replica.sock" replicaof 127.0.0.1 1 >"$dir/out" # hears no more
  count 50
  await '[ "$(tally done)" = 150 ]' 20 'fifty more to be done'
  redis_kill9
  redis-cli -s "$dir/replica.sock" replicaof no one >"$dir/out"
  ln -sfn "$dir/replica.sock" "$dir/address"
  socket=$dir/replica.sock
  count 20
  await '[ "$(tally done)" = 120 ]' 30 'the worker to go on with the replica'
  worker_stop
  expect_whole
  socket=$master
  export LEAT_REDIS=unix://$socket
  ok 'a replica takes over: what it had not received is gone, jobs and counts together'
}

a_pause_of_all_clients() {
  rm -rf "$dir/redis"
  redis_start
  worker_start --lease 2s --allow-net 127.0.0.0/8
  first=$worker
  worker_start --lease 2s --allow-net 127.0.0.0/8
  "$leat" push refresh "url=$origin/slow?ms=1000" >"$dir/out"
  await '[ "$(origin_asked "/slow?ms=1000")" = 1 ]' 20 'the fetch to begin'
  redis_cli client pause 6500 all >"$dir/out"
  until count 2000; do :; done # who is not even greeted has pushed nothing
  await '[ "$(tally done)" = 2001 ]' 60 'all jobs to be done'
  worker_stop
  child_stop "$first"
  expect_eq 2000 "$(counted)" 'jobs counted'
  expect_at_rest
  ok 'CLIENT PAUSE for longer than the lease and the patience: every count exact'
}

redis_start
origin_start
a_job_outlives_its_lease
a_wrong_clock_harms_nobody
always_keeps_all
a_step_cut_in_the_middle_is_none
everysec_keeps_what_is_older
without_an_aof_all_goes_back_together
a_replica_takes_over
a_pause_of_all_clients
