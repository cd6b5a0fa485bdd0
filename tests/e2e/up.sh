#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `leat up`: everything under one command, nothing left behind, and the data stays.
. "$(dirname "$0")/../support/e2e.sh"
unset LEAT_REDIS

state=$dir/state

# up_start [OPTION…]: until it has said where everything is.
up_start() {
  up_begin "$@"
  up_ready
}

up_begin() {
  : >"$dir/up.log"
  child_start up "$leat" up --state "$state" --listen 127.0.0.1:0 "$@"
  up=$child
}

up_ready() {
  await 'grep -q "or look at" "$dir/up.log" || ! child_alive "$up"' 15 'leat up to be ready'
  child_alive "$up" || fail 'leat up did not start'
  socket=$(sed -n 's/^  Redis  *unix:\/\///p' "$dir/up.log")
  await '[ "$(parts | wc -l)" = 3 ]' 10 'three processes'
}

up_stop() {
  child_stop "$up" "${1:-INT}"
}

# Pids of all that write into a log of this state directory.
parts() {
  { find /proc/[0-9]*/fd/2 -lname "$state/*.log" 2>"$dir/found" || true; } | sed 's/[^0-9]*\([0-9]*\).*/\1/'
}

# part NAME: the pid of the worker, the dashboard or redis.
part() {
  local pid
  for pid in $(parts); do
    [[ $(readlink "/proc/$pid/fd/2") != "$state/$1.log" ]] || echo "$pid"
  done
}

# The push and the look as printed, in a shell that knows nothing else.
paste_lines() {
  sed -n '/^To paste/,$ { /^  /p }' "$dir/up.log" >"$dir/pasted"
  expect_eq 3 "$(wc -l <"$dir/pasted")" 'lines to paste'
  bash -c "$(sed '$d' "$dir/pasted")" >"$dir/out"
}

counted() {
  "$leat" counter get song:1 --redis "unix://$socket"
}

works() {
  exec {inherited}>"$dir/inherited"
  up_start
  exec {inherited}>&-
  paste_lines
  await '[ "$(counted)" = 1 ]' 10 'the job to be counted'
  expect_match 'or look at http://127[.]0[.]0[.]1:[0-9]+/$' "$(tail -n 1 "$dir/pasted")" 'the last line to paste'
  expect_eq 1 "$(bash -c "$(sed 2d "$dir/pasted")")" 'the counter, by the printed line'
  expect_eq 700 "$(stat -c %a "$state")" 'mode of the state directory'
  ok 'the printed lines push a job, which is counted'
}

# A Ctrl-C at the terminal goes to a session's processes; the lock must end with Redis.
children_are_their_own() {
  local pid holders=''
  for pid in $(parts); do
    expect_eq "$pid" "$(awk '{ print $6 }' "/proc/$pid/stat")" 'session of a child'
    [ "$(readlink "/proc/$pid/fd/0")" = /dev/null ] || fail 'a child has our stdin'
    ls -l "/proc/$pid/fd" >"$dir/out"
    ! grep -q "$state/lock" "$dir/out" || holders+=$pid
    ! grep -q "$dir/inherited" "$dir/out" || fail 'a child has a descriptor of our parent'
  done
  expect_eq "$(part redis)" "$holders" 'who holds the lock'
  ok 'children have sessions of their own, and only Redis has the lock'
}

second_is_refused() {
  expect_exit 69 "$leat" up --state "$state" --listen 127.0.0.1:0
  expect_match "as pid $up: LEAT_REDIS=unix://$socket, dashboard http://127.0.0.1:" \
    "$(cat "$dir/err")" 'what the second says'
  expect_eq 3 "$(parts | wc -l)" 'processes'
  expect_eq 1 "$(counted)" 'the counter'
  ok 'a second one on the same state says where the first is, and exits 69'
}

ends_on() {
  await 'grep -q "redis up" "$state/worker.log"' 10 'the worker to work'
  up_stop "$1"
  expect_eq 0 "$status" "exit status after $1"
  expect_eq '' "$(parts)" 'processes left'
  grep -q 'msg="stopped"' "$state/worker.log" || fail 'the worker was not let to stop'
  grep -q 'bye bye' "$state/redis.log" || fail 'Redis was not let to stop'
  grep -q 'redis lost' "$state/worker.log" && fail 'Redis went before the worker'
  ok "$1 ends all three in order, exit 0"
}

data_survives_and_stale_files_do_not_matter() {
  rm -f "$socket"
  leaves_a_stale_socket
  up_start
  expect_eq 1 "$(counted)" 'the counter at the next start'
  ok 'the data is there at the next start, a stale socket or not'
}

# A socket that nobody listens on: Redis leaves one when it is killed.
leaves_a_stale_socket() {
  up_start
  child_stop "$(part redis)" KILL
  await '! child_alive "$up"' 15 'leat up to end'
  up_stop
  expect_eq 69 "$status" 'exit status when Redis dies'
  expect_match 'the redis ended \(killed by signal 9\)' "$(cat "$dir/up.log")" 'what it says'
  expect_eq '' "$(parts)" 'processes left'
  [ -S "$socket" ] || fail 'no stale socket to test with'
  ok 'when Redis dies everything ends, exit 69'
}

# Redis is killed while it writes a step, and once more later.
half_a_step_is_cut_off() {
  local step='*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$23\r\n{leat:default}:counters\r\n*4\r\n$4\r\nHSE'
  printf '%b' "$step" | tee -a "$state"/redis/appendonlydir/*.incr.aof >"$dir/out"
  up_start
  expect_match "cut the end of Redis' file; it is mended" "$(cat "$dir/up.log")" 'what it says'
  expect_eq 1 "$(counted)" 'the counter behind the crash'
  "$leat" push increment counter=other --redis "unix://$socket" >"$dir/out"
  child_stop "$(part redis)" KILL
  await '! child_alive "$up"' 15 'leat up to end'
  up_stop
  up_start
  expect_eq 1 "$(counted)" 'the counter behind the next one'
  up_stop
  ok 'a step that a crash cut in the middle is cut off'
}

killed_leaves_nothing() {
  child_stop "$up" KILL
  await '[ -z "$(parts)" ]' 10 'the children of a killed leat up to end'
  ok 'kill -9: the children end by themselves'
}

waits_for_a_redis_that_is_ending() {
  local redis
  up_start
  redis=$(part redis)
  kill -STOP "$redis"
  child_stop "$up" KILL
  await '[ "$(parts)" = "$redis" ]' 10 'the others to end'
  up_begin
  await '! child_alive "$up" || ls -l "/proc/$up/fd" | grep -q "$state/lock"' 10 'the next one to look at the lock'
  kill -CONT "$redis"
  up_ready
  expect_eq 1 "$(counted)" 'the counter after a kill'
  up_stop
  ok 'the next one waits for a Redis that is still ending'
}

# Whenever it is killed, also between a fork and what the child does first.
killed_at_any_time_leaves_nothing() {
  local round
  for ((round = 0; round < 12; round++)); do
    child_start early "$leat" up --state "$state" --listen 127.0.0.1:0
    await '[ "$((RANDOM % 4))" = 0 ]' 5 'luck'
    child_stop "$child" KILL
    await 'flock -n "$state/lock" true' 10 'the lock to be free'
    await '[ -z "$(parts)" ]' 10 'the children to end'
  done
  ok 'killed at any time of its start it leaves nothing'
}

replaces_a_worker() {
  local first second
  up_start -q default -q other
  first=$(part worker)
  kill -KILL "$first"
  await 'second=$(part worker); [ -n "$second" ] && [ "$second" != "$first" ]' 10 'another worker'
  paste_lines
  await '[ "$(counted)" = 2 ]' 10 'the new worker to count'
  expect_match 'the worker ended \(killed by signal 9\), the next one starts in' "$(cat "$dir/up.log")" 'what it says'
  ok 'a worker that dies is replaced'
}

replaces_a_dashboard() {
  local port first
  port=$(sed -n 's/^  dashboard .*:\([0-9]*\)\/$/\1/p' "$dir/up.log")
  first=$(part dashboard)
  kill -KILL "$first"
  await '[[ $(http_get "$port" /livez 2>"$dir/err") = *200* ]]' 10 'a dashboard at the same port'
  ok 'a dashboard that dies is replaced, at the same address'
}

gives_up_on_what_keeps_dying() {
  local pid
  local end=$((SECONDS + 30))
  while child_alive "$up" && [ "$SECONDS" -le "$end" ]; do
    pid=$(part worker)
    [ -z "$pid" ] || kill -KILL $pid 2>"$dir/err" || true
    sleep 0.02
  done
  up_stop TERM
  expect_eq 137 "$status" 'exit status of leat up'
  expect_eq '' "$(parts)" 'processes left'
  expect_match 'the worker ended \(killed by signal 9\): .*worker.log' "$(tail -n 1 "$dir/up.log")" 'what it says'
  ok 'a worker that keeps dying ends everything, with its status'
}

says_what_the_worker_refused() {
  expect_exit 64 "$leat" up --state "$state" --listen 127.0.0.1:0 --allow-net nonsense
  expect_match '--allow-net' "$(cat "$dir/err")" 'what it says'
  expect_exit 64 "$leat" up --state "$state" -q 'no queue'
  expect_eq '' "$(parts)" 'processes left'
  ok "options that the worker refuses end it, with the worker's words"
}

# The first one lets the worker finish, the second one does not.
two_signals_give_back() {
  up_start --allow-net 127.0.0.0/8
  "$leat" push refresh "url=$origin/slow?ms=50000" timeout_ms:=60000 \
    --redis "unix://$socket" >"$dir/out"
  await '[ "$(redis_cli hlen "{leat:default}:slot")" = 1 ]' 10 'the refresh to run'
  kill -INT "$up"
  await 'grep -q "msg=.stopping" "$state/worker.log"' 10 'the worker to be asked'
  # One that dies before its turn is no second signal; the pings give a wrong one its time.
  kill -KILL "$(part dashboard)"
  await '[ "$(parts | wc -l)" = 2 ]' 10 'the dashboard to be gone'
  for _ in {1..20}; do redis_cli ping >"$dir/out"; done
  [ -n "$(part worker)" ] || fail 'leat up did not wait for what runs'
  up_stop
  expect_eq 0 "$status" 'exit status'
  expect_eq '' "$(parts)" 'processes left'
  up_start
  await '[ "$(redis_cli hget "{leat:default}:m" back)" = 1 ]' 10 'the job that was given back'
  expect_eq '' "$(redis_cli hget '{leat:default}:m' recovered)" 'jobs that cost a delivery'
  redis_cli flushall >"$dir/out"
  up_stop
  ok 'a second signal gives back what runs, and it is there at the next start'
}

port_taken() {
  expect_exit 78 "$leat" up --state "$state" --listen "127.0.0.1:$origin_port"
  expect_match "127.0.0.1:$origin_port is in use.*--listen" "$(cat "$dir/err")" 'what it says'
  expect_eq '' "$(parts)" 'processes left'
  ok 'a port that is taken is named, with --listen, and everything ends'
}

long_path() {
  local short=$state long
  printf -v long '%0120d' 0
  state="$dir/a path/$long"
  up_start
  [ "${#socket}" -le 107 ] || fail "the socket's path is too long: $socket"
  paste_lines
  await '[ "$(counted)" = 1 ]' 10 'the job to be counted'
  up_stop
  up_start
  expect_eq 1 "$(counted)" 'the counter at the next start'
  up_stop
  rmdir "${socket%/*}"
  state=$short
  ok 'a state directory with a long path has its socket elsewhere'
}

bad_state() {
  : >"$dir/file"
  mkdir -m 755 "$dir/open"
  expect_exit 78 "$leat" up --state "$dir/file/state"
  expect_match "$dir/file/state: Not a directory.*--state" "$(cat "$dir/err")" 'below a file'
  expect_exit 78 "$leat" up --state "$dir/open"
  expect_match 'open to other users; chmod 700' "$(cat "$dir/err")" 'a directory for all'
  expect_exit 78 "$leat" up --state /proc/leat
  expect_match 'cannot make the state directory /proc/leat' "$(cat "$dir/err")" 'nowhere to write'
  expect_exit 64 env -u HOME -u XDG_STATE_HOME "$leat" up
  expect_match '--state DIR' "$(cat "$dir/err")" 'no directory at all'
  ln -s "$leat" "$dir/leat"
  expect_exit 69 env "PATH=$dir" "$leat" up --state "$state"
  expect_match 'apt-get install redis-tools' "$(cat "$dir/err")" 'no Redis'
  ok 'a state directory that cannot be used, and a missing Redis, are named'
}

works
children_are_their_own
second_is_refused
ends_on INT
data_survives_and_stale_files_do_not_matter
killed_leaves_nothing
waits_for_a_redis_that_is_ending
half_a_step_is_cut_off
killed_at_any_time_leaves_nothing
up_start
ends_on TERM
replaces_a_worker
replaces_a_dashboard
gives_up_on_what_keeps_dying
says_what_the_worker_refused
origin_start
port_taken
two_signals_give_back
long_path
bad_state
