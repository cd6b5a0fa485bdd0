#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The main job on real input: a web log's hits counted and its pages refreshed, through a
# private Redis, by one worker; every number compared with what awk counts and every copy
# with what the origin serves. A test by itself; ./run calls it with E2E_DIR (kept) and, on
# a terminal, with --stay.
. "$(dirname "$0")/../support/e2e.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
log=$root/tests/data/access.log
page_count=50

# The path and the status of each line, by the one rule that push and compare share. The
# fields are cut at the quotes: a path may hold anything but a quote or a blank, and a
# missing quote at the end of a line changes neither field.
log_paths() { awk -F'"' '{ split($2, request, " "); print request[2] }' "$log"; }
log_codes() { awk -F'"' '{ split($3, answer, " "); print answer[1] }' "$log"; }

# name<TAB>count, sorted by bytes, of all lines on stdin, each name with a prefix.
count_lines() {
  awk -v prefix="$1" '{ count[$0]++ }
    END { for (name in count) print prefix name "\t" count[name] }'
}

# From NDJSON {"name":…,"value":…} to name<TAB>value. The log holds nothing that needs other
# escapes than these two; if it did, the comparison would fail.
plain_counters() {
  awk '{
    at = match($0, /","value":"?-?[0-9]+"?\}$/)
    name = substr($0, 10, at - 10)
    value = substr($0, at + 10)
    gsub(/[^0-9-]/, "", value)
    gsub(/\\\\/, "\001", name); gsub(/\\"/, "\"", name); gsub(/\001/, "\\", name)
    print name "\t" value
  }'
}

# Nothing waits, runs or is due later; failed pages are fetched again within seconds.
queue_is_done() {
  local counts
  counts=$("$leat" queue get default --json) || return 1
  for state in ready high staging suspects running scheduled retrying; do
    [[ $counts =~ \"$state\":0[,}] ]] || return 1
  done
}

# Seconds and tenths since the argument, an $EPOCHREALTIME.
seconds_since() {
  awk -v from="${1/,/.}" -v to="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f", to - from }'
}

push_counts() {
  local began=$EPOCHREALTIME
  log_paths | "$leat" push --lines increment --arg counter --prefix hits: >"$dir/push-hits.out"
  log_codes | "$leat" push --lines increment --arg counter --prefix status: >"$dir/push-codes.out"
  ok "pushed 20,000 increments in $(seconds_since "$began") s"
}

compare_counts() {
  { log_paths | count_lines hits:; log_codes | count_lines status:; } |
    LC_ALL=C sort >"$dir/counters.want"
  "$leat" counter ls --json | plain_counters | LC_ALL=C sort >"$dir/counters.got"
  echo "The ten most counted:"
  "$leat" counter top 10
  if ! diff "$dir/counters.want" "$dir/counters.got" >"$dir/counters.diff"; then
    head -n 20 "$dir/counters.diff" >&2
    fail "counters differ from the log: $dir/counters.diff ('<' is the log)"
  fi
  ok "all $(wc -l <"$dir/counters.want") counters equal what awk counts in the log"
}

# The most requested paths, as a URL writes them: what no URL may hold is percent-encoded.
top_pages() {
  log_paths | count_lines '' | LC_ALL=C sort -t "$(printf '\t')" -k2,2nr -k1,1 |
    awk -v most="$page_count" 'NR <= most' | cut -f1 | LC_ALL=C awk '
      BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = sprintf("%%%02X", i) }
      {
        url = ""
        for (i = 1; i <= length($0); i++) {
          c = substr($0, i, 1)
          url = url (c ~ /[A-Za-z0-9\/._~:?@!$&()*+,;=%-]/ ? c : code[c])
        }
        print url
      }'
}

# push_refreshes [key=value…]
push_refreshes() {
  local page
  while read -r page; do
    "$leat" push refresh "url=$origin$page" "$@" </dev/null >>"$dir/push-refresh.out"
  done <"$dir/pages"
}

# The second round asks for pages that are fresh (max_age_ms 0: they changed), so that the
# origin's 304 is seen too.
refresh_twice() {
  top_pages >"$dir/pages"
  mkdir -p "$dir/bodies"
  origin_start --pages "$dir/pages" --write-bodies "$dir/bodies"
  push_refreshes
  await queue_is_done 120 'the first refreshes'
  push_refreshes max_age_ms:=0
  ok "pushed $page_count refreshes, twice"
}

compare_copies() {
  local page number=0 wrong=0
  while read -r page; do
    number=$((number + 1))
    "$leat" cache get "$origin$page" </dev/null >"$dir/copy" || true
    cmp -s "$dir/copy" "$dir/bodies/$number" || {
      echo "differs: $origin$page" >&2
      wrong=$((wrong + 1))
    }
  done <"$dir/pages"
  [ "$wrong" = 0 ] || fail "$wrong of $page_count cached copies differ from the origin"
  ok "all $page_count cached copies equal what the origin serves"
}

dashboard_start() {
  port=8740
  until port_free "$port"; do port=$((port + 1)); done
  child_start dashboard "$leat" dashboard --listen "127.0.0.1:$port"
  await '[[ $(http_get "$port" /livez 2>/dev/null) = HTTP/1.1\ 200* ]] || ! child_alive "$child"' \
    10 'the dashboard to answer'
  child_alive "$child" || fail "the dashboard did not start"
  ok "the dashboard answers"
}

redis_start
worker_start --allow-net 127.0.0.0/8
echo "Redis ${LEAT_REDIS}, worker $(worker_pid), logs in $dir"
dashboard_start
push_counts
refresh_twice
await queue_is_done 120 'the queue to be done'
ok "the queue is done: nothing waits, runs or is scheduled"
compare_counts
compare_copies
[ "${1:-}" = --stay ] || exit 0
echo "Dashboard: http://127.0.0.1:$port/"
echo "Ctrl-C ends everything."
trap 'echo; exit 0' INT
wait -n "${e2e_pids[@]}" || true
fail "one of the processes ended by itself"
