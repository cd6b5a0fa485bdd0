#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handlers of the kind exec that misbehave, and workers that are killed, stopped and reloaded while
# they run.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

# wrote FILE: who wrote `pid birth` there, in $who.
wrote() {
  await '[ -s "'"$1"'" ]' 20 "${1##*/} to be written"
  read -r -a who <"$1"
}

# ---- those that do not stop, or leave something behind -------------------------------------

faulty_handlers() {
  local out="environment = { PATH, \"OUT=$dir\" }"
  tell='tell() { echo "$2 $(sed "s/.*) //" /proc/$2/stat | cut -d" " -f20)" >$OUT/new.$1; mv $OUT/new.$1 $OUT/$1; }'
  handler deaf "$out" 'timeout = 1s' 'grace = 1s' <<X
trap '' TERM
$tell
sleep 1000 & tell deaf_grandchild \$!
echo 'I hear nothing'
echo '{"incr":{"never":1}}' >&3
tell deaf \$\$
while :; do wait; done
X
  handler obedient 'timeout = 300ms' 'grace = 1h' <<'X'
echo 'so long' >&2
trap 'echo "{\"incr\":{\"never\":1}}" >&3; exit 0' TERM
while :; do sleep 0.05; done
X
  handler parent "$out" <<X
$tell
sleep 1000 & tell left \$!
sleep 1000 >/dev/null 2>&1 3>&- & tell left_silent \$!
echo '{"incr":{"parent":1}}' >&3
X
  handler flood_out <<'X'
head -c 300000000 /dev/zero
echo '{"incr":{"flood":1}}' >&3
X
  handler flood_err <<'X'
i=0
while [ $((i += 1)) -le 20000 ]; do echo "line $i"; done >&2
exit 1
X
  handler answers_twice <<<'echo "{\"incr\":{\"never\":1}}" >&3; echo "{}" >&3'
  handler answers_10_mib <<<'{ printf "{\"result\":\""; head -c 10485760 /dev/zero | tr "\0" x; echo "\"}"; } >&3'
  handler no_json <<<'echo "all is well" >&3'
  handler dies_mid_line <<<'printf "{\"incr\":{\"never\":1}" >&3; kill -KILL $$'
  handler cut_off <<<'printf "{\"incr\":{\"never\":1}" >&3'
  handler too_many <<<'i=0; { printf "{\"incr\":{"; while [ $((i += 1)) -le 65 ]; do printf "\"c$i\":1,"; done; echo "\"never\":1}}"; } >&3'
  handler_of leaks 'command = { perl, "-e", "$x .= q(x) x 1000000 while 1" }' 'memory-mb = 64'
  # What fails stays away while others are looked at.
  sed -n 's/^handler \(.*\) {/retry \1 { policy = fixed  base = 1h }/p' "$conf" >"$dir/retries"
  cat "$dir/retries" >>"$conf"
}

stops_what_does_not_stop() {
  job deaf t-1 --track
  job obedient t-2
  expect_told t-1 'job failed' 'err="timed out after 1s"'
  expect_told t-2 'job failed' 'err="timed out after 300ms"'
  wrote "$dir/deaf"
  await 'is_gone '"${who[*]}" 20 'the deaf one to be gone'
  wrote "$dir/deaf_grandchild"
  await 'is_gone '"${who[*]}" 20 'its child to be gone'
  expect_match '"error":"timed out after 1s","stdout":"I hear nothing\\n"' \
    "$("$leat" job get t-1 --json)" 'the record of a run that was killed'
  "$leat" job ls --state failed --json >"$dir/out"
  expect_match '"error":"timed out after 1s","stdout":"I hear nothing\\n"\}$' "$(grep '"id":"t-1"' "$dir/out")" \
    'the failure of a run that was killed'
  expect_match '"error":"timed out after 300ms","stderr":"so long\\n.*"\}$' "$(grep '"id":"t-2"' "$dir/out")" \
    'the failure of a run that left well, but too late'
  expect_eq '' "$(counter never)" 'effects of a run that was stopped'
  ok 'a run that ignores TERM is killed with all it started; what it answers then does not count'
}

leaves_nothing_behind() {
  job parent p-1
  await_told p-1 'job done'
  wrote "$dir/left"
  await 'is_gone '"${who[*]}" 20 'what held its pipes open to be gone'
  wrote "$dir/left_silent"
  await 'is_gone '"${who[*]}" 20 'what it left to be gone'
  expect_eq 1 "$(counter parent)" 'its effect'
  ok 'children that it leaves neither keep the job open nor live on'
}

survives_floods() {
  local before
  before=$(high_water_kb "$(process)")
  job flood_out o-1
  await_told o-1 'job done'
  [ $(($(high_water_kb "$(process)") - before)) -lt 50000 ] || fail 'the flood is in memory'
  job flood_err o-2
  expect_told o-2 'job failed' 'err="exit 1: line 20000"'
  [ "$(times_told o-2 'handler wrote')" -lt 10000 ] || fail 'a flood in the log'
  expect_told o-2 "handler's last output" 'stream=stderr text=.*line 20000'
  expect_match 'type=flood_err lines_left_out=[0-9]+' "$(grep 'handler writes too much' "$(worker_log)")" 'what was left out'
  ok 'floods cost no memory, and drown no log'
}

refuses_bad_answers() {
  local type
  for type in answers_twice answers_10_mib no_json cut_off too_many; do job "$type" "a-$type"; done
  expect_told a-answers_twice 'job failed' 'err="answer: there is more than one"'
  expect_told a-answers_10_mib 'job failed' 'err="answer: more than 131072 bytes"'
  expect_told a-no_json 'job failed' 'err="answer: '
  expect_told a-cut_off 'job failed' 'err="answer: '
  expect_told a-too_many 'job failed' "err=\"answer: 'incr' has more than 64 items"
  job dies_mid_line a-dies
  expect_told a-dies 'job failed' 'err="signal 9 \(Killed\)"'
  expect_eq ' ' "$(counter never) $(counter c1)" 'effects of answers that break a rule'
  ok 'two answers, 10 MiB, no JSON, half a line, too many effects: the job fails and nothing of it is applied'
}

limits_memory() {
  job leaks m-1
  expect_told m-1 'job failed' 'err="(exit|signal) '
  ok "a leak ends at its limit: ${told##*err=}"
}

# ---- many ----------------------------------------------------------------------------------

# Each leaves its name in a folder while it runs, and counts who is there.
many_handlers() {
  mkdir "$dir/running"
  handler counted 'concurrency = 3' "environment = { PATH, \"OUT=$dir\" }" <<'X'
touch "$OUT/running/$$"
ls "$OUT/running" | wc -l >>"$OUT/at_once"
sleep 0.05
rm "$OUT/running/$$"
X
  handler_of nothing 'command = { true }' 'concurrency = 8'
}

push_many() {
  local i
  for ((i = 0; i < $2; i++)); do echo "{\"type\":\"$1\",\"args\":$i}"; done |
    "$leat" push --ndjson 2>"$dir/err"
}

holds_its_cap() {
  local before
  before=$(tally done)
  push_many counted 60
  await '[ "$(tally done)" = '$((before + 60))' ]' 60 'all to be done'
  expect_eq 3 "$(sort -n "$dir/at_once" | tail -n 1)" 'the most that ran at once'
  ok 'no more of a type run at once than it may'
}

keeps_no_zombie_and_no_descriptor() {
  local before open
  before=$(tally done)
  push_many nothing 20
  await '[ "$(tally done)" = '$((before + 20))' ]' 60 'the first to be done'
  open=$(descriptors "$(process)")
  push_many nothing 500
  await '[ "$(tally done)" = '$((before + 520))' ]' 60 'all to be done'
  await '[ -z "$(children_of "$(process)")" ]' 20 'no child to be left, dead or alive'
  expect_eq "$open" "$(descriptors "$(process)")" 'descriptors after 500 jobs'
  ok 'no zombie, no descriptor left by 500 jobs'
}

# ---- workers that go -----------------------------------------------------------------------

lasting_handlers() {
  handler lasting "environment = { PATH, \"OUT=$dir\" }" <<X
$tell
[ "\$LEAT_DELIVERY" = 1 ] || exit 0
sleep 1000 & tell lasting_grandchild \$!
tell lasting \$\$
while :; do sleep 0.1; done
X
  handler patient "environment = { PATH, \"OUT=$dir\" }" <<'X'
echo started >>"$OUT/patient"
while [ ! -e "$OUT/go" ]; do sleep 0.05; done
echo '{"incr":{"patient":1}}' >&3
X
}

takes_its_children_along() {
  job lasting k-1
  wrote "$dir/lasting"
  kill -KILL "$(process)"
  await 'is_gone '"${who[*]}" 20 'the handler of a killed worker to be gone'
  wrote "$dir/lasting_grandchild"
  await 'is_gone '"${who[*]}" 20 'what the handler had started to be gone'
  await_told k-1 'job done'
  expect_match 'deliveries=1 fails=0' "$told" 'the second run'
  ok 'a worker that is killed takes its handlers and their children along; the job runs again'
}

finishes_what_runs() {
  job patient w-1
  job patient w-2
  await '[ "$(grep -c started "$dir/patient")" = 2 ]' 20 'two to run'
  kill -TERM "$worker"
  await 'grep -q "msg=.stopping. running=2" "$(worker_log)"' 20 'the worker to stop'
  child_alive "$worker" || fail 'it did not wait'
  touch "$dir/go"
  await '! child_alive "$worker"' 20 'the worker to end'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  expect_eq 2 "$(counter patient)" 'effects of what was finished'
  expect_empty queue h lease body
  ok 'TERM: what runs is finished'
}

# A run needs five descriptors while it lasts, and a few more to begin.
waits_for_room() {
  redis_cli flushall >"$dir/out"
  printf 'handler nap { command = { sleep, "0.3" }  concurrency = 16 }\n' >"$dir/nap.conf"
  push_many nap 32
  expect_exit 0 bash -c 'ulimit -n 32; exec "$@"' - "$leat" worker -p 0 --drain --config "$dir/nap.conf"
  expect_ended 32
  expect_eq 0 "$(tally retry)" 'jobs that failed'
  [ "$(sed -n 's/.*msg="stopped" .*failed=//p' "$dir/err")" = 0 ] || fail 'runs failed'
  ok 'while the machine has no room for another process, jobs wait and do not fail'
}

# As some supervisors start their programs.
bears_ignored_signals() {
  redis_cli flushall >"$dir/out"
  push_many nothing 10
  expect_exit 0 perl -e '$SIG{CHLD} = $SIG{PIPE} = "IGNORE"; exec @ARGV' "$leat" worker -p 0 --drain --exec nothing=true
  expect_ended 10
  ok 'a worker that was started with SIGCHLD ignored knows how its handlers end'
}

# ---- a deploy ------------------------------------------------------------------------------

deployed() {
  printf 'worker { processes = 2 }\nhandler job { command = { sh, "-c", "echo %s >>%s/runs; sleep 0.02" } }\n' "$1" "$dir" >"$conf"
}

reloads() {
  local ended version
  redis_cli flushall >"$dir/out"
  deployed 1
  handlers_start --lease 5s
  for version in 2 3; do
    push_many job 100
    ended=$(grep -c 'reload ended' "$(worker_log)" || true)
    deployed "$version"
    kill -HUP "$worker"
    push_many job 100
    await '[ "$(grep -c "reload ended" "$(worker_log)")" -gt '"$ended"' ]' 30 'the reload'
  done
  job job last
  await '[ "$(tally done)" = 401 ]' 60 'all jobs'
  worker_stop
  expect_eq 0 "$status" 'exit status'
  expect_at_rest
  expect_ended 401
  expect_eq 401 "$(wc -l <"$dir/runs")" 'runs'
  expect_eq 3 "$(tail -n 1 "$dir/runs")" 'the command of the last job'
  expect_eq '0 0' "$(tally recovered) $(tally retry)" 'jobs that cost a delivery, or failed'
  ok 'HUP with a new command line: 401 jobs, each run once, the last ones by the new command'
}

redis_start
faulty_handlers
many_handlers
lasting_handlers
handlers_start -p 1 --lease 2s
stops_what_does_not_stop
leaves_nothing_behind
survives_floods
refuses_bad_answers
limits_memory
holds_its_cap
keeps_no_zombie_and_no_descriptor
takes_its_children_along
finishes_what_runs
waits_for_room
bears_ignored_signals
reloads
