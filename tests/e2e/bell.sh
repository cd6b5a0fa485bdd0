#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A bell hands the job over before its lease is there. Whatever comes between the two, each job
# counts once: a wire that is cut, a worker that is killed or stands still, another that is quicker.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

here=$(cd "$(dirname "$0")" && pwd)
wire=$dir/proxy.sock
pushed=0

# All are equal, so a job taken twice and one not taken would cancel out in no sum but this.
push_one() {
  redis_cli lpush leat:default '{"type":"increment","args":{"counter":"n"}}' >"$dir/out"
  pushed=$((pushed + 1))
}

counted() { redis_cli hget "$(key counters)" n; }

expect_exact() {
  await '[ "$(counted)" = $pushed ]' 20 "all jobs to be counted, $1"
  await '[ "$(size lease)" = 0 ]' 20 "leases to end, $1"
  expect_at_rest
  expect_ended "$pushed"
}

a_job_left_in_staging_is_found() {
  worker_start -p 1
  await_idle 1
  redis_cli lpush '{leat:default}:h' '{"type":"increment","args":{"counter":"n"}}' >"$dir/out"
  pushed=$((pushed + 1))
  await '[ "$(counted)" = $pushed ]' 5 'the next tick to find it'
  worker_stop
  ok 'what a bell moved for a worker that is gone is found by the next tick'
}

# The text of a script as PROTOCOL.md 6 puts it together.
script_text() {
  local lua=$here/../../broker-schema/lua
  sed -E "s|^-- include (.*)|cat '$lua/lib/\\1.lua'|e" "$lua/$1.lua" | sed '/^ *--/d'
}

# A suspect waits until the bells rest; what is staged meanwhile does not wait with it.
a_suspect_holds_up_nobody() {
  worker_start -p 1
  push_one
  await '[ "$(counted)" = $pushed ]' 10 'the job to be counted'
  await_idle 1
  printf 'R1 x.1 2 0 t=1\n{"type":"increment","args":{"counter":"suspect"}}' |
    redis_cli -x rpush "$(key s)" >"$dir/out"
  redis_cli lpush "$(key h)" '{"type":"increment","args":{"counter":"n"}}' >"$dir/out"
  pushed=$((pushed + 1))
  await '[ "$(counted)" = $pushed ]' 10 'the staged job to be counted'
  expect_eq 1 "$(size s)" 'suspects that still wait, the bells having just begun to block'
  await '[ "$(size s)" = 0 ]' 20 'the suspect to run'
  pushed=$((pushed + 1)) # it ends, too
  redis_cli hincrby "$(key counters)" n 1 >"$dir/out"
  worker_stop
  ok 'a suspect that waits for the bells to rest holds up nobody'
}

# What a bell brings while the queue is paused has not died yet, and is not said to have.
nothing_is_told_too_early() {
  worker_start -p 1 -q odd
  await_idle 1
  redis_cli hset '{leat:odd}:m' paused 1 >"$dir/out"
  redis_cli lpush leat:odd '{"type":"increment","args":{"counter":7}}' >"$dir/out"
  await '[ "$(redis_cli llen "{leat:odd}:h")" = 1 ]' 10 'the bell to ring'
  redis_cli lpush '{leat:odd}:high' junk >"$dir/out"
  await '[ "$(redis_cli llen "{leat:odd}:h")" = 2 ]' 10 'the other bell to ring'
  redis_cli hdel '{leat:odd}:m' paused >"$dir/out"
  await '[ "$(redis_cli zcard "{leat:odd}:dead")$(redis_cli llen "{leat:odd}:bad")" = 11 ]' 10 'both to end'
  worker_stop
  expect_eq 1 "$(grep -c 'job died' "$(worker_log)")" 'deaths told of'
  expect_eq 1 "$(grep -c quarantined "$(worker_log)")" 'quarantined entries told of'
  expect_eq 1 "$(grep -o 'failed=[0-9]*' "$(worker_log)" | tail -n 1 | cut -d= -f2)" 'failed runs'
  ok 'what a job comes to is told once, when it is sure'
}

# When Redis knows the script that settles, but not the one that reserves, the first must not run
# before the second.
forgotten_scripts() {
  local i ack
  worker_start -p 1 --lease 2s
  await_idle 1
  push_one
  await '[ "$(counted)" = $pushed ]' 10 'the job to be counted'
  ack=$(script_text ack | sha1sum | cut -d" " -f1)
  expect_eq 1 "$(redis_cli script exists "$ack")" "the worker's script is known"
  for ((i = 0; i < 20; i++)); do
    await_idle 1
    redis_cli script flush >"$dir/out"
    script_text ack | redis_cli -x script load >"$dir/out"
    push_one
    await '[ "$(counted)" = $pushed ]' 10 'the job to be counted'
  done
  expect_exact 'scripts forgotten'
  expect_eq 0 "$(tally recovered)" 'jobs recovered'
  worker_stop
  ok 'a job behind a forgotten script is counted once, and no lease is left behind'
}

# cut_wire WORD WAY CHUNKS: the connections that say WORD end after so many, once each.
cut_wire() {
  local i
  child_start proxy "$LEAT_BIN/leat-proxy" --listen "$wire" --to "$socket" --word "$1" \
    --direction "$2" --unit chunks --after "$3" --times 2
  proxy=$child
  await 'grep -q "^listening" "$dir/proxy.log"' 10 'the proxy to listen'
  worker_start -p 1 --lease 2s --redis "unix://$wire"
  await_idle 1
  for ((i = 0; i < 8; i++)); do
    push_one
    await '[ "$(redis_cli llen leat:default)" = 0 ]' 10 'the job to be taken'
  done
  expect_exact "$1 cut $2 after $3"
  worker_stop
  expect_eq 0 "$status" 'exit status of the worker'
  child_stop "$proxy"
  cuts=$((cuts + $(grep -c '^close' "$dir/proxy.log" || true)))
  rm "$dir/proxy.log"
}

cut_wires() {
  local way after cuts=0
  for way in to-server to-client; do
    for after in 7 8 9 10 11 12 13 14 16 18; do cut_wire leat-worker "$way" "$after"; done
    for after in 2 3 4 5 6 7; do cut_wire leat-bell "$way" "$after"; done
  done
  [ "$cuts" -ge 32 ] || fail "only $cuts connections were cut"
  ok "a wire cut anywhere around a bell ($cuts times): every count exact"
}

# Three idle workers, of which one at a time is killed, or stands still for longer than its lease.
kills_and_rivals() {
  local i victim signal
  local -a fleet=()
  for i in 0 1 2; do worker_start -p 0 --lease 2s && fleet+=("$worker"); done
  await_idle 3
  for ((i = 0; i < 150; i++)); do
    push_one
    push_one
    [ $((i % 15)) = 7 ] || continue
    victim=$((i / 15 % 3))
    signal=KILL
    [ $((i / 15 % 2)) = 0 ] || signal=STOP
    kill -s "$signal" "${fleet[victim]}"
    for _ in 1 2 3 4; do push_one; done
    if [ "$signal" = STOP ]; then
      await '[ "$(counted)" = $pushed ]' 10 'the others to do it all'
      kill -s CONT "${fleet[victim]}"
    else
      child_stop "${fleet[victim]}" KILL
      worker_start -p 0 --lease 2s
      fleet[victim]=$worker
    fi
  done
  expect_exact 'kills and rivals'
  for worker in "${fleet[@]}"; do
    worker_stop
    expect_eq 0 "$status" 'exit status of a worker'
  done
  ok "three idle workers, killed and stopped in turn: $pushed equal jobs counted exactly"
}

redis_start
a_job_left_in_staging_is_found
a_suspect_holds_up_nobody
nothing_is_told_too_early
forgotten_scripts
cut_wires
kills_and_rivals
