#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handlers of the kind lines that misbehave, each with a neighbour in the same child: whom it costs
# what. And that nothing is left of them.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

liner=$(cd "$(dirname "$0")/../support" && pwd)/liner.pl
held=$dir/held
hold="{\"do\":\"hold\",\"in\":\"$held\"}"
mkdir "$held"

failures() { grep -c "msg=.job failed..*type=$1 " "$(worker_log)" || true; }
gone() { grep -c "handler's child is gone" "$(worker_log)" || true; }

# liner TYPE IN_FLIGHT [LINE…]
liner() {
  handler_of "$1" 'kind = lines' "command = {perl, \"$liner\", \"$2\"}" "${@:3}"
}

handlers() {
  liner t 5
  liner one 0
  liner quick 3 'timeout = 300ms' 'grace = 300ms'
  liner stuffed 1000 'grace = 300ms'
  liner small 0 'memory-mb = 100'
  handler_of broken 'kind = lines' \
    "command = {sh, \"-c\", \"test -e $dir/mended || { echo not mended >&2; exit 3; }; exec perl $liner 10\"}"
  handler_of mute 'kind = lines' 'grace = 300ms' 'command = {sh, "-c", "exec >&-; exec sleep 600"}'
  # What fails stays away while others are looked at.
  sed -n 's/^handler \(.*\) {/retry \1 { policy = fixed  base = 1h }/p' "$conf" >"$dir/retries"
  cat "$dir/retries" >>"$conf"
}

# neighbour TYPE ID [ARG…]: a job that a child holds.
neighbour() {
  rm -f "$held"/*
  job "$1" "$2" --args "$hold" "${@:3}"
  await '[ -n "$(ls "$held")" ]' 20 "$2 to run"
}

# both_fail FAULT REASON: it costs the child's other job, too.
both_fail() {
  neighbour t "n-$1"
  job t "b-$1" --args "{\"do\":\"$1\",\"signal\":\"SEGV\",\"text\":\"last words\"}"
  expect_told "b-$1" 'job failed' "fails=1 .*err=\"$2"
  expect_told "n-$1" 'job failed' "fails=1 .*err=\"$2"
}

# ---- those that die ------------------------------------------------------------------------

dies() {
  both_fail kill 'handler died of signal 11 \(Segmentation fault\): last words"'
  both_fail midline 'handler died of exit 1"'
  job small m-1 --args '{"do":"leak","mb":500}'
  expect_told m-1 'job failed' 'err="handler died of (exit|signal) .*[Oo]ut of memory'
  job t d-1 --args '{"do":"ok"}'
  await_told d-1 'job done'
  ok 'a child that dies, also amid a line or at its limit: what it held fails, the next runs in another'
}

# Its jobs wait, and keep their attempts: it died before it read one.
dies_at_once() {
  local i counted
  job broken a-1 --track --args '{"do":"ok"}'
  await_told a-1 'job runs again later'
  await '"$leat" job get a-1 | grep -q "\"state\":\"later\".*\"error\":\"handler died of exit 3: not mended\""' 20 'its record to say why'
  for ((i = 1; i < 50; i++)); do echo '{"type":"broken","args":{"do":"ok"}}'; done | "$leat" push --ndjson 2>"$dir/err"
  await 'grep -q "msg=.alarm. text=.handler broken: its children die before they answer: handler died of exit 3: not mended" "$(worker_log)"' 30 'the alarm'
  await '"$leat" workers --json | grep -q "broken: its children die"' 20 'the alarm in leat workers'
  counted=$(counter ok)
  touch "$dir/mended"
  await '[ $(($(counter ok) - counted)) = 50 ]' 60 'all of them to be done'
  expect_eq 0 "$(failures broken)" 'jobs that have failed'
  await '! "$leat" workers --json | grep -q "its children die"' 20 'the alarm to be over'
  ok 'children that die at once are started later and later; their jobs wait and lose no attempt'
}

# ---- those that break the protocol ---------------------------------------------------------

breaks_the_protocol() {
  local before
  both_fail foreign 'handler was killed: it answered for a job it does not hold: '
  both_fail no_json 'handler was killed: what it wrote is no answer: '
  both_fail hello 'handler was killed: it answered for a job it does not hold: '
  before=$(high_water_kb "$(process)")
  both_fail flood 'handler was killed: it wrote a line of more than 131072 bytes"'
  both_fail big 'handler was killed: it wrote a line of more than 131072 bytes"'
  [ $(($(high_water_kb "$(process)") - before)) -lt 50000 ] || fail 'the flood is in memory'
  neighbour t n-twice
  job t b-twice --args '{"do":"twice"}'
  await_told b-twice 'job done'
  expect_told n-twice 'job failed' 'err="handler was killed: it answered for a job it does not hold: '
  expect_eq '' "$(counter never)" 'effects of half an answer'
  ok 'a foreign job, no JSON, a late hello, a flood, 10 MiB, two answers: the child is killed'
}

breaks_a_rule() {
  local before
  neighbour t n-rule
  before=$(gone)
  job t b-unruly --args '{"do":"unruly"}'
  job t b-progress --args '{"do":"progress"}'
  expect_told b-unruly 'job failed' "err=\"answer: 'incr', 'push' and 'result' belong to a job that is done"
  expect_told b-progress 'job failed' "err=\"answer: 'progress' has 2002 bytes, the limit is 1024"
  touch "$held/go"
  await_told n-rule 'job done'
  expect_eq "$before" "$(gone)" 'children that ended'
  expect_eq '' "$(counter never)" 'effects'
  ok 'an answer that breaks a rule fails its job and no other'
}

# ---- those that do not stop ----------------------------------------------------------------

obeys() {
  local before
  before=$(gone)
  neighbour quick o-1
  expect_told o-1 'job failed' 'err="timed out after 300ms"'
  expect_eq "$before" "$(gone)" 'children that ended'
  ok 'a job whose time is over is cancelled; a child that obeys lives on'
}

# does_not_stop FAULT: its neighbour loses no attempt.
does_not_stop() {
  neighbour quick "n-$1" --timeout 1h
  job quick "b-$1" --args "{\"do\":\"$1\",\"file\":\"$dir/grandchild\"}"
  expect_told "b-$1" 'job failed' 'err="timed out after 300ms"'
  expect_told "n-$1" 'job given back' 'deliveries=0 fails=0'
  touch "$held/go"
  expect_told "n-$1" 'job done' 'deliveries=0 fails=0'
}

do_not_stop() {
  local pid birth
  does_not_stop deaf
  neighbour quick n-fork --timeout 1h
  job quick b-fork --args "{\"do\":\"fork\",\"file\":\"$dir/grandchild\"}"
  await '[ -s "$dir/grandchild" ]' 20 'the grandchild'
  pid=$(cat "$dir/grandchild") birth=$(birth_of "$pid")
  job quick b-deaf2 --args '{"do":"deaf"}'
  expect_told b-deaf2 'job failed' 'err="timed out after 300ms"'
  await "is_gone $pid ${birth:-0}" 20 'the grandchild to be gone'
  expect_told n-fork 'job given back' 'deliveries=0 fails=0'
  touch "$held/go"
  await_told n-fork 'job done'
  ok 'a child that does not stop a job is killed with all it started; its other jobs run again as they were'
}

does_not_read() {
  local i text before
  before=$(counter ok)
  text=$(printf '%02000d' 0)
  job stuffed r-1 --args '{"do":"deaf"}' --timeout 1s
  await_told r-1 'job started'
  for ((i = 0; i < 200; i++)); do
    echo "{\"type\":\"stuffed\",\"args\":{\"do\":\"ok\",\"text\":\"$text\"}}"
  done | "$leat" push --ndjson 2>"$dir/err"
  for ((i = 0; i < 100; i++)); do
    echo '{"type":"one","args":{"do":"err","text":""}}'
    echo '{"type":"increment","args":{"counter":"instant"}}'
  done | "$leat" push --ndjson 2>"$dir/err"
  await '[ "$(counter instant)" = 100 ]' 20 'instant jobs'
  expect_told r-1 'job failed' 'err="timed out after 1s"'
  await '[ "$(counter ok)" = '$((before + 200))' ]' 60 'what it did not read to be done by another'
  ok 'a child that does not read holds up nobody, and what waited for it is done'
}

closes_a_pipe() {
  neighbour quick n-shut --timeout 1h
  job quick b-shut --args '{"do":"shut"}' --timeout 1h
  await_told b-shut 'job started'
  job quick c-shut --args '{"do":"ok"}' --timeout 1h
  expect_told n-shut 'job failed' 'err="handler was killed: it closed its standard input"'
  expect_told c-shut 'job failed' 'err="handler was killed: it closed its standard input"'
  neighbour quick n-mute --timeout 1h
  job quick b-mute --args '{"do":"mute"}' --timeout 1h
  expect_told n-mute 'job failed' 'err="handler was killed: it closed its standard output"'
  job mute p-mute # it may have read that meanwhile, so it is not put off
  expect_told p-mute 'job failed' 'fails=1 .*err="handler was killed: it closed its standard output"'
  ok 'a child that closes its standard input, or output, is killed'
}

# ---- stderr --------------------------------------------------------------------------------

stderr_is_logged() {
  job one s-1 --args '{"do":"err","text":"all about s-1"}'
  expect_told s-1 'handler wrote' 'type=one child=[0-9]+ text="all about s-1"'
  neighbour t s-2
  job t s-3 --args '{"do":"err","text":"about one of two"}'
  await_told s-3 'job done'
  expect_match 'msg="handler wrote" type=t child=[0-9]+ text="about one of two"' \
    "$(grep 'about one of two' "$(worker_log)")" 'a line of one of two'
  touch "$held/go"
  await_told s-2 'job done'
  ok 'stderr goes to the log, with the id when there was one job only'
}

# ---- what is left --------------------------------------------------------------------------

zombies() {
  local pid
  for pid in $(children_of "$(process)"); do sed -n 's/^State:.Z/&/p' "/proc/$pid/status" 2>/dev/null; done
}

# Those that were killed may still be about to be reaped.
nothing_is_left() {
  local before=$1
  await '[ -z "$(zombies)" ]' 20 'no zombie to be left'
  await '[ "$(descriptors "$(process)")" = $(('"$before"' + 4 * $(children_of "$(process)" | wc -w))) ]' 20 \
    "no descriptors to be left but those of the children, and the $before of before"
  ok 'no zombie and no descriptor is left'
}

takes_its_children_along() {
  local pid births=()
  neighbour t k-1
  for pid in $(children_of "$(process)"); do births+=("$pid $(birth_of "$pid")"); done
  [ "${#births[@]}" -ge 3 ] || fail "only ${#births[@]} children"
  kill -KILL "$(process)"
  for pid in "${births[@]}"; do await "is_gone $pid" 20 'a child of a killed worker to be gone'; done
  await '[ "$(times_told k-1 "job started")" = 2 ]' 30 'the job to run again'
  touch "$held/go"
  expect_told k-1 'job done' 'deliveries=1 fails=0'
  ok 'a worker that is killed takes its children along'
}

redis_start
handlers
handlers_start -p 1 --lease 2s
await_idle 1
open=$(descriptors "$(process)")
dies
dies_at_once
breaks_the_protocol
breaks_a_rule
obeys
do_not_stop
does_not_read
closes_a_pipe
stderr_is_logged
nothing_is_left "$open"
takes_its_children_along
worker_stop
expect_eq 0 "$status" 'exit status'
