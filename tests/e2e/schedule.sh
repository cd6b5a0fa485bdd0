#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Jobs that are due later: not early, and soon after.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

now_ms() { redis_cli --raw time | paste -sd' ' | awk '{ printf "%.0f", $1 * 1000 + int($2 / 1000) }'; }


redis_start
worker_start -p 2
await '[ "$(redis_cli hlen "{leat}:workers")" = 2 ]' 10 'the workers'

due=$(($(now_ms) + 1200)) # at least
"$leat" push increment counter=later --in 1200ms >"$dir/out"
await '[ "$(redis_cli hget "$(key counters)" later)" = 1 ]' 10 'the job to run'
[ "$(now_ms)" -ge "$due" ] || fail 'it ran early'
ok 'a job pushed with --in runs at its time, not before'

"$leat" push increment counter=at --at "@$(($(date +%s) + 1))" >"$dir/out"
await '[ "$(redis_cli hget "$(key counters)" at)" = 1 ]' 10 'the job to run'
ok 'a job pushed with --at runs'

# Sooner than the next tick would look, and sooner than what was the first until now.
"$leat" push increment counter=far --in 1h >"$dir/out"
for n in 1 2 3 4 5 6 7 8 9 10; do
  "$leat" push increment "counter=soon:$n" --in 100ms >"$dir/out"
  due=$(($(now_ms) + 100))
  await "[ \"\$(redis_cli hget '$(key counters)' soon:$n)\" = 1 ]" 10 'a job due in 100 ms'
done
expect_eq 1 "$(redis_cli zcard "$(key sched)")" 'what is due in an hour stays'
[ "$(redis_cli xlen "$(key ctl)")" -ge 10 ] || fail 'the control stream was not told of earlier jobs'
ok 'an earlier job is announced on the control stream'

listeners() { redis_cli client list | sed -n 's/^id=\([0-9]*\) .*name=leat-listener .*flags=b.*/\1/p'; }
await '[ "$(listeners | wc -l)" = 2 ]' 10 'the workers to listen'
for id in $(listeners); do
  expect_eq 1 "$(redis_cli client unblock "$id" error)" 'listeners that get an error'
done
await '[ "$(listeners | wc -l)" = 2 ]' 20 'them to listen again'
ok 'after an error that passes they listen again'

for _ in 1 2 3; do "$leat" push increment counter=same --id same --in 300ms >"$dir/out"; done
await '[ "$(redis_cli hget "$(key counters)" same)" = 3 ]' 10 'three equal jobs'
ok 'equal scheduled jobs stay apart'

expect_exit 64 "$leat" push increment counter=x --in 10
expect_match 'unit' "$(cat "$dir/err")" 'the message about a bare number'
expect_exit 64 "$leat" push increment counter=x --in 10s --at @1
ok 'a number without its unit, and two times at once, are refused'
