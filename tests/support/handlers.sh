# SPDX-License-Identifier: MIT
# For sourcing after e2e.sh and queue.sh. Handlers of users' own types, kind exec, that are
# programs on the disk, or of another kind; and what became of their jobs, as the worker's log and
# the queue tell it.
#   handler TYPE [LINE…]            a handler whose script, without #!, is on stdin; the lines go
#                                   into its section of $conf
#   handler_of TYPE LINE…           the lines alone
#   handler_to TYPE URL [LINE…]     one of the kind http, signed with the secret $secret
#   peer_start NAME [ARG…]          a peer for it: it listens at $peer_port, $dir/NAME.log tells
#   handlers_start [ARG…]           a worker with these handlers
#   job TYPE ID [ARG…]              push one; ARG as of leat push
#   await_told ID MESSAGE           until the log says so of the job; its last such line is $told
#   expect_told ID MESSAGE REGEX    … and has that in it
#   times_told ID MESSAGE           how often it says so
#   reason_of KEY TYPE              of the failed job of that type in :sched or :dead, as its header
#                                   has it
#   process                         the one worker process of its master
#   descriptors PID                 how many it has open
#   high_water_kb PID               the most memory it ever held
#   birth_of PID                    when it was born: with its pid, who it is
#   is_gone PID BIRTH               it has ended; a zombie has

conf=$dir/leat.conf
bin=$dir/bin
mkdir "$bin"

handler() {
  local type=$1
  { echo '#!/bin/sh' && cat; } >"$bin/$type"
  chmod +x "$bin/$type"
  handler_of "$type" "command = {\"$bin/$type\"}" "${@:2}"
}

handler_of() {
  printf 'handler %s {\n' "$1" >>"$conf"
  printf '  %s\n' "${@:2}" >>"$conf"
  printf '}\n' >>"$conf"
}

secret=bXkgc2VjcmV0IGlzIHNhZmU

handler_to() {
  [ -e "$dir/secret" ] || (umask 077 && echo "$secret" >"$dir/secret")
  handler_of "$1" 'kind = http' "url = \"$2\"" "secret-file = \"$dir/secret\"" "${@:3}"
}

peer_start() {
  child_start "$1" "$LEAT_BIN/leat-receiver" --secret "$secret" "${@:2}"
  await "grep -q ^listening '$dir/$1.log'" 10 "the peer $1 to listen"
  peer_port=$(sed -n 's/^listening //p' "$dir/$1.log")
}

handlers_start() {
  worker_start --config "$conf" "$@"
  await 'grep -q "redis up" "$(worker_log)" || ! child_alive "$worker"' 20 'the worker'
  child_alive "$worker" || fail 'the worker did not start'
}

job() {
  "$leat" push "$1" --id "$2" "${@:3}" >"$dir/pushed"
}

told_lines() {
  grep -F "msg=\"$2\" id=$1 " "$(worker_log)" || true
}

times_told() {
  told_lines "$@" | grep -c . || true
}

await_told() {
  local id=$1 message=$2
  await '[ "$(times_told "$id" "$message")" -gt 0 ]' 30 "'$message' of $id"
  told=$(told_lines "$id" "$message" | tail -n 1)
}

expect_told() {
  await_told "$1" "$2"
  expect_match "$3" "$told" "the log's '$2' of $1"
}

reason_of() {
  redis_cli zrange "$(key "$1")" 0 -1 |
    awk -v type="\"type\":\"$2\"" '/^R1 / { header = $0 } index($0, type) { print header }' |
    sed -n 's/^R1 .*e=\([^ ]*\).*/\1/p' | sed 's/%20/ /g; s/%25/%/g'
}

process() {
  children_of "$worker" | tr -d ' '
}

descriptors() {
  find "/proc/$1/fd" -mindepth 1 | wc -l
}

high_water_kb() {
  sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# The name in the second field may hold anything.
birth_of() {
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

is_gone() {
  [ "$(birth_of "$1")" != "$2" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}
