#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A job that its workers die of goes to the head, then among the suspects, where each runs
# alone, and dies at the fifth delivery; its neighbours run once each. After a silence of the
# whole fleet nothing expires at once.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

innocents=200

# First come jobs that make leases grow, so that one lease holds the poison and all innocents.
push_poison_among_innocents() {
  local i
  for ((i = 0; i < 240; i++)); do echo '{"type":"increment","args":{"counter":"warm-up"}}'; done
  echo "{\"type\":\"refresh\",\"args\":{\"url\":\"$origin/never\",\"timeout_ms\":60000}}"
  for ((i = 0; i < innocents; i++)); do
    echo "{\"type\":\"increment\",\"args\":{\"counter\":\"innocent:$i\"}}"
  done
}

innocents_counted() {
  redis_cli --raw hgetall "$(key counters)" | paste - - | grep -c '^innocent:[0-9]*	1$' || true
}

# The first worker dies with the whole lease: what it says after it got the poison is lost.
kill_with_the_lease() {
  child_start proxy "$LEAT_BIN/leat-proxy" --listen "$dir/proxy.sock" --to "$socket" \
    --word /never --direction to-server --fault hole
  await 'grep -q "^listening" "$dir/proxy.log"' 10 'the proxy to listen'
  worker_start -p 0 --lease 2s --redis "unix://$dir/proxy.sock"
  await 'grep -q "^hole" "$dir/proxy.log"' 10 'the worker to get the poison'
  expect_eq $((innocents + 1)) $(($(tally res) - $(tally fin))) 'jobs in the lease'
  worker_stop KILL
  expect_eq 1 "$(size lease)" 'leases left behind'
}

# The next worker gets to the poison, alone from its second delivery on, and dies of it.
kill_with_delivery() {
  worker_start -p 0 --lease 2s --allow-net 127.0.0.0/8
  await 'redis_cli hvals "$(key body)" | grep -q "R1 [^ ]* '"$1"' 0 "' 20 "delivery $1 to run"
  expect_empty s h queue
  expect_eq "$innocents" "$(innocents_counted)" 'innocent jobs counted once'
  worker_stop KILL
}

poison_dies_alone() {
  local delivery
  "$leat" push --ndjson < <(push_poison_among_innocents)
  kill_with_the_lease
  for delivery in 1 2 3 4; do kill_with_delivery "$delivery"; done
  ok "$innocents neighbours of a poisonous job ran once each, four workers died of it alone"
  worker_start --lease 2s
  await '[ "$(size dead)" = 1 ]' 20 'the poison to die'
  expect_match '^R1 [^ ]+ 5 0 .*too%20often' "$(redis_cli zrange "$(key dead)" 0 0)" 'the dead job'
  expect_empty queue high h s lease body bad
  worker_stop
  ok 'at its fifth delivery it died, unread'
}

# One at a time, but an idle worker does not wait between them; and pushes get through.
many_suspects_take_turns() {
  local i
  redis_cli flushall >"$dir/out"
  for ((i = 0; i < innocents; i++)); do
    printf 'LPUSH %s "R1 x.%d 2 0 t=1\\n{\\"type\\":\\"increment\\",\\"args\\":{\\"counter\\":\\"n\\"}}"\n' \
      "$(key s)" "$i"
  done | redis_cli >"$dir/out"
  worker_start
  "$leat" push increment counter=n >"$dir/out"
  await '[ "$(size s)" = 0 ]' 15 'the suspects to run'
  await '[ "$(redis_cli hget "$(key counters)" n)" = $((innocents + 1)) ]' 5 'all to be counted'
  worker_stop
  expect_at_rest
  ok "$innocents suspects ran one after another, without idling between them"
}

# A lease is left behind and then nobody looks for six seconds.
nothing_expires_after_silence() {
  local before
  redis_cli flushall >"$dir/out"
  "$leat" push refresh "url=$origin/never" timeout_ms:=60000 >"$dir/out"
  worker_start -p 0 --lease 2s --allow-net 127.0.0.0/8
  await '[ "$(size slot)" = 1 ] && [ "$(tally seen)" != 0 ]' 10 'the refresh to run'
  worker_stop KILL
  before=$(tally seen)
  await '[ "$(redis_now_ms)" -gt $((before + 6000)) ]' 10 'six seconds of silence'
  worker_start --lease 2s --allow-net 127.0.0.0/8
  await '[ "$(tally seen)" -gt "$before" ]' 10 'a worker to look'
  expect_eq 0 "$(tally recovered)" 'jobs that cost a delivery'
  [ $(($(redis_cli zscore "$(key lease)" "$(redis_cli hkeys "$(key body)")") - $(redis_now_ms))) -gt 7000 ] ||
    fail 'the lease got no time after the silence'
  worker_stop
  ok 'after a silence of the fleet, leases that ran out get ten seconds more'
}

# It runs in a handler, or waits for one, when its worker is stopped.
given_back_it_stays_one() {
  redis_cli flushall >"$dir/out"
  handler stays <<<'sleep 1000'
  redis_cli lpush "$(key s)" $'R1 x.1 2 0 t=1\n{"type":"stays","id":"suspect","args":{}}' >"$dir/out"
  handlers_start -p 0
  expect_told suspect 'job started' 'deliveries=2'
  kill "$worker"
  await 'grep -q "msg=\"stopping\"" "$(worker_log)"' 20 'the worker to stop'
  worker_stop
  expect_told suspect 'job given back' .
  expect_eq '1 0 0' "$(size s) $(size h) $(size body)" 'suspects, others, leases'
  ok 'a suspect that goes back is still one'
}

redis_now_ms() {
  redis_cli time | awk '{ printf "%s", NR == 1 ? $0 : substr(sprintf("%06d", $0), 1, 3) }'
}

redis_start
origin_start
poison_dies_alone
many_suspects_take_turns
nothing_expires_after_silence
given_back_it_stays_one
