#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# PROTOCOL.md is the contract, so it must not lag behind: every key, script, outcome, field,
# limit and error word of the sources is named in it, the limits with their values, and every
# test that it names is there. Each row of the list below says where names come from.
set -euo pipefail
shopt -s lastpipe # so that what a pipe feeds can count
cd "$(dirname "$0")/../../broker-schema"

page=PROTOCOL.md
lua=(lua/*.lua lua/lib/*.lua)
failed=0 seen=0

offence() {
  echo "$page: $1"
  failed=1
}

# The part of each line of FILE… that matches PATTERN behind \K.
names() { { grep -ohP "$1" "${@:2}" || true; } | sort -u; }

# named WHAT BEFORE AFTER: each name on stdin stands in the page between these two.
named() {
  local name count=0
  while read -r name; do
    count=$((count + 1))
    grep -qF -- "$2$name$3" "$page" || offence "no $1 $2$name$3"
  done
  [ "$count" -gt 0 ] || offence "no $1 found in the sources: this test has lost them"
  seen=$((seen + count))
}

# NAME EXPRESSION of each limit, comments and INT64_C() left out.
limits() {
  sed -n -E 's|/\*.*||; s/INT64_C//; s/^#define +(LIMIT_[A-Z_]+) +(.*)/\1 \2/p
    s/^ +(LIMIT_[A-Z_]+) = (.*),.*/\1 \2/p' schema/limits.h
}

# 65536 -> 65,536
with_commas() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$1"; }

# `| LIMIT | value |` of each limit. An expression may name limits above it.
limit_rows() {
  local name expression value
  while read -r name expression; do
    value=$((expression))
    printf -v "$name" '%s' "$value"
    echo "| \`$name\` | $(with_commas "$value") |"
  done < <(limits)
}

tests_are_there() {
  local path
  while read -r path; do
    [ -e "../tests/$path" ] || offence "names tests/$path, which is not there"
  done < <(names '`\K(unit|broker|e2e|chaos|model)/[a-z0-9_]+\.(c|sh)(?=`)' "$page")
}

names '^ +X\([a-z]+, "\K:[a-z]+' schema/queue.h | named key '`' '`'
names '"%sp:%s"|"%sre:%s"|"(cache|t):"' schema/queue.c | sed 's/[%s"]//g; s/^/:/' | named key '`' '<'
names '_KEY +"\K\{leat\}:[a-z]+' schema/queue.h | named key '`' '`'
for script in lua/*.lua; do basename "$script"; done | named script ' ' ' '
names '^  \K[a-z](?= = \{.*\},)' lua/lib/form.lua | named outcome '| `' '` |'
names "(tally\('|count = \{|'HINCRBY', KEYS\[[0-9]+\], ')\K[a-z_]+" "${lua[@]}" | named 'count of :m' '`' '`'
names "'HGET', KEYS\[[0-9]+\], '\K(paused|maxlen|seen|turn)" "${lua[@]}" | named 'field of :m' '`' '`'
names '\{"\K[a-z_]+(?=", FIELD_)' schema/{envelope,args,follow_up,job_answer}.c | named field '`' '`'
names '\{"\K[A-Z]+(?=", REPLY_)' broker/reply.c | named 'error word' '`' '`'
names '(add_(text|number)\(out, "|^ +\{"|\\")\K[a-z_]+(?=(", |\\":))' ../worker/record.c | named "field of a worker's record" '"' '":'
limit_rows | named limit '' ''
tests_are_there

[ "$failed" = 0 ] || exit 1
echo "ok - PROTOCOL.md names all $seen"
