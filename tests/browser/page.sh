#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The dashboard's page in a browser: shows the truth, changes by itself, and lets a reader act.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/browser.sh"

browser_prepare
redis_start
printf '%s\n' /news /about /feed >"$dir/pages"
origin_start --pages "$dir/pages"
cat >"$dir/grumble" <<'X'
#!/bin/sh
printf 'first <b>line</b>\nlast \342\200\256line\n' >&2
exit 1
X
chmod +x "$dir/grumble"
worker_start -p 0 --allow-net 127.0.0.0/8 --exec "grumble=$dir/grumble"
dashboard_start

# An increment beyond the brim dies; without the brim, it counts.
brim() { redis_cli hset '{leat:default}:counters' "$1" 9223372036854775807; }
unbrim() { redis_cli hdel '{leat:default}:counters' "$1"; }
counter() { "$leat" counter get "$1"; }
dead_count() { redis_cli zcard '{leat:default}:dead'; }

browser_run page.mjs
