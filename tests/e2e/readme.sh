#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# "Your first own job" of the README, as it stands there: its two blocks, pasted into two shells.
. "$(dirname "$0")/../support/e2e.sh"

command -v python3 >/dev/null || skip 'no python3 for one of its handlers'
readme=$(cd "$(dirname "$0")/../.." && pwd)/README.md

# block N: the Nth fenced block of that section.
block() {
  awk -v wanted="$1" '/^## / { here = /first own job/ } here && /^```/ { inside = !inside; n += inside; next }
    here && inside && n == wanted' "$readme"
}

export PATH=$LEAT_BIN:$PATH XDG_STATE_HOME=$dir/state
mkdir "$dir/empty" "$dir/state" && cd "$dir/empty"
block 1 | sed 's|^leat up|exec leat up --listen 127.0.0.1:0|' >"$dir/first.sh"
block 2 >"$dir/second.sh"
[ "$(wc -l <"$dir/first.sh")" -gt 10 ] && [ -s "$dir/second.sh" ] || fail 'the README has no such section'
child_start up sh "$dir/first.sh"
await 'grep -q "export LEAT_REDIS" "$dir/up.log"' 30 'leat up'
eval "$(sed -n 's/^ *\(export LEAT_REDIS=.*\)/\1/p' "$dir/up.log")"
sh "$dir/second.sh" >"$dir/out"
expect_eq '"Hello, World"' "$(head -n 1 "$dir/out")" 'what the first line prints'
await '[ "$(leat counter get shouted)" = 1 ]' 30 'the job that follows'
expect_eq 'greeted 2 shouted 1' "$(leat counter ls | tr -s '\t\n' ' ' | sed 's/ $//')" 'the counters'
ok 'the first own job, in shell and in Python, works as the README has it'
