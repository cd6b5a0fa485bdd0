#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The counter service and the cache service: what a web page gets from /counters and /cache.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

# ask METHOD PATH [HEADER…]: the answer goes to $head (without CRs), $body and $code.
ask() {
  local fd method=$1 path=$2 answer=$dir/answer.$BASHPID
  shift 2
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  { printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n' "$method" "$path"
    [ $# = 0 ] || printf '%s\r\n' "$@"
    printf '\r\n'; } >&"$fd"
  cat <&"$fd" >"$answer"
  exec {fd}>&-
  head=$(sed '/^\r$/,$d' "$answer" | tr -d '\r')
  body=$(sed '1,/^\r$/d' "$answer")
  code=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$head")
}

# expect CODE BODY METHOD PATH [HEADER…]
expect() {
  local want=$1 text=$2
  shift 2
  ask "$@"
  expect_eq "$want" "$code" "status of $1 $2 (${body:0:200})"
  [ "$text" = '*' ] || expect_eq "$text" "$body" "answer to $1 $2"
}

# header NAME: its value in the newest answer.
header() { sed -n "s/^$1: //p" <<<"$head"; }

dashboard_start() {
  child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
  dashboard=$child
  await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
  port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
}

redis_start
dashboard_start

# ---- counters ---------------------------------------------------------------------------

expect 200 0 GET /counters/song:1
expect 200 1 POST /counters/song:1
expect 200 6 POST '/counters/song:1?by=5'
expect 200 4 POST '/counters/song:1?by=-2'
expect 200 4 GET /counters/song:1
expect_eq 'text/plain; charset=utf-8' "$(header Content-Type)" 'type of a count'
expect_eq 4 "$("$leat" counter get song:1)" 'the counter for other programs'
expect 200 0 GET '/counters/song:1?queue=other'
expect 200 7 POST '/counters/song:1?by=7&queue=other'
expect_eq 'default other' "$(redis_cli smembers '{leat}:queues' | sort | paste -sd' ')" 'the queues that are listed'
expect_eq 7 "$(redis_cli hget '{leat:other}:counters' song:1)" 'the counter of another queue'
expect 200 4 GET /counters/song:1
ok 'counters are read and added to, in the queue that was named'

expect 200 1 POST /counters/plays/2026/a%2Cb%3D%25%0A%C3%A9
expect_eq 1 "$(redis_cli hget "$(key counters)" $'plays/2026/a,b=%\n\xc3\xa9')" 'a decoded name'
expect 200 "plays/2026/a%2Cb%3D%25%0Aé=1,song:1=4" GET /counters
expect 200 '{"plays/2026/a,b=%\né":1,"song:1":4}' GET /counters 'Accept: application/json'
expect_eq application/json "$(header Content-Type)" 'type of the list'
expect 200 song:1=4 GET '/counters?prefix=song'
expect 200 '' GET '/counters?prefix=*'
expect 200 '{}' GET '/counters?queue=none' 'Accept: application/json'
expect 200 1 POST /counters/100%2525
expect 200 '100%2525=1' GET '/counters?prefix=100'
long=$(printf 'x%.0s' {1..1024})
expect 200 1 POST "/counters/$long"
expect 400 '*' POST "/counters/${long}x"
expect 400 '*' POST /counters/
expect 400 '*' POST /counters/a%FFb
expect 400 '*' POST /counters/a%00b
redis_cli hset '{leat:raw}:counters' $'\xff' 1 >"$dir/out"
expect 200 '%FF=1' GET '/counters?queue=raw'
expect 200 $'{"\xef\xbf\xbd":1}' GET '/counters?queue=raw' 'Accept: application/json'
ok 'any name of 1 to 1,024 bytes of UTF-8 goes round, and nothing else does'

redis_cli hset "$(key counters)" edge 9223372036854775806 odd text >"$dir/out"
expect 200 9223372036854775807 POST /counters/edge
expect 409 '*' POST /counters/edge
expect_match 'application/problem\+json' "$(header Content-Type)" 'type of a problem'
expect 200 9223372036854775807 GET /counters/edge
expect 200 '{"edge":"9223372036854775807"}' GET '/counters?prefix=e' 'Accept: application/json'
expect 409 '*' POST /counters/odd
expect 409 '*' GET /counters/odd
for by in '' 1.5 9007199254740993 -9007199254740993 '1%20'; do
  expect 400 '*' POST "/counters/song:1?by=$by"
done
expect 400 '*' GET '/counters/song:1?queue=a/b'
expect 400 '*' GET '/counters?queue='
expect 200 4 GET /counters/song:1
ok 'overflow, what is no integer, and bad arguments are refused and change nothing'

adders=()
for _ in 1 2 3 4 5 6 7 8; do
  (for _ in {1..50}; do expect 200 '*' POST '/counters/busy?by=3'; done) &
  adders+=($!)
done
wait "${adders[@]}"
expect 200 1200 GET /counters/busy
ok 'eight clients at once lose no count'

expect 204 '' DELETE /counters/busy
expect 204 '' DELETE /counters/busy
expect 200 0 GET /counters/busy
expect 405 '*' POST /counters
redis_cli eval 'for i = 1, 100001 do redis.call("HSET", KEYS[1], "n" .. i, i) end' 1 "$(key counters)" >"$dir/out"
expect 400 '*' GET /counters
expect_match 'prefix=' "$body" 'what to do about too many'
expect 200 n99999=99999 GET '/counters?prefix=n99999'
expect 204 '' DELETE /counters
expect 200 '' GET /counters
expect 200 7 GET '/counters/song:1?queue=other'
ok 'one counter or all of a queue are removed; a list that is too long is refused'

redis_stop
await 'ask GET /counters/x; [ "$code" = 503 ]' 10 'the dashboard to notice'
expect_eq 1 "$(header Retry-After)" 'when to try again'
expect 503 '*' GET /counters
redis_start
await 'ask GET /counters/x; [ "$code" = 200 ]' 15 'Redis to be back'
ok 'without Redis it is a 503 with Retry-After, and it comes back by itself'

# ---- cached copies ----------------------------------------------------------------------


# refresh PATH KEY [ARG…]: pushes the job.
refresh() { "$leat" push refresh "url=$origin$1" "key=$2" "${@:3}" >>"$dir/ids"; }

kept() { redis_cli --raw hget "{leat:default}:cache:$1" "$2"; }

# counted KEY: hits, stale reads and misses of a copy.
counted() { redis_cli --raw hmget "{leat:default}:cache:$1" hits stale misses | sed 's/^$/0/' | paste -sd' '; }

# hold KEY, let_go KEY: a flight that waits for its retry, so that readers have to.
flight() { echo "c:$(printf %s "{leat:default}:cache:$1" | sha1sum | cut -d' ' -f1)"; }
hold() { redis_cli hset "$(key slot)" "$(flight "$1")" 'x - 99999999999999' >"$dir/out"; }
let_go() { redis_cli hdel "$(key slot)" "$(flight "$1")" >"$dir/out"; }

# grow_stale KEY: its freshness has just ended.
grow_stale() {
  redis_cli hincrby "{leat:default}:cache:$1" fetched -3600001 >"$dir/out"
  redis_cli hincrby "{leat:default}:cache:$1" fresh -3600001 >"$dir/out"
}

echo '/page.html' >"$dir/pages"
origin_start --pages "$dir/pages"
worker_start --allow-net 127.0.0.0/8 -c 8

expect 404 '*' GET /cache/feed
expect 404 '*' GET '/cache/feed?wait=200ms'
expect 404 '*' DELETE /cache/feed
expect 400 '*' GET /cache/
expect 404 '*' GET "/cache/$long$long"
expect 400 '*' GET "/cache/$long${long}x"
expect 400 '*' GET '/cache/feed?wait=61s'
expect 400 '*' GET '/cache/feed?wait=5'
expect 400 '*' GET '/cache/feed?queue=a/b'
expect_eq 0 "$(redis_cli exists "{leat:default}:cache:feed")" 'what a question leaves behind'
ok 'an unknown key is a 404 and leaves nothing'

name='a key: 1/2?é' key='a%20key%3A%201/2%3F%C3%A9'
hold "$name"
(expect 200 /etag/a GET "/cache/$key?wait=60s" && expect_eq miss "$(header X-Cache)" 'a copy waited for') &
waiter=$!
await '[ "$(counted "$name")" = "0 0 1" ]' 20 'the reader that waits'
let_go "$name"
refresh /etag/a "$name" stale_max_ms:=7200000
wait "$waiter"
expect 200 /etag/a GET "/cache/$key"
expect_eq 'hit "constant"' "$(header X-Cache) $(header ETag)" 'a fresh copy'
expect_match '^max-age=3600, stale-while-revalidate=3[56][0-9][0-9]$' "$(header Cache-Control)" 'its freshness'
expect_match '^[0-9]+$' "$(header Age)" 'its age'
expect_eq "sandbox; default-src 'none'" "$(header Content-Security-Policy)" 'what it may do'
expect_eq nosniff "$(header X-Content-Type-Options)" 'what it is'
expect 304 '' GET "/cache/$key" 'If-None-Match: W/"x", W/"constant"'
expect 200 /etag/a GET "/cache/$key" 'If-None-Match: "x"'
expect 200 '' HEAD "/cache/$key"
expect_eq 7 "$(header Content-Length)" 'the length that HEAD tells'
expect_eq '4 0 1' "$(counted "$name")" 'hits, stale, misses of the copy'
expect_eq '4 0 1' "$(tally hits) $(tally stale) $(tally misses)" 'those of the queue'
ok 'a fresh copy is answered at once, with what caches need; 304, HEAD, and exact counts'

# An hour later the page is slow.
refresh '/slow?ms=3000' slow
await '[ -n "$(kept slow body)" ]' 20 'the first copy'
grow_stale slow
for _ in 1 2 3 4 5; do
  expect 200 slow GET /cache/slow
  expect_eq stale "$(header X-Cache)" 'a stale copy'
done
expect_eq 'max-age=3600' "$(header Cache-Control | cut -d, -f1)" 'the freshness it had'
await '[ "$(origin_asked "/slow?ms=3000")" = 2 ]' 10 'the refresh to begin'
expect 200 slow GET /cache/slow
expect_eq stale "$(header X-Cache)" 'the copy while the refresh runs'
await 'ask GET /cache/slow; [ "$(header X-Cache)" = hit ]' 20 'the new copy'
expect_eq 2 "$(origin_asked '/slow?ms=3000')" 'fetches that six stale readers caused'
grow_stale slow
redis_cli hset '{leat:default}:cache:slow' asked "$(date +%s%3N)" >"$dir/out"
expect 200 slow GET /cache/slow
expect_eq 0 "$(size queue)" 'a refresh pushed again within ten seconds'
redis_cli hset '{leat:default}:cache:slow' asked 1 >"$dir/out"
expect 200 slow GET /cache/slow
await '[ "$(origin_asked "/slow?ms=3000")" = 3 ]' 10 'the refresh ten seconds later'
ok 'a stale copy is served at once, and asked for again once in ten seconds'

stales=$(redis_cli hget '{leat:default}:cache:slow' stale)
hits=$(redis_cli hget '{leat:default}:cache:slow' hits)
expect_match "slow.*stale.$hits.$stales.0" "$("$leat" cache ls | grep ^slow)" 'hits and misses in the list'

refresh /status/503 failing
await '[ "$(tally retry)" -ge 1 ]' 20 'the failure'
expect 504 '*' GET /cache/failing
expect 504 '*' GET '/cache/failing?wait=300ms'
expect_eq '0 0 2' "$(counted failing)" 'misses of those who gave up'
ok 'a copy that is still being fetched, or whose retry waits, is a 504'

(expect 200 /etag/early GET '/cache/early?wait=60s') &
waiters=($!)
hold late
for _ in 1 2 3; do
  (expect 200 /etag/late GET '/cache/late?wait=60s') &
  waiters+=($!)
done
await '[ "$(counted late)" = "0 0 3" ]' 20 'the readers that wait'
let_go late
refresh /etag/early early
refresh /etag/late late
wait "${waiters[@]}"
expect 200 /etag/late GET /cache/late
expect_eq '1 0 3' "$(counted late)" 'each reader counted once'
ok 'who waits gets the copy when it lands, also when nobody had asked for it yet'

# An idle worker's bell may have moved it to staging. The retry from above must not come due
# among what waits.
waiting() { for list in queue h; do redis_cli --raw lrange "$(key "$list")" 0 -1; done | sed '/^$/d'; }
redis_cli hset "$(key m)" paused 1 >"$dir/out"
redis_cli del "$(key sched)" "$(key queue)" "$(key h)" >"$dir/out"
redis_cli hset '{leat:default}:cache:page' body '<script>alert(1)</script>' type text/html fetched 1 fresh 2 \
  job '{"id":"x","type":"refresh","expires_at_ms":5,"args":{ "url":"http://a/","key":"page"},"retry":{"max":2},"timeout_ms":9}' >"$dir/out"
expect 200 '<script>alert(1)</script>' GET /cache/page
expect_eq "text/html sandbox; default-src 'none'" \
  "$(header Content-Type) $(header Content-Security-Policy)" 'a page that would run a script'
await '[ -n "$(waiting)" ]' 10 'the refresh to be pushed'
expect_eq '{"type":"refresh","args":{ "url":"http://a/","key":"page"},"retry":{"max":2},"timeout_ms":9}' \
  "$(waiting)" 'the job that asks again'
expect 304 '' GET /cache/page "If-None-Match: $(header ETag)"
redis_cli del "$(key queue)" "$(key h)" >"$dir/out"
redis_cli hdel "$(key m)" paused >"$dir/out"
ok 'a kept page cannot act as the dashboard; what asks again has its args and nothing of that one push'

expect 204 '' DELETE "/cache/$key"
expect 404 '*' GET "/cache/$key"
expect 404 '*' DELETE "/cache/$key"
ok 'DELETE invalidates'

refresh /etag/changed changed
await '[ -n "$(kept changed body)" ]' 20 'a copy'
refresh /etag/changed changed max_age_ms:=0
await '[ "$(origin_asked /etag/changed)" = 2 ]' 20 'the page that changed'
await '[ $(($(kept changed fresh) - $(kept changed fetched))) = 3600000 ]' 10 'its old freshness'
expect 200 /etag/changed GET /cache/changed
expect_eq hit "$(header X-Cache)" 'a copy that was fetched because it changed'
ok '"it changed" leaves the copy as fresh as its own job says'

asking=()
for n in {1..70}; do
  (ask GET '/cache/crowd?wait=60s' && echo "$code" >"$dir/crowd.$n") &
  asking+=($!)
done
await '[ "$(cat "$dir"/crowd.* 2>>"$dir/err" | wc -l)" = 6 ]' 20 'those who were too many'
refresh /etag/crowd crowd
wait "${asking[@]}"
expect_eq '200 503' "$(cat "$dir"/crowd.* | sort -u | paste -sd' ')" 'answers to a crowd'
expect_eq 64 "$(grep -l 200 "$dir"/crowd.* | wc -l)" 'readers that may wait at once'
expect 200 /etag/crowd GET /cache/crowd
ok 'so many may wait, and no more'

# Who looks whether there is room takes some, for a moment: so one more comes each time.
http_crowd 63 "$port" '/cache/nothing?wait=60s'
await 'http_crowd 1 "$port" "/cache/nothing?wait=60s"; ask GET "/cache/nothing?wait=100ms"
  [ "$code" = 503 ]' 20 'one too many'
http_crowd_leaves
await 'ask GET "/cache/nothing?wait=100ms"; [ "$code" = 404 ]' 20 'room again'
ok 'who has gone makes room'

redis_stop
await 'ask GET /cache/slow; [ "$code" = 503 ]' 10 'the dashboard to notice'
redis_start
await 'ask GET /cache/slow; [ "$code" = 200 ]' 15 'Redis to be back'
ok 'copies outlast a Redis that was away'

child_stop "$dashboard"
expect_eq 0 "$status" 'the exit status of the dashboard'
