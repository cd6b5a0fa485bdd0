#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples in other languages do what they say: each that has its interpreter here pushes
# to a real Redis and to a real dashboard, and every job is counted; each tells a refusal by a
# message and status 1; none is longer than 20 lines.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"

examples=$(cd "$(dirname "$0")/../../examples/producers" && pwd)
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
left_out=()

# What an example needs: FILE COMMAND…, the command being a cheap proof that it is here.
needs() {
  case $1 in
    *.py) python3 -c 'import json' ;;
    post.js) node -e 'fetch' ;;
    *.js) node -e '' ;;
    *.php) php -r 'json_encode([]);' ;;
    lpush.pl) perl -MIO::Socket::INET -e '' ;;
    post.pl) perl -MHTTP::Tiny -MJSON::PP -e '' ;;
    lpush.sh) redis-cli --version ;;
    post.sh) curl --version ;;
    *) fail "no interpreter is known for $1" ;;
  esac >"$dir/needs" 2>&1
}

run() {
  local file=$1
  shift
  case $file in
    *.py) python3 "$examples/$file" "$@" ;;
    *.js) node "$examples/$file" "$@" ;;
    *.php) php "$examples/$file" "$@" ;;
    *.pl) perl "$examples/$file" "$@" ;;
    *.sh) sh "$examples/$file" "$@" ;;
  esac
}

choose_examples() {
  local path file
  usable=()
  for path in "$examples"/*; do
    file=${path##*/}
    [ "$(wc -l <"$path")" -le 20 ] || fail "$file has more than 20 lines"
    if needs "$file"; then usable+=("$file"); else left_out+=("$file"); fi
  done
  [ ${#usable[@]} -gt 0 ] || skip 'no interpreter and no redis-cli'
  ok "no example is longer than 20 lines"
}

# The private Redis gets a TCP port too: the examples know only that way.
redis_listens() {
  local tries=20
  until redis_port=$((20000 + RANDOM % 20000)) &&
    [ "$(redis_cli config set port $redis_port)" = OK ]; do
    ((tries-- > 0)) || fail 'no free port for Redis'
  done
  export LEAT_REDIS_TCP=redis://127.0.0.1:$redis_port
}

dashboard_start() {
  export LEAT_TOKEN=sixteen-and-more-characters
  (umask 077 && echo "$LEAT_TOKEN" >"$dir/token")
  child_start dashboard "$leat" dashboard --listen 127.0.0.1:0 --token-file "$dir/token"
  await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
  export LEAT_DASHBOARD
  LEAT_DASHBOARD=$(sed -n 's|.*\(http://[^/]*\)/$|\1|p' "$dir/dashboard.log")
}

# refused FILE PATTERN ARG…: status 1, and a message that says why.
refused() {
  local file=$1 pattern=$2
  shift 2
  LEAT_REDIS=$LEAT_REDIS_TCP expect_exit 1 run "$file" "$@"
  expect_match "$pattern" "$(cat "$dir/out" "$dir/err")" "$file's message"
}

pushes() {
  local file=$1 times
  for times in 1 2 3; do
    LEAT_REDIS=$LEAT_REDIS_TCP expect_exit 0 run "$file" increment \
      "{\"counter\":\"$file \\\"é\\\"\",\"by\":$times}"
    expect_match '^([0-9a-f-]+|\{"id":"[0-9-]+","queue":"default"\})$' "$(cat "$dir/out")" "what $file prints"
  done
  printf '%s "é"\t6\n' "$file" >>"$dir/expected"
}

refusals() {
  local file=$1
  refused "$file" . increment
  case $file in
    lpush.*) refused "$file" WRONGTYPE increment '{"counter":"never"}' foreign ;;
    post.*)
      refused "$file" counter increment '{"counter":""}'
      LEAT_TOKEN='not the token' refused "$file" 401 increment '{"counter":"never"}'
      ;;
  esac
  LEAT_DASHBOARD=http://127.0.0.1:1 LEAT_REDIS_TCP=redis://127.0.0.1:1 \
    refused "$file" . increment '{"counter":"never"}'
}

choose_examples
redis_start
redis_listens
redis_cli set leat:foreign x >"$dir/out"
worker_start
dashboard_start

for file in "${usable[@]}"; do
  pushes "$file"
  refusals "$file"
  ok "$file pushes, and tells what was refused"
done

jobs=$((3 * ${#usable[@]}))
await '[ "$(tally done)" = $jobs ]' 10 'the jobs to be done'
LC_ALL=C sort -o "$dir/expected" "$dir/expected"
expect_counters "$dir/expected"
expect_at_rest
expect_ended "$jobs"
ok "every job was counted, and nothing else was pushed"

redis_stop
for file in "${usable[@]}"; do refused "$file" . increment '{"counter":"never"}'; done
ok 'without Redis each says so'

[ ${#left_out[@]} = 0 ] || echo "not tried, for want of what they run in: ${left_out[*]}"
