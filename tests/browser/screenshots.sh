#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Takes the pictures of the page that the documentation shows: docs/page-*.png. All on them is
# really so: the web log of tests/data is counted, its pages are kept fresh and read, some fail.
# Usage: LEAT_BIN=build/release/bin bash tests/browser/screenshots.sh  (nicer with fonts-inter)
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/browser.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
log=$root/tests/data/access.log

log_paths() { awk -F'"' '{ split($2, request, " "); print request[2] }' "$log"; }

# The most asked for, most asked first, of those that a URL holds as they are.
top_pages() {
  log_paths | grep -E '^[A-Za-z0-9/._?=-]+$' | sort | uniq -c | sort -k1,1nr -k2 |
    awk -v most="$1" 'NR <= most { print $2 }'
}

# Each page's copy is fresh for a time of its own; its first reader waits for it.
keep_pages() {
  local page fresh_ms=4000
  while read -r page; do
    "$leat" push refresh "url=$origin$page" "key=$page" max_age_ms:="$fresh_ms" </dev/null
    http_get "$port" "/cache/$page?wait=5s" </dev/null >"$dir/copy"
    fresh_ms=$((fresh_ms * 2))
  done <"$dir/pages"
}

# A second of visitors: hits are counted, copies are read, the first page's the most; who reads a
# stale one has it refreshed. Now and then somebody searches, which is slow.
visitors() {
  local page many=$((6 + RANDOM % 5)) i
  log_paths | awk -v from=$((RANDOM % 9000)) -v many=$((300 + RANDOM % 400)) \
    'NR > from && NR <= from + many' | "$leat" push --lines increment --arg counter --prefix hits:
  while read -r page && [ "$many" -gt 0 ]; do
    for ((i = 0; i < many; i++)); do http_get "$port" "/cache/$page" </dev/null >"$dir/copy"; done
    many=$((many - 1 - RANDOM % 2))
  done <"$dir/pages"
  for ((i = RANDOM % 9; i > 0; i--)); do
    "$leat" push -q search refresh "url=$origin/slow?ms=900&q=$RANDOM"
  done
}

# One page is gone for ever, one server is down, one line is no job.
some_fail() {
  "$leat" push refresh "url=$origin/status/404" key=/presentations/2009/
  "$leat" push refresh "url=$origin/status/410" key=/old-blog/feed
  "$leat" push refresh "url=$origin/status/503" key=/projects/
  redis_cli lpush leat:default 'refresh /news'
}

# Letters as on a desktop, where they are installed.
letters() {
  local family
  {
    echo '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
    echo '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>'
    for family in system-ui sans sans-serif; do
      echo "<match><test name='family'><string>$family</string></test><edit name='family'"
      echo "mode='prepend' binding='strong'><string>Inter</string></edit></match>"
    done
    echo '</fontconfig>'
  } >"$dir/fonts.conf"
  export FONTCONFIG_FILE=$dir/fonts.conf
}

browser_prepare
letters
redis_start
top_pages 8 >"$dir/pages"
origin_start --pages "$dir/pages"
worker_start -p 0 -q default -c 16 --allow-net 127.0.0.0/8
worker_start -p 0 -q search -q default -c 4 --allow-net 127.0.0.0/8
dashboard_start
{
  log_paths | "$leat" push --lines increment --arg counter --prefix hits:
  keep_pages
  some_fail
} >"$dir/push.log" 2>&1
browser_run screenshots.mjs "$root/docs"
