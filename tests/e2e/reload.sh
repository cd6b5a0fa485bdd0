#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# HUP while thousands of jobs run: the pool is resized and renewed, and no job is lost, cut short,
# failed or delivered twice. Settings that are wrong, or not good, change nothing. And what a
# service manager is told meanwhile, by a real socket.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

support=$(cd "$(dirname "$0")/../support" && pwd)
conf=$dir/leat.conf
ear=$socket_dir/notify

logged() { grep -c "$1" "$(worker_log)" || true; }
title() { tr '\0' ' ' <"/proc/$1/cmdline"; }
processes() { children_of "$worker" | tr ' ' '\n' | grep . | sort; }
counted() { redis_cli hget "$(key counters)" n; }

# settings PROCESSES [LINE…]
settings() {
  printf 'worker {\n  processes = %s\n  allow-net = { "127.0.0.0/8" }\n}\n' "$1" >"$conf.new"
  printf '%s\n' "${@:2}" >>"$conf.new"
  mv "$conf.new" "$conf"
}

# ---- under load ----------------------------------------------------------------------------

slow_jobs() {
  local i
  for ((i = 0; i < $1; i++)); do
    echo "{\"type\":\"refresh\",\"args\":{\"url\":\"$origin/slow?ms=$((i % 9 * 100 + 50))&n=$i\",\"timeout_ms\":60000}}"
  done
}

reload() {
  local ended
  ended=$(logged 'reload ended')
  settings "$1"
  kill -HUP "$worker"
  await '[ "$(logged "reload ended")" -gt '"$ended"' ]' 30 "the reload to $1 processes"
  expect_match "master \[default\] .*busy" "$(title "$worker")" 'the title'
}

reloads_under_load() {
  local size slow=400 push
  settings 2
  worker_start --config "$conf" --lease 30s -c 16
  await 'grep -q "redis up" "$(worker_log)"' 10 'the first process'
  "$leat" push refresh "url=$origin/slow?ms=4000" timeout_ms:=60000 --id long >"$dir/out"
  await 'grep -q "job started. id=long " "$(worker_log)"' 20 'the long job to run'
  slow_jobs "$slow" | "$leat" push --ndjson 2>"$dir/err"
  child_start push bash -c "for ((i = 0; i < 60; i++)); do
    printf '{\"type\":\"increment\",\"args\":{\"counter\":\"n\"}}\n%.0s' {1..500} | \"$leat\" push --ndjson
  done"
  push=$child
  for size in 4 1 3; do
    reload "$size"
    await '[ "$(logged "process leaves")" -gt 0 ]' 10 'an old process to leave'
  done
  await '! child_alive '"$push" 60 'the pushes'
  child_stop "$push"
  expect_eq 0 "$status" 'exit status of the pushes'
  await '[ "$(counted)" = 30000 ] && [ "$(tally done)" = '$((30000 + slow + 1))' ]' 60 'all jobs to be done'
  await '[ "$(processes | wc -l)" = 3 ]' 30 'the pool to have its new size'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  expect_at_rest
  expect_ended $((30000 + slow + 1))
  expect_eq '0 0' "$(tally recovered) $(tally retry)" 'jobs that cost a delivery, or failed'
  expect_eq $((slow + 1)) "$(logged 'job started')" 'runs of slow jobs'
  expect_eq 0 "$(logged 'level=error\|process ended badly\|job abandoned\|job died')" 'lines of trouble'
  ok "renewed three times, to 4, 1 and 3 processes, under $((30000 + slow)) jobs: each done once, none given up"
}

# ---- what is not good ----------------------------------------------------------------------

wrong_settings_change_nothing() {
  local before
  settings 2
  worker_start --config "$conf"
  await_idle 2
  before=$(processes)
  settings many
  kill -HUP "$worker"
  await '[ "$(logged "reload refused")" = 1 ]' 10 'the refusal'
  expect_match "err=\"$conf:2: .*many" "$(grep 'reload refused' "$(worker_log)")" 'where and what'
  expect_eq "$before" "$(processes)" 'the processes'
  settings 0
  kill -HUP "$worker"
  await '[ "$(logged "reload refused")" = 2 ]' 10 'the refusal of no processes'
  settings 1
  kill -HUP "$worker"
  await '[ "$(logged "result=renewed")" = 1 ] && [ "$(processes | wc -l)" = 1 ]' 20 'good settings to be taken'
  worker_stop
  ok 'a file with a mistake: its line is told, and all stays as it was'
}

# Only a process can tell that a setting is good for nothing.
settings_that_end_the_first_process() {
  local before
  settings 2 "redis = \"unix://$socket\""
  child_start "worker-$((++worker_count))" env -u LEAT_REDIS "$leat" worker --config "$conf"
  worker=$child
  await_idle 2
  before=$(processes)
  settings 3 "redis = \"unix://$dir/nobody.sock\""
  kill -HUP "$worker"
  await '[ "$(logged "result=refused")" = 1 ]' 20 'the reload to be given up'
  expect_match 'the first process with the new ones ended: exit status 69: cannot reach Redis at unix:.*nobody' \
    "$(grep 'reload refused' "$(worker_log)")" 'why'
  expect_eq "$before" "$(processes)" 'the processes'
  child_stop "$(head -n 1 <<<"$before")" KILL
  await '[ "$(redis_cli client list | grep -c cmd=blmove)" = 4 ]' 20 'a replacement by the old settings'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  ok 'settings whose first process ends are given up, the old ones stay'
}

# Redis takes no writes while the first process with new settings asks for jobs, so that it is
# ready only when newer settings have come, and have failed.
settings_that_nobody_proves() {
  local before
  settings 1 "redis = \"unix://$socket\""
  child_start "worker-$((++worker_count))" env -u LEAT_REDIS "$leat" worker --config "$conf"
  worker=$child
  await_idle 1
  before=$(processes)
  redis_cli client pause 60000 write >"$dir/out"
  kill -HUP "$worker"
  await '[ "$(logged "redis up")" = 2 ]' 20 'a process with the new settings'
  settings 1 "redis = \"unix://$dir/nobody.sock\""
  kill -HUP "$worker"
  await '[ "$(logged "result=refused")" = 1 ]' 20 'the newer settings to be given up'
  redis_cli client unpause >"$dir/out"
  await '[ "$(logged "msg=.stopped")" -ge 2 ]' 20 'the processes with new settings to end'
  await '[ "$(processes)" = '"$before"' ]' 20 'the old process to be left alone'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  expect_eq 1 "$(logged "msg=.process leaves.* process=1")" 'processes told to leave'
  ok 'a process with settings that are no longer wanted takes the place of none'
}

# ---- the service manager -------------------------------------------------------------------

ear_start() {
  rm -f "$ear" "$dir/ear.log"
  child_start ear perl "$support/notified.pl" "$ear"
  await 'grep -q ^listening "$dir/ear.log"' 10 'the ear'
}

heard() { grep -c " $1" "$dir/ear.log" || true; }
feeds() { heard 'WATCHDOG=1$'; }
# How many seconds ago the watchdog was fed last.
hungry_s() { echo $(($(date +%s) - $(sed -n 's/ WATCHDOG=1$//p' "$dir/ear.log" | tail -n 1))); }

more_feeds() {
  local want=$(($(feeds) + $1))
  await '[ "$(feeds)" -ge '"$want"' ]' 60 "the watchdog to be fed $2"
}

tells_the_service_manager() {
  local victim
  ear_start
  settings 2
  NOTIFY_SOCKET=$ear WATCHDOG_USEC=2000000 worker_start --config "$conf"
  await '[ "$(heard READY=1)" = 1 ]' 20 'READY'
  expect_eq 2 "$(processes | wc -l)" 'processes when it is ready'
  await '[ "$(heard "STATUS=0/128 busy, 2 processes")" = 1 ]' 10 'STATUS'
  more_feeds 2 'when all is well'
  settings 3
  kill -HUP "$worker"
  await '[ "$(heard "RELOADING=1 MONOTONIC_USEC=[0-9]*")" = 1 ] && [ "$(heard READY=1)" = 2 ]' 20 'RELOADING and READY'
  victim=$(processes | tail -n 1)
  kill -STOP "$victim"
  await '[ "$(hungry_s)" -ge 4 ]' 40 'the watchdog to go hungry while a process hangs'
  kill -CONT "$victim"
  more_feeds 2 'when it goes on'
  redis_kill9
  more_feeds 17 'while Redis is away' # longer than a process may fetch nothing
  redis_start
  worker_stop
  expect_eq 0 "$status" 'exit status'
  expect_eq 1 "$(heard STOPPING=1)" 'STOPPING'
  expect_eq 0 "$(logged 'process died')" 'processes that died'
  ok 'READY, STATUS, RELOADING, STOPPING; the watchdog hungers for one that hangs, not for Redis'
}

tells_it_alone() {
  ear_start
  NOTIFY_SOCKET=$ear WATCHDOG_USEC=2000000 worker_start -p 0
  await '[ "$(heard READY=1)" = 1 ] && [ "$(heard "STATUS=0/64 busy, 1 process$")" = 1 ]' 20 'READY and STATUS'
  more_feeds 1 'by a worker alone'
  kill -HUP "$worker"
  await '[ "$(logged "nothing is reloaded")" = 1 ]' 10 'a word about HUP'
  worker_stop
  expect_eq 1 "$(heard STOPPING=1)" 'STOPPING'
  ok '-p 0: the same without a master, and HUP does no harm'
}

redis_start
origin_start
reloads_under_load
wrong_settings_change_nothing
settings_that_end_the_first_process
settings_that_nobody_proves
tells_the_service_manager
tells_it_alone
