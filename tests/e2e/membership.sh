#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the fleet knows of its workers: what each does, whose jobs were taken back, who lives but
# fetches nothing, and which protocol is spoken.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

# json EXPRESSION: of the workers w, one a line of `leat workers --json`, by the pid $1.
of() {
  local pid=$1
  shift
  "$leat" workers --json | redis_cli -x --raw eval "
    for line in string.gmatch(ARGV[1], '[^\n]+') do
      local w = cjson.decode(line)
      if w.pid == $pid then return tostring($*) end
    end
    return 'not there'" 0
}

is() { [ "$(of "$1" "$2")" = "$3" ]; }

health_without_workers() {
  expect_exit 0 "$leat" health
  expect_eq '0 workers, fetching' "$(cat "$dir/out")" 'what it says of nobody'
  expect_exit 1 "$leat" health --host
  expect_eq "no worker of this host ($(uname -n)) is alive" "$(cat "$dir/out")" 'its fault'
  expect_exit 69 env LEAT_REDIS="unix://$dir/nothing.sock" "$leat" health
  expect_exit 64 "$leat" health --within 1s
  ok 'health: nobody to complain of, nobody on this host, no Redis'
}

# silent_ms: how long ago the only worker told of itself.
silent_ms() {
  redis_cli --raw eval "
    local time, seen = redis.call('TIME'), redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
    return math.floor(time[1] * 1000 + time[2] / 1000 - seen[2])" 1 '{leat}:seen'
}

# It tells of itself every five seconds or so: here once more between its goodbye and the answer.
a_goodbye_is_the_last_word() {
  worker_start -p 0 -q brief
  await '[ "$("$leat" workers --json | grep -c brief)" = 1 ]' 20 'its record'
  await '((silent = $(silent_ms), silent > 2300 && silent < 2700))' 60 'the time between two records'
  redis_cli client pause 3200 write >"$dir/out"
  kill "$worker"
  await '! child_alive "$worker"' 20 'it to end'
  child_stop "$worker"
  expect_eq 0 "$status" 'exit status'
  expect_eq '' "$("$leat" workers --json | grep brief || true)" 'what is left of it'
  ok 'a worker that stops while Redis is slow leaves no record'
}

a_worker_tells_what_it_does() {
  "$leat" push refresh "url=$origin/never" timeout_ms:=600000 --id slow-job >"$dir/out"
  "$leat" push refresh "url=http://127.0.0.1:1/" timeout_ms:=1000 >"$dir/out"
  worker_start -p 0 --lease 2s --allow-net 127.0.0.0/8
  victim=$worker
  await 'is $victim "w.busy" 1' 20 'the record to tell of the job that runs'
  expect_eq 'slow-job refresh default' \
    "$(of "$victim" 'w.jobs[1].id .. " " .. w.jobs[1].type .. " " .. w.jobs[1].queue')" 'that job'
  expect_eq true "$(of "$victim" 'w.jobs[1].iid == cjson.null and w.jobs[1].since_ms >= w.started_ms')" \
    'its name and time'
  await 'is $victim "w.retried > 0" true' 20 'the run that failed to be told'
  expect_eq 'running 1 0/0' "$(of "$victim" 'w.state .. " " .. w.protocol .. " " .. w.process')" \
    'what it is'
  expect_eq true "$(of "$victim" 'w.rss_bytes > 1000000 and w.cpu_ms > 0 and w.failed == w.retried')" 'what it costs'
  expect_eq true "$(of "$victim" 'w.seen_ms - w.fetched_ms < 10000 and not w.lost')" 'that it fetches'
  expect_exit 0 "$leat" health --host
  expect_eq '1 worker, fetching' "$(cat "$dir/out")" 'its health'
  expect_eq 1 "$(redis_cli get '{leat}:protocol')" 'the protocol that it told'
  ok 'a record tells what runs, since when, what it costs, and that the worker fetches'
}

a_process_tells_its_place() {
  worker_start -p 2 -q pool
  await '[ "$("$leat" workers --json | grep -o "\"process\":\"[12]/2\"" | sort | xargs)" = \
    "process:1/2 process:2/2" ]' 20 'both processes to tell their place'
  worker_stop
  expect_eq 0 "$status" 'exit status of the master'
  await '[ -z "$("$leat" workers | grep pool)" ]' 10 'their records to go'
  ok 'the processes of a master tell which of how many they are, and leave no record'
}

# Whatever of Redis cannot be reached again, a bell is only a way to hear sooner. (In a queue of
# its own: nothing else may wake the worker.)
a_worker_without_bells_looks_by_itself() {
  local there=$socket
  worker_start -p 0 -q calm
  await_idle 2
  mv "$socket" "$socket.moved"
  socket=$socket.moved
  redis_cli client list | sed -n 's/^id=\([0-9]*\) .* name=leat-bell .*/\1/p' |
    sed 's/^/client kill id /' | redis_cli >"$dir/out"
  await '[ -z "$(redis_cli client list | grep leat-bell)" ]' 10 'the bells to be gone'
  redis_cli lpush leat:calm '{"type":"increment","args":{"counter":"n"}}' >"$dir/out"
  await '[ "$(redis_cli hget "{leat:calm}:m" done)" = 1 ]' 20 'the job to be done all the same'
  mv "$socket" "$there"
  socket=$there
  await_idle 2
  worker_stop
  ok 'a worker whose bells cannot come back takes jobs all the same'
}

# The mutant takes jobs at first, and none after it lost its connections and came back.
deaf_worker_starts() {
  export LEAT_DEAF=$dir/deaf
  child_start deaf "$LEAT_BIN/leat-worker-deaf" -p 0
  deaf=$child
  await 'is $deaf w.lost false' 20 'the mutant to be seen'
  expect_exit 0 "$leat" health --within 15s
  : >"$LEAT_DEAF"
  redis_cli client kill type normal >"$dir/out" || true
  await 'grep -c "redis up" "$dir/deaf.log" | grep -qx 2' 20 'the mutant to come back'
}

its_jobs_come_back() {
  child_stop "$victim" KILL
  worker_start -p 1 --allow-net 127.0.0.0/8
  await '[ "$(tally recovered)" = 1 ]' 30 'the job of the killed worker to be recovered'
  await 'is $victim w.lost true' 40 'the killed worker to be lost'
  expect_eq "$(of "$victim" w.id)" "$(redis_cli hkeys '{leat}:lost')" 'whose jobs were recovered'
  expect_match 'its 1 job was recovered at 20[0-9T:-]*Z' "$(of "$victim" w.note)" 'the note'
  "$leat" workers >"$dir/out"
  expect_match $'\tlost\t.*its 1 job was recovered at' "$(grep -P "\t$victim\t" "$dir/out")" 'leat workers'
  expect_match 'lost .*its 1 job was recovered at' "$("$leat" status)" 'leat status'
  ok 'a killed worker stays visible, with what became of its jobs'
}

the_deaf_worker_is_found() {
  await '[ "$(of $deaf "w.seen_ms - w.fetched_ms > 20000")" = true ]' 60 'the mutant to have fetched nothing'
  expect_eq false "$(of "$deaf" w.lost)" 'whether it is lost, since its record is young'
  expect_exit 1 "$leat" health --within 20s
  expect_match "^worker $(of "$deaf" w.id) on .* \(pid $deaf\) is alive but has not fetched for [2-9][0-9]s$" \
    "$(cat "$dir/out")" 'the one fault'
  expect_exit 1 "$leat" health --within 20s --json
  expect_match '"healthy":false,"workers":2,.*"worker":"'"$(of "$deaf" w.id)" "$(cat "$dir/out")" 'as JSON'
  await '"$leat" status | grep -q "^ALARM worker .* is alive but has not fetched"' 60 'the alarm'
  rm "$LEAT_DEAF"
  child_stop "$deaf"
  expect_exit 0 "$leat" health
  ok 'a worker that lives but fetches nothing is found'
}

newer_workers_are_here() {
  redis_cli set '{leat}:protocol' 99 >"$dir/out"
  expect_exit 78 "$leat" worker --drain
  expect_match 'speaks protocol 99, this worker 1;' "$(cat "$dir/err")" 'the refusal'
  expect_match 'warn protocol: .*protocol 99' "$("$leat" doctor || true)" 'leat doctor'
  "$leat" push increment counter=m >"$dir/out"
  await '[ "$(redis_cli hget "$(key counters)" m)" = 1 ]' 20 'the old worker to go on'
  redis_cli client kill type normal >"$dir/out" || true
  await '! child_alive "$worker"' 20 'the old worker to end when it comes back'
  child_stop "$worker"
  expect_eq 78 "$status" 'its exit status'
  ok 'a worker that meets a newer protocol is refused, one that runs when it comes back'
}

redis_start
origin_start
health_without_workers
a_goodbye_is_the_last_word
a_worker_tells_what_it_does
a_process_tells_its_place
a_worker_without_bells_looks_by_itself
deaf_worker_starts
its_jobs_come_back
the_deaf_worker_is_found
newer_workers_are_here
