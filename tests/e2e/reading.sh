#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The commands that read, and those that act on what they have read, as scripts use them:
# what is on stdout byte for byte, and the exit status.
. "$(dirname "$0")/../support/e2e.sh"

# out WANT COMMAND…: the command succeeds and its stdout is exactly this.
out() {
  local want=$1
  shift
  expect_exit 0 "$@"
  expect_eq "$want" "$(cat "$dir/out")" "$*"
}

counters_are_listed_exactly() {
  redis_cli hset '{leat:default}:counters' 'hits:/a\x16' 5 'b"%41' -3 é 9007199254740993 >/dev/null
  redis_cli hset '{leat:default}:counters' "$(printf 'tab\there')" 7 >/dev/null
  out "$(printf 'b"%%41\t-3\nhits:/a\\x16\t5\ntab%%09here\t7\né\t9007199254740993')" \
    "$leat" counter ls
  out '{"name":"b\"%41","value":-3}
{"name":"hits:/a\\x16","value":5}
{"name":"tab\there","value":7}
{"name":"é","value":9007199254740993}' "$leat" counter ls --json
  out "$(printf 'é\t9007199254740993\ntab%%09here\t7')" "$leat" counter top 2
  out 5 "$leat" counter get 'hits:/a\x16'
  out 0 "$leat" counter get never
  ok "counters are listed byte for byte"
}

counters_come_once_each() {
  seq 1 20000 | awk '{ print "HSET {leat:many}:counters c" $1 " " $1 % 100 }' | redis_cli >/dev/null
  expect_exit 0 "$leat" counter ls -q many
  expect_eq 20000 "$(cut -f1 "$dir/out" | sort -u | wc -l)" 'distinct names'
  expect_eq 20000 "$(wc -l <"$dir/out")" 'lines'
  out "$(printf 'c10099\t99\nc10199\t99\nc10299\t99')" "$leat" counter top 3 -q many
  ok "a large hash is listed once, and equal counts are ordered by name"
}

removing_needs_a_yes() {
  expect_exit 64 "$leat" counter rm
  expect_exit 64 "$leat" counter rm --all -q many </dev/null
  expect_match 'would remove 20000 counters' "$(cat "$dir/err")" 'the impact'
  expect_exit 0 "$leat" counter rm --all --yes -q many
  out '' "$leat" counter ls -q many
  expect_exit 1 "$leat" counter rm é never
  out 0 "$leat" counter get é
  ok "removing all needs --yes without a terminal, and names what was not there"
}

bury() {
  redis_cli zadd '{leat:default}:dead' "$1" "R1 $2 3 25 t=1795260000000 e=no%20luck k=c:1
{\"type\":\"mail\",\"args\":{\"n\":\"$2\"}}" >/dev/null
}

dead_jobs_are_found_and_revived() {
  bury 1795266000001 a.0
  bury 1795266000002 b.0
  bury 1795266000003 c.0
  out "$(printf 'dead:1795266000003:c.0\t2026-11-21T13:00:00.003Z\tmail\t3\t25\tno luck\n%s' \
    "$(printf 'dead:1795266000002:b.0\t2026-11-21T13:00:00.002Z\tmail\t3\t25\tno luck')")" \
    "$leat" job ls --limit 2
  out '{"type":"mail","args":{"n":"b.0"}}' "$leat" job get b.0 --raw
  expect_exit 1 "$leat" job get nobody
  expect_exit 1 "$leat" job retry dead:1795266000002:b.0 nobody
  expect_eq 'R1 b.0 0 0 t=1795260000000
{"type":"mail","args":{"n":"b.0"}}' "$(redis_cli --raw lrange leat:default 0 -1)" 'the job pushed again'
  expect_exit 0 "$leat" job rm c.0
  expect_exit 64 "$leat" job rm --all --state dead </dev/null
  expect_exit 0 "$leat" job retry --all --state dead
  expect_eq 2 "$(redis_cli llen leat:default)" 'jobs in the queue'
  out '' "$leat" job ls
  redis_cli del leat:default >/dev/null
  ok "dead jobs are listed, shown, pushed again with their counts at zero, removed"
}

waiting_jobs_are_listed() {
  local due='2026-11-21T13:00:00.00' job='{"type":"mail","id":"%s","args":{}}'
  put() { redis_cli zadd '{leat:default}:sched' "$1" "R1 $2"$'\n'"$(printf "$job" "$3")" >/dev/null; }
  put 1795266000003 'a.3 0 0' third
  put 1795266000001 'a.1 0 0' first
  put 1795266000002 'a.2 1 4 e=no%20luck' second
  redis_cli lpush leat:default "$(printf "$job" now)" '{"type":"mail","args":{}}' >/dev/null
  out "$(printf "first\ta.1\t${due}1Z\tmail\t0\t0\t\nthird\ta.3\t${due}3Z\tmail\t0\t0\t")" \
    "$leat" job ls --state scheduled
  out "$(printf "first\ta.1\t${due}1Z\tmail\t0\t0\t")" "$leat" job ls --state scheduled --limit 1
  out "$(printf "second\ta.2\t${due}2Z\tmail\t1\t4\tno luck")" "$leat" job ls --state retrying --limit 1
  out '{"id":"second","iid":"a.2","due_ms":1795266000002,"type":"mail","deliveries":1,"fails":4,"error":"no luck"}' \
    "$leat" job ls --state retrying --json
  out "$(printf 'now\t\tmail\t0\t0\t\n\t\tmail\t0\t0\t')" "$leat" job ls --state ready
  redis_cli lpush '{leat:default}:fail' "1795266000004 r 41"$'\n'"R1 a.2 1 4 e=no%20luck"$'\n'"$(printf "$job" second)" >/dev/null
  out "$(printf "a.2\tsecond\t${due}4Z\tretry\tmail\t4\tno luck")" "$leat" job ls --state failed
  redis_cli del leat:default '{leat:default}:sched' '{leat:default}:fail' >/dev/null
  ok "jobs that wait are listed, the next first, and by their producers' names"
}

quarantine_keeps_bytes() {
  printf 'x\377\001\n' | redis_cli -x lpush '{leat:default}:bad' >/dev/null
  redis_cli lpush '{leat:default}:bad' 'R1 torn' >/dev/null
  expect_exit 0 "$leat" job ls --state bad
  local handle
  handle=$(awk 'END { print $1 }' "$dir/out")
  expect_exit 0 "$leat" job get "$handle" --raw
  expect_eq "$(printf 'x\377\001\n' | od -c)" "$(od -c "$dir/out")" 'the bytes in quarantine'
  expect_exit 0 "$leat" job retry "$handle"
  redis_cli --raw rpop leat:default | head -c 3 >"$dir/again"
  expect_eq "$(printf 'x\377\001' | od -c)" "$(od -c "$dir/again")" 'the bytes pushed again'
  expect_exit 0 "$leat" job rm --all --state bad --yes
  out '' "$leat" job ls --state bad
  ok "the quarantine gives back what came in, byte for byte"
}

copies_are_written_exactly() {
  local at=$(($(date +%s) * 1000)) key='{leat:default}:cache:http://x/a*[b]'
  printf 'h\000\377\n' | redis_cli -x hset "$key" body >/dev/null
  redis_cli hset "$key" type text/plain etag '"1"' lm '' status 200 fetched "$at" \
    fresh $((at + 600000)) hits 3 misses 1 >/dev/null
  redis_cli hset '{leat:other}:cache:k' body x fetched "$at" fresh "$at" >/dev/null
  expect_exit 0 "$leat" cache get 'http://x/a*[b]'
  expect_eq "$(redis_cli --raw hget "$key" body | head -c 3 | od -c)" \
    "$(head -c 3 "$dir/out" | od -c)" 'the body'
  expect_exit 0 "$leat" cache ls
  expect_match $'^http://x/a\\*\\[b\\]\t[0-9]+\t[0-9]+m?s\tfresh\t3\t0\t1$' "$(cat "$dir/out")" 'the list'
  expect_exit 1 "$leat" cache get gone
  expect_exit 1 "$leat" cache rm gone 'http://x/a*[b]'
  out '' "$leat" cache ls
  ok "a copy's body is written byte for byte, and another queue's is not listed"
}

overview_is_json() {
  redis_cli sadd '{leat}:queues' default >/dev/null
  redis_cli lpush leat:default x >/dev/null
  expect_exit 0 "$leat" queue get default --json
  expect_match '^\{"name":"default","ready":1,' "$(cat "$dir/out")" 'queue get'
  expect_exit 0 "$leat" status --json
  expect_match '"code":"no_worker","queue":"default"' "$(cat "$dir/out")" 'status'
  expect_exit 0 "$leat" status
  expect_match 'ALARM the queue default has 1 waiting and no worker' "$(cat "$dir/out")" 'status'
  expect_exit 0 "$leat" workers
  redis_cli del leat:default >/dev/null
  ok "status, queue get and workers answer"
}

doctor_tells_what_is_wrong() {
  expect_exit 0 "$leat" doctor
  expect_match 'warn half steps: .*CONFIG SET aof-load-truncated no' "$(cat "$dir/out")" 'doctor'
  redis_cli config set aof-load-truncated no >/dev/null
  expect_exit 0 "$leat" doctor
  expect_eq '' "$(grep 'half steps' "$dir/out" || true)" 'the warning, with that setting'
  redis_cli set '{leat:default}:dead' foreign >/dev/null
  expect_exit 1 "$leat" doctor
  expect_match 'FAIL types: \{leat:default\}:dead holds a string' "$(cat "$dir/out")" 'doctor'
  redis_cli config set maxmemory-policy allkeys-lru >/dev/null
  expect_exit 78 "$leat" doctor
  expect_match 'FAIL eviction: .*CONFIG SET maxmemory-policy noeviction' "$(cat "$dir/out")" 'doctor'
  redis_stop
  expect_exit 69 "$leat" doctor
  expect_exit 69 "$leat" status
  ok "doctor tells a foreign key, a policy that evicts, and no Redis apart"
}

redis_start
counters_are_listed_exactly
counters_come_once_each
removing_needs_a_yes
dead_jobs_are_found_and_revived
waiting_jobs_are_listed
quarantine_keeps_bytes
copies_are_written_exactly
overview_is_json
doctor_tells_what_is_wrong
