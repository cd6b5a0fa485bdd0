# SPDX-License-Identifier: MIT
# For sourcing after e2e.sh. Looks into the queue `default` with redis-cli alone, so that a
# test's verdict rests on no code of ours.
#   key NAME                  the Redis key: key lease -> {leat:default}:lease; `queue` is the LIST
#   size NAME                 how many entries it has, 0 when there is none
#   tally FIELD               a number of the queue's :m, 0 when absent
#   counter NAME              its value, nothing when there is none
#   counters                  name<TAB>value of all counters, sorted by bytes
#   expect_counters FILE      compare them with such a list
#   expect_empty NAME…        none of these holds anything
#   expect_at_rest            nothing waits, runs, or is left over from what ran
#   expect_ended N            N jobs have ended well, none of them dead or quarantined
#   leases_of ID              leases that the worker with this id holds, or held when it died
#   lease_tail PID            the same, by its pid, while its record is there
#   log_lines FILE            the counters that a web log's lines count: hits:… and status:…
#   redis_port_open           Redis listens on a port, too, that was free: $redis_port
#   replicas_that_have_all    how many have all that was written so far
#   count_lines               name<TAB>count of the lines on stdin, sorted by bytes

key() {
  case $1 in
    queue) echo 'leat:default' ;;
    *) echo "{leat:default}:$1" ;;
  esac
}

size() {
  case $1 in
    queue | high | h | s | bad) redis_cli llen "$(key "$1")" ;;
    lease | sched | dead) redis_cli zcard "$(key "$1")" ;;
    *) redis_cli hlen "$(key "$1")" ;;
  esac
}

tally() {
  local value
  value=$(redis_cli hget "$(key m)" "$1")
  echo "${value:-0}"
}

counter() {
  redis_cli hget "$(key counters)" "$1"
}

counters() {
  redis_cli --raw hgetall "$(key counters)" | paste - - | LC_ALL=C sort
}

expect_counters() {
  counters >"$dir/counters.got"
  diff "$1" "$dir/counters.got" >"$dir/counters.diff" || {
    head -n 10 "$dir/counters.diff" >&2
    redis_cli --raw hgetall "$(key m)" | paste - - | sort | xargs >&2
    "$leat" fsck >&2 || true
    fail "$(grep -c '^[<>]' "$dir/counters.diff") lines of counters differ ('<' is right)"
  }
}

expect_empty() {
  local name
  for name in "$@"; do expect_eq 0 "$(size "$name")" "entries in $name"; done
}

expect_at_rest() {
  expect_empty queue high h s lease body sched slot again
  expect_eq "$(tally res)" "$(tally fin)" 'jobs that came out of leases, of those that went in'
  expect_eq 0 "$(tally retrying)" 'retries waiting'
}

expect_ended() {
  expect_empty dead bad
  expect_eq "$1" $(($(tally done) + $(tally merged))) 'jobs done or merged'
}

leases_of() {
  redis_cli zrange "$(key lease)" 0 -1 | grep -c "^$1:" || true
}

lease_tail() {
  leases_of "$(worker_record_id "$1")"
}

worker_record_id() {
  redis_cli --raw hgetall '{leat}:workers' |
    awk -v pid="\"pid\":$1," 'index($0, pid) { print id } { id = $0 }'
}

redis_port_open() {
  redis_port=$((10000 + RANDOM % 20000))
  until [ "$(redis_cli config set port "$redis_port" 2>&1)" = OK ]; do
    redis_port=$((10000 + RANDOM % 20000))
  done
}

# WAIT looks at what its own connection wrote, so that has to write something.
replicas_that_have_all() {
  printf '%s\n' 'set marker 1' 'wait 1 30000' | redis_cli | tail -n 1
}

# The fields are cut at the quotes: a path may hold anything but a quote or a blank.
log_lines() {
  awk -F'"' '{
    split($2, request, " "); print "hits:" request[2]
    split($3, answer, " "); print "status:" answer[1]
  }' "$1"
}

count_lines() {
  awk '{ count[$0]++ } END { for (name in count) print name "\t" count[name] }' | LC_ALL=C sort
}
