#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A deployment: workers of this version and of an older one serve one queue. Increments, refreshes
# that fail and retry, garbage; workers of both are killed and put to sleep at their work, scripts
# are forgotten, connections cut. Every count is exact, each version reads the other's records, and
# a worker that is older than the protocol's number is refused.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

# The last commit before workers told their protocol: version 0.1.0, without any of what stands in
# {leat}:seen, :lost and :protocol.
older_commit=a35edc86fcdec017ba1e1a34bff2b0f3019c0623

root=$(cd "$(dirname "$0")/../.." && pwd)
older=$root/build/older/$older_commit
log=$root/tests/data/access.log
page_count=100
rounds=8
workers=('' '' '' '')
copies=0

# ---- the older version ---------------------------------------------------------------------

# Built once for each checkout, and as quickly as possible.
older_build() {
  local source=$dir/older
  command -v git >"$dir/out" || skip 'no git to get the older version with'
  git -C "$root" cat-file -e "$older_commit^{commit}" 2>"$dir/err" ||
    skip "the older version, $older_commit, is not in this checkout (a shallow clone, or no git)"
  mkdir -p "$source" "$older"
  git -C "$root" archive "$older_commit" | tar -x -C "$source"
  { cmake -S "$source" -B "$source/build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O0 -DLEAT_TESTS=OFF &&
    cmake --build "$source/build" -j2 --target leat leat-worker; } >"$dir/older-build.log" 2>&1 ||
    fail 'the older version was not built'
  mv "$source/build/bin/leat" "$source/build/bin/leat-worker" "$older/"
  rm -rf "$source"
}

# ---- the fleet -----------------------------------------------------------------------------

# worker_put PLACE: of the older version in the even places.
worker_put() {
  local program=("$older/leat-worker")
  [ $(($1 % 2)) = 0 ] || program=("$LEAT_BIN/leat-worker" -p 0)
  worker_count=$((worker_count + 1))
  child_start "worker-$worker_count" "${program[@]}" --lease 2s --allow-net 127.0.0.0/8
  workers[$1]=$child
}

await_started() {
  local pid
  for pid in "${workers[@]}"; do
    await '[ -n "$(worker_record_id '"$pid"')" ]' 20 'the worker to be known'
  done
}

# push PROGRAM ROUND: the whole log, the pages, and an entry that is no job.
push() {
  "$1" push --lines increment --arg counter "$dir/lines" 2>"$dir/err"
  awk -v origin="$origin" -v age=$(($2 % 2 ? 0 : 3600000)) '{
    printf "{\"type\":\"refresh\",\"args\":{\"url\":\"%s%s\",\"max_age_ms\":%d},", origin, $0, age
    print "\"retry\":{\"base_ms\":200,\"cap_ms\":1000}}"
  }' "$dir/pages" | "$1" push --ndjson 2>"$dir/err"
  redis_cli lpush leat:default "garbage $2" >"$dir/out"
  copies=$((copies + 1))
}

# ---- faults --------------------------------------------------------------------------------

# push_into_pause PROGRAM ROUND: nothing of it is taken before it is all there.
push_into_pause() {
  redis_cli hset "$(key m)" paused 1 >"$dir/out"
  push "$1" "$2"
}

work_on() {
  redis_cli hdel "$(key m)" paused >"$dir/out"
}

# Freeze a worker with leases in its hands, of the version whose turn it is: $caught is its place.
# The others may have done all there was before it is caught; then there is more.
catch_at_work() {
  local tries pid
  for ((tries = 0; tries < 2000; tries++)); do
    caught=$((($1 + 2 * tries) % 4))
    pid=${workers[caught]}
    kill -STOP "$pid"
    [ "$(lease_tail "$pid")" = 0 ] || return 0
    kill -CONT "$pid"
    [ $((tries % 8)) = 7 ] && [ "$(size queue)" = 0 ] || continue
    push_into_pause "$leat" "$1"
    work_on
  done
  fail "no worker of the places $(($1 % 2)) and $(($1 % 2 + 2)) was found at work"
}

kill_one() {
  catch_at_work "$1"
  child_stop "${workers[caught]}" KILL
  worker_put "$caught"
}

sleep_one() {
  local id
  catch_at_work "$1"
  id=$(worker_record_id "${workers[caught]}")
  await '[ "$(leases_of "$id")" = 0 ]' 20 'the leases to run out'
  kill -CONT "${workers[caught]}"
}

forget_and_cut() {
  redis_cli script flush
  kill_one "$1"
  redis_cli client kill type normal || true
}

faults=(kill_one kill_one sleep_one sleep_one forget_and_cut forget_and_cut kill_one kill_one)

# Work of both waits when the fault comes.
fault_round() {
  await_started
  push_into_pause "$leat" "$1"
  push "$older/leat" "$1"
  work_on
  "${faults[$1]}" "$1" >>"$dir/out"
}

# ---- the tests -----------------------------------------------------------------------------

together() {
  local place round
  for place in 0 1 2 3; do worker_put "$place"; done
  for ((round = 0; round < rounds; round++)); do fault_round "$round"; done
  await_started
  expect_exit 0 "$LEAT_BIN/leat-worker" -p 0 --lease 2s --allow-net 127.0.0.0/8 --drain=all
  for ((round = 0; round < copies; round++)); do cat "$dir/lines"; done | count_lines >"$dir/counters.want"
  expect_counters "$dir/counters.want"
  expect_at_rest
  expect_eq 0 "$(size dead)" 'dead jobs'
  expect_eq "$copies" "$(size bad)" 'entries in the quarantine'
  expect_eq $((copies * ($(wc -l <"$dir/lines") + page_count))) \
    $(($(tally done) + $(tally merged))) 'jobs done or merged'
  [ "$(tally recovered)" -gt 0 ] && [ "$(tally retry)" -gt 0 ] || fail 'nothing was recovered or retried'
  ok "$copies x $(wc -l <"$dir/lines") increments and $page_count refreshes of both, by both: exact"
}

each_reads_the_other() {
  local version
  await_started
  for version in "$leat" "$older/leat"; do
    "$version" workers >"$dir/out"
    for pid in "${workers[@]}"; do
      grep -qP "\t$pid\trunning\t" "$dir/out" || fail "$version does not list the worker $pid as running"
    done
    "$version" status >"$dir/out"
    ! grep ALARM "$dir/out" || fail "$version sees an alarm where there is none"
  done
  expect_exit 0 "$leat" health --host
  expect_match '^[0-9]+ workers, fetching$' "$(cat "$dir/out")" 'their health'
  ok "each version reads the other's records, and finds nothing wrong"
}

the_older_one_is_refused() {
  redis_cli set '{leat}:protocol' 2 >"$dir/out"
  expect_exit 78 "$leat" worker --drain
  expect_match 'it speaks protocol 2, this worker 1; start a worker of that version' "$(cat "$dir/err")" \
    'the refusal'
  "$leat" push increment counter=late >"$dir/out"
  await '[ "$(redis_cli hget "$(key counters)" late)" = 1 ]' 20 'those that run to go on'
  for pid in "${workers[@]}"; do
    child_stop "$pid"
    expect_eq 0 "$status" 'exit status of a worker that was stopped'
  done
  ok 'a worker older than the protocol is refused with 78; those that run finish'
}

[ -x "$older/leat-worker" ] || older_build
log_lines "$log" >"$dir/lines"
redis_start
seq -f '/page/%g' "$page_count" >"$dir/pages"
origin_start --pages "$dir/pages"
together
each_reads_the_other
the_older_one_is_refused
ok "in $SECONDS s"
