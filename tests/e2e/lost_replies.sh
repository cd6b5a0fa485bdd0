#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A faulty wire between a worker, or a push, and Redis: cut after so many bytes or commands in
# either direction, silent, or delivering late what was sent before a cut; and a Redis that
# answers with errors for a while. After each of them every count is exact.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

jobs=300
wire=$dir/proxy.sock
RANDOM=1 # the same cuts in every run
pushed=0   # jobs pushed so far; each counts a, b or c in turn

# ---- runs over the wire ----------------------------------------------------------------------

push_jobs() {
  "$leat" push --lines increment --arg counter "$@" "$dir/jobs"
  pushed=$((pushed + jobs))
}

proxy_start() {
  child_start proxy "$LEAT_BIN/leat-proxy" --listen "$wire" --to "$socket" "$@"
  proxy=$child
  await 'grep -q "^listening" "$dir/proxy.log"' 10 'the proxy to listen'
}

proxy_stop() {
  child_stop "$proxy"
  cat "$dir/proxy.log" >>"$dir/faults"
  rm "$dir/proxy.log"
}

expect_counted() {
  local name
  for name in a b c; do
    expect_eq $((pushed / 3)) "$(redis_cli hget "$(key counters)" "$name")" "counter $name, $1"
  done
  expect_at_rest
  expect_ended "$pushed"
}

# drain_over ARG…: jobs are pushed past the wire and worked off over it.
drain_over() {
  redis_cli script flush >"$dir/out"
  push_jobs >"$dir/out" 2>&1
  proxy_start "$@"
  expect_exit 0 "$leat" worker -p 0 --drain --redis "unix://$wire"
  proxy_stop
  expect_counted "$*"
}

# push_over ARG…: jobs are pushed over the wire and worked off past it.
push_over() {
  redis_cli script flush >"$dir/out"
  proxy_start "$@"
  expect_exit 0 push_jobs --redis "unix://$wire"
  proxy_stop
  expect_exit 0 "$leat" worker --drain
  expect_counted "push $*"
}

# ---- faults of the wire ----------------------------------------------------------------------

# 64 runs in each direction, cut up to three times each: at command boundaries, and anywhere, mostly early.
cuts() {
  local way=$1 i cut
  : >"$dir/faults"
  for ((i = 0; i < 12; i++)); do drain_over --direction "$way" --unit chunks --after "$i" --times 3; done
  for ((i = 0; i < 26; i++)); do drain_over --direction "$way" --after $((RANDOM % 1500)) --times 3; done
  for ((i = 0; i < 16; i++)); do drain_over --direction "$way" --after $((RANDOM % 12000)) --times 2; done
  for ((i = 0; i < 4; i++)); do push_over --direction "$way" --unit chunks --after "$i"; done
  for ((i = 0; i < 6; i++)); do push_over --direction "$way" --after $((RANDOM % 6000)); done
  cut=$(grep -c '^close' "$dir/faults")
  [ "$cut" -ge 100 ] || fail "only $cut connections were cut"
  ok "64 runs with $cut connections cut on the way $way: every count exact"
}

# What stood in the old connection must not run behind the RELEASE of the same lease.
late_commands() {
  local i
  for ((i = 0; i < 8; i++)); do
    drain_over --direction to-server --unit chunks --after "$i" --fault late --times 2
  done
  expect_eq 0 "$(tally recovered)" 'jobs recovered from orphaned leases'
  ! grep 'late: sent' "$dir/faults" || fail 'a command from before a cut reached Redis'
  ok 'commands that arrive after their connection was given up are refused'
}

black_holes() {
  local began=$SECONDS
  drain_over --direction to-server --unit chunks --after 2 --fault hole
  [ $((SECONDS - began)) -ge 4 ] || fail 'the hole was not noticed'
  drain_over --direction to-client --unit chunks --after 1 --fault hole
  ok 'a connection that fell silent is noticed and replaced'
}

# A connection beside the worker's own may fail at any time, also while it greets.
second_connection_cut() {
  drain_over --word leat-listener --direction to-server
  ok 'the loss of a second connection at its greeting ends no worker'
}

# ---- a Redis that refuses --------------------------------------------------------------------

# refused NAME BEGIN END SIGN: a worker and a push live through it. SIGN: it was felt.
refused() {
  worker_start --lease 2s --log-level debug
  await 'grep -q "redis up" "$(worker_log)"' 10 'the worker to start'
  eval "$2" >"$dir/out"
  child_start "push-$1" "$leat" push --lines increment --arg counter "$dir/jobs"
  pushed=$((pushed + jobs))
  await "$4" 15 "$1 to be felt"
  child_alive "$child" || fail "push did not wait for $1 to end"
  eval "$3" >"$dir/out"
  await '! child_alive "$child"' 20 'the push to be acknowledged'
  child_stop "$child"
  expect_eq 0 "$status" "exit status of push under $1"
  await '[ $(($(tally done) + $(tally merged))) = "$pushed" ]' 20 'all jobs to be done'
  worker_stop
  expect_eq 0 "$status" "exit status of the worker under $1"
  expect_counted "$1"
  ok "$1 for a while: the worker and the push wait, nothing is lost"
}

logged() {
  grep -q "$1" "$(worker_log)"
}

snapshot_fails() {
  mkdir "$dir/redis/dump.rdb"
  redis_cli config set save '3600 1'
  redis_cli bgsave
  await 'redis_cli info persistence | grep -q last_bgsave_status:err' 10 'the snapshot to fail'
}

snapshot_works() {
  rmdir "$dir/redis/dump.rdb"
  redis_cli bgsave
  await 'redis_cli info persistence | grep -q last_bgsave_status:ok' 10 'a snapshot'
  redis_cli config set save ''
}

# Many small commands, each slow to load, and no rewriting of them.
slow_to_load() {
  redis_cli config set auto-aof-rewrite-percentage 0 >"$dir/out"
  redis_cli bgrewriteaof >"$dir/out"
  await 'redis_cli info persistence | grep -q aof_rewrite_in_progress:0' 10 'the rewriting'
  redis_cli -r 4000 incr filler >"$dir/out"
  redis_kill9
}

loading() {
  worker_start --lease 2s
  await 'grep -q "redis up" "$(worker_log)"' 10 'the worker to start'
  push_jobs >"$dir/out" 2>&1
  slow_to_load
  redis_start --key-load-delay 500
  await '[ "$(tally done)" = "$pushed" ]' 20 'all jobs to be done'
  worker_stop
  expect_eq 0 "$status" 'exit status of the worker'
  redis_cli del filler >"$dir/out"
  expect_counted 'after LOADING'
  ok 'LOADING for a while: the worker comes back, nothing is lost'
}

redis_start
for ((i = 0; i < jobs; i += 3)); do printf 'a\nb\nc\n'; done >"$dir/jobs"
second_connection_cut
cuts to-server
cuts to-client
late_commands
black_holes
refused READONLY 'redis_cli replicaof 127.0.0.1 1' 'redis_cli replicaof no one' 'logged READONLY'
refused MISCONF snapshot_fails snapshot_works 'logged MISCONF'
refused OOM 'redis_cli config set maxmemory 1' 'redis_cli config set maxmemory 0' '[ "$(redis_cli info errorstats | grep -c "OOM")" != 0 ]'
loading
