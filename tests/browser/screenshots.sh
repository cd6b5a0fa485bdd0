#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Takes the pictures of the page that the documentation shows: docs/page-*.png. All on them is
# really so: the web log of tests/data is counted, its pages are kept fresh, some fail.
# Usage: LEAT_BIN=build/release/bin tests/browser/screenshots.sh   (with fonts-inter, if there)
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/browser.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
log=$root/tests/data/access.log

log_paths() { awk -F'"' '{ split($2, request, " "); print request[2] }' "$log"; }

# The most asked for, most asked first, of those a URL may hold as they are.
top_pages() {
  log_paths | grep -E '^[A-Za-z0-9/._?=-]+$' | sort | uniq -c | sort -k1,1nr -k2 |
    awk -v most="$1" 'NR <= most { print $2 }'
}

refresh_pages() {
  local page
  while read -r page; do
    "$leat" push -q pages refresh "url=$origin$page" "key=$page" "$@" </dev/null >>"$dir/push.out"
  done <"$dir/pages"
}

# read_pages N: read the copies as visitors would, the first page N times, the last once.
read_pages() {
  local page i many=$1
  while read -r page; do
    for ((i = 0; i < many; i++)); do http_get "$port" "/cache/$page?queue=pages" >"$dir/copy" </dev/null; done
    many=$((many * 4 / 5 + 1))
  done <"$dir/pages"
}

# some_fail: one page is gone for ever, one server is down, one line is no job.
some_fail() {
  "$leat" push -q pages refresh "url=$origin/status/404" key=/old-page
  "$leat" push -q pages refresh "url=$origin/status/503" key=/search
  "$leat" push -q pages refresh "url=$origin/status/410" key=/2009/archive
  redis_cli lpush leat:pages 'refresh /news'
}

# visitors: a second of hits, more or fewer of them.
visitors() {
  log_paths | awk -v from=$((RANDOM % 9000)) -v many=$((300 + RANDOM % 400)) \
    'NR > from && NR <= from + many' | "$leat" push --lines increment --arg counter --prefix hits:
}

# Letters as on a desktop, where there are any.
letters() {
  cat >"$dir/fonts.conf" <<'XML'
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <alias binding="same"><family>sans</family><prefer><family>Inter</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
  <alias binding="same"><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
</fontconfig>
XML
  export FONTCONFIG_FILE=$dir/fonts.conf
}

browser_prepare
letters
redis_start
top_pages 12 >"$dir/pages"
origin_start --pages "$dir/pages"
worker_start -q default -c 16
worker_start -q pages -q default -c 8 --allow-net 127.0.0.0/8
dashboard_start
log_paths | "$leat" push --lines increment --arg counter --prefix hits:
refresh_pages
some_fail
browser_run screenshots.mjs "$root/docs"
