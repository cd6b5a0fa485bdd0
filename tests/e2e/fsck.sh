#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# leat fsck: each fault, planted by hand in a queue of its own, is named; a queue in the middle
# of everything has none; and while workers and producers move all of it, nothing looks wrong.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

job='{"type":"increment","args":{"counter":"a"}}'
flight=c:0123456789abcdef0123456789abcdef01234567

# plant QUEUE COMMAND…: `@x` stands for the queue's key :x, `@` for its list.
plant() {
  local queue=$1 word words=()
  shift
  for word in "$@"; do
    case $word in
      @) words+=("leat:$queue") ;;
      @*) words+=("{leat:$queue}:${word#@}") ;;
      *) words+=("$word") ;;
    esac
  done
  redis_cli "${words[@]}" >>"$dir/planted" 2>&1
}

# plant_body QUEUE LEASE [ENTRY…]: a lease of these jobs, counted.
plant_body() {
  local queue=$1 lease=$2
  shift 2
  plant "$queue" eval 'redis.call("HSET", KEYS[1], ARGV[1], cmsgpack.pack({unpack(ARGV, 2)}))
    redis.call("HINCRBY", KEYS[2], "res", #ARGV - 1)' 2 @body @m "$lease" "$@"
}

plant_lease() {
  plant "$1" zadd @lease "$(date +%s)000" "$2"
}

# found QUEUE STATUS TEXT: what fsck says of the queue, beside what it looked at.
found() {
  expect_exit "$2" "$leat" fsck -q "$1"
  expect_eq "$3" "$(grep -v '^ok' "$dir/out" || true)" "findings in $1"
}

# ---- leases --------------------------------------------------------------------------------

leases_and_bodies() {
  plant_lease l1 w:1
  found l1 1 'FAIL l1 lease: w:1 has a deadline, but no body'
  plant_body l2 w:2 "$job"
  found l2 1 'FAIL l2 lease: w:2 has a body, but no deadline'
  plant_lease l3 w:3
  plant l3 hset @body w:3 '{}'
  expect_exit 1 "$leat" fsck -q l3
  expect_match 'FAIL l3 lease: w:3 has a body that is no msgpack array' "$(cat "$dir/out")" 'no msgpack'
  plant_lease l4 w:4
  plant l4 hset @body w:4 "$(printf '\x91\x07')"
  expect_exit 1 "$leat" fsck -q l4
  expect_match 'FAIL l4 lease: w:4 has a body that is no msgpack array of strings' "$(cat "$dir/out")" 'no strings'
  plant_lease l5 w:5
  plant_body l5 w:5
  found l5 1 'FAIL l5 lease: w:5 has an empty body'
  plant_lease l6 w:6
  plant_body l6 w:6 "$job" "$job"
  found l6 0 ''
  ok 'leases without bodies, bodies without leases, and bodies that are none'
}

# ---- sums ----------------------------------------------------------------------------------

sums() {
  plant_lease s1 w:1
  plant_body s1 w:1 "$job" "$job"
  plant s1 hset @m res 3
  found s1 1 'FAIL s1 in hands: res - fin is 3, but the leases hold 2 jobs'
  plant s2 lpush @bad junk
  found s2 1 'FAIL s2 resting: 0 entries came to the dead and the quarantine and 0 left, but 1 are there'
  plant s2 hset @m bad 3 removed 1 trimmed_bad 1
  found s2 0 ''
  plant s3 zadd @sched 1 "R1 a.0 0 1"$'\n'"$job" 1 "R1 b.0 0 0"$'\n'"$job"
  found s3 1 'FAIL s3 retrying: retrying is 0, but 1 of the scheduled jobs have failed before'
  plant s3 hset @m retrying 1
  found s3 0 ''
  plant s4 hset @m res 5 fin 5 done 3 back 3
  found s4 1 'FAIL s4 ended: 5 jobs came out of leases (fin), but 6 ended or went back'
  plant s5 hset @m done many
  found s5 1 "FAIL s5 counts: the field done of {leat:s5}:m is 'many', no count"
  ok 'sums that do not hold'
}

times() {
  local later=$(($(date +%s) + 7200))000
  plant t1 zadd @lease "$later" w:1
  plant_body t1 w:1 "$job"
  found t1 1 'FAIL t1 times: 1 leases have a deadline beyond the longest lease, an hour'
  plant t2 zadd @sched "${later}000" "$job"
  found t2 1 'FAIL t2 times: 1 jobs are due more than ten years ahead; due times are milliseconds'
  plant t3 zadd @dead "$later" "R1 a.0 0 1"$'\n'"$job"
  plant t3 hset @m fin 1 res 1 dead 1
  found t3 1 'FAIL t3 times: 1 dead jobs died in the future'
  ok 'deadlines and times that cannot be'
}

# ---- flights -------------------------------------------------------------------------------

flights() {
  plant f1 hset @slot "$flight" nonsense
  found f1 1 "FAIL f1 flight: $flight holds no flight"
  plant f2 hset @slot "$flight" "a.0 - 1"
  found f2 1 "FAIL f2 flight: $flight belongs to the job a.0, which neither waits nor runs"
  plant f2 lpush @ "R1 a.0 0 0 k=$flight"$'\n'"$job"
  found f2 0 ''
  plant f3 hset @slot "$flight" "a.0 w:3 1"
  plant_lease f3 w:3
  plant_body f3 w:3 "R1 b.0 0 0 k=$flight"$'\n'"$job"
  found f3 1 "FAIL f3 flight: $flight flies under the lease w:3, which holds another job"
  plant_body f3 w:3 "R1 a.0 0 0 k=$flight"$'\n'"$job"
  plant f3 hset @m res 1
  found f3 0 ''
  plant f4 hset @again "$flight" "R1 a.0 0 0"$'\n'"$job"
  found f4 1 "FAIL f4 again: $flight waits behind a flight that is not there"
  plant f5 hset @again "$flight" "$job"
  plant f5 hset @slot "$flight" "a.0 - 1"
  plant f5 zadd @sched 1 "R1 a.0 0 0 k=$flight"$'\n'"$job"
  found f5 1 "FAIL f5 again: $flight keeps an entry without a header"
  ok 'flights whose job is gone, and what waits behind no flight'
}

# ---- entries -------------------------------------------------------------------------------

entries() {
  plant e1 lpush @ junk
  expect_exit 0 "$leat" fsck -q e1
  expect_match '^warn e1 waiting: junk is no job, and will go to the quarantine: ' "$(cat "$dir/out")" 'junk'
  plant e2 zadd @sched 1 'R1 torn'
  expect_exit 0 "$leat" fsck -q e2
  expect_match '^warn e2 scheduled: R1 torn is no job' "$(cat "$dir/out")" 'a torn header'
  plant e3 lpush @s "R1 a.0 1 0"$'\n'"$job"
  expect_exit 1 "$leat" fsck -q e3
  expect_match '^FAIL e3 waiting: R1 a.0 1 0.* after fewer than two deliveries' "$(cat "$dir/out")" 'no suspect'
  plant e4 zadd @dead 1 "$job"
  plant e4 hset @m fin 1 res 1 dead 1
  expect_exit 1 "$leat" fsck -q e4
  expect_match '^FAIL e4 dead: .*has no header' "$(cat "$dir/out")" 'a dead entry without header'
  plant e5 lpush @fail nonsense
  found e5 1 'FAIL e5 failure: nonsense is no record of a failure'
  plant e6 hset @counters a 1 b x
  found e6 1 "FAIL e6 counter: b is 'x', no integer: jobs that add to it die"
  plant e7 set @lease text
  expect_exit 1 "$leat" fsck -q e7
  expect_match '^FAIL e7 types: Redis: WRONGTYPE \{leat:e7\}:lease holds a string' "$(cat "$dir/out")" 'a foreign key'
  seq -f 'junk %g' 1000 | sed 's/.*/LPUSH leat:e8 "&"/' | redis_cli >>"$dir/planted"
  expect_exit 0 "$leat" fsck -q e8
  expect_eq 20 "$(grep -c '^warn e8 waiting: junk' "$dir/out")" 'entries named'
  expect_match 'warn e8 waiting: and 980 more' "$(cat "$dir/out")" 'those not named'
  ok 'entries that do not decode, counters that are none, foreign keys'
}

# ---- as a command --------------------------------------------------------------------------

# Queues that are known are found without being named.
command_itself() {
  expect_exit 0 "$leat" fsck
  plant s1 sadd '{leat}:queues' s1 l6
  expect_exit 1 "$leat" fsck
  expect_match 'FAIL s1 in hands' "$(cat "$dir/out")" 'a known queue'
  expect_match 'ok   l6 looked at: 2 leases, bodies' "$(cat "$dir/out")" 'the other one'
  expect_exit 1 "$leat" fsck --json -q e6
  expect_match '^\{"level":"FAIL","queue":"e6","check":"counter","finding":"b is ' "$(cat "$dir/out")" 'JSON'
  expect_exit 64 "$leat" fsck -q 'no name'
  expect_exit 69 "$leat" fsck --redis "unix://$dir/nobody"
  ok 'known queues, JSON, wrong names, no Redis'
}

# ---- a broker that works -------------------------------------------------------------------

# Every kind of move at once: flights that meet, wait and repeat, retries, deaths, delays.
refreshes() {
  awk -v origin="$origin" '{
    for (n = 0; n < 20; n++) {
      page = n % 10 ? $0 : "/status/500?n=" n
      printf "{\"type\":\"refresh\",\"args\":{\"url\":\"%s%s\",\"max_age_ms\":%d},", origin, page, n % 2
      print "\"retry\":{\"max\":2,\"base_ms\":100,\"cap_ms\":200}}"
    }
  }' "$dir/pages"
}

# Never so much that fsck could not look at what waits: it would say so.
push_for_ever() {
  while :; do
    [ "$(redis_cli llen leat:default)" -lt 2000 ] || continue
    refreshes | "$leat" push --ndjson
    seq 2000 | awk '{ print $1 % 100 }' | "$leat" push --lines increment --arg counter
    "$leat" push increment counter=later --in 1s >>"$dir/out.push"
  done
}

worker_put() {
  worker_start -p 0 --lease 2s --allow-net 127.0.0.0/8
}

# Killed, it may leave leases behind.
replace_worker() {
  worker_stop KILL
  worker_put
}

# Has everything happened that moves jobs about?
all_has_moved() {
  [ "$(tally recovered)" -gt 0 ] && [ "$(tally merged)" -gt 0 ] && [ "$(tally dead)" -gt 0 ]
}

quiet_on_a_busy_broker() {
  local runs=0 end=$((SECONDS + 120))
  redis_cli flushall >"$dir/out"
  seq -f '/page/%g' 20 >"$dir/pages"
  origin_start --pages "$dir/pages"
  worker_put
  worker_put
  export -f push_for_ever refreshes redis_cli
  export dir leat origin socket
  child_start push bash -c push_for_ever
  await '[ "$(tally done)" -gt 20000 ]' 30 'the work to begin'
  until [ "$runs" -ge 40 ] && all_has_moved; do
    [ "$SECONDS" -le "$end" ] || fail "not everything moved within 120 s: $(redis_cli hgetall "$(key m)" | paste -sd" ")"
    runs=$((runs + 1))
    [ $((runs % 20)) != 0 ] || replace_worker
    found default 0 ''
  done
  worker_stop
  found default 0 ''
  ok "$runs looks at a queue with $(tally done) jobs done meanwhile, and nothing was wrong"
}

redis_start
command -v redis-cli >/dev/null || skip 'no redis-cli'
leases_and_bodies
sums
times
flights
entries
command_itself
quiet_on_a_busy_broker
