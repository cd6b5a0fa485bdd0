#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What has to wait must not make others wait with it: a backlog, a paused queue, a suspect,
# slow jobs without a slot.
. "$(dirname "$0")/../support/e2e.sh"

counted() { redis_cli hget "{leat:$1}:counters" n; }

# A long backlog of one queue takes all that a worker may hold; another queue gets its share
# nevertheless.
a_backlog_starves_no_other_queue() {
  local left backlog=200000
  printf '{"type":"increment","args":{"counter":"n"}}\n%.0s' $(seq "$backlog") >"$dir/backlog"
  head -n 20 "$dir/backlog" >"$dir/few"
  "$leat" push --ndjson -q long "$dir/backlog" 2>"$dir/err"
  worker_start -q long -q short
  await '[ -n "$(counted long)" ]' 10 'the backlog to be begun'
  "$leat" push --ndjson -q short "$dir/few" 2>"$dir/err"
  await '[ "$(counted short)" = 20 ]' 60 'the short queue to be served'
  left=$(redis_cli llen leat:long)
  [ "$left" -gt 0 ] || fail 'the short queue was served last'
  await '[ "$(counted long)" = $backlog ]' 60 'the backlog to be done'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  ok "a queue with a backlog ($left jobs left) does not starve another"
}

redis_start
a_backlog_starves_no_other_queue
