#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The refresh type: what is fetched, when not, how often, and what is kept.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"


refresh() { "$leat" push refresh "url=$origin$1" "${@:2}" >>"$dir/ids"; }

settled() { [ "$(tally done):$(tally merged)" = "$1" ]; }

kept() { redis_cli --raw hget "{leat:default}:cache:$origin$1" "$2"; }

mkdir -p "$dir/bodies"
redis_start
echo /page >"$dir/pages"
origin_start --pages "$dir/pages" --write-bodies "$dir/bodies"
worker_start --allow-net 127.0.0.0/8 -c 8

refresh /etag/a
await 'settled 1:0' 10 'the first fetch'
expect_eq 1 "$(origin_asked /etag/a)" 'requests of a new page'
expect_eq 200 "$(kept /etag/a status)" 'status of the copy'
expect_eq "$("$leat" cache get "$origin/etag/a")" "$(kept /etag/a body)" 'the copy'
ok 'a page is fetched and kept'

refresh /etag/a
await 'settled 2:0' 10 'the second job'
expect_eq 1 "$(origin_asked /etag/a)" 'requests of a fresh page'
ok 'a copy younger than max_age_ms is not fetched again'

before=$(kept /etag/a fetched)
refresh /etag/a max_age_ms:=0
await 'settled 3:0' 10 'the third job'
expect_eq 2 "$(origin_asked /etag/a)" 'requests after "it changed"'
[ "$(kept /etag/a fetched)" -gt "$before" ] || fail 'a 304 did not extend the freshness'
ok 'max_age_ms 0 always fetches, and a 304 only extends the freshness'

# All at once: each must be there while the first one's fetch lasts.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  echo '{"type":"refresh","args":{"url":"'"$origin"'/slow?ms=700"}}'
done | "$leat" push --ndjson 2>"$dir/err"
await 'settled 4:9' 10 'ten jobs for one slow page'
expect_eq 1 "$(origin_asked '/slow?ms=700')" 'fetches of one page by ten jobs'
ok 'one flight per key; the others end as merged'

changed='{"type":"refresh","args":{"url":"'"$origin"'/slow?ms=1600","max_age_ms":0}}'
"$leat" push --ndjson <<<"$changed" 2>"$dir/err"
await '[ "$(origin_asked "/slow?ms=1600")" = 1 ]' 10 'the flight to begin'
printf '%s\n' "$changed" "$changed" "$changed" | "$leat" push --ndjson 2>"$dir/err"
await 'settled 6:11 && [ "$(size again):$(size slot)" = 0:0 ]' 20 'the flight behind the flight'
expect_eq 2 "$(origin_asked '/slow?ms=1600')" 'fetches of a page that changed three times during a flight'
ok 'what changed during a flight is fetched once more behind it'

redis_cli lpush leat:default "{\"type\":\"refresh\",\"args\":{\"url\":\"$origin/status/503\"},\"retry\":{\"base_ms\":50,\"max\":2}}" >"$dir/out"
await '[ "$(size dead)" -ge 1 ]' 20 'a failing page to die'
expect_match 'status%20503' "$(redis_cli --raw zrange "$(key dead)" 0 -1)" 'the reason in the dead set'
ok 'a 503 is tried again by the policy, then dies with its reason'

redis_cli hset "{leat:default}:cache:$origin/etag/gone" etag '"other"' body old fetched 1 >"$dir/out"
refresh /etag/gone
await '[ "$(kept /etag/gone body)" != old ]' 10 'an old copy to be replaced'
ok 'a copy with another ETag is fetched whole'

worker_stop
expect_eq 0 "$status" 'the exit status of the worker'
worker_start --allow-net 127.0.0.0/8 -c 2
for n in 1 2 3 4 5 6 7 8; do refresh "/slow?ms=1500" "key=slow-$n"; done
"$leat" push increment counter=behind >>"$dir/ids"
await '[ "$(redis_cli hget "$(key counters)" behind)" = 1 ]' 10 'an increment behind slow pages'
[ "$(origin_asked "/slow?ms=1500")" -lt 8 ] || fail "the slow pages were done before it"
redis_cli config resetstat >"$dir/out"
await '[ "$(origin_asked "/slow?ms=1500")" = 8 ]' 20 'the last slow page'
calls=$(redis_cli info commandstats | sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\),.*/\1/p')
[ "${calls:-0}" -lt 400 ] || fail "$calls script calls while waiting for slots: it spins"
ok 'an increment is not held back by slow pages, and waiting for a slot costs little'
