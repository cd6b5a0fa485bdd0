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
  expect_eq "$want" "$code" "status of $1 $2 ($body)"
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

child_stop "$dashboard"
expect_eq 0 "$status" 'the exit status of the dashboard'
