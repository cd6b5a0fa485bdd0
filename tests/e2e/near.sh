#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A counter that the dashboard keeps near is never an old one: whoever writes, and whatever is
# cut, a GET behind an acknowledged write answers what was written.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

# dashboard_start NAME REDIS: $port is where it serves.
dashboard_start() {
  child_start "$1" env "LEAT_REDIS=$2" "$leat" dashboard --listen 127.0.0.1:0
  await 'grep -q ^dashboard "$dir/'"$1"'.log"' 10 'the dashboard'
  port=$(sed -n 's/^dashboard.*:\([0-9]*\)\/$/\1/p' "$dir/$1.log")
}

# ask PORT METHOD: the answer's body goes to $body, its status to $code. No process is started
# for it, so that little time passes behind a write.
ask() {
  local fd line len=0
  exec {fd}<>"/dev/tcp/127.0.0.1/$1"
  printf '%s /counters/song HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&"$fd"
  read -r _ code _ <&"$fd"
  while read -r line <&"$fd" && [ "$line" != $'\r' ]; do
    case $line in Content-Length:*) len=$((${line//[!0-9]/})) ;; esac
  done
  body=''
  [ "$len" = 0 ] || read -r -N "$len" body <&"$fd"
  exec {fd}>&-
}

# redis WORDS…: over one connection, so that nothing passes between its answer and what follows.
redis() {
  echo "$*" >&"${client[1]}"
  read -r said <&"${client[0]}"
}

# shows VALUE WHAT: the very next GET does.
shows() {
  ask "$first" GET
  expect_eq "$1" "$body" "the count after $2"
}

# reads: how many counts Redis was asked for.
reads() { redis_cli info commandstats | sed -n 's/^cmdstat_hget:calls=\([0-9]*\),.*/\1/p'; }

# serves_alone PORT: do ten GETs cost Redis no read?
serves_alone() {
  local before i
  ask "$1" GET
  before=$(reads)
  for i in {1..10}; do ask "$1" GET; done
  [ "$(reads)" = "$before" ]
}

is_kept() { await 'serves_alone "$first"' 15 "a count to be kept $1"; }

# Another reader all the time, so that answers are on their way whenever somebody writes.
crowd() {
  trap - EXIT ERR
  while ask "$first" GET; do :; done
}

# write_N: one write by each who writes, in turns.
write_1() { redis HINCRBY "$hash" song 1; }
write_2() { redis HSET "$hash" song "$((count + 1))"; }
write_3() { redis EVAL "\"redis.call('HINCRBY',KEYS[1],'song',1)\"" 1 "$hash"; }
write_4() { ask "$second" POST; }
write_5() { ask "$first" POST; }
write_6() {
  redis LPUSH leat:default "'{\"type\":\"increment\",\"args\":{\"counter\":\"song\"}}'"
  said=$count
  while [ "$said" = "$count" ]; do redis HGET "$hash" song; done
}

redis_start
dashboard_start first "$LEAT_REDIS"
first=$port
dashboard_start second "$LEAT_REDIS"
second=$port
worker_start
coproc client { redis-cli --raw -s "$socket"; }
hash=$(key counters)

redis HSET "$hash" song 0
is_kept 'in peace'
ok 'a count that was read is served without Redis'

crowd &
e2e_pids+=($!)
count=0
while [ "$count" -lt 2000 ]; do
  writer=write_$((count % 6 + 1))
  "$writer"
  count=$((count + 1))
  shows "$count" "$writer"
done
child_stop "${e2e_pids[-1]}"
is_kept 'after the crowd'
ok 'two thousand writes by clients, scripts, jobs and dashboards are read at once'

redis DEL "$hash"
shows 0 DEL
redis HSET "$hash" song 5
shows 5 HSET
is_kept 'before a flush'
redis FLUSHALL
await 'ask "$first" GET; [ "$body" = 0 ]' 10 'the flush to be seen'
ok 'a hash that is deleted is gone at once, one that is flushed away soon'

# cut_off NAME: Redis ends both dashboards' connections of that name.
cut_off() {
  local id
  for id in $(redis_cli client list | sed -n "s/^id=\([0-9]*\) .* name=$1 .*/\1/p"); do
    redis CLIENT KILL ID "$id"
  done
}

for i in {1..10}; do
  redis HSET "$hash" song "$i"
  is_kept "before cut $i of the ear"
  cut_off leat-dashboard-near
  redis HSET "$hash" song "$i-cut"
  ask "$first" GET
  expect_eq 409 "$code" 'a value that is no number, set behind a cut ear'
done
ok 'an ear that is cut is missed at once'
for i in {1..10}; do
  redis HSET "$hash" song "$i"
  is_kept "before cut $i of the reader"
  cut_off leat-dashboard-api
  redis HSET "$hash" song "$i-cut"
  ask "$first" GET # 503 while it is away
  [ "$code" = 409 ] || expect_eq 503 "$code" 'behind a cut reader'
done
ok 'so is the connection that reads'

for end in redis_stop redis_kill9; do
  redis_cli hset "$hash" song 1 >"$dir/out"
  await 'ask "$first" GET; [ "$body" = 1 ]' 15 'Redis to be read'
  is_kept 'before Redis ends'
  "$end"
  redis_start
  redis_cli hset "$hash" song 2 >"$dir/out"
  await 'ask "$first" GET; [ "$code" != 503 ]' 15 'the dashboard to be back'
  expect_eq 2 "$body" 'a count of the next Redis'
  is_kept 'from the next Redis'
done
ok 'a Redis that comes back is listened to again'

redis_cli acl setuser less on '>password' '~*' '&*' +@all '-client|tracking' >"$dir/out"
dashboard_start refused "unix://less:password@$socket"
refused=$port
for i in 1 2 3; do
  redis_cli hset "$hash" song "$i" >"$dir/out"
  ask "$refused" GET
  expect_eq "$i" "$body" 'a count without tracking'
  ! serves_alone "$refused" || fail 'a count is kept without tracking'
done
expect_eq 1 "$(grep -c 'level=info.*kept near' "$dir/refused.log")" 'lines that say so'
ok 'a Redis that refuses to tell is asked each time, and that is said once'
