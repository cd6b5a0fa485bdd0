#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What became of a job is read back from its id: in the logs of all workers, as logfmt and as
# JSON, which a parser that is not ours reads.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

refresh() { # ID PATH [RETRY]
  redis_cli lpush leat:default "{\"type\":\"refresh\",\"id\":\"$1\",\"args\":{\"url\":\"$origin$2\",\"timeout_ms\":60000}${3:+,\"retry\":$3}}" >"$dir/pushed"
}

# value NAME: of each line of logfmt on stdin, this field's value, quotes and all.
value() {
  grep -oE " $1=(\"([^\"\\]|\\\\.)*\"|[^ ]*)" | cut -d= -f2-
}

workers_start() { # FORMAT
  rm -f "$dir"/worker-*.log
  worker_start --allow-net 127.0.0.0/8 --lease 2s --log-format "$1"
  first=$worker
  worker_start --allow-net 127.0.0.0/8 --lease 2s --log-format "$1"
}

workers_stop() {
  child_stop "$first"
  worker_stop
}

# Two failures, a worker killed in the third run, then well.
live_through_trouble() { # ID FORMAT STARTED
  started=$3
  workers_start "$2"
  refresh "$1" "/troubled?$1" '{"base_ms":20,"factor":1}'
  await '[ "$(stories | grep -c "$started")" = 3 ]' 20 'the third run to begin'
  victim=$(pid_of_newest)
  kill -KILL "$victim"
  await '[ "$(tally done)" = 1 ]' 30 'the job to be done'
  workers_stop
}

stories() {
  sort "$dir"/worker-*.log
}

expected='job started|0|0
job failed|0|1
job started|0|1
job failed|0|2
job started|0|2
job started|1|2
job done|1|2'

logfmt_tells_the_story() {
  redis_cli flushall >"$dir/out"
  pid_of_newest() { stories | grep 'msg="job started"' | tail -n 1 | value pid; }
  live_through_trouble story-1 logfmt 'msg="job started" id=story-1'
  stories | grep -F story-1 >"$dir/story"
  expect_eq "$expected" \
    "$(paste -d'|' <(value msg <"$dir/story" | tr -d '"') <(value deliveries <"$dir/story") <(value fails <"$dir/story"))" \
    'the story in logfmt'
  expect_eq 1 "$(value iid <"$dir/story" | sort -u | wc -l)" 'names of the job'
  expect_eq "$(printf '"HTTP status 503"\n%.0s' 1 2)" "$(value err <"$dir/story")" 'the reasons'
  expect_eq 2 "$(value retry_in_ms <"$dir/story" | wc -l)" 'retries that were told'
  expect_eq 4 "$(value lease <"$dir/story" | sort -u | wc -l)" 'leases, one a run'
  expect_recovered "$(sed -n 5p "$dir/story" | value lease)"
  ok 'logfmt: from its id, a job that failed twice and lost its worker'
}

# The lease that the killed worker held stands in the line of the one who took it back.
expect_recovered() {
  expect_match " lease=$1 jobs=1" "$(stories | grep 'msg="recovered"')" 'the line of the one who took it back'
}

json_tells_the_story() {
  redis_cli flushall >"$dir/out"
  pid_of_newest() { stories | grep '"job started"' | "$LEAT_BIN/leat-fields" pid | tail -n 1; }
  live_through_trouble story-2 json '"msg":"job started","id":"story-2"'
  stories | "$LEAT_BIN/leat-fields" id msg deliveries fails err >"$dir/fields" || fail 'a line is no JSON'
  expect_eq "$expected" "$(awk -F'\t' '$1 == "story-2" { print $2 "|" $3 "|" $4 }' "$dir/fields")" 'the story in JSON'
  ok 'JSON: the same, by a parser that is not ours'
}

# A worker that slept over its lease, while another one ran its job, must not tell of an end as
# if it had come.
who_slept_is_not_believed() {
  redis_cli flushall >"$dir/out"
  workers_start logfmt
  refresh slept '/slow?ms=1000'
  await 'stories | grep -q "msg=\"job started\" id=slept"' 20 'the job to begin'
  sleeper=$(stories | grep 'msg="job started"' | value pid)
  kill -STOP "$sleeper"
  await '[ "$(tally done)" = 1 ]' 30 'the other worker to run it'
  kill -CONT "$sleeper"
  await 'told_by_sleeper | grep -qE "msg=\"job abandoned\"|msg=\"job done\".* sure=no"' 30 'what the sleeper says'
  ! told_by_sleeper | grep 'msg="job done"' | grep -qv sure=no || fail 'it tells of an end that was not its own'
  workers_stop
  ok 'a worker that slept over its lease says that the end was not its own'
}

told_by_sleeper() {
  stories | grep " pid=$sleeper " | grep -F id=slept
}

# The word goes on to the children of `leat up`.
every_program_writes_json() {
  child_start up "$leat" up --state "$dir/state" --listen 127.0.0.1:0 --log-format json
  await 'grep -qs "redis up" "$dir/state/worker.log"' 30 'the worker to tell of Redis'
  child_stop "$child"
  "$LEAT_BIN/leat-fields" msg <"$dir/state/worker.log" >"$dir/fields" || fail 'a line is no JSON'
  child_start shown "$leat" dashboard --listen 0.0.0.0:0 --log-format json
  await 'grep -q "everybody who reaches" "$dir/shown.log"' 30 'the dashboard to warn'
  child_stop "$child"
  grep -v '^dashboard at' "$dir/shown.log" | "$LEAT_BIN/leat-fields" msg >"$dir/fields" || fail 'a line is no JSON'
  ok 'leat up and the dashboard write JSON too'
}

# ended MSG ID: the line of that job with this message.
ended() {
  grep "msg=\"$1\" id=$2 " "$dir/$case.log" || fail "no line says '$1' of $2"
}

# work CASE CONDITION [OPTION…]: a worker until the condition holds; its log is $dir/CASE.log.
work() {
  case=$1
  child_start "$1" "$leat" worker --allow-net 127.0.0.0/8 "${@:3}"
  await "$2" 30 "the jobs of $1 to end"
  child_stop "$child"
}

each_end_is_told() {
  redis_cli flushall >"$dir/out"
  refresh gone /status/404
  refresh tired /status/500 '{"max":0}'
  refresh one '/slow?ms=300'
  refresh two '/slow?ms=300'
  redis_cli lpush leat:default '{"type":"mail","id":"letter","args":{}}' \
    '{"type":"increment","id":"late","args":{"counter":"n"},"expires_at_ms":1}' \
    '{"type":"increment","id":"wrong","args":{"counter":1}}' 'no job at all' >"$dir/pushed"
  work ends '[ "$(tally dead):$(tally merged):$(tally done):$(tally expired):$(tally bad):$(size sched)" = 3:1:1:1:1:1 ]'
  expect_match ' type=refresh queue=default lease=.* fails=1 ms=[0-9]+ err="HTTP status 404"' "$(ended 'job died' gone)" 'a death'
  expect_match ' err="HTTP status 500"' "$(ended 'job died' tired)" 'no retries left'
  expect_match ' type=mail .* retry_in_ms=[0-9]+ err="no handler for mail"' "$(ended 'job put off' letter)" 'no handler'
  expect_match ' err="' "$(ended 'job died' wrong)" 'wrong arguments'
  expect_eq 1 "$(grep -cE 'msg="job merged" id=(one|two) ' "$dir/ends.log")" 'merged jobs'
  expect_eq 1 "$(grep -cE 'msg="job done" id=(one|two) ' "$dir/ends.log")" 'jobs done'
  expect_match ' level=warn ' "$(ended 'job expired' late)" 'expiry'
  expect_match ' err=".*"' "$(grep 'msg="quarantined"' "$dir/ends.log")" 'the quarantine'
  refresh again '/slow?ms=300'
  work fresh '[ "$(tally fresh)" = 1 ]'
  expect_match ' level=info ' "$(ended 'copy was fresh' again)" 'a needless job'
  ok 'each end is told, with the id: died, merged, put off, expired, fresh, quarantined'
}

instant_jobs_are_told_at_debug() {
  redis_cli flushall >"$dir/out"
  "$leat" push increment counter=n --id quick-1 >"$dir/pushed"
  work quiet '[ "$(tally done)" = 1 ]'
  ! grep -q quick-1 "$dir/quiet.log" || fail 'an instant job is told of at info'
  "$leat" push increment counter=n --id quick-2 >"$dir/pushed"
  work loud '[ "$(tally done)" = 2 ]' --log-level debug
  expect_match ' iid=[0-9a-f]+:[0-9]+\.0 type=increment' "$(ended 'job done' quick-2)" 'an instant job at debug'
  ok 'instant jobs are told of at debug'
}

a_flood_is_cut() {
  local lines more
  redis_cli flushall >"$dir/out"
  awk 'BEGIN { for (n = 1; n <= 500; n++) print "{\"type\":\"increment\",\"id\":\"m" n "\",\"args\":{}}" }' >"$dir/jobs"
  tr '\n' '\0' <"$dir/jobs" | xargs -0 redis-cli -s "$socket" lpush leat:default >"$dir/pushed"
  work flood '[ "$(tally dead)" = 500 ]'
  lines=$(grep -c 'msg="job died"' "$dir/flood.log")
  more=$(grep 'msg="more of the same lease"' "$dir/flood.log" | value jobs | paste -sd+)
  expect_eq 500 $((lines + more)) 'jobs told of, and counted'
  [ "$lines" -le 100 ] || fail "$lines lines for 500 jobs"
  ok "500 jobs with wrong arguments: $lines lines, and how many more"
}

redis_start
origin_start
logfmt_tells_the_story
json_tells_the_story
who_slept_is_not_believed
every_program_writes_json
each_end_is_told
instant_jobs_are_told_at_debug
a_flood_is_cut
