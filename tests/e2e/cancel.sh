#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Cancelling jobs from outside: one that runs is stopped, whichever worker has it; one that waits
# never starts, and ends at once if it waits for its time, however far that is; who is unknown, or has ended, is said to be so; a cancel that was used up stops
# no later job of the same id.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

redis_start
handler slow "environment = { PATH, \"OUT=$dir\" }" <<'X'
echo $$ >"$OUT/$LEAT_ID.pid.new"
mv "$OUT/$LEAT_ID.pid.new" "$OUT/$LEAT_ID.pid"
exec sleep 600
X
handler quick "environment = { PATH, \"OUT=$dir\" }" <<'X'
echo ran >>"$OUT/$LEAT_ID.ran"
X

handler nameless <<'X'
exec sleep 600
X
handler failing <<'X'
exit 1
X

# settled FIELD N: the queue's :m counts so many.
settled() { await "[ \"\$(tally $1)\" = $2 ]" 30 "$2 jobs to be $1, not $(tally "$1")"; }
# runs ID: the slow job's program runs; $program and $birth are who it is.
runs() {
  await "[ -s '$dir/$1.pid' ]" 30 "job $1 to run"
  program=$(cat "$dir/$1.pid")
  birth=$(birth_of "$program")
}
never_ran() { [ ! -e "$dir/$1.ran" ] || fail "job $1 ran"; }
said() { cat "$dir/out"; }

# ---- nobody works ----------------------------------------------------------------------------

job quick waits --track
job quick later --in 1s --track
job quick stays
expect_exit 0 "$leat" job cancel waits
expect_eq 'waits: waits (queue) and will not start' "$(said)" 'what was done to one that waits'
expect_exit 0 "$leat" job cancel later
expect_eq 'later: was scheduled, and is cancelled' "$(said)" 'what was done to a scheduled one'
expect_exit 1 "$leat" job cancel nobody
expect_eq 'nobody: is not known here; would not start within a day' "$(said)" 'an unknown id'
expect_exit 0 "$leat" job cancel waits --json
expect_eq '{"id":"waits","queue":"default","outcome":"waiting","where":"queue","state":"queued"}' \
  "$(said)" 'as JSON'
expect_exit 64 "$leat" job cancel 'no id'
ok 'a cancel says where the job waits'

# ---- jobs that wait for their time -----------------------------------------------------------

job quick day2 --in 2d --track
expect_eq 1 "$(size sched)" 'the job of the day after tomorrow'
expect_exit 0 "$leat" job cancel day2 --json
expect_eq '{"id":"day2","queue":"default","outcome":"cancelled","state":"cancelled"}' "$(said)" \
  'as JSON'
expect_empty sched
expect_exit 1 "$leat" job wait day2 --timeout 30s
expect_eq "$(printf 'day2\tcancelled\t')" "$(said)" 'its end'
expect_eq 2 "$(tally cancelled)" 'jobs that ended so'
expect_eq nobody:waits "$(redis_cli hkeys "$(key cancel)" | sort | paste -sd:)" 'cancels that are left'
expect_exit 0 "$leat" fsck
ok 'a job that is scheduled ends at once'

handlers_start
one=$worker
handlers_start
two=$worker
settled cancelled 3
settled done 1
never_ran waits
never_ran later
expect_eq ran "$(cat "$dir/stays.ran")" 'the job that was not cancelled'
expect_exit 1 "$leat" job wait waits later
expect_eq "$(printf 'later\tcancelled\t\nwaits\tcancelled\t')" "$(said | sort)" 'their ends'
expect_exit 1 "$leat" job cancel waits
expect_eq 'waits: has ended before: cancelled' "$(said)" 'a second cancel'
ok 'jobs that waited never start'

# ---- jobs that run ---------------------------------------------------------------------------

for id in run-1 run-2 run-3; do
  job slow "$id" --track
  runs "$id"
  expect_exit 0 "$leat" job cancel "$id"
  expect_match "^$id: stopping on [^ ]+ \(pid ($one|$two|[0-9]+)\)$" "$(said)" 'where it is stopped'
  await "is_gone $program $birth" 30 "the program of $id to be gone"
  expect_exit 1 "$leat" job wait "$id" --timeout 30s
  expect_eq "$(printf '%s\tcancelled\t' "$id")" "$(said)" 'its end'
done
settled cancelled 6
expect_eq nobody "$(redis_cli hkeys "$(key cancel)")" 'cancels that are left'
ok 'jobs that run are stopped, whoever has them'

# ---- jobs without an id ------------------------------------------------------------------------

# Only we name them: by the iid that the log tells.
iid_of() { sed -n "s/.*msg=\"$1\" iid=\([^ ]*\) type=$2 .*/\1/p" "$dir"/worker-*.log | tail -n 1; }

redis_cli lpush leat:default '{"type":"nameless","args":{}}' >"$dir/pushed"
await '[ -n "$(iid_of "job started" nameless)" ]' 30 'the nameless job to run'
iid=$(iid_of 'job started' nameless)
expect_exit 0 "$leat" job cancel "$iid"
expect_match "^$iid: stopping on " "$(said)" 'a nameless job that runs'
settled cancelled 7
redis_cli lpush leat:default '{"type":"failing","args":{},"retry":{"base_ms":3600000}}' >"$dir/pushed"
await '[ "$(size sched)" = 1 ]' 30 'the nameless job to wait'
iid=$(iid_of 'job failed' failing)
expect_exit 0 "$leat" job cancel "$iid"
expect_eq "$iid: was scheduled, and is cancelled" "$(said)" 'a nameless job that waits'
expect_empty sched
expect_eq 8 "$(tally cancelled)" 'jobs that ended so'
expect_eq nobody "$(redis_cli hkeys "$(key cancel)")" 'cancels that are left'
ok 'a job without an id is cancelled by its iid'

redis_cli lpush leat:default >"$dir/pushed" \
  '{"type":"failing","id":"backs-off","track":true,"args":{},"retry":{"base_ms":3600000}}'
await '[ "$(size sched)" = 1 ]' 30 'the job to wait for its next run'
expect_exit 0 "$leat" job cancel backs-off
expect_eq 'backs-off: was scheduled, and is cancelled' "$(said)" 'a job that failed'
expect_exit 1 "$leat" job wait backs-off --timeout 30s
expect_eq "$(printf 'backs-off\tcancelled\t')" "$(said)" 'its end'
expect_eq 0 "$(tally retrying)" 'jobs that wait for their next run'
expect_exit 0 "$leat" fsck
ok 'a job that waits for its retry ends at once'

# ---- an id that is used again ----------------------------------------------------------------

job quick waits --track
expect_exit 0 "$leat" job wait waits --timeout 30s
expect_eq ran "$(cat "$dir/waits.ran")" 'a new job of the id'
job quick nobody --track
expect_exit 1 "$leat" job wait nobody --timeout 30s
never_ran nobody
job quick nobody --track
expect_exit 0 "$leat" job wait nobody --timeout 30s
ok 'a cancel is used up by one job'

# ---- a worker that starts, one that was away ---------------------------------------------------

expect_exit 1 "$leat" job cancel ahead
worker_stop
child_stop "$one"
job quick ahead --track
handlers_start
expect_exit 1 "$leat" job wait ahead --timeout 30s
never_ran ahead
ok 'a worker that starts knows what was cancelled before'

job slow deaf --track
runs deaf
for id in $(redis_cli client list | sed -n 's/^id=\([0-9]*\) .*name=leat-listener .*/\1/p'); do
  redis_cli client kill id "$id" >"$dir/killed"
done
expect_exit 0 "$leat" job cancel deaf
await "is_gone $program $birth" 30 'its program to be gone'
ok 'a worker whose connection was cut hears of it as well'

# What runs is stopped by what the worker heard last: it heard the other message before.
job slow after
runs after
redis_cli hset "$(key cancel)" past 9999999999999 >"$dir/hidden"
redis_cli xadd "$(key ctl)" '*' cancel past re nonce until 1 >"$dir/told"
expect_exit 0 "$leat" job cancel after
await "is_gone $program $birth" 30 'its program to be gone'
job quick past --track
expect_exit 0 "$leat" job wait past --timeout 30s
expect_eq ran "$(cat "$dir/past.ran")" 'the job whose cancel is out of date'
ok 'a cancel counts as long as its message says'

# ---- over HTTP -------------------------------------------------------------------------------

child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
# post PATH [HEADER]: the status and the body.
post() {
  http_send "$port" POST "/api/v1/jobs/$1" /dev/null "${@:2}" | tr -d '\r' |
    sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p; /^$/,$p' | tr -d '\n'
}

job slow web --track
runs web
expect_match '^200\{"id":"web","queue":"default","outcome":"stopping","host":"[^"]+","pid":[0-9]+,"state":"running"\}$' \
  "$(post web:cancel)" 'a running job'
await "is_gone $program $birth" 30 'its program to be gone'
expect_exit 1 "$leat" job wait web --timeout 30s
expect_match '^409.*"outcome":"ended","state":"cancelled"' "$(post web:cancel)" 'one that has ended'
expect_match '^404.*"outcome":"unknown"' "$(post 'web:cancel?queue=other')" 'one of another queue'
expect_match '^400' "$(post a%20b:cancel)" 'what is no id'
expect_match '^403' "$(post web:cancel 'Origin: http://evil.example.org')" 'for another site'
job quick much-later --in 1h
expect_match '^200.*"outcome":"cancelled"' "$(post much-later:cancel)" 'one that waits'
expect_empty sched
ok 'HTTP clients cancel too'

expect_exit 0 redis_cli hset "$(key cancel)" x 1
redis_stop
expect_match '^503' "$(post much-later:cancel)" 'without Redis'
ok 'without Redis it is a 503'
