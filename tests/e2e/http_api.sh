#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Jobs come in over HTTP: one and many, exactly once, from whoever may, at any pace.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

# dashboard_start NAME ARG…: $port is its port, $dashboard its pid
dashboard_start() {
  local name=$1
  shift
  child_start "$name" "$leat" dashboard "$@"
  dashboard=$child
  await 'grep -q ^dashboard "$dir/'"$name"'.log"' 10 'the dashboard'
  port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/$name.log")
}

# post PATH BODY [HEADER…]: the whole answer; post_file PATH FILE [HEADER…]
post() {
  printf '%s' "$2" >"$dir/body"
  http_send "$port" POST "$1" "$dir/body" "${@:3}"
}
post_file() { http_send "$port" POST "$1" "$2" "${@:3}"; }
code_of() { sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p'; }
body_of() { tr -d '\r' | sed '1,/^$/d'; }
# expect_code CODE WHAT PATH BODY [HEADER…]
expect_code() { expect_eq "$1" "$(post "${@:3}" | code_of)" "$2"; }

expect_exit 78 "$leat" dashboard --listen 127.0.0.1:0 --token-file "$dir/none"
expect_match 'cannot read the token' "$(cat "$dir/err")" 'a token file that is not there'
echo short >"$dir/token"
expect_exit 78 "$leat" dashboard --listen 127.0.0.1:0 --token-file "$dir/token"
expect_match '16 to 256 visible' "$(cat "$dir/err")" 'a token too short'
expect_exit 64 "$leat" dashboard --listen 127.0.0.1:0 --allow-host http://a
ok 'a token file or a name that cannot be used is told'

redis_start --appendfsync always
dashboard_start dashboard --listen 127.0.0.1:0

# Slow clients: what became of them is asked at the end.
# slow NAME PATH: a byte a second, until the server has enough
slow() {
  local fd
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  printf 'POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n' "$2" >&"$fd"
  (while sleep 1; do printf ' ' >&"$fd" || exit 0; done) 2>/dev/null &
  cat <&"$fd" >"$dir/$1.part"
  kill $! 2>/dev/null || true
  exec {fd}>&-
  mv "$dir/$1.part" "$dir/$1"
}
slow slow-job /api/v1/jobs &
slow_pids=($!)
slow slow-bulk /api/v1/jobs:bulk &
slow_pids+=($!)
slow_since=$SECONDS

# ---- one job
job='{ "type":"increment", "id":"one-1", "args":{"counter":"a","by":2}, "x":"\u00e9" }'
answer=$(post /api/v1/jobs "$job")
expect_match '^HTTP/1.1 202 ' "$answer" 'a push'
expect_match 'Location: /api/v1/jobs/one-1' "$answer" 'its place'
expect_eq '{"id":"one-1","queue":"default"}' "$(body_of <<<"$answer")" 'its answer'
expect_eq "$job" "$(redis_cli --raw lindex leat:default 0)" 'the very bytes'
answer=$(post '/api/v1/jobs?queue=other' '{"type":"t","args":null}')
expect_eq '{"id":null,"queue":"other"}' "$(body_of <<<"$answer")" 'a job without an id'
expect_eq '' "$(grep Location <<<"$answer" || true)" 'its place'
expect_eq 1 "$(redis_cli sismember '{leat}:queues' other)" 'the queue by name'
expect_code 202 'a job due in 5 minutes' '/api/v1/jobs?in=5m' "$job"
expect_code 202 'a job due at a time' '/api/v1/jobs?at=2031-01-01T00:00:00Z' "$job"
expect_eq 1924992000000 "$(redis_cli zrevrange "$(key sched)" 0 0 withscores | tail -n 1)" 'when'
expect_eq 2 "$(size sched)" 'jobs scheduled'
ok 'one job is pushed, as it is, now or later'

while IFS='|' read -r want path body; do
  answer=$(post "$path" "$body")
  expect_match '^HTTP/1.1 400 ' "$answer" "$path $body"
  expect_match "$want" "$answer" "$path $body"
done <<'END'
'args' is missing|/api/v1/jobs|{"type":"t"}
not JSON|/api/v1/jobs|type=t
'counter' has 0 bytes|/api/v1/jobs|{"type":"increment","args":{"counter":""}}
is no duration|/api/v1/jobs?in=5|{"type":"t","args":1}
more than ten years|/api/v1/jobs?in=5000d|{"type":"t","args":1}
is no time|/api/v1/jobs?at=tomorrow|{"type":"t","args":1}
exclude each other|/api/v1/jobs?in=5m&at=@1|{"type":"t","args":1}
queue|/api/v1/jobs?queue=a/b|{"type":"t","args":1}
queue|/api/v1/jobs:bulk?queue=|{"type":"t","args":1}
END
head -c 65537 /dev/zero | tr '\0' ' ' >"$dir/large"
expect_eq 413 "$(post_file /api/v1/jobs "$dir/large" | code_of)" 'a job too large'
expect_eq 405 "$(http_get "$port" /api/v1/jobs:bulk | code_of)" 'GET of what takes POST only'
expect_eq 1 "$(size queue)" 'jobs after so many refusals'
ok 'what is no job is refused with its reason'

redis_cli hset '{leat:full}:m' maxlen 2 >"$dir/out"
expect_code 202 'the first' '/api/v1/jobs?queue=full' '{"type":"t","args":1}'
expect_code 202 'the second' '/api/v1/jobs?queue=full' '{"type":"t","args":1}'
answer=$(post '/api/v1/jobs?queue=full' '{"type":"t","args":1}')
expect_match '^HTTP/1.1 429 ' "$answer" 'the third'
expect_match 'Retry-After: [0-9]' "$answer" 'when to come back'
expect_match 'FULL' "$answer" 'why'
printf '{"type":"t","args":%d}\n' {1..3} >"$dir/lines"
answer=$(post_file '/api/v1/jobs:bulk?queue=full' "$dir/lines")
expect_match '^HTTP/1.1 429 .*"pushed":0,"in_doubt":0,"refused":0' "$(tr -d '\r\n' <<<"$answer")" 'many'
expect_eq 2 "$(redis_cli llen leat:full)" 'jobs in the full queue'
ok 'a full queue says try later'

# ---- many
# lines FROM TO: jobs of 1,000 counters
lines() {
  seq "$1" "$2" | awk '{ print "{\"type\":\"increment\",\"args\":{\"counter\":\"c:" $1 % 1000 "\",\"by\":" $1 % 7 + 1 "}}" }'
}
totals() { awk -F'"' '{ by = $0; sub(/.*"by":/, "", by); sum[$10] += by + 0 } END { for (c in sum) print c "\t" sum[c] }' | LC_ALL=C sort; }

redis_cli del leat:default "$(key sched)" >"$dir/out"
lines 1 200000 >"$dir/lines"
answer=$(post_file /api/v1/jobs:bulk "$dir/lines")
expect_eq '{"pushed":200000,"refused":0,"errors":[]}' "$(body_of <<<"$answer")" 'the bulk'
worker_start
await '[ "$(tally done)" = 200000 ]' 60 'the jobs to be done'
totals <"$dir/lines" >"$dir/want"
expect_counters "$dir/want"
worker_stop
ok '200,000 lines are 200,000 jobs, and every counter is exact'

{
  echo '{"type":"t","args":1}'
  echo 'no job'
  echo
  head -c 70000 /dev/zero | tr '\0' x
  printf '\r\n{"type":"t","args":2}'
} >"$dir/mixed"
answer=$(post_file '/api/v1/jobs:bulk?queue=mixed' "$dir/mixed")
expect_match '^HTTP/1.1 200 ' "$answer" 'a bulk with bad lines'
expect_match '"pushed":2,"refused":2,"errors":\[\{"line":2,"error":"not JSON' "$answer" 'bad lines'
expect_match '\{"line":4,"error":"longer than 65536 bytes"\}\]' "$answer" 'the line too long'
expect_eq '{"type":"t","args":2}' "$(redis_cli --raw lindex leat:mixed 0)" 'the last line'
expect_match '^HTTP/1.1 422 .*"pushed":0,"refused":1' \
  "$(post /api/v1/jobs:bulk garbage | tr -d '\r\n')" 'a bulk without a good line'
yes garbage | head -n 1000 >"$dir/garbage" || true
answer=$(post_file /api/v1/jobs:bulk "$dir/garbage")
expect_eq 100 "$(grep -o '"line"' <<<"$answer" | wc -l)" 'errors told of 1,000'
expect_match '"refused":1000' "$answer" 'all counted'
expect_code 200 'a bulk of nothing' /api/v1/jobs:bulk ''
{
  printf 'POST /api/v1/jobs:bulk?queue=chunks HTTP/1.1\r\nHost: localhost\r\n'
  printf 'Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
  lines 1 5000 | split -b 3000 --filter='text=$(cat; echo .); text=${text%.}; printf "%x\r\n%s\r\n" ${#text} "$text"'
  printf '0\r\n\r\n'
} >"$dir/chunks"
exec {fd}<>"/dev/tcp/127.0.0.1/$port"
cat "$dir/chunks" >&"$fd"
expect_match '"pushed":5000' "$(cat <&"$fd")" 'a bulk in chunks'
exec {fd}>&-
ok 'bad lines are told by their number and the rest is pushed'

# ---- Redis dies
redis_cli del "$(key counters)" "$(key m)" >"$dir/out"
lines 200001 500000 >"$dir/lines"
post_file /api/v1/jobs:bulk "$dir/lines" >"$dir/answer" &
bulk=$!
await '[ "$(size queue)" -gt 20000 ]' 20 'the first jobs'
redis_kill9
[ ! -s "$dir/answer" ] || fail 'the bulk was over before Redis died'
redis_start --appendfsync always
wait "$bulk"
expect_eq '{"pushed":300000,"refused":0,"errors":[]}' "$(body_of <"$dir/answer")" 'the bulk'
worker_start
await '[ "$(tally done)" = 300000 ]' 60 'the jobs to be done'
totals <"$dir/lines" >"$dir/want"
expect_counters "$dir/want"
expect_at_rest
worker_stop
ok 'Redis killed and restarted amid a bulk loses and doubles nothing'

post_file '/api/v1/jobs:bulk?queue=cut' "$dir/lines" >"$dir/answer" &
bulk=$!
await '[ "$(redis_cli llen leat:cut)" -gt 20000 ]' 20 'the first jobs'
expect_code 202 'a push beside a bulk' '/api/v1/jobs?queue=cut' '{"type":"t","args":1}'
[ ! -s "$dir/answer" ] || fail 'the single push waited for the bulk'
redis_cli lrem leat:cut 0 '{"type":"t","args":1}' >"$dir/out"
redis_kill9
since=$SECONDS
expect_code 503 'a push without Redis' /api/v1/jobs '{"type":"t","args":1}'
[ $((SECONDS - since)) -le 6 ] || fail 'a push without Redis waited for nothing'
wait "$bulk"
answer=$(tr -d '\r\n' <"$dir/answer")
expect_match '^HTTP/1.1 503 .*Retry-After: [0-9].*"pushed":([0-9]+),"in_doubt":([0-9]+),"refused":0' "$answer" 'the bulk'
pushed=${BASH_REMATCH[1]} in_doubt=${BASH_REMATCH[2]}
redis_start --appendfsync always
await '[ "$(post /api/v1/jobs?queue=after "{\"type\":\"t\",\"args\":1}" | code_of)" = 202 ]' 20 'Redis to be back'
length=$(redis_cli llen leat:cut)
[ "$pushed" -le "$length" ] && [ "$length" -le $((pushed + in_doubt)) ] ||
  fail "$length jobs of $pushed acknowledged and $in_doubt in doubt"
ok 'without Redis a bulk says how far it came'

# ---- who may
expect_code 403 'another site by its origin' /api/v1/jobs "$job" 'Origin: http://evil.example'
expect_code 403 'another site by Sec-Fetch-Site' /api/v1/jobs "$job" 'Sec-Fetch-Site: cross-site'
expect_code 403 'no origin' /api/v1/jobs "$job" 'Origin: null'
expect_code 403 'another site that counts' /counters/a '' 'Origin: http://evil.example'
expect_code 202 'our own page' /api/v1/jobs "$job" "Origin: http://127.0.0.1:$port" 'Sec-Fetch-Site: same-origin'
expect_eq 403 "$(http_send "$port" DELETE /counters /dev/null 'Sec-Fetch-Site: same-site' | code_of)" \
  'a DELETE of another site'
expect_eq 421 "$({ printf 'POST /api/v1/jobs HTTP/1.1\r\nHost: jobs.example.org\r\n\r\n'; } |
  { exec {fd}<>"/dev/tcp/127.0.0.1/$port"; cat >&"$fd"; cat <&"$fd"; } | code_of)" 'a foreign name'
first_port=$port first_dashboard=$dashboard
ok 'other sites do not write'

token=0123456789abcdef-token
echo "$token" >"$dir/token"
chmod 644 "$dir/token"
dashboard_start with-token --listen 127.0.0.1:0 --token-file "$dir/token" --allow-host jobs.example.org
expect_match 'everybody on this machine can read the token' "$(cat "$dir/with-token.log")" 'the warning'
answer=$(post /api/v1/jobs "$job")
expect_match '^HTTP/1.1 401 ' "$answer" 'a push without the token'
expect_match 'WWW-Authenticate: Bearer' "$answer" 'what is wanted'
expect_code 401 'a wrong token' /api/v1/jobs "$job" 'Authorization: Bearer 0123456789abcdef-tokem'
expect_code 202 'the token' /api/v1/jobs "$job" "Authorization: Bearer $token"
expect_code 401 'a bulk without it' /api/v1/jobs:bulk "$job"
expect_eq 401 "$(http_send "$port" DELETE /counters /dev/null | code_of)" 'a DELETE without it'
expect_eq 200 "$(http_get "$port" /api/v1/overview | code_of)" 'a read without it'
exec {fd}<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /livez HTTP/1.1\r\nHost: jobs.example.org\r\nConnection: close\r\n\r\n' >&"$fd"
expect_eq 200 "$(cat <&"$fd" | code_of)" 'an allowed name'
exec {fd}>&-
child_stop "$dashboard"

dashboard_start open --listen 0.0.0.0:0
answer=$(post /api/v1/jobs "$job")
expect_match '^HTTP/1.1 403 ' "$answer" 'a push to an open address'
expect_match 'token-file' "$answer" 'what to do'
expect_eq 200 "$(http_get "$port" /api/v1/overview | code_of)" 'a read there'
child_stop "$dashboard"
ok 'a token, or this machine only'

# ---- what is no request, and who is too slow
port=$first_port
# raw HEADERS: which statuses a request gets whose body is a second one; the library's own 400
# comes with two heads. Sent in one piece, as the server closes on it.
raw() {
  printf 'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n'"$1"'\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n' >"$dir/raw"
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  cat "$dir/raw" >&"$fd"
  cat <&"$fd" | sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' | sort -u | paste -sd ' '
  exec {fd}>&-
}
while IFS='|' read -r want headers; do
  expect_eq "$want" "$(raw "$headers")" "$headers"
done <<'END'
400|Content-Length: 0\r\nContent-Length: 44
400|Content-Length: 44\r\nTransfer-Encoding: chunked
400|Content-Length: +44
400|Transfer-Encoding: gzip, chunked
400|Host: localhost\r\nContent-Length: 44
400|Content-Length: 4\r\n 4
400|Content-Length: 44\nX-A: b
400|Content-Length: 44\r\nX-A: b\0c
413|Content-Length: 99999999
END
ok 'what two parsers could read differently is refused'

for name in slow-job slow-bulk; do
  await '[ -e "$dir/'"$name"'" ]' 60 "$name to be cut off"
  expect_match '^HTTP/1.1 408 ' "$(cat "$dir/$name")" "$name"
done
[ $((SECONDS - slow_since)) -ge 29 ] || fail 'the slow clients were cut off too early'
wait "${slow_pids[@]}"
ok 'clients that are too slow are cut off'

child_stop "$first_dashboard"
expect_eq 0 "$status" 'the exit status of the dashboard'
