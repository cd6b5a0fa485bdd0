#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Effects of users' own jobs: each exactly once, whatever becomes of their workers, in leases
# that they share with others; and what follows or is kept of the built-in types.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

lines() { seq "$1" | sed "s|.*|$2|"; }

handler tick 'concurrency = 8' <<'X'
echo '{"incr":{"ticks":1,"by_pairs":2},"push":[{"type":"increment","args":{"counter":"followed"}}]}' >&3
X
handler slow 'concurrency = 8' <<'X'
echo "$LEAT_ID $LEAT_TOKEN" >>"$GATE.tokens"
while [ ! -e "$GATE" ]; do sleep 0.1; done
echo '{"incr":{"slow":1}}' >&3
X
sed -i "s|bin/slow\"}|&\n  environment = { PATH, \"GATE=$dir/gate\" }|" "$conf"
handler refused <<'X'
echo '{"incr":{"fine":1,"text":1},"push":[{"type":"increment","args":{"counter":"never"}}]}' >&3
X
handler refused_one <<<'echo "{\"incr\":{\"text\":7}}" >&3'
handler sends <<'X'
push='{"queue":"mail","type":"tick","args":{}}'
echo "{\"incr\":{\"sends\":1},\"push\":[$push$(printf ",$push%.0s" $(seq 63))]}" >&3
X

# ---- one lease, several kinds of jobs -------------------------------------------------------

redis_start
lines 4 '{"type":"slow","id":"slow-&","args":{}}' | "$leat" push --ndjson 2>"$dir/out"
lines 300 '{"type":"increment","args":{"counter":"plain"}}' | "$leat" push --ndjson 2>"$dir/out"
handlers_start -p 0 --lease 2s
await '[ "$(counter plain)" = 300 ]' 30 'increments behind jobs that run'
expect_eq '' "$(counter slow)" 'what the running jobs add'
ok 'instant jobs do not wait for the jobs of handlers in their lease'

# The lease of the four is extended all the while, and one after the other leaves it.
frozen=$(redis_cli hkeys "$(key body)")
await '[ "$(redis_cli zscore "$(key lease)" "$frozen")" -gt $(($(redis_cli time | head -n 1) * 1000)) ]' 10 'a lease that lives'
touch "$dir/gate"
await '[ "$(counter slow)" = 4 ]' 30 'all four'
expect_eq '0 0' "$(redis_cli hlen "$(key body)") $(tally recovered)" 'leases left; jobs recovered'
rm "$dir/gate"
ok 'their lease is theirs until the last of them has ended'

lines 400 '{"type":"tick","args":{}}' | "$leat" push --ndjson 2>"$dir/out"
await '[ "$(counter followed)" = 400 ]' 60 'all that follow'
expect_eq '400 800' "$(counter ticks) $(counter by_pairs)" 'what they added'
ok 'effects happen once a job, with its follow-up'

# ---- where they follow ----------------------------------------------------------------------

listed() { redis_cli smembers '{leat}:queues' | sort | paste -sd' '; }
sadds() { redis_cli info commandstats | sed -n 's/^cmdstat_sadd:calls=\([0-9]*\),.*/\1/p'; }
before=$(sadds)
lines 20 '{"type":"sends","args":{}}' | "$leat" push --ndjson 2>"$dir/out"
await '[ "$(counter sends)" = 20 ]' 60 'all that send'
expect_eq '1280 default mail' "$(redis_cli llen leat:mail) $(listed)" 'what they sent; queues listed'
[ $(($(sadds) - before)) -lt 100 ] || fail "$(($(sadds) - before)) SADDs"
ok 'a queue is not listed once more with each job that follows there'

redis_cli del '{leat}:queues' >"$dir/out"
await '[ "$(listed)" = default ]' 20 'the worker to list what it serves'
job sends again
await '[ "$(counter sends)" = 21 ]' 20 'one more'
expect_eq 'default mail' "$(listed)" 'queues listed'
ok 'names that Redis lost come back'

# ---- refused --------------------------------------------------------------------------------

redis_cli hset "$(key counters)" text none >"$dir/out"
job refused r-1
await '[ "$(redis_cli zcard "$(key dead)")" = 1 ]' 20 'the death of it'
expect_match 'a%20counter%20refused' "$(redis_cli zrange "$(key dead)" 0 0)" 'what it died of'
expect_eq ' ' "$(counter fine) $(counter never)" 'what else it brought'
expect_told r-1 'job died' 'err="a counter refused what .* \(counters: 2, pushes: 1\)"'
why='counter text by 7: what it holds is no integer, or the value would leave the range from -2^63 to 2^63-1'
job refused_one r-2 --track
await '[ "$(redis_cli zcard "$(key dead)")" = 2 ]' 20 'the death of one with a single counter'
expect_match 'counter%20text%20by%207:%20what' "$(redis_cli zrange "$(key dead)" 0 -1)" 'what that died of'
await_told r-2 'job died'
expect_eq "$why" "$(sed 's/.* err="\(.*\)"/\1/' <<<"$told")" 'what the log says'
expect_exit 1 "$leat" job wait r-2
expect_eq $'r-2\tdead\t'"$why" "$(cat "$dir/out")" 'what its record says'
ok 'a counter that refuses costs the job all its effects, and says why'

handler large <<'X'
printf '{"incr":{"large":1},"result":"%040000d"}' 0 >&3
X
worker_stop
handlers_start -p 0 --lease 2s
job large l-1 --track --then '{"type":"tick","args":{"a":"$result","b":"$result"}}'
expect_told l-1 'job failed' 'then: '
"$leat" job cancel l-1 >"$dir/out"
await '[ "$(redis_cli xlen "{leat:default}:t:l-1")" -ge 3 ]' 20 'its record'
expect_eq 0 "$(redis_cli xrange "{leat:default}:t:l-1" - + | grep -c '^result$' || true)" 'results in its record'
expect_eq '' "$(counter large)" 'what it added'
ok 'when what follows is too large the job fails whole, and has no result'

# ---- what long jobs hold --------------------------------------------------------------------

# Each lease is a long job among large ones that are quick: 1 MiB, of which a worker holds four.
handler heavy 'concurrency = 40' <<'X'
echo '{"incr":{"heavy":1}}' >&3
X
large=$(head -c 60000 /dev/zero | tr '\0' x)
worker_stop
for i in 1 2 3 4 5 6; do
  echo "{\"type\":\"slow\",\"id\":\"long-$i\",\"args\":{}}"
  lines 16 "{\"type\":\"heavy\",\"args\":{\"large\":\"$large\"}}"
done | "$leat" push --ndjson 2>"$dir/out"
handlers_start -p 0 -c 60 --lease 2s
await '[ "$(counter heavy)" = 96 ]' 30 'quick jobs beside six that go on'
expect_eq 4 "$(counter slow)" 'what the long ones added by then'
touch "$dir/gate"
await '[ "$(counter slow)" = 10 ]' 30 'the long ones'
rm "$dir/gate"
expect_told long-1 'job done' .
ok 'a long job does not hold the memory of all that came with it'

# ---- a bad target ---------------------------------------------------------------------------

# One lease holds them all: those before and behind it, and a job that still runs.
handler elsewhere <<'X'
echo '{"incr":{"elsewhere":1},"push":[{"queue":"taken","type":"tick","args":{}}]}' >&3
X
worker_stop
redis_cli set leat:taken text >"$dir/out"
redis_cli set "{leat:default}:t:kept" text >"$dir/out"
{
  echo '{"type":"slow","id":"beside","args":{}}'
  echo '{"type":"elsewhere","id":"bad","args":{}}'
  echo '{"type":"increment","args":{"counter":"then"},"then":{"queue":"taken","type":"tick","args":{}}}'
  echo '{"type":"refused","id":"other","args":{}}'
} >"$dir/jobs"
lines 10 '{"type":"increment","args":{"counter":"beside"}}' >>"$dir/jobs"
"$leat" push --ndjson <"$dir/jobs" 2>"$dir/out"
# As if from a producer that does not look, as ours do.
redis_cli lpush leat:default '{"type":"increment","id":"kept","track":true,"args":{"counter":"beside"}}' >"$dir/out"
handlers_start -p 0 --lease 2s
await '[ "$(counter beside)" = 11 ]' 20 'increments beside bad targets'
expect_told bad 'job died' 'a queue that it pushes to'
await '[ "$(redis_cli zcard "$(key dead)")" = 5 ]' 20 'the death of those whose targets are none'
expect_eq '  text text' "$(counter elsewhere) $(counter then) $(redis_cli mget leat:taken "{leat:default}:t:kept" | paste -sd' ')" 'what they added, the keys'
touch "$dir/gate"
await '[ "$(counter slow)" = 11 ]' 30 'the one that ran meanwhile'
expect_eq '0 1' "$(tally recovered) $(times_told beside 'job started')" 'jobs that came back; starts of it'
rm "$dir/gate"
redis_cli del leat:taken "{leat:default}:t:kept" >"$dir/out"
ok 'a key of the wrong type that a job names costs that job, and no other'

# ---- a worker that lost its lease -----------------------------------------------------------

first=$worker first_log=$(worker_log)
job slow late
expect_told late 'job started' .
kill -STOP "$first"
handlers_start -p 0 --lease 2s
await '[ "$(redis_cli hlen "$(key body)")" = 1 ] && [ "$(tally recovered)" -ge 1 ]' 30 'the other worker to take it'
kill -CONT "$first"
await 'grep -q "msg=\"job abandoned\" id=late" "$first_log"' 30 'the first to hear of it'
touch "$dir/gate"
await '[ "$(counter slow)" = 12 ]' 30 'its end'
await '[ "$(redis_cli hlen "$(key body)")" = 0 ]' 10 'the end of its lease'
expect_eq 12 "$(counter slow)" 'what it added'
rm "$dir/gate"
read -r -d '' one two <<<"$(sed -n 's/^late //p' "$dir/gate.tokens")" || true
[ "$one" -lt "$two" ] || fail "the tokens of its two runs: $one, $two"
now=$(redis_cli time | head -n 1)
[ "$one" -gt $(((now - 300) * 1000000)) ] && [ "$two" -le $((now * 1000000 + 1000000)) ] ||
  fail "at $now by Redis: the tokens $one, $two"
ok 'a worker that slept over its lease ends its handler; the effect happens once; the token grew'

# ---- no memory ------------------------------------------------------------------------------

used=$(redis_cli info memory | tr -d '\r' | sed -n 's/^used_memory://p')
before=$(counter ticks)
job tick full --retries 50
await '[ "$(counter ticks)" = $((before + 1)) ]' 20 'a job with memory'
kill -STOP "$worker" "$first"
redis_cli del '{leat}:queues' leat:mail >"$dir/out"
for type in tick sends; do
  printf '{"type":"%s","id":"hungry-%s","retry":{"policy":"fixed","base_ms":500},"args":{}}' $type $type | redis_cli -x lpush leat:default >"$dir/out"
done
{
  echo '{"type":"increment","id":"followed","args":{"counter":"late"},"then":{"type":"increment","args":{"counter":"late"}}}'
  lines 30 '{"type":"increment","args":{"counter":"roomy"}}'
} | "$leat" push --ndjson 2>"$dir/out"
redis_cli config set maxmemory $((used / 2)) >"$dir/out"
kill -CONT "$worker" "$first"
told_by_either() { grep -q "msg=\"$1\" id=$2 .*$3" "$dir"/worker-*.log; }
await 'told_by_either "job failed" hungry-tick OOM' 30 'the refusal of a follow-up'
await 'told_by_either "job failed" hungry-sends OOM' 30 'the refusal of a follow-up to another queue'
expect_eq $((before + 1)) "$(counter ticks)" 'what a refused job added'
await '[ "$(counter roomy)" = 30 ]' 30 'increments beside one that is followed, without memory'
await 'told_by_either "job put off" followed "no memory"' 30 'the refusal of what follows an increment'
expect_eq '0 default' "$(redis_cli llen leat:mail) $(listed)" 'what was sent without memory; queues listed'
redis_cli config set maxmemory 0 >"$dir/out"
await '[ "$(redis_cli llen leat:mail)" = 64 ]' 30 'what is sent with memory'
expect_eq 'default mail' "$(listed)" 'queues listed then'
await '[ "$(counter ticks)" = $((before + 2)) ]' 30 'its end, with memory'
await '[ "$(counter late)" = 2 ]' 60 'the increment, and what follows it'
ok 'without memory for what follows a job fails whole, and runs again'

# ---- the built-in types ---------------------------------------------------------------------

record() { redis_cli xrevrange "{leat:default}:t:$1" + - count 1 | paste -sd' '; }
job increment counted --track --then '{"type":"tick","args":{}}' counter=once
await '[ "$(counter ticks)" = $((before + 3)) ]' 30 'what follows an increment'
expect_match 'state done' "$(record counted)" 'the record of an increment'
expect_eq 1 "$(counter once)" 'the increment'
job increment clash --track counter=text
await '[[ $(record clash) = *"state dead"* ]]' 20 'the record of one that is refused'
job nobody unknown --track
await '[[ $(record unknown) = *"state later"*"no handler for nobody"* ]]' 20 'the record of one without handler'
ok 'increments are followed and tracked, too'

origin_start
kill "$first" "$worker"
await '! child_alive "$first" && ! child_alive "$worker"' 30 'both to stop'
handlers_start -p 0 --allow-net 127.0.0.0/8
begun() { redis_cli xrange "{leat:mail}:t:$1" - + | paste -sd' '; }
then='{"type":"tick","args":{}}'
job refresh fetched --track --then "$then" "url=$origin/etag/a"
await '[ "$(counter ticks)" = $((before + 4)) ]' 30 'what follows a fetch'
expect_match 'state done' "$(record fetched)" 'the record of a refresh'
job refresh fresh --track --then "$then" "url=$origin/etag/a"
await '[ "$(counter ticks)" = $((before + 5)) ]' 30 'what follows a fresh copy'
expect_match 'state done' "$(record fresh)" 'the record of one that was fresh'
job refresh gone --track --then "$then" "url=$origin/status/404"
await '[[ $(record gone) = *"state dead"*"HTTP status 404"* ]]' 20 'the record of one that died'
expect_eq $((before + 5)) "$(counter ticks)" 'what follows one that died'
then='{"type":"tick","queue":"mail","id":"mailed","track":true,"args":{}}'
job refresh landed --then "$then" "url=$origin/etag/b"
await '[[ $(begun mailed) = *"state queued" ]]' 30 'the record of what follows a fetch'
job refresh again --track --then "${then/mailed/next}" "url=$origin/etag/b"
await '[[ $(begun next) = *"state queued" ]]' 30 'the record of what follows a fresh copy'
ok 'so are refreshes, when they fetched and when they need not'

# ---- a stop while Redis is away -------------------------------------------------------------

handler ends <<'X'
while [ ! -e "$GATE" ]; do sleep 0.1; done
echo '{"incr":{"ends":1}}' >&3
echo "$LEAT_ID" >>"$GATE"
X
sed -i "s|bin/ends\"}|&\n  environment = { PATH, \"GATE=$dir/gate\" }|" "$conf"
worker_stop
handlers_start -p 0
job ends once
expect_told once 'job started' .
redis_kill9
touch "$dir/gate"
await 'grep -q once "$dir/gate"' 20 'its end'
await '[ -z "$(children_of "$worker")" ]' 20 'its program to be reaped'
kill "$worker"
await 'grep -q "msg=\"stopping\"" "$(worker_log)"' 20 'the worker to stop'
waited=$((SECONDS + 3))
await '[ "$SECONDS" -ge $waited ] || ! child_alive "$worker"' 10 'longer than a worker without work stays'
redis_start
await '! child_alive "$worker"' 30 'its end'
expect_eq '1 0' "$(counter ends) $(size body)" 'what it added, leases left'
expect_told once 'job done' .
ok 'what ended while Redis was away is settled by a worker that stops'

# ---- counters that refuse, in a lease of all sorts ------------------------------------------

rm "$dir/gate"
before=$(counter slow)
redis_cli hset "$(key counters)" text none edge 9223372036854775806 >"$dir/out"
{
  echo '{"type":"increment","id":"m-then","track":true,"args":{"counter":"text","by":3},"then":{"type":"tick","args":{}}}'
  echo '{"type":"slow","id":"m-slow","args":{}}'
  echo '{"type":"increment","id":"m-text","args":{"counter":"text"}}'
  echo '{"type":"increment","id":"m-fits","args":{"counter":"edge"}}'
  echo '{"type":"increment","id":"m-over","args":{"counter":"edge","by":2}}'
  echo '{"type":"increment","id":"m-followed","args":{"counter":"mixed"},"then":{"type":"increment","args":{"counter":"mixed"}}}'
  echo '{"type":"increment","id":"m-tracked","track":true,"v":2,"args":{"counter":"mixed"}}'
  lines 3 '{"type":"increment","args":{"counter":"mixed"}}'
} | "$leat" push --ndjson 2>"$dir/out"
handlers_start -p 0
await '[ "$(counter mixed)" = 6 ]' 20 'those that can be counted'
why='counter text by 3: what it holds is no integer, or the value would leave the range from -2^63 to 2^63-1; or the queue of what follows holds something else'
expect_told m-then 'job died' 'type=increment .* err='
expect_eq "$why" "$(sed 's/.* err="\(.*\)"/\1/' <<<"$told")" 'what the log says of one that another follows'
expect_exit 1 "$leat" job wait m-then
expect_eq $'m-then\tdead\t'"$why" "$(cat "$dir/out")" 'what its record says'
expect_told m-text 'job died' 'err="counter text by 1: what it holds is no integer"'
expect_told m-over 'job died' 'err="counter edge by 2: the value would leave the range'
expect_eq 0 "$(grep -c 'id=m-\(fits\|followed\|tracked\) .*err=' "$(worker_log)" || true)" 'what is said against the others'
expect_eq 9223372036854775807 "$(counter edge)" 'the counter at its edge'
touch "$dir/gate"
await '[ "$(counter slow)" = $((before + 1)) ]' 30 'the one that ran meanwhile'
worker_stop
expect_match 'done=8 failed=3$' "$(grep 'msg="stopped"' "$(worker_log)")" 'what the worker counted'
ok 'of jobs whose counters refuse the log says which died, and the worker counts them as failed'
