#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The master is killed: commands that read go on from a replica and say so, with the same
# output; one that writes fails as ever. Two real servers, one follows the other.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

replica_cli() {
  redis-cli -s "$dir/replica.sock" "$@"
}

# A replica finds its master by TCP only.
replica_start() {
  mkdir -p "$dir/replica"
  child_start replica "$dir/tools/redis-server" --port 0 --unixsocket "$dir/replica.sock" \
    --dir "$dir/replica" --save '' --appendonly no --maxmemory-policy noeviction \
    --replicaof 127.0.0.1 "$redis_port"
  await '[ "$(replica_cli ping 2>&1)" = PONG ]' 10 'the replica to answer'
  await 'replica_cli info replication | grep -q master_link_status:up' 20 'the replica to follow'
}

reading=(
  "status" "workers" "queue ls" "queue get default" "job ls" "job get a.0" "job get a.0 --raw"
  "counter get song" "counter ls" "counter top 1" "cache get http://x/" "cache ls"
)

fill() {
  local at=$(($(date +%s) * 1000))
  "$leat" push increment counter=song by:=41 >"$dir/out"
  "$leat" push increment counter=song >"$dir/out"
  "$leat" worker --drain 2>"$dir/err"
  redis_cli zadd '{leat:default}:dead' "$at" 'R1 a.0 3 25 t=1795260000000 e=no%20luck
{"type":"mail","args":{}}' >"$dir/out"
  redis_cli hset '{leat:default}:cache:http://x/' body 'a copy' type text/plain status 200 fetched "$at" \
    fresh $((at + 3600000)) >"$dir/out"
  expect_eq 1 "$(replicas_that_have_all)" 'replicas that followed'
}

# What each command printed while the master was there, for those without ages in them.
remember() {
  for command in "job ls --json" "job get a.0 --json" "counter ls --json" "counter get song --json"; do
    "$leat" $command
  done >"$1"
}

reads_all() { # OPTION…
  local command
  for command in "${reading[@]}"; do
    expect_exit 0 "$leat" $command "$@"
    expect_match "^leat: the master unix:$socket is unreachable \(.+\); read from the replica unix:$dir/replica.sock, which last heard from it [0-9]+ s ago$" \
      "$(cat "$dir/err")" "the words of $command"
    [ -s "$dir/out" ] || [ "$command" = workers ] || fail "leat $command wrote nothing"
  done
}

nothing_is_said_while_the_master_is_there() {
  expect_exit 0 "$leat" counter get song --replica "unix:$dir/replica.sock"
  expect_eq '' "$(cat "$dir/err")" 'said with a master'
  expect_eq 42 "$(cat "$dir/out")" 'the counter'
  ok 'with a master nothing is said'
}

reads_from_the_replica() {
  reads_all --replica "unix:$dir/replica.sock"
  expect_exit 0 "$leat" counter get song --replica "unix:$dir/replica.sock"
  expect_eq 42 "$(cat "$dir/out")" 'the counter, read from the replica'
  LEAT_REPLICA="unix:$dir/nobody.sock unix:$dir/replica.sock" remember "$dir/after" 2>"$dir/err"
  expect_eq "$(cat "$dir/before")" "$(cat "$dir/after")" 'the output, read from the replica'
  expect_exit 0 "$leat" queue get default --json --replica "unix:$dir/nobody.sock" --replica "unix:$dir/replica.sock"
  expect_match '"done":2,' "$(cat "$dir/out")" 'the counts, by a script that only reads'
  ok 'the master killed: all that reads goes on from the first replica that answers, and says so'
}

writing_fails() {
  local command
  export LEAT_REPLICA="unix:$dir/replica.sock"
  for command in "push increment counter=song" "job retry a.0" "job rm a.0" "counter rm song" "cache rm http://x/" \
    "queue pause default" "queue resume default" "queue purge default --yes"; do
    expect_exit 69 "$leat" $command
  done
  unset LEAT_REPLICA
  expect_exit 64 "$leat" counter rm song --replica "unix:$dir/replica.sock"
  expect_eq 42 "$(replica_cli hget '{leat:default}:counters' song)" 'the counter'
  ok 'what writes exits 69, whatever replicas there are'
}

nobody_answers() {
  expect_exit 69 "$leat" counter get song
  expect_exit 69 "$leat" counter get song --replica "unix:$dir/nobody.sock"
  expect_match 'is unreachable .* none of its replicas answers' "$(cat "$dir/err")" 'the reason'
  expect_exit 64 "$leat" counter get song --replica nonsense
  replica_cli config set replica-serve-stale-data no >"$dir/out"
  expect_exit 69 "$leat" counter get song --replica "unix:$dir/replica.sock"
  expect_match 'MASTERDOWN' "$(cat "$dir/err")" 'the reason'
  replica_cli config set replica-serve-stale-data yes >"$dir/out"
  ok 'without a replica that serves: 69, with the reason'
}

a_promoted_one_is_named_so() {
  replica_cli replicaof no one >"$dir/out"
  expect_exit 0 "$leat" counter get song --replica "unix:$dir/replica.sock"
  expect_match 'which is a master itself now' "$(cat "$dir/err")" 'the words'
  ok 'a replica that was promoted is said to be a master'
}

redis_start --repl-diskless-sync-delay 0
redis_port_open
replica_start
fill
nothing_is_said_while_the_master_is_there
remember "$dir/before"
redis_kill9
await 'replica_cli info replication | grep -q master_link_status:down' 20 'the replica to miss its master'
reads_from_the_replica
writing_fails
nobody_answers
a_promoted_one_is_named_so
