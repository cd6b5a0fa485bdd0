#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The kill test. Two million increments and a thousand refreshes go through two workers that
# are killed twenty times, a Redis that is killed four times, lost scripts, cut connections
# and a worker that sleeps over its leases; in the end every number is exact. Then the same
# faults with a worker whose ACK has no fence: the numbers must be wrong, or this test would
# not see what it looks for.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

log=$(cd "$(dirname "$0")/../data" && pwd)/access.log
copies=100
page_count=200
refresh_rounds=5
kills_wanted=20
rounds_pushing=20
copies_waiting=3
copies_meanwhile=1
workers=('' '')
kills=0 kills_with_leases=0 redis_restarts=0
worker_program=$LEAT_BIN/leat-worker

# ---- what is under test --------------------------------------------------------------------

worker_put() {
  worker_count=$((worker_count + 1))
  child_start "worker-$worker_count" "$worker_program" -p 0 --lease 2s --allow-net 127.0.0.0/8
  workers[$1]=$child
}

redis_up() {
  redis_start --appendfsync always
}

increments() {
  local i
  for ((i = 0; i < $1; i++)); do cat "$dir/lines"; done
}

# push_start COPIES: a push of the whole log so many times, in the background.
push_start() {
  increments "$1" >"$dir/many"
  child_start push "$leat" push --lines increment --arg counter "$dir/many"
  push=$child
}

push_done() {
  await '! child_alive "$push"' 60 'the push to be acknowledged'
  child_stop "$push"
  expect_eq 0 "$status" 'exit status of push'
}

# Every other round asks for a new copy, whatever is kept; so flights meet and repeat.
push_refreshes() {
  local round
  for ((round = 0; round < refresh_rounds; round++)); do
    awk -v origin="$origin" -v age=$((round % 2 ? 0 : 3600000)) '{
      printf "{\"type\":\"refresh\",\"args\":{\"url\":\"%s%s\",\"max_age_ms\":%d},", origin, $0, age
      print "\"retry\":{\"base_ms\":200,\"cap_ms\":1000}}"
    }' "$dir/pages"
  done | "$leat" push --ndjson
}

# ---- faults --------------------------------------------------------------------------------

await_known() {
  local pid=$1
  await '[ -n "$(worker_record_id "$pid")" ]' 10 'the worker to be known'
}

# Is the worker, frozen, in the middle of something? If not, it goes on.
caught_at_work() {
  kill -STOP "$1"
  [ "$(lease_tail "$1")" = 0 ] || return 0
  kill -CONT "$1"
  return 1
}

# Freeze whichever worker is at work first: $caught is its place. After a pause one of them
# may have done all there is before the other looks again.
catch_at_work() {
  local tries
  for ((tries = 0; tries < 1000; tries++)); do
    caught=$((tries % 2))
    if caught_at_work "${workers[caught]}"; then return; fi
  done
  fail 'no worker was found at work'
}

# Kill a worker at work, and look whether it died with leases in its hands.
kill_worker() {
  local pid
  catch_at_work
  pid=${workers[caught]}
  child_stop "$pid" KILL
  kills=$((kills + 1))
  [ "$(lease_tail "$pid")" = 0 ] || kills_with_leases=$((kills_with_leases + 1))
  worker_put "$caught"
}

# A worker that does not reach Redis when it starts gives up at once, as it should.
await_started() {
  local pid
  for pid in "${workers[@]}"; do [ -z "$pid" ] || await_known "$pid"; done
}

kill_redis() {
  redis_kill9
  redis_up
  redis_restarts=$((redis_restarts + 1))
}

# A worker sleeps until others have taken its leases over, and then goes on as if nothing had
# happened.
sleep_over_leases() {
  local pid id
  await_started
  catch_at_work
  pid=${workers[caught]}
  id=$(worker_record_id "$pid")
  await '[ "$(leases_of "$id")" = 0 ]' 20 'the leases to run out'
  kill -CONT "$pid"
}

# ---- the test ------------------------------------------------------------------------------

# A round for each row, over and over. Each begins with work that waits, so that a worker
# can be caught at it, and has more pushed meanwhile.
round_faults=(
  'kill_worker'
  'redis_cli script flush; kill_worker'
  'kill_worker; await_started; redis_cli client kill type normal'
  'sleep_over_leases'
)

# push_into_pause COPIES [FAULT]: nothing of it is taken yet; the fault hits the push.
push_into_pause() {
  local before
  redis_cli hset "$(key m)" paused 1 >"$dir/out"
  before=$(size queue)
  push_start "$1"
  await '[ "$(size queue)" -gt "$before" ]' 20 'the push to begin'
  ${2:-true}
  push_done
}

faults_while_pushing() {
  local round
  for ((round = 0; round < rounds_pushing; round++)); do
    await_started
    push_into_pause "$copies_waiting" "$([ "$round" != 7 ] || echo kill_redis)"
    push_start "$copies_meanwhile"
    redis_cli hdel "$(key m)" paused >"$dir/out"
    eval "${round_faults[round % ${#round_faults[@]}]}" >>"$dir/out"
    push_done
  done
}

# The rest is all acknowledged before the first of it is taken.
kills_after_pushing() {
  local round
  push_into_pause $((copies - rounds_pushing * (copies_waiting + copies_meanwhile)))
  push_refreshes
  redis_cli hdel "$(key m)" paused >"$dir/out"
  for ((round = 0; kills < kills_wanted; round++)); do
    kill_worker
    await_started
    [ "$round" = 0 ] || [ "$redis_restarts" = 4 ] || kill_redis
  done
}

compare_copies() {
  local page number=0
  while read -r page; do
    number=$((number + 1))
    redis_cli --raw hget "$(key "cache:$origin$page")" body >"$dir/copy"
    echo | cat "$dir/bodies/$number" - | cmp -s - "$dir/copy" ||
      fail "the copy of $page differs from the page"
  done <"$dir/pages"
}

work_off() {
  expect_exit 0 "$worker_program" --lease 2s --allow-net 127.0.0.0/8 --drain=all
  child_stop "${workers[0]}"
  expect_eq 0 "$status" 'exit status of a worker that was stopped'
  child_stop "${workers[1]}"
  expect_eq 0 "$status" 'exit status of a worker that was stopped'
}

kill_test() {
  total=$(($(wc -l <"$dir/lines") * copies))
  worker_put 0
  worker_put 1
  faults_while_pushing
  kills_after_pushing
  work_off
  increments "$copies" | count_lines >"$dir/counters.want"
  expect_counters "$dir/counters.want"
  ok "all $(wc -l <"$dir/counters.want") counters of $total increments are exact"
  compare_copies
  ok "all $page_count copies equal what the origin serves"
  expect_at_rest
  expect_ended $((total + page_count * refresh_rounds))
  ok 'every job has ended once and nothing is left over'
  [ "$kills_with_leases" -ge 15 ] || fail "only $kills_with_leases kills hit a lease"
  ok "$kills kills of workers, $kills_with_leases of them with leases; $redis_restarts of Redis"
}

# Asleep in the middle of its work, a worker wakes up with an ACK that comes too late. Not
# every sleep hits such a moment.
mutant_test() {
  local round
  worker_program=$LEAT_BIN/leat-worker-unfenced
  increments 10 >"$dir/some"
  count_lines <"$dir/some" >"$dir/counters.want"
  for round in 1 2 3 4 5 6 7 8 9 10; do
    redis_cli del "$(key counters)" >"$dir/out"
    redis_cli hset "$(key m)" paused 1 >"$dir/out"
    "$leat" push --lines increment --arg counter "$dir/some"
    worker_put 0
    worker_put 1
    await_started
    redis_cli hdel "$(key m)" paused >"$dir/out"
    sleep_over_leases
    work_off
    counters >"$dir/counters.got"
    cmp -s "$dir/counters.want" "$dir/counters.got" || {
      ok "without the fence the counters are wrong (seen in round $round)"
      return
    }
  done
  fail 'the mutant without a fence was not found out'
}

log_lines "$log" >"$dir/lines"
redis_up
seq -f '/page/%g' "$page_count" >"$dir/pages"
mkdir -p "$dir/bodies"
origin_start --pages "$dir/pages" --write-bodies "$dir/bodies"
kill_test
mutant_test
ok "in $SECONDS s"
