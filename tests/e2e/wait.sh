#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Waiting for tracked jobs: at the command line and over HTTP, several at once, for any of them,
# until time is over; through cuts, a killed Redis and a restart. Redis is asked for nothing
# while nothing happens.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

# record ID STATE [FIELD VALUE]…: what a worker writes when a job's state changes.
record() {
  local id=$1
  shift
  redis_cli xadd "$(key "t:$id")" '*' state "$@" >"$dir/added"
}

waiters() { redis_cli client list | grep name=leat-waiter | grep -c flags=b || true; }
await_waiters() { await "[ \"\$(waiters)\" = $1 ]" 30 "$1 connections that wait"; }

# begin NAME COMMAND…: in the background, with its output in $dir/NAME.out and NAME.err.
begin() {
  local name=$1
  shift
  child_start "$name" bash -c '"${@:2}" >"$1.out" 2>"$1.err"' - "$dir/$name" "$@"
}

# ended PID STATUS NAME TEXT: it ended so, and that is what it printed.
ended() {
  local got=0
  await "! child_alive $1" 30 "$3 to end"
  wait "$1" || got=$?
  expect_eq "$2" "$got" "exit status of $3, which said: $(cat "$dir/$3.err")"
  expect_eq "$4" "$(cat "$dir/$3.out")" "what $3 printed"
}

redis_start

# ---- the command line ------------------------------------------------------------------------

expect_exit 1 "$leat" job wait nobody
expect_match 'no record of job nobody' "$(cat "$dir/err")" 'an id without a record'
expect_exit 124 "$leat" job wait nobody --timeout 100ms
expect_match 'time is over: job nobody has no record' "$(cat "$dir/err")" 'who is not there'
expect_exit 64 "$leat" job wait 'no id'
record a done result '{"n": 1}'
expect_exit 0 "$leat" job wait a
expect_eq $'a\tdone\t{"n": 1}' "$(cat "$dir/out")" 'an end of before'
expect_exit 0 "$leat" job wait a --json
expect_match '^\{"id":"a","queue":"default","state":"done","at_ms":[0-9]+,"result":\{"n": 1\}\}$' \
  "$(cat "$dir/out")" 'as JSON'
expect_exit 0 "$leat" job get a
expect_match '"state":"done"' "$(cat "$dir/out")" 'job get of a tracked job'
expect_exit 1 "$leat" job get nobody
ok 'an end of before is told at once, and so is an unknown id'

record a queued
record b queued
begin both "$leat" job wait a b
both=$child
begin twin "$leat" job wait a
twin=$child
begin any "$leat" job wait a b --any
any=$child
await_waiters 3
record b dead attempt 3 error 'no such file'
ended "$any" 1 any $'b\tdead\tno such file'
record a running attempt 1 progress '{"percent":50}'
record a done result '"x"'
ended "$twin" 0 twin $'a\tdone\t"x"'
ended "$both" 1 both $'b\tdead\tno such file\na\tdone\t"x"'
expect_exit 0 "$leat" job wait a nobody --any
expect_eq $'a\tdone\t"x"' "$(cat "$dir/out")" 'any, with one that has no record behind'
expect_exit 0 "$leat" job wait nobody a --any
expect_eq $'a\tdone\t"x"' "$(cat "$dir/out")" 'any, with one that has no record in front'
expect_exit 1 "$leat" job wait b nobody --any
expect_eq $'b\tdead\tno such file' "$(cat "$dir/out")" 'any, which is dead'
expect_exit 1 "$leat" job wait nobody noone --any
expect_match 'no record of job' "$(cat "$dir/err")" 'any of those without a record'
ok 'several wait for one job, one for several, one for any'

record c queued
expect_exit 124 "$leat" job wait a c --timeout 200ms
expect_eq $'a\tdone\t"x"' "$(cat "$dir/out")" 'what ended before time was over'
expect_match '1 of 2 jobs have not ended' "$(cat "$dir/err")" 'what did not'
ok 'a time-out ends with 124'

# asked: commands that Redis has run so far.
asked() { redis_cli info stats | sed -n 's/^total_commands_processed:\([0-9]*\).*/\1/p'; }
# is_silent S: is Redis asked for nothing while so many seconds pass, but by the one who counts?
is_silent() {
  local before
  before=$(asked)
  sleep "$1"
  [ "$(asked)" = $((before + 1)) ]
}
begin quiet "$leat" job wait c
quiet=$child
await_waiters 1
await 'is_silent 5' 30 '5 s without a command'
record c done
ended "$quiet" 0 quiet $'c\tdone\t'
ok 'Redis is asked for nothing while it waits'

# ---- pushing and waiting ---------------------------------------------------------------------

begin push "$leat" push mail to=a --id m1 --wait=60s
push=$child
await 'grep -q m1 "$dir/push.out"' 30 'the push'
expect_match '"track":true' "$(redis_cli lindex leat:default 0)" 'the pushed job'
record m1 done result '{"sent":true}'
ended "$push" 0 push $'m1\n{"sent":true}'
begin run "$leat" run mail to=a --id m2 --wait=60s
run=$child
await '[ "$(redis_cli llen leat:default)" = 2 ]' 30 'the second push'
record m2 dead error 'mailbox full'
ended "$run" 1 run ''
expect_match 'job m2 is dead: mailbox full' "$(cat "$dir/run.err")" 'how it failed'
begin cancelled "$leat" run mail to=a --id m3 --wait=60s --json
cancelled=$child
await '[ "$(redis_cli llen leat:default)" = 3 ]' 30 'the third push'
record m3 cancelled
await "! child_alive $cancelled" 30 'it to end'
expect_match '"state":"cancelled"' "$(cat "$dir/cancelled.out")" 'a cancelled job, as JSON'
expect_exit 124 "$leat" run mail to=a --id m4 --wait=200ms
expect_match 'job m4 has no' "$(cat "$dir/err")" 'the job that waits'
record m5 later error 'no handler for mail'
expect_exit 124 "$leat" job wait m5 --timeout 2s
expect_match 'job m5 has not ended, its state is later: no handler for mail' "$(cat "$dir/err")" 'why'
expect_exit 1 "$leat" job get untracked
expect_match 'neither dead .*pushed with --track' "$(cat "$dir/err")" 'a job without a record'
expect_exit 64 "$leat" push --ndjson --wait /dev/null
expect_exit 64 "$leat" run mail --wait=soon
ok 'push --wait and run print the result and end as the job did'

# ---- what is cut -----------------------------------------------------------------------------

cut_waiters() {
  local id
  for id in $(redis_cli client list | sed -n 's/^id=\([0-9]*\) .*name=leat-waiter .*/\1/p'); do
    redis_cli client kill id "$id" >"$dir/killed"
  done
}

record d queued
begin survivor "$leat" job wait d
survivor=$child
for i in 1 2 3; do
  await_waiters 1
  cut_waiters
  record d running attempt "$i"
done
await_waiters 1
redis_kill9
redis_start
await_waiters 1
redis_stop
redis_start
await_waiters 1
record d done result 1
ended "$survivor" 0 survivor $'d\tdone\t1'
ok 'cut connections, a killed Redis and one that restarts are survived'

record e queued
wire=$dir/proxy.sock
child_start proxy "$LEAT_BIN/leat-proxy" --listen "$wire" --to "$socket" --word XREAD \
  --direction to-client --fault close
await 'grep -q ^listening "$dir/proxy.log"' 10 'the proxy to listen'
begin wired "$leat" job wait e --redis "unix://$wire"
wired=$child
await_waiters 1
record e running
await 'grep -q ^close "$dir/proxy.log"' 30 'the proxy to cut the answer'
record e done result 2
ended "$wired" 0 wired $'e\tdone\t2'
ok 'an answer that is cut off in the wire is read again'

# ---- over HTTP -------------------------------------------------------------------------------

child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")

# ask PATH: the status and the body.
ask() { http_get "$port" "$1" | tr -d '\r' | sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p; /^$/,$p' | tr -d '\n'; }
# asks NAME PATH: the same in the background, into $dir/NAME.out.
asks() {
  child_start "$1" bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" "$2" >&3; cat <&3 >"$3"' \
    - "$port" "$2" "$dir/$1.out"
}

expect_match '^404' "$(ask /api/v1/jobs/nobody)" 'an unknown id'
expect_match '^404' "$(ask /api/v1/jobs/nobody?wait=100ms)" 'the same, waited for'
expect_match '^400' "$(ask /api/v1/jobs/nobody?wait=61)" 'a wait that is too long'
expect_match '^404.*dead' "$(ask /api/v1/jobs/dead:1:nobody?wait=1)" 'a handle of nobody'
expect_match '^200\{"id":"a","queue":"default","state":"done",.*"result":"x"\}$' \
  "$(ask /api/v1/jobs/a)" 'a record'
expect_match '^404' "$(ask '/api/v1/jobs/a?queue=other')" 'the id in another queue'
record f queued
expect_match '^200.*"state":"queued"' "$(ask /api/v1/jobs/f?wait=200ms)" 'one that has not ended'

# looked: records that were looked up so far.
looked() { redis_cli info commandstats | sed -n 's/^cmdstat_xrevrange:calls=\([0-9]*\),.*/\1/p'; }
before=$(looked)
asks first /api/v1/jobs/f?wait=60
first=$child
await_waiters 1
asks second /api/v1/jobs/f?wait=60
second=$child
asks third /api/v1/jobs/g?wait=60
third=$child
asks gone /api/v1/jobs/f?wait=60
await '[ "$(looked)" = $((before + 4)) ]' 30 'all to be looked up'
child_stop "$child" KILL # its reader goes away
await_waiters 1
await 'is_silent 1' 30 'a second without a command'
cut_waiters
await_waiters 1
record g running
record g done result '{}'
record f dead error 'x'
for name in first second third; do
  await "! child_alive ${!name}" 30 "the $name answer"
done
expect_match '"state":"dead".*"error":"x"' "$(cat "$dir/first.out")" 'the first answer'
expect_match '"state":"dead".*"error":"x"' "$(cat "$dir/second.out")" 'the second answer'
expect_match '"id":"g".*"state":"done".*"result":\{\}' "$(cat "$dir/third.out")" 'the third answer'
expect_eq 1 "$(redis_cli client list | grep -c name=leat-waiter)" 'connections for all who waited'
ok 'HTTP clients wait on one connection'

before=$(looked)
http_crowd 64 "$port" '/api/v1/jobs/nobody?wait=60'
await '[ "$(looked)" = $((before + 64)) ]' 30 'all to be looked up'
expect_match '^503' "$(ask '/api/v1/jobs/nobody?wait=100ms')" 'one too many'
http_crowd_leaves
await '[[ $(ask "/api/v1/jobs/nobody?wait=100ms") = 404* ]]' 20 'room again'
ok 'who has gone makes room for others'

record h queued
asks stopped /api/v1/jobs/h?wait=60
stopped=$child
await_waiters 1
redis_stop
await "[[ \$(ask /api/v1/jobs/h?wait=1) = 503* ]]" 30 'a 503 while Redis is away'
redis_start
await_waiters 1
record h done
await "! child_alive $stopped" 30 'the answer'
expect_match '"state":"done"' "$(cat "$dir/stopped.out")" 'the answer after a restart'
ok 'HTTP clients wait through a restart of Redis'

# ---- a real worker ---------------------------------------------------------------------------

redis_cli flushall >"$dir/flushed"
handler double <<'X'
read -r args
printf '{"progress":{"percent":50}}\n{"result":{"of":%s}}\n' "$args" >&3
X
handler refuse <<'X'
echo '{"error":"never","retry":false}' >&3
X
handlers_start
expect_exit 0 "$leat" run double n:=4 --wait=60s
expect_eq '{"of":{"n":4}}' "$(cat "$dir/out")" 'the result of a job'
expect_exit 1 "$leat" run refuse --wait=60s
expect_match 'is dead: never' "$(cat "$dir/err")" 'how it died'
expect_exit 0 "$leat" push double n:=5 --id soon --in 200ms --wait=60s
expect_eq $'soon\n{"of":{"n":5}}' "$(cat "$dir/out")" 'one that was scheduled'
printf '{"type":"double","id":"line-%s","track":true,"args":%s}\n' 1 1 2 2 |
  "$leat" push --ndjson 2>"$dir/err"
expect_exit 0 "$leat" job wait line-1 line-2 --timeout 60s
expect_match '"state":"done",.*"attempt":1,"result":\{"of":2\}' "$(ask /api/v1/jobs/line-2?wait=60)" \
  'a line, over HTTP'
printf '{"type":"double","id":"web","track":true,"args":[]}' >"$dir/job"
expect_match '^HTTP/1.1 202 ' "$(http_send "$port" POST /api/v1/jobs "$dir/job")" 'a push over HTTP'
expect_match '"result":\{"of":\[\]\}' "$(ask /api/v1/jobs/web?wait=60)" 'its result'
expect_exit 0 "$leat" run increment counter=a --wait=60s
ok 'jobs that a worker runs are tracked by whoever pushed them'

# The three come in one lease. What the first has done is settled: that ends the lease, for a
# Redis that takes no writes meanwhile. The last begins before it is told of the next lease.
worker_stop
handler_of in_turn 'kind = lines' "command = {\"sh\", \"$bin/in_turn\"}"
cat >"$bin/in_turn" <<X
while read -r call; do
  job=\${call#*'"job":"'}
  case \$call in
    *'"id":"first"'*) '$(command -v redis-cli)' -s '$socket' client pause 4000 write >&2 ;;
    *'"id":"second"'*)
      looks=0
      until '$(command -v redis-cli)' -s '$socket' client list | grep 'name=leat-worker .*flags=b' >&2 ||
        [ \$((looks += 1)) = 100 ]; do :; done
      ;;
    *'"id":"third"'*) until [ -e '$dir/go' ]; do sleep 0.05; done ;;
  esac
  echo '{"job":"'"\${job%%\"*}"'"}'
done
X
handlers_start -p 0
for ((i = 0; i < 100; i++)); do echo '{"type":"in_turn","args":{}}'; done | "$leat" push --ndjson 2>"$dir/err"
await '[ "$(tally done)" -ge 100 ] && [ "$(size lease)" = 0 ]' 30 'its time to be known'
"$leat" queue pause default 2>"$dir/err"
printf '{"type":"in_turn","id":"%s","track":true,"args":{}}\n' first second third | "$leat" push --ndjson 2>"$dir/err"
"$leat" queue resume default 2>"$dir/err"
await 'grep -q "job started. id=third " "$(worker_log)"' 60 'the last one to begin'
redis_cli client unpause >"$dir/out"
await '"$leat" job get third | grep -q "\"state\":\"running\""' 30 'the record of the one that runs'
touch "$dir/go"
expect_exit 0 "$leat" job wait first second third --timeout 60s
ok 'one that begins while its neighbours are settled is told to run'
