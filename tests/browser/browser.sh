# SPDX-License-Identifier: MIT
# For sourcing behind tests/support/e2e.sh: a browser script in node, with this shell at its
# service. The script asks for a line of shell at a time (see shell.mjs), so that Redis, workers
# and the dashboard are started, killed and cleaned up by e2e.sh alone.
#   browser_prepare              chromium, node and the modules are there, or the test is skipped
#   browser_run SCRIPT [ARG…]    run it; fails when it fails
#   dashboard_start [ARG…]       on the port it had before, if it had one; $port is its port
#   dashboard_stop [SIGNAL]
#   origin_start [ARG…]          $origin is its URL

browser_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
browser_modules=$(dirname "$LEAT_BIN")/browser
port=0
dashboard=''

browser_prepare() {
  local tool
  BROWSER_CHROMIUM=$(command -v chromium-headless-shell || command -v chromium) ||
    skip "no chromium-headless-shell; ./test all installs it"
  for tool in node npm; do
    command -v "$tool" >/dev/null || skip "no $tool; ./test all installs it"
  done
  mkdir -p "$browser_modules"
  cmp -s "$browser_here/package-lock.json" "$browser_modules/installed" && return
  cp "$browser_here"/package*.json "$browser_modules"
  npm ci --ignore-scripts --no-audit --no-fund --prefix "$browser_modules" >"$dir/npm.log" 2>&1 ||
    skip "npm could not install the browser's driver (offline?): $(grep -i -m 1 err "$dir/npm.log")"
  cp "$browser_here/package-lock.json" "$browser_modules/installed"
}

browser_run() {
  local ask answer part line='' node
  mkfifo "$dir/ask" "$dir/answer"
  exec {ask}<>"$dir/ask" {answer}<>"$dir/answer"
  export BROWSER_MODULES=$browser_modules BROWSER_DIR=$dir BROWSER_CHROMIUM
  child_start browser node "$browser_here/$1" "${@:2}"
  node=$child
  while child_alive "$node"; do
    # At the end of its time, read has taken what there was of a line.
    if IFS= read -r -t 0.1 -u "$ask" part; then
      eval "$line$part" >"$dir/told"
      { tr '\n' ' ' <"$dir/told"; echo; } >&"$answer"
      line=''
    else
      line+=$part
    fi
  done
  child_stop "$node"
  grep '^ok - ' "$dir/browser.log" || true
  [ "$status" = 0 ] || fail "$1 failed"
}

dashboard_start() {
  local log=$dir/dashboard.log
  : >"$log"
  child_start dashboard "$LEAT_BIN/leat-dashboard" --listen "127.0.0.1:$port" "$@"
  dashboard=$child
  await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
  port=$(sed -n 's/^dashboard.*:\([0-9]*\)\/$/\1/p' "$log")
}

dashboard_stop() {
  child_stop "$dashboard" "$@"
}

origin_start() {
  child_start origin "$LEAT_BIN/leat-origin" --port 0 "$@"
  await 'grep -q "^listening" "$dir/origin.log"' 10 'the origin to listen'
  origin=http://127.0.0.1:$(awk '$1 == "listening" { print $2 }' "$dir/origin.log")
}
