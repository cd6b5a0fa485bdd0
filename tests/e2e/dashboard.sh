#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The dashboard tells the truth, also about what is wrong.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

get() { http_get "$port" "$1"; }
body() { get "$1" | tr -d '\r' | sed '1,/^$/d'; }
code() { get "$1" | sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p'; }

expect_exit 69 "$leat" dashboard --listen 127.0.0.1:0
expect_match 'LEAT_REDIS' "$(cat "$dir/err")" 'the message without Redis'
ok 'without Redis it says so and exits 69'

redis_start
child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
dashboard=$child
await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")

"$leat" push increment counter=a >"$dir/out"
redis_cli lpush leat:default garbage '{"type":"nobody","args":{}}' >"$dir/out"
expect_match '"code":"no_worker","queue":"default"' "$(body /api/v1/overview)" 'the alarm'
expect_match '"ready":3,' "$(body /api/v1/overview)" 'jobs that wait'
ok 'a queue with jobs and no worker is an alarm'

worker_start
# The overview is at most a second old.
await '[[ $(body /api/v1/overview) =~ \"ready\":0,.*\"bad\":1,.*\"done\":1,.*no_handler ]]' 10 'the jobs to be done'
expect_match 'nobody' "$(body /status)" 'the type without a handler in the text'
expect_match 'leat_jobs_done_total\{queue="default"\} 1' "$(body /metrics)" 'the metric'
expect_match 'version=0.0.4; charset=utf-8' "$(get /metrics)" 'the content type of the metrics'
if command -v promtool >"$dir/out"; then body /metrics | promtool check metrics; fi
ok 'counts, quarantine and the type without a handler are shown'

worker_stop
expect_eq 0 "$status" 'the exit status of a stopped worker'
expect_eq 0 "$(redis_cli hlen '{leat}:workers')" 'records of workers that left'
ok 'a worker that leaves takes its record with it'

# ask HEADER…: / with these headers.
ask() {
  local fd
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n' >&"$fd"
  printf '%s\r\n' "$@" '' >&"$fd"
  tr -d '\r' <&"$fd"
  exec {fd}>&-
}
page=$(get /)
expect_match 'Content-Type: text/html; charset=utf-8' "$page" 'the type of the page'
expect_match "Content-Security-Policy: default-src 'none'; script-src 'self'" "$page" 'its policy'
for file in $(sed -n 's/.*\(href\|src\)="\(page[^"]*\)".*/\2/p' <<<"$page"); do
  expect_eq 200 "$(code "/$file")" "$file, which the page loads"
  for module in $(body "/$file" | sed -n 's/.*from "\.\/\(.*\)";/\1/p'); do
    expect_eq 200 "$(code "/$module")" "$module, which $file loads"
  done
done
expect_eq 404 "$(code /page/nothing.js)" 'a module that is not there'
etag=$(sed -n 's/^ETag: //p' <<<"$(ask)")
expect_match '^HTTP/1.1 304' "$(ask "If-None-Match: $etag")" 'the page, known already'
expect_match '^HTTP/1.1 200' "$(ask 'If-None-Match: "other"')" 'the page, known otherwise'
expect_match 'GET /api/v1/overview' "$(ask 'Accept: text/plain')" 'the list of paths'
expect_match '<!DOCTYPE html>' "$(ask 'Accept: text/html, text/plain')" 'the page for a browser'
ok 'the page and all it loads are there; whoever wants plain text gets the paths'

expect_eq 200 "$(code /livez)" livez
expect_eq 200 "$(code /readyz)" readyz
expect_eq 404 "$(code /nowhere)" 'an unknown path'
redis_stop
await '[ "$(code /readyz)" = 503 ]' 10 'readyz to notice'
expect_eq 200 "$(code /livez)" 'livez without Redis'
expect_match 'leat_redis_up 0' "$(body /metrics)" 'the metrics without Redis'
expect_eq 503 "$(code /api/v1/overview)" 'the overview without Redis'
ok 'without Redis it lives, is not ready, and its metrics say why'

redis_start
await '[ "$(code /readyz)" = 200 ]' 15 'Redis to be back'
await '[[ $(body /api/v1/overview) =~ \"done\":1, ]]' 10 'the same counts'
ok 'it comes back by itself'

child_stop "$dashboard"
expect_eq 0 "$status" 'the exit status of the dashboard'
