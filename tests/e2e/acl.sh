#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Redis users of docs/operating-redis.md, taken from the page itself: each program does its
# work as its user and is refused nothing, and a user can do no more than that.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

page=$(dirname "$0")/../../docs/operating-redis.md
# as USER COMMAND…: with that user's address.
as() {
  local user=$1
  shift
  LEAT_REDIS="unix://leat-$user:password@$socket" "$@"
}

may() { as "$@" >"$dir/out" 2>"$dir/err" || fail "$*: $(tail -n 1 "$dir/err")"; }

# may_not USER WORDS…: this Redis command is refused for want of rights.
may_not() {
  local user=$1
  shift
  expect_match NOPERM "$(redis_cli --user "leat-$user" --pass password --no-auth-warning "$@" 2>&1)" \
    "the right of $user to $*"
}

# web METHOD PATH [BODY]: the dashboard answers with a status of 2xx.
web() {
  local fd answer body=${3-}
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" "${#body}" "$body" >&"$fd"
  answer=$(cat <&"$fd")
  exec {fd}>&-
  expect_match '^HTTP/1.1 2' "$answer" "$1 $2"
}

programs_start() {
  echo /page >"$dir/pages"
  origin_start --pages "$dir/pages"
  copy=${origin//:/%3A}
  copy=${copy//\//%2F}%2Fpage
  as worker child_start worker "$leat" worker -p 0 --lease 2s --allow-net 127.0.0.0/8
  worker=$child
  as dashboard child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
  await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
  port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
}

producers_push() {
  as lpush redis-cli -s "$socket" --user leat-lpush --pass password --no-auth-warning \
    LPUSH leat:default '{"type":"increment","args":{"counter":"a"}}' junk \
    '{"type":"increment","args":{"counter":7}}' >"$dir/out"
  may producer "$leat" push increment counter=a
  may producer "$leat" push increment counter=a --in 10ms
  seq 1000 | may producer "$leat" push --lines increment --arg counter
  may producer "$leat" push refresh "url=$origin/page"
  may producer "$leat" push refresh url=http://127.0.0.1:1/ --retries 1
}

worker_is_killed() {
  may producer "$leat" push refresh "url=$origin/slow?ms=1000"
  await '[ "$(size lease)" = 1 ]' 10 'the slow job to run'
  child_stop "$worker" KILL
  as worker child_start worker "$leat" worker --lease 2s --allow-net 127.0.0.0/8
  await '[ "$(tally recovered)" = 1 ]' 20 'its job to come back'
}

readers_read() {
  local command
  for command in status workers health doctor fsck 'queue ls' 'queue get default' 'job ls' \
    'job ls --state bad' 'counter ls' 'counter top' 'counter get a' 'cache ls'; do
    as reader "$leat" $command >"$dir/out" 2>"$dir/err" ||
      [[ $command = doctor ]] || fail "$command: $(tail -n 1 "$dir/err")"
  done
}

# waiters: connections that wait for records.
waiters() { redis_cli client list | grep name=leat-waiter | grep -c flags=b || true; }

# Two that wait one after the other over HTTP: the second ends the block of the first.
tracked_jobs_are_waited_for() {
  local id
  for id in t1 t2; do redis_cli xadd "$(key "t:$id")" '*' state running >"$dir/added"; done
  child_start waiting bash -c '
    for id in t1 t2; do
      exec 3<>"/dev/tcp/127.0.0.1/$1"
      printf "GET /api/v1/jobs/$id?wait=60 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" >&3
      cat <&3 &
    done
    wait' - "$port"
  await '[ "$(waiters)" = 1 ]' 20 'the dashboard to wait'
  for id in t1 t2; do redis_cli xadd "$(key "t:$id")" '*' state done >"$dir/added"; done
  await '! child_alive "$child"' 20 'both answers'
  expect_eq 2 "$(grep -c '"state":"done"' "$dir/waiting.log")" 'both answers'
  for user in producer reader dashboard; do may "$user" "$leat" job wait t1 t2; done
}

# One that a worker finds, who reads, asks and tells, and one that waits for its time.
jobs_are_cancelled() {
  local before
  before=$(tally cancelled)
  expect_exit 1 as dashboard "$leat" job cancel never
  may producer "$leat" push increment counter=a --id never
  await '[ "$(tally cancelled)" = $((before + 1)) ]' 20 'the cancelled job'
  await '[ "$(size cancel)" = 0 ]' 20 'its cancel to be used up'
  may producer "$leat" push increment counter=a --id once --in 1h
  web POST /api/v1/jobs/once:cancel
  expect_eq $((before + 2)) "$(tally cancelled)" 'the scheduled job, too'
}

# handle STATE: the newest job's.
handle() { "$leat" job ls --state "$1" --limit 1 | cut -f1; }

dashboard_serves() {
  local path
  for path in / /status /metrics /readyz /counters /counters/a "/cache/$copy" \
    /api/v1/{overview,queues,queues/default,counters,cache} \
    /api/v1/jobs?state={dead,bad,failed,scheduled,retrying,ready}; do
    web GET "$path"
  done
  web GET "/api/v1/jobs/$(handle dead)"
  web POST "/api/v1/jobs/$(handle dead):retry"
  web DELETE "/api/v1/jobs/$(handle bad)"
  web POST /api/v1/jobs '{"type":"increment","args":{"counter":"b"}}'
  web POST '/api/v1/jobs?in=10ms' '{"type":"increment","args":{"counter":"b"}}'
  web POST /api/v1/jobs:bulk '{"type":"increment","args":{"counter":"b"}}'
  web POST /counters/b
  web DELETE /counters/b
  web DELETE /counters
  web DELETE "/cache/$copy"
}

operators_operate() {
  may dashboard "$leat" job retry --all --state dead
  may dashboard "$leat" job rm --all --state bad --yes
  web POST /counters/a
  may dashboard "$leat" counter rm a
  as dashboard expect_exit 1 "$leat" cache rm nothing
  may dashboard "$leat" queue pause default
  may producer "$leat" push increment counter=a
  may dashboard "$leat" queue purge default --yes
  may dashboard "$leat" queue resume default
}

nobody_was_refused() {
  redis_cli --raw acl log 100 |
    awk '/^object$/ { getline object } /^username$/ { getline; print $0, object }' |
    sort -u >"$dir/refused"
  expect_eq '' "$(cat "$dir/refused")" 'what Redis refused'
}

grep '^user leat-' "$page" >"$dir/users.acl"
expect_eq 5 "$(wc -l <"$dir/users.acl")" 'users on the page'
echo 'user default on nopass ~* &* +@all' >>"$dir/users.acl"
redis_start --aclfile "$dir/users.acl"
programs_start

producers_push
await '[ "$(size dead)" = 1 ] && [ "$(tally done)" -ge 1004 ]' 20 'the jobs to be done'
worker_is_killed
producers_push
await '[ "$(tally done)" -ge 2009 ]' 20 'the jobs to be done again'
ok 'producers and workers do their work as their users'
readers_read
dashboard_serves
operators_operate
tracked_jobs_are_waited_for
jobs_are_cancelled
ok 'readers read, and the dashboard acts'
nobody_was_refused
ok 'nothing was refused'

redis_cli set secret x >"$dir/out"
for user in lpush producer worker reader dashboard; do
  may_not "$user" get secret
  may_not "$user" flushall
  may_not "$user" config set maxmemory 1
  may_not "$user" keys '*'
done
may_not lpush lrange leat:default 0 -1
may_not reader lpush leat:default x
may_not producer lrange leat:default 0 -1
ok 'no user can do more than its work'
