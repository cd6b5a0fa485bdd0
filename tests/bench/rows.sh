#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# For sourcing by bench.sh: one function a row of the benchmark. Each measures in turns with
# its raw limit and calls `row` with what came out.

# ---- 1 and 6: increments drained by one process ---------------------------------------------

# drains KIND: leaves the figures of each turn in KIND.raw, KIND.rate and KIND.cpu. The worker
# is timed from its start to its exit, connecting and noticing the end included.
drains() {
  local kind=$1 turn seconds cpu
  [ ! -e "$dir/$kind.rate" ] || return 0
  make_jobs
  for ((turn = 0; turn < turns; turn++)); do
    empty_redis
    load "$kind" >/dev/null
    raw_pops >>"$dir/$kind.raw"
    expect_eq 0 "$(redis_cli llen leat:default)" "values left over"
    load "$kind" >/dev/null
    read -r seconds cpu < <(tool times 1 "$LEAT_BIN/leat-worker" -p 0 --drain)
    expect_counts "$kind" 1
    per_s "$jobs" "$seconds" | cat - <(echo) >>"$dir/$kind.rate"
    awk -v cpu="$cpu" -v n="$jobs" 'BEGIN { printf "%.4f\n", cpu * 100000 / n }' >>"$dir/$kind.cpu"
  done
}

row_1() {
  local kind target rate raw
  for kind in log:0.45 uniform:0.3; do
    target=${kind#*:} kind=${kind%:*}
    drains "$kind"
    rate=$(median <"$dir/$kind.rate") raw=$(median <"$dir/$kind.raw")
    row 1 "increments drained, counters ${kind/log/as in a web log}" "$(thousands "$rate")" \
      "RPOP $(thousands "$raw")" "$(ratio "$rate" "$raw")" at-least "$target"
  done
}

row_6() {
  local kind
  for kind in log uniform; do
    drains "$kind"
    row 6 "worker CPU s per 100,000 increments, ${kind/log/web log}" \
      "$(median <"$dir/$kind.cpu") s" - "$(median <"$dir/$kind.cpu")" at-most 0.12
  done
}

# ---- 3: pushed in bulk ----------------------------------------------------------------------

row_3() {
  local turn ours raw
  make_jobs
  for ((turn = 0; turn < turns; turn++)); do
    empty_redis
    load log >>"$dir/push.raw"
    empty_redis
    tool times 1 "$leat" push --ndjson "$dir/log.jobs" | cut -d' ' -f1 >>"$dir/push.ours"
    redis_cli lrange leat:default 0 -1 | tac | cmp -s - "$dir/log.jobs" ||
      fail "the queue is not what was pushed"
  done
  ours=$(per_s "$jobs" "$(median <"$dir/push.ours")")
  raw=$(per_s "$jobs" "$(median <"$dir/push.raw")")
  row 3 'push --ndjson' "$(thousands "$ours")" "LPUSH x 100 $(thousands "$raw")" \
    "$(ratio "$ours" "$raw")" at-least 0.3
}

# ---- 4: from push to start ------------------------------------------------------------------

row_4() {
  local turn column name target ours raw
  for ((turn = 0; turn < 3; turn++)); do
    empty_redis
    tool latency "$socket" "$pushes" >>"$dir/bare.us"
    empty_redis
    tool latency "$socket" "$pushes" "$LEAT_BIN/leat-worker" -p 0 >>"$dir/worker.us"
    expect_eq $((pushes + 100)) "$(redis_cli hget '{leat:default}:counters' latency)" \
      "increments counted"
  done
  for column in 1:p50:1.3 2:p99:1.5; do
    IFS=: read -r column name target <<<"$column"
    ours=$(cut -d' ' -f"$column" "$dir/worker.us" | median)
    raw=$(cut -d' ' -f"$column" "$dir/bare.us" | median)
    row 4 "push to start, idle worker, $name" "$ours us" "BLMOVE loop $raw us" \
      "$(ratio "$ours" "$raw")" at-most "$target"
  done
}

# ---- 5: memory ------------------------------------------------------------------------------

# rss_anon PID: MB
rss_anon() {
  awk '$1 == "RssAnon:" { printf "%.2f\n", $2 / 1024 }' "/proc/$1/status"
}

queue_is_empty() {
  [ "$(redis_cli llen leat:default) $(redis_cli zcard '{leat:default}:lease')" = '0 0' ]
}

row_5() {
  local idle most round rounds=$((1000000 / jobs))
  make_jobs
  empty_redis
  worker_start -p 0
  await '[[ $(redis_cli client list) = *name=leat-worker* ]]' 10 'the worker to connect'
  sleep 3
  idle=$(rss_anon "$worker")
  kill -STOP "$worker"
  for ((round = 0; round < rounds; round++)); do load uniform >/dev/null; done
  kill -CONT "$worker"
  until
    rss_anon "$worker" >>"$dir/worker.mb"
    queue_is_empty
  do :; done
  most=$(sort -g "$dir/worker.mb" | tail -n 1)
  expect_counts uniform "$rounds"
  worker_stop
  row 5 "worker's private memory, idle" "$idle MB" - "$idle" at-most 3
  row 5 "worker's private memory, draining" "$most MB" - "$most" at-most 12
}

# ---- 7: one push from the command line ------------------------------------------------------

row_7() {
  local ours raw job='{"type":"increment","id":"01981f2e-7bc8-7000-8d2d-1574f1aae0c0","args":{"counter":"x"}}'
  empty_redis
  tool times "$starts" "$leat" push increment counter=x --- \
    redis-cli -s "$socket" LPUSH leat:default "$job" >"$dir/start.s"
  expect_eq $((2 * starts)) "$(redis_cli llen leat:default)" "jobs pushed"
  { read -r ours _ && read -r raw _; } <"$dir/start.s"
  row 7 'leat push, start to exit' "$(ratio "$ours" 0.001) ms" "redis-cli $(ratio "$raw" 0.001) ms" \
    "$(ratio "$ours" "$raw")" at-most 2
}

# ---- 8: after kill -9 -----------------------------------------------------------------------

now_s() {
  echo "${EPOCHREALTIME/,/.}"
}

since() {
  awk -v from="$1" -v to="$(now_s)" 'BEGIN { printf "%.2f\n", to - from }'
}

# runs_of NAME: how often the job's page was asked for.
runs_of() {
  http_get "$origin_port" "/requests?path=/slow%3Fms%3D600000%26job%3D$1" | tail -n 1
}

# One kill: a worker dies with its job, another runs it again. Prints the seconds in between
# beyond the lease.
kill_one() {
  local lease=$1 name=$2 victim
  "$leat" push refresh -q "$name" "url=http://127.0.0.1:$origin_port/slow?ms=600000&job=$name" \
    timeout_ms:=600000 >/dev/null
  setsid "$leat" worker -p 0 -q "$name" --lease "${lease}s" --allow-net 127.0.0.0/8 >>"$dir/kill.log" 2>&1 &
  victim=$!
  until [ "$(runs_of "$name")" = 1 ]; do sleep 0.05; done
  setsid "$leat" worker -p 0 -q "$name" --lease "${lease}s" --allow-net 127.0.0.0/8 >>"$dir/kill.log" 2>&1 &
  sleep "0.$((RANDOM % 900 + 100))" # somewhere between two extensions of the lease
  local began
  began=$(now_s)
  kill -KILL "$victim"
  until [ "$(runs_of "$name")" = 2 ]; do sleep 0.05; done
  awk -v took="$(since "$began")" -v lease="$lease" 'BEGIN { printf "%.2f\n", took - lease }'
  kill -KILL $!
}

row_8() {
  local lease i pids last
  empty_redis
  child_start origin "$LEAT_BIN/leat-origin"
  await 'grep -q "^listening" "$dir/origin.log"' 10 'the origin to listen'
  origin_port=$(awk '$1 == "listening" { print $2 }' "$dir/origin.log")
  for lease in 2 30; do
    [ "$lease" = 2 ] || [ -z "$quick" ] || continue
    pids=()
    for ((i = 0; i < kills; i++)); do
      kill_one "$lease" "kill-$lease-$i" >"$dir/beyond.$lease.$i" 2>>"$dir/tools.log" &
      pids+=($!)
    done
    wait "${pids[@]}"
    last=$(cat "$dir/beyond.$lease".* | sort -g | tail -n 1)
    row 8 "kill -9 with a lease of $lease s: run again, beyond the lease" "$last s" - "$last" at-most 1
  done
}

# ---- 9: the server's work a job -------------------------------------------------------------

# A small backlog pays for beginning and ending; so each is compared with the cheapest of the
# smaller ones, which shows growth wherever it begins. Whole rounds of the jobs are drained.
row_9() {
  local backlog times turn us least='' rounds=0
  make_jobs
  empty_redis
  worker_start -p 0 --log-level error
  for backlog in 1000 10000 100000 1000000 10000000; do
    [ "$backlog" -le 1000000 ] || [ -z "$quick" ] || continue
    times=$((backlog < jobs ? jobs / backlog : 1))
    : >"$dir/backlog.$backlog"
    for ((turn = 0; turn < (backlog <= jobs ? 3 : 1); turn++)); do
      tool backlog "$socket" "$worker" "$dir/log.jobs" "$backlog" "$times" >>"$dir/backlog.$backlog"
      rounds=$((rounds + backlog * times / jobs))
    done
    us=$(median <"$dir/backlog.$backlog")
    least=${least:-$us}
    row 9 "server CPU a job, backlog $backlog" "$us us" "smaller backlog $least us" \
      "$(ratio "$us" "$least")" at-most 1.25
    least=$(printf '%s\n' "$least" "$us" | sort -g | head -n 1)
  done
  expect_counts log "$rounds"
  worker_stop
}
