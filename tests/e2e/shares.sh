#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Which queue's jobs are taken when several have some: by weight, or in strict order. What Redis
# was told, in its order, shows it, however slow the machine is.
. "$(dirname "$0")/../support/e2e.sh"

backlog=40000

# fill QUEUE COUNT
fill() {
  printf '{"type":"increment","args":{"counter":"n"}}\n%.0s' $(seq "$2") >"$dir/jobs"
  "$leat" push --ndjson -q "$1" "$dir/jobs" 2>"$dir/err"
}

counted() { redis_cli hget "{leat:$1}:counters" n; }

# watched ARG…: run a worker until both queues are done, all that Redis is told in $dir/monitor.log.
watched() {
  local want_b=$1
  shift
  : >"$dir/monitor.log"
  child_start monitor redis-cli -s "$socket" monitor
  local monitor=$child
  await 'grep -q ^OK "$dir/monitor.log"' 10 'Redis to be watched'
  worker_start -p 0 "$@" # each process has shares of its own
  await '[ "$(counted a)" = $backlog ] && [ "$(counted b)" = '"$want_b"' ]' 60 'the jobs to be counted'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  child_stop "$monitor"
}

# How many of b's were counted when the last of a's was.
b_when_a_was_done() {
  awk -v all="$backlog" '
    /"(HINCRBY|hincrby)" "{leat:[ab]}:counters"/ {
      gsub(/"/, "", $NF)
      if (/{leat:a}/) a += $NF; else b += $NF
      if (a >= all) { print b + 0; exit }
    }' "$dir/monitor.log"
}

each_queue_gets_its_share() {
  local b
  fill a "$backlog"
  fill b "$backlog"
  watched "$backlog" -q a:3 -q b
  b=$(b_when_a_was_done)
  [ "$b" -gt $((backlog / 5)) ] && [ "$b" -lt $((backlog / 2)) ] ||
    fail "weights of 3 and 1, and when a's $backlog were done b had $b"
  ok "by weight: 3 to 1 asked for, $backlog to $b taken"
}

equal_weights_share_alike() {
  local b
  redis_cli flushall >"$dir/out"
  fill a "$backlog"
  fill b "$backlog"
  watched "$backlog" -q a -q b
  b=$(b_when_a_was_done)
  [ "$b" -gt $((backlog * 3 / 4)) ] || fail "when a's $backlog were done b had $b"
  ok "without weights: alike, $backlog to $b"
}

a_light_queue_does_not_starve() {
  local b
  redis_cli flushall >"$dir/out"
  fill a "$backlog"
  fill b 20
  watched 20 -q a:1000 -q b:1
  b=$(b_when_a_was_done)
  expect_eq 20 "$b" "of b's jobs done before the last of a's"
  ok 'a weight of 1 beside 1000 is served nevertheless'
}

strict_order_empties_the_first() {
  redis_cli flushall >"$dir/out"
  fill b "$backlog"
  fill a "$backlog"
  watched "$backlog" -q a -q b --order strict
  expect_eq 0 "$(b_when_a_was_done)" "of b's jobs done before the last of a's"
  ok 'strict: nothing of the second queue before the first is empty'
}

# One slot, so that what is fetched first lands first.
slow_jobs_in_strict_order() {
  local queue i
  redis_cli flushall >"$dir/out"
  origin_start
  for queue in b a; do
    for i in 1 2 3 4 5 6; do
      "$leat" push refresh -q "$queue" "url=$origin/slow?ms=20&n=$i" >"$dir/out"
    done
  done
  : >"$dir/monitor.log"
  child_start monitor redis-cli -s "$socket" monitor
  await 'grep -q ^OK "$dir/monitor.log"' 10 'Redis to be watched'
  expect_exit 0 "$leat" worker -p 0 --drain -c 1 --allow-net 127.0.0.0/8 -q a -q b --order strict
  child_stop "$child"
  expect_eq ab "$(sed -nE 's/.*"(HSET|hset)" "\{leat:(.)\}:cache:.*/\2/p' "$dir/monitor.log" | uniq |
    tr -d '\n')" 'whose copies landed, one after the other'
  ok 'strict: slow jobs, too, with one slot for both queues'
}

redis_start
each_queue_gets_its_share
equal_weights_share_alike
a_light_queue_does_not_starve
strict_order_empties_the_first
slow_jobs_in_strict_order
