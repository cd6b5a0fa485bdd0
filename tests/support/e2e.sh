# SPDX-License-Identifier: MIT
# For sourcing by the tests in tests/e2e (bash). Gives a test a directory of its own ($dir),
# a private Redis on a unix socket in it, workers and other children, all ended by pid and
# in the reverse order when the test ends. LEAT_BIN names the folder of the binaries.
#   ok NAME                      one line for what was shown
#   fail TEXT, skip TEXT         end the test: 1 with the logs' tails, 77
#   await CONDITION S WHAT       poll a shell condition until it holds, S seconds at most
#   expect_eq WANT GOT WHAT, expect_match REGEX TEXT WHAT, expect_exit CODE COMMAND…
#   child_start NAME COMMAND…    background child; $child is its pid, $dir/NAME.log its output
#   child_stop PID [SIGNAL]      end it and wait; its exit status is in $status
#   redis_start [ARG…], redis_stop, redis_kill9, redis_cli ARG…
#   aof_repair DIR               before a server starts there again
#   worker_start ARG…, worker_pid, worker_log, worker_stop [SIGNAL]
#   blocked_bells                how many: two for each queue of each process that is idle
#   await_idle N                 until N processes, of one queue, are idle
#   origin_start [OPTION…]       a web server: $origin is its URL, $origin_port its port
#   origin_asked PATH            how often it was asked for that
#   http_get PORT PATH           the whole answer of a loopback HTTP server
#   http_send PORT METHOD PATH FILE [HEADER…]    the same with a body
set -Eeuo pipefail

e2e_support=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$e2e_support/install.sh"

child=''          # pid of the newest child
status=0          # exit status of the child that child_stop ended
e2e_pids=()       # every child started, in order
e2e_undos=()      # commands for the end, when all children have ended
e2e_kept=${E2E_DIR:-} # a directory given by the caller is kept
e2e_complaint=''  # what failed
worker_count=0
redis_pid=''
crowd=()          # descriptors of http_crowd

e2e_init() {
  : "${LEAT_BIN:?names the folder of the binaries}"
  LEAT_BIN=$(cd "$LEAT_BIN" && pwd)
  dir=${e2e_kept:-$(mktemp -d "${TMPDIR:-/tmp}/leat-e2e.XXXXXX")}
  # A unix socket's path ends at 107 bytes; a deep checkout needs another place for it.
  socket_dir=$dir
  [ ${#dir} -le 80 ] || socket_dir=$(mktemp -d /tmp/leat-e2e.XXXXXX)
  socket=$socket_dir/redis.sock
  leat=$LEAT_BIN/leat
  export LEAT_REDIS=unix://$socket
  export LEAT_CONFIG='' # not this machine's
  e2e_traps_set
}

e2e_traps_set() {
  trap 'e2e_end $?' EXIT
  trap 'complain "line $LINENO: $BASH_COMMAND"' ERR
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Runs at every end of the test, asked for or not.
e2e_end() {
  trap - EXIT ERR
  trap '' INT TERM
  set +e
  local i
  for ((i = ${#e2e_pids[@]} - 1; i >= 0; i--)); do
    child_stop "${e2e_pids[i]}"
  done
  # Said again behind the logs: of a long output people and machines keep the end.
  case $1 in 0 | 77 | 130 | 143) ;; *) e2e_logs >&2; echo "$e2e_complaint" >&2 ;; esac
  for ((i = 0; i < ${#e2e_undos[@]}; i++)); do eval "${e2e_undos[i]}"; done
  [ "$socket_dir" = "$dir" ] || rm -rf "$socket_dir"
  [ -n "$e2e_kept" ] || rm -rf "$dir"
  exit "$1"
}

e2e_logs() {
  local log
  for log in "$dir"/*.log; do
    [ -s "$log" ] || continue
    echo "--- ${log##*/}, last lines"
    tail -n 15 "$log"
  done
}

complain() {
  e2e_complaint="not ok - $*"
  echo "$e2e_complaint" >&2
}

ok() {
  echo "ok - $*"
}

fail() {
  local i line=''
  for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
    [ "${BASH_SOURCE[i]}" -ef "${BASH_SOURCE[0]}" ] && continue
    line="${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}: "
    break
  done
  complain "$line$*"
  exit 1
}

skip() {
  echo "skip - $*"
  exit 77
}

await() {
  local end=$((SECONDS + $2))
  until eval "$1"; do
    [ "$SECONDS" -le "$end" ] || fail "waited $2 s for $3"
    sleep 0.05
  done
}

expect_eq() {
  [ "$1" = "$2" ] || fail "$3: wanted '$1', got '$2'"
}

expect_match() {
  [[ $2 =~ $1 ]] || fail "$3: '$2' does not match '$1'"
}

# The command's output goes to $dir/out and $dir/err, so that a test can look at it.
expect_exit() {
  local want=$1 got=0
  shift
  "$@" >"$dir/out" 2>"$dir/err" || got=$?
  [ "$got" = "$want" ] || {
    tail -n 5 "$dir/err" >&2
    fail "exit status $got, not $want, of: $*"
  }
}

# setsid: a Ctrl-C at the terminal must reach only the script, which then ends its children
# in order. No traps while forking, and no return before the child has become its command:
# a signal in between would be lost, or would run the traps and end the child's siblings.
child_start() {
  local log=$dir/$1.log tries=100
  shift
  trap - EXIT ERR INT TERM
  setsid "$@" >>"$log" 2>&1 </dev/null &
  child=$!
  while [ "/proc/$child/exe" -ef "/proc/$$/exe" ] && ((tries-- > 0)); do sleep 0.01; done
  e2e_traps_set
  e2e_pids+=("$child")
}

child_alive() {
  kill -0 "$1" 2>/dev/null
}

# children_of PID: of a worker's master, say.
children_of() {
  cat /proc/"$1"/task/*/children 2>/dev/null || true
}

# Five seconds of grace, then SIGKILL, its children too; afterwards the child is forgotten, so
# that its pid is never used again.
child_stop() {
  local pid=$1 signal=${2:-TERM} other end=$((SECONDS + 5)) left=()
  { # quiet: the shell would report each child that a signal ended
    kill -s "$signal" "$pid" || true
    while child_alive "$pid" && [ "$SECONDS" -le "$end" ]; do sleep 0.02; done
    kill -s KILL "$pid" $(children_of "$pid") || true
    status=0
    wait "$pid" || status=$?
  } 2>/dev/null
  for other in "${e2e_pids[@]}"; do
    [ "$other" = "$pid" ] || left+=("$other")
  done
  e2e_pids=("${left[@]}")
}

redis_cli() {
  redis-cli -s "$socket" "$@"
}

# A server that is killed while it writes may leave the beginning of a transaction. Redis 7.0.15
# cuts off only the command that is not whole, appends behind the rest, and runs that half when
# it starts the next time. So it is cut off first, as docs/operating-redis.md says.
aof_repair() {
  local manifest=$1/appendonlydir/appendonly.aof.manifest
  [ ! -e "$manifest" ] || echo y | redis-check-aof --fix "$manifest" >"$dir/aof_repair.out" 2>&1 ||
    fail "the file of $1 cannot be repaired: $(tail -n 3 "$dir/aof_repair.out")"
}

# Arguments are appended, and the later of two wins. The data stays in $dir/redis, so a
# start after redis_stop or redis_kill9 finds it again.
redis_start() {
  redis_link "$dir/tools" || skip "no redis-server"
  mkdir -p "$dir/redis"
  aof_repair "$dir/redis"
  child_start redis "$dir/tools/redis-server" --port 0 --unixsocket "$socket" \
    --unixsocketperm 700 --dir "$dir/redis" --save '' --appendonly yes \
    --appendfsync everysec --maxmemory-policy noeviction "$@"
  redis_pid=$child
  await '[ "$(redis_cli ping 2>&1)" = PONG ] || ! child_alive "$redis_pid"' 10 'Redis to answer'
  child_alive "$redis_pid" || fail "Redis did not start"
}

redis_stop() {
  child_stop "$redis_pid"
}

redis_kill9() {
  child_stop "$redis_pid" KILL
}

worker_start() {
  worker_count=$((worker_count + 1))
  child_start "worker-$worker_count" "$leat" worker "$@"
  worker=$child
}

worker_pid() {
  echo "$worker"
}

worker_log() {
  echo "$dir/worker-$worker_count.log"
}

worker_stop() {
  child_stop "$worker" "$@"
}

blocked_bells() {
  redis_cli client list | grep leat-bell | grep -c flags=b || true
}

await_idle() {
  local bells=$((2 * $1))
  await '[ "$(blocked_bells)" = $bells ]' 20 "$1 idle processes"
}

# Bare Debian has no HTTP client; bash can open a connection itself.
http_get() {
  local fd
  exec {fd}<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&"$fd"
  cat <&"$fd"
  exec {fd}>&-
}

# The body is FILE, /dev/null for none; headers are further arguments.
http_send() {
  local fd port=$1 method=$2 path=$3 file=$4
  shift 4
  exec {fd}<>"/dev/tcp/127.0.0.1/$port" || return 1
  { # a server that refuses may stop reading
    printf '%s\r\n' "$method $path HTTP/1.1" "Host: 127.0.0.1:$port" 'Connection: close' \
      "Content-Length: $(stat -c %s "$file")" "$@" '' >&"$fd"
    cat "$file" >&"$fd" || true
  } 2>/dev/null
  cat <&"$fd"
  exec {fd}>&-
}

# http_crowd N PORT PATH: N more ask and wait for their answers, until http_crowd_leaves. No child
# may be started in between: it would hold their connections, too.
http_crowd() {
  local fd i
  for ((i = 0; i < $1; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$2" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n\r\n' "$3" "$2" >&"$fd"
    crowd+=("$fd")
  done
}

http_crowd_leaves() {
  local fd
  for fd in "${crowd[@]}"; do exec {fd}>&-; done
  crowd=()
}

origin_start() {
  child_start origin "$LEAT_BIN/leat-origin" "$@"
  await 'grep -q ^listening "$dir/origin.log"' 10 'the origin to listen'
  origin_port=$(sed -n 's/^listening //p' "$dir/origin.log")
  origin=http://127.0.0.1:$origin_port
}

origin_asked() {
  http_get "$origin_port" "/requests?path=$1" | tail -n 1 | tr -dc 0-9
}

# port_free PORT: does nobody listen there?
port_free() {
  ! (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

e2e_init
