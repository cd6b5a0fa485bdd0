#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The JSON API: what rests in a queue is listed and searched within bounds, pushed again and
# removed; what strangers wrote is shown as text. Failures are real ones, of a real worker.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

# call METHOD PATH [HEADER]: the answer goes to $code, $dir/head and $dir/body.
call() {
  local fd
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n%s\r\n' "$1" "$2" "$port" \
    "${3:+$3$'\r\n'}" >&"$fd"
  cat <&"$fd" >"$dir/answer"
  exec {fd}>&-
  sed '/^\r$/,$d' "$dir/answer" | tr -d '\r' >"$dir/head"
  sed '1,/^\r$/d' "$dir/answer" >"$dir/body"
  code=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$dir/head")
}

expect() {
  call "${@:2}"
  expect_eq "$1" "$code" "status of $2 $3 ($(head -c 300 "$dir/body"))"
}

# json EXPRESSION: of the document j in $dir/body, as Redis' own JSON reader decodes it.
json() {
  redis_cli -x --raw eval "local j = cjson.decode(ARGV[1]) return tostring($1)" 0 <"$dir/body"
}

# seen PATH EXPRESSION WANT: for await.
seen() {
  call GET "$1"
  [ "$(json "$2")" = "$3" ]
}

expect_json() { expect_eq "$2" "$(json "$1")" "$1 of the answer"; }

dashboard_start() {
  child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
  dashboard=$child
  await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
  port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
}

queues_are_listed() {
  "$leat" push increment counter=a >/dev/null
  expect 200 GET /api/v1/queues
  expect_match 'Content-Type: application/json' "$(cat "$dir/head")" 'the headers'
  expect_match 'nosniff' "$(cat "$dir/head")" 'the headers'
  expect_json 'j.queues[1].name .. " " .. j.queues[1].ready' 'default 1'
  expect 200 GET /api/v1/queues/default
  expect_json 'j.name .. " " .. j.ready' 'default 1'
  expect 404 GET /api/v1/queues/nobody
  expect_match 'problem\+json' "$(cat "$dir/head")" 'the headers'
  ok 'queues are listed and found'
}

waiting_jobs_are_listed() {
  "$leat" push increment counter=b >/dev/null
  "$leat" push increment counter=c --in 1h >/dev/null
  expect 200 GET '/api/v1/jobs?state=ready'
  expect_json '#j.jobs' 2
  expect_json 'cjson.decode(j.jobs[1].payload).args.counter' a
  expect_json 'j.jobs[1].type' increment
  expect_json 'j.searched .. j.of .. tostring(j.complete)' 22true
  expect 200 GET '/api/v1/jobs?state=ready&limit=1'
  expect_json '#j.jobs .. tostring(j.complete)' 1false
  expect 200 GET '/api/v1/jobs?state=scheduled'
  expect_json 'cjson.decode(j.jobs[1].payload).args.counter' c
  expect_json 'j.jobs[1].due_ms > j.at_ms + 3590000 and j.jobs[1].due_ms < j.at_ms + 3600001' true
  expect 200 GET '/api/v1/jobs?state=retrying'
  expect_json '#j.jobs .. " " .. j.searched .. " " .. j.of' '0 1 1'
  ok 'what waits is listed, the next first'
}

failures_are_listed() {
  printf '{"type":"refresh","args":{"url":"%s/status/500?a"},"retry":{"policy":"fixed","base_ms":3600000}}' "$origin" |
    redis_cli -x lpush leat:default >/dev/null
  await 'seen "/api/v1/jobs?state=failed" "#j.jobs >= 1" true' 10 'the failure'
  expect_json 'j.jobs[1].outcome .. j.jobs[1].fails .. j.jobs[1].type' retry1refresh
  expect_json 'j.jobs[1].handle' nil
  expect_match 500 "$(json 'j.jobs[1].error')" 'the error'
  expect_json 'j.jobs[1].at_ms > j.at_ms - 60000 and j.jobs[1].at_ms <= j.at_ms' true
  expect 200 GET '/api/v1/jobs?state=retrying'
  expect_json '#j.jobs .. j.jobs[1].type .. j.jobs[1].fails' 1refresh1
  "$leat" push refresh "url=$origin/status/404?b" >/dev/null
  await 'seen "/api/v1/jobs" "#j.jobs" 1' 10 'the dead job'
  expect_json 'j.state .. " " .. j.queue' 'dead default'
  handle=$(json 'j.jobs[1].handle')
  expect_match '^dead:[0-9]+:' "$handle" 'the handle'
  expect 200 GET '/api/v1/jobs?state=failed'
  expect_json 'j.jobs[1].outcome .. " " .. j.jobs[1].handle' "dead $handle"
  expect 200 GET '/api/v1/jobs?state=failed&type=mail'
  expect_json '#j.jobs' 0
  expect_exit 0 "$leat" job ls --state failed
  expect_match $'\tdead\trefresh\t1\t.*404.*\n.*\tretry\trefresh\t1\t.*500' "$(cat "$dir/out")" 'leat job ls'
  expect_eq "${handle#dead:*:}" "$(head -n 1 "$dir/out" | cut -f1)" 'the iid in leat job ls'
  expect_exit 64 "$leat" job ls --state lost
  ok 'failed runs are told of, and which of their jobs are dead'
}

what_a_failed_run_wrote_is_told() {
  local grumbler
  "$leat" push grumble --retries 0 >/dev/null
  redis_cli lpush leat:default '{"type":"grumble","args":{},"retry":{"policy":"fixed","base_ms":3600000}}' >/dev/null
  await 'seen "/api/v1/jobs?state=failed&type=grumble" "#j.jobs" 2' 20 'both failures'
  expect_json 'j.jobs[1].stderr .. j.jobs[2].stderr' $'<b>last\nwords\n<b>last\nwords' # $() drops the last line's end
  expect_json 'j.jobs[1].stdout' nil
  expect_json 'j.jobs[2].error' 'exit 1: words'
  expect 200 GET '/api/v1/jobs?type=grumble'
  expect_json '#j.jobs' 1
  grumbler=$(json 'j.jobs[1].handle')
  expect 200 GET "/api/v1/jobs/$grumbler"
  expect_json 'j.stderr .. " " .. tostring(j.stdout) .. " " .. j.type' $'<b>last\nwords\n nil grumble'
  redis_cli del '{leat:default}:fail' >/dev/null
  expect 200 GET "/api/v1/jobs/$grumbler"
  expect_json 'tostring(j.stderr) .. j.handle' "nil$grumbler"
  redis_cli set '{leat:default}:fail' foreign >/dev/null
  expect 200 GET "/api/v1/jobs/$grumbler"
  redis_cli del '{leat:default}:fail' >/dev/null
  expect 204 DELETE "/api/v1/jobs/$grumbler"
  ok 'what a program wrote last is told with its failure, and with the dead job while the log has it'
}

retry_runs_it_again() {
  local ran died_ms
  ran=$(origin_asked '/status/404?b')
  died_ms=${handle#dead:}
  expect 200 POST "/api/v1/jobs/$handle:retry"
  expect_json 'tostring(j.retried) .. " " .. j.handle' "true $handle"
  expect 404 POST "/api/v1/jobs/$handle:retry"
  await '[ "$(size dead)" = 1 ]' 10 'the job to die again'
  expect_eq $((${ran//[^0-9]/} + 1)) \
    "$(origin_asked '/status/404?b')" 'requests of the page'
  expect 200 GET '/api/v1/jobs?state=failed'
  expect_json 'j.jobs[1].handle ~= nil and j.jobs[2].handle == nil' true
  expect_json "tonumber(string.match(j.jobs[1].handle, '%d+')) > ${died_ms%%:*}" true
  expect 200 POST "/api/v1/jobs/${died_ms#*:}:retry"
  await '[ "$(tally dead)" = 3 ]' 10 'the job, named by its iid, to die once more'
  ok 'a retried job really runs again; its old failure has no handle any more'
}

remove_removes() {
  expect 200 GET /api/v1/jobs
  handle=$(json 'j.jobs[1].handle')
  expect 200 GET "/api/v1/jobs/$handle"
  expect_json 'j.state .. " " .. j.handle' "dead $handle"
  expect 403 DELETE "/api/v1/jobs/$handle" 'Origin: http://evil.example.org'
  expect 403 POST "/api/v1/jobs/$handle:retry" 'Sec-Fetch-Site: cross-site'
  expect_eq 1 "$(size dead)" 'dead jobs after requests of another site'
  expect 204 DELETE "/api/v1/jobs/$handle"
  expect_eq '' "$(cat "$dir/body")" 'the body of a 204'
  expect 404 DELETE "/api/v1/jobs/$handle"
  expect 404 GET "/api/v1/jobs/$handle"
  expect_eq 0 "$(size dead)" 'dead jobs'
  expect_eq 1 "$(tally removed)" 'the count of removed jobs'
  ok 'a removed job is gone'
}

# What strangers push: markup, controls, bytes that reorder or are no text, 64 KiB.
strangers_are_shown_as_text() {
  local long
  printf '<img src=x onerror=alert(1)>\033[2J\342\200\256evil\377' |
    redis_cli -x lpush leat:default >/dev/null
  await 'seen "/api/v1/jobs?state=bad" "#j.jobs" 1' 10 'the quarantine'
  expect_json 'j.jobs[1].payload' '<img src=x onerror=alert(1)>\x1b[2J\xe2\x80\xaeevil\xff'
  expect_json 'j.jobs[1].payload_bytes' 40
  expect_match 'not JSON' "$(json 'j.jobs[1].error')" 'the reason'
  expect_eq '' "$(tr -d '\40-\176\n' <"$dir/body")" 'bytes that are no visible ASCII'
  handle=$(json 'j.jobs[1].handle')
  expect 200 POST "/api/v1/jobs/$handle:retry"
  await '[ "$(tally bad)" = 2 ]' 10 'it to be quarantined again'
  expect 204 DELETE "/api/v1/jobs/$handle"
  expect_eq 0 "$(size bad)" 'entries in quarantine'

  long=$(printf 'é%.0s' {1..30000})
  printf '{"type":"refresh","args":{"url":"%s/status/404?c","x":"%s"}}' "$origin" "$long" |
    redis_cli -x lpush leat:default >/dev/null
  await 'seen "/api/v1/jobs" "#j.jobs" 1' 10 'the long job to die'
  expect_json 'j.jobs[1].payload_bytes > 60000 and #j.jobs[1].payload < 1100' true
  handle=$(json 'j.jobs[1].handle')
  expect 200 GET "/api/v1/jobs/$handle"
  expect_json '#j.payload == j.payload_bytes' true
  expect 200 GET '/api/v1/jobs?state=failed&type=refresh&limit=1'
  expect_json 'j.jobs[1].payload_bytes > 60000 and #j.jobs[1].payload < 1100' true
  expect_match '…$' "$(json 'j.jobs[1].payload')" 'the cut payload'
  expect 204 DELETE "/api/v1/jobs/$handle"
  ok 'markup, controls, reordering, no UTF-8 and 64 KiB are shown as text, whole or cut'
}

bad_requests_are_told() {
  local path
  for path in '/jobs?state=lost' '/jobs?limit=0' '/jobs?limit=201' '/jobs?limit=x' \
    '/jobs?queue=a/b' '/jobs?queue=' '/counters?limit=1001' '/cache?limit=-1' '/jobs/x?queue=a%20b' \
    "/jobs?type=$(printf 'x%.0s' {1..65})"; do
    expect 400 GET "/api/v1$path"
    expect_match 'problem\+json' "$(cat "$dir/head")" "the headers of $path"
  done
  for path in dead:1:nobody bad:0123456789abcdef nobody dead: %FF%FE '%3Cb%3E'; do
    expect 404 GET "/api/v1/jobs/$path"
    expect 404 POST "/api/v1/jobs/$path:retry"
    expect 404 DELETE "/api/v1/jobs/$path"
  done
  expect 404 POST /api/v1/jobs/dead:1:nobody
  expect 405 DELETE /api/v1/queues/default
  ok 'bad parameters are 400, unknown handles 404'
}

# 12,000 dead jobs, of which none has the type that is asked for.
searching_is_bounded() {
  seq 1 12000 | awk '{ printf "ZADD {leat:many}:dead %d \"R1 m.%d 0 1\\n{\\\"type\\\":\\\"mail\\\",\\\"args\\\":%d}\"\n",
    1000000 + $1, $1, $1 }' | redis_cli >/dev/null
  expect 200 GET '/api/v1/jobs?queue=many&type=nobody'
  expect_json '#j.jobs .. " " .. j.searched .. " " .. j.of .. " " .. tostring(j.complete)' '0 10000 12000 false'
  expect 200 GET '/api/v1/jobs?queue=many&limit=200&type=mail'
  expect_json '#j.jobs .. " " .. j.searched .. " " .. j.jobs[1].iid' '200 200 m.12000'
  expect 200 GET '/api/v1/jobs?queue=many'
  expect_json '#j.jobs' 50
  expect 404 GET '/api/v1/jobs/m.1?queue=many'
  expect 200 GET '/api/v1/jobs/dead:1000001:m.1?queue=many'
  ok 'a search reads 10,000 entries and says so; a handle with its time is found beyond'
}

scan_calls() { redis_cli info commandstats | sed -n 's/^cmdstat_hscan:calls=\([0-9]*\),.*/\1/p'; }

# As many as no look reads to the end.
looks_are_bounded() {
  redis_cli eval 'for i = 1, 150000 do redis.call("HSET", KEYS[1], "c" .. i, i) end' 1 '{leat:huge}:counters' >/dev/null
  expect 200 GET '/api/v1/counters?queue=huge&limit=1'
  expect_json 'j.scanned >= 100000 and j.scanned < 110000 and j.of == 150000 and not j.complete' true
  redis_cli eval 'for i = 1, 250000 do redis.call("SET", "other:" .. i, "") end' 0 >/dev/null
  expect 200 GET '/api/v1/cache?queue=huge'
  expect_json 'tostring(j.complete) .. #j.copies' false0
  redis_cli eval 'for i = 1, 250000 do redis.call("DEL", "other:" .. i) end' 0 >/dev/null
  redis_cli del '{leat:huge}:counters' >/dev/null
  ok 'looks at counters and copies are bounded, and say so'
}

counters_are_ranked() {
  local scans
  seq 1 3000 | awk '{ print "HSET {leat:many}:counters c" $1 " " $1 }' | redis_cli >/dev/null
  redis_cli hset '{leat:many}:counters' '<b>"&' 9223372036854775807 low -5 text abc >/dev/null
  expect 200 GET '/api/v1/counters?queue=many&limit=3'
  expect_json 'j.counters[1].name .. "=" .. j.counters[1].value' '<b>"&=9223372036854775807'
  expect_json 'j.counters[2].name .. "=" .. j.counters[2].value' c3000=3000
  expect_json '#j.counters .. " " .. j.scanned .. " " .. j.of .. " " .. tostring(j.complete)' '3 3003 3003 true'
  scans=$(scan_calls)
  redis_cli hset '{leat:many}:counters' c1 8000000 >/dev/null
  expect 200 GET '/api/v1/counters?queue=many&limit=1000'
  expect_json '#j.counters .. " " .. j.counters[2].value' '1000 3000'
  expect_eq "$scans" "$(scan_calls)" 'scans while the look is fresh'
  await 'seen "/api/v1/counters?queue=many" "j.counters[2].value" 8000000' 10 'a new look'
  expect_json 'j.age_ms < 5000' true
  expect 200 GET '/api/v1/counters?queue=empty'
  expect_json '#j.counters .. j.scanned .. tostring(j.complete)' 00true
  ok 'the greatest counters come first; a look is shared for five seconds'
}

copies_are_ranked() {
  local key
  "$leat" push refresh "url=$origin/etag/a" >/dev/null
  "$leat" push refresh "url=$origin/etag/b" max_age_ms:=1 >/dev/null
  await '[ "$(redis_cli exists "{leat:default}:cache:$origin/etag/a" "{leat:default}:cache:$origin/etag/b")" = 2 ]' \
    10 'the copies'
  key="{leat:default}:cache:$origin/etag/b"
  redis_cli hset "$key" hits 7 stale 2 misses 1 >/dev/null
  redis_cli hset '{leat:other}:cache:x' body x fetched 1 fresh 1 >/dev/null
  redis_cli set '{leat:default}:cache:foreign' x >/dev/null
  expect 200 GET /api/v1/cache
  expect_json '#j.copies .. " " .. j.scanned .. " " .. tostring(j.complete)' '2 2 true'
  expect_json 'j.copies[1].key' "$origin/etag/b"
  expect_json 'j.copies[1].hits .. j.copies[1].stale .. j.copies[1].misses .. j.copies[1].state' 721stale
  expect_json 'j.copies[2].hits .. j.copies[2].state .. j.copies[2].status' 0fresh200
  expect_json 'j.copies[2].bytes' "$(redis_cli hstrlen "{leat:default}:cache:$origin/etag/a" body)"
  expect_json 'j.copies[2].fetched_ms <= j.at_ms and j.copies[2].fresh_until_ms > j.at_ms
    and j.copies[2].gone_ms > j.copies[2].fresh_until_ms' true
  expect 200 GET '/api/v1/cache?limit=1'
  expect_json '#j.copies' 1
  ok 'kept copies are listed, the most read first'
}

without_redis_it_says_so() {
  local path
  redis_stop
  await 'call GET /api/v1/jobs; [ "$code" = 503 ]' 10 'the API to notice'
  for path in jobs jobs/x counters cache queues queues/default; do
    expect 503 GET "/api/v1/$path"
    expect_match 'Retry-After: 1' "$(cat "$dir/head")" "the headers of $path"
  done
  expect 503 POST /api/v1/jobs/x:retry
  expect 503 DELETE /api/v1/jobs/x
  redis_start
  await 'call GET /api/v1/jobs; [ "$code" = 200 ]' 15 'the API to be back'
  expect 200 GET /api/v1/cache
  ok 'without Redis it is 503, and comes back by itself'
}

# Redis hangs: 16 searches wait for it, the 17th is told to come again.
searches_are_bounded() {
  local i callers=()
  kill -STOP "$redis_pid"
  for i in {1..17}; do
    (http_get "$port" /api/v1/jobs/dead:1:nobody >"$dir/search.$i") &
    callers+=($!)
  done
  await 'grep -q "Too many searches" "$dir"/search.*' 4 'one search to be too many'
  kill -CONT "$redis_pid"
  wait "${callers[@]}"
  expect_eq 1 "$(grep -l ' 503 ' "$dir"/search.* | wc -l)" 'searches refused'
  expect_eq 16 "$(grep -l ' 404 ' "$dir"/search.* | wc -l)" 'searches answered'
  expect 200 GET /api/v1/jobs
  ok 'a bounded number of searches runs at once'
}

# Redis hangs, questions are under way, and the dashboard is told to leave.
leaving_with_questions_open() {
  local path callers=()
  kill -STOP "$redis_pid"
  for path in jobs jobs/x counters cache overview; do
    (http_get "$port" "/api/v1/$path?queue=leaving" >"$dir/late.${path%/*}") &
    callers+=($!)
  done
  await 'for path in jobs overview; do [ -e "$dir/late.$path" ] || false; done' 10 'the questions'
  child_stop "$dashboard"
  kill -CONT "$redis_pid"
  wait "${callers[@]}" || true # one may have come too late to be let in
  expect_eq 0 "$status" 'the exit status of the dashboard'
  expect_eq '' "$(grep -E 'ERROR|leak' "$dir/dashboard.log" || true)" 'what the dashboard left behind'
  ok 'it leaves while Redis hangs, and nothing is left behind'
}

redis_start
echo /page >"$dir/pages"
origin_start --pages "$dir/pages"
dashboard_start
queues_are_listed
waiting_jobs_are_listed
printf '#!/bin/sh\nprintf "<b>last\nwords\n" >&2\nexit 1\n' >"$dir/grumble"
chmod +x "$dir/grumble"
worker_start --allow-net 127.0.0.0/8 --exec "grumble=$dir/grumble"
failures_are_listed
retry_runs_it_again
remove_removes
what_a_failed_run_wrote_is_told
strangers_are_shown_as_text
bad_requests_are_told
searching_is_bounded
counters_are_ranked
copies_are_ranked
looks_are_bounded
worker_stop
without_redis_it_says_so
searches_are_bounded
leaving_with_questions_open
