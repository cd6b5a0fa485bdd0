#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A master and its processes: what dies is replaced, what dies again and again ends all; quiet and
# going on; the state as JSON and in ps; no output at all; a killed master; the master as process 1;
# suspects, which keep only one process from its work; and what a fleet costs that has nothing to do.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

title() { tr '\0' ' ' <"/proc/$1/cmdline" | sed 's/ *$//; $a\'; }
process_count() { children_of "$worker" | wc -w; }
first_process() { children_of "$worker" | cut -d' ' -f1; }
# fleet_start PROCESSES [OPTION…]: until all are idle, in one queue.
fleet_start() {
  redis_cli flushall >"$dir/out"
  worker_start -p "$@" --allow-net 127.0.0.0/8 --lease 2s
  await_idle "$1"
}

# slow_job ID MS: until it runs.
slow_job() {
  "$leat" push refresh "url=$origin/slow?ms=$2&n=$1" timeout_ms:=60000 --id "$1" >"$dir/out"
  await 'grep -q "job started. id='"$1"' " "$(worker_log)"' 20 'the slow job to run'
}

count_jobs() {
  seq "$1" | "$leat" push --lines increment --arg counter --prefix n: 2>"$dir/err"
}

ends_by_itself() {
  await '! child_alive "$worker"' "$1" 'the master to end'
  child_stop "$worker"
}

a_process_that_dies_is_replaced() {
  local victim
  fleet_start 3
  victim=$(first_process)
  kill -KILL "$victim"
  await '[ "$(process_count)" = 3 ] && [[ " $(children_of "$worker") " != *" $victim "* ]]' 20 'a replacement'
  expect_match "process=[123] child=$victim .*replaced_in_ms=0 why=\"signal 9 \(Killed\)\"" "$(grep 'process died' "$(worker_log)")" 'the log'
  count_jobs 300
  await '[ "$(tally done)" = 300 ]' 20 'the jobs to be done'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  ok 'a process that is killed is replaced at once'
}

# A master that may open nothing more gives birth to processes that cannot live.
a_crash_loop_ends_all() {
  ASAN_OPTIONS=detect_leaks=0 fleet_start 2 # which needs a descriptor
  prlimit --pid "$worker" --nofile=3:3
  kill -KILL "$(first_process)"
  ends_by_itself 60
  expect_eq 70 "$status" 'exit status'
  expect_match 'leat: worker processes die again and again, 5 times in 10 s; the last one by signal 6' \
    "$(grep '^leat:' "$(worker_log)")" 'what it says'
  expect_eq 4 "$(grep -c 'process died' "$(worker_log)")" 'deaths before that'
  expect_eq 1 "$(grep -c 'msg="stopped"' "$(worker_log)")" 'processes that were let to stop'
  ok 'five deaths in ten seconds end the others, too, with 70 and the reason'
}

what_no_replacement_cures_ends_all() {
  fleet_start 2
  redis_cli config set requirepass secret >"$dir/out"
  redis-cli -s "$socket" --no-auth-warning -a secret client kill type normal >"$dir/out"
  ends_by_itself 30
  redis-cli -s "$socket" --no-auth-warning -a secret config set requirepass '' >"$dir/out"
  expect_eq 77 "$status" 'exit status'
  expect_eq 1 "$(grep -c '^leat: .*NOAUTH' "$(worker_log)")" 'times the reason is told'
  expect_eq 0 "$(grep -c 'process died' "$(worker_log)" || true)" 'replacements'
  ok 'a refused password ends all with 77, told once'
}

titles_tell_the_state() {
  redis_cli flushall >"$dir/out"
  worker_start -p 2 -c 8 -q default -q mail --allow-net 127.0.0.0/8
  await '[ "$(process_count)" = 2 ]' 20 'two processes'
  slow_job title 4000
  await '[ "$(title "$worker")" = "leat worker: master [default,mail] 2 processes, 1/16 busy" ]' 10 "the master's title"
  expect_eq 'leat worker [default,mail] 0/8 busy,leat worker [default,mail] 1/8 busy' \
    "$(for pid in $(children_of "$worker"); do title "$pid"; done | sort | paste -sd,)" "the processes' titles"
  kill -TERM "$worker"
  await '[[ "$(title "$worker")" = *", stopping" ]]' 10 'a title that says stopping'
  ends_by_itself 20
  expect_eq 0 "$status" 'exit status'
  expect_eq 1 "$(tally done)" 'jobs that were let to end'
  ok 'ps shows queues, processes, slots and state'
}

# ticks_for MS: workers look for so long, by the clock of Redis.
ticks_for() {
  local until=$(($(tally seen) + $1))
  await '[ "$(tally seen)" -gt '$until' ]' 30 'the workers to look'
}

quiet_and_on() {
  fleet_start 2
  slow_job quiet 700
  kill -TSTP "$worker"
  await '[ "$(grep -c "msg=.quiet" "$(worker_log)")" = 2 ]' 10 'both to be quiet'
  count_jobs 20
  await '[ "$(tally done)" = 1 ]' 20 'what runs to end'
  kill -KILL "$(first_process)"
  await '[ "$(grep -c "msg=.quiet" "$(worker_log)")" = 3 ]' 20 'the replacement to be quiet, too'
  ticks_for 1500
  expect_eq 20 "$(size queue)" 'jobs that nobody takes'
  await '[[ "$(title "$worker")" = *", quiet" ]]' 10 'a title that says quiet'
  kill -CONT "$worker"
  await '[ "$(tally done)" = 21 ]' 20 'the jobs to be done'
  await_idle 2
  kill -TSTP "$worker"
  worker_stop
  expect_eq 0 "$status" 'exit status of a quiet fleet'
  expect_eq 0 "$(tally recovered)" 'jobs that cost a delivery'
  ok 'TSTP: takes nothing, what runs ends; CONT: goes on'
}

# What it says must not end in what took the place of its output, a connection to Redis.
works_with_all_output_closed() {
  local processes
  for processes in 0 2; do
    redis_cli flushall >"$dir/out"
    child_start closed bash -c 'exec "$@" <&- >&- 2>&-' - "$leat" worker -p "$processes"
    await '[ "$(redis_cli hlen "{leat}:workers")" != 0 ]' 20 'a worker to tell of itself'
    kill -USR2 "$child"
    count_jobs 1000
    await '[ "$(redis_cli hlen "$(key counters)")" = 1000 ]' 20 'all to be counted'
    child_stop "$child"
    expect_eq 0 "$status" "exit status with -p $processes"
  done
  ok 'standard input, output and error may be closed'
}

# dumped WHAT FIELD…: those of the lines of JSON that name WHAT.
dumped() {
  grep "^{\"$1\":" "$(worker_log)" | "$LEAT_BIN/leat-fields" "${@:2}"
}

job='\{"id":"dumped","iid":"[^"]+","type":"refresh","queue":"default","lease":"[0-9a-f]+:[0-9]+","running_ms":[0-9]+\}'

state_as_json() {
  fleet_start 3
  slow_job dumped 60000
  kill -KILL "$(children_of "$worker" | tr ' ' '\n' | grep -v "^$(sed -n 's/.*pid=\([0-9]*\) msg="job started.*/\1/p' "$(worker_log)")$" | head -n 1)"
  await_idle 3
  await '[[ "$(title "$worker")" = *" 1/192 busy" ]]' 10 'the master to see the job'
  kill -USR2 "$worker"
  await '[ "$(grep -c "^{\"worker\":" "$(worker_log)")" = 3 ]' 10 'three processes to tell'
  expect_eq "$worker"$'\trunning\t3\t1\t192\t1' \
    "$(dumped master master state processes restarts slots busy)" 'the line of the master'
  expect_eq "$(children_of "$worker" | tr ' ' '\n' | grep . | sort)" "$(dumped worker pid | sort)" 'who told'
  expect_eq '1 2 3' "$(dumped worker process | sort | xargs)" 'their places'
  expect_eq 1 "$(dumped worker busy | grep -c 1)" 'processes that are busy'
  expect_match "\"jobs\":\[$job\]" "$(grep '"busy":1.*jobs' "$(worker_log)" | tail -n 1)" 'the job'
  kill -TERM "$worker"
  await 'grep -q "stopping all" "$(worker_log)"' 10 'the first TERM'
  worker_stop # its job would run for a minute
  expect_eq 0 "$status" 'exit status'
  worker_start -p 0
  await 'grep -q "redis up" "$(worker_log)"' 10 'a worker alone'
  kill -USR2 "$worker"
  await 'grep -q "^{.worker.:" "$(worker_log)"' 10 'it to tell'
  expect_eq "$worker"$'\t0\trunning' "$(dumped worker pid process state)" 'a worker alone'
  worker_stop
  ok 'USR2: a line of JSON from the master and each process, with the jobs that run'
}

a_killed_master_takes_its_processes_along() {
  local pid pids
  fleet_start 2
  slow_job orphan 1500
  pids=$(children_of "$worker")
  worker_stop KILL
  for pid in $pids; do await "! child_alive $pid" 20 'the processes to end'; done
  expect_at_rest
  expect_ended 1
  expect_eq 0 "$(tally recovered)" 'jobs that cost a delivery'
  ok 'a master that is killed: its processes finish what runs, and end'
}

as_process_1() {
  local init
  unshare --pid --fork --mount-proc true 2>"$dir/out" || {
    echo 'skipped: process 1 (no namespaces here)'
    return
  }
  redis_cli flushall >"$dir/out"
  worker_count=$((worker_count + 1))
  child_start "worker-$worker_count" unshare --pid --fork --mount-proc "$leat" worker -p 2 --allow-net 127.0.0.0/8
  worker=$child
  await_idle 2
  init=$(first_process)
  nsenter --target "$init" --pid --mount sh -c 'for i in 1 2 3; do sleep 0.2 & done' >"$dir/out" 2>&1
  await '[ "$(children_of "$init" | wc -w)" = 2 ]' 10 'the orphans to be reaped'
  kill -KILL "$(children_of "$init" | cut -d" " -f1)"
  await 'grep -q "process died" "$(worker_log)" && [ "$(children_of "$init" | wc -w)" = 2 ]' 20 'a replacement'
  slow_job first 1000
  kill -TERM "$init"
  ends_by_itself 20
  expect_eq 0 "$status" 'exit status'
  expect_ended 1
  ok 'as process 1: reaps orphans, replaces, and obeys TERM'
}

suspect() {
  printf 'R1 x.%s 2 0 t=1\n{"type":"refresh","args":{"url":"http://127.0.0.1:%s/never?%s","timeout_ms":60000}}' \
    "$1" "$origin_port" "$1" | redis_cli -x lpush "$(key s)" >"$dir/out"
}

# The first process takes a suspect that does not end. Another suspect waits: if anyone else would
# take it, he had to stop listening first, for which a bell's five seconds are long enough.
suspects_keep_one_process_busy() {
  fleet_start 3
  suspect 1
  await '[ "$(size slot)" = 1 ]' 20 'the suspect to run'
  suspect 2
  ticks_for 7000
  expect_eq 1 "$(size s)" 'suspects that wait for the first process'
  expect_eq 4 "$(blocked_bells)" 'bells of the others'
  count_jobs 100
  await '[ "$(tally done)" = 100 ]' 20 'ordinary jobs to be done meanwhile'
  kill -KILL "$(sed -n 's/.*pid=\([0-9]*\) msg="job started.*/\1/p' "$(worker_log)")"
  await '[ "$(grep -c "job started" "$(worker_log)")" = 2 ]' 30 'the replacement to take a suspect, too'
  kill -TERM "$worker"
  await 'grep -q "stopping all" "$(worker_log)"' 10 'the first TERM'
  worker_stop
  ok 'suspects occupy the first process, its replacement after it, and nobody else'
}

commands() { redis_cli info stats | sed -n 's/total_commands_processed:\([0-9]*\).*/\1/p'; }

# What scripts call inside Redis counts, too.
an_idle_fleet_is_cheap() {
  local before began spent took_ms
  fleet_start 4
  before=$(commands)
  began=${EPOCHREALTIME/./}
  await '[ ${EPOCHREALTIME/./} -gt '$((began + 6000000))' ]' 60 'six seconds to pass'
  spent=$(($(commands) - before))
  took_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
  [ $((spent * 1000 / took_ms)) -lt 60 ] || fail "$spent commands in $took_ms ms"
  worker_stop
  ok "four idle processes cost Redis $((spent * 1000 / took_ms)) commands a second in all"
}

redis_start
origin_start
an_idle_fleet_is_cheap
a_process_that_dies_is_replaced
a_crash_loop_ends_all
what_no_replacement_cures_ends_all
titles_tell_the_state
quiet_and_on
state_as_json
works_with_all_output_closed
a_killed_master_takes_its_processes_along
as_process_1
suspects_keep_one_process_busy
