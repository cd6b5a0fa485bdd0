#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A job that has another one follow, or that is tracked, is pushed so by every producer; what
# follows is pushed when the job is done, with its result, and not when it died.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

redis_start
newest() { redis_cli lindex leat:default 0; }
then='{"type":"tell","args":["$result.name",1.50],"queue":"mail","in_ms":5}'

expect_eq a "$("$leat" push make --id a --track --then " $then " n:=1)" 'the id that is printed'
expect_eq '{"type":"make","id":"a","args":{"n":1},"track":true,"v":2,"then":'"$then}" "$(newest)" \
  'the job that leat push made'
printf '%s\n' "$then" >"$dir/then.json"
"$leat" push make --id b --then "@$dir/then.json" >"$dir/out"
expect_eq '{"type":"make","id":"b","args":{},"v":2,"then":'"$then}" "$(newest)" 'a follow-up from a file'
ok 'leat push writes track and then into the job'

job='{ "type":"make","id":"c","args":{},"track":true,"then": '"$then"' }'
echo "$job" | "$leat" push --ndjson 2>"$dir/out"
expect_eq "$job" "$(newest)" 'a line'
child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
printf '%s' "${job/c/d}" >"$dir/job"
expect_match '^HTTP/1.1 202 ' "$(http_send "$port" POST /api/v1/jobs "$dir/job")" 'a push over HTTP'
expect_eq "${job/c/d}" "$(newest)" 'the job that came over HTTP'
ok 'lines and HTTP keep them byte for byte'

printf '{"type":"make","args":{},"then":{"type":"tell"}}' >"$dir/job"
answer=$(http_send "$port" POST /api/v1/jobs "$dir/job")
expect_match '^HTTP/1.1 4' "$answer" 'a broken follow-up over HTTP'
expect_match "'then': 'args' is missing" "$answer" 'its reason'
expect_eq 4 "$(redis_cli llen leat:default)" 'jobs that were pushed'
ok 'a follow-up that is no job is refused before it is pushed'

redis_cli del leat:default >"$dir/out"
handler make <<'X'
echo '{"result":{"name":"a \"b\"","files":[1.50]}}' >&3
X
handler tell <<'X'
args=$(cat)
printf '{"incr":{"told":1},"result":%s}' "$args" >&3
X
handler break <<'X'
exit 65
X
handlers_start

chain='{"type":"tell","args":["$result.name","$result.files","$result.none","$$result"],"then":{"type":"keep",
  "queue":"mail","id":"k","args":{"all":"$result"}}}'
mail() { redis_cli lrange leat:mail 0 -1; }
"$leat" push make --then "$chain" >"$dir/out"
await '[ "$(redis_cli llen leat:mail)" -gt 0 ]' 30 'the end of the chain'
expect_eq '{"type":"keep","id":"k","args":{"all":["a \"b\"",[1.50],null,"$result"]}}' "$(mail)" \
  'what follows what followed'
expect_eq 1 "$("$leat" counter get told)" 'runs of the job that followed'
ok 'each result goes into the args of the job that follows'

job break broken --then '{"type":"keep","queue":"mail","args":1}'
await_told broken 'job died'
job tell plain --args 1
await_told plain 'job done'
expect_eq '1 0 0' "$(redis_cli llen leat:mail) $(redis_cli llen leat:default) $(redis_cli zcard "$(key sched)")" \
  'jobs that were pushed since'
ok 'nothing follows a job that died'

job increment first counter=a --then '{"type":"increment","args":{"counter":"$result.x"},"in_ms":1,"then":{"type":"keep","queue":"mail","args":"$result"}}'
await 'test "$(redis_cli zcard "$(key dead)")" = 2' 30 'a counter without a name'
job increment second counter=a --then '{"type":"increment","args":{"counter":"b"},"in_ms":1}'
await 'test "$("$leat" counter get b)" = 1' 30 'an increment that follows one'
expect_eq '2 1' "$("$leat" counter get a) $(redis_cli llen leat:mail)" 'the counter, jobs in mail'
ok 'an increment has a job follow too; its result is null'

record() { redis_cli xrange "{leat:$1}:t:$2" - + | paste -sd' '; }
then='{"type":"tell","id":"next","track":true,"in_ms":1500,"args":{"got":"$result"}}'
expect_eq '{"a":1}' "$("$leat" run tell a:=1 --id first --then "$then" 2>"$dir/err")" 'the result of the first'
expect_exit 0 "$leat" job wait next
expect_eq $'next\tdone\t{"got":{"a":1}}' "$(cat "$dir/out")" 'the end of what follows'
expect_match '^[0-9-]+ state scheduled due [0-9]+ .*state running .*state done' "$(record default next)" 'its record'
ok 'a follow-up that is tracked can be waited for before it begins'

handler pushes <<'X'
echo '{"push":[{"type":"keep","queue":"mail","id":"now","track":true,"args":1},
  {"type":"keep","queue":"mail","id":"later","track":true,"in_ms":60000,"args":1},
  {"type":"keep","queue":"mail","id":"plain","args":1}]}' | tr -d '\n' >&3
X
worker_stop
handlers_start
job pushes all
await_told all 'job done'
expect_match '^[0-9-]+ state queued$' "$(record mail now)" 'the record of one that a handler pushed'
expect_match '^[0-9-]+ state scheduled due [0-9]+$' "$(record mail later)" 'of one that is due later'
expect_eq '' "$(record mail plain)" 'of one that is not tracked'
expect_exit 0 "$leat" job get now -q mail
expect_match '"state":"queued"' "$(cat "$dir/out")" 'what is told of it'
ok 'so can those that a handler pushes'
