#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Refreshes of pages that misbehave. Each row of the table is one job, with good jobs before
# and behind it in a queue of its own; one worker drains them all. It must die at once, or be
# scheduled again, for the reason that the row names, and its neighbours must be done.
. "$(dirname "$0")/../support/e2e.sh"

# ---- the table -----------------------------------------------------------------------------
# name | end: dead or retry | text of the reason | path at the origin | further args
table() {
  cat <<'EOF'
redirect_loop     | dead  | too many redirects                            | /redirect-loop            |
redirect_private  | dead  | address 127.0.0.2 is refused as loopback (127.0.0.0/8, RFC 1122); to allow it: --allow-net 127.0.0.2 | /redirect-to-private?to=http://127.0.0.2/ |
redirect_scheme   | dead  | only http and https are fetched               | /redirect-to-private?to=file:///etc/passwd |
endless_body      | dead  | body of more than 1048576 bytes (limit 1048576) | /endless                |
no_answer         | retry | no complete answer within 300 ms              | /never                    | ,"timeout_ms":300
slow_answer       | retry | no complete answer within 200 ms              | /slow?ms=20000            | ,"timeout_ms":200
status_304        | dead  | HTTP status 304                               | /status/304               |
status_400        | dead  | HTTP status 400                               | /status/400               |
status_404        | dead  | HTTP status 404                               | /status/404               |
status_410        | dead  | HTTP status 410                               | /status/410               |
status_408        | retry | HTTP status 408                               | /status/408               |
status_429        | retry | HTTP status 429                               | /status/429               |
status_500        | retry | HTTP status 500                               | /status/500               |
status_503        | retry | HTTP status 503                               | /status/503               |
EOF
}

# ---- pushing -------------------------------------------------------------------------------

declare -a names ends texts

# refresh PATH ARGS RETRY
refresh() {
  printf '{"type":"refresh","args":{"url":"%s%s"%s},"retry":%s}' "$origin" "$1" "$2" "$3"
}

push() {
  redis_cli lpush "leat:$1" "${@:2}" >"$dir/out"
}

# The retries are far off, so that a drain need not wait for them.
push_row() {
  local good='{"type":"increment","args":{"counter":"good"}}'
  push "$1" "$good" "$(refresh "/etag/$1/before" '' '{}')" "$good" \
    "$(refresh "$2" "$3" '{"max":2,"base_ms":3600000}')" \
    "$good" "$(refresh "/etag/$1/behind" '' '{}')" "$good"
}

push_table() {
  local name end text path args
  while IFS='|' read -r name end text path args; do
    name=${name// /}
    names+=("$name") ends+=("${end// /}") texts+=("$(sed 's/^ *//; s/ *$//' <<<"$text")")
    push_row "$name" "${path// /}" "${args// /}"
  done < <(table)
}

# ---- looking -------------------------------------------------------------------------------

# The reason stands in the header, percent-escaped.
reason_of() {
  redis_cli zrange "$1" 0 -1 | sed -n 's/^R1 [^ ]* \([0-9]* [0-9]*\) .*e=\([^ ]*\).*/\1 \2/p' |
    sed 's/%20/ /g; s/%25/%/g'
}

expect_neighbours() {
  local place
  expect_eq 4 "$(redis_cli hget "{leat:$1}:counters" good)" "$1: increments beside it"
  for place in before behind; do
    expect_eq "/etag/$1/$place" "$(redis_cli hget "{leat:$1}:cache:$origin/etag/$1/$place" body)" \
      "$1: the copy $place it"
  done
}

expect_row() {
  local name=$1 end=$2 text=$3 key other reason
  case $end in
    dead) key=dead other=sched ;;
    retry) key=sched other=dead ;;
  esac
  expect_neighbours "$name"
  expect_eq 1 "$(redis_cli zcard "{leat:$name}:$key")" "$name: entries in :$key"
  expect_eq 0 "$(redis_cli zcard "{leat:$name}:$other")" "$name: entries in :$other"
  expect_eq 0 "$(redis_cli llen "{leat:$name}:bad")" "$name: entries in :bad"
  reason=$(reason_of "{leat:$name}:$key")
  [[ $reason == "0 1 "*"$text"* ]] || fail "$name: deliveries, fails and reason are '$reason', not '0 1 $text'"
  expect_eq 2 "$(redis_cli keys "{leat:$name}:cache:*" | wc -l)" "$name: copies kept"
}

misbehaving_pages() {
  local row options=()
  push_table
  for row in "${!names[@]}"; do options+=(-q "${names[row]}"); done
  expect_exit 0 "$leat" worker --drain --allow-net 127.0.0.1/32 "${options[@]}"
  for row in "${!names[@]}"; do expect_row "${names[row]}" "${ends[row]}" "${texts[row]}"; done
  ok "${#names[@]} kinds of misbehaving pages end as they should, and cost no neighbour anything"
}

# ---- when again ----------------------------------------------------------------------------

redis_now_ms() {
  local time
  mapfile -t time < <(redis_cli time)
  echo $((time[0] * 1000 + time[1] / 1000))
}

# expect_due QUEUE FROM_MS TO_MS: its one scheduled job is due that long after `start`.
expect_due() {
  local due
  due=$(redis_cli zrange "{leat:$1}:sched" 0 -1 withscores | tail -n 1)
  due=$((due - start))
  [ "$due" -ge "$2" ] && [ "$due" -le "$3" ] || fail "$1: due after $due ms, not $2 to $3"
}

# The policy of these jobs says 100 to 200 ms; what the server asks for is never undercut.
retry_after_is_honoured() {
  local policy='{"base_ms":200,"factor":1}' start
  start=$(redis_now_ms)
  push after_429 "$(refresh '/status/429?retry_after=30' '' "$policy")"
  push after_503 "$(refresh '/status/503?retry_after=600' '' "$policy")"
  push after_2 "$(refresh '/status/503?retry_after=2' '' '{"max":1,"base_ms":200}')"
  expect_exit 0 "$leat" worker --drain --allow-net 127.0.0.1/32 -q after_429 -q after_503 -q after_2
  expect_due after_429 30000 35000
  expect_due after_503 600000 605000
  # The third came up again while the worker drained, and died of its second failure.
  expect_match 'HTTP%20status%20503' "$(redis_cli zrange '{leat:after_2}:dead' 0 -1)" 'its end'
  [ $(($(redis_cli zrange '{leat:after_2}:dead' 0 -1 withscores | tail -n 1) - start)) -ge 2000 ] ||
    fail 'it was asked for again before the server wished'
  ok 'Retry-After is honoured, whatever the policy says'
}

# A copy needs memory: without it the job waits, the increments beside it do not.
no_memory_for_the_copy() {
  push memory "$(refresh /etag/memory '' '{"base_ms":3600000}')" '{"type":"increment","args":{"counter":"good"}}'
  redis_cli config set maxmemory 1 >"$dir/out"
  expect_exit 0 "$leat" worker --drain --allow-net 127.0.0.1/32 -q memory
  redis_cli config set maxmemory 0 >"$dir/out"
  expect_eq 1 "$(redis_cli hget '{leat:memory}:counters' good)" 'the increment beside it'
  expect_match '^0 1 OOM ' "$(reason_of '{leat:memory}:sched')" 'the reason'
  ok 'a copy for which Redis has no memory is fetched again later'
}

# ---- the test ------------------------------------------------------------------------------

redis_start
origin_start
misbehaving_pages
retry_after_is_honoured
no_memory_for_the_copy
